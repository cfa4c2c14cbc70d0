/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE */
/*
 * The port of a guest's screen.  A user would see break: anybody who can connect fills dom0 with
 * processes; a port that is taken is not told.
 */
#include "toolstack/vnc.c"

#include <check.h>
#undef fail
#include <poll.h>

/* ---- a guest whose screen has no channel yet -------------------------------------------------- */

int fail(struct diptych *c, int error, const char *format, ...)
{
	(void)c, (void)format;
	return -error;
}

int64_t clock_ms(void)
{
	return 0;
}

int channel_try(struct diptych *c, uint32_t guest, uint32_t fidelity, const char *name,
		struct channel *channel)
{
	(void)c, (void)guest, (void)fidelity, (void)name, (void)channel;
	return -ENXIO;
}

bool channel_speaks(struct channel *channel, int64_t until)
{
	(void)channel, (void)until;
	return false;
}

void channel_close(struct channel *channel)
{
	(void)channel;
}

void pump(struct libxenvchan *channel, int fd, int (*given_up)(void *user), void *user)
{
	(void)channel, (void)fd, (void)given_up, (void)user;
}

bool domain_info(struct diptych *c, uint32_t domid, xc_domaininfo_t *info)
{
	(void)c, (void)domid;
	memset(info, 0, sizeof(*info));
	return true;
}

struct xs_handle *xs_open(unsigned long flags)
{
	static char handle;

	(void)flags;
	return (struct xs_handle *)&handle;
}

bool record_read_vnc(uint32_t guest, char address[64], unsigned int *port)
{
	(void)guest, (void)address, (void)port;
	return false;
}

int record_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port)
{
	(void)c, (void)guest, (void)address, (void)port;
	return 0;
}

void tree_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port)
{
	(void)c, (void)guest, (void)address, (void)port;
}

void diptych_desc_init(struct diptych_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
}

void diptych_desc_dispose(struct diptych_desc *desc)
{
	(void)desc;
}

int diptych_describe(struct diptych *c, uint32_t guest, struct diptych_desc *desc)
{
	(void)c, (void)guest, (void)desc;
	return -ESRCH;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int listen_somewhere(union address *address)
{
	socklen_t size;
	int fd;

	ck_assert(read_address("127.0.0.1", address, &size));
	fd = try_port(address, size, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(fd, &address->any, &size), 0);
	return fd;
}

static int viewer(const union address *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, &address->any, sizeof(address->v4)), 0);
	return fd;
}

static bool sent_away(int fd, int within_ms)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, within_ms) > 0;
}

START_TEST(viewers_are_limited)
{
	struct diptych_pair pair = { .guest = 2, .fidelity = 1 };
	struct diptych context;
	union address address;
	int listener = listen_somewhere(&address), viewers[CONNECTIONS + 4], away = 0, i;
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(&context, &pair, listener);
	}
	for (i = 0; i < CONNECTIONS + 4; i++) {
		viewers[i] = viewer(&address);
		usleep(20000);
	}
	ck_assert(sent_away(viewers[CONNECTIONS + 3], 10000));
	for (i = 0; i < CONNECTIONS + 4; i++) {
		away += sent_away(viewers[i], 0);
		close(viewers[i]);
	}
	ck_assert_int_eq(away, 4);
	sleep(1); /* until their processes have seen them leave */
	i = viewer(&address);
	ck_assert(!sent_away(i, 500));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST

START_TEST(a_port_that_cannot_be)
{
	struct diptych_desc desc = { .vnc_listen = (char[]){ "127.0.0.1" } };
	union address address;
	int fd = listen_somewhere(&address);

	desc.vnc_port = ntohs(address.v4.sin_port);
	ck_assert_int_eq(vnc_try_port(&desc), -EADDRINUSE);
	close(fd);
	ck_assert_int_eq(vnc_try_port(&desc), 0);
	desc.vnc_listen = (char[]){ "192.0.2.1" };
	ck_assert_int_eq(vnc_try_port(&desc), -EADDRNOTAVAIL);
	desc.vnc_port = 0;
	ck_assert_int_eq(vnc_try_port(&desc), -EADDRNOTAVAIL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_vnc");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, viewers_are_limited);
	tcase_add_test(tcase, a_port_that_cannot_be);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
