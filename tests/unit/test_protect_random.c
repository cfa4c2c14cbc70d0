/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -O2 -DPROTECT_FRAMES=64ull -DPROTECT_TABLES=32ull -DPROTECT_SLOTS=16ull */
/*
 * Random operations on the protection layer, valid and invalid ones, and after
 * each of them the whole invariant.
 */
#include <check.h>
#include "protect_model.h"

#include <stdio.h>
#include <stdlib.h>

static u64 random_state;

static u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void run_many(u64 seed, u64 steps, u64 every)
{
	u64 step, op, clause;

	random_state = seed;
	set_up();
	for (step = 0; step < steps; step++) {
		op = below(NR_OPS);
		tried[op]++;
		if (run(op) == 0)
			succeeded[op]++;
		if (step % every)
			continue;
		clause = protect_invariant();
		ck_assert_msg(clause == 0, "step %lu: %s broke clause %lu", step, names[op],
			      clause);
	}
	/* A test in which an operation never succeeds shows nothing about it. */
	for (op = 0; op < NR_OPS; op++) {
		printf("%-20s %8lu of %8lu\n", names[op], succeeded[op], tried[op]);
		ck_assert_msg(succeeded[op] > 0, "%s never succeeded", names[op]);
	}
}

START_TEST(checked_after_each)
{
	run_many(0x9e3779b97f4a7c15ull, 200000, 1);
}
END_TEST

/* Long runs reach deep lists and reused ids; the model checks every step, the invariant some. */
START_TEST(checked_now_and_then)
{
	run_many(0xd1b54a32d192ed03ull, 5000000, 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protect_random");
	TCase *tc = tcase_create("random");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, checked_after_each);
	tcase_add_test(tc, checked_now_and_then);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
