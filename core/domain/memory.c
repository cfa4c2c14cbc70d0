/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames: which are free, giving and taking back, flushes. First file of core/domain is domain.h. */
#include "domain/memory.h"

#include "errno.h"
#include "lib.h"
#include "protect/protect.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/this_cpu.h"

struct pool free_frames, free_tables, free_slots;
u64 frames_total, frames_max_mfn;

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
	frames_total++;
	frames_max_mfn = max_u64(frames_max_mfn, mfn);
}

u64 frames_free(void)
{
	return free_frames.free;
}

void memory_add(u64 mfn)
{
	memory_count(mfn);
	pool_put(&free_frames, mfn);
}

/*
 * Flushes.  The rule that makes them cheap: who unmaps, narrows or unlinks in the tables of a domain
 * calls flush_domain() of it before the lock is given up, and before it removes anything in another
 * domain's.  So nothing but that domain's removals can be newer than any CPU's last flush.
 *
 * Why an epoch may be published for another CPU: the removal is written, then flush_begin takes the
 * epoch, then the CPU gets a new generation, then it is seen outside its guest, then flush_end. After
 * that point it enters guests with numbers of the new generation only, for it takes the lock first, and
 * with the lock it sees the new generation. What it translated before, before the removal or in the
 * midst of all this, is under older numbers. A CPU that has not entered the domain in its present
 * generation has nothing to lose: its epoch is true without a flush. (A walk that began before the
 * removal can fill the TLB late, but only under the number of the guest that it was made for.)
 */
static void flush(u64 mask)
{
	for (u32 i = 0; i < nr_cpus; i++) {
		flush_begin(i);
		if (mask >> i & 1)
			cpu_flush(cpus[i]);
	}
	for (u32 i = 0; i < nr_cpus; i++)
		if ((mask >> i & 1) && cpus[i] != this_cpu())
			cpu_kick(cpus[i]);
	for (u32 i = 0; i < nr_cpus; i++) {
		if ((mask >> i & 1) && cpus[i] != this_cpu())
			cpu_force_out(cpus[i]);
		flush_end(i);
	}
}

void flush_domain(const struct domain *d)
{
	u64 mask = 0;

	for (u32 i = 0; i < nr_cpus; i++)
		if (d->ran[i] == cpus[i]->generation)
			mask |= 1ull << i;
	flush(mask);
}

void flush_all(void)
{
	flush(cpus_mask());
}

void flush_table(u64 table)
{
	const struct domain *d = domain_by_id(table_owner_of(table) % PROTECT_DOMAINS);

	if (d)
		flush_domain(d);
	else
		flush_all();
}

int frame_alloc_uncounted(struct domain *d, u64 *mfn)
{
	u64 m = pool_take(&free_frames);
	int err;

	if (!m)
		return -ENOMEM;
	/* Frames are zeroed when they are needed, not when they are given back. */
	if (frame_state_of(m) == FRAME_DIRTY && frame_scrub(m))
		panic("free frame 0x%lx cannot be scrubbed", m);
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
		flush_all();
		err = frame_release(mfn);
	}
	if (err)
		panic("frame 0x%lx cannot be released: %d", mfn, err);
	pool_put(&free_frames, mfn);
}

void frame_return_uncounted(struct domain *d, u64 mfn)
{
	if (frame_condemn(mfn, d->id)) {
		printk(LOG_G_WARNING "d%u gives back frame 0x%lx, which is not its own\n", d->id,
		       mfn);
		return;
	}
	memory_reclaim(mfn);
}

void frame_return(struct domain *d, u64 mfn)
{
	d->tot_pages--;
	frame_return_uncounted(d, mfn);
}
