/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plugging and unplugging of disks and of network cards share. */
#ifndef DIPTYCH_CHANGE_H
#define DIPTYCH_CHANGE_H

#include "channel.h"
#include "context.h"

#ifndef UNPLUG_MS
#define UNPLUG_MS 15000
#endif
#define APPEAR_MS 10000
#define STEP_US	  100000

/* A pair under change: from change_begin to change_end by nobody else, and its QEMU listens. */
struct change {
	struct diptych *c;
	int lock;
	struct diptych_pair pair;
	struct diptych_desc desc; /* as it shall be */
	struct qmp qmp;
};

int change_begin(struct diptych *c, uint32_t guest, struct change *change);
void change_end(struct change *change);

/*
 * record_lock, a descriptor to close, if the pair is still there: around what libxl, the tree and the
 * records see.  Never while guest or fidelity domain are waited for: all of the host waits then.
 */
int change_lock_host(struct change *change);

/* The description with the new device, checked as if the pair were built from it. */
int change_check(struct change *change);
int change_keep(struct change *change); /* under change_lock_host */

/* Runs a command again until the device that it names has come. */
int change_run_when_there(struct change *change, const char *command);
/* ",\"bus\":..." for device_add, or "". */
int change_choose_bus(struct change *change, char bus[32]);
/* Takes a device out of QEMU: the guest lets go in its own time, or never.  0 also when it is out. */
int change_unplug(struct change *change, const char *id);

#endif
