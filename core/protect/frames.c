/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a frame: DIRTY, scrubbed to FREE, OWNED, CONDEMNED, and when
 * nobody maps it and every CPU has flushed since, DIRTY again.
 */
#include "errno.h"
#include "state.h"

/* Nobody held it, its contents are zero; now the present incarnation of dom owns it. */
int frame_give(u64 mfn, u64 dom)
{
	if (mfn >= live_frames || dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_LIVE)
		return -ESRCH;
	if (frame_state[mfn] != FRAME_FREE)
		return -EBUSY;
	frame_state[mfn] = FRAME_OWNED;
	frame_owner[mfn] = (u32)handle_of(dom);
	return 0;
}

/* Its owner, or after the owner's death anybody, gives it up. Nobody can map it anew; the mappings
 * that exist stay until each is removed. */
int frame_condemn(u64 mfn, u64 dom)
{
	u64 owner;

	if (mfn >= live_frames || dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (frame_state[mfn] != FRAME_OWNED)
		return -ENOENT;
	owner = frame_owner[mfn];
	if (owner != handle_of(dom) && handle_is_live(owner))
		return -EPERM;
	frame_state[mfn] = FRAME_CONDEMNED;
	frame_owner[mfn] = 0;
	return 0;
}

/* No table maps it and no CPU can hold a translation to it: nobody's, contents still the last owner's. */
int frame_release(u64 mfn)
{
	if (mfn >= live_frames)
		return -EINVAL;
	if (frame_state[mfn] != FRAME_CONDEMNED)
		return -ENOENT;
	if (frame_head[mfn] != 0)
		return -EBUSY;
	if (!flushed_since(frame_stamp[mfn]))
		return -EAGAIN;
	frame_state[mfn] = FRAME_DIRTY;
	return 0;
}

int frame_scrub(u64 mfn)
{
	if (mfn >= live_frames)
		return -EINVAL;
	if (frame_state[mfn] != FRAME_DIRTY)
		return -ENOENT;
	frame_zero(mfn);
	frame_state[mfn] = FRAME_FREE;
	return 0;
}
