// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugging and unplugging while a guest runs.  A device has three parts: what libxl makes of it in the
 * fidelity domain, what QEMU does with that, and the pair's description, from which it is built again
 * after a reboot.  A slot is its number in the fidelity domain (/dev/xvda + slot, eth<slot>).
 *
 * Whoever is killed at it leaves one of: a slot of libxl's that the tree does not know, a slot of the tree
 * that the description does not know.  The next one clears both away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "json.h"

#define ROOT_PORTS 4 /* qemu-argv.c */

int change_begin(struct diptych *c, uint32_t guest, struct change *change)
{
	int error;

	memset(change, 0, sizeof(*change));
	change->c = c;
	change->lock = -1;
	diptych_desc_init(&change->desc);
	error = diptych_lookup_id(c, guest, &change->pair);
	if (!error) {
		change->lock = record_change_lock(change->pair.guest);
		error = change->lock < 0 ? fail(c, -change->lock, "cannot lock guest %s: %s",
						change->pair.name, strerror(-change->lock))
					 : record_read_desc(c, change->pair.guest, &change->desc);
	}
	free(change->desc.source); /* messages are not about a file */
	change->desc.source = NULL;
	if (!error)
		error = qmp_open(c, &change->pair, &change->qmp);
	if (!error)
		return 0;
	diptych_desc_dispose(&change->desc);
	diptych_pair_dispose(&change->pair);
	if (change->lock >= 0)
		close(change->lock);
	return error;
}

void change_end(struct change *change)
{
	qmp_close(&change->qmp);
	diptych_desc_dispose(&change->desc);
	diptych_pair_dispose(&change->pair);
	close(change->lock);
}

int change_lock_host(struct change *change)
{
	int lock = record_lock(change->c, true), error;
	struct diptych_pair now;

	if (lock < 0)
		return lock;
	error = diptych_lookup_id(change->c, change->pair.guest, &now);
	if (!error && (now.fidelity != change->pair.fidelity ||
		       memcmp(now.uuid, change->pair.uuid, sizeof(now.uuid))))
		error = fail(change->c, ESRCH, "guest %s has ended", change->pair.name);
	if (!error) { /* it may have been renamed meanwhile */
		free(change->desc.name);
		change->desc.name = now.name;
		now.name = NULL;
	}
	diptych_pair_dispose(&now);
	if (!error)
		return lock;
	close(lock);
	return error;
}

int change_check(struct change *change)
{
	char *text;
	int error = diptych_desc_check(&change->desc, &text);

	if (error)
		fail(change->c, -error, "%s", text ? text : "out of memory");
	free(text);
	return error;
}

int change_keep(struct change *change)
{
	return record_write_desc(change->c, change->pair.guest, &change->desc);
}

int change_run_when_there(struct change *change, const char *command)
{
	int64_t until = clock_ms() + APPEAR_MS;
	int error;

	while ((error = qmp_run(&change->qmp, NULL, "%s", command)) == -EREMOTEIO &&
	       strstr(change->c->error, "No such file") && clock_ms() < until)
		usleep(STEP_US);
	return error;
}

static int has_device(struct change *change, const char *id, bool *found)
{
	char *answer, *name;
	const char *item;
	int error = qmp_run(
		&change->qmp, &answer,
		"{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral\"}}");

	*found = false;
	/* A stranger's list, and long if it likes. */
	for (item = json_first(json_value(answer)); item && !*found; item = json_next(item)) {
		name = json_string(json_member(item, "name"));
		*found = name && !strcmp(name, id);
		free(name);
	}
	free(answer);
	return error;
}

/* On q35 only root ports take new devices. */
int change_choose_bus(struct change *change, char bus[32])
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

int change_unplug(struct change *change, const char *id)
{
	int64_t until = clock_ms() + UNPLUG_MS;
	int error = qmp_run(&change->qmp, NULL,
			    "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"%s\"}}", id);
	bool there;
	int lost;

	/* Somebody may have asked before and have ceased to wait: the guest has it still, or has let go. */
	if (error == -EREMOTEIO && strstr(change->c->error, "in the process of unplug"))
		error = 0;
	while (!(lost = has_device(change, id, &there)) && there && !error) {
		if (clock_ms() >= until)
			return fail(change->c, EBUSY,
				    "the system in guest %s does not let go of it",
				    change->pair.name);
		usleep(STEP_US);
	}
	return lost ? lost : there ? error : 0;
}
