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

/* Controllers are filled in the order of the disks.  q35 has AHCI of its own, whose ports QEMU names
 * ide.0 to ide.5; pc has two IDE controllers of those names, and gets AHCI when it is asked for. */
struct places {
	unsigned int ide, ahci;
};

static void choose_place(const struct diptych_desc *desc, const struct diptych_disk *disk,
			 struct places *places, char place[32])
{
	if (desc->machine == DIPTYCH_Q35)
		snprintf(place, 32, ",bus=ide.%u", places->ahci++);
	else if (disk->bus == DIPTYCH_BUS_SATA)
		snprintf(place, 32, ",bus=ahci0.%u", places->ahci++);
	else {
		snprintf(place, 32, ",bus=ide.%u,unit=%u", places->ide / 2, places->ide % 2);
		places->ide++;
	}
}

static void add_disk_device(struct list *list, const struct diptych_desc *desc, size_t index,
			    size_t boot, struct places *places)
{
	const struct diptych_disk *disk = &desc->disks[index];
	char drive[32] = "", place[32] = "", order[40] = "";
	const char *model = disk->cdrom ? "ide-cd" : "ide-hd";

	/* There is no virtio CD-ROM drive. */
	if (disk->bus == DIPTYCH_BUS_VIRTIO && !disk->cdrom)
		model = "virtio-blk-pci";
	else
		choose_place(desc, disk, places, place);
	if (disk->path)
		snprintf(drive, sizeof(drive), ",drive=d%zu", index);
	if (boot)
		snprintf(order, sizeof(order), ",bootindex=%zu", boot);
	add(list, "-device");
	add(list, "%s,id=disk%zu%s%s%s", model, index, drive, place, order);
}

static bool needs_ahci(const struct diptych_desc *desc)
{
	size_t i;

	for (i = 0; desc->machine == DIPTYCH_PC && i < desc->disk_count; i++)
		if (desc->disks[i].bus == DIPTYCH_BUS_SATA)
			return true;
	return false;
}

static void add_disks(struct list *list, const struct diptych_desc *desc)
{
	struct places places = { 0, 0 };
	size_t i, nth_disk = 0, nth_cdrom = 0, boot;

	if (needs_ahci(desc)) {
		add(list, "-device");
		add(list, "ich9-ahci,id=ahci0");
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
		add_disk_device(list, desc, i, boot, &places);
	}
}

/* tap i is bridged to the fidelity domain's eth i by its init (fidelity-stubdom/init/network.c). */
static void add_nics(struct list *list, const struct diptych_desc *desc)
{
	size_t i;

	for (i = 0; i < desc->nic_count; i++) {
		const uint8_t *mac = desc->nics[i].mac;
		size_t boot = boot_index(desc, 'n', i);
		const char *rom;
		char order[40] = "";

		if (boot)
			snprintf(order, sizeof(order), ",bootindex=%zu", boot);
		/* A BIOS boots by the card's ROM, which QEMU gives it unless told not to; OVMF has drivers of its own. */
		rom = boot && desc->firmware != DIPTYCH_OVMF ? "" : ",romfile=";
		add(list, "-netdev");
		add(list, "tap,id=n%zu,ifname=tap%zu,script=no,downscript=no", i, i);
		add(list, "-device");
		add(list, "%s,id=nic%zu,netdev=n%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x%s%s",
		    desc->nics[i].model == DIPTYCH_NIC_E1000 ? "e1000" : "virtio-net-pci", i, i,
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], order, rom);
	}
}

static void add_screen(struct list *list, const struct diptych_desc *desc)
{
	if (desc->vga) {
		add(list, "-device");
		if (desc->video_mib)
			add(list, "VGA,vgamem_mb=%u", desc->video_mib);
		else
			add(list, "VGA");
	}
	if (desc->vnc) {
		add(list, "-vnc");
		add(list, "unix:/tmp/vnc"); /* a channel (tree.c) */
	}
	if (desc->usb_tablet) {
		add(list, "-device");
		add(list,
		    desc->machine == DIPTYCH_Q35 ? "qemu-xhci,id=usb" : "piix3-usb-uhci,id=usb");
		add(list, "-device");
		add(list, "usb-tablet,bus=usb.0");
	}
}

/* PCI Express takes new devices on root ports only: the places for what is plugged in (change.c). */
static void add_ports(struct list *list, const struct diptych_desc *desc)
{
	int i;

	for (i = 0; desc->machine == DIPTYCH_Q35 && i < 4; i++) {
		add(list, "-device");
		add(list, "pcie-root-port,id=port%d,chassis=%d", i, i + 1);
	}
}

static void add_firmware(struct list *list, const struct diptych_desc *desc)
{
	if (desc->firmware != DIPTYCH_OVMF)
		return;
	add(list, "-drive");
	add(list, "if=pflash,unit=0,format=raw,readonly=on,file=/share/qemu/OVMF_CODE.fd");
	add(list, "-drive");
	add(list, "if=pflash,unit=1,format=raw,file=/share/qemu/OVMF_VARS.fd");
}

char **qemu_argv(const struct diptych_desc *desc)
{
	static const char *const always[] = {
		"-accel",	   "minv",     "-cpu", "max,migratable=off", "-nodefaults",
		"-no-user-config", "-display", "none", "-no-reboot",
	};
	struct list list = { NULL, 0, false };
	size_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(&list, "%s", always[i]);
	add(&list, "-machine");
	add(&list, desc->machine == DIPTYCH_Q35 ? "q35" : "pc");
	add(&list, "-smp");
	add(&list, "%u", desc->vcpus);
	add(&list, "-m");
	add(&list, "%" PRIu64, desc->max_memory_kib >> 10);
	/* dom0's way to it: init joins the socket to a channel (tree.c). */
	add(&list, "-chardev");
	add(&list, "socket,id=qmp,path=/tmp/qmp,server=on,wait=off");
	add(&list, "-mon");
	add(&list, "chardev=qmp,mode=control");
	if (desc->serial) {
		add(&list, "-chardev");
		add(&list, "serial,id=console,path=/dev/hvc0");
		add(&list, "-serial");
		add(&list, "chardev:console");
	}
	add_firmware(&list, desc);
	add_screen(&list, desc);
	add_ports(&list, desc);
	add_disks(&list, desc);
	add_nics(&list, desc);
	add(&list, "-device");
	add(&list, "virtio-balloon-pci,id=balloon");
	add(&list, "-device");
	add(&list, "virtio-rng-pci,id=rng");
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
