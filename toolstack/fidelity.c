// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fidelity panel: an ordinary PVH domain built by libxl from the fidelity image, with the
 * guest's disks and network interfaces as its own paravirtual devices.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxl_utils.h>

#include "context.h"
#include "paths.h"

#define DEFAULT_MEMORY_KIB (128u << 10)
#define DEFAULT_CMDLINE \
	"console=null quiet" /* hvc0 is the guest's serial port, the kernel must not talk there */

uint64_t fidelity_memory_kib(const struct diptych_desc *desc)
{
	return desc->fidelity_memory_kib ? desc->fidelity_memory_kib : DEFAULT_MEMORY_KIB;
}

static char *copy(const char *value, const char *otherwise)
{
	return strdup(value ? value : otherwise);
}

/* Disk i of the guest is /dev/xvda + i in the fidelity domain; qemu-argv.c counts the same way.  A
 * CD-ROM drive is a read-only disk here: the drive itself is emulated. */
static int add_disks(libxl_domain_config *config, const struct diptych_desc *desc)
{
	libxl_device_disk *disk;
	size_t i;

	config->disks = calloc(desc->disk_count + 1, sizeof(*config->disks));
	if (!config->disks)
		return -1;
	for (i = 0; i < desc->disk_count; i++) {
		if (!desc->disks[i].path)
			continue;
		disk = &config->disks[config->num_disks++];
		libxl_device_disk_init(disk);
		disk->pdev_path = strdup(desc->disks[i].path);
		disk->vdev = strdup("xvda");
		if (!disk->pdev_path || !disk->vdev)
			return -1;
		disk->vdev[3] = (char)('a' + i);
		disk->backend = LIBXL_DISK_BACKEND_PHY;
		disk->format =
			LIBXL_DISK_FORMAT_RAW; /* what is in it is the fidelity domain's affair */
		disk->readwrite = !desc->disks[i].readonly && !desc->disks[i].cdrom;
	}
	return 0;
}

static int add_nics(libxl_domain_config *config, const struct diptych_desc *desc)
{
	libxl_device_nic *nic;
	size_t i;

	config->nics = calloc(desc->nic_count + 1, sizeof(*config->nics));
	if (!config->nics)
		return -1;
	for (i = 0; i < desc->nic_count; i++) {
		nic = &config->nics[config->num_nics++];
		libxl_device_nic_init(nic);
		nic->devid = (libxl_devid)i;
		memcpy(nic->mac, desc->nics[i].mac, sizeof(nic->mac));
		nic->nictype = LIBXL_NIC_TYPE_VIF;
		if (desc->nics[i].bridge) {
			nic->bridge = strdup(desc->nics[i].bridge);
			if (!nic->bridge)
				return -1;
		}
	}
	return 0;
}

static int fill(struct diptych *c, libxl_domain_config *config, const struct diptych_desc *desc)
{
	config->c_info.type = LIBXL_DOMAIN_TYPE_PVH;
	if (asprintf(&config->c_info.name, "%s.fd", desc->name) < 0)
		config->c_info.name = NULL;
	libxl_uuid_generate(&config->c_info.uuid);
	libxl_domain_build_info_init_type(&config->b_info, LIBXL_DOMAIN_TYPE_PVH);
	config->b_info.max_vcpus =
		(int)desc->vcpus; /* a vCPU of the guest runs on one of its partner */
	if (libxl_cpu_bitmap_alloc(c->libxl, &config->b_info.avail_vcpus, (int)desc->vcpus))
		return -1;
	libxl_bitmap_set_any(&config->b_info.avail_vcpus);
	config->b_info.max_memkb = fidelity_memory_kib(desc);
	config->b_info.target_memkb = fidelity_memory_kib(desc);
	config->b_info.kernel = copy(desc->fidelity_kernel, FIDELITY_KERNEL);
	config->b_info.ramdisk = copy(desc->fidelity_ramdisk, FIDELITY_RAMDISK);
	config->b_info.cmdline = copy(desc->fidelity_cmdline, DEFAULT_CMDLINE);
	config->on_poweroff = config->on_reboot = config->on_watchdog = config->on_crash =
		LIBXL_ACTION_ON_SHUTDOWN_DESTROY; /* said for the record: the monitor decides */
	if (!config->c_info.name || !config->b_info.kernel || !config->b_info.ramdisk ||
	    !config->b_info.cmdline)
		return -1;
	return add_disks(config, desc) || add_nics(config, desc) ? -1 : 0;
}

int fidelity_build(struct diptych *c, const struct diptych_desc *desc, uint32_t *domid)
{
	libxl_domain_config config;
	uint32_t id = DIPTYCH_NO_DOMAIN;
	int error = 0;

	clear_xen_error(c);
	libxl_domain_config_init(&config);
	if (fill(c, &config, desc))
		error = fail(c, ENOMEM, "out of memory");
	else if (libxl_domain_create_new(c->libxl, &config, &id, NULL, NULL))
		error = fail(c, EIO, "the fidelity domain cannot be built%s", xen_error(c));
	libxl_domain_config_dispose(&config);
	if (!error) {
		*domid = id;
		return 0;
	}
	/* libxl removes what it could not finish, but not in every case. */
	if (id != DIPTYCH_NO_DOMAIN && !libxl_domain_info(c->libxl, NULL, id))
		libxl_domain_destroy(c->libxl, id, NULL);
	return error;
}

int fidelity_destroy(struct diptych *c, uint32_t domid)
{
	clear_xen_error(c);
	switch (libxl_domain_destroy(c->libxl, domid, NULL)) {
	case 0:
	case ERROR_DOMAIN_NOTFOUND:
		return 0;
	default:
		return fail(c, EIO, "cannot destroy fidelity domain %u%s", domid, xen_error(c));
	}
}
