// SPDX-License-Identifier: GPL-2.0-or-later
/* The description of a pair: making, growing and freeing one.  No hypervisor, no files. */
#include <stdlib.h>
#include <string.h>

#include "libdiptych.h"

void diptych_desc_init(struct diptych_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	desc->vcpus = 1;
	desc->firmware = DIPTYCH_SEABIOS;
	desc->serial = true;
	desc->on_poweroff = DIPTYCH_ACTION_DESTROY;
	desc->on_reboot = DIPTYCH_ACTION_RESTART;
	desc->on_crash = DIPTYCH_ACTION_DESTROY;
}

void diptych_desc_dispose(struct diptych_desc *desc)
{
	size_t i;

	for (i = 0; i < desc->disk_count; i++) {
		free(desc->disks[i].path);
		free(desc->disks[i].target);
	}
	for (i = 0; i < desc->nic_count; i++)
		free(desc->nics[i].bridge);
	free(desc->disks);
	free(desc->nics);
	free(desc->name);
	free(desc->boot);
	free(desc->vnc_listen);
	free(desc->cpus);
	free(desc->fidelity_kernel);
	free(desc->fidelity_ramdisk);
	free(desc->fidelity_cmdline);
	free(desc->source);
	free(desc->notes);
	memset(desc, 0, sizeof(*desc));
}

static void *grow(void **array, size_t *count, size_t size)
{
	void *bigger = realloc(*array, (*count + 1) * size);
	void *element;

	if (!bigger)
		return NULL;
	*array = bigger;
	element = (char *)bigger + *count * size;
	memset(element, 0, size);
	++*count;
	return element;
}

struct diptych_disk *diptych_desc_add_disk(struct diptych_desc *desc)
{
	return grow((void **)&desc->disks, &desc->disk_count, sizeof(*desc->disks));
}

struct diptych_nic *diptych_desc_add_nic(struct diptych_desc *desc)
{
	return grow((void **)&desc->nics, &desc->nic_count, sizeof(*desc->nics));
}
