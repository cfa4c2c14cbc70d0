/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames: which are free, giving and taking back, flushes. First file of core/domain is domain.h. */
#include "domain/memory.h"

#include "errno.h"
#include "lib.h"
#include "protect/protect.h"
#include "x86/paging.h"

struct pool free_frames, free_tables, free_slots;
static u64 ram_frames, max_mfn;

void memory_init(u64 nr_frames, u64 nr_tables, u64 nr_slots)
{
	pool_init(&free_frames, (u64 *)core_carve((nr_frames + 63) / 64 * 8), nr_frames);
	pool_init(&free_tables, (u64 *)core_carve((nr_tables + 63) / 64 * 8), nr_tables);
	pool_init(&free_slots, (u64 *)core_carve((nr_slots + 63) / 64 * 8), nr_slots);
	for (u64 i = 1; i < nr_tables; i++)
		pool_put(&free_tables, i);
	for (u64 i = 1; i < nr_slots; i++)
		pool_put(&free_slots, i);
}

void memory_count(u64 mfn)
{
	ram_frames++;
	max_mfn = max_u64(max_mfn, mfn);
}

void memory_add(u64 mfn)
{
	memory_count(mfn);
	pool_put(&free_frames, mfn);
}

u64 frames_free(void)
{
	return free_frames.free;
}

u64 frames_total(void)
{
	return ram_frames;
}

u64 frames_max_mfn(void)
{
	return max_mfn;
}

void flush_now(void)
{
	flush_begin(0);
	svm_flush_this_cpu();
	flush_end(0);
}

int frame_alloc_uncounted(struct domain *d, u64 *mfn)
{
	u64 m = pool_take(&free_frames);
	int err;

	if (!m)
		return -ENOMEM;
	/* Frames are zeroed when they are needed, not when they are given back. */
	if (frame_state_of(m) == FRAME_DIRTY && frame_scrub(m))
		panic("free frame 0x%llx cannot be scrubbed", (unsigned long long)m);
	err = frame_give(m, d->id);
	if (err) {
		pool_put(&free_frames, m);
		return err;
	}
	*mfn = m;
	return 0;
}

int frame_alloc(struct domain *d, u64 *mfn)
{
	int err;

	if (d->tot_pages >= d->max_pages)
		return -ENOMEM;
	err = frame_alloc_uncounted(d, mfn);
	if (!err)
		d->tot_pages++;
	return err;
}

void memory_reclaim(u64 mfn)
{
	int err;

	if (frame_state_of(mfn) != FRAME_CONDEMNED || frame_newest_entry(mfn))
		return;
	err = frame_release(mfn);
	if (err == -EAGAIN) {
		flush_now();
		err = frame_release(mfn);
	}
	if (err)
		panic("frame 0x%llx cannot be released: %d", (unsigned long long)mfn, err);
	pool_put(&free_frames, mfn);
}

void frame_return_uncounted(struct domain *d, u64 mfn)
{
	if (frame_condemn(mfn, d->id)) {
		printk(LOG_G_WARNING "d%u gives back frame 0x%llx, which is not its own\n", d->id,
		       (unsigned long long)mfn);
		return;
	}
	memory_reclaim(mfn);
}

void frame_return(struct domain *d, u64 mfn)
{
	d->tot_pages--;
	frame_return_uncounted(d, mfn);
}
