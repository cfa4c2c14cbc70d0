/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial line and the ring that keeps what was said; the end of the machine. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "types.h"

/* port: I/O base of a 16550, 0 none. */
void console_init(u16 port);
u16 console_port(void);
/* True when an input byte waits (polled at the core's timer: the line's interrupt stays unused). */
bool console_has_input(void);
void console_set_reboot(bool reboots);
bool console_reboots_on_panic(void);
/* Resets the machine, or halts for good. */
__noreturn void machine_end(bool reboots);

#endif
