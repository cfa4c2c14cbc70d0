// SPDX-License-Identifier: GPL-2.0-or-later
/* domctl: a domain's birth, first run, end, and what is told about it. */
#include "xen/call.h"

#define FLAGS_NEEDED	     (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap)
#define FLAGS_ALLOWED	     (FLAGS_NEEDED | XEN_DOMCTL_CDF_oos_off)
#define DEFAULT_GRANT_FRAMES 64u

static int create_check(const struct xen_domctl_createdomain *cd)
{
	u32 grant_version = XEN_DOMCTL_GRANT_version(cd->grant_opts);

	if ((cd->flags & FLAGS_NEEDED) != FLAGS_NEEDED || cd->flags & ~FLAGS_ALLOWED)
		return -EINVAL;
	if (cd->arch.emulation_flags & ~XEN_X86_EMU_LAPIC)
		return -EOPNOTSUPP;
	if (!cd->max_vcpus || cd->max_vcpus > DOMAIN_VCPUS || cd->iommu_opts || cd->cpupool_id)
		return -EINVAL;
	if (cd->vmtrace_size || (grant_version && grant_version != 1) ||
	    cd->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
		return -EOPNOTSUPP;
	return 0;
}

static u32 limit_or(s32 value, u32 fallback)
{
	return value < 0 ? fallback : (u32)value;
}

/* Nothing -> an empty domain, paused once, built by the caller.  emulation_flags without the local
 * APIC make a real guest. */
int domctl_create(struct call *c, struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *cd = &op->u.createdomain;
	u64 id = op->domain < DOMID_FIRST_RESERVED ? op->domain : 0;
	bool passive = !(cd->arch.emulation_flags & XEN_X86_EMU_LAPIC);
	struct domain *d;
	int error = create_check(cd);

	if (error)
		return error;
	error = domain_make(id, c->d->id, false, passive, &d);
	if (error)
		return error;
	d->create_flags = cd->flags;
	d->max_vcpus = cd->max_vcpus;
	memcpy(d->uuid, cd->handle, sizeof(d->uuid));
	error = xen_domain_init(d, cd->max_evtchn_port,
				limit_or(cd->max_grant_frames, DEFAULT_GRANT_FRAMES),
				limit_or(cd->max_maptrack_frames, MAPTRACK_PAGES));
	if (error) {
		while (domctl_destroy(d) == CALL_AGAIN)
			;
		return error;
	}
	op->domain = d->id;
	return 0;
}

/* The last pause of a domain that never ran: no mapping of its builder's may remain. */
int domctl_unpause(struct domain *d)
{
	int error = 0;

	if (!d->pause_count)
		return -EINVAL;
	if (d->pause_count == 1 && d->life == LIFE_ALIVE)
		error = domain_seal(d);
	if (!error)
		domain_unpause(d);
	return error;
}

/* Alive -> dying -> gone, a step at a time; d is no more when this answers 0. */
s64 domctl_destroy(struct domain *d)
{
	int error;

	if (d->life == LIFE_ALIVE && !d->pause_count)
		domain_pause(d);
	error = xen_domain_close_step(d);
	if (!error)
		error = domain_destroy_step(d);
	return error == -EAGAIN ? CALL_AGAIN : error;
}

/* A real guest's vCPU has no runstate of its own: it is on its runner's time, and stands still when that one does. */
bool vcpu_is_running(const struct vcpu *v)
{
	const struct vcpu *on = v->domain->passive ? v->runner : v;

	return on && on->runstate == RUNSTATE_running;
}

/* CPU time of d alone: what a fidelity domain spent inside its guest is the guest's. */
static u64 cpu_time(const struct domain *d)
{
	const struct domain *fidelity = d->passive ? domain_by_id(d->partner) : NULL;
	u64 ns = d->run_ns;

	for (u32 i = 0; i < DOMAIN_VCPUS; i++) {
		if (d->vcpus[i])
			ns += vcpu_time(d->vcpus[i]) - d->vcpus[i]->guest_run_ns;
		if (d->partner && fidelity && fidelity->vcpus[i])
			ns += fidelity->vcpus[i]->guest_run_ns;
	}
	return ns;
}

static u32 info_flags(const struct domain *d, u32 *online, u32 *highest)
{
	u32 flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | XEN_DOMINF_blocked, i;

	*online = 0;
	*highest = XEN_INVALID_MAX_VCPU_ID;
	if (d->life == LIFE_DYING)
		flags |= XEN_DOMINF_dying;
	if (d->shut_down)
		flags |= XEN_DOMINF_shutdown | (u32)d->shutdown_code << XEN_DOMINF_shutdownshift;
	if (d->pause_count)
		flags |= XEN_DOMINF_paused;
	for (i = 0; i < DOMAIN_VCPUS; i++) {
		const struct vcpu *v = d->vcpus[i];

		if (!v)
			continue;
		*highest = i;
		if (v->start != START_UP && !d->passive)
			continue;
		(*online)++;
		if (d->passive ? v->runner != NULL : !v->blocked)
			flags &= ~XEN_DOMINF_blocked;
		if (vcpu_is_running(v))
			flags |= XEN_DOMINF_running;
	}
	return flags;
}

void domain_info(const struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->flags = info_flags(d, &info->nr_online_vcpus, &info->max_vcpu_id);
	info->tot_pages = d->tot_pages;
	info->max_pages = d->max_pages;
	info->outstanding_pages = d->claimed_pages;
	info->shared_info_frame = d->shared_info_gfn;
	info->cpu_time = cpu_time(d);
	memcpy(info->handle, d->uuid, sizeof(info->handle));
	info->gpaddr_bits = 48;
	info->arch_config.emulation_flags = d->passive ? 0 : XEN_X86_EMU_LAPIC;
}
