/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=512ull -DPROTECT_SLOTS=256ull */
/* Event channels as a guest and the tools see them: binding, sending, masking, closing, polling. */
#include "xen_world.h"

#define EVTCHN __HYPERVISOR_event_channel_op

static struct shared_info *shared(struct domain *d)
{
	return (struct shared_info *)ram[d->shared_info_mfn];
}

static bool pending(struct domain *d, u32 port)
{
	return shared(d)->evtchn_pending[port / 64] >> (port % 64) & 1;
}

static u32 alloc(u16 dom, u16 remote)
{
	struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };

	ok(CALL0(EVTCHN, EVTCHNOP_alloc_unbound, &op));
	return op.port;
}

static u32 state(u16 dom, u32 port)
{
	struct evtchn_status op = { .dom = dom, .port = port };

	ok(CALL0(EVTCHN, EVTCHNOP_status, &op));
	return op.status;
}

/* The tools allocate a port in a new domain; xenstored binds to it; the domain goes. */
START_TEST(interdomain)
{
	struct domain *d;
	struct evtchn_bind_interdomain bind;
	struct evtchn_send send_op;
	struct evtchn_close close_op;
	u32 port;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	port = alloc(d->id, 0);
	ck_assert_uint_eq(port, 1);
	ck_assert_uint_eq(state(d->id, port), EVTCHNSTAT_unbound);
	bind = (struct evtchn_bind_interdomain){ .remote_dom = d->id, .remote_port = port + 1 };
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_bind_interdomain, &bind));
	bind.remote_dom = 77;
	fails(ESRCH, CALL0(EVTCHN, EVTCHNOP_bind_interdomain, &bind));
	bind.remote_dom = d->id;
	bind.remote_port = port;
	ok(CALL0(EVTCHN, EVTCHNOP_bind_interdomain, &bind));
	ck_assert(pending(dom0, bind.local_port)); /* told once to look */
	ck_assert(events_pending(vcpu0(dom0)));
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_bind_interdomain, &bind)); /* taken */

	send_op.port = bind.local_port;
	ok(CALL0(EVTCHN, EVTCHNOP_send, &send_op));
	ck_assert(pending(d, port));
	ck_assert_uint_eq(shared(d)->vcpu_info[0].evtchn_pending_sel, 1);
	ck_assert(events_pending(vcpu0(d)));

	close_op.port = bind.local_port;
	ok(CALL0(EVTCHN, EVTCHNOP_close, &close_op));
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_close, &close_op));
	ck_assert(!pending(dom0, bind.local_port));
	ck_assert_uint_eq(state(d->id, port), EVTCHNSTAT_unbound);
	ok(CALL0(EVTCHN, EVTCHNOP_bind_interdomain, &bind));
	ck_assert_uint_eq(state(0, bind.local_port), EVTCHNSTAT_interdomain);
	destroy(d);
	ck_assert_uint_eq(state(0, bind.local_port), EVTCHNSTAT_unbound);
	send_op.port = bind.local_port;
	ok(CALL0(EVTCHN, EVTCHNOP_send, &send_op)); /* into the void */
}
END_TEST

START_TEST(masking)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct evtchn_send send_op;
	struct evtchn_unmask unmask_op;
	struct vcpu_info *info;

	world();
	info = &shared(dom0)->vcpu_info[0];
	ok(CALL0(EVTCHN, EVTCHNOP_bind_ipi, &ipi));
	shared(dom0)->evtchn_mask[0] = ~0ull;
	send_op.port = unmask_op.port = ipi.port;
	ok(CALL0(EVTCHN, EVTCHNOP_send, &send_op));
	ck_assert(pending(dom0, ipi.port));
	ck_assert(!info->evtchn_upcall_pending);
	ok(CALL0(EVTCHN, EVTCHNOP_unmask, &unmask_op));
	ck_assert(info->evtchn_upcall_pending);
	ck_assert_uint_eq(shared(dom0)->evtchn_mask[0], ~0ull & ~(1ull << ipi.port));
	/* an edge only: what is pending already does not notify again */
	info->evtchn_upcall_pending = 0;
	info->evtchn_pending_sel = 0;
	ok(CALL0(EVTCHN, EVTCHNOP_send, &send_op));
	ck_assert(!info->evtchn_upcall_pending);
}
END_TEST

START_TEST(virqs)
{
	struct evtchn_bind_virq timer = { .virq = VIRQ_TIMER }, exc = { .virq = VIRQ_DOM_EXC };
	struct evtchn_bind_vcpu move;
	struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = 5 };
	struct vcpu *v;

	world();
	v = vcpu0(dom0);
	ok(CALL0(EVTCHN, EVTCHNOP_bind_virq, &timer));
	fails(EEXIST, CALL0(EVTCHN, EVTCHNOP_bind_virq, &timer));
	ok(CALL0(EVTCHN, EVTCHNOP_bind_virq, &exc));
	exc.vcpu = 1;
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_bind_virq, &exc)); /* global: vCPU 0 only */
	move = (struct evtchn_bind_vcpu){ .port = timer.port };
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_bind_vcpu, &move));
	move.port = exc.port;
	ok(CALL0(EVTCHN, EVTCHNOP_bind_vcpu, &move));

	/* a deadline that is past fires at once and answers 0, or Linux stops */
	memcpy(at(ARG), &set, sizeof(set));
	ok(hyper(v, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, ARG, 0));
	events_deliver(v);
	ck_assert(pending(dom0, timer.port));
	ck_assert(!pending(dom0, exc.port));
	set.timeout_abs_ns = fake_ns + 100;
	memcpy(at(ARG), &set, sizeof(set));
	ok(hyper(v, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, ARG, 0));
	ck_assert_uint_eq(v->timer_ns, fake_ns + 100);
	domain_events_due = true;
	events_deliver_global();
	ck_assert(pending(dom0, exc.port));
	ck_assert(!domain_events_due);
}
END_TEST

/* Polling blocks until the port is pending, masked or not. */
START_TEST(poll_port)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct evtchn_send send_op;
	struct sched_poll op = { .nr_ports = 1, .timeout = 0 };
	struct domain *d;
	struct vcpu *v;

	world();
	v = vcpu0(dom0);
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	(void)d;
	ok(CALL0(EVTCHN, EVTCHNOP_bind_ipi, &ipi));
	shared(dom0)->evtchn_mask[0] = ~0ull;
	*(u32 *)at(LIST) = ipi.port;
	set_xen_guest_handle_raw(op.ports, (evtchn_port_t *)LIST);
	ok(CALL0(__HYPERVISOR_sched_op, SCHEDOP_poll, &op));
	ck_assert(v->blocked);
	port_set_pending(dom0, ipi.port, 0);
	ck_assert(!v->blocked);
	ck_assert_uint_eq(v->poll_deadline_ns, 0);
	ok(CALL0(__HYPERVISOR_sched_op, SCHEDOP_poll, &op)); /* is pending: no wait */
	ck_assert(!v->blocked);
	send_op.port = 4095;
	fails(EINVAL, CALL0(EVTCHN, EVTCHNOP_send, &send_op));
	op.nr_ports = 1000;
	fails(EINVAL, CALL0(__HYPERVISOR_sched_op, SCHEDOP_poll, &op));
}
END_TEST

START_TEST(limits_and_rights)
{
	struct domain *d;
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };
	u32 n;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	for (n = 1; n <= 1023; n++)
		ck_assert_uint_eq(alloc(d->id, 0), n);
	op.dom = d->id;
	fails(ENOSPC, CALL0(EVTCHN, EVTCHNOP_alloc_unbound, &op));
	/* another domain's ports are not a plain domain's to make */
	*(struct evtchn_alloc_unbound *)ram[d->grant_mfn[0]] = (struct evtchn_alloc_unbound){ 0 };
	op.dom = 0;
	{
		u64 mfn;

		ok(physmap_own_frame(d, 0, &mfn));
		memcpy(ram[mfn], &op, sizeof(op));
	}
	fails(EPERM, hyper(vcpu0(d), EVTCHN, EVTCHNOP_alloc_unbound, 0, 0, 0));
	fails(ENOSYS, hyper(vcpu0(d), EVTCHN, EVTCHNOP_init_control, 0, 0, 0));
	vcpu0(d)->vmcb->cpl = 3;
	fails(EPERM, hyper(vcpu0(d), EVTCHN, EVTCHNOP_init_control, 0, 0, 0));
}
END_TEST

/* Linux moves its vcpu_info into a page of its own, then gives that page away: nobody else's memory
 * may be written in its place. */
START_TEST(vcpu_info_given_back)
{
	struct domain *d;
	struct vcpu_register_vcpu_info op = { .mfn = 2, .offset = 0x40 };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	u64 args, info;
	u32 port;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	ok(physmap_own_frame(d, 0, &args));
	ok(physmap_own_frame(d, 2, &info));
	memcpy(ram[args], &op, sizeof(op));
	ok(hyper(vcpu0(d), __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, 0, 0));
	ck_assert_uint_eq(ram[info][0x40], 1); /* forced once */
	ck_assert_uint_eq(((struct vcpu_info *)(ram[info] + 0x40))->time.tsc_to_system_mul,
			  0x80000000);
	fails(EINVAL, hyper(vcpu0(d), __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, 0, 0));
	*(u64 *)(ram[args] + 256) = 2;
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)256);
	memcpy(ram[args], &r, sizeof(r));
	ck_assert_int_eq(
		hyper(vcpu0(d), __HYPERVISOR_memory_op, XENMEM_decrease_reservation, 0, 0, 0), 1);
	memset(ram[info], 0, 4096);
	port = alloc(d->id, 0);
	port_set_pending(d, port, 0);
	ck_assert_uint_eq(ram[info][0x40], 0);
	ck_assert(!events_pending(vcpu0(d)));
}
END_TEST

TESTS(interdomain, masking, virqs, poll_port, limits_and_rights, vcpu_info_given_back)
