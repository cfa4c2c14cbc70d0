// SPDX-License-Identifier: GPL-2.0-or-later
/* destroy, pause, unpause, shutdown, reboot: of a pair by libdiptych, of any other domain by
 * libxl. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

typedef int pair_action(struct diptych *pairs, uint32_t guest);
typedef int domain_action(libxl_ctx *libxl, uint32_t domid, const libxl_asyncop_how *how);

/* A pair that its monitor restarts meanwhile has another id: it is looked up once more. */
static int act_on_pair(const char *who, uint32_t guest, pair_action *action)
{
	struct diptych *pairs = open_pairs();
	struct diptych_pair pair;
	int error;

	while ((error = action(pairs, guest)) == -ESRCH) {
		uint32_t before = guest;

		if (diptych_lookup(pairs, who, &pair))
			break;
		guest = pair.guest;
		diptych_pair_dispose(&pair);
		if (guest == before)
			break;
	}
	return error ? complain_of(pairs) : EXIT_SUCCESS;
}

/* Until neither panel is there: what on_poweroff says has been done by then. */
static int wait_for_end(uint32_t guest)
{
	struct diptych *pairs = open_pairs();
	struct diptych_pair pair;
	int error;

	for (;;) {
		error = diptych_lookup_id(pairs, guest, &pair);
		if (error)
			return error == -ESRCH ? EXIT_SUCCESS : complain_of(pairs);
		error = pair.state == DIPTYCH_SHUTDOWN; /* and stays, maybe */
		diptych_pair_dispose(&pair);
		if (error && !diptych_settle(pairs) && !diptych_lookup_id(pairs, guest, &pair)) {
			bool stays = diptych_is_kept(pairs, guest);

			diptych_pair_dispose(&pair);
			if (stays)
				return EXIT_SUCCESS;
		}
		sleep(1);
	}
}

static int act(const struct verb *verb, int argc, char **argv, pair_action *of_pair,
	       domain_action *of_domain)
{
	static const struct option longs[] = { { "wait", 0, NULL, 'w' },
					       { "help", 0, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	bool can_wait = verb->run == verb_shutdown, wait = false;
	struct target target;
	int status = EXIT_SUCCESS;

	while (next_option(verb, argc, argv, can_wait ? "wh" : "h", can_wait ? longs : help_only) >=
	       0)
		wait = true;
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	if (target.is_pair)
		status = act_on_pair(argv[optind], target.domid, of_pair);
	else if (!target.domid)
		status = complain("domain 0 cannot be the object of %s", verb->name);
	else if (can_wait) /* xl knows how to wait */
		status = exec_xl(verb->name, argc - 1, argv + 1);
	else if (of_domain(open_libxl(), target.domid, NULL))
		status = complain("%s of domain %u failed", verb->name, target.domid);
	if (!status && wait)
		status = wait_for_end(target.domid);
	target_dispose(&target);
	return status;
}

int verb_destroy(const struct verb *verb, int argc, char **argv)
{
	return act(verb, argc, argv, diptych_destroy, libxl_domain_destroy);
}

int verb_pause(const struct verb *verb, int argc, char **argv)
{
	return act(verb, argc, argv, diptych_pause, libxl_domain_pause);
}

int verb_unpause(const struct verb *verb, int argc, char **argv)
{
	return act(verb, argc, argv, diptych_unpause, libxl_domain_unpause);
}

int verb_shutdown(const struct verb *verb, int argc, char **argv)
{
	return act(verb, argc, argv, diptych_shutdown, libxl_domain_shutdown);
}

int verb_reboot(const struct verb *verb, int argc, char **argv)
{
	return act(verb, argc, argv, diptych_reboot, libxl_domain_reboot);
}
