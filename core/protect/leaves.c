/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaf entries: who may map which frame, and the list of a frame's mappings.
 *
 * A frame's mappings form a list, newest first, of falling age; it is empty
 * only when no entry maps the frame.  leaf_set() and leaf_unset() are the only
 * writers of that list, leaf_write() of a leaf's hardware entry.
 */
#include "entry.h"
#include "errno.h"
#include "mmio.h"
#include "state.h"

static inline void leaf_write(u64 entry, u64 value)
{
	*(volatile u64 *)&npt[entry] = value; /* one aligned store: hardware may be walking */
}

/* The checks that all mappings share: an empty entry of a linked level 1 table of a LIVE domain. */
static inline int leaf_check(u64 table, u64 index)
{
	if (table == 0 || table >= live_tables || index >= ENTRIES)
		return -EINVAL;
	if (table_state[table] != TABLE_LIVE || table_level[table] != 1)
		return -EINVAL;
	if (table_parent[table] == 0)
		return -EINVAL;
	if (!handle_is_live(table_owner[table]))
		return -ESRCH;
	if (npt[table * ENTRIES + index] != 0)
		return -EEXIST;
	return 0;
}

/* An OWNED frame whose list can grow. */
static inline int leaf_check_frame(u64 mfn, u64 perm)
{
	if (mfn >= live_frames || !perm_is_valid(perm))
		return -EINVAL;
	if (frame_state[mfn] != FRAME_OWNED)
		return -EPERM;
	if (leaf_age[frame_head[mfn]] >= AGE_MAX) /* entry 0 has age 0 */
		return -ENOSPC;
	return 0;
}

static inline void leaf_set(u64 entry, u64 mfn, u64 perm, u64 role)
{
	u64 old = frame_head[mfn];

	if (old != 0)
		leaf_prev[old] = (u32)entry;
	leaf_next[entry] = (u32)old;
	leaf_age[entry] = leaf_age[old] + 1;
	frame_head[mfn] = (u32)entry;
	leaf_role[entry] = (u8)role;
	leaf_perm[entry] = (u8)perm;
	leaf_write(entry, leaf_value(mfn, perm));
}

int map_own(u64 table, u64 index, u64 mfn, u64 perm)
{
	int error = leaf_check(table, index);

	if (error != 0)
		return error;
	error = leaf_check_frame(mfn, perm);
	if (error != 0)
		return error;
	if (frame_owner[mfn] != table_owner[table])
		return -EPERM;
	leaf_set(table * ENTRIES + index, mfn, perm, LEAF_OWN);
	return 0;
}

/* Stays right without a record of its own, because a partner never changes. */
int map_partner(u64 table, u64 index, u64 mfn, u64 perm)
{
	u64 owner;
	int error = leaf_check(table, index);

	if (error != 0)
		return error;
	error = leaf_check_frame(mfn, perm);
	if (error != 0)
		return error;
	owner = frame_owner[mfn];
	if (!handle_is_live(owner))
		return -ESRCH;
	if (dom_partner[handle_dom(owner)] != table_owner[table])
		return -EPERM;
	leaf_set(table * ENTRIES + index, mfn, perm & ~PERM_EXEC, LEAF_PARTNER);
	return 0;
}

int map_slot(u64 table, u64 index, u64 mfn, u64 perm, u64 slot)
{
	u64 owner, entry;
	int error = leaf_check(table, index);

	if (error != 0)
		return error;
	error = leaf_check_frame(mfn, perm);
	if (error != 0)
		return error;
	if (slot == 0 || slot >= live_slots)
		return -EINVAL;
	if (slot_role[slot] == LEAF_NONE)
		return -ENOENT;
	if (slot_entry[slot] != 0)
		return -EBUSY;
	owner = slot_owner[slot];
	if (slot_mapper[slot] != table_owner[table] || frame_owner[mfn] != owner)
		return -EPERM;
	if (!handle_is_live(owner))
		return -ESRCH;
	if (slot_role[slot] == LEAF_BUILDER) {
		if (dom_sealed[handle_dom(owner)] != UNSEALED)
			return -EPERM;
	} else {
		if (slot_mfn[slot] != mfn || (perm & PERM_WRITE & ~(u64)slot_perm[slot]) != 0)
			return -EPERM;
	}
	entry = table * ENTRIES + index;
	leaf_slot[entry] = (u32)slot;
	slot_entry[slot] = (u32)entry;
	leaf_set(entry, mfn, perm & ~PERM_EXEC, slot_role[slot]);
	return 0;
}

int map_mmio(u64 table, u64 index, u64 mfn)
{
	u64 entry;
	int error = leaf_check(table, index);

	if (error != 0)
		return error;
	if (mfn >= 1ull << GFN_BITS || table_base[table] + index != mfn)
		return -EINVAL;
	if (dom_flags[handle_dom(table_owner[table])] != DOMAIN_HARDWARE)
		return -EPERM;
	if (mfn < live_frames && frame_state[mfn] != FRAME_NOT_RAM)
		return -EPERM;
	if (mmio_is_forbidden(mfn))
		return -EPERM;
	if (boot_phase < BOOT_MMIO)
		boot_phase = BOOT_MMIO;
	entry = table * ENTRIES + index;
	leaf_role[entry] = LEAF_MMIO;
	leaf_perm[entry] = PERM_READ | PERM_WRITE | PERM_EXEC;
	leaf_write(entry, leaf_value(mfn, PERM_READ | PERM_WRITE | PERM_EXEC));
	return 0;
}

/* Takes entry out of the list of frame mfn. */
static inline void leaf_unset(u64 entry, u64 mfn)
{
	u64 next = leaf_next[entry], prev = leaf_prev[entry];

	if (next != 0)
		leaf_prev[next] = (u32)prev;
	if (prev != 0)
		leaf_next[prev] = (u32)next;
	else
		frame_head[mfn] = (u32)next;
	leaf_next[entry] = 0;
	leaf_prev[entry] = 0;
	leaf_age[entry] = 0;
}

int unmap(u64 table, u64 index)
{
	u64 entry, mfn, slot;

	if (table == 0 || table >= live_tables || index >= ENTRIES)
		return -EINVAL;
	entry = table * ENTRIES + index;
	if (leaf_role[entry] == LEAF_NONE) /* also in every table that is not of level 1 */
		return -ENOENT;

	if (leaf_role[entry] != LEAF_MMIO) {
		mfn = ENTRY_FRAME(npt[entry]);
		leaf_unset(entry, mfn);
		frame_stamp[mfn] = epoch_now;
		slot = leaf_slot[entry];
		if (slot != 0) {
			slot_entry[slot] = 0;
			slot_stamp[slot] = epoch_now;
			if (slot_role[slot] == LEAF_BUILDER)
				dom_stamp[handle_dom(slot_owner[slot])] = epoch_now;
			leaf_slot[entry] = 0;
		}
	}
	leaf_role[entry] = LEAF_NONE;
	leaf_perm[entry] = 0;
	leaf_write(entry, 0);
	return 0;
}

static inline int leaf_check_own(u64 table, u64 index)
{
	if (table == 0 || table >= live_tables || index >= ENTRIES)
		return -EINVAL;
	if (leaf_role[table * ENTRIES + index] == LEAF_NONE)
		return -ENOENT;
	if (leaf_role[table * ENTRIES + index] != LEAF_OWN)
		return -EPERM;
	return 0;
}

/* The frame is stamped: what is narrowed counts only after a flush. */
int leaf_write_protect(u64 table, u64 index)
{
	u64 entry, mfn;
	int error = leaf_check_own(table, index);

	if (error != 0)
		return error;
	entry = table * ENTRIES + index;
	mfn = ENTRY_FRAME(npt[entry]);
	frame_stamp[mfn] = epoch_now;
	leaf_write(entry, leaf_value(mfn, leaf_perm[entry] & ~PERM_WRITE));
	return 0;
}

int leaf_write_allow(u64 table, u64 index)
{
	u64 entry;
	int error = leaf_check_own(table, index);

	if (error != 0)
		return error;
	entry = table * ENTRIES + index;
	leaf_write(entry, leaf_value(ENTRY_FRAME(npt[entry]), leaf_perm[entry]));
	return 0;
}
