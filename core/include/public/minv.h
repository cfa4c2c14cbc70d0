/* SPDX-License-Identifier: MIT */
/*
 * The run interface: how a fidelity domain runs its real guest.
 *
 * One hypercall, number MINV_HYPERCALL, Xen's register convention: RAX the number, RDI a MINV_*
 * command, RSI, RDX, R10, R8 its arguments, RAX the result (0 or a negative errno).  Only the vCPUs
 * of a fidelity domain (XEN_DOMCTL_set_target) may use it; others get -EPERM.
 *
 * All memory of the guest is its *pool*: frames that the builder populated at guest frames
 * MINV_POOL_GFN + i.  The partner sees pool page i at its own guest frame MINV_POOL_GFN + i after
 * MINV_POOL_MAP, and lays it out for the guest with MINV_MEMORY_MAP.
 */
#ifndef MINV_H
#define MINV_H

#include <stdint.h>

#define MINV_HYPERCALL	 55 /* __HYPERVISOR_arch_7, unused by Xen */
#define MINV_ABI_VERSION 2

#define MINV_POOL_GFN	   (1ull << 27) /* 512 GiB: above every address that the guest's CPUID admits */
#define MINV_GUEST_GFN_MAX (1ull << 27)

/* Commands */
#define MINV_INFO 0 /* (struct minv_info *) */
#define MINV_POOL_MAP \
	1 /* (first pool page, count <= 512): maps them into the caller at MINV_POOL_GFN + i */
#define MINV_MEMORY_MAP \
	2 /* (guest gfn, first pool page, count <= 512, flags): replaces what was there */
#define MINV_MEMORY_UNMAP 3 /* (guest gfn, count <= 512) */
#define MINV_VCPU_CREATE \
	4 /* (guest vcpu, caller's gfn of its state page): the page must be the caller's own */
#define MINV_RUN \
	5 /* (guest vcpu): interrupts off; 0: see exit_reason; -EBUSY another caller is in */
#define MINV_KICK 6 /* (guest vcpu): makes a run in progress return */
#define MINV_DIRTY \
	7 /* (guest gfn, count <= 512, u64 bitmap[8] *): reads and clears, for MINV_MEMORY_LOG */

#define MINV_MEMORY_READONLY 1ull /* a guest write is an MINV_EXIT_MMIO */
#define MINV_MEMORY_LOG	     2ull /* dirty tracking */

struct minv_info {
	uint32_t abi_version;
	uint32_t guest_domid;
	uint64_t pool_pages; /* populated pool pages, counted from 0 without a hole */
	uint32_t guest_vcpus;
	uint32_t tsc_khz;
	uint64_t reserved[5];
};

/* exit_reason */
enum minv_exit {
	MINV_EXIT_EVENT =
		0, /* the caller has an event pending, was kicked, or immediate_exit was set */
	MINV_EXIT_DEADLINE = 1, /* deadline_tsc passed */
	MINV_EXIT_WINDOW = 2,	/* want_window: the guest can take that interrupt now */
	MINV_EXIT_HLT = 3,
	MINV_EXIT_IO = 4,
	MINV_EXIT_MMIO = 5,
	MINV_EXIT_RDMSR = 6,
	MINV_EXIT_WRMSR = 7,
	MINV_EXIT_CPUID = 8,
	MINV_EXIT_SHUTDOWN = 9,	  /* triple fault */
	MINV_EXIT_HYPERCALL = 10, /* VMMCALL or VMCALL by the guest (KVM's interface) */
	MINV_EXIT_PAUSED = 11,	  /* the guest is paused by the toolstack: block until kicked */
	MINV_EXIT_INVALID = 12,	  /* the processor refused the state that was loaded */
	MINV_EXIT_XSETBV = 13, /* refused value: inject #GP (good values are handled by the core) */
	MINV_EXIT_OTHER = 14,  /* raw_exit_code says what; the partner stops the guest */
};

/* Register groups: bits of `valid` (core to partner) and `dirty` (partner to core). GPRs, RIP, RFLAGS
 * and CR8 travel always, both ways. */
#define MINV_REGS_SEGMENTS 1u /* es..tr, gdtr, idtr, cpl */
#define MINV_REGS_CONTROL  2u /* cr0 cr2 cr3 cr4 efer dr6 dr7 pat tsc_offset xcr0 */
#define MINV_REGS_SYSCALL  4u /* star..kernel_gs_base, sysenter_* */
#define MINV_REGS_ALL	   7u

struct minv_segment {
	uint16_t selector;
	uint16_t attributes; /* 12 bits as in the VMCB (APM 2, 15.5.1): type s dpl p avl l db g */
	uint32_t limit;
	uint64_t base;
};

enum minv_gpr { /* hardware encoding order */
		MINV_RAX,
		MINV_RCX,
		MINV_RDX,
		MINV_RBX,
		MINV_RSP,
		MINV_RBP,
		MINV_RSI,
		MINV_RDI,
		MINV_R8,
		MINV_R9,
		MINV_R10,
		MINV_R11,
		MINV_R12,
		MINV_R13,
		MINV_R14,
		MINV_R15,
};

/* The state page of one guest vCPU, shared by the partner and the core. 4 KiB. Every field that the
 * core reads it copies once and checks; what it refuses makes the run answer -EINVAL and changes nothing. */
struct minv_state {
	/* partner to core */
	uint32_t dirty; /* register groups to load; the core clears it when it has loaded them */
	uint32_t want;	/* register groups to have valid at the next exit */
	uint8_t immediate_exit; /* not 0: return MINV_EXIT_EVENT before entering (`dirty` is loaded, `want` is made valid) */
	uint8_t want_window; /* not 0: MINV_EXIT_WINDOW when IF=1 and no shadow; 1 to 15: and CR8 is below that */
	uint8_t pad0[6];
	uint64_t deadline_tsc; /* 0: none */
	uint64_t
		inject; /* event to inject at entry, EVENTINJ format (APM 2, 15.20); V=0 none. At an exit: the
				  * event whose delivery was interrupted (EXITINTINFO), left there to be injected again */
	/* core to partner */
	uint32_t exit_reason;
	uint32_t valid; /* register groups that are valid now */
	uint32_t raw_exit_code;
	uint8_t instruction_length;    /* bytes to advance RIP by, 0 not known */
	uint8_t instruction_bytes_len; /* 0 when the processor does not supply them */
	uint8_t interrupt_shadow;
	uint8_t ready_for_interrupt; /* IF=1, no shadow, nothing to be injected again */
	uint8_t instruction_bytes[16];
	union {
		struct {
			uint16_t port;
			uint8_t size; /* 1 2 4 */
			uint8_t in;
			uint8_t string, rep,
				segment;      /* segment: 0..5 es cs ss ds fs gs, 0xff not known */
			uint8_t address_size; /* 2 4 8, 0 not known */
			uint64_t next_rip;
		} io; /* data is in RAX (not for string) */
		struct {
			uint64_t gpa;
			uint32_t error_code; /* APM 2, 15.25.6 EXITINFO1, low 32 bits */
			uint32_t
				guest_walk; /* not 0: the fault came from the guest's page-table walk */
		} mmio;
		struct {
			uint32_t index;
			uint32_t pad;
			uint64_t value; /* WRMSR */
		} msr;
		uint64_t exit_words[8]; /* raw EXITINFO1, EXITINFO2 for MINV_EXIT_OTHER */
	} exit;

	/* both ways */
	uint64_t gpr[16];
	uint64_t rip, rflags, cr8;
	uint64_t cr0, cr2, cr3, cr4, efer, dr6, dr7, pat;
	struct minv_segment es, cs, ss, ds, fs, gs, ldtr, tr, gdtr, idtr;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t tsc_offset; /* read by the core with MINV_REGS_CONTROL */
	uint32_t cpl;
	uint32_t pad1;
	uint64_t
		xcr0; /* with MINV_REGS_CONTROL; 0: 1, as after reset; one that cannot be: -EINVAL */
};

#endif
