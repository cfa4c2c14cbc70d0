/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that come and go: disks, interfaces, the medium in a CD-ROM drive.  For the definition any
 * device that may stand in it; for a running domain what the toolstack can plug.
 */
#include "lifecycle.h"

#include <conf/domain_validate.h>

VIR_LOG_INIT("diptych.devices");

#define LIVE_OR_CONFIG (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

enum change { ATTACH, DETACH, UPDATE };

static int refuse(const virDomainDeviceDef *device, const char *what)
{
	virReportError(VIR_ERR_OPERATION_UNSUPPORTED, _("device '%s' %s"),
		       virDomainDeviceTypeToString(device->type), what);
	return -1;
}

/* The definition: `def` is a copy that is thrown away when this fails. ------------------------- */

static int attach_config(virDomainDef *def, virDomainDeviceDef *device)
{
	switch (device->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		if (virDomainDiskIndexByName(def, device->data.disk->dst, true) >= 0) {
			virReportError(VIR_ERR_OPERATION_INVALID, _("target %s already exists"),
				       device->data.disk->dst);
			return -1;
		}
		virDomainDiskInsert(def, g_steal_pointer(&device->data.disk));
		return 0;
	case VIR_DOMAIN_DEVICE_NET:
		if (virDomainHasNet(def, device->data.net)) {
			virReportError(VIR_ERR_OPERATION_INVALID, "%s",
				       _("the interface is there already"));
			return -1;
		}
		if (libvirt_failed(virDomainNetInsert(def, device->data.net)))
			return -1;
		device->data.net = NULL;
		return 0;
	default:
		return refuse(device, _("cannot be attached: only disks and interfaces"));
	}
}

static int detach_config(virDomainDef *def, virDomainDeviceDef *device)
{
	virDomainDiskDef *disk;
	int index;

	switch (device->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		disk = virDomainDiskRemoveByName(def, device->data.disk->dst);
		if (!disk) {
			virReportError(VIR_ERR_DEVICE_MISSING, _("no target device %s"),
				       device->data.disk->dst);
			return -1;
		}
		virDomainDiskDefFree(disk);
		return 0;
	case VIR_DOMAIN_DEVICE_NET:
		index = virDomainNetFindIdx(def, device->data.net);
		if (index < 0)
			return -1;
		virDomainNetDefFree(virDomainNetRemove(def, (size_t)index));
		return 0;
	default:
		return refuse(device, _("cannot be detached: only disks and interfaces"));
	}
}

static int update_config(virDomainDef *def, virDomainDeviceDef *device)
{
	int index;

	switch (device->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		index = virDomainDiskIndexByName(def, device->data.disk->dst, false);
		if (index < 0) {
			virReportError(VIR_ERR_DEVICE_MISSING, _("no target device %s"),
				       device->data.disk->dst);
			return -1;
		}
		virDomainDiskDefFree(def->disks[index]);
		def->disks[index] = g_steal_pointer(&device->data.disk);
		return 0;
	case VIR_DOMAIN_DEVICE_NET:
		index = virDomainNetFindIdx(def, device->data.net);
		if (index < 0 ||
		    libvirt_failed(virDomainNetUpdate(def, (size_t)index, device->data.net)))
			return -1;
		device->data.net = NULL;
		return 0;
	default:
		return refuse(device, _("cannot be changed: only disks and interfaces"));
	}
}

/* A running domain ----------------------------------------------------------------------------- */

static int disk_live(virDomainObj *vm, virDomainDiskDef *disk, enum change change)
{
	virDomainDiskDef *old = virDomainDiskByTarget(vm->def, disk->dst);
	uint32_t domid = (uint32_t)vm->def->id;
	int ret;

	if (change == ATTACH ? old != NULL : old == NULL) {
		if (old)
			virReportError(VIR_ERR_OPERATION_INVALID, _("target %s already exists"),
				       disk->dst);
		else
			virReportError(VIR_ERR_DEVICE_MISSING, _("no target device %s"), disk->dst);
		return -1;
	}
	if (change == UPDATE && old->device != VIR_DOMAIN_DISK_DEVICE_CDROM) {
		virReportError(VIR_ERR_OPERATION_UNSUPPORTED,
			       _("disk '%s' cannot be changed: only the medium of a cdrom"),
			       disk->dst);
		return -1;
	}
	virObjectUnlock(vm);
	if (is_pvh(vm->def) && change != UPDATE)
		ret = pvh_disk(domid, change == ATTACH ? disk : old, change == ATTACH);
	else if (change == UPDATE)
		ret = pair_disk_change(domid, disk);
	else
		ret = pair_disk(domid, change == ATTACH ? disk : old, change == ATTACH);
	virObjectLock(vm);
	return ret;
}

static int net_live(virDomainObj *vm, virDomainNetDef *net, enum change change)
{
	uint32_t domid = (uint32_t)vm->def->id;
	int index, ret;

	if (change == UPDATE) {
		virReportError(VIR_ERR_OPERATION_UNSUPPORTED, "%s",
			       _("interface: cannot be changed while the domain runs"));
		return -1;
	}
	if (change == DETACH) {
		index = virDomainNetFindIdx(vm->def, net);
		if (index < 0)
			return -1;
		net = vm->def->nets[index];
	} else if (virDomainHasNet(vm->def, net)) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("the interface is there already"));
		return -1;
	}
	virObjectUnlock(vm);
	ret = change == ATTACH ? network_use(vm->def, net) : 0;
	if (ret == 0) {
		ret = is_pvh(vm->def) ? pvh_nic(domid, net, change == ATTACH)
				      : pair_nic(domid, net, change == ATTACH);
		if ((ret == 0) == (change == DETACH)) /* gone, or never came */
			network_release(vm->def, net);
		else if (ret == 0)
			show_interface(vm->def, net);
	}
	virObjectLock(vm);
	return ret;
}

static int change_live(virDomainObj *vm, virDomainDeviceDef *device, enum change change)
{
	switch (device->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		return disk_live(vm, device->data.disk, change);
	case VIR_DOMAIN_DEVICE_NET:
		return net_live(vm, device->data.net, change);
	default:
		return refuse(device, _("cannot be plugged: only disks and interfaces"));
	}
}

static int change_config(virDomainDef *def, virDomainDeviceDef *device, enum change change)
{
	return change == ATTACH	  ? attach_config(def, device)
	       : change == DETACH ? detach_config(def, device)
				  : update_config(def, device);
}

/* What is plugged shows in the live definition; it has been there to be looked at before. */
static void keep_live(virDomainObj *vm, virDomainDeviceDef *device, enum change change)
{
	if (change_config(vm->def, device, change) < 0) {
		VIR_WARN("Domain %s: its live definition is not up to date: %s", vm->def->name,
			 virGetLastErrorMessage());
		virResetLastError();
	}
	save_status(vm);
}

/* Both -------------------------------------------------------------------------------------------- */

static virDomainDeviceDef *parse(const char *xml, virDomainDef *def, enum change change)
{
	unsigned int flags = VIR_DOMAIN_DEF_PARSE_INACTIVE;

	/* What is to go is only named. */
	if (change == DETACH)
		flags |= VIR_DOMAIN_DEF_PARSE_SKIP_VALIDATE;
	return virDomainDeviceDefParse(xml, def, driver->xmlopt, NULL, flags);
}

static int change_both(virDomainObj *vm, const char *xml, unsigned int flags, enum change change)
{
	g_autoptr(virDomainDeviceDef) for_config = NULL;
	g_autoptr(virDomainDeviceDef) for_live = NULL;
	g_autoptr(virDomainDef) changed = NULL;
	virDomainDef *live, *config;

	if (virDomainObjGetDefs(vm, flags, &live, &config) < 0)
		return -1;
	if (config) {
		for_config = parse(xml, config, change);
		changed = virDomainDefCopy(config, driver->xmlopt, NULL, false);
		if (!for_config || !changed || change_config(changed, for_config, change) < 0 ||
		    virDomainDefValidate(changed, 0, driver->xmlopt, NULL) < 0)
			return -1;
	}
	if (live) {
		for_live = parse(xml, live, change);
		if (!for_live || change_live(vm, for_live, change) < 0)
			return -1;
		keep_live(vm, for_live, change);
	}
	return changed ? definition_replace(vm, &changed) : 0;
}

static int change_device(const char *xml, unsigned int flags, enum change change, virDomainObj *vm)
{
	int ret = -1;

	if (!vm)
		return -1;
	if (xml_accept_device(xml) == 0)
		ret = change_both(vm, xml, flags, change);
	domain_job_done(&vm);
	return ret;
}

int domain_attach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
	if (check_flags(__func__, flags, LIVE_OR_CONFIG) < 0)
		return -1;
	return change_device(
		xml, flags, ATTACH,
		in_job(domain_for_flags(dom, virDomainAttachDeviceFlagsEnsureACL, flags)));
}

int domain_attach_device(virDomainPtr dom, const char *xml)
{
	return domain_attach_device_flags(dom, xml, VIR_DOMAIN_AFFECT_LIVE);
}

int domain_detach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
	if (check_flags(__func__, flags, LIVE_OR_CONFIG) < 0)
		return -1;
	return change_device(
		xml, flags, DETACH,
		in_job(domain_for_flags(dom, virDomainDetachDeviceFlagsEnsureACL, flags)));
}

int domain_detach_device(virDomainPtr dom, const char *xml)
{
	return domain_detach_device_flags(dom, xml, VIR_DOMAIN_AFFECT_LIVE);
}

int domain_update_device_flags(virDomainPtr dom, const char *xml, unsigned int flags)
{
	if (check_flags(__func__, flags, LIVE_OR_CONFIG | VIR_DOMAIN_DEVICE_MODIFY_FORCE) < 0)
		return -1;
	return change_device(
		xml, flags & LIVE_OR_CONFIG, UPDATE,
		in_job(domain_for_flags(dom, virDomainUpdateDeviceFlagsEnsureACL, flags)));
}
