/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking into JSON text without copying it.  A value is a pointer to its first character; NULL is
 * "no such value" and goes through every function.  The text is a stranger's: what is not JSON ends
 * in NULL, depth is limited.
 */
#ifndef DIPTYCH_JSON_H
#define DIPTYCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *json_value(const char *text); /* its one value; NULL when it is not JSON */
const char *json_end(const char *value);  /* behind it */
const char *json_member(const char *object, const char *key);
/* An array's elements, one after the other. */
const char *json_first(const char *array);
const char *json_next(const char *item);
char *json_string(const char *value); /* by malloc, UTF-8; NULL when it is no string */
bool json_u64(const char *value, uint64_t *number);

/* `text` as a JSON string with its quotes, by malloc. */
char *json_quote(const char *text);

#endif
