// SPDX-License-Identifier: GPL-2.0-or-later
/* When a vCPU runs: wake-ups, preemption, slices, timers, pauses, and all of it at random. */
#include "sched_machine.h"

static struct vcpu *sleeper(u64 work_ns, u64 sleep_ns)
{
	struct vcpu *v = vcpu(NULL);

	actor_of(v)->work_ns = actor_of(v)->left_ns = work_ns;
	actor_of(v)->sleep_ns = sleep_ns;
	start(v);
	return v;
}

/* Who sleeps most of the time runs at once when it wakes, however many others are busy. */
START_TEST(a_sleeper_is_served_at_once)
{
	struct vcpu *s;

	machine(2);
	for (u32 i = 0; i < 6; i++)
		busy(WEIGHT, 0);
	pass(500 * MS);
	s = sleeper(MS / 5, 10 * MS);
	pass(5000 * MS);
	ck_assert_uint_eq(actor_of(s)->worst_ns, 0);
	about(got(s), 5000 * MS / 51, 5);
}
END_TEST

/* Sleeping now and then is no way to more than one's share. */
/* Whoever sends many events as it goes on is not interrupted at each; whoever waits for one has it soon. */
START_TEST(who_has_just_begun_goes_on_a_little)
{
	struct vcpu *sender, *server;

	machine(1);
	sender = busy(WEIGHT, 0);
	server = sleeper(10000, 0); /* until it is woken */
	pass(100 * MS);
	ck_assert_ptr_eq(running(0), sender);
	for (u32 i = 0; i < 100; i++) {
		u64 began;

		/* the sender has run for long: the first event is served at once */
		pass(LEAST_NS);
		BY_ITSELF(sender, vcpu_wake(server));
		ck_assert_ptr_eq(running(0), server);
		pass(10000);
		ck_assert_ptr_eq(running(0), sender);
		/* the next after a while, together with what came meanwhile */
		began = fake_ns;
		BY_ITSELF(sender, vcpu_wake(server));
		ck_assert_ptr_eq(running(0), sender);
		pass(LEAST_NS - 1000);
		ck_assert_ptr_eq(running(0), sender);
		pass(1000);
		ck_assert_ptr_eq(running(0), server);
		ck_assert_uint_le(fake_ns - began, LEAST_NS);
		pass(10000);
	}
}
END_TEST

START_TEST(a_short_sleep_wins_nothing)
{
	struct vcpu *s, *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	s = sleeper(9 * MS, 1);
	pass(500 * MS);
	count_from_now();
	pass(10000 * MS);
	ck_assert_uint_le(got(s), 10000 * MS * 36 / 100);
	about(got(a), got(b), 3);
}
END_TEST

START_TEST(a_slice_ends_only_when_others_wait)
{
	struct vcpu *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	pass(5 * MS);
	ck_assert_uint_ge(armed[0], fake_ns + 1000 * MS);
	b = busy(WEIGHT, 0);
	ck_assert_uint_le(armed[0], fake_ns + SLICE_NS);
	pass(25 * MS);
	ck_assert_uint_gt(vcpu_time(b), 0);
	for (u32 i = 0; i < 100; i++) { /* nobody waits longer than two slices */
		u64 before[2] = { vcpu_time(a), vcpu_time(b) };

		pass(2 * SLICE_NS + GRAIN_NS);
		ck_assert_uint_gt(vcpu_time(a), before[0]);
		ck_assert_uint_gt(vcpu_time(b), before[1]);
	}
}
END_TEST

START_TEST(yielding)
{
	struct vcpu *v;

	machine(1);
	busy(WEIGHT, 0);
	busy(WEIGHT, 0);
	pass(100 * MS);
	for (u32 i = 0; i < 10; i++) {
		v = running(0);
		BY_ITSELF(v, sched_yield());
		ck_assert_ptr_ne(running(0), v);
		pass(MS / 2);
	}
	v = running(0);
	BY_ITSELF(v, halt(v));
	v = running(0);
	BY_ITSELF(v, sched_yield()); /* alone it goes on */
	ck_assert_ptr_eq(running(0), v);
}
END_TEST

/* A vCPU's deadlines go with it to another CPU. */
START_TEST(timers_fire_wherever_it_was_moved)
{
	struct vcpu *a, *b;
	u64 at;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	ck_assert_uint_eq(a->cpu, 0);
	at = fake_ns + 40 * MS;
	BY_ITSELF(b, b->timer_ns = at; sched_deadline(at); b->blocked = true; sched_changed(b));
	pin(b, 1);
	pass(40 * MS - 1);
	ck_assert(b->blocked);
	pass(1);
	ck_assert(!b->blocked);
	ck_assert_uint_eq(b->virqs_due, VIRQ_TIMER_BIT);
	/* one that runs, and is moved while its timer is set */
	b->virqs_due = 0;
	at = fake_ns + 30 * MS;
	ck_assert_ptr_eq(running(0), b);
	BY_ITSELF(b, b->timer_ns = at; sched_deadline(at));
	pin(b, 2);
	ck_assert_ptr_eq(running(1), b);
	pass(30 * MS);
	ck_assert_uint_eq(b->virqs_due, VIRQ_TIMER_BIT);
	ck_assert_uint_eq(b->timer_ns, 0);
	/* a poll ends by its time */
	at = fake_ns + 20 * MS;
	BY_ITSELF(a, a->poll_deadline_ns = at; sched_deadline(at); a->blocked = true;
		  sched_changed(a));
	pass(20 * MS);
	ck_assert(!a->blocked);
	ck_assert_uint_eq(a->poll_deadline_ns, 0);
}
END_TEST

/* What is due to a vCPU that runs on another CPU, or sleeps there, brings that CPU out. */
START_TEST(a_wake_up_tells_the_cpu)
{
	struct vcpu *a, *b;
	u32 before;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	before = kicks[b->cpu];
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_uint_eq(kicks[b->cpu], before + 1);
	BY_ITSELF(b, halt(b));
	ck_assert_ptr_null(running(b->cpu));
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

/* Paused is paused when the call returns, wherever it ran. */
START_TEST(a_pause_takes_it_out)
{
	struct vcpu *a, *b;
	u32 before;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	before = forced[b->cpu];
	FROM(a->cpu, b->held = true; sched_changed(b));
	ck_assert_uint_eq(forced[b->cpu], before + 1);
	ck_assert_ptr_null(running(b->cpu));
	count_from_now();
	pass(50 * MS);
	ck_assert_uint_eq(got(b), 0);
	/* woken while it is paused: it runs when that ends */
	b->blocked = true;
	FROM(a->cpu, vcpu_wake(b));
	ck_assert_ptr_null(running(1 - a->cpu));
	FROM(a->cpu, b->held = false; sched_changed(b));
	ck_assert_ptr_eq(running(b->cpu), b);
}
END_TEST

/* Virtual times of two CPUs have nothing to do with each other: who comes over is neither first nor last for long. */
START_TEST(a_newcomer_is_one_of_them)
{
	struct vcpu *a, *b, *c;

	machine(2);
	a = busy(WEIGHT, 0);
	b = busy(WEIGHT, 0);
	c = busy(WEIGHT, 0);
	pin(a, 1);
	pin(b, 2);
	pin(c, 2);
	pass(5000 * MS);
	pin(a, 2); /* had twice as much as they had */
	count_from_now();
	pass(3000 * MS);
	about(got(a), 1000 * MS, 5);
	about(got(b), 1000 * MS, 5);
	pin(b, 1);
	pass(5000 * MS);
	pin(b, 2);
	count_from_now();
	pass(3000 * MS);
	about(got(b), 1000 * MS, 5);
	about(got(c), 1000 * MS, 5);
}
END_TEST

/* Who was alone has looked at no clock for long: who joins him wins nothing by it. */
START_TEST(a_newcomer_gets_no_past)
{
	struct vcpu *a, *b;

	machine(1);
	a = busy(WEIGHT, 0);
	pass(1900 * MS);
	b = busy(WEIGHT, 0);
	count_from_now();
	pass(200 * MS);
	about(got(a), 100 * MS, 25);
	about(got(b), 100 * MS, 25);
}
END_TEST

START_TEST(runstates_add_up)
{
	struct vcpu *s, *b;
	u64 sum = 0;

	machine(1);
	b = busy(WEIGHT, 0);
	s = sleeper(3 * MS, 7 * MS);
	pass(1000 * MS);
	this_cpu_id = 0;
	set_runstate(s, s->runstate == RUNSTATE_OFFLINE ? RUNSTATE_BLOCKED : RUNSTATE_OFFLINE,
		     fake_ns);
	for (u32 i = 0; i < 4; i++)
		sum += s->runstate_time[i];
	ck_assert_uint_eq(sum, fake_ns - FIRST);
	ck_assert_uint_eq(s->runstate_time[RUNSTATE_RUNNING], vcpu_time(s));
	ck_assert_uint_eq(vcpu_time(s) + vcpu_time(b), fake_ns - FIRST);
}
END_TEST

/* Everything at once, for long: nobody is lost, runs twice, or waits for ever. */
START_TEST(storm)
{
	u64 seed = 88172645463325252ull + (u32)_i, ran[ACTORS] = { 0 }, quiet[ACTORS] = { 0 };

	machine(1 + (u32)_i % CPUS);
	for (u32 i = 0; i < ACTORS; i++)
		if (i % 3)
			sleeper((1 + i) * MS / 3, (u64)i * MS / 2);
		else
			busy((u16)(64 << i % 5), 0);
	for (u32 step = 0; step < 4000; step++) {
		struct vcpu *v;
		u32 from;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		v = &actors[seed % ACTORS].v;
		from = (u32)(seed >> 8) % nr_cpus;
		switch (seed >> 16 & 7) {
		case 0:
			FROM(from, v->held = !v->held; sched_changed(v));
			break;
		case 1:
		case 2:
			FROM(from, vcpu_wake(v));
			break;
		case 3:
			if ((seed >> 24) & cpus_mask())
				FROM(from, v->hard_affinity = seed >> 24; sched_moved(v));
			break;
		case 4:
			if (sched_is_current(v))
				BY_ITSELF(v, sched_yield());
			break;
		case 5:
			FROM(from, v->share->cap = seed >> 24 & 1 ? (u16)(seed >> 32 & 127) : 0;
			     sched_share_changed());
			break;
		case 6:
			if (sched_is_current(v) && actor_of(v)->sleep_ns)
				BY_ITSELF(v, halt(v));
			break;
		default:
			FROM(from, v->share->weight = (u16)(1 + (seed >> 24 & 1023));
			     sched_share_changed());
			break;
		}
		pass((seed >> 40) % (3 * MS));
		for (u32 i = 0; i < ACTORS; i++) {
			v = &actors[i].v;
			if (vcpu_time(v) != ran[i] || !vcpu_runnable(v) || v->share->cap)
				quiet[i] = fake_ns;
			ran[i] = vcpu_time(v);
			MUST(fake_ns - quiet[i] < 20000 * MS); /* it would wait for ever */
		}
	}
	for (u32 i = 0; i < ACTORS; i++) { /* and goes, whatever it was doing */
		struct vcpu *v = &actors[i].v;

		FROM(0, v->held = true; sched_changed(v));
		sched_remove(v);
		consistent();
	}
	ck_assert_ptr_null(all);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vcpu_sched");
	TCase *t = tcase_create("scheduler");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_test(t, a_sleeper_is_served_at_once);
	tcase_add_test(t, who_has_just_begun_goes_on_a_little);
	tcase_add_test(t, a_short_sleep_wins_nothing);
	tcase_add_test(t, a_slice_ends_only_when_others_wait);
	tcase_add_test(t, yielding);
	tcase_add_test(t, timers_fire_wherever_it_was_moved);
	tcase_add_test(t, a_wake_up_tells_the_cpu);
	tcase_add_test(t, a_pause_takes_it_out);
	tcase_add_test(t, a_newcomer_is_one_of_them);
	tcase_add_test(t, a_newcomer_gets_no_past);
	tcase_add_test(t, runstates_add_up);
	tcase_add_loop_test(t, storm, 0, 16);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
