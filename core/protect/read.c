/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the state: scalars out, zero for what is out of range. Nothing here writes. */
#include "entry.h"
#include "state.h"

static inline u64 entry_ok(u64 entry)
{
	return entry < live_tables * ENTRIES;
}

u64 frame_state_of(u64 mfn)
{
	return mfn < live_frames ? frame_state[mfn] : FRAME_NOT_RAM;
}

u64 frame_owner_of(u64 mfn)
{
	return mfn < live_frames ? frame_owner[mfn] : 0;
}

u64 frame_newest_entry(u64 mfn)
{
	return mfn < live_frames ? frame_head[mfn] : 0;
}

u64 entry_older(u64 entry)
{
	return entry_ok(entry) ? leaf_next[entry] : 0;
}

u64 entry_value(u64 table, u64 index)
{
	return table < live_tables && index < ENTRIES ? npt[table * ENTRIES + index] : 0;
}

u64 entry_role(u64 entry)
{
	return entry_ok(entry) ? leaf_role[entry] : LEAF_NONE;
}

u64 entry_slot(u64 entry)
{
	return entry_ok(entry) ? leaf_slot[entry] : 0;
}

u64 table_state_of(u64 table)
{
	return table < live_tables ? table_state[table] : TABLE_FREE;
}

u64 table_owner_of(u64 table)
{
	return table < live_tables ? table_owner[table] : 0;
}

u64 table_level_of(u64 table)
{
	return table < live_tables ? table_level[table] : 0;
}

u64 table_parent_entry(u64 table)
{
	return table < live_tables ? table_parent[table] : 0;
}

u64 domain_handle(u64 dom)
{
	return dom < PROTECT_DOMAINS && dom_state[dom] != DOMAIN_DEAD ? handle_of(dom) : 0;
}

u64 domain_root_table(u64 dom)
{
	return dom < PROTECT_DOMAINS ? dom_root[dom] : 0;
}

u64 domain_sealed(u64 dom)
{
	return dom < PROTECT_DOMAINS ? dom_sealed[dom] : UNSEALED;
}

u64 domain_builder_slot(u64 dom)
{
	return dom < PROTECT_DOMAINS ? dom_slot_head[dom] : 0;
}

u64 slot_entry_of(u64 slot)
{
	return slot < live_slots ? slot_entry[slot] : 0;
}

u64 slot_role_of(u64 slot)
{
	return slot < live_slots ? slot_role[slot] : LEAF_NONE;
}

u64 table_mfn(u64 table)
{
	return TABLE_MFN + table;
}

u64 mfn_table(u64 mfn)
{
	return mfn - TABLE_MFN < live_tables ? mfn - TABLE_MFN : 0;
}
