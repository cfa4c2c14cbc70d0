// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of verbs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

#define DOMAIN "DOMAIN"

const struct verb verbs[] = {
	{ "create", verb_create, "[OPTIONS] CONFIG [KEY=VALUE]...",
	  "Build a guest from an xl.cfg file and start it",
	  "  -p, --paused    leave it paused\n"
	  "  -c, --console   open its console at once (Ctrl-] leaves it)\n"
	  "  -n, --dryrun    only check, and print the configuration as it is understood\n"
	  "  -q, --quiet     no progress\n",
	  1, 64, false },
	{ "list", verb_list, "[OPTIONS] [" DOMAIN "]", "List domains and their state",
	  "  -l, --long      all details, as JSON\n", 0, 1, false },
	{ "console", verb_console, DOMAIN, "Open a guest's serial console (Ctrl-] leaves it)", "",
	  1, 1, false },
	{ "shutdown", verb_shutdown, DOMAIN, "Ask a guest to power off", "", 1, 1, false },
	{ "reboot", verb_reboot, DOMAIN, "Ask a guest to reboot", "", 1, 1, false },
	{ "destroy", verb_destroy, DOMAIN, "End a guest at once", "", 1, 1, false },
	{ "pause", verb_pause, DOMAIN, "Stop a guest's CPUs", "", 1, 1, false },
	{ "unpause", verb_unpause, DOMAIN, "Let a paused guest go on", "", 1, 1, false },
	{ "domid", verb_domid, DOMAIN, "Print the domain id that belongs to a name", "", 1, 1,
	  false },
	{ "domname", verb_domname, DOMAIN, "Print the name that belongs to a domain id", "", 1, 1,
	  false },
	{ "help", verb_help, "[VERB]", "Show help, on all verbs or one", "", 0, 1, false },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, false },
};

const struct verb *verb_find(const char *name)
{
	const struct verb *verb;

	for (verb = verbs; verb->name; verb++)
		if (!strcmp(verb->name, name))
			return verb;
	return NULL;
}
