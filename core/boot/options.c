/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: names and forms are Xen's, so that what an administrator knows
 * holds.  A wrong value stops the boot, since it may be the one that matters.
 */
#include "boot/options.h"

#include "lib.h"

#define WORD_MAX 128
#define COM1	 0x3f8
#define COM2	 0x2f8
#define LCR_8N1	 0x03

struct options options;

/* Moves *text behind a number; false when there is none, or when it is above max. */
static bool take_number(const char **text, u64 max, u64 *to)
{
	const char *p = *text;
	u32 base = 10;
	u64 v = 0;

	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	*text = p;
	for (;; p++) {
		u32 digit = *p >= '0' && *p <= '9'		   ? (u32)(*p - '0')
			    : base == 16 && *p >= 'a' && *p <= 'f' ? (u32)(*p - 'a') + 10
								   : 16;

		if (digit >= base)
			break;
		if (v > (max - digit) / base)
			return false;
		v = v * base + digit;
	}
	*to = v;
	if (p == *text)
		return false;
	*text = p;
	return true;
}

/* Xen's sizes: kilobytes when there is no suffix. */
static bool take_size(const char **text, u64 *bytes)
{
	static const char suffixes[] = "BKMGT";
	u32 shift = 10;

	if (!take_number(text, ~0ull, bytes))
		return false;
	for (u32 i = 0; suffixes[i]; i++)
		if (**text == suffixes[i] || **text == suffixes[i] + ('a' - 'A')) {
			shift = i * 10;
			(*text)++;
			break;
		}
	if (*bytes > ~0ull >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

static bool take_amount(const char **text, struct amount *a)
{
	const char *p = *text;
	u64 n;

	*a = (struct amount){ .given = true };
	if (take_number(&p, 100, &n) && *p == '%') {
		a->percent = (u32)n;
		*text = p + 1;
		return true;
	}
	p = *text;
	if (*p == '-') {
		a->all_but = true;
		p++;
	}
	*text = p;
	return take_size(text, &a->bytes);
}

u64 amount_of(const struct amount *a, u64 whole)
{
	if (!a->given)
		return whole;
	if (a->percent)
		return whole / 100 * a->percent;
	if (a->all_but)
		return a->bytes < whole ? whole - a->bytes : 0;
	return a->bytes;
}

/* Skips word, when that is what comes. */
static bool take_word(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*text, word, n))
		return false;
	*text += n;
	return true;
}

static bool read_dom0_mem(const char *v, void *to)
{
	struct dom0_mem *mem = to;

	do {
		struct amount *a = take_word(&v, "min:")   ? &mem->min
				   : take_word(&v, "max:") ? &mem->max
							   : &mem->wanted;

		if (!take_amount(&v, a))
			return false;
	} while (take_word(&v, ","));
	return !*v;
}

static bool read_dom0_vcpus(const char *v, void *to)
{
	u64 min, max;

	if (!take_number(&v, 1024, &min))
		return false;
	max = min;
	if (take_word(&v, "-") && !take_number(&v, 1024, &max))
		return false;
	*(u32 *)to = (u32)max;
	return !*v && min && min <= max;
}

static bool read_console(const char *v, void *to)
{
	struct console_option named = { 0 };

	do {
		if (take_word(&v, "com1"))
			named.serial[0] = true;
		else if (take_word(&v, "com2"))
			named.serial[1] = true;
		else if (take_word(&v, "vga"))
			named.vga = true;
		else if (!take_word(&v, "none"))
			return false;
	} while (take_word(&v, ","));
	if (*v)
		return false;
	*(struct console_option *)to = named;
	return true;
}

/* Data bits, parity, stop bits: 8n1. */
static bool take_format(const char **v, u8 *format)
{
	static const char parities[] = "noems"; /* 0, then the odd numbers */
	const char *p = *v;

	if (p[0] < '5' || p[0] > '8' || !p[1] || (p[2] != '1' && p[2] != '2'))
		return false;
	for (u32 i = 0; parities[i]; i++)
		if (p[1] == parities[i]) {
			*format = (u8)((u32)(p[0] - '5') | (u32)(p[2] - '1') << 2 |
				       (i ? 2 * i - 1 : 0) << 3);
			*v += 3;
			return true;
		}
	return false;
}

/* <baud>|auto[,<format>[,<port>[,<interrupt>]]]: the line is polled, its interrupt has no effect. */
static bool read_serial(const char *v, void *to)
{
	struct serial_option *s = to;
	u64 n = 0;

	if (!take_word(&v, "auto")) {
		if (!take_number(&v, 115200, &n) || !n || 115200 % n)
			return false;
		s->baud = (u32)n;
	} else {
		s->baud = 0;
	}
	if (take_word(&v, ",") && *v != ',' && *v && !take_format(&v, &s->format))
		return false;
	if (take_word(&v, ",") && *v != ',' && *v) {
		if (!take_number(&v, 0xfff8, &n) || !n)
			return false;
		s->port = (u16)n;
	}
	return (!take_word(&v, ",") || take_number(&v, 255, &n)) && !*v;
}

static bool take_level(const char **v, u32 *level)
{
	static const char *const names[] = { "none", "error", "warning", "info", "debug" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (take_word(v, names[i])) {
			*level = i;
			return true;
		}
	*level = ARRAY_SIZE(names) - 1;
	return take_word(v, "all");
}

/* <level>[/<level>]: Xen prints what lies between the two at a limited rate; here all of it is printed. */
static bool read_level(const char *v, void *to)
{
	u32 level;

	if (!take_level(&v, &level) || (take_word(&v, "/") && !take_level(&v, &level)) || *v)
		return false;
	*(u32 *)to = level;
	return true;
}

/* The bare word, or yes|no behind it. */
static bool read_switch(const char *v, void *to)
{
	static const char *const words[] = {
		"", "yes", "on", "true", "1", "no", "off", "false", "0"
	};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(v, words[i])) {
			*(bool *)to = i < 5; /* the words for yes */
			return true;
		}
	return false;
}

static const struct {
	const char *name;
	bool (*read)(const char *value, void *to);
	void *to;
	const char *right;
} known[] = {
	{ "dom0_mem", read_dom0_mem, &options.dom0_mem,
	  "sizes such as 1536M, 2G, -1G (all but 1G) or 50%, each also behind min: or max:, "
	  "divided by commas" },
	{ "dom0_max_vcpus", read_dom0_vcpus, &options.dom0_vcpus_max,
	  "a number, or two such as 1-4" },
	{ "console", read_console, &options.console,
	  "one or more of com1, com2, vga and none, divided by commas" },
	{ "com1", read_serial, &options.serial[0],
	  "such as 115200, or auto,8n1, or 115200,8n1,0x3f8" },
	{ "com2", read_serial, &options.serial[1],
	  "such as 115200, or auto,8n1, or 115200,8n1,0x2f8" },
	{ "loglvl", read_level, &log_levels[0], "none, error, warning, info, debug or all" },
	{ "guest_loglvl", read_level, &log_levels[1], "none, error, warning, info, debug or all" },
	{ "noreboot", read_switch, &options.noreboot, "nothing, yes or no" },
	{ "seal", read_switch, &options.seals, "nothing, yes or no" },
};

/* word: name or name=value. Returns the entry, ~0u when there is none; *value is "" for a bare name. */
static u32 find(char *word, const char **value)
{
	char *p = word;

	while (*p && *p != '=')
		p++;
	*value = *p ? p + 1 : p;
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == (size_t)(p - word) &&
		    !strncmp(word, known[i].name, (size_t)(p - word)))
			return i;
	return ~0u;
}

bool options_read(const char *line, char *why, size_t size)
{
	bool good = true;

	options = (struct options){ .console = { .serial = { true }, .vga = true },
				    .serial = { { COM1, LCR_8N1, 115200 },
						{ COM2, LCR_8N1, 115200 } },
				    .seals = true };
	while (*line) {
		char word[WORD_MAX];
		const char *value;
		size_t n = 0;
		u32 i;

		for (; *line && *line != ' '; line++)
			if (n < sizeof(word) - 1)
				word[n++] = *line;
		word[n] = 0;
		while (*line == ' ')
			line++;
		if (!n)
			continue;
		i = find(word, &value);
		if (i == ~0u) {
			/* Said, not ignored: it may be a mistyped one that matters. */
			printk(LOG_WARNING "option %s is not known and has no effect\n", word);
		} else if (!known[i].read(value, known[i].to) && good) {
			good = false;
			format_string(why, size, "option %s is not understood: give %s", word,
				      known[i].right);
		}
	}
	return good;
}
