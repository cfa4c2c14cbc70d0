/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop and the one table by which every exit goes to its room.  It is
 * the roof: it knows all floors, none of them knows it.
 */
#include "exit.h"

#include "domain/domain.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"
#include "protect/confine.h"
#include "vcpu/counts.h"
#include "vcpu/cpuid.h"
#include "vcpu/relay.h"
#include "vcpu/sched.h"
#include "x86/console.h"
#include "x86/interrupts.h"
#include "x86/cpu.h"
#include "x86/lapic.h"
#include "x86/machine_check.h"
#include "x86/smp.h"
#include "x86/speculation.h"
#include "xen/minv.h"
#include "xen/xen.h"

#define CONSOLE_POLL_NS	   20000000ull
#define APIC_GFN	   0xfee00
#define MSR_HYPERCALL_PAGE 0x40000000

static void physical_interrupt(struct cpu *c)
{
	int vector = c->interrupt_taken;

	c->interrupt_taken = -1;
	switch (vector) {
	case -1:
		break;
	case VECTOR_SPURIOUS:
		/* Without EOI, unless a device sent this very vector: then it would block all others. */
		if (lapic_in_service(VECTOR_SPURIOUS))
			lapic_eoi();
		break;
	case VECTOR_TIMER:
		sched_look_again(c);
		lapic_eoi();
		break;
	case VECTOR_KICK:
	case VECTOR_ERROR:
		lapic_eoi();
		break;
	default:
		if (vector == VECTOR_MC) /* or a device's: in a window nothing tells them apart */
			machine_check_look();
		relay_interrupt((u8)vector);
		break;
	}
}

static void console_poll(void)
{
	static u64 next;
	u64 now = now_ns();

	if (now < next)
		return;
	next = now + CONSOLE_POLL_NS;
	if (console_has_input())
		events_console_input();
}

/* NMIs are dom0's: what the machine wants to say goes to who owns its devices. */
static void reflect_nmi(struct cpu *c)
{
	struct vcpu *v = c->relay;

	if (c->nmi_seen == c->nmi_taken)
		return;
	c->nmi_seen = c->nmi_taken;
	if (!v && domains[0])
		v = domains[0]->vcpus[0];
	if (v) {
		v->apic.nmi_pending = true;
		vcpu_wake(v);
	}
}

/* Most exits are the guest's own doing: then there is nothing to serve, and the console is not polled. */
static bool interrupts_wait(const struct cpu *c)
{
	return c->interrupt_taken >= 0 || c->nmi_seen != c->nmi_taken || c->relay_due;
}

/* What has come to this CPU while it was outside. */
static void serve_interrupts(struct cpu *c)
{
	physical_interrupt(c);
	reflect_nmi(c);
	console_poll();
	if (c->relay_due)
		relay_pay_due(c);
}

/* Of leaves 1 to 0xd and the hypervisor's own range some depend on the vCPU, or on what the policy has in leaf 1. */
static __attribute__((noinline)) void cpuid_of(struct vcpu *v, u32 leaf, u32 subleaf, u32 r[4])
{
	u32 features[4];

	if (leaf == 1 || leaf == 7 || leaf == 0xd) {
		policy_lookup(v->domain, 1, 0, features);
		cpuid_depend(leaf, subleaf, features[2], r);
	}
	cpuid_vcpu(v, v->domain->id, leaf, subleaf, r);
}

static void on_cpuid(struct vcpu *v)
{
	u32 leaf = (u32)v->vmcb->rax, subleaf = (u32)v->regs.r[RCX], r[4];

	policy_lookup(v->domain, leaf, subleaf, r);
	if (leaf - 1 < 0xd || leaf - 0x40000000 < 0x40000000)
		cpuid_of(v, leaf, subleaf, r);
	v->vmcb->rax = r[0];
	v->regs.r[RBX] = r[1];
	v->regs.r[RCX] = r[2];
	v->regs.r[RDX] = r[3];
	vcpu_skip(v, 2);
}

/* Kernels before the change for CVE-2024-53241 call through a page that the hypervisor fills: 128 slots of
 * 32 bytes, mov $nr,%eax; vmmcall; ret. Slot 23 (iret) is nothing for a hardware domain: ud2. */
static bool fill_hypercall_page(struct domain *d, u64 gfn)
{
	u8 *page = guest_frame_open(d, gfn);

	if (!page)
		return false;
	memset(page, 0xcc, PAGE_SIZE);
	for (u32 i = 0; i < 128; i++) {
		u8 *slot = page + i * 32;
		static const u8 call[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3 };

		memcpy(slot, call, sizeof(call));
		slot[1] = (u8)i;
	}
	page[23 * 32] = 0x0f;
	page[23 * 32 + 1] = 0x0b;
	window_close(page);
	return true;
}

static void on_msr(struct vcpu *v)
{
	u32 index = (u32)v->regs.r[RCX];
	bool hardware = v->domain->hardware, done;
	u64 value = (v->vmcb->rax & 0xffffffff) | v->regs.r[RDX] << 32;

	if (!v->vmcb->exit_info_1) {
		done = msr_read(v, hardware, index, &value);
		if (done) {
			v->vmcb->rax = value & 0xffffffff;
			v->regs.r[RDX] = value >> 32;
		}
	} else if (index == MSR_HYPERCALL_PAGE) {
		done = fill_hypercall_page(v->domain, value >> PAGE_SHIFT);
	} else {
		done = msr_write(v, hardware, index, value);
	}
	if (!done)
		vcpu_inject_exception(v, VECTOR_GP, 0);
	else if (v->start == START_UP)
		vcpu_skip(v, 2);
	else if (!domain_vcpus_up(v->domain))
		domain_crash(v->domain, "INIT to its last running processor: nobody can start it");
}

static void on_halt(struct vcpu *v)
{
	vcpu_skip(v, 1);
	if (v->vmcb->event_inj & EVENT_VALID) /* it steps */
		return;
	if (!(v->vmcb->rflags & RFLAGS_IF) && !v->apic.nmi_pending) {
		relay_settle(v);
		domain_vcpu_stop(v);
		return;
	}
	if (vcpu_interrupt_waits(v, events_pending(v) ? events_vector(v) : 0))
		return;
	v->blocked = true;
	sched_changed(v);
}

/* dom0 at memory that is not its own: #GP. Where that cannot be delivered either, as its tables or its
 * stack are there, it would be the next access of that kind, and so on: that is its end. */
static void refuse_dom0(struct vcpu *v, u64 gpa, const char *what)
{
	static u64 times;
	u64 event = v->vmcb->event_inj;

	if ((event & EVENT_VALID) && EVENT_TYPE(event) == EVENT_TYPE(EVENT_EXCEPTION)) {
		domain_crash(v->domain, "access to 0x%lx (%s) by the delivery of exception %lu",
			     gpa, what, EVENT_VECTOR(event));
		return;
	}
	times++;
	if (times <= 100 || !(times & (times - 1)))
		printk(LOG_G_WARNING "dom0: access to 0x%lx (error 0x%lx, rip 0x%lx) refused: "
				     "%s (%lu so far)\n",
		       gpa, v->vmcb->exit_info_1, v->vmcb->rip, what, times);
	vcpu_inject_exception(v, VECTOR_GP, 0);
}

static void on_nested_fault(struct vcpu *v)
{
	struct domain *d = v->domain;
	u64 gpa = v->vmcb->exit_info_2, gfn = gpa >> PAGE_SHIFT;
	struct mapping m;

	if (gfn == APIC_GFN && !d->hardware) {
		domain_crash(
			d,
			"access to the local APIC's page: this domain has an x2APIC, by MSR only");
		return;
	}
	/* dom0 sees every device where it is; what is RAM or the core's, protect refuses. */
	if (d->hardware && physmap_find(d, gfn, &m) && !physmap_add_mmio(d, gfn))
		return;
	if (d->hardware) {
		refuse_dom0(v, gpa,
			    gfn == APIC_GFN ? "the local APIC's page, but its APIC is by MSR only"
					    : "not a device, not its memory");
		return;
	}
	domain_crash(d,
		     "access to guest physical address 0x%lx, where there is nothing (error 0x%lx)",
		     gpa, v->vmcb->exit_info_1);
}

static void on_vmmcall(struct vcpu *v)
{
	if (v->vmcb->rax == MINV_HYPERCALL && v->vmcb->cpl == 0)
		minv_hypercall(v);
	else
		hypercall(v);
}

/* Intercepted only so that it ends in the core each time; what was being delivered comes first. */
static void on_reflected(struct vcpu *v, u8 vector)
{
	if (!(v->vmcb->event_inj & EVENT_VALID))
		vcpu_inject_exception(v, vector, 0);
}

static void handle_exit(struct vcpu *v)
{
	u64 code = v->vmcb->exit_code;

	switch (code) {
	case EXIT_INTR: /* served already */
	case EXIT_NMI:
		v->upcall_due = true;
		break;
	case EXIT_INIT:
		break;
	case EXIT_VMMCALL:
		on_vmmcall(v);
		break;
	case EXIT_MSR:
		on_msr(v);
		break;
	case EXIT_HLT:
		on_halt(v);
		break;
	case EXIT_IOIO:
		port_access(v, v->domain->id);
		break;
	case EXIT_CPUID:
		on_cpuid(v);
		break;
	case EXIT_NPF:
		on_nested_fault(v);
		break;
	case EXIT_WBINVD:
	case EXIT_INVD: /* another domain's cache lines are not this one's to drop */
		vcpu_skip(v, 2);
		break;
	case EXIT_XSETBV:
		if (!vcpu_xsetbv(v))
			vcpu_inject_exception(v, VECTOR_GP, 0);
		break;
	case EXIT_RDPMC:
		vcpu_inject_exception(v, VECTOR_GP, 0);
		break;
	case EXIT_VMRUN:
	case EXIT_VMLOAD ... EXIT_SKINIT:
	case EXIT_INVLPGA:
	case EXIT_MONITOR:
	case EXIT_MWAIT:
	case EXIT_MWAIT_COND:
	case EXIT_RDPRU:
		vcpu_inject_exception(v, VECTOR_UD, 0);
		break;
	case EXIT_EXCEPTION + VECTOR_DB:
		on_reflected(v, VECTOR_DB);
		break;
	case EXIT_EXCEPTION + VECTOR_AC:
		on_reflected(v, VECTOR_AC);
		break;
	case EXIT_SHUTDOWN:
		domain_crash(v->domain, "triple fault");
		break;
	case EXIT_INVALID:
	case EXIT_INVALID_32:
		domain_crash(v->domain, "the processor refuses its state, or it has no memory");
		break;
	default:
		domain_crash(v->domain, "exit 0x%lx is not known (info 0x%lx 0x%lx)", code,
			     v->vmcb->exit_info_1, v->vmcb->exit_info_2);
		break;
	}
}

/*
 * An exit that needs nothing but the vCPU itself, served without the lock: CPUID, whose policy is not set any more
 * once the domain has run, and calls that touch registers only.  in_guest is still set meanwhile, so that who needs
 * this CPU out waits; the kick that he sent ends the next entry at once.  What is on offer in V_IRQ stays on offer.
 */
static bool exit_of_its_own(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;

	if (b->exit_int_info & EVENT_VALID)
		return false;
	b->event_inj = 0;
	if (b->exit_code == EXIT_CPUID)
		on_cpuid(v);
	else if (b->exit_code != EXIT_VMMCALL || !hypercall_own(v))
		return false;
	b->tlb_control = 0; /* what was asked for is done */
	return true;
}

static void run(struct cpu *c, struct vcpu *x)
{
	if (vmcb_confine(x->domain->id, (u64)x->vmcb) != 0) { /* started before it had any memory */
		x->vmcb->exit_code = EXIT_INVALID;
		x->vmcb->exit_int_info = 0;
		return;
	}
	if (x->spec_ctrl && !spec_ctrl_is_switched) {
		wrmsr(MSR_SPEC_CTRL, x->spec_ctrl);
		svm_world_switch(x->vmcb, &x->regs, c->host_state);
		wrmsr(MSR_SPEC_CTRL, 0);
	} else {
		svm_world_switch(x->vmcb, &x->regs, c->host_state);
	}
}

/* Enters x's world, with the lock before and after but not inside. */
static void enter(struct cpu *c, struct vcpu *x, enum count_kind kind)
{
	struct vmcb *b = x->vmcb;
	u64 own[2] = { 0, 0 };

	svm_assign_asid(c, b, &x->asid_generation);
	x->domain->ran[c->id] = c->generation;
	cpu_enter_guest(c);
	xcr0_switch(c, x->xcr0);
	run(c, x);
	while (kind == COUNT_PVH && exit_of_its_own(x)) {
		own[b->exit_code == EXIT_CPUID]++;
		run(c, x);
	}
	if (b->exit_code == EXIT_INTR || b->exit_code == EXIT_NMI)
		interrupt_window();
	else if (b->exit_code == EXIT_EXCEPTION + VECTOR_MC || b->exit_code == EXIT_SHUTDOWN)
		machine_check_look();
	if (b->tlb_control && (b->exit_code == EXIT_INVALID || b->exit_code == EXIT_INVALID_32))
		svm_not_entered(c, &x->asid_generation);
	cpu_leave_guest(c);
	if (own[0] + own[1]) {
		exit_count(kind, EXIT_VMMCALL, own[0]);
		exit_count(kind, EXIT_CPUID, own[1]);
	}
}

/* An exit of a vCPU that was paused or reset meanwhile is dropped: RIP is still on its instruction, which
 * exits again when it goes on. */
static void run_pvh(struct cpu *c, struct vcpu *v)
{
	vcpu_inject_pending(v, events_due(v) ? events_vector(v) : 0);
	enter(c, v, COUNT_PVH);
	exit_count(COUNT_PVH, v->vmcb->exit_code, 1);
	vcpu_inject_taken(v);
	if (interrupts_wait(c))
		serve_interrupts(c);
	if (vcpu_runnable(v))
		handle_exit(v);
}

/* v is in its real guest: on the guest's behalf until something needs fidelity. */
static void run_pair(struct cpu *c, struct vcpu *v)
{
	struct vcpu *g = v->running;

	if (!minv_enter(v, g, events_due(v)))
		return;
	enter(c, g, COUNT_GUEST);
	if (v->running == g) { /* else the pair is being destroyed, and g perhaps gone */
		exit_count(COUNT_GUEST, g->vmcb->exit_code, 1);
		minv_exit(v, g);
	}
	if (interrupts_wait(c))
		serve_interrupts(c);
}

void main_loop(struct cpu *c)
{
	struct vcpu *last = NULL;

	core_lock();
	for (;;) {
		struct vcpu *v;

		if (domain_events_due)
			events_deliver_global();
		v = sched_next(c);
		if (!v) {
			cpu_sleep(c);
			serve_interrupts(c);
			last = NULL;
			continue;
		}
		vcpu_load(c, v);
		if (v != last) {
			xen_time_update(v);
			last = v;
		}
		if (v->virqs_due)
			events_deliver(v);
		if (!vcpu_runnable(v))
			continue;
		if (v->running)
			run_pair(c, v);
		else
			run_pvh(c, v);
	}
}
