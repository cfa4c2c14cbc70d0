/* SPDX-License-Identifier: GPL-2.0-or-later */
/* panic() in two parts, for one who has registers of its own to show between them. */
#ifndef PANIC_H
#define PANIC_H

#include "types.h"

/* Shows the calls whose return addresses lie from stack on, then resets or halts. */
__noreturn void panic_end(const u64 *stack);

#endif
