/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formats of the hardware's entries, chosen so that one table serves the CPU's
 * nested walk (AMD64 Architecture Manual 2, 5.3 and 15.25) and AMD's I/O walk
 * (AMD I/O Virtualization Technology, 2.2.3: next level in bits 9-11, IR 61,
 * IW 62) as it stands.  Accessed and Dirty are preset: hardware never writes.
 */
#ifndef PROTECT_ENTRY_H
#define PROTECT_ENTRY_H

#include "state.h"

#define ENTRY_USER     0x4ull
#define ENTRY_ACCESSED 0x20ull
#define ENTRY_DIRTY    0x40ull
#define ENTRY_LEVEL(l) ((l) << 9)
#define ENTRY_IR       (1ull << 61)
#define ENTRY_IW       (1ull << 62)

#define LEAF_BASE  (ENTRY_PRESENT | ENTRY_USER | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_IR)
#define UPPER_BASE (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | ENTRY_ACCESSED | ENTRY_IR | ENTRY_IW)

static inline u64 leaf_value(u64 mfn, u64 perm)
{
	u64 write = perm >> 1 & 1, exec = perm >> 2 & 1;

	return mfn << PAGE_SHIFT | LEAF_BASE | write << 1 | write << 62 | (exec ^ 1) << 63;
}

static inline u64 upper_value(u64 child, u64 child_level)
{
	return (TABLE_MFN + child) << PAGE_SHIFT | UPPER_BASE | ENTRY_LEVEL(child_level);
}

/* READ is in every mapping; bits beyond EXEC are nothing. */
static inline bool perm_is_valid(u64 perm)
{
	return (perm & ~(PERM_WRITE | PERM_EXEC)) == PERM_READ;
}

#endif
