/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread that hears of pairs that start or end by themselves, or by dxl, and tells follow.c.
 * A thread of its own because follow.c may have to wait for a domain's job.
 */
#include "pair.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <util/virfile.h>
#include <util/virthread.h>

VIR_LOG_INIT("diptych.watch");

#define AGAIN_MS 1000

static struct diptych *context; /* the thread's own, once it runs */
static int event_fd = -1;	/* belongs to the context */
static int stop_fd = -1;
static virThread thread;
static bool running;

static void event(void *user G_GNUC_UNUSED, const struct diptych_event *event)
{
	VIR_DEBUG("pair %u (%s) %s", event->guest, event->name,
		  event->type == DIPTYCH_STARTED ? "started" : diptych_end_text(event->end));
	if (event->type == DIPTYCH_STARTED)
		follow_started(event->uuid, event->guest);
	else
		follow_ended(event->uuid, event->guest, (int)event->end);
}

static void run(void *opaque G_GNUC_UNUSED)
{
	struct pollfd fds[2] = {
		{ .fd = stop_fd, .events = POLLIN },
		{ .fd = event_fd, .events = POLLIN },
	};
	bool deaf = false;

	follow_pvh(); /* which may have ended while nobody was here */
	for (;;) {
		fds[0].revents = fds[1].revents = 0;
		poll(fds, deaf ? 1 : 2, deaf ? AGAIN_MS : -1);
		if (fds[0].revents)
			return;
		if (!deaf && !fds[1].revents)
			continue;
		if (diptych_event_dispatch(context, event, NULL) < 0) {
			/* It knows of pairs what it knew: what has happened since it tells the next time. */
			if (!deaf)
				VIR_ERROR(_("cannot hear of pairs that end, trying again: %s"),
					  diptych_error(context));
			deaf = true;
			continue;
		}
		deaf = false;
		follow_preserved();
		follow_pvh();
	}
}

int watch_open(void)
{
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0 || diptych_open(&context, pair_log, NULL) < 0)
		goto fail;
	event_fd = diptych_event_fd(context);
	if (event_fd < 0)
		goto fail;
	return 0;
fail:
	diptych_close(context);
	context = NULL;
	VIR_FORCE_CLOSE(stop_fd);
	return -1;
}

int watch_run(void)
{
	if (virThreadCreateFull(&thread, true, run, "diptych-watch", false, NULL) < 0)
		return -1;
	running = true;
	return 0;
}

void watch_stop(void)
{
	uint64_t one = 1;

	if (!context)
		return;
	if (running) {
		ignore_value(safewrite(stop_fd, &one, sizeof(one)));
		virThreadJoin(&thread);
		running = false;
	}
	diptych_close(context);
	context = NULL;
	VIR_FORCE_CLOSE(stop_fd);
}
