/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plain PVH domains (os type `xenpvh`): no real guest, no fidelity domain, built and ended by libxl
 * as `xl` does.  Nobody stays beside them but this driver: follow.c does what on_... says.
 */
#include "xen.h"

#include <libxl_utils.h>

#include <util/virmacaddr.h>

VIR_LOG_INIT("diptych.pvh");

bool is_pvh(const virDomainDef *def)
{
	return def->os.type == VIR_DOMAIN_OSTYPE_XENPVH;
}

/* The definition ------------------------------------------------------------------------------- */

/* libxl frees by free(), which GLib's strings are not made for. */
static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void describe_disk(libxl_device_disk *to, const virDomainDiskDef *from)
{
	libxl_device_disk_init(to);
	to->pdev_path = copy(virDomainDiskGetSource((virDomainDiskDef *)from));
	to->vdev = copy(from->dst);
	to->format = LIBXL_DISK_FORMAT_RAW;
	to->backend = LIBXL_DISK_BACKEND_PHY;
	to->readwrite = !from->src->readonly;
}

static void describe_nic(libxl_device_nic *to, const virDomainNetDef *from)
{
	libxl_device_nic_init(to);
	to->nictype = LIBXL_NIC_TYPE_VIF;
	to->bridge = copy(virDomainNetGetActualBridgeName(from));
	virMacAddrGetRaw(&from->mac, to->mac);
}

static void describe_devices(libxl_domain_config *config, const virDomainDef *def)
{
	size_t i;

	config->disks = calloc(def->ndisks + 1, sizeof(*config->disks));
	config->nics = calloc(def->nnets + 1, sizeof(*config->nics));
	for (i = 0; config->disks && i < def->ndisks; i++)
		describe_disk(&config->disks[config->num_disks++], def->disks[i]);
	for (i = 0; config->nics && i < def->nnets; i++)
		describe_nic(&config->nics[config->num_nics++], def->nets[i]);
}

static void describe(libxl_ctx *context, libxl_domain_config *config, const virDomainDef *def)
{
	libxl_domain_build_info *build = &config->b_info;
	unsigned int i, vcpus = virDomainDefGetVcpusMax(def);

	config->c_info.type = LIBXL_DOMAIN_TYPE_PVH;
	config->c_info.name = copy(def->name);
	memcpy(libxl_uuid_bytearray(&config->c_info.uuid), def->uuid, VIR_UUID_BUFLEN);
	libxl_domain_build_info_init_type(build, LIBXL_DOMAIN_TYPE_PVH);
	build->max_vcpus = (int)vcpus;
	if (libxl_cpu_bitmap_alloc(context, &build->avail_vcpus, (int)vcpus) == 0) {
		for (i = 0; i < virDomainDefGetVcpus(def); i++)
			libxl_bitmap_set(&build->avail_vcpus, (int)i);
	}
	build->max_memkb = virDomainDefGetMemoryTotal(def);
	build->target_memkb = def->mem.cur_balloon;
	build->kernel = copy(def->os.kernel);
	build->ramdisk = copy(def->os.initrd);
	build->cmdline = copy(def->os.cmdline);
	build->bootloader = copy(def->os.bootloader);
	describe_devices(config, def);
	/* Said for the record: who is beside the domain decides. */
	config->on_poweroff = config->on_reboot = config->on_watchdog = config->on_crash =
		LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
}

int pvh_start(const virDomainDef *def, bool paused, uint32_t *domid)
{
	libxl_domain_config config;
	libxl_ctx *context = xen_open();
	uint32_t id = DIPTYCH_NO_DOMAIN;
	int ret = -1;

	if (!context)
		return -1;
	libxl_domain_config_init(&config);
	describe(context, &config, def);
	if (libxl_domain_create_new(context, &config, &id, NULL, NULL)) {
		xen_failed(_("cannot build the domain"));
		/* It removes what it could not finish, but not in every case. */
		if (id != DIPTYCH_NO_DOMAIN && !libxl_domain_info(context, NULL, id))
			libxl_domain_destroy(context, id, NULL);
	} else if (!paused && libxl_domain_unpause(context, id, NULL)) {
		xen_failed(_("cannot unpause the domain"));
		libxl_domain_destroy(context, id, NULL);
	} else {
		*domid = id;
		ret = 0;
	}
	libxl_domain_config_dispose(&config);
	libxl_ctx_free(context);
	return ret;
}

/* The calls ------------------------------------------------------------------------------------ */

int pvh_end(uint32_t domid)
{
	libxl_ctx *context = xen_open();
	int error;

	if (!context)
		return -1;
	error = libxl_domain_destroy(context, domid, NULL);
	libxl_ctx_free(context);
	return error && error != ERROR_DOMAIN_NOTFOUND ? xen_failed(_("cannot destroy the domain"))
						       : 0;
}

int pvh_set_paused(uint32_t domid, bool paused)
{
	libxl_ctx *context = xen_open();
	int error;

	if (!context)
		return -1;
	error = paused ? libxl_domain_pause(context, domid, NULL)
		       : libxl_domain_unpause(context, domid, NULL);
	libxl_ctx_free(context);
	return error ? xen_failed(paused ? _("cannot pause the domain")
					 : _("cannot unpause the domain"))
		     : 0;
}

int pvh_ask_to_end(uint32_t domid, bool reboot)
{
	libxl_ctx *context = xen_open();
	int error;

	if (!context)
		return -1;
	error = reboot ? libxl_domain_reboot(context, domid, NULL)
		       : libxl_domain_shutdown(context, domid, NULL);
	libxl_ctx_free(context);
	return error ? xen_failed(_("cannot ask the domain to end")) : 0;
}

char *pvh_console(uint32_t domid)
{
	libxl_ctx *context = xen_open();
	char *path = NULL, *copied;
	int tries;

	if (!context)
		return NULL;
	for (tries = 0; tries < 50 && !path; tries++) { /* xenconsoled makes it soon */
		if (libxl_console_get_tty(context, domid, 0, LIBXL_CONSOLE_TYPE_PV, &path) ||
		    (path && !*path))
			g_clear_pointer(&path, free);
		if (!path)
			g_usleep(100000);
	}
	copied = g_strdup(path);
	free(path);
	libxl_ctx_free(context);
	return copied;
}

int pvh_set_memory(uint32_t domid, unsigned long long kib)
{
	libxl_ctx *context = xen_open();
	int error;

	if (!context)
		return -1;
	error = libxl_set_memory_target(context, domid, (int64_t)kib, 0, 1);
	libxl_ctx_free(context);
	return error ? xen_failed(_("cannot set the domain's memory")) : 0;
}

int pvh_set_vcpus(uint32_t domid, unsigned int most, unsigned int count)
{
	libxl_ctx *context = xen_open();
	libxl_bitmap map;
	unsigned int i;
	int error;

	if (!context)
		return -1;
	libxl_bitmap_init(&map);
	error = libxl_cpu_bitmap_alloc(context, &map, (int)most);
	for (i = 0; !error && i < count; i++)
		libxl_bitmap_set(&map, (int)i);
	if (!error)
		error = libxl_set_vcpuonline(context, domid, &map, NULL);
	libxl_bitmap_dispose(&map);
	libxl_ctx_free(context);
	return error ? xen_failed(_("cannot set the domain's vCPUs")) : 0;
}

int pvh_rename(uint32_t domid, const char *from, const char *to)
{
	libxl_ctx *context = xen_open();
	int error;

	if (!context)
		return -1;
	error = libxl_domain_rename(context, domid, from, to);
	libxl_ctx_free(context);
	return error ? xen_failed(_("cannot rename the domain")) : 0;
}

int pvh_disk(uint32_t domid, virDomainDiskDef *disk, bool attach)
{
	libxl_ctx *context = xen_open();
	libxl_device_disk device;
	int error;

	if (!context)
		return -1;
	describe_disk(&device, disk);
	if (attach) {
		error = libxl_device_disk_add(context, domid, &device, NULL);
	} else {
		libxl_device_disk_dispose(&device);
		error = libxl_vdev_to_device_disk(context, domid, disk->dst, &device);
		if (!error)
			error = libxl_device_disk_remove(context, domid, &device, NULL);
	}
	libxl_device_disk_dispose(&device);
	libxl_ctx_free(context);
	return error ? xen_failed(attach ? _("cannot attach the disk")
					 : _("cannot detach the disk"))
		     : 0;
}

int pvh_nic(uint32_t domid, virDomainNetDef *net, bool attach)
{
	libxl_ctx *context = xen_open();
	char mac[VIR_MAC_STRING_BUFLEN];
	libxl_device_nic device;
	int error;

	if (!context)
		return -1;
	describe_nic(&device, net);
	if (attach) {
		error = libxl_device_nic_add(context, domid, &device, NULL);
	} else {
		libxl_device_nic_dispose(&device);
		error = libxl_mac_to_device_nic(context, domid, virMacAddrFormat(&net->mac, mac),
						&device);
		if (!error)
			error = libxl_device_nic_remove(context, domid, &device, NULL);
	}
	libxl_device_nic_dispose(&device);
	libxl_ctx_free(context);
	return error ? xen_failed(attach ? _("cannot attach the interface")
					 : _("cannot detach the interface"))
		     : 0;
}

char *pvh_nic_name(uint32_t domid, const virDomainNetDef *net)
{
	libxl_ctx *context = xen_open();
	char mac[VIR_MAC_STRING_BUFLEN], *name = NULL;
	libxl_device_nic device;

	if (!context)
		return NULL;
	libxl_device_nic_init(&device);
	if (libxl_mac_to_device_nic(context, domid, virMacAddrFormat(&net->mac, mac), &device))
		xen_failed(_("the interface is not known"));
	else
		name = g_strdup_printf("vif%u.%d", domid, device.devid);
	libxl_device_nic_dispose(&device);
	libxl_ctx_free(context);
	return name;
}

/* Looking -------------------------------------------------------------------------------------- */

static enum diptych_state state_of(const libxl_dominfo *info, enum diptych_end *end)
{
	*end = DIPTYCH_END_UNKNOWN;
	if (info->dying)
		return DIPTYCH_DYING;
	if (info->shutdown) {
		*end = info->shutdown_reason == LIBXL_SHUTDOWN_REASON_POWEROFF
			       ? DIPTYCH_END_POWEROFF
		       : info->shutdown_reason == LIBXL_SHUTDOWN_REASON_REBOOT ? DIPTYCH_END_REBOOT
									       : DIPTYCH_END_CRASH;
		return DIPTYCH_SHUTDOWN;
	}
	return info->paused ? DIPTYCH_PAUSED : info->blocked ? DIPTYCH_BLOCKED : DIPTYCH_RUNNING;
}

int pvh_look(const unsigned char *uuid, struct diptych_pair *pair)
{
	libxl_ctx *context = xen_open();
	libxl_dominfo *list, *info = NULL;
	int count, i;

	memset(pair, 0, sizeof(*pair));
	if (!context) {
		virResetLastError();
		return -1;
	}
	list = libxl_list_domain(context, &count);
	if (!list) {
		libxl_ctx_free(context);
		return -1;
	}
	for (i = 0; i < count; i++) {
		/* The id decides: a domain that is being taken apart keeps its uuid for a while. */
		if (memcmp(libxl_uuid_bytearray_const(&list[i].uuid), uuid, VIR_UUID_BUFLEN) == 0 &&
		    (!info || info->dying))
			info = &list[i];
	}
	if (info) {
		pair->guest = info->domid;
		pair->fidelity = DIPTYCH_NO_DOMAIN;
		memcpy(pair->uuid, uuid, VIR_UUID_BUFLEN);
		pair->state = state_of(info, &pair->end);
		pair->memory_kib = info->current_memkb;
		pair->pool_kib = info->current_memkb;
		pair->vcpus = info->vcpu_max_id + 1;
		pair->guest_ns = info->cpu_time;
	}
	libxl_dominfo_list_free(list, count);
	libxl_ctx_free(context);
	return info != NULL;
}
