/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Markers: instructions that do nothing on any processor and that counter.c sees.
 * nopl D(%rax,%rax) with a D that no compiler makes; its lower half is the number.
 */
#ifndef BENCH_MARKERS_H
#define BENCH_MARKERS_H

#define MARKER_MAGIC 0x44490000

#ifndef __ASSEMBLER__
#define MARK_STRING(x) #x
#define MARK_BYTES(magic, number) \
	".byte 0x0f, 0x1f, 0x84, 0x00; .long " MARK_STRING(magic) " + " MARK_STRING(number)
#define MARK(number) __asm__ volatile(MARK_BYTES(0x44490000, number) : : : "memory")
#endif

/* What a marker's number says. */
#define MARK_SHELL 1 /* dom0's first program runs */
#define MARK_BEGIN 2 /* one repetition of the row that was named last */
#define MARK_END   3
#define MARK_ROW   16 /* + the row's number in probe.c */
#define MARK_ROWS  16

#endif
