/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nanoseconds since core boot, and the one-shot timer of this CPU. */
#ifndef TIME_H
#define TIME_H

#include "types.h"

void time_init(void); /* after lapic_init(); interrupts off */
u64 now_ns(void);
u64 rdtsc_now(void);
u64 tsc_to_ns(u64 delta);
/* Fixed once booted: ns = (TSC - tsc_at_boot << shift) * mul >> 32 */
extern struct clock {
	u64 tsc_at_boot, khz;
	u32 mul;
	s32 shift;
} core_clock;
extern u64 wallclock_base; /* UTC seconds at system_time 0 */
/* VECTOR_TIMER at that time; at once when it is past; 0 stops. Never later than 2 s from now. */
void timer_arm(u64 deadline_ns);

#endif
