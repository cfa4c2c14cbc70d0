/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round robin in two classes: a vCPU that wakes goes before those that use up
 * their slices.  One CPU so far.
 */
#include "vcpu/sched.h"

#include "lib.h"

#define NEVER		  (~0ull)
#define CLASS_NORMAL	  0
#define CLASS_WOKEN	  1
#define VIRQ_TIMER_BIT	  1u
#define RUNSTATE_RUNNING  0
#define RUNSTATE_RUNNABLE 1
#define RUNSTATE_BLOCKED  2
#define RUNSTATE_OFFLINE  3

bool sched_due = true;
static struct vcpu *all, *current, *head[2], *tail[2];
static u64 next_deadline = NEVER, accounted_ns, idle_ns;

struct vcpu *sched_first(void)
{
	return all;
}

struct vcpu *vcpu_current(void)
{
	return current;
}

u64 sched_idle_ns(void)
{
	return idle_ns;
}

bool vcpu_runnable(const struct vcpu *v)
{
	return v->start == START_UP && !v->blocked && !v->halted_for_good && !v->held;
}

static void enqueue(struct vcpu *v, u8 class)
{
	v->priority = class;
	v->queued = true;
	v->queue_next = NULL;
	v->queue_prev = tail[class];
	if (tail[class])
		tail[class]->queue_next = v;
	else
		head[class] = v;
	tail[class] = v;
}

static void dequeue(struct vcpu *v)
{
	u8 class = v->priority;

	if (v->queue_prev)
		v->queue_prev->queue_next = v->queue_next;
	else
		head[class] = v->queue_next;
	if (v->queue_next)
		v->queue_next->queue_prev = v->queue_prev;
	else
		tail[class] = v->queue_prev;
	v->queued = false;
}

void sched_add(struct vcpu *v)
{
	v->runstate = RUNSTATE_OFFLINE;
	v->runstate_entry_ns = now_ns();
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
	if (current == v)
		current = NULL;
	sched_due = true;
}

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
		     v == current && vcpu_runnable(v)		   ? RUNSTATE_RUNNING
		     : vcpu_runnable(v)				   ? RUNSTATE_RUNNABLE
		     : v->start == START_UP && !v->halted_for_good ? RUNSTATE_BLOCKED
								   : RUNSTATE_OFFLINE,
		     now_ns());
}

void sched_changed(struct vcpu *v)
{
	bool runnable = vcpu_runnable(v);

	if (runnable && !v->queued && v != current)
		enqueue(v, CLASS_WOKEN);
	else if (!runnable && v->queued)
		dequeue(v);
	update_runstate(v);
	sched_due = true;
}

void vcpu_wake(struct vcpu *v)
{
	if (!v->blocked)
		return;
	v->blocked = false;
	sched_changed(v);
}

void sched_yield(void)
{
	if (current)
		current->slice_end_ns = 0;
	sched_due = true;
}

void sched_deadline(u64 ns)
{
	if (ns < next_deadline) {
		next_deadline = ns;
		sched_due = true;
	}
}

void sched_guest_deadline(const struct vcpu *guest)
{
	/* Rounded up: when the timer fires, the deadline has come by the TSC too. */
	if (guest->deadline_tsc)
		sched_deadline(tsc_to_ns(guest->deadline_tsc - tsc_at_boot()) + 1);
}

/* Linear in the vCPUs, but only when the earliest deadline has come. */
static void expire(u64 now)
{
	if (now < next_deadline)
		return;
	next_deadline = NEVER;
	for (struct vcpu *v = all; v; v = v->all_next) {
		if (v->timer_ns && v->timer_ns <= now) {
			v->timer_ns = 0;
			v->virqs_due |= VIRQ_TIMER_BIT;
			vcpu_wake(v);
		}
		if (v->poll_deadline_ns && v->poll_deadline_ns <= now) {
			v->poll_deadline_ns = 0;
			vcpu_wake(v);
		}
		if (v->timer_ns)
			next_deadline = min_u64(next_deadline, v->timer_ns);
		if (v->poll_deadline_ns)
			next_deadline = min_u64(next_deadline, v->poll_deadline_ns);
		/* One that has passed is seen when v runs: no reason to be woken for it again. */
		if (v->running && v->running->deadline_tsc > rdtsc_now())
			sched_guest_deadline(v->running);
	}
}

static void account(u64 now)
{
	u64 ns = now - accounted_ns;

	accounted_ns = now;
	if (!current) {
		idle_ns += ns;
		return;
	}
	current->run_ns += ns;
	if (current->running)
		current->guest_run_ns += ns;
}

u64 vcpu_time(const struct vcpu *v)
{
	return v->run_ns + (v == current ? now_ns() - accounted_ns : 0);
}

struct vcpu *sched_next(void)
{
	u64 now;
	struct vcpu *next;

	if (!sched_due && current)
		return current;
	now = now_ns();
	account(now);
	expire(now);
	sched_due = false;
	next = current && vcpu_runnable(current) ? current : NULL;
	if (next && next->slice_end_ns <= now) {
		/* The slice is over: behind all others of the lower class. */
		current = NULL;
		enqueue(next, CLASS_NORMAL);
		update_runstate(next);
		next = NULL;
	}
	if (!next || (head[CLASS_WOKEN] && next->priority == CLASS_NORMAL)) {
		struct vcpu *first = head[CLASS_WOKEN] ? head[CLASS_WOKEN] : head[CLASS_NORMAL];

		if (first) {
			if (next) {
				current = NULL;
				enqueue(next, CLASS_NORMAL);
				update_runstate(next);
			}
			dequeue(first);
			next = first;
			next->slice_end_ns = now + SLICE_NS;
		}
	}
	if (current && current != next) {
		struct vcpu *old = current;

		current = next;
		update_runstate(old);
	}
	current = next;
	if (current)
		update_runstate(current);
	timer_arm(current && (head[0] || head[1]) ? min_u64(next_deadline, current->slice_end_ns)
						  : next_deadline);
	return current;
}
