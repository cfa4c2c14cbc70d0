/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop: whom to run, what to inject, where each exit goes. */
#ifndef CORE_EXIT_H
#define CORE_EXIT_H

#include "x86/percpu.h"

/* Of each CPU; ends never. */
__noreturn void main_loop(struct cpu *c);

#endif
