/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariant as a C function, linear in the live sizes: run at the end of
 * boot, by tests and by fuzzers.  proof/ states the same clauses to the prover;
 * only the exact counts are here alone, as no local clause can say them.
 */
#include "invariant.h"
#include "entry.h"
#include "mmio.h"
#include "state.h"

#define HOLDS(clause, condition)       \
	do {                           \
		if (!(condition))      \
			return clause; \
	} while (0)

static u32 tables_counted[PROTECT_DOMAINS], slots_counted[PROTECT_DOMAINS];

static bool handle_exists(u64 handle)
{
	return handle >> HANDLE_BITS != 0 &&
	       handle >> HANDLE_BITS <= dom_incarnation[handle_dom(handle)];
}

static bool handle_is_present(u64 handle)
{
	return handle_of(handle_dom(handle)) == handle;
}

static u64 min_is(u64 node, const u64 *child)
{
	u64 i, least = EPOCH_MAX;

	for (i = 0; i < 4; i++)
		least = child[i] < least ? child[i] : least;
	return node == least;
}

static u64 check_epochs(void)
{
	u64 i;

	HOLDS(INV_SIZES, live_frames <= PROTECT_FRAMES && live_tables <= PROTECT_TABLES &&
				 live_slots <= PROTECT_SLOTS && live_cpus <= PROTECT_CPUS);
	HOLDS(INV_SIZES, boot_phase <= BOOT_DONE && forbidden_count <= FORBIDDEN);
	for (i = forbidden_count; i < FORBIDDEN; i++)
		HOLDS(INV_SIZES, forbidden_nr[i] == 0);
	HOLDS(INV_EPOCH, epoch_now < EPOCH_MAX);
	for (i = 0; i < PROTECT_CPUS; i++) {
		if (i < live_cpus)
			HOLDS(INV_EPOCH,
			      cpu_epoch[i] <= cpu_pending[i] && cpu_pending[i] <= epoch_now);
		else
			HOLDS(INV_EPOCH, cpu_epoch[i] == EPOCH_MAX && cpu_pending[i] == EPOCH_MAX);
	}
	for (i = 0; i < PROTECT_CPUS / 4; i++)
		HOLDS(INV_EPOCH_TREE, min_is(epoch_min_4[i], &cpu_epoch[i * 4]));
	for (i = 0; i < PROTECT_CPUS / 16; i++)
		HOLDS(INV_EPOCH_TREE, min_is(epoch_min_16[i], &epoch_min_4[i * 4]));
	for (i = 0; i < PROTECT_CPUS / 64; i++)
		HOLDS(INV_EPOCH_TREE, min_is(epoch_min_64[i], &epoch_min_16[i * 4]));
	HOLDS(INV_EPOCH_TREE, min_is(epoch_min, epoch_min_64));
	return INVARIANT_HOLDS;
}

/* A leaf entry that is on the list of frame mfn. */
static bool lists_frame(u64 entry, u64 mfn)
{
	return entry < live_tables * ENTRIES && leaf_role[entry] != LEAF_NONE &&
	       leaf_role[entry] != LEAF_MMIO && ENTRY_FRAME(npt[entry]) == mfn;
}

static u64 check_frame(u64 f)
{
	u64 head = frame_head[f];
	bool owned = frame_state[f] == FRAME_OWNED;

	HOLDS(INV_FRAME_STATE, frame_state[f] <= FRAME_CONDEMNED);
	HOLDS(INV_FRAME_STATE, owned ? handle_exists(frame_owner[f]) : frame_owner[f] == 0);
	HOLDS(INV_FRAME_CORE, frame_state[f] == FRAME_NOT_RAM || !mmio_is_forbidden(f));
	HOLDS(INV_STAMP, frame_stamp[f] <= epoch_now);
	if (head != 0) {
		HOLDS(INV_FRAME_HEAD, owned || frame_state[f] == FRAME_CONDEMNED);
		HOLDS(INV_FRAME_HEAD, lists_frame(head, f) && leaf_prev[head] == 0);
	}
	return INVARIANT_HOLDS;
}

static u64 check_table(u64 t)
{
	u64 state = table_state[t], level = table_level[t], parent = table_parent[t];
	u64 above = parent / ENTRIES, dom = handle_dom(table_owner[t]);

	if (state == TABLE_FREE) {
		HOLDS(INV_TABLE_FREE, level == 0 && table_cursor[t] == 0 && table_owner[t] == 0);
		HOLDS(INV_TABLE_FREE, parent == 0 && table_base[t] == 0 && table_stamp[t] == 0);
		return INVARIANT_HOLDS;
	}
	HOLDS(INV_TABLE_FREE, t != 0);
	HOLDS(INV_TABLE_STATE, state == TABLE_LIVE || state == TABLE_DYING);
	HOLDS(INV_TABLE_STATE, level >= 1 && level <= LEVELS && handle_exists(table_owner[t]));
	HOLDS(INV_STAMP, table_stamp[t] <= epoch_now);
	if (state == TABLE_DYING) {
		HOLDS(INV_TABLE_STATE, table_cursor[t] % 4 == 0 && table_cursor[t] <= ENTRIES);
		HOLDS(INV_TABLE_STATE, parent == 0);
		return INVARIANT_HOLDS;
	}
	HOLDS(INV_TABLE_STATE, table_cursor[t] == 0);
	if (level == LEVELS) {
		HOLDS(INV_TABLE_STATE, parent == 0 && table_base[t] == 0);
		HOLDS(INV_DOMAIN_ROOT, !handle_is_present(table_owner[t]) || dom_root[dom] == t);
	}
	if (parent == 0) {
		HOLDS(INV_TABLE_PARENT, table_base[t] == 0);
		return INVARIANT_HOLDS;
	}
	HOLDS(INV_TABLE_PARENT, above < live_tables && npt[parent] == upper_value(t, level));
	HOLDS(INV_TABLE_PARENT, table_level[above] == level + 1);
	HOLDS(INV_TABLE_PARENT, table_owner[above] == table_owner[t]);
	HOLDS(INV_TABLE_PARENT,
	      table_base[t] == table_base[above] + (parent % ENTRIES << 9 * level));
	return INVARIANT_HOLDS;
}

/* What is mapped by no leaf has no trace of one, whatever its level. */
static u64 check_no_leaf(u64 e)
{
	HOLDS(INV_LEAF_NONE, leaf_perm[e] == 0 && leaf_slot[e] == 0 && leaf_age[e] == 0);
	HOLDS(INV_LEAF_NONE, leaf_next[e] == 0 && leaf_prev[e] == 0);
	return INVARIANT_HOLDS;
}

static u64 check_upper(u64 t, u64 e)
{
	u64 child = ENTRY_FRAME(npt[e]) - TABLE_MFN;

	HOLDS(INV_LEAF_NONE, leaf_role[e] == LEAF_NONE);
	if (npt[e] == 0)
		return check_no_leaf(e);
	HOLDS(INV_ENTRY_UPPER, child != 0 && child < live_tables && table_parent[child] == e);
	HOLDS(INV_ENTRY_UPPER, npt[e] == upper_value(child, table_level[t] - 1ull));
	return check_no_leaf(e);
}

static u64 check_list(u64 e, u64 mfn)
{
	u64 next = leaf_next[e], prev = leaf_prev[e];

	HOLDS(INV_LEAF_LIST, leaf_age[e] != 0);
	if (next != 0) {
		HOLDS(INV_LEAF_LIST, lists_frame(next, mfn) && leaf_prev[next] == e);
		HOLDS(INV_LEAF_LIST, leaf_age[next] < leaf_age[e]);
	}
	if (prev != 0) {
		HOLDS(INV_LEAF_LIST, lists_frame(prev, mfn) && leaf_next[prev] == e);
		HOLDS(INV_LEAF_LIST, leaf_age[prev] > leaf_age[e]);
	} else {
		HOLDS(INV_LEAF_LIST, frame_head[mfn] == e);
	}
	return INVARIANT_HOLDS;
}

static u64 check_leaf_mmio(u64 t, u64 e, u64 mfn)
{
	u64 dom = handle_dom(table_owner[t]);

	HOLDS(INV_LEAF_MMIO, mfn == table_base[t] + e % ENTRIES);
	HOLDS(INV_LEAF_MMIO, mfn >= live_frames || frame_state[mfn] == FRAME_NOT_RAM);
	HOLDS(INV_LEAF_MMIO, !mmio_is_forbidden(mfn) && boot_phase >= BOOT_MMIO);
	HOLDS(INV_LEAF_MMIO,
	      !handle_is_present(table_owner[t]) || dom_flags[dom] == DOMAIN_HARDWARE);
	HOLDS(INV_LEAF_MMIO, leaf_next[e] == 0 && leaf_prev[e] == 0 && leaf_age[e] == 0);
	HOLDS(INV_LEAF_MMIO, leaf_slot[e] == 0);
	return INVARIANT_HOLDS;
}

static u64 check_leaf_slot(u64 t, u64 e, u64 mfn)
{
	u64 s = leaf_slot[e];

	HOLDS(INV_LEAF_SLOT, s != 0 && s < live_slots);
	HOLDS(INV_LEAF_SLOT, slot_entry[s] == e && slot_role[s] == leaf_role[e]);
	HOLDS(INV_LEAF_SLOT, slot_mapper[s] == table_owner[t]);
	HOLDS(INV_LEAF_SLOT, frame_state[mfn] != FRAME_OWNED || frame_owner[mfn] == slot_owner[s]);
	HOLDS(INV_LEAF_SLOT, (leaf_perm[e] & PERM_EXEC) == 0);
	if (leaf_role[e] == LEAF_GRANT) {
		HOLDS(INV_LEAF_SLOT, slot_mfn[s] == mfn);
		HOLDS(INV_LEAF_SLOT, (leaf_perm[e] & ~slot_perm[s]) == 0);
	}
	return INVARIANT_HOLDS;
}

static u64 check_leaf(u64 t, u64 e)
{
	u64 role = leaf_role[e], mfn = ENTRY_FRAME(npt[e]), clause, owner;

	if (role == LEAF_NONE) {
		HOLDS(INV_LEAF_NONE, npt[e] == 0);
		return check_no_leaf(e);
	}
	HOLDS(INV_LEAF_VALUE, role <= LEAF_MMIO && perm_is_valid(leaf_perm[e]));
	HOLDS(INV_LEAF_VALUE,
	      npt[e] == leaf_value(mfn, leaf_perm[e]) ||
		      (role == LEAF_OWN && npt[e] == leaf_value(mfn, leaf_perm[e] & ~PERM_WRITE)));
	if (role == LEAF_MMIO)
		return check_leaf_mmio(t, e, mfn);
	HOLDS(INV_LEAF_FRAME, mfn < live_frames);
	HOLDS(INV_LEAF_FRAME,
	      frame_state[mfn] == FRAME_OWNED || frame_state[mfn] == FRAME_CONDEMNED);
	clause = check_list(e, mfn);
	if (clause != INVARIANT_HOLDS)
		return clause;
	if (role == LEAF_BUILDER || role == LEAF_GRANT)
		return check_leaf_slot(t, e, mfn);
	HOLDS(INV_LEAF_SLOT, leaf_slot[e] == 0);
	owner = frame_owner[mfn];
	if (role == LEAF_OWN) {
		HOLDS(INV_LEAF_OWN, owner == 0 || owner == table_owner[t]);
	} else {
		HOLDS(INV_LEAF_PARTNER, (leaf_perm[e] & PERM_EXEC) == 0);
		HOLDS(INV_LEAF_PARTNER, owner == 0 || !handle_is_present(owner) ||
						dom_partner[handle_dom(owner)] == table_owner[t]);
	}
	return INVARIANT_HOLDS;
}

static u64 check_entries(u64 t)
{
	u64 i, e, clause;

	for (i = 0; i < ENTRIES; i++) {
		e = t * ENTRIES + i;
		if (table_state[t] == TABLE_FREE ||
		    (table_state[t] == TABLE_DYING && i < table_cursor[t]) ||
		    (table_state[t] == TABLE_LIVE && table_parent[t] == 0 &&
		     table_level[t] != LEVELS))
			HOLDS(INV_TABLE_EMPTY, npt[e] == 0);
		clause = table_level[t] > 1 ? check_upper(t, e) : check_leaf(t, e);
		if (clause != INVARIANT_HOLDS)
			return clause;
	}
	return INVARIANT_HOLDS;
}

static bool slot_lists(u64 slot, u64 owner)
{
	return slot < live_slots && slot_role[slot] == LEAF_BUILDER && slot_owner[slot] == owner;
}

static u64 check_slot_list(u64 s)
{
	u64 next = slot_next[s], prev = slot_prev[s], owner = slot_owner[s];
	u64 dom = handle_dom(owner);

	HOLDS(INV_SLOT_BUILDER, handle_is_present(owner) && dom_state[dom] != DOMAIN_DEAD);
	HOLDS(INV_SLOT_BUILDER, dom_builder[dom] == slot_mapper[s]);
	HOLDS(INV_SLOT_BUILDER, slot_mapper[s] != owner && slot_stamp[s] <= dom_stamp[dom]);
	HOLDS(INV_SLOT_LIST, slot_age[s] != 0);
	if (next != 0) {
		HOLDS(INV_SLOT_LIST, slot_lists(next, owner) && slot_prev[next] == s);
		HOLDS(INV_SLOT_LIST, slot_age[next] < slot_age[s]);
	}
	if (prev != 0) {
		HOLDS(INV_SLOT_LIST, slot_lists(prev, owner) && slot_next[prev] == s);
		HOLDS(INV_SLOT_LIST, slot_age[prev] > slot_age[s]);
	} else {
		HOLDS(INV_SLOT_LIST, dom_slot_head[dom] == s);
	}
	return INVARIANT_HOLDS;
}

static u64 check_slot(u64 s)
{
	u64 e = slot_entry[s];

	if (slot_role[s] == LEAF_NONE) {
		HOLDS(INV_SLOT_FREE,
		      slot_perm[s] == 0 && slot_mapper[s] == 0 && slot_owner[s] == 0);
		HOLDS(INV_SLOT_FREE, slot_mfn[s] == 0 && e == 0 && slot_stamp[s] == 0);
		HOLDS(INV_SLOT_FREE, slot_next[s] == 0 && slot_prev[s] == 0 && slot_age[s] == 0);
		return INVARIANT_HOLDS;
	}
	HOLDS(INV_SLOT_FREE, s != 0);
	HOLDS(INV_SLOT_STATE, slot_role[s] == LEAF_BUILDER || slot_role[s] == LEAF_GRANT);
	HOLDS(INV_SLOT_STATE, handle_exists(slot_mapper[s]) && handle_exists(slot_owner[s]));
	HOLDS(INV_STAMP, slot_stamp[s] <= epoch_now);
	if (e != 0) {
		HOLDS(INV_SLOT_STATE, e < live_tables * ENTRIES && leaf_slot[e] == s);
		HOLDS(INV_SLOT_STATE, leaf_role[e] == slot_role[s]);
	}
	if (slot_role[s] == LEAF_BUILDER)
		return check_slot_list(s);
	HOLDS(INV_SLOT_STATE, slot_next[s] == 0 && slot_prev[s] == 0 && slot_age[s] == 0);
	HOLDS(INV_SLOT_STATE, slot_mfn[s] < live_frames && perm_is_valid(slot_perm[s]));
	HOLDS(INV_SLOT_STATE, (slot_perm[s] & PERM_EXEC) == 0);
	return INVARIANT_HOLDS;
}

static u64 check_domain(u64 d)
{
	u64 root = dom_root[d], head = dom_slot_head[d];
	u64 partner = dom_partner[d], target = dom_target[d];

	HOLDS(INV_DOMAIN_STATE, dom_state[d] <= DOMAIN_DYING && dom_sealed[d] <= SEALED);
	HOLDS(INV_DOMAIN_STATE, handle_of(d) <= HANDLE_MAX && dom_flags[d] <= DOMAIN_GUEST);
	HOLDS(INV_DOMAIN_COUNTS, tables_counted[d] == dom_tables[d]);
	HOLDS(INV_DOMAIN_COUNTS, slots_counted[d] == dom_slots[d]);
	HOLDS(INV_STAMP, dom_stamp[d] <= epoch_now);
	if (dom_state[d] == DOMAIN_DEAD) {
		HOLDS(INV_DOMAIN_STATE, root == 0 && head == 0);
		HOLDS(INV_DOMAIN_STATE, dom_tables[d] == 0 && dom_slots[d] == 0);
	} else {
		HOLDS(INV_DOMAIN_STATE, dom_incarnation[d] != 0);
		HOLDS(INV_DOMAIN_HANDLES, handle_exists(dom_builder[d]));
		HOLDS(INV_DOMAIN_COUNTS, dom_tables[d] <= dom_table_quota[d]);
		HOLDS(INV_DOMAIN_COUNTS, dom_slots[d] <= dom_slot_quota[d]);
	}
	HOLDS(INV_DOMAIN_HANDLES, partner == 0 || handle_exists(partner));
	HOLDS(INV_DOMAIN_HANDLES, target == 0 || handle_exists(target));
	if (partner != 0) {
		HOLDS(INV_DOMAIN_HANDLES, dom_flags[d] == DOMAIN_GUEST && dom_incarnation[d] != 0);
		HOLDS(INV_DOMAIN_HANDLES, !handle_is_present(partner) ||
						  dom_target[handle_dom(partner)] == handle_of(d));
	}
	if (root != 0) {
		HOLDS(INV_DOMAIN_ROOT, root < live_tables && table_state[root] == TABLE_LIVE);
		HOLDS(INV_DOMAIN_ROOT, table_level[root] == LEVELS);
		HOLDS(INV_DOMAIN_ROOT, table_owner[root] == handle_of(d));
	}
	if (head != 0) {
		HOLDS(INV_DOMAIN_SLOTS, slot_lists(head, handle_of(d)) && slot_prev[head] == 0);
		HOLDS(INV_DOMAIN_SEALED, dom_sealed[d] != SEALED);
	}
	if (dom_sealed[d] == SEALED)
		HOLDS(INV_DOMAIN_SEALED, epoch_min > dom_stamp[d]);
	return INVARIANT_HOLDS;
}

static void count(void)
{
	u64 i;

	for (i = 0; i < PROTECT_DOMAINS; i++)
		tables_counted[i] = slots_counted[i] = 0;
	for (i = 0; i < live_tables; i++)
		if (table_state[i] != TABLE_FREE && handle_is_present(table_owner[i]))
			tables_counted[handle_dom(table_owner[i])]++;
	for (i = 0; i < live_slots; i++)
		if (slot_role[i] != LEAF_NONE && handle_is_present(slot_mapper[i]))
			slots_counted[handle_dom(slot_mapper[i])]++;
}

u64 protect_invariant(void)
{
	u64 i, clause = check_epochs();

	for (i = 0; clause == INVARIANT_HOLDS && i < live_frames; i++)
		clause = check_frame(i);
	for (i = 0; clause == INVARIANT_HOLDS && i < live_tables; i++) {
		clause = check_table(i);
		if (clause == INVARIANT_HOLDS)
			clause = check_entries(i);
	}
	for (i = 0; clause == INVARIANT_HOLDS && i < live_slots; i++)
		clause = check_slot(i);
	if (clause == INVARIANT_HOLDS)
		count();
	for (i = 0; clause == INVARIANT_HOLDS && i < PROTECT_DOMAINS; i++)
		clause = check_domain(i);
	return clause;
}
