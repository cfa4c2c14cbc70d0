/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue for each CPU, in the order of virtual time: CPU time divided by weight.
 * Who has had least goes first.  Who slept comes back a little before the others
 * (boost), so that events are served at once by whoever does not use up its share.
 * A CPU without work takes some from another's queue.
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
	u32 nr;
	bool due;	/* look again before the next entry */
	u64 least_time; /* virtual time that no newcomer is far behind */
	u64 next_deadline, accounted_ns, idle_ns;
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

u64 sched_idle_ns(u32 cpu)
{
	return queues[cpu].idle_ns;
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

/* A new period forgives what its budget covers; what was used beyond that stays a debt. */
static void share_roll(struct sched_share *s, u64 now)
{
	u64 periods = (now - s->period_start_ns) / PERIOD_NS;

	if (!periods)
		return;
	s->period_start_ns += periods * PERIOD_NS;
	s->used_ns = s->cap ? s->used_ns - min_u64(s->used_ns, periods * budget(s)) : 0;
}

static bool share_is_used_up(const struct vcpu *v)
{
	return v->share->cap && v->share->used_ns >= budget(v->share);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void insert(struct vcpu *v)
{
	struct queue *q = &queues[v->cpu];
	struct vcpu **at = &q->first;

	while (*at && (s64)((*at)->virtual_ns - v->virtual_ns) <= 0)
		at = &(*at)->queue_next;
	v->queue_next = *at;
	*at = v;
	v->queued = true;
	q->nr++;
}

static void dequeue(struct vcpu *v)
{
	struct queue *q = &queues[v->cpu];
	struct vcpu **at = &q->first;

	while (*at != v)
		at = &(*at)->queue_next;
	*at = v->queue_next;
	v->queued = false;
	q->nr--;
}

static u32 load(u32 cpu)
{
	return queues[cpu].nr + (cpus[cpu]->current != NULL);
}

static bool is_idle(u32 cpu)
{
	const struct vcpu *v = queues[cpu].first;

	while (v && share_is_used_up(v))
		v = v->queue_next;
	return !v && !cpus[cpu]->current;
}

static u32 lowest(u64 mask)
{
	return (u32)__builtin_ctzll(mask);
}

/* Where v is to wait: an idle CPU, better one that it likes, best the one where it was; else one that
 * it likes, with the fewest others. */
static u32 place(const struct vcpu *v)
{
	u64 may = v->hard_affinity & cpus_mask(), likes = may & v->soft_affinity, idle = 0;
	u32 best;

	for (u64 m = may; m; m &= m - 1)
		if (is_idle(lowest(m)))
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
	/* Rounded up: when the timer fires, the deadline has come by the TSC too. */
	if (guest->deadline_tsc)
		want_deadline(q, tsc_to_ns(guest->deadline_tsc - tsc_at_boot()) + 1);
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

/* v, which is in no queue and does not run, belongs to another CPU from now on, with what it waits for. */
static void move(struct vcpu *v, u32 cpu)
{
	if (v->cpu == cpu)
		return;
	/* Each CPU has a virtual time of its own: only the distance counts. */
	v->virtual_ns += queues[cpu].least_time - queues[v->cpu].least_time;
	v->cpu = cpu;
	own_deadlines(&queues[cpu], v);
}

static void enqueue(struct vcpu *v)
{
	struct queue *q;
	u64 earliest;

	move(v, place(v));
	q = &queues[v->cpu];
	earliest = q->least_time - BOOST_NS;
	if ((s64)(v->virtual_ns - earliest) < 0)
		v->virtual_ns = earliest;
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
		     sched_is_current(v) && vcpu_runnable(v)	   ? RUNSTATE_RUNNING
		     : vcpu_runnable(v)				   ? RUNSTATE_RUNNABLE
		     : v->start == START_UP && !v->halted_for_good ? RUNSTATE_BLOCKED
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

/* ---- time ------------------------------------------------------------------------------------ */

static void account(struct queue *q, struct vcpu *v, u64 now)
{
	u64 ns = now - q->accounted_ns;

	q->accounted_ns = now;
	if (!v) {
		q->idle_ns += ns;
		return;
	}
	v->run_ns += ns;
	if (v->running)
		v->guest_run_ns += ns;
	v->virtual_ns += ns * WEIGHT / v->share->weight;
	share_roll(v->share, now);
	v->share->used_ns += ns;
}

u64 vcpu_time(const struct vcpu *v)
{
	u64 now = now_ns(), since = queues[v->cpu].accounted_ns;

	return v->run_ns + (sched_is_current(v) && now > since ? now - since : 0);
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* The first in the queue whose share is not used up, and when a used up one has its next period. */
static struct vcpu *first_of(struct queue *q, u64 now, u64 *refill)
{
	for (struct vcpu *v = q->first; v; v = v->queue_next) {
		share_roll(v->share, now);
		if (!share_is_used_up(v))
			return v;
		*refill = min_u64(*refill, v->share->period_start_ns + PERIOD_NS);
	}
	return NULL;
}

/* This CPU has nothing to do: one that waits elsewhere, may run here, and would else wait longer. */
static struct vcpu *steal(struct cpu *c, u64 now)
{
	for (u32 i = 0; i < nr_cpus; i++) {
		struct vcpu *v = queues[i].first;

		if (i == c->id || !cpus[i]->current)
			continue; /* what waits for an idle CPU is about to run there */
		for (; v; v = v->queue_next) {
			share_roll(v->share, now);
			if ((v->hard_affinity >> c->id & 1) && !share_is_used_up(v)) {
				dequeue(v);
				move(v, c->id);
				insert(v);
				return v;
			}
		}
	}
	return NULL;
}

static bool gives_way(struct cpu *c, const struct vcpu *v, const struct vcpu *to, u64 now)
{
	if (!vcpu_runnable(v) || share_is_used_up(v) || !(v->hard_affinity >> c->id & 1))
		return true;
	if (!to)
		return false;
	return v->slice_end_ns <= now || (s64)(v->virtual_ns - to->virtual_ns) > (s64)GRAIN_NS;
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

static void arm(struct queue *q, const struct vcpu *v, u64 now, u64 refill)
{
	u64 at = min_u64(q->next_deadline, refill);

	if (v && q->first)
		at = min_u64(at, v->slice_end_ns);
	if (v && v->share->cap)
		at = min_u64(at, now + budget(v->share) - v->share->used_ns);
	timer_arm(at);
}

/* Apart from sched_next(), which nearly always has nothing to do: it must not save registers for this. */
__attribute__((noinline)) static struct vcpu *choose(struct cpu *c)
{
	struct queue *q = &queues[c->id];
	struct vcpu *v = c->current, *next;
	u64 now = now_ns(), refill = NEVER;

	account(q, v, now);
	expire(q, c->id, now);
	q->due = false;
	next = first_of(q, now, &refill);
	if (!v && !next)
		next = steal(c, now);
	if (v && gives_way(c, v, next, now)) {
		/* One whose slice is over stays when it has still had least. */
		if (next && vcpu_runnable(v) && !share_is_used_up(v) &&
		    (v->hard_affinity >> c->id & 1) &&
		    (s64)(v->virtual_ns - next->virtual_ns) <= 0) {
			v->slice_end_ns = now + SLICE_NS;
		} else {
			switch_to(c, NULL, now);
			next = first_of(q, now, &refill);
			v = NULL;
			if (!next)
				next = steal(c, now);
		}
	}
	if (!v && next) {
		switch_to(c, next, now);
		v = next;
	}
	if (v) {
		u64 least = v->virtual_ns;

		if (q->first && (s64)(q->first->virtual_ns - least) < 0)
			least = q->first->virtual_ns;
		if ((s64)(least - q->least_time) > 0)
			q->least_time = least;
	}
	arm(q, v, now, refill);
	return v;
}

struct vcpu *sched_next(struct cpu *c)
{
	return c->current && !queues[c->id].due ? c->current : choose(c);
}
