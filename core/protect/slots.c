/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots: the right to map one frame of somebody else's.  A builder's slots
 * hang on a list of the domain that it builds, so that sealing can see that
 * none is left; a grant's slot carries what was granted.
 */
#include "errno.h"
#include "state.h"

static int slot_take_builder(u64 slot, u64 mapper, u64 owner)
{
	u64 old = dom_slot_head[owner];

	if (mapper == owner || dom_builder[owner] != handle_of(mapper))
		return -EPERM;
	if (dom_sealed[owner] != UNSEALED)
		return -EPERM;
	if (slot_age[old] >= AGE_MAX) /* slot 0 has age 0 */
		return -ENOSPC;

	if (old != 0)
		slot_prev[old] = (u32)slot;
	slot_next[slot] = (u32)old;
	slot_age[slot] = slot_age[old] + 1;
	slot_role[slot] = LEAF_BUILDER;
	slot_mapper[slot] = (u32)handle_of(mapper);
	slot_owner[slot] = (u32)handle_of(owner);
	dom_slot_head[owner] = (u32)slot;
	dom_slots[mapper]++;
	return 0;
}

static int slot_take_grant(u64 slot, u64 mapper, u64 owner, u64 mfn, u64 perm)
{
	if (mfn >= live_frames || (perm & ~(PERM_WRITE | PERM_EXEC)) != PERM_READ)
		return -EINVAL;
	if (frame_state[mfn] != FRAME_OWNED || frame_owner[mfn] != handle_of(owner))
		return -EPERM;

	slot_role[slot] = LEAF_GRANT;
	slot_perm[slot] = (u8)(perm & ~PERM_EXEC);
	slot_mapper[slot] = (u32)handle_of(mapper);
	slot_owner[slot] = (u32)handle_of(owner);
	slot_mfn[slot] = (u32)mfn;
	dom_slots[mapper]++;
	return 0;
}

int slot_take(u64 slot, u64 mapper, u64 owner, u64 role, u64 mfn, u64 perm)
{
	if (slot == 0 || slot >= live_slots)
		return -EINVAL;
	if (mapper >= PROTECT_DOMAINS || owner >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[mapper] != DOMAIN_LIVE || dom_state[owner] != DOMAIN_LIVE)
		return -ESRCH;
	if (slot_role[slot] != LEAF_NONE)
		return -EBUSY;
	if (dom_slots[mapper] >= dom_slot_quota[mapper])
		return -ENOMEM;
	if (role == LEAF_BUILDER)
		return slot_take_builder(slot, mapper, owner);
	if (role == LEAF_GRANT)
		return slot_take_grant(slot, mapper, owner, mfn, perm);
	return -EINVAL;
}

int slot_drop(u64 slot)
{
	u64 role, next, prev, mapper, dom;

	if (slot == 0 || slot >= live_slots)
		return -EINVAL;
	role = slot_role[slot];
	if (role == LEAF_NONE)
		return -ENOENT;
	if (slot_entry[slot] != 0)
		return -EBUSY;
	if (role == LEAF_GRANT && !flushed_since(slot_stamp[slot]))
		return -EAGAIN;

	mapper = slot_mapper[slot];
	if (role == LEAF_BUILDER) {
		next = slot_next[slot];
		prev = slot_prev[slot];
		if (next != 0)
			slot_prev[next] = (u32)prev;
		if (prev != 0)
			slot_next[prev] = (u32)next;
		else
			dom_slot_head[handle_dom(slot_owner[slot])] = (u32)next;
		slot_next[slot] = 0;
		slot_prev[slot] = 0;
		slot_age[slot] = 0;
	}
	dom = handle_dom(mapper);
	if (handle_of(dom) == mapper && dom_slots[dom] != 0)
		dom_slots[dom]--;
	slot_role[slot] = LEAF_NONE;
	slot_perm[slot] = 0;
	slot_mapper[slot] = 0;
	slot_owner[slot] = 0;
	slot_mfn[slot] = 0;
	slot_stamp[slot] = 0;
	return 0;
}
