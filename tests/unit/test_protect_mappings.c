/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=64ull -DPROTECT_TABLES=32ull -DPROTECT_SLOTS=16ull */
/*
 * Leaf entries and slots of the protection layer: who may map what, each
 * operation's success and each of its errors.
 */
#include "protect_world.h"

START_TEST(own_mappings)
{
	const u64 t = LEAF(OTHER), f = FRAME(OTHER, 0);

	world();
	fails(EINVAL, map_own(0, 0, f, 3));
	fails(EINVAL, map_own(TABLES, 0, f, 3));
	fails(EINVAL, map_own(t, 512, f, 3));
	fails(EINVAL, map_own(L2(OTHER), 0, f, 3)); /* no leaf table */
	fails(EINVAL, map_own(26, 0, f, 3));	    /* FREE */
	fails(EINVAL, map_own(t, 0, FRAMES, 3));
	fails(EINVAL, map_own(t, 0, f, 0));
	fails(EINVAL, map_own(t, 0, f, 2));
	fails(EINVAL, map_own(t, 0, f, 8 | 3));
	fails(EPERM, map_own(t, 0, RAM, 3)); /* no RAM */
	fails(EPERM, map_own(t, 0, FRAME(GUEST, 0), 3));
	ok(table_alloc(25, GUEST, 1));
	fails(EINVAL, map_own(25, 0, FRAME(GUEST, 0), 3)); /* hangs nowhere */
	ok(map_own(t, 0, f, 3));
	fails(EEXIST, map_own(t, 0, f, 3));
	ck_assert_uint_eq(entry_value(t, 0), f << 12 | 1ull << 63 | 1ull << 62 | 1ull << 61 | 0x67);
	ok(map_own(t, 1, f, 5));
	ck_assert_uint_eq(entry_value(t, 1), f << 12 | 1ull << 61 | 0x65);
	leaf_age[t * 512 + 1] = ~0u;
	fails(ENOSPC, map_own(t, 2, f, 3));
	holds();

	fails(EINVAL, leaf_write_protect(0, 0));
	fails(EINVAL, leaf_write_allow(t, 512));
	fails(ENOENT, leaf_write_protect(L2(OTHER), 0)); /* no leaf table: no leaf in it */
	fails(ENOENT, leaf_write_protect(t, 3));
	fails(ENOENT, leaf_write_allow(t, 3));
	ok(map_mmio(LEAF(DOM0), 41, 41));
	fails(EPERM, leaf_write_protect(LEAF(DOM0), 41));
	ok(leaf_write_protect(t, 0));
	ck_assert_uint_eq(entry_value(t, 0) & (ENTRY_WRITE | ENTRY_IW), 0);
	holds();
	ok(leaf_write_allow(t, 0));
	ck_assert_uint_eq(entry_value(t, 0) & (ENTRY_WRITE | ENTRY_IW), ENTRY_WRITE | ENTRY_IW);
	ok(leaf_write_allow(t, 1)); /* never had it: nothing to give back */
	ck_assert_uint_eq(entry_value(t, 1) & ENTRY_WRITE, 0);
	holds();

	fails(EINVAL, unmap(0, 0));
	fails(EINVAL, unmap(TABLES, 0));
	fails(EINVAL, unmap(t, 512));
	fails(ENOENT, unmap(L2(OTHER), 0));
	fails(ENOENT, unmap(26, 0));
	fails(ENOENT, unmap(t, 3));
	ok(unmap(t, 0));
	fails(ENOENT, unmap(t, 0));
	ck_assert_uint_eq(entry_value(t, 0), 0);
	ok(domain_kill(OTHER));
	fails(ESRCH, map_own(t, 0, f, 3));
	ok(unmap(t, 1));
	holds();
}
END_TEST

START_TEST(partner_mappings)
{
	const u64 t = LEAF(FIDELITY);

	world();
	fails(EINVAL, map_partner(t, 512, FRAME(GUEST, 0), 3));
	fails(EINVAL, map_partner(t, 0, FRAME(GUEST, 0), 2));
	fails(EPERM, map_partner(t, 0, FRAME(OTHER, 0), 3));
	fails(EPERM, map_partner(t, 0, FRAME(FIDELITY, 0), 3));
	fails(EPERM,
	      map_partner(LEAF(GUEST), 0, FRAME(FIDELITY, 0), 3)); /* not the other way round */
	ok(map_partner(t, 0, FRAME(GUEST, 0), 7));
	ck_assert_uint_eq(entry_value(t, 0) & ENTRY_NX, ENTRY_NX);
	ck_assert_uint_eq(entry_role(t * 512), LEAF_PARTNER);
	ok(domain_seal_begin(GUEST));
	ok(domain_seal_end(GUEST));
	ok(map_partner(t, 1, FRAME(GUEST, 1), 3)); /* sealing does not concern a partner */
	ok(domain_kill(GUEST));
	fails(ESRCH, map_partner(t, 2, FRAME(GUEST, 2), 3));
	holds();
	ok(unmap(t, 0));
	ok(unmap(t, 1));
	holds();
}
END_TEST

START_TEST(mmio_mappings)
{
	world();
	fails(EPERM, map_mmio(LEAF(OTHER), 41, 41));
	fails(EINVAL, map_mmio(LEAF(DOM0), 42, 41)); /* not the identity */
	fails(EPERM, map_mmio(LEAF(DOM0), 39, 39));  /* RAM */
	fails(EPERM, map_mmio(LEAF(DOM0), 44, 44));
	fails(EPERM, map_mmio(LEAF(DOM0), 45, 45));
	fails(EINVAL, map_mmio(LEAF(DOM0), 512, 512));
	ok(map_mmio(LEAF(DOM0), 43, 43));
	ok(map_mmio(LEAF(DOM0), 100, 100)); /* beyond all frames */
	fails(EEXIST, map_mmio(LEAF(DOM0), 43, 43));
	ck_assert_uint_eq(entry_role(LEAF(DOM0) * 512 + 43), LEAF_MMIO);
	/* The pool itself, where the identity would put it. */
	ok(table_alloc(25, DOM0, 1));
	ok(table_link(25, L2(DOM0), (TABLE_MFN + 3) / 512));
	fails(EPERM, map_mmio(25, (TABLE_MFN + 3) % 512, TABLE_MFN + 3));
	holds();
	ok(unmap(LEAF(DOM0), 43));
	holds();
}
END_TEST

START_TEST(ram_and_mmio_never_meet)
{
	sizes();
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, 8, 8));
	tree(DOM0);
	ok(map_mmio(LEAF(DOM0), 41, 41));
	fails(EPERM, frame_add(41));
	holds();
}
END_TEST

START_TEST(builder_slots)
{
	const u64 t = LEAF(DOM0);

	world();
	fails(EINVAL, slot_take(0, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	fails(EINVAL, slot_take(SLOTS, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	fails(EINVAL, slot_take(1, PROTECT_DOMAINS, GUEST, LEAF_BUILDER, 0, 0));
	fails(EINVAL, slot_take(1, DOM0, PROTECT_DOMAINS, LEAF_BUILDER, 0, 0));
	fails(EINVAL, slot_take(1, DOM0, GUEST, LEAF_OWN, 0, 0));
	fails(ESRCH, slot_take(1, NOBODY, GUEST, LEAF_BUILDER, 0, 0));
	fails(ESRCH, slot_take(1, DOM0, NOBODY, LEAF_BUILDER, 0, 0));
	fails(EPERM, slot_take(1, OTHER, GUEST, LEAF_BUILDER, 0, 0)); /* did not build it */
	fails(EPERM, slot_take(1, DOM0, DOM0, LEAF_BUILDER, 0, 0));
	ok(slot_take(1, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	fails(EBUSY, slot_take(1, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	ok(slot_take(2, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	ok(slot_take(3, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	ck_assert_uint_eq(domain_builder_slot(GUEST), 3);
	fails(EINVAL, map_slot(t, 0, FRAME(GUEST, 0), 3, 0));
	fails(EINVAL, map_slot(t, 0, FRAME(GUEST, 0), 3, SLOTS));
	fails(ENOENT, map_slot(t, 0, FRAME(GUEST, 0), 3, 4));
	fails(EPERM, map_slot(t, 0, FRAME(OTHER, 0), 3, 1));
	fails(EPERM, map_slot(LEAF(OTHER), 0, FRAME(GUEST, 0), 3, 1));
	ok(map_slot(t, 0, FRAME(GUEST, 0), 7, 1));
	fails(EBUSY, map_slot(t, 1, FRAME(GUEST, 1), 3, 1));
	ok(map_slot(t, 1, FRAME(GUEST, 0), 3, 2));
	ck_assert_uint_eq(entry_value(t, 0) & ENTRY_NX, ENTRY_NX);
	ck_assert_uint_eq(slot_entry_of(1), t * 512);
	ck_assert_uint_eq(entry_slot(t * 512), 1);
	holds();
	slot_age[3] = ~0u;
	fails(ENOSPC, slot_take(4, DOM0, GUEST, LEAF_BUILDER, 0, 0));

	fails(EINVAL, domain_seal_end(GUEST));
	fails(EINVAL, domain_seal_begin(PROTECT_DOMAINS));
	fails(EINVAL, domain_seal_end(PROTECT_DOMAINS));
	fails(ESRCH, domain_seal_begin(NOBODY));
	fails(ESRCH, domain_seal_end(NOBODY));
	ok(domain_seal_begin(GUEST));
	ok(domain_seal_begin(GUEST));
	fails(EPERM, slot_take(4, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	fails(EPERM, map_slot(t, 2, FRAME(GUEST, 1), 3, 3));
	fails(EBUSY, domain_seal_end(GUEST));
	fails(EBUSY, slot_drop(1));
	ok(unmap(t, 0));
	ok(unmap(t, 1));
	ok(slot_drop(2)); /* the middle of the list first */
	ok(slot_drop(3));
	holds();
	fails(EBUSY, domain_seal_end(GUEST));
	ok(slot_drop(1));
	fails(EBUSY, domain_seal_end(GUEST)); /* not flushed */
	flush_all();
	ok(domain_seal_end(GUEST));
	ok(domain_seal_end(GUEST));
	ok(domain_seal_begin(GUEST));
	ck_assert_uint_eq(domain_sealed(GUEST), SEALED);
	fails(EPERM, slot_take(1, DOM0, GUEST, LEAF_BUILDER, 0, 0));
	fails(ENOENT, slot_drop(1));
	fails(EINVAL, slot_drop(0));
	fails(EINVAL, slot_drop(SLOTS));
	holds();
}
END_TEST

START_TEST(grant_slots)
{
	const u64 t = LEAF(DOM0), f = FRAME(OTHER, 0);

	world();
	fails(EINVAL, slot_take(1, DOM0, OTHER, LEAF_GRANT, FRAMES, 3));
	fails(EINVAL, slot_take(1, DOM0, OTHER, LEAF_GRANT, f, 2));
	fails(EPERM,
	      slot_take(1, DOM0, OTHER, LEAF_GRANT, FRAME(GUEST, 0), 3)); /* not OTHER's to grant */
	fails(EPERM, slot_take(1, DOM0, OTHER, LEAF_GRANT, RAM, 3));
	ok(slot_take(1, DOM0, OTHER, LEAF_GRANT, f, 1));
	fails(EPERM, map_slot(t, 0, f, 3, 1)); /* granted read-only */
	fails(EPERM, map_slot(t, 0, FRAME(OTHER, 1), 1, 1));
	ok(map_slot(t, 0, f, 1, 1));
	ck_assert_uint_eq(entry_value(t, 0) & (ENTRY_WRITE | ENTRY_IW), 0);
	ok(slot_take(2, DOM0, OTHER, LEAF_GRANT, f, 7));
	ok(map_slot(t, 1, f, 7, 2));
	ck_assert_uint_eq(entry_value(t, 1) & (ENTRY_WRITE | ENTRY_NX), ENTRY_WRITE | ENTRY_NX);
	/* Quota of the mapper. */
	ok(slot_take(3, OTHER, DOM0, LEAF_GRANT, FRAME(DOM0, 0), 3));
	ok(slot_take(4, OTHER, DOM0, LEAF_GRANT, FRAME(DOM0, 0), 3));
	fails(ENOMEM, slot_take(5, OTHER, DOM0, LEAF_GRANT, FRAME(DOM0, 0), 3));
	holds();
	ok(unmap(t, 0));
	fails(EAGAIN, slot_drop(1));
	flush_all();
	ok(slot_drop(1));
	ok(slot_drop(3)); /* never mapped */
	ok(slot_take(5, OTHER, DOM0, LEAF_GRANT, FRAME(DOM0, 0), 3));

	/* The granter dies: the mapping stays until it is removed, no new one is made. */
	ok(slot_take(1, DOM0, OTHER, LEAF_GRANT, FRAME(OTHER, 1), 3));
	ok(domain_kill(OTHER));
	fails(ESRCH, map_slot(t, 2, FRAME(OTHER, 1), 3, 1));
	ok(frame_condemn(f, DOM0));
	fails(EBUSY, frame_release(f));
	ok(unmap(t, 1));
	flush_all();
	ok(frame_release(f));
	fails(EPERM, map_slot(t, 2, f, 3, 2)); /* what was granted is gone */
	holds();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		own_mappings,  partner_mappings, mmio_mappings, ram_and_mmio_never_meet,
		builder_slots, grant_slots,
	};

	return run_tests("protect_mappings", tests, ARRAY_SIZE(tests));
}
