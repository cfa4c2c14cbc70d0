// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * diptych-monitor GUEST: stays beside one pair until it has ended, then takes both panels away and
 * does what on_poweroff, on_reboot and on_crash say.  It keeps no state: killed, it can be started
 * again (dxl does that whenever it is used), and another one for the same pair ends at once.
 *
 * diptych-monitor guard: waits until the process that builds a pair has let go of the lock, and removes
 * what it has left if it was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "paths.h"
#include "vnc.h"

#define LOOK_AGAIN_MS 5000 /* the guest's panel has no watch of its own in xenstore */
#define BALLOON_TRIES 10   /* a fidelity domain that does not answer must not hold us up */
#ifndef SCREEN_AGAIN_S
#define SCREEN_AGAIN_S 60 /* somebody else may have the port for now */
#endif
#define LOOK_SOON_MS	 500 /* until xenconsoled has made the pty */
#define TOO_SOON_SECONDS 10 /* a guest that ends sooner is not restarted: it would go on for ever */
#define LAST_WORDS_MS	 10000
#define LAST_WORDS_STEP	 100

static FILE *log_file;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	va_list args;

	if (!log_file)
		log_file = stderr;
	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%F %T", &tm);
	fprintf(log_file, "%s ", stamp);
	va_start(args, format);
	vfprintf(log_file, format, args);
	va_end(args);
	fputc('\n', log_file);
	fflush(log_file);
}

static void log_library(void *user, enum diptych_level level, const char *message)
{
	(void)user;
	if (level != DIPTYCH_DEBUG)
		say("%s", message);
}

static void ignore_event(void *user, const struct diptych_event *event)
{
	(void)user, (void)event;
}

static int open_log(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), DIPTYCH_LOG_DIR "/%s.log", name);
	log_file = fopen(path, "ae");
	if (log_file)
		return 0;
	fprintf(stderr, "diptych-monitor: %s: %s\n", path, strerror(errno));
	return -1;
}

/* Its end as all are told: diptych_reboot presses the power button. */
static enum diptych_end told_end(const struct diptych_pair *pair)
{
	return pair->end == DIPTYCH_END_POWEROFF && record_wants_reboot(pair->guest)
		       ? DIPTYCH_END_REBOOT
		       : pair->end;
}

static enum diptych_action action_for(const struct diptych_desc *desc, enum diptych_end end)
{
	switch (end) {
	case DIPTYCH_END_POWEROFF:
		return desc->on_poweroff;
	case DIPTYCH_END_REBOOT:
		return desc->on_reboot;
	case DIPTYCH_END_CRASH:
	case DIPTYCH_END_FIDELITY: /* to its user, a guest whose machine died has crashed */
		return desc->on_crash;
	default:
		return DIPTYCH_ACTION_DESTROY;
	}
}

/*
 * What the fidelity domain says of itself, to be freed.  A guest's crash is seen before its QEMU has said why and
 * ended: there is time for that, no more than a moment, for it is not trusted.
 */
static char *last_state(struct diptych *c, const struct diptych_pair *pair)
{
	const struct timespec step = { .tv_nsec = LAST_WORDS_STEP * 1000 * 1000 };
	xc_domaininfo_t info;
	char *state;
	int ms;

	for (ms = 0;; ms += LAST_WORDS_STEP) {
		state = tree_read(c, "/local/domain/%u/diptych/state", pair->fidelity);
		if (pair->end != DIPTYCH_END_CRASH || ms >= LAST_WORDS_MS || !state ||
		    strcmp(state, "running") || !domain_info(c, pair->fidelity, &info) ||
		    info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused))
			return state;
		free(state);
		nanosleep(&step, NULL);
	}
}

static void say_end(struct diptych *c, const struct diptych_pair *pair)
{
	char *state = NULL, *error = NULL, *line, *rest;

	if (pair->fidelity != DIPTYCH_NO_DOMAIN) {
		state = last_state(c, pair);
		error = tree_read(c, "/local/domain/%u/diptych/error", pair->fidelity);
	}
	if (state)
		make_printable(state);
	say("guest %u has ended: %s%s%s", pair->guest, diptych_end_text(pair->end),
	    state && *state ? "; its fidelity domain " : "", state ? state : "");
	for (rest = error; (line = strsep(&rest, "\n"));)
		if (*line) {
			make_printable(line);
			say("  fidelity domain: %s", line);
		}
	free(state);
	free(error);
}

/* The pair has ended, the lock is held.  Returns whether it is to be built again. */
static bool take_apart(struct diptych *c, const struct diptych_pair *pair, time_t since,
		       struct diptych_desc *desc, int *error)
{
	bool too_soon = time(NULL) - since < TOO_SOON_SECONDS; /* taking it apart may be slow */
	bool known = !record_read_desc(c, pair->guest, desc);
	enum diptych_end end = told_end(pair);
	enum diptych_action action = known ? action_for(desc, end) : DIPTYCH_ACTION_DESTROY;

	*error = 0;
	say_end(c, pair);
	if (action == DIPTYCH_ACTION_PRESERVE) {
		record_keep(pair->guest);
		say("both panels are kept, as asked; `dxl destroy %s` removes them", pair->name);
		return false;
	}
	*error = pair_destroy(c, pair, end);
	if (*error || action != DIPTYCH_ACTION_RESTART)
		return false;
	if (too_soon) {
		say("not restarted: it ran for less than %d s", TOO_SOON_SECONDS);
		return false;
	}
	return true;
}

/* Somebody has begun to take it apart, and may have been killed at it: the monitor goes on with that. */
static bool being_ended(const struct diptych_pair *pair, uint32_t guest, const uint8_t uuid[16])
{
	return pair->state == DIPTYCH_SHUTDOWN || pair->state == DIPTYCH_DYING ||
	       record_read_end(guest, uuid) != DIPTYCH_END_UNKNOWN;
}

/* The pair has ended, or somebody's hand at its end was stayed; the lock is held. */
static bool finish(struct diptych *c, struct diptych_pair *pair, time_t since,
		   struct diptych_desc *desc, int *error)
{
	enum diptych_end begun = record_read_end(pair->guest, pair->uuid);

	if (begun == DIPTYCH_END_DESTROYED) { /* which no on_... has a say in */
		say("guest %u was to be destroyed: that is done now", pair->guest);
		*error = pair_destroy(c, pair, begun);
		return false;
	}
	if (begun != DIPTYCH_END_UNKNOWN)
		pair->end = begun;
	return take_apart(c, pair, since, desc, error);
}

/* Returns the process's exit status, or -1 to look again. */
static int ended(struct diptych *c, uint32_t guest, const uint8_t uuid[16], time_t since)
{
	struct diptych_desc desc;
	struct diptych_pair pair;
	int error, lock = record_lock(c, true);
	bool again = false;
	uint32_t id;

	if (lock < 0)
		return -1;
	diptych_desc_init(&desc);
	/* Somebody may have destroyed it while we waited for the lock. */
	error = pair_find(c, guest, &pair);
	if (!error && !being_ended(&pair, guest, uuid)) {
		error = -EAGAIN;
	} else if (!error) {
		if (uuid_is_zero(pair.uuid))
			memcpy(pair.uuid, uuid, sizeof(pair.uuid));
		again = finish(c, &pair, since, &desc, &error);
	} else if (error == -ESRCH) {
		if (record_read_end(guest, uuid) == DIPTYCH_END_UNKNOWN) {
			say("guest %u is gone: destroyed by a tool that knows no pairs", guest);
			record_end(c, guest, uuid, DIPTYCH_END_DESTROYED);
		} else {
			say("guest %u is gone: %s", guest,
			    diptych_end_text(record_read_end(guest, uuid)));
		}
		pair_forget(c, guest);
		error = 0;
	}
	diptych_pair_dispose(&pair);
	if (again) { /* under the same lock: whoever destroys it by name never finds it missing */
		say("building it again");
		error = pair_create(c, &desc, PAIR_AGAIN, &id);
		if (error)
			say("it could not be built again");
		else
			say("it is guest %u now", id);
		error = 0;
	}
	close(lock);
	diptych_desc_dispose(&desc);
	return error ? -1 : 0;
}

/* Whether the screen is at its port, or none is wanted; why it is not is in the log. */
static bool screen_served(struct diptych *c, const struct diptych_pair *pair)
{
	struct diptych_desc desc;
	bool served;

	diptych_desc_init(&desc);
	served = record_read_desc(c, pair->guest, &desc) || !desc.vnc || !vnc_start(c, pair, &desc);
	diptych_desc_dispose(&desc);
	return served;
}

/* Whether memory= is less than maxmem=: the balloon has yet to be told. */
static bool wants_balloon(struct diptych *c, uint32_t guest)
{
	struct diptych_desc desc;
	bool wanted;

	diptych_desc_init(&desc);
	wanted = !record_read_desc(c, guest, &desc) && desc.current_memory_kib &&
		 desc.current_memory_kib < desc.max_memory_kib;
	diptych_desc_dispose(&desc);
	return wanted;
}

static bool balloon_told(struct diptych *c, uint32_t guest)
{
	struct diptych_desc desc;
	bool told;

	diptych_desc_init(&desc);
	told = record_read_desc(c, guest, &desc) ||
	       !diptych_set_memory(c, guest, desc.current_memory_kib);
	diptych_desc_dispose(&desc);
	return told;
}

static int watch(struct diptych *c, uint32_t guest, const uint8_t uuid[16], bool screen)
{
	time_t since = time(NULL), screen_again = since + SCREEN_AGAIN_S;
	bool over, shown = false, balloon = wants_balloon(c, guest);
	struct diptych_pair pair;
	int error, status, told = 0;

	for (;;) {
		error = pair_find(c, guest, &pair);
		over = error == -ESRCH || (!error && being_ended(&pair, guest, uuid));
		if (!error && !shown)
			shown = !console_show(c, &pair);
		if (!error && !over && !screen && time(NULL) >= screen_again) {
			screen = screen_served(c, &pair);
			screen_again = time(NULL) + SCREEN_AGAIN_S;
		}
		if (!error && balloon &&
		    (pair.state == DIPTYCH_RUNNING || pair.state == DIPTYCH_BLOCKED))
			balloon = !balloon_told(c, guest) && ++told < BALLOON_TRIES;
		diptych_pair_dispose(&pair);
		if (over) {
			/* Before the lock is waited for: who holds it may want the port for a new pair. */
			vnc_stop();
			screen = false;
			status = ended(c, guest, uuid, since);
			if (status >= 0)
				return status;
			sleep(1);
		}
		diptych_event_wait(c, shown ? LOOK_AGAIN_MS : LOOK_SOON_MS, ignore_event, NULL);
	}
}

/* In the child: everything that can fail, then one byte to the parent. */
static int serve(uint32_t guest, int ready)
{
	struct diptych_pair pair;
	struct diptych *c;
	uint8_t uuid[16];
	bool screen;
	int lock, null;

	if (diptych_open(&c, log_library, NULL))
		return 1;
	if (diptych_lookup_id(c, guest, &pair) || record_prepare(c) || open_log(pair.name))
		return 1;
	lock = record_monitor_lock(guest);
	if (lock == -EWOULDBLOCK) /* it has one */
		return write(ready, "", 1) != 1;
	if (lock < 0) {
		say("cannot lock the pair: %s", strerror(-lock));
		return 1;
	}
	if (diptych_event_fd(c) < 0)
		return 1;
	memcpy(uuid, pair.uuid, sizeof(uuid));
	say("watching guest %u \"%s\", fidelity domain %u", pair.guest, pair.name, pair.fidelity);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup2(null, 2); /* the screen's process would keep the caller's */
	screen = screen_served(c, &pair);
	diptych_pair_dispose(&pair);
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	return watch(c, guest, uuid, screen);
}

static int guard(void)
{
	struct diptych *c;
	int lock;

	if (diptych_open(&c, NULL, NULL))
		return 1;
	lock = record_lock(c, true);
	if (lock >= 0)
		pair_clean(c);
	return lock < 0;
}

/* The parent's status is that of what the child has to tell; the child lives on by itself. */
static int start_guard(void)
{
	pid_t pid;
	int null;

	close_range(3, ~0u, 0);
	if (chdir("/"))
		return 1;
	pid = fork();
	if (pid)
		return pid < 0;
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup2(null,
		     2); /* who waits for the end of the caller's output shall not wait for us */
	return guard();
}

int main(int argc, char **argv)
{
	unsigned long guest;
	int ends[2];
	char byte;
	pid_t pid;

	if (argc == 2 && !strcmp(argv[1], "guard"))
		return start_guard();
	guest = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (!guest || guest >= DOMID_FIRST_RESERVED) {
		fprintf(stderr, "usage: diptych-monitor GUEST-DOMAIN-ID\nStarted by dxl and "
				"libdiptych, not by hand.\n");
		return 2;
	}
	/* Inherited descriptors would keep the caller's files, sockets and locks alive. */
	close_range(3, ~0u, 0);
	if (chdir("/") || pipe2(ends, O_CLOEXEC))
		return 1;
	umask(022);
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		close(ends[0]);
		setsid();
		return serve((uint32_t)guest, ends[1]);
	}
	close(ends[1]);
	return read(ends[0], &byte, 1) != 1;
}
