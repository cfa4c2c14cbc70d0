/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE */
/* What is refused before anything is built, and in which words. */
#define DIPTYCH_LIBDIR "/nonexistent"

#include "toolstack/check.c"

#include "toolstack/desc.c"

#include <check.h>
#include <fcntl.h>

static struct diptych_desc desc;
static char disk_path[] = "/tmp/diptych-test-XXXXXX";
static char *error;

static void make_disk(off_t size)
{
	int fd = open(disk_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert(fd >= 0 && !ftruncate(fd, size));
	close(fd);
}

static void before(void)
{
	struct diptych_disk *disk;

	strcpy(disk_path, "/tmp/diptych-test-XXXXXX");
	close(mkstemp(disk_path));
	make_disk(512);
	diptych_desc_init(&desc);
	desc.name = strdup("g");
	desc.source = strdup("g.cfg");
	desc.max_memory_kib = 256 << 10;
	desc.fidelity_kernel = strdup("/dev/null");
	desc.fidelity_ramdisk = strdup("/dev/null");
	disk = diptych_desc_add_disk(&desc);
	disk->path = strdup(disk_path);
	disk->target = strdup("xvda");
	disk->line = 4;
}

static void after(void)
{
	unlink(disk_path);
	free(error);
	error = NULL;
	diptych_desc_dispose(&desc);
}

static void expect(int result, const char *format, const char *argument)
{
	char text[512];

	free(error);
	error = NULL;
	ck_assert_int_eq(diptych_desc_check(&desc, &error), result);
	if (!format) {
		ck_assert_msg(!error, "%s", error);
		return;
	}
	ck_assert_ptr_nonnull(error);
	snprintf(text, sizeof(text), "%s%s", format, argument ? argument : "");
	ck_assert_msg(!strncmp(error, text, strlen(text)), "\"%s\" does not begin with \"%s\"",
		      error, text);
	ck_assert_msg(!strchr(error, '\n'), "more than one line: %s", error);
}

static void set_name(const char *name)
{
	free(desc.name);
	desc.name = name ? strdup(name) : NULL;
}

START_TEST(a_good_one)
{
	expect(0, NULL, NULL);
}
END_TEST

START_TEST(a_disk_that_is_not_there)
{
	unlink(disk_path);
	expect(-ENOENT, "g.cfg:4: disk ", disk_path);
	ck_assert_ptr_nonnull(strstr(error, ": No such file or directory"));
}
END_TEST

START_TEST(without_a_file_no_line_is_named)
{
	unlink(disk_path);
	free(desc.source);
	desc.source = NULL;
	expect(-ENOENT, "disk ", disk_path);
}
END_TEST

START_TEST(a_disk_that_is_none)
{
	free(desc.disks[0].path);
	desc.disks[0].path = strdup("/");
	expect(-EINVAL, "g.cfg:4: disk /: neither a block device nor a file", NULL);
}
END_TEST

START_TEST(half_a_sector)
{
	make_disk(513);
	expect(-EINVAL, "g.cfg:4: disk ", disk_path);
	ck_assert_ptr_nonnull(strstr(error, "513 bytes are not whole sectors"));
	make_disk(0);
	expect(-EINVAL, "g.cfg:4: disk ", disk_path);
}
END_TEST

START_TEST(a_missing_image)
{
	free(desc.fidelity_kernel);
	desc.fidelity_kernel = NULL;
	expect(-ENOENT,
	       "g.cfg: kernel of the fidelity domain, /nonexistent/diptych/fidelity/vmlinuz: No "
	       "such file",
	       NULL);
}
END_TEST

START_TEST(names)
{
	static const char *const bad[] = { "", "a/b", "..", "17", "a\nb", ".hidden" };
	char longest[66];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_name(bad[i]);
		free(error);
		ck_assert_int_eq(diptych_desc_check(&desc, &error), -EINVAL);
	}
	set_name(NULL);
	expect(-EINVAL, "g.cfg: the guest has no name", NULL);
	memset(longest, 'a', 65);
	longest[65] = 0;
	set_name(longest);
	expect(-EINVAL, "g.cfg: name \"", NULL);
	longest[64] = 0;
	set_name(longest);
	expect(0, NULL, NULL);
}
END_TEST

START_TEST(sizes)
{
	desc.max_memory_kib = 0;
	expect(-EINVAL, "g.cfg: memory must be whole MiB", NULL);
	desc.max_memory_kib = 1000;
	expect(-EINVAL, "g.cfg: memory must be whole MiB", NULL);
	desc.max_memory_kib = 2048;
	desc.current_memory_kib = 1024;
	expect(-EOPNOTSUPP, "g.cfg: memory and maxmem differ", NULL);
	desc.current_memory_kib = 2048;
	desc.vcpus = 2;
	expect(-EOPNOTSUPP, "g.cfg: vcpus is 2", NULL);
	desc.vcpus = 0;
	expect(-EINVAL, "g.cfg: the guest has no vCPU", NULL);
}
END_TEST

START_TEST(what_this_release_cannot_do_is_said)
{
	struct diptych_nic *nic;

	desc.firmware = DIPTYCH_OVMF;
	expect(-EOPNOTSUPP, "g.cfg: bios is ovmf", NULL);
	desc.firmware = DIPTYCH_SEABIOS;
	desc.disks[0].bus = DIPTYCH_BUS_IDE;
	expect(-EOPNOTSUPP, "g.cfg:4: disk xvda: this release has virtio disks", NULL);
	desc.disks[0].bus = DIPTYCH_BUS_VIRTIO;
	desc.disks[0].format = DIPTYCH_QCOW2;
	expect(-EOPNOTSUPP, "g.cfg:4: disk ", disk_path);
	desc.disks[0].format = DIPTYCH_RAW;
	nic = diptych_desc_add_nic(&desc);
	nic->line = 9;
	nic->model = DIPTYCH_NIC_E1000;
	nic->bridge = strdup("nonexistent0");
	free(error);
	ck_assert_int_eq(diptych_desc_check(&desc, &error), -EOPNOTSUPP);
	ck_assert_str_eq(error, "g.cfg:9: vif: this release has virtio network cards only\n"
				"g.cfg:9: vif: there is no bridge nonexistent0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_check");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, a_good_one);
	tcase_add_test(tcase, a_disk_that_is_not_there);
	tcase_add_test(tcase, without_a_file_no_line_is_named);
	tcase_add_test(tcase, a_disk_that_is_none);
	tcase_add_test(tcase, half_a_sector);
	tcase_add_test(tcase, a_missing_image);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, sizes);
	tcase_add_test(tcase, what_this_release_cannot_do_is_said);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
