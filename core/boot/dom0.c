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
#include "domain/domain.h"
#include "domain/memory.h"
#include "lib.h"
#include "protect/protect.h"
#include "vcpu/relay.h"
#include "x86/lapic.h"
#include "xen/xen.h"

#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((a)-1))
#define LARGE	       0x200000ull
#define GAP_BYTES      (512ull << 20)
#define MAP_MAX	       128
#define SIF_PRIVILEGED 1
#define SIF_INITDOMAIN 2

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
		panic("no module: give dom0's vmlinux as the first module (and its initrd as the "
		      "second)");
	wrong = elf_load(b->modules[0].start, b->modules[0].end - b->modules[0].start, limit,
			 &image->entry, &end);
	if (wrong)
		panic("dom0's kernel cannot be loaded: %s", wrong);
	image->command_line = b->modules[0].text;
	image->initrd = ALIGN_UP(end, LARGE);
	image->initrd_size = b->nr_modules > 1 ? b->modules[1].end - b->modules[1].start : 0;
	image->info = ALIGN_UP(image->initrd + image->initrd_size, LARGE);
	if (image->info + DOM0_INFO_SIZE > limit)
		panic("dom0's kernel and initrd do not fit below the core at 0x%llx",
		      (unsigned long long)limit);
	if (image->initrd_size)
		memcpy((void *)image->initrd, (const void *)b->modules[1].start,
		       image->initrd_size);
	memset((void *)image->info, 0, DOM0_INFO_SIZE);
	printk("dom0: kernel to 0x%llx, initrd 0x%llx (%llu KiB), entry 0x%llx\n",
	       (unsigned long long)end, (unsigned long long)image->initrd,
	       (unsigned long long)image->initrd_size >> 10, (unsigned long long)image->entry);
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
		panic("dom0's frame 0x%llx: error %d (%llu tables left)", (unsigned long long)mfn,
		      err, (unsigned long long)free_tables.free);
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

static void share_memory(struct domain *d, u64 core_start, u64 core_end)
{
	struct boot_info *b = &boot_info;
	const char *asked = option("dom0_mem");
	u64 ram = 0, wanted, gap = GAP_BYTES >> PAGE_SHIFT;

	for (u32 i = 0; i < b->nr_ranges; i++)
		if (b->ranges[i].type == RANGE_RAM)
			ram += b->ranges[i].end - b->ranges[i].start;
	wanted = (asked ? size_of_text(asked) : ram / 2) >> PAGE_SHIFT;
	if (wanted < (256ull << 20) >> PAGE_SHIFT)
		panic("dom0_mem= must be 256M at least (given %llu MiB, the machine has %llu MiB)",
		      (unsigned long long)wanted >> 8, (unsigned long long)ram >> 20);
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
	if (wanted)
		printk("dom0 gets %llu MiB less than asked: there is no more\n",
		       (unsigned long long)wanted >> 8);
	d->max_pages = d->tot_pages;
}

static void write_info(const struct dom0_image *image)
{
	u8 *at = (u8 *)image->info;
	struct hvm_start_info *s = (void *)at;
	struct hvm_modlist_entry *m = (void *)(at + INFO_MODULES);
	u32 id = lapic_id();

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
	s->rsdp_paddr = acpi_for_dom0(image->info + INFO_ACPI, DOM0_INFO_SIZE - INFO_ACPI, &id, 1);
	if (!s->rsdp_paddr)
		panic("no ACPI tables: dom0 would find no interrupt controller");
}

void dom0_build(const struct dom0_image *image, u64 core_start, u64 core_end)
{
	struct domain *d;

	if (domain_make(0, 0, true, false, &d))
		panic("dom0 cannot be made");
	share_memory(d, core_start, core_end);
	write_info(image);
	d->nr_e820 = (u32)min_u64(nr_map, E820_ENTRIES);
	for (u32 i = 0; i < d->nr_e820; i++)
		d->e820[i] = (struct e820_entry_){ map[i].addr, map[i].size, map[i].type };
	if (domain_make_vcpus(d, 1) || xen_domain_init(d, ~0u, GRANT_FRAMES, MAPTRACK_PAGES))
		panic("dom0: core memory is too small");
	d->vcpus[0]->apic.id = lapic_id();
	relay_attach(d->vcpus[0]);
	vcpu_reset_pvh(d->vcpus[0], image->entry, image->info);
	if (domain_seal(d))
		panic("dom0 does not seal");
	printk("dom0: %llu MiB one to one, %llu MiB free for others\n",
	       (unsigned long long)d->tot_pages >> 8, (unsigned long long)frames_free() >> 8);
}
