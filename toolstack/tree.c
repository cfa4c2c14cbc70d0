// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the toolstack keeps in xenstore.  The shape is that of libxl's stub domains where libxl has
 * one, so that stock xl lists, names, opens and destroys a pair as one thing; the rest is below
 * diptych/.
 *
 *   /tool/diptych/G = F				index of pairs; written last, removed last
 *   /local/domain/G/name, /vm, /memory/static-max	as libxl
 *   /local/domain/G/image/device-model-domid = F	as libxl: destroying G destroys F too
 *   /local/domain/G/diptych/fidelity-domid = F
 *   /local/domain/F/diptych/guest-domid = G
 *   /local/domain/F/diptych/argv/NNN			QEMU's arguments
 *   /local/domain/F/diptych/channel/NAME = END	a libxenvchan that F serves there, and what is behind it
 *   /local/domain/F/diptych/disk/SLOT = TARGET	/dev/xvda + SLOT in F; "" is only a disc
 *   /local/domain/F/diptych/disk/SLOT/disc = SLOT	where the disc of that CD-ROM drive is, "" none
 *   /local/domain/F/diptych/nic/SLOT = MAC		eth<SLOT> in F
 *   /local/domain/F/diptych/state			F's to write: "running", "exited CODE", ...
 *   /local/domain/F/diptych/error			F's to write: QEMU's last lines, or what failed
 *   /libxl/G/type = hvm, /vm/UUID/name, /uuid		as libxl
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context.h"

#define INDEX "/tool/diptych"

static char *read_path(struct diptych *c, const char *format, va_list args)
{
	char path[TREE_PATH];
	unsigned int length;

	vsnprintf(path, sizeof(path), format, args);
	return xs_read(c->xs, XBT_NULL, path, &length); /* libxenstore adds a NUL */
}

char *tree_read(struct diptych *c, const char *path, ...)
{
	va_list args;
	char *value;

	va_start(args, path);
	value = read_path(c, path, args);
	va_end(args);
	return value;
}

static bool to_u64(char *text, uint64_t *value)
{
	char *end;
	bool good;

	if (!text)
		return false;
	*value = strtoull(text, &end, 10);
	good = *text && !*end;
	free(text);
	return good;
}

bool tree_read_u64(struct diptych *c, uint64_t *value, const char *path, ...)
{
	va_list args;
	char *text;

	va_start(args, path);
	text = read_path(c, path, args);
	va_end(args);
	return to_u64(text, value);
}

bool tree_read_id(struct diptych *c, uint32_t *id, const char *path, ...)
{
	uint64_t value;
	va_list args;
	char *text;

	va_start(args, path);
	text = read_path(c, path, args);
	va_end(args);
	if (!to_u64(text, &value) || value >= DOMID_FIRST_RESERVED)
		return false;
	*id = (uint32_t)value;
	return true;
}

void tree_remove(struct diptych *c, const char *path, ...)
{
	char text[TREE_PATH];
	va_list args;

	va_start(args, path);
	vsnprintf(text, sizeof(text), path, args);
	va_end(args);
	xs_rm(c->xs, XBT_NULL, text);
}

/* A transaction under construction: the first failure is kept, later writes do nothing. */
struct writer {
	struct diptych *c;
	xs_transaction_t transaction;
	int error;
	char path[TREE_PATH];
};

__attribute__((format(printf, 3, 4))) static void put(struct writer *w, const char *value,
						      const char *format, ...)
{
	va_list args;

	if (w->error)
		return;
	va_start(args, format);
	vsnprintf(w->path, sizeof(w->path), format, args);
	va_end(args);
	if (!xs_write(w->c->xs, w->transaction, w->path, value, (unsigned int)strlen(value)))
		w->error = errno;
}

__attribute__((format(printf, 3, 4))) static void put_number(struct writer *w, uint64_t value,
							     const char *format, ...)
{
	char text[24], path[TREE_PATH];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	put(w, text, "%s", path);
}

/* Sets who may use the node that was written last: dom0 always; `reader` may read, `owner` all. */
static void protect(struct writer *w, unsigned int owner, unsigned int reader)
{
	struct xs_permissions permissions[2] = {
		{ .id = owner, .perms = XS_PERM_NONE },
		{ .id = reader, .perms = XS_PERM_READ },
	};

	if (!w->error &&
	    !xs_set_permissions(w->c->xs, w->transaction, w->path, permissions, reader ? 2u : 1u))
		w->error = errno;
}

static void put_guest(struct writer *w, const struct diptych_desc *desc, uint32_t guest,
		      uint32_t fidelity)
{
	char uuid[37], vm[64];

	uuid_text(desc->uuid, uuid);
	snprintf(vm, sizeof(vm), "/vm/%s", uuid);
	xs_rm(w->c->xs, w->transaction, vm);
	put(w, "", "/local/domain/%u", guest);
	protect(w, 0, 0);
	put(w, vm, "/local/domain/%u/vm", guest);
	put(w, desc->name, "/local/domain/%u/name", guest);
	put_number(w, guest, "/local/domain/%u/domid", guest);
	put_number(w, desc->max_memory_kib, "/local/domain/%u/memory/static-max", guest);
	put_number(w, desc->max_memory_kib, "/local/domain/%u/memory/target", guest);
	put_number(w, fidelity, "/local/domain/%u/image/device-model-domid", guest);
	put_number(w, fidelity, "/local/domain/%u/diptych/fidelity-domid", guest);
	put(w, desc->name, "%s/name", vm);
	put(w, uuid, "%s/uuid", vm);
	put_number(w, (uint64_t)time(NULL), "%s/start_time", vm);
	put(w, "", "/libxl/%u", guest);
	protect(w, 0, 0);
	put(w, "hvm", "/libxl/%u/type", guest);
}

/* What dom0 can reach in F (fidelity-stubdom/init/channel.c).  One client at a time on each, so the
 * screen has several. */
static const struct {
	const char *name, *end;
} channels[] = {
	{ "qmp", "/tmp/qmp" },	{ "screen", "/tmp/screen" }, { "network", "network" },
	{ "vnc0", "/tmp/vnc" }, { "vnc1", "/tmp/vnc" },	     { "vnc2", "/tmp/vnc" },
};

static void put_channels(struct writer *w, uint32_t fidelity, bool vnc)
{
	size_t i;

	/* Its own: libxenvchan's server removes its node when a client leaves, and makes it anew. */
	put(w, "", "/local/domain/%u/diptych/channel", fidelity);
	protect(w, fidelity, 0);
	for (i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		if (!vnc && !strncmp(channels[i].name, "vnc", 3))
			continue;
		put(w, channels[i].end, "/local/domain/%u/diptych/channel/%s", fidelity,
		    channels[i].name);
		protect(w, fidelity, 0);
	}
}

static void mac_text(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

/* As fidelity.c numbers them. */
static void put_devices(struct writer *w, const struct diptych_desc *desc, uint32_t fidelity)
{
	char text[24];
	size_t i;

	for (i = 0; i < desc->disk_count; i++) {
		const struct diptych_disk *disk = &desc->disks[i];

		put(w, disk->target ? disk->target : "", "/local/domain/%u/diptych/disk/%zu",
		    fidelity, i);
		if (!disk->cdrom)
			continue;
		snprintf(text, sizeof(text), "%zu", i);
		put(w, disk->path ? text : "", "/local/domain/%u/diptych/disk/%zu/disc", fidelity,
		    i);
	}
	for (i = 0; i < desc->nic_count; i++) {
		mac_text(desc->nics[i].mac, text);
		put(w, text, "/local/domain/%u/diptych/nic/%zu", fidelity, i);
	}
}

static void put_fidelity(struct writer *w, const struct diptych_desc *desc, uint32_t guest,
			 uint32_t fidelity, char *const *argv)
{
	unsigned int i;

	put(w, "", "/local/domain/%u/diptych", fidelity);
	protect(w, 0, fidelity);
	put_number(w, guest, "/local/domain/%u/diptych/guest-domid", fidelity);
	put(w, "", "/local/domain/%u/diptych/argv", fidelity);
	for (i = 0; argv[i]; i++)
		put(w, argv[i], "/local/domain/%u/diptych/argv/%03u", fidelity, i);
	put_channels(w, fidelity, desc->vnc);
	put_devices(w, desc, fidelity);
	put(w, "", "/local/domain/%u/diptych/state", fidelity);
	protect(w, fidelity, 0);
	put(w, "", "/local/domain/%u/diptych/error", fidelity);
	protect(w, fidelity, 0);
}

int tree_write_pair(struct diptych *c, const struct diptych_desc *desc, uint32_t guest,
		    uint32_t fidelity, char *const *argv)
{
	struct writer w;

	do {
		w = (struct writer){ .c = c, .transaction = xs_transaction_start(c->xs) };
		if (!w.transaction)
			return fail(c, errno, "xenstore takes no transaction: %s", strerror(errno));
		put_guest(&w, desc, guest, fidelity);
		put_fidelity(&w, desc, guest, fidelity, argv);
		put_number(&w, fidelity, INDEX "/%u", guest);
		if (!xs_transaction_end(c->xs, w.transaction, w.error != 0) && !w.error)
			w.error = errno;
	} while (w.error == EAGAIN); /* somebody else wrote meanwhile */
	if (w.error)
		return fail(c, w.error, "cannot write %s to xenstore: %s", w.path,
			    strerror(w.error));
	return 0;
}

static int write_one(struct diptych *c, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int write_one(struct diptych *c, const char *value, const char *format, ...)
{
	char path[TREE_PATH];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (xs_write(c->xs, XBT_NULL, path, value, (unsigned int)strlen(value)))
		return 0;
	return fail(c, errno, "cannot write %s to xenstore: %s", path, strerror(errno));
}

/* The number below diptych/KIND whose value is `value`, -1: none. */
static int find_slot(struct diptych *c, uint32_t fidelity, const char *kind, const char *value)
{
	char path[TREE_PATH], **names, *found;
	unsigned int count, i;
	int slot = -1;

	snprintf(path, sizeof(path), "/local/domain/%u/diptych/%s", fidelity, kind);
	names = xs_directory(c->xs, XBT_NULL, path, &count);
	for (i = 0; names && i < count && slot < 0; i++) {
		found = tree_read(c, "%s/%s", path, names[i]);
		if (found && !strcmp(found, value))
			slot = (int)strtoul(names[i], NULL, 10);
		free(found);
	}
	free(names);
	return slot;
}

int tree_disk_slot(struct diptych *c, uint32_t fidelity, const char *target)
{
	return *target ? find_slot(c, fidelity, "disk", target) : -1;
}

int tree_nic_slot(struct diptych *c, uint32_t fidelity, const uint8_t mac[6])
{
	char text[18];

	mac_text(mac, text);
	return find_slot(c, fidelity, "nic", text);
}

int tree_disc_slot(struct diptych *c, uint32_t fidelity, int slot)
{
	char *text = tree_read(c, "/local/domain/%u/diptych/disk/%d/disc", fidelity, slot);
	int disc = !text ? slot : *text ? (int)strtoul(text, NULL, 10) : -1;

	free(text);
	return disc;
}

int tree_free_slot(struct diptych *c, uint32_t fidelity, const char *kind, int most)
{
	char *taken;
	int slot;

	for (slot = 0; slot < most; slot++) {
		taken = tree_read(c, "/local/domain/%u/diptych/%s/%d", fidelity, kind, slot);
		free(taken);
		if (!taken)
			return slot;
	}
	return -1;
}

int tree_write_disk(struct diptych *c, uint32_t fidelity, int slot, const char *target)
{
	return write_one(c, target, "/local/domain/%u/diptych/disk/%d", fidelity, slot);
}

int tree_write_nic(struct diptych *c, uint32_t fidelity, int slot, const uint8_t mac[6])
{
	char text[18];

	mac_text(mac, text);
	return write_one(c, text, "/local/domain/%u/diptych/nic/%d", fidelity, slot);
}

int tree_write_disc(struct diptych *c, uint32_t fidelity, int drive, int slot)
{
	char text[12] = "";
	int error = 0;

	if (slot >= 0) {
		snprintf(text, sizeof(text), "%d", slot);
		error = write_one(c, "", "/local/domain/%u/diptych/disk/%d", fidelity, slot);
	}
	return error ? error
		     : write_one(c, text, "/local/domain/%u/diptych/disk/%d/disc", fidelity, drive);
}

void tree_write_target(struct diptych *c, uint32_t guest, uint64_t kib)
{
	struct writer w = { .c = c, .transaction = XBT_NULL };

	put_number(&w, kib, "/local/domain/%u/memory/target", guest);
}

void tree_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port)
{
	struct writer w = { .c = c, .transaction = XBT_NULL };

	/* As libxl, for `xl vncviewer`. */
	put(&w, address, "/local/domain/%u/console/vnc-listen", guest);
	put_number(&w, port, "/local/domain/%u/console/vnc-port", guest);
}

static void put_name(struct writer *w, uint32_t domid, const char *name)
{
	char *vm = tree_read(w->c, "/local/domain/%u/vm", domid);

	put(w, name, "/local/domain/%u/name", domid);
	if (vm && !strncmp(vm, "/vm/", 4))
		put(w, name, "%s/name", vm);
	free(vm);
}

int tree_rename(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *name)
{
	char partner[TREE_PATH];
	struct writer w;

	snprintf(partner, sizeof(partner), "%s.fd", name);
	do {
		w = (struct writer){ .c = c, .transaction = xs_transaction_start(c->xs) };
		if (!w.transaction)
			return fail(c, errno, "xenstore takes no transaction: %s", strerror(errno));
		put_name(&w, guest, name);
		put_name(&w, fidelity, partner);
		if (!xs_transaction_end(c->xs, w.transaction, w.error != 0) && !w.error)
			w.error = errno;
	} while (w.error == EAGAIN);
	return w.error ? fail(c, w.error, "cannot write %s to xenstore: %s", w.path,
			      strerror(w.error))
		       : 0;
}

void tree_remove_pair(struct diptych *c, uint32_t guest)
{
	char *vm = tree_read(c, "/local/domain/%u/vm", guest);

	if (vm && !strncmp(vm, "/vm/", 4) && vm[4])
		tree_remove(c, "%s", vm);
	free(vm);
	tree_remove(c, "/local/domain/%u", guest);
	tree_remove(c, "/libxl/%u", guest);
	tree_index_remove(c, guest);
}

/* Takes the index away with its last entry: nothing is left when no pair is left. */
void tree_index_remove(struct diptych *c, uint32_t guest)
{
	xs_transaction_t transaction;
	unsigned int left;
	char path[TREE_PATH], **names;
	bool again;

	snprintf(path, sizeof(path), INDEX "/%u", guest);
	do {
		transaction = xs_transaction_start(c->xs);
		if (!transaction)
			return;
		xs_rm(c->xs, transaction, path);
		names = xs_directory(c->xs, transaction, INDEX, &left);
		if (names && !left)
			xs_rm(c->xs, transaction, INDEX);
		free(names);
		again = !xs_transaction_end(c->xs, transaction, false) && errno == EAGAIN;
	} while (again);
}

int tree_index(struct diptych *c, uint32_t **guests, size_t *count)
{
	unsigned int entries, i;
	char **names, *end;
	unsigned long id;

	*guests = NULL;
	*count = 0;
	names = xs_directory(c->xs, XBT_NULL, INDEX, &entries);
	if (!names)
		return errno == ENOENT
			       ? 0
			       : fail(c, errno, "cannot read " INDEX ": %s", strerror(errno));
	*guests = calloc(entries + 1, sizeof(**guests));
	for (i = 0; *guests && i < entries; i++) {
		id = strtoul(names[i], &end, 10);
		if (*names[i] && !*end && id && id < DOMID_FIRST_RESERVED)
			(*guests)[(*count)++] = (uint32_t)id;
	}
	free(names);
	return *guests ? 0 : fail(c, ENOMEM, "out of memory");
}

void tree_write_console(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *tty)
{
	struct writer w = { .c = c, .transaction = XBT_NULL };

	/* libxl opens console 3 of an HVM guest's stub domain; other tools look at the guest
	 * itself. */
	put(&w, tty, "/local/domain/%u/device/console/3/tty", fidelity);
	put(&w, tty, "/local/domain/%u/serial/0/tty", guest);
}
