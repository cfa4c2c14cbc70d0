/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE */
/* QEMU's arguments: a guest's disks, their order and its serial port reach QEMU as they were
 * described. */
#include "toolstack/qemu-argv.c"

#include "toolstack/desc.c"

#include <check.h>

static struct diptych_desc desc;

static void before(void)
{
	diptych_desc_init(&desc);
	desc.max_memory_kib = 256 << 10;
}

static void after(void)
{
	diptych_desc_dispose(&desc);
}

static void add_disk(const char *path, enum diptych_disk_bus bus, bool readonly, bool cdrom)
{
	struct diptych_disk *disk = diptych_desc_add_disk(&desc);

	disk->path = path ? strdup(path) : NULL;
	disk->bus = bus;
	disk->readonly = readonly;
	disk->cdrom = cdrom;
}

static char *joined(void)
{
	char **argv = qemu_argv(&desc), **p, *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(argv);
	for (p = argv; *p; p++)
		fprintf(file, "%s%s", p == argv ? "" : " ", *p);
	fclose(file);
	qemu_argv_free(argv);
	return text;
}

#define HEAD                                                                                     \
	"-accel minv -machine pc -cpu max -nodefaults -no-user-config -display none -no-reboot " \
	"-smp 1 -m 256"
#define SERIAL " -chardev serial,id=console,path=/dev/hvc0 -serial chardev:console"

static void expect(const char *expected)
{
	char *text = joined();

	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(one_disk)
{
	add_disk("/dev/vdc", DIPTYCH_BUS_VIRTIO, false, false);
	expect(HEAD SERIAL " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
			   " -device virtio-blk-pci,drive=d0,bootindex=1");
}
END_TEST

START_TEST(no_serial_no_disk)
{
	desc.serial = false;
	expect(HEAD);
}
END_TEST

START_TEST(disks_keep_their_place_and_rights)
{
	add_disk("/a", DIPTYCH_BUS_VIRTIO, false, false);
	add_disk("/b", DIPTYCH_BUS_IDE, true, false);
	add_disk("/c", DIPTYCH_BUS_SATA, false, false);
	desc.disks[2].format = DIPTYCH_QCOW2;
	expect(HEAD SERIAL
	       " -device ich9-ahci,id=ahci0"
	       " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
	       " -device virtio-blk-pci,drive=d0,bootindex=1"
	       " -drive file=/dev/xvdb,format=raw,if=none,id=d1,cache=writeback,readonly=on"
	       " -device ide-hd,drive=d1,bus=ide.0,unit=0,bootindex=2"
	       " -drive file=/dev/xvdc,format=qcow2,if=none,id=d2,cache=writeback"
	       " -device ide-hd,drive=d2,bus=ahci0.0,bootindex=3");
}
END_TEST

START_TEST(boot_order_is_followed)
{
	free(desc.boot);
	desc.boot = strdup("dc");
	add_disk("/a", DIPTYCH_BUS_VIRTIO, false, false);
	add_disk("/cd", DIPTYCH_BUS_IDE, true, true);
	expect(HEAD SERIAL
	       " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
	       " -device virtio-blk-pci,drive=d0,bootindex=65"
	       " -drive file=/dev/xvdb,format=raw,if=none,id=d1,cache=writeback,readonly=on"
	       " -device ide-cd,drive=d1,bus=ide.0,unit=0,bootindex=1");
}
END_TEST

START_TEST(a_class_that_is_not_in_the_order_is_not_booted)
{
	free(desc.boot);
	desc.boot = strdup("d");
	add_disk("/a", DIPTYCH_BUS_VIRTIO, false, false);
	expect(HEAD SERIAL " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
			   " -device virtio-blk-pci,drive=d0");
}
END_TEST

START_TEST(network_cards_have_the_mac_that_was_asked_for)
{
	static const uint8_t mac[6] = { 0, 0x16, 0x3e, 1, 2, 0xff };
	struct diptych_nic *nic = diptych_desc_add_nic(&desc);

	memcpy(nic->mac, mac, sizeof(mac));
	expect(HEAD SERIAL " -netdev tap,id=n0,ifname=tap0,script=no,downscript=no"
			   " -device virtio-net-pci,netdev=n0,mac=00:16:3e:01:02:ff");
}
END_TEST

START_TEST(an_empty_drive_is_a_drive)
{
	add_disk(NULL, DIPTYCH_BUS_IDE, true, true);
	expect(HEAD SERIAL " -device ide-cd,bus=ide.0,unit=0,bootindex=65");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_argv");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, one_disk);
	tcase_add_test(tcase, no_serial_no_disk);
	tcase_add_test(tcase, disks_keep_their_place_and_rights);
	tcase_add_test(tcase, boot_order_is_followed);
	tcase_add_test(tcase, a_class_that_is_not_in_the_order_is_not_booted);
	tcase_add_test(tcase, an_empty_drive_is_a_drive);
	tcase_add_test(tcase, network_cards_have_the_mac_that_was_asked_for);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
