/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer types and the few compiler words that every floor of the core uses. */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define __must_check  __attribute__((warn_unused_result))
#define __packed      __attribute__((packed))
#define __aligned(n)  __attribute__((aligned(n)))
#define __noreturn    __attribute__((noreturn))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE     4096ull
#define PAGE_SHIFT    12

#endif
