/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's page tables (4-level, APM 2, 5.3), its own pages, and windows into domain frames. */
#include "x86/paging.h"

#include "lib.h"
#include "pages.h"
#include "x86/cpu.h"
#include "x86/this_cpu.h"

#define P   1ull
#define RW  2ull
#define PWT 8ull
#define PCD 0x10ull
#define NX  (1ull << 63)

#define WINDOW_BASE  (2ull << 39)
#define DEVICE_INDEX 256 /* entries of the boot CPU's table of windows from here on: devices */
#define TABLE_BYTES  (512 * PAGE_SIZE)
#define HEAP_MAX     (1u << 16)

extern u64 boot_root[512], boot_directories[2048];

static u64 carve_at, carve_end;
static u32 devices;
static u64 heap_base;
static u32 heap_pages, heap_hint;
static u8 heap_used[HEAP_MAX];

void core_memory_init(u64 start, u64 end)
{
	carve_at = start;
	carve_end = end;
}

u64 core_carve(u64 bytes)
{
	u64 at = carve_at;

	bytes = (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (bytes > carve_end - carve_at)
		panic("core memory is too small: %lu bytes more are needed", bytes);
	carve_at += bytes;
	memset((void *)at, 0, bytes);
	return at;
}

void core_memory_done(void)
{
	heap_base = carve_at;
	heap_pages = (u32)min_u64((carve_end - carve_at) / PAGE_SIZE, HEAP_MAX);
}

void *pages_alloc(u32 nr)
{
	u32 run = 0;

	for (u32 tries = 0, i = heap_hint; tries < heap_pages + nr; tries++, i++) {
		if (i >= heap_pages)
			i = 0, run = 0;
		run = heap_used[i] ? 0 : run + 1;
		if (run == nr) {
			u8 *p = (u8 *)(heap_base + (i + 1 - nr) * PAGE_SIZE);

			memset(heap_used + i + 1 - nr, 1, nr);
			heap_hint = i + 1;
			return memset(p, 0, nr * PAGE_SIZE);
		}
	}
	return NULL;
}

void pages_free(void *page, u32 nr)
{
	u64 i = ((u64)page - heap_base) / PAGE_SIZE;

	memset(heap_used + i, 0, nr);
}

static u64 *next_table(u64 *entry)
{
	if (!(*entry & P))
		*entry = core_carve(PAGE_SIZE) | P | RW;
	return (u64 *)(*entry & 0xffffffffff000ull);
}

static u64 *leaf_of(u64 va)
{
	u64 *t = next_table(&boot_root[va >> 39 & 511]);

	t = next_table(&t[va >> 30 & 511]);
	t = next_table(&t[va >> 21 & 511]);
	return &t[va >> 12 & 511];
}

void paging_back(u64 va, u64 bytes, bool writable)
{
	static u64 zeros;

	if (!zeros)
		zeros = core_carve(PAGE_SIZE);
	for (u64 at = va & ~(PAGE_SIZE - 1); at < va + bytes; at += PAGE_SIZE) {
		u64 *leaf = leaf_of(at);

		if (!(*leaf & P)) /* neighbours may share a page */
			*leaf = writable ? core_carve(PAGE_SIZE) | P | RW | NX : zeros | P | NX;
	}
}

void paging_map_at(u64 va, u64 pa, u64 bytes)
{
	for (u64 i = 0; i < bytes; i += PAGE_SIZE)
		*leaf_of(va + i) = (pa + i) | P | RW | NX;
}

void windows_init(struct cpu *c)
{
	c->window_base = WINDOW_BASE + c->id * TABLE_BYTES;
	c->window_table = leaf_of(c->window_base);
}

volatile u32 *paging_map_device(u64 mfn)
{
	u32 i = DEVICE_INDEX + devices++;

	boot_cpu.window_table[i] = mfn << PAGE_SHIFT | P | RW | PWT | PCD | NX;
	return (volatile u32 *)(WINDOW_BASE + i * PAGE_SIZE);
}

void *window_open(u64 mfn)
{
	struct cpu *c = this_cpu();
	void *va = (void *)(c->window_base + c->windows_open * PAGE_SIZE);

	if (c->windows_open == WINDOWS)
		panic("more than %d windows", WINDOWS);
	c->window_table[c->windows_open++] = mfn << PAGE_SHIFT | P | RW | NX;
	invlpg(va);
	return va;
}

void window_close(void *window)
{
	struct cpu *c = this_cpu();
	u64 i = ((u64)window - c->window_base) / PAGE_SIZE;

	if (i + 1 != c->windows_open)
		panic("window %lu closed out of order (%u open)", i, c->windows_open);
	c->window_table[i] = 0;
	c->windows_open--;
	invlpg(window);
}

void *window_move(void *window, u64 mfn)
{
	struct cpu *c = this_cpu();

	c->window_table[c->windows_open - 1] = mfn << PAGE_SHIFT | P | RW | NX;
	invlpg(window);
	return window;
}

/*
 * The one primitive that zeroes a domain frame, for the protection layer.  In memory, not in a cache: who gets the frame may
 * read past caches.
 */
void frame_zero(u64 mfn);

void frame_zero(u64 mfn)
{
	u64 *p = window_open(mfn);

	for (u64 i = 0; i < PAGE_SIZE / 8; i += 8)
		__asm__ volatile(".irp at, 0, 8, 16, 24, 32, 40, 48, 56\n"
				 "movnti %1, \\at(%0)\n"
				 ".endr"
				 :
				 : "r"(p + i), "r"(0ull)
				 : "memory");
	__asm__ volatile("sfence" ::: "memory");
	window_close(p);
}

void paging_drop_boot_map(u64 first, u64 end)
{
	for (u64 i = 0; i < 2048; i++) {
		u64 pa = i << 21;

		if (pa + (1ull << 21) <= first || pa >= end)
			boot_directories[i] = 0;
	}
	write_cr3(read_cr(3));
}
