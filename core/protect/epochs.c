/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flush epochs: when may something rely on the absence of a mapping?
 *
 * Whoever removes or narrows a mapping stamps what depended on it with
 * epoch_now.  A flush takes a new epoch before it starts (flush_begin) and
 * publishes it when it has ended (flush_end): a CPU whose epoch is above the
 * stamp began its flush after the removal.  What is removed between begin and
 * end gets a stamp equal to the pending epoch, which that flush does not cover.
 */
#include "state.h"

static inline u64 min_of_4(const u64 *child)
{
	u64 a = child[0] < child[1] ? child[0] : child[1];
	u64 b = child[2] < child[3] ? child[2] : child[3];

	return a < b ? a : b;
}

void flush_begin(u64 cpu)
{
	/* The last epoch is never taken: then nothing counts as flushed any more. */
	if (cpu >= live_cpus || epoch_now >= EPOCH_MAX - 1)
		return;
	epoch_now++;
	cpu_pending[cpu] = epoch_now;
}

void flush_end(u64 cpu)
{
	if (cpu >= live_cpus)
		return;
	cpu_epoch[cpu] = cpu_pending[cpu];
	epoch_min_4[cpu / 4] = min_of_4(&cpu_epoch[cpu / 4 * 4]);
	epoch_min_16[cpu / 16] = min_of_4(&epoch_min_4[cpu / 16 * 4]);
	epoch_min_64[cpu / 64] = min_of_4(&epoch_min_16[cpu / 64 * 4]);
	epoch_min = min_of_4(epoch_min_64);
}
