// SPDX-License-Identifier: GPL-2.0-or-later
/* Scheduling parameters as the tools set and ask them: affinity, weight, cap. */
#include "xen/call.h"

#define BITMAP_BYTES 8u

int bitmap_to_guest(struct call *c, const struct xenctl_bitmap *to, u64 mask)
{
	u32 bytes = (to->nr_bits + 7) / 8, i;
	u64 at = handle_address(to->bitmap);
	static const u8 zero;

	if (to->nr_bits > 1u << 16)
		return -EINVAL;
	if (copy_to_guest(c->v, at, &mask, min_u64(bytes, BITMAP_BYTES)))
		return -EFAULT;
	for (i = BITMAP_BYTES; i < bytes; i++)
		if (copy_to_guest(c->v, at + i, &zero, 1))
			return -EFAULT;
	return 0;
}

int bitmap_from_guest(struct call *c, const struct xenctl_bitmap *from, u64 *mask)
{
	u32 bits = (u32)min_u64(from->nr_bits, BITMAP_BYTES * 8);

	*mask = 0;
	if (copy_from_guest(c->v, mask, handle_address(from->bitmap), (bits + 7) / 8))
		return -EFAULT;
	if (bits < 64)
		*mask &= (1ull << bits) - 1;
	return 0;
}

static int set_affinity(struct call *c, struct vcpu *v, struct xen_domctl_vcpuaffinity *op)
{
	u64 hard = v->hard_affinity, soft = v->soft_affinity, effective;

	if (op->flags & XEN_VCPUAFFINITY_HARD && bitmap_from_guest(c, &op->cpumap_hard, &hard))
		return -EFAULT;
	if (op->flags & XEN_VCPUAFFINITY_SOFT && bitmap_from_guest(c, &op->cpumap_soft, &soft))
		return -EFAULT;
	effective = hard & cpus_mask();
	if (!effective)
		return -EINVAL;
	v->hard_affinity = hard;
	v->soft_affinity = soft;
	sched_moved(v);
	if (op->flags & XEN_VCPUAFFINITY_HARD && bitmap_to_guest(c, &op->cpumap_hard, effective))
		return -EFAULT;
	if (op->flags & XEN_VCPUAFFINITY_SOFT &&
	    bitmap_to_guest(c, &op->cpumap_soft, soft & effective))
		return -EFAULT;
	return 0;
}

/* A real guest runs on its partner's time: what is said of one panel is said of the pair. */
static struct domain *scheduled(struct domain *d)
{
	struct domain *partner = d->partner ? domain_by_id(d->partner) : NULL;

	return partner ? partner : d;
}

int domctl_affinity(struct call *c, struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = vcpu_of(scheduled(d), a->vcpu);

	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) ||
	    a->flags &
		    ~(u32)(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE))
		return -EINVAL;
	if (!v)
		return -ESRCH;
	if (op->cmd == XEN_DOMCTL_setvcpuaffinity)
		return set_affinity(c, v, a);
	if (a->flags & XEN_VCPUAFFINITY_HARD &&
	    bitmap_to_guest(c, &a->cpumap_hard, v->hard_affinity))
		return -EFAULT;
	if (a->flags & XEN_VCPUAFFINITY_SOFT &&
	    bitmap_to_guest(c, &a->cpumap_soft, v->soft_affinity))
		return -EFAULT;
	return 0;
}

int domctl_scheduler(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	struct sched_share *s = &scheduled(d)->share;

	if (op->sched_id != XEN_SCHEDULER_CREDIT)
		return -EINVAL;
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_getinfo:
		op->u.credit.weight = s->weight;
		op->u.credit.cap = s->cap;
		return 0;
	case XEN_DOMCTL_SCHEDOP_putinfo:
		/* as Xen's credit scheduler: weight 0 and cap ~0 leave the value as it is */
		if (op->u.credit.weight)
			s->weight = op->u.credit.weight;
		if (op->u.credit.cap != 0xffff)
			s->cap = op->u.credit.cap;
		sched_share_changed();
		return 0;
	default:
		return -EINVAL;
	}
}

int sysctl_scheduler(struct xen_sysctl_scheduler_op *op)
{
	if (op->sched_id != XEN_SCHEDULER_CREDIT || op->cpupool_id)
		return -EINVAL;
	if (op->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -EOPNOTSUPP;
	op->u.sched_credit = (struct xen_sysctl_credit_schedule){
		.tslice_ms = (u32)(SLICE_NS / 1000000),
		.ratelimit_us = (u32)(LEAST_NS / 1000),
	};
	return 0;
}
