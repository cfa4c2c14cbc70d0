/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer, taken from QEMU's main loop: while the guest runs, its deadline goes to the core with
 * the run call, and while the vCPU waits its thread sleeps no longer than that; it fires in that thread.  That
 * saves two threads' switches at every tick.
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
	accel->timer_taken = true;
}

/* Runs what has come; ns until the next one comes, negative: none will. */
int64_t minv_timer_run(CPUState *cpu)
{
	if (!cpu->accel->timer_taken)
		return -1;
	timerlist_run_timers(list(cpu));
	return timerlist_deadline_ns(list(cpu));
}

/* Runs what has come, and has the core return when the next one comes. */
void minv_timer_before_run(CPUState *cpu)
{
	int64_t left = timerlist_deadline_ns(list(cpu));

	if (left == 0) {
		bql_lock();
		left = minv_timer_run(cpu);
		bql_unlock();
	}
	cpu->accel->state->deadline_tsc =
		left < 0 ? 0
			 : (uint64_t)cpu_get_host_ticks() +
				   muldiv64((uint64_t)left, minv_info.tsc_khz, 1000000);
}

#define SOON_NS 20000

void minv_timer_return_soon(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	uint64_t soon =
		(uint64_t)cpu_get_host_ticks() + muldiv64(SOON_NS, minv_info.tsc_khz, 1000000);

	if (!state->deadline_tsc || state->deadline_tsc > soon)
		state->deadline_tsc = soon;
}
