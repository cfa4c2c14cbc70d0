// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory reservations: frames that a domain gets and gives back, and claims on free memory.
 *
 * A claim holds nothing but a number: nobody else is populated below what is claimed.
 */
#include "public/minv.h"
#include "xen/call.h"

#define ORDER_2M 9

u64 claims_total;

static bool frame_is_special(const struct domain *d, u64 mfn, u64 **gfn)
{
	if (mfn == d->shared_info_mfn) {
		*gfn = (u64 *)&d->shared_info_gfn;
		return true;
	}
	for (u32 i = 0; i < d->nr_grant_frames; i++)
		if (mfn == d->grant_mfn[i]) {
			*gfn = (u64 *)&d->grant_gfn[i];
			return true;
		}
	return false;
}

int gfn_vacate(struct domain *d, u64 gfn)
{
	struct mapping m;
	u64 *at;
	int error = physmap_find(d, gfn, &m);

	if (error)
		return error;
	if (m.role == LEAF_GRANT)
		return -EPERM; /* only its handle unmaps it */
	error = physmap_remove(d, gfn);
	if (error || m.role != LEAF_OWN)
		return error;
	if (!frame_is_special(d, m.mfn, &at))
		frame_return(d, m.mfn);
	else if (*at == gfn)
		*at = ~0ull;
	return 0;
}

int gfn_make_hole(struct domain *d, u64 gfn)
{
	struct mapping m;
	int error = physmap_find(d, gfn, &m);

	if (error == -ENOENT)
		return 0;
	if (error)
		return error;
	return m.role == LEAF_MMIO ? physmap_remove(d, gfn) : -EEXIST;
}

void claim_drop(struct domain *d)
{
	claims_total -= d->claimed_pages;
	d->claimed_pages = 0;
}

/* One page of memory at gfn; others' claims are not touched, d's own shrinks. */
static int populate_page(struct domain *d, u64 gfn)
{
	u64 mfn;
	int error;

	if (!d->claimed_pages && frames_free() <= claims_total)
		return -ENOMEM;
	error = frame_alloc(d, &mfn);
	if (error)
		return error;
	error = physmap_add_own(d, gfn, mfn, PERM_READ | PERM_WRITE | PERM_EXEC);
	if (error) {
		frame_return(d, mfn);
		return error;
	}
	if (d->claimed_pages) {
		d->claimed_pages--;
		claims_total--;
	}
	return 0;
}

/* All of it or nothing of it. */
static int populate_extent(struct domain *d, u64 gfn, u64 pages)
{
	if (gfn + pages < gfn)
		return -EINVAL;
	/* a real guest's memory is a pool, filled from its start without holes */
	if (d->passive && gfn != MINV_POOL_GFN + d->pool_pages)
		return -EINVAL;
	for (u64 i = 0; i < pages; i++) {
		int error = populate_page(d, gfn + i);

		if (!error)
			continue;
		while (i--)
			if (gfn_vacate(d, gfn + i))
				printk(LOG_G_WARNING "d%u: gfn %lx stays populated\n", d->id,
				       gfn + i);
		return error;
	}
	if (d->passive)
		d->pool_pages += pages;
	return 0;
}

static int vacate_extent(struct domain *d, u64 gfn, u64 pages)
{
	int error = 0;

	for (u64 i = 0; !error && i < pages; i++)
		error = gfn_vacate(d, gfn + i);
	return error;
}

s64 memop_again(struct call *c, u64 next)
{
	c->arg[0] = (c->arg[0] & MEMOP_MASK) | next << MEMOP_BITS;
	return CALL_AGAIN;
}

/* Answers how many extents from the first on are populated, or given back; memory gone or a gfn in use ends it. */
s64 reserve_change(struct call *c, bool populate)
{
	struct xen_memory_reservation op;
	struct domain *d;
	u64 i, first = c->arg[0] >> MEMOP_BITS, pages;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	/* the answer is a count, and the progress must fit above the operation */
	if (op.nr_extents > INT64_MAX >> MEMOP_BITS || first > op.nr_extents)
		return -EINVAL;
	d = domain_named(c, op.domid);
	if (!d)
		return -ESRCH;
	if (populate ? may_reach(c, d) : d != c->d)
		return -EPERM;
	/* 1 GiB extents are more than one pass may hold the CPU for: the tools fall back to 2 MiB.
	 * dom0's frame numbers must equal its guest ones as long as devices see the former. */
	if (op.extent_order > ORDER_2M || (populate && d->hardware))
		return (s64)first;
	pages = 1ull << op.extent_order;
	for (i = first; i < op.nr_extents; i++) {
		u64 gfn;

		if ((i - first) * pages >= MEMOP_CHUNK)
			return memop_again(c, i);
		if (fetch(c, &gfn, handle_address(op.extent_start) + i * sizeof(gfn)) ||
		    (populate ? populate_extent(d, gfn, pages) : vacate_extent(d, gfn, pages)))
			break;
	}
	return (s64)i;
}

/* The domain may count on nr_extents pages in all; 0 ends the claim. */
s64 reserve_claim(struct call *c)
{
	struct xen_memory_reservation op;
	struct domain *d;
	u64 claim;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	if (!c->d->hardware)
		return -EPERM;
	if (handle_address(op.extent_start) || op.extent_order)
		return -EINVAL;
	d = domain_named(c, op.domid);
	if (!d)
		return -ESRCH;
	if (!op.nr_extents) {
		claim_drop(d);
		return 0;
	}
	if (d->life != LIFE_ALIVE || d->claimed_pages || op.nr_extents > d->max_pages ||
	    op.nr_extents <= d->tot_pages)
		return -EINVAL;
	claim = op.nr_extents - d->tot_pages;
	if (claims_total > frames_free() || claim > frames_free() - claims_total)
		return -ENOMEM;
	d->claimed_pages = claim;
	claims_total += claim;
	return 0;
}
