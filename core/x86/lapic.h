/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The physical local APIC of this CPU, by its page or by MSR, and its one-shot timer. */
#ifndef LAPIC_H
#define LAPIC_H

#include "types.h"

/* The core's own vectors, all in the top class: what dom0's devices use never blocks them. */
#define VECTOR_TIMER	0xf1
#define VECTOR_KICK	0xf2
#define VECTOR_ERROR	0xfe
#define VECTOR_SPURIOUS 0xff

void lapic_init(void); /* on each CPU */
u32 lapic_id(void);
/* Driven by MSR, not by memory. */
bool lapic_by_msr(void);
/* An interrupt message to one CPU: a vector, ICR_INIT, or ICR_STARTUP with the page to start at. */
void lapic_send(u32 apic_id, u32 command);
#define ICR_INIT    0x500u
#define ICR_STARTUP 0x600u
void lapic_eoi(void);
bool lapic_level(u8 vector); /* TMR bit */
bool lapic_in_service(u8 vector);
int lapic_highest_in_service(void); /* -1 none */
/* Counts ticks for the calibration; then the timer takes ns. */
void lapic_timer_start(u32 count);
u32 lapic_timer_left(void);

#endif
