/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hostile program asks of the hostile kernel module: one thing at ring 0, with given registers. */
#ifndef HOSTILE_KERNEL_H
#define HOSTILE_KERNEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum hostile_what {
	HOSTILE_VMMCALL,
	HOSTILE_VMCALL,
	HOSTILE_VMRUN,
	HOSTILE_VMLOAD,
	HOSTILE_VMSAVE,
	HOSTILE_STGI,
	HOSTILE_CLGI,
	HOSTILE_SKINIT,
	HOSTILE_INVLPGA,
	HOSTILE_MONITOR,
	HOSTILE_MWAIT,
	HOSTILE_XSETBV,
	HOSTILE_RDPMC,
	HOSTILE_RDPRU,
	HOSTILE_INVD,
	HOSTILE_WBINVD,
	HOSTILE_RSM,
	HOSTILE_RDMSR,
	HOSTILE_WRMSR,
	/* physical address in rax; one 64-bit word, through ioremap; read into rdx */
	HOSTILE_READ,
	HOSTILE_WRITE,
	/* The end of this kernel: rax is loaded and never given back. */
	HOSTILE_CR3,   /* page tables at rax */
	HOSTILE_IDT,   /* interrupt descriptors at linear address rax, then an exception */
	HOSTILE_STACK, /* stack at the mapping of physical address rax, then an exception */
	HOSTILE_HALT,  /* hlt with interrupts off */
	HOSTILE_WHATS,
};

struct hostile {
	__u32 what;
	__s32 fault; /* out: not 0 when the processor refused it */
	__u64 rax, rbx, rcx, rdx, rsi, rdi, r8, r10;
};

#define HOSTILE_DO _IOWR('H', 1, struct hostile)

#endif
