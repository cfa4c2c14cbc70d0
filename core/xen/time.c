// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time as the guests read it: pvclock, wall clock, runstate.
 *
 * One anchor, the TSC at system time 0, serves every vCPU for ever: all read one clock and nothing has to
 * be rewritten when a vCPU is scheduled.
 */
#include "xen/call.h"

static u32 wallclock_ns; /* below the second of wallclock_base */

static void pvclock_fill(struct vcpu_time_info *t)
{
	t->tsc_timestamp = core_clock.tsc_at_boot;
	t->system_time = 0;
	t->tsc_to_system_mul = core_clock.mul;
	t->tsc_shift = (int8_t)core_clock.shift;
	t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
}

void time_wallclock_write(struct domain *d)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);
	struct xen_domain *x = xen_of(d);
	u64 seconds = wallclock_base + (x ? (u64)x->time_offset : 0);
	u32 version;

	if (!shared)
		return;
	version = READ_ONCE(shared->wc_version) | 1;
	WRITE_ONCE(shared->wc_version, version);
	barrier();
	WRITE_ONCE(shared->wc_sec, (u32)seconds);
	WRITE_ONCE(shared->wc_sec_hi, (u32)(seconds >> 32));
	WRITE_ONCE(shared->wc_nsec, wallclock_ns);
	barrier();
	WRITE_ONCE(shared->wc_version, version + 1);
	window_close(shared);
}

/* Linux reads the TSC's frequency from vCPU 0's slot as soon as the frame is mapped. */
void time_shared_init(struct domain *d)
{
	struct shared_info *shared = own_frame_open(d, d->shared_info_mfn);

	if (!shared)
		return;
	for (u32 i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
		pvclock_fill(&shared->vcpu_info[i].time);
		shared->vcpu_info[i].time.version = 2;
	}
	window_close(shared);
	time_wallclock_write(d);
}

void time_wallclock_set(u64 seconds, u32 nanoseconds, u64 system_time)
{
	u64 base_ns = seconds * 1000000000ull + nanoseconds - system_time;

	wallclock_base = base_ns / 1000000000ull;
	wallclock_ns = (u32)(base_ns % 1000000000ull);
	for_each_domain (d)
		time_wallclock_write(d);
}

/* A kernel's per-CPU structure at gva, to be written by its physical address from now on. Two pages
 * only when they lie side by side. */
static int area_translate(struct vcpu *v, u64 gva, u64 size, u64 *gpa)
{
	u64 end;

	if (!gva) {
		*gpa = 0;
		return 0;
	}
	if (guest_translate(v, gva, true, gpa) || guest_translate(v, gva + size - 1, true, &end))
		return -EFAULT;
	return end - *gpa == size - 1 && *gpa ? 0 : -EINVAL;
}

int time_area_register(struct vcpu *v, u64 gva)
{
	struct vcpu_time_info t = { .version = 2 };
	u64 gpa;
	int error = area_translate(vcpu_current(), gva, sizeof(t), &gpa);

	if (error)
		return error;
	pvclock_fill(&t);
	return gpa ? guest_physical_write(v->domain, gpa, &t, sizeof(t)) : 0;
}

void runstate_now(const struct vcpu *v, struct vcpu_runstate_info *info)
{
	u64 now = now_ns();

	memset(info, 0, sizeof(*info)); /* its padding, too */
	info->state = (int)v->runstate;
	info->state_entry_time = v->runstate_entry_ns;
	memcpy(info->time, v->runstate_time, sizeof(info->time));
	if (v->runstate < ARRAY_SIZE(info->time) && now > v->runstate_entry_ns)
		info->time[v->runstate] += now - v->runstate_entry_ns;
}

/* With the assist, the guest sees a flag in the entry time while the rest changes. */
static int runstate_write(struct vcpu *v)
{
	struct vcpu_runstate_info info = {
		.state = (int)v->runstate,
		.state_entry_time = v->runstate_entry_ns,
	};
	u64 at = v->runstate_gpa + offsetof(struct vcpu_runstate_info, state_entry_time);
	bool flag = v->domain->vm_assist & 1u << VMASST_TYPE_runstate_update_flag;
	int error;

	memcpy(info.time, v->runstate_time, sizeof(info.time));
	if (!flag)
		return guest_physical_write(v->domain, v->runstate_gpa, &info, sizeof(info));
	info.state_entry_time |= XEN_RUNSTATE_UPDATE;
	error = guest_physical_write(v->domain, at, &info.state_entry_time,
				     sizeof(info.state_entry_time));
	barrier();
	if (!error)
		error = guest_physical_write(v->domain, v->runstate_gpa, &info, sizeof(info));
	barrier();
	info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
	if (!error)
		error = guest_physical_write(v->domain, at, &info.state_entry_time,
					     sizeof(info.state_entry_time));
	return error;
}

int runstate_area_register(struct vcpu *v, u64 gva)
{
	struct xen_domain *x = xen_of(v->domain);
	u64 gpa, before = v->runstate_gpa;
	int error = area_translate(vcpu_current(), gva, sizeof(struct vcpu_runstate_info), &gpa);

	if (error)
		return error;
	v->runstate_gpa = gpa;
	if (gpa && runstate_write(v)) {
		v->runstate_gpa = before;
		return -EFAULT;
	}
	if (x)
		x->runstate_written[v->id] = v->runstate_entry_ns;
	return 0;
}

void xen_time_update(struct vcpu *v)
{
	struct xen_domain *x = xen_of(v->domain);

	if (!v->runstate_gpa || !x || x->runstate_written[v->id] == v->runstate_entry_ns)
		return;
	x->runstate_written[v->id] = v->runstate_entry_ns;
	if (runstate_write(v))
		v->runstate_gpa = 0; /* the guest gave the page back */
}
