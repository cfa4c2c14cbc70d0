// SPDX-License-Identifier: GPL-2.0-or-later
/* Puts right what was left by processes that were killed and by tools that know no pairs. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "context.h"

static bool has_monitor(uint32_t guest)
{
	int lock = record_monitor_lock(guest);

	if (lock < 0)
		return lock == -EWOULDBLOCK;
	close(lock);
	return false;
}

/* Index entries of which neither panel exists. */
static void forget_gone(struct diptych *c)
{
	struct diptych_pair *pairs;
	uint32_t *guests;
	size_t entries, count, i, j;

	if (tree_index(c, &guests, &entries) || !guests)
		return;
	if (!diptych_list(c, &pairs, &count)) {
		for (i = 0; i < entries; i++) {
			for (j = 0; j < count && pairs[j].guest != guests[i]; j++)
				;
			if (j == count && !has_monitor(guests[i]))
				pair_forget(c, guests[i]);
		}
		diptych_pairs_free(pairs, count);
	}
	free(guests);
}

int diptych_tend(struct diptych *context)
{
	struct diptych_pair *pairs;
	size_t count, i;
	int error, lock;

	lock = record_lock(context, false);
	if (lock >= 0) {
		pair_clean(context);
		close(lock);
	}
	error = diptych_list(context, &pairs, &count);
	if (error)
		return error;
	for (i = 0; i < count; i++)
		if (!record_is_kept(pairs[i].guest) && !has_monitor(pairs[i].guest)) {
			note(context, DIPTYCH_INFO, "pair %s has lost its monitor; starting one",
			     pairs[i].name);
			if (!error)
				error = monitor_start(context, pairs[i].guest);
		}
	diptych_pairs_free(pairs, count);
	lock = record_lock(context, false); /* an entry may be half written or half removed */
	if (lock >= 0) {
		forget_gone(context);
		close(lock);
	}
	return error;
}

bool diptych_is_kept(struct diptych *context, uint32_t guest)
{
	(void)context;
	return record_is_kept(guest);
}

int diptych_settle(struct diptych *context)
{
	int lock = record_lock(context, true);

	if (lock < 0)
		return lock;
	close(lock);
	return 0;
}
