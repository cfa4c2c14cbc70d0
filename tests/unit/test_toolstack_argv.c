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

#define BALLOON " -device virtio-balloon-pci,id=balloon -device virtio-rng-pci,id=rng"
#define HEAD	HEAD_OF("pc")
#define HEAD_OF(machine)                                                                 \
	"-accel minv -cpu max,migratable=off -nodefaults -no-user-config -display none " \
	"-no-reboot "                                                                    \
	"-machine " machine                                                              \
	" -smp 1 -m 256 -chardev socket,id=qmp,path=/tmp/qmp,server=on,wait=off -mon "   \
	"chardev=qmp,mode=control"
#define SERIAL " -chardev serial,id=console,path=/dev/hvc0 -serial chardev:console"

static void expect(const char *expected)
{
	char *text = joined(), whole[2048];

	snprintf(whole, sizeof(whole), "%s" BALLOON, expected);
	ck_assert_str_eq(text, whole);
	free(text);
}

START_TEST(one_disk)
{
	add_disk("/dev/vdc", DIPTYCH_BUS_VIRTIO, false, false);
	expect(HEAD SERIAL " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
			   " -device virtio-blk-pci,id=disk0,drive=d0,bootindex=1");
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
	       " -device virtio-blk-pci,id=disk0,drive=d0,bootindex=1"
	       " -drive file=/dev/xvdb,format=raw,if=none,id=d1,cache=writeback,readonly=on"
	       " -device ide-hd,id=disk1,drive=d1,bus=ide.0,unit=0,bootindex=2"
	       " -drive file=/dev/xvdc,format=qcow2,if=none,id=d2,cache=writeback"
	       " -device ide-hd,id=disk2,drive=d2,bus=ahci0.0,bootindex=3");
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
	       " -device virtio-blk-pci,id=disk0,drive=d0,bootindex=65"
	       " -drive file=/dev/xvdb,format=raw,if=none,id=d1,cache=writeback,readonly=on"
	       " -device ide-cd,id=disk1,drive=d1,bus=ide.0,unit=0,bootindex=1");
}
END_TEST

START_TEST(a_class_that_is_not_in_the_order_is_not_booted)
{
	free(desc.boot);
	desc.boot = strdup("d");
	add_disk("/a", DIPTYCH_BUS_VIRTIO, false, false);
	expect(HEAD SERIAL " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
			   " -device virtio-blk-pci,id=disk0,drive=d0");
}
END_TEST

START_TEST(network_cards_have_the_mac_that_was_asked_for)
{
	static const uint8_t mac[6] = { 0, 0x16, 0x3e, 1, 2, 0xff };
	struct diptych_nic *nic = diptych_desc_add_nic(&desc);

	memcpy(nic->mac, mac, sizeof(mac));
	expect(HEAD SERIAL
	       " -netdev tap,id=n0,ifname=tap0,script=no,downscript=no"
	       " -device virtio-net-pci,id=nic0,netdev=n0,mac=00:16:3e:01:02:ff,romfile=");
}
END_TEST

START_TEST(a_card_is_booted_from_where_the_order_names_the_network)
{
	struct diptych_nic *nic;

	free(desc.boot);
	desc.boot = strdup("cn");
	desc.serial = false;
	diptych_desc_add_nic(&desc);
	nic = diptych_desc_add_nic(&desc);
	nic->model = DIPTYCH_NIC_E1000;
	expect(HEAD " -netdev tap,id=n0,ifname=tap0,script=no,downscript=no"
		    " -device virtio-net-pci,id=nic0,netdev=n0,mac=00:00:00:00:00:00"
		    ",bootindex=65"
		    " -netdev tap,id=n1,ifname=tap1,script=no,downscript=no"
		    " -device e1000,id=nic1,netdev=n1,mac=00:00:00:00:00:00"
		    ",bootindex=66");
}
END_TEST

START_TEST(an_empty_drive_is_a_drive)
{
	add_disk(NULL, DIPTYCH_BUS_IDE, true, true);
	expect(HEAD SERIAL " -device ide-cd,id=disk0,bus=ide.0,unit=0,bootindex=65");
}
END_TEST

START_TEST(a_screen_and_a_pointer)
{
	desc.serial = false;
	desc.vga = desc.vnc = desc.usb_tablet = true;
	expect(HEAD " -device VGA -vnc unix:/tmp/vnc -device piix3-usb-uhci,id=usb"
		    " -device usb-tablet,bus=usb.0");
	desc.video_mib = 32;
	desc.vnc = desc.usb_tablet = false;
	expect(HEAD " -device VGA,vgamem_mb=32");
}
END_TEST

START_TEST(q35_has_ahci_and_ports_for_what_is_plugged_in)
{
	desc.serial = false;
	desc.machine = DIPTYCH_Q35;
	add_disk("/a", DIPTYCH_BUS_IDE, false, false);
	add_disk(NULL, DIPTYCH_BUS_SATA, true, true);
	expect(HEAD_OF("q35") " -device pcie-root-port,id=port0,chassis=1"
			      " -device pcie-root-port,id=port1,chassis=2"
			      " -device pcie-root-port,id=port2,chassis=3"
			      " -device pcie-root-port,id=port3,chassis=4"
			      " -drive file=/dev/xvda,format=raw,if=none,id=d0,cache=writeback"
			      " -device ide-hd,id=disk0,drive=d0,bus=ide.0,bootindex=1"
			      " -device ide-cd,id=disk1,bus=ide.1,bootindex=65");
}
END_TEST

START_TEST(ovmf_is_flash)
{
	desc.serial = false;
	desc.firmware = DIPTYCH_OVMF;
	free(desc.boot);
	desc.boot = strdup("n");
	diptych_desc_add_nic(&desc);
	expect(HEAD " -drive if=pflash,unit=0,format=raw,readonly=on,file=/share/qemu/OVMF_CODE.fd"
		    " -drive if=pflash,unit=1,format=raw,file=/share/qemu/OVMF_VARS.fd"
		    " -netdev tap,id=n0,ifname=tap0,script=no,downscript=no"
		    " -device "
		    "virtio-net-pci,id=nic0,netdev=n0,mac=00:00:00:00:00:00,bootindex=1,romfile=");
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
	tcase_add_test(tcase, a_card_is_booted_from_where_the_order_names_the_network);
	tcase_add_test(tcase, a_screen_and_a_pointer);
	tcase_add_test(tcase, q35_has_ahci_and_ports_for_what_is_plugged_in);
	tcase_add_test(tcase, ovmf_is_flash);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
