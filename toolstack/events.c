// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starts and ends of pairs, for those who must know without asking again and again.  xenstore's
 * watches say when to look (a change of the index, or some domain's end); what happened is found by
 * comparing.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context.h"

struct events {
	struct xs_handle *xs; /* own: its watches are nobody else's */
	struct diptych_pair *known;
	size_t count;
};

void events_free(struct events *events)
{
	if (!events)
		return;
	if (events->xs)
		xs_close(events->xs);
	diptych_pairs_free(events->known, events->count);
	free(events);
}

static void drain(struct events *events)
{
	char **watch;

	while ((watch = xs_check_watch(events->xs)))
		free(watch);
}

static int open_events(struct diptych *c)
{
	struct events *events = calloc(1, sizeof(*events));
	int error;

	if (!events)
		return fail(c, ENOMEM, "out of memory");
	events->xs = xs_open(0);
	if (!events->xs || !xs_watch(events->xs, "/tool/diptych", "pairs") ||
	    !xs_watch(events->xs, "@releaseDomain", "end")) {
		error = fail(c, errno ? errno : EIO, "xenstore takes no watch: %s",
			     strerror(errno));
		events_free(events);
		return error;
	}
	error = diptych_list(c, &events->known, &events->count);
	if (error) {
		events_free(events);
		return error;
	}
	c->events = events;
	return 0;
}

int diptych_event_fd(struct diptych *context)
{
	int error = context->events ? 0 : open_events(context);

	return error ? error : xs_fileno(context->events->xs);
}

static bool same(const struct diptych_pair *a, const struct diptych_pair *b)
{
	/* The uuid is unknown when the guest's panel went first. */
	return a->guest == b->guest &&
	       (uuid_is_zero(b->uuid) || !memcmp(a->uuid, b->uuid, sizeof(a->uuid)));
}

static struct diptych_pair *find(struct diptych_pair *pairs, size_t count,
				 const struct diptych_pair *wanted)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same(wanted, &pairs[i]) || same(&pairs[i], wanted))
			return &pairs[i];
	return NULL;
}

static void report(const struct diptych_pair *pair, enum diptych_event_type type,
		   enum diptych_end end, diptych_event_fn *function, void *user)
{
	struct diptych_event event = {
		.type = type,
		.guest = pair->guest,
		.fidelity = pair->fidelity,
		.name = pair->name,
		.end = end,
	};

	memcpy(event.uuid, pair->uuid, sizeof(event.uuid));
	function(user, &event);
}

/* Returns how many events were reported, or negative errno. */
static int compare(struct diptych *c, diptych_event_fn *function, void *user)
{
	struct events *events = c->events;
	struct diptych_pair *now, *old;
	size_t count, i;
	int reported = 0, error = diptych_list(c, &now, &count);

	if (error)
		return error;
	for (i = 0; i < events->count; i++) {
		enum diptych_end end;

		old = &events->known[i];
		if (find(now, count, old))
			continue;
		end = record_read_end(old->guest, old->uuid);
		report(old, DIPTYCH_ENDED, end != DIPTYCH_END_UNKNOWN ? end : old->end, function,
		       user);
		reported++;
	}
	for (i = 0; i < count; i++) {
		old = find(events->known, events->count, &now[i]);
		if (!old) {
			report(&now[i], DIPTYCH_STARTED, DIPTYCH_END_UNKNOWN, function, user);
			reported++;
		} else if (uuid_is_zero(now[i].uuid)) {
			memcpy(now[i].uuid, old->uuid, sizeof(now[i].uuid));
		}
	}
	diptych_pairs_free(events->known, events->count);
	events->known = now;
	events->count = count;
	return reported;
}

int diptych_event_dispatch(struct diptych *context, diptych_event_fn *event, void *user)
{
	int result = diptych_event_fd(context);

	if (result < 0)
		return result;
	drain(context->events);
	result = compare(context, event, user);
	return result < 0 ? result : 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int diptych_event_wait(struct diptych *context, int timeout_ms, diptych_event_fn *event, void *user)
{
	int64_t until = now_ms() + timeout_ms, left;
	struct pollfd poll_for = { .events = POLLIN };
	int result;

	poll_for.fd = diptych_event_fd(context);
	if (poll_for.fd < 0)
		return poll_for.fd;
	for (;;) {
		left = timeout_ms < 0 ? -1 : until - now_ms();
		if (timeout_ms >= 0 && left < 0)
			left = 0;
		result = poll(&poll_for, 1, (int)left);
		if (result < 0 && errno != EINTR)
			return fail(context, errno, "cannot wait: %s", strerror(errno));
		drain(context->events);
		result = compare(context, event, user);
		if (result)
			return result < 0 ? result : 1;
		if (timeout_ms >= 0 && now_ms() >= until)
			return 0;
	}
}
