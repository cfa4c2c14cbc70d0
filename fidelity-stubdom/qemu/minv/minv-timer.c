/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer, taken from QEMU's main loop: while the guest runs, its deadline goes to the core with
 * the run call and it fires in the vCPU's own thread.  That saves two threads' switches at every tick.  While
 * the vCPU waits, the main loop wakes it.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/i386/apic_internal.h"
#include "minv-int.h"

static QEMUTimerList *list(CPUState *cpu)
{
	return cpu->accel->timers.tl[QEMU_CLOCK_VIRTUAL];
}

/* The first timer of the list is another one now. */
static void changed(void *opaque, QEMUClockType type)
{
	CPUState *cpu = opaque;

	/* Our own thread looks before every run. */
	if (!qemu_cpu_is_self(cpu))
		qemu_cpu_kick(cpu);
}

static void woken(void *opaque)
{
	timerlist_run_timers(list(opaque));
}

void minv_timer_init(CPUState *cpu)
{
	AccelCPUState *accel = cpu->accel;
	QEMUTimer *timer = APIC_COMMON(X86_CPU(cpu)->apic_state)->timer;
	QEMUTimerCB *callback = timer->cb;
	void *opaque = timer->opaque;
	int64_t expires = timer_pending(timer) ? (int64_t)timer_expire_time_ns(timer) : -1;

	timerlistgroup_init(&accel->timers, changed, cpu);
	timer_del(timer);
	timer_deinit(timer);
	timer_init_full(timer, &accel->timers, QEMU_CLOCK_VIRTUAL, SCALE_NS, 0, callback, opaque);
	if (expires >= 0)
		timer_mod_ns(timer, expires);
	accel->wake = timer_new_ns(QEMU_CLOCK_VIRTUAL, woken, cpu);
}

/* Runs what has come, and has the core return when the next one comes. */
void minv_timer_before_run(CPUState *cpu)
{
	int64_t left = timerlist_deadline_ns(list(cpu));

	if (left == 0) {
		bql_lock();
		timerlist_run_timers(list(cpu));
		bql_unlock();
		left = timerlist_deadline_ns(list(cpu));
	}
	cpu->accel->state->deadline_tsc =
		left < 0 ? 0
			 : (uint64_t)cpu_get_host_ticks() +
				   muldiv64((uint64_t)left, minv_info.tsc_khz, 1000000);
}

/* The thread will sleep: until then by the main loop. */
void minv_timer_before_wait(CPUState *cpu)
{
	int64_t left = cpu->accel->wake ? timerlist_deadline_ns(list(cpu)) : -1;

	if (left >= 0)
		timer_mod_ns(cpu->accel->wake, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + left);
}

void minv_timer_after_wait(CPUState *cpu)
{
	if (cpu->accel->wake)
		timer_del(cpu->accel->wake);
}
