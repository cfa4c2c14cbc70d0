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

/* Levels, as a prefix of printk()'s format: loglvl= filters those of the core, guest_loglvl= (_G_) those that a
 * domain causes. Text without one is always said: answers, last words. */
#define LOG_ERROR \
	"\x01"    \
	"1"
#define LOG_WARNING \
	"\x01"      \
	"2"
#define LOG_INFO \
	"\x01"   \
	"3"
#define LOG_DEBUG \
	"\x01"    \
	"4"
#define LOG_G_ERROR \
	"\x02"      \
	"1"
#define LOG_G_WARNING \
	"\x02"        \
	"2"
#define LOG_G_DEBUG \
	"\x02"      \
	"4"
/* level: 0 nothing, else the number of the last level that is said. */
void log_level_set(bool guests, u32 level);

/* %d %u %x %lx %lu %ld %llu %llx %s %c %p %%, with width and 0 flag. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The rest of a line: no prefix, no level. */
void printk_more(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t format_string(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_list(char *to, size_t size, const char *format, va_list args);
/* Last resort: prints the reason and the registers, then halts or reboots (command line). */
__noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What the machine, its loader or the command line lacks: says so, and halts. A reboot would come to the same. */
__noreturn void cannot_start(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text of a domain or of the core into ring and serial line; no level, no prefix. */
void console_write(const char *text, size_t n);
/* One input byte, -1 none. */
int console_read(void);
/* Copies at most size bytes of the ring from *index on; advances *index. */
size_t console_ring_read(u32 *index, char *to, size_t size);
/* Forgets what lies before an index that console_ring_read() has advanced. */
void console_ring_clear(u32 index);

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
