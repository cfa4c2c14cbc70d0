/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE */
/* What is refused before anything is built, and in which words. */
#define DIPTYCH_LIBDIR "/nonexistent"

#include "toolstack/qcow2.c"

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
	desc.current_memory_kib = 1024; /* the balloon's affair */
	expect(0, NULL, NULL);
	desc.current_memory_kib = 4096;
	expect(-EINVAL, "g.cfg: memory is more than maxmem", NULL);
	desc.current_memory_kib = 2048;
	desc.vcpus = 2;
	desc.fidelity_vcpus = 2;
	expect(0, NULL, NULL);
	desc.fidelity_vcpus = 3;
	expect(-EINVAL, "g.cfg: stubdomain_vcpus is 3", NULL);
	desc.fidelity_vcpus = 0;
	desc.vcpus = VCPUS_MOST + 1;
	expect(-EOPNOTSUPP, "g.cfg: vcpus is", NULL);
	desc.vcpus = 0;
	expect(-EINVAL, "g.cfg: the guest has no vCPU", NULL);
}
END_TEST

static void add_disks(enum diptych_disk_bus bus, size_t count)
{
	static char targets[32][8];
	struct diptych_disk *disk;

	while (count--) {
		disk = diptych_desc_add_disk(&desc);
		disk->path = strdup(disk_path);
		disk->bus = bus;
		disk->line = (unsigned int)desc.disk_count + 10;
		snprintf(targets[desc.disk_count], sizeof(targets[0]), "d%zu", desc.disk_count);
		disk->target = strdup(targets[desc.disk_count]);
	}
}

START_TEST(controllers_have_room_for_so_many)
{
	add_disks(DIPTYCH_BUS_IDE, 4);
	add_disks(DIPTYCH_BUS_SATA, 6);
	expect(0, NULL, NULL);
	add_disks(DIPTYCH_BUS_IDE, 1);
	expect(-EINVAL, "g.cfg:22: disk d12: IDE has room for 4 disks", NULL);
	desc.disks[11].bus = DIPTYCH_BUS_SATA;
	expect(-EINVAL, "g.cfg:22: disk d12: AHCI has room for 6 disks", NULL);
	desc.disks[11].bus = DIPTYCH_BUS_VIRTIO;
	expect(0, NULL, NULL);
	desc.machine = DIPTYCH_Q35; /* all of them on its AHCI */
	expect(-EINVAL, "g.cfg:18: disk d8: AHCI has room for 6 disks", NULL);
}
END_TEST

START_TEST(two_disks_of_one_name)
{
	add_disks(DIPTYCH_BUS_VIRTIO, 1);
	free(desc.disks[1].target);
	desc.disks[1].target = strdup("xvda");
	expect(-EINVAL, "g.cfg:12: there are two disks named xvda", NULL);
}
END_TEST

START_TEST(where_the_screen_listens)
{
	desc.vga = desc.vnc = true;
	desc.vnc_listen = strdup("::1");
	expect(0, NULL, NULL);
	free(desc.vnc_listen);
	desc.vnc_listen = strdup("localhost");
	expect(-EINVAL, "g.cfg: vnclisten: \"localhost\" is no address", NULL);
}
END_TEST

START_TEST(a_bridge_that_is_not_there)
{
	struct diptych_nic *nic = diptych_desc_add_nic(&desc);

	nic->line = 9;
	nic->bridge = strdup("nonexistent0");
	free(error);
	ck_assert_int_eq(diptych_desc_check(&desc, &error), -ENODEV);
	ck_assert_str_eq(error, "g.cfg:9: vif: there is no bridge nonexistent0");
}
END_TEST

static void expect_disk(int result, const char *text)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "g.cfg:4: disk %s: %s", disk_path, text);
	expect(result, whole, NULL);
}

/* As `qemu-img create -f qcow2` makes them. */
static void make_qcow2(uint32_t version, uint64_t backing, uint32_t encryption,
		       uint64_t incompatible)
{
	struct header header = {
		.magic = htobe32(MAGIC),
		.version = htobe32(version),
		.backing_offset = htobe64(backing),
		.cluster_bits = htobe32(16),
		.size = htobe64(1ull << 30),
		.encryption = htobe32(encryption),
		.incompatible = htobe64(incompatible),
	};
	int fd = open(disk_path, O_WRONLY);

	ck_assert(fd >= 0 && write(fd, &header, sizeof(header)) == sizeof(header));
	close(fd);
}

START_TEST(qcow2_images)
{
	struct stat st;

	desc.disks[0].format = DIPTYCH_QCOW2;
	expect_disk(-EINVAL, "is no qcow2 image");
	make_qcow2(3, 0, 0, 0);
	expect(0, NULL, NULL);
	make_qcow2(2, 0, 0, EXTERNAL_DATA); /* version 2 has no such field */
	expect(0, NULL, NULL);
	make_qcow2(3, 1024, 0, 0);
	expect_disk(-EOPNOTSUPP, "rests on another image");
	make_qcow2(3, 0, 1, 0);
	expect_disk(-EOPNOTSUPP, "is encrypted");
	make_qcow2(3, 0, 0, EXTERNAL_DATA);
	expect_disk(-EOPNOTSUPP, "keeps its data in another file");
	make_qcow2(4, 0, 0, 0);
	expect_disk(-EOPNOTSUPP, "is a qcow2 image of an unknown version");
	make_qcow2(3, 0, 0, 0);
	ck_assert_int_eq(qcow2_make_room(disk_path), 0);
	ck_assert_int_eq(stat(disk_path, &st), 0);
	ck_assert_int_ge(st.st_size, 1ll << 30);
	ck_assert_int_le(st.st_blocks, 64);
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
	tcase_add_test(tcase, controllers_have_room_for_so_many);
	tcase_add_test(tcase, two_disks_of_one_name);
	tcase_add_test(tcase, where_the_screen_listens);
	tcase_add_test(tcase, a_bridge_that_is_not_there);
	tcase_add_test(tcase, qcow2_images);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
