/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include "types.h"

/* Loads dom0's vmlinux (ELF64, Xen note PHYS32_ENTRY) from [image, image + size) to its physical
 * addresses. Returns NULL or what is wrong with it. *end: first byte behind it. */
const char *elf_load(u64 image, u64 size, u64 limit, u64 *entry, u64 *end);

#endif
