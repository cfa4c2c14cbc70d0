// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Serves the VNC channels of a fidelity domain at a TCP port of dom0: a process that accepts, and one
 * for each viewer (not more than CONNECTIONS: anybody may connect), which does nothing but pass bytes on.
 * What QEMU says there goes to a viewer, never to code of ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../fidelity-stubdom/init/pump.h"
#include "channel.h"
#include "context.h"
#include "paths.h"
#include "vnc.h"

#define FIRST_PORT   5900u
#define PORTS	     1000u
#define VIEWERS	     3	    /* tree.c: vnc0 to vnc2 */
#define CONNECTIONS  8	    /* the others wait for a channel */
#define CONNECT_MS   120000 /* QEMU may have been started a moment ago, on a slow machine */
#define RETRY_US     100000
#define GREETING_MS  5000
#define DEFAULT_HOST "127.0.0.1"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool read_address(const char *text, union address *address, socklen_t *size)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->any.sa_family = AF_INET;
		*size = sizeof(address->v4);
		return true;
	}
	address->any.sa_family = AF_INET6;
	*size = sizeof(address->v6);
	return inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1;
}

static int try_port(union address *address, socklen_t size, unsigned int port)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	/* Both families keep the port at the same place. */
	address->v4.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, &address->any, size) && !listen(fd, VIEWERS))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int vnc_try_port(const struct diptych_desc *desc)
{
	union address address;
	socklen_t size;
	int fd;

	if (!read_address(desc->vnc_listen ? desc->vnc_listen : DEFAULT_HOST, &address, &size))
		return -EINVAL;
	fd = try_port(&address, size, desc->vnc_port);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* The port that was asked for, the one that an earlier monitor had, or the first that is free. */
static int take_port(struct diptych *c, const struct diptych_pair *pair,
		     const struct diptych_desc *desc, const char *host, unsigned int *port)
{
	char before[64];
	union address address;
	socklen_t size;
	int fd = -EADDRINUSE;

	if (!read_address(host, &address, &size))
		return fail(c, EINVAL, "vnclisten: \"%s\" is no address", host);
	if (desc->vnc_port) {
		*port = desc->vnc_port;
		fd = try_port(&address, size, *port);
	} else {
		if (record_read_vnc(pair->guest, before, port) && !strcmp(before, host))
			fd = try_port(&address, size, *port);
		for (unsigned int i = 0; fd == -EADDRINUSE && i < PORTS; i++) {
			*port = FIRST_PORT + i;
			fd = try_port(&address, size, *port);
		}
	}
	if (fd < 0)
		return fail(c, -fd, "guest %s has no VNC: %s port %u: %s", pair->name, host, *port,
			    strerror(-fd));
	return fd;
}

struct domain {
	struct diptych *c;
	uint32_t fidelity;
};

static int is_gone(void *user)
{
	const struct domain *domain = user;
	xc_domaininfo_t info;

	return !domain_info(domain->c, domain->fidelity, &info) ||
	       info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown);
}

static bool viewer_left(int fd)
{
	char byte;

	return !recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

/* One whose other end has greeted us: the fidelity domain serves channels before QEMU listens, and closes them. */
static int open_screen(struct diptych *c, const struct diptych_pair *pair, struct channel *channel)
{
	char name[16];
	int i;

	for (i = 0; i < VIEWERS; i++) {
		snprintf(name, sizeof(name), "vnc%d", i);
		if (channel_try(c, pair->guest, pair->fidelity, name, channel))
			continue;
		if (channel_speaks(channel, clock_ms() + GREETING_MS))
			return 0;
		channel_close(channel);
	}
	return -1;
}

static void serve_viewer(struct diptych *c, const struct diptych_pair *pair, int fd)
{
	struct domain domain = { .c = c, .fidelity = pair->fidelity };
	int64_t until = clock_ms() + CONNECT_MS;
	struct channel channel;
	int error, on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	do {
		error = open_screen(c, pair, &channel);
		if (error)
			usleep(RETRY_US);
	} while (error && clock_ms() < until && !is_gone(&domain) && !viewer_left(fd));
	if (error)
		return;
	pump(channel.ring, fd, is_gone, &domain);
	channel_close(&channel);
}

static void serve(struct diptych *c, const struct diptych_pair *pair, int listener)
{
	int fd, connections = 0;
	pid_t child;

	signal(SIGCHLD, SIG_DFL); /* not libxl's */
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		while (connections && waitpid(-1, NULL, WNOHANG) > 0)
			connections--;
		if (fd < 0) {
			usleep(RETRY_US);
			continue;
		}
		child = connections < CONNECTIONS ? fork() : -1;
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			c->xs = xs_open(0); /* the parent's would mix up answers */
			if (c->xs)
				serve_viewer(c, pair, fd);
			_exit(0);
		}
		connections += child > 0;
		close(fd);
	}
}

static pid_t server; /* 0: none */

void vnc_stop(void)
{
	if (!server)
		return;
	kill(server, SIGKILL); /* its viewers' processes go with it */
	while (waitpid(server, NULL, 0) < 0 && errno == EINTR)
		;
	server = 0;
}

int vnc_start(struct diptych *c, const struct diptych_pair *pair, const struct diptych_desc *desc)
{
	const char *host = desc->vnc_listen ? desc->vnc_listen : DEFAULT_HOST;
	unsigned int port = 0;
	int listener = take_port(c, pair, desc, host, &port), error;
	pid_t monitor = getpid(), child;

	if (listener < 0)
		return listener;
	error = record_write_vnc(c, pair->guest, host, port);
	if (!error) {
		tree_write_vnc(c, pair->guest, host, port);
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == monitor)
				serve(c, pair, listener);
			_exit(1);
		}
		server = child > 0 ? child : 0;
		if (child < 0)
			error = fail(c, errno, "cannot serve VNC: %s", strerror(errno));
	}
	close(listener);
	return error;
}

int diptych_vnc(struct diptych *context, uint32_t guest, char **address, unsigned int *port)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct diptych_desc desc;
	char host[64];
	int tries, error;

	*address = NULL;
	diptych_desc_init(&desc);
	error = diptych_describe(context, guest, &desc);
	if (!error && !desc.vnc)
		error = fail(context, ENOENT, "guest %s has no VNC screen", desc.name);
	for (tries = 0; !error && !record_read_vnc(guest, host, port); tries++) {
		if (tries == 50)
			error = fail(context, ENXIO,
				     "the screen of guest %s is not served; see " DIPTYCH_LOG_DIR
				     "/%s.log",
				     desc.name, desc.name);
		nanosleep(&pause, NULL);
	}
	if (!error) {
		*address = strdup(host);
		error = *address ? 0 : fail(context, ENOMEM, "out of memory");
	}
	diptych_desc_dispose(&desc);
	return error;
}
