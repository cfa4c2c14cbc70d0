/* SPDX-License-Identifier: GPL-2.0-or-later */
/* panic() in two parts, for one who has registers of its own to show between them. */
#ifndef PANIC_H
#define PANIC_H

#include "types.h"

/* Says why. A second call ends the machine: what was to be shown cannot be. */
void panic_reason(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Shows the calls whose return addresses lie from stack on, then resets or halts. */
__noreturn void panic_end(const u64 *stack);

#endif
