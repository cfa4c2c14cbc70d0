/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

#include "types.h"

/* Where dom0's image went; all physical, below the core. */
struct dom0_image {
	u64 entry;
	u64 initrd, initrd_size;
	u64 info; /* start_info and what it points to; INFO_SIZE bytes */
	const char *command_line;
};

#define DOM0_INFO_SIZE 0x10000ul

/* Copies kernel and initrd out of the modules: before core memory behind the image is used. */
void dom0_load(struct dom0_image *image, u64 limit);
/* Makes domain 0, gives it its RAM one to one, writes start_info, readies its vCPU. RAM that is left is
 * free. core: [core_start, core_end) is in nobody's reach. */
void dom0_build(const struct dom0_image *image, u64 core_start, u64 core_end);

#endif
