// SPDX-License-Identifier: GPL-2.0-or-later
/* What a running pair is: its description as it has become, and its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"

int diptych_describe(struct diptych *context, uint32_t guest, struct diptych_desc *desc)
{
	struct diptych_pair pair;
	int error = diptych_lookup_id(context, guest, &pair);

	if (error)
		return error;
	error = record_read_desc(context, pair.guest, desc);
	diptych_pair_dispose(&pair);
	return error;
}

static int rename_pair(struct diptych *c, const struct diptych_pair *pair, const char *name)
{
	struct diptych_desc desc;
	char *text = NULL;
	int error;

	diptych_desc_init(&desc);
	error = record_read_desc(c, pair->guest, &desc);
	if (error)
		return error;
	free(desc.source); /* messages are not about a file */
	desc.source = NULL;
	free(desc.name);
	desc.name = strdup(name);
	error = diptych_desc_check(&desc, &text);
	if (error)
		fail(c, -error, "%s", text ? text : "out of memory");
	free(text);
	if (!error)
		error = refuse_name(c, &desc);
	if (!error)
		error = tree_rename(c, pair->guest, pair->fidelity, name);
	if (!error)
		error = record_write_desc(c, pair->guest, &desc);
	diptych_desc_dispose(&desc);
	return error;
}

int diptych_rename(struct diptych *context, uint32_t guest, const char *name)
{
	struct diptych_pair pair;
	int error, lock = record_lock(context, true);

	if (lock < 0)
		return lock;
	error = diptych_lookup_id(context, guest, &pair);
	if (!error)
		error = rename_pair(context, &pair, name);
	diptych_pair_dispose(&pair);
	close(lock);
	return error;
}
