// SPDX-License-Identifier: GPL-2.0-or-later
/* vcpu_op and the timer hypercalls: what a vCPU registers, and its one-shot timer. */
#include "xen/call.h"

/*
 * The vcpu_info moves, once, from shared info into a page of the guest's.  The boot vCPU does it for
 * the others before they run.
 */
static int register_vcpu_info(struct call *c, struct vcpu *v)
{
	struct vcpu_register_vcpu_info op;
	struct vcpu_info *from, *to;
	void *from_window, *to_window;
	u64 mfn;

	if (fetch(c, &op, c->arg[2]))
		return -EFAULT;
	if (v->info_registered)
		return -EINVAL;
	if (op.offset > PAGE_SIZE - sizeof(struct vcpu_info))
		return -ENXIO;
	if (op.offset & 7) /* its words are written atomically */
		return -EINVAL;
	if (physmap_own_frame(c->d, op.mfn, &mfn))
		return -EINVAL;
	from = vcpu_info_open(v, &from_window);
	if (!from)
		return -ENOSYS;
	to_window = own_frame_open(c->d, mfn);
	if (!to_window) {
		window_close(from_window);
		return -EINVAL;
	}
	to = (struct vcpu_info *)((u8 *)to_window + op.offset);
	memcpy(to, from, sizeof(*to));
	window_close(to_window);
	window_close(from_window);
	v->info_mfn = mfn;
	v->info_offset = op.offset;
	v->info_registered = true;
	/* what became pending in between is in neither place */
	upcall(v, ~0ull);
	return 0;
}

static void timer_set(struct vcpu *v, u64 deadline_ns)
{
	v->timer_ns = deadline_ns;
	if (deadline_ns && deadline_ns <= now_ns()) {
		v->timer_ns = 0;
		v->virqs_due |= 1u << VIRQ_TIMER;
	} else if (deadline_ns) {
		sched_deadline(deadline_ns);
	}
}

static int set_singleshot_timer(struct call *c, struct vcpu *v)
{
	struct vcpu_set_singleshot_timer op;

	if (v != c->v)
		return -EINVAL;
	if (fetch(c, &op, c->arg[2]))
		return -EFAULT;
	if ((op.flags & VCPU_SSHOTTMR_future) && op.timeout_abs_ns < now_ns())
		return -ETIME;
	timer_set(v, max_u64(op.timeout_abs_ns, 1));
	return 0;
}

static int get_runstate(struct call *c, struct vcpu *v)
{
	struct vcpu_runstate_info info;

	runstate_now(v, &info);
	return store(c, c->arg[2], &info);
}

/* What was stopped goes on behind its HLT or its call; what never ran, or waits for a SIPI, has no state to go on with. */
static int up(struct vcpu *v)
{
	if (v->start < START_STOPPED)
		return -EINVAL;
	v->start = START_UP;
	sched_changed(v);
	return 0;
}

static int down(struct vcpu *v)
{
	if (v->start == START_UP)
		domain_vcpu_stop(v);
	return 0;
}

static int send_nmi(struct call *c, struct vcpu *v)
{
	if (c->arg[2])
		return -EINVAL;
	v->apic.nmi_pending = true;
	vcpu_wake(v);
	return 0;
}

/* (command, vCPU, structure) */
s64 do_vcpu_op(struct call *c)
{
	struct vcpu *v = vcpu_of(c->d, c->arg[1] & 0xffffffff);
	u64 address;

	if (!v)
		return -ENOENT;
	switch (c->arg[0]) {
	case VCPUOP_up:
		return up(v);
	case VCPUOP_down:
		return down(v);
	case VCPUOP_is_up:
		return v->start == START_UP;
	case VCPUOP_send_nmi:
		return send_nmi(c, v);
	case VCPUOP_get_runstate_info:
		return get_runstate(c, v);
	case VCPUOP_register_runstate_memory_area:
		return fetch(c, &address, c->arg[2]) ? -EFAULT : runstate_area_register(v, address);
	case VCPUOP_register_vcpu_time_memory_area:
		return fetch(c, &address, c->arg[2]) ? -EFAULT : time_area_register(v, address);
	case VCPUOP_stop_periodic_timer:
		return 0; /* there is none */
	case VCPUOP_set_singleshot_timer:
		return set_singleshot_timer(c, v);
	case VCPUOP_stop_singleshot_timer:
		if (v != c->v)
			return -EINVAL;
		v->timer_ns = 0;
		return 0;
	case VCPUOP_register_vcpu_info:
		return register_vcpu_info(c, v);
	default:
		return -ENOSYS;
	}
}

/* (absolute time in ns, 0 stops) */
s64 do_set_timer_op(struct call *c)
{
	timer_set(c->v, c->arg[0]);
	return 0;
}

/* (command, type) */
s64 do_vm_assist(struct call *c)
{
	u32 bit = 1u << VMASST_TYPE_runstate_update_flag;

	if (c->arg[1] != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;
	switch (c->arg[0]) {
	case VMASST_CMD_enable:
		c->d->vm_assist |= bit;
		return 0;
	case VMASST_CMD_disable:
		c->d->vm_assist &= ~bit;
		return 0;
	default:
		return -ENOSYS;
	}
}
