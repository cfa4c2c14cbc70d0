/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's own descriptor tables, exceptions and interrupt windows. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "x86/percpu.h"

/* Loads this CPU's tables, and GS with its record: this_cpu() works from here on. */
void descriptors_init(struct cpu *cpu);
/* Both leave IF=0. The vector that came in is in this_cpu()->interrupt_taken, -1 when none did. */
void interrupt_window(void);
void idle_window(void);

#endif
