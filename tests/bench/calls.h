/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "domains.h"

/* Hypercalls of ten numbers that dom0 may make again and again without changing anything, for the question whether they cost
 * more where there are more domains.  Rows CALLS_FIRST + 2 * i, among more domains + 1; their names: machines.py, CALLS. */
#define CALLS_FIRST 32
#define CALLS	    16

struct probe_call {
	uint64_t nr, a, b, c;
	long least; /* it answers this or more */
};

/* The i-th of CALLS; domain: another domain, port: an event channel of dom0's. */
struct probe_call calls_get(unsigned int i, uint16_t domain, uint32_t port);

#endif
