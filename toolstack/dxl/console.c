// SPDX-License-Identifier: GPL-2.0-or-later
/* console: by stock xenconsole, on the pty that xenconsoled serves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

int console_of_pair(uint32_t guest)
{
	struct diptych *pairs = open_pairs();
	struct diptych_pair pair;
	char *path;
	uint32_t fidelity;

	if (diptych_console_path(pairs, guest, &path))
		return complain_of(pairs);
	free(path); /* it is there; xenconsole wants the domain */
	if (diptych_lookup_id(pairs, guest, &pair))
		return complain_of(pairs);
	fidelity = pair.fidelity;
	diptych_pair_dispose(&pair);
	libxl_console_exec(open_libxl(), fidelity, 0, LIBXL_CONSOLE_TYPE_PV, -1);
	return complain("cannot run xenconsole: %s", strerror(errno));
}

int verb_console(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status;

	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	if (target.is_pair) {
		status = console_of_pair(target.domid);
	} else {
		libxl_primary_console_exec(open_libxl(), target.domid, -1);
		status = complain("cannot run xenconsole: %s", strerror(errno));
	}
	target_dispose(&target);
	return status;
}
