/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -Wno-shadow -Wno-unused-function -lxenlight -lxlutil -lxenctrl -lxenstore */
/*
 * What the monitor does when a pair has ended.  A user would see break: a reboot that libvirt takes for
 * a power-off; a screen that is never served, for somebody
 * had its port for a while; a guest that makes dom0's file system run full by what it has written into its image.
 */
#include "toolstack_world.h"

static int moments, moments_until_it_speaks;

/* The world goes on while the monitor waits. */
static int a_moment(const struct timespec *length, struct timespec *left)
{
	(void)length, (void)left;
	if (++moments == moments_until_it_speaks) {
		set_key("/local/domain/1/diptych/error", "minv: no emulation of dd 00\n");
		set_key("/local/domain/1/diptych/state", "killed 6");
	}
	return 0;
}

#define SCREEN_AGAIN_S 0
#define main	       monitor_main
#define nanosleep      a_moment
#include "toolstack/monitor.c"
#undef nanosleep
#undef main

static int screen_tries, looks;

int console_show(struct diptych *c, const struct diptych_pair *pair)
{
	(void)c, (void)pair;
	return 0;
}

int vnc_start(struct diptych *c, const struct diptych_pair *pair, const struct diptych_desc *d)
{
	(void)c, (void)pair, (void)d;
	screen_tries++;
	return screen_tries < 3 ? -EADDRINUSE : 0;
}

void vnc_stop(void)
{
	screen_tries = 0;
}

int diptych_set_memory(struct diptych *c, uint32_t guest, uint64_t kib)
{
	(void)c, (void)guest, (void)kib;
	return 0;
}

int diptych_event_fd(struct diptych *c)
{
	(void)c;
	return 0;
}

/* The pair that is watched ends after some looks at it. */
int diptych_event_wait(struct diptych *c, int timeout_ms, diptych_event_fn *event, void *user)
{
	(void)c, (void)timeout_ms, (void)event, (void)user;
	if (++looks == 9) {
		ck_assert_int_eq(screen_tries, 3);
		domain_at(fake_target)->info.flags = XEN_DOMINF_shutdown;
	}
	return 0;
}

/* The guest ends by itself, long after its start. */
static void end_guest(uint32_t guest, unsigned int reason)
{
	domain_at(guest)->info.flags = XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
	ck_assert_int_eq(ended(&context, guest, desc.uuid, 0), 0);
}

START_TEST(a_reboot_by_the_power_button_is_told_as_one)
{
	uint32_t guest;

	desc.on_poweroff = DIPTYCH_ACTION_RESTART;
	desc.on_reboot = DIPTYCH_ACTION_DESTROY;
	guest = create();
	record_want_reboot(guest, true);
	end_guest(guest, SHUTDOWN_poweroff);
	ck_assert_int_eq(record_read_end(guest, desc.uuid), DIPTYCH_END_REBOOT);
	ck_assert_uint_eq(count_domains(), 0);

	desc.on_poweroff = DIPTYCH_ACTION_DESTROY;
	desc.on_reboot = DIPTYCH_ACTION_RESTART;
	guest = create();
	record_want_reboot(guest, true);
	end_guest(guest, SHUTDOWN_poweroff);
	ck_assert_uint_eq(count_domains(), 2);
	end_guest(guest, SHUTDOWN_poweroff); /* the new one, which nobody asked for that */
	ck_assert_int_eq(record_read_end(guest, desc.uuid), DIPTYCH_END_POWEROFF);
	ck_assert_uint_eq(count_domains(), 0);
}
END_TEST

/* A qcow2 image of `size` bytes, or the same with another size in its header. */
static void write_image(uint64_t size)
{
	struct header image = { .magic = htobe32(MAGIC),
				.version = htobe32(3),
				.cluster_bits = htobe32(16),
				.size = htobe64(size) };
	int fd = open("test-toolstack-disk", O_WRONLY);

	ck_assert_int_eq((int)write(fd, &image, sizeof(image)), (int)sizeof(image));
	close(fd);
}

static off_t image_length(void)
{
	struct stat st;

	ck_assert_int_eq(stat("test-toolstack-disk", &st), 0);
	return st.st_size;
}

START_TEST(a_guest_that_was_rebooted_gets_no_more_room)
{
	uint32_t guest;
	off_t length;

	desc.disks[0].format = DIPTYCH_QCOW2;
	write_image(100 << 20);
	guest = create();
	length = image_length();
	ck_assert_int_gt(length, 100 << 20);
	write_image(1ull << 40);
	end_guest(guest, SHUTDOWN_reboot);
	ck_assert_uint_eq(count_domains(), 2);
	ck_assert_int_eq(image_length(), length);
}
END_TEST

START_TEST(a_screen_is_tried_again)
{
	struct diptych_pair pair;
	uint32_t guest;

	desc.vga = desc.vnc = true;
	guest = create();
	ck_assert_int_eq(pair_find(&context, guest, &pair), 0);
	ck_assert(!screen_served(&context, &pair));
	diptych_pair_dispose(&pair);
	ck_assert_int_eq(watch(&context, guest, desc.uuid, false), 0);
	ck_assert_int_eq(screen_tries, 0); /* its port is free again */
	ck_assert_uint_eq(count_domains(), 0);
}
END_TEST

START_TEST(what_a_fidelity_domain_says_is_no_control_code)
{
	char *text = NULL;
	size_t size;

	create();
	set_key("/local/domain/1/diptych/state", "\033[2J\ngone\302\233J");
	log_file = open_memstream(&text, &size);
	end_guest(fake_target, SHUTDOWN_poweroff);
	ck_assert_ptr_nonnull(strstr(text, "its fidelity domain ?[2J?gone??J\n"));
	fclose(log_file);
	log_file = NULL;
	free(text);
}
END_TEST

/* A user would see break: a guest has crashed, and its log does not say why. */
START_TEST(a_fidelity_domain_has_time_for_its_last_words)
{
	char *text = NULL;
	size_t size;

	log_file = open_memstream(&text, &size);
	create();
	set_key("/local/domain/1/diptych/state", "running");
	moments = 0;
	moments_until_it_speaks = 3;
	end_guest(fake_target, SHUTDOWN_crash);
	ck_assert_int_eq(moments, 3);
	ck_assert_ptr_nonnull(strstr(text, "its fidelity domain killed 6\n"));
	ck_assert_ptr_nonnull(strstr(text, "fidelity domain: minv: no emulation of dd 00\n"));
	fclose(log_file);
	log_file = NULL;
	free(text);
}
END_TEST

START_TEST(a_fidelity_domain_that_says_nothing_is_not_waited_for)
{
	create();
	set_key("/local/domain/1/diptych/state", "running");
	moments = moments_until_it_speaks = 0;
	end_guest(fake_target, SHUTDOWN_crash);
	ck_assert_int_eq(moments, LAST_WORDS_MS / LAST_WORDS_STEP);
	ck_assert_uint_eq(count_domains(), 0);

	create();
	set_key("/local/domain/1/diptych/state", "running");
	moments = 0;
	domain_at(1)->info.flags = XEN_DOMINF_shutdown;
	end_guest(fake_target, SHUTDOWN_crash); /* it has ended already */
	ck_assert_int_eq(moments, 0);
	ck_assert_uint_eq(count_domains(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_monitor");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, a_reboot_by_the_power_button_is_told_as_one);
	tcase_add_test(tcase, a_screen_is_tried_again);
	tcase_add_test(tcase, a_guest_that_was_rebooted_gets_no_more_room);
	tcase_add_test(tcase, what_a_fidelity_domain_says_is_no_control_code);
	tcase_add_test(tcase, a_fidelity_domain_has_time_for_its_last_words);
	tcase_add_test(tcase, a_fidelity_domain_that_says_nothing_is_not_waited_for);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
