/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD Secure Virtual Machine: the control block (APM volume 2, appendix B) and
 * the world switch.
 */
#ifndef SVM_H
#define SVM_H

#include "x86/percpu.h"

struct vmcb_segment {
	u16 selector;
	u16 attributes; /* bits 0-3 type, 4 s, 5-6 dpl, 7 p, 8 avl, 9 l, 10 db, 11 g */
	u32 limit;
	u64 base;
};

struct vmcb {
	/* control area */
	u32 intercept_cr;	 /* 000: low half reads, high half writes */
	u32 intercept_dr;	 /* 004 */
	u32 intercept_exception; /* 008 */
	u32 intercept_1;	 /* 00c: INTERCEPT1_* */
	u32 intercept_2;	 /* 010: INTERCEPT2_* */
	u32 intercept_3;	 /* 014 */
	u8 reserved_1[0x3c - 0x18];
	u16 pause_threshold; /* 03c */
	u16 pause_count;     /* 03e */
	u64 iopm_pa;	     /* 040 */
	u64 msrpm_pa;	     /* 048 */
	u64 tsc_offset;	     /* 050 */
	u32 asid;	     /* 058 */
	u8 tlb_control;	     /* 05c */
	u8 reserved_2[3];
	u64 v_intr;	      /* 060: V_INTR_* */
	u64 interrupt_shadow; /* 068: bit 0 */
	u64 exit_code;	      /* 070 */
	u64 exit_info_1;      /* 078 */
	u64 exit_info_2;      /* 080 */
	u64 exit_int_info;    /* 088 */
	u64 nested_control;   /* 090: bit 0 nested paging */
	u64 avic_apic_bar;    /* 098 */
	u64 ghcb_pa;	      /* 0a0 */
	u64 event_inj;	      /* 0a8 */
	u64 nested_cr3;	      /* 0b0 */
	u64 lbr_control;      /* 0b8 */
	u32 clean;	      /* 0c0 */
	u32 reserved_3;	      /* 0c4 */
	u64 next_rip;	      /* 0c8 */
	u8 fetched;	      /* 0d0 */
	u8 fetched_bytes[15]; /* 0d1 */
	u8 reserved_4[0x400 - 0xe0];
	/* state save area */
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 400..49f */
	u8 reserved_5[0x4cb - 0x4a0];
	u8 cpl;		/* 4cb */
	u32 reserved_6; /* 4cc */
	u64 efer;	/* 4d0 */
	u8 reserved_7[0x548 - 0x4d8];
	u64 cr4, cr3, cr0;	   /* 548 550 558 */
	u64 dr7, dr6, rflags, rip; /* 560 568 570 578 */
	u8 reserved_8[0x5d8 - 0x580];
	u64 rsp; /* 5d8 */
	u8 reserved_9[0x5f8 - 0x5e0];
	u64 rax, star, lstar, cstar, sfmask, kernel_gs_base; /* 5f8..620 */
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2;    /* 628..640 */
	u8 reserved_10[0x668 - 0x648];
	u64 g_pat; /* 668 */
	u8 reserved_11[0x6e0 - 0x670];
	u64 spec_ctrl; /* 6e0 */
	u8 reserved_12[0x1000 - 0x6e8];
};

_Static_assert(offsetof(struct vmcb, iopm_pa) == 0x40, "APM appendix B");
_Static_assert(offsetof(struct vmcb, v_intr) == 0x60, "APM appendix B");
_Static_assert(offsetof(struct vmcb, event_inj) == 0xa8, "APM appendix B");
_Static_assert(offsetof(struct vmcb, fetched) == 0xd0, "APM appendix B");
_Static_assert(offsetof(struct vmcb, tr) == 0x490, "APM appendix B");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM appendix B");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "APM appendix B");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "APM appendix B");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM appendix B");
_Static_assert(offsetof(struct vmcb, g_pat) == 0x668, "APM appendix B");
_Static_assert(offsetof(struct vmcb, spec_ctrl) == 0x6e0, "APM appendix B");
_Static_assert(sizeof(struct vmcb) == 4096, "APM appendix B");

#define INTERCEPT_CR8_WRITE (1u << 24)

#define INTERCEPT_DB	    (1u << 1)
#define INTERCEPT_AC	    (1u << 17)
#define INTERCEPT_MC	    (1u << 18)
#define INTERCEPT1_INTR	    (1u << 0)
#define INTERCEPT1_NMI	    (1u << 1)
#define INTERCEPT1_INIT	    (1u << 3)
#define INTERCEPT1_VINTR    (1u << 4)
#define INTERCEPT1_RDPMC    (1u << 15)
#define INTERCEPT1_CPUID    (1u << 18)
#define INTERCEPT1_INVD	    (1u << 22)
#define INTERCEPT1_HLT	    (1u << 24)
#define INTERCEPT1_INVLPGA  (1u << 26)
#define INTERCEPT1_IOIO	    (1u << 27)
#define INTERCEPT1_MSR	    (1u << 28)
#define INTERCEPT1_SHUTDOWN (1u << 31)
#define INTERCEPT2_VMRUN    (1u << 0)
#define INTERCEPT2_VMMCALL  (1u << 1)
#define INTERCEPT2_VMLOAD   (1u << 2)
#define INTERCEPT2_VMSAVE   (1u << 3)
#define INTERCEPT2_STGI	    (1u << 4)
#define INTERCEPT2_CLGI	    (1u << 5)
#define INTERCEPT2_SKINIT   (1u << 6)
#define INTERCEPT2_WBINVD   (1u << 9)
#define INTERCEPT2_MONITOR  (1u << 10)
#define INTERCEPT2_MWAIT    (3u << 11)
#define INTERCEPT2_XSETBV   (1u << 13)
#define INTERCEPT2_RDPRU    (1u << 14)

#define V_INTR_TPR_MASK	   0xffull
#define V_INTR_IRQ	   (1ull << 8)
#define V_INTR_IGNORE_TPR  (1ull << 20)
#define V_INTR_MASKING	   (1ull << 24)
#define V_INTR_PRIORITY(p) ((u64)(p) << 16)
#define V_INTR_VECTOR(v)   ((u64)(v) << 32)

/* EVENTINJ and EXITINTINFO (APM 2, 15.20) */
#define EVENT_VALID	 (1ull << 31)
#define EVENT_ERROR_CODE (1ull << 11)
#define EVENT_TYPE(e)	 (((e) >> 8) & 7)
#define EVENT_VECTOR(e)	 ((e)&0xff)
#define EVENT_NMI	 (2ull << 8)
#define EVENT_EXCEPTION	 (3ull << 8)

#define VECTOR_DB 1
#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_AC 17
#define VECTOR_MC 18

/* Exit codes (APM 2, appendix C) */
#define EXIT_CR_WRITE	0x010
#define EXIT_EXCEPTION	0x040
#define EXIT_INTR	0x060
#define EXIT_NMI	0x061
#define EXIT_INIT	0x063
#define EXIT_VINTR	0x064
#define EXIT_RDPMC	0x06f
#define EXIT_CPUID	0x072
#define EXIT_INVD	0x076
#define EXIT_HLT	0x078
#define EXIT_INVLPGA	0x07a
#define EXIT_IOIO	0x07b
#define EXIT_MSR	0x07c
#define EXIT_SHUTDOWN	0x07f
#define EXIT_VMRUN	0x080
#define EXIT_VMMCALL	0x081
#define EXIT_VMLOAD	0x082
#define EXIT_SKINIT	0x086
#define EXIT_WBINVD	0x089
#define EXIT_MONITOR	0x08a
#define EXIT_MWAIT	0x08b
#define EXIT_MWAIT_COND 0x08c
#define EXIT_XSETBV	0x08d
#define EXIT_RDPRU	0x08e
#define EXIT_NPF	0x400
#define EXIT_INVALID	0xffffffffffffffffull
#define EXIT_INVALID_32 0xffffffffull /* as QEMU 7.2 reports it */

#define EFER_SCE  (1ull << 0)
#define EFER_LME  (1ull << 8)
#define EFER_LMA  (1ull << 10)
#define EFER_NXE  (1ull << 11)
#define EFER_SVME (1ull << 12)

#define CR0_PE	    (1ull << 0)
#define CR0_ET	    (1ull << 4)
#define CR0_NW	    (1ull << 29)
#define CR0_CD	    (1ull << 30)
#define CR0_WP	    (1ull << 16)
#define CR0_PG	    (1ull << 31)
#define CR4_LA57    (1ull << 12)
#define CR4_OSXSAVE (1ull << 18)

#define RFLAGS_TF (1ull << 8)
#define RFLAGS_IF (1ull << 9)
#define DR6_TRAPS 15ull
#define DR6_BS	  (1ull << 14)

struct gprs;

/* What an exit interrupted in its delivery, for EVENTINJ; 0: nothing, or what its instruction does again: INT n, and
 * INT3 and INTO, which come as exceptions. */
static inline u64 event_again(const struct vmcb *b)
{
	u64 e = b->exit_int_info, type = EVENT_TYPE(e), vector = EVENT_VECTOR(e);

	if (!(e & EVENT_VALID) || type == 4 || (type == 3 && (vector == 3 || vector == 4)))
		return 0;
	return e;
}

/* Enables SVM on this CPU. A plain message and halt when SVM or nested paging is missing. */
void svm_init_cpu(struct cpu *c);
/* Whether the processor saves the next RIP and supplies instruction bytes. */
extern bool svm_has_nrip, svm_has_decode;
/* Fills a zeroed VMCB: intercepts that protection needs, nested paging, IO and MSR maps. */
enum svm_kind { SVM_DOM0, SVM_PVH, SVM_GUEST };
void svm_vmcb_init(struct vmcb *b, enum svm_kind kind);
/* Runs the world that the VMCB describes until its next exit. Host interrupts are off before and after;
 * registers other than RAX and RSP travel through regs. vmcb_confine() was called just before. */
void svm_world_switch(struct vmcb *b, struct gprs *regs, void *host_state);
/* The console port range is the core's from now on: dom0's accesses exit. */
void svm_hide_ports(u16 first, u16 nr);
/* Gives the control block an ASID of c's current generation; *of remembers of which it has one. To be
 * followed by svm_world_switch. */
void svm_assign_asid(struct cpu *c, struct vmcb *b, u64 *of);
/* That was not entered, so that nothing was flushed, though it was to be: it is owed to the next one. */
void svm_not_entered(struct cpu *c, u64 *of);

#endif
