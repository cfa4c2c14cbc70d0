// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's serial port: QEMU has it on the fidelity domain's PV console, xenconsoled that on a pty. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "context.h"

#define WAIT_TRIES 100 /* of 100 ms */

int diptych_console_path(struct diptych *context, uint32_t guest, char **path)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	struct diptych_pair pair;
	int tries, error = diptych_lookup_id(context, guest, &pair);

	*path = NULL;
	if (error)
		return error;
	for (tries = 0; tries < WAIT_TRIES; tries++) {
		*path = tree_read(context, "/local/domain/%u/console/tty", pair.fidelity);
		if (*path && **path)
			break;
		free(*path);
		*path = NULL;
		nanosleep(&pause, NULL);
	}
	if (*path)
		tree_write_console(context, pair.guest, pair.fidelity, *path);
	else
		error = fail(context, ENXIO, "guest %s has no console; is xenconsoled running?", pair.name);
	diptych_pair_dispose(&pair);
	return error;
}
