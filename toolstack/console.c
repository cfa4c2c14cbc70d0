// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's serial port: QEMU has it on the fidelity domain's PV console, xenconsoled that on a
 * pty. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "context.h"

#define WAIT_TRIES 100 /* of 100 ms */

static char *find_tty(struct diptych *c, const struct diptych_pair *pair)
{
	char *path = tree_read(c, "/local/domain/%u/console/tty", pair->fidelity);

	if (path && *path)
		return path;
	free(path);
	return NULL;
}

int console_show(struct diptych *c, const struct diptych_pair *pair)
{
	char *path = find_tty(c, pair);

	if (!path)
		return -ENXIO;
	tree_write_console(c, pair->guest, pair->fidelity, path);
	free(path);
	return 0;
}

int diptych_console_path(struct diptych *context, uint32_t guest, char **path)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct diptych_pair pair;
	int tries, error = diptych_lookup_id(context, guest, &pair);

	*path = NULL;
	if (error)
		return error;
	for (tries = 0; tries < WAIT_TRIES; tries++) {
		*path = find_tty(context, &pair);
		if (*path)
			break;
		nanosleep(&pause, NULL);
	}
	if (!*path)
		error = fail(context, ENXIO, "guest %s has no console; is xenconsoled running?",
			     pair.name);
	diptych_pair_dispose(&pair);
	return error;
}
