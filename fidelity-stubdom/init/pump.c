// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pump between a libxenvchan and a descriptor.  The ring is memory that the other domain writes: libxenvchan
 * checks its indices; the bytes are the ends' affair.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "pump.h"
#include "vchan.h"

#define HELD 16384u

/* What was taken from one end and not yet given to the other. */
struct flow {
	char bytes[HELD];
	size_t from, to;
};

static size_t held(const struct flow *flow)
{
	return flow->to - flow->from;
}

/* false: that end is done. */
static bool fill_from_channel(struct flow *flow, struct libxenvchan *channel)
{
	int got = libxenvchan_read(channel, flow->bytes, HELD);

	flow->from = 0;
	flow->to = got > 0 ? (size_t)got : 0;
	return got >= 0;
}

/* Until it takes no more: it tells of room only after that. */
static bool drain_to_channel(struct flow *flow, struct libxenvchan *channel)
{
	int put = 1;

	while (held(flow) && put > 0) {
		put = libxenvchan_write(channel, flow->bytes + flow->from, held(flow));
		flow->from += put > 0 ? (size_t)put : 0;
	}
	return put >= 0;
}

static bool fill_from_fd(struct flow *flow, int fd)
{
	ssize_t got = read(fd, flow->bytes, HELD);

	flow->from = 0;
	flow->to = got > 0 ? (size_t)got : 0;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool drain_to_fd(struct flow *flow, int fd)
{
	ssize_t put = write(fd, flow->bytes + flow->from, held(flow));

	flow->from += put > 0 ? (size_t)put : 0;
	return put >= 0 || errno == EAGAIN || errno == EINTR;
}

void pump(struct libxenvchan *channel, int fd, int (*given_up)(void *user), void *user)
{
	struct flow in = { .from = 0 }, out = { .from = 0 }; /* from the channel, to the channel */
	struct pollfd polled[2] = { { .fd = libxenvchan_fd_for_select(channel),
				      .events = POLLIN } };
	bool fd_open = true;
	int ready;

	channel->blocking = 0;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	for (;;) {
		if (!held(&in) && !fill_from_channel(&in, channel))
			break;
		if (held(&in) && !drain_to_fd(&in, fd))
			break;
		if (held(&out) && !drain_to_channel(&out, channel))
			break;
		if (!fd_open && !held(&out))
			break;
		if (!held(&in) && libxenvchan_data_ready(channel))
			continue;
		if (!held(&in) && !libxenvchan_is_open(channel))
			break;
		polled[1].events =
			(short)((held(&in) ? POLLOUT : 0) | (held(&out) || !fd_open ? 0 : POLLIN));
		polled[1].fd = polled[1].events ? fd : -1; /* a hang-up would wake it for ever */
		ready = poll(polled, 2, given_up ? 1000 : -1);
		if (ready == 0 && given_up(user))
			break;
		if (ready <= 0)
			continue;
		if (polled[0].revents)
			libxenvchan_wait(channel);
		if (polled[1].revents & (POLLIN | POLLHUP | POLLERR) && !held(&out) && fd_open)
			fd_open = fill_from_fd(&out, fd);
	}
}
