// SPDX-License-Identifier: GPL-2.0-or-later
/* sched_op: giving the CPU away, and the end of a domain. */
#include "xen/call.h"

#define POLL_PORTS 128

/* An interrupt would be taken at once: then a wait ends before it begins. */
static bool interrupt_due(struct vcpu *v)
{
	return v->virqs_due || ((v->vmcb->rflags & RFLAGS_IF) &&
				vcpu_interrupt_waits(v, events_pending(v) ? events_vector(v) : 0));
}

/* Waits for a port or the time; a wake-up for nothing is allowed. */
static int poll(struct call *c)
{
	struct sched_poll op;
	evtchn_port_t ports[POLL_PORTS];

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (op.nr_ports > POLL_PORTS)
		return -EINVAL;
	if (copy_from_guest(c->v, ports, handle_address(op.ports), op.nr_ports * sizeof(*ports)))
		return -EFAULT;
	for (u32 i = 0; i < op.nr_ports; i++)
		if (!ports[i] || ports[i] >= c->d->max_ports)
			return -EINVAL;
	for (u32 i = 0; i < op.nr_ports; i++)
		if (port_is_pending(c->d, ports[i]))
			return 0;
	if ((op.timeout && op.timeout <= now_ns()) || interrupt_due(c->v))
		return 0;
	c->v->poll_port = op.nr_ports == 1 ? ports[0] : ~0ull;
	c->v->poll_deadline_ns = op.timeout ? op.timeout : ~0ull;
	if (op.timeout)
		sched_deadline(op.timeout);
	c->v->blocked = true;
	sched_changed(c->v);
	return 0;
}

static int shutdown(struct call *c)
{
	struct sched_shutdown op;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (op.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain_shutdown(c->d, (u8)op.reason);
	return 0;
}

/* dom0 over all; a fidelity domain over its real guest, whose end only it can see. */
static int remote_shutdown(struct call *c)
{
	struct sched_remote_shutdown op;
	struct domain *d;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (op.reason > SHUTDOWN_MAX)
		return -EINVAL;
	d = domain_named(c, op.domain_id);
	if (!d)
		return -ESRCH;
	if (!c->d->hardware && (!c->d->target || d->id != c->d->target))
		return -EPERM;
	if (d == c->d)
		return -EINVAL;
	domain_shutdown(d, (u8)op.reason);
	return 0;
}

/* (command, structure) */
s64 do_sched_op(struct call *c)
{
	switch (c->arg[0]) {
	case SCHEDOP_yield:
		sched_yield();
		return 0;
	case SCHEDOP_block:
		if (!events_pending(c->v) && !interrupt_due(c->v)) {
			c->v->blocked = true;
			sched_changed(c->v);
		}
		return 0;
	case SCHEDOP_shutdown:
		return shutdown(c);
	case SCHEDOP_poll:
		return poll(c);
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(c);
	default:
		return -ENOSYS;
	}
}
