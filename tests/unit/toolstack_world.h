/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toolstack that builds pairs and takes them apart, on the hypervisor of fake_xen.h.  A description that
 * can be built is made before each test.
 */
#ifndef TOOLSTACK_WORLD_H
#define TOOLSTACK_WORLD_H

#define DIPTYCH_LIBDIR	"/nonexistent"
#define DIPTYCH_RUN_DIR "test-toolstack-run"
#define DIPTYCH_LOG_DIR "test-toolstack-log"
#define BACKEND_TRIES	0 /* there is no sysfs of backends */

#include "core/include/public/minv.h"

#include <check.h>
#undef fail /* ours is a function */

#include "fake_xen.h"

#include "toolstack/context.c"
#include "toolstack/desc.c"
#include "toolstack/source.c"
#include "toolstack/config-devices.c"
#include "toolstack/config-screen.c"
#include "toolstack/cpu-list.c"
#include "toolstack/config.c"
#include "toolstack/config-write.c"
#include "toolstack/qcow2.c"
#include "toolstack/check.c"
#define add_disks qemu_add_disks
#define add_nics  qemu_add_nics
#include "toolstack/qemu-argv.c"
#undef add_disks
#undef add_nics
#include "toolstack/tree.c"
#include "toolstack/record.c"
#include "toolstack/guest.c"
#include "toolstack/fidelity.c"
#include "toolstack/list.c"
#include "toolstack/create.c"
#include "toolstack/end.c"

static struct diptych context;
static struct diptych_desc desc;
static int monitors;
static int fake_port_error; /* what trying the screen's port gives */

int monitor_start(struct diptych *c, uint32_t guest)
{
	char path[64];

	/* By now it must find the pair. */
	snprintf(path, sizeof(path), "/tool/diptych/%u", guest);
	ck_assert_ptr_nonnull(key_at(path));
	if (fails(ENOENT))
		return fail(c, ENOENT, "no monitor");
	monitors++;
	return 0;
}

int vnc_try_port(const struct diptych_desc *wanted)
{
	(void)wanted;
	return fake_port_error;
}

void guard_start(struct diptych *c)
{
	(void)c;
}

void events_free(struct events *events)
{
	(void)events;
}

static void before(void)
{
	struct diptych_disk *disk;

	fake_reset();
	monitors = fake_port_error = 0;
	memset(&context, 0, sizeof(context));
	diptych_desc_init(&desc);
	desc.name = strdup("g");
	desc.uuid[3] = 7;
	desc.max_memory_kib = 100 << 10;
	desc.fidelity_kernel = strdup("/dev/null");
	desc.fidelity_ramdisk = strdup("/dev/null");
	disk = diptych_desc_add_disk(&desc);
	disk->path = strdup("test-toolstack-disk");
	ck_assert_int_eq(system("truncate -s 1M test-toolstack-disk"), 0);
}

static void after(void)
{
	diptych_desc_dispose(&desc);
	ck_assert_int_eq(system("rm -rf test-toolstack-run test-toolstack-log test-toolstack-disk"),
			 0);
}

static uint32_t create(void)
{
	uint32_t guest = 0;

	ck_assert_msg(!diptych_create(&context, &desc, 0, &guest), "%s", context.error);
	return guest;
}

#endif
