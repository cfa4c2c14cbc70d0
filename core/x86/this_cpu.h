/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of the CPU that asks.  A file of its own: the unit tests have another. */
#ifndef THIS_CPU_H
#define THIS_CPU_H

#include "x86/percpu.h"

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("movq %%gs:0, %0" : "=r"(c));
	return c;
}

#endif
