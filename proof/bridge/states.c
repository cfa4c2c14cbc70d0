/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariant as the core has it (core/protect/invariant.c) beside the one that is proved (made into C by
 * evaluator.py), on states that operations made and on what becomes of them when one or two elements are
 * changed: both must say the same, broken or not, and C must name a clause that is broken by the specification too.
 *
 * states COUNT [SEED].  Ends with "N passed, N failed".  To show that a difference would be seen, it counts how often each
 * formula of the specification was the only one that was broken: were it missing in C, C would say that all holds.
 */
#define ENTRIES		16ull
#define PROTECT_DOMAINS 8ull
#define PROTECT_FRAMES	32ull
#define PROTECT_TABLES	32ull
#define PROTECT_SLOTS	16ull
#define FRAMES		16u
#define RAM		10u
#define FORBIDDEN_MFN	12u

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ck_assert(c)		ck_assert_msg(c, "%s", #c)
#define ck_assert_int_eq(a, b)	ck_assert((a) == (b))
#define ck_assert_uint_eq(a, b) ck_assert((a) == (b))
#define ck_assert_msg(c, ...)                                           \
	do {                                                            \
		if (!(c)) {                                             \
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
			fprintf(stderr, __VA_ARGS__);                   \
			fprintf(stderr, "\n");                          \
			exit(1);                                        \
		}                                                       \
	} while (0)

#include "tests/unit/protect_model.h"

static u64 seed = 1;

static u64 next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull >> 16;
}

/* ---- the specification ---------------------------------------------------------------------------- */
/* What lies beyond the live sizes: anything, so that a verdict that depended on it would be seen. */
static u64 beyond;
static unsigned __int128 spec_broken;

static void broken(unsigned int formula)
{
	spec_broken |= (unsigned __int128)1 << formula;
}

#define READ(array, index) ((index) < sizeof(array) / sizeof((array)[0]) ? (array)[index] : beyond)

#include "spec.h" /* made by evaluator.py */

static unsigned __int128 specification(void)
{
	u64 i;

	spec_broken = 0;
	spec_scalars(0);
	for (i = 0; i < live_frames; i++)
		spec_frame(i);
	for (i = 0; i < live_tables; i++)
		spec_table(i);
	for (i = 0; i < live_tables * ENTRIES; i++)
		spec_entry(i);
	for (i = 0; i < live_slots; i++)
		spec_slot(i);
	for (i = 0; i < PROTECT_DOMAINS; i++)
		spec_dom(i);
	for (i = 0; i < PROTECT_CPUS; i++)
		spec_cpu(i);
	for (i = 0; i < PROTECT_CPUS / 4; i++)
		spec_min4(i);
	for (i = 0; i < PROTECT_CPUS / 16; i++)
		spec_min16(i);
	for (i = 0; i < PROTECT_CPUS / 64; i++)
		spec_min64(i);
	return spec_broken;
}

/* The one clause that only C has. */
static bool counts_are_wrong(void)
{
	u64 d, i, tables, slots;

	for (d = 0; d < PROTECT_DOMAINS; d++) {
		tables = slots = 0;
		for (i = 0; i < live_tables; i++)
			tables += table_state[i] != TABLE_FREE && table_owner[i] == handle_of(d);
		for (i = 0; i < live_slots; i++)
			slots += slot_role[i] != LEAF_NONE && slot_mapper[i] == handle_of(d);
		if (tables != dom_tables[d] || slots != dom_slots[d])
			return true;
	}
	return false;
}

/* ---- states ------------------------------------------------------------------------------------------ */
static const struct state_array {
	const char *name;
	void *at;
	u64 size; /* of an element */
	u64 nr, live;
} state_arrays[] = {
#define ARRAY(name, live)                                                          \
	{                                                                          \
#name, name, sizeof(name[0]), sizeof(name) / sizeof(name[0]), live \
	}
#define SCALAR(name)                  \
	{                             \
#name, &name, 8, 1, 1 \
	}
#define BY_ENTRY_(name) ARRAY(name, TABLES *ENTRIES)
	BY_ENTRY_(npt),
	BY_ENTRY_(leaf_role),
	BY_ENTRY_(leaf_perm),
	BY_ENTRY_(leaf_next),
	BY_ENTRY_(leaf_prev),
	BY_ENTRY_(leaf_age),
	BY_ENTRY_(leaf_slot),
	ARRAY(frame_state, FRAMES),
	ARRAY(frame_owner, FRAMES),
	ARRAY(frame_head, FRAMES),
	ARRAY(frame_stamp, FRAMES),
	ARRAY(table_state, TABLES),
	ARRAY(table_level, TABLES),
	ARRAY(table_cursor, TABLES),
	ARRAY(table_owner, TABLES),
	ARRAY(table_parent, TABLES),
	ARRAY(table_base, TABLES),
	ARRAY(table_stamp, TABLES),
	ARRAY(slot_role, SLOTS),
	ARRAY(slot_perm, SLOTS),
	ARRAY(slot_mapper, SLOTS),
	ARRAY(slot_owner, SLOTS),
	ARRAY(slot_mfn, SLOTS),
	ARRAY(slot_entry, SLOTS),
	ARRAY(slot_next, SLOTS),
	ARRAY(slot_prev, SLOTS),
	ARRAY(slot_age, SLOTS),
	ARRAY(slot_stamp, SLOTS),
#define BY_DOM(name) ARRAY(name, PROTECT_DOMAINS)
	BY_DOM(dom_state),
	BY_DOM(dom_flags),
	BY_DOM(dom_sealed),
	BY_DOM(dom_incarnation),
	BY_DOM(dom_builder),
	BY_DOM(dom_partner),
	BY_DOM(dom_target),
	BY_DOM(dom_root),
	BY_DOM(dom_slot_head),
	BY_DOM(dom_tables),
	BY_DOM(dom_table_quota),
	BY_DOM(dom_slots),
	BY_DOM(dom_slot_quota),
	BY_DOM(dom_stamp),
	ARRAY(cpu_pending, PROTECT_CPUS),
	ARRAY(cpu_epoch, PROTECT_CPUS),
	ARRAY(epoch_min_4, PROTECT_CPUS / 4),
	ARRAY(epoch_min_16, PROTECT_CPUS / 16),
	ARRAY(epoch_min_64, PROTECT_CPUS / 64),
	ARRAY(forbidden_first, 1),
	ARRAY(forbidden_nr, 1), /* one range is in use; that the others are empty is in C alone */
	SCALAR(live_frames),
	SCALAR(live_tables),
	SCALAR(live_slots),
	SCALAR(live_cpus),
	SCALAR(boot_phase),
	SCALAR(epoch_now),
	SCALAR(epoch_min),
};
#define ARRAYS_NR (sizeof(state_arrays) / sizeof(state_arrays[0]))

static u64 element(const struct state_array *a, u64 i)
{
	u64 value = 0;

	memcpy(&value, (char *)a->at + i * a->size, a->size);
	return value;
}

static void set_element(const struct state_array *a, u64 i, u64 value)
{
	memcpy((char *)a->at + i * a->size, &value, a->size);
}

/* An element that holds something, seven times of eight: most are zero. */
static u64 some_index(const struct state_array *a)
{
	u64 i = below(a->live), n;

	if (below(8))
		for (n = 0; n < a->live && element(a, i) == 0; n++)
			i = (i + 1) % a->live;
	return i;
}

static u64 changed(const struct state_array *a, u64 i)
{
	u64 old = element(a, i);

	switch (below(8)) {
	case 0:
		return old ^ 1ull << below(a->size * 8);
	case 1:
		return old + 1;
	case 2:
		return old - 1;
	case 3:
		return 0;
	case 4:
		return below(8);
	case 5:
		return element(a, some_index(a));
	case 6: /* of another array that holds such a thing: a frame's head, a handle, an entry */
		a = &state_arrays[below(ARRAYS_NR)];
		return element(a, some_index(a));
	default:
		return below(4) ? below(300) : next_random();
	}
}

static u64 states, broken_states, alone[128], undone_nr;
static struct {
	const struct state_array *array;
	u64 index, value;
} undone[24];

static void change(const struct state_array *a, u64 i, u64 value)
{
	undone[undone_nr].array = a;
	undone[undone_nr].index = i;
	undone[undone_nr++].value = element(a, i);
	set_element(a, i, value);
}

/* Index 0, which means none, becomes like another table or slot that nothing uses. */
static void make_zero_used(void)
{
	const char *prefix = below(2) ? "table_" : "slot_";
	const struct state_array *a;
	u64 i = FORMULAS;

	for (a = state_arrays; a < state_arrays + ARRAYS_NR; a++) {
		if (strncmp(a->name, prefix, strlen(prefix)) != 0)
			continue;
		if (i == FORMULAS)
			i = some_index(a);
		change(a, 0,
		       strstr(a->name, "_parent") || strstr(a->name, "_base") ||
				       strstr(a->name, "_entry")
			       ? 0
			       : element(a, i));
	}
}

static void explain(u64 clause, unsigned __int128 spec)
{
	u64 f;

	printf("after %lu states: C says %lu; the specification:", (unsigned long)states,
	       (unsigned long)clause);
	for (f = 0; f < FORMULAS; f++)
		if (spec >> f & 1)
			printf(" %s/%s", formulas[f].group, formulas[f].name);
	printf("\n");
	for (f = 0; f < undone_nr; f++)
		printf("    %s[%lu] was %#lx, is %#lx\n", undone[f].array->name,
		       (unsigned long)undone[f].index, (unsigned long)undone[f].value,
		       (unsigned long)element(undone[f].array, undone[f].index));
}

static bool compare(void)
{
	u64 clause = protect_invariant(), f, only = FORMULAS, named = 0;
	unsigned __int128 spec;

	beyond = next_random();
	spec = specification();
	states++;
	for (f = 0; f < FORMULAS; f++) {
		if (!(spec >> f & 1))
			continue;
		only = spec == (unsigned __int128)1 << f ? f : FORMULAS;
		named |= formulas[f].clause == clause;
	}
	broken_states += clause != INVARIANT_HOLDS;
	if (only != FORMULAS && clause != INVARIANT_HOLDS)
		alone[only]++;
	if (clause == INVARIANT_HOLDS	  ? spec == 0
	    : clause == INV_DOMAIN_COUNTS ? named || counts_are_wrong()
					  : named)
		return true;
	explain(clause, spec);
	return false;
}

static bool one_round(void)
{
	u64 n, i, changes = below(4) ? 1 : 1 + below(3);

	if (below(100) == 0)
		make_zero_used(), changes = 0;
	for (n = 0; n < changes; n++) {
		const struct state_array *a = &state_arrays[below(ARRAYS_NR)];

		/* The big arrays more often; they are where most clauses are. */
		if (below(2))
			a = &state_arrays[below(28)];
		i = some_index(a);
		change(a, i, changed(a, i));
	}
	/* A live size that lies beyond the arrays is looked at first, and nothing else may be. */
	if (live_frames > PROTECT_FRAMES || live_tables > PROTECT_TABLES ||
	    live_slots > PROTECT_SLOTS || live_cpus > PROTECT_CPUS) {
		if (protect_invariant() != INV_SIZES)
			return explain(protect_invariant(), 0), false;
		spec_broken = 0;
		spec_scalars(0);
		if (spec_broken == 0)
			return explain(INV_SIZES, 0), false;
		alone[0] += spec_broken == 1;
		states++;
	} else if (!compare()) {
		return false;
	}
	while (undone_nr > 0) {
		undone_nr--;
		set_element(undone[undone_nr].array, undone[undone_nr].index,
			    undone[undone_nr].value);
	}
	return true;
}

static void prepare(void)
{
	u64 d, level, mfn, i;

	set_up();
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
		for (mfn = 2 * d + 1; mfn < 2 * d + 3; mfn++) {
			ck_assert_int_eq(frame_scrub(mfn), 0);
			ck_assert_int_eq(frame_give(mfn, d), 0);
			owner_handle[mfn] = domain_handle(d);
			frame_is_zero[mfn] = false;
		}
	}
	/* What lies between the live sizes and the arrays' is anything. */
	for (d = 0; d < ARRAYS_NR; d++)
		for (i = state_arrays[d].live;
		     i < state_arrays[d].nr && state_arrays[d].nr != FORBIDDEN; i++)
			set_element(&state_arrays[d], i, next_random());
}

/* What cannot be broken alone, because the others imply it. */
static bool is_implied(u64 f)
{
	static const struct {
		const char *group, *name;
		u64 nth;
	} implied[] = {
		/* A live table of level 4 has no parent, whose level would be 5, and base 0, as all without parent. */
		{ "table", "table_state", 4 },
		/* A role in level 1 only: with one an entry is a leaf's value, in other levels zero or an upper one's. */
		{ "entry", "leaf_none", 0 },
	};
	u64 i, nth = 0;

	for (i = 0; i < f; i++)
		nth += formulas[i].clause == formulas[f].clause &&
		       strcmp(formulas[i].group, formulas[f].group) == 0;
	for (i = 0; i < sizeof(implied) / sizeof(implied[0]); i++)
		if (strcmp(implied[i].group, formulas[f].group) == 0 &&
		    strcmp(implied[i].name, formulas[f].name) == 0 && implied[i].nth == nth)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	u64 wanted = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000, n, f, missing = 0,
	    implied = 0;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) | 1 : 0x9e3779b97f4a7c15ull;
	prepare();
	while (states < wanted) {
		for (n = 0; n < 4; n++)
			run(below(NR_OPS));
		if (!compare()) {
			printf("0 passed, 1 failed\n");
			return 1;
		}
		for (n = 0; n < 24; n++)
			if (!one_round()) {
				printf("0 passed, 1 failed\n");
				return 1;
			}
	}
	for (f = 0; f < FORMULAS; f++)
		if (is_implied(f)) {
			implied++;
			missing += alone[f] != 0;
		} else if (alone[f] == 0) {
			printf("never broken alone: %s/%s (formula %lu)\n", formulas[f].group,
			       formulas[f].name, (unsigned long)f);
			missing++;
		}
	printf("the invariant in C and the specification agree on %lu states, %lu of them broken; "
	       "each of %lu formulas was broken alone, %lu more are implied\n",
	       (unsigned long)states, (unsigned long)broken_states,
	       (unsigned long)(FORMULAS - implied - missing), (unsigned long)implied);
	printf("%d passed, %d failed\n", missing == 0, missing != 0);
	return missing != 0;
}
