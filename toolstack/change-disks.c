// SPDX-License-Identifier: GPL-2.0-or-later
/* Disks that are plugged in and unplugged, discs that are changed while a guest runs (change.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "qcow2.h"

#define DISK_SLOTS 26

static struct diptych_disk *add_disk(struct diptych_desc *desc, const struct diptych_disk *from)
{
	struct diptych_disk *disk = diptych_desc_add_disk(desc);

	if (!disk)
		return NULL;
	*disk = *from;
	disk->line = 0;
	disk->path = from->path ? strdup(from->path) : NULL;
	disk->target = from->target ? strdup(from->target) : NULL;
	return disk;
}

static size_t find_disk(const struct diptych_desc *desc, const char *target)
{
	size_t i;

	for (i = 0; i < desc->disk_count; i++)
		if (desc->disks[i].target && !strcmp(desc->disks[i].target, target))
			break;
	return i;
}

static int plug_disk(struct change *change, const struct diptych_disk *disk, int slot)
{
	char command[512], bus[32];
	int error = change_choose_bus(change, bus);

	if (error)
		return error;
	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"%s\",\"node-name\":\"d%"
		 "d\","
		 "\"read-only\":%s,\"file\":{\"driver\":\"host_device\",\"filename\":\"/dev/"
		 "xvd%c\"}}}",
		 disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw", slot,
		 disk->readonly ? "true" : "false", 'a' + slot);
	error = change_run_when_there(change, command);
	if (error)
		return error;
	return qmp_run(&change->qmp, NULL,
		       "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-blk-pci\","
		       "\"id\":\"disk%d\",\"drive\":\"d%d\"%s}}",
		       slot, slot, bus);
}

/* A device that is gone from QEMU's tree holds its disk for a moment longer. */
static void forget_node(struct change *change, int slot)
{
	int64_t until = clock_ms() + UNPLUG_MS;

	while (qmp_run(&change->qmp, NULL,
		       "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"d%d\"}}",
		       slot) == -EREMOTEIO &&
	       strstr(diptych_error(change->c), "is in use") && clock_ms() < until)
		usleep(STEP_US);
}

static int give_disk(struct change *change, const struct diptych_disk *disk, int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = fidelity_add_disk(change->c, change->pair.fidelity, disk, slot);
	close(lock);
	return error;
}

static int withdraw_disk(struct change *change, int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = fidelity_remove_disk(change->c, change->pair.fidelity, slot);
	close(lock);
	return error;
}

/* Out of QEMU, then from the fidelity domain; 0 also when it was there no more. */
static int unplug_disk(struct change *change, int slot)
{
	char id[16];
	int error;

	snprintf(id, sizeof(id), "disk%d", slot);
	error = change_unplug(change, id);
	if (error)
		return error;
	/* One that was there from the start goes with its device; then there is no such node. */
	forget_node(change, slot);
	return withdraw_disk(change, slot);
}

/* After a failure, whose reason is what matters. */
static void undo_disk(struct change *change, int slot)
{
	char reason[sizeof(change->c->error)];

	memcpy(reason, change->c->error, sizeof(reason));
	if (unplug_disk(change, slot))
		withdraw_disk(change, slot);
	memcpy(change->c->error, reason, sizeof(reason));
}

/* Its slot in the tree first: one that the description does not know is free. */
static int keep_disk(struct change *change, const char *target, int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = tree_write_disk(change->c, change->pair.fidelity, slot, target);
	if (!error)
		error = change_keep(change);
	if (error)
		tree_remove(change->c, "/local/domain/%u/diptych/disk/%d", change->pair.fidelity,
			    slot);
	close(lock);
	return error;
}

/* A free slot without what somebody who was killed may have left there. */
static int room_for_disk(struct change *change, const char *target)
{
	struct diptych *c = change->c;
	uint32_t fidelity = change->pair.fidelity;
	int slot = tree_disk_slot(c, fidelity, target), error;

	if (slot < 0)
		slot = tree_free_slot(c, fidelity, "disk", DISK_SLOTS);
	if (slot < 0)
		return fail(c, ENOSPC, "guest %s has %d disks already", change->pair.name,
			    DISK_SLOTS);
	error = fidelity_has_disk(c, fidelity, slot) ? unplug_disk(change, slot) : 0;
	return error ? error : slot;
}

static int attach_disk(struct change *change, const struct diptych_disk *from)
{
	struct diptych *c = change->c;
	struct diptych_disk *disk;
	int slot, error;

	if (from->bus != DIPTYCH_BUS_VIRTIO || from->cdrom)
		return fail(c, EOPNOTSUPP,
			    "only virtio disks (xvdX) can be plugged into a running guest");
	disk = add_disk(&change->desc, from);
	if (!disk || !disk->target)
		return fail(c, disk ? EINVAL : ENOMEM,
			    disk ? "the disk has no name (xvdX)" : "out of memory");
	error = desc_prepare(c, &change->desc);
	if (!error)
		error = change_check(change);
	if (error)
		return error;
	disk = &change->desc.disks[change->desc.disk_count - 1];
	if (disk->format == DIPTYCH_QCOW2 && !disk->readonly) {
		error = qcow2_make_room(disk->path);
		if (error)
			return fail(c, -error, "disk %s cannot be made as long as it can grow: %s",
				    disk->path, strerror(-error));
	}
	slot = room_for_disk(change, disk->target);
	error = slot < 0 ? slot : give_disk(change, disk, slot);
	if (error)
		return error;
	error = plug_disk(change, disk, slot);
	if (!error)
		error = keep_disk(change, disk->target, slot);
	if (error)
		undo_disk(change, slot);
	return error;
}

int diptych_disk_attach(struct diptych *context, uint32_t guest, const struct diptych_disk *disk)
{
	struct change change;
	int error = change_begin(context, guest, &change);

	if (error)
		return error;
	error = attach_disk(&change, disk);
	change_end(&change);
	return error;
}

static int detach_disk(struct change *change, const char *target)
{
	struct diptych *c = change->c;
	struct diptych_desc *desc = &change->desc;
	int slot = tree_disk_slot(c, change->pair.fidelity, target), lock, error;
	size_t i = find_disk(desc, target);

	if (i == desc->disk_count || (slot < 0 && desc->disks[i].path))
		return fail(c, ENOENT, "guest %s has no disk %s", change->pair.name, target);
	if (desc->disks[i].bus != DIPTYCH_BUS_VIRTIO || desc->disks[i].cdrom)
		return fail(c, EOPNOTSUPP,
			    "only virtio disks (xvdX) can be unplugged from a running guest");
	error = unplug_disk(change, slot);
	if (error)
		return error;
	free(desc->disks[i].path);
	free(desc->disks[i].target);
	memmove(&desc->disks[i], &desc->disks[i + 1],
		(--desc->disk_count - i) * sizeof(desc->disks[0]));
	lock = change_lock_host(change);
	if (lock < 0)
		return lock;
	error = change_keep(change);
	if (!error)
		tree_remove(c, "/local/domain/%u/diptych/disk/%d", change->pair.fidelity, slot);
	close(lock);
	return error;
}

int diptych_disk_detach(struct diptych *context, uint32_t guest, const char *target)
{
	struct change change;
	int error = change_begin(context, guest, &change);

	if (error)
		return error;
	error = detach_disk(&change, target);
	change_end(&change);
	return error;
}

/* The drive's disc is in `slot` now, -1: none; before it was in `old`. */
static int keep_disc(struct change *change, int drive, int old, int slot)
{
	struct diptych *c = change->c;
	uint32_t fidelity = change->pair.fidelity;
	int error = 0, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	if (old >= 0 && old != slot) {
		error = fidelity_remove_disk(c, fidelity, old);
		if (old != drive)
			tree_remove(c, "/local/domain/%u/diptych/disk/%d", fidelity, old);
	}
	if (!error)
		error = tree_write_disc(c, fidelity, drive, slot);
	if (!error)
		error = change_keep(change);
	close(lock);
	return error;
}

/* The slot of a drive names the drive in QEMU; a disc is in a slot of its own, "disc/<drive>". */
static int insert_disc(struct change *change, int drive, int slot)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"id\":\"disk%d\","
		 "\"filename\":\"/dev/xvd%c\",\"format\":\"raw\",\"force\":true,"
		 "\"read-only-mode\":\"read-only\"}}",
		 drive, 'a' + slot);
	return change_run_when_there(change, command);
}

static int change_cd(struct change *change, const char *target, const char *path)
{
	struct diptych *c = change->c;
	size_t i = find_disk(&change->desc, target);
	struct diptych_disk *disk = &change->desc.disks[i];
	int drive = tree_disk_slot(c, change->pair.fidelity, target), slot = -1, error;

	if (i == change->desc.disk_count || drive < 0)
		return fail(c, ENOENT, "guest %s has no CD-ROM drive %s", change->pair.name,
			    target);
	if (!disk->cdrom)
		return fail(c, EINVAL, "%s of guest %s is no CD-ROM drive", target,
			    change->pair.name);
	free(disk->path);
	disk->path = path && *path ? strdup(path) : NULL;
	error = desc_prepare(c, &change->desc);
	if (!error)
		error = change_check(change);
	if (error)
		return error;
	disk = &change->desc.disks[i];
	if (disk->path) {
		slot = room_for_disk(change, "");
		error = slot < 0 ? slot : give_disk(change, disk, slot);
		if (error)
			return error;
		error = insert_disc(change, drive, slot);
	} else {
		error = qmp_run(
			&change->qmp, NULL,
			"{\"execute\":\"eject\",\"arguments\":{\"id\":\"disk%d\",\"force\":true}}",
			drive);
	}
	if (error && slot >= 0)
		undo_disk(change, slot);
	if (error)
		return error;
	return keep_disc(change, drive, tree_disc_slot(c, change->pair.fidelity, drive), slot);
}

int diptych_cd_change(struct diptych *context, uint32_t guest, const char *target, const char *path)
{
	struct change change;
	int error = change_begin(context, guest, &change);

	if (error)
		return error;
	error = change_cd(&change, target, path);
	change_end(&change);
	return error;
}
