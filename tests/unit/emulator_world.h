/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instruction emulator with guest memory of its own, and a copy on which the processor executes the same. */
#define _GNU_SOURCE /* memfd_create, before any header */
#include "../../fidelity-stubdom/emulator/decode.c"
#undef R
#undef W
#undef RW
#undef REG
#undef BREG
#undef NONE
#include "../../fidelity-stubdom/emulator/vex.c"
#include "../../fidelity-stubdom/emulator/string.c"
#include "../../fidelity-stubdom/emulator/execute.c"
#include <check.h>
#include <stdio.h>

#define WINDOW 4096 /* bytes of guest memory: linear addresses of the emulator are the test's own */

static uint8_t *code_write, *code_execute;
static uint8_t *memory, *shadow; /* the processor's and the emulator's */
static uint64_t seed;
static struct emulator emulator;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static bool in_window(uint64_t linear, unsigned int size)
{
	return linear >= (uintptr_t)memory && linear + size <= (uintptr_t)memory + WINDOW;
}

static bool read_memory(void *opaque, uint64_t linear, void *data, unsigned int size)
{
	(void)opaque;
	if (!in_window(linear, size))
		return false;
	memcpy(data, shadow + (linear - (uintptr_t)memory), size);
	return true;
}

static bool write_memory(void *opaque, uint64_t linear, const void *data, unsigned int size)
{
	(void)opaque;
	if (!in_window(linear, size))
		return false;
	memcpy(shadow + (linear - (uintptr_t)memory), data, size);
	return true;
}

static void emulator_world(void)
{
	int fd = memfd_create("test", 0);

	seed = 88172645463325252ull;
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	code_write = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code_execute = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	/* Below 2 GiB, so that forms with a 32-bit address reach it too. */
	memory = mmap((void *)0x20000000, WINDOW, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	shadow = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED && shadow != MAP_FAILED && code_write != MAP_FAILED &&
		  code_execute != MAP_FAILED);
	memset(&emulator, 0, sizeof(emulator));
	ck_assert(emulator_init(&emulator));
	emulator.code_bits = emulator.stack_bits = 64;
	emulator.read = read_memory;
	emulator.write = write_memory;
}
