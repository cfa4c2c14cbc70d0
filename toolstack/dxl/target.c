// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains as a user names them: pairs first, then every other domain. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

int target_find(const char *who, struct target *target)
{
	struct diptych *pairs = open_pairs();
	int error;

	memset(target, 0, sizeof(*target));
	error = diptych_lookup(pairs, who, &target->pair);
	if (!error) {
		target->is_pair = true;
		target->domid = target->pair.guest;
		return 0;
	}
	if (error != -ESRCH)
		return complain_of(pairs);
	if (libxl_domain_qualifier_to_domid(open_libxl(), who, &target->domid) ||
	    libxl_domain_info(open_libxl(), NULL, target->domid))
		return complain("there is no domain \"%s\"", who);
	return 0;
}

int target_find_pair(const struct verb *verb, const char *who, struct target *target)
{
	if (target_find(who, target))
		return EXIT_FAILURE;
	if (target->is_pair)
		return 0;
	return complain("%s: \"%s\" is no pair", verb->name, who);
}

bool target_is_fidelity(const struct target *target, const char *who)
{
	uint32_t domid;

	return target->is_pair && !libxl_domain_qualifier_to_domid(open_libxl(), who, &domid) &&
	       domid == target->pair.fidelity;
}

void target_dispose(struct target *target)
{
	if (target->is_pair)
		diptych_pair_dispose(&target->pair);
}
