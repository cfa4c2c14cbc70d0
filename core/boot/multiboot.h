/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loader and the firmware said, copied once: command line, RAM, modules. */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include "types.h"

#define MULTIBOOT_MAGIC 0x2badb002u
#define RANGES_MAX	128

enum range_type {
	RANGE_RAM = 1,
	RANGE_RESERVED = 2,
	RANGE_ACPI = 3,
	RANGE_NVS = 4,
	RANGE_UNUSABLE = 5
};

struct range {
	u64 start, end; /* bytes */
	u32 type;
};

struct module {
	u64 start, end; /* physical */
	char text[1024];
};

struct boot_info {
	char command_line[1024]; /* without the image's name */
	u32 nr_ranges;
	struct range ranges[RANGES_MAX]; /* sorted, as the firmware gave them */
	u32 nr_modules;
	struct module modules[2]; /* dom0's kernel, its initrd */
};

extern struct boot_info boot_info;

void multiboot_read(u32 magic, u64 info);
/* Value of name=... or of the bare word; NULL when it is not there. Ends at a blank. */
const char *option(const char *name);
/* A size with K, M, G suffix (bytes). 0 when it is none. */
u64 size_of_text(const char *text);

#endif
