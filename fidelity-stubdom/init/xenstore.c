// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of xenstore by /dev/xen/xenbus: one request, one answer (Xen, docs/misc/xenstore.txt;
 * the message header is that of xen/io/xs_wire.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "init.h"

enum { XS_DIRECTORY = 1, XS_READ = 2, XS_WRITE = 11, XS_ERROR = 16 };
#define PAYLOAD_MOST 4096u

struct header {
	uint32_t type, request, transaction, length;
};

static int fd = -1;

bool xenstore_open(void)
{
	fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	return fd >= 0;
}

static bool read_whole(void *to, size_t size)
{
	char *at = to;
	ssize_t got;

	for (; size; at += got, size -= (size_t)got) {
		got = read(fd, at, size);
		if (got <= 0) {
			if (got < 0 && errno == EINTR) {
				got = 0;
				continue;
			}
			return false;
		}
	}
	return true;
}

/* The payload of the answer with a NUL behind it, to be freed. */
static char *talk(uint32_t type, const char *payload, size_t length, size_t *answer_length)
{
	char message[sizeof(struct header) + PAYLOAD_MOST], *answer;
	struct header header = { .type = type, .length = (uint32_t)length };

	if (length > PAYLOAD_MOST) {
		errno = E2BIG;
		return NULL;
	}
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), payload, length);
	if (write(fd, message, sizeof(header) + length) < 0)
		return NULL;
	if (!read_whole(&header, sizeof(header)))
		return NULL;
	if (header.length > PAYLOAD_MOST) {
		errno = EPROTO;
		return NULL;
	}
	answer = calloc(1, header.length + 1);
	if (!answer || !read_whole(answer, header.length)) {
		free(answer);
		return NULL;
	}
	if (header.type == XS_ERROR || header.type != type) {
		errno = header.type == XS_ERROR && !strcmp(answer, "ENOENT")   ? ENOENT
			: header.type == XS_ERROR && !strcmp(answer, "EACCES") ? EACCES
									       : EPROTO;
		free(answer);
		return NULL;
	}
	*answer_length = header.length;
	return answer;
}

char *xenstore_read(const char *path)
{
	size_t length;

	return talk(XS_READ, path, strlen(path) + 1, &length);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **xenstore_list(const char *path, size_t *count)
{
	size_t length, at, n = 0;
	char *names = talk(XS_DIRECTORY, path, strlen(path) + 1, &length), **list;

	if (!names)
		return NULL;
	list = calloc(length + 1, sizeof(*list)); /* more than there can be */
	if (!list)
		return NULL;
	for (at = 0; at < length; at += strlen(names + at) + 1)
		list[n++] = names + at;
	qsort(list, n, sizeof(*list), by_name);
	*count = n;
	return list;
}

bool xenstore_write(const char *path, const char *value)
{
	char payload[PAYLOAD_MOST];
	size_t path_size = strlen(path) + 1, length = strlen(value);
	char *answer;

	if (fd < 0 || path_size + length > sizeof(payload))
		return false;
	memcpy(payload, path, path_size);
	memcpy(payload + path_size, value, length);
	answer = talk(XS_WRITE, payload, path_size + length, &length);
	free(answer);
	return answer != NULL;
}
