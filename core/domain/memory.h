/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of core/domain, and for boot: frames and flushes. */
#ifndef MEMORY_H
#define MEMORY_H

#include "domain/domain.h"
#include "domain/pool.h"

extern struct pool free_frames, free_tables, free_slots;

/* Boot: bitmaps in core memory for that many of each; frames are added one by one. */
void memory_init(u64 nr_frames, u64 nr_tables, u64 nr_slots);
void memory_add(u64 mfn);   /* free RAM */
void memory_count(u64 mfn); /* RAM that boot gave to dom0 at once */
/* A condemned frame that nobody maps any more becomes free; any other stays as it is. */
void memory_reclaim(u64 mfn);
/* No CPU can use a translation any more that d made up to now; of whoever owns that table; of any. */
void flush_domain(const struct domain *d);
void flush_table(u64 table);
void flush_all(void);

/* physmap.c: removes the leaf entry table, index, whosever it is. */
void entry_remove(u64 table, u64 index);
/* Unmaps builder mappings of d, at most max. Returns how many remain to be looked at (0: none left). */
bool builder_drain(struct domain *d, u32 max);

#endif
