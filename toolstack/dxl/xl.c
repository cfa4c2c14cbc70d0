// SPDX-License-Identifier: GPL-2.0-or-later
/* Verbs that xl already does as they should be: of the host, and of domains that are no pairs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dxl.h"

int exec_xl(const char *verb, int argc, char **argv)
{
	char **whole = calloc((size_t)argc + 3, sizeof(*whole));
	char xl[] = "xl";
	int i;

	if (!whole)
		return complain("out of memory");
	whole[0] = xl;
	whole[1] = strdup(verb);
	for (i = 0; i < argc; i++)
		whole[i + 2] = argv[i];
	fflush(stdout);
	execvp(xl, whole);
	free(whole[1]);
	free(whole);
	return complain("`xl %s` cannot be run: %s", verb, strerror(errno));
}

/* With all its operands and options, which are xl's. */
int verb_by_xl(const struct verb *verb, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			print_usage(stdout, verb);
			return EXIT_SUCCESS;
		}
	return exec_xl(verb->name, argc - 1, argv + 1);
}
