/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler on a machine of a few CPUs whose clock the test turns.  A CPU looks at its queue only when something
 * makes it look: its timer, a kick, or an exit of its own.  So a wake-up that tells nobody stays unseen here, too.
 */
#ifndef SCHED_MACHINE_H
#define SCHED_MACHINE_H

#include "x86/percpu.h"
#define THIS_CPU_H
struct cpu *cpus[CPUS_MAX];
u32 nr_cpus;
static u32 this_cpu_id;
static struct cpu *this_cpu(void)
{
	return cpus[this_cpu_id];
}
#include "vcpu/sched.c"

#include <check.h>
#include <stdlib.h>

/* ck_assert() notes each assertion in a file: too slow for what is checked at every step. */
#define MUST(condition)                           \
	do {                                      \
		if (!(condition))                 \
			ck_abort_msg(#condition); \
	} while (0)
#define CPUS   4u
#define ACTORS 12u
#define MS     1000000ull
#define FIRST  (5 * MS) /* the clock at the start */

static u64 fake_ns, armed[CPUS];
static u32 kicks[CPUS], forced[CPUS], looks;

u64 now_ns(void)
{
	return fake_ns;
}
u64 rdtsc_now(void)
{
	return fake_ns;
}
struct clock core_clock;
u64 tsc_to_ns(u64 delta)
{
	return delta;
}
void timer_arm(u64 ns)
{
	u64 at = max_u64(ns, fake_ns + 1);

	armed[this_cpu_id] = min_u64(at, fake_ns + 2000 * MS);
}
void cpu_kick(struct cpu *c)
{
	if (c == this_cpu())
		return;
	c->kicked = true;
	kicks[c->id]++;
}
void cpu_force_out(struct cpu *c)
{
	cpu_kick(c);
	forced[c->id]++;
}
void vcpu_unload(struct cpu *c, struct vcpu *v)
{
	MUST(c->current != v); /* it must not be seen as running while its state is in between */
}

/* Works for work_ns of CPU time, then sleeps for sleep_ns; work_ns 0: never sleeps. */
static struct actor {
	struct vcpu v;
	u64 work_ns, sleep_ns, left_ns;
	u64 woken_ns, worst_ns; /* when its sleep was to end; how much later it ran at worst */
} actors[ACTORS];
static u32 nr_actors;
static struct sched_share shares[ACTORS];

static struct actor *actor_of(struct vcpu *v)
{
	return (struct actor *)v;
}

static struct vcpu *running(u32 cpu)
{
	return cpus[cpu]->current;
}

static void machine(u32 nr)
{
	static struct cpu records[CPUS];

	for (u32 i = 0; i < nr; i++) {
		records[i].id = i;
		cpus[i] = &records[i];
		armed[i] = NEVER;
		queues[i].next_deadline = NEVER;
		queues[i].accounted_ns = FIRST;
	}
	nr_cpus = nr;
	fake_ns = FIRST;
}

/* Everyone runs or waits where it may, once, and what may not run does neither. */
static void consistent(void)
{
	u32 seen[ACTORS] = { 0 };

	for (u32 c = 0; c < nr_cpus; c++) {
		for (struct vcpu *v = queues[c].first; v; v = v->queue_next) {
			seen[v->id]++;
			MUST(v->queued);
			MUST(v->cpu == c);
			MUST(v->hard_affinity >> c & 1);
			MUST(!v->queue_next ||
			     (s64)(v->queue_next->virtual_ns - v->virtual_ns) >= 0);
		}
		if (running(c)) {
			seen[running(c)->id]++;
			MUST(running(c)->cpu == c);
			MUST(!running(c)->queued);
		}
	}
	for (struct vcpu *v = all; v; v = v->all_next) {
		MUST(seen[v->id] == (vcpu_runnable(v) ? 1u : 0u));
		MUST(v->runstate ==
		     (vcpu_runnable(v) ? sched_is_current(v) ? RUNSTATE_RUNNING : RUNSTATE_RUNNABLE
		      : v->start == START_UP ? RUNSTATE_BLOCKED
					     : RUNSTATE_OFFLINE));
	}
}

/* The CPU goes once around its main loop. */
static void look(u32 cpu)
{
	struct vcpu *v;

	looks++;
	this_cpu_id = cpu;
	cpus[cpu]->kicked = false;
	if (armed[cpu] <= fake_ns) {
		armed[cpu] = NEVER;
		sched_look_again(cpus[cpu]);
	}
	v = sched_next(cpus[cpu]);
	MUST(v == running(cpu));
	if (!v)
		return;
	MUST(vcpu_runnable(v));
	MUST(!share_is_used_up(v));
	MUST(v->hard_affinity >> cpu & 1);
	if (actor_of(v)->woken_ns) {
		actor_of(v)->worst_ns =
			max_u64(actor_of(v)->worst_ns, fake_ns - actor_of(v)->woken_ns);
		actor_of(v)->woken_ns = 0;
	}
}

static void settle(void)
{
	bool again = true;

	for (u32 round = 0; again; round++) {
		MUST(round < 50); /* CPUs kick each other without end */
		again = false;
		for (u32 c = 0; c < nr_cpus; c++)
			if (cpus[c]->kicked || armed[c] <= fake_ns) {
				again = true;
				look(c);
			}
	}
	consistent();
}

/* What a vCPU does by an exit of its own, on the CPU where it runs. */
#define BY_ITSELF(v, what)                      \
	do {                                    \
		MUST(running((v)->cpu) == (v)); \
		this_cpu_id = (v)->cpu;         \
		what;                           \
		look((v)->cpu);                 \
		settle();                       \
	} while (0)

/* What the controller does to it, by an exit on another CPU (or on the same). */
#define FROM(cpu_, what)              \
	do {                          \
		this_cpu_id = (cpu_); \
		what;                 \
		look(cpu_);           \
		settle();             \
	} while (0)

static void halt(struct vcpu *v)
{
	struct actor *a = actor_of(v);

	v->blocked = true;
	a->left_ns = a->work_ns;
	if (a->sleep_ns) {
		v->timer_ns = a->woken_ns = fake_ns + a->sleep_ns;
		sched_deadline(v->timer_ns);
	}
	sched_changed(v);
}

static void turn_to(u64 ns)
{
	for (u32 c = 0; c < nr_cpus; c++)
		if (running(c))
			actor_of(running(c))->left_ns -=
				min_u64(actor_of(running(c))->left_ns, ns - fake_ns);
	fake_ns = ns;
}

static void pass(u64 ns)
{
	u64 end = fake_ns + ns, next;

	settle();
	while (fake_ns < end) {
		next = end;
		for (u32 c = 0; c < nr_cpus; c++) {
			next = min_u64(next, armed[c]);
			if (running(c) && actor_of(running(c))->work_ns)
				next = min_u64(next, fake_ns + actor_of(running(c))->left_ns);
		}
		turn_to(next);
		for (u32 c = 0; c < nr_cpus; c++) {
			struct vcpu *v = running(c);

			if (v && actor_of(v)->work_ns && !actor_of(v)->left_ns)
				BY_ITSELF(v, halt(v));
		}
		settle();
	}
}

/* A new vCPU, with a share of its own or another's; not up yet. */
static struct vcpu *vcpu(struct sched_share *share)
{
	struct vcpu *v = &actors[nr_actors].v;

	if (!share) {
		share = &shares[nr_actors];
		share->weight = WEIGHT;
	}
	v->id = nr_actors++;
	v->hard_affinity = v->soft_affinity = ~0ull;
	sched_add(v, share);
	return v;
}

static void start(struct vcpu *v)
{
	FROM(0, v->start = START_UP; sched_changed(v));
}

static struct vcpu *busy(u16 weight, u16 cap)
{
	struct vcpu *v = vcpu(NULL);

	v->share->weight = weight;
	v->share->cap = cap;
	start(v);
	return v;
}

static void pin(struct vcpu *v, u64 mask)
{
	FROM(0, v->hard_affinity = mask; sched_moved(v));
}

/* CPU time from now on. */
static u64 had[ACTORS];

static void count_from_now(void)
{
	for (u32 i = 0; i < nr_actors; i++)
		had[i] = vcpu_time(&actors[i].v);
}

static u64 got(const struct vcpu *v)
{
	return vcpu_time(v) - had[v->id];
}

/* What the one CPU had for nobody, of all its time. */
static inline u64 idle_ns(void)
{
	u64 ns = fake_ns - FIRST;

	for (u32 i = 0; i < nr_actors; i++)
		ns -= vcpu_time(&actors[i].v);
	return ns;
}

/* percent of wanted, give or take */
static void about(u64 value, u64 wanted, u64 percent)
{
	ck_assert_uint_ge(value * 100, wanted * (100 - percent));
	ck_assert_uint_le(value * 100, wanted * (100 + percent));
}

#endif
