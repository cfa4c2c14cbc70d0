// SPDX-License-Identifier: GPL-2.0-or-later
/* domid, domname, rename. */
#include <stdio.h>
#include <stdlib.h>

#include <libxl_utils.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

static int find(const struct verb *verb, int argc, char **argv, struct target *target)
{
	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
	return target_find(argv[optind], target);
}

int verb_domid(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	uint32_t domid;

	if (find(verb, argc, argv, &target))
		return EXIT_FAILURE;
	/* Of either panel when it is named itself. */
	if (libxl_domain_qualifier_to_domid(open_libxl(), argv[optind], &domid))
		domid = target.domid;
	printf("%u\n", domid);
	target_dispose(&target);
	return EXIT_SUCCESS;
}

int verb_domname(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = EXIT_SUCCESS;
	uint32_t domid;
	char *name;

	if (find(verb, argc, argv, &target))
		return EXIT_FAILURE;
	if (libxl_domain_qualifier_to_domid(open_libxl(), argv[optind], &domid))
		domid = target.domid;
	name = libxl_domid_to_name(open_libxl(), domid);
	if (name)
		puts(name);
	else
		status = complain("domain %u has no name", domid);
	free(name);
	target_dispose(&target);
	return status;
}

int verb_rename(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = EXIT_SUCCESS;

	if (find(verb, argc, argv, &target))
		return EXIT_FAILURE;
	if (!target.is_pair)
		status = exec_xl(verb->name, argc - optind, argv + optind);
	else if (diptych_rename(open_pairs(), target.domid, argv[optind + 1]))
		status = complain_of(open_pairs());
	target_dispose(&target);
	return status;
}
