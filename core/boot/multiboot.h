/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loader and the firmware said, copied once: command line, RAM, modules, screen, ACPI. */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include "types.h"

#define MULTIBOOT1_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u
#define RANGES_MAX	 128
#define RSDP_MAX	 36

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
	u64 start, end; /* physical, below 4 GiB */
	char text[1024];
};

enum screen_kind { SCREEN_NONE, SCREEN_TEXT, SCREEN_PIXELS };

struct screen {
	enum screen_kind kind;
	u64 base;
	u32 pitch, width, height; /* bytes per line, pixels */
	u8 bits;		  /* per pixel */
	u8 colours[6];		  /* position and size of red, green, blue */
};

struct boot_info {
	char command_line[1024]; /* without the image's name */
	bool efi;
	u32 nr_ranges;
	struct range ranges[RANGES_MAX]; /* sorted; neighbours of one type are one */
	u64 ram_cut;			 /* bytes, by boot_cut_ram() */
	u32 nr_modules;
	struct module modules[2]; /* dom0's kernel, its initrd */
	struct screen screen;
	u8 rsdp[RSDP_MAX]; /* zeros when the loader gave none: then it is where a BIOS has it */
};

extern struct boot_info boot_info;

#define for_each_ram(r)                                                                            \
	for (const struct range *r = boot_info.ranges; r < boot_info.ranges + boot_info.nr_ranges; \
	     r++)                                                                                  \
		if (r->type == RANGE_RAM)

/* From either kind of loader. Returns NULL or what is wrong. The command line is there in any case. */
const char *multiboot_read(u32 magic, u64 info);
/* RAM from limit on is reserved from now on. */
void boot_cut_ram(u64 limit);
/* All of [start, end) is RAM. */
bool boot_is_ram(u64 start, u64 end);
/* Modules below core_start go above image_end, where dom0's kernel is not loaded. */
void boot_move_modules(u64 core_start, u64 image_end);

#endif
