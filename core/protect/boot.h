/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For core/boot only: which address ranges to back with zeroed memory before protect_init(). */
#ifndef PROTECT_BOOT_H
#define PROTECT_BOOT_H

#include "types.h"

#define BACKING_END    0 /* no such array: the list is over */
#define BACKING_ANY    1 /* any zeroed core memory */
#define BACKING_TABLES 2 /* the table pool: physically contiguous at TABLE_PHYS (state.h), zeroed */
#define BACKING_FRAMES 3 /* by frame: zeroed, written for RAM only, only read for what is not RAM */

/* Array number `array` (0, 1, 2, ...) for these live sizes: from *va on, *bytes bytes must be mapped. */
u64 protect_backing(u64 array, u64 nr_frames, u64 nr_tables, u64 nr_slots, u64 *va, u64 *bytes);

#endif
