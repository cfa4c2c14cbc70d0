// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Joins each tap<n> that QEMU is told to use with this domain's PV network device eth<n>, by a bridge br<n>.  The
 * guest's own card has the MAC that the toolstack gave, so eth<n> takes another one: the bridge would
 * keep frames for the MAC of its own port to itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "init.h"

#define CARDS_MOST 16

static bool up(int fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		return false;
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static bool change_mac(int fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return false;
	request.ifr_hwaddr.sa_data[0] =
		(char)0xfe; /* locally administered, as bridges in dom0 have it */
	return ioctl(fd, SIOCSIFHWADDR, &request) == 0;
}

static bool tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	good = !ioctl(fd, TUNSETIFF, &request) && !ioctl(fd, TUNSETPERSIST, 1);
	close(fd);
	return good;
}

static bool join(int fd, const char *bridge, const char *port)
{
	struct ifreq request = { .ifr_ifindex = (int)if_nametoindex(port) };

	/* ifr_ifindex and ifr_name do not overlap */
	snprintf(request.ifr_name, IFNAMSIZ, "%s", bridge);
	/* EBUSY: it is in there since another card had this slot. */
	return (ioctl(fd, SIOCBRADDIF, &request) == 0 || errno == EBUSY) && up(fd, port);
}

/* Whether QEMU's arguments ask for that tap device: "...,ifname=tap0,...". */
static bool wanted(char *const argv[], const char *port)
{
	char text[IFNAMSIZ + 8];
	const char *at;

	snprintf(text, sizeof(text), "ifname=%s", port);
	for (; *argv; argv++) {
		at = strstr(*argv, text);
		if (at && (at[strlen(text)] == ',' || !at[strlen(text)]))
			return true;
	}
	return false;
}

static bool appears(const char *eth)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int tries;

	for (tries = 0; !if_nametoindex(eth) && tries < 500; tries++)
		nanosleep(&pause, NULL);
	return if_nametoindex(eth) != 0;
}

bool network_join(int n)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char eth[IFNAMSIZ], bridge[IFNAMSIZ], port[IFNAMSIZ];
	bool good;

	if (fd < 0)
		return false;
	snprintf(eth, sizeof(eth), "eth%d", n);
	snprintf(bridge, sizeof(bridge), "br%d", n);
	snprintf(port, sizeof(port), "tap%d", n);
	good = appears(eth) && change_mac(fd, eth) && tap(port) &&
	       (!ioctl(fd, SIOCBRADDBR, bridge) || errno == EEXIST) && join(fd, bridge, eth) &&
	       join(fd, bridge, port) && up(fd, bridge);
	close(fd);
	return good;
}

bool network_bridge(char *const argv[])
{
	char port[IFNAMSIZ];
	int n;

	for (n = 0; n < CARDS_MOST; n++) {
		snprintf(port, sizeof(port), "tap%d", n);
		if (wanted(argv, port) && !network_join(n))
			return false;
	}
	return true;
}
