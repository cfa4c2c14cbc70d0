// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2 images (QEMU, docs/interop/qcow2.txt): the header, as far as dom0 must know it.  dom0 reads no
 * more than these bytes of a file that a guest may have written.
 */
#include "qcow2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC	      0x514649fbu /* "QFI" 0xfb */
#define SIZE_MOST     (1ull << 46)
#define EXTERNAL_DATA 0x4ull

struct header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t encryption, l1_size;
	uint64_t l1_offset, refcount_offset;
	uint32_t refcount_clusters, snapshots;
	uint64_t snapshots_offset;
	uint64_t incompatible; /* version 3 */
};
_Static_assert(sizeof(struct header) == 80, "as in the file");

static int explain(char **error, int result, const char *text)
{
	*error = strdup(text);
	return result;
}

static int read_header(int fd, struct header *header)
{
	ssize_t got = pread(fd, header, sizeof(*header), 0);

	return got == (ssize_t)sizeof(*header) ? 0 : got < 0 ? -errno : -EINVAL;
}

/* How long the file can get: all clusters, their tables (8 bytes a cluster) and counts (2 bytes a
 * cluster, doubled while they are moved), and some room. */
static uint64_t length_at_most(const struct header *header)
{
	uint64_t size = be64toh(header->size);
	uint64_t clusters = (size >> be32toh(header->cluster_bits)) + 1;

	return (size + clusters * 16 + (64ull << 20)) & ~(uint64_t)0xffff;
}

static int check_header(const struct header *header, char **error)
{
	uint32_t version = be32toh(header->version), bits = be32toh(header->cluster_bits);

	if (be32toh(header->magic) != MAGIC)
		return explain(error, -EINVAL, "is no qcow2 image");
	if (version != 2 && version != 3)
		return explain(error, -EOPNOTSUPP, "is a qcow2 image of an unknown version");
	if (header->backing_offset)
		return explain(error, -EOPNOTSUPP,
			       "rests on another image, which a fidelity domain cannot reach; "
			       "`qemu-img convert` makes a whole one");
	if (header->encryption)
		return explain(error, -EOPNOTSUPP, "is encrypted, which is not supported");
	if (version == 3 && be64toh(header->incompatible) & EXTERNAL_DATA)
		return explain(error, -EOPNOTSUPP, "keeps its data in another file");
	if (bits < 9 || bits > 21 || be64toh(header->size) > SIZE_MOST)
		return explain(error, -EINVAL, "is a damaged qcow2 image");
	return 0;
}

static int check_room(int fd, const struct header *header, char **error)
{
	uint64_t have = 0, need = length_at_most(header);
	struct stat st;

	if (fstat(fd, &st) || S_ISREG(st.st_mode))
		return 0; /* made longer when it is used */
	if (ioctl(fd, BLKGETSIZE64, &have) || have >= need)
		return 0;
	if (asprintf(error,
		     "is too small a device for its qcow2 image, which can grow to %" PRIu64 " MiB",
		     need >> 20) < 0)
		*error = NULL;
	return -ENOSPC;
}

int qcow2_check(const char *path, char **error)
{
	struct header header;
	int fd = open(path, O_RDONLY | O_CLOEXEC), result;

	*error = NULL;
	if (fd < 0)
		return explain(error, -errno, strerror(errno));
	result = read_header(fd, &header);
	if (result)
		explain(error, result, "is no qcow2 image");
	else
		result = check_header(&header, error);
	if (!result)
		result = check_room(fd, &header, error);
	close(fd);
	return result;
}

int qcow2_make_room(const char *path)
{
	struct header header;
	struct stat st;
	char *text = NULL;
	int fd = open(path, O_RDWR | O_CLOEXEC), result;

	if (fd < 0)
		return -errno;
	result = read_header(fd, &header);
	if (!result && !check_header(&header, &text) && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size < length_at_most(&header) &&
	    ftruncate(fd, (off_t)length_at_most(&header)))
		result = -errno;
	free(text);
	close(fd);
	return result;
}
