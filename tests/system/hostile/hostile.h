/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Program of the system tests dom0-hostile, pvh-hostile and pair-hostile: does in dom0, or in a guest, what an
 * attacker there would do.  One file per kind of attack; each says on its last line how much it tried, and every surprise on a line of its own that begins with
 * "WRONG".  It must survive itself: what would only hurt dom0 is left out, with the reason beside it.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile_kernel.h"

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

/* ---- basics.c ---- */
#define CORE_START \
	0x30000000ull	     /* the core's first byte (boot/main.c) and the pages that follow it */
#define CORE_LATE 0x37000ull /* a frame near its end, on the bed's 4 GiB: it keeps 118 MiB */
#define APIC_PAGE 0xfee00000ull
#define PAGE	  4096ull

u64 random_word(void);
u64 random_below(u64 n);
void random_seed(u64 seed);

/* Result of a hypercall: 0 and up, or a negative error number. */
long call5(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e);
#define call(nr, a, b, c) call5(nr, (u64)(a), (u64)(b), (u64)(c), 0, 0)

/* One thing at ring 0, by the kernel module; true when the processor refused it. */
bool kernel_does(struct hostile *h);
bool kernel_instruction(u32 what, u64 rax, u64 rcx, u64 rdx);
bool msr_read(u32 index, u64 *value);
bool msr_write(u32 index, u64 value);

/* Something was not as it must be. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern u64 wrongs;

/* Memory of this program: mapped and writable; a page that cannot be written; its pages that are not there. */
#define ARENA (16 * PAGE)
extern u8 *arena;
extern u8 *read_only;
extern u8 *list; /* a page that no call's result runs into, nothing behind it */

struct pointer {
	u64 address;
	const char *what;
	bool readable; /* bad only for writing to */
};
extern struct pointer bad[];
extern unsigned int nr_bad;
void memory_prepare(void);
/* From here on this program runs on CPU 0 alone. */
void stay_on_first_cpu(void);
/* A physical page in this program, by /dev/mem; NULL when the kernel does not give it. */
void *physical_map(u64 address);

/* Asks the core for its invariant; what it says is in its log. */
void invariant_ask(void);
/* dom0's one-shot timer may have been moved or stopped: at once, so that Linux sets it anew. */
void timer_repair(void);

/* This program runs in a PVH guest, whose number it is; 0: in dom0.  Hypercalls then go by the kernel module. */
extern u16 in_guest;

/* ---- neighbours.c: in a domain without rights over others ---- */
extern u64 guest_calls; /* made so far */
long guest_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e);
void guest_refused(const char *what, u64 number, long result); /* must be an error */
u16 guest_self(void);
void attack_neighbours(u16 self, u16 partner);

/* Domains that the attacks made. */
#define VICTIM	900u
#define VICTIMS 8u
long victim_make(u32 id);
void victims_destroy(void);

/* ---- errors.c, nested.c: hypercall nr, operation op, with that pointer ---- */
void expect_fault(const struct pointer *p, u64 nr, u64 op, long result);
void nested_pointers(const struct pointer *p); /* VICTIM is there */

/* ---- the attacks ---- */
void attack_errors(void);
void attack_pointers(void);
void attack_mappings(void);
void attack_random(u64 calls);
void attack_msrs(u64 writes);
void attack_ports(void);
void attack_memory(void);
void attack_instructions(void);
void attack_interrupts(void);
void attack_end(const char *how);
/* Not in dom0: in a fidelity domain, in a real guest, in a PVH guest. */
void attack_fidelity(u64 calls);
void attack_fidelity_end(void);
bool attack_guest(const char *what, u64 count); /* false: not its to do */

#endif
