// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Grant tables, version 1: the frames of a domain's table and the references that others hold.
 *
 * The table is the granter's memory and it revokes an entry with a compare and exchange on it; while
 * anybody holds the reference, GTF_reading or GTF_writing is set there, by the same means.
 */
#include "xen/call.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))

struct grant_pin {
	u16 readers, writers;
};

int grant_frame_get(struct domain *d, u64 idx, u64 *mfn)
{
	struct xen_domain *x = xen_of(d);

	if (!x || idx >= d->max_grant_frames)
		return -EINVAL;
	while (d->nr_grant_frames <= idx) {
		struct grant_pin *pins = pages_alloc(1);
		u32 n = d->nr_grant_frames;
		int error;

		if (!pins)
			return -ENOMEM;
		error = frame_alloc_uncounted(d, &d->grant_mfn[n]);
		if (error) {
			pages_free(pins, 1);
			return error;
		}
		x->pins[n] = pins;
		d->nr_grant_frames = n + 1;
	}
	*mfn = d->grant_mfn[idx];
	return 0;
}

static struct grant_pin *pin_of(struct domain *granter, u64 ref)
{
	struct xen_domain *x = xen_of(granter);

	if (!x || ref >= granter->nr_grant_frames * ENTRIES_PER_FRAME)
		return NULL;
	return &x->pins[ref / ENTRIES_PER_FRAME][ref % ENTRIES_PER_FRAME];
}

static struct grant_entry_v1 *entry_open(struct domain *granter, u64 ref, void **window)
{
	*window = own_frame_open(granter, granter->grant_mfn[ref / ENTRIES_PER_FRAME]);
	return *window ? (struct grant_entry_v1 *)*window + ref % ENTRIES_PER_FRAME : NULL;
}

s16 grant_pin_ref(struct domain *granter, u64 ref, u16 mapper, bool write, u64 *mfn)
{
	struct grant_pin *pin = pin_of(granter, ref);
	struct grant_entry_v1 *entry;
	void *window;
	u32 before, after, *word;
	u64 gfn;

	if (!pin)
		return GNTST_bad_gntref;
	if (pin->readers == 0xffff || pin->writers == 0xffff)
		return GNTST_general_error;
	entry = entry_open(granter, ref, &window);
	if (!entry)
		return GNTST_general_error;
	word = (u32 *)entry; /* flags and domid, one unit for the granter's own exchange */
	before = READ_ONCE(*word);
	do {
		u16 flags = (u16)before;

		if ((flags & GTF_type_mask) != GTF_permit_access || before >> 16 != mapper ||
		    (write && (flags & GTF_readonly))) {
			window_close(window);
			return GNTST_general_error;
		}
		after = before | GTF_reading | (write ? GTF_writing : 0u);
	} while (!__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	gfn = READ_ONCE(entry->frame);
	window_close(window);
	if (write)
		pin->writers++;
	else
		pin->readers++;
	if (physmap_own_frame(granter, gfn, mfn)) {
		grant_unpin_ref(granter, ref, write);
		return GNTST_bad_page;
	}
	return GNTST_okay;
}

void grant_unpin_ref(struct domain *granter, u64 ref, bool write)
{
	struct grant_pin *pin = pin_of(granter, ref);
	struct grant_entry_v1 *entry;
	void *window;
	u16 clear = 0;

	if (!pin)
		return;
	if (write && pin->writers)
		pin->writers--;
	else if (!write && pin->readers)
		pin->readers--;
	if (!pin->writers)
		clear = GTF_writing;
	if (!pin->writers && !pin->readers)
		clear |= GTF_reading;
	entry = entry_open(granter, ref, &window);
	if (!entry)
		return;
	__atomic_fetch_and(&entry->flags, (u16)~clear, __ATOMIC_SEQ_CST);
	window_close(window);
}

static s64 query_size(struct call *c)
{
	struct gnttab_query_size op;
	struct domain *d;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	d = domain_named(c, op.dom);
	if (!d) {
		op.status = GNTST_bad_domain;
	} else if (d != c->d && !c->d->hardware) {
		op.status = GNTST_permission_denied;
	} else {
		op.nr_frames = d->nr_grant_frames;
		op.max_nr_frames = d->max_grant_frames;
		op.status = GNTST_okay;
	}
	return store(c, c->arg[1], &op);
}

static s64 set_version(struct call *c)
{
	struct gnttab_set_version op;
	s64 result;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	result = op.version == 1 ? 0 : -ENOSYS;
	op.version = 1;
	return store(c, c->arg[1], &op) ? -EFAULT : result;
}

static s64 get_version(struct call *c)
{
	struct gnttab_get_version op;
	struct domain *d;

	if (fetch(c, &op, c->arg[1]))
		return -EFAULT;
	d = domain_named(c, op.dom);
	if (!d)
		return -ESRCH;
	if (d != c->d && !c->d->hardware)
		return -EPERM;
	op.version = 1;
	return store(c, c->arg[1], &op);
}

/* (command, array, count) */
s64 do_grant_table_op(struct call *c)
{
	c->arg[2] &= 0xffffffff;
	if (c->arg[2] > 0x7fffffff)
		return -EINVAL;
	switch (c->arg[0]) {
	case GNTTABOP_map_grant_ref:
	case GNTTABOP_unmap_grant_ref:
	case GNTTABOP_copy:
		return grant_batch(c);
	case GNTTABOP_query_size:
		return c->arg[2] == 1 ? query_size(c) : -EINVAL;
	case GNTTABOP_set_version:
		return c->arg[2] == 1 ? set_version(c) : -EINVAL;
	case GNTTABOP_get_version:
		return c->arg[2] == 1 ? get_version(c) : -EINVAL;
	default:
		return -ENOSYS;
	}
}
