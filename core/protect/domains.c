/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life and relations of domains.  Builder and partner never change within one
 * incarnation; a new incarnation owns nothing, because every stored handle is
 * older than the one it gets.
 */
#include "errno.h"
#include "state.h"

static inline u32 quota_of(u64 asked)
{
	return asked > HANDLE_MAX ? (u32)HANDLE_MAX : (u32)asked;
}

int domain_create(u64 dom, u64 builder, u64 flags, u64 table_quota, u64 slot_quota)
{
	u64 incarnation;

	if (dom >= PROTECT_DOMAINS || builder >= PROTECT_DOMAINS)
		return -EINVAL;
	if (flags > DOMAIN_GUEST) /* neither unknown ones nor both */
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_DEAD)
		return -EEXIST;
	if (builder != dom && dom_state[builder] != DOMAIN_LIVE)
		return -ESRCH;
	if (flags == DOMAIN_HARDWARE && boot_phase == BOOT_DONE)
		return -EPERM;
	incarnation = (u64)dom_incarnation[dom] + 1;
	if (incarnation << HANDLE_BITS > HANDLE_MAX) /* the id is worn out */
		return -ENOSPC;

	dom_incarnation[dom] = (u32)incarnation;
	dom_state[dom] = DOMAIN_LIVE;
	dom_flags[dom] = (u8)flags;
	dom_sealed[dom] = UNSEALED;
	dom_builder[dom] = (u32)handle_of(builder);
	dom_partner[dom] = 0;
	dom_target[dom] = 0;
	dom_root[dom] = 0;
	dom_slot_head[dom] = 0;
	dom_tables[dom] = 0;
	dom_table_quota[dom] = quota_of(table_quota);
	dom_slots[dom] = 0;
	dom_slot_quota[dom] = quota_of(slot_quota);
	dom_stamp[dom] = 0;
	return 0;
}

/* From now on and for good, partner may map what guest owns. */
int domain_pair(u64 guest, u64 partner)
{
	if (guest >= PROTECT_DOMAINS || partner >= PROTECT_DOMAINS || guest == partner)
		return -EINVAL;
	if (dom_state[guest] != DOMAIN_LIVE || dom_state[partner] != DOMAIN_LIVE)
		return -ESRCH;
	if (dom_flags[guest] != DOMAIN_GUEST || dom_flags[partner] != 0)
		return -EPERM;
	if (dom_partner[guest] != 0 || dom_target[partner] != 0)
		return -EEXIST;
	if (dom_sealed[guest] != UNSEALED)
		return -EPERM;
	dom_partner[guest] = (u32)handle_of(partner);
	dom_target[partner] = (u32)handle_of(guest);
	return 0;
}

int domain_kill(u64 dom)
{
	if (dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] == DOMAIN_DEAD)
		return -ESRCH;
	dom_state[dom] = DOMAIN_DYING;
	return 0;
}

/* It holds no table and no slot, and nobody holds a builder slot on it; what it owned is orphaned. */
int domain_reap(u64 dom)
{
	if (dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_DYING)
		return -ESRCH;
	if (dom_root[dom] != 0 || dom_tables[dom] != 0)
		return -EBUSY;
	if (dom_slots[dom] != 0 || dom_slot_head[dom] != 0)
		return -EBUSY;
	dom_state[dom] = DOMAIN_DEAD;
	return 0;
}
