/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a configuration file while it is read, and messages that name its lines. */
#ifndef DIPTYCH_SOURCE_H
#define DIPTYCH_SOURCE_H

#include <stdio.h>

#include <libxlutil.h>

struct source {
	const char *name;
	const char *text; /* NUL at the end */
	XLU_Config *config;
	FILE *report; /* errors, one a line; libxlutil writes here too */
	FILE *notes;  /* warnings */
	unsigned int errors;
};

/* Line of the (last) assignment to `key`; of the text `item` in it, when that is not NULL.  0: not
 * there. */
unsigned int source_line(const struct source *source, const char *key, const char *item);

/* Calls `each` with the key of every assignment, in order; text inside brackets and strings is none. */
void source_keys(const struct source *source,
		 void (*each)(void *user, const char *key, unsigned int line), void *user);

/* Writes "name:line: key: text"; without the line where there is none. */
void source_error(struct source *source, const char *key, const char *item, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void source_note(struct source *source, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
