// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the line of a setting: libxlutil knows it but tells only in messages of its own. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "source.h"

/* Whether the line at `p` assigns to `key`. */
static int assigns(const char *p, const char *key)
{
	size_t length = strlen(key);

	p += strspn(p, " \t");
	if (strncmp(p, key, length))
		return 0;
	p += length;
	p += strspn(p, " \t");
	return *p == '=' || (p[0] == '+' && p[1] == '=');
}

unsigned int source_line(const struct source *source, const char *key, const char *item)
{
	const char *p = source->text, *found, *next;
	unsigned int line = 1, result = 0;

	for (; p; p = next ? next + 1 : NULL, line++) {
		next = strchr(p, '\n');
		if (!assigns(p, key))
			continue;
		result = line;
		if (!item)
			continue;
		found = strstr(p, item);
		if (!found)
			continue;
		for (; p < found; p++)
			result += *p == '\n';
		return result;
	}
	return result;
}

/* Past one character, string or comment at depth `*depth` of brackets. */
static const char *skip_one(const char *p, int *depth)
{
	const char *end;

	if (*p == '"' || *p == '\'') {
		for (end = p + 1; *end && *end != *p && *end != '\n'; end++)
			if (*end == '\\' && end[1])
				end++;
		return *end == *p ? end + 1 : end;
	}
	if (*p == '#')
		return p + strcspn(p, "\n");
	*depth += (*p == '[') - (*p == ']');
	return p + 1;
}

void source_keys(const struct source *source,
		 void (*each)(void *user, const char *key, unsigned int line), void *user)
{
	const char *p = source->text, *next;
	unsigned int line = 1;
	bool fresh = true; /* a setting can begin here */
	int depth = 0;
	char key[64];
	size_t length;

	for (; *p; p = next) {
		next = skip_one(p, &depth);
		length = 0;
		while (fresh && (isalnum((unsigned char)p[length]) || p[length] == '_'))
			length++;
		if (length && length < sizeof(key) && !depth) {
			memcpy(key, p, length);
			key[length] = 0;
			if (assigns(p, key))
				each(user, key, line);
			next = p + length;
		}
		fresh = !depth && (*p == '\n' || *p == ';' || (fresh && (*p == ' ' || *p == '\t')));
		line += *p == '\n';
	}
}

static void write_line(FILE *to, const struct source *source, const char *key, const char *item,
		       const char *format, va_list args)
{
	unsigned int line = source_line(source, key, item);

	fprintf(to, "%s:", source->name);
	if (line)
		fprintf(to, "%u:", line);
	fprintf(to, " %s: ", key);
	vfprintf(to, format, args);
	fputc('\n', to);
}

void source_error(struct source *source, const char *key, const char *item, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(source->report, source, key, item, format, args);
	va_end(args);
	source->errors++;
}

void source_note(struct source *source, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(source->notes, source, key, NULL, format, args);
	va_end(args);
}
