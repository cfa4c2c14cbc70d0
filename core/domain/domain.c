/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domain records: making, pausing, shutting down, pairing. */
#include "domain/domain.h"

#include "domain/memory.h"
#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"
#include "vcpu/sched.h"
#include "x86/console.h"

#define GUEST_DOMAINS	1000 /* ids handed out: 1 to 999 */
#define SHUTDOWN_CRASH_ 3

struct domain *domains[MAX_DOMAINS];
bool domain_events_due;
bool domains_seal = true;

struct domain *domain_by_id(u64 id)
{
	return id < MAX_DOMAINS ? domains[id] : NULL;
}

struct domain *domain_from(u64 id)
{
	for (; id < MAX_DOMAINS; id++)
		if (domains[id])
			return domains[id];
	return NULL;
}

int domain_make(u64 id, u64 builder, bool hardware, bool passive, struct domain **made)
{
	static u64 last;
	struct domain *d;
	int err;

	if (id >= MAX_DOMAINS)
		return -EINVAL;
	if (!hardware && !id) {
		/* Numbers go up and around, so that a tool's old number does not soon mean another domain. */
		for (u64 n = 1; n < GUEST_DOMAINS; n++) {
			u64 next = (last + n - 1) % (GUEST_DOMAINS - 1) + 1;

			if (!domains[next]) {
				id = next;
				break;
			}
		}
		if (!id)
			return -ENOMEM;
	}
	if (domains[id])
		return -EEXIST;
	d = pages_alloc(DOMAIN_PAGES);
	if (!d)
		return -ENOMEM;
	err = domain_create(id, builder,
			    (hardware ? DOMAIN_HARDWARE : 0) | (passive ? DOMAIN_GUEST : 0),
			    hardware ? free_tables.nr : free_tables.nr / 4,
			    hardware ? free_slots.nr : free_slots.nr / 64);
	if (err) {
		pages_free(d, DOMAIN_PAGES);
		return err;
	}
	if (!hardware)
		last = id;
	d->id = (u16)id;
	d->life = LIFE_ALIVE;
	d->hardware = hardware;
	d->passive = passive;
	d->pause_count = 1;
	d->share.weight = WEIGHT;
	d->shared_info_gfn = ~0ull;
	for (u32 i = 0; i < GRANT_FRAMES; i++)
		d->grant_gfn[i] = ~0ull;
	domains[id] = d;
	*made = d;
	return 0;
}

int domain_make_vcpus(struct domain *d, u32 nr)
{
	if (nr > DOMAIN_VCPUS)
		return -EINVAL;
	for (u32 i = 0; i < nr; i++) {
		struct vcpu *v;

		if (d->vcpus[i])
			continue;
		v = vcpu_make(d, i,
			      d->hardware  ? SVM_DOM0
			      : d->passive ? SVM_GUEST
					   : SVM_PVH,
			      &d->share);
		if (!v)
			return -ENOMEM;
		v->apic.id = i * 2; /* as libxl's MADT has it; dom0's are set by boot */
		d->vcpus[i] = v;
		d->max_vcpus = max_u64(d->max_vcpus, i + 1) & 0xffffffff;
	}
	return 0;
}

static void update_held(struct domain *d)
{
	for_each_vcpu (d, v) {
		v->held = d->pause_count || d->shut_down || d->life != LIFE_ALIVE || d->passive;
		if (!d->passive)
			sched_changed(v);
		else if (v->runner) {
			v->kicked = true;
			if (v->held)
				sched_force_out(v->runner);
		}
	}
}

void domain_pause(struct domain *d)
{
	d->pause_count++;
	update_held(d);
}

void domain_unpause(struct domain *d)
{
	d->pause_count--;
	update_held(d);
	/* A partner that waits for its guest looks again. */
	if (!d->pause_count && d->partner && domains[d->partner])
		for_each_vcpu (domains[d->partner], v)
			vcpu_wake(v);
}

int domain_seal(struct domain *d)
{
	int err;

	if (d->has_run)
		return 0;
	if (!domains_seal) {
		d->has_run = true;
		return 0;
	}
	err = domain_seal_begin(d->id);
	if (err)
		return err;
	/* What the builder still maps it may still use: it is told, not cut off. */
	if (domain_builder_slot(d->id)) {
		printk(LOG_G_WARNING
		       "d%u does not start: its builder still maps its memory (oxenstored does; "
		       "use xenstored)\n",
		       d->id);
		return -EBUSY;
	}
	flush_all();
	err = domain_seal_end(d->id);
	if (!err)
		d->has_run = true;
	return err;
}

void domain_shutdown(struct domain *d, u8 reason)
{
	if (d->shut_down)
		return;
	if (d->hardware) {
		static const char *const names[] = { "power-off", "reboot", "suspend", "crash",
						     "watchdog" };

		printk("dom0 has shut down: %s\n",
		       reason < ARRAY_SIZE(names) ? names[reason] : "?");
		machine_end(reason == 1 || (reason >= SHUTDOWN_CRASH_ && console_reboots));
	}
	d->shut_down = true;
	d->shutdown_code = reason;
	domain_events_due = true;
	update_held(d);
}

u32 domain_vcpus_up(struct domain *d)
{
	u32 nr = 0;

	for_each_vcpu (d, v)
		nr += v->start == START_UP;
	return nr;
}

void domain_vcpu_stop(struct vcpu *v)
{
	v->start = START_STOPPED;
	sched_changed(v);
	if (!domain_vcpus_up(v->domain))
		domain_shutdown(v->domain, 0);
}

void domain_crashed(struct domain *d)
{
	const struct vcpu *v = vcpu_current();

	if (v && v->domain == d) /* no data: it may be sealed */
		printk(LOG_G_ERROR "d%uv%u rip %lx cr0 %lx cr3 %lx cr4 %lx efer %lx\n", d->id,
		       v->id, v->vmcb->rip, v->vmcb->cr0, v->vmcb->cr3, v->vmcb->cr4,
		       v->vmcb->efer);
	domain_shutdown(d, SHUTDOWN_CRASH_);
}

int domain_pair_with(struct domain *fidelity, struct domain *guest)
{
	int err;

	if (!guest->passive || fidelity->passive || fidelity->hardware || fidelity->target ||
	    guest->partner || guest->has_run)
		return -EPERM;
	err = domain_pair(guest->id, fidelity->id);
	if (err)
		return err;
	fidelity->target = guest->id;
	guest->partner = fidelity->id;
	return 0;
}
