// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs QEMU.  What it says on stdout and stderr goes to the kernel's log, and its end is kept for the toolstack. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "init.h"

/* A line of the log for a line of QEMU's, however it comes in pieces. */
static void log_lines(const char *text, size_t length)
{
	static char line[256];
	static size_t have;

	for (; length; text++, length--) {
		if (*text != '\n')
			line[have++] = *text;
		if (*text == '\n' || have == sizeof(line)) {
			log_line("qemu: %.*s\n", (int)have, line);
			have = 0;
		}
	}
}

/* Keeps the end of all that was said. */
static void keep(char *kept, size_t size, const char *text, size_t length)
{
	size_t have = strlen(kept), room = size - 1;

	if (length > room) {
		text += length - room;
		length = room;
	}
	if (have + length > room) {
		memmove(kept, kept + have + length - room, room - length);
		have = room - length;
	}
	memcpy(kept + have, text, length);
	kept[have + length] = '\0';
}

static void child(char *const argv[], int output)
{
	int input = open("/dev/null", O_RDONLY);

	dup2(input, 0);
	dup2(output, 1);
	dup2(output, 2);
	execv(argv[0], argv);
	log_line("init: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int process_run(char *const argv[], char *last_lines, size_t size)
{
	int pipes[2], status = 0;
	char text[256];
	ssize_t got;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0)
		child(argv, pipes[1]);
	close(pipes[1]);
	if (pid < 0)
		return -1;
	while ((got = read(pipes[0], text, sizeof(text))) > 0 || (got < 0 && errno == EINTR)) {
		if (got < 0)
			continue;
		keep(last_lines, size, text, (size_t)got);
		log_lines(text, (size_t)got);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
