/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -Wno-shadow -Wno-unused-function -lxenlight -lxlutil -lxenctrl -lxenstore */
/*
 * Devices are plugged and unplugged, with a QEMU of a few lines.  A user would see break: a disk that can
 * be neither attached nor detached any more after a guest was slow, or after dxl was killed; a host that
 * waits for one guest; a change that undoes another.
 */
#define UNPLUG_MS 300
#define SYS_NET	  "test-toolstack-net"
#include "toolstack_world.h"

#define has_device qemu_has_device
#include "toolstack/json.c"
#include "toolstack/change.c"
#undef has_device
#include "toolstack/change-disks.c"
#include "toolstack/change-nics.c"
#include "toolstack/identity.c"

#include <setjmp.h>

static const uint8_t mac[6] = { 0, 0x16, 0x3e, 0, 0, 0x77 };

/* ---- a process that is killed ---------------------------------------------------------------- */

static jmp_buf killed;
static int kill_in; /* steps until then; negative: never */
static int first_fd;

static void step(void)
{
	if (kill_in >= 0 && kill_in-- == 0)
		longjmp(killed, 1);
}

/* Its locks go with it. */
static void bury(void)
{
	kill_in = -1;
	close_range((unsigned int)first_fd, (unsigned int)first_fd + 20, 0);
}

/* ---- locks ----------------------------------------------------------------------------------- */

/* Whether the host's lock is free. */
static bool host_is_free(void)
{
	int lock = record_lock(&context, false);

	if (lock >= 0)
		close(lock);
	return lock >= 0;
}

/* ---- libxl ----------------------------------------------------------------------------------- */

static int libxl_change(uint32_t domid, const char *kind, unsigned int number, bool add)
{
	char path[64];

	ck_assert(!host_is_free());
	snprintf(path, sizeof(path), "/libxl/%u/device/%s/%u", domid, kind, number);
	if (fails(EIO) || !domain_at(domid) || add == (key_at(path) != NULL))
		return ERROR_FAIL;
	fake_fail_in += fake_fail_in >= 0;
	if (add)
		set_key(path, "");
	else
		xs_rm(NULL, XBT_NULL, path);
	step();
	return 0;
}

static unsigned int number_of(const libxl_device_disk *disk)
{
	return XVD_DEVICE(disk->vdev[3] - 'a');
}

int libxl_device_disk_add(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk,
			  const libxl_asyncop_how *how)
{
	(void)ctx, (void)how;
	return libxl_change(domid, "vbd", number_of(disk), true);
}

int libxl_device_disk_remove(libxl_ctx *ctx, uint32_t domid, libxl_device_disk *disk,
			     const libxl_asyncop_how *how)
{
	(void)ctx, (void)how;
	return libxl_change(domid, "vbd", number_of(disk), false);
}

int libxl_vdev_to_device_disk(libxl_ctx *ctx, uint32_t domid, const char *vdev,
			      libxl_device_disk *disk)
{
	(void)ctx, (void)domid;
	disk->vdev = strdup(vdev);
	return 0;
}

int libxl_device_nic_add(libxl_ctx *ctx, uint32_t domid, libxl_device_nic *nic,
			 const libxl_asyncop_how *how)
{
	(void)ctx, (void)how;
	return libxl_change(domid, "vif", (unsigned int)nic->devid, true);
}

int libxl_device_nic_remove(libxl_ctx *ctx, uint32_t domid, libxl_device_nic *nic,
			    const libxl_asyncop_how *how)
{
	(void)ctx, (void)how;
	return libxl_change(domid, "vif", (unsigned int)nic->devid, false);
}

int libxl_devid_to_device_nic(libxl_ctx *ctx, uint32_t domid, int devid, libxl_device_nic *nic)
{
	(void)ctx, (void)domid;
	nic->devid = devid;
	return 0;
}

/* ---- QEMU ------------------------------------------------------------------------------------ */

static char things[16][16]; /* ids of devices, names of nodes and of network ends */
static bool guest_holds;    /* what it has */
static bool asked;	    /* to let go */
static void (*meanwhile)(void);
static size_t strange_items; /* in a list */

static char *thing(const char *name)
{
	size_t i;

	for (i = 0; i < 16 && strcmp(things[i], name); i++)
		;
	return i < 16 ? things[i] : NULL;
}

static int add_thing(const char *name)
{
	if (thing(name))
		return fail(&context, EREMOTEIO, "the guest's device model refuses: duplicate %s",
			    name);
	snprintf(thing(""), 16, "%s", name);
	return 0;
}

static int remove_thing(const char *name)
{
	if (!thing(name))
		return fail(&context, EREMOTEIO, "the guest's device model refuses: %s not found",
			    name);
	memset(thing(name), 0, 16);
	return 0;
}

static int remove_device(const char *name)
{
	if (!guest_holds || !thing(name))
		return remove_thing(name);
	if (asked)
		return fail(&context, EREMOTEIO,
			    "the guest's device model refuses: Device %s is already in the process "
			    "of unplug",
			    name);
	asked = true;
	return 0;
}

static char *list_things(void)
{
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	fputc('[', file);
	for (i = 0; i < strange_items; i++)
		fputs("1,", file);
	for (i = 0; i < 16; i++)
		if (things[i][0])
			fprintf(file, "{\"name\":\"%s\"},", things[i]);
	fputs("{}]", file);
	fclose(file);
	return text;
}

/* The value of a member of the command's arguments. */
static const char *argument(const char *command, const char *key, char value[16])
{
	char *text = json_string(json_member(json_member(json_value(command), "arguments"), key));

	ck_assert_ptr_nonnull(text);
	snprintf(value, 16, "%s", text);
	free(text);
	return value;
}

static int obey(const char *command, char **answer)
{
	char name[16];

	if (strstr(command, "\"device_del\""))
		return remove_device(argument(command, "id", name));
	if (strstr(command, "\"blockdev-add\""))
		return add_thing(argument(command, "node-name", name));
	if (strstr(command, "\"blockdev-del\""))
		return remove_thing(argument(command, "node-name", name));
	if (strstr(command, "\"device_add\"") || strstr(command, "\"netdev_add\""))
		return add_thing(argument(command, "id", name));
	if (strstr(command, "\"netdev_del\""))
		return remove_thing(argument(command, "id", name));
	if (strstr(command, "\"qom-list\""))
		*answer = list_things();
	return 0;
}

int qmp_run(struct qmp *qmp, char **answer, const char *format, ...)
{
	char command[512], *got = NULL;
	va_list args;
	int error;

	(void)qmp;
	/* Whatever QEMU does, and however long: nobody else on the host waits. */
	ck_assert(host_is_free());
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (meanwhile)
		meanwhile();
	step();
	error = obey(command, &got);
	step();
	if (answer)
		*answer = got;
	else
		free(got);
	return error;
}

int qmp_open(struct diptych *c, const struct diptych_pair *pair, struct qmp *qmp)
{
	(void)c, (void)pair, (void)qmp;
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	(void)qmp;
}

int channel_open(struct diptych *c, const struct diptych_pair *pair, const char *name,
		 int64_t until, struct channel *channel)
{
	(void)c, (void)pair, (void)until, (void)channel;
	ck_assert(host_is_free());
	ck_assert_str_eq(name, "network");
	return 0;
}

void channel_close(struct channel *channel)
{
	(void)channel;
}

static const char *joined;

int channel_read(struct channel *channel, void *to, size_t size, int64_t until)
{
	(void)channel, (void)until;
	return snprintf(to, size, "%s", joined);
}

int channel_write(struct channel *channel, const char *from, size_t size, int64_t until)
{
	(void)channel, (void)from, (void)size, (void)until;
	return 0;
}

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static uint32_t guest;
static size_t keys_before;

static void plug_before(void)
{
	before();
	memset(things, 0, sizeof(things));
	guest_holds = asked = false;
	meanwhile = NULL;
	strange_items = 0;
	joined = "ok";
	kill_in = -1;
	fake_step = step;
	ck_assert_int_eq(system("truncate -s 1M test-toolstack-disk2 && "
				"mkdir -p test-toolstack-net/xenbr0/bridge"),
			 0);
	guest = create();
	/* libxl's tree of devices is there from the start. */
	set_key("/libxl/1/device/vbd/51712", "");
	set_key("/libxl/1/device/vif/99", "");
	set_key("/local/domain/1/diptych/nic", "");
	keys_before = count_keys();
	first_fd = dup(0);
	close(first_fd);
}

static void plug_after(void)
{
	fake_step = NULL;
	ck_assert_int_eq(system("rm -rf test-toolstack-disk2 test-toolstack-net"), 0);
	after();
}

static int attach(void)
{
	struct diptych_disk disk = { .path = (char[]){ "test-toolstack-disk2" },
				     .target = (char[]){ "xvdb" } };

	return diptych_disk_attach(&context, guest, &disk);
}

static int detach(void)
{
	return diptych_disk_detach(&context, guest, "xvdb");
}

static int attach_card(void)
{
	struct diptych_nic nic = { .bridge = NULL };

	memcpy(nic.mac, mac, sizeof(mac));
	return diptych_nic_attach(&context, guest, &nic);
}

static int detach_card(void)
{
	return diptych_nic_detach(&context, guest, mac);
}

/* Whether all three parts have it, or none of them has anything. */
static bool plugged(const char *id, const char *path)
{
	struct diptych_desc kept;
	bool described;

	diptych_desc_init(&kept);
	ck_assert_int_eq(record_read_desc(&context, guest, &kept), 0);
	described = kept.disk_count + kept.nic_count == 2;
	diptych_desc_dispose(&kept);
	ck_assert_int_eq(described, thing(id) != NULL);
	ck_assert_int_eq(described, key_at(path) != NULL);
	if (!described) {
		ck_assert_uint_eq(count_keys(), keys_before);
		for (size_t i = 0; i < 16; i++)
			ck_assert_str_eq(things[i], "");
	}
	return described;
}

static bool disk_plugged(void)
{
	return plugged("disk1", "/libxl/1/device/vbd/51728");
}

static bool card_plugged(void)
{
	return plugged("nic0", "/libxl/1/device/vif/0");
}

START_TEST(a_disk_goes_in_and_out)
{
	ck_assert_msg(!attach(), "%s", context.error);
	ck_assert(disk_plugged());
	ck_assert_int_eq(attach(), -EINVAL);
	ck_assert_int_eq(detach(), 0);
	ck_assert(!disk_plugged());
	ck_assert_int_eq(detach(), -ENOENT);
}
END_TEST

START_TEST(a_guest_that_lets_go_late)
{
	ck_assert_int_eq(attach(), 0);
	guest_holds = true;
	ck_assert_int_eq(detach(), -EBUSY);
	ck_assert_int_eq(detach(), -EBUSY);
	ck_assert(disk_plugged());
	guest_holds = false; /* nobody waits any more */
	ck_assert_int_eq(remove_thing("disk1"), 0);
	ck_assert_msg(!detach(), "%s", context.error);
	ck_assert(!disk_plugged());
	ck_assert_int_eq(attach(), 0);
}
END_TEST

/* Whatever it is killed at, the same can be asked for again, and everything works after that. */
static void kill_at_every_step(int (*put)(void), int (*take)(void), bool (*is_in)(void))
{
	volatile int n, kills = 0;
	int error;

	for (n = 0;; n++) {
		kill_in = n;
		if (!setjmp(killed)) {
			ck_assert_int_eq(put(), 0);
			ck_assert_int_ge(kill_in, 0);
			break;
		}
		bury();
		kills++;
		error = put();
		ck_assert_msg(!error || (error == -EINVAL || error == -EEXIST), "step %d: %s", n,
			      context.error);
		ck_assert(is_in());
		ck_assert_msg(!take(), "step %d: %s", n, context.error);
		ck_assert(!is_in());
	}
	kill_in = -1;
	ck_assert_int_gt(kills, 6); /* it did go through all of it */
	for (n = 0;; n++) {
		kill_in = n;
		if (!setjmp(killed)) {
			ck_assert_int_eq(take(), 0);
			ck_assert_int_ge(kill_in, 0);
			break;
		}
		bury();
		error = take();
		ck_assert_msg(!error || error == -ENOENT, "step %d: %s", n, context.error);
		ck_assert_msg(!put(), "step %d: %s", n, context.error);
		ck_assert(is_in());
	}
}

START_TEST(killed_at_a_disk)
{
	kill_at_every_step(attach, detach, disk_plugged);
}
END_TEST

START_TEST(killed_at_a_card)
{
	kill_at_every_step(attach_card, detach_card, card_plugged);
}
END_TEST

START_TEST(what_fails_is_taken_back)
{
	int n;

	joined = "no\033[2J";
	ck_assert_int_eq(attach_card(), -EREMOTEIO);
	ck_assert_str_eq(context.error, "the fidelity domain cannot join the network card: no?[2J");
	ck_assert(!card_plugged());
	joined = "ok";
	for (n = 0; n < 3; n++) { /* a loop device, libxl's disk, its slot in the tree */
		fake_fail_in = n;
		ck_assert_int_lt(attach(), 0);
		ck_assert_int_lt(fake_fail_in, 0);
		ck_assert(!disk_plugged());
	}
	snprintf(things[15], 16, "disk1"); /* QEMU refuses */
	ck_assert_int_eq(attach(), -EREMOTEIO);
	ck_assert_str_eq(context.error, "the guest's device model refuses: duplicate disk1");
}
END_TEST

static void rename_it(void)
{
	meanwhile = NULL;
	ck_assert_int_eq(diptych_rename(&context, guest, "h"), 0);
}

static void destroy_it(void)
{
	meanwhile = NULL;
	ck_assert_int_eq(diptych_destroy(&context, guest), 0);
}

START_TEST(renamed_or_destroyed_meanwhile)
{
	struct diptych_desc kept;

	meanwhile = rename_it;
	ck_assert_int_eq(attach(), 0);
	diptych_desc_init(&kept);
	ck_assert_int_eq(record_read_desc(&context, guest, &kept), 0);
	ck_assert_str_eq(kept.name, "h");
	ck_assert_uint_eq(kept.disk_count, 2);
	diptych_desc_dispose(&kept);
	meanwhile = destroy_it;
	ck_assert_int_eq(detach(), -ESRCH);
	ck_assert(access("test-toolstack-run/2", F_OK));
	ck_assert_ptr_null(key_at("/local/domain/1/diptych"));
}
END_TEST

START_TEST(a_strange_list)
{
	int64_t begun = clock_ms();

	ck_assert_int_eq(attach(), 0);
	strange_items = 500000;
	ck_assert_int_eq(detach(), 0);
	ck_assert_int_lt(clock_ms() - begun, 5000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_change");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, plug_before, plug_after);
	tcase_add_test(tcase, a_disk_goes_in_and_out);
	tcase_add_test(tcase, a_guest_that_lets_go_late);
	tcase_add_test(tcase, killed_at_a_disk);
	tcase_add_test(tcase, killed_at_a_card);
	tcase_add_test(tcase, what_fails_is_taken_back);
	tcase_add_test(tcase, renamed_or_destroyed_meanwhile);
	tcase_add_test(tcase, a_strange_list);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
