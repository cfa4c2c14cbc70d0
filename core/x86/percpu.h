/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each physical CPU has for itself.  All records are reached through cpus[];
 * a CPU finds its own through GS, which VMLOAD of its host state restores after
 * every guest.  Fields of other CPUs are read and written under the core's lock
 * only, but for those that say otherwise.
 */
#ifndef PERCPU_H
#define PERCPU_H

#include "types.h"

#define CPUS_MAX       64 /* masks of CPUs are one word */
#define CPU_GENERATION 256ull

struct vcpu;

struct task_state { /* APM 2, 12.2.5 */
	u32 reserved_1;
	u64 rsp[3];
	u64 reserved_2;
	u64 stacks[7];
	u64 reserved_3;
	u16 reserved_4, io_map;
} __packed;

struct cpu {
	struct cpu *self;    /* GS:0 */
	u32 nmi_taken;	     /* GS:8, entry.S: NMIs so far */
	s32 interrupt_taken; /* GS:12, entry.S: vector that came in, -1 none */
	u32 id, apic_id;
	bool up; /* written by the CPU itself: it has come to its main loop */

	/* smp.c */
	bool in_guest; /* set under the lock, cleared by the CPU itself once it is out (no lock) */
	bool outside;  /* in a guest or asleep: a kick must wake it */
	bool kicked;   /* one is under way */

	/* svm.c */
	u64 generation; /* of ASIDs: the count above, the CPU's id in the low byte */
	u32 next_asid;

	/* paging.c: windows into domain frames */
	u64 *window_table;
	u64 window_base;
	u32 windows_open;

	/* vcpu/: who runs, whose FPU state the registers hold, whom the relay serves */
	struct vcpu *current, *loaded, *relay;
	bool relay_due; /* physical EOIs that another CPU found payable */
	u32 nmi_seen;
	u64 xcr0; /* xstate.c: what XCR0 is */

	u64 gdt[5];
	struct task_state tss __aligned(128);
	u8 exception_stacks[3][4096] __aligned(16);
	u8 host_save[4096] __aligned(4096);  /* VM_HSAVE_PA */
	u8 host_state[4096] __aligned(4096); /* VMSAVE area: TR, GS, above all */
	u8 stack[16384] __aligned(16);
};
_Static_assert(offsetof(struct cpu, nmi_taken) == 8, "entry.S");
_Static_assert(offsetof(struct cpu, interrupt_taken) == 12, "entry.S");

extern struct cpu *cpus[CPUS_MAX];
extern u32 nr_cpus;
extern struct cpu boot_cpu;

static inline u64 cpus_mask(void)
{
	return nr_cpus < 64 ? (1ull << nr_cpus) - 1 : ~0ull;
}

#endif
