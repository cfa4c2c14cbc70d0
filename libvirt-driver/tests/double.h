/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world of the doubles: see double.c. */
#ifndef DOUBLE_H
#define DOUBLE_H

#include <stdbool.h>
#include <stdio.h>

bool is_there(const char *name); /* a file of the world */
void path_in_world(char path[512], const char *name);
/* Appends a line to a file of the world, for the test to look at. */
void tell(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
