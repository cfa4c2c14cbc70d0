/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU records: making, resets, what is loaded on the CPU. First file of core/vcpu. */
#include "vcpu/vcpu.h"

#include "lib.h"
#include "pages.h"
#include "vcpu/sched.h"
#include "x86/speculation.h"

_Static_assert(sizeof(struct vcpu) <= 4096, "a vCPU record is one core page");

/* Reset and INIT (SDM 3, 11.4.7): all but its ID, and what is owed to the physical one. */
static void apic_reset(struct apic *a)
{
	struct apic old = *a;

	*a = (struct apic){ .id = old.id, .svr = 0xff };
	memcpy(a->owed, old.owed, sizeof(a->owed));
	for (u32 i = 0; i < ARRAY_SIZE(a->lvt); i++)
		a->lvt[i] = 1u << 16;
}

struct vcpu *vcpu_make(struct domain *d, u32 id, enum svm_kind kind, struct sched_share *share)
{
	struct vcpu *v = pages_alloc(1);

	if (!v)
		return NULL;
	v->vmcb = pages_alloc(1);
	if (!v->vmcb) {
		pages_free(v, 1);
		return NULL;
	}
	v->domain = d;
	v->id = id;
	v->held = true;
	v->hard_affinity = v->soft_affinity = ~0ull;
	v->fpu_cpu = CPUS_MAX;
	svm_vmcb_init(v->vmcb, kind);
	apic_reset(&v->apic);
	v->mtrr_def_type = 0xc06; /* enabled, write-back: a PVH guest has no firmware to set it */
	xstate_reset(v->fpu);
	v->xcr0 = XCR0_X87;
	if (kind != SVM_GUEST)
		sched_add(v, share);
	return v;
}

void vcpu_free(struct vcpu *v)
{
	sched_remove(v);
	for (u32 i = 0; i < nr_cpus; i++)
		if (cpus[i]->loaded == v)
			cpus[i]->loaded = NULL;
	pages_free(v->vmcb, 1);
	pages_free(v, 1);
}

static struct vmcb_segment segment(u16 selector, u16 attributes, u32 limit, u64 base)
{
	return (struct vmcb_segment){ selector, attributes, limit, base };
}

void vcpu_reset_pvh(struct vcpu *v, u64 eip, u64 ebx)
{
	struct vmcb *b = v->vmcb;

	memset(&v->regs, 0, sizeof(v->regs));
	v->regs.r[RBX] = ebx;
	b->rax = b->rsp = 0;
	b->rip = eip;
	b->rflags = 2;
	b->cr0 = CR0_PE | CR0_ET;
	b->cr3 = b->cr4 = 0;
	b->efer = EFER_SVME;
	b->cs = segment(0, 0xc9b, 0xffffffff, 0);
	b->ds = b->es = b->ss = b->fs = b->gs = segment(0, 0xc93, 0xffffffff, 0);
	b->tr = segment(0, 0x8b, 0x67, 0);
	b->ldtr = segment(0, 0x82, 0, 0);
	b->gdtr = b->idtr = segment(0, 0, 0xffff, 0);
	b->cpl = 0;
	v->start = START_UP;
}

void vcpu_reset_init(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;

	memset(&v->regs, 0, sizeof(v->regs));
	b->rax = b->rsp = 0;
	b->rip = 0xfff0;
	b->rflags = 2;
	b->cr0 = CR0_ET | CR0_CD | CR0_NW;
	b->cr3 = b->cr4 = b->cr2 = 0;
	b->efer = EFER_SVME;
	b->cs = segment(0xf000, 0x9b, 0xffff, 0xffff0000);
	b->ds = b->es = b->ss = b->fs = b->gs = segment(0, 0x93, 0xffff, 0);
	b->tr = segment(0, 0x8b, 0xffff, 0);
	b->ldtr = segment(0, 0x82, 0xffff, 0);
	b->gdtr = b->idtr = segment(0, 0, 0xffff, 0);
	b->cpl = 0;
	b->event_inj = 0;
	b->exit_int_info = 0;
	/* A CPU that it ran on may yet have to handle its last exit: that is nobody's any more. */
	b->exit_code = EXIT_INTR;
	v->injected = 0;
	v->asid_generation = 0;	    /* nothing that was translated before counts */
	b->v_intr = V_INTR_MASKING; /* else that exit would bring the TPR back */
	apic_reset(&v->apic);
	v->blocked = false;
	v->start = START_WAIT_SIPI;
}

void vcpu_go_on(struct vcpu *v, u64 rip)
{
	struct vmcb *b = v->vmcb;

	b->rip = rip;
	b->interrupt_shadow = 0;
	/* Who steps through it stops behind each instruction.  What is on offer still comes before that. */
	if ((b->rflags & RFLAGS_TF) && !(b->event_inj & EVENT_VALID)) {
		b->dr6 = (b->dr6 & ~DR6_TRAPS) | DR6_BS;
		vcpu_inject_exception(v, VECTOR_DB, 0);
	}
}

void vcpu_skip(struct vcpu *v, u32 length)
{
	const struct vmcb *b = v->vmcb;

	vcpu_go_on(v, svm_has_nrip && b->next_rip ? b->next_rip : b->rip + length);
}

bool vcpu_xsetbv(struct vcpu *v)
{
	u64 value = (v->vmcb->rax & 0xffffffff) | v->regs.r[RDX] << 32;

	if (v->vmcb->cpl || (u32)v->regs.r[RCX] || !xcr0_allowed(value))
		return false;
	v->xcr0 = value; /* loaded before the next entry */
	vcpu_skip(v, 3);
	return true;
}

void vcpu_unload(struct cpu *c, struct vcpu *v)
{
	if (c->loaded != v || v->fpu_cpu != c->id) /* it never got as far as its first entry */
		return;
	xstate_save(c, v->fpu);
	__asm__ volatile("mov %%db0, %0" : "=r"(v->dr[0]));
	__asm__ volatile("mov %%db1, %0" : "=r"(v->dr[1]));
	__asm__ volatile("mov %%db2, %0" : "=r"(v->dr[2]));
	__asm__ volatile("mov %%db3, %0" : "=r"(v->dr[3]));
}

void vcpu_load(struct cpu *c, struct vcpu *v)
{
	/* Still there when nobody else was loaded here and it was loaded nowhere else. */
	if (c->loaded == v && v->fpu_cpu == c->id)
		return;
	if (!c->loaded || c->loaded->domain != v->domain)
		speculation_leave();
	xstate_load(c, v->fpu);
	__asm__ volatile("mov %0, %%db0" : : "r"(v->dr[0]));
	__asm__ volatile("mov %0, %%db1" : : "r"(v->dr[1]));
	__asm__ volatile("mov %0, %%db2" : : "r"(v->dr[2]));
	__asm__ volatile("mov %0, %%db3" : : "r"(v->dr[3]));
	c->loaded = v;
	v->fpu_cpu = c->id;
}
