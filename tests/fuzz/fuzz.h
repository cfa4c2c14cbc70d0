/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzzed world (fuzz_*.c) gives to the frame (fuzz.c), and what it can ask of it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>

/* Called once: builds the world that every input starts from. All of its state is in static data. */
void fuzz_prepare(void);
/* One input, in a world as fuzz_prepare() left it. */
void fuzz_input(const unsigned char *data, size_t size);

/* A step was made; success: it did something. kind < 256 names the sort of step. */
void fuzz_count(unsigned int kind, bool success);

#endif
