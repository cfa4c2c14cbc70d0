/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sealing: after its first run a domain's builder reaches nothing of it.
 *
 * begin stops new builder slots and mappings; the core then unmaps and drops
 * those that exist; end succeeds when none is left and no CPU can hold a
 * translation that one of them had made.
 */
#include "errno.h"
#include "state.h"

int domain_seal_begin(u64 dom)
{
	if (dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_LIVE)
		return -ESRCH;
	if (dom_sealed[dom] == UNSEALED)
		dom_sealed[dom] = SEALING;
	return 0;
}

int domain_seal_end(u64 dom)
{
	if (dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_LIVE)
		return -ESRCH;
	if (dom_sealed[dom] == SEALED)
		return 0;
	if (dom_sealed[dom] != SEALING)
		return -EINVAL;
	if (dom_slot_head[dom] != 0 || !flushed_since(dom_stamp[dom]))
		return -EBUSY;
	dom_sealed[dom] = SEALED;
	return 0;
}
