/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multiboot Specification 0.6.96, section 3.3: the information structure. */
#include "boot/multiboot.h"

#include "lib.h"

#define HAS_COMMAND_LINE (1u << 2)
#define HAS_MODULES	 (1u << 3)
#define HAS_MAP		 (1u << 6)

struct information {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
		mmap_length, mmap_addr;
};

struct mb_module {
	u32 start, end, string, reserved;
};

struct mb_range {
	u32 size;
	u64 addr, length;
	u32 type;
} __packed;

struct boot_info boot_info;

static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size)
		panic("a command line of %zu bytes is longer than the %zu that the core keeps", n,
		      size - 1);
	memcpy(to, from, n + 1);
}

/* Both loaders put the file's name first. */
static const char *after_name(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void add_range(u64 start, u64 end, u32 type)
{
	struct boot_info *b = &boot_info;
	u32 i = b->nr_ranges;

	if (i == RANGES_MAX)
		panic("more than %d memory ranges", RANGES_MAX);
	for (; i && b->ranges[i - 1].start > start; i--)
		b->ranges[i] = b->ranges[i - 1];
	b->ranges[i] = (struct range){ start, end, type };
	b->nr_ranges++;
}

void multiboot_read(u32 magic, u64 info)
{
	const struct information *mb = (const void *)info;

	if (magic != MULTIBOOT_MAGIC)
		panic("not started by a multiboot1 loader (magic 0x%x)", magic);
	if (mb->flags & HAS_COMMAND_LINE)
		copy_text(boot_info.command_line, sizeof(boot_info.command_line),
			  after_name((const char *)(u64)mb->cmdline));
	if (!(mb->flags & HAS_MAP))
		panic("the loader gave no memory map");
	for (u32 at = 0; at < mb->mmap_length;) {
		const struct mb_range *r = (const void *)((u64)mb->mmap_addr + at);

		if (r->length)
			add_range(r->addr, r->addr + r->length, r->type);
		at += r->size + 4;
	}
	if (mb->flags & HAS_MODULES) {
		const struct mb_module *m = (const void *)(u64)mb->mods_addr;

		boot_info.nr_modules = (u32)min_u64(mb->mods_count, 2);
		for (u32 i = 0; i < boot_info.nr_modules; i++) {
			struct module *to = &boot_info.modules[i];

			to->start = m[i].start;
			to->end = m[i].end;
			if (m[i].string)
				copy_text(to->text, sizeof(to->text),
					  after_name((const char *)(u64)m[i].string));
		}
	}
}

const char *option(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = boot_info.command_line; *p;) {
		if (!strncmp(p, name, n) && (p[n] == '=' || p[n] == ' ' || !p[n]))
			return p[n] == '=' ? p + n + 1 : p + n;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			p++;
	}
	return NULL;
}

u64 size_of_text(const char *text)
{
	u64 v = 0;

	if (*text < '0' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9'; text++)
		v = v * 10 + (u64)(*text - '0');
	switch (*text) {
	case 'K':
	case 'k':
		return v << 10;
	case 'G':
	case 'g':
		return v << 30;
	case 'M':
	case 'm':
		return v << 20;
	default:
		return v << 10; /* Xen: kilobytes when there is no suffix */
	}
}
