/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's lock, kicks, and getting another CPU out of its guest. */
#ifndef SMP_H
#define SMP_H

#include "x86/percpu.h"

/*
 * The core's one lock, held whenever a CPU is neither in a guest nor asleep: all state of the core is
 * its.  First come, first served, so that no CPU starves.  What a CPU does between an exit and the lock
 * may touch only the vCPU that it ran and its own record.
 */
void core_lock(void);
void core_unlock(void);

/* The CPU takes the lock soon and looks again at what it does. */
void cpu_kick(struct cpu *c);
/* Returns once c, another CPU, is out of its guest; it does not come in again before the caller gives
 * up the lock. */
void cpu_force_out(struct cpu *c);
/* No translation that CPU c made before can be used any more once it is out (cpu_force_out). */
void cpu_flush(struct cpu *c);
/* Before this CPU leaves the lock for a guest, and once it is back. */
void cpu_enter_guest(struct cpu *c);
void cpu_leave_guest(struct cpu *c);
/* Gives up the lock until an interrupt or a kick. */
void cpu_sleep(struct cpu *c);
/* The machine ends: every other CPU stops at the lock. */
void cpus_stop(void);

#endif
