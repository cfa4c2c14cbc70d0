/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test double of libxl beside double.c: a hypervisor of four CPUs with one PVH domain, that is there while the file `xen`
 * is in the world.  The domain is the file `pvh`, "UUID STATE"; while `mute` is there, it cannot be asked for; while
 * `refuse` is, all that changes something is refused.  What only handles data is libxl's own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxl.h>
#include <libxl_utils.h>

#include "double.h"

#define DOMID 900u
#define CPUS  4

int libxl_ctx_alloc(libxl_ctx **context, int version, unsigned flags, xentoollog_logger *logger)
{
	static char nothing; /* nobody looks into it */

	(void)version, (void)flags, (void)logger;
	*context = is_there("xen") ? (libxl_ctx *)&nothing : NULL;
	return *context ? 0 : ERROR_FAIL;
}

int libxl_ctx_free(libxl_ctx *context)
{
	(void)context;
	return 0;
}

void libxl_childproc_setmode(libxl_ctx *context, const libxl_childproc_hooks *hooks, void *user)
{
	(void)context, (void)hooks, (void)user;
}

int libxl_get_physinfo(libxl_ctx *context, libxl_physinfo *info)
{
	(void)context;
	info->nr_cpus = CPUS;
	return 0;
}

int libxl_cpu_bitmap_alloc(libxl_ctx *context, libxl_bitmap *map, int cpus)
{
	(void)context;
	map->size = (uint32_t)((cpus ? cpus : CPUS) + 7) / 8;
	map->map = calloc(1, map->size);
	return 0;
}

/* What changes something. */
static int ask(const char *what, const char *argument)
{
	if (is_there("refuse"))
		return ERROR_FAIL;
	tell("asked", "pvh %s %s", what, argument);
	return 0;
}

int libxl_set_vcpuaffinity(libxl_ctx *context, uint32_t domid, uint32_t vcpu,
			   const libxl_bitmap *hard, const libxl_bitmap *soft)
{
	(void)context, (void)domid, (void)vcpu, (void)hard, (void)soft;
	return ask("pin", "");
}

int libxl_domain_create_new(libxl_ctx *context, libxl_domain_config *config, uint32_t *domid,
			    const libxl_asyncop_how *how,
			    const libxl_asyncprogress_how *console_how)
{
	char path[512];
	FILE *file;
	int i;

	(void)context, (void)how, (void)console_how;
	path_in_world(path, "pvh");
	file = fopen(path, "w");
	for (i = 0; i < 16; i++)
		fprintf(file, "%02x", libxl_uuid_bytearray(&config->c_info.uuid)[i]);
	fprintf(file, " running\n");
	fclose(file);
	for (i = 0; i < config->num_nics; i++)
		tell("asked", "pvh create %s %s", config->c_info.name, config->nics[i].bridge);
	*domid = DOMID;
	return 0;
}

int libxl_domain_unpause(libxl_ctx *context, uint32_t domid, const libxl_asyncop_how *how)
{
	(void)context, (void)domid, (void)how;
	return 0;
}

int libxl_domain_destroy(libxl_ctx *context, uint32_t domid, const libxl_asyncop_how *how)
{
	char path[512];

	(void)context, (void)domid, (void)how;
	path_in_world(path, "pvh");
	return unlink(path) < 0 ? ERROR_DOMAIN_NOTFOUND : 0;
}

int libxl_console_get_tty(libxl_ctx *context, uint32_t domid, int number, libxl_console_type type,
			  char **path)
{
	(void)context, (void)domid, (void)number, (void)type;
	*path = strdup("/dev/pts/ptmx");
	return 0;
}

libxl_dominfo *libxl_list_domain(libxl_ctx *context, int *count)
{
	char path[512], hex[33] = "", state[16] = "";
	libxl_dominfo *list;
	unsigned int byte;
	FILE *file;
	int i;

	(void)context;
	if (is_there("mute"))
		return NULL; /* and leaves *count, as libxl does */
	list = calloc(1, sizeof(*list));
	path_in_world(path, "pvh");
	file = fopen(path, "r");
	*count = file && fscanf(file, "%32s %15s", hex, state) == 2;
	if (file)
		fclose(file);
	for (i = 0; i < 16 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		libxl_uuid_bytearray(&list->uuid)[i] = (uint8_t)byte;
	list->domid = DOMID;
	list->shutdown = strcmp(state, "running") != 0;
	list->shutdown_reason = LIBXL_SHUTDOWN_REASON_POWEROFF;
	return list;
}

int libxl_device_nic_add(libxl_ctx *context, uint32_t domid, libxl_device_nic *nic,
			 const libxl_asyncop_how *how)
{
	(void)context, (void)domid, (void)how;
	return ask("nic add", nic->bridge);
}

int libxl_device_nic_remove(libxl_ctx *context, uint32_t domid, libxl_device_nic *nic,
			    const libxl_asyncop_how *how)
{
	(void)context, (void)domid, (void)nic, (void)how;
	return ask("nic remove", "");
}

/* Numbered by its last byte, as in double.c. */
int libxl_mac_to_device_nic(libxl_ctx *context, uint32_t domid, const char *mac,
			    libxl_device_nic *nic)
{
	(void)context, (void)domid;
	libxl_device_nic_init(nic);
	nic->devid = (int)strtoul(strrchr(mac, ':') + 1, NULL, 16);
	return 0;
}
