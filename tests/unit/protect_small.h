/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protection layer with small arrays, for the unit tests: the very files
 * that the core links, and the big arrays that its linker script places there.
 */
#ifndef PROTECT_SMALL_H
#define PROTECT_SMALL_H

#include "protect/boot.c"
#include "protect/confine.c"
#include "protect/domains.c"
#include "protect/epochs.c"
#include "protect/frames.c"
/* Under the fuzzer the invariant is the judge, not what is judged: it runs after each step, without instrumentation. */
#ifdef FUZZ
#pragma clang attribute push(__attribute__((no_sanitize("address", "undefined", "coverage"))), \
			     apply_to = function)
#endif
#include "protect/invariant.c"
#ifdef FUZZ
#pragma clang attribute pop
#endif
#include "protect/leaves.c"
#include "protect/read.c"
#include "protect/seal.c"
#include "protect/slots.c"
#include "protect/state.c"
#include "protect/tables.c"

u8 frame_state[PROTECT_FRAMES];
u32 frame_owner[PROTECT_FRAMES];
u32 frame_head[PROTECT_FRAMES];
u64 frame_stamp[PROTECT_FRAMES];
u64 npt[PROTECT_TABLES * ENTRIES];
u8 table_state[PROTECT_TABLES];
u8 table_level[PROTECT_TABLES];
u16 table_cursor[PROTECT_TABLES];
u32 table_owner[PROTECT_TABLES];
u32 table_parent[PROTECT_TABLES];
u64 table_base[PROTECT_TABLES];
u64 table_stamp[PROTECT_TABLES];
u8 leaf_role[PROTECT_TABLES * ENTRIES];
u8 leaf_perm[PROTECT_TABLES * ENTRIES];
u32 leaf_next[PROTECT_TABLES * ENTRIES];
u32 leaf_prev[PROTECT_TABLES * ENTRIES];
u32 leaf_age[PROTECT_TABLES * ENTRIES];
u32 leaf_slot[PROTECT_TABLES * ENTRIES];
u8 slot_role[PROTECT_SLOTS];
u8 slot_perm[PROTECT_SLOTS];
u32 slot_mapper[PROTECT_SLOTS];
u32 slot_owner[PROTECT_SLOTS];
u32 slot_mfn[PROTECT_SLOTS];
u32 slot_entry[PROTECT_SLOTS];
u32 slot_next[PROTECT_SLOTS];
u32 slot_prev[PROTECT_SLOTS];
u32 slot_age[PROTECT_SLOTS];
u64 slot_stamp[PROTECT_SLOTS];

#endif
