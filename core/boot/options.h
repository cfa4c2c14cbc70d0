/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's command line, after Xen's: doc/command-line.md says what each option means. */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include "types.h"

#define NR_SERIAL 2 /* com1, com2 */

/* So much, or all but so much, or a share of the machine's. */
struct amount {
	u64 bytes;
	u32 percent;
	bool given, all_but;
};

struct serial_option {
	u16 port;
	u8 format; /* line control register */
	u32 baud;  /* 0: as the firmware left it */
};

struct options {
	struct dom0_mem {
		struct amount wanted, min, max;
	} dom0_mem;
	u32 dom0_vcpus_max; /* 0: not given */
	struct console_option {
		bool serial[NR_SERIAL], vga;
	} console;
	struct serial_option serial[NR_SERIAL];
	bool noreboot;
	bool seals;
};

extern struct options options;

/* Reads the whole line. Options that are not known are said by printk() and have no effect. False when a
 * value is wrong: `why` then says which and what a right one looks like; what was right is taken. */
bool options_read(const char *line, char *why, size_t size);
/* Bytes of a of a whole; whole when it is not given. */
u64 amount_of(const struct amount *a, u64 whole);

#endif
