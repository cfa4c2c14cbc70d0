/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0: an unmodified Linux as PVH domain (contract 1.2, 1.3, 2.7).  Its RAM is
 * mapped one to one, since there is no IOMMU to translate what devices address.
 */
#include "boot/dom0.h"

#include <xen/arch-x86/hvm/start_info.h>

#include "boot/acpi.h"
#include "boot/elf.h"
#include "boot/multiboot.h"
#include "boot/options.h"
#include "domain/domain.h"
#include "domain/memory.h"
#include "lib.h"
#include "protect/protect.h"
#include "x86/console.h"
#include "x86/lapic.h"
#include "xen/abi.h"
#include "xen/xen.h"

#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((a)-1))
#define LARGE	       0x200000ull
#define GAP_BYTES      (512ull << 20)
#define MAP_MAX	       128
#define DOM0_LEAST     (256ull << 20)

/* Offsets in the information area. */
#define INFO_MODULES 0x100
#define INFO_MAP     0x200
#define INFO_TEXT    0x2000
#define INFO_ACPI    0x4000

static struct hvm_memmap_table_entry map[MAP_MAX];
static u32 nr_map;

void dom0_load(struct dom0_image *image, u64 limit)
{
	struct boot_info *b = &boot_info;
	const char *wrong;
	u64 end;

	if (!b->nr_modules)
		cannot_start("no module: give dom0's vmlinux as the first module, its initrd as "
			     "the second");
	wrong = elf_load(b->modules[0].start, b->modules[0].end - b->modules[0].start, limit,
			 &image->entry, &end);
	if (wrong)
		cannot_start("dom0's kernel (the first module) cannot be loaded: %s", wrong);
	image->command_line = b->modules[0].text;
	image->initrd = ALIGN_UP(end, LARGE);
	image->initrd_size = b->nr_modules > 1 ? b->modules[1].end - b->modules[1].start : 0;
	image->info = ALIGN_UP(image->initrd + image->initrd_size, LARGE);
	while (image->info + DOM0_INFO_SIZE <= limit &&
	       !boot_is_ram(image->initrd, image->info + DOM0_INFO_SIZE)) {
		image->initrd += LARGE;
		image->info += LARGE;
	}
	if (image->info + DOM0_INFO_SIZE > limit)
		cannot_start("dom0's kernel and initrd do not fit below the core at 0x%lx: a "
			     "smaller initrd is "
			     "needed",
			     limit);
	if (image->initrd_size)
		memcpy((void *)image->initrd, (const void *)b->modules[1].start,
		       image->initrd_size);
	memset((void *)image->info, 0, DOM0_INFO_SIZE);
	printk(LOG_INFO "dom0: kernel to 0x%lx, initrd 0x%lx (%lu KiB), entry 0x%lx\n", end,
	       image->initrd, image->initrd_size >> 10, image->entry);
}

static void map_add(u64 start, u64 end, u32 type)
{
	struct hvm_memmap_table_entry *last = nr_map ? &map[nr_map - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->addr + last->size == start && last->type == type) {
		last->size += end - start;
		return;
	}
	if (nr_map == MAP_MAX)
		panic("dom0's memory map has more than %d entries", MAP_MAX);
	map[nr_map++] =
		(struct hvm_memmap_table_entry){ .addr = start, .size = end - start, .type = type };
}

static void give(struct domain *d, u64 mfn)
{
	int err = frame_give_boot(mfn, d->id);

	if (!err)
		err = physmap_add_own(d, mfn, mfn, PERM_READ | PERM_WRITE | PERM_EXEC);
	if (err)
		panic("dom0's frame 0x%lx: error %d (%lu tables left)", mfn, err, free_tables.free);
	memory_count(mfn);
	d->tot_pages++;
}

/*
 * One range of RAM: dom0's share first, the rest is free. In dom0's map the first 512 MiB of what is not
 * its own are a hole: there Linux 6.1 looks for frame numbers to map foreign pages at, before it knows
 * the device windows (contract 4.4). The rest is UNUSABLE, so that nobody places a device there.
 */
static void share_out(struct domain *d, u64 start, u64 end, u64 *wanted, u64 *gap)
{
	u64 first = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT, stop = end >> PAGE_SHIFT, at, hole;

	if (first >= stop)
		return;
	for (at = first; at < stop && *wanted; at++, (*wanted)--)
		give(d, at);
	map_add(first << PAGE_SHIFT, at << PAGE_SHIFT, RANGE_RAM);
	hole = min_u64(stop - at, *gap);
	*gap -= hole;
	map_add((at + hole) << PAGE_SHIFT, stop << PAGE_SHIFT, RANGE_UNUSABLE);
	for (; at < stop; at++)
		memory_add(at);
}

/* dom0_mem=: in pages, of a machine that has so many to give. */
static u64 pages_wanted(u64 ram)
{
	const struct amount *asked = &options.dom0_mem.wanted;
	u64 bytes = ram << PAGE_SHIFT;
	u64 wanted = asked->given ? amount_of(asked, bytes) : bytes / 2;
	u64 min = options.dom0_mem.min.given ? amount_of(&options.dom0_mem.min, bytes) : 0;

	wanted = max_u64(wanted, min);
	wanted = min_u64(wanted, amount_of(&options.dom0_mem.max, bytes));
	if (wanted < DOM0_LEAST)
		cannot_start("dom0_mem= comes to %lu MiB: dom0 needs 256 MiB at least",
			     wanted >> 20);
	if (min > bytes)
		cannot_start("too little memory: dom0_mem=min: asks for %lu MiB, the machine has "
			     "%lu MiB "
			     "beside the core",
			     min >> 20, bytes >> 20);
	return wanted >> PAGE_SHIFT;
}

static void share_memory(struct domain *d, const struct dom0_image *image, u64 core_start,
			 u64 core_end)
{
	struct mapping last;
	struct boot_info *b = &boot_info;
	u64 ram = 0, wanted, gap = GAP_BYTES >> PAGE_SHIFT;

	for_each_ram (r)
		ram += r->end - r->start;
	wanted = pages_wanted((ram - (core_end - core_start)) >> PAGE_SHIFT);
	d->max_pages = wanted;
	for (u32 i = 0; i < b->nr_ranges; i++) {
		struct range *r = &b->ranges[i];

		if (r->type != RANGE_RAM) {
			map_add(r->start, r->end, r->type);
		} else if (core_start >= r->start && core_start < r->end) {
			share_out(d, r->start, core_start, &wanted, &gap);
			map_add(core_start, core_end, RANGE_RESERVED);
			share_out(d, core_end, r->end, &wanted, &gap);
		} else {
			share_out(d, r->start, r->end, &wanted, &gap);
		}
	}
	if (physmap_find(d, (image->info + DOM0_INFO_SIZE - 1) >> PAGE_SHIFT, &last))
		cannot_start("dom0_mem= is too small: dom0's kernel and initrd reach to %lu MiB",
			     (image->info + DOM0_INFO_SIZE) >> 20);
	if (wanted)
		printk(LOG_WARNING "dom0 gets %lu MiB less than asked: there is no more\n",
		       wanted >> 8);
	d->max_pages = d->tot_pages;
}

/* One for each CPU, since a CPU's interrupts go to the vCPU with its APIC ID; dom0_max_vcpus= may say
 * fewer: no device can name the CPUs without one. */
static u32 dom0_vcpus(void)
{
	u32 most = options.dom0_vcpus_max ? options.dom0_vcpus_max : DOMAIN_VCPUS;

	most = (u32)min_u64(most, DOMAIN_VCPUS);
	return (u32)min_u64(nr_cpus, most);
}

static void write_info(const struct dom0_image *image)
{
	u8 *at = (u8 *)image->info;
	struct hvm_start_info *s = (void *)at;
	struct hvm_modlist_entry *m = (void *)(at + INFO_MODULES);
	u32 ids[DOMAIN_VCPUS];

	s->magic = XEN_HVM_START_MAGIC_VALUE;
	s->version = 1;
	s->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	if (image->initrd_size) {
		s->nr_modules = 1;
		s->modlist_paddr = (u64)m;
		m->paddr = image->initrd;
		m->size = image->initrd_size;
	}
	memcpy(at + INFO_TEXT, image->command_line, strlen(image->command_line) + 1);
	s->cmdline_paddr = image->info + INFO_TEXT;
	s->memmap_paddr = image->info + INFO_MAP;
	s->memmap_entries = nr_map;
	memcpy(at + INFO_MAP, map, nr_map * sizeof(map[0]));
	for (u32 i = 0; i < dom0_vcpus(); i++)
		ids[i] = cpus[i]->apic_id;
	s->rsdp_paddr = acpi_for_dom0(image->info + INFO_ACPI, DOM0_INFO_SIZE - INFO_ACPI, ids,
				      dom0_vcpus());
	if (!s->rsdp_paddr)
		cannot_start("no ACPI tables: dom0 would find no interrupt controller; a firmware "
			     "with ACPI is needed");
}

/* The screen as the loader left it is dom0's from now on. */
static void give_screen(void)
{
	const struct screen *s = &boot_info.screen;
	u32 row = console_close_screen();
	dom0_vga_console_info_t info = { 0 };

	if (s->kind == SCREEN_TEXT) {
		info.video_type = XEN_VGATYPE_TEXT_MODE_3;
		info.u.text_mode_3.font_height = 16;
		info.u.text_mode_3.cursor_y = (u16)row;
		info.u.text_mode_3.rows = 25;
		info.u.text_mode_3.columns = 80;
	} else if (s->kind == SCREEN_PIXELS) {
		info.video_type = boot_info.efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
		info.u.vesa_lfb.width = (u16)s->width;
		info.u.vesa_lfb.height = (u16)s->height;
		info.u.vesa_lfb.bytes_per_line = (u16)s->pitch;
		info.u.vesa_lfb.bits_per_pixel = s->bits;
		info.u.vesa_lfb.lfb_base = (u32)s->base;
		info.u.vesa_lfb.ext_lfb_base = (u32)(s->base >> 32);
		info.u.vesa_lfb.lfb_size = (u32)ALIGN_UP((u64)s->pitch * s->height, 0x10000ull) >>
					   16;
		memcpy(&info.u.vesa_lfb.red_pos, s->colours, sizeof(s->colours));
	}
	if (s->kind != SCREEN_NONE)
		xen_dom0_console(&info);
}

void dom0_build(const struct dom0_image *image, u64 core_start, u64 core_end)
{
	struct domain *d;

	if (domain_make(0, 0, true, false, &d))
		panic("dom0 cannot be made");
	share_memory(d, image, core_start, core_end);
	write_info(image);
	give_screen();
	d->nr_e820 = (u32)min_u64(nr_map, E820_ENTRIES);
	for (u32 i = 0; i < d->nr_e820; i++)
		d->e820[i] = (struct e820_entry_){ map[i].addr, map[i].size, map[i].type };
	if (domain_make_vcpus(d, dom0_vcpus()) ||
	    xen_domain_init(d, ~0u, GRANT_FRAMES, MAPTRACK_PAGES))
		panic("dom0: core memory is too small");
	for (u32 i = 0; i < d->max_vcpus; i++) {
		d->vcpus[i]->apic.id = cpus[i]->apic_id;
		d->vcpus[i]->cpu = i;
		d->vcpus[i]->soft_affinity = 1ull << i;
		cpus[i]->relay = d->vcpus[i];
	}
	vcpu_reset_pvh(d->vcpus[0], image->entry, image->info);
	if (domain_seal(d))
		panic("dom0 does not seal");
	printk(LOG_INFO "dom0: %lu MiB one to one, %lu MiB free for others\n", d->tot_pages >> 8,
	       frames_free() >> 8);
}
