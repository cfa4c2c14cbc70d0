/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's extended state: x87, SSE and, where XSAVE is there, AVX.  Whose it is, vcpu/ knows.
 * XCR0 is not part of the control block: who enters a guest loads it.
 */
#ifndef XSTATE_H
#define XSTATE_H

#include "x86/percpu.h"

#define XCR0_X87 1ull
#define XCR0_SSE 2ull
#define XCR0_AVX 4ull

#define XSTATE_LEGACY 576 /* bytes: the FXSAVE image and the header */
#define XSTATE_AVX    256
#define XSTATE_SIZE   (XSTATE_LEGACY + XSTATE_AVX)

/* What XCR0 can be at most, 0 without XSAVE; the same on every CPU. */
extern u64 xstate_mask;

void xstate_init_cpu(struct cpu *c);
/* A value that a guest may load (APM 2, 11.5.2). Without XSAVE: 1, as it is after reset. */
bool xcr0_allowed(u64 value);
/* Bytes of an XSAVE image, standard format. */
u32 xstate_size(u64 xcr0);
/* area: XSTATE_SIZE bytes, aligned to 64; its first image is xstate_reset's, later ones are xstate_save's. */
void xstate_reset(u8 *area);
void xstate_save(struct cpu *c, u8 *area);
void xstate_load(struct cpu *c, const u8 *area);
void xcr0_write(struct cpu *c, u64 value);

static inline void xcr0_switch(struct cpu *c, u64 value)
{
	if (c->xcr0 != value)
		xcr0_write(c, value);
}

#endif
