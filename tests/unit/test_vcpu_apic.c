/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Software local APIC and interrupt relay: what a guest would see break, above all
 * the order of level EOIs (the emulated IOAPIC hides a wrong one, so it is tested here).
 */
#include "x86/percpu.h"
#define THIS_CPU_H
struct cpu boot_cpu, *cpus[CPUS_MAX] = { &boot_cpu };
u32 nr_cpus = 1;
static struct cpu *this_cpu(void)
{
	return &boot_cpu;
}
#include "vcpu/apic.c"
#include "vcpu/relay.c"

#include <check.h>
#include <stdlib.h>

static struct vcpu *list;
static u32 physical_isr[8], physical_tmr[8], eois;

struct vcpu *sched_first(void)
{
	return list;
}
void cpu_kick(struct cpu *c)
{
	c->kicked = true;
}
void sched_force_out(struct vcpu *v)
{
	(void)v;
}
void sched_changed(struct vcpu *v)
{
	(void)v;
}
void vcpu_wake(struct vcpu *v)
{
	v->blocked = false;
}
void vcpu_reset_init(struct vcpu *v)
{
	v->start = START_WAIT_SIPI;
}
void printk(const char *format, ...)
{
	(void)format;
}
bool lapic_level(u8 v)
{
	return physical_tmr[v / 32] >> (v % 32) & 1;
}
int lapic_highest_in_service(void)
{
	return highest(physical_isr);
}
void lapic_eoi(void)
{
	int v = highest(physical_isr);

	eois++;
	if (v >= 0)
		physical_isr[v / 32] &= ~(1u << (v % 32));
}

static struct vmcb blocks[2];
static struct vcpu vcpus[2];

static void setup(void)
{
	memset(vcpus, 0, sizeof(vcpus));
	memset(blocks, 0, sizeof(blocks));
	memset(physical_isr, 0, sizeof(physical_isr));
	memset(physical_tmr, 0, sizeof(physical_tmr));
	for (u32 i = 0; i < 2; i++) {
		vcpus[i].vmcb = &blocks[i];
		vcpus[i].apic.id = i * 2;
		vcpus[i].apic.svr = 0x1ff;
		vcpus[i].start = START_UP;
	}
	vcpus[0].all_next = &vcpus[1];
	list = &vcpus[0];
	eois = 0;
	boot_cpu.relay = &vcpus[0];
}

static void physical(u8 vector, bool level)
{
	physical_isr[vector / 32] |= 1u << (vector % 32);
	if (level)
		physical_tmr[vector / 32] |= 1u << (vector % 32);
	relay_interrupt(vector);
}

static void take(struct vcpu *v)
{
	int vector = apic_pending(v);

	ck_assert_int_ge(vector, 16);
	apic_accept(v, (u8)vector);
}

static void eoi(struct vcpu *v)
{
	ck_assert(apic_msr_write(v, 0x80b, 0));
}

START_TEST(edge_is_ended_at_once)
{
	physical(0x41, false);
	ck_assert_uint_eq(eois, 1);
	take(&vcpus[0]);
	eoi(&vcpus[0]);
	ck_assert_uint_eq(eois, 1);
}
END_TEST

START_TEST(level_is_ended_by_dom0)
{
	physical(0x41, true);
	ck_assert_uint_eq(eois, 0);
	take(&vcpus[0]);
	ck_assert_uint_eq(eois, 0);
	eoi(&vcpus[0]);
	ck_assert_uint_eq(eois, 1);
	ck_assert_int_eq(lapic_highest_in_service(), -1);
}
END_TEST

/* As an IPI with a device's vector does, before the device's interrupt was taken or after it. */
START_TEST(an_edge_does_not_forget_the_level)
{
	for (u32 taken = 0; taken < 2; taken++) {
		physical(0x41, true);
		if (taken)
			take(&vcpus[0]);
		apic_raise(&vcpus[0], 0x41, false);
		if (!taken)
			take(&vcpus[0]);
		eoi(&vcpus[0]);
		ck_assert_uint_eq(eois, taken + 1);
		ck_assert_int_eq(lapic_highest_in_service(), -1);
	}
	take(&vcpus[0]); /* the edge alone, whose end nobody waits for */
	physical(0x31, true);
	eoi(&vcpus[0]);
	ck_assert_uint_eq(eois, 2);
}
END_TEST

START_TEST(a_higher_level_in_service_is_not_dismissed)
{
	physical(0x31, true);
	take(&vcpus[0]);
	physical(0x51, true); /* in service physically, not taken by dom0 yet */
	eoi(&vcpus[0]);	      /* of 0x31 */
	ck_assert_uint_eq(eois, 0);
	ck_assert_int_eq(lapic_highest_in_service(), 0x51);
	take(&vcpus[0]);
	eoi(&vcpus[0]); /* of 0x51: now both are paid */
	ck_assert_uint_eq(eois, 2);
	ck_assert_int_eq(lapic_highest_in_service(), -1);
}
END_TEST

START_TEST(reset_pays_what_is_owed)
{
	physical(0x31, true);
	physical(0x51, true);
	relay_settle(&vcpus[0]);
	ck_assert_uint_eq(eois, 2);
}
END_TEST

START_TEST(vectors_below_16_get_no_eoi)
{
	physical_isr[2] = 1;
	relay_interrupt(13);
	ck_assert_uint_eq(eois, 0);
	ck_assert_int_eq(apic_pending(&vcpus[0]), -1);
}
END_TEST

START_TEST(priorities)
{
	apic_raise(&vcpus[0], 0x41, false);
	take(&vcpus[0]);
	apic_raise(&vcpus[0], 0x4f, false); /* same class: waits */
	ck_assert_int_eq(apic_pending(&vcpus[0]), -1);
	apic_raise(&vcpus[0], 0x50, false);
	ck_assert_int_eq(apic_pending(&vcpus[0]), 0x50);
	ck_assert(apic_msr_write(&vcpus[0], 0x808, 0x50));
	ck_assert_int_eq(apic_pending(&vcpus[0]), -1);
}
END_TEST

START_TEST(startup_sequence)
{
	ck_assert(apic_msr_write(&vcpus[0], 0x830, 2ull << 32 | 0xc500));
	ck_assert_uint_eq(vcpus[1].start, START_WAIT_SIPI);
	ck_assert(apic_msr_write(&vcpus[0], 0x830, 2ull << 32 | 0x8500)); /* de-assert: nothing */
	ck_assert(apic_msr_write(&vcpus[0], 0x830, 2ull << 32 | 0x0699));
	ck_assert_uint_eq(vcpus[1].start, START_UP);
	ck_assert_uint_eq(vcpus[1].vmcb->cs.base, 0x99000);
	vcpus[1].vmcb->cs.base = 0;
	ck_assert(
		apic_msr_write(&vcpus[0], 0x830, 2ull << 32 | 0x0699)); /* the second is ignored */
	ck_assert_uint_eq(vcpus[1].vmcb->cs.base, 0);
	ck_assert_uint_eq(vcpus[0].start, START_UP);
}
END_TEST

START_TEST(destinations)
{
	static const struct {
		u64 icr;
		bool first, second;
	} sends[] = { { 0xffffffffull << 32 | 0x41, true, true }, /* broadcast */
		      { 0xffffffffull << 32 | 0x841, true,
			true }, /* logical, too (SDM 3, 11.12.9) */
		      { 2ull << 32 | 0x41, false, true },
		      { 1ull << 32 | 0x841, true, false }, /* logical: bit 0 of cluster 0 */
		      { 0x40041, true, false },		   /* itself */
		      { 0x80041, true, true },		   /* all */
		      { 0xc0041, false, true } };	   /* all others */

	for (u32 i = 0; i < ARRAY_SIZE(sends); i++) {
		setup();
		ck_assert(apic_msr_write(&vcpus[0], 0x830, sends[i].icr));
		ck_assert_msg(apic_pending(&vcpus[0]) == (sends[i].first ? 0x41 : -1), "%u", i);
		ck_assert_msg(apic_pending(&vcpus[1]) == (sends[i].second ? 0x41 : -1), "%u", i);
	}
}
END_TEST

START_TEST(bad_accesses_are_refused)
{
	u64 value;

	ck_assert(!apic_msr_write(&vcpus[0], 0x802, 1));
	ck_assert(!apic_msr_write(&vcpus[0], 0x80b, 1));
	ck_assert(!apic_msr_write(&vcpus[0], 0x808, 1ull << 32));
	ck_assert(!apic_msr_write(&vcpus[0], 0x830, 1ull << 13));
	ck_assert(!apic_msr_write(&vcpus[0], 0x83f, 0x100));
	ck_assert(!apic_msr_read(&vcpus[0], 0x80b, &value));
	ck_assert(!apic_msr_read(&vcpus[0], 0x8ff, &value));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vcpu_apic");
	TCase *t = tcase_create("apic and relay");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, edge_is_ended_at_once);
	tcase_add_test(t, level_is_ended_by_dom0);
	tcase_add_test(t, an_edge_does_not_forget_the_level);
	tcase_add_test(t, a_higher_level_in_service_is_not_dismissed);
	tcase_add_test(t, reset_pays_what_is_owed);
	tcase_add_test(t, vectors_below_16_get_no_eoi);
	tcase_add_test(t, priorities);
	tcase_add_test(t, startup_sequence);
	tcase_add_test(t, destinations);
	tcase_add_test(t, bad_accesses_are_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
