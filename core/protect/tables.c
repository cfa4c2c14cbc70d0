/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a table: FREE (all zero), LIVE, and once it is unlinked DYING
 * until it is empty and flushed.  Trees grow from the root down: a table that
 * nothing links holds no entry, so linking one makes nothing reachable.
 */
#include "entry.h"
#include "errno.h"
#include "state.h"

int table_alloc(u64 table, u64 dom, u64 level)
{
	if (table == 0 || table >= live_tables || dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (level == 0 || level > LEVELS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_LIVE)
		return -ESRCH;
	if (table_state[table] != TABLE_FREE)
		return -EBUSY;
	if (dom_tables[dom] >= dom_table_quota[dom])
		return -ENOMEM;
	if (level == LEVELS && dom_root[dom] != 0)
		return -EEXIST;

	table_state[table] = TABLE_LIVE;
	table_level[table] = (u8)level;
	table_owner[table] = (u32)handle_of(dom);
	dom_tables[dom]++;
	if (level == LEVELS)
		dom_root[dom] = (u32)table;
	return 0;
}

/* The parent is the root or linked itself. */
int table_link(u64 table, u64 parent, u64 index)
{
	u64 level, entry, base;

	if (table == 0 || table >= live_tables || parent == 0 || parent >= live_tables)
		return -EINVAL;
	if (index >= ENTRIES)
		return -EINVAL;
	if (table_state[table] != TABLE_LIVE || table_state[parent] != TABLE_LIVE)
		return -EINVAL;
	level = table_level[table];
	if (table_level[parent] != level + 1)
		return -EINVAL;
	if (table_parent[table] != 0 || (level + 1 != LEVELS && table_parent[parent] == 0))
		return -EINVAL;
	if (table_owner[table] != table_owner[parent])
		return -EPERM;
	if (!handle_is_live(table_owner[table]))
		return -ESRCH;
	entry = parent * ENTRIES + index;
	if (npt[entry] != 0)
		return -EEXIST;

	base = table_base[parent] + (index << 9 * level);
	table_base[table] = base;
	table_parent[table] = (u32)entry;
	*(volatile u64 *)&npt[entry] = upper_value(table, level);
	return 0;
}

/* Takes it out of its parent, the root out of a domain that is no longer LIVE. Its entries stay,
 * out of the hardware's reach after a flush. */
int table_unlink(u64 table)
{
	u64 dom, parent;

	if (table == 0 || table >= live_tables)
		return -EINVAL;
	if (table_state[table] != TABLE_LIVE)
		return -EINVAL;
	dom = handle_dom(table_owner[table]);
	if (dom_root[dom] == table) {
		if (dom_state[dom] == DOMAIN_LIVE)
			return -EBUSY;
		dom_root[dom] = 0;
	}
	parent = table_parent[table];
	if (parent != 0) {
		*(volatile u64 *)&npt[parent] = 0;
		table_parent[table] = 0;
	}
	table_state[table] = TABLE_DYING;
	table_stamp[table] = epoch_now;
	return 0;
}

/* Every entry that is not zero maps something or links a table, and has an operation of its own
 * that removes it: here is only seen that nothing is left. */
int table_clear(u64 table)
{
	u64 cursor, entry;

	if (table == 0 || table >= live_tables)
		return -EINVAL;
	if (table_state[table] != TABLE_DYING)
		return -EINVAL;
	cursor = table_cursor[table];
	if (cursor == ENTRIES)
		return 0;
	entry = table * ENTRIES + cursor;
	if ((npt[entry] | npt[entry + 1] | npt[entry + 2] | npt[entry + 3]) != 0)
		return -EBUSY;
	table_cursor[table] = (u16)(cursor + 4);
	return 0;
}

int table_free(u64 table)
{
	u64 dom, owner;

	if (table == 0 || table >= live_tables)
		return -EINVAL;
	if (table_state[table] != TABLE_DYING)
		return -EINVAL;
	if (table_cursor[table] != ENTRIES)
		return -EBUSY;
	if (!flushed_since(table_stamp[table]))
		return -EAGAIN;

	owner = table_owner[table];
	dom = handle_dom(owner);
	if (handle_of(dom) == owner && dom_tables[dom] != 0)
		dom_tables[dom]--;
	table_state[table] = TABLE_FREE;
	table_level[table] = 0;
	table_cursor[table] = 0;
	table_owner[table] = 0;
	table_base[table] = 0;
	table_stamp[table] = 0;
	return 0;
}
