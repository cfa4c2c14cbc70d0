/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=64ull -DPROTECT_SLOTS=64ull -DRAM_FRAMES=600u -DTABLES=56u -DSLOTS=48u -DDOM0_PAGES=128u -fno-sanitize-coverage=trace-cmp */
/*
 * Hostile domains on the Xen ABI and the run interface: dom0, three PVH domains (one of them never runs) and a
 * pair call what the input says, with what the input says in registers and memory, while time passes.  Two
 * of them share ports and grants from the start; a long call may be left in the middle while others act, and
 * is taken up again later.  After every step
 * that reached the protection layer its whole invariant; at the end of an input all domains but dom0
 * are destroyed, and nothing may be left of them.
 */
#include "check.h"
#include "fuzz.h"
#include "tests/unit/xen_world.h"

/* Static names that several files use for their own purpose. */
#define memory_map minv_memory_map
#define call	   minv_call
#include "xen/minv.c"
#undef call
#undef store
#define load minv_load
#include "xen/minv_run.c"
#undef load

#define GUEST_PAGES 24u
/* Where a caller's arguments lie: its pages 16 to 19; page 23 is its last. */
#define ARGUMENT(offset) (16 * PAGE_SIZE + (offset) % (4 * PAGE_SIZE))
/* A call that takes more passes than this is left in the middle, as a vCPU that never runs again. */
#define PASSES 64

/* By domain: the number of the call that it was in the middle of when its time was over; 0 none. */
#define ACTORS 8
static u8 unfinished[ACTORS];

static const u8 *input, *input_end;
static u32 pages_before;

/* The CPU runs v from here on, as though the scheduler had chosen it. */
static void become(struct vcpu *v)
{
	struct cpu *c = this_cpu();

	if (c->current && c->current->queued) /* xen_world.h put it there by hand */
		c->current = NULL;
	if (c->current == v)
		return;
	switch_to(c, NULL, fake_ns);
	if (v->queued)
		switch_to(c, v, fake_ns);
	else
		c->current = v;
}

static u64 byte(void)
{
	return input < input_end ? *input++ : 0;
}

static u64 bytes(unsigned int n)
{
	u64 v = 0;

	while (n--)
		v = v << 8 | byte();
	return v;
}

static u64 some_domid(void)
{
	static const u16 ids[] = {
		0,    1,    2, 3, 4, 5, DOMID_SELF, DOMID_XEN, DOMID_IO, DOMID_COW, DOMID_INVALID,
		1023, 1024, 1, 2, 3
	};

	return ids[byte() % 16];
}

static u64 bad_pointer(void)
{
	static const u64 bad[] = { 1ull << 40,	       0x30000000, TABLE_PHYS,
				   0xfee00000,	       1ull << 63, 0xffff800000000000ull,
				   24 * PAGE_SIZE - 4, ~0ull - 3 };

	return bad[byte() % 8];
}

/* One 64-bit word, mostly of a sort that some field means something by. */
static u64 word(void)
{
	u64 sort = byte();

	switch (sort & 15) {
	default:
		return 0;
	case 2:
	case 3:
		return sort >> 4;
	case 4:
		return some_domid();
	case 5:
		return byte();
	case 6:
		return MINV_POOL_GFN + byte() % 16;
	case 7:
		return ARGUMENT(byte() * 64);
	case 8:
		return bytes(2) % (RAM_FRAMES + 16);
	case 9:
		return bytes(2);
	case 10:
		return bytes(4);
	case 11:
		return bytes(8);
	case 12:
		return ~0ull;
	case 13:
		return bad_pointer();
	case 14:
		return 1ull << (byte() % 64);
	case 15:
		return byte() | byte() << 32;
	}
}

/* Writes words into v's argument pages, from offset on. */
static void fill(struct vcpu *v, u64 offset, u64 words)
{
	while (words--) {
		u64 w = word(), mfn;

		if (!physmap_own_frame(v->domain, ARGUMENT(offset) >> PAGE_SHIFT, &mfn))
			*(u64 *)(ram[mfn] + offset % PAGE_SIZE) = w;
		offset += 8;
	}
}

static void header(struct vcpu *v, u32 cmd, u32 version, u64 domid)
{
	u32 head[4] = { cmd, version, (u32)domid, 0 };
	u64 mfn;

	if (!physmap_own_frame(v->domain, 16, &mfn))
		memcpy(ram[mfn], head, sizeof(head));
}

struct family {
	u8 nr, commands;
	u8 pointer; /* index of the argument that is a pointer */
};

static const struct family families[] = {
	{ __HYPERVISOR_memory_op, 29, 1 },
	{ __HYPERVISOR_xen_version, 12, 1 },
	{ __HYPERVISOR_sched_op, 8, 1 },
	{ __HYPERVISOR_event_channel_op, 14, 1 },
	{ __HYPERVISOR_event_channel_op, 14, 1 },
	{ __HYPERVISOR_physdev_op, 36, 1 },
	{ __HYPERVISOR_hvm_op, 27, 1 },
	{ __HYPERVISOR_vcpu_op, 14, 2 },
	{ __HYPERVISOR_grant_table_op, 13, 1 },
	{ __HYPERVISOR_grant_table_op, 13, 1 },
	{ __HYPERVISOR_console_io, 3, 2 },
	{ __HYPERVISOR_vm_assist, 2, 1 },
	{ __HYPERVISOR_set_timer_op, 255, 1 },
	{ MINV_HYPERCALL, 9, 3 },
	{ MINV_HYPERCALL, 9, 2 },
	{ __HYPERVISOR_memory_op, 29, 1 },
};

/* The domain writes an entry of its own grant table, as Linux does without any call. */
static void grant_access(struct domain *d)
{
	static const u16 to[4] = { 0, 1, 3, 5 };
	u64 sort = byte();
	struct grant_entry_v1 e = { .flags = sort & 0x40   ? (u16)word()
					     : sort & 0x20 ? GTF_permit_access | GTF_readonly
							   : GTF_permit_access,
				    .domid = to[sort & 3],
				    .frame = (u32)byte() % (GUEST_PAGES + 2) };

	if (d->nr_grant_frames && frame_owner_of(d->grant_mfn[0]) == domain_handle(d->id))
		((struct grant_entry_v1 *)ram[d->grant_mfn[0]])[byte() % 8] = e;
}

/* What a back end would say, with the other's reference and a place or a handle of its own. */
static void grant_arguments(struct vcpu *v, u64 command)
{
	union {
		struct gnttab_map_grant_ref map;
		struct gnttab_unmap_grant_ref unmap;
		struct gnttab_copy copy;
	} op = { 0 };
	u64 sort = byte(), mfn;

	if (command == GNTTABOP_map_grant_ref) {
		op.map.host_addr = (64 + (sort >> 4)) * PAGE_SIZE;
		op.map.flags = GNTMAP_host_map | (sort & 8 ? GNTMAP_readonly : 0);
		op.map.ref = sort & 7;
		op.map.dom = (domid_t)some_domid();
	} else if (command == GNTTABOP_unmap_grant_ref) {
		op.unmap.host_addr = (64 + (sort >> 4)) * PAGE_SIZE;
		op.unmap.handle = sort & 7;
	} else {
		op.copy.source.u.ref = sort & 7;
		op.copy.source.domid = (domid_t)some_domid();
		op.copy.dest.u.gmfn = 17;
		op.copy.dest.domid = DOMID_SELF;
		op.copy.len = (u16)(sort << 4);
		op.copy.flags = GNTCOPY_source_gref;
	}
	if (!physmap_own_frame(v->domain, 16, &mfn))
		memcpy(ram[mfn], &op, sizeof(op));
}

/* v goes on with the call in its registers until that is done, or for so many passes. */
static void go_on(struct vcpu *v, u64 nr, u32 most)
{
	u64 rip = v->vmcb->rip;

	for (passes = 0; passes < most && v->vmcb->rip == rip && vcpu_runnable(v); passes++) {
		v->vmcb->rax = nr;
		if (nr == MINV_HYPERCALL)
			minv_hypercall(v);
		else
			hypercall(v);
		ck_assert_uint_eq(windows_now, 0);
	}
	if (v->domain->id < ACTORS)
		unfinished[v->domain->id] =
			v->vmcb->rip == rip && nr != MINV_HYPERCALL && nr < 128 ? (u8)nr : 0;
	fuzz_count(nr < 128 ? (unsigned int)nr : 128,
		   (s64)v->vmcb->rax >= 0 && v->vmcb->rip != rip);
}

static void one_call(struct vcpu *v)
{
	u64 sort = byte(), a[4], nr;

	fill(v, byte() * 16, byte() % 8);
	fill(v, 0, byte() % 16);
	for (unsigned int i = 0; i < 4; i++)
		a[i] = word();
	if (sort < 64) {
		nr = __HYPERVISOR_domctl;
		header(v, (u32)byte() % 90, XEN_DOMCTL_INTERFACE_VERSION, some_domid());
		a[0] = ARGUMENT(0);
	} else if (sort < 80) {
		nr = __HYPERVISOR_sysctl;
		header(v, (u32)byte() % 32, XEN_SYSCTL_INTERFACE_VERSION, word());
		a[0] = ARGUMENT(0);
	} else if (sort < 88) {
		nr = __HYPERVISOR_platform_op;
		header(v, (u32)byte() % 70, XENPF_INTERFACE_VERSION, 0);
		a[0] = ARGUMENT(0);
	} else if (sort < 96) {
		nr = __HYPERVISOR_multicall;
		a[0] = ARGUMENT(0);
		a[1] &= 7;
	} else if (sort < 100) {
		nr = byte();
	} else {
		const struct family *f = &families[(sort - 100) % ARRAY_SIZE(families)];

		nr = f->nr;
		a[0] = byte() % f->commands;
		if (f->pointer < 4 && byte() % 16)
			a[f->pointer] = ARGUMENT(0);
		if (nr == __HYPERVISOR_grant_table_op) {
			a[2] &= 7;
			if (byte() % 2) {
				static const u8 commands[] = { GNTTABOP_map_grant_ref,
							       GNTTABOP_unmap_grant_ref,
							       GNTTABOP_copy };

				a[0] = commands[a[0] % 3];
				a[1] = ARGUMENT(0), a[2] = 1;
				grant_arguments(v, a[0]);
			}
		}
	}
	become(v);
	v->regs.r[RDI] = a[0], v->regs.r[RSI] = a[1], v->regs.r[RDX] = a[2], v->regs.r[R10] = a[3];
	v->regs.r[R8] = byte();
	go_on(v, nr, sort & 1 ? PASSES : 1);
}

/* v is in its guest: enters it, and an exit of any kind happens. */
static void run_guest(struct vcpu *v)
{
	struct vcpu *g = v->running;
	static const u64 codes[] = { EXIT_INTR, EXIT_VINTR,  EXIT_CPUID,  EXIT_HLT,
				     EXIT_IOIO, EXIT_MSR,    EXIT_NPF,	  EXIT_SHUTDOWN,
				     EXIT_NMI,	EXIT_WBINVD, EXIT_XSETBV, EXIT_VMMCALL };
	u64 code = byte();

	if (!minv_enter(v, g, events_pending(v)))
		return;
	/* What protection needs of every entry. */
	ck_assert(g->vmcb->efer & EFER_SVME);
	ck_assert_uint_eq(g->vmcb->intercept_1 & INTERCEPT1_INTR, INTERCEPT1_INTR);
	g->vmcb->exit_code = code < 240 ? codes[code % ARRAY_SIZE(codes)] : word();
	g->vmcb->exit_info_1 = word();
	g->vmcb->exit_info_2 = word() * (byte() % 2 ? 1 : PAGE_SIZE);
	g->vmcb->exit_int_info = word();
	g->regs.r[RCX] = word();
	minv_exit(v, g);
}

static void time_passes(void)
{
	fake_ns += 1ull << (byte() % 34);
	sched_next(this_cpu());
	events_deliver_global();
	for (u64 id = 0; id < 8; id++) {
		struct domain *d = domain_by_id(id);

		for (u32 i = 0; d && i < 2; i++)
			if (d->vcpus[i] && !d->passive && vcpu_runnable(d->vcpus[i]))
				events_deliver(d->vcpus[i]);
	}
}

static bool can_act(struct domain *d)
{
	return d && !d->passive && d->life == LIFE_ALIVE && d->vcpus[0] &&
	       vcpu_runnable(d->vcpus[0]);
}

static void step(void)
{
	u64 who = byte();
	/* The pair's guest calls nobody; the last number is what is created on the way. */
	static const u8 actors[16] = { 0, 1, 0, 5, 3, 0, 3, 5, 1, 0, 5, 3, 3, 0, 1, 6 };
	struct domain *d = domain_by_id(actors[who & 15]);

	protect_used = 0;
	if (who >= 0xf0) {
		time_passes();
		fuzz_count(130, true);
	} else if (who >= 0xe0 && d && !d->passive && d->life == LIFE_ALIVE) {
		grant_access(d);
		fuzz_count(133, true);
	} else if (!can_act(d)) {
		if (d && !d->passive && d->vcpus[0])
			vcpu_wake(d->vcpus[0]);
		byte();
		fuzz_count(131, true);
	} else if (d->vcpus[0]->running) {
		run_guest(d->vcpus[0]);
		fuzz_count(132, true);
	} else {
		long_mode(d->vcpus[0]);
		d->vcpus[0]->vmcb->cr0 &= ~CR0_PG;
		if (d->id < ACTORS && unfinished[d->id] && who & 16) {
			become(d->vcpus[0]);
			go_on(d->vcpus[0], unfinished[d->id], PASSES);
			fuzz_count(134, true);
		} else {
			one_call(d->vcpus[0]);
		}
	}
	if (protect_used) {
		u64 clause = protect_invariant();

		ck_assert_msg(clause == 0, "clause %lu broken", (unsigned long)clause);
	}
}

/* What dom0's own ports and grants took on the way. */
static u32 core_pages_of_dom0(void)
{
	u32 nr = dom0->nr_maptrack_pages;

	for (u32 i = 0; i < PORT_PAGES; i++)
		nr += dom0->port_pages[i] != NULL;
	for (u32 i = 0; i < GRANT_FRAMES; i++)
		nr += xen_of(dom0)->pins[i] != NULL;
	return nr;
}

static void destroy_now(struct domain *d)
{
	u16 id = d->id;

	become(vcpu0(dom0)); /* who calls; the CPU has left everybody else */
	for (u32 n = 0; domain_by_id(id) && domctl_destroy(d) != 0; n++)
		ck_assert_msg(n < 100000, "d%u never goes", id);
	ck_assert_msg(!domain_by_id(id), "d%u is still there", id);
}

/* dom0 may have mangled itself by now: the frames are counted, not its word taken. */
static void nothing_is_left(void)
{
	u64 idle = 0;

	for (u64 id = 1; id < PROTECT_DOMAINS; id++)
		if (domain_by_id(id))
			destroy_now(domain_by_id(id));
	ck_assert_uint_eq(protect_invariant(), 0);
	for (u64 mfn = 1; mfn < RAM_FRAMES; mfn++) {
		u64 state = frame_state_of(mfn);

		idle += state == FRAME_FREE || state == FRAME_DIRTY;
		ck_assert_msg(state != FRAME_OWNED || frame_owner_of(mfn) == domain_handle(0),
			      "frame %lu is a dead domain's", (unsigned long)mfn);
		ck_assert_msg(state != FRAME_CONDEMNED || frame_newest_entry(mfn),
			      "frame %lu is condemned for ever", (unsigned long)mfn);
	}
	ck_assert_msg(idle == frames_free(), "%lu frames are idle, the pool has %lu",
		      (unsigned long)idle, (unsigned long)frames_free());
	ck_assert_msg(core_pages - core_pages_of_dom0() == pages_before,
		      "%u core pages, %u at first", core_pages - core_pages_of_dom0(),
		      pages_before);
}

static s64 minv(struct domain *d, u64 command, u64 a, u64 b, u64 c, u64 e)
{
	struct vcpu *v = vcpu0(d);

	v->regs.r[RDI] = command, v->regs.r[RSI] = a, v->regs.r[RDX] = b;
	v->regs.r[R10] = c, v->regs.r[R8] = e;
	become(v);
	minv_hypercall(v);
	return (s64)v->vmcb->rax;
}

static void evtchn(struct domain *d, u64 command, void *op, size_t size)
{
	struct vcpu *v = vcpu0(d);
	u64 mfn;

	ok(physmap_own_frame(d, 16, &mfn));
	memcpy(ram[mfn], op, size);
	become(v);
	v->vmcb->cr0 &= ~CR0_PG;
	ok(hyper(v, __HYPERVISOR_event_channel_op, command, ARGUMENT(0), 0, 0));
	memcpy(op, ram[mfn], size);
}

/* A port between the two, and a page of the first's that the second may map. */
static void acquaint(struct domain *a, struct domain *c)
{
	struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF, .remote_dom = c->id };
	struct evtchn_bind_interdomain bind = { .remote_dom = a->id };

	evtchn(a, EVTCHNOP_alloc_unbound, &unbound, sizeof(unbound));
	bind.remote_port = unbound.port;
	evtchn(c, EVTCHNOP_bind_interdomain, &bind, sizeof(bind));
	((struct grant_entry_v1 *)ram[a->grant_mfn[0]])[1] =
		(struct grant_entry_v1){ .flags = GTF_permit_access, .domid = c->id, .frame = 3 };
	become(vcpu0(dom0)); /* who builds goes on */
}

void fuzz_prepare(void)
{
	struct domain *a, *b, *c, *guest, *fidelity;
	struct xen_domctl op;

	world();
	pages_before = core_pages - core_pages_of_dom0();
	a = make_domain(XEN_X86_EMU_LAPIC, GUEST_PAGES);
	b = make_domain(XEN_X86_EMU_LAPIC, GUEST_PAGES);
	fidelity = make_domain(XEN_X86_EMU_LAPIC, GUEST_PAGES);
	guest = make_domain(0, 12);
	c = make_domain(XEN_X86_EMU_LAPIC, GUEST_PAGES);
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_set_target, .domain = fidelity->id };
	op.u.set_target.target = guest->id;
	ok(domctl(&op));
	/* b stays as its builder leaves it: unsealed. */
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_unpausedomain, .domain = a->id };
	ok(domctl(&op));
	op.domain = c->id;
	ok(domctl(&op));
	acquaint(a, c);
	op.domain = guest->id;
	ok(domctl(&op));
	op.domain = fidelity->id;
	ok(domctl(&op));
	ck_assert_ptr_nonnull(b);
	/* What every fidelity domain does first: its guest's memory, laid out, and a page to run it by. */
	long_mode(vcpu0(fidelity));
	ok(minv(fidelity, MINV_POOL_MAP, 0, 12, 0, 0));
	ok(minv(fidelity, MINV_MEMORY_MAP, 0, 0, 8, 0));
	ok(minv(fidelity, MINV_VCPU_CREATE, 0, 20, 0, 0));
}

void fuzz_input(const u8 *data, size_t size)
{
	input = data, input_end = data + size;
	if (!setjmp(machine_ended)) {
		while (input < input_end)
			step();
		nothing_is_left();
	}
}
