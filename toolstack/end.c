// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking a pair apart, and stopping and continuing it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"

#define GONE_TRIES \
	3000 /* of 10 ms: backends in dom0 let go of a dead domain's pages in their own time */

static int wait_gone(struct diptych *c, uint32_t domid)
{
	xc_domaininfo_t info;
	int tries;

	for (tries = 0; tries < GONE_TRIES; tries++) {
		if (!domain_info(c, domid, &info))
			return 0;
		usleep(10000);
	}
	return fail(c, EBUSY,
		    "domain %u is dead, but something in dom0 still holds its memory after %d s",
		    domid, GONE_TRIES / 100);
}

/* The caller holds record_lock.  Goes on when a step fails: as little as can be is left. */
int pair_destroy(struct diptych *c, const struct diptych_pair *pair, enum diptych_end end)
{
	xc_domaininfo_t info;
	bool guest = domain_info(c, pair->guest, &info) &&
		     !memcmp(info.handle, pair->uuid,
			     sizeof(pair->uuid)); /* not a later domain with its id */
	int error = 0, result;

	record_end(c, pair->guest, pair->uuid, end);
	/* The fidelity domain first: it holds the guest's memory, and without it the guest does
	 * not run. */
	if (pair->fidelity != DIPTYCH_NO_DOMAIN)
		error = fidelity_destroy(c, pair->fidelity);
	if (guest) {
		result = guest_destroy(c, pair->guest);
		error = error ? error : result;
		if (!result) {
			result = wait_gone(c, pair->guest);
			error = error ? error : result;
		}
	}
	if (pair->fidelity != DIPTYCH_NO_DOMAIN && !error)
		error = wait_gone(c, pair->fidelity);
	if (error)
		return error; /* stays in the index: it can be destroyed again */
	tree_remove_pair(c, pair->guest);
	record_forget(pair->guest);
	return 0;
}

/* The domain with this uuid, DIPTYCH_NO_DOMAIN: none. */
static uint32_t find_uuid(struct diptych *c, const uint8_t uuid[16])
{
	libxl_dominfo *list;
	uint32_t domid = DIPTYCH_NO_DOMAIN;
	int count, i;

	list = libxl_list_domain(c->libxl, &count);
	for (i = 0; list && i < count; i++)
		if (!memcmp(libxl_uuid_bytearray_const(&list[i].uuid), uuid, 16))
			domid = list[i].domid;
	if (list)
		libxl_dominfo_list_free(list, count);
	return domid;
}

void pair_clean(struct diptych *c)
{
	struct diptych_pair pair = { .guest = 0 };
	uint8_t fidelity[16];
	int error = 0;

	if (!record_read_building(pair.uuid, fidelity))
		return;
	pair.guest = find_uuid(c, pair.uuid);
	pair.fidelity = find_uuid(c, fidelity);
	note(c, DIPTYCH_INFO, "removing a pair whose builder was killed");
	if (pair.guest != DIPTYCH_NO_DOMAIN)
		error = pair_destroy(c, &pair, DIPTYCH_END_DESTROYED);
	else if (pair.fidelity != DIPTYCH_NO_DOMAIN)
		error = fidelity_destroy(c, pair.fidelity);
	if (!error && pair.guest == DIPTYCH_NO_DOMAIN && pair.fidelity != DIPTYCH_NO_DOMAIN)
		error = wait_gone(c, pair.fidelity);
	if (!error)
		record_built();
}

void pair_forget(struct diptych *c, uint32_t guest)
{
	xc_domaininfo_t info;

	if (domain_info(c, guest, &info)) /* somebody else's by now */
		tree_index_remove(c, guest);
	else
		tree_remove_pair(c, guest);
	record_forget(guest);
}

int diptych_destroy(struct diptych *context, uint32_t guest)
{
	struct diptych_pair pair;
	int error, lock = record_lock(context, true);

	if (lock < 0)
		return lock;
	error = diptych_lookup_id(context, guest, &pair);
	if (!error)
		error = pair_destroy(context, &pair, DIPTYCH_END_DESTROYED);
	diptych_pair_dispose(&pair);
	close(lock);
	return error;
}

static int both_panels(struct diptych *c, uint32_t guest, struct diptych_pair *pair)
{
	int error = diptych_lookup_id(c, guest, pair);

	if (!error && pair->state == DIPTYCH_DYING) {
		diptych_pair_dispose(pair);
		error = fail(c, ESRCH, "pair %u is not whole any more", guest);
	}
	return error;
}

/* A domain is paused as often as it was asked to: asked twice, once would not continue it. */
static bool is_paused(struct diptych *c, uint32_t domid)
{
	xc_domaininfo_t info;

	return domain_info(c, domid, &info) && info.flags & XEN_DOMINF_paused;
}

int diptych_pause(struct diptych *context, uint32_t guest)
{
	struct diptych_pair pair;
	int error = both_panels(context, guest, &pair);

	if (error)
		return error;
	/* The fidelity domain first: it would spin on a guest that may not run. */
	if (!is_paused(context, pair.fidelity) && xc_domain_pause(context->xc, pair.fidelity))
		error = fail(context, errno, "cannot pause domain %u: %s", pair.fidelity,
			     strerror(errno));
	else if (!is_paused(context, pair.guest) && xc_domain_pause(context->xc, pair.guest))
		error = fail(context, errno, "cannot pause domain %u: %s", pair.guest,
			     strerror(errno));
	diptych_pair_dispose(&pair);
	return error;
}

static int start(struct diptych *c, uint32_t domid)
{
	int tries;

	if (!is_paused(c, domid))
		return 0;
	/* A domain that starts is sealed: not while the builder's mappings of it remain, and the
	 * kernel gives the last of them back a moment after libxl has. */
	for (tries = 0; xc_domain_unpause(c->xc, domid); tries++) {
		if (errno != EBUSY || tries == 200)
			return fail(c, errno, "cannot start domain %u: %s", domid, strerror(errno));
		usleep(10000);
	}
	return 0;
}

int diptych_unpause(struct diptych *context, uint32_t guest)
{
	struct diptych_pair pair;
	int error = both_panels(context, guest, &pair);

	if (error)
		return error;
	error = start(context, pair.guest);
	if (!error)
		error = start(context, pair.fidelity);
	diptych_pair_dispose(&pair);
	return error;
}
