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
	if (!pair_describe(&desc, def)) {
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

static int settle_and_look_up(const unsigned char *uuid, struct diptych_pair *pair)
{
	struct diptych *context = NULL;
	int error = diptych_open(&context, pair_log, NULL);

	/* The monitor takes the old one apart and builds the new one in one go. */
	if (!error)
		error = diptych_settle(context);
	if (!error)
		error = diptych_lookup_uuid(context, uuid, pair);
	diptych_close(context);
	return error;
}

int pair_look(const unsigned char *uuid, bool settled, struct diptych_pair *pair)
{
	int error = 0;

	if (settled) {
		error = settle_and_look_up(uuid, pair);
	} else {
		VIR_WITH_MUTEX_LOCK_GUARD(&quick_lock)
		{
			error = diptych_lookup_uuid(quick, uuid, pair);
		}
	}
	return error == 0 ? 1 : error == -ESRCH ? 0 : -1;
}

bool pair_find(const unsigned char *uuid, struct diptych_pair *pair)
{
	return pair_look(uuid, false, pair) > 0;
}

bool pair_settled(const unsigned char *uuid, struct diptych_pair *pair)
{
	return pair_look(uuid, true, pair) > 0;
}

/* One quick call: ends in an error of libvirt's. */
#define QUICKLY(what, call)                                  \
	({                                                   \
		int error_ = 0;                              \
		VIR_WITH_MUTEX_LOCK_GUARD(&quick_lock)       \
		{                                            \
			error_ = (call);                     \
			if (error_)                          \
				failed(what, quick, error_); \
		}                                            \
		error_ ? -1 : 0;                             \
	})

int pair_set_paused(uint32_t guest, bool paused)
{
	return paused ? QUICKLY(_("cannot pause the domain"), diptych_pause(quick, guest))
		      : QUICKLY(_("cannot resume the domain"), diptych_unpause(quick, guest));
}

int pair_disk_stats(uint32_t guest, const char *target, struct diptych_disk_stats *stats)
{
	return QUICKLY(_("the disk is not counted"),
		       diptych_disk_stats(quick, guest, target, stats));
}

char *pair_nic_name(uint32_t guest, const virDomainNetDef *net)
{
	struct diptych_nic_stats stats;
	uint8_t mac[VIR_MAC_BUFLEN];

	virMacAddrGetRaw(&net->mac, mac);
	return QUICKLY(_("the interface is not known"),
		       diptych_nic_stats(quick, guest, mac, &stats)) < 0
		       ? NULL
		       : g_strdup(stats.interface);
}

/* One call that may take seconds, as QEMU in the fidelity domain answers when it likes: with a context of
 * its own, so that nobody waits behind it.  The caller holds no domain's lock. */
#define SLOWLY(what, call)                                       \
	({                                                       \
		struct diptych *own = NULL;                      \
		int error_ = diptych_open(&own, pair_log, NULL); \
		if (!error_)                                     \
			error_ = (call);                         \
		if (error_)                                      \
			failed(what, own, error_);               \
		diptych_close(own);                              \
		error_ ? -1 : 0;                                 \
	})

int pair_ask_to_end(uint32_t guest, bool reboot)
{
	return reboot ? SLOWLY(_("cannot ask the guest to reboot"), diptych_reboot(own, guest))
		      : SLOWLY(_("cannot ask the guest to end"), diptych_shutdown(own, guest));
}

int pair_reset(uint32_t guest)
{
	return SLOWLY(_("cannot reset the guest"), diptych_reset(own, guest));
}

int pair_nmi(uint32_t guest)
{
	return SLOWLY(_("cannot inject an NMI"), diptych_inject_nmi(own, guest));
}

int pair_send_keys(uint32_t guest, const unsigned int *codes, size_t count, unsigned int hold_ms)
{
	return SLOWLY(_("cannot press the keys"),
		      diptych_send_key(own, guest, codes, count, hold_ms));
}

int pair_screenshot(uint32_t guest, int fd)
{
	return SLOWLY(_("cannot take the picture"), diptych_screenshot(own, guest, fd));
}

int pair_set_memory(uint32_t guest, unsigned long long kib)
{
	return SLOWLY(_("cannot set the guest's memory"), diptych_set_memory(own, guest, kib));
}

int pair_disk(uint32_t guest, virDomainDiskDef *from, bool attach)
{
	struct diptych_desc desc;
	struct diptych_disk *disk;
	int ret = -1;

	diptych_desc_init(&desc);
	disk = diptych_desc_add_disk(&desc);
	if (!disk || !pair_describe_disk(disk, from))
		virReportError(VIR_ERR_NO_MEMORY, NULL);
	else if (attach)
		ret = SLOWLY(_("cannot attach the disk"), diptych_disk_attach(own, guest, disk));
	else
		ret = SLOWLY(_("cannot detach the disk"),
			     diptych_disk_detach(own, guest, disk->target));
	diptych_desc_dispose(&desc);
	return ret;
}

int pair_disk_change(uint32_t guest, virDomainDiskDef *from)
{
	struct diptych_desc desc;
	struct diptych_disk *disk;
	int ret = -1;

	diptych_desc_init(&desc);
	disk = diptych_desc_add_disk(&desc);
	if (!disk || !pair_describe_disk(disk, from))
		virReportError(VIR_ERR_NO_MEMORY, NULL);
	else
		ret = SLOWLY(_("cannot change the medium"),
			     diptych_cd_change(own, guest, disk->target, disk->path));
	diptych_desc_dispose(&desc);
	return ret;
}

int pair_nic(uint32_t guest, virDomainNetDef *from, bool attach)
{
	struct diptych_desc desc;
	struct diptych_nic *nic;
	int ret = -1;

	diptych_desc_init(&desc);
	nic = diptych_desc_add_nic(&desc);
	if (!nic || !pair_describe_net(nic, from))
		virReportError(VIR_ERR_NO_MEMORY, NULL);
	else if (attach)
		ret = SLOWLY(_("cannot attach the interface"), diptych_nic_attach(own, guest, nic));
	else
		ret = SLOWLY(_("cannot detach the interface"),
			     diptych_nic_detach(own, guest, nic->mac));
	diptych_desc_dispose(&desc);
	return ret;
}

int pair_vnc(uint32_t guest, char **host, unsigned int *port)
{
	struct diptych *context = NULL;
	char *found = NULL;
	int error;

	*host = NULL;
	*port = 0;
	/* May wait until somebody listens. */
	error = diptych_open(&context, pair_log, NULL);
	if (!error)
		error = diptych_vnc(context, guest, &found, port);
	if (error == -ENOENT)
		error = 0;
	if (error)
		failed(_("the guest's screen cannot be reached"), context, error);
	*host = g_strdup(found);
	free(found);
	diptych_close(context);
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
