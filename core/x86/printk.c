/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted text: the conversions and levels that lib.h lists. */
#include "lib.h"
#include "x86/console.h"

u32 log_levels[2] = { 3, 3 }; /* info */

struct sink {
	char *at, *end; /* end: last place, kept for the NUL */
};

static void put(struct sink *s, char c)
{
	if (s->at < s->end)
		*s->at++ = c;
}

static void put_number(struct sink *s, u64 v, u32 base, u32 width, char pad)
{
	char digits[24];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		put(s, pad);
	while (n)
		put(s, digits[--n]);
}

size_t format_list(char *to, size_t size, const char *f, va_list args)
{
	struct sink s = { to, to + size - 1 };

	for (; *f; f++) {
		u32 width = 0, longs = 0;
		char pad = ' ';
		u64 v;

		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		f++;
		if (*f == '0')
			pad = '0';
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (u32)(*f - '0');
		for (; *f == 'l' || *f == 'z'; f++)
			longs++;
		switch (*f) {
		case 'd': {
			s64 d = longs ? va_arg(args, s64) : va_arg(args, int);

			if (d < 0)
				put(&s, '-');
			put_number(&s, d < 0 ? -(u64)d : (u64)d, 10, width, pad);
			break;
		}
		case 'u':
		case 'x':
			v = longs ? va_arg(args, u64) : va_arg(args, unsigned int);
			put_number(&s, v, *f == 'x' ? 16 : 10, width, pad);
			break;
		case 'p':
			put_number(&s, (u64)va_arg(args, void *), 16, 16, '0');
			break;
		case 'c':
			put(&s, (char)va_arg(args, int));
			break;
		case 's': {
			const char *t = va_arg(args, const char *);

			for (; *t; t++)
				put(&s, *t);
			break;
		}
		case '%':
			put(&s, '%');
			break;
		default:
			put(&s, '?');
			break;
		}
		if (!*f)
			break;
	}
	*s.at = 0;
	return (size_t)(s.at - to);
}

size_t format_string(char *to, size_t size, const char *format, ...)
{
	va_list args;
	size_t n;

	va_start(args, format);
	n = format_list(to, size, format, args);
	va_end(args);
	return n;
}

void printk(const char *format, ...)
{
	static const char *const names[] = { "", "error: ", "warning: ", "", "" };
	char text[256];
	const char *name = "";
	va_list args;
	size_t n;

	if (format[0] == LOG_ERROR[0] || format[0] == LOG_G_ERROR[0]) {
		u32 level = (u32)(format[1] - '0');

		if (level > log_levels[format[0] == LOG_G_ERROR[0]])
			return;
		if (format[0] == LOG_ERROR[0])
			name = names[level];
		format += 2;
	}
	va_start(args, format);
	n = format_list(text, sizeof(text), format, args);
	va_end(args);
	console_write("(core) ", 7);
	console_write(name, strlen(name));
	console_write(text, n);
}

void printk_more(const char *format, ...)
{
	char text[256];
	va_list args;
	size_t n;

	va_start(args, format);
	n = format_list(text, sizeof(text), format, args);
	va_end(args);
	console_write(text, n);
}
