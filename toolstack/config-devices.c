// SPDX-License-Identifier: GPL-2.0-or-later
/* The lists of xl.cfg: disk (read by libxlutil) and vif (whose syntax is private to xl). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config-devices.h"

/* As xl does for HVM guests: the name of the device chooses the controller. */
static bool bus_of(const char *target, enum diptych_disk_bus *bus)
{
	if (!strncmp(target, "xvd", 3) || !strncmp(target, "vd", 2))
		*bus = DIPTYCH_BUS_VIRTIO;
	else if (!strncmp(target, "hd", 2))
		*bus = DIPTYCH_BUS_IDE;
	else if (!strncmp(target, "sd", 2))
		*bus = DIPTYCH_BUS_SATA;
	else
		return false;
	return true;
}

static void take_disk(struct source *source, struct diptych_desc *desc, const char *item,
		      libxl_device_disk *from)
{
	enum diptych_disk_bus bus = DIPTYCH_BUS_VIRTIO;
	struct diptych_disk *disk;

	if (from->script || from->backend_domname) {
		source_error(source, "disk", item,
			     "\"%s\": backends and block scripts of one's own are not supported",
			     item);
		return;
	}
	if (from->format != LIBXL_DISK_FORMAT_RAW && from->format != LIBXL_DISK_FORMAT_QCOW2 &&
	    from->format != LIBXL_DISK_FORMAT_EMPTY) {
		source_error(source, "disk", item, "\"%s\": format %s is not supported", item,
			     libxl_disk_format_to_string(from->format));
		return;
	}
	if (!bus_of(from->vdev, &bus)) {
		source_error(source, "disk", item, "\"%s\": a device is named xvdX, hdX or sdX",
			     item);
		return;
	}
	if (from->backend != LIBXL_DISK_BACKEND_UNKNOWN && from->backend != LIBXL_DISK_BACKEND_PHY)
		source_note(source, "disk",
			    "\"%s\": backendtype=%s has no effect: it is phy for all", item,
			    libxl_disk_backend_to_string(from->backend));
	disk = diptych_desc_add_disk(desc);
	if (!disk) {
		source_error(source, "disk", item, "out of memory");
		return;
	}
	if (from->format != LIBXL_DISK_FORMAT_EMPTY)
		disk->path = from->pdev_path;
	disk->target = from->vdev;
	from->pdev_path = disk->path ? NULL : from->pdev_path; /* moved */
	from->vdev = NULL;
	disk->format = from->format == LIBXL_DISK_FORMAT_QCOW2 ? DIPTYCH_QCOW2 : DIPTYCH_RAW;
	disk->bus = bus;
	disk->readonly = !from->readwrite;
	disk->cdrom = from->is_cdrom;
	disk->line = source_line(source, "disk", item);
}

/* hdtype="ahci": disks named hdX are on AHCI. */
static void take_hd_type(struct source *source, struct diptych_desc *desc)
{
	const char *value = "ide";
	size_t i;

	xlu_cfg_get_string(source->config, "hdtype", &value, 1);
	if (strcmp(value, "ide") && strcmp(value, "ahci"))
		source_error(source, "hdtype", NULL, "\"%s\" is not known; ide or ahci is", value);
	for (i = 0; !strcmp(value, "ahci") && i < desc->disk_count; i++)
		if (desc->disks[i].bus == DIPTYCH_BUS_IDE)
			desc->disks[i].bus = DIPTYCH_BUS_SATA;
}

static void take_disks(struct source *source, struct diptych_desc *desc)
{
	XLU_ConfigList *list;
	libxl_device_disk disk;
	const char *item;
	int count, i;

	switch (xlu_cfg_get_list(source->config, "disk", &list, &count, 1)) {
	case 0:
		break;
	case ESRCH:
		return;
	default:
		source_error(source, "disk", NULL, "a list in brackets is needed");
		return;
	}
	for (i = 0; i < count; i++) {
		item = xlu_cfg_get_listitem(list, i);
		if (!item) {
			source_error(source, "disk", NULL, "item %d is not a string", i + 1);
			continue;
		}
		libxl_device_disk_init(&disk);
		if (xlu_disk_parse(source->config, 1, &item, &disk))
			source_error(source, "disk", item, "\"%s\" is not a disk specification",
				     item);
		else
			take_disk(source, desc, item, &disk);
		libxl_device_disk_dispose(&disk);
	}
}

void config_disks(struct source *source, struct diptych_desc *desc)
{
	take_disks(source, desc);
	take_hd_type(source, desc);
}

static bool read_mac(const char *text, uint8_t mac[6])
{
	unsigned int i, digit;
	char pair[3] = "";

	for (i = 0; i < 6; i++, text += 3) {
		for (digit = 0; digit < 2; digit++)
			if (!isxdigit((unsigned char)text[digit]))
				return false;
		memcpy(pair, text, 2);
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
		if (text[2] != (i < 5 ? ':' : 0))
			return false;
	}
	return !(mac[0] & 1);
}

/* One key=value of a vif; `value` is NULL for a word alone. */
static bool take_nic_word(struct source *source, struct diptych_nic *nic, const char *item,
			  const char *key, const char *value)
{
	if (!value)
		value = "";
	if (!strcmp(key, "mac")) {
		if (read_mac(value, nic->mac))
			return true;
		source_error(source, "vif", item, "\"%s\": %s is not the address of one adapter",
			     item, value);
	} else if (!strcmp(key, "bridge")) {
		free(nic->bridge);
		nic->bridge = strdup(value);
		if (nic->bridge && *value)
			return true;
		source_error(source, "vif", item, "\"%s\": bridge has no name", item);
	} else if (!strcmp(key, "model")) {
		if (!strcmp(value, "virtio-net") || !strcmp(value, "virtio-net-pci") ||
		    !strcmp(value, "virtio"))
			nic->model = DIPTYCH_NIC_VIRTIO;
		else if (!strcmp(value, "e1000"))
			nic->model = DIPTYCH_NIC_E1000;
		else
			goto unknown;
		return true;
	} else if (!strcmp(key, "type")) {
		if (!strcmp(value, "ioemu"))
			return true; /* all that a real guest can have */
		goto unknown;
	} else {
		source_error(source, "vif", item, "\"%s\": %s is not supported", item, key);
	}
	return false;
unknown:
	source_error(source, "vif", item, "\"%s\": %s=%s is not supported", item, key, value);
	return false;
}

static void take_nic(struct source *source, struct diptych_desc *desc, const char *item)
{
	struct diptych_nic *nic = diptych_desc_add_nic(desc);
	char *copy = strdup(item), *rest = copy, *word, *value;

	if (!nic || !copy) {
		source_error(source, "vif", item, "out of memory");
		free(copy);
		return;
	}
	nic->model = DIPTYCH_NIC_VIRTIO;
	nic->line = source_line(source, "vif", *item ? item : NULL);
	while ((word = strsep(&rest, ","))) {
		word += strspn(word, " \t");
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (!take_nic_word(source, nic, item, word, value))
			break;
	}
	free(copy);
}

void config_nics(struct source *source, struct diptych_desc *desc)
{
	XLU_ConfigList *list;
	const char *item;
	int count, i;

	switch (xlu_cfg_get_list(source->config, "vif", &list, &count, 1)) {
	case 0:
		break;
	case ESRCH:
		return;
	default:
		source_error(source, "vif", NULL, "a list in brackets is needed");
		return;
	}
	for (i = 0; i < count; i++) {
		item = xlu_cfg_get_listitem(list, i);
		if (item)
			take_nic(source, desc, item);
		else
			source_error(source, "vif", NULL, "item %d is not a string", i + 1);
	}
}
