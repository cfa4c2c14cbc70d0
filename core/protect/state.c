/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state that is small enough to be placed like any other data; see state.h. */
#include "state.h"

u64 live_frames, live_tables, live_slots, live_cpus;
u64 boot_phase;

u64 forbidden_first[FORBIDDEN], forbidden_nr[FORBIDDEN];
u64 forbidden_count;

u8 dom_state[PROTECT_DOMAINS];
u8 dom_flags[PROTECT_DOMAINS];
u8 dom_sealed[PROTECT_DOMAINS];
u32 dom_incarnation[PROTECT_DOMAINS];
u32 dom_builder[PROTECT_DOMAINS];
u32 dom_partner[PROTECT_DOMAINS];
u32 dom_target[PROTECT_DOMAINS];
u32 dom_root[PROTECT_DOMAINS];
u32 dom_slot_head[PROTECT_DOMAINS];
u32 dom_tables[PROTECT_DOMAINS], dom_table_quota[PROTECT_DOMAINS];
u32 dom_slots[PROTECT_DOMAINS], dom_slot_quota[PROTECT_DOMAINS];
u64 dom_stamp[PROTECT_DOMAINS];

u64 epoch_now;
u64 cpu_pending[PROTECT_CPUS];
u64 cpu_epoch[PROTECT_CPUS];
u64 epoch_min_4[PROTECT_CPUS / 4];
u64 epoch_min_16[PROTECT_CPUS / 16];
u64 epoch_min_64[PROTECT_CPUS / 64];
u64 epoch_min;
