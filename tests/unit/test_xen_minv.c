/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=512ull -DPROTECT_SLOTS=256ull */
/*
 * A fidelity domain runs its guest by the run interface.  A user would see break: a screen that is not drawn anew where
 * the guest wrote, or wholly each time; a timer of the guest that is late; an interrupt that the guest is not ready for,
 * or that it never gets.
 */
#include "xen_world.h"

/* Static names that several files use for their own purpose. */
#define memory_map minv_memory_map
#define call	   minv_call
#include "xen/minv.c"
#undef call
#undef store
#define load minv_load
#include "xen/minv_run.c"
#undef load

#define STATE_GFN 20u
#define POOL	  12u

static struct domain *guest, *fidelity;

static s64 minv(u64 command, u64 a, u64 b, u64 c, u64 e)
{
	struct vcpu *v = vcpu0(fidelity);

	v->regs.r[RDI] = command, v->regs.r[RSI] = a, v->regs.r[RDX] = b;
	v->regs.r[R10] = c, v->regs.r[R8] = e;
	this_cpu()->current = v;
	minv_hypercall(v);
	ck_assert_uint_eq(windows_now, 0);
	return (s64)v->vmcb->rax;
}

static void *page_of(struct domain *d, u64 gfn)
{
	u64 mfn;

	ok(physmap_own_frame(d, gfn, &mfn));
	return ram[mfn];
}

static struct minv_state *state(void)
{
	return page_of(fidelity, STATE_GFN);
}

static void setup(void)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_target };

	world();
	fidelity = make_domain(XEN_X86_EMU_LAPIC, 24);
	guest = make_domain(0, POOL);
	op.domain = fidelity->id;
	op.u.set_target.target = guest->id;
	ok(domctl(&op));
	op.cmd = XEN_DOMCTL_unpausedomain;
	op.domain = guest->id;
	ok(domctl(&op));
	op.domain = fidelity->id;
	ok(domctl(&op));
	ok(minv(MINV_POOL_MAP, 0, POOL, 0, 0));
	ok(minv(MINV_MEMORY_MAP, 0, 0, 8, 0));
	ok(minv(MINV_VCPU_CREATE, 0, STATE_GFN, 0, 0));
}

/* Into the guest, as the run loop does it.  Whether it was entered. */
static bool run_in(void)
{
	ok(minv(MINV_RUN, 0, 0, 0, 0));
	guest->ran[0] = boot_cpu.generation;
	return vcpu0(fidelity)->running && minv_enter(vcpu0(fidelity), vcpu0(guest), false);
}

static void comes_out(u64 code, u64 info_1, u64 info_2)
{
	struct vmcb *b = vcpu0(guest)->vmcb;

	b->exit_code = code;
	b->exit_info_1 = info_1;
	b->exit_info_2 = info_2;
	minv_exit(vcpu0(fidelity), vcpu0(guest));
}

static bool still_in(void)
{
	return vcpu0(fidelity)->running;
}

/* A write of the guest to that page, as the processor tells of it if the page is closed.  Whether its partner
 * has to serve it. */
static bool writes(u64 gfn)
{
	struct mapping m;

	if (!physmap_find(guest, gfn, &m) && m.write)
		return false;
	ck_assert(run_in());
	comes_out(EXIT_NPF, NPF_WRITE, gfn << PAGE_SHIFT);
	if (!still_in())
		return true;
	comes_out(EXIT_HLT, 0, 0);
	return false;
}

static u64 dirty_pages(u64 first, u64 count)
{
	ok(minv(MINV_DIRTY, first, count, ARG, 0));
	return *(u64 *)page_of(fidelity, ARG >> PAGE_SHIFT);
}

START_TEST(what_the_guest_writes_is_told_once)
{
	u64 generation;

	setup();
	ok(minv(MINV_MEMORY_MAP, 0x100, 8, 4, MINV_MEMORY_LOG));
	ck_assert_uint_eq(dirty_pages(0x100, 4), 0);
	ck_assert(!writes(0x101));
	ck_assert(!writes(0x103));
	ck_assert(!writes(0x101));
	generation = this_cpu()->generation;
	ck_assert_uint_eq(dirty_pages(0x100, 4), 0xa);
	/* What was written to is closed again: no processor may know it as it was. */
	ck_assert_uint_ne(this_cpu()->generation, generation);
	generation = this_cpu()->generation;
	ck_assert_uint_eq(dirty_pages(0x100, 4), 0);
	ck_assert_uint_eq(this_cpu()->generation, generation);
	ck_assert(!writes(0x103));
	ck_assert_uint_eq(dirty_pages(0x102, 2), 2); /* from there on */
	holds();
}
END_TEST

START_TEST(tracking_opens_nothing_else)
{
	setup();
	ok(minv(MINV_MEMORY_MAP, 0x100, 8, 2, MINV_MEMORY_LOG));
	ok(minv(MINV_MEMORY_MAP, 0x102, 10, 1, MINV_MEMORY_READONLY));
	ck_assert(writes(0x102)); /* a ROM: its partner serves that */
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_MMIO);
	ck_assert_uint_eq(state()->exit.mmio.gpa, 0x102000);
	ck_assert(writes(0x200)); /* nothing there */
	ck_assert_uint_eq(dirty_pages(0x100, 4), 0);
	fails(EINVAL, minv(MINV_DIRTY, 0, 0, ARG, 0));
	fails(EINVAL, minv(MINV_DIRTY, 0, CALL_PAGES + 1, ARG, 0));
	fails(EINVAL, minv(MINV_DIRTY, MINV_GUEST_GFN_MAX, 1, ARG, 0));
	fails(EFAULT, minv(MINV_DIRTY, 0x100, 4, DEVICE_GFN << PAGE_SHIFT, 0));
	holds();
}
END_TEST

START_TEST(a_deadline_ends_the_run)
{
	setup();
	state()->deadline_tsc = fake_ns + 1000;
	ck_assert(run_in());
	comes_out(EXIT_INTR, 0, 0); /* the core's own affair: the run goes on */
	ck_assert(still_in());
	fake_ns += 999;
	ck_assert(minv_enter(vcpu0(fidelity), vcpu0(guest), false));
	fake_ns += 1;
	ck_assert(!minv_enter(vcpu0(fidelity), vcpu0(guest), false));
	ck_assert(!still_in());
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_DEADLINE);
	ck_assert(!run_in()); /* one that has gone by */
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_DEADLINE);
	state()->deadline_tsc = 0;
	fake_ns += 1ull << 62;
	ck_assert(run_in()); /* none */
}
END_TEST

START_TEST(the_partner_is_called_away)
{
	setup();
	state()->immediate_exit = 1;
	ck_assert(!run_in());
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_EVENT);
	state()->immediate_exit = 0;
	ck_assert(run_in());
	ok(minv_enter(vcpu0(fidelity), vcpu0(guest), true)); /* an event waits for it */
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_EVENT);
	ck_assert(run_in());
	vcpu0(guest)->kicked = true;
	ok(minv_enter(vcpu0(fidelity), vcpu0(guest), false));
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_EVENT);
	ck_assert(run_in()); /* a kick counts once */
}
END_TEST

START_TEST(a_window_opens_when_the_guest_takes_interrupts)
{
	struct vmcb *b;

	setup();
	b = vcpu0(guest)->vmcb;
	ck_assert(run_in());
	ck_assert_uint_eq(b->v_intr & V_INTR_IRQ, 0);
	ck_assert_uint_eq(b->intercept_1 & INTERCEPT1_VINTR, 0);
	comes_out(EXIT_HLT, 0, 0);
	state()->want_window = 1;
	ck_assert(run_in());
	ck_assert_uint_eq(b->v_intr & V_INTR_IRQ, V_INTR_IRQ);
	ck_assert_uint_eq(b->intercept_1 & INTERCEPT1_VINTR, INTERCEPT1_VINTR);
	comes_out(EXIT_VINTR, 0, 0);
	ck_assert(!still_in());
	ck_assert_uint_eq(state()->exit_reason, MINV_EXIT_WINDOW);
	ck_assert_uint_eq(state()->inject, 0);
	state()->want_window = 0;
	ck_assert(run_in());
	ck_assert_uint_eq(b->intercept_1 & INTERCEPT1_VINTR, 0);
}
END_TEST

START_TEST(an_interrupt_is_delivered_or_comes_back)
{
	struct vmcb *b;

	setup();
	b = vcpu0(guest)->vmcb;
	state()->rflags = RFLAGS_IF | 2;
	state()->inject = EVENT_VALID | 0x41;
	ck_assert(run_in());
	ck_assert_uint_eq(b->v_intr & V_INTR_IRQ, V_INTR_IRQ);
	comes_out(EXIT_NPF, NPF_WRITE, 0x200000); /* before it was taken */
	ck_assert_uint_eq(state()->inject, EVENT_VALID | 0x41);
	ck_assert_uint_eq(state()->ready_for_interrupt, 0);
	ck_assert(run_in());
	b->v_intr &= ~V_INTR_IRQ; /* taken */
	comes_out(EXIT_NPF, NPF_WRITE, 0x200000);
	ck_assert_uint_eq(state()->inject, 0);
	state()->inject = EVENT_VALID | 0x42;
	ck_assert(run_in());
	b->v_intr &= ~V_INTR_IRQ;
	b->exit_int_info = EVENT_VALID | 0x42; /* in the middle of its delivery */
	comes_out(EXIT_NPF, NPF_WRITE, 0x200000);
	ck_assert_uint_eq(state()->inject, EVENT_VALID | 0x42);
}
END_TEST

TESTS(what_the_guest_writes_is_told_once, tracking_opens_nothing_else, a_deadline_ends_the_run,
      the_partner_is_called_away, a_window_opens_when_the_guest_takes_interrupts,
      an_interrupt_is_delivered_or_comes_back)
