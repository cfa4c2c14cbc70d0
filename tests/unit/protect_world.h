/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world for the directed tests of the protection layer: four domains
 * with a tree and eight frames each.  Check forks per test, so that each
 * starts from zeroed state.
 */
#ifndef PROTECT_WORLD_H
#define PROTECT_WORLD_H

#include "protect_small.h"

#include <check.h>
#include <stdlib.h>

#define FRAMES 48
#define RAM    40
#define TABLES 28
#define SLOTS  12
#define CPUS   6

enum { DOM0, GUEST, FIDELITY, OTHER, NOBODY };
/* Tables of the domain d that tree() makes: the root is 4d + 1, its only leaf table 4d + 4. */
#define ROOT(d) (4u * (d) + 1)
#define L3(d)	(4u * (d) + 2)
#define L2(d)	(4u * (d) + 3)
#define LEAF(d) (4u * (d) + 4)

static u64 zeroed; /* calls of frame_zero() */

void frame_zero(u64 mfn)
{
	ck_assert_uint_lt(mfn, RAM);
	zeroed++;
}

#define ok(call)	   ck_assert_int_eq(call, 0)
#define fails(error, call) ck_assert_int_eq(call, -(error))
#define holds()		   ck_assert_uint_eq(protect_invariant(), INVARIANT_HOLDS)

static inline void flush_all(void)
{
	u64 cpu;

	for (cpu = 0; cpu < CPUS; cpu++) {
		flush_begin(cpu);
		flush_end(cpu);
	}
}

static inline void tree(u64 dom)
{
	u64 level;

	for (level = 4; level >= 1; level--) {
		ok(table_alloc(ROOT(dom) + 4 - level, dom, level));
		if (level < 4)
			ok(table_link(ROOT(dom) + 4 - level, ROOT(dom) + 3 - level, 0));
	}
}

/* The frames of domain d: 8d .. 8d + 7, owned. */
#define FRAME(d, i) (8u * (d) + (i))

static inline void give(u64 dom)
{
	u64 i;

	for (i = 0; i < 8; i++) {
		ok(frame_scrub(FRAME(dom, i)));
		ok(frame_give(FRAME(dom, i), dom));
	}
}

static inline void sizes(void)
{
	u64 mfn;

	protect_init(FRAMES, TABLES, SLOTS, CPUS);
	ok(mmio_forbid(44, 2));
	for (mfn = 0; mfn < RAM; mfn++)
		ok(frame_add(mfn));
}

/* dom0 built the guest and the others; the guest is paired; all have a tree and eight frames. */
static inline void world(void)
{
	u64 d;

	sizes();
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, 8, 8));
	protect_boot_done();
	ok(domain_create(GUEST, DOM0, DOMAIN_GUEST, 5, 4));
	ok(domain_create(FIDELITY, DOM0, 0, 4, 4));
	ok(domain_create(OTHER, DOM0, 0, 4, 2));
	ok(domain_pair(GUEST, FIDELITY));
	for (d = DOM0; d <= OTHER; d++) {
		tree(d);
		give(d);
	}
	holds();
}

static inline u64 handle(u64 dom)
{
	return domain_handle(dom);
}

static inline int run_tests(const char *name, const TTest *const *tests, size_t nr)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner;
	size_t i;
	int failed;

	for (i = 0; i < nr; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
