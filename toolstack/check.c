// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a description can be built, before anything is touched.  What this release cannot do is
 * listed here and nowhere else, so that lifting a limit is one deletion.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libdiptych.h"
#include "paths.h"

#define NAME_MAX_LENGTH 64	 /* with ".fd" it names a log file, a domain and xenstore values */
#define DEFAULT_BRIDGE	"xenbr0" /* libxl's */
#define DISKS_MAX	26	 /* /dev/xvda to xvdz */

struct check {
	const struct diptych_desc *desc;
	FILE *report;
	int error;
};

__attribute__((format(printf, 4, 5))) static void report(struct check *check, unsigned int line,
							 int error, const char *format, ...)
{
	va_list args;

	if (check->desc->source)
		fprintf(check->report, "%s:", check->desc->source);
	if (check->desc->source && line)
		fprintf(check->report, "%u:", line);
	if (check->desc->source)
		fputc(' ', check->report);
	va_start(args, format);
	vfprintf(check->report, format, args);
	va_end(args);
	fputc('\n', check->report);
	if (!check->error)
		check->error = -error;
}

static void check_name(struct check *check)
{
	const char *name = check->desc->name, *p;

	if (!name || !*name) {
		report(check, 0, EINVAL, "the guest has no name");
		return;
	}
	if (strlen(name) > NAME_MAX_LENGTH)
		report(check, 0, EINVAL, "name \"%s\" has more than %d characters", name,
		       NAME_MAX_LENGTH);
	for (p = name; *p; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			break;
	if (*p || *name == '.')
		report(check, 0, EINVAL,
		       "name \"%s\" holds '/' or control characters or begins with '.'", name);
	if (name[strspn(name, "0123456789")] == 0)
		report(check, 0, EINVAL, "name \"%s\" would be taken for a domain id", name);
}

static void check_size(struct check *check)
{
	const struct diptych_desc *desc = check->desc;

	if (!desc->max_memory_kib || desc->max_memory_kib & 1023)
		report(check, 0, EINVAL, "memory must be whole MiB and not 0");
	if (desc->current_memory_kib && desc->current_memory_kib != desc->max_memory_kib)
		report(check, 0, EOPNOTSUPP,
		       "memory and maxmem differ: this release cannot change a guest's memory "
		       "while it runs");
	if (!desc->vcpus)
		report(check, 0, EINVAL, "the guest has no vCPU");
	else if (desc->vcpus > 1)
		report(check, 0, EOPNOTSUPP, "vcpus is %u: this release gives a guest one vCPU",
		       desc->vcpus);
	if (desc->firmware != DIPTYCH_SEABIOS)
		report(check, 0, EOPNOTSUPP, "bios is ovmf: this release has seabios only");
	if (desc->boot && desc->boot[strspn(desc->boot, "cdn")])
		report(check, 0, EINVAL,
		       "boot is \"%s\": c (disk), d (CD-ROM) and n (network) are known",
		       desc->boot);
}

static void check_disk_file(struct check *check, const struct diptych_disk *disk)
{
	struct stat st;

	if (stat(disk->path, &st)) {
		report(check, disk->line, errno, "disk %s: %s", disk->path, strerror(errno));
		return;
	}
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		report(check, disk->line, EINVAL, "disk %s: neither a block device nor a file",
		       disk->path);
	else if (access(disk->path, disk->readonly || disk->cdrom ? R_OK : R_OK | W_OK))
		report(check, disk->line, errno, "disk %s: %s", disk->path, strerror(errno));
	else if (S_ISREG(st.st_mode) && (!st.st_size || st.st_size % 512))
		report(check, disk->line, EINVAL, "disk %s: %jd bytes are not whole sectors",
		       disk->path, (intmax_t)st.st_size);
}

static void check_disks(struct check *check)
{
	const struct diptych_desc *desc = check->desc;
	size_t i;

	if (desc->disk_count > DISKS_MAX)
		report(check, 0, EINVAL, "%zu disks: a guest can have %d", desc->disk_count,
		       DISKS_MAX);
	for (i = 0; i < desc->disk_count; i++) {
		const struct diptych_disk *disk = &desc->disks[i];

		if (!disk->path && !disk->cdrom)
			report(check, disk->line, EINVAL, "disk %s has no file",
			       disk->target ? disk->target : "");
		if (disk->bus != DIPTYCH_BUS_VIRTIO || disk->cdrom)
			report(check, disk->line, EOPNOTSUPP,
			       "disk %s: this release has virtio disks (xvdX) only, no IDE, SATA "
			       "and CD-ROM",
			       disk->target ? disk->target
			       : disk->path ? disk->path
					    : "");
		if (disk->format != DIPTYCH_RAW)
			report(check, disk->line, EOPNOTSUPP,
			       "disk %s: this release takes raw disks only",
			       disk->path ? disk->path : "");
		if (disk->path)
			check_disk_file(check, disk);
	}
}

static void check_nics(struct check *check)
{
	char path[64];
	size_t i;

	for (i = 0; i < check->desc->nic_count; i++) {
		const struct diptych_nic *nic = &check->desc->nics[i];
		const char *bridge = nic->bridge ? nic->bridge : DEFAULT_BRIDGE;

		if (nic->model != DIPTYCH_NIC_VIRTIO)
			report(check, nic->line, EOPNOTSUPP,
			       "vif: this release has virtio network cards only");
		if (nic->bridge && (strlen(nic->bridge) > 15 || strchr(nic->bridge, '/'))) {
			report(check, nic->line, EINVAL, "vif: \"%s\" cannot be a bridge's name",
			       nic->bridge);
			continue;
		}
		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", bridge);
		if (access(path, F_OK))
			report(check, nic->line, ENODEV, "vif: there is no bridge %s%s", bridge,
			       nic->bridge ? "" : " (the default: none is named)");
	}
}

static void check_image(struct check *check, const char *what, const char *given,
			const char *installed)
{
	const char *path = given ? given : installed;

	if (access(path, R_OK))
		report(check, 0, errno, "%s of the fidelity domain, %s: %s", what, path,
		       strerror(errno));
}

int diptych_desc_check(const struct diptych_desc *desc, char **error)
{
	struct check check = { .desc = desc };
	char *text = NULL;
	size_t size;

	*error = NULL;
	check.report = open_memstream(&text, &size);
	if (!check.report)
		return -ENOMEM;
	check_name(&check);
	check_size(&check);
	check_disks(&check);
	check_nics(&check);
	check_image(&check, "kernel", desc->fidelity_kernel, FIDELITY_KERNEL);
	check_image(&check, "ramdisk", desc->fidelity_ramdisk, FIDELITY_RAMDISK);
	fclose(check.report);
	if (!check.error) {
		free(text);
		return 0;
	}
	if (text && *text)
		text[strlen(text) - 1] = 0; /* the last newline */
	*error = text;
	return check.error;
}
