/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame around a fuzzed world: before each input all static data of the world is put back to what
 * it was after fuzz_prepare(), and at the end it says how many steps were made.  The build renames the
 * data sections of the world's object file, so that they have a begin and an end.
 */
#include "fuzz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern char __start_world_data[], __stop_world_data[], __start_world_bss[], __stop_world_bss[];

static unsigned long steps, tried[256], succeeded[256];

void fuzz_count(unsigned int kind, bool success)
{
	steps++;
	tried[kind]++;
	succeeded[kind] += success;
}

static void report(void)
{
	unsigned int kinds = 0, useful = 0;

	for (unsigned int i = 0; i < 256; i++) {
		kinds += tried[i] != 0;
		useful += succeeded[i] != 0;
		if (tried[i] && getenv("FUZZ_TELL"))
			fprintf(stderr, "kind %3u: %lu of %lu succeeded\n", i, succeeded[i],
				tried[i]);
	}
	fprintf(stderr, "fuzz: %lu steps, %u kinds, %u of them succeeded at least once\n", steps,
		kinds, useful);
}

/* The world's redzones are written too: not by the sanitizer's memcpy. */
__attribute__((no_sanitize("address"))) static void copy(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

struct kept {
	char *start;
	size_t size;
	char *copy;
};

static struct kept keep(char *start, const char *stop)
{
	struct kept k = { start, (size_t)(stop - start), malloc((size_t)(stop - start) + 1) };

	if (!k.copy)
		abort();
	copy(k.copy, start, k.size);
	return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kept kept[2];

	if (!kept[0].copy) {
		fuzz_prepare();
		kept[0] = keep(__start_world_data, __stop_world_data);
		kept[1] = keep(__start_world_bss, __stop_world_bss);
		atexit(report);
	} else {
		for (int i = 0; i < 2; i++)
			copy(kept[i].start, kept[i].copy, kept[i].size);
	}
	fuzz_input(data, size);
	return 0;
}
