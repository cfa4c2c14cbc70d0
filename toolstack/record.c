// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must outlive a process but not the host, below /run/diptych:
 *
 *   lock		held while a pair is built or taken apart
 *   G/desc		description of the pair, for its restart
 *   G/kept		the pair has ended and stays, as on_... said
 *   G/monitor		held (flock) by the pair's monitor while it lives
 *   ended/G		"UUID REASON": why the pair with this id ended, for who sees it gone
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context.h"
#include "paths.h"

#define RECORD_PATH 128

static const char *const ends[] = {
	[DIPTYCH_END_UNKNOWN] = "unknown",   [DIPTYCH_END_POWEROFF] = "poweroff",
	[DIPTYCH_END_REBOOT] = "reboot",     [DIPTYCH_END_CRASH] = "crash",
	[DIPTYCH_END_FIDELITY] = "fidelity", [DIPTYCH_END_DESTROYED] = "destroyed",
};

const char *diptych_end_text(enum diptych_end end)
{
	return (size_t)end < sizeof(ends) / sizeof(ends[0]) ? ends[end] : ends[DIPTYCH_END_UNKNOWN];
}

static int make_directory(struct diptych *c, const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		return fail(c, errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

int record_prepare(struct diptych *c)
{
	int error = make_directory(c, DIPTYCH_RUN_DIR);

	if (!error)
		error = make_directory(c, DIPTYCH_RUN_DIR "/ended");
	if (!error)
		error = make_directory(c, DIPTYCH_LOG_DIR);
	return error;
}

int record_lock(struct diptych *c, bool wait)
{
	int fd, error = record_prepare(c);

	if (error)
		return error;
	fd = open(DIPTYCH_RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(c, errno, "cannot open " DIPTYCH_RUN_DIR "/lock: %s", strerror(errno));
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB))
		if (errno == EWOULDBLOCK) {
			close(fd);
			return -EWOULDBLOCK;
		} else if (errno != EINTR) {
			error = fail(c, errno, "cannot lock " DIPTYCH_RUN_DIR "/lock: %s",
				     strerror(errno));
			close(fd);
			return error;
		}
	return fd;
}

int record_start(struct diptych *c, uint32_t guest, const struct diptych_desc *desc)
{
	char path[RECORD_PATH], *text = diptych_desc_format(desc);
	bool good = false;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/ended/%u", guest);
	unlink(path);
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u", guest);
	if (!text || make_directory(c, path)) {
		free(text);
		return text ? -EIO : fail(c, ENOMEM, "out of memory");
	}
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/desc", guest);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file) {
		good = fputs(text, file) >= 0;
		good = !fclose(file) && good;
	}
	free(text);
	return good ? 0 : fail(c, errno, "cannot write %s: %s", path, strerror(errno));
}

int record_read_desc(struct diptych *c, uint32_t guest, struct diptych_desc *desc)
{
	char path[RECORD_PATH], *text = NULL;
	int error;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/desc", guest);
	error = diptych_desc_parse_file(desc, path, &text);
	if (error)
		fail(c, -error, "%s", text ? text : "out of memory");
	free(text);
	return error;
}

void record_end(struct diptych *c, uint32_t guest, const uint8_t uuid[16], enum diptych_end end)
{
	char path[RECORD_PATH], text[37];
	FILE *file;

	if (record_prepare(c))
		return;
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/ended/%u", guest);
	file = fopen(path, "we");
	if (!file)
		return;
	uuid_text(uuid, text);
	fprintf(file, "%s %s\n", text, diptych_end_text(end));
	fclose(file);
}

enum diptych_end record_read_end(uint32_t guest, const uint8_t uuid[16])
{
	enum diptych_end end = DIPTYCH_END_UNKNOWN, i;
	char path[RECORD_PATH], text[37], found[37], word[16];
	FILE *file;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/ended/%u", guest);
	file = fopen(path, "re");
	if (!file)
		return end;
	uuid_text(uuid, text);
	if (fscanf(file, "%36s %15s", found, word) == 2 && !strcmp(found, text))
		for (i = DIPTYCH_END_UNKNOWN; i <= DIPTYCH_END_DESTROYED; i++)
			if (!strcmp(word, ends[i]))
				end = i;
	fclose(file);
	return end;
}

void record_forget(uint32_t guest)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/desc", guest);
	unlink(path);
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/kept", guest);
	unlink(path);
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/monitor", guest);
	unlink(path);
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u", guest);
	rmdir(path);
}

void record_keep(uint32_t guest)
{
	char path[RECORD_PATH];
	int fd;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/kept", guest);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

bool record_is_kept(uint32_t guest)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/kept", guest);
	return !access(path, F_OK);
}

int record_monitor_lock(uint32_t guest)
{
	char path[RECORD_PATH];
	int fd, error;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u", guest);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/monitor", guest);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = -errno;
	close(fd);
	return error;
}
