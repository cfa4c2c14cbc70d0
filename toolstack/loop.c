// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file as a block device.  The loop device is of the kind that ends with its last user, and that is
 * the backend of the domain: nothing has to be undone, whoever is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/loop.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context.h"

#define TRIES 16 /* others look for a free one too */
#define USED_TRIES \
	30 /* of 100 ms: a backend lets go of its device a moment after its domain is gone */

/* Whether some loop device has this file. */
static bool is_used(const char *path, char device[32])
{
	char line[4096];
	bool used = false;
	glob_t found;
	FILE *file;
	size_t i;

	if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &found))
		return false;
	for (i = 0; !used && i < found.gl_pathc; i++) {
		file = fopen(found.gl_pathv[i], "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = 0;
			used = !strcmp(line, path);
		}
		fclose(file);
		if (used)
			snprintf(device, 32, "%.20s", found.gl_pathv[i] + strlen("/sys/block/"));
	}
	globfree(&found);
	device[strcspn(device, "/")] = 0;
	return used;
}

/* Where nobody made the node that loads the driver when it is opened, the driver makes it. */
static int open_control(void)
{
	static const char path[] = "/dev/loop-control";
	char program[] = "/sbin/modprobe", driver[] = "loop";
	char *const argv[] = { program, driver, NULL };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	pid_t pid;

	if (fd >= 0 || errno != ENOENT || posix_spawn(&pid, program, NULL, NULL, argv, environ))
		return fd;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return open(path, O_RDWR | O_CLOEXEC);
}

static int configure_free(int file, const char *path, bool readonly, char device[32])
{
	struct loop_config config = { .fd = (uint32_t)file };
	int control = open_control(), fd = -1, number, tries;
	int error = control < 0 ? -errno : -EBUSY;

	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0u);
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%.60s", path);
	for (tries = 0; control >= 0 && error == -EBUSY && tries < TRIES; tries++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0) {
			error = -errno;
			break;
		}
		snprintf(device, 32, "/dev/loop%d", number);
		fd = open(device, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (fd >= 0 && !ioctl(fd, LOOP_CONFIGURE, &config)) {
			error = 0;
			break;
		}
		error = -errno;
		if (fd >= 0)
			close(fd);
	}
	if (control >= 0)
		close(control);
	return error ? error : fd;
}

/* Waits for a moment.  false: it has somebody for good, who is named. */
static bool wait_unused(const char *path, char device[32])
{
	int tries;

	for (tries = 0; is_used(path, device); tries++) {
		if (tries == USED_TRIES)
			return false;
		usleep(100000);
	}
	return true;
}

int loop_attach(struct diptych *c, const char *path, bool readonly, char device[32])
{
	char *real = realpath(path, NULL);
	int file, fd;

	if (!real)
		return fail(c, errno, "disk %s: %s", path, strerror(errno));
	if (!readonly && !wait_unused(real, device)) {
		free(real);
		return fail(c, EBUSY, "disk %s is in use: %s has it", path, device);
	}
	file = open(real, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	fd = file < 0 ? -errno : configure_free(file, real, readonly, device);
	free(real);
	if (file >= 0)
		close(file);
	return fd >= 0 ? fd
		       : fail(c, -fd, "disk %s cannot be had as a loop device: %s", path,
			      strerror(-fd));
}
