// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a description can be built, before anything is touched.  What this release cannot do is
 * listed here and nowhere else, so that lifting a limit is one deletion.
 */
#include <arpa/inet.h>
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
#include "qcow2.h"

#define NAME_MAX_LENGTH 64	 /* with ".fd" it names a log file, a domain and xenstore values */
#define DEFAULT_BRIDGE	"xenbr0" /* libxl's */
#define VCPUS_MOST	32	 /* of the fidelity domain's kernel */
#define IDE_MOST	4	 /* two controllers */
#define AHCI_MOST	6
#define NICS_MOST	16 /* the fidelity domain's init joins no more */
#define DISKS_MAX	26 /* /dev/xvda to xvdz */
#ifndef SYS_NET
#define SYS_NET "/sys/class/net"
#endif

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
		report(check, check->desc->lines.name, EINVAL, "the guest has no name");
		return;
	}
	if (strlen(name) > NAME_MAX_LENGTH)
		report(check, check->desc->lines.name, EINVAL,
		       "name \"%s\" has more than %d characters", name, NAME_MAX_LENGTH);
	for (p = name; *p; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			break;
	if (*p || *name == '.')
		report(check, check->desc->lines.name, EINVAL,
		       "name \"%s\" holds '/' or control characters or begins with '.'", name);
	if (name[strspn(name, "0123456789")] == 0)
		report(check, check->desc->lines.name, EINVAL,
		       "name \"%s\" would be taken for a domain id", name);
}

static bool is_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static void check_size(struct check *check)
{
	const struct diptych_desc *desc = check->desc;

	if (!desc->max_memory_kib || desc->max_memory_kib & 1023)
		report(check, desc->lines.memory, EINVAL, "memory must be whole MiB and not 0");
	if (desc->current_memory_kib > desc->max_memory_kib)
		report(check, desc->lines.memory, EINVAL, "memory is more than maxmem");
	if (!desc->vcpus)
		report(check, desc->lines.vcpus, EINVAL, "the guest has no vCPU");
	else if (desc->vcpus > VCPUS_MOST)
		report(check, desc->lines.vcpus, EOPNOTSUPP, "vcpus is %u: a guest can have %d",
		       desc->vcpus, VCPUS_MOST);
	if (desc->fidelity_vcpus > desc->vcpus)
		report(check, desc->lines.fidelity_vcpus, EINVAL,
		       "stubdomain_vcpus is %u: more than the guest's %u are of no use",
		       desc->fidelity_vcpus, desc->vcpus);
	if (desc->vnc && !desc->vga)
		report(check, 0, EINVAL, "vnc without a screen: vga is none");
	if (desc->vnc && desc->vnc_listen && !is_address(desc->vnc_listen))
		report(check, 0, EINVAL,
		       "vnclisten: \"%s\" is no address, such as 127.0.0.1, 0.0.0.0 or ::",
		       desc->vnc_listen);
	if (desc->boot && desc->boot[strspn(desc->boot, "cdn")])
		report(check, desc->lines.boot, EINVAL,
		       "boot is \"%s\": c (disk), d (CD-ROM) and n (network) are known",
		       desc->boot);
}

static void check_disk_file(struct check *check, const struct diptych_disk *disk)
{
	struct stat st;
	char *text;
	int error;

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
	else if (disk->format == DIPTYCH_QCOW2 && (error = qcow2_check(disk->path, &text))) {
		report(check, disk->line, -error, "disk %s: %s", disk->path,
		       text ? text : "out of memory");
		free(text);
	}
}

/* Which controller a disk is on, as qemu-argv.c places it. */
static bool on_ahci(const struct diptych_desc *desc, const struct diptych_disk *disk)
{
	return disk->bus == DIPTYCH_BUS_SATA ||
	       (desc->machine == DIPTYCH_Q35 && (disk->bus == DIPTYCH_BUS_IDE || disk->cdrom));
}

static const char *name_of_disk(const struct diptych_disk *disk)
{
	return disk->target ? disk->target : disk->path ? disk->path : "";
}

static void check_disks(struct check *check)
{
	const struct diptych_desc *desc = check->desc;
	unsigned int ide = 0, ahci = 0;
	size_t i, j;

	if (desc->disk_count > DISKS_MAX)
		report(check, 0, EINVAL, "%zu disks: a guest can have %d", desc->disk_count,
		       DISKS_MAX);
	for (i = 0; i < desc->disk_count; i++) {
		const struct diptych_disk *disk = &desc->disks[i];

		if (!disk->path && !disk->cdrom)
			report(check, disk->line, EINVAL, "disk %s has no file",
			       disk->target ? disk->target : "");
		if (on_ahci(desc, disk) && ++ahci == AHCI_MOST + 1)
			report(check, disk->line, EINVAL, "disk %s: AHCI has room for %d disks",
			       name_of_disk(disk), AHCI_MOST);
		if (!on_ahci(desc, disk) && (disk->bus == DIPTYCH_BUS_IDE || disk->cdrom) &&
		    ++ide == IDE_MOST + 1)
			report(check, disk->line, EINVAL, "disk %s: IDE has room for %d disks",
			       name_of_disk(disk), IDE_MOST);
		if (disk->cdrom && disk->format != DIPTYCH_RAW)
			report(check, disk->line, EOPNOTSUPP, "disk %s: a disc is a raw image",
			       name_of_disk(disk));
		for (j = 0; disk->target && j < i; j++)
			if (desc->disks[j].target && !strcmp(desc->disks[j].target, disk->target))
				report(check, disk->line, EINVAL, "there are two disks named %s",
				       disk->target);
		if (disk->path)
			check_disk_file(check, disk);
	}
}

static void check_nics(struct check *check)
{
	char path[64];
	size_t i;

	if (check->desc->nic_count > NICS_MOST)
		report(check, 0, EINVAL, "%zu network cards: a guest can have %d",
		       check->desc->nic_count, NICS_MOST);
	for (i = 0; i < check->desc->nic_count; i++) {
		const struct diptych_nic *nic = &check->desc->nics[i];
		const char *bridge = nic->bridge ? nic->bridge : DEFAULT_BRIDGE;

		if (nic->bridge && (strlen(nic->bridge) > 15 || strchr(nic->bridge, '/'))) {
			report(check, nic->line, EINVAL, "vif: \"%s\" cannot be a bridge's name",
			       nic->bridge);
			continue;
		}
		snprintf(path, sizeof(path), SYS_NET "/%s/bridge", bridge);
		if (access(path, F_OK))
			report(check, nic->line, ENODEV, "vif: there is no bridge %s%s", bridge,
			       nic->bridge ? "" : " (the default: none is named)");
	}
}

static void check_image(struct check *check, unsigned int line, const char *what, const char *given,
			const char *installed)
{
	const char *path = given ? given : installed;

	if (access(path, R_OK))
		report(check, line, errno, "%s of the fidelity domain, %s: %s", what, path,
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
	check_image(&check, desc->lines.kernel, "kernel", desc->fidelity_kernel, FIDELITY_KERNEL);
	check_image(&check, desc->lines.ramdisk, "ramdisk", desc->fidelity_ramdisk,
		    desc->firmware == DIPTYCH_OVMF ? FIDELITY_UEFI : FIDELITY_RAMDISK);
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
