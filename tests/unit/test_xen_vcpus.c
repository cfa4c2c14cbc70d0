/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=512ull -DPROTECT_SLOTS=256ull */
/* A domain of several vCPUs stops them and lets them go on by vcpu_op. */
#include "xen_world.h"

static struct domain *d;

static s64 vcpu_op(u32 by, u64 command, u64 vcpu, u64 arg)
{
	return hyper(d->vcpus[by], __HYPERVISOR_vcpu_op, command, vcpu, arg, 0);
}

/* vCPUs 0 and 1 run, 2 never did. */
static void setup(void)
{
	struct xen_domctl op = create_op(XEN_X86_EMU_LAPIC);

	world();
	op.u.createdomain.max_vcpus = 3;
	ok(domctl(&op));
	d = domain_by_id(op.domain);
	op.cmd = XEN_DOMCTL_max_vcpus;
	op.u.max_vcpus.max = 3;
	ok(domctl(&op));
	for (u32 i = 0; i < 2; i++)
		long_mode(d->vcpus[i]);
	op.cmd = XEN_DOMCTL_unpausedomain;
	ok(domctl(&op));
}

START_TEST(stopped_goes_on)
{
	u64 rip;

	setup();
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 1, 0), 1);
	ok(vcpu_op(0, VCPUOP_up, 1, 0)); /* it is */
	ok(vcpu_op(0, VCPUOP_down, 1, 0));
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 1, 0), 0);
	ck_assert(!vcpu_runnable(d->vcpus[1]));
	ok(vcpu_op(0, VCPUOP_down, 1, 0)); /* twice is nothing more */
	ck_assert_uint_eq(domain_vcpus_up(d), 1);
	vcpu_wake(d->vcpus[1]); /* an event does not start it */
	ck_assert(!vcpu_runnable(d->vcpus[1]));
	ok(vcpu_op(0, VCPUOP_up, 1, 0));
	ck_assert(vcpu_runnable(d->vcpus[1]));
	/* by itself: behind its call it goes on */
	rip = d->vcpus[1]->vmcb->rip;
	ok(vcpu_op(1, VCPUOP_down, 1, 0));
	ck_assert(!vcpu_runnable(d->vcpus[1]));
	ok(vcpu_op(0, VCPUOP_up, 1, 0));
	ck_assert_uint_eq(d->vcpus[1]->vmcb->rip, rip + 3);
}
END_TEST

/* A debugger that steps over what the core executes stops right behind it. */
START_TEST(a_step_ends_behind_the_call)
{
	struct vmcb *b;

	setup();
	b = d->vcpus[0]->vmcb;
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 1, 0), 1);
	ck_assert_uint_eq(b->event_inj, 0);
	b->rflags |= RFLAGS_TF;
	b->dr6 = 0xffff0ff1;
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 1, 0), 1);
	ck_assert_uint_eq(b->event_inj, EVENT_VALID | EVENT_EXCEPTION | VECTOR_DB);
	ck_assert_uint_eq(b->dr6, 0xffff4ff0);
	b->event_inj = EVENT_VALID | 0x41; /* that is not lost for it */
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 1, 0), 1);
	ck_assert_uint_eq(b->event_inj, EVENT_VALID | 0x41);
}
END_TEST

START_TEST(what_was_being_delivered)
{
	static struct vmcb b;
	static const u64 again[] = { 0x41, EVENT_NMI | 2, EVENT_EXCEPTION | 14 | EVENT_ERROR_CODE };
	static const u64 by_instruction[] = { 4 << 8 | 0x80, EVENT_EXCEPTION | 3,
					      EVENT_EXCEPTION | 4 };

	for (u32 i = 0; i < ARRAY_SIZE(again); i++) {
		b.exit_int_info = again[i];
		ck_assert_uint_eq(event_again(&b), 0);
		b.exit_int_info = EVENT_VALID | again[i];
		ck_assert_uint_eq(event_again(&b), EVENT_VALID | again[i]);
		b.exit_int_info = EVENT_VALID | by_instruction[i];
		ck_assert_uint_eq(event_again(&b), 0);
	}
}
END_TEST

START_TEST(what_never_ran_is_not_let_go)
{
	setup();
	ck_assert_int_eq(vcpu_op(0, VCPUOP_is_up, 2, 0), 0);
	fails(EINVAL, vcpu_op(0, VCPUOP_up, 2, 0));
	d->vcpus[1]->apic =
		(struct apic){ .id = 2, .tpr = 0x20, .svr = 0x1ff, .icr = 5, .owed = { 8 } };
	d->vcpus[1]->vmcb->v_intr = 2;
	vcpu_reset_init(d->vcpus[1]);
	/* its APIC is as after reset, but for its ID and what the physical one is owed */
	ck_assert(d->vcpus[1]->apic.id == 2 && d->vcpus[1]->apic.owed[0] == 8);
	ck_assert(!d->vcpus[1]->apic.tpr && !d->vcpus[1]->apic.icr);
	ck_assert(d->vcpus[1]->apic.svr == 0xff && d->vcpus[1]->apic.lvt[5] == 0x10000);
	ck_assert_uint_eq(d->vcpus[1]->vmcb->v_intr & 15, 0);
	fails(EINVAL, vcpu_op(0, VCPUOP_up, 1, 0));
	ok(vcpu_op(0, VCPUOP_down, 2, 0));
	fails(EINVAL, vcpu_op(0, VCPUOP_up, 2, 0));
	fails(ENOENT, vcpu_op(0, VCPUOP_up, 3, 0));
	fails(ENOENT, vcpu_op(0, VCPUOP_is_up, ~0ull, 0));
	fails(ENOSYS, vcpu_op(0, VCPUOP_initialise, 1, ARG));
}
END_TEST

START_TEST(the_last_one_is_the_domains_end)
{
	setup();
	ok(vcpu_op(0, VCPUOP_down, 1, 0));
	ck_assert(!d->shut_down);
	ok(vcpu_op(0, VCPUOP_down, 0, 0));
	ck_assert(d->shut_down);
	ck_assert_uint_eq(d->shutdown_code, SHUTDOWN_poweroff);
}
END_TEST

START_TEST(nmi)
{
	setup();
	d->vcpus[1]->blocked = true;
	fails(EINVAL, vcpu_op(0, VCPUOP_send_nmi, 1, ARG));
	ck_assert(!d->vcpus[1]->apic.nmi_pending);
	ok(vcpu_op(0, VCPUOP_send_nmi, 1, 0));
	ck_assert(d->vcpus[1]->apic.nmi_pending);
	ck_assert(!d->vcpus[1]->blocked);
}
END_TEST

START_TEST(pauses_are_counted)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_pausedomain };

	setup();
	op.domain = d->id;
	for (u32 i = 0; i < 255; i++)
		ok(domctl(&op));
	fails(EOVERFLOW, domctl(&op));
	ck_assert_uint_eq(d->pause_count, 255);
}
END_TEST

/* What is copied out holds nothing of the core, between its fields neither. */
START_TEST(runstate_has_no_leak)
{
	struct vcpu_runstate_info *info;

	world();
	info = at(ARG);
	memset(info, 0x5a, sizeof(*info));
	ok(hyper(vcpu0(dom0), __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, ARG, 0));
	ck_assert_uint_eq(*(u32 *)((u8 *)info + sizeof(info->state)), 0);
}
END_TEST

/* A list gives others the lock, whatever its entries take. */
START_TEST(a_list_ends_its_pass_in_time)
{
	struct multicall_entry *list;

	world();
	list = at(ARG);
	for (u32 i = 0; i < 8; i++)
		list[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
						    .args = { XENVER_version } };
	ok(hyper(vcpu0(dom0), __HYPERVISOR_multicall, ARG, 8, 0, 0));
	ck_assert_uint_eq(passes, 1);
	ns_a_look = 1000000;
	ok(hyper(vcpu0(dom0), __HYPERVISOR_multicall, ARG, 8, 0, 0));
	ck_assert_uint_eq(passes, 8);
	for (u32 i = 0; i < 8; i++)
		ck_assert_uint_eq(list[i].result, 4 << 16 | 17);
}
END_TEST

static bool xsetbv(u32 index, u64 value)
{
	struct vcpu *v = d->vcpus[0];

	v->regs.r[RCX] = index;
	v->vmcb->rax = (u32)value;
	v->regs.r[RDX] = value >> 32;
	return vcpu_xsetbv(v);
}

/* XCR0: what the processor takes and the core carries; a refused one leaves it and the instruction pointer alone. */
START_TEST(xcr0)
{
	static const u64 good[] = { 1, 3, 7 },
			 bad[] = { 0, 2, 4, 5, 6, 0xf, 0xe7, 1ull << 62 | 7, 1ull << 32 | 3 };
	struct vmcb *b;
	u64 rip;

	setup();
	b = d->vcpus[0]->vmcb;
	ck_assert_uint_eq(d->vcpus[0]->xcr0, 1);
	xstate_mask = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		rip = b->rip;
		ck_assert(xsetbv(0, good[i]));
		ck_assert_uint_eq(d->vcpus[0]->xcr0, good[i]);
		ck_assert_uint_eq(b->rip, rip + 3);
	}
	rip = b->rip;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert(!xsetbv(0, bad[i]));
	ck_assert(!xsetbv(1, 1));
	b->cpl = 3;
	ck_assert(!xsetbv(0, 1));
	b->cpl = 0;
	xstate_mask = XCR0_X87 | XCR0_SSE;
	ck_assert(!xsetbv(0, 7) && xcr0_allowed(3));
	xstate_mask = 0;
	ck_assert(!xsetbv(0, 3) && xcr0_allowed(1));
	ck_assert_uint_eq(d->vcpus[0]->xcr0, 7);
	ck_assert_uint_eq(b->rip, rip);
	ck_assert_uint_eq(d->vcpus[1]->xcr0, 1);
}
END_TEST

TESTS(stopped_goes_on, a_step_ends_behind_the_call, what_was_being_delivered,
      what_never_ran_is_not_let_go, the_last_one_is_the_domains_end, nmi, pauses_are_counted,
      runstate_has_no_leak, a_list_ends_its_pass_in_time, xcr0)
