/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue for each CPU, in the order of virtual time: CPU time divided by weight.
 * Who has had least goes first.  Who slept comes back a little before the others
 * (boost), so that events are served at once by whoever does not use up its share.
 * A CPU with less load takes some from another's queue.
 */
#include "vcpu/sched.h"

#include "lib.h"
#include "x86/smp.h"
#include "x86/this_cpu.h"

#define NEVER		  (~0ull)
#define BOOST_NS	  20000000ull
#define GRAIN_NS	  1000000ull /* nobody is preempted for less */
#define VIRQ_TIMER_BIT	  1u
#define RUNSTATE_RUNNING  0
#define RUNSTATE_RUNNABLE 1
#define RUNSTATE_BLOCKED  2
#define RUNSTATE_OFFLINE  3

/* One for each CPU; the running vCPU is not in it (cpu->current). */
struct queue {
	struct vcpu *first;
	bool due;	/* look again before the next entry */
	u64 least_time; /* virtual time that no newcomer is far behind */
	u64 next_deadline, accounted_ns;
};

static struct vcpu *all;
static struct queue queues[CPUS_MAX];

struct vcpu *sched_first(void)
{
	return all;
}

struct vcpu *vcpu_current(void)
{
	return this_cpu()->current;
}

bool sched_is_current(const struct vcpu *v)
{
	return cpus[v->cpu]->current == v;
}

void sched_look_again(struct cpu *c)
{
	queues[c->id].due = true;
	cpu_kick(c);
}

/* ---- caps ------------------------------------------------------------------------------------ */

static u64 budget(const struct sched_share *s)
{
	return PERIOD_NS * s->cap / 100;
}

/*
 * A new period forgives its budget; what was used beyond that stays a debt.  Of what was not used one period's is kept:
 * another CPU may have run the domain already and account for it later.
 */
static void share_roll(struct sched_share *s, u64 now)
{
	u64 periods = (now - s->period_start_ns) / PERIOD_NS;

	if (!periods)
		return;
	s->period_start_ns += periods * PERIOD_NS;
	s->used_ns = s->cap ? s->used_ns - (s64)(periods * budget(s)) : 0;
	if (s->used_ns < -(s64)budget(s))
		s->used_ns = -(s64)budget(s);
}

static s64 share_left(const struct sched_share *s)
{
	return (s64)budget(s) - s->used_ns;
}

static bool share_is_used_up(const struct vcpu *v)
{
	return v->share->cap && share_left(v->share) <= 0;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void insert(struct vcpu *v)
{
	struct vcpu **at = &queues[v->cpu].first;

	while (*at && (s64)((*at)->virtual_ns - v->virtual_ns) <= 0)
		at = &(*at)->queue_next;
	v->queue_next = *at;
	*at = v;
	v->queued = true;
}

static void dequeue(struct vcpu *v)
{
	struct vcpu **at = &queues[v->cpu].first;

	while (*at != v)
		at = &(*at)->queue_next;
	*at = v->queue_next;
	v->queued = false;
}

/* By weight, without those who wait for their next period. */
static u32 load(u32 cpu)
{
	u32 sum = cpus[cpu]->current ? cpus[cpu]->current->share->weight : 0;

	for (const struct vcpu *v = queues[cpu].first; v; v = v->queue_next)
		sum += share_is_used_up(v) ? 0 : v->share->weight;
	return sum;
}

/* The first in the queue that waits for nothing but others. */
static const struct vcpu *ready(const struct queue *q)
{
	const struct vcpu *v = q->first;

	while (v && share_is_used_up(v))
		v = v->queue_next;
	return v;
}

static u32 lowest(u64 mask)
{
	return (u32)__builtin_ctzll(mask);
}

/* Where v is to wait: an idle CPU, better one that it likes, best the one where it was; else one that
 * it likes, with the least load. */
static u32 place(const struct vcpu *v)
{
	u64 may = v->hard_affinity & cpus_mask(), likes = may & v->soft_affinity, idle = 0;
	u32 best;

	for (u64 m = may; m; m &= m - 1)
		if (!load(lowest(m)))
			idle |= 1ull << lowest(m);
	if (idle) {
		idle = idle & likes ? idle & likes : idle;
		return idle >> v->cpu & 1 ? v->cpu : lowest(idle);
	}
	likes = likes ? likes : may;
	best = likes >> v->cpu & 1 ? v->cpu : lowest(likes);
	for (u64 m = likes; m; m &= m - 1)
		if (load(lowest(m)) < load(best))
			best = lowest(m);
	return best;
}

static void want_deadline(struct queue *q, u64 ns)
{
	if (ns < q->next_deadline) {
		q->next_deadline = ns;
		q->due = true;
	}
}

static void guest_deadline(struct queue *q, const struct vcpu *guest)
{
	/* Rounded up: when the timer fires, the deadline has come by the TSC too. What is years away must not wrap. */
	if (guest->deadline_tsc)
		want_deadline(q, tsc_to_ns(min_u64(guest->deadline_tsc - core_clock.tsc_at_boot,
						   ~0ull >> 8)) +
					 1);
}

static void own_deadlines(struct queue *q, const struct vcpu *v)
{
	if (v->timer_ns)
		want_deadline(q, v->timer_ns);
	if (v->poll_deadline_ns)
		want_deadline(q, v->poll_deadline_ns);
	/* One that has passed is seen when v runs: no reason to be woken for it again. */
	if (v->running && v->running->deadline_tsc > rdtsc_now())
		guest_deadline(q, v->running);
}

static void account(struct queue *q, struct vcpu *v, u64 now)
{
	u64 ns = now - q->accounted_ns;

	if ((s64)ns <= 0) /* another CPU's clock was ahead */
		return;
	q->accounted_ns = now;
	if (!v)
		return;
	v->run_ns += ns;
	if (v->running)
		v->guest_run_ns += ns;
	v->virtual_ns += ns * WEIGHT / v->share->weight;
	share_roll(v->share, now);
	v->share->used_ns += (s64)ns;
}

/* The queue's time goes on with whoever, of those that may run, has had least. */
static void advance(struct queue *q, const struct vcpu *v)
{
	const struct vcpu *waits = ready(q);

	if (!v || (waits && (s64)(waits->virtual_ns - v->virtual_ns) < 0))
		v = waits;
	if (v && (s64)(v->virtual_ns - q->least_time) > 0)
		q->least_time = v->virtual_ns;
}

/* Whoever else compares times with this CPU's brings them up to date first. */
static void up_to_date(u32 cpu, u64 now)
{
	struct queue *q = &queues[cpu];

	account(q, cpus[cpu]->current, now);
	advance(q, cpus[cpu]->current);
}

/* v, which is in no queue and does not run, belongs to another CPU from now on, with what it waits for. */
static void move(struct vcpu *v, u32 cpu)
{
	u64 now = now_ns();

	up_to_date(cpu, now);
	if (v->cpu == cpu)
		return;
	up_to_date(v->cpu, now);
	/* Each CPU has a virtual time of its own: only the distance counts. */
	v->virtual_ns += queues[cpu].least_time - queues[v->cpu].least_time;
	v->cpu = cpu;
	own_deadlines(&queues[cpu], v);
}

/* v did not wait for the others: nothing is saved up beyond the boost, and by who waits for his cap not even that. */
static bool catch_up(struct vcpu *v)
{
	u64 earliest = queues[v->cpu].least_time - (v->share->cap ? 0 : BOOST_NS);

	if ((s64)(v->virtual_ns - earliest) >= 0)
		return false;
	v->virtual_ns = earliest;
	return true;
}

static void enqueue(struct vcpu *v)
{
	move(v, place(v));
	catch_up(v);
	insert(v);
	sched_look_again(cpus[v->cpu]);
}

void sched_add(struct vcpu *v, struct sched_share *share)
{
	v->runstate = RUNSTATE_OFFLINE;
	v->runstate_entry_ns = now_ns();
	v->share = share;
	v->all_next = all;
	all = v;
}

void sched_remove(struct vcpu *v)
{
	for (struct vcpu **p = &all; *p; p = &(*p)->all_next)
		if (*p == v) {
			*p = v->all_next;
			break;
		}
	if (v->queued)
		dequeue(v);
}

u64 vcpu_time(const struct vcpu *v)
{
	u64 now = now_ns(), since = queues[v->cpu].accounted_ns;

	return v->run_ns + (sched_is_current(v) && now > since ? now - since : 0);
}

/* ---- what changes ---------------------------------------------------------------------------- */

static void set_runstate(struct vcpu *v, u32 state, u64 now)
{
	if (v->runstate == state)
		return;
	v->runstate_time[v->runstate] += now - v->runstate_entry_ns;
	v->runstate = state;
	v->runstate_entry_ns = now;
}

static void update_runstate(struct vcpu *v)
{
	set_runstate(v,
		     sched_is_current(v) && vcpu_runnable(v) ? RUNSTATE_RUNNING
		     : vcpu_runnable(v)			     ? RUNSTATE_RUNNABLE
		     : v->start == START_UP		     ? RUNSTATE_BLOCKED
							     : RUNSTATE_OFFLINE,
		     now_ns());
}

void sched_force_out(struct vcpu *v)
{
	if (sched_is_current(v) && cpus[v->cpu] != this_cpu())
		cpu_force_out(cpus[v->cpu]);
}

void sched_changed(struct vcpu *v)
{
	bool runnable = vcpu_runnable(v);

	if (sched_is_current(v)) {
		queues[v->cpu].due = true;
		if (!runnable)
			sched_force_out(v);
	} else if (runnable && !v->queued) {
		enqueue(v);
	} else if (!runnable && v->queued) {
		dequeue(v);
	}
	update_runstate(v);
}

void sched_moved(struct vcpu *v)
{
	if (v->queued) {
		dequeue(v);
		enqueue(v);
	} else if (sched_is_current(v)) {
		sched_look_again(cpus[v->cpu]);
	}
}

void sched_share_changed(void)
{
	for (u32 i = 0; i < nr_cpus; i++)
		sched_look_again(cpus[i]);
}

void vcpu_wake(struct vcpu *v)
{
	if (v->blocked) {
		v->blocked = false;
		sched_changed(v);
	} else if (sched_is_current(v)) {
		cpu_kick(cpus[v->cpu]); /* what is due to it is seen at the next entry */
	}
}

void sched_yield(void)
{
	struct vcpu *v = vcpu_current();
	const struct vcpu *next = v ? queues[v->cpu].first : NULL;

	if (!next)
		return;
	if ((s64)(next->virtual_ns - v->virtual_ns) >= 0)
		v->virtual_ns = next->virtual_ns + 1;
	v->slice_end_ns = 0;
	queues[v->cpu].due = true;
}

void sched_deadline(u64 ns)
{
	want_deadline(&queues[this_cpu()->id], ns);
}

void sched_guest_deadline(const struct vcpu *guest)
{
	guest_deadline(&queues[this_cpu()->id], guest);
}

/* Linear in the vCPUs, but only when the earliest deadline of this CPU has come. */
static void expire(struct queue *q, u32 cpu, u64 now)
{
	if (now < q->next_deadline)
		return;
	q->next_deadline = NEVER;
	for (struct vcpu *v = all; v; v = v->all_next) {
		if (v->cpu != cpu)
			continue;
		if (v->timer_ns && v->timer_ns <= now) {
			v->timer_ns = 0;
			v->virqs_due |= VIRQ_TIMER_BIT;
			vcpu_wake(v);
		}
		if (v->poll_deadline_ns && v->poll_deadline_ns <= now) {
			v->poll_deadline_ns = 0;
			vcpu_wake(v);
		}
		own_deadlines(&queues[v->cpu], v); /* waking may have moved it */
	}
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* The same as ready() now, when a new period may have begun for some. */
static struct vcpu *first_of(struct queue *q, u64 now)
{
	struct vcpu *v = q->first;

	while (v) {
		share_roll(v->share, now);
		if (share_is_used_up(v)) {
			v = v->queue_next;
		} else if (catch_up(v)) { /* it waited for its period */
			dequeue(v);
			insert(v);
			v = q->first;
		} else {
			break;
		}
	}
	return v;
}

/* One that waits elsewhere comes over when that makes the two loads no more unequal; where they stay as unequal as they
 * were, everybody's turn comes.  To a CPU that is not idle only who likes it. */
static void steal(struct cpu *c, u64 now)
{
	for (u32 i = 0; i < nr_cpus; i++) {
		struct vcpu *v = queues[i].first;

		if (i == c->id || !cpus[i]->current)
			continue; /* what waits for an idle CPU is about to run there */
		for (; v; v = v->queue_next) {
			u64 may = v->hard_affinity & (c->current ? v->soft_affinity : ~0ull);

			share_roll(v->share, now);
			if ((may >> c->id & 1) && !share_is_used_up(v) &&
			    load(i) >= load(c->id) + v->share->weight) {
				dequeue(v);
				move(v, c->id);
				insert(v);
				return;
			}
		}
	}
}

static bool may_go_on(const struct cpu *c, const struct vcpu *v)
{
	return vcpu_runnable(v) && !share_is_used_up(v) && (v->hard_affinity >> c->id & 1);
}

static void switch_to(struct cpu *c, struct vcpu *next, u64 now)
{
	struct vcpu *old = c->current;

	c->current = NULL;
	if (old) {
		vcpu_unload(c, old);
		if (vcpu_runnable(old)) {
			if (old->hard_affinity >> c->id & 1)
				insert(old);
			else
				enqueue(old);
		}
		update_runstate(old);
	}
	c->current = next;
	if (!next)
		return;
	dequeue(next);
	next->slice_end_ns = now + SLICE_NS;
	update_runstate(next);
}

/* v's slice ends only for one that may run: for who waits for his next period it would end at once, again and again. */
static void arm(struct queue *q, const struct vcpu *v, u64 early, u64 now)
{
	const struct vcpu *waits = q->first;
	u64 at = q->next_deadline;

	for (; waits && share_is_used_up(waits); waits = waits->queue_next)
		at = min_u64(at, waits->share->period_start_ns + PERIOD_NS);
	if (v && waits)
		at = min_u64(at, early > now ? early : v->slice_end_ns);
	/* at least once a period, as the domain may run on other CPUs too */
	if (v && v->share->cap && share_left(v->share) < (s64)PERIOD_NS)
		at = min_u64(at, now + (u64)share_left(v->share));
	else if (v && v->share->cap)
		at = min_u64(at, now + PERIOD_NS);
	timer_arm(at);
}

/* Apart from sched_next(), which nearly always has nothing to do: it must not save registers for this. */
__attribute__((noinline)) static struct vcpu *choose(struct cpu *c)
{
	struct queue *q = &queues[c->id];
	struct vcpu *v = c->current, *next;
	u64 now = now_ns(), early = 0; /* when v may be preempted */
	bool over;		       /* v's slice */
	s64 more;		       /* time that v had more than next */

	up_to_date(c->id, now);
	expire(q, c->id, now);
	q->due = false;
	if (v && !may_go_on(c, v)) {
		switch_to(c, NULL, now);
		v = NULL;
	}
	over = v && v->slice_end_ns <= now;
	next = first_of(q, now);
	if (v ? over : !next) {
		steal(c, now);
		next = first_of(q, now);
	}
	more = v && next ? (s64)(v->virtual_ns - next->virtual_ns) : 0;
	if (over && (!next || more < 0)) {
		v->slice_end_ns = now + SLICE_NS;
	} else if (next && more >= (over ? 0 : (s64)GRAIN_NS)) {
		early = v && !over ? v->slice_end_ns - SLICE_NS + LEAST_NS : 0;
		if (early <= now) {
			switch_to(c, NULL, now);
			v = NULL;
		}
	}
	if (!v && next) {
		switch_to(c, next, now);
		v = next;
	}
	arm(q, v, early, now);
	return v;
}

struct vcpu *sched_next(struct cpu *c)
{
	return c->current && !queues[c->id].due ? c->current : choose(c);
}
