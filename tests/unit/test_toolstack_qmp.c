/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -lxenlight -lxenstore -lpthread */
/*
 * QMP and the pump over a channel that is a pair of sockets here.  A user would see break: a command
 * whose answer is taken for another's, a fidelity domain that answers nonsense, nothing or without end
 * and hangs dom0's tools, a viewer that loses bytes.
 */
#define DIPTYCH_RUN_DIR "test-toolstack-qmp-run"

#include <check.h>
#undef fail

#include "toolstack/context.h"

#define ANSWER_MS    300
#define MESSAGE_MOST 65536u
#include "toolstack/qmp.c"

#include "toolstack/json.c"

#include "toolstack/channel.c"

#define SCREEN_MS 400
#include "toolstack/control.c"

#include "fidelity-stubdom/init/pump.c"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct diptych context;
static struct diptych_pair pair = {
	.guest = 1, .fidelity = 2, .name = (char[]){ "g" }, .state = DIPTYCH_RUNNING
};
static int ends[2]; /* ours, QEMU's */
static bool served; /* somebody serves the channel */

/* ---- what the files under test need ---------------------------------------------------------- */

int fail(struct diptych *c, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return -error;
}

void note(struct diptych *c, enum diptych_level level, const char *format, ...)
{
	(void)c, (void)level, (void)format;
}

char *tree_read(struct diptych *c, const char *path, ...)
{
	(void)c, (void)path;
	return served ? strdup("1") : strdup("");
}

int record_channel_lock(uint32_t guest, const char *name)
{
	(void)guest, (void)name;
	return dup(0);
}

int diptych_lookup_id(struct diptych *c, uint32_t domid, struct diptych_pair *found)
{
	(void)c, (void)domid, (void)found;
	return -ESRCH;
}

void diptych_pair_dispose(struct diptych_pair *found)
{
	(void)found;
}

void record_want_reboot(uint32_t guest, bool wanted)
{
	(void)guest, (void)wanted;
}

void tree_write_target(struct diptych *c, uint32_t guest, uint64_t kib)
{
	(void)c, (void)guest, (void)kib;
}

/* ---- libxenvchan on a socket ----------------------------------------------------------------- */

struct libxenvchan *libxenvchan_client_init(struct xentoollog_logger *logger, int domain,
					    const char *path)
{
	(void)logger, (void)domain;
	ck_assert_str_eq(path, "/local/domain/2/diptych/channel/qmp");
	return served ? calloc(1, sizeof(struct libxenvchan)) : NULL;
}

void libxenvchan_close(struct libxenvchan *ring)
{
	free(ring);
}

int libxenvchan_fd_for_select(struct libxenvchan *ring)
{
	(void)ring;
	return ends[0];
}

int libxenvchan_wait(struct libxenvchan *ring)
{
	(void)ring;
	return 0;
}

int libxenvchan_data_ready(struct libxenvchan *ring)
{
	int ready = 0;

	(void)ring;
	ioctl(ends[0], FIONREAD, &ready);
	return ready;
}

int libxenvchan_is_open(struct libxenvchan *ring)
{
	char byte;

	(void)ring;
	return recv(ends[0], &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

int libxenvchan_read(struct libxenvchan *ring, void *to, size_t size)
{
	ssize_t got = recv(ends[0], to, size, MSG_DONTWAIT);

	(void)ring;
	return got > 0 ? (int)got : got < 0 && errno == EAGAIN ? 0 : -1;
}

/* A socket does not tell when it has room again, as a ring does: so it waits, and takes little at once. */
int libxenvchan_write(struct libxenvchan *ring, const void *from, size_t size)
{
	ssize_t put = send(ends[0], from, size > 900 ? 900 : size, MSG_NOSIGNAL);

	(void)ring;
	return put > 0 ? (int)put : -1;
}

/* ---- QEMU ------------------------------------------------------------------------------------ */

static const char *greeting, *const *answers;

static void *play_qemu(void *unused)
{
	char line[4096];
	FILE *in = fdopen(dup(ends[1]), "r");
	int i;

	(void)unused;
	dprintf(ends[1], "%s", greeting);
	for (i = 0; fgets(line, sizeof(line), in); i++) {
		if (!answers[i])
			break;
		dprintf(ends[1], "%s", answers[i]);
	}
	fclose(in);
	return NULL;
}

static pthread_t qemu;

static void start_qemu(const char *hello, const char *const *script)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	signal(SIGPIPE,
	       SIG_IGN); /* QEMU's thread may be about to write when the test has seen enough */
	served = true;
	greeting = hello;
	answers = script;
	ck_assert_int_eq(pthread_create(&qemu, NULL, play_qemu, NULL), 0);
}

static void stop_qemu(void)
{
	shutdown(ends[0], SHUT_RDWR);
	pthread_join(qemu, NULL);
	close(ends[0]);
	close(ends[1]);
}

#define HELLO "{\"QMP\": {\"version\": {}}}\r\n"
#define DONE  "{\"return\": {}}\r\n"

START_TEST(an_answer_is_found_among_events)
{
	static const char *const script[] = {
		DONE,
		"{\"event\": \"RESUME\", \"data\": {\"return\": 1}}\r\n{\"return\": {\"x\": [1, "
		"\"}\"]}}\r\n",
		"{\"error\": {\"class\": \"GenericError\", \"desc\": "
		"\"no\\u001bsuch\\nthing\"}}\r\n",
		NULL
	};
	struct qmp qmp;
	char *answer;

	start_qemu(HELLO, script);
	ck_assert_msg(!qmp_open(&context, &pair, &qmp), "%s", context.error);
	ck_assert_int_eq(qmp_run(&qmp, &answer, "{\"execute\":\"%s\"}", "a"), 0);
	ck_assert_str_eq(answer, "{\"x\": [1, \"}\"]}");
	free(answer);
	ck_assert_int_eq(qmp_run(&qmp, &answer, "{}"), -EREMOTEIO);
	/* Nothing that a terminal would act on. */
	ck_assert_str_eq(context.error, "the guest's device model refuses: no?such?thing");
	qmp_close(&qmp);
	stop_qemu();
}
END_TEST

START_TEST(who_does_not_answer_is_left)
{
	static const char *const script[] = { DONE, "", NULL }, *const hangs_up[] = { DONE, NULL };
	struct qmp qmp;

	start_qemu(HELLO, script);
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), 0);
	ck_assert_int_eq(qmp_run(&qmp, NULL, "{}"), -ETIMEDOUT);
	qmp_close(&qmp);
	stop_qemu();
	start_qemu(HELLO, hangs_up);
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), 0);
	shutdown(ends[1], SHUT_RDWR);
	ck_assert_int_eq(qmp_run(&qmp, NULL, "{}"), -EPIPE);
	qmp_close(&qmp);
	stop_qemu();
	served = false;
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), -ETIMEDOUT);
	pair.state = DIPTYCH_PAUSED;
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), -EAGAIN);
	pair.state = DIPTYCH_RUNNING;
}
END_TEST

START_TEST(nonsense_is_told_from_answers)
{
	static char endless[MESSAGE_MOST + 100];
	static const char *const script[] = { DONE, "}{\nreturn\n[]\n\"return\"\n" DONE, endless,
					      NULL };
	struct qmp qmp;

	memset(endless, 'x', sizeof(endless) - 1);
	start_qemu(HELLO, script);
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), 0);
	ck_assert_int_eq(qmp_run(&qmp, NULL, "{}"), 0);
	ck_assert_int_eq(qmp_run(&qmp, NULL, "{}"), -EMSGSIZE);
	qmp_close(&qmp);
	stop_qemu();
}
END_TEST

/* Whoever never ceases to talk is left as he who says nothing. */
static const char *flood;
static size_t flood_length;

static void *play_flood(void *unused)
{
	(void)unused;
	while (send(ends[1], flood, flood_length, MSG_NOSIGNAL) > 0)
		usleep(1000); /* else the picture is too large before it takes too long */
	return NULL;
}

static void start_flood(const char *text, size_t length)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	served = true;
	flood = text;
	flood_length = length;
	ck_assert_int_eq(pthread_create(&qemu, NULL, play_flood, NULL), 0);
}

START_TEST(who_never_ceases_is_left)
{
	static char lines[MESSAGE_MOST / 3 * 3], bytes[4096];
	struct libxenvchan ring = { .blocking = 0 };
	struct channel channel = { .ring = &ring };
	int64_t begun = clock_ms();
	struct qmp qmp;
	size_t i;

	for (i = 0; i < sizeof(lines); i += 3)
		memcpy(lines + i, "{}\n", 3);
	start_flood(lines, sizeof(lines));
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), -ETIMEDOUT);
	ck_assert_int_lt(clock_ms() - begun, 10 * ANSWER_MS);
	stop_qemu();
	begun = clock_ms();
	memcpy(bytes, "P6\n", 3);
	start_flood(bytes, sizeof(bytes));
	ck_assert_int_eq(copy_screen(&context, &channel, open("/dev/null", O_WRONLY),
				     begun + SCREEN_MS),
			 -ETIMEDOUT);
	ck_assert_int_lt(clock_ms() - begun, 10 * SCREEN_MS);
	stop_qemu();
}
END_TEST

START_TEST(a_late_answer_is_not_the_next_commands)
{
	static const char *const script[] = { DONE, "", DONE "{\"return\": 2}\n", NULL };
	struct qmp qmp;
	char *answer;

	start_qemu(HELLO, script);
	ck_assert_int_eq(qmp_open(&context, &pair, &qmp), 0);
	ck_assert_int_eq(qmp_run(&qmp, NULL, "{}"), -ETIMEDOUT);
	ck_assert_int_eq(qmp_run(&qmp, &answer, "{}"), -ETIMEDOUT);
	ck_assert_ptr_null(answer);
	qmp_close(&qmp);
	stop_qemu();
}
END_TEST

/* ---- the pump -------------------------------------------------------------------------------- */

#define MANY 1000000u

static void *play_server(void *argument)
{
	char bytes[7001], back[4096];
	size_t sent = 0, got = 0, i;
	ssize_t n;

	(void)argument;
	while (sent < MANY || got < MANY) {
		struct pollfd polled = { .fd = ends[1], .events = POLLIN };

		if (sent < MANY)
			polled.events |= POLLOUT;
		poll(&polled, 1, -1);
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)((sent + i) % 251);
		if (polled.revents & POLLOUT) {
			n = send(ends[1], bytes,
				 MANY - sent < sizeof(bytes) ? MANY - sent : sizeof(bytes),
				 MSG_DONTWAIT);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (polled.revents & POLLIN) {
			n = recv(ends[1], back, sizeof(back), MSG_DONTWAIT);
			for (i = 0; n > 0 && i < (size_t)n; i++)
				ck_assert_int_eq(back[i], (char)((got + i) % 13));
			got += n > 0 ? (size_t)n : 0;
		}
	}
	close(ends[1]);
	return NULL;
}

static void *play_viewer(void *argument)
{
	int fd = *(int *)argument;
	char bytes[3000];
	size_t sent = 0, got = 0, i;
	ssize_t n;

	for (;;) {
		struct pollfd polled = { .fd = fd, .events = POLLIN };

		if (sent < MANY)
			polled.events |= POLLOUT;
		poll(&polled, 1, -1);
		if (polled.revents & POLLOUT && sent < MANY) {
			for (i = 0; i < sizeof(bytes); i++)
				bytes[i] = (char)((sent + i) % 13);
			n = send(fd, bytes,
				 MANY - sent < sizeof(bytes) ? MANY - sent : sizeof(bytes),
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (!(polled.revents & (POLLIN | POLLHUP)))
			continue;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0)
			break;
		for (i = 0; n > 0 && i < (size_t)n; i++)
			ck_assert_int_eq(bytes[i], (char)((got + i) % 251));
		got += n > 0 ? (size_t)n : 0;
	}
	ck_assert_uint_eq(got, MANY);
	return NULL;
}

START_TEST(the_pump_loses_nothing)
{
	struct libxenvchan ring = { .blocking = 0 };
	int sockets[2];
	pthread_t server, viewer;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pthread_create(&server, NULL, play_server, NULL);
	pthread_create(&viewer, NULL, play_viewer, &sockets[1]);
	pump(&ring, sockets[0], NULL, NULL); /* until the server closes */
	close(sockets[0]);
	pthread_join(server, NULL);
	pthread_join(viewer, NULL);
	close(sockets[1]);
	close(ends[0]);
}
END_TEST

static int after_a_second(void *user)
{
	return ++*(int *)user;
}

START_TEST(the_pump_ends_when_told)
{
	struct libxenvchan ring = { .blocking = 0 };
	int sockets[2], asked = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pump(&ring, sockets[0], after_a_second, &asked);
	ck_assert_int_eq(asked, 1);
	/* The viewer goes, what it sent last still arrives. */
	ck_assert_int_eq((int)send(sockets[1], "bye", 3, 0), 3);
	close(sockets[1]);
	pump(&ring, sockets[0], NULL, NULL);
	char bytes[4];
	ck_assert_int_eq((int)recv(ends[1], bytes, 4, 0), 3);
	close(ends[0]);
	close(ends[1]);
	close(sockets[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_qmp");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_answer_is_found_among_events);
	tcase_add_test(tcase, who_does_not_answer_is_left);
	tcase_add_test(tcase, nonsense_is_told_from_answers);
	tcase_add_test(tcase, who_never_ceases_is_left);
	tcase_add_test(tcase, a_late_answer_is_not_the_next_commands);
	tcase_add_test(tcase, the_pump_loses_nothing);
	tcase_add_test(tcase, the_pump_ends_when_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
