/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The information structures of Multiboot 0.6.96 (3.3) and Multiboot2 2.0 (3.4 to
 * 3.6), the second by GRUB on BIOS and on UEFI.  All is copied: it lies anywhere.
 */
#include "boot/multiboot.h"

#include "lib.h"

#define FOUR_GIB 0x100000000ull

/* Multiboot 1 */
#define HAS_COMMAND_LINE (1u << 2)
#define HAS_MODULES	 (1u << 3)
#define HAS_MAP		 (1u << 6)
#define HAS_NAME	 (1u << 9)

struct information {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
		mmap_length, mmap_addr, drives[2], config, loader_name;
};

struct mb_module {
	u32 start, end, string, reserved;
};

struct mb_range {
	u32 size;
	u64 addr, length;
	u32 type;
} __packed;

/* Multiboot 2 */
enum tag_type {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MAP = 6,
	TAG_SCREEN = 8,
	TAG_EFI_64 = 12,
	TAG_RSDP_1 = 14,
	TAG_RSDP_2 = 15
};

struct tag {
	u32 type, size;
};

struct tag_module {
	struct tag t;
	u32 start, end;
	char text[];
};

struct tag_map {
	struct tag t;
	u32 entry_size, version;
};

struct map_entry {
	u64 addr, length;
	u32 type, reserved;
};

struct tag_screen {
	struct tag t;
	u64 base;
	u32 pitch, width, height;
	u8 bits, kind;
	u16 reserved;
	u8 colours[6];
};

#define SCREEN_KIND_RGB	 1
#define SCREEN_KIND_TEXT 2

struct boot_info boot_info;

static const char *wrong;

static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size) {
		wrong = "a command line is longer than the 1023 bytes that the core keeps";
		n = size - 1;
	}
	memcpy(to, from, n);
	to[n] = 0;
}

/* Multiboot 1: GRUB 2 leaves the file's name out, other loaders put it first. */
static const char *arguments(const char *text, const char *loader)
{
	if (loader && !strncmp(loader, "GRUB ", 5) && loader[5] != '0')
		return text;
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void add_range(u64 start, u64 length, u32 type)
{
	struct boot_info *b = &boot_info;
	u32 i = b->nr_ranges;
	struct range *r = b->ranges;

	if (!length || start + length < start)
		return;
	if (type < RANGE_RAM || type > RANGE_UNUSABLE)
		type = RANGE_RESERVED;
	while (i && r[i - 1].start > start)
		i--;
	if (i && r[i - 1].end == start && r[i - 1].type == type) {
		r[i - 1].end += length;
		return;
	}
	if (b->nr_ranges == RANGES_MAX) {
		wrong = "the memory map has more than 128 ranges";
		return;
	}
	for (u32 k = b->nr_ranges; k > i; k--)
		r[k] = r[k - 1];
	r[i] = (struct range){ start, start + length, type };
	b->nr_ranges++;
}

static void add_module(u32 start, u32 end, const char *text)
{
	struct module *to = &boot_info.modules[boot_info.nr_modules];

	if (boot_info.nr_modules == ARRAY_SIZE(boot_info.modules)) {
		wrong = "more than two modules: only dom0's kernel and its initrd are wanted";
		return;
	}
	*to = (struct module){ .start = start, .end = max_u64(start, end) };
	copy_text(to->text, sizeof(to->text), text);
	boot_info.nr_modules++;
}

static void read_1(const struct information *mb)
{
	const char *loader = mb->flags & HAS_NAME ? (const char *)(u64)mb->loader_name : NULL;
	const struct mb_module *m = (const void *)(u64)mb->mods_addr;

	boot_info.screen.kind = SCREEN_TEXT; /* no such loader on UEFI */
	if (mb->flags & HAS_COMMAND_LINE)
		copy_text(boot_info.command_line, sizeof(boot_info.command_line),
			  arguments((const char *)(u64)mb->cmdline, loader));
	for (u32 at = 0; mb->flags & HAS_MAP && at < mb->mmap_length;) {
		const struct mb_range *r = (const void *)((u64)mb->mmap_addr + at);

		add_range(r->addr, r->length, r->type);
		at += r->size + 4;
	}
	for (u32 i = 0; mb->flags & HAS_MODULES && i < mb->mods_count; i++)
		add_module(m[i].start, m[i].end,
			   m[i].string ? arguments((const char *)(u64)m[i].string, loader) : "");
}

static void read_map(const struct tag_map *map)
{
	u64 end = (u64)map + map->t.size;

	for (u64 at = (u64)(map + 1); map->entry_size && at + sizeof(struct map_entry) <= end;
	     at += map->entry_size) {
		const struct map_entry *e = (const void *)at;

		add_range(e->addr, e->length, e->type);
	}
}

static void read_screen(const struct tag_screen *from)
{
	struct screen *s = &boot_info.screen;

	s->kind = from->kind == SCREEN_KIND_TEXT  ? SCREEN_TEXT
		  : from->kind == SCREEN_KIND_RGB ? SCREEN_PIXELS
						  : SCREEN_NONE;
	s->base = from->base;
	s->pitch = from->pitch;
	s->width = from->width;
	s->height = from->height;
	s->bits = from->bits;
	if (s->kind == SCREEN_PIXELS)
		memcpy(s->colours, from->colours, sizeof(s->colours));
}

static void read_2(u64 info)
{
	u64 end = info + *(const u32 *)info;
	const struct tag *t;
	bool screen = false;

	for (u64 at = info + 8; at + sizeof(*t) <= end; at += (t->size + 7ull) & ~7ull) {
		t = (const void *)at;
		if (t->type == TAG_END || t->size < sizeof(*t))
			break;
		switch (t->type) {
		case TAG_COMMAND_LINE:
			copy_text(boot_info.command_line, sizeof(boot_info.command_line),
				  (const char *)(t + 1));
			break;
		case TAG_MODULE: {
			const struct tag_module *m = (const void *)t;

			add_module(m->start, m->end, m->text);
			break;
		}
		case TAG_MAP:
			read_map((const void *)t);
			break;
		case TAG_SCREEN:
			screen = true;
			read_screen((const void *)t);
			break;
		case TAG_EFI_64:
			boot_info.efi = true;
			break;
		case TAG_RSDP_1:
		case TAG_RSDP_2: /* the newer one wins: it comes last */
			memcpy(boot_info.rsdp, t + 1, min_u64(t->size - sizeof(*t), RSDP_MAX));
			break;
		default:
			break;
		}
	}
	if (!screen && !boot_info.efi)
		boot_info.screen.kind = SCREEN_TEXT;
}

const char *multiboot_read(u32 magic, u64 info)
{
	if (magic == MULTIBOOT1_MAGIC)
		read_1((const void *)info);
	else if (magic == MULTIBOOT2_MAGIC)
		read_2(info);
	else
		return "the loader speaks neither multiboot nor multiboot2";
	if (!wrong && !boot_info.nr_ranges)
		wrong = "the loader gave no memory map";
	return wrong;
}

void boot_cut_ram(u64 limit)
{
	struct boot_info *b = &boot_info;

	for (u32 i = 0; i < b->nr_ranges; i++) {
		struct range *r = &b->ranges[i];
		u64 from = max_u64(r->start, limit), end = r->end;

		if (r->type != RANGE_RAM || from >= end)
			continue;
		b->ram_cut += end - from;
		if (from == r->start) {
			r->type = RANGE_RESERVED;
		} else {
			r->end = from;
			add_range(from, end - from, RANGE_RESERVED);
		}
	}
}

bool boot_is_ram(u64 start, u64 end)
{
	for_each_ram (r)
		if (start >= r->start && end <= r->end)
			return true;
	return false;
}

/* Highest place for size bytes in [from, to) that no module occupies; 0 none. */
static u64 find_place(u64 from, u64 to, u64 size)
{
	for (bool again = true; again;) {
		again = false;
		if (to < size || to - size < from)
			return 0;
		for (u32 i = 0; i < boot_info.nr_modules; i++) {
			const struct module *m = &boot_info.modules[i];

			if (m->start < to && m->end > ((to - size) & ~(PAGE_SIZE - 1))) {
				to = m->start;
				again = true;
			}
		}
	}
	to = (to - size) & ~(PAGE_SIZE - 1);
	return to >= from ? to : 0;
}

void boot_move_modules(u64 core_start, u64 image_end)
{
	for (u32 i = 0; i < boot_info.nr_modules; i++) {
		struct module *m = &boot_info.modules[i];
		u64 size = m->end - m->start, to = 0;

		if (m->start >= image_end)
			continue;
		/* The entry code has copied the image to there. */
		if (m->end > core_start)
			cannot_start("the loader put a module where the core lies (0x%lx)",
				     core_start);
		for_each_ram (r)
			to = max_u64(to, find_place(max_u64(r->start, image_end),
						    min_u64(r->end, FOUR_GIB), size));
		if (!to)
			cannot_start("too little memory: no %lu MiB above the core to unpack "
				     "module %u from",
				     size >> 20, i + 1);
		memcpy((void *)to, (const void *)m->start, size);
		m->start = to;
		m->end = to + size;
	}
}
