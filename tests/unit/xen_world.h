/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small machine for the tests of the Xen ABI: the very files of core/xen, core/domain and
 * core/protect, and of core/vcpu what has no need of a processor.  Fake are only time, console, core
 * pages and windows.  dom0 has RAM at its own frame numbers and runs without paging, so that a
 * guest pointer is an address in it.
 */
#ifndef XEN_WORLD_H
#define XEN_WORLD_H

#include "protect_small.h"
#include "x86/percpu.h"
/* The CPU that runs the core: a test may choose another. */
#define THIS_CPU_H
struct cpu boot_cpu;
struct cpu *cpus[CPUS_MAX] = { &boot_cpu };
u32 nr_cpus = 1;
static u32 this_cpu_id;
static inline struct cpu *this_cpu(void)
{
	return cpus[this_cpu_id];
}
#ifdef FUZZ
#include "tests/fuzz/protect_used.h"
#endif
/* Static names that several files use for their own purpose. */
#define begin  destroy_begin
#define finish destroy_finish
#include "domain/destroy.c"
#undef begin
#undef finish
#include "domain/domain.c"
#include "domain/memory.c"
#include "domain/pool.c"
#define walk physmap_walk
#include "domain/physmap.c"
#undef walk
#include "domain/copy.c"
#include "vcpu/sched.c"
#undef VIRQ_TIMER_BIT
#include "vcpu/vcpu.c"
#include "x86/xstate.c"

#include "xen/hypercall.c"
#include "xen/lifecycle.c"
#include "xen/evtchn.c"
#include "xen/evtchn_op.c"
#include "xen/grant.c"
#include "xen/grant_map.c"
#include "xen/memory_op.c"
#include "xen/reserve.c"
#include "xen/mapping.c"
#define features version_features
#include "xen/version.c"
#undef features
#undef PIECE
#include "xen/console_io.c"
#undef PIECE
#include "xen/platform_op.c"
#include "xen/time.c"
#include "xen/vcpu_op.c"
#include "xen/sched_op.c"
#define find hvm_find
#include "xen/hvm_op.c"
#undef find
#include "xen/policy.c"
#define walk context_walk
#include "xen/hvm_context.c"
#undef walk
#undef CONTEXT_PAGES
#include "xen/vcpu_context.c"
#define pause domctl_pause
#include "xen/domctl.c"
#undef pause
#include "xen/domctl_life.c"
#include "xen/scheduling.c"
#include "xen/sysctl.c"
#include "xen/topology.c"

#include <check.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef RAM_FRAMES
#define RAM_FRAMES 4096u
#define DOM0_PAGES 256u
#define TABLES	   512u
#define SLOTS	   256u
#endif
#define DEVICE_GFN 5000u /* no RAM */

static u8 ram[RAM_FRAMES][4096] __attribute__((aligned(4096)));
static u64 fake_ns = 1000, ns_a_look; /* the clock, and what it goes on each time somebody looks */
static u32 windows_now, core_pages;
static char console_text[4096];
static size_t console_length;
static u32 console_start;
static const char *console_input = "";
#ifdef FUZZ
static jmp_buf machine_ended;
#endif

void *window_open(u64 mfn)
{
	ck_assert_uint_lt(mfn, RAM_FRAMES);
	ck_assert_uint_lt(windows_now, WINDOWS);
	windows_now++;
	return ram[mfn];
}

void window_close(void *window)
{
	(void)window;
	ck_assert_uint_gt(windows_now, 0);
	windows_now--;
}

void *window_move(void *window, u64 mfn)
{
	window_close(window);
	return window_open(mfn);
}

void frame_zero(u64 mfn)
{
	memset(ram[mfn], 0, sizeof(ram[mfn]));
}

#ifdef FUZZ
/* Static, so that it is put back with all else between two inputs; it runs out, as the real one may. */
#define ARENA 160u
static u8 arena[ARENA][PAGE_SIZE] __attribute__((aligned(4096)));
static bool arena_used[ARENA];

static void *take(u32 nr)
{
	u32 run = 0;

	for (u32 i = 0; i < ARENA; i++) {
		run = arena_used[i] ? 0 : run + 1;
		if (run == nr) {
			memset(&arena_used[i + 1 - nr], true, nr);
			return arena[i + 1 - nr];
		}
	}
	return NULL;
}

static void give_back(void *page, u32 nr)
{
	memset(&arena_used[((u8 *)page - arena[0]) / PAGE_SIZE], false, nr);
}
#else
static void *take(u32 nr)
{
	return aligned_alloc(PAGE_SIZE, nr * PAGE_SIZE);
}

static void give_back(void *page, u32 nr)
{
	(void)nr;
	free(page);
}
#endif

void *pages_alloc(u32 nr)
{
	void *page = take(nr);

	if (!page)
		return NULL;
	core_pages += nr;
	return memset(page, 0, nr * PAGE_SIZE);
}

void pages_free(void *page, u32 nr)
{
	ck_assert_ptr_nonnull(page);
	core_pages -= nr;
	give_back(page, nr);
}

u64 core_carve(u64 bytes)
{
	u32 nr = (u32)((bytes + PAGE_SIZE - 1) / PAGE_SIZE);

	return (u64)memset(take(nr), 0, nr * PAGE_SIZE);
}

bool svm_has_nrip, svm_has_decode;
void svm_vmcb_init(struct vmcb *b, enum svm_kind kind)
{
	(void)kind;
	b->efer = EFER_SVME;
	b->intercept_1 = INTERCEPT1_INTR;
}
void cpu_flush(struct cpu *c)
{
	c->generation += CPU_GENERATION;
}
void cpu_kick(struct cpu *c)
{
	c->kicked |= c != this_cpu();
}
void cpu_force_out(struct cpu *c)
{
	cpu_kick(c);
	c->in_guest = false;
}
u64 now_ns(void)
{
	return fake_ns += ns_a_look;
}
void speculation_leave(void)
{
}
u64 rdtsc_now(void)
{
	return fake_ns;
}
u64 tsc_to_ns(u64 delta)
{
	return delta;
}
struct clock core_clock = { .khz = 2000000, .tsc_at_boot = 77, .mul = 0x80000000 };
u64 wallclock_base = 1700000000;
void timer_arm(u64 ns)
{
	(void)ns;
}
bool vcpu_interrupt_waits(struct vcpu *v, u8 upcall)
{
	return v->apic.nmi_pending || upcall;
}
void vcpu_inject_exception(struct vcpu *v, u8 vector, u32 error_code)
{
	v->vmcb->event_inj = EVENT_VALID | EVENT_EXCEPTION | vector | (u64)error_code << 32;
}
void relay_settle(struct vcpu *v)
{
	(void)v;
}
void exit_counts_print(void)
{
}
bool console_reboots = true;
void machine_end(bool reboots)
{
#ifdef FUZZ
	(void)reboots; /* dom0 may do that */
	longjmp(machine_ended, 1);
#else
	ck_abort_msg("the machine ends, reboots %d", reboots);
#endif
}
void panic_reason(const char *format, ...)
{
	ck_abort_msg("panic: %s", format);
}
void panic_here(void)
{
	abort();
}
void printk(const char *format, ...)
{
	(void)format;
}
void console_write(const char *text, size_t n)
{
	if (n > sizeof(console_text) - console_length)
		return;
	memcpy(console_text + console_length, text, n);
	console_length += n;
}
int console_read(void)
{
	return *console_input ? *console_input++ : -1;
}
size_t console_ring_read(u32 *index, char *to, size_t size)
{
	size_t n;

	if (*index < console_start || *index > console_length)
		*index = console_start;
	n = min_u64(size, console_length - *index);
	memcpy(to, console_text + *index, n);
	*index += (u32)n;
	return n;
}
void console_ring_clear(u32 index)
{
	console_start = index;
}

/* A processor with a few features. */
void cpuid_host_max(u32 leaf, u32 subleaf, u32 out[4])
{
	memset(out, 0, 4 * sizeof(out[0]));
	if (leaf == 0)
		out[0] = 0xd;
	if (leaf == 1)
		out[0] = 0x800f12, out[2] = 0x80200001, out[3] = 0x178bfbff;
	if (leaf == 7 && !subleaf)
		out[1] = 0x1;
	if (leaf == 0x80000000)
		out[0] = 0x80000021;
	if (leaf == 0x80000001)
		out[3] = 0x20100800;
}

#define ok(call)	   ck_assert_int_eq(call, 0)
#define fails(error, call) ck_assert_int_eq(call, -(error))
#define holds()		   ck_assert_uint_eq(protect_invariant(), INVARIANT_HOLDS)

static struct domain *dom0;

/* dom0's byte at that guest physical address. */
static inline void *at(u64 gpa)
{
	u64 mfn;

	ok(physmap_own_frame(dom0, gpa >> PAGE_SHIFT, &mfn));
	return ram[mfn] + (gpa & (PAGE_SIZE - 1));
}

static inline struct vcpu *vcpu0(struct domain *d)
{
	return d->vcpus[0];
}

/* v may call: 64-bit code at CPL 0, paging off. */
static inline void long_mode(struct vcpu *v)
{
	v->vmcb->efer = EFER_LMA | EFER_LME | EFER_SVME;
	v->vmcb->cs.attributes = 0x29b;
	v->vmcb->cpl = 0;
	v->start = START_UP;
}

static u32 passes; /* of the latest call */

/* As the main loop does it: again until RIP has moved. */
static inline s64 hyper(struct vcpu *v, u64 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	u64 rip = v->vmcb->rip;

	v->regs.r[RDI] = a0, v->regs.r[RSI] = a1, v->regs.r[RDX] = a2, v->regs.r[R10] = a3;
	this_cpu()->current = v;
	for (passes = 0; v->vmcb->rip == rip; passes++) {
		ck_assert_uint_lt(passes, 100000);
		v->vmcb->rax = nr;
		hypercall(v);
		ck_assert_uint_eq(windows_now, 0);
	}
	ck_assert_uint_eq(v->vmcb->rip, rip + 3);
	return (s64)v->vmcb->rax;
}

/* Arguments of dom0 live on its page 16, lists from page 17 on. */
#define ARG  (16 * PAGE_SIZE)
#define LIST (17 * PAGE_SIZE)

static inline s64 dom0_call(u64 nr, u64 command, const void *op, size_t size, void *out)
{
	s64 result;

	memcpy(at(ARG), op, size);
	result = hyper(vcpu0(dom0), nr, command, ARG, 1, 0);
	if (out)
		memcpy(out, at(ARG), size);
	return result;
}
#define CALL0(nr, command, op) dom0_call(nr, command, op, sizeof(*(op)), op)

static inline s64 domctl(struct xen_domctl *op)
{
	s64 result;

	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(at(ARG), op, sizeof(*op));
	result = hyper(vcpu0(dom0), __HYPERVISOR_domctl, ARG, 0, 0, 0);
	memcpy(op, at(ARG), sizeof(*op));
	return result;
}

static inline struct xen_domctl create_op(u32 emulation_flags)
{
	return (struct xen_domctl){
		.cmd = XEN_DOMCTL_createdomain,
		.u.createdomain = { .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap |
					     XEN_DOMCTL_CDF_oos_off,
				    .max_vcpus = 1,
				    .max_evtchn_port = 1023,
				    .max_grant_frames = 4,
				    .max_maptrack_frames = 2,
				    .grant_opts = 1,
				    .arch.emulation_flags = emulation_flags },
	};
}

/* A domain as libxl makes it, with pages of memory from gfn 0 on. */
static inline struct domain *make_domain(u32 emulation_flags, u64 pages)
{
	struct xen_domctl op = create_op(emulation_flags);
	struct xen_memory_reservation r;
	struct domain *d;
	u64 i;

	ok(domctl(&op));
	d = domain_by_id(op.domain);
	ck_assert_ptr_nonnull(d);
	op.cmd = XEN_DOMCTL_max_vcpus;
	op.u.max_vcpus.max = 1;
	ok(domctl(&op));
	op.cmd = XEN_DOMCTL_max_mem;
	op.u.max_mem.max_memkb = (pages + 16) * 4;
	ok(domctl(&op));
	for (i = 0; i < pages; i++)
		((u64 *)at(LIST))[i] = (d->passive ? MINV_POOL_GFN : 0) + i;
	r = (struct xen_memory_reservation){ .nr_extents = pages, .domid = d->id };
	set_xen_guest_handle_raw(r.extent_start, (xen_pfn_t *)LIST);
	ck_assert_int_eq(CALL0(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r), (s64)pages);
	if (!d->passive)
		long_mode(vcpu0(d));
	return d;
}

static inline void destroy(struct domain *d)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_destroydomain, .domain = d->id };

	ok(domctl(&op));
	ck_assert_ptr_null(domain_by_id(op.domain));
	holds();
}

static inline void world(void)
{
	static const char no_command_line[1024];
	u64 mfn;

	xen_command_line = no_command_line;
	memory_init(RAM_FRAMES, TABLES, SLOTS);
	protect_init(RAM_FRAMES + 4096, TABLES, SLOTS, 1);
	for (mfn = 1; mfn < RAM_FRAMES; mfn++)
		ok(frame_add(mfn));
	ok(domain_make(0, 0, true, false, &dom0));
	for (mfn = 1; mfn < RAM_FRAMES; mfn++) {
		if (mfn < DOM0_PAGES) {
			ok(frame_give_boot(mfn, 0));
			ok(physmap_add_own(dom0, mfn, mfn, 7));
			memory_count(mfn);
		} else {
			memory_add(mfn);
		}
	}
	dom0->tot_pages = dom0->max_pages = DOM0_PAGES - 1;
	protect_boot_done();
	ok(domain_make_vcpus(dom0, 1));
	ok(xen_domain_init(dom0, ~0u, 64, 256));
	dom0->has_run = true;
	dom0->pause_count = 0;
	vcpu0(dom0)->held = false;
	long_mode(vcpu0(dom0));
	holds();
}

#define TESTS(...)                                            \
	int main(void)                                        \
	{                                                     \
		const TTest *const list[] = { __VA_ARGS__ };  \
		Suite *s = suite_create("xen");               \
		TCase *t = tcase_create("xen");               \
		SRunner *r;                                   \
		int failed;                                   \
                                                              \
		for (size_t i = 0; i < ARRAY_SIZE(list); i++) \
			tcase_add_test(t, list[i]);           \
		suite_add_tcase(s, t);                        \
		r = srunner_create(s);                        \
		srunner_run_all(r, CK_NORMAL);                \
		failed = srunner_ntests_failed(r);            \
		srunner_free(r);                              \
		return failed != 0;                           \
	}

#endif
