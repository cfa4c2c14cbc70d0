// SPDX-License-Identifier: GPL-2.0-or-later
/* memory_op: which operation, and the ones that only ask or remember. */
#include "xen/call.h"

static s64 pages_question(struct call *c, bool maximum)
{
	struct domain *d;
	domid_t id;

	if (fetch(c, &id, c->arg[1]))
		return -EFAULT;
	d = domain_named(c, id);
	if (!d)
		return -ESRCH;
	if (d != c->d && !c->d->hardware)
		return -EPERM;
	return (s64)(maximum ? d->max_pages : d->tot_pages);
}

/* The caller's own e820, as the builder left it. */
static s64 memory_map(struct call *c)
{
	struct xen_memory_map op;
	u32 nr;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (!c->d->nr_e820)
		return -ENOSYS;
	nr = (u32)min_u64(op.nr_entries, c->d->nr_e820);
	if (copy_to_guest(c->v, handle_address(op.buffer), c->d->e820, nr * sizeof(*c->d->e820)))
		return -EFAULT;
	op.nr_entries = nr;
	return store(c, c->arg[1], &op);
}

/* The last page that the domain's memory map has as RAM: what a dump of its memory goes up to. */
static s64 maximum_gpfn(struct call *c)
{
	struct domain *d;
	domid_t id;
	u64 end = 1;

	if (fetch(c, &id, c->arg[1]))
		return -EFAULT;
	d = domain_named(c, id);
	if (!d)
		return -ESRCH;
	if (may_reach(c, d))
		return -EPERM;
	for (u32 i = 0; i < d->nr_e820; i++)
		if (d->e820[i].type == 1)
			end = max_u64(end, (d->e820[i].addr + d->e820[i].size) >> PAGE_SHIFT);
	return (s64)(end - 1);
}

static s64 set_memory_map(struct call *c)
{
	struct xen_foreign_memory_map op;
	struct domain *d;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (op.map.nr_entries > E820_ENTRIES)
		return -EINVAL;
	d = domain_named(c, op.domid);
	if (!d)
		return -ESRCH;
	if (d == c->d || may_build(c, d))
		return -EPERM;
	d->nr_e820 = 0; /* none, should the copy fail */
	if (copy_from_guest(c->v, d->e820, handle_address(op.map.buffer),
			    op.map.nr_entries * sizeof(*d->e820)))
		return -EFAULT;
	d->nr_e820 = op.map.nr_entries;
	return 0;
}

/* There is no populate-on-demand: any target is met by what is there, which is what xl mem-set asks. */
static s64 pod_target(struct call *c)
{
	struct xen_pod_target op;
	struct domain *d;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	d = domain_named(c, op.domid);
	if (!d)
		return -ESRCH;
	if (!c->d->hardware)
		return -EPERM;
	op.tot_pages = d->tot_pages;
	op.pod_cache_pages = 0;
	op.pod_entries = 0;
	return store(c, c->arg[1], &op);
}

/* (operation | first extent << 6, structure) */
s64 do_memory_op(struct call *c)
{
	switch (c->arg[0] & MEMOP_MASK) {
	case XENMEM_decrease_reservation:
		return reserve_change(c, false);
	case XENMEM_maximum_ram_page:
		return (s64)frames_max_mfn;
	case XENMEM_current_reservation:
		return pages_question(c, false);
	case XENMEM_maximum_reservation:
		return pages_question(c, true);
	case XENMEM_maximum_gpfn:
		return maximum_gpfn(c);
	case XENMEM_populate_physmap:
		return reserve_change(c, true);
	case XENMEM_add_to_physmap:
		return mapping_add(c);
	case XENMEM_add_to_physmap_batch:
		return mapping_add_batch(c);
	case XENMEM_remove_from_physmap:
		return mapping_remove(c);
	case XENMEM_memory_map:
		return memory_map(c);
	case XENMEM_set_memory_map:
		return set_memory_map(c);
	case XENMEM_set_pod_target:
	case XENMEM_get_pod_target:
		return pod_target(c);
	case XENMEM_claim_pages:
		return reserve_claim(c);
	case XENMEM_acquire_resource:
		return mapping_acquire(c);
	default:
		return -ENOSYS;
	}
}
