// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * add_to_physmap and its kin: shared info and grant table frames in the caller's own map, and the
 * builder's view of a domain that is not sealed.
 */
#include "xen/call.h"

#define STATUS_FRAMES (1ull << 31) /* XENMAPIDX_grant_table_status: version 2 only */
#define MAP_CHUNK     256ull
#define READ_WRITE    (PERM_READ | PERM_WRITE)

/*
 * A special frame of d, at *where or nowhere, moves to gfn.  RAM that was there is given back, which
 * is how Linux gets room for its shared info.
 */
static int special_move(struct domain *d, u64 mfn, u64 *where, u64 gfn)
{
	struct mapping m;
	int error;

	if (*where == gfn)
		return 0;
	error = physmap_find(d, gfn, &m);
	if (error && error != -ENOENT)
		return error;
	if (!error && m.role != LEAF_OWN && m.role != LEAF_MMIO)
		return -EEXIST;
	if (!error)
		error = gfn_vacate(d, gfn);
	else
		error = 0;
	if (!error)
		error = physmap_add_own(d, gfn, mfn, READ_WRITE);
	if (error)
		return error;
	if (*where != ~0ull && physmap_remove(d, *where))
		printk(LOG_G_WARNING "d%u: special frame stays mapped at gfn %lx too\n", d->id,
		       *where);
	*where = gfn;
	return 0;
}

s64 mapping_add(struct call *c)
{
	struct xen_add_to_physmap op;
	u64 mfn;
	int error;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (domain_named(c, op.domid) != c->d)
		return -EPERM;
	switch (op.space) {
	case XENMAPSPACE_shared_info:
		if (op.idx)
			return -EINVAL;
		if (!c->d->shared_info_mfn)
			return -ENOSYS;
		return special_move(c->d, c->d->shared_info_mfn, &c->d->shared_info_gfn, op.gpfn);
	case XENMAPSPACE_grant_table:
		if (op.idx & STATUS_FRAMES)
			return -EINVAL;
		error = grant_frame_get(c->d, op.idx, &mfn);
		return error ? error : special_move(c->d, mfn, &c->d->grant_gfn[op.idx], op.gpfn);
	default:
		return -ENOSYS;
	}
}

/* A frame that owner has at foreign_gfn appears in the builder's map too. */
static int map_foreign(struct domain *d, struct domain *owner, u64 foreign_gfn, u64 gfn)
{
	u64 mfn;
	int error = physmap_own_frame(owner, foreign_gfn, &mfn);

	if (error)
		return -EINVAL; /* -ENOENT means "paged out" to libxenforeignmemory: it tries for ever */
	error = gfn_make_hole(d, gfn);
	if (!error)
		error = physmap_add_slot(d, gfn, owner, mfn, LEAF_BUILDER, READ_WRITE);
	return error;
}

static int may_map_foreign(struct call *c, struct domain *owner)
{
	return owner == c->d ? -EPERM : may_reach(c, owner);
}

/* Errors of single pages go into errs[], the call itself succeeds. */
s64 mapping_add_batch(struct call *c)
{
	struct xen_add_to_physmap_batch op;
	struct domain *owner;
	u64 i, first = c->arg[0] >> MEMOP_BITS;
	int error;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (domain_named(c, op.domid) != c->d)
		return -EPERM;
	if (op.space != XENMAPSPACE_gmfn_foreign)
		return -ENOSYS;
	if (first > op.size)
		return -EINVAL;
	owner = domain_named(c, op.u.foreign_domid);
	if (!owner)
		return -ESRCH;
	error = may_map_foreign(c, owner);
	if (error)
		return error;
	for (i = first; i < op.size; i++) {
		u64 from, to;
		int status;

		if (i - first == MAP_CHUNK)
			return memop_again(c, i);
		if (fetch(c, &from, handle_address(op.idxs) + i * sizeof(from)) ||
		    fetch(c, &to, handle_address(op.gpfns) + i * sizeof(to)))
			return -EFAULT;
		status = map_foreign(c->d, owner, from, to);
		if (store(c, handle_address(op.errs) + i * sizeof(status), &status))
			return -EFAULT;
	}
	return 0;
}

s64 mapping_remove(struct call *c)
{
	struct xen_remove_from_physmap op;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (domain_named(c, op.domid) != c->d)
		return -EPERM;
	return gfn_vacate(c->d, op.gpfn);
}

/* Grant table frames of a domain that is being built: the tools seed its first two references. */
s64 mapping_acquire(struct call *c)
{
	struct xen_mem_acquire_resource op;
	struct domain *owner;
	u64 list, i;
	int error;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (op.pad)
		return -EINVAL;
	owner = domain_named(c, op.domid);
	if (!owner)
		return -ESRCH;
	error = may_map_foreign(c, owner);
	if (error)
		return error;
	if (op.type != XENMEM_resource_grant_table ||
	    op.id != XENMEM_resource_grant_table_id_shared || owner->passive)
		return -EOPNOTSUPP;
	list = handle_address(op.frame_list);
	if (!list) {
		if (op.nr_frames)
			return -EINVAL;
		op.nr_frames = owner->max_grant_frames;
		return store(c, c->arg[1], &op);
	}
	if (op.nr_frames > owner->max_grant_frames ||
	    op.frame > owner->max_grant_frames - op.nr_frames)
		return -EINVAL;
	for (i = 0; i < op.nr_frames; i++) {
		u64 gfn, mfn;

		if (fetch(c, &gfn, list + i * sizeof(gfn)))
			return i ? -EIO : -EFAULT;
		error = grant_frame_get(owner, op.frame + i, &mfn);
		if (!error)
			error = gfn_make_hole(c->d, gfn);
		if (!error)
			error = physmap_add_slot(c->d, gfn, owner, mfn, LEAF_BUILDER, READ_WRITE);
		if (error)
			return i ? -EIO : error;
	}
	return 0;
}
