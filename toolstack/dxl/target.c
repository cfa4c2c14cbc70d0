// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains as a user names them: pairs first, then every other domain. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libxl_utils.h>

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

void target_dispose(struct target *target)
{
	if (target->is_pair)
		diptych_pair_dispose(&target->pair);
}
