/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial lines, the text screen and the ring that keeps what was said; the end of the machine. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "types.h"

#define CONSOLE_LINES 2

/* Each gets first what the ring holds. port: I/O base of a 16550; baud: 0 as it is, else a divisor of 115200;
 * format: its line control register. */
void console_open_line(u16 port, u32 baud, u8 format);
/* text: the VGA's memory of 80 by 25 characters, mapped. Closed when dom0 gets it; returns the row it stopped in. */
void console_open_screen(u64 text);
u32 console_close_screen(void);
/* I/O base of an open line, 0 none. */
u16 console_port(u32 line);
/* True when an input byte waits (polled at the core's timer: the line's interrupt stays unused). */
bool console_has_input(void);
extern bool console_reboots; /* at a panic */

#endif
