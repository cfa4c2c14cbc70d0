/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is nobody's: forbidden ranges and the table pool.  Straight-line, so
 * that one mapping is one path however many ranges there are.
 */
#ifndef PROTECT_MMIO_H
#define PROTECT_MMIO_H

#include "state.h"

static inline u64 forbidden_by_4(u64 i, u64 mfn)
{
	return (u64)(mfn - forbidden_first[i] < forbidden_nr[i]) |
	       (u64)(mfn - forbidden_first[i + 1] < forbidden_nr[i + 1]) |
	       (u64)(mfn - forbidden_first[i + 2] < forbidden_nr[i + 2]) |
	       (u64)(mfn - forbidden_first[i + 3] < forbidden_nr[i + 3]);
}

/* Unused ranges have no frames. */
static inline bool mmio_is_forbidden(u64 mfn)
{
	u64 hit = forbidden_by_4(0, mfn) | forbidden_by_4(4, mfn) | forbidden_by_4(8, mfn) |
		  forbidden_by_4(12, mfn);

	return (hit | (u64)(mfn - TABLE_MFN < live_tables)) != 0;
}

#endif
