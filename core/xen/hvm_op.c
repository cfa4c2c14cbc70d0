// SPDX-License-Identifier: GPL-2.0-or-later
/* hvm_op: parameters by which tools and guest tell each other ports and pages. */
#include "xen/call.h"

_Static_assert(HVM_PARAMS == HVM_NR_PARAMS, "public/hvm/params.h");

static bool guest_may_set(u32 index)
{
	return index == HVM_PARAM_CALLBACK_IRQ || index == HVM_PARAM_STORE_EVTCHN ||
	       index == HVM_PARAM_CONSOLE_EVTCHN;
}

static bool guest_may_get(u32 index)
{
	return guest_may_set(index) || index == HVM_PARAM_STORE_PFN ||
	       index == HVM_PARAM_CONSOLE_PFN || index == HVM_PARAM_ALTP2M;
}

static int find(struct call *c, const struct xen_hvm_param *op, bool set, struct domain **d)
{
	if (op->index >= HVM_NR_PARAMS)
		return -EINVAL;
	*d = domain_named(c, op->domid);
	if (!*d)
		return -ESRCH;
	if (*d == c->d)
		return (set ? guest_may_set(op->index) : guest_may_get(op->index)) ? 0 : -EPERM;
	return set ? may_build(c, *d) : may_reach(c, *d);
}

static int set_param(struct call *c)
{
	struct xen_hvm_param op;
	struct domain *d;
	int error;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	error = find(c, &op, true, &d);
	if (error)
		return error;
	if (op.index == HVM_PARAM_ALTP2M && op.value)
		return -EOPNOTSUPP;
	if (op.index == HVM_PARAM_NESTEDHVM && op.value)
		return -EOPNOTSUPP;
	d->hvm_params[op.index] = op.value;
	/* an upcall that waited for its vector */
	if (op.index == HVM_PARAM_CALLBACK_IRQ)
		for_each_vcpu (d, v)
			if (events_pending(v))
				vcpu_wake(v);
	return 0;
}

static int get_param(struct call *c)
{
	struct xen_hvm_param op;
	struct domain *d;
	int error;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	error = find(c, &op, false, &d);
	if (error)
		return error;
	op.value = d->hvm_params[op.index];
	return store(c, c->arg[1], &op);
}

/* (command, structure) */
s64 do_hvm_op(struct call *c)
{
	switch (c->arg[0]) {
	case HVMOP_set_param:
		return set_param(c);
	case HVMOP_get_param:
		return get_param(c);
	default:
		return -ENOSYS;
	}
}
