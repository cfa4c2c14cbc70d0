/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domain/pool.h"

void pool_init(struct pool *p, u64 *bits, u64 nr)
{
	p->bits = bits;
	p->nr = nr;
	p->free = p->hint = 0;
}

void pool_put(struct pool *p, u64 i)
{
	if (i == 0 || i >= p->nr || (p->bits[i / 64] >> (i % 64) & 1))
		return;
	p->bits[i / 64] |= 1ull << (i % 64);
	p->free++;
}

u64 pool_take(struct pool *p)
{
	u64 words = (p->nr + 63) / 64;

	if (!p->free)
		return 0;
	for (u64 n = 0, w = p->hint; n < words; n++, w = w + 1 == words ? 0 : w + 1) {
		if (p->bits[w]) {
			u64 bit = (u64)__builtin_ctzll(p->bits[w]);

			p->bits[w] &= ~(1ull << bit);
			p->hint = w;
			p->free--;
			return w * 64 + bit;
		}
	}
	return 0;
}
