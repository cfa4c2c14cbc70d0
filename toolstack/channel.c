// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The channels that a fidelity domain serves (fidelity-stubdom/init/channel.c), from dom0's side.  One
 * client at a time on each: a lock below /run/diptych says whose turn it is.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "context.h"

/* after xenctrl.h, for Xen's headers want to be read by tools first */
#include "../fidelity-stubdom/init/vchan.h"

#define STEP_MS 20

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_step(void)
{
	usleep(STEP_MS * 1000);
}

/* A ring that its server has left for a new one is still mapped for a moment: hence is_open. */
static struct libxenvchan *connect_once(struct diptych *c, uint32_t fidelity, const char *name)
{
	struct libxenvchan *ring;
	char path[TREE_PATH], *reference;

	reference = tree_read(c, "/local/domain/%u/diptych/channel/%s/ring-ref", fidelity, name);
	free(reference);
	if (!reference)
		return NULL; /* between two clients; libxenvchan would complain on stderr */
	snprintf(path, sizeof(path), "/local/domain/%u/diptych/channel/%s", fidelity, name);
	ring = libxenvchan_client_init(&c->logger, (int)fidelity, path);
	if (ring && libxenvchan_is_open(ring) != 1) {
		libxenvchan_close(ring);
		ring = NULL;
	}
	return ring;
}

int channel_try(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *name,
		struct channel *channel)
{
	channel->lock = record_channel_lock(guest, name);
	if (channel->lock < 0)
		return channel->lock;
	channel->ring = connect_once(c, fidelity, name);
	if (channel->ring) {
		channel->ring->blocking = 0;
		return 0;
	}
	close(channel->lock);
	return -ENXIO;
}

int channel_open(struct diptych *c, const struct diptych_pair *pair, const char *name,
		 int64_t until, struct channel *channel)
{
	int error;

	for (;;) {
		error = channel_try(c, pair->guest, pair->fidelity, name, channel);
		if (!error)
			return 0;
		if (error != -EWOULDBLOCK && error != -ENXIO)
			return fail(c, -error, "cannot lock a channel of guest %s: %s", pair->name,
				    strerror(-error));
		if (clock_ms() >= until)
			return fail(c, ETIMEDOUT,
				    "the fidelity domain of guest %s does not answer%s", pair->name,
				    pair->state == DIPTYCH_PAUSED ? ": it is paused" : "");
		wait_step();
	}
}

void channel_close(struct channel *channel)
{
	libxenvchan_close(channel->ring);
	close(channel->lock);
}

/* Until the other side has moved.  false: time is over. */
static bool wait_for_ring(struct channel *channel, int64_t until)
{
	struct pollfd polled = { .fd = libxenvchan_fd_for_select(channel->ring), .events = POLLIN };
	int64_t left = until - clock_ms();

	if (left <= 0)
		return false;
	if (poll(&polled, 1, (int)left) > 0)
		libxenvchan_wait(channel->ring);
	return true;
}

bool channel_speaks(struct channel *channel, int64_t until)
{
	while (!libxenvchan_data_ready(channel->ring))
		if (libxenvchan_is_open(channel->ring) != 1 || !wait_for_ring(channel, until))
			return false;
	return true;
}

int channel_read(struct channel *channel, void *to, size_t size, int64_t until)
{
	int got;

	do { /* time counts also for who never ceases to send */
		if (clock_ms() >= until)
			return -ETIMEDOUT;
		got = libxenvchan_read(channel->ring, to, size);
	} while (!got && wait_for_ring(channel, until));
	return got > 0 ? got : got < 0 ? 0 : -ETIMEDOUT;
}

int channel_write(struct channel *channel, const char *from, size_t size, int64_t until)
{
	int put;

	while (size) {
		put = libxenvchan_write(channel->ring, from, size);
		if (put < 0)
			return -EPIPE;
		from += put;
		size -= (size_t)put;
		if (size && !put && !wait_for_ring(channel, until))
			return -ETIMEDOUT;
	}
	return 0;
}
