/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_DOMAINS_H
#define BENCH_DOMAINS_H

#include <stdint.h>

typedef long hypercall_made(uint64_t nr, uint64_t a, uint64_t b, uint64_t c);

/* The number of the first one. */
uint16_t domains_first(void);

/* All answer 0 or a negative error number. */
long domains_make(hypercall_made *call, uint32_t n);
/* The first one grants dom0 its only page. */
long domains_grant(hypercall_made *call, int privcmd, uint16_t *domain, uint32_t *ref);
long domains_end(hypercall_made *call, uint32_t n);

#endif
