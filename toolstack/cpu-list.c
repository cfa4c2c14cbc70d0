// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads lists of CPUs. */
#include "cpu-list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void set_range(uint8_t *bits, size_t size, unsigned long from, unsigned long to, bool on)
{
	unsigned long i;

	for (i = from; i <= to && i < size * 8; i++)
		if (on)
			bits[i / 8] |= (uint8_t)(1u << i % 8);
		else
			bits[i / 8] &= (uint8_t) ~(1u << i % 8);
}

/* A number, NULL when there is none. */
static const char *read_number(const char *p, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*p))
		return NULL;
	*number = strtoul(p, &end, 10);
	return end;
}

/* One item: "all", N, N-M, each with ^ before it to take away. */
static const char *read_item(const char *p, uint8_t *bits, size_t size)
{
	unsigned long from = 0, to = ~0ul;
	bool on = *p != '^';

	p += !on;
	if (!strncmp(p, "all", 3)) {
		p += 3;
	} else {
		p = read_number(p, &from);
		to = from;
		if (p && *p == '-')
			p = read_number(p + 1, &to);
		if (!p || to < from)
			return NULL;
	}
	set_range(bits, size, from, to, on);
	return p;
}

bool cpus_read(const char *text, unsigned int vcpu, uint8_t *bits, size_t size)
{
	const char *p = text, *next;
	size_t i;

	for (; vcpu && (next = strchr(p, '/')); vcpu--)
		p = next + 1;
	memset(bits, 0, size);
	if (*p == '^') /* all but these */
		set_range(bits, size, 0, ~0ul, true);
	for (;;) {
		p = read_item(p + strspn(p, " \t"), bits, size);
		if (!p)
			return false;
		p += strspn(p, " \t");
		if (*p != ',')
			break;
		p++;
	}
	for (i = 0; i < size && !bits[i]; i++)
		;
	return (!*p || *p == '/') && i < size;
}
