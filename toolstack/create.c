// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building a pair: fidelity panel (paused), guest panel, the hinge between them (set_target),
 * xenstore, the monitor, and only then unpause.  What fails on the way takes everything back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxl_utils.h>

#include "context.h"
#include "qemu-argv.h"

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

static int refuse_duplicates(struct diptych *c, const struct diptych_desc *desc)
{
	libxl_dominfo *list;
	char text[37];
	int count, i;

	if (name_taken(c, desc->name, ""))
		return fail(c, EEXIST, "a domain named \"%s\" exists already", desc->name);
	if (name_taken(c, desc->name, ".fd"))
		return fail(c, EEXIST, "a domain named \"%s.fd\" exists already", desc->name);
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
		return fail(c, EEXIST, "a domain with uuid %s exists already", text);
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
		return fail(c, ENOMEM,
			    "not enough memory: guest and fidelity domain need %" PRIu64
			    " MiB, %" PRIu64 " MiB are free",
			    need / PAGES_PER_MIB, (uint64_t)info.free_pages / PAGES_PER_MIB);
	return 0;
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

static int build(struct diptych *c, const struct diptych_desc *desc, unsigned int flags,
		 uint32_t *guest)
{
	uint32_t fidelity;
	int error;

	progress(c, "building the fidelity domain", 0);
	error = fidelity_build(c, desc, &fidelity);
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

/* A copy that is ours to complete: through its own text, which also proves that it can be kept. */
static int complete(struct diptych *c, const struct diptych_desc *from, struct diptych_desc *to)
{
	char *text = diptych_desc_format(from), *error = NULL;
	libxl_uuid uuid;
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
		result = make_paths_absolute(c, to);
	if (!result && uuid_is_zero(to->uuid)) {
		libxl_uuid_generate(&uuid);
		memcpy(to->uuid, libxl_uuid_bytearray(&uuid), sizeof(to->uuid));
	}
	choose_macs(to);
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
	if (!error)
		error = build(c, &whole, flags, guest);
	diptych_desc_dispose(&whole);
	return error;
}

int diptych_create(struct diptych *context, const struct diptych_desc *desc, unsigned int flags,
		   uint32_t *guest)
{
	int error, lock = record_lock(context, true);

	if (lock < 0)
		return lock;
	error = pair_create(context, desc, flags, guest);
	close(lock);
	return error;
}
