/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE */
/*
 * A guest's disk that is a file: two guests do not get it for writing, and its loop device is gone with
 * its last user.  Needs this machine's loop devices; without them (a container, no root) it says so.
 */
#include "toolstack/loop.c"

#include <check.h>
#undef fail
#include <stdarg.h>

static char said[512];
static char path[] = "/tmp/diptych-loop-XXXXXX";

int fail(struct diptych *c, int error, const char *format, ...)
{
	va_list args;

	(void)c;
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return -error;
}

START_TEST(a_file_is_a_device_while_it_is_used)
{
	char device[32], other[32], expected[512];
	int fd, reader, file = mkstemp(path);

	ck_assert(file >= 0 && !ftruncate(file, 1 << 20));
	close(file);
	fd = loop_attach(NULL, path, false, device);
	if (fd == -ENOENT || fd == -EPERM || fd == -EACCES || fd == -ENXIO) {
		puts("no loop devices here: not tested");
		unlink(path);
		return;
	}
	ck_assert_msg(fd >= 0, "%s", said);
	ck_assert_int_eq((int)pwrite(fd, "diptych", 7, 512), 7);
	ck_assert_int_eq(loop_attach(NULL, path, false, other), -EBUSY);
	snprintf(expected, sizeof(expected), "disk %s is in use: %s has it", path,
		 device + strlen("/dev/"));
	ck_assert_str_eq(said, expected);
	reader = loop_attach(NULL, path, true, other); /* to read, they may share it */
	ck_assert_msg(reader >= 0, "%s", said);
	ck_assert_str_ne(device, other);
	ck_assert_int_lt((int)pwrite(reader, "x", 1, 0), 0);
	close(reader);
	close(fd);
	ck_assert(wait_unused(path, other));
	unlink(path);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
	char device[32];

	ck_assert_int_eq(loop_attach(NULL, "/nonexistent", false, device), -ENOENT);
	ck_assert_str_eq(said, "disk /nonexistent: No such file or directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_loop");
	TCase *tcase = tcase_create("all");
	int failed;
	SRunner *runner;

	tcase_add_test(tcase, a_file_that_is_not_there);
	tcase_add_test(tcase, a_file_is_a_device_while_it_is_used);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
