// SPDX-License-Identifier: GPL-2.0-or-later
/* Network cards that are plugged in and unplugged while a guest runs (change.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"

#define NIC_SLOTS 16

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
	make_printable(text);
	return fail(change->c, EREMOTEIO, "the fidelity domain cannot join the network card: %s",
		    got > 0 ? text : "no answer");
}

static int plug_nic(struct change *change, const struct diptych_nic *nic, int slot)
{
	const uint8_t *mac = nic->mac;
	char bus[32];
	int error = change_choose_bus(change, bus);

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
	return qmp_run(&change->qmp, NULL,
		       "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-net-pci\","
		       "\"id\":\"nic%d\",\"netdev\":\"n%d\","
		       "\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"romfile\":\"\"%s}}",
		       slot, slot, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], bus);
}

static int give_nic(struct change *change, const struct diptych_nic *nic, int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = fidelity_add_nic(change->c, change->pair.fidelity, nic, slot);
	close(lock);
	return error;
}

static int withdraw_nic(struct change *change, int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = fidelity_remove_nic(change->c, change->pair.fidelity, slot);
	close(lock);
	return error;
}

/* Out of QEMU, then from the fidelity domain; 0 also when it was there no more. */
static int unplug_nic(struct change *change, int slot)
{
	char id[16];
	int error;

	snprintf(id, sizeof(id), "nic%d", slot);
	error = change_unplug(change, id);
	if (error)
		return error;
	qmp_run(&change->qmp, NULL, "{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"n%d\"}}",
		slot);
	return withdraw_nic(change, slot);
}

/* After a failure, whose reason is what matters. */
static void undo_nic(struct change *change, int slot)
{
	char reason[sizeof(change->c->error)];

	memcpy(reason, change->c->error, sizeof(reason));
	if (unplug_nic(change, slot))
		withdraw_nic(change, slot);
	memcpy(change->c->error, reason, sizeof(reason));
}

/* Its slot in the tree first: one that the description does not know is free. */
static int keep_nic(struct change *change, const uint8_t mac[6], int slot)
{
	int error, lock = change_lock_host(change);

	if (lock < 0)
		return lock;
	error = tree_write_nic(change->c, change->pair.fidelity, slot, mac);
	if (!error)
		error = change_keep(change);
	if (error)
		tree_remove(change->c, "/local/domain/%u/diptych/nic/%d", change->pair.fidelity,
			    slot);
	close(lock);
	return error;
}

static size_t find_nic(const struct diptych_desc *desc, const uint8_t mac[6])
{
	size_t i;

	for (i = 0; i < desc->nic_count; i++)
		if (!memcmp(desc->nics[i].mac, mac, sizeof(desc->nics[i].mac)))
			break;
	return i;
}

/* A free slot without what somebody who was killed may have left there. */
static int room_for_nic(struct change *change, const uint8_t mac[6])
{
	struct diptych *c = change->c;
	uint32_t fidelity = change->pair.fidelity;
	int slot = tree_nic_slot(c, fidelity, mac), error;

	if (slot < 0)
		slot = tree_free_slot(c, fidelity, "nic", NIC_SLOTS);
	if (slot < 0)
		return fail(c, ENOSPC, "guest %s has %d network cards already", change->pair.name,
			    NIC_SLOTS);
	error = fidelity_has_nic(c, fidelity, slot) ? unplug_nic(change, slot) : 0;
	return error ? error : slot;
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
		error = change_check(change);
	if (error)
		return error;
	nic = &change->desc.nics[change->desc.nic_count - 1];
	if (find_nic(&change->desc, nic->mac) != change->desc.nic_count - 1)
		return fail(c, EEXIST, "guest %s has a network card with that address",
			    change->pair.name);
	slot = room_for_nic(change, nic->mac);
	error = slot < 0 ? slot : give_nic(change, nic, slot);
	if (error)
		return error;
	error = plug_nic(change, nic, slot);
	if (!error)
		error = keep_nic(change, nic->mac, slot);
	if (error)
		undo_nic(change, slot);
	return error;
}

int diptych_nic_attach(struct diptych *context, uint32_t guest, const struct diptych_nic *nic)
{
	struct change change;
	int error = change_begin(context, guest, &change);

	if (error)
		return error;
	error = attach_nic(&change, nic);
	change_end(&change);
	return error;
}

static int detach_nic(struct change *change, const uint8_t mac[6])
{
	struct diptych *c = change->c;
	struct diptych_desc *desc = &change->desc;
	int slot = tree_nic_slot(c, change->pair.fidelity, mac), lock, error;
	size_t i = find_nic(desc, mac);

	if (slot < 0 || i == desc->nic_count)
		return fail(c, ENOENT, "guest %s has no such network card", change->pair.name);
	error = unplug_nic(change, slot);
	if (error)
		return error;
	free(desc->nics[i].bridge);
	memmove(&desc->nics[i], &desc->nics[i + 1],
		(--desc->nic_count - i) * sizeof(desc->nics[0]));
	lock = change_lock_host(change);
	if (lock < 0)
		return lock;
	error = change_keep(change);
	if (!error)
		tree_remove(c, "/local/domain/%u/diptych/nic/%d", change->pair.fidelity, slot);
	close(lock);
	return error;
}

int diptych_nic_detach(struct diptych *context, uint32_t guest, const uint8_t mac[6])
{
	struct change change;
	int error = change_begin(context, guest, &change);

	if (error)
		return error;
	error = detach_nic(&change, mac);
	change_end(&change);
	return error;
}
