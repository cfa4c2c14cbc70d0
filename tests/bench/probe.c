// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The probe: runs in dom0 of any hypervisor, and on the bare machine.  Each row is one thing that a user's
 * program can do, done a number of times between two markers; counter.c counts what happens between them.
 *
 *   probe shell     says that dom0's first program runs
 *   probe rows      runs all rows that this machine has, and says which
 *   probe begin ROW, probe end   one repetition of a row that is other programs' (init-xl)
 *   probe ping      in a guest: an event there and back, again and again, with dom0's `probe pong DOMAIN`
 *   probe keys KEY  sends the hypervisor a debug key
 *   probe pages     says how the machine's memory is used
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "domains.h"
#include "markers.h"

#define REPETITIONS 65
#define MORE	    100 /* domains */

/* Linux's ABI of /dev/xen (include/uapi/xen/privcmd.h, evtchn.h): no direction bits, the size as it is. */
#define IOCTL(type, nr, size) ((size) << 16 | (type) << 8 | (nr))
struct privcmd_hypercall {
	uint64_t op, arg[5];
};
#define PRIVCMD_HYPERCALL	IOCTL('P', 0, sizeof(struct privcmd_hypercall))
#define PRIVCMD_NOTHING		IOCTL('P', 255, 0)
#define EVTCHN_BIND_INTERDOMAIN IOCTL('E', 1, 8)
#define EVTCHN_BIND_UNBOUND	IOCTL('E', 2, 4)
#define EVTCHN_NOTIFY		IOCTL('E', 4, 4)
#define EVTCHN_NOTHING		IOCTL('E', 255, 0)
#define GNTALLOC_ALLOC		IOCTL('G', 5, 24)
#define HYPERCALL_XEN_VERSION	17
#define HYPERCALL_GRANT_TABLE	20
#define GRANT_MAP		0
#define GRANT_UNMAP		1
#define GRANT_COPY		5
#define HYPERCALL_SYSCTL	35
#define SYSCTL_PHYSINFO		3
#define SYSCTL_LIST		6
#define SYSCTL_DEBUG_KEYS	7
#define SYSCTL_VERSION		0x15

#define SYS_READ  0
#define SYS_WRITE 1
#define SYS_IOCTL 16

static int privcmd = -1, evtchn = -1;
static uint32_t near_port, far_port;

/* Without libc's wrapper: what is measured is the machine. */
static inline long call3(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static void begin_row(int row)
{
	switch (row) {
#define ROW(n)                \
	case n:               \
		MARK(16 + n); \
		break;
#define ROWS4(n)  ROW(n) ROW(n + 1) ROW(n + 2) ROW(n + 3)
#define ROWS16(n) ROWS4(n) ROWS4(n + 4) ROWS4(n + 8) ROWS4(n + 12)
		ROWS16(0)
		ROWS16(16)
		ROWS16(CALLS_FIRST)
		ROWS16(CALLS_FIRST + 16)
#undef ROW
	default:
		abort();
	}
}

/* The numbers are bench.py's too (PROBE_ROWS). */
#define REPEAT(row, ...)                                                           \
	do {                                                                       \
		begin_row(row);                                                    \
		for (int repetition = 0; repetition < REPETITIONS; repetition++) { \
			MARK(2);                                                   \
			__VA_ARGS__;                                               \
			MARK(3);                                                   \
		}                                                                  \
	} while (0)

static void require(int row, long result, long expected)
{
	if (result != expected) {
		printf("probe: row %d gave %ld instead of %ld\n", row, result, expected);
		exit(1);
	}
}

static void rows_of_the_processor(void)
{
	long result = 0;

	REPEAT(0, __asm__ volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx", "memory"));
	REPEAT(1, __asm__ volatile("rdtsc" : : : "rax", "rdx"));
	if (privcmd < 0)
		return;
	REPEAT(2, __asm__ volatile("vmmcall"
				   : "=a"(result)
				   : "0"(HYPERCALL_XEN_VERSION), "D"(0), "S"(0)
				   : "memory"));
	require(2, result, -1);
}

static void rows_of_privcmd(void)
{
	struct privcmd_hypercall version = { .op = HYPERCALL_XEN_VERSION };
	long result = 0;

	if (privcmd < 0)
		return;
	REPEAT(3, result = call3(SYS_IOCTL, privcmd, PRIVCMD_NOTHING, 0));
	require(3, result, -25);
	REPEAT(4, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&version));
	require(4, result >> 16, 4);
}

static void drain(void)
{
	uint32_t port;

	fcntl(evtchn, F_SETFL, O_NONBLOCK);
	while (call3(SYS_READ, evtchn, (long)&port, sizeof(port)) == sizeof(port))
		call3(SYS_WRITE, evtchn, (long)&port, sizeof(port));
	fcntl(evtchn, F_SETFL, 0);
}

static void rows_of_evtchn(void)
{
	uint32_t interdomain[2] = { 0, 0 }, unbound = 0, port = 0;
	long result = 0, woken = 0, done = 0;

	if (evtchn < 0)
		return;
	near_port = (uint32_t)call3(SYS_IOCTL, evtchn, EVTCHN_BIND_UNBOUND, (long)&unbound);
	interdomain[1] = near_port;
	far_port = (uint32_t)call3(SYS_IOCTL, evtchn, EVTCHN_BIND_INTERDOMAIN, (long)interdomain);
	if ((int)near_port <= 0 || (int)far_port <= 0) {
		printf("probe: no event channel (%d, %d)\n", (int)near_port, (int)far_port);
		exit(1);
	}
	drain();

	REPEAT(5, result = call3(SYS_IOCTL, evtchn, EVTCHN_NOTHING, 0));
	require(5, result, -38);
	/* The first makes it pending and masked, the second pending again: from then on nothing changes. */
	call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
	call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
	REPEAT(6, result = call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port));
	require(6, result, 0);
	drain();

	REPEAT(7, result = call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
	       woken = call3(SYS_READ, evtchn, (long)&port, sizeof(port));
	       done = call3(SYS_WRITE, evtchn, (long)&port, sizeof(port)));
	require(7, result, 0);
	require(7, woken, sizeof(port));
	require(7, port, near_port);
	require(7, done, sizeof(port));
}

/* Calls that change nothing, with the other domain that they ask about. */
static void rows_of_calls(bool among_more)
{
	if (privcmd < 0)
		return;
	for (unsigned int i = 0; i < CALLS; i++) {
		struct probe_call call = calls_get(i, domains_first(), near_port);
		int row = (int)(CALLS_FIRST + 2 * i + among_more);
		struct privcmd_hypercall made = { call.nr, { call.a, call.b, call.c } };
		long result = 0;

		REPEAT(row, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&made));
		if (result < call.least) {
			printf("probe: call %u gave %ld\n", i, result);
			exit(1);
		}
	}
}

/* Waits for an event, takes it, lets the next one come. */
static void event_taken(void)
{
	uint32_t port = 0;

	if (call3(SYS_READ, evtchn, (long)&port, sizeof(port)) != sizeof(port) ||
	    call3(SYS_WRITE, evtchn, (long)&port, sizeof(port)) != sizeof(port)) {
		printf("probe: no event\n");
		exit(1);
	}
}

/* An event between two domains and one back, from user space to user space: the guest's side. */
static int ping(void)
{
	uint32_t unbound = 0;

	evtchn = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	near_port = (uint32_t)call3(SYS_IOCTL, evtchn, EVTCHN_BIND_UNBOUND, (long)&unbound);
	if ((int)near_port <= 0)
		return 1;
	event_taken(); /* dom0 is there */
	REPEAT(21, call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&near_port); event_taken());
	return 0;
}

/* dom0's side: binds the only port of the guest that waits for it, and answers each event until it is killed. */
static int pong(uint32_t domain)
{
	uint32_t interdomain[2] = { domain, 0 };

	evtchn = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	for (uint32_t tries = 0; (int)far_port <= 0; tries++) {
		interdomain[1] = 3 + tries % 29;
		far_port = (uint32_t)call3(SYS_IOCTL, evtchn, EVTCHN_BIND_INTERDOMAIN,
					   (long)interdomain);
		if (tries % 29 == 0)
			usleep(10000);
		if (tries > 100000)
			return 1;
	}
	drain();
	for (;;) {
		call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
		event_taken();
	}
}

/* public/grant_table.h: as much of it as is used. */
struct grant_copy_end {
	uint64_t ref;
	uint16_t domain, offset;
};
struct grant_copy {
	struct grant_copy_end source, dest;
	uint16_t length, flags;
	int16_t status;
};
struct grant_map {
	uint64_t at;
	uint32_t flags, ref;
	uint16_t domain;
	int16_t status;
	uint32_t handle;
	uint64_t bus;
};
struct grant_unmap {
	uint64_t at, bus;
	uint32_t handle;
	int16_t status;
};
#define NOTHING_THERE 0x200000000ull /* a guest physical address, 8 GiB, of a machine of 4 GiB */

static long by_privcmd(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	struct privcmd_hypercall call = { nr, { a, b, c } };

	return call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&call);
}

/* xen_version and evtchn_send once more. */
static void rows_among_more(void)
{
	struct privcmd_hypercall version = { .op = HYPERCALL_XEN_VERSION };
	long result = 0;

	REPEAT(18, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&version));
	require(18, result >> 16, 4);
	call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
	call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port);
	REPEAT(19, result = call3(SYS_IOCTL, evtchn, EVTCHN_NOTIFY, (long)&far_port));
	require(19, result, 0);
	drain();
}

/* dom0 grants two pages to itself for copying; what is mapped is another's, as Xen moves what a domain maps of its own. */
static void rows_of_grants(void)
{
	struct {
		uint16_t domain, flags;
		uint32_t count;
		uint64_t index;
		uint32_t refs[2];
	} pages = { .flags = 1, .count = 2 };
	struct grant_copy copy = { .length = 4096, .flags = 3 };
	struct grant_map map = { .at = NOTHING_THERE, .flags = 2 };
	struct grant_unmap unmap = { .at = NOTHING_THERE };
	struct privcmd_hypercall copying = { HYPERCALL_GRANT_TABLE,
					     { GRANT_COPY, (uint64_t)&copy, 1 } };
	struct privcmd_hypercall mapping = { HYPERCALL_GRANT_TABLE,
					     { GRANT_MAP, (uint64_t)&map, 1 } };
	struct privcmd_hypercall unmapping = { HYPERCALL_GRANT_TABLE,
					       { GRANT_UNMAP, (uint64_t)&unmap, 1 } };
	int gntalloc = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
	long result = 0, done = 0;

	if (gntalloc < 0)
		return;
	require(14, call3(SYS_IOCTL, gntalloc, GNTALLOC_ALLOC, (long)&pages), 0);
	copy.source.ref = pages.refs[0];
	copy.dest.ref = pages.refs[1];
	REPEAT(14, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&copying));
	require(14, result, 0);
	require(14, copy.status, 0);
	require(20, domains_make(by_privcmd, 1), 0);
	rows_of_calls(false);
	require(20, domains_end(by_privcmd, 1), 0);
	require(20, domains_make(by_privcmd, MORE), 0);
	rows_among_more();
	rows_of_calls(true);
	REPEAT(20, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&copying));
	require(20, result, 0);
	require(15, domains_grant(by_privcmd, privcmd, &map.domain, &map.ref), 0);
	REPEAT(15, result = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&mapping);
	       unmap.handle = map.handle;
	       done = call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&unmapping));
	require(15, map.status, 0);
	require(15, unmap.status, 0);
	require(15, result, 0);
	require(15, done, 0);
	require(20, domains_end(by_privcmd, MORE), 0);
}

static int rows(void)
{
	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	evtchn = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	rows_of_the_processor();
	rows_of_privcmd();
	rows_of_evtchn();
	rows_of_grants();
	printf("probe: rows done%s%s\n", privcmd < 0 ? "" : " privcmd",
	       evtchn < 0 ? "" : " evtchn");
	return 0;
}

/* public/sysctl.h and domctl.h, version 4.17: as much of it as is used. */
struct sysctl {
	uint32_t cmd, version;
	union {
		struct {
			uint64_t keys;
			uint32_t nr;
		} debug_keys;
		struct {
			uint32_t threads, cores, nr_cpus, max_cpu_id, nr_nodes, max_node_id,
				cpu_khz, capabilities;
			uint32_t arch_capabilities, pad;
			uint64_t total_pages, free_pages;
		} physinfo;
		struct {
			uint16_t first, pad;
			uint32_t max;
			uint64_t buffer;
			uint32_t nr;
		} list;
		uint8_t pad[128];
	} u;
};

struct domain_info {
	uint16_t id, pad;
	uint32_t flags;
	uint64_t total_pages;
	uint64_t rest[32];
};

static long sysctl(struct sysctl *op, uint32_t cmd)
{
	struct privcmd_hypercall call = { .op = HYPERCALL_SYSCTL, .arg = { (uint64_t)op } };

	op->cmd = cmd;
	op->version = SYSCTL_VERSION;
	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	return privcmd < 0 ? -1 : call3(SYS_IOCTL, privcmd, PRIVCMD_HYPERCALL, (long)&call);
}

static int debug_keys(const char *keys)
{
	struct sysctl op = { .u.debug_keys = { (uint64_t)keys, (uint32_t)strlen(keys) } };

	return sysctl(&op, SYSCTL_DEBUG_KEYS) != 0;
}

static int pages(void)
{
	struct sysctl machine = { 0 }, list = { 0 };
	struct domain_info dom0 = { 0 };

	list.u.list.max = 1;
	list.u.list.buffer = (uint64_t)&dom0;
	if (sysctl(&machine, SYSCTL_PHYSINFO) || sysctl(&list, SYSCTL_LIST) ||
	    list.u.list.nr != 1 || dom0.id)
		return 1;
	printf("probe: pages total %llu free %llu dom0 %llu\n",
	       (unsigned long long)machine.u.physinfo.total_pages,
	       (unsigned long long)machine.u.physinfo.free_pages,
	       (unsigned long long)dom0.total_pages);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "shell")) {
		MARK(1);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "rows"))
		return rows();
	if (argc == 3 && !strcmp(argv[1], "begin")) {
		begin_row(atoi(argv[2]));
		MARK(2);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "end")) {
		MARK(3);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "ping"))
		return ping();
	if (argc == 3 && !strcmp(argv[1], "pong"))
		return pong((uint32_t)atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "keys"))
		return debug_keys(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "pages"))
		return pages();
	fprintf(stderr, "usage: probe shell|rows|pages|begin ROW|end|ping|pong DOMAIN|keys KEY\n");
	return 2;
}
