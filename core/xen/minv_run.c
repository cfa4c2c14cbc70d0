/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a real guest on its partner's time.  The state page is the partner's
 * own memory: each field is fetched once, what protection needs is forced (SVME,
 * intercepts), and the processor judges the rest (an exit INVALID).
 */
#include "xen/minv.h"

#include "errno.h"
#include "lib.h"
#include "pages.h"
#include "protect/protect.h"
#include "vcpu/sched.h"

#define EFER_GUEST (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define NPF_WRITE  2ull
#define NPF_WALK   (1ull << 33)

_Static_assert(sizeof(struct minv_state) <= 4096, "one page");
_Static_assert(sizeof(struct minv_segment) == sizeof(struct vmcb_segment), "same layout");

static struct minv_state *state_open(struct vcpu *v, struct vcpu *g)
{
	return guest_frame_open(v->domain, g->state_gfn);
}

static struct vmcb_segment in(const struct minv_segment *s)
{
	return (struct vmcb_segment){ s->selector, s->attributes, s->limit, s->base };
}

static struct minv_segment out(const struct vmcb_segment *s)
{
	return (struct minv_segment){ s->selector, s->attributes, s->limit, s->base };
}

static void load_segments(struct vmcb *b, const struct minv_state *s)
{
	b->es = in(&s->es);
	b->cs = in(&s->cs);
	b->ss = in(&s->ss);
	b->ds = in(&s->ds);
	b->fs = in(&s->fs);
	b->gs = in(&s->gs);
	b->ldtr = in(&s->ldtr);
	b->tr = in(&s->tr);
	b->gdtr = in(&s->gdtr);
	b->idtr = in(&s->idtr);
	b->cpl = s->cpl & 3;
}

static void load(struct vcpu *g, struct minv_state *s, u32 dirty, u64 xcr0)
{
	struct vmcb *b = g->vmcb;
	u64 event = s->inject, cr0 = b->cr0, cr3 = b->cr3, cr4 = b->cr4, efer = b->efer;

	memcpy(g->regs.r, s->gpr, sizeof(g->regs.r));
	b->rax = g->regs.r[RAX];
	b->rsp = g->regs.r[RSP];
	b->rip = s->rip;
	b->rflags = s->rflags;
	b->v_intr = V_INTR_MASKING | (s->cr8 & 15);
	b->event_inj = event & EVENT_VALID ? event : 0;
	b->interrupt_shadow = s->interrupt_shadow & 1;
	if (dirty & MINV_REGS_SEGMENTS)
		load_segments(b, s);
	if (dirty & MINV_REGS_CONTROL) {
		b->cr0 = s->cr0;
		b->cr2 = s->cr2;
		b->cr3 = s->cr3;
		b->cr4 = s->cr4;
		b->efer = (s->efer & EFER_GUEST) | EFER_SVME;
		b->dr6 = s->dr6;
		b->dr7 = s->dr7;
		b->g_pat = s->pat;
		b->tsc_offset = s->tsc_offset;
		g->xcr0 = xcr0;
		/* INIT or reset: what was translated before counts no more, and the ASID with it. */
		if (cr0 != b->cr0 || cr3 != b->cr3 || cr4 != b->cr4 || efer != b->efer)
			g->asid_generation = 0;
	}
	if (dirty & MINV_REGS_SYSCALL) {
		b->star = s->star;
		b->lstar = s->lstar;
		b->cstar = s->cstar;
		b->sfmask = s->sfmask;
		b->kernel_gs_base = s->kernel_gs_base;
		b->sysenter_cs = s->sysenter_cs;
		b->sysenter_esp = s->sysenter_esp;
		b->sysenter_eip = s->sysenter_eip;
	}
}

static void store(const struct vcpu *g, struct minv_state *s, u32 want)
{
	const struct vmcb *b = g->vmcb;

	memcpy(s->gpr, g->regs.r, sizeof(g->regs.r));
	s->gpr[RAX] = b->rax;
	s->gpr[RSP] = b->rsp;
	s->rip = b->rip;
	s->rflags = b->rflags;
	s->cr8 = b->v_intr & 15;
	s->interrupt_shadow = b->interrupt_shadow & 1;
	s->inject = b->event_inj; /* what was interrupted, moved there at the exit */
	s->ready_for_interrupt = (b->rflags & RFLAGS_IF) && !(b->interrupt_shadow & 1) &&
				 !(b->event_inj & EVENT_VALID);
	if (want & MINV_REGS_SEGMENTS) {
		s->es = out(&b->es);
		s->cs = out(&b->cs);
		s->ss = out(&b->ss);
		s->ds = out(&b->ds);
		s->fs = out(&b->fs);
		s->gs = out(&b->gs);
		s->ldtr = out(&b->ldtr);
		s->tr = out(&b->tr);
		s->gdtr = out(&b->gdtr);
		s->idtr = out(&b->idtr);
		s->cpl = b->cpl;
	}
	if (want & MINV_REGS_CONTROL) {
		s->cr0 = b->cr0;
		s->cr2 = b->cr2;
		s->cr3 = b->cr3;
		s->cr4 = b->cr4;
		s->efer = b->efer & ~EFER_SVME;
		s->dr6 = b->dr6;
		s->dr7 = b->dr7;
		s->pat = b->g_pat;
		s->tsc_offset = b->tsc_offset;
		s->xcr0 = g->xcr0;
	}
	if (want & MINV_REGS_SYSCALL) {
		s->star = b->star;
		s->lstar = b->lstar;
		s->cstar = b->cstar;
		s->sfmask = b->sfmask;
		s->kernel_gs_base = b->kernel_gs_base;
		s->sysenter_cs = b->sysenter_cs;
		s->sysenter_esp = b->sysenter_esp;
		s->sysenter_eip = b->sysenter_eip;
	}
	s->valid = want & MINV_REGS_ALL;
}

/* The run is over: v goes on behind its call. */
static void leave(struct vcpu *v, struct vcpu *g, u32 reason)
{
	struct minv_state *s = state_open(v, g);

	v->running = NULL;
	g->runner = NULL;
	g->kicked = false;
	if (!s) { /* it unmapped its own state page meanwhile */
		v->vmcb->rax = (u64)-EFAULT;
		return;
	}
	s->exit_reason = reason;
	s->raw_exit_code = (u32)g->vmcb->exit_code;
	store(g, s, READ_ONCE(s->want));
	window_close(s);
	v->vmcb->rax = 0;
}

int minv_run(struct vcpu *v, struct domain *domain, u64 id)
{
	struct vcpu *g;
	struct minv_state *s;
	u32 dirty;
	u64 xcr0;
	bool immediate;

	if (id >= DOMAIN_VCPUS || !domain->vcpus[id])
		return -ENOENT;
	g = domain->vcpus[id];
	if (!g->has_state)
		return -EINVAL;
	if (g->runner)
		return -EBUSY;
	s = state_open(v, g);
	if (!s)
		return -EFAULT;
	dirty = READ_ONCE(s->dirty);
	xcr0 = READ_ONCE(s->xcr0);
	if (!xcr0)
		xcr0 = XCR0_X87;
	if ((dirty & MINV_REGS_CONTROL) && !xcr0_allowed(xcr0)) {
		window_close(s);
		return -EINVAL;
	}
	load(g, s, dirty & MINV_REGS_ALL, xcr0);
	s->dirty = 0;
	immediate = READ_ONCE(s->immediate_exit);
	g->want_window = READ_ONCE(s->want_window);
	g->deadline_tsc = READ_ONCE(s->deadline_tsc);
	window_close(s);
	v->running = g;
	g->runner = v;
	if (domain->pause_count || domain->shut_down)
		leave(v, g, MINV_EXIT_PAUSED);
	else if (immediate)
		leave(v, g, MINV_EXIT_EVENT);
	else
		sched_guest_deadline(g);
	return 0;
}

/*
 * An interrupt that the guest can take at once is offered by V_IRQ, as to every domain: the same for the guest, and
 * QEMU's TCG (7.2, 10.0) may deliver one that came by EVENTINJ a second time, later.
 */
static bool offer_interrupt(struct vcpu *g)
{
	struct vmcb *b = g->vmcb;
	u64 e = b->event_inj;

	g->injected = 0;
	if (!(e & EVENT_VALID) || EVENT_TYPE(e) != 0 || !(b->rflags & RFLAGS_IF) ||
	    (b->interrupt_shadow & 1))
		return false;
	g->injected = (u8)EVENT_VECTOR(e);
	if (!g->injected) /* which would say that there is none */
		return false;
	b->event_inj = 0;
	b->v_intr |= V_INTR_IRQ | V_INTR_IGNORE_TPR | V_INTR_PRIORITY(15) |
		     V_INTR_VECTOR(g->injected);
	return true;
}

/* What was being delivered or is still on offer at an exit, for the next entry or for the partner to see. */
static u64 undelivered(const struct vcpu *g)
{
	const struct vmcb *b = g->vmcb;

	if (b->exit_int_info & EVENT_VALID)
		return event_again(b);
	return g->injected && (b->v_intr & V_INTR_IRQ) ? EVENT_VALID | g->injected : 0;
}

bool minv_enter(struct vcpu *v, struct vcpu *g, bool event_pending)
{
	struct vmcb *b = g->vmcb;

	if (event_pending || g->kicked) {
		leave(v, g, MINV_EXIT_EVENT);
		return false;
	}
	if (g->domain->pause_count || g->domain->shut_down) {
		leave(v, g, MINV_EXIT_PAUSED);
		return false;
	}
	if (g->deadline_tsc && (s64)(rdtsc_now() - g->deadline_tsc) >= 0) {
		leave(v, g, MINV_EXIT_DEADLINE);
		return false;
	}
	b->v_intr &= V_INTR_TPR_MASK | V_INTR_MASKING;
	b->intercept_1 &= ~INTERCEPT1_VINTR;
	b->intercept_cr &= ~INTERCEPT_CR8_WRITE;
	/* One V_IRQ serves both: a window that is wanted beside an interrupt on offer opens from the next entry on. */
	if (!offer_interrupt(g) && g->want_window && !g->window_held) {
		/*
		 * QEMU's TCG (7.2 and 10.0), which has no decode assists, aborts when CR8 is written while V_IRQ is
		 * pending: not at once, then.
		 */
		if (!svm_has_decode)
			b->intercept_cr |= INTERCEPT_CR8_WRITE;
		b->v_intr |= V_INTR_IRQ |
			     (g->want_window < 16 ? V_INTR_PRIORITY(g->want_window)
						  : V_INTR_PRIORITY(15) | V_INTR_IGNORE_TPR);
		b->intercept_1 |= INTERCEPT1_VINTR;
	}
	return true;
}

static u8 instruction_length(const struct vmcb *b)
{
	switch (b->exit_code) {
	case EXIT_CPUID:
	case EXIT_MSR:
		return svm_has_nrip ? (u8)(b->next_rip - b->rip) : 2;
	case EXIT_HLT:
		return svm_has_nrip ? (u8)(b->next_rip - b->rip) : 1;
	case EXIT_VMMCALL:
	case EXIT_XSETBV:
		return svm_has_nrip ? (u8)(b->next_rip - b->rip) : 3;
	case EXIT_IOIO:
		return (u8)(b->exit_info_2 - b->rip);
	default:
		return 0;
	}
}

static void describe_io(struct minv_state *s, const struct vmcb *b)
{
	u64 i = b->exit_info_1; /* APM 2, 15.10.2 */
	u8 segment = (u8)(i >> 10 & 7);

	s->exit.io.port = (u16)(i >> 16);
	s->exit.io.in = i & 1;
	s->exit.io.string = i >> 2 & 1;
	s->exit.io.rep = i >> 3 & 1;
	s->exit.io.size = (u8)(i >> 4 & 7);
	s->exit.io.address_size = i & 0x380 ? (u8)(i >> 6 & 0xe) : 0;
	s->exit.io.segment = svm_has_decode ? segment : 0xff;
	s->exit.io.next_rip = b->exit_info_2;
}

static void describe(struct minv_state *s, const struct vcpu *g, u32 reason)
{
	const struct vmcb *b = g->vmcb;

	s->instruction_length = instruction_length(b);
	s->instruction_bytes_len = 0;
	switch (reason) {
	case MINV_EXIT_IO:
		describe_io(s, b);
		break;
	case MINV_EXIT_MMIO:
		s->exit.mmio.gpa = b->exit_info_2;
		s->exit.mmio.error_code = (u32)b->exit_info_1;
		s->exit.mmio.guest_walk = b->exit_info_1 & NPF_WALK ? 1 : 0;
		if (svm_has_decode) {
			s->instruction_bytes_len = b->fetched & 15;
			memcpy(s->instruction_bytes, b->fetched_bytes, sizeof(b->fetched_bytes));
		}
		break;
	case MINV_EXIT_RDMSR:
	case MINV_EXIT_WRMSR:
		s->exit.msr.index = (u32)g->regs.r[RCX];
		s->exit.msr.value = (b->rax & 0xffffffff) | g->regs.r[RDX] << 32;
		break;
	default:
		s->exit.exit_words[0] = b->exit_info_1;
		s->exit.exit_words[1] = b->exit_info_2;
		break;
	}
}

static u32 reason_of(const struct vmcb *b)
{
	switch (b->exit_code) {
	case EXIT_VINTR:
		return MINV_EXIT_WINDOW;
	case EXIT_HLT:
		return MINV_EXIT_HLT;
	case EXIT_IOIO:
		return MINV_EXIT_IO;
	case EXIT_NPF:
		return MINV_EXIT_MMIO;
	case EXIT_MSR:
		return b->exit_info_1 ? MINV_EXIT_WRMSR : MINV_EXIT_RDMSR;
	case EXIT_CPUID:
		return MINV_EXIT_CPUID;
	case EXIT_SHUTDOWN:
		return MINV_EXIT_SHUTDOWN;
	case EXIT_VMMCALL:
		return MINV_EXIT_HYPERCALL;
	case EXIT_XSETBV:
		return MINV_EXIT_XSETBV;
	case EXIT_INVALID:
	case EXIT_INVALID_32:
		return MINV_EXIT_INVALID;
	default:
		return MINV_EXIT_OTHER;
	}
}

/*
 * First write to a page under dirty tracking: it opens again, and that is the mark.  Of two vCPUs that write at once,
 * the second finds it open; so does who met a page that the partner was just mapping anew.  A page that is mapped
 * read-only stays so: that write is the partner's to serve.
 */
static bool opens_again(const struct vcpu *g)
{
	const struct vmcb *b = g->vmcb;
	u64 gfn = b->exit_info_2 >> PAGE_SHIFT;
	struct mapping m;

	if (b->exit_code != EXIT_NPF || physmap_find(g->domain, gfn, &m) || m.role != LEAF_OWN)
		return false;
	if (!(b->exit_info_1 & NPF_WRITE))
		return true;
	if (!m.write && (leaf_write_allow(m.table, m.index) || physmap_find(g->domain, gfn, &m)))
		return false;
	return m.write;
}

bool minv_exit(struct vcpu *v, struct vcpu *g)
{
	struct vmcb *b = g->vmcb;
	struct minv_state *s;
	u32 reason;

	b->event_inj = undelivered(g);
	g->window_held = b->exit_code == EXIT_CR_WRITE + 8; /* until its next exit, of any kind */
	if (g->window_held)
		return true;
	if (b->exit_code == EXIT_INTR || b->exit_code == EXIT_NMI || b->exit_code == EXIT_INIT)
		return false;
	if (b->exit_code == EXIT_XSETBV && vcpu_xsetbv(g))
		return true;
	if (opens_again(g))
		return true;
	if (b->exit_code == EXIT_EXCEPTION + VECTOR_DB ||
	    b->exit_code == EXIT_EXCEPTION + VECTOR_AC) {
		/* As for every domain: reflected, behind what was being delivered. */
		if (!(b->event_inj & EVENT_VALID))
			vcpu_inject_exception(g, (u8)(b->exit_code & 31), 0);
		return true;
	}
	if (b->exit_code == EXIT_WBINVD || b->exit_code == EXIT_INVD) {
		vcpu_skip(g, 2);
		return true;
	}
	reason = reason_of(b);
	s = state_open(v, g);
	if (s) {
		describe(s, g, reason);
		window_close(s);
	}
	leave(v, g, reason);
	return true;
}
