// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What dom0 reaches of this domain: for every node diptych/channel/NAME in xenstore, a libxenvchan is served at that node
 * by a process of its own.  The node's value says what is at this end when a client comes:
 *
 *   /path       the UNIX socket of that path (QEMU's monitor, its VNC server), or a plain file, which is sent whole
 *   network     an act: reads a byte N, joins tap<N> and eth<N> (a card that was plugged in), then says "ok" or why not
 *
 * One client at a time; when it leaves, the channel is made anew for the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "init.h"
#include "pump.h"
#include "vchan.h"

#define RING_BYTES 16384u
#define DOM0	   0

static int open_end(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (stat(path, &st))
		return -1;
	if (!S_ISSOCK(st.st_mode))
		return open(path, O_RDONLY | O_CLOEXEC);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A card was plugged in: the client sends its number in one byte. */
static void join_network(struct libxenvchan *channel)
{
	char text[128];
	uint8_t n;

	if (libxenvchan_recv(channel, &n, 1) != 1)
		return;
	if (network_join(n))
		snprintf(text, sizeof(text), "ok");
	else
		snprintf(text, sizeof(text), "network card %d: %s", n, strerror(errno));
	libxenvchan_send(channel, text, strlen(text));
}

static void serve_client(struct libxenvchan *channel, const char *end)
{
	int fd;

	if (!strcmp(end, "network")) {
		join_network(channel);
		return;
	}
	fd = open_end(end);
	if (fd < 0)
		return; /* the client sees the channel close */
	pump(channel, fd, NULL, NULL);
	close(fd);
}

static void serve(const char *node, const char *end)
{
	const struct timespec pause = { .tv_sec = 1 };
	struct libxenvchan *channel;

	for (;;) {
		channel = libxenvchan_server_init(NULL, DOM0, node, RING_BYTES, RING_BYTES);
		if (!channel) {
			log_line("init: no channel %s: %s\n", node, strerror(errno));
			nanosleep(&pause, NULL);
			continue;
		}
		channel->blocking = -1; /* a field of one signed bit */
		while (libxenvchan_is_open(channel) == 2)
			libxenvchan_wait(channel);
		if (libxenvchan_is_open(channel) == 1)
			serve_client(channel, end);
		libxenvchan_close(channel);
	}
}

void channels_serve(void)
{
	size_t count, i;
	char **names = xenstore_list("diptych/channel", &count), node[128], *end;

	for (i = 0; names && i < count; i++) {
		snprintf(node, sizeof(node), "diptych/channel/%s", names[i]);
		end = xenstore_read(node);
		if (!end || fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve(node, end);
	}
}
