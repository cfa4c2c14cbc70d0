/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start and end of domains that a client asks for; follow.c has those that nobody did.  Two states matter: inactive (def->id is -1)
 * and active; `activate` and `deactivate` are the only ways between them.  Both, and every caller,
 * hold the domain's job; the lock is let go around libdiptych's calls.
 */
#include "lifecycle.h"

#include <conf/domain_validate.h>
#include <util/virfile.h>

VIR_LOG_INIT("diptych.lifecycle");

/* Networks that libvirt keeps -------------------------------------------------------------------- */

int network_use(virDomainDef *def, virDomainNetDef *net)
{
	g_autoptr(virConnect) conn = NULL;

	if (net->type != VIR_DOMAIN_NET_TYPE_NETWORK)
		return 0;
	conn = virGetConnectNetwork();
	if (!conn || virDomainNetAllocateActualDevice(conn, def, net) < 0)
		return -1;
	if (virDomainNetGetActualBridgeName(net))
		return 0;
	virReportError(VIR_ERR_CONFIG_UNSUPPORTED,
		       _("network '%s' is not supported by Diptych: only one with a bridge"),
		       net->data.network.name);
	network_release(def, net);
	return -1;
}

void network_release(virDomainDef *def, virDomainNetDef *net)
{
	g_autoptr(virConnect) conn = NULL;
	virErrorPtr why;

	if (net->type != VIR_DOMAIN_NET_TYPE_NETWORK)
		return;
	virErrorPreserveLast(&why);
	conn = virGetConnectNetwork();
	if (conn)
		net_release(conn, def, net);
	virErrorRestore(&why);
}

static int use_networks(virDomainDef *def)
{
	size_t i;

	for (i = 0; i < def->nnets; i++) {
		if (network_use(def, def->nets[i]) < 0)
			return -1;
	}
	return 0;
}

static void release_networks(virDomainDef *def)
{
	size_t i;

	for (i = 0; i < def->nnets; i++)
		network_release(def, def->nets[i]);
}

/* The two transitions ----------------------------------------------------------------------------- */

void save_status(virDomainObj *vm)
{
	if (virDomainObjSave(vm, driver->xmlopt, STATE_DIR) < 0)
		VIR_WARN("Cannot save the status of domain %s", vm->def->name);
}

static void show_console(virDomainObj *vm, uint32_t guest)
{
	bool pvh = is_pvh(vm->def);
	virDomainChrDef *port = pvh && vm->def->nconsoles ? vm->def->consoles[0]
				: vm->def->nserials	  ? vm->def->serials[0]
							  : NULL;
	char *path;

	if (!port)
		return;
	virObjectUnlock(vm);
	path = pvh ? pvh_console(guest) : pair_console(guest);
	virObjectLock(vm);
	if (!path)
		VIR_WARN("Domain %s has no console", vm->def->name);
	g_free(port->source->data.file.path);
	port->source->data.file.path = path;
}

static void show_screen(virDomainObj *vm, uint32_t guest)
{
	virDomainGraphicsDef *graphics = vm->def->ngraphics ? vm->def->graphics[0] : NULL;
	g_autofree char *host = NULL;
	unsigned int port = 0;
	int ret;

	if (!graphics)
		return;
	virObjectUnlock(vm);
	ret = pair_vnc(guest, &host, &port);
	virObjectLock(vm);
	if (ret < 0) {
		VIR_WARN("Domain %s has no screen: %s", vm->def->name, virGetLastErrorMessage());
		virResetLastError();
		return;
	}
	graphics->data.vnc.port = (int)port;
	if (graphics->nListens && host) {
		g_free(graphics->listens[0].address);
		graphics->listens[0].address = g_steal_pointer(&host);
	} else if (host) {
		virDomainGraphicsListenAppendAddress(graphics, host);
	}
}

void show_interface(const virDomainDef *def, virDomainNetDef *net)
{
	uint32_t domid = (uint32_t)def->id;

	g_free(net->ifname);
	net->ifname = is_pvh(def) ? pvh_nic_name(domid, net) : pair_nic_name(domid, net);
	if (net->ifname)
		return;
	VIR_WARN("Domain %s: %s", def->name, virGetLastErrorMessage());
	virResetLastError();
}

/* Inactive, or active with the id of a pair that is no more: active, with this pair. */
void activate(virDomainObj *vm, uint32_t guest, virDomainState state, int reason)
{
	size_t i;

	if (!virDomainObjIsActive(vm) && g_atomic_int_add(&driver->running, 1) == 0 &&
	    driver->inhibit)
		driver->inhibit(true, driver->inhibit_opaque);
	vm->def->id = (int)guest;
	virDomainObjSetState(vm, state, reason);
	((struct domain_private *)vm->privateData)->started = time(NULL);
	show_console(vm, guest);
	show_screen(vm, guest);
	for (i = 0; i < vm->def->nnets; i++)
		show_interface(vm->def, vm->def->nets[i]);
	cpu_apply_pins(vm);
	save_status(vm);
}

/* Active: inactive, and gone from the list if it was transient. */
void deactivate(virDomainObj *vm, virDomainShutoffReason reason,
		virDomainEventStoppedDetailType detail)
{
	g_autofree char *status = virDomainConfigFile(STATE_DIR, vm->def->name);

	if (unlink(status) < 0 && errno != ENOENT)
		VIR_WARN("Cannot remove %s: %s", status, g_strerror(errno));
	vm->def->id = -1;
	virDomainObjSetState(vm, VIR_DOMAIN_SHUTOFF, (int)reason);
	release_networks(vm->def);
	event_queue(vm, VIR_DOMAIN_EVENT_STOPPED, (int)detail);
	virDomainObjRemoveTransientDef(vm);
	if (!vm->persistent)
		virDomainObjListRemove(driver->domains, vm);
	if (g_atomic_int_dec_and_test(&driver->running) && driver->inhibit)
		driver->inhibit(false, driver->inhibit_opaque);
}

/* Asked for --------------------------------------------------------------------------------------- */

static int start(virDomainObj *vm, unsigned int flags)
{
	bool paused = flags & VIR_DOMAIN_START_PAUSED;
	uint32_t guest;
	int ret;

	if (virDomainObjIsActive(vm)) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s", _("domain is already running"));
		return -1;
	}
	/* A definition that was read from disk has not been looked at yet. */
	if (virDomainDefValidate(vm->def, 0, driver->xmlopt, NULL) < 0 ||
	    virDomainObjSetDefTransient(driver->xmlopt, vm, NULL) < 0)
		return -1;

	virObjectUnlock(vm); /* the job keeps vm->def as it is */
	ret = use_networks(vm->def);
	if (ret == 0)
		ret = is_pvh(vm->def) ? pvh_start(vm->def, paused, &guest)
				      : pair_start(vm->def, paused, &guest);
	virObjectLock(vm);
	if (ret < 0) {
		release_networks(vm->def);
		virDomainObjRemoveTransientDef(vm);
		return -1;
	}
	if (paused)
		activate(vm, guest, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP);
	else
		activate(vm, guest, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
	event_queue(vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
	if (paused)
		event_queue(vm, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
	return 0;
}

int domain_create_with_flags(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, VIR_DOMAIN_START_PAUSED) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainCreateWithFlagsEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		goto out;
	ret = start(vm, flags);
	if (ret == 0)
		dom->id = vm->def->id;
	virDomainObjEndJob(vm);
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_create(virDomainPtr dom)
{
	return domain_create_with_flags(dom, 0);
}

virDomainPtr domain_create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
	unsigned int parse = VIR_DOMAIN_DEF_PARSE_INACTIVE;
	g_autoptr(virDomainDef) def = NULL;
	virDomainPtr dom = NULL;
	virDomainObj *vm;

	if (check_flags(__func__, flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_VALIDATE) < 0)
		return NULL;
	if (flags & VIR_DOMAIN_START_VALIDATE)
		parse |= VIR_DOMAIN_DEF_PARSE_VALIDATE_SCHEMA;
	if (xml_accept(xml) < 0)
		return NULL;
	def = virDomainDefParseString(xml, driver->xmlopt, NULL, parse);
	if (!def || virDomainCreateXMLEnsureACL(conn, def) < 0)
		return NULL;
	vm = domain_add(&def, VIR_DOMAIN_OBJ_LIST_ADD_LIVE | VIR_DOMAIN_OBJ_LIST_ADD_CHECK_LIVE,
			NULL);
	if (!vm)
		return NULL;
	if (start(vm, flags) == 0) {
		dom = domain_handle(conn, vm);
	} else if (!virDomainObjIsActive(vm)) {
		if (vm->persistent)
			virDomainObjRemoveTransientDef(vm);
		else
			virDomainObjListRemove(driver->domains, vm);
	}
	virDomainObjEndJob(vm);
	virDomainObjEndAPI(&vm);
	return dom;
}

int domain_destroy_flags(virDomainPtr dom, unsigned int flags)
{
	unsigned char uuid[VIR_UUID_BUFLEN];
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, VIR_DOMAIN_DESTROY_GRACEFUL) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainDestroyFlagsEnsureACL(dom->conn, vm->def) < 0 ||
	    virDomainObjBeginJob(vm, VIR_JOB_DESTROY) < 0)
		goto out;
	if (virDomainObjCheckActive(vm) < 0)
		goto end;
	memcpy(uuid, vm->def->uuid, sizeof(uuid));
	virObjectUnlock(vm);
	ret = is_pvh(vm->def) ? pvh_end((uint32_t)vm->def->id) : pair_end(uuid);
	virObjectLock(vm);
	if (ret == 0)
		deactivate(vm, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
end:
	virDomainObjEndJob(vm);
out:
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_destroy(virDomainPtr dom)
{
	return domain_destroy_flags(dom, 0);
}

static int set_paused(virDomainObj *vm, bool paused)
{
	virDomainState want = paused ? VIR_DOMAIN_PAUSED : VIR_DOMAIN_RUNNING;

	if (virDomainObjCheckActive(vm) < 0)
		return -1;
	if (virDomainObjGetState(vm, NULL) == want)
		return 0;
	if ((is_pvh(vm->def) ? pvh_set_paused((uint32_t)vm->def->id, paused)
			     : pair_set_paused((uint32_t)vm->def->id, paused)) < 0)
		return -1;
	virDomainObjSetState(
		vm, want, paused ? (int)VIR_DOMAIN_PAUSED_USER : (int)VIR_DOMAIN_RUNNING_UNPAUSED);
	save_status(vm);
	if (paused)
		event_queue(vm, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
	else
		event_queue(vm, VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
	return 0;
}

int domain_suspend(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainSuspendEnsureACL(dom->conn, vm->def) == 0 &&
	    virDomainObjBeginJob(vm, VIR_JOB_SUSPEND) == 0) {
		ret = set_paused(vm, true);
		virDomainObjEndJob(vm);
	}
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_resume(virDomainPtr dom)
{
	virDomainObj *vm = domain_of(dom);
	int ret = -1;

	if (!vm)
		return -1;
	if (virDomainResumeEnsureACL(dom->conn, vm->def) == 0 &&
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) == 0) {
		ret = set_paused(vm, false);
		virDomainObjEndJob(vm);
	}
	virDomainObjEndAPI(&vm);
	return ret;
}

/* A real guest has a power button, a PVH domain listens to xenstore.  Of 0 and of several modes any will do. */
static int check_mode(const virDomainObj *vm, unsigned int flags)
{
	bool pvh = is_pvh(vm->def);
	unsigned int mode = pvh ? VIR_DOMAIN_SHUTDOWN_PARAVIRT : VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN;

	if (!flags || flags & mode)
		return 0;
	virReportError(VIR_ERR_ARGUMENT_UNSUPPORTED,
		       _("os type '%s' is not asked to end in this mode by Diptych: only %s"),
		       virDomainOSTypeToString(vm->def->os.type), pvh ? "paravirt" : "acpi");
	return -1;
}

/* The guest does the rest, and follow.c hears of it.  Modes have the same numbers for both. */
static int ask_to_end(virDomainObj *vm, bool reboot, unsigned int flags)
{
	int ret = -1;

	if (check_mode(vm, flags) < 0 || virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		return -1;
	if (virDomainObjCheckActive(vm) == 0) {
		virObjectUnlock(vm);
		ret = is_pvh(vm->def) ? pvh_ask_to_end((uint32_t)vm->def->id, reboot)
				      : pair_ask_to_end((uint32_t)vm->def->id, reboot);
		virObjectLock(vm);
	}
	virDomainObjEndJob(vm);
	return ret;
}

int domain_shutdown_flags(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags,
			VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | VIR_DOMAIN_SHUTDOWN_PARAVIRT) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainShutdownFlagsEnsureACL(dom->conn, vm->def, flags) == 0)
		ret = ask_to_end(vm, false, flags);
	virDomainObjEndAPI(&vm);
	return ret;
}

int domain_shutdown(virDomainPtr dom)
{
	return domain_shutdown_flags(dom, 0);
}

int domain_reboot(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags,
			VIR_DOMAIN_REBOOT_ACPI_POWER_BTN | VIR_DOMAIN_REBOOT_PARAVIRT) < 0)
		return -1;
	vm = domain_of(dom);
	if (!vm)
		return -1;
	if (virDomainRebootEnsureACL(dom->conn, vm->def, flags) == 0)
		ret = ask_to_end(vm, true, flags);
	virDomainObjEndAPI(&vm);
	return ret;
}

/* At the start of the daemon ---------------------------------------------------------------------- */

static void autostart(virDomainObj *vm)
{
	if (!vm->autostart || virDomainObjIsActive(vm) ||
	    virDomainObjBeginJob(vm, VIR_JOB_MODIFY) < 0)
		return;
	if (start(vm, 0) < 0)
		VIR_ERROR(_("Failed to autostart domain %s: %s"), vm->def->name,
			  virGetLastErrorMessage());
	virDomainObjEndJob(vm);
}

void for_each_domain(void (*what)(virDomainObj *vm))
{
	virDomainObj **vms = NULL;
	size_t i, count = 0;

	virDomainObjListCollectAll(driver->domains, &vms, &count);
	for (i = 0; i < count; i++) {
		virObjectLock(vms[i]);
		what(vms[i]);
		virObjectUnlock(vms[i]);
	}
	virObjectListFreeCount(vms, count);
}

void lifecycle_autostart(void)
{
	bool first = false;

	/* Once per boot of the machine: the daemon comes and goes. */
	if (virDriverShouldAutostart(STATE_DIR, &first) == 0 && first)
		for_each_domain(autostart);
}
