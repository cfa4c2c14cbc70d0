/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=64ull -DPROTECT_TABLES=32ull -DPROTECT_SLOTS=16ull */
/*
 * Boot, domains, frames, tables and epochs of the protection layer: each
 * operation's success and each of its errors.
 */
#include "protect_world.h"

START_TEST(boot)
{
	u64 va, bytes, i, nr = 0;

	for (i = 0; protect_backing(i, 10, 3, 5, &va, &bytes) != BACKING_END; i++) {
		ck_assert_uint_ne(va, 0);
		ck_assert_uint_gt(bytes, 0);
		nr++;
	}
	ck_assert_uint_eq(nr, 28);
	ck_assert_uint_eq(protect_backing(0, 10, 3, 5, &va, &bytes), BACKING_TABLES);
	ck_assert_uint_eq(va, (u64)npt);
	ck_assert_uint_eq(bytes, 3 * 4096);
	ck_assert_uint_eq(protect_backing(1, 10, 3, 5, &va, &bytes), BACKING_FRAMES);
	ck_assert_uint_eq(va, (u64)frame_state);
	ck_assert_uint_eq(protect_backing(4, 10, 3, 5, &va, &bytes), BACKING_FRAMES);
	ck_assert_uint_eq(va, (u64)frame_stamp);
	ck_assert_uint_eq(protect_backing(5, 10, 3, 5, &va, &bytes), BACKING_ANY);

	protect_init(~0ull, ~0ull, ~0ull, ~0ull);
	ck_assert_uint_eq(live_frames, PROTECT_FRAMES);
	protect_init(FRAMES, TABLES, SLOTS, CPUS);
	fails(EINVAL, mmio_forbid(3, 0));
	for (i = 0; i < FORBIDDEN; i++)
		ok(mmio_forbid(44, 2));
	fails(ENOSPC, mmio_forbid(46, 1));
	fails(EINVAL, frame_add(FRAMES));
	fails(EPERM, frame_add(45));
	ok(frame_add(3));
	fails(EBUSY, frame_add(3));
	fails(EBUSY, mmio_forbid(46, 1));
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, 8, 8));
	ok(domain_create(OTHER, DOM0, 0, 8, 8));
	fails(EINVAL, frame_give_boot(FRAMES, DOM0));
	fails(EINVAL, frame_give_boot(3, PROTECT_DOMAINS));
	fails(ESRCH, frame_give_boot(3, NOBODY));
	fails(EPERM, frame_give_boot(3, OTHER));
	fails(EBUSY, frame_give_boot(4, DOM0));
	ok(frame_give_boot(3, DOM0));
	ck_assert_uint_eq(frame_owner_of(3), handle(DOM0));
	protect_boot_done();
	fails(EPERM, frame_give_boot(3, DOM0));
	fails(EPERM, frame_add(5));
	fails(EBUSY, mmio_forbid(46, 1));
	holds();
}
END_TEST

START_TEST(domains)
{
	u64 old;

	sizes();
	fails(EINVAL, domain_create(PROTECT_DOMAINS, 0, 0, 1, 1));
	fails(EINVAL, domain_create(1, PROTECT_DOMAINS, 0, 1, 1));
	fails(EINVAL, domain_create(1, 1, 3, 1, 1));
	fails(ESRCH, domain_create(GUEST, DOM0, 0, 1, 1));
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, ~0ull, ~0ull));
	fails(EEXIST, domain_create(DOM0, DOM0, 0, 1, 1));
	protect_boot_done();
	fails(EPERM, domain_create(GUEST, DOM0, DOMAIN_HARDWARE, 1, 1));
	ok(domain_create(GUEST, DOM0, DOMAIN_GUEST, 1, 1));
	ok(domain_create(FIDELITY, DOM0, 0, 1, 1));
	ok(domain_create(OTHER, DOM0, DOMAIN_GUEST, 1, 1));

	fails(EINVAL, domain_pair(GUEST, GUEST));
	fails(EINVAL, domain_pair(PROTECT_DOMAINS, FIDELITY));
	fails(EINVAL, domain_pair(GUEST, ~0ull));
	fails(ESRCH, domain_pair(NOBODY, FIDELITY));
	fails(ESRCH, domain_pair(GUEST, NOBODY));
	fails(EPERM, domain_pair(FIDELITY, OTHER)); /* no real guest */
	fails(EPERM, domain_pair(GUEST, OTHER));    /* a guest is nobody's partner */
	fails(EPERM, domain_pair(GUEST, DOM0));	    /* nor is dom0 */
	ok(domain_seal_begin(GUEST));
	fails(EPERM, domain_pair(GUEST, FIDELITY));
	ok(domain_kill(GUEST));
	ok(domain_kill(GUEST));
	fails(ESRCH, domain_pair(GUEST, FIDELITY));
	fails(ESRCH, domain_seal_begin(GUEST));
	ok(domain_reap(GUEST));
	fails(ESRCH, domain_reap(GUEST));
	fails(ESRCH, domain_kill(GUEST));
	fails(EINVAL, domain_kill(PROTECT_DOMAINS));
	fails(EINVAL, domain_reap(PROTECT_DOMAINS));
	ck_assert_uint_eq(handle(GUEST), 0);

	ok(domain_create(GUEST, DOM0, DOMAIN_GUEST, 1, 1));
	old = handle(GUEST);
	ck_assert_uint_eq(old, 2u << 10 | GUEST);
	ok(domain_pair(GUEST, FIDELITY));
	fails(EEXIST, domain_pair(GUEST, FIDELITY));
	fails(EEXIST, domain_pair(OTHER, FIDELITY)); /* one guest per partner */

	/* An id whose incarnations are used up is not created again. */
	ok(domain_kill(OTHER));
	ok(domain_reap(OTHER));
	dom_incarnation[OTHER] = (1u << 22) - 1;
	fails(ENOSPC, domain_create(OTHER, DOM0, 0, 1, 1));
	holds();
}
END_TEST

START_TEST(frames)
{
	sizes();
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, 8, 8));
	ok(domain_create(OTHER, DOM0, 0, 8, 8));
	fails(EINVAL, frame_scrub(FRAMES));
	fails(ENOENT, frame_scrub(RAM));
	fails(EBUSY, frame_give(1, OTHER)); /* not zeroed yet */
	ck_assert_uint_eq(zeroed, 0);
	ok(frame_scrub(1));
	ck_assert_uint_eq(zeroed, 1);
	fails(ENOENT, frame_scrub(1));
	fails(EINVAL, frame_give(FRAMES, OTHER));
	fails(EINVAL, frame_give(1, PROTECT_DOMAINS));
	fails(ESRCH, frame_give(1, NOBODY));
	ok(frame_give(1, OTHER));
	fails(EBUSY, frame_give(1, DOM0));
	ck_assert_uint_eq(frame_owner_of(1), handle(OTHER));

	fails(EINVAL, frame_condemn(FRAMES, OTHER));
	fails(EINVAL, frame_condemn(1, PROTECT_DOMAINS));
	fails(ENOENT, frame_condemn(2, OTHER));
	fails(EPERM, frame_condemn(1, DOM0));
	fails(ENOENT, frame_release(1));
	ok(frame_condemn(1, OTHER));
	fails(EINVAL, frame_release(FRAMES));
	ok(frame_release(1)); /* never mapped */
	ck_assert_uint_eq(frame_state_of(1), FRAME_DIRTY);

	/* A dead domain's frame is an orphan that anybody may condemn, its id's next owner does not own it. */
	ok(frame_scrub(1));
	ok(frame_give(1, OTHER));
	ok(domain_kill(OTHER));
	fails(ESRCH, frame_give(2, OTHER));
	ok(domain_reap(OTHER));
	ok(domain_create(OTHER, DOM0, 0, 8, 8));
	tree(OTHER);
	fails(EPERM, map_own(LEAF(OTHER), 0, 1, 3));
	ok(frame_condemn(1, DOM0));
	holds();
}
END_TEST

START_TEST(condemned_while_mapped)
{
	world();
	ok(map_own(LEAF(GUEST), 5, FRAME(GUEST, 0), 7));
	ok(map_own(LEAF(GUEST), 9, FRAME(GUEST, 0), 1)); /* an alias */
	ok(map_partner(LEAF(FIDELITY), 5, FRAME(GUEST, 0), 3));
	ck_assert_uint_eq(frame_newest_entry(FRAME(GUEST, 0)), LEAF(FIDELITY) * 512 + 5);
	ck_assert_uint_eq(entry_older(LEAF(FIDELITY) * 512 + 5), LEAF(GUEST) * 512 + 9);
	ok(frame_condemn(FRAME(GUEST, 0), GUEST));
	fails(EPERM, map_own(LEAF(GUEST), 6, FRAME(GUEST, 0), 7));
	fails(EPERM, map_partner(LEAF(FIDELITY), 6, FRAME(GUEST, 0), 3));
	fails(EBUSY, frame_release(FRAME(GUEST, 0)));
	ok(unmap(LEAF(GUEST), 9)); /* the middle of the list first */
	ok(unmap(LEAF(GUEST), 5));
	holds();
	fails(EBUSY, frame_release(FRAME(GUEST, 0)));
	flush_begin(0); /* before the last unmapping: covers nothing */
	ok(unmap(LEAF(FIDELITY), 5));
	flush_end(0);
	fails(EAGAIN, frame_release(FRAME(GUEST, 0)));
	flush_all();
	ok(frame_release(FRAME(GUEST, 0)));
	holds();
}
END_TEST

START_TEST(epochs)
{
	u64 cpu;

	world();
	ok(map_own(LEAF(OTHER), 0, FRAME(OTHER, 0), 3));
	ok(unmap(LEAF(OTHER), 0));
	ok(frame_condemn(FRAME(OTHER, 0), OTHER));
	for (cpu = 0; cpu < CPUS; cpu++) {
		fails(EAGAIN, frame_release(FRAME(OTHER, 0)));
		flush_begin(cpu);
		fails(EAGAIN, frame_release(FRAME(OTHER, 0)));
		flush_end(cpu);
	}
	ok(frame_release(FRAME(OTHER, 0)));
	flush_begin(CPUS); /* no such CPU */
	flush_end(CPUS);
	flush_end(~0ull);
	holds();
	epoch_now = EPOCH_MAX - 1; /* never reached: nothing counts as flushed any more */
	flush_begin(0);
	ck_assert_uint_eq(epoch_now, EPOCH_MAX - 1);
	holds();
}
END_TEST

/* Whatever the control block held, what runs is confined; nothing is written when it cannot be. */
START_TEST(control_block)
{
	u64 block[512] = { 0 }, untouched[512] = { 0 };

	world();
	block[VMCB_ASID / 8] = untouched[VMCB_ASID / 8] = 1ull << 32; /* ASID 0 */
	fails(EPERM, vmcb_confine(OTHER, (u64)block));
	block[VMCB_ASID / 8] = untouched[VMCB_ASID / 8] = 7;
	fails(EPERM, vmcb_confine(NOBODY, (u64)block));
	fails(EPERM, vmcb_confine(PROTECT_DOMAINS, (u64)block));
	ck_assert_mem_eq(block, untouched, sizeof(block));
	block[VMCB_INTERCEPT_1 / 8] = 1ull << 50;
	block[VMCB_INTR / 8] = 0x10f | 1ull << 25 | 1ull << 31; /* virtual GIF, AVIC */
	block[VMCB_NESTED / 8] = 6;
	block[VMCB_ROOT / 8] = ~0ull;
	block[VMCB_CLEAN / 8] = 0xff;
	ok(vmcb_confine(OTHER, (u64)block));
	untouched[VMCB_INTERCEPT_1 / 8] = 1ull << 50 | VMCB_NEEDS_1;
	untouched[VMCB_INTERCEPT_2 / 8] = VMCB_NEEDS_2;
	untouched[VMCB_INTR / 8] = 0x10f | 1ull << 24;
	untouched[VMCB_NESTED / 8] = 1;
	untouched[VMCB_ROOT / 8] = table_mfn(ROOT(OTHER)) << 12;
	ck_assert_mem_eq(block, untouched, sizeof(block));
}
END_TEST

START_TEST(tables)
{
	u64 i;

	sizes();
	ok(domain_create(DOM0, DOM0, DOMAIN_HARDWARE, 8, 8));
	ok(domain_create(OTHER, DOM0, 0, 5, 8));
	fails(EINVAL, table_alloc(0, OTHER, 4));
	fails(EINVAL, table_alloc(TABLES, OTHER, 4));
	fails(EINVAL, table_alloc(1, PROTECT_DOMAINS, 4));
	fails(EINVAL, table_alloc(1, OTHER, 0));
	fails(EINVAL, table_alloc(1, OTHER, 5));
	fails(ESRCH, table_alloc(1, NOBODY, 4));
	tree(OTHER);
	ck_assert_uint_eq(domain_root_table(OTHER), ROOT(OTHER));
	ck_assert_uint_eq(entry_value(ROOT(OTHER), 0),
			  (TABLE_MFN + L3(OTHER)) << 12 | 3ull << 61 | 3 << 9 | 0x27);
	ck_assert_uint_eq(mfn_table(table_mfn(L3(OTHER))), L3(OTHER));
	fails(EBUSY, table_alloc(LEAF(OTHER), OTHER, 1));
	fails(EEXIST, table_alloc(1, OTHER, 4));
	ok(table_alloc(1, OTHER, 1));
	fails(ENOMEM, table_alloc(2, OTHER, 1)); /* quota */

	ok(table_alloc(3, DOM0, 1));
	ok(table_alloc(4, DOM0, 2));
	fails(EINVAL, table_link(0, L2(OTHER), 1));
	fails(EINVAL, table_link(1, 0, 1));
	fails(EINVAL, table_link(TABLES, L2(OTHER), 1));
	fails(EINVAL, table_link(1, TABLES, 1));
	fails(EINVAL, table_link(1, L2(OTHER), 512));
	fails(EINVAL, table_link(9, L2(OTHER), 1));	      /* FREE */
	fails(EINVAL, table_link(1, L3(OTHER), 1));	      /* wrong level */
	fails(EINVAL, table_link(LEAF(OTHER), L2(OTHER), 1)); /* linked already */
	fails(EINVAL, table_link(3, 4, 1));		      /* parent hangs nowhere */
	fails(EPERM, table_link(3, L2(OTHER), 1));	      /* another's */
	fails(EEXIST, table_link(1, L2(OTHER), 0));
	ok(table_link(1, L2(OTHER), 511));
	ck_assert_uint_eq(table_parent_entry(1), L2(OTHER) * 512 + 511);
	holds();

	fails(EINVAL, table_unlink(0));
	fails(EINVAL, table_unlink(TABLES));
	fails(EINVAL, table_unlink(9));
	fails(EBUSY, table_unlink(ROOT(OTHER)));
	fails(EINVAL, table_clear(1));
	fails(EINVAL, table_free(1));
	ok(frame_scrub(5));
	ok(frame_give(5, OTHER));
	ok(map_own(1, 7, 5, 3));
	ok(table_unlink(1));
	ck_assert_uint_eq(entry_value(L2(OTHER), 511), 0);
	fails(EINVAL, table_unlink(1));
	fails(EINVAL, table_link(1, L2(OTHER), 511));
	fails(EINVAL, map_own(1, 8, 5, 3));
	ok(table_clear(1));
	fails(EBUSY, table_clear(1)); /* entry 7 maps */
	fails(EBUSY, table_free(1));
	ok(unmap(1, 7));
	for (i = 0; i < 200; i++) /* past the end nothing happens */
		ok(table_clear(1));
	fails(EAGAIN, table_free(1));
	flush_all();
	ok(table_free(1));
	fails(EINVAL, table_free(1));
	fails(EINVAL, table_clear(TABLES));
	fails(EINVAL, table_free(TABLES));
	ok(table_alloc(1, OTHER, 1)); /* back within the quota */
	holds();

	ok(domain_kill(OTHER));
	fails(ESRCH, table_link(1, L2(OTHER), 511));
	fails(ESRCH, table_alloc(2, OTHER, 1));
	fails(EBUSY, domain_reap(OTHER));
	ok(table_unlink(ROOT(OTHER)));
	fails(EBUSY, table_clear(ROOT(OTHER))); /* links L3 */
	ok(table_unlink(L3(OTHER)));
	ok(table_clear(ROOT(OTHER)));
	holds();
}
END_TEST

START_TEST(death)
{
	u64 t, i;

	world();
	ok(map_own(LEAF(OTHER), 0, FRAME(OTHER, 0), 7));
	ok(slot_take(1, DOM0, OTHER, LEAF_BUILDER, 0, 0));
	ok(map_slot(LEAF(DOM0), 0, FRAME(OTHER, 1), 3, 1));
	ok(slot_take(2, OTHER, GUEST, LEAF_GRANT, FRAME(GUEST, 0), 3));
	ok(map_slot(LEAF(OTHER), 1, FRAME(GUEST, 0), 3, 2));
	ok(domain_kill(OTHER));
	fails(EPERM, frame_condemn(FRAME(GUEST, 0), OTHER));
	ok(frame_condemn(FRAME(OTHER, 0), DOM0));
	ok(unmap(LEAF(OTHER), 0));
	ok(unmap(LEAF(OTHER), 1));
	for (t = LEAF(OTHER); t >= ROOT(OTHER); t--)
		ok(table_unlink(t));
	for (t = LEAF(OTHER); t >= ROOT(OTHER); t--)
		for (i = 0; i < 128; i++)
			ok(table_clear(t));
	flush_all();
	fails(EBUSY, domain_reap(OTHER));
	for (t = LEAF(OTHER); t >= ROOT(OTHER); t--)
		ok(table_free(t));
	fails(EBUSY, domain_reap(OTHER)); /* its grant slot */
	ok(slot_drop(2));
	fails(EBUSY, domain_reap(OTHER)); /* the builder's slot on it */
	ok(unmap(LEAF(DOM0), 0));
	ok(slot_drop(1));
	ok(domain_reap(OTHER));
	holds();
	ok(domain_create(OTHER, DOM0, 0, 4, 4));
	ck_assert_uint_ne(frame_owner_of(FRAME(OTHER, 1)), handle(OTHER));
	ok(frame_condemn(FRAME(OTHER, 1), NOBODY));
	flush_all();
	ok(frame_release(FRAME(OTHER, 1)));
	ok(frame_release(FRAME(OTHER, 0)));
	holds();
}
END_TEST

START_TEST(reading_out_of_range)
{
	world();
	ck_assert_uint_eq(frame_state_of(FRAMES), FRAME_NOT_RAM);
	ck_assert_uint_eq(frame_owner_of(~0ull), 0);
	ck_assert_uint_eq(frame_newest_entry(FRAMES), 0);
	ck_assert_uint_eq(entry_older(TABLES * 512), 0);
	ck_assert_uint_eq(entry_value(TABLES, 0), 0);
	ck_assert_uint_eq(entry_value(1, 512), 0);
	ck_assert_uint_eq(entry_role(TABLES * 512), LEAF_NONE);
	ck_assert_uint_eq(entry_slot(~0ull), 0);
	ck_assert_uint_eq(table_state_of(TABLES), 0);
	ck_assert_uint_eq(table_owner_of(TABLES), 0);
	ck_assert_uint_eq(table_level_of(TABLES), 0);
	ck_assert_uint_eq(table_parent_entry(TABLES), 0);
	ck_assert_uint_eq(domain_handle(PROTECT_DOMAINS), 0);
	ck_assert_uint_eq(domain_root_table(~0ull), 0);
	ck_assert_uint_eq(domain_sealed(~0ull), 0);
	ck_assert_uint_eq(domain_builder_slot(~0ull), 0);
	ck_assert_uint_eq(slot_entry_of(SLOTS), 0);
	ck_assert_uint_eq(slot_role_of(SLOTS), LEAF_NONE);
	ck_assert_uint_eq(mfn_table(TABLE_MFN + TABLES), 0);
	ck_assert_uint_eq(mfn_table(0), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		boot,	domains,       frames, condemned_while_mapped, epochs,
		tables, control_block, death,  reading_out_of_range,
	};

	return run_tests("protect_ops", tests, ARRAY_SIZE(tests));
}
