/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler on a machine of a few CPUs whose clock the test turns.  A CPU looks at its queue only when something
 * makes it look: its timer, a kick, or an exit of its own.  So a wake-up that tells nobody stays unseen here, too.
 */
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
u64 tsc_at_boot(void)
{
	return 0;
}
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

static struct vcpu *sleeper(u64 work_ns, u64 sleep_ns)
{
	struct vcpu *v = vcpu(NULL);

	actor_of(v)->work_ns = actor_of(v)->left_ns = work_ns;
	actor_of(v)->sleep_ns = sleep_ns;
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

/* percent of wanted, give or take */
static void about(u64 value, u64 wanted, u64 percent)
{
	ck_assert_uint_ge(value * 100, wanted * (100 - percent));
	ck_assert_uint_le(value * 100, wanted * (100 + percent));
}

START_TEST(weights)
{
	static const u16 weight[] = { 128, 256, 512, 1024, 1 };
	struct vcpu *v[5];

	machine(1);
	for (u32 i = 0; i < 5; i++)
		v[i] = busy(weight[i], 0);
	pass(1000 * MS);
	count_from_now();
	pass(20000 * MS);
	for (u32 i = 0; i < 4; i++)
		about(got(v[i]), 20000 * MS * weight[i] / 1921, 3);
	ck_assert_uint_gt(got(v[4]), 0); /* little, but not nothing */
	ck_assert_uint_eq(queues[0].idle_ns, 0);
	/* a weight that changes counts from then on */
	FROM(0, v[0]->share->weight = 1024; v[3]->share->weight = 128; sched_share_changed());
	pass(1000 * MS);
	count_from_now();
	pass(20000 * MS);
	about(got(v[0]), got(v[3]) * 8, 5);
}
END_TEST

START_TEST(a_cap_is_kept_alone_and_among_others)
{
	struct vcpu *capped, *other;

	machine(1);
	capped = busy(WEIGHT, 25);
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(capped), 2500 * MS, 3);
	about(queues[0].idle_ns, 7500 * MS, 5); /* the CPU sleeps meanwhile, it does not spin */
	other = busy(WEIGHT, 0);
	pass(100 * MS);
	count_from_now();
	looks = 0;
	pass(10000 * MS);
	about(got(capped), 2500 * MS, 3);
	about(got(other), 7500 * MS, 3);
	ck_assert_uint_lt(looks, 3000); /* who waits for his period ends nobody's slice */
	/* a cap above what its weight gives takes nothing from others */
	FROM(0, capped->share->cap = 80; sched_share_changed());
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(capped), 5000 * MS, 3);
	FROM(0, capped->share->cap = 0; other->share->cap = 10; sched_share_changed());
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(other), 1000 * MS, 3);
	about(got(capped), 9000 * MS, 3);
}
END_TEST

START_TEST(a_cap_is_a_domains)
{
	struct vcpu *v[3];

	machine(4);
	v[0] = vcpu(NULL);
	v[1] = vcpu(v[0]->share);
	v[2] = vcpu(v[0]->share);
	v[0]->share->cap = 150;
	for (u32 i = 0; i < 3; i++)
		start(v[i]);
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(v[0]) + got(v[1]) + got(v[2]), 15000 * MS, 5);
}
END_TEST

START_TEST(what_was_used_beyond_a_cap_is_paid_back)
{
	struct sched_share s = { .weight = WEIGHT, .cap = 10, .period_start_ns = 0 };

	s.used_ns = 9 * MS; /* three periods' budget */
	share_roll(&s, PERIOD_NS);
	ck_assert_int_eq(s.used_ns, 6 * MS);
	share_roll(&s, PERIOD_NS + 1);
	ck_assert_int_eq(s.used_ns, 6 * MS);
	share_roll(&s, 10 * PERIOD_NS);
	ck_assert_int_eq(s.used_ns, -3 * (s64)MS); /* one period's budget is saved up, no more */
	ck_assert_uint_eq(s.period_start_ns, 10 * PERIOD_NS);
}
END_TEST

START_TEST(who_waits_for_his_period_is_no_load)
{
	struct vcpu *capped, *other;

	machine(2);
	capped = vcpu(NULL);
	capped->hard_affinity = 1;
	capped->share->weight = 1000;
	capped->share->cap = 10;
	start(capped);
	busy(WEIGHT, 0);
	pass(20 * MS);
	ck_assert_ptr_null(running(0));
	other = busy(WEIGHT, 0);
	ck_assert_ptr_eq(running(0), other);
}
END_TEST

START_TEST(no_cpu_idles_while_somebody_waits)
{
	struct vcpu *v[5];

	machine(4);
	for (u32 i = 0; i < 5; i++)
		v[i] = busy(WEIGHT, 0);
	pass(1 * MS);
	for (u32 c = 0; c < 4; c++)
		ck_assert_ptr_nonnull(running(c));
	/* two end: whoever waits is taken over by the CPU that is free */
	BY_ITSELF(running(1), halt(running(1)));
	BY_ITSELF(running(2), halt(running(2)));
	count_from_now();
	pass(100 * MS);
	for (u32 i = 0; i < 5; i++)
		ck_assert_uint_eq(got(v[i]), v[i]->blocked ? 0 : 100 * MS);
}
END_TEST

/* More vCPUs than CPUs, all busy: who waits is not always the same. */
START_TEST(cpus_are_shared_by_all)
{
	struct vcpu *v[3];

	machine(2);
	for (u32 i = 0; i < 3; i++)
		v[i] = busy(WEIGHT, 0);
	pass(2500 * MS);
	count_from_now();
	pass(10000 * MS);
	for (u32 i = 0; i < 3; i++)
		about(got(v[i]), 6667 * MS, 12);
	/* one that weighs as much as both others together has a CPU for itself */
	FROM(0, v[1]->share->weight = 2 * WEIGHT; sched_share_changed());
	pass(2500 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(v[0]), 5000 * MS, 5);
	about(got(v[1]), 10000 * MS, 5);
	about(got(v[2]), 5000 * MS, 5);
}
END_TEST

START_TEST(pins)
{
	struct vcpu *a, *b;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	ck_assert_uint_ne(a->cpu, b->cpu);
	/* one that runs on another CPU, from a third party */
	pin(b, 1ull << a->cpu);
	ck_assert_uint_eq(b->cpu, a->cpu);
	count_from_now();
	pass(2000 * MS);
	about(got(a), got(b), 3);
	ck_assert_uint_le(got(a) + got(b), 4000 * MS);
	/* one that waits: two CPUs' work again, if a may leave */
	pin(a, 1ull << (1 - b->cpu));
	count_from_now();
	pass(100 * MS);
	ck_assert_uint_eq(got(a), 100 * MS);
	ck_assert_uint_eq(got(b), 100 * MS);
	/* one that sleeps wakes where it may */
	BY_ITSELF(a, halt(a));
	pin(a, 1ull << b->cpu);
	FROM(1 - b->cpu, vcpu_wake(a));
	ck_assert_uint_eq(a->cpu, b->cpu);
	/* a CPU that has nothing to do takes nobody who may not come */
	pass(100 * MS);
	count_from_now();
	pass(1000 * MS);
	about(got(a), 500 * MS, 5);
	about(got(b), 500 * MS, 5);
}
END_TEST

START_TEST(soft_affinity_is_a_wish)
{
	struct vcpu *a, *b;

	machine(4);
	a = vcpu(NULL);
	a->soft_affinity = 1ull << 2;
	start(a);
	ck_assert_uint_eq(a->cpu, 2);
	b = vcpu(NULL);
	b->soft_affinity = 1ull << 2;
	start(b); /* 2 is taken: rather another one than to wait */
	ck_assert_uint_ne(b->cpu, 2);
	pass(1 * MS);
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

/* Who sleeps most of the time runs at once when it wakes, however many others are busy. */
START_TEST(a_sleeper_is_served_at_once)
{
	struct vcpu *s;

	machine(2);
	for (u32 i = 0; i < 6; i++)
		busy(WEIGHT, 0);
	pass(500 * MS);
	s = sleeper(MS / 5, 10 * MS);
	pass(5000 * MS);
	ck_assert_uint_eq(actor_of(s)->worst_ns, 0);
	about(got(s), 5000 * MS / 51, 5);
}
END_TEST

/* Sleeping now and then is no way to more than one's share. */
/* Whoever sends many events as it goes on is not interrupted at each; whoever waits for one has it soon. */
START_TEST(who_has_just_begun_goes_on_a_little)
{
	struct vcpu *sender, *server;

	machine(1);
	sender = busy(WEIGHT, 0);
	server = sleeper(10000, 0); /* until it is woken */
	pass(100 * MS);
	ck_assert_ptr_eq(running(0), sender);
	for (u32 i = 0; i < 100; i++) {
		u64 began;

		/* the sender has run for long: the first event is served at once */
		pass(LEAST_NS);
		BY_ITSELF(sender, vcpu_wake(server));
		ck_assert_ptr_eq(running(0), server);
		pass(10000);
		ck_assert_ptr_eq(running(0), sender);
		/* the next after a while, together with what came meanwhile */
		began = fake_ns;
		BY_ITSELF(sender, vcpu_wake(server));
		ck_assert_ptr_eq(running(0), sender);
		pass(LEAST_NS - 1000);
		ck_assert_ptr_eq(running(0), sender);
		pass(1000);
		ck_assert_ptr_eq(running(0), server);
		ck_assert_uint_le(fake_ns - began, LEAST_NS);
		pass(10000);
	}
}
END_TEST

START_TEST(a_short_sleep_wins_nothing)
{
	struct vcpu *s, *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	s = sleeper(9 * MS, 1);
	pass(500 * MS);
	count_from_now();
	pass(10000 * MS);
	ck_assert_uint_le(got(s), 10000 * MS * 36 / 100);
	about(got(a), got(b), 3);
}
END_TEST

START_TEST(a_slice_ends_only_when_others_wait)
{
	struct vcpu *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	pass(5 * MS);
	ck_assert_uint_ge(armed[0], fake_ns + 1000 * MS);
	b = busy(WEIGHT, 0);
	ck_assert_uint_le(armed[0], fake_ns + SLICE_NS);
	pass(25 * MS);
	ck_assert_uint_gt(vcpu_time(b), 0);
	for (u32 i = 0; i < 100; i++) { /* nobody waits longer than two slices */
		u64 before[2] = { vcpu_time(a), vcpu_time(b) };

		pass(2 * SLICE_NS + GRAIN_NS);
		ck_assert_uint_gt(vcpu_time(a), before[0]);
		ck_assert_uint_gt(vcpu_time(b), before[1]);
	}
}
END_TEST

START_TEST(yielding)
{
	struct vcpu *v;

	machine(1);
	busy(WEIGHT, 0);
	busy(WEIGHT, 0);
	pass(100 * MS);
	for (u32 i = 0; i < 10; i++) {
		v = running(0);
		BY_ITSELF(v, sched_yield());
		ck_assert_ptr_ne(running(0), v);
		pass(MS / 2);
	}
	v = running(0);
	BY_ITSELF(v, halt(v));
	v = running(0);
	BY_ITSELF(v, sched_yield()); /* alone it goes on */
	ck_assert_ptr_eq(running(0), v);
}
END_TEST

/* A vCPU's deadlines go with it to another CPU. */
START_TEST(timers_fire_wherever_it_was_moved)
{
	struct vcpu *a, *b;
	u64 at;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	ck_assert_uint_eq(a->cpu, 0);
	at = fake_ns + 40 * MS;
	BY_ITSELF(b, b->timer_ns = at; sched_deadline(at); b->blocked = true; sched_changed(b));
	pin(b, 1);
	pass(40 * MS - 1);
	ck_assert(b->blocked);
	pass(1);
	ck_assert(!b->blocked);
	ck_assert_uint_eq(b->virqs_due, VIRQ_TIMER_BIT);
	/* one that runs, and is moved while its timer is set */
	b->virqs_due = 0;
	at = fake_ns + 30 * MS;
	ck_assert_ptr_eq(running(0), b);
	BY_ITSELF(b, b->timer_ns = at; sched_deadline(at));
	pin(b, 2);
	ck_assert_ptr_eq(running(1), b);
	pass(30 * MS);
	ck_assert_uint_eq(b->virqs_due, VIRQ_TIMER_BIT);
	ck_assert_uint_eq(b->timer_ns, 0);
	/* a poll ends by its time */
	at = fake_ns + 20 * MS;
	BY_ITSELF(a, a->poll_deadline_ns = at; sched_deadline(at); a->blocked = true;
		  sched_changed(a));
	pass(20 * MS);
	ck_assert(!a->blocked);
	ck_assert_uint_eq(a->poll_deadline_ns, 0);
}
END_TEST

/* What is due to a vCPU that runs on another CPU, or sleeps there, brings that CPU out. */
START_TEST(a_wake_up_tells_the_cpu)
{
	struct vcpu *a, *b;
	u32 before;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	before = kicks[b->cpu];
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_uint_eq(kicks[b->cpu], before + 1);
	BY_ITSELF(b, halt(b));
	ck_assert_ptr_null(running(b->cpu));
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

/* Paused is paused when the call returns, wherever it ran. */
START_TEST(a_pause_takes_it_out)
{
	struct vcpu *a, *b;
	u32 before;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	before = forced[b->cpu];
	FROM(a->cpu, b->held = true; sched_changed(b));
	ck_assert_uint_eq(forced[b->cpu], before + 1);
	ck_assert_ptr_null(running(b->cpu));
	count_from_now();
	pass(50 * MS);
	ck_assert_uint_eq(got(b), 0);
	/* woken while it is paused: it runs when that ends */
	b->blocked = true;
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_ptr_null(running(1 - a->cpu));
	FROM(a->cpu, b->held = false; sched_changed(b));
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

/* Virtual times of two CPUs have nothing to do with each other: who comes over is neither first nor last for long. */
START_TEST(a_newcomer_is_one_of_them)
{
	struct vcpu *a, *b, *c;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	c = busy(WEIGHT, 0);
	pin(a, 1);
	pin(b, 2);
	pin(c, 2);
	pass(5000 * MS);
	pin(a, 2); /* had twice as much as they had */
	count_from_now();
	pass(3000 * MS);
	about(got(a), 1000 * MS, 5);
	about(got(b), 1000 * MS, 5);
	pin(b, 1);
	pass(5000 * MS);
	pin(b, 2);
	count_from_now();
	pass(3000 * MS);
	about(got(b), 1000 * MS, 5);
	about(got(c), 1000 * MS, 5);
}
END_TEST

/* Who was alone has looked at no clock for long: who joins him wins nothing by it. */
START_TEST(a_newcomer_gets_no_past)
{
	struct vcpu *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	pass(1900 * MS);
	b = busy(WEIGHT, 0);
	count_from_now();
	pass(200 * MS);
	about(got(a), 100 * MS, 25);
	about(got(b), 100 * MS, 25);
}
END_TEST

START_TEST(runstates_add_up)
{
	struct vcpu *s, *b;
	u64 sum = 0;

	machine(1);
	b = busy(WEIGHT, 0);
	s = sleeper(3 * MS, 7 * MS);
	pass(1000 * MS);
	this_cpu_id = 0;
	set_runstate(s, s->runstate == RUNSTATE_OFFLINE ? RUNSTATE_BLOCKED : RUNSTATE_OFFLINE,
		     fake_ns);
	for (u32 i = 0; i < 4; i++)
		sum += s->runstate_time[i];
	ck_assert_uint_eq(sum, fake_ns - FIRST);
	ck_assert_uint_eq(s->runstate_time[RUNSTATE_RUNNING], vcpu_time(s));
	ck_assert_uint_eq(vcpu_time(s) + vcpu_time(b) + queues[0].idle_ns, fake_ns - FIRST);
}
END_TEST

/* Everything at once, for long: nobody is lost, runs twice, or waits for ever. */
START_TEST(storm)
{
	u64 seed = 88172645463325252ull + (u32)_i, ran[ACTORS] = { 0 }, quiet[ACTORS] = { 0 };

	machine(1 + (u32)_i % CPUS);
	for (u32 i = 0; i < ACTORS; i++)
		if (i % 3)
			sleeper((1 + i) * MS / 3, (u64)i * MS / 2);
		else
			busy((u16)(64 << i % 5), 0);
	for (u32 step = 0; step < 4000; step++) {
		struct vcpu *v;
		u32 from;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		v = &actors[seed % ACTORS].v;
		from = (u32)(seed >> 8) % nr_cpus;
		switch (seed >> 16 & 7) {
		case 0:
			FROM(from, v->held = !v->held; sched_changed(v));
			break;
		case 1:
		case 2:
			FROM(from, vcpu_wake(v));
			break;
		case 3:
			if ((seed >> 24) & cpus_mask())
				FROM(from, v->hard_affinity = seed >> 24; sched_moved(v));
			break;
		case 4:
			if (sched_is_current(v))
				BY_ITSELF(v, sched_yield());
			break;
		case 5:
			FROM(from, v->share->cap = seed >> 24 & 1 ? (u16)(seed >> 32 & 127) : 0;
			     sched_share_changed());
			break;
		case 6:
			if (sched_is_current(v) && actor_of(v)->sleep_ns)
				BY_ITSELF(v, halt(v));
			break;
		default:
			FROM(from, v->share->weight = (u16)(1 + (seed >> 24 & 1023));
			     sched_share_changed());
			break;
		}
		pass((seed >> 40) % (3 * MS));
		for (u32 i = 0; i < ACTORS; i++) {
			v = &actors[i].v;
			if (vcpu_time(v) != ran[i] || !vcpu_runnable(v) || v->share->cap)
				quiet[i] = fake_ns;
			ran[i] = vcpu_time(v);
			MUST(fake_ns - quiet[i] < 20000 * MS); /* it would wait for ever */
		}
	}
	for (u32 i = 0; i < ACTORS; i++) { /* and goes, whatever it was doing */
		struct vcpu *v = &actors[i].v;

		FROM(0, v->held = true; sched_changed(v));
		sched_remove(v);
		consistent();
	}
	ck_assert_ptr_null(all);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vcpu_sched");
	TCase *t = tcase_create("scheduler");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_test(t, weights);
	tcase_add_test(t, a_cap_is_kept_alone_and_among_others);
	tcase_add_test(t, a_cap_is_a_domains);
	tcase_add_test(t, what_was_used_beyond_a_cap_is_paid_back);
	tcase_add_test(t, who_waits_for_his_period_is_no_load);
	tcase_add_test(t, no_cpu_idles_while_somebody_waits);
	tcase_add_test(t, cpus_are_shared_by_all);
	tcase_add_test(t, pins);
	tcase_add_test(t, soft_affinity_is_a_wish);
	tcase_add_test(t, a_sleeper_is_served_at_once);
	tcase_add_test(t, who_has_just_begun_goes_on_a_little);
	tcase_add_test(t, a_short_sleep_wins_nothing);
	tcase_add_test(t, a_slice_ends_only_when_others_wait);
	tcase_add_test(t, yielding);
	tcase_add_test(t, timers_fire_wherever_it_was_moved);
	tcase_add_test(t, a_wake_up_tells_the_cpu);
	tcase_add_test(t, a_pause_takes_it_out);
	tcase_add_test(t, a_newcomer_is_one_of_them);
	tcase_add_test(t, a_newcomer_gets_no_past);
	tcase_add_test(t, runstates_add_up);
	tcase_add_loop_test(t, storm, 0, 16);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
