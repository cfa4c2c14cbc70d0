/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core's own address space: image and core memory one to one, the protection
 * layer's arrays at their link addresses, windows.  No map of domain memory.
 */
#ifndef PAGING_H
#define PAGING_H

#include "x86/percpu.h"

/* Core memory, one to one: [start, end) is carved from below by core_carve() from now on; the rest of the
 * last such stretch becomes pages_alloc()'s. */
void core_memory_init(u64 start, u64 end);
u64 core_carve(
	u64 bytes); /* physical = virtual address, page aligned, zeroed; panics when none is left */
void core_memory_done(void);
/* Backs what is not backed yet of [va, va + bytes): with zeroed core memory, or with one page of zeros that is
 * not writable. Boot only. */
void paging_back(u64 va, u64 bytes, bool writable);
/* Maps [va, va + bytes) to [pa, ...). Boot only. */
void paging_map_at(u64 va, u64 pa, u64 bytes);
/* A device's page, uncached. */
volatile u32 *paging_map_device(u64 mfn);
/* Boot only, for each CPU; the boot CPU first. */
void windows_init(struct cpu *c);
/* End of boot: everything below 4 GiB but [first, end) leaves the core's map. */
void paging_drop_boot_map(u64 first, u64 end);

#endif
