// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building a pair: fidelity panel (paused), guest panel, the hinge between them (set_target),
 * xenstore, the monitor, and only then unpause.  What fails on the way takes everything back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxl_utils.h>

#include "context.h"
#include "qcow2.h"
#include "qemu-argv.h"
#include "vnc.h"

#define PORT_TRIES \
	50 /* of 100 ms: the monitor of a pair that was just destroyed lets go of its port */

/* fail(), with the place in the configuration that asks for what cannot be had. */
__attribute__((format(printf, 5, 6))) static int fail_at(struct diptych *c,
							 const struct diptych_desc *desc,
							 unsigned int line, int error,
							 const char *format, ...)
{
	char text[512], place[320] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (desc->source && line)
		snprintf(place, sizeof(place), "%.300s:%u: ", desc->source, line);
	else if (desc->source)
		snprintf(place, sizeof(place), "%.300s: ", desc->source);
	return fail(c, error, "%s%s", place, text);
}

static bool name_taken(struct diptych *c, const char *name, const char *suffix)
{
	uint32_t domid;
	char *whole;
	bool taken;

	if (asprintf(&whole, "%s%s", name, suffix) < 0)
		return true;
	taken = !libxl_name_to_domid(c->libxl, whole, &domid);
	free(whole);
	return taken;
}

int refuse_name(struct diptych *c, const struct diptych_desc *desc)
{
	if (name_taken(c, desc->name, ""))
		return fail_at(c, desc, desc->lines.name, EEXIST,
			       "a domain named \"%s\" exists already", desc->name);
	if (name_taken(c, desc->name, ".fd"))
		return fail_at(c, desc, desc->lines.name, EEXIST,
			       "a domain named \"%s.fd\" exists already", desc->name);
	return 0;
}

static int refuse_duplicates(struct diptych *c, const struct diptych_desc *desc)
{
	libxl_dominfo *list;
	char text[37];
	int count, i, error = refuse_name(c, desc);

	if (error)
		return error;
	list = libxl_list_domain(c->libxl, &count);
	if (!list)
		return fail(c, EIO, "cannot list domains%s", xen_error(c));
	for (i = 0; i < count; i++)
		if (!memcmp(libxl_uuid_bytearray_const(&list[i].uuid), desc->uuid,
			    sizeof(desc->uuid)))
			break;
	libxl_dominfo_list_free(list, count);
	if (i < count) {
		uuid_text(desc->uuid, text);
		return fail_at(c, desc, desc->lines.uuid, EEXIST,
			       "a domain with uuid %s exists already", text);
	}
	return 0;
}

static int check_free_memory(struct diptych *c, const struct diptych_desc *desc)
{
	uint64_t need = guest_pool_pages(desc) + (fidelity_memory_kib(desc) >> 2);
	xc_physinfo_t info;

	memset(&info, 0, sizeof(info));
	if (xc_physinfo(c->xc, &info))
		return fail(c, errno, "the hypervisor does not tell its free memory: %s",
			    strerror(errno));
	if (info.free_pages < need)
		return fail_at(c, desc, desc->lines.memory, ENOMEM,
			       "not enough memory: guest and fidelity domain need %" PRIu64
			       " MiB, %" PRIu64 " MiB are free",
			       need / PAGES_PER_MIB, (uint64_t)info.free_pages / PAGES_PER_MIB);
	return 0;
}

/* Later only the monitor would see it, and its log. */
static int check_screen(struct diptych *c, const struct diptych_desc *desc)
{
	const char *host = desc->vnc_listen ? desc->vnc_listen : "127.0.0.1";
	int tries, error = -EADDRINUSE;

	for (tries = 0; desc->vnc && error == -EADDRINUSE && tries < PORT_TRIES; tries++) {
		if (tries)
			usleep(100000);
		error = vnc_try_port(desc);
	}
	if (!desc->vnc || !error)
		return 0;
	if (!desc->vnc_port)
		return fail_at(c, desc, 0, -error, "the screen cannot be at %s: %s", host,
			       strerror(-error));
	return fail_at(c, desc, 0, -error, "the screen cannot be at %s, port %u: %s", host,
		       desc->vnc_port, strerror(-error));
}

static int hinge(struct diptych *c, const struct diptych_desc *desc, uint32_t guest,
		 uint32_t fidelity)
{
	char **argv;
	int error;

	if (xc_domain_set_target(c->xc, fidelity, guest))
		return fail(c, errno, "the hypervisor refuses to pair domains %u and %u: %s%s",
			    fidelity, guest, strerror(errno),
			    errno == ENOSYS ? "; is it Diptych?" : "");
	argv = qemu_argv(desc);
	if (!argv)
		return fail(c, ENOMEM, "out of memory");
	error = tree_write_pair(c, desc, guest, fidelity, argv);
	qemu_argv_free(argv);
	if (!error)
		error = record_start(c, guest, desc);
	if (!error)
		error = monitor_start(c, guest);
	return error;
}

/* Once, as the administrator starts it: later the header is what the guest's side has written. */
static int make_room(struct diptych *c, const struct diptych_desc *desc)
{
	size_t i;
	int error;

	for (i = 0; i < desc->disk_count; i++) {
		if (desc->disks[i].format != DIPTYCH_QCOW2 || desc->disks[i].readonly)
			continue;
		error = qcow2_make_room(desc->disks[i].path);
		if (error)
			return fail(c, -error, "disk %s cannot be made as long as it can grow: %s",
				    desc->disks[i].path, strerror(-error));
	}
	return 0;
}

static int build(struct diptych *c, const struct diptych_desc *desc, const uint8_t uuid[16],
		 unsigned int flags, uint32_t *guest)
{
	uint32_t fidelity;
	int error;

	progress(c, "building the fidelity domain", 0);
	error = fidelity_build(c, desc, uuid, &fidelity);
	if (error)
		return error;
	error = guest_build(c, desc, guest);
	if (error) {
		fidelity_destroy(c, fidelity);
		return error;
	}
	error = hinge(c, desc, *guest, fidelity);
	if (!error && !(flags & DIPTYCH_CREATE_PAUSED))
		error = diptych_unpause(c, *guest);
	if (error) {
		char reason[sizeof(c->error)];
		struct diptych_pair pair = { .guest = *guest, .fidelity = fidelity };

		memcpy(reason, c->error,
		       sizeof(reason)); /* what went wrong first is what matters */
		memcpy(pair.uuid, desc->uuid, sizeof(pair.uuid));
		pair_destroy(c, &pair, DIPTYCH_END_DESTROYED);
		memcpy(c->error, reason, sizeof(reason));
		return error;
	}
	progress(c, "running", 100);
	return 0;
}

/* Killed at any moment, it leaves nothing that is not found by what is written here. */
static int build_guarded(struct diptych *c, const struct diptych_desc *desc, unsigned int flags,
			 uint32_t *guest)
{
	libxl_uuid uuid;
	int error = flags & PAIR_AGAIN ? 0 : make_room(c, desc);

	libxl_uuid_generate(&uuid);
	if (!error)
		error = record_building(c, desc->uuid, libxl_uuid_bytearray(&uuid));
	if (error)
		return error;
	guard_start(c);
	error = build(c, desc, libxl_uuid_bytearray(&uuid), flags, guest);
	record_built();
	return error;
}

/* The monitor that may build it again works in another folder. */
static int make_absolute(struct diptych *c, char **path)
{
	char *folder, *whole;

	if (!*path || **path == '/')
		return 0;
	folder = getcwd(NULL, 0);
	if (!folder || asprintf(&whole, "%s/%s", folder, *path) < 0) {
		free(folder);
		return fail(c, ENOMEM, "cannot tell where %s is", *path);
	}
	free(folder);
	free(*path);
	*path = whole;
	return 0;
}

static int make_paths_absolute(struct diptych *c, struct diptych_desc *desc)
{
	int error = make_absolute(c, &desc->fidelity_kernel);
	size_t i;

	if (!error)
		error = make_absolute(c, &desc->fidelity_ramdisk);
	for (i = 0; !error && i < desc->disk_count; i++)
		error = make_absolute(c, &desc->disks[i].path);
	return error;
}

/* Always the same for the same guest: FNV-1a of uuid and number, under Xen's own prefix. */
static void choose_macs(struct diptych_desc *desc)
{
	static const uint8_t none[6];
	uint32_t hash;
	size_t i, j;

	for (i = 0; i < desc->nic_count; i++) {
		uint8_t *mac = desc->nics[i].mac;

		if (memcmp(mac, none, sizeof(none)))
			continue;
		hash = 2166136261u;
		for (j = 0; j < sizeof(desc->uuid); j++)
			hash = (hash ^ desc->uuid[j]) * 16777619u;
		hash = (hash ^ (uint32_t)i) * 16777619u;
		mac[0] = 0x00;
		mac[1] = 0x16;
		mac[2] = 0x3e;
		mac[3] = (uint8_t)(hash >> 16 & 0x7f);
		mac[4] = (uint8_t)(hash >> 8);
		mac[5] = (uint8_t)hash;
	}
}

static bool target_taken(const struct diptych_desc *desc, const char *target)
{
	size_t i;

	for (i = 0; i < desc->disk_count; i++)
		if (desc->disks[i].target && !strcmp(desc->disks[i].target, target))
			return true;
	return false;
}

static int choose_target(struct diptych *c, struct diptych_desc *desc, struct diptych_disk *disk)
{
	static const char *const prefix[] = {
		[DIPTYCH_BUS_VIRTIO] = "xvd", [DIPTYCH_BUS_IDE] = "hd", [DIPTYCH_BUS_SATA] = "sd"
	};
	char target[8];
	char letter;

	for (letter = 'a'; !disk->target && letter <= 'z'; letter++) {
		snprintf(target, sizeof(target), "%s%c", prefix[disk->bus], letter);
		if (!target_taken(desc, target))
			disk->target = strdup(target);
	}
	return disk->target ? 0 : fail(c, ENOMEM, "out of memory");
}

int desc_prepare(struct diptych *c, struct diptych_desc *desc)
{
	int error = make_paths_absolute(c, desc);
	libxl_uuid uuid;
	size_t i;

	for (i = 0; !error && i < desc->disk_count; i++)
		error = choose_target(c, desc, &desc->disks[i]);
	if (!error && uuid_is_zero(desc->uuid)) {
		libxl_uuid_generate(&uuid);
		memcpy(desc->uuid, libxl_uuid_bytearray(&uuid), sizeof(desc->uuid));
	}
	choose_macs(desc);
	return error;
}

/* A copy that is ours to complete: through its own text, which also proves that it can be kept. */
static int complete(struct diptych *c, const struct diptych_desc *from, struct diptych_desc *to)
{
	char *text = diptych_desc_format(from), *error = NULL;
	int result;

	diptych_desc_init(to);
	if (!text)
		return fail(c, ENOMEM, "out of memory");
	result = diptych_desc_parse(to, from->name, text, strlen(text), &error);
	if (result)
		fail(c, -result, "%s", error ? error : "out of memory");
	free(error);
	free(text);
	if (!result)
		result = desc_prepare(c, to);
	/* Messages speak of the user's own file. */
	free(to->source);
	to->source = from->source ? strdup(from->source) : NULL;
	to->lines = from->lines;
	return result;
}

int pair_create(struct diptych *c, const struct diptych_desc *desc, unsigned int flags,
		uint32_t *guest)
{
	struct diptych_desc whole;
	char *text;
	int error = diptych_desc_check(desc, &text);

	if (error) {
		fail(c, -error, "%s", text ? text : "out of memory");
		free(text);
		return error;
	}
	error = complete(c, desc, &whole);
	if (!error)
		error = refuse_duplicates(c, &whole);
	if (!error)
		error = check_free_memory(c, &whole);
	if (!error && !(flags & PAIR_AGAIN))
		error = check_screen(c, &whole);
	if (!error)
		error = build_guarded(c, &whole, flags, guest);
	diptych_desc_dispose(&whole);
	return error;
}

int diptych_create(struct diptych *context, const struct diptych_desc *desc, unsigned int flags,
		   uint32_t *guest)
{
	int error, lock = record_lock(context, true);

	if (lock < 0)
		return lock;
	pair_clean(context);
	error = pair_create(context, desc, flags, guest);
	close(lock);
	return error;
}
