/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a C program takes from its library, as little as the core needs: memory
 * and string primitives, printing, panic.  x86/console.c and x86/lib.c define it.
 */
#ifndef LIB_H
#define LIB_H

#include <stdarg.h>

#include "types.h"

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* %d %u %x %lx %lu %ld %llu %llx %s %c %p %%, with width and 0 flag. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t format_string(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_list(char *to, size_t size, const char *format, va_list args);
/* Last resort: prints the reason and the registers, then halts or reboots (command line). */
__noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text of a domain or of the core into ring and serial line; no level, no prefix. */
void console_write(const char *text, size_t n);
/* One input byte, -1 none. */
int console_read(void);
/* Copies at most size bytes of the ring from *index on; advances *index. */
size_t console_ring_read(u32 *index, char *to, size_t size);
void console_ring_clear(void);

#define offset_of(type, member) __builtin_offsetof(type, member)
#define min_u64(a, b)                   \
	({                              \
		u64 a_ = (a), b_ = (b); \
		a_ < b_ ? a_ : b_;      \
	})
#define max_u64(a, b)                   \
	({                              \
		u64 a_ = (a), b_ = (b); \
		a_ > b_ ? a_ : b_;      \
	})

#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()	 __asm__ volatile("" ::: "memory")

#endif
