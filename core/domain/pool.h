/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints: which numbers (frames, tables, slots) are probably free. The protection layer verifies. */
#ifndef POOL_H
#define POOL_H

#include "types.h"

struct pool {
	u64 *bits; /* 1: free */
	u64 nr, free, hint;
};

/* bits: (nr + 63) / 64 words of zeroed core memory. */
void pool_init(struct pool *p, u64 *bits, u64 nr);
void pool_put(struct pool *p, u64 i);
/* A number that was put, taken out; 0: none (0 itself is never in a pool). */
u64 pool_take(struct pool *p);

#endif
