// SPDX-License-Identifier: GPL-2.0-or-later
/* A scanner for JSON (RFC 8259): enough for QMP's answers, safe for any text. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 64

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (!*p || (unsigned char)*p < 0x20)
			return NULL;
	}
	return p + 1;
}

static const char *skip(const char *p, unsigned int depth);

/* The elements of an object or array, up to and with `close`. */
static const char *skip_elements(const char *p, char close, unsigned int depth)
{
	p = skip_space(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = skip_space(p);
			p = *p == '"' ? skip_string(p) : NULL;
			p = p ? skip_space(p) : NULL;
			if (!p || *p++ != ':')
				return NULL;
		}
		p = skip(skip_space(p), depth);
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *skip(const char *p, unsigned int depth)
{
	size_t length;

	if (depth == DEPTH_MOST)
		return NULL;
	switch (*p) {
	case '"':
		return skip_string(p);
	case '{':
		return skip_elements(p, '}', depth + 1);
	case '[':
		return skip_elements(p, ']', depth + 1);
	default:
		length = strspn(p, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
		return length ? p + length : NULL;
	}
}

const char *json_end(const char *value)
{
	return value ? skip(value, 0) : NULL;
}

const char *json_value(const char *text)
{
	const char *value = text ? skip_space(text) : NULL, *end = json_end(value);

	return end && !*skip_space(end) ? value : NULL;
}

const char *json_member(const char *object, const char *key)
{
	const char *p = object, *name;
	size_t length = strlen(key);

	if (!json_end(object) || *object != '{')
		return NULL;
	p = skip_space(p + 1);
	while (*p == '"') {
		name = p + 1;
		p = skip_string(p);
		/* Names that hold escapes are not looked for. */
		bool found = (size_t)(p - 1 - name) == length && !strncmp(name, key, length);

		p = skip_space(skip_space(p) + 1);
		if (found)
			return p;
		p = skip_space(json_end(p));
		if (*p == ',')
			p = skip_space(p + 1);
	}
	return NULL;
}

const char *json_first(const char *array)
{
	const char *p;

	if (!json_end(array) || *array != '[')
		return NULL;
	p = skip_space(array + 1);
	return *p == ']' ? NULL : p;
}

const char *json_next(const char *item)
{
	const char *p = json_end(item);

	p = p ? skip_space(p) : NULL;
	return p && *p == ',' ? skip_space(p + 1) : NULL;
}

static char *put_utf8(char *to, unsigned long code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

char *json_string(const char *value)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *end = json_end(value), *found;
	char *text, *to, digits[5] = "";

	if (!end || *value != '"')
		return NULL;
	text = to = malloc((size_t)(end - value)); /* no escape grows */
	for (value++; text && value < end - 1; value++) {
		if (*value != '\\') {
			*to++ = *value;
			continue;
		}
		value++;
		found = strchr(escapes, *value);
		if (found) {
			*to++ = meant[found - escapes];
		} else if (*value == 'u' && end - value > 5) {
			memcpy(digits, value + 1, 4);
			to = put_utf8(to, strtoul(digits, NULL, 16));
			value += 4;
		}
	}
	if (text)
		*to = 0;
	return text;
}

bool json_u64(const char *value, uint64_t *number)
{
	char *end;

	if (!value || *value < '0' || *value > '9')
		return false;
	*number = strtoull(value, &end, 10);
	return end == json_end(value);
}

char *json_quote(const char *text)
{
	char *quoted = NULL;
	size_t size;
	FILE *file = open_memstream(&quoted, &size);

	if (!file)
		return NULL;
	fputc('"', file);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(file, "\\u%04x", (unsigned int)(unsigned char)*text);
		else
			fputc(*text, file);
	fputc('"', file);
	if (fclose(file)) {
		free(quoted);
		return NULL;
	}
	return quoted;
}
