/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler: who runs on which CPU, for how long, and what time makes due.  All
 * of it under the core's lock.
 */
#ifndef SCHED_H
#define SCHED_H

#include "vcpu/vcpu.h"

#define SLICE_NS  10000000ull
#define PERIOD_NS 30000000ull /* of caps */
/* Nobody is preempted before it: who sends events as it goes on, as a network's driver does, has its batch served, not each packet. */
#define LEAST_NS 250000ull
#define WEIGHT	 256u /* of a domain that nobody gave another */

/* What all vCPUs of a domain have together. */
struct sched_share {
	u16 weight;
	u16 cap; /* percent of one CPU, 0 none */
	u64 period_start_ns;
	s64 used_ns; /* below 0: left over from the period before */
};

/* v is ready for scheduling, on the CPUs of its affinity. */
void sched_add(struct vcpu *v, struct sched_share *share);
void sched_remove(struct vcpu *v); /* it runs nowhere */
struct vcpu *sched_first(void);	   /* all vCPUs that are scheduled, linked by all_next */
/* Something about v's runnability changed. When it may not run any more, it is out of its guest at the
 * return, wherever it ran; the CPU itself may yet have it as its current one. */
void sched_changed(struct vcpu *v);
/* Its affinity changed: another CPU may have to run it. */
void sched_moved(struct vcpu *v);
/* A weight or a cap changed. */
void sched_share_changed(void);
/* v is the current vCPU of some CPU. */
bool sched_is_current(const struct vcpu *v);
/* v is not inside its guest on another CPU: its state may be changed. */
void sched_force_out(struct vcpu *v);
/* The vCPU to run on this CPU now; NULL: idle. Accounts time, expires timers and polls, arms the timer. */
struct vcpu *sched_next(struct cpu *c);
/* This CPU looks again at whom it runs before the next entry. */
void sched_look_again(struct cpu *c);
/* The running vCPU gives way to others. */
void sched_yield(void);
/* A one-shot timer or a poll deadline of the current vCPU was set. */
void sched_deadline(u64 ns);
/* A real guest's vCPU, which the current vCPU runs, has a deadline_tsc. */
void sched_guest_deadline(const struct vcpu *guest);

#endif
