// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pairs there are.  The index in xenstore says which were built, the hypervisor which panels
 * exist: nothing is remembered elsewhere, so the answer is true whatever tools were killed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"

bool domain_info(struct diptych *c, uint32_t domid, xc_domaininfo_t *info)
{
	/* Asks for the first domain from this id on. */
	return xc_domain_getinfolist(c->xc, domid, 1, info) == 1 && info->domain == domid;
}

void uuid_text(const uint8_t uuid[16], char text[37])
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				uuid[i]);
}

bool uuid_is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return !memcmp(uuid, zero, sizeof(zero));
}

static unsigned int shutdown_code(const xc_domaininfo_t *info)
{
	return (info->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
}

static enum diptych_end end_of(const xc_domaininfo_t *guest)
{
	switch (shutdown_code(guest)) {
	case SHUTDOWN_poweroff:
		return DIPTYCH_END_POWEROFF;
	case SHUTDOWN_reboot:
		return DIPTYCH_END_REBOOT;
	case SHUTDOWN_crash:
	case SHUTDOWN_watchdog:
		return DIPTYCH_END_CRASH;
	default:
		return DIPTYCH_END_UNKNOWN;
	}
}

/* A guest whose partner works for it is running, whichever of the two is on the CPU. */
static void find_state(struct diptych_pair *pair, const xc_domaininfo_t *guest,
		       const xc_domaininfo_t *fidelity)
{
	if (!guest || !fidelity || (guest->flags | fidelity->flags) & XEN_DOMINF_dying) {
		pair->state = DIPTYCH_DYING;
		pair->end = DIPTYCH_END_FIDELITY;
	}
	if (guest && guest->flags & XEN_DOMINF_shutdown) {
		pair->state = pair->state == DIPTYCH_DYING ? DIPTYCH_DYING : DIPTYCH_SHUTDOWN;
		pair->end = end_of(guest);
	} else if (pair->state == DIPTYCH_DYING) {
		return;
	} else if (fidelity->flags & XEN_DOMINF_shutdown) {
		pair->state = DIPTYCH_SHUTDOWN;
		pair->end = DIPTYCH_END_FIDELITY;
	} else if ((guest->flags | fidelity->flags) & XEN_DOMINF_paused) {
		pair->state = DIPTYCH_PAUSED;
	} else if ((guest->flags | fidelity->flags) & XEN_DOMINF_running ||
		   !(fidelity->flags & XEN_DOMINF_blocked)) {
		pair->state = DIPTYCH_RUNNING;
	} else {
		pair->state = DIPTYCH_BLOCKED;
	}
}

static char *name_of(struct diptych *c, uint32_t guest, uint32_t fidelity)
{
	char *name = tree_read(c, "/local/domain/%u/name", guest);
	size_t length;

	if (name)
		return name;
	name = tree_read(c, "/local/domain/%u/name", fidelity); /* the guest's panel is gone */
	length = name ? strlen(name) : 0;
	if (length > 3 && !strcmp(name + length - 3, ".fd"))
		name[length - 3] = 0;
	return name ? name : strdup("?");
}

/* Fills `pair` from entry `guest` of the index.  0, -ENOENT: neither panel exists, -ENOMEM. */
static int look(struct diptych *c, uint32_t guest, struct diptych_pair *pair)
{
	xc_domaininfo_t guest_info, fidelity_info;
	bool have_guest, have_fidelity = false;
	uint32_t linked, fidelity = DIPTYCH_NO_DOMAIN;

	memset(pair, 0, sizeof(*pair));
	/* Ids are used again: each panel must name the other. */
	have_guest = domain_info(c, guest, &guest_info) &&
		     tree_read_id(c, &linked, "/local/domain/%u/diptych/fidelity-domid", guest);
	if (tree_read_id(c, &fidelity, "/tool/diptych/%u", guest))
		have_fidelity = domain_info(c, fidelity, &fidelity_info) &&
				tree_read_id(c, &linked, "/local/domain/%u/diptych/guest-domid",
					     fidelity) &&
				linked == guest;
	if (!have_guest && !have_fidelity)
		return -ENOENT;
	pair->guest = guest;
	pair->fidelity = have_fidelity ? fidelity : DIPTYCH_NO_DOMAIN;
	pair->name = name_of(c, guest, fidelity);
	if (!pair->name)
		return fail(c, ENOMEM, "out of memory");
	if (have_guest) {
		memcpy(pair->uuid, guest_info.handle, sizeof(pair->uuid));
		pair->pool_kib = guest_info.tot_pages << 2;
		pair->guest_ns = guest_info.cpu_time;
		pair->vcpus = guest_info.max_vcpu_id + 1; /* XEN_INVALID_MAX_VCPU_ID: none */
		if (!tree_read_u64(c, &pair->memory_kib, "/local/domain/%u/memory/static-max",
				   guest))
			pair->memory_kib = 0;
	}
	if (have_fidelity) {
		pair->fidelity_memory_kib = fidelity_info.tot_pages << 2;
		pair->fidelity_ns = fidelity_info.cpu_time;
		pair->fidelity_vcpus = fidelity_info.max_vcpu_id + 1;
	}
	find_state(pair, have_guest ? &guest_info : NULL, have_fidelity ? &fidelity_info : NULL);
	return 0;
}

void diptych_pair_dispose(struct diptych_pair *pair)
{
	free(pair->name);
	memset(pair, 0, sizeof(*pair));
}

void diptych_pairs_free(struct diptych_pair *pairs, size_t count)
{
	size_t i;

	for (i = 0; pairs && i < count; i++)
		diptych_pair_dispose(&pairs[i]);
	free(pairs);
}

static int by_guest(const void *a, const void *b)
{
	const struct diptych_pair *x = a, *y = b;

	return x->guest < y->guest ? -1 : x->guest > y->guest;
}

/* Fills `pairs` from the index; an entry of which neither panel exists is passed over: other tools
 * have destroyed it, and the monitor or tend.c tidies up. */
static int look_all(struct diptych *c, const uint32_t *guests, size_t entries,
		    struct diptych_pair *pairs, size_t *count)
{
	size_t i;
	int error;

	for (i = 0; i < entries; i++) {
		error = look(c, guests[i], &pairs[*count]);
		if (!error)
			++*count;
		else if (error != -ENOENT)
			return error;
	}
	return 0;
}

int diptych_list(struct diptych *context, struct diptych_pair **pairs, size_t *count)
{
	struct diptych_pair *found;
	uint32_t *guests;
	size_t entries;
	int error;

	*pairs = NULL;
	*count = 0;
	error = tree_index(context, &guests, &entries);
	if (error)
		return error;
	found = calloc(entries + 1, sizeof(*found));
	if (!found) {
		free(guests);
		return fail(context, ENOMEM, "out of memory");
	}
	error = look_all(context, guests, entries, found, count);
	free(guests);
	if (error) {
		diptych_pairs_free(found, *count);
		*count = 0;
		return error;
	}
	qsort(found, *count, sizeof(*found), by_guest);
	*pairs = found;
	return 0;
}

struct wanted {
	uint32_t id; /* DIPTYCH_NO_DOMAIN: none */
	const uint8_t *uuid;
	const char *name;
};

static bool is_wanted(const struct diptych_pair *pair, const struct wanted *wanted)
{
	size_t length = strlen(pair->name);

	if (wanted->id != DIPTYCH_NO_DOMAIN)
		return pair->guest == wanted->id || pair->fidelity == wanted->id;
	if (wanted->uuid)
		return !memcmp(pair->uuid, wanted->uuid, sizeof(pair->uuid));
	return !strcmp(pair->name, wanted->name) || (!strncmp(pair->name, wanted->name, length) &&
						     !strcmp(wanted->name + length, ".fd"));
}

/* Takes the wanted pair out of the list and frees the rest. */
static int find(struct diptych *c, const struct wanted *wanted, struct diptych_pair *pair)
{
	struct diptych_pair *pairs;
	size_t count, i;
	int error = diptych_list(c, &pairs, &count);

	memset(pair, 0, sizeof(*pair));
	if (error)
		return error;
	for (i = 0; i < count; i++)
		if (is_wanted(&pairs[i], wanted)) {
			*pair = pairs[i];
			pairs[i].name = NULL;
			break;
		}
	diptych_pairs_free(pairs, count);
	return i < count ? 0 : -ESRCH;
}

int pair_find(struct diptych *c, uint32_t domid, struct diptych_pair *pair)
{
	struct wanted wanted = { .id = domid };

	return find(c, &wanted, pair);
}

int diptych_lookup_id(struct diptych *context, uint32_t domid, struct diptych_pair *pair)
{
	int error = pair_find(context, domid, pair);

	return error == -ESRCH ? fail(context, ESRCH, "there is no pair with domain id %u", domid)
			       : error;
}

int diptych_lookup_uuid(struct diptych *context, const uint8_t uuid[16], struct diptych_pair *pair)
{
	struct wanted wanted = { .id = DIPTYCH_NO_DOMAIN, .uuid = uuid };
	int error = find(context, &wanted, pair);
	char text[37];

	uuid_text(uuid, text);
	return error == -ESRCH ? fail(context, ESRCH, "there is no pair with uuid %s", text)
			       : error;
}

int diptych_lookup(struct diptych *context, const char *who, struct diptych_pair *pair)
{
	struct wanted wanted = { .id = DIPTYCH_NO_DOMAIN, .name = who };
	libxl_uuid uuid;
	unsigned long id;
	char *end;
	int error;

	id = strtoul(who, &end, 10);
	if (*who >= '0' && *who <= '9' && !*end) {
		wanted.id = id < DOMID_FIRST_RESERVED ? (uint32_t)id : DOMID_FIRST_RESERVED;
	} else if (strlen(who) == 36 && !libxl_uuid_from_string(&uuid, who)) {
		wanted.uuid = libxl_uuid_bytearray(&uuid);
	}
	error = find(context, &wanted, pair);
	return error == -ESRCH ? fail(context, ESRCH, "there is no pair \"%s\"", who) : error;
}
