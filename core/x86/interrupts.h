/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's own descriptor tables, exceptions and interrupt windows. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "types.h"

void descriptors_init(void);
/* Both leave IF=0. The vector that came in is in interrupt_taken, -1 when none did. */
void interrupt_window(void);
void idle_window(void);
extern int interrupt_taken;
/* NMIs seen by the core since boot. */
extern u32 nmi_taken;

#endif
