/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -lxenlight -lxlutil -lxenctrl -lxenstore */
/*
 * Pairs are built, listed and taken apart, on a hypervisor of a few lines (fake_xen.h).  A user would
 * see break: domains or keys left after a failure, a list that names the wrong panels, a destroy that
 * hits somebody else's domain.
 */
#include "toolstack_world.h"

START_TEST(a_pair_is_two_domains_that_run)
{
	uint32_t guest = create();
	struct diptych_pair pair;

	ck_assert_uint_eq(count_domains(), 2);
	ck_assert_uint_eq(fake_target, guest);
	ck_assert_int_eq(monitors, 1);
	ck_assert_int_eq(diptych_lookup(&context, "g", &pair), 0);
	ck_assert_uint_eq(pair.guest, guest);
	ck_assert_uint_eq(pair.fidelity, fake_partner);
	ck_assert_uint_eq(pair.memory_kib, 100 << 10);
	ck_assert_uint_eq(pair.pool_kib, 108 << 10); /* with firmware; no screen */
	ck_assert_uint_eq(pair.vcpus, 1);
	ck_assert_mem_eq(pair.uuid, desc.uuid, 16);
	ck_assert_int_eq(pair.state, DIPTYCH_BLOCKED);
	diptych_pair_dispose(&pair);
}
END_TEST

START_TEST(created_paused_it_stays_paused)
{
	struct diptych_pair pair;
	uint32_t guest;

	ck_assert_int_eq(diptych_create(&context, &desc, DIPTYCH_CREATE_PAUSED, &guest), 0);
	ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
	ck_assert_int_eq(pair.state, DIPTYCH_PAUSED);
	diptych_pair_dispose(&pair);
	ck_assert_int_eq(diptych_unpause(&context, guest), 0);
	ck_assert(!(domain_at(fake_partner)->info.flags & XEN_DOMINF_paused));
	ck_assert(!(domain_at(guest)->info.flags & XEN_DOMINF_paused));
	ck_assert_int_eq(diptych_pause(&context, guest), 0);
	ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
	ck_assert_int_eq(pair.state, DIPTYCH_PAUSED);
	diptych_pair_dispose(&pair);
}
END_TEST

START_TEST(destroyed_nothing_is_left)
{
	size_t keys = count_keys();
	uint32_t guest = create();

	ck_assert_int_eq(diptych_destroy(&context, guest), 0);
	ck_assert_uint_eq(count_domains(), 0);
	ck_assert_uint_eq(count_keys(), keys);
	ck_assert_ptr_null(key_at("/tool/diptych"));
	ck_assert(access("test-toolstack-run/2", F_OK));
	ck_assert_int_eq(record_read_end(guest, desc.uuid), DIPTYCH_END_DESTROYED);
	ck_assert_int_eq(diptych_destroy(&context, guest), -ESRCH);
}
END_TEST

/* Every change on the way fails once. */
START_TEST(whatever_fails_nothing_is_left)
{
	uint32_t guest;
	int step, error;

	for (step = 0;; step++) {
		size_t keys = count_keys();

		fake_fail_in = step;
		error = diptych_create(&context, &desc, 0, &guest);
		if (!error && fake_fail_in >= 0)
			break;
		fake_fail_in = -1;
		if (!error) { /* there was another way: small extents instead of large ones */
			ck_assert_int_eq(diptych_destroy(&context, guest), 0);
			continue;
		}
		ck_assert_msg(context.error[0], "step %d: no message", step);
		ck_assert_msg(count_domains() == 0, "step %d: domains left", step);
		ck_assert_msg(count_keys() == keys, "step %d: keys left", step);
		ck_assert_msg(access("test-toolstack-run/2", F_OK), "step %d: record left", step);
	}
	ck_assert_int_gt(step, 40); /* it did go through all of it */
	ck_assert_uint_eq(count_domains(), 2);
}
END_TEST

START_TEST(names_and_uuids_in_use_are_refused)
{
	uint32_t guest = create(), other;

	ck_assert_int_eq(diptych_create(&context, &desc, 0, &other), -EEXIST);
	ck_assert_str_eq(context.error, "a domain named \"g\" exists already");
	free(desc.name);
	desc.name = strdup("h");
	ck_assert_int_eq(diptych_create(&context, &desc, 0, &other), -EEXIST);
	ck_assert_str_eq(context.error,
			 "a domain with uuid 00000007-0000-0000-0000-000000000000 exists already");
	memset(desc.uuid, 0, sizeof(desc.uuid));
	ck_assert_int_eq(diptych_create(&context, &desc, 0, &other), 0);
	ck_assert_uint_ne(other, guest);
	ck_assert_int_eq(diptych_destroy(&context, other), 0);
	set_key("/local/domain/0/name", "h.fd");
	ck_assert_int_eq(diptych_create(&context, &desc, 0, &other), -EEXIST);
	ck_assert_str_eq(context.error, "a domain named \"h.fd\" exists already");
	ck_assert_uint_eq(count_domains(), 2);
}
END_TEST

START_TEST(too_little_memory_is_told_before_anything_is_built)
{
	uint32_t guest;

	fake_free_pages = 150 << 8;
	ck_assert_int_eq(diptych_create(&context, &desc, 0, &guest), -ENOMEM);
	ck_assert_str_eq(context.error,
			 "not enough memory: guest and fidelity domain need 172 MiB, "
			 "150 MiB are free");
	ck_assert_uint_eq(count_domains(), 0);
}
END_TEST

START_TEST(a_screen_that_cannot_be_is_told_before_anything_is_built)
{
	uint32_t guest;

	desc.vga = desc.vnc = true;
	desc.vnc_listen = strdup("192.0.2.1");
	desc.vnc_port = 5907;
	fake_port_error = -EADDRNOTAVAIL;
	ck_assert_int_eq(diptych_create(&context, &desc, 0, &guest), -EADDRNOTAVAIL);
	ck_assert_str_eq(context.error, "the screen cannot be at 192.0.2.1, port 5907: "
					"Cannot assign requested address");
	ck_assert_uint_eq(count_domains(), 0);
}
END_TEST

START_TEST(a_fidelity_domain_is_given_what_its_devices_take)
{
	ck_assert_uint_eq(fidelity_memory_kib(&desc), 64 << 10);
	diptych_desc_add_nic(&desc);
	ck_assert_uint_eq(fidelity_memory_kib(&desc), 64 << 10);
	desc.vcpus = 2; /* a vCPU's threads, a queue of the disk, one of the card */
	ck_assert_uint_eq(fidelity_memory_kib(&desc), (64 + 1 + 4 + 2) << 10);
	desc.fidelity_vcpus = 1; /* then these have one queue each */
	ck_assert_uint_eq(fidelity_memory_kib(&desc), (64 + 1) << 10);
	desc.fidelity_vcpus = 0;
	desc.vga = desc.vnc = true;
	desc.video_mib = 8;
	ck_assert_uint_eq(fidelity_memory_kib(&desc), (64 + 7 + 16) << 10);
	desc.disks[0].format = DIPTYCH_QCOW2;
	ck_assert_uint_eq(fidelity_memory_kib(&desc), (64 + 7 + 16 + 32) << 10);
	desc.fidelity_memory_kib = 100 << 10;
	ck_assert_uint_eq(fidelity_memory_kib(&desc), 100 << 10);
}
END_TEST

START_TEST(a_panel_that_is_gone)
{
	uint32_t guest = create();
	struct diptych_pair pair;

	libxl_domain_destroy(NULL, fake_partner, NULL);
	ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
	ck_assert_int_eq(pair.state, DIPTYCH_DYING);
	ck_assert_int_eq(pair.end, DIPTYCH_END_FIDELITY);
	ck_assert_uint_eq(pair.fidelity, DIPTYCH_NO_DOMAIN);
	diptych_pair_dispose(&pair);
	ck_assert_int_eq(diptych_pause(&context, guest), -ESRCH);
	ck_assert_int_eq(diptych_destroy(&context, guest), 0);
	ck_assert_uint_eq(count_domains(), 0);

	guest = create();
	xc_domain_destroy(NULL, guest); /* by a tool that leaves the keys */
	ck_assert_int_eq(diptych_lookup(&context, "g.fd", &pair), 0);
	ck_assert_str_eq(pair.name, "g");
	ck_assert_int_eq(pair.state, DIPTYCH_DYING);
	diptych_pair_dispose(&pair);
	ck_assert_int_eq(diptych_destroy(&context, guest), 0);
	ck_assert_uint_eq(count_domains(), 0);
	ck_assert_ptr_null(key_at("/tool/diptych"));
}
END_TEST

START_TEST(an_id_that_is_used_again_is_not_touched)
{
	static const uint8_t stranger[16] = { 99 };
	uint32_t guest = create(), fidelity = fake_partner;
	char path[64];

	/* The guest was destroyed by xl, its id belongs to another domain now. */
	xc_domain_destroy(NULL, guest);
	snprintf(path, sizeof(path), "/local/domain/%u", guest);
	xs_rm(NULL, XBT_NULL, path);
	ck_assert_uint_eq(add_domain(stranger), guest);
	ck_assert_int_eq(diptych_destroy(&context, guest), 0);
	ck_assert_ptr_nonnull(domain_at(guest));
	ck_assert_ptr_null(domain_at(fidelity));
}
END_TEST

START_TEST(why_it_ended)
{
	static const struct {
		unsigned int code;
		enum diptych_end end;
	} codes[] = { { SHUTDOWN_poweroff, DIPTYCH_END_POWEROFF },
		      { SHUTDOWN_reboot, DIPTYCH_END_REBOOT },
		      { SHUTDOWN_crash, DIPTYCH_END_CRASH } };
	uint32_t guest = create();
	struct diptych_pair pair;
	size_t i;

	for (i = 0; i < 3; i++) {
		domain_at(guest)->info.flags = XEN_DOMINF_shutdown |
					       codes[i].code << XEN_DOMINF_shutdownshift;
		ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
		ck_assert_int_eq(pair.state, DIPTYCH_SHUTDOWN);
		ck_assert_int_eq(pair.end, codes[i].end);
		diptych_pair_dispose(&pair);
	}
	/* The guest's word counts, whatever its fidelity domain did then. */
	domain_at(fake_partner)->info.flags = XEN_DOMINF_shutdown;
	ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
	ck_assert_int_eq(pair.end, DIPTYCH_END_CRASH);
	diptych_pair_dispose(&pair);
	domain_at(guest)->info.flags = 0;
	ck_assert_int_eq(diptych_lookup_id(&context, guest, &pair), 0);
	ck_assert_int_eq(pair.end, DIPTYCH_END_FIDELITY);
	diptych_pair_dispose(&pair);
}
END_TEST

START_TEST(a_pair_is_found_by_all_its_names)
{
	uint32_t guest = create();
	char fidelity[16], id[16];
	const char *const names[] = { "g", "g.fd", id, fidelity,
				      "00000007-0000-0000-0000-000000000000" };
	static const char *const others[] = {
		"", "G", "g.f", "99", "g.fdx", "-1", "00000008-0000-0000-0000-000000000000"
	};
	struct diptych_pair pair;
	size_t i;

	snprintf(id, sizeof(id), "%u", guest);
	snprintf(fidelity, sizeof(fidelity), "%u", fake_partner);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_msg(!diptych_lookup(&context, names[i], &pair), "%s", names[i]);
		ck_assert_uint_eq(pair.guest, guest);
		diptych_pair_dispose(&pair);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(diptych_lookup(&context, others[i], &pair), -ESRCH);
}
END_TEST

START_TEST(the_description_is_kept_for_a_restart)
{
	struct diptych_desc kept;
	uint32_t guest;
	char *whole;

	desc.on_crash = DIPTYCH_ACTION_RESTART;
	guest = create();
	diptych_desc_init(&kept);
	ck_assert_int_eq(record_read_desc(&context, guest, &kept), 0);
	ck_assert_str_eq(kept.name, "g");
	ck_assert_int_eq(kept.on_crash, DIPTYCH_ACTION_RESTART);
	ck_assert_mem_eq(kept.uuid, desc.uuid, 16);
	/* Whoever restarts it works in another folder. */
	whole = realpath("test-toolstack-disk", NULL);
	ck_assert_str_eq(kept.disks[0].path, whole);
	free(whole);
	diptych_desc_dispose(&kept);
}
END_TEST

/* As when its builder is killed at these points: what the next one finds. */
START_TEST(what_a_killed_builder_left_is_removed)
{
	static const uint8_t fidelity_uuid[16] = { 42 };
	uint32_t guest, fidelity;
	size_t keys = count_keys();
	int point;

	ck_assert_int_eq(record_prepare(&context), 0);
	for (point = 0; point < 4; point++) {
		ck_assert_int_eq(record_building(&context, desc.uuid, fidelity_uuid), 0);
		if (point > 0)
			ck_assert_int_eq(fidelity_build(&context, &desc, fidelity_uuid, &fidelity),
					 0);
		if (point > 1)
			ck_assert_int_eq(guest_build(&context, &desc, &guest), 0);
		if (point > 2)
			ck_assert_int_eq(hinge(&context, &desc, guest, fidelity), 0);
		pair_clean(&context);
		ck_assert_msg(count_domains() == 0, "point %d: domains left", point);
		ck_assert_msg(count_keys() == keys, "point %d: keys left", point);
		ck_assert(access("test-toolstack-run/building", F_OK));
	}
	/* A pair that was finished is left alone. */
	create();
	pair_clean(&context);
	ck_assert_uint_eq(count_domains(), 2);
}
END_TEST

START_TEST(network_cards_get_addresses_that_stay)
{
	struct diptych_desc twin;

	diptych_desc_add_nic(&desc);
	diptych_desc_add_nic(&desc);
	ck_assert_int_eq(complete(&context, &desc, &twin), 0);
	ck_assert_uint_eq(twin.nics[0].mac[2], 0x3e);
	ck_assert(memcmp(twin.nics[0].mac, twin.nics[1].mac, 6));
	choose_macs(&desc);
	ck_assert_mem_eq(twin.nics[0].mac, desc.nics[0].mac, 6);
	diptych_desc_dispose(&twin);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_pairs");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, a_pair_is_two_domains_that_run);
	tcase_add_test(tcase, created_paused_it_stays_paused);
	tcase_add_test(tcase, destroyed_nothing_is_left);
	tcase_add_test(tcase, whatever_fails_nothing_is_left);
	tcase_add_test(tcase, names_and_uuids_in_use_are_refused);
	tcase_add_test(tcase, too_little_memory_is_told_before_anything_is_built);
	tcase_add_test(tcase, a_screen_that_cannot_be_is_told_before_anything_is_built);
	tcase_add_test(tcase, a_fidelity_domain_is_given_what_its_devices_take);
	tcase_add_test(tcase, a_panel_that_is_gone);
	tcase_add_test(tcase, an_id_that_is_used_again_is_not_touched);
	tcase_add_test(tcase, why_it_ended);
	tcase_add_test(tcase, a_pair_is_found_by_all_its_names);
	tcase_add_test(tcase, the_description_is_kept_for_a_restart);
	tcase_add_test(tcase, what_a_killed_builder_left_is_removed);
	tcase_add_test(tcase, network_cards_get_addresses_that_stay);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
