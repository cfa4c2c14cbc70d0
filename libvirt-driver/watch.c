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
		{ .fd = event_fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	follow_pvh(); /* which may have ended while nobody was here */
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			return;
		if (!fds[0].revents)
			continue;
		if (diptych_event_dispatch(context, event, NULL) < 0)
			break;
		follow_preserved();
		follow_pvh();
	}
	VIR_ERROR(_("cannot hear of pairs that end any more: %s"), diptych_error(context));
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
