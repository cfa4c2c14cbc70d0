/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of XSAVE and AVX, when the processor or the tools leave part of it out. */
#include "vcpu/cpuid.c"
#include "x86/xstate.c"

#include <check.h>
#include <stdlib.h>

struct cpu boot_cpu;
struct clock core_clock;

u64 tsc_to_ns(u64 tsc)
{
	return tsc;
}

#define XSAVE BIT(26)
#define AVX   BIT(28)
#define FMA   BIT(12)

static u32 depend(u32 leaf, u32 subleaf, u32 leaf1_ecx, u32 reg, u32 value)
{
	u32 table[4] = { 0 };

	table[reg] = value;
	cpuid_depend(leaf, subleaf, leaf1_ecx, table);
	return table[reg];
}

START_TEST(what_needs_avx_goes_with_it)
{
	static const u32 all = XSAVE | AVX | FMA | 1,
			 without[] = { XSAVE | FMA | 1, AVX | FMA | 1 };

	ck_assert_uint_eq(depend(1, 0, all, 2, all), all);
	ck_assert_uint_eq(depend(7, 0, all, 1, LEAF7_EBX_AVX | 1), LEAF7_EBX_AVX | 1);
	ck_assert_uint_eq(depend(7, 0, all, 2, LEAF7_ECX_AVX | 4), LEAF7_ECX_AVX | 4);
	for (u32 i = 0; i < 2; i++) {
		ck_assert_uint_eq(depend(1, 0, without[i], 2, without[i]) & (AVX | FMA), 0);
		ck_assert_uint_eq(depend(1, 0, without[i], 2, without[i]) & 1, 1);
		ck_assert_uint_eq(depend(7, 0, without[i], 1, LEAF7_EBX_AVX | 1), 1);
		ck_assert_uint_eq(depend(7, 0, without[i], 2, LEAF7_ECX_AVX | 4), 4);
		ck_assert_uint_eq(depend(0xd, 2, without[i], 0, 256), 0);
	}
	ck_assert_uint_eq(depend(0xd, 0, all, 0, 7), 7);
	ck_assert_uint_eq(depend(0xd, 0, XSAVE, 0, 7), 3);
	ck_assert_uint_eq(depend(0xd, 0, XSAVE, 2, XSTATE_SIZE), XSTATE_LEGACY);
	ck_assert_uint_eq(depend(0xd, 0, AVX, 0, 7), 0);
	ck_assert_uint_eq(depend(0xd, 1, AVX, 0, 7), 0);
}
END_TEST

START_TEST(the_size_is_that_of_what_is_switched_on)
{
	static struct vmcb b;
	static struct vcpu v = { .vmcb = &b };
	u32 table[4] = { 7, XSTATE_SIZE, XSTATE_SIZE, 0 };

	v.xcr0 = 3;
	cpuid_vcpu(&v, 0, 0xd, 0, table);
	ck_assert_uint_eq(table[1], XSTATE_LEGACY);
	v.xcr0 = 7;
	cpuid_vcpu(&v, 0, 0xd, 0, table);
	ck_assert_uint_eq(table[1], XSTATE_SIZE);
	table[2] = 0;
	cpuid_vcpu(&v, 0, 1, 0, table);
	ck_assert_uint_eq(table[2] & BIT(27), 0);
	b.cr4 = CR4_OSXSAVE;
	cpuid_vcpu(&v, 0, 1, 0, table);
	ck_assert_uint_eq(table[2] & BIT(27), BIT(27));
}
END_TEST

/* With a processor's every answer: no more than the core carries. */
START_TEST(no_more_than_the_mask)
{
	static const u64 masks[] = { 0, 3, 7 };
	u32 out[4];

	for (u32 i = 0; i < ARRAY_SIZE(masks); i++) {
		xstate_mask = masks[i];
		cpuid_host_max(1, 0, out);
		ck_assert(!(out[2] & XSAVE) || masks[i]);
		ck_assert(!(out[2] & LEAF1_ECX_AVX) || (masks[i] & XCR0_AVX));
		cpuid_host_max(7, 0, out);
		ck_assert(!(out[1] & LEAF7_EBX_AVX) || (masks[i] & XCR0_AVX));
		cpuid_host_max(0xd, 0, out);
		ck_assert(!(out[0] & ~(u32)masks[i]) && !out[3]);
		cpuid_host_max(0xd, 1, out);
		ck_assert(!(out[0] & BIT(3)) && !out[2] && !out[3]);
		for (u32 subleaf = 2; subleaf < 63; subleaf++) {
			cpuid_host_max(0xd, subleaf, out);
			ck_assert(!out[0] || (subleaf == 2 && (masks[i] & XCR0_AVX)));
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vcpu_cpuid");
	TCase *t = tcase_create("XSAVE and AVX");
	SRunner *r;
	int failed;

	tcase_add_test(t, what_needs_avx_goes_with_it);
	tcase_add_test(t, the_size_is_that_of_what_is_switched_on);
	tcase_add_test(t, no_more_than_the_mask);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
