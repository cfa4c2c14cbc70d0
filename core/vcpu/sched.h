/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduler: who runs on this CPU, for how long, and what time makes due. */
#ifndef SCHED_H
#define SCHED_H

#include "vcpu/vcpu.h"

#define SLICE_NS 10000000ull

void sched_add(struct vcpu *v);
void sched_remove(struct vcpu *v);
struct vcpu *sched_first(void); /* all vCPUs that are scheduled, linked by all_next */
/* Something about v's runnability changed. */
void sched_changed(struct vcpu *v);
/* The vCPU to run now; NULL: idle. Accounts time, expires timers and polls, arms the timer. */
struct vcpu *sched_next(void);
/* The running vCPU gives way to others. */
void sched_yield(void);
/* A one-shot timer or a poll deadline was set. */
void sched_deadline(u64 ns);
/* A real guest's vCPU, which somebody runs, has a deadline_tsc. */
void sched_guest_deadline(const struct vcpu *guest);
extern bool sched_due; /* look again before the next entry */
u64 sched_idle_ns(void);

#endif
