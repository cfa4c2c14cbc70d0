/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU: its processor state, its scheduling state, what is due to it.
 * One kernel stack per CPU: nothing in the core blocks; a vCPU that must wait is
 * marked blocked and the main loop goes on with another.
 */
#ifndef VCPU_H
#define VCPU_H

#include "types.h"
#include "x86/svm.h"
#include "x86/time.h"
#include "x86/xstate.h"

struct domain;
struct sched_share;

struct gprs { /* hardware encoding order; rax and rsp live in the VMCB */
	u64 r[16];
};

enum gpr_number { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Software local APIC, x2APIC by MSR only. */
struct apic {
	u32 id;
	u32 tpr, svr;
	u64 icr;
	u32 lvt[6]; /* 0x832..0x837 */
	u32 initial_count, divide;
	u32 cmci;
	u32 irr[8], isr[8], tmr[8];
	u32 owed[8]; /* relay: level vectors whose physical EOI is owed */
	bool nmi_pending;
	bool requests; /* irr is not empty */
};

enum vcpu_start {
	START_DOWN = 0, /* never ran */
	START_WAIT_SIPI,
	START_STOPPED, /* by HLT without interrupts or VCPUOP_down: VCPUOP_up lets it go on */
	START_UP
};

struct vcpu {
	struct domain *domain;
	u32 id;
	struct vmcb *vmcb; /* core page */
	struct gprs regs;
	u8 fpu[XSTATE_SIZE] __aligned(64); /* XSAVE image, or FXSAVE */
	u64 xcr0;

	/* scheduling (vcpu/sched.c) */
	struct vcpu *queue_next;
	bool queued;
	u8 start;			  /* enum vcpu_start */
	bool blocked;			  /* HLT or SCHEDOP_poll/block; woken by vcpu_wake */
	bool held;			  /* its domain is paused, shut down, dying or passive */
	u32 cpu;			  /* that runs it, or did last */
	u32 fpu_cpu;			  /* that loaded its FPU state last */
	u64 hard_affinity, soft_affinity; /* CPUs: where it may run, where it likes to */
	struct sched_share *share;
	u64 virtual_ns;	  /* CPU time by weight */
	u64 run_ns;	  /* CPU time */
	u64 guest_run_ns; /* fidelity: of it, time inside its guest */
	u64 slice_end_ns;
	struct vcpu *all_next; /* sched.c: every schedulable vCPU */
	u64 dr[4];
	u8 injected;	      /* vector offered by V_IRQ at the last entry, 0 none */
	bool injected_upcall; /* it was the event upcall, not the local APIC's */

	struct apic apic;

	/* event channel upcall (vcpu_info) */
	u64 info_mfn; /* 0: in shared_info (vcpu id < 32) */
	u32 info_offset;
	bool info_registered;
	bool upcall_due; /* the upcall may be pending: looked at before the next entry */

	/* due: set by lower floors, turned into events by xen/evtchn.c before an entry */
	u32 virqs_due;	      /* bit per VIRQ_*: only VIRQ_TIMER so far */
	u64 timer_ns;	      /* one-shot deadline, 0 none */
	u64 poll_deadline_ns; /* SCHEDOP_poll: 0 not polling, ~0 without end */
	u64 poll_port;	      /* polled port when exactly one, ~0 any */

	/* areas registered by the guest: guest physical, 0 none */
	u64 runstate_gpa;
	u32 runstate; /* RUNSTATE_* */
	u64 runstate_entry_ns, runstate_time[4];

	/* MSRs that the core keeps */
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 spec_ctrl;
	u64 tsc_aux;

	/* pairs: a fidelity vCPU that has entered its guest; a guest vCPU and its state page */
	struct vcpu *running; /* fidelity vCPU: the passive vCPU it is in, NULL none */
	struct vcpu *runner;  /* passive vCPU: who is in it, NULL none */
	u64 state_gfn;	      /* passive vCPU: its state page, partner's frame */
	bool has_state, kicked, window_held;
	u8 want_window;	  /* of the state page */
	u64 deadline_tsc; /* passive vCPU while it runs */
	u64 asid_generation;
};

/* Wakes a blocked vCPU; one that runs on another CPU sees what is due to it. Call after making an event
 * pending. */
void vcpu_wake(struct vcpu *v);
/* CPU time including the current run, ns. */
u64 vcpu_time(const struct vcpu *v);
static inline bool vcpu_runnable(const struct vcpu *v)
{
	return v->start == START_UP && !v->blocked && !v->held;
}
/* The vCPU that made the current hypercall. */
struct vcpu *vcpu_current(void);
/* 32-bit protected mode reset state of a PVH entry (contract 1.2); up and runnable afterwards. */
void vcpu_reset_pvh(struct vcpu *v, u64 eip, u64 ebx);

/* New vCPU, down and held. NULL: no core memory. */
struct vcpu *vcpu_make(struct domain *d, u32 id, enum svm_kind kind, struct sched_share *share);
void vcpu_free(struct vcpu *v);
/* Real-mode state after INIT, waiting for a SIPI. Event bindings and vcpu_info stay. */
void vcpu_reset_init(struct vcpu *v);
/* Exception at the next entry; error code where the vector has one. */
void vcpu_inject_exception(struct vcpu *v, u8 vector, u32 error_code);
/* Prepares what the next entry injects: again what was interrupted, NMI, upcall (vector, 0 none), APIC. */
void vcpu_inject_pending(struct vcpu *v, u8 upcall);
/* After an exit: what was offered and taken. */
void vcpu_inject_taken(struct vcpu *v);
/* Something can be injected once IF allows: HLT does not sleep. */
bool vcpu_interrupt_waits(struct vcpu *v, u8 upcall);
/* The instruction that exited is done: the next is at rip, or length bytes on. */
void vcpu_go_on(struct vcpu *v, u64 rip);
void vcpu_skip(struct vcpu *v, u32 length);
/* FPU and debug registers of v onto the CPU that is to run it, and back into its record when the CPU
 * turns to another: from then on any CPU may have it. */
void vcpu_load(struct cpu *c, struct vcpu *v);
void vcpu_unload(struct cpu *c, struct vcpu *v);
/* Its XSETBV: true when it is done, false: a #GP. */
bool vcpu_xsetbv(struct vcpu *v);

/* Core-wide CPUID policy: what a domain may see at most. leaf/subleaf as CPUID takes them. */
void cpuid_host_max(u32 leaf, u32 subleaf, u32 out[4]);
/* What v's CPUID answers; table: the domain's policy for the leaf, changed into the answer. */
void cpuid_vcpu(struct vcpu *v, u16 domid, u32 leaf, u32 subleaf, u32 table[4]);

/* MSRs: true when the access is done, false: inject #GP. */
bool msr_read(struct vcpu *v, bool hardware, u32 index, u64 *value);
bool msr_write(struct vcpu *v, bool hardware, u32 index, u64 value);

/* Port access of a domain that has no device there. */
void port_access(struct vcpu *v, u16 domid);

#endif
