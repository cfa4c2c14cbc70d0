/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DENTRIES=64ull -DPROTECT_DOMAINS=8ull -DPROTECT_FRAMES=64ull -DPROTECT_TABLES=32ull -DPROTECT_SLOTS=16ull -fno-sanitize-coverage=trace-cmp -fsanitize-coverage=trace-stores */
/*
 * The protection layer under coverage-guided fuzzing: the input is a list of choices for the model of
 * tests/unit/protect_model.h.  After each operation that wrote anything the whole invariant, and the
 * model's own demands.  Small tables and few domain ids, so that the invariant costs microseconds.
 */
#include "check.h"
#include "fuzz.h"
#include "tests/unit/protect_model.h"

static const u8 *input, *input_end;

/*
 * The compiler calls these before each store that it does not see to be to a local variable.  Nine of ten
 * operations are refused and write nothing: the invariant needs no look after those, and takes most of the time.
 */
static bool written;
#define STORE_HOOK(n)                                                                      \
	void __sanitizer_cov_store##n(const void *to);                                     \
	__attribute__((no_sanitize("coverage", "address"))) void __sanitizer_cov_store##n( \
		const void *to)                                                            \
	{                                                                                  \
		const char *stack = __builtin_frame_address(0);                            \
                                                                                           \
		written |= (u64)((const char *)to - stack) >= 1ull << 20;                  \
	}
STORE_HOOK(1)
STORE_HOOK(2)
STORE_HOOK(4)
STORE_HOOK(8)
STORE_HOOK(16)

/* Two bytes a choice; at the end of the input, zeros. */
__attribute__((noinline, no_sanitize("coverage"))) static u64 next_random(void)
{
	u64 v;

	if (input_end - input < 2) {
		input = input_end;
		return 0;
	}
	v = input[0] | (u64)input[1] << 8;
	input += 2;
	return v;
}

void fuzz_prepare(void)
{
	u64 d, level;

	set_up();
	/* Trees and frames to begin with: an input is short, and most of it would go into these. */
	for (d = 1; d <= 3; d++)
		ck_assert_int_eq(domain_create(d, 0, d == 1 ? DOMAIN_GUEST : 0, 8, 6), 0);
	ck_assert_int_eq(domain_pair(1, 2), 0);
	for (d = 0; d <= 3; d++) {
		for (level = 4; level >= 1; level--) {
			ck_assert_int_eq(table_alloc(4 * d + 5 - level, d, level), 0);
			if (level < 4)
				ck_assert_int_eq(
					table_link(4 * d + 5 - level, 4 * d + 4 - level, 0), 0);
		}
		for (u64 mfn = 8 * d + 1; mfn < 8 * d + 7; mfn++) {
			ck_assert_int_eq(frame_scrub(mfn), 0);
			ck_assert_int_eq(frame_give(mfn, d), 0);
			owner_handle[mfn] = domain_handle(d);
			frame_is_zero[mfn] = false;
		}
	}
}

void fuzz_input(const u8 *data, size_t size)
{
	input = data, input_end = data + size;
	while (input < input_end) {
		u64 op = below(NR_OPS), clause;

		written = false;
		fuzz_count((unsigned int)op, run(op) == 0);
		clause = written ? protect_invariant() : INVARIANT_HOLDS;
		ck_assert_msg(clause == 0, "%s broke clause %lu", names[op], (unsigned long)clause);
	}
}
