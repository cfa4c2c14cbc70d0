/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's physical map: the walks that find table and index, which the
 * protection layer verifies and changes one entry at a time.
 */
#include "domain/memory.h"
#include "errno.h"
#include "lib.h"
#include "protect/protect.h"

#define GFN_MAX		  (1ull << 36)
#define INDEX(gfn, level) ((gfn) >> (9 * ((level)-1)) & 511)

/* The level-1 table that holds gfn; 0: missing, *level is where the walk ended, *at its table there. */
static u64 walk(struct domain *d, u64 gfn, u64 *at, u64 *level)
{
	u64 table, region = gfn >> 9, cell = region % WALKS;

	/* The table of a region stays until d dies (destroy.c): as long as it lives, a walk that was done once
	 * need not be done again. What the table's entries say is read each time. */
	if (d->walked_tag[cell] == region + 1 && d->life == LIFE_ALIVE)
		return d->walked_table[cell];
	table = domain_root_table(d->id);
	for (u64 l = 4; l > 1; l--) {
		u64 entry;

		*at = table;
		*level = l;
		if (!table)
			return 0;
		entry = entry_value(table, INDEX(gfn, l));
		if (!(entry & ENTRY_PRESENT))
			return 0;
		table = mfn_table(ENTRY_FRAME(entry));
	}
	d->walked_tag[cell] = region + 1;
	d->walked_table[cell] = (u32)table;
	return table;
}

static int new_table(struct domain *d, u64 level, u64 *table)
{
	u64 t = pool_take(&free_tables);
	int err;

	if (!t)
		return -ENOMEM;
	err = table_alloc(t, d->id, level);
	if (err)
		pool_put(&free_tables, t);
	*table = t;
	return err;
}

static int walk_make(struct domain *d, u64 gfn, u64 *table)
{
	u64 at = 0, level = 0, t;
	int err;

	if (gfn >= GFN_MAX)
		return -EINVAL;
	if (!domain_root_table(d->id)) {
		err = new_table(d, 4, &t);
		if (err)
			return err;
	}
	while (!(*table = walk(d, gfn, &at, &level))) {
		err = new_table(d, level - 1, &t);
		if (err)
			return err;
		err = table_link(t, at, INDEX(gfn, level));
		if (err)
			panic("d%u: new table does not link: %d", d->id, err);
	}
	return 0;
}

int physmap_find(struct domain *d, u64 gfn, struct mapping *m)
{
	u64 at, level, table, entry;

	if (gfn >= GFN_MAX)
		return -EINVAL;
	table = walk(d, gfn, &at, &level);
	if (!table)
		return -ENOENT;
	entry = entry_value(table, INDEX(gfn, 1));
	if (!(entry & ENTRY_PRESENT))
		return -ENOENT;
	m->mfn = ENTRY_FRAME(entry);
	m->table = table;
	m->index = INDEX(gfn, 1);
	m->role = (u32)entry_role(table * 512 + m->index);
	m->write = entry & ENTRY_WRITE;
	m->exec = !(entry & ENTRY_NX);
	m->slot = entry_slot(table * 512 + m->index);
	return 0;
}

int physmap_reach(struct domain *d, u64 gfn, bool write, u64 *mfn)
{
	u64 at, level, table, entry, cell = (gfn >> 9) % WALKS;

	if (gfn >= GFN_MAX)
		return -EFAULT;
	/* walk()'s short cut, without the call: a copy comes by here for each level of the guest's tables. */
	table = d->walked_tag[cell] == (gfn >> 9) + 1 && d->life == LIFE_ALIVE
			? d->walked_table[cell]
			: walk(d, gfn, &at, &level);
	entry = entry_value(table, INDEX(gfn, 1));
	if (!table || !(entry & ENTRY_PRESENT) || (write && !(entry & ENTRY_WRITE)) ||
	    entry_role(table * 512 + INDEX(gfn, 1)) == LEAF_MMIO)
		return -EFAULT;
	*mfn = ENTRY_FRAME(entry);
	return 0;
}

int physmap_own_frame(struct domain *d, u64 gfn, u64 *mfn)
{
	struct mapping m;
	int err = physmap_find(d, gfn, &m);

	if (err)
		return err;
	if (m.role != LEAF_OWN)
		return -EINVAL;
	*mfn = m.mfn;
	return 0;
}

int physmap_add_own(struct domain *d, u64 gfn, u64 mfn, u64 perm)
{
	u64 table;
	int err = walk_make(d, gfn, &table);

	return err ? err : map_own(table, INDEX(gfn, 1), mfn, perm);
}

int physmap_add_partner(struct domain *d, u64 gfn, u64 mfn, u64 perm)
{
	u64 table;
	int err = walk_make(d, gfn, &table);

	return err ? err : map_partner(table, INDEX(gfn, 1), mfn, perm);
}

int physmap_add_mmio(struct domain *d, u64 gfn)
{
	u64 table;
	int err = walk_make(d, gfn, &table);

	return err ? err : map_mmio(table, INDEX(gfn, 1), gfn);
}

int physmap_add_slot(struct domain *d, u64 gfn, struct domain *owner, u64 mfn, u32 role, u64 perm)
{
	u64 table, slot;
	int err = walk_make(d, gfn, &table);

	if (err)
		return err;
	if (entry_value(table, INDEX(gfn, 1)))
		return -EEXIST;
	slot = pool_take(&free_slots);
	if (!slot)
		return -ENOMEM;
	err = slot_take(slot, d->id, owner->id, role, mfn, perm);
	if (err) {
		pool_put(&free_slots, slot);
		return err;
	}
	err = map_slot(table, INDEX(gfn, 1), mfn, perm, slot);
	if (err) {
		if (slot_drop(slot) == 0)
			pool_put(&free_slots, slot);
	}
	return err;
}

void entry_remove(u64 table, u64 index)
{
	u64 entry = entry_value(table, index), mfn = ENTRY_FRAME(entry);
	u64 slot = entry_slot(table * 512 + index);
	bool frame = entry_role(table * 512 + index) != LEAF_MMIO;
	int err = unmap(table, index);

	if (err)
		panic("entry %lu of table %lu does not unmap: %d", index, table, err);
	flush_table(table);
	if (slot) {
		err = slot_drop(slot);
		if (err)
			panic("slot %lu does not drop: %d", slot, err);
		pool_put(&free_slots, slot);
	}
	if (frame)
		memory_reclaim(mfn);
}

int physmap_remove(struct domain *d, u64 gfn)
{
	struct mapping m;
	int err = physmap_find(d, gfn, &m);

	if (!err)
		entry_remove(m.table, m.index);
	return err;
}

bool builder_drain(struct domain *d, u32 max)
{
	u64 slot;

	for (; (slot = domain_builder_slot(d->id)) && max; max--) {
		u64 entry = slot_entry_of(slot);

		if (entry) {
			entry_remove(entry / 512, entry % 512);
		} else {
			/* Reserved but never mapped: cannot be left behind, physmap_add_slot() takes it back. */
			if (slot_drop(slot))
				return true;
			pool_put(&free_slots, slot);
		}
	}
	return slot != 0;
}
