# SPDX-License-Identifier: GPL-2.0-or-later
# How the core is compiled and linked; core is its source folder.
#
# gnu11: Xen's hvm/save.h demands it.  Freestanding, general registers only (guests own the vector state), no jump tables (indirect branches),
# medium code model with large data apart: the frame arrays are virtual for 256 GiB.
core ?= .
CORE_CPPFLAGS = -I$(core)/include -I$(core)
CORE_CFLAGS = -std=gnu11 -ffreestanding -O2 -g -mgeneral-regs-only -fno-jump-tables -fno-pic -fno-pie \
	-mno-red-zone -fno-stack-protector -mcmodel=medium -mlarge-data-threshold=65536 -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-common \
	-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror
CORE_LDFLAGS = -nostdlib -z noexecstack -T $(core)/core.lds -z max-page-size=4096 --build-id=none
