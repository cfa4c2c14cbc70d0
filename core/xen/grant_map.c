// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mapping and copying by grant references.  A handle (maptrack entry) names what its domain mapped:
 * where, whose, by which reference; it is the only way to unmap it.
 */
#include "xen/call.h"

struct maptrack {
	u64 gfn;     /* and flags */
	u32 ref;     /* free: next free handle + 1 */
	u32 granter; /* low half of its protect handle: incarnation << 10 | id */
};

#define TRACK_USED     (1ull << 63)
#define TRACK_READONLY (1ull << 62)
#define TRACK_GFN      ((1ull << 52) - 1)
#define TRACKS	       (PAGE_SIZE / sizeof(struct maptrack))

static struct maptrack *track_of(struct domain *d, u64 handle)
{
	if (handle >= d->nr_maptrack_pages * TRACKS)
		return NULL;
	return &d->maptrack[handle / TRACKS][handle % TRACKS];
}

static int track_alloc(struct domain *d, u32 *handle)
{
	u32 i, first;

	if (!d->maptrack_free) {
		struct maptrack *page;

		if (d->nr_maptrack_pages >= d->max_maptrack)
			return -ENOSPC;
		page = pages_alloc(1);
		if (!page)
			return -ENOMEM;
		first = d->nr_maptrack_pages * (u32)TRACKS;
		for (i = 0; i < TRACKS; i++)
			page[i].ref = i + 1 < TRACKS ? first + i + 2 : 0;
		d->maptrack[d->nr_maptrack_pages++] = page;
		d->maptrack_free = first + 1;
	}
	*handle = d->maptrack_free - 1;
	d->maptrack_free = track_of(d, *handle)->ref;
	return 0;
}

static void track_free(struct domain *d, u32 handle)
{
	*track_of(d, handle) = (struct maptrack){ .ref = d->maptrack_free };
	d->maptrack_free = handle + 1;
}

static u32 granter_name(const struct domain *granter)
{
	return (u32)domain_handle(granter->id);
}

/* The granter, unless it died since. */
static struct domain *granter_of(const struct maptrack *t)
{
	struct domain *granter = domain_by_id(t->granter % PROTECT_DOMAINS);

	return granter && granter_name(granter) == t->granter ? granter : NULL;
}

static s16 map_one(struct call *c, struct gnttab_map_grant_ref *op)
{
	struct domain *granter = domain_named(c, op->dom);
	bool write = !(op->flags & GNTMAP_readonly);
	u64 gfn = op->host_addr >> PAGE_SHIFT, mfn;
	struct maptrack *t;
	u32 handle;
	int error;
	s16 status;

	if ((op->flags & (GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte)) !=
	    GNTMAP_host_map)
		return GNTST_general_error;
	if (!granter || granter->life != LIFE_ALIVE || granter->passive)
		return GNTST_bad_domain;
	if (op->host_addr & (PAGE_SIZE - 1))
		return GNTST_general_error;
	if (gfn_make_hole(c->d, gfn))
		return GNTST_general_error;
	if (track_alloc(c->d, &handle))
		return GNTST_no_device_space;
	status = grant_pin_ref(granter, op->ref, c->d->id, write, &mfn);
	if (status != GNTST_okay) {
		track_free(c->d, handle);
		return status;
	}
	error = physmap_add_slot(c->d, gfn, granter, mfn, LEAF_GRANT,
				 PERM_READ | (write ? PERM_WRITE : 0));
	if (error) {
		grant_unpin_ref(granter, op->ref, write);
		track_free(c->d, handle);
		return error == -ENOMEM || error == -ENOSPC ? GNTST_no_device_space
							    : GNTST_general_error;
	}
	t = track_of(c->d, handle);
	t->gfn = gfn | TRACK_USED | (write ? 0 : TRACK_READONLY);
	t->ref = op->ref;
	t->granter = granter_name(granter);
	op->handle = handle;
	op->dev_bus_addr = op->host_addr; /* the bus address that an IOMMU would translate */
	return GNTST_okay;
}

/* Mapped and held -> neither. */
static void handle_close(struct domain *d, u32 handle)
{
	struct maptrack *t = track_of(d, handle);
	struct domain *granter = granter_of(t);
	struct mapping m;
	u64 gfn = t->gfn & TRACK_GFN;

	/* the handle is the only way to unmap a grant, so a leaf of another role is not ours */
	if (!physmap_find(d, gfn, &m) && m.role == LEAF_GRANT && physmap_remove(d, gfn))
		printk(LOG_G_WARNING "d%u: granted page at gfn %lx stays mapped\n", d->id, gfn);
	if (granter)
		grant_unpin_ref(granter, t->ref, !(t->gfn & TRACK_READONLY));
	track_free(d, handle);
}

static s16 unmap_one(struct domain *d, const struct gnttab_unmap_grant_ref *op)
{
	struct maptrack *t = track_of(d, op->handle);

	if (!t || !(t->gfn & TRACK_USED))
		return GNTST_bad_handle;
	if ((t->gfn & TRACK_GFN) != op->host_addr >> PAGE_SHIFT)
		return GNTST_bad_virt_addr;
	handle_close(d, op->handle);
	return GNTST_okay;
}

int grant_handles_close(struct domain *d)
{
	struct xen_domain *x = xen_of(d);
	u32 end = d->nr_maptrack_pages * (u32)TRACKS, closed = 0;

	for (; x->close_cursor < end; x->close_cursor++) {
		if (!(track_of(d, x->close_cursor)->gfn & TRACK_USED))
			continue;
		if (closed++ == GRANT_CHUNK)
			return -EAGAIN;
		handle_close(d, x->close_cursor);
	}
	x->close_cursor = 0;
	return 0;
}

struct copy_end {
	struct domain *granter; /* NULL: the caller's own page */
	u64 ref, mfn;
	bool write;
};

static s16 copy_end_open(struct call *c, const struct gnttab_copy_ptr *ptr, bool by_ref, bool write,
			 struct copy_end *end)
{
	struct mapping m;

	*end = (struct copy_end){ .write = write };
	if (by_ref) {
		struct domain *granter = domain_named(c, ptr->domid);
		s16 status;

		if (!granter || granter->life != LIFE_ALIVE || granter->passive)
			return GNTST_bad_domain;
		status = grant_pin_ref(granter, ptr->u.ref, c->d->id, write, &end->mfn);
		if (status != GNTST_okay)
			return status;
		end->granter = granter;
		end->ref = ptr->u.ref;
		return GNTST_okay;
	}
	if (ptr->domid != DOMID_SELF && ptr->domid != c->d->id)
		return GNTST_permission_denied;
	if (physmap_find(c->d, ptr->u.gmfn, &m) || m.role == LEAF_MMIO || (write && !m.write))
		return GNTST_bad_page;
	end->mfn = m.mfn;
	return GNTST_okay;
}

static void copy_end_close(struct copy_end *end)
{
	if (end->granter)
		grant_unpin_ref(end->granter, end->ref, end->write);
}

static s16 copy_one(struct call *c, const struct gnttab_copy *op)
{
	struct copy_end from, to;
	u8 *source, *dest;
	s16 status;

	if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	status = copy_end_open(c, &op->source, op->flags & GNTCOPY_source_gref, false, &from);
	if (status != GNTST_okay)
		return status;
	status = copy_end_open(c, &op->dest, op->flags & GNTCOPY_dest_gref, true, &to);
	if (status == GNTST_okay) {
		source = window_open(from.mfn);
		dest = window_open(to.mfn);
		memcpy(dest + op->dest.offset, source + op->source.offset, op->len);
		window_close(dest);
		window_close(source);
		copy_end_close(&to);
	}
	copy_end_close(&from);
	return status;
}

/* (command, array, count): each entry on its own, its status goes back into it. */
s64 grant_batch(struct call *c)
{
	union {
		struct gnttab_map_grant_ref map;
		struct gnttab_unmap_grant_ref unmap;
		struct gnttab_copy copy;
	} op;
	u64 i, size = c->arg[0] == GNTTABOP_copy	    ? sizeof(op.copy)
		      : c->arg[0] == GNTTABOP_map_grant_ref ? sizeof(op.map)
							    : sizeof(op.unmap);

	for (i = 0; i < c->arg[2] && i < GRANT_CHUNK; i++, c->arg[1] += size) {
		if (copy_from_guest(c->v, &op, c->arg[1], size))
			return -EFAULT;
		if (c->arg[0] == GNTTABOP_copy)
			op.copy.status = copy_one(c, &op.copy);
		else if (c->arg[0] == GNTTABOP_map_grant_ref)
			op.map.status = map_one(c, &op.map);
		else
			op.unmap.status = unmap_one(c->d, &op.unmap);
		if (copy_to_guest(c->v, c->arg[1], &op, size))
			return -EFAULT;
	}
	c->arg[2] -= i;
	return c->arg[2] ? CALL_AGAIN : 0;
}
