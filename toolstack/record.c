// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must outlive a process but not the host, below /run/diptych:
 *
 *   lock		held while a pair is built or taken apart, also by the scripts that libxl starts for that: they
 *			outlive a builder that is killed, and write to xenstore
 *   building		"UUID UUID": guest and fidelity domain of the pair that is being built
 *   G/desc		description of the pair, for its restart
 *   G/kept		the pair has ended and stays, as on_... said
 *   G/reboot		its end by the power button is to count as a reboot
 *   G/vnc		"ADDRESS PORT": where its screen is
 *   G/channel-NAME	held (flock) by who talks to its fidelity domain by that channel
 *   G/change		held (flock) by who plugs its devices
 *   G/monitor		held (flock) by the pair's monitor while it lives
 *   ended/G		"UUID REASON": why the pair with this id ended, for who sees it gone
 */
#include <dirent.h>
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
	fd = open(DIPTYCH_RUN_DIR "/lock", O_RDWR | O_CREAT, 0600); /* inherited on purpose */
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

#define BUILDING DIPTYCH_RUN_DIR "/building"

int record_building(struct diptych *c, const uint8_t guest[16], const uint8_t fidelity[16])
{
	char first[37], second[37];
	FILE *file = fopen(BUILDING, "we");

	uuid_text(guest, first);
	uuid_text(fidelity, second);
	if (!file || fprintf(file, "%s %s\n", first, second) < 0 || fclose(file))
		return fail(c, errno, "cannot write " BUILDING ": %s", strerror(errno));
	return 0;
}

bool record_read_building(uint8_t guest[16], uint8_t fidelity[16])
{
	char first[37], second[37];
	libxl_uuid uuid;
	FILE *file = fopen(BUILDING, "re");
	bool good;

	if (!file)
		return false;
	good = fscanf(file, "%36s %36s", first, second) == 2 &&
	       !libxl_uuid_from_string(&uuid, first);
	fclose(file);
	if (!good)
		return false;
	memcpy(guest, libxl_uuid_bytearray(&uuid), 16);
	if (libxl_uuid_from_string(&uuid, second))
		return false;
	memcpy(fidelity, libxl_uuid_bytearray(&uuid), 16);
	return true;
}

void record_built(void)
{
	unlink(BUILDING);
}

int record_write_desc(struct diptych *c, uint32_t guest, const struct diptych_desc *desc)
{
	char path[RECORD_PATH], made[RECORD_PATH], *text = diptych_desc_format(desc);
	bool good = false;
	FILE *file;
	int fd;

	if (!text)
		return fail(c, ENOMEM, "out of memory");
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/desc", guest);
	snprintf(made, sizeof(made), DIPTYCH_RUN_DIR "/%u/desc.new", guest);
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file) {
		good = fputs(text, file) >= 0;
		good = !fclose(file) && good;
	}
	free(text);
	good = good && !rename(made, path);
	return good ? 0 : fail(c, errno, "cannot write %s: %s", path, strerror(errno));
}

int record_start(struct diptych *c, uint32_t guest, const struct diptych_desc *desc)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/ended/%u", guest);
	unlink(path);
	record_forget(guest); /* of an earlier one with its number */
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u", guest);
	if (make_directory(c, path))
		return -EIO;
	return record_write_desc(c, guest, desc);
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
	char folder[RECORD_PATH], path[RECORD_PATH + 257];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), DIPTYCH_RUN_DIR "/%u", guest);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path); /* not . and .. */
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static void set_mark(uint32_t guest, const char *name, bool there)
{
	char path[RECORD_PATH];
	int fd;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/%s", guest, name);
	if (!there) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

static bool has_mark(uint32_t guest, const char *name)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/%s", guest, name);
	return !access(path, F_OK);
}

void record_keep(uint32_t guest)
{
	set_mark(guest, "kept", true);
}

bool record_is_kept(uint32_t guest)
{
	return has_mark(guest, "kept");
}

void record_want_reboot(uint32_t guest, bool wanted)
{
	set_mark(guest, "reboot", wanted);
}

bool record_wants_reboot(uint32_t guest)
{
	return has_mark(guest, "reboot");
}

int record_write_vnc(struct diptych *c, uint32_t guest, const char *address, unsigned int port)
{
	char path[RECORD_PATH];
	FILE *file;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/vnc", guest);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%s %u\n", address, port) < 0 || fclose(file))
		return fail(c, errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

bool record_read_vnc(uint32_t guest, char address[64], unsigned int *port)
{
	char path[RECORD_PATH], number[8];
	FILE *file;
	int got;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/vnc", guest);
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fscanf(file, "%63s %7s", address, number);
	fclose(file);
	*port = got == 2 ? (unsigned int)strtoul(number, NULL, 10) : 0;
	return *port;
}

static int take_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), error;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int record_channel_lock(uint32_t guest, const char *name)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/channel-%s", guest, name);
	return take_lock(path);
}

int record_change_lock(uint32_t guest)
{
	char path[RECORD_PATH];
	int fd, error;

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/change", guest);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int record_monitor_lock(uint32_t guest)
{
	char path[RECORD_PATH];

	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u", guest);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), DIPTYCH_RUN_DIR "/%u/monitor", guest);
	return take_lock(path);
}
