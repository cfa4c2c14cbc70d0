/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot, in order: console, processor, memory, protection layer, dom0.  Runs once
 * on the boot CPU; ends in the main loop and never returns.
 */
#include "boot/cpus.h"
#include "boot/dom0.h"
#include "boot/multiboot.h"
#include "boot/options.h"
#include "domain/domain.h"
#include "domain/memory.h"
#include "exit.h"
#include "lib.h"
#include "protect/boot.h"
#include "protect/protect.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/interrupts.h"
#include "x86/lapic.h"
#include "x86/machine_check.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/xstate.h"
#include "xen/xen.h"

#define VGA_TEXT   0xb8000ull
#define CORE_START 0x30000000ul
#define TABLES_AT  0x31000000ul /* TABLE_PHYS of protect/state.h */
#define LARGE	   0x200000ull
#define GIB	   0x40000000ull
#define NR_SLOTS   65536ull
#define APIC_MFN   0xfee00ull
/* A pair maps each frame three times (pool, guest, partner), and every mapping is an entry. */
#define TABLES_FOR(frames) ((frames) / 512 * 5 / 2 + 1024)

extern u8 image_end[];

void boot_main(u32 magic, u64 info);

static void say_machine(u32 magic)
{
	const struct boot_info *b = &boot_info;

	printk(LOG_INFO "started by multiboot%s%s, %u memory ranges, %u modules, screen: %s\n",
	       magic == MULTIBOOT2_MAGIC ? "2" : "", b->efi ? " on UEFI" : "", b->nr_ranges,
	       b->nr_modules,
	       b->screen.kind == SCREEN_TEXT	 ? "text"
	       : b->screen.kind == SCREEN_PIXELS ? "pixels"
						 : "none");
	for (u32 i = 0; i < b->nr_ranges; i++)
		printk(LOG_DEBUG "memory %lx to %lx type %u\n", b->ranges[i].start,
		       b->ranges[i].end, b->ranges[i].type);
	for (u32 i = 0; i < b->nr_modules; i++)
		printk(LOG_DEBUG "module %lx to %lx: %s\n", b->modules[i].start, b->modules[i].end,
		       b->modules[i].text);
}

/* Opens the consoles that the command line names; then says what was wrong with it or with the loader's news. */
static void read_options(u32 magic, const char *wrong)
{
	char why[256];
	bool good = options_read(boot_info.command_line, why, sizeof(why));

	for (u32 i = 0; i < NR_SERIAL; i++)
		if (options.console.serial[i])
			console_open_line(options.serial[i].port, options.serial[i].baud,
					  options.serial[i].format);
	if (options.console.vga && boot_info.screen.kind == SCREEN_TEXT)
		console_open_screen(VGA_TEXT);
	printk("Diptych core, 64-bit, for AMD SVM; command line: %s\n", boot_info.command_line);
	say_machine(magic);
	if (wrong)
		cannot_start("%s", wrong);
	if (!good)
		cannot_start("%s", why);
}

/* Core memory is one stretch: the image, heap up to the table pool, the pool, what backs the protection
 * layer's arrays. Returns its end. */
static u64 memory_layout(u64 nr_frames, u64 nr_ram, u64 nr_tables)
{
	u64 need = nr_tables * PAGE_SIZE, end, va, bytes;

	for (u64 i = 0; protect_backing(i, nr_ram, nr_tables, NR_SLOTS, &va, &bytes) != BACKING_END;
	     i++)
		need += (i ? bytes : 0) /* the first is the table pool */ + bytes / 512 +
			(3 + 2 * boot_info.nr_ranges) * PAGE_SIZE;
	/* for each frame, RAM or not: a bit of the pool, and its part of the page tables of the arrays */
	end = (TABLES_AT + need + nr_frames / 4 + LARGE - 1) & ~(LARGE - 1);
	return end;
}

/* RAM that there is no room to keep account of is not used. Returns the end of core memory. */
static u64 memory_fit(u64 *nr_frames, u64 *nr_ram, u64 *nr_tables)
{
	u64 limit = PROTECT_FRAMES << PAGE_SHIFT, end;

	for (;; limit -= GIB) {
		boot_cut_ram(limit);
		*nr_frames = *nr_ram = 0;
		for_each_ram (r) {
			*nr_frames = max_u64(*nr_frames, r->end >> PAGE_SHIFT);
			*nr_ram += (r->end - r->start) >> PAGE_SHIFT;
		}
		*nr_tables = min_u64(TABLES_FOR(*nr_ram), PROTECT_TABLES);
		end = memory_layout(*nr_frames, *nr_ram, *nr_tables);
		if (boot_is_ram(CORE_START, end))
			return end;
		if (limit <= 4 * GIB)
			cannot_start("too little memory: the core needs RAM from 0x%lx to 0x%lx "
				     "(%lu to %lu MiB)",
				     CORE_START, end, CORE_START >> 20, end >> 20);
	}
}

/* Holes between RAM may be larger than the RAM: their part of the arrays is never written. */
static void back_frames(u64 array, u64 nr_frames)
{
	u64 va, each;

	protect_backing(array, 1, 0, 0, &va, &each);
	for_each_ram (r) {
		u64 first = min_u64(r->start >> PAGE_SHIFT, nr_frames);
		u64 end = min_u64(r->end >> PAGE_SHIFT, nr_frames);

		if (first < end)
			paging_back(va + first * each, (end - first) * each, true);
	}
	paging_back(va, nr_frames * each, false);
}

static void back_protection(u64 nr_frames, u64 nr_tables)
{
	u64 va, bytes, kind;

	for (u64 i = 0; (kind = protect_backing(i, nr_frames, nr_tables, NR_SLOTS, &va, &bytes)) !=
			BACKING_END;
	     i++) {
		if (kind == BACKING_TABLES)
			paging_map_at(va, TABLES_AT, bytes);
		else if (kind == BACKING_FRAMES)
			back_frames(i, nr_frames);
		else
			paging_back(va, bytes, true);
	}
}

static void add_ram(u64 core_end)
{
	for_each_ram (r)
		for (u64 pa = (r->start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
		     pa + PAGE_SIZE <= r->end; pa += PAGE_SIZE)
			if ((pa < CORE_START || pa >= core_end) && frame_add(pa >> PAGE_SHIFT))
				panic("frame 0x%lx cannot be added", pa >> PAGE_SHIFT);
}

/* What the core keeps, and how much of it is only there because entries of nested tables exist. */
static void say_memory(u64 core_end, u64 nr_tables)
{
	u64 nested = 0, va, bytes;

	for (u64 i = 0; protect_backing(i, 0, nr_tables, 0, &va, &bytes) != BACKING_END; i++)
		nested += bytes;
	printk(LOG_INFO
	       "core keeps %lu KiB, of it %lu KiB for nested tables and the records of their "
	       "entries\n",
	       (core_end - CORE_START) >> 10, nested >> 10);
}

void boot_main(u32 magic, u64 info)
{
	struct dom0_image image = { 0 };
	u64 nr_frames, nr_ram, nr_tables, core_end, broken;

	read_options(magic, multiboot_read(magic, info));
	descriptors_init(&boot_cpu);
	machine_check_init_cpu();
	svm_init_cpu(&boot_cpu);
	xstate_init_cpu(&boot_cpu);
	core_end = memory_fit(&nr_frames, &nr_ram, &nr_tables);
	boot_move_modules(CORE_START, (u64)image_end);
	dom0_load(&image, CORE_START);

	/* The modules have gone to dom0: what lies behind the image is the core's now. */
	memset((void *)TABLES_AT, 0, nr_tables * PAGE_SIZE);
	core_memory_init(TABLES_AT + nr_tables * PAGE_SIZE, core_end);
	back_protection(nr_frames, nr_tables);
	memory_init(nr_frames, nr_tables, NR_SLOTS);
	core_memory_init(((u64)image_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), TABLES_AT);
	windows_init(&boot_cpu);
	lapic_init();
	time_init();
	printk(LOG_INFO "TSC %lu kHz, %lu MiB RAM, core keeps %lu MiB\n", core_clock.khz,
	       nr_ram >> 8, (core_end - CORE_START) >> 20);
	say_memory(core_end, nr_tables);
	cpus_start();
	core_memory_done();
	protect_init(nr_frames, nr_tables, NR_SLOTS, nr_cpus);
	if (mmio_forbid(CORE_START >> PAGE_SHIFT, (core_end - CORE_START) >> PAGE_SHIFT) ||
	    mmio_forbid(APIC_MFN, 1))
		panic("the core's memory cannot be protected");
	add_ram(core_end);
	xen_command_line = boot_info.command_line;
	dom0_build(&image, CORE_START, core_end);
	protect_boot_done();
	for (u32 i = 0; console_port(i); i++)
		svm_hide_ports(console_port(i), 8);
	broken = protect_invariant();
	if (broken)
		panic("the protection layer's invariant does not hold: clause %lu", broken);
	printk(LOG_INFO "the protection layer's invariant holds\n");
	if (boot_info.ram_cut)
		printk(LOG_WARNING "the last %lu MiB of RAM are not used: the core has no room to "
				   "keep account of them\n",
		       boot_info.ram_cut >> 20);
	printk(LOG_WARNING "no IOMMU is used: devices reach all memory, so dom0 is trusted\n");
	if (!options.seals)
		printk(LOG_WARNING "seal=no: dom0 may read and write every other domain\n");
	domains_seal = options.seals;
	console_reboots = !options.noreboot;
	paging_drop_boot_map(CORE_START, core_end);
	core_lock();
	domain_unpause(domains[0]);
	core_unlock();
	cpus_release();
	main_loop(&boot_cpu);
}
