/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pairs that start or end without our doing: the guest powers off, dxl is used beside virsh, a
 * monitor builds its pair anew, the daemon was away.  watch.c brings the news.
 */
#include "lifecycle.h"

VIR_LOG_INIT("diptych.follow");

#define TOO_SOON_SECONDS \
	10 /* a domain that ends sooner would be restarted for ever: as diptych-monitor */

/* Events ----------------------------------------------------------------------------------- */

/* The domain of an event, in a job; NULL when it is none of ours, or is being removed. */
static virDomainObj *of_event(const unsigned char *uuid)
{
	virDomainObj *vm;

	/* A job may take longer than libvirt is willing to wait in one go. */
	while ((vm = virDomainObjListFindByUUID(driver->domains, uuid))) {
		if (virDomainObjBeginJob(vm, VIR_JOB_MODIFY) == 0)
			return vm;
		virDomainObjEndAPI(&vm);
		virResetLastError();
	}
	return NULL;
}

static void job_done(virDomainObj *vm)
{
	virDomainObjEndJob(vm);
	virDomainObjEndAPI(&vm);
}

void follow_started(const unsigned char *uuid, uint32_t guest)
{
	virDomainObj *vm = of_event(uuid);
	struct diptych_pair pair;
	bool anew;

	if (!vm)
		return;
	anew = virDomainObjIsActive(vm);
	if (anew && vm->def->id == (int)guest)
		goto out;
	/* Waiting for the job may have taken longer than its life. */
	if (!pair_find(uuid, &pair))
		goto out;
	diptych_pair_dispose(&pair);
	if (pair.guest != guest ||
	    (!anew && virDomainObjSetDefTransient(driver->xmlopt, vm, NULL) < 0))
		goto out;
	activate(vm, guest, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
	if (anew)
		virObjectEventStateQueue(driver->events, virDomainEventRebootNewFromObj(vm));
	else
		event_queue(vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
out:
	job_done(vm);
}

/* It has ended and is to be built anew.  Whether it was. */
static bool restarted(virDomainObj *vm)
{
	unsigned char uuid[VIR_UUID_BUFLEN];
	struct diptych_pair pair;
	bool is;

	memcpy(uuid, vm->def->uuid, sizeof(uuid));
	virObjectUnlock(vm);
	is = pair_settled(uuid, &pair);
	virObjectLock(vm);
	if (!is)
		return false;
	diptych_pair_dispose(&pair);
	activate(vm, pair.guest, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
	virObjectEventStateQueue(driver->events, virDomainEventRebootNewFromObj(vm));
	return true;
}

static void ended(virDomainObj *vm, enum diptych_end end)
{
	int action = VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY;
	virDomainShutoffReason reason = VIR_DOMAIN_SHUTOFF_FAILED;
	virDomainEventStoppedDetailType detail = VIR_DOMAIN_EVENT_STOPPED_FAILED;

	switch (end) {
	case DIPTYCH_END_POWEROFF:
	case DIPTYCH_END_REBOOT:
		action = end == DIPTYCH_END_REBOOT ? vm->def->onReboot : vm->def->onPoweroff;
		reason = VIR_DOMAIN_SHUTOFF_SHUTDOWN;
		detail = VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN;
		break;
	case DIPTYCH_END_FIDELITY: /* to its user, a guest whose machine died has crashed */
	case DIPTYCH_END_CRASH:
		action = vm->def->onCrash;
		reason = VIR_DOMAIN_SHUTOFF_CRASHED;
		detail = VIR_DOMAIN_EVENT_STOPPED_CRASHED;
		break;
	case DIPTYCH_END_DESTROYED:
		reason = VIR_DOMAIN_SHUTOFF_DESTROYED;
		detail = VIR_DOMAIN_EVENT_STOPPED_DESTROYED;
		break;
	case DIPTYCH_END_UNKNOWN:
		break;
	}
	/* The monitor of the pair does what is to be done, we only tell.  We hear of the end when the
	 * panels are gone: one that was to be preserved was ended by hand since. */
	if (action != VIR_DOMAIN_LIFECYCLE_ACTION_RESTART || !restarted(vm))
		deactivate(vm, reason, detail);
}

void follow_ended(const unsigned char *uuid, uint32_t guest, int end)
{
	virDomainObj *vm = of_event(uuid);

	if (!vm)
		return;
	if (virDomainObjIsActive(vm) && vm->def->id == (int)guest)
		ended(vm, (enum diptych_end)end);
	job_done(vm);
}

/* The pair has ended and its panels stay, as on_... asked. */
static void set_preserved(virDomainObj *vm, enum diptych_end end)
{
	if (end == DIPTYCH_END_POWEROFF || end == DIPTYCH_END_REBOOT) {
		virDomainObjSetState(vm, VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN);
		event_queue(vm, VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST);
	} else {
		virDomainObjSetState(vm, VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_UNKNOWN);
		event_queue(vm, VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED);
	}
	save_status(vm);
}

static bool may_be_preserved(const virDomainDef *def)
{
	return def->onPoweroff == VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE ||
	       def->onReboot == VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE ||
	       def->onCrash == VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE;
}

static void check_preserved(virDomainObj *vm)
{
	struct diptych_pair pair;

	if (!virDomainObjIsActive(vm) || !may_be_preserved(vm->def) ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		return;
	if (virDomainObjIsActive(vm) && virDomainObjGetState(vm, NULL) == VIR_DOMAIN_RUNNING &&
	    pair_find(vm->def->uuid, &pair)) {
		if (pair.state == DIPTYCH_SHUTDOWN)
			set_preserved(vm, pair.end);
		diptych_pair_dispose(&pair);
	}
	virDomainObjEndJob(vm);
}

/* libdiptych tells of pairs that come and go; one that stays after its end has to be looked for. */
void follow_preserved(void)
{
	for_each_domain(check_preserved);
}

/* PVH domains: nobody but this driver is beside them -------------------------------------------- */

static int action_at(const virDomainDef *def, enum diptych_end end)
{
	return end == DIPTYCH_END_POWEROFF ? def->onPoweroff
	       : end == DIPTYCH_END_REBOOT ? def->onReboot
					   : def->onCrash;
}

/* Takes it away, and builds it anew where that is asked for. */
static void pvh_ended(virDomainObj *vm, enum diptych_end end)
{
	struct domain_private *private = vm->privateData;
	int action = action_at(vm->def, end);
	bool again = action == VIR_DOMAIN_LIFECYCLE_ACTION_RESTART;
	uint32_t domid;

	if (action == VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE) {
		set_preserved(vm, end);
		return;
	}
	if (again && time(NULL) - private->started < TOO_SOON_SECONDS) {
		VIR_WARN("Domain %s is not restarted: it ran for less than %d s", vm->def->name,
			 TOO_SOON_SECONDS);
		again = false;
	}
	virObjectUnlock(vm);
	if (pvh_end((uint32_t)vm->def->id) < 0 ||
	    (again && pvh_start(vm->def, false, &domid) < 0)) {
		VIR_WARN("Domain %s: %s", vm->def->name, virGetLastErrorMessage());
		virResetLastError();
		again = false;
	}
	virObjectLock(vm);
	if (again) {
		activate(vm, domid, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
		virObjectEventStateQueue(driver->events, virDomainEventRebootNewFromObj(vm));
	} else if (end == DIPTYCH_END_CRASH) {
		deactivate(vm, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_CRASHED);
	} else {
		deactivate(vm, VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN);
	}
}

static void check_pvh(virDomainObj *vm)
{
	virDomainState state = virDomainObjGetState(vm, NULL);
	struct diptych_pair found;
	int is;

	/* One that was preserved stays until somebody destroys it. */
	if (!virDomainObjIsActive(vm) || !is_pvh(vm->def) ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		return;
	if (virDomainObjIsActive(vm)) {
		is = pvh_look(vm->def->uuid, &found);
		if (is < 0)
			VIR_WARN("Domain %s: the hypervisor cannot be asked", vm->def->name);
		else if (!is || found.guest != (uint32_t)vm->def->id ||
			 found.state == DIPTYCH_DYING)
			deactivate(vm, VIR_DOMAIN_SHUTOFF_DESTROYED,
				   VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
		else if (found.state == DIPTYCH_SHUTDOWN && state != VIR_DOMAIN_SHUTDOWN &&
			 state != VIR_DOMAIN_CRASHED)
			pvh_ended(vm, found.end);
		diptych_pair_dispose(&found);
	}
	virDomainObjEndJob(vm);
}

void follow_pvh(void)
{
	for_each_domain(check_pvh);
}

/* At the start of the daemon ---------------------------------------------------------------------- */

static void adopt(virDomainObj *vm, const struct diptych_pair *pair)
{
	bool paused = pair->state == DIPTYCH_PAUSED;

	if (virDomainObjSetDefTransient(driver->xmlopt, vm, NULL) < 0)
		return;
	activate(vm, pair->guest, paused ? VIR_DOMAIN_PAUSED : VIR_DOMAIN_RUNNING,
		 paused ? (int)VIR_DOMAIN_PAUSED_UNKNOWN : (int)VIR_DOMAIN_RUNNING_UNKNOWN);
}

/* What was active when the daemon ended, and what was started meanwhile.  No client is there yet. */
static void reconnect(virDomainObj *vm)
{
	struct diptych_pair pair;
	bool was = virDomainObjIsActive(vm);
	/* One that was active may be on its way to a new life. */
	int is = look_domain(vm->def, was, &pair);

	if (is < 0 && was) {
		/* Who gives no answer does not say that it ended: what the status file says stands. */
		VIR_WARN("Domain %s: the hypervisor cannot be asked", vm->def->name);
		pair = (struct diptych_pair){ .guest = (uint32_t)vm->def->id };
		pair.state = virDomainObjGetState(vm, NULL) == VIR_DOMAIN_PAUSED ? DIPTYCH_PAUSED
										 : DIPTYCH_RUNNING;
		is = 1;
	}
	if (is > 0 && pair.guest != DIPTYCH_NO_DOMAIN && pair.state != DIPTYCH_DYING) {
		vm->def->id = -1; /* the status file's: nobody has counted this domain yet */
		adopt(vm, &pair);
		if (pair.state == DIPTYCH_SHUTDOWN)
			set_preserved(vm, pair.end);
	} else if (was) {
		g_atomic_int_inc(&driver->running);
		deactivate(vm, VIR_DOMAIN_SHUTOFF_UNKNOWN, VIR_DOMAIN_EVENT_STOPPED_FAILED);
	}
	if (is > 0)
		diptych_pair_dispose(&pair);
}

void follow_reconnect(void)
{
	for_each_domain(reconnect);
}
