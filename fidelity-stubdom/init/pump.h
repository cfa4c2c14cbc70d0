/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes between a libxenvchan and a descriptor, both ways.  Used by init and, in dom0, by the toolstack. */
#ifndef PUMP_H
#define PUMP_H

struct libxenvchan;

/* Returns when either end has closed and what it had sent before has been passed on, or when `given_up` (may be NULL),
 * asked each second, says so.  Closes neither. */
void pump(struct libxenvchan *channel, int fd, int (*given_up)(void *user), void *user);

#endif
