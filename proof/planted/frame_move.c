/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A planted mistake, linked into a copy only: what a newcomer might add.  It checks who owns the frame, but
 * not that nothing maps it.
 */
#include "errno.h"
#include "state.h"

/* OWNED by from -> OWNED by to. */
int frame_move(u64 mfn, u64 from, u64 to)
{
	if (mfn >= live_frames || from >= PROTECT_DOMAINS || to >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[from] != DOMAIN_LIVE || dom_state[to] != DOMAIN_LIVE)
		return -ESRCH;
	if (frame_state[mfn] != FRAME_OWNED || frame_owner[mfn] != handle_of(from))
		return -EPERM;
	frame_owner[mfn] = (u32)handle_of(to);
	return 0;
}
