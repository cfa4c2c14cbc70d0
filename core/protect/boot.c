/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting the state up: sizes, RAM, forbidden ranges.  Runs before the first
 * domain does; protect_boot_done() closes it for good.
 */
#include "boot.h"
#include "errno.h"
#include "mmio.h"
#include "state.h"

#define BY_FRAME(array)                             \
	{                                           \
		(u64)(array), sizeof((array)[0]), 0 \
	}
#define BY_TABLE(array)                             \
	{                                           \
		(u64)(array), sizeof((array)[0]), 1 \
	}
#define BY_ENTRY(array)                             \
	{                                           \
		(u64)(array), sizeof((array)[0]), 2 \
	}
#define BY_SLOT(array)                              \
	{                                           \
		(u64)(array), sizeof((array)[0]), 3 \
	}

static const struct {
	u64 va, size;
	u64 by;
} arrays[] = {
	BY_ENTRY(npt), /* first: BACKING_TABLES */
	BY_FRAME(frame_state),	BY_FRAME(frame_owner), BY_FRAME(frame_head),
	BY_FRAME(frame_stamp),	BY_TABLE(table_state), BY_TABLE(table_level),
	BY_TABLE(table_cursor), BY_TABLE(table_owner), BY_TABLE(table_parent),
	BY_TABLE(table_base),	BY_TABLE(table_stamp), BY_ENTRY(leaf_role),
	BY_ENTRY(leaf_perm),	BY_ENTRY(leaf_next),   BY_ENTRY(leaf_prev),
	BY_ENTRY(leaf_age),	BY_ENTRY(leaf_slot),   BY_SLOT(slot_role),
	BY_SLOT(slot_perm),	BY_SLOT(slot_mapper),  BY_SLOT(slot_owner),
	BY_SLOT(slot_mfn),	BY_SLOT(slot_entry),   BY_SLOT(slot_next),
	BY_SLOT(slot_prev),	BY_SLOT(slot_age),     BY_SLOT(slot_stamp),
};

u64 protect_backing(u64 array, u64 nr_frames, u64 nr_tables, u64 nr_slots, u64 *va, u64 *bytes)
{
	const u64 live[] = { nr_frames, nr_tables, nr_tables * ENTRIES, nr_slots };

	if (array >= ARRAY_SIZE(arrays))
		return BACKING_END;
	*va = arrays[array].va;
	*bytes = arrays[array].size * live[arrays[array].by];
	return array == 0 ? BACKING_TABLES : arrays[array].by == 0 ? BACKING_FRAMES : BACKING_ANY;
}

static u64 at_most(u64 asked, u64 limit)
{
	return asked < limit ? asked : limit;
}

void protect_init(u64 nr_frames, u64 nr_tables, u64 nr_slots, u64 nr_cpus)
{
	u64 cpu;

	live_frames = at_most(nr_frames, PROTECT_FRAMES);
	live_tables = at_most(nr_tables, PROTECT_TABLES);
	live_slots = at_most(nr_slots, PROTECT_SLOTS);
	live_cpus = at_most(nr_cpus, PROTECT_CPUS);
	/* Stamps start at 0: what was never mapped counts as flushed. */
	epoch_now = 1;
	for (cpu = 0; cpu < PROTECT_CPUS; cpu++) {
		cpu_epoch[cpu] = cpu < live_cpus ? 1 : EPOCH_MAX;
		cpu_pending[cpu] = cpu_epoch[cpu];
	}
	for (cpu = 0; cpu < PROTECT_CPUS; cpu += 4)
		epoch_min_4[cpu / 4] = cpu_epoch[cpu];
	for (cpu = 0; cpu < PROTECT_CPUS; cpu += 16)
		epoch_min_16[cpu / 16] = cpu_epoch[cpu];
	for (cpu = 0; cpu < PROTECT_CPUS; cpu += 64)
		epoch_min_64[cpu / 64] = cpu_epoch[cpu];
	epoch_min = cpu_epoch[0];
}

int mmio_forbid(u64 first_mfn, u64 nr)
{
	if (boot_phase != BOOT_FORBID)
		return -EBUSY;
	if (nr == 0 || nr > 1ull << 40 || first_mfn > 1ull << 40)
		return -EINVAL;
	if (forbidden_count >= FORBIDDEN)
		return -ENOSPC;
	forbidden_first[forbidden_count] = first_mfn;
	forbidden_nr[forbidden_count] = nr;
	forbidden_count++;
	return 0;
}

int frame_add(u64 mfn)
{
	if (boot_phase > BOOT_ADD)
		return -EPERM;
	if (mfn >= live_frames)
		return -EINVAL;
	if (mmio_is_forbidden(mfn))
		return -EPERM;
	if (frame_state[mfn] != FRAME_NOT_RAM)
		return -EBUSY;
	boot_phase = BOOT_ADD;
	frame_state[mfn] = FRAME_DIRTY;
	return 0;
}

int frame_give_boot(u64 mfn, u64 dom)
{
	if (boot_phase == BOOT_DONE)
		return -EPERM;
	if (mfn >= live_frames || dom >= PROTECT_DOMAINS)
		return -EINVAL;
	if (dom_state[dom] != DOMAIN_LIVE)
		return -ESRCH;
	if (dom_flags[dom] != DOMAIN_HARDWARE)
		return -EPERM;
	if (frame_state[mfn] != FRAME_DIRTY)
		return -EBUSY;
	frame_state[mfn] = FRAME_OWNED;
	frame_owner[mfn] = (u32)handle_of(dom);
	return 0;
}

void protect_boot_done(void)
{
	boot_phase = BOOT_DONE;
}
