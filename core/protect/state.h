/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All the state of the protection layer: one-dimensional arrays of integers.
 *
 * Only core/protect may include this file.  The big arrays are placed by the
 * core's linker script (address space for the maximum) and backed with zeroed
 * memory by boot for the live sizes; protect_backing() lists them.  Index 0 of
 * tables, entries and slots means "none" and is never used.
 *
 * An owner field holds a *handle*, incarnation << 10 | dom: when an id is used
 * again, what its dead predecessor left behind is nobody's by construction.
 */
#ifndef PROTECT_STATE_H
#define PROTECT_STATE_H

#include "protect.h"

#ifndef ENTRIES
#define ENTRIES 512ull /* per table; fuzzing takes fewer, to be quick */
#endif
#define HANDLE_BITS 10
#define HANDLE_MAX  ((1ull << 32) - 1) /* handles are stored in 32 bits */
#define AGE_MAX	    ((1ull << 32) - 1)
#define EPOCH_MAX   (~0ull)
#define LEVELS	    4ull
#define FORBIDDEN   16
#define GFN_BITS    36 /* what four levels can translate */

/* The table pool: table t lies at physical address TABLE_PHYS + t * 4096. */
#ifndef TABLE_PHYS
#define TABLE_PHYS 0x31000000ull
#endif
#define TABLE_MFN (TABLE_PHYS >> PAGE_SHIFT)

enum table_state { TABLE_FREE = 0, TABLE_LIVE = 1, TABLE_DYING = 2 };
enum domain_state { DOMAIN_DEAD = 0, DOMAIN_LIVE = 1, DOMAIN_DYING = 2 };
enum seal_state { UNSEALED = 0, SEALING = 1, SEALED = 2 };
/* Boot closes one door after the other: forbidden ranges are all known before the first frame is
 * RAM, and RAM is all known before the first leaf maps what is not RAM. */
enum boot_phase { BOOT_FORBID = 0, BOOT_ADD = 1, BOOT_MMIO = 2, BOOT_DONE = 3 };

/* Live sizes, fixed by protect_init(). */
extern u64 live_frames, live_tables, live_slots, live_cpus;
extern u64 boot_phase;

/* MMIO that nobody may map: [first, first + nr). */
extern u64 forbidden_first[FORBIDDEN], forbidden_nr[FORBIDDEN];
extern u64 forbidden_count;

/* ---- frames, by mfn ----------------------------------------------------------------------- */
extern u8 frame_state[PROTECT_FRAMES];
extern u32 frame_owner[PROTECT_FRAMES]; /* handle; 0 unless OWNED */
extern u32 frame_head[PROTECT_FRAMES];	/* newest leaf entry that maps it */
extern u64 frame_stamp[PROTECT_FRAMES]; /* epoch of the last unmapping or narrowing */

/* ---- tables ------------------------------------------------------------------------------- */
extern u64 npt[PROTECT_TABLES * ENTRIES]; /* the hardware's entries: contiguous at TABLE_PHYS */
extern u8 table_state[PROTECT_TABLES];
extern u8 table_level[PROTECT_TABLES];
extern u16 table_cursor[PROTECT_TABLES]; /* DYING: entries below it are zero */
extern u32 table_owner[PROTECT_TABLES];	 /* handle */
extern u32 table_parent[PROTECT_TABLES]; /* the entry that links it */
extern u64 table_base[PROTECT_TABLES];	 /* linked: gfn that its entry 0 translates */
extern u64 table_stamp[PROTECT_TABLES];	 /* epoch of its unlinking */

/* ---- leaf entries, by table * 512 + index ------------------------------------------------- */
extern u8 leaf_role[PROTECT_TABLES * ENTRIES];
extern u8 leaf_perm[PROTECT_TABLES * ENTRIES];	/* as mapped; the entry may be narrower */
extern u32 leaf_next[PROTECT_TABLES * ENTRIES]; /* next older mapping of the same frame */
extern u32 leaf_prev[PROTECT_TABLES * ENTRIES]; /* next newer */
extern u32 leaf_age[PROTECT_TABLES * ENTRIES];	/* falls along next: so no list is a ring */
extern u32 leaf_slot[PROTECT_TABLES * ENTRIES];

/* ---- slots: one per builder or granted mapping -------------------------------------------- */
extern u8 slot_role[PROTECT_SLOTS];
extern u8 slot_perm[PROTECT_SLOTS];
extern u32 slot_mapper[PROTECT_SLOTS]; /* handle */
extern u32 slot_owner[PROTECT_SLOTS];  /* handle */
extern u32 slot_mfn[PROTECT_SLOTS];    /* GRANT: the frame that was granted */
extern u32 slot_entry[PROTECT_SLOTS];  /* the leaf entry that uses it */
extern u32 slot_next[PROTECT_SLOTS];   /* BUILDER: list of its owner, as the leaf list */
extern u32 slot_prev[PROTECT_SLOTS];
extern u32 slot_age[PROTECT_SLOTS];
extern u64 slot_stamp[PROTECT_SLOTS]; /* epoch of its last unmapping */

/* ---- domains, by id ----------------------------------------------------------------------- */
extern u8 dom_state[PROTECT_DOMAINS];
extern u8 dom_flags[PROTECT_DOMAINS];
extern u8 dom_sealed[PROTECT_DOMAINS];
extern u32 dom_incarnation[PROTECT_DOMAINS]; /* current or last one; the first is 1 */
extern u32 dom_builder[PROTECT_DOMAINS];     /* handle, its own when nobody builds it */
extern u32 dom_partner[PROTECT_DOMAINS];     /* handle of its fidelity domain */
extern u32 dom_target[PROTECT_DOMAINS];	     /* handle of the guest that it is the partner of */
extern u32 dom_root[PROTECT_DOMAINS];	     /* its level 4 table */
extern u32 dom_slot_head[PROTECT_DOMAINS];   /* newest builder slot on its frames */
extern u32 dom_tables[PROTECT_DOMAINS], dom_table_quota[PROTECT_DOMAINS];
extern u32 dom_slots[PROTECT_DOMAINS], dom_slot_quota[PROTECT_DOMAINS];
extern u64 dom_stamp[PROTECT_DOMAINS]; /* epoch of the last unmapping of a builder's entry */

/* ---- flush epochs (epochs.c) -------------------------------------------------------------- */
extern u64 epoch_now;
extern u64 cpu_pending[PROTECT_CPUS]; /* epoch at the begin of its latest flush */
extern u64 cpu_epoch[PROTECT_CPUS]; /* begin of its latest finished flush; EPOCH_MAX: no such CPU */
/* A tree of minima over cpu_epoch, four children a node, so that "every CPU has flushed since"
 * is one comparison and a flush updates four nodes. */
extern u64 epoch_min_4[PROTECT_CPUS / 4];
extern u64 epoch_min_16[PROTECT_CPUS / 16];
extern u64 epoch_min_64[PROTECT_CPUS / 64];
extern u64 epoch_min;

static inline u64 handle_dom(u64 handle)
{
	return handle & (PROTECT_DOMAINS - 1);
}

static inline u64 handle_of(u64 dom)
{
	return (u64)dom_incarnation[dom] << HANDLE_BITS | dom;
}

/* Names the present incarnation of its id, and that one is LIVE. */
static inline bool handle_is_live(u64 handle)
{
	u64 dom = handle_dom(handle);

	return dom_state[dom] == DOMAIN_LIVE && handle_of(dom) == handle;
}

/* Every CPU began and finished a flush after the stamp was set. */
static inline bool flushed_since(u64 stamp)
{
	return epoch_min > stamp;
}

#endif
