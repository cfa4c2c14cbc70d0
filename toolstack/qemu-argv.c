// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What QEMU in the fidelity domain is told.  Paths are those inside it: disk i of the guest is
 * /dev/xvda + i (fidelity.c), the serial port is its PV console, which xenconsoled serves in dom0.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu-argv.h"

struct list {
	char **items;
	size_t count;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct list *list, const char *format, ...)
{
	char **bigger = realloc(list->items, (list->count + 2) * sizeof(*bigger));
	va_list args;
	int length;

	if (!bigger) {
		list->failed = true;
		return;
	}
	list->items = bigger;
	va_start(args, format);
	length = vasprintf(&list->items[list->count], format, args);
	va_end(args);
	if (length < 0) {
		list->items[list->count] = NULL;
		list->failed = true;
		return;
	}
	list->items[++list->count] = NULL;
}

/* Place in the boot order of devices of class `letter`, by xl.cfg's boot=; 0: not booted from. */
static size_t boot_index(const struct diptych_desc *desc, char letter, size_t nth)
{
	const char *order = desc->boot && *desc->boot ? desc->boot : "cd";
	const char *found = strchr(order, letter);

	/* Room for 64 devices of each class. */
	return found ? (size_t)(found - order) * 64 + nth + 1 : 0;
}

static void add_disk_device(struct list *list, const struct diptych_desc *desc, size_t index,
			    size_t boot, unsigned int *ide, unsigned int *ahci)
{
	const struct diptych_disk *disk = &desc->disks[index];
	char drive[32] = "", place[32] = "", order[40] = "";
	const char *model = disk->cdrom ? "ide-cd" : "ide-hd";

	if (disk->bus == DIPTYCH_BUS_SATA) {
		snprintf(place, sizeof(place), ",bus=ahci0.%u", (*ahci)++);
	} else if (disk->bus == DIPTYCH_BUS_IDE ||
		   disk->cdrom) { /* there is no virtio CD-ROM drive */
		snprintf(place, sizeof(place), ",bus=ide.%u,unit=%u", *ide / 2, *ide % 2);
		++*ide;
	} else {
		model = "virtio-blk-pci";
	}
	if (disk->path)
		snprintf(drive, sizeof(drive), ",drive=d%zu", index);
	if (boot)
		snprintf(order, sizeof(order), ",bootindex=%zu", boot);
	add(list, "-device");
	add(list, "%s%s%s%s", model, drive, place, order);
}

static void add_disks(struct list *list, const struct diptych_desc *desc)
{
	unsigned int ide = 0, ahci = 0;
	size_t i, nth_disk = 0, nth_cdrom = 0, boot;

	for (i = 0; i < desc->disk_count; i++)
		if (desc->disks[i].bus == DIPTYCH_BUS_SATA) {
			add(list, "-device");
			add(list, "ich9-ahci,id=ahci0");
			break;
		}
	for (i = 0; i < desc->disk_count; i++) {
		const struct diptych_disk *disk = &desc->disks[i];

		if (disk->path) {
			add(list, "-drive");
			add(list, "file=/dev/xvd%c,format=%s,if=none,id=d%zu,cache=writeback%s",
			    (char)('a' + i), disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw", i,
			    disk->readonly || disk->cdrom ? ",readonly=on" : "");
		}
		boot = disk->cdrom ? boot_index(desc, 'd', nth_cdrom++)
				   : boot_index(desc, 'c', nth_disk++);
		add_disk_device(list, desc, i, boot, &ide, &ahci);
	}
}

/* tap i is bridged to the fidelity domain's eth i by its init (fidelity-stubdom/init/network.c). */
static void add_nics(struct list *list, const struct diptych_desc *desc)
{
	size_t i;

	for (i = 0; i < desc->nic_count; i++) {
		const uint8_t *mac = desc->nics[i].mac;

		add(list, "-netdev");
		add(list, "tap,id=n%zu,ifname=tap%zu,script=no,downscript=no", i, i);
		add(list, "-device");
		add(list, "%s,netdev=n%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x",
		    desc->nics[i].model == DIPTYCH_NIC_E1000 ? "e1000" : "virtio-net-pci", i,
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
}

char **qemu_argv(const struct diptych_desc *desc)
{
	static const char *const always[] = {
		"-accel",   "minv", "-machine",	   "pc",
		"-cpu",	    "max",  "-nodefaults", "-no-user-config",
		"-display", "none", "-no-reboot",
	};
	struct list list = { NULL, 0, false };
	size_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(&list, "%s", always[i]);
	add(&list, "-smp");
	add(&list, "%u", desc->vcpus);
	add(&list, "-m");
	add(&list, "%" PRIu64, desc->max_memory_kib >> 10);
	if (desc->serial) {
		add(&list, "-chardev");
		add(&list, "serial,id=console,path=/dev/hvc0");
		add(&list, "-serial");
		add(&list, "chardev:console");
	}
	add_disks(&list, desc);
	add_nics(&list, desc);
	if (list.failed) {
		qemu_argv_free(list.items);
		return NULL;
	}
	return list.items;
}

void qemu_argv_free(char **argv)
{
	char **p;

	for (p = argv; p && *p; p++)
		free(*p);
	free(argv);
}
