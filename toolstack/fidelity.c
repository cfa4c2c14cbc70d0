// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fidelity panel: an ordinary PVH domain built by libxl from the fidelity image, with the
 * guest's disks and network interfaces as its own paravirtual devices.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libxl_utils.h>

#include "context.h"
#include "cpu-list.h"
#include "paths.h"

/*
 * Memory, in MiB.  Of 64 the kernel takes 12, the image 8 to 13, QEMU 12 to 16, all with one disk and card 47.  A queue of
 * a disk keeps up to 1,024 pages of requests, one of a card 512; a viewer costs a copy of the screen and what is on its
 * way to it; qcow2's tables of a large disk are kept.
 */
#define BASE_MIB    64u
#define VCPU_MIB    1u
#define DISK_MIB    4u
#define DISK_QUEUES 4u
#define CARD_MIB    2u
#define CARD_QUEUES 8u
#define QCOW2_MIB   32u
/* hvc0 is the guest's serial port, the kernel must not talk there.  A kernel that oopsed keeps its locks: the pair ends. */
#define DEFAULT_CMDLINE "console=null quiet oops=panic"

unsigned int fidelity_vcpus(const struct diptych_desc *desc)
{
	return desc->fidelity_vcpus ? desc->fidelity_vcpus : desc->vcpus;
}

uint64_t fidelity_memory_kib(const struct diptych_desc *desc)
{
	unsigned int vcpus = fidelity_vcpus(desc);
	unsigned int disks = (unsigned int)desc->disk_count, cards = (unsigned int)desc->nic_count;
	unsigned int mib = BASE_MIB + (desc->vcpus - 1) * VCPU_MIB;
	size_t i;

	if (desc->fidelity_memory_kib)
		return desc->fidelity_memory_kib;
	/* One disk and one card with one queue each are in the base. */
	disks *= vcpus < DISK_QUEUES ? vcpus : DISK_QUEUES;
	cards *= vcpus < CARD_QUEUES ? vcpus : CARD_QUEUES;
	mib += disks > 1 ? (disks - 1) * DISK_MIB : 0;
	mib += cards > 1 ? (cards - 1) * CARD_MIB : 0;
	for (i = 0; i < desc->disk_count; i++)
		mib += desc->disks[i].format == DIPTYCH_QCOW2 ? QCOW2_MIB : 0;
	if (desc->vnc)
		mib += 2 * guest_video_mib(desc);
	return (uint64_t)mib << 10;
}

static char *copy(const char *value, const char *otherwise)
{
	return strdup(value ? value : otherwise);
}

#define DISKS_MOST	 26
#define XVD_DEVICE(slot) (202u << 8 | (unsigned int)(slot) << 4)
#ifndef BACKEND_TRIES
#define BACKEND_TRIES 100 /* of 50 ms */
#endif

/* Loop devices that end when nobody has them open: ours until the backends have. */
struct loops {
	int fds[DISKS_MOST];
	int slots[DISKS_MOST];
	size_t count;
};

/* The backend's folder has this file once the device is open. */
static void hand_over(struct loops *loops, uint32_t domid)
{
	char path[128];
	int tries;

	for (; loops->count; close(loops->fds[loops->count])) {
		loops->count--;
		snprintf(path, sizeof(path),
			 "/sys/bus/xen-backend/devices/vbd-%u-%u/physical_device", domid,
			 XVD_DEVICE(loops->slots[loops->count]));
		for (tries = 0; domid != DIPTYCH_NO_DOMAIN && access(path, F_OK); tries++) {
			if (tries == BACKEND_TRIES)
				break;
			usleep(50000);
		}
	}
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* A disk of the guest is /dev/xvda + slot in the fidelity domain; qemu-argv.c counts the same way.  A
 * disc is a read-only disk here: the drive itself is emulated. */
static int fill_disk(struct diptych *c, libxl_device_disk *to, const struct diptych_disk *disk,
		     int slot, struct loops *loops)
{
	bool readonly = disk->readonly || disk->cdrom;
	char device[32];
	int fd;

	if (is_file(disk->path)) {
		fd = loop_attach(c, disk->path, readonly, device);
		if (fd < 0)
			return fd;
		loops->slots[loops->count] = slot;
		loops->fds[loops->count++] = fd;
		to->pdev_path = strdup(device);
	} else {
		to->pdev_path = strdup(disk->path);
	}
	to->vdev = strdup("xvda");
	if (!to->pdev_path || !to->vdev)
		return fail(c, ENOMEM, "out of memory");
	to->vdev[3] = (char)('a' + slot);
	to->backend = LIBXL_DISK_BACKEND_PHY;
	to->format = LIBXL_DISK_FORMAT_RAW; /* what is in it is the fidelity domain's affair */
	to->readwrite = !readonly;
	return 0;
}

static int fill_nic(libxl_device_nic *to, const struct diptych_nic *nic, int slot)
{
	to->devid = slot;
	memcpy(to->mac, nic->mac, sizeof(to->mac));
	to->nictype = LIBXL_NIC_TYPE_VIF;
	to->bridge = nic->bridge ? strdup(nic->bridge) : NULL;
	return nic->bridge && !to->bridge ? -1 : 0;
}

static int add_disks(struct diptych *c, libxl_domain_config *config,
		     const struct diptych_desc *desc, struct loops *loops)
{
	libxl_device_disk *disk;
	int error = 0;
	size_t i;

	config->disks = calloc(desc->disk_count + 1, sizeof(*config->disks));
	if (!config->disks)
		return fail(c, ENOMEM, "out of memory");
	for (i = 0; !error && i < desc->disk_count && i < DISKS_MOST; i++) {
		if (!desc->disks[i].path)
			continue;
		disk = &config->disks[config->num_disks++];
		libxl_device_disk_init(disk);
		error = fill_disk(c, disk, &desc->disks[i], (int)i, loops);
	}
	return error;
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
		if (fill_nic(nic, &desc->nics[i], (int)i))
			return -1;
	}
	return 0;
}

/* The guest's share of CPUs is its fidelity domain's: it runs on that one's time. */
static int add_scheduling(struct diptych *c, libxl_domain_config *config,
			  const struct diptych_desc *desc)
{
	libxl_domain_build_info *info = &config->b_info;
	unsigned int i, vcpus = fidelity_vcpus(desc);

	if (desc->weight)
		info->sched_params.weight = (int)desc->weight;
	if (desc->cap)
		info->sched_params.cap = (int)desc->cap;
	if (!desc->cpus)
		return 0;
	libxl_defbool_set(&info->numa_placement, false);
	info->vcpu_hard_affinity = calloc(vcpus, sizeof(*info->vcpu_hard_affinity));
	if (!info->vcpu_hard_affinity)
		return -1;
	info->num_vcpu_hard_affinity = (int)vcpus;
	for (i = 0; i < vcpus; i++)
		libxl_bitmap_init(&info->vcpu_hard_affinity[i]);
	for (i = 0; i < vcpus; i++) {
		libxl_bitmap *map = &info->vcpu_hard_affinity[i];

		if (libxl_cpu_bitmap_alloc(c->libxl, map, 0))
			return -1;
		cpus_read(desc->cpus, i, map->map, map->size);
	}
	return 0;
}

static int fill(struct diptych *c, libxl_domain_config *config, const struct diptych_desc *desc,
		const uint8_t uuid[16])
{
	config->c_info.type = LIBXL_DOMAIN_TYPE_PVH;
	if (asprintf(&config->c_info.name, "%s.fd", desc->name) < 0)
		config->c_info.name = NULL;
	memcpy(libxl_uuid_bytearray(&config->c_info.uuid), uuid, 16);
	libxl_domain_build_info_init_type(&config->b_info, LIBXL_DOMAIN_TYPE_PVH);
	config->b_info.max_vcpus = (int)fidelity_vcpus(desc);
	if (libxl_cpu_bitmap_alloc(c->libxl, &config->b_info.avail_vcpus, config->b_info.max_vcpus))
		return -1;
	libxl_bitmap_set_any(&config->b_info.avail_vcpus);
	config->b_info.max_memkb = fidelity_memory_kib(desc);
	config->b_info.target_memkb = fidelity_memory_kib(desc);
	config->b_info.kernel = copy(desc->fidelity_kernel, FIDELITY_KERNEL);
	config->b_info.ramdisk = copy(desc->fidelity_ramdisk, desc->firmware == DIPTYCH_OVMF
								      ? FIDELITY_UEFI
								      : FIDELITY_RAMDISK);
	config->b_info.cmdline = copy(desc->fidelity_cmdline, DEFAULT_CMDLINE);
	config->on_poweroff = config->on_reboot = config->on_watchdog = config->on_crash =
		LIBXL_ACTION_ON_SHUTDOWN_DESTROY; /* said for the record: the monitor decides */
	if (!config->c_info.name || !config->b_info.kernel || !config->b_info.ramdisk ||
	    !config->b_info.cmdline)
		return -1;
	return add_scheduling(c, config, desc) || add_nics(config, desc) ? -1 : 0;
}

int fidelity_build(struct diptych *c, const struct diptych_desc *desc, const uint8_t uuid[16],
		   uint32_t *domid)
{
	struct loops loops = { .count = 0 };
	libxl_domain_config config;
	uint32_t id = DIPTYCH_NO_DOMAIN;
	int error;

	clear_xen_error(c);
	libxl_domain_config_init(&config);
	if (fill(c, &config, desc, uuid))
		error = fail(c, ENOMEM, "out of memory");
	else
		error = add_disks(c, &config, desc, &loops);
	if (!error && libxl_domain_create_new(c->libxl, &config, &id, NULL, NULL))
		error = fail(c, EIO, "the fidelity domain cannot be built%s", xen_error(c));
	hand_over(&loops, error ? DIPTYCH_NO_DOMAIN : id);
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

int fidelity_add_disk(struct diptych *c, uint32_t domid, const struct diptych_disk *disk, int slot)
{
	struct loops loops = { .count = 0 };
	libxl_device_disk device;
	int error;

	clear_xen_error(c);
	libxl_device_disk_init(&device);
	error = fill_disk(c, &device, disk, slot, &loops);
	if (!error && libxl_device_disk_add(c->libxl, domid, &device, NULL))
		error = fail(c, EIO, "disk %s cannot be given to fidelity domain %u%s", disk->path,
			     domid, xen_error(c));
	hand_over(&loops, error ? DIPTYCH_NO_DOMAIN : domid);
	libxl_device_disk_dispose(&device);
	return error;
}

/* As docs/misc/xenstore-paths.pandoc of Xen names them. */
static bool has_device(struct diptych *c, uint32_t domid, const char *kind, unsigned int number)
{
	char *node = tree_read(c, "/libxl/%u/device/%s/%u", domid, kind, number);

	free(node);
	return node;
}

bool fidelity_has_disk(struct diptych *c, uint32_t domid, int slot)
{
	return has_device(c, domid, "vbd", XVD_DEVICE(slot));
}

bool fidelity_has_nic(struct diptych *c, uint32_t domid, int slot)
{
	return has_device(c, domid, "vif", (unsigned int)slot);
}

int fidelity_remove_disk(struct diptych *c, uint32_t domid, int slot)
{
	char name[] = "xvda";
	libxl_device_disk device;
	int error = 0;

	if (!fidelity_has_disk(c, domid, slot))
		return 0;
	name[3] = (char)('a' + slot);
	clear_xen_error(c);
	libxl_device_disk_init(&device);
	if (libxl_vdev_to_device_disk(c->libxl, domid, name, &device) ||
	    libxl_device_disk_remove(c->libxl, domid, &device, NULL))
		error = fail(c, EIO, "disk %s cannot be taken from fidelity domain %u%s", name,
			     domid, xen_error(c));
	libxl_device_disk_dispose(&device);
	return error;
}

int fidelity_add_nic(struct diptych *c, uint32_t domid, const struct diptych_nic *nic, int slot)
{
	libxl_device_nic device;
	int error = 0;

	clear_xen_error(c);
	libxl_device_nic_init(&device);
	if (fill_nic(&device, nic, slot))
		error = fail(c, ENOMEM, "out of memory");
	else if (libxl_device_nic_add(c->libxl, domid, &device, NULL))
		error = fail(c, EIO, "network card %d cannot be given to fidelity domain %u%s",
			     slot, domid, xen_error(c));
	libxl_device_nic_dispose(&device);
	return error;
}

int fidelity_remove_nic(struct diptych *c, uint32_t domid, int slot)
{
	libxl_device_nic device;
	int error = 0;

	if (!fidelity_has_nic(c, domid, slot))
		return 0;
	clear_xen_error(c);
	libxl_device_nic_init(&device);
	if (libxl_devid_to_device_nic(c->libxl, domid, slot, &device) ||
	    libxl_device_nic_remove(c->libxl, domid, &device, NULL))
		error = fail(c, EIO, "network card %d cannot be taken from fidelity domain %u%s",
			     slot, domid, xen_error(c));
	libxl_device_nic_dispose(&device);
	return error;
}
