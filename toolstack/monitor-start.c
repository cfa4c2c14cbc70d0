// SPDX-License-Identifier: GPL-2.0-or-later
/* Starts a pair's monitor, a process of its own that outlives the caller (monitor.c). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"
#include "paths.h"

/* The caller may be a daemon with blocked signals and threads: hence spawn, and a clean signal
 * state. */
static int spawn(pid_t *pid, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawn(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int monitor_start(struct diptych *c, uint32_t guest)
{
	char program[] = MONITOR_PROGRAM, number[16];
	char *const argv[] = { program, number, NULL };
	int status, error;
	pid_t pid;

	snprintf(number, sizeof(number), "%u", guest);
	error = spawn(&pid, argv);
	if (error)
		return fail(c, error, "cannot start %s: %s", program, strerror(error));
	/* It returns when its child watches. */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(c, errno, "lost sight of %s: %s", program, strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fail(c, EIO, "%s failed; see " DIPTYCH_LOG_DIR, program);
	return 0;
}

void guard_start(struct diptych *c)
{
	char program[] = MONITOR_PROGRAM, word[] = "guard";
	char *const argv[] = { program, word, NULL };
	pid_t pid;

	/* Without it the next call of the library cleans up. */
	if (spawn(&pid, argv))
		return;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)c;
}
