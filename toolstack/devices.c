// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugging and unplugging while a guest runs.  A device has three parts: what libxl makes of it in the
 * fidelity domain, what QEMU does with that, and the pair's description, from which it is built again
 * after a reboot.  A slot is its number in the fidelity domain (/dev/xvda + slot, eth<slot>).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "context.h"
#include "json.h"
#include "qcow2.h"

#define DISK_SLOTS 26
#define NIC_SLOTS  16
#define ROOT_PORTS 4 /* qemu-argv.c */
#define UNPLUG_MS  15000
#define APPEAR_MS  10000
#define STEP_US	   100000

/* A pair under change: the locks are held until end_change. */
struct change {
	struct diptych *c;
	int lock;
	struct diptych_pair pair;
	struct diptych_desc desc;
	struct qmp qmp;
};

static int begin_change(struct diptych *c, uint32_t guest, struct change *change)
{
	int error;

	memset(change, 0, sizeof(*change));
	change->c = c;
	diptych_desc_init(&change->desc);
	change->lock = record_lock(c, true);
	if (change->lock < 0)
		return change->lock;
	error = diptych_lookup_id(c, guest, &change->pair);
	if (!error)
		error = record_read_desc(c, guest, &change->desc);
	free(change->desc.source); /* messages are not about a file */
	change->desc.source = NULL;
	if (!error)
		error = qmp_open(c, &change->pair, &change->qmp);
	if (!error)
		return 0;
	diptych_desc_dispose(&change->desc);
	diptych_pair_dispose(&change->pair);
	close(change->lock);
	return error;
}

static void end_change(struct change *change)
{
	qmp_close(&change->qmp);
	diptych_desc_dispose(&change->desc);
	diptych_pair_dispose(&change->pair);
	close(change->lock);
}

/* The description with the new device, checked as if the pair were built from it. */
static int check_change(struct change *change)
{
	char *text;
	int error = diptych_desc_check(&change->desc, &text);

	if (error)
		fail(change->c, -error, "%s", text ? text : "out of memory");
	free(text);
	return error;
}

static int keep_change(struct change *change)
{
	return record_write_desc(change->c, change->pair.guest, &change->desc);
}

/* Runs a command again until the device that it names has come. */
static int run_when_there(struct change *change, const char *command)
{
	int64_t until = clock_ms() + APPEAR_MS;
	int error;

	while ((error = qmp_run(&change->qmp, NULL, "%s", command)) == -EREMOTEIO &&
	       strstr(change->c->error, "No such file") && clock_ms() < until)
		usleep(STEP_US);
	return error;
}

static bool has_device(struct change *change, const char *id)
{
	char *answer, *name;
	const char *item;
	bool found = false;

	if (qmp_run(&change->qmp, &answer,
		    "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral\"}}"))
		return true;
	/* A stranger's list, and long if it likes. */
	for (item = json_first(json_value(answer)); item && !found; item = json_next(item)) {
		name = json_string(json_member(item, "name"));
		found = name && !strcmp(name, id);
		free(name);
	}
	free(answer);
	return found;
}

/* On q35 only root ports take new devices. */
static int choose_bus(struct change *change, char bus[32])
{
	char *answer;
	const char *value;
	unsigned int port;
	bool busy = true;

	bus[0] = 0;
	if (change->desc.machine != DIPTYCH_Q35)
		return 0;
	for (port = 0; busy && port < ROOT_PORTS; port++) {
		char path[64];

		snprintf(path, sizeof(path), "/machine/peripheral/port%u/port%u", port, port);
		if (qmp_run(&change->qmp, &answer,
			    "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"%s\"}}", path))
			continue;
		value = json_value(answer);
		busy = strstr(value ? value : "child[", "\"child[") != NULL;
		free(answer);
		if (!busy)
			snprintf(bus, 32, ",\"bus\":\"port%u\"", port);
	}
	return busy ? fail(change->c, ENOSPC, "guest %s has no free PCI Express port",
			   change->pair.name)
		    : 0;
}

/* The guest's driver lets go in its own time, or never. */
static int unplug(struct change *change, const char *id)
{
	int64_t until = clock_ms() + UNPLUG_MS;
	int error = qmp_run(&change->qmp, NULL,
			    "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"%s\"}}", id);

	if (error)
		return error;
	while (has_device(change, id)) {
		if (clock_ms() >= until)
			return fail(change->c, EBUSY,
				    "the system in guest %s does not let go of it",
				    change->pair.name);
		usleep(STEP_US);
	}
	return 0;
}

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
	int error = choose_bus(change, bus);

	if (error)
		return error;
	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"%s\",\"node-name\":\"d%"
		 "d\","
		 "\"read-only\":%s,\"file\":{\"driver\":\"host_device\",\"filename\":\"/dev/"
		 "xvd%c\"}}}",
		 disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw", slot,
		 disk->readonly ? "true" : "false", 'a' + slot);
	error = run_when_there(change, command);
	if (error)
		return error;
	error = qmp_run(&change->qmp, NULL,
			"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-blk-pci\","
			"\"id\":\"disk%d\",\"drive\":\"d%d\"%s}}",
			slot, slot, bus);
	if (error)
		qmp_run(&change->qmp, NULL,
			"{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"d%d\"}}",
			slot);
	return error;
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
		error = check_change(change);
	if (error)
		return error;
	disk = &change->desc.disks[change->desc.disk_count - 1];
	slot = tree_free_slot(c, change->pair.fidelity, "disk", DISK_SLOTS);
	if (slot < 0)
		return fail(c, ENOSPC, "guest %s has %d disks already", change->pair.name,
			    DISK_SLOTS);
	if (disk->format == DIPTYCH_QCOW2 && !disk->readonly && qcow2_make_room(disk->path))
		return fail(c, errno, "disk %s cannot be made as long as it can grow", disk->path);
	error = fidelity_add_disk(c, change->pair.fidelity, disk, slot);
	if (error)
		return error;
	error = plug_disk(change, disk, slot);
	if (!error)
		error = tree_write_disk(c, change->pair.fidelity, slot, disk->target);
	if (!error)
		error = keep_change(change);
	if (error) {
		char reason[sizeof(c->error)];

		memcpy(reason, c->error, sizeof(reason));
		fidelity_remove_disk(c, change->pair.fidelity, slot);
		memcpy(c->error, reason, sizeof(reason));
	}
	return error;
}

int diptych_disk_attach(struct diptych *context, uint32_t guest, const struct diptych_disk *disk)
{
	struct change change;
	int error = begin_change(context, guest, &change);

	if (error)
		return error;
	error = attach_disk(&change, disk);
	end_change(&change);
	return error;
}

/* A device that is gone from QEMU's tree holds its disk for a moment longer. */
static void forget_node(struct change *change, int slot)
{
	int64_t until = clock_ms() + UNPLUG_MS;

	while (qmp_run(&change->qmp, NULL,
		       "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"d%d\"}}",
		       slot) &&
	       strstr(diptych_error(change->c), "is in use") && clock_ms() < until)
		usleep(STEP_US);
}

static int detach_disk(struct change *change, const char *target)
{
	struct diptych *c = change->c;
	struct diptych_desc *desc = &change->desc;
	int slot = tree_disk_slot(c, change->pair.fidelity, target), error;
	size_t i = find_disk(desc, target);
	char id[16];

	if (i == desc->disk_count || (slot < 0 && desc->disks[i].path))
		return fail(c, ENOENT, "guest %s has no disk %s", change->pair.name, target);
	if (desc->disks[i].bus != DIPTYCH_BUS_VIRTIO || desc->disks[i].cdrom)
		return fail(c, EOPNOTSUPP,
			    "only virtio disks (xvdX) can be unplugged from a running guest");
	snprintf(id, sizeof(id), "disk%d", slot);
	error = unplug(change, id);
	if (error)
		return error;
	/* One that was there from the start goes with its device; then there is no such node. */
	forget_node(change, slot);
	error = fidelity_remove_disk(c, change->pair.fidelity, slot);
	if (error)
		return error;
	tree_remove(c, "/local/domain/%u/diptych/disk/%d", change->pair.fidelity, slot);
	free(desc->disks[i].path);
	free(desc->disks[i].target);
	memmove(&desc->disks[i], &desc->disks[i + 1],
		(--desc->disk_count - i) * sizeof(desc->disks[0]));
	return keep_change(change);
}

int diptych_disk_detach(struct diptych *context, uint32_t guest, const char *target)
{
	struct change change;
	int error = begin_change(context, guest, &change);

	if (error)
		return error;
	error = detach_disk(&change, target);
	end_change(&change);
	return error;
}

/* The slot of a drive names the drive in QEMU; a disc is in a slot of its own, "disc/<drive>". */
static int change_cd(struct change *change, const char *target, const char *path)
{
	struct diptych *c = change->c;
	uint32_t fidelity = change->pair.fidelity;
	size_t i = find_disk(&change->desc, target);
	struct diptych_disk *disk = &change->desc.disks[i];
	int drive = tree_disk_slot(c, fidelity, target), old, slot = -1, error;
	char command[256];

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
		error = check_change(change);
	if (error)
		return error;
	disk = &change->desc.disks[i];
	old = tree_disc_slot(c, fidelity, drive);
	if (disk->path) {
		slot = tree_free_slot(c, fidelity, "disk", DISK_SLOTS);
		if (slot < 0)
			return fail(c, ENOSPC, "guest %s has %d disks already", change->pair.name,
				    DISK_SLOTS);
		error = fidelity_add_disk(c, fidelity, disk, slot);
		if (error)
			return error;
		snprintf(command, sizeof(command),
			 "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"id\":\"disk%d\","
			 "\"filename\":\"/dev/xvd%c\",\"format\":\"raw\",\"force\":true,"
			 "\"read-only-mode\":\"read-only\"}}",
			 drive, 'a' + slot);
		error = run_when_there(change, command);
	} else {
		error = qmp_run(
			&change->qmp, NULL,
			"{\"execute\":\"eject\",\"arguments\":{\"id\":\"disk%d\",\"force\":true}}",
			drive);
	}
	if (error) {
		char reason[sizeof(c->error)];

		memcpy(reason, c->error, sizeof(reason));
		if (slot >= 0)
			fidelity_remove_disk(c, fidelity, slot);
		memcpy(c->error, reason, sizeof(reason));
		return error;
	}
	if (old >= 0 && old != slot) {
		error = fidelity_remove_disk(c, fidelity, old);
		if (old != drive)
			tree_remove(c, "/local/domain/%u/diptych/disk/%d", fidelity, old);
	}
	if (!error)
		error = tree_write_disc(c, fidelity, drive, slot);
	return error ? error : keep_change(change);
}

int diptych_cd_change(struct diptych *context, uint32_t guest, const char *target, const char *path)
{
	struct change change;
	int error = begin_change(context, guest, &change);

	if (error)
		return error;
	error = change_cd(&change, target, path);
	end_change(&change);
	return error;
}

/* The fidelity domain's init makes the tap and joins it to the new eth. */
static int join_network(struct change *change, int slot)
{
	int64_t until = clock_ms() + 2 * APPEAR_MS;
	char byte = (char)slot, text[129] = "";
	struct channel channel;
	int error = channel_open(change->c, &change->pair, "network", until, &channel), got;

	if (error)
		return error;
	error = channel_write(&channel, &byte, 1, until);
	got = error ? error : channel_read(&channel, text, sizeof(text) - 1, until);
	channel_close(&channel);
	if (got == 2 && !memcmp(text, "ok", 2))
		return 0;
	return fail(change->c, EREMOTEIO, "the fidelity domain cannot join the network card: %s",
		    got > 0 ? text : "no answer");
}

static int plug_nic(struct change *change, const struct diptych_nic *nic, int slot)
{
	const uint8_t *mac = nic->mac;
	char bus[32];
	int error = choose_bus(change, bus);

	if (!error)
		error = join_network(change, slot);
	if (!error)
		error = qmp_run(&change->qmp, NULL,
				"{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"tap\","
				"\"id\":\"n%d\","
				"\"ifname\":\"tap%d\",\"script\":\"no\",\"downscript\":\"no\"}}",
				slot, slot);
	if (error)
		return error;
	error = qmp_run(&change->qmp, NULL,
			"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-net-pci\","
			"\"id\":\"nic%d\",\"netdev\":\"n%d\","
			"\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"%s}}",
			slot, slot, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], bus);
	if (error)
		qmp_run(&change->qmp, NULL,
			"{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"n%d\"}}", slot);
	return error;
}

static int attach_nic(struct change *change, const struct diptych_nic *from)
{
	struct diptych *c = change->c;
	struct diptych_nic *nic;
	int slot, error;

	if (from->model != DIPTYCH_NIC_VIRTIO)
		return fail(c, EOPNOTSUPP,
			    "only virtio network cards can be plugged into a running guest");
	nic = diptych_desc_add_nic(&change->desc);
	if (!nic)
		return fail(c, ENOMEM, "out of memory");
	*nic = *from;
	nic->line = 0;
	nic->bridge = from->bridge ? strdup(from->bridge) : NULL;
	error = desc_prepare(c, &change->desc);
	if (!error)
		error = check_change(change);
	if (error)
		return error;
	nic = &change->desc.nics[change->desc.nic_count - 1];
	if (tree_nic_slot(c, change->pair.fidelity, nic->mac) >= 0)
		return fail(c, EEXIST, "guest %s has a network card with that address",
			    change->pair.name);
	slot = tree_free_slot(c, change->pair.fidelity, "nic", NIC_SLOTS);
	if (slot < 0)
		return fail(c, ENOSPC, "guest %s has %d network cards already", change->pair.name,
			    NIC_SLOTS);
	error = fidelity_add_nic(c, change->pair.fidelity, nic, slot);
	if (error)
		return error;
	error = plug_nic(change, nic, slot);
	if (!error)
		error = tree_write_nic(c, change->pair.fidelity, slot, nic->mac);
	if (!error)
		error = keep_change(change);
	if (error) {
		char reason[sizeof(c->error)];

		memcpy(reason, c->error, sizeof(reason));
		fidelity_remove_nic(c, change->pair.fidelity, slot);
		memcpy(c->error, reason, sizeof(reason));
	}
	return error;
}

int diptych_nic_attach(struct diptych *context, uint32_t guest, const struct diptych_nic *nic)
{
	struct change change;
	int error = begin_change(context, guest, &change);

	if (error)
		return error;
	error = attach_nic(&change, nic);
	end_change(&change);
	return error;
}

static int detach_nic(struct change *change, const uint8_t mac[6])
{
	struct diptych *c = change->c;
	struct diptych_desc *desc = &change->desc;
	int slot = tree_nic_slot(c, change->pair.fidelity, mac), error;
	char id[16];
	size_t i;

	for (i = 0; i < desc->nic_count && memcmp(desc->nics[i].mac, mac, 6); i++)
		;
	if (slot < 0 || i == desc->nic_count)
		return fail(c, ENOENT, "guest %s has no such network card", change->pair.name);
	snprintf(id, sizeof(id), "nic%d", slot);
	error = unplug(change, id);
	if (error)
		return error;
	qmp_run(&change->qmp, NULL, "{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"n%d\"}}",
		slot);
	error = fidelity_remove_nic(c, change->pair.fidelity, slot);
	if (error)
		return error;
	tree_remove(c, "/local/domain/%u/diptych/nic/%d", change->pair.fidelity, slot);
	free(desc->nics[i].bridge);
	memmove(&desc->nics[i], &desc->nics[i + 1],
		(--desc->nic_count - i) * sizeof(desc->nics[0]));
	return keep_change(change);
}

int diptych_nic_detach(struct diptych *context, uint32_t guest, const uint8_t mac[6])
{
	struct change change;
	int error = begin_change(context, guest, &change);

	if (error)
		return error;
	error = detach_nic(&change, mac);
	end_change(&change);
	return error;
}
