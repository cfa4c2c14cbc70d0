// SPDX-License-Identifier: GPL-2.0-or-later
/* Who gets how much of which CPU: weights, caps, pins. */
#include "sched_machine.h"

START_TEST(weights)
{
	static const u16 weight[] = { 128, 256, 512, 1024, 1 };
	struct vcpu *v[5];

	machine(1);
	for (u32 i = 0; i < 5; i++)
		v[i] = busy(weight[i], 0);
	pass(1000 * MS);
	count_from_now();
	pass(20000 * MS);
	for (u32 i = 0; i < 4; i++)
		about(got(v[i]), 20000 * MS * weight[i] / 1921, 3);
	ck_assert_uint_gt(got(v[4]), 0); /* little, but not nothing */
	ck_assert_uint_eq(idle_ns(), 0);
	/* a weight that changes counts from then on */
	FROM(0, v[0]->share->weight = 1024; v[3]->share->weight = 128; sched_share_changed());
	pass(1000 * MS);
	count_from_now();
	pass(20000 * MS);
	about(got(v[0]), got(v[3]) * 8, 5);
}
END_TEST

START_TEST(a_cap_is_kept_alone_and_among_others)
{
	struct vcpu *capped, *other;

	machine(1);
	capped = busy(WEIGHT, 25);
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(capped), 2500 * MS, 3);
	about(idle_ns(), 7500 * MS, 5); /* the CPU sleeps meanwhile, it does not spin */
	other = busy(WEIGHT, 0);
	pass(100 * MS);
	count_from_now();
	looks = 0;
	pass(10000 * MS);
	about(got(capped), 2500 * MS, 3);
	about(got(other), 7500 * MS, 3);
	ck_assert_uint_lt(looks, 3000); /* who waits for his period ends nobody's slice */
	/* a cap above what its weight gives takes nothing from others */
	FROM(0, capped->share->cap = 80; sched_share_changed());
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(capped), 5000 * MS, 3);
	FROM(0, capped->share->cap = 0; other->share->cap = 10; sched_share_changed());
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(other), 1000 * MS, 3);
	about(got(capped), 9000 * MS, 3);
}
END_TEST

START_TEST(a_cap_is_a_domains)
{
	struct vcpu *v[3];

	machine(4);
	v[0] = vcpu(NULL);
	v[1] = vcpu(v[0]->share);
	v[2] = vcpu(v[0]->share);
	v[0]->share->cap = 150;
	for (u32 i = 0; i < 3; i++)
		start(v[i]);
	pass(100 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(v[0]) + got(v[1]) + got(v[2]), 15000 * MS, 5);
}
END_TEST

START_TEST(what_was_used_beyond_a_cap_is_paid_back)
{
	struct sched_share s = { .weight = WEIGHT, .cap = 10, .period_start_ns = 0 };

	s.used_ns = 9 * MS; /* three periods' budget */
	share_roll(&s, PERIOD_NS);
	ck_assert_int_eq(s.used_ns, 6 * MS);
	share_roll(&s, PERIOD_NS + 1);
	ck_assert_int_eq(s.used_ns, 6 * MS);
	share_roll(&s, 10 * PERIOD_NS);
	ck_assert_int_eq(s.used_ns, -3 * (s64)MS); /* one period's budget is saved up, no more */
	ck_assert_uint_eq(s.period_start_ns, 10 * PERIOD_NS);
}
END_TEST

START_TEST(who_waits_for_his_period_is_no_load)
{
	struct vcpu *capped, *other;

	machine(2);
	capped = vcpu(NULL);
	capped->hard_affinity = 1;
	capped->share->weight = 1000;
	capped->share->cap = 10;
	start(capped);
	busy(WEIGHT, 0);
	pass(20 * MS);
	ck_assert_ptr_null(running(0));
	other = busy(WEIGHT, 0);
	ck_assert_ptr_eq(running(0), other);
}
END_TEST

START_TEST(no_cpu_idles_while_somebody_waits)
{
	struct vcpu *v[5];

	machine(4);
	for (u32 i = 0; i < 5; i++)
		v[i] = busy(WEIGHT, 0);
	pass(1 * MS);
	for (u32 c = 0; c < 4; c++)
		ck_assert_ptr_nonnull(running(c));
	/* two end: whoever waits is taken over by the CPU that is free */
	BY_ITSELF(running(1), halt(running(1)));
	BY_ITSELF(running(2), halt(running(2)));
	count_from_now();
	pass(100 * MS);
	for (u32 i = 0; i < 5; i++)
		ck_assert_uint_eq(got(v[i]), v[i]->blocked ? 0 : 100 * MS);
}
END_TEST

/* More vCPUs than CPUs, all busy: who waits is not always the same. */
START_TEST(cpus_are_shared_by_all)
{
	struct vcpu *v[3];

	machine(2);
	for (u32 i = 0; i < 3; i++)
		v[i] = busy(WEIGHT, 0);
	pass(2500 * MS);
	count_from_now();
	pass(10000 * MS);
	for (u32 i = 0; i < 3; i++)
		about(got(v[i]), 6667 * MS, 12);
	/* one that weighs as much as both others together has a CPU for itself */
	FROM(0, v[1]->share->weight = 2 * WEIGHT; sched_share_changed());
	pass(2500 * MS);
	count_from_now();
	pass(10000 * MS);
	about(got(v[0]), 5000 * MS, 5);
	about(got(v[1]), 10000 * MS, 5);
	about(got(v[2]), 5000 * MS, 5);
}
END_TEST

START_TEST(pins)
{
	struct vcpu *a, *b;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	ck_assert_uint_ne(a->cpu, b->cpu);
	/* one that runs on another CPU, from a third party */
	pin(b, 1ull << a->cpu);
	ck_assert_uint_eq(b->cpu, a->cpu);
	count_from_now();
	pass(2000 * MS);
	about(got(a), got(b), 3);
	ck_assert_uint_le(got(a) + got(b), 4000 * MS);
	/* one that waits: two CPUs' work again, if a may leave */
	pin(a, 1ull << (1 - b->cpu));
	count_from_now();
	pass(100 * MS);
	ck_assert_uint_eq(got(a), 100 * MS);
	ck_assert_uint_eq(got(b), 100 * MS);
	/* one that sleeps wakes where it may */
	BY_ITSELF(a, halt(a));
	pin(a, 1ull << b->cpu);
	FROM(1 - b->cpu, vcpu_wake(a));
	ck_assert_uint_eq(a->cpu, b->cpu);
	/* a CPU that has nothing to do takes nobody who may not come */
	pass(100 * MS);
	count_from_now();
	pass(1000 * MS);
	about(got(a), 500 * MS, 5);
	about(got(b), 500 * MS, 5);
}
END_TEST

START_TEST(soft_affinity_is_a_wish)
{
	struct vcpu *a, *b;

	machine(4);
	a = vcpu(NULL);
	a->soft_affinity = 1ull << 2;
	start(a);
	ck_assert_uint_eq(a->cpu, 2);
	b = vcpu(NULL);
	b->soft_affinity = 1ull << 2;
	start(b); /* 2 is taken: rather another one than to wait */
	ck_assert_uint_ne(b->cpu, 2);
	pass(1 * MS);
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vcpu_share");
	TCase *t = tcase_create("shares");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_test(t, weights);
	tcase_add_test(t, a_cap_is_kept_alone_and_among_others);
	tcase_add_test(t, a_cap_is_a_domains);
	tcase_add_test(t, what_was_used_beyond_a_cap_is_paid_back);
	tcase_add_test(t, who_waits_for_his_period_is_no_load);
	tcase_add_test(t, no_cpu_idles_while_somebody_waits);
	tcase_add_test(t, cpus_are_shared_by_all);
	tcase_add_test(t, pins);
	tcase_add_test(t, soft_affinity_is_a_wish);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
