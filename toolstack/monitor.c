// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * diptych-monitor GUEST: stays beside one pair until it has ended, then takes both panels away and
 * does what on_poweroff, on_reboot and on_crash say.  It keeps no state: killed, it can be started
 * again (dxl does that whenever it is used), and another one for the same pair ends at once.
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

#define LOOK_AGAIN_MS	 5000 /* the guest's panel has no watch of its own in xenstore */
#define LOOK_SOON_MS	 500  /* until xenconsoled has made the pty */
#define TOO_SOON_SECONDS 10 /* a guest that ends sooner is not restarted: it would go on for ever */

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

static void say_end(struct diptych *c, const struct diptych_pair *pair)
{
	char *state = NULL, *error = NULL, *line, *rest;

	if (pair->fidelity != DIPTYCH_NO_DOMAIN) {
		state = tree_read(c, "/local/domain/%u/diptych/state", pair->fidelity);
		error = tree_read(c, "/local/domain/%u/diptych/error", pair->fidelity);
	}
	say("guest %u has ended: %s%s%s", pair->guest, diptych_end_text(pair->end),
	    state && *state ? "; its fidelity domain " : "", state ? state : "");
	/* Written by a domain that is not trusted: nothing that a terminal would act on. */
	for (rest = error; (line = strsep(&rest, "\n"));)
		if (*line) {
			for (char *p = line; *p; p++)
				if ((unsigned char)*p < 0x20 || *p == 0x7f)
					*p = '?';
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
	enum diptych_action action = known ? action_for(desc, pair->end) : DIPTYCH_ACTION_DESTROY;

	*error = 0;
	say_end(c, pair);
	if (action == DIPTYCH_ACTION_PRESERVE) {
		record_keep(pair->guest);
		say("both panels are kept, as asked; `dxl destroy %s` removes them", pair->name);
		return false;
	}
	*error = pair_destroy(c, pair, pair->end);
	if (*error || action != DIPTYCH_ACTION_RESTART)
		return false;
	if (too_soon) {
		say("not restarted: it ran for less than %d s", TOO_SOON_SECONDS);
		return false;
	}
	return true;
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
	if (!error && pair.state != DIPTYCH_SHUTDOWN && pair.state != DIPTYCH_DYING) {
		error = -EAGAIN;
	} else if (!error) {
		if (uuid_is_zero(pair.uuid))
			memcpy(pair.uuid, uuid, sizeof(pair.uuid));
		again = take_apart(c, &pair, since, &desc, &error);
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
		error = pair_create(c, &desc, 0, &id);
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

static int watch(struct diptych *c, uint32_t guest, const uint8_t uuid[16])
{
	time_t since = time(NULL);
	struct diptych_pair pair;
	bool over, shown = false;
	int error, status;

	for (;;) {
		error = pair_find(c, guest, &pair);
		over = error == -ESRCH ||
		       (!error && (pair.state == DIPTYCH_SHUTDOWN || pair.state == DIPTYCH_DYING));
		if (!error && !shown)
			shown = !console_show(c, &pair);
		diptych_pair_dispose(&pair);
		if (over) {
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
	diptych_pair_dispose(&pair);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup2(null, 2);
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	return watch(c, guest, uuid);
}

int main(int argc, char **argv)
{
	unsigned long guest;
	int ends[2];
	char byte;
	pid_t pid;

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
