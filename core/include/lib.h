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
#define LOG_ERROR     "\0011"
#define LOG_WARNING   "\0012"
#define LOG_INFO      "\0013"
#define LOG_DEBUG     "\0014"
#define LOG_G_ERROR   "\0021"
#define LOG_G_WARNING "\0022"
#define LOG_G_DEBUG   "\0024"
/* Of the core, of what domains cause: 0 nothing, else the number of the last level that is said. */
extern u32 log_levels[2];

/* %d %u %x %lx %lu %ld %llu %llx %s %c %p %%, with width and 0 flag. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The rest of a line: no prefix, no level. */
void printk_more(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t format_string(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_list(char *to, size_t size, const char *format, va_list args);
/* Last resort: prints the reason and the registers, then halts or reboots (command line). */
#define panic(...) (panic_reason(__VA_ARGS__), panic_here())
void panic_reason(const char *format, ...) __attribute__((format(printf, 1, 2)));
__noreturn void panic_here(void);
/* What the machine, its loader or the command line lacks: says so, and halts. A reboot would come to the same. */
#define cannot_start(format, ...) \
	(printk("cannot start: " format "\n", ##__VA_ARGS__), machine_end(false))
/* Resets the machine, or halts for good. */
__noreturn void machine_end(bool reboots);

/* Text of a domain or of the core into ring and serial line; no level, no prefix. */
void console_write(const char *text, size_t n);
/* One input byte, -1 none. */
int console_read(void);
/* Copies at most size bytes of the ring from *index on; advances *index. */
size_t console_ring_read(u32 *index, char *to, size_t size);
/* Forgets what lies before an index that console_ring_read() has advanced. */
void console_ring_clear(u32 index);

#define offset_of(type, member) __builtin_offsetof(type, member)
static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}
static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()	 __asm__ volatile("" ::: "memory")

#endif
