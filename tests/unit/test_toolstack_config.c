/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -lxlutil -lxenlight */
/* xl.cfg to a description and back; what a user is told about mistakes. */
#include "toolstack/source.c"

#include "toolstack/config-devices.c"

#include "toolstack/cpu-list.c"

#include "toolstack/config-screen.c"

#include "toolstack/config.c"

#include "toolstack/config-write.c"

#include "toolstack/desc.c"

#include <check.h>

static struct diptych_desc desc;
static char *error;

static int read_text(const char *text)
{
	free(error);
	diptych_desc_dispose(&desc);
	diptych_desc_init(&desc);
	return diptych_desc_parse(&desc, "t.cfg", text, strlen(text), &error);
}

static void after(void)
{
	free(error);
	error = NULL;
	diptych_desc_dispose(&desc);
}

#define BASE "name=\"g\"\ntype=\"hvm\"\nmemory=256\n"

/* The text must fail, and be told of in exactly these lines. */
static void expect_error(const char *text, const char *message)
{
	ck_assert_int_eq(read_text(text), -EINVAL);
	ck_assert_str_eq(error, message);
}

START_TEST(all_settings)
{
	int result = read_text(
		"name = \"web\"\ntype = 'hvm'\nuuid = \"00112233-4455-6677-8899-aabbccddeeff\"\n"
		"memory = 512\nmaxmem = 1024\nvcpus = 2\nbios = \"ovmf\"\nboot = \"dc\"\n"
		"serial = \"pty\"\n"
		"disk = [ \"phy:/dev/vg/web,xvda,w\", '/iso/a.iso,,hdc,cdrom', "
		"'format=qcow2,vdev=sdb,"
		"access=ro,target=/x/b c.q' ]\n"
		"vif = [ 'mac=00:16:3e:01:02:03,bridge=br0,model=e1000', '' ]\n"
		"on_poweroff=\"preserve\"\non_reboot=\"destroy\"\non_crash=\"restart\"\n"
		"machine=\"q35\"\nvideoram=32\nvnclisten=\"0.0.0.0:3\"\nusbdevice=['tablet']\n"
		"cpu_weight=512\ncap=50\ncpus=[\"0-3,^1\", \"2\"]\nhdtype=\"ahci\"\n"
		"stubdomain_memory=96\nstubdomain_vcpus=2\nstubdomain_kernel=\"/"
		"k\"\nstubdomain_ramdisk=\"/r\"\n"
		"stubdomain_cmdline=\"a \\\"b\\\"\"");
	static const uint8_t mac[6] = { 0, 0x16, 0x3e, 1, 2, 3 };

	ck_assert_msg(!result, "%s", error);
	ck_assert_ptr_null(error);
	ck_assert_str_eq(desc.name, "web");
	ck_assert_uint_eq(desc.uuid[0], 0);
	ck_assert_uint_eq(desc.uuid[15], 0xff);
	ck_assert_uint_eq(desc.current_memory_kib, 512 << 10);
	ck_assert_uint_eq(desc.max_memory_kib, 1024 << 10);
	ck_assert_uint_eq(desc.vcpus, 2);
	ck_assert_int_eq(desc.firmware, DIPTYCH_OVMF);
	ck_assert_str_eq(desc.boot, "dc");
	ck_assert(desc.serial);
	ck_assert_uint_eq(desc.disk_count, 3);
	ck_assert_str_eq(desc.disks[0].path, "/dev/vg/web");
	ck_assert_str_eq(desc.disks[0].target, "xvda");
	ck_assert_int_eq(desc.disks[0].bus, DIPTYCH_BUS_VIRTIO);
	ck_assert(!desc.disks[0].readonly && !desc.disks[0].cdrom);
	ck_assert_uint_eq(desc.disks[0].line, 10);
	ck_assert_int_eq(desc.disks[1].bus, DIPTYCH_BUS_SATA);
	ck_assert(desc.disks[1].readonly && desc.disks[1].cdrom);
	ck_assert_str_eq(desc.disks[2].path, "/x/b c.q");
	ck_assert_int_eq(desc.disks[2].format, DIPTYCH_QCOW2);
	ck_assert_int_eq(desc.disks[2].bus, DIPTYCH_BUS_SATA);
	ck_assert(desc.disks[2].readonly && !desc.disks[2].cdrom);
	ck_assert_int_eq(desc.machine, DIPTYCH_Q35);
	ck_assert(desc.vga && desc.vnc && desc.usb_tablet);
	ck_assert_uint_eq(desc.video_mib, 32);
	ck_assert_str_eq(desc.vnc_listen, "0.0.0.0");
	ck_assert_uint_eq(desc.vnc_port, 5903);
	ck_assert_uint_eq(desc.weight, 512);
	ck_assert_uint_eq(desc.cap, 50);
	ck_assert_str_eq(desc.cpus, "0-3,^1/2");
	ck_assert_uint_eq(desc.nic_count, 2);
	ck_assert_mem_eq(desc.nics[0].mac, mac, 6);
	ck_assert_str_eq(desc.nics[0].bridge, "br0");
	ck_assert_int_eq(desc.nics[0].model, DIPTYCH_NIC_E1000);
	ck_assert_ptr_null(desc.nics[1].bridge);
	ck_assert_int_eq(desc.on_poweroff, DIPTYCH_ACTION_PRESERVE);
	ck_assert_int_eq(desc.on_reboot, DIPTYCH_ACTION_DESTROY);
	ck_assert_int_eq(desc.on_crash, DIPTYCH_ACTION_RESTART);
	ck_assert_uint_eq(desc.fidelity_memory_kib, 96 << 10);
	ck_assert_uint_eq(desc.fidelity_vcpus, 2);
	ck_assert_str_eq(desc.fidelity_kernel, "/k");
	ck_assert_str_eq(desc.fidelity_ramdisk, "/r");
	ck_assert_str_eq(desc.fidelity_cmdline, "a \"b\"");
}
END_TEST

START_TEST(written_text_reads_back_the_same)
{
	char *first, *second;

	all_settings_fn(0);
	first = diptych_desc_format(&desc);
	ck_assert_ptr_nonnull(first);
	ck_assert_msg(!read_text(first), "%s\n%s", error, first);
	second = diptych_desc_format(&desc);
	ck_assert_str_eq(first, second);
	ck_assert_str_eq(desc.disks[2].path, "/x/b c.q");
	ck_assert_str_eq(desc.fidelity_cmdline, "a \"b\"");
	free(first);
	free(second);
}
END_TEST

START_TEST(defaults)
{
	ck_assert_msg(!read_text(BASE), "%s", error);
	ck_assert_uint_eq(desc.vcpus, 1);
	ck_assert_int_eq(desc.firmware, DIPTYCH_SEABIOS);
	ck_assert(desc.serial);
	ck_assert_int_eq(desc.on_poweroff, DIPTYCH_ACTION_DESTROY);
	ck_assert_int_eq(desc.on_reboot, DIPTYCH_ACTION_RESTART);
	ck_assert_int_eq(desc.on_crash, DIPTYCH_ACTION_DESTROY);
	ck_assert_uint_eq(desc.current_memory_kib, 256 << 10);
	ck_assert_uint_eq(desc.max_memory_kib, 256 << 10);
	ck_assert_uint_eq(desc.disk_count, 0);
	ck_assert_ptr_null(desc.notes);
	ck_assert_int_eq(desc.machine, DIPTYCH_PC);
	ck_assert(desc.vga && desc.vnc && !desc.usb_tablet && !desc.vnc_port && !desc.cpus);
}
END_TEST

START_TEST(an_empty_drive_has_no_file)
{
	ck_assert_msg(!read_text(BASE "disk=[',,hdc,cdrom']\n"), "%s", error);
	ck_assert_uint_eq(desc.disk_count, 1);
	ck_assert_ptr_null(desc.disks[0].path);
	ck_assert(desc.disks[0].cdrom);
	ck_assert_str_eq(desc.disks[0].target, "hdc");
}
END_TEST

START_TEST(pvh_is_left_to_libxl)
{
	ck_assert_int_eq(read_text("name=\"g\"\ntype=\"pvh\"\nkernel=\"/k\"\n"), -ENOTSUP);
}
END_TEST

START_TEST(mistakes_name_their_line)
{
	expect_error("name=\"g\"\ntype=\"pv\"\n",
		     "t.cfg:2: type: \"pv\" is not supported; hvm and pvh are");
	expect_error("name=\"g\"\n", "t.cfg: type: is missing; type=\"hvm\" makes a pair");
	expect_error("type=\"hvm\"\nmemory=1\n", "t.cfg: name: is missing");
	expect_error("type=\"hvm\"\nname=\"g\"\n",
		     "t.cfg: memory: is missing (the guest's RAM in MiB)");
	expect_error(BASE "vcpus = 0\n", "t.cfg:4: vcpus: a number from 1 to 1024 is needed");
	expect_error(BASE "\n  vcpus = \"two\"\n",
		     "t.cfg:5: vcpus: a number from 1 to 1024 is needed");
	expect_error(BASE "maxvcpus=2\n",
		     "t.cfg:4: maxvcpus: must equal vcpus (1): vCPUs cannot be added later");
	expect_error(BASE "maxmem=100\n", "t.cfg:3: memory: 256 MiB is more than maxmem, 100 MiB");
	expect_error(BASE "uuid=\"123\"\n", "t.cfg:4: uuid: \"123\" is not a uuid");
	expect_error(BASE "bios=\"rombios\"\n",
		     "t.cfg:4: bios: \"rombios\" is not known; seabios or ovmf is");
	expect_error(BASE "on_crash=\"coredump-destroy\"\n",
		     "t.cfg:4: on_crash: \"coredump-destroy\" is not supported; destroy, restart "
		     "or preserve is");
	expect_error(BASE "kernel=\"/k\"\n",
		     "t.cfg:4: kernel: a real guest boots by its firmware from its own disk; "
		     "kernel= is for type=\"pvh\"");
	expect_error(BASE "vga=\"qxl\"\n",
		     "t.cfg:4: vga: \"qxl\" is not supported; stdvga or none is");
	expect_error(BASE "vga=\"none\"\nvnc=1\n",
		     "t.cfg:5: vnc: there is no screen to show: vga is \"none\"");
	expect_error(BASE "videoram=3\n", "t.cfg:4: videoram: 3 is no power of two");
	expect_error(BASE "vnclisten=\"0.0.0.0:x\"\n",
		     "t.cfg:4: vnclisten: the display's number is not one");
	expect_error(BASE "vncpasswd=\"x\"\n",
		     "t.cfg:4: vncpasswd: is not supported: let VNC listen on 127.0.0.1 and "
		     "tunnel it (ssh -L)");
	expect_error(BASE "usbdevice=\"host:1.2\"\n",
		     "t.cfg:4: usbdevice: \"host:1.2\" is not supported; tablet is");
	expect_error(BASE "cpus=\"1-\"\n",
		     "t.cfg:4: cpus: \"1-\" is no list of CPUs such as \"0-3,^2\"");
	expect_error(BASE "cpu_weight=0\n",
		     "t.cfg:4: cpu_weight: a number from 1 to 65535 is needed");
	expect_error(BASE "machine=\"isapc\"\n",
		     "t.cfg:4: machine: \"isapc\" is not known; pc or q35 is");
	expect_error(BASE "hdtype=\"scsi\"\n",
		     "t.cfg:4: hdtype: \"scsi\" is not known; ide or ahci is");
	expect_error(BASE "serial=['pty','pty']\n", "t.cfg:4: serial: a guest has one serial port");
	expect_error(BASE "pci=['01:00.0']\n",
		     "t.cfg:4: pci: passing devices through is not supported");
}
END_TEST

START_TEST(syntax_errors_name_their_line)
{
	ck_assert_int_eq(read_text("name=\"g\"\n]\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "t.cfg:2:"));
	ck_assert_int_eq(read_text("name=\"g\"\ntype=\"hvm\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "t.cfg:2:"));
}
END_TEST

START_TEST(items_of_lists_name_their_own_line)
{
	expect_error(BASE "disk = [ 'phy:/dev/a,xvda,w',\n  'vhd:/b,xvdb,w' ]\n",
		     "t.cfg:5: disk: \"vhd:/b,xvdb,w\": format vhd is not supported");
	expect_error(BASE "disk = [\n 'phy:/dev/a,fd0,w' ]\n",
		     "t.cfg:5: disk: \"phy:/dev/a,fd0,w\": a device is named xvdX, hdX or sdX");
	expect_error(BASE "disk=['a,raw,xvda,w,script=block-x']\n",
		     "t.cfg:4: disk: \"a,raw,xvda,w,script=block-x\": backends and block scripts "
		     "of one's own are not "
		     "supported");
	expect_error(BASE "vif = [ '',\n\n 'mac=1:2,bridge=x' ]\n",
		     "t.cfg:6: vif: \"mac=1:2,bridge=x\": 1:2 is not the address of one adapter");
	expect_error(BASE "vif=['mac=01:00:00:00:00:00']\n", /* a group's address */
		     "t.cfg:4: vif: \"mac=01:00:00:00:00:00\": 01:00:00:00:00:00 is not the "
		     "address of one adapter");
	expect_error(BASE "vif=['model=ne2k']\n",
		     "t.cfg:4: vif: \"model=ne2k\": model=ne2k is not supported");
	expect_error(BASE "vif=['rate=1Mb/s']\n",
		     "t.cfg:4: vif: \"rate=1Mb/s\": rate is not supported");
	ck_assert_int_eq(read_text(BASE "disk=['foo,,']\n"), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(error, "t.cfg:4: disk: \"foo,,\" is not a disk specification"));
}
END_TEST

START_TEST(all_mistakes_at_once)
{
	ck_assert_int_eq(read_text("type=\"hvm\"\nmemory=0\nvcpus=0\n"), -EINVAL);
	ck_assert_str_eq(
		error,
		"t.cfg: name: is missing\nt.cfg:2: memory: a number from 1 to 16777216 is needed\n"
		"t.cfg:3: vcpus: a number from 1 to 1024 is needed");
}
END_TEST

START_TEST(what_has_no_effect_is_noted)
{
	ck_assert_msg(!read_text(BASE "spice=1\nsdl=0\nviridian=1\npci=[]\n"), "%s", error);
	ck_assert_str_eq(desc.notes,
			 "t.cfg:4: spice: has no effect: the screen is shown by VNC\n"
			 "t.cfg:6: viridian: has no effect: a guest sees KVM's signature");
	ck_assert_msg(
		!read_text(BASE "usb=1\nvncunused=1\nvncdisplay=3\n"
				"disk=[ 'format=raw, vdev=xvda, backendtype=qdisk, target=/a' ]\n"),
		"%s", error);
	ck_assert_str_eq(desc.notes,
			 "t.cfg:5: vncunused: has no effect: a display that is named is taken as "
			 "it is, without one the first free port\n"
			 "t.cfg:4: usb: has no effect without usbdevice=\"tablet\"\n"
			 "t.cfg:7: disk: \"format=raw, vdev=xvda, backendtype=qdisk, target=/a\": "
			 "backendtype=qdisk has no effect: it is phy for all");
	/* What does have its effect, or asks for none. */
	ck_assert_msg(!read_text(BASE "usb=1\nusbdevice='tablet'\nvncunused=1\n"
				      "disk=[ 'vdev=xvda, backendtype=phy, target=/a' ]\n"),
		      "%s", error);
	ck_assert_ptr_null(desc.notes);
	ck_assert_msg(!read_text(BASE "usb=0\nvncunused=0\nvncdisplay=3\n"), "%s", error);
	ck_assert_ptr_null(desc.notes);
	/* A slip of the pen; what stands in strings, lists and comments is no setting. */
	ck_assert_msg(!read_text(BASE "vnclsten=\"a=1\"; acpi = 1\n# x=1\n"
				      "disk=[ 'phy:/dev/a,xvda,w',\n#b=1\n]\n  nonsense=[1]\n"),
		      "%s", error);
	ck_assert_str_eq(desc.notes, "t.cfg:4: vnclsten: has no effect: it is not known here\n"
				     "t.cfg:4: acpi: has no effect: it is not known here\n"
				     "t.cfg:9: nonsense: has no effect: it is not known here");
}
END_TEST

static unsigned int cpus_of(const char *text, unsigned int vcpu)
{
	uint8_t bits[2];

	return cpus_read(text, vcpu, bits, 2) ? bits[0] | (unsigned int)bits[1] << 8 : 0;
}

START_TEST(lists_of_cpus)
{
	ck_assert_uint_eq(cpus_of("0", 0), 1);
	ck_assert_uint_eq(cpus_of("0-3,^1", 0), 0xd);
	ck_assert_uint_eq(cpus_of("^0", 0), 0xfffe);
	ck_assert_uint_eq(cpus_of("all,^15", 0), 0x7fff);
	ck_assert_uint_eq(cpus_of("1/2, 4", 0), 2);
	ck_assert_uint_eq(cpus_of("1/2, 4", 1), 0x14);
	ck_assert_uint_eq(cpus_of("1/2, 4", 7), 0x14);
	ck_assert_uint_eq(cpus_of("16", 0), 0); /* there is none */
	ck_assert_uint_eq(cpus_of("3-1", 0), 0);
	ck_assert_uint_eq(cpus_of("1,", 0), 0);
	ck_assert_uint_eq(cpus_of("x", 0), 0);
	ck_assert_uint_eq(cpus_of("1 2", 0), 0);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	ck_assert_int_eq(diptych_desc_parse_file(&desc, "/nonexistent/x.cfg", &error), -ENOENT);
	ck_assert_str_eq(error, "/nonexistent/x.cfg: No such file or directory");
	free(error);
	ck_assert_int_eq(diptych_desc_parse_file(&desc, "/", &error), -EISDIR);
	ck_assert_str_eq(error, "/: Is a directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_config");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, after);
	tcase_add_test(tcase, all_settings);
	tcase_add_test(tcase, written_text_reads_back_the_same);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, an_empty_drive_has_no_file);
	tcase_add_test(tcase, pvh_is_left_to_libxl);
	tcase_add_test(tcase, mistakes_name_their_line);
	tcase_add_test(tcase, syntax_errors_name_their_line);
	tcase_add_test(tcase, items_of_lists_name_their_own_line);
	tcase_add_test(tcase, all_mistakes_at_once);
	tcase_add_test(tcase, what_has_no_effect_is_noted);
	tcase_add_test(tcase, lists_of_cpus);
	tcase_add_test(tcase, files_that_cannot_be_read);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
