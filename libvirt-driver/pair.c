/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From libvirt's definition to libdiptych's, and its calls: see pair.h. */
#include "pair.h"

#include <util/virfile.h>
#include <util/virmacaddr.h>
#include <util/virthread.h>

VIR_LOG_INIT("diptych.pair");

#ifndef XEN_CAPABILITIES /* tests put a file of theirs here */
#define XEN_CAPABILITIES "/proc/xen/capabilities"
#endif

static struct diptych *quick; /* under quick_lock */
static virMutex quick_lock = VIR_MUTEX_INITIALIZER;

void pair_log(void *user G_GNUC_UNUSED, enum diptych_level level, const char *message)
{
	switch (level) {
	case DIPTYCH_DEBUG:
		VIR_DEBUG("%s", message);
		break;
	case DIPTYCH_INFO:
		VIR_INFO("%s", message);
		break;
	case DIPTYCH_WARNING:
	case DIPTYCH_ERROR: /* who called reports it as an error of its own */
		VIR_WARN("%s", message);
		break;
	}
}

bool pair_host_usable(void)
{
	g_autofree char *text = NULL;

	if (virFileReadAllQuiet(XEN_CAPABILITIES, 1024, &text) < 0) {
		VIR_INFO("No " XEN_CAPABILITIES ": not under Xen's interface, driver disabled");
		return false;
	}
	if (!strstr(text, "control_d")) {
		VIR_INFO("Not the control domain, driver disabled");
		return false;
	}
	return true;
}

int pair_open(void)
{
	int error = diptych_open(&quick, pair_log, NULL);

	/* Pairs may have lost their monitors while we were away; that is no reason to be off. */
	if (!error && diptych_tend(quick) < 0)
		VIR_WARN("Not all pairs are watched over: %s", diptych_error(quick));
	return error;
}

void pair_close(void)
{
	diptych_close(quick);
	quick = NULL;
}

/* The definition ---------------------------------------------------------------------------------- */

static enum diptych_action action_of(int action)
{
	switch (action) {
	case VIR_DOMAIN_LIFECYCLE_ACTION_RESTART:
		return DIPTYCH_ACTION_RESTART;
	case VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE:
		return DIPTYCH_ACTION_PRESERVE;
	default:
		return DIPTYCH_ACTION_DESTROY;
	}
}

/* libdiptych owns and frees by free(), which GLib's strings are not made for. */
static bool text(char **to, const char *from)
{
	free(*to);
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool describe_disk(struct diptych_desc *desc, virDomainDiskDef *from)
{
	struct diptych_disk *disk = diptych_desc_add_disk(desc);

	if (!disk)
		return false;
	disk->format = DIPTYCH_RAW;
	disk->bus = from->bus == VIR_DOMAIN_DISK_BUS_IDE ? DIPTYCH_BUS_IDE : DIPTYCH_BUS_VIRTIO;
	disk->cdrom = from->device == VIR_DOMAIN_DISK_DEVICE_CDROM;
	disk->readonly = from->src->readonly || disk->cdrom;
	return text(&disk->path, virDomainDiskGetSource(from)) && text(&disk->target, from->dst);
}

static bool describe_net(struct diptych_desc *desc, const virDomainNetDef *from)
{
	struct diptych_nic *nic = diptych_desc_add_nic(desc);

	if (!nic)
		return false;
	nic->model = from->model == VIR_DOMAIN_NET_MODEL_E1000 ? DIPTYCH_NIC_E1000
							       : DIPTYCH_NIC_VIRTIO;
	virMacAddrGetRaw(&from->mac, nic->mac);
	return text(&nic->bridge, from->data.bridge.brname);
}

static bool describe(struct diptych_desc *desc, const virDomainDef *def)
{
	char boot[VIR_DOMAIN_BOOT_LAST + 1] = "";
	size_t i;

	for (i = 0; i < def->os.nBootDevs; i++)
		boot[i] = def->os.bootDevs[i] == VIR_DOMAIN_BOOT_CDROM ? 'd'
			  : def->os.bootDevs[i] == VIR_DOMAIN_BOOT_NET ? 'n'
								       : 'c';
	memcpy(desc->uuid, def->uuid, sizeof(desc->uuid));
	desc->max_memory_kib = virDomainDefGetMemoryTotal(def);
	desc->vcpus = virDomainDefGetVcpus(def);
	desc->serial = def->nserials > 0;
	desc->on_poweroff = action_of(def->onPoweroff);
	desc->on_reboot = action_of(def->onReboot);
	desc->on_crash = action_of(def->onCrash);
	if (!text(&desc->name, def->name) || (*boot && !text(&desc->boot, boot)))
		return false;
	for (i = 0; i < def->ndisks; i++) {
		if (!describe_disk(desc, def->disks[i]))
			return false;
	}
	for (i = 0; i < def->nnets; i++) {
		if (!describe_net(desc, def->nets[i]))
			return false;
	}
	return true;
}

/* The calls --------------------------------------------------------------------------------------- */

static int failed(const char *what, const struct diptych *context, int error)
{
	const char *why = context ? diptych_error(context) : "";

	virReportError(VIR_ERR_OPERATION_FAILED, "%s: %s", what, *why ? why : g_strerror(-error));
	return -1;
}

int pair_start(const virDomainDef *def, bool paused, uint32_t *guest)
{
	struct diptych *context = NULL;
	struct diptych_desc desc;
	int error, ret = -1;

	diptych_desc_init(&desc);
	if (!describe(&desc, def)) {
		virReportError(VIR_ERR_NO_MEMORY, NULL);
		goto out;
	}
	error = diptych_open(&context, pair_log, NULL);
	if (!error)
		error = diptych_create(context, &desc, paused ? DIPTYCH_CREATE_PAUSED : 0, guest);
	ret = error ? failed(_("cannot start the domain"), context, error) : 0;
	diptych_close(context);
out:
	diptych_desc_dispose(&desc);
	return ret;
}

/* By uuid, as a pair that its monitor builds anew has another id each time. */
static int find_and_destroy(struct diptych *context, const unsigned char *uuid)
{
	struct diptych_pair pair;
	int error = diptych_settle(context);

	if (!error)
		error = diptych_lookup_uuid(context, uuid, &pair);
	if (error)
		return error == -ESRCH ? 0 : error;
	error = diptych_destroy(context, pair.guest);
	diptych_pair_dispose(&pair);
	return error;
}

int pair_end(const unsigned char *uuid)
{
	struct diptych *context = NULL;
	int error, tries = 3;

	error = diptych_open(&context, pair_log, NULL);
	if (!error) {
		do /* ESRCH: it ended by itself, and is perhaps being built anew */
			error = find_and_destroy(context, uuid);
		while (error == -ESRCH && --tries);
	}
	if (error)
		failed(_("cannot end the domain"), context, error);
	diptych_close(context);
	return error ? -1 : 0;
}

bool pair_settled(const unsigned char *uuid, struct diptych_pair *pair)
{
	struct diptych *context = NULL;
	bool is;

	if (diptych_open(&context, pair_log, NULL) < 0)
		return false;
	/* The monitor takes the old one apart and builds the new one in one go. */
	is = diptych_settle(context) == 0 && diptych_lookup_uuid(context, uuid, pair) == 0;
	diptych_close(context);
	return is;
}

int pair_set_paused(uint32_t guest, bool paused)
{
	int error = 0;

	VIR_WITH_MUTEX_LOCK_GUARD(&quick_lock)
	{
		error = paused ? diptych_pause(quick, guest) : diptych_unpause(quick, guest);
		if (error)
			failed(paused ? _("cannot pause the domain")
				      : _("cannot resume the domain"),
			       quick, error);
	}
	return error ? -1 : 0;
}

int pair_ask_to_end(uint32_t guest, bool reboot)
{
	int error = 0;

	VIR_WITH_MUTEX_LOCK_GUARD(&quick_lock)
	{
		error = reboot ? diptych_reboot(quick, guest) : diptych_shutdown(quick, guest);
		if (error)
			failed(_("cannot ask the guest to end"), quick, error);
	}
	return error ? -1 : 0;
}

char *pair_console(uint32_t guest)
{
	struct diptych *context = NULL;
	char *path = NULL, *copy = NULL;

	/* May wait for seconds, so not behind the mutex. */
	if (diptych_open(&context, pair_log, NULL) == 0 &&
	    diptych_console_path(context, guest, &path) == 0) {
		copy = g_strdup(path);
		free(path);
	}
	diptych_close(context);
	return copy;
}

bool pair_find(const unsigned char *uuid, struct diptych_pair *pair)
{
	int error = 0;

	VIR_WITH_MUTEX_LOCK_GUARD(&quick_lock)
	{
		error = diptych_lookup_uuid(quick, uuid, pair);
	}
	return error == 0;
}

unsigned long long pair_cpu_time(const virDomainObj *vm)
{
	struct diptych_pair pair;
	unsigned long long ns;

	if (!pair_find(vm->def->uuid, &pair))
		return 0;
	ns = pair.guest_ns + pair.fidelity_ns;
	diptych_pair_dispose(&pair);
	return ns;
}
