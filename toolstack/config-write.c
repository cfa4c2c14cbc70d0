// SPDX-License-Identifier: GPL-2.0-or-later
/* A description as xl.cfg text: what config.c reads.  It is kept beside a running pair for its
 * restart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiptych.h"

static const char *const actions[] = {
	[DIPTYCH_ACTION_DESTROY] = "destroy",
	[DIPTYCH_ACTION_RESTART] = "restart",
	[DIPTYCH_ACTION_PRESERVE] = "preserve",
};

/* xl.cfg strings: either quote, backslash escapes. */
static void write_quoted(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void write_string(FILE *file, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(file, "%s = ", key);
	write_quoted(file, value);
	fputc('\n', file);
}

static void write_uuid(FILE *file, const uint8_t uuid[16])
{
	unsigned int i, any = 0;

	for (i = 0; i < 16; i++)
		any |= uuid[i];
	if (!any)
		return;
	fputs("uuid = \"", file);
	for (i = 0; i < 16; i++)
		fprintf(file, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	fputs("\"\n", file);
}

static void write_disk(FILE *file, const struct diptych_disk *disk, size_t index)
{
	static const char *const prefix[] = {
		[DIPTYCH_BUS_VIRTIO] = "xvd", [DIPTYCH_BUS_IDE] = "hd", [DIPTYCH_BUS_SATA] = "sd"
	};
	char made[8], item[4352];

	snprintf(made, sizeof(made), "%s%c", prefix[disk->bus], (char)('a' + index % 26));
	snprintf(item, sizeof(item), "format=%s, vdev=%s, access=%s%s%s%s",
		 disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw",
		 disk->target ? disk->target : made, disk->readonly ? "ro" : "rw",
		 disk->cdrom ? ", devtype=cdrom" : "", disk->path ? ", target=" : "",
		 disk->path ? disk->path : "");
	write_quoted(file, item);
}

static void write_nic(FILE *file, const struct diptych_nic *nic)
{
	static const uint8_t none[6];
	char item[512];
	int used = snprintf(item, sizeof(item), "model=%s",
			    nic->model == DIPTYCH_NIC_E1000 ? "e1000" : "virtio-net");

	if (memcmp(nic->mac, none, 6))
		used += snprintf(item + used, sizeof(item) - (size_t)used,
				 ",mac=%02x:%02x:%02x:%02x:%02x:%02x", nic->mac[0], nic->mac[1],
				 nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5]);
	if (nic->bridge)
		snprintf(item + used, sizeof(item) - (size_t)used, ",bridge=%s", nic->bridge);
	write_quoted(file, item);
}

static void write_screen(FILE *file, const struct diptych_desc *desc)
{
	fprintf(file, "machine = \"%s\"\nvga = \"%s\"\nvnc = %d\n",
		desc->machine == DIPTYCH_Q35 ? "q35" : "pc", desc->vga ? "stdvga" : "none",
		desc->vnc);
	if (desc->video_mib)
		fprintf(file, "videoram = %u\n", desc->video_mib);
	write_string(file, "vnclisten", desc->vnc_listen);
	if (desc->vnc_port)
		fprintf(file, "vncdisplay = %u\n", desc->vnc_port - 5900);
	if (desc->usb_tablet)
		write_string(file, "usbdevice", "tablet");
}

static void write_scheduling(FILE *file, const struct diptych_desc *desc)
{
	const char *p, *next;

	if (desc->weight)
		fprintf(file, "cpu_weight = %u\n", desc->weight);
	if (desc->cap)
		fprintf(file, "cap = %u\n", desc->cap);
	if (!desc->cpus)
		return;
	fputs("cpus = [ ", file);
	for (p = desc->cpus; p; p = next ? next + 1 : NULL) {
		next = strchr(p, '/');
		fprintf(file, "\"%.*s\"%s", next ? (int)(next - p) : (int)strlen(p), p,
			next ? ", " : "");
	}
	fputs(" ]\n", file);
}

char *diptych_desc_format(const struct diptych_desc *desc)
{
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fputs("type = \"hvm\"\n", file);
	write_string(file, "name", desc->name);
	write_uuid(file, desc->uuid);
	fprintf(file, "memory = %" PRIu64 "\nmaxmem = %" PRIu64 "\nvcpus = %u\nbios = \"%s\"\n",
		(desc->current_memory_kib ? desc->current_memory_kib : desc->max_memory_kib) >> 10,
		desc->max_memory_kib >> 10, desc->vcpus,
		desc->firmware == DIPTYCH_OVMF ? "ovmf" : "seabios");
	write_string(file, "boot", desc->boot);
	write_screen(file, desc);
	write_scheduling(file, desc);
	fprintf(file, "serial = \"%s\"\ndisk = [ ", desc->serial ? "pty" : "none");
	for (i = 0; i < desc->disk_count; i++) {
		write_disk(file, &desc->disks[i], i);
		fputs(i + 1 < desc->disk_count ? ", " : "", file);
	}
	fputs(" ]\nvif = [ ", file);
	for (i = 0; i < desc->nic_count; i++) {
		write_nic(file, &desc->nics[i]);
		fputs(i + 1 < desc->nic_count ? ", " : "", file);
	}
	fputs(" ]\n", file);
	for (i = 0; i < desc->disk_count; i++)
		if (desc->disks[i].bus == DIPTYCH_BUS_SATA && desc->disks[i].target &&
		    !strncmp(desc->disks[i].target, "hd", 2)) {
			write_string(file, "hdtype", "ahci");
			break;
		}
	fprintf(file, "on_poweroff = \"%s\"\non_reboot = \"%s\"\non_crash = \"%s\"\n",
		actions[desc->on_poweroff], actions[desc->on_reboot], actions[desc->on_crash]);
	write_string(file, "stubdomain_kernel", desc->fidelity_kernel);
	write_string(file, "stubdomain_ramdisk", desc->fidelity_ramdisk);
	write_string(file, "stubdomain_cmdline", desc->fidelity_cmdline);
	if (desc->fidelity_memory_kib)
		fprintf(file, "stubdomain_memory = %" PRIu64 "\n", desc->fidelity_memory_kib >> 10);
	if (desc->fidelity_vcpus)
		fprintf(file, "stubdomain_vcpus = %u\n", desc->fidelity_vcpus);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}
