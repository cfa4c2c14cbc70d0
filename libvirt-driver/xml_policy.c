/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's parser options for our domains: defaults that are filled in, values that are refused,
 * and the little state of ours that libvirt keeps beside each domain in its status files.
 * Which elements may appear at all is xml_accept.c's business.
 */
#include "driver.h"

#include <util/virxml.h>

VIR_LOG_INIT("diptych.xml");

#define KIB_PER_MIB 1024u

static int unsupported(const char *element, const char *value, const char *instead)
{
	virReportError(VIR_ERR_CONFIG_UNSUPPORTED,
		       _("%s '%s' is not supported by Diptych: only %s"), element,
		       value ? value : "", instead);
	return -1;
}

/* Defaults ---------------------------------------------------------------------------------------- */

static int domain_defaults(virDomainDef *def, unsigned int flags G_GNUC_UNUSED,
			   void *opaque G_GNUC_UNUSED, void *parse_opaque G_GNUC_UNUSED)
{
	unsigned long long kib = virDomainDefGetMemoryTotal(def);
	bool whole = def->mem.cur_balloon == kib;

	if (!def->os.machine)
		def->os.machine = g_strdup("pc");
	/* Memory is given out by the MiB, as QEMU does. */
	virDomainDefSetMemoryTotal(def, VIR_ROUND_UP(kib, KIB_PER_MIB));
	if (whole)
		def->mem.cur_balloon = virDomainDefGetMemoryTotal(def);
	if (!def->memballoon) {
		def->memballoon = g_new0(virDomainMemballoonDef, 1);
		def->memballoon->model = VIR_DOMAIN_MEMBALLOON_MODEL_NONE;
	}
	return 0;
}

static int device_defaults(virDomainDeviceDef *dev, const virDomainDef *def G_GNUC_UNUSED,
			   unsigned int flags G_GNUC_UNUSED, void *opaque G_GNUC_UNUSED,
			   void *parse_opaque G_GNUC_UNUSED)
{
	virDomainDiskDef *disk;

	if (dev->type != VIR_DOMAIN_DEVICE_DISK)
		return 0;
	disk = dev->data.disk;
	/* Never probed: a guest that writes a format's header on its raw disk must gain nothing. */
	if (virDomainDiskGetFormat(disk) <= VIR_STORAGE_FILE_NONE)
		virDomainDiskSetFormat(disk, VIR_STORAGE_FILE_RAW);
	/* Xen's name for a paravirtual disk.  Say what the guest will find. */
	if (disk->bus == VIR_DOMAIN_DISK_BUS_XEN)
		disk->bus = VIR_DOMAIN_DISK_BUS_VIRTIO;
	return 0;
}

/* Refusals ---------------------------------------------------------------------------------------- */

static int check_action(const char *element, int action)
{
	if (action == VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY ||
	    action == VIR_DOMAIN_LIFECYCLE_ACTION_RESTART ||
	    action == VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE)
		return 0;
	return unsupported(element, virDomainLifecycleActionTypeToString(action),
			   "destroy, restart and preserve");
}

static int domain_validate(const virDomainDef *def, void *opaque G_GNUC_UNUSED,
			   void *parse_opaque G_GNUC_UNUSED)
{
	size_t i;

	if (def->virtType != VIR_DOMAIN_VIRT_XEN)
		return unsupported("domain type", virDomainVirtTypeToString(def->virtType), "xen");
	if (def->os.type != VIR_DOMAIN_OSTYPE_HVM)
		return unsupported("os type", virDomainOSTypeToString(def->os.type), "hvm");
	if (def->os.arch != VIR_ARCH_X86_64)
		return unsupported("os arch", virArchToString(def->os.arch), "x86_64");
	if (STRNEQ(def->os.machine, "pc") && STRNEQ(def->os.machine, "xenfv"))
		return unsupported("os machine", def->os.machine, "pc");
	for (i = 0; i < def->os.nBootDevs; i++) {
		if (def->os.bootDevs[i] == VIR_DOMAIN_BOOT_FLOPPY)
			return unsupported("boot device", "fd", "hd, cdrom and network");
	}
	if (virDomainDefGetVcpusMax(def) > VCPUS_MAX) {
		g_autofree char *count = g_strdup_printf("%u", virDomainDefGetVcpusMax(def));

		return unsupported("vcpu", count, "1");
	}
	if (def->mem.cur_balloon != virDomainDefGetMemoryTotal(def))
		return unsupported("currentMemory", "", "the same value as memory");
	if (def->clock.offset != VIR_DOMAIN_CLOCK_OFFSET_UTC)
		return unsupported("clock offset",
				   virDomainClockOffsetTypeToString(def->clock.offset), "utc");
	if (def->cpu && def->cpu->mode != VIR_CPU_MODE_HOST_PASSTHROUGH)
		return unsupported("cpu mode", virCPUModeTypeToString((virCPUMode)def->cpu->mode),
				   "host-passthrough");
	if (def->nserials > 1)
		return unsupported("serial", "1", "one serial port");
	if (check_action("on_poweroff", def->onPoweroff) < 0 ||
	    check_action("on_reboot", def->onReboot) < 0 ||
	    check_action("on_crash", def->onCrash) < 0)
		return -1;
	return 0;
}

static int check_disk(const virDomainDiskDef *disk)
{
	int type = virDomainDiskGetType((virDomainDiskDef *)disk);

	if (disk->device != VIR_DOMAIN_DISK_DEVICE_DISK &&
	    disk->device != VIR_DOMAIN_DISK_DEVICE_CDROM)
		return unsupported("disk device", virDomainDiskDeviceTypeToString(disk->device),
				   "disk and cdrom");
	if (type != VIR_STORAGE_TYPE_FILE && type != VIR_STORAGE_TYPE_BLOCK)
		return unsupported("disk type", virStorageTypeToString((virStorageType)type),
				   "file and block");
	if (virDomainDiskGetFormat((virDomainDiskDef *)disk) != VIR_STORAGE_FILE_RAW)
		return unsupported("disk driver type",
				   virStorageFileFormatTypeToString(
					   virDomainDiskGetFormat((virDomainDiskDef *)disk)),
				   "raw");
	if (disk->bus != VIR_DOMAIN_DISK_BUS_VIRTIO && disk->bus != VIR_DOMAIN_DISK_BUS_IDE)
		return unsupported("disk bus", virDomainDiskBusTypeToString(disk->bus),
				   "virtio and ide");
	return 0;
}

static int check_net(const virDomainNetDef *net)
{
	if (net->type != VIR_DOMAIN_NET_TYPE_BRIDGE)
		return unsupported("interface type", virDomainNetTypeToString(net->type), "bridge");
	if (net->model != VIR_DOMAIN_NET_MODEL_UNKNOWN &&
	    net->model != VIR_DOMAIN_NET_MODEL_VIRTIO && net->model != VIR_DOMAIN_NET_MODEL_E1000)
		return unsupported("interface model", virDomainNetModelTypeToString(net->model),
				   "virtio and e1000");
	if (net->modelstr)
		return unsupported("interface model", net->modelstr, "virtio and e1000");
	return 0;
}

/* A console of target type serial is libvirt's other name for the serial port, and has no source of its own. */
static int check_character_device(const virDomainChrDef *chr)
{
	if (chr->deviceType == VIR_DOMAIN_CHR_DEVICE_TYPE_CONSOLE) {
		if (chr->targetType == VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_SERIAL)
			return 0;
		return unsupported("console target type",
				   virDomainChrConsoleTargetTypeToString(chr->targetType),
				   "serial");
	}
	if (chr->source->type != VIR_DOMAIN_CHR_TYPE_PTY)
		return unsupported(virDomainChrDeviceTypeToString(chr->deviceType),
				   virDomainChrTypeToString(chr->source->type), "pty");
	return 0;
}

static int device_validate(const virDomainDeviceDef *dev, const virDomainDef *def G_GNUC_UNUSED,
			   void *opaque G_GNUC_UNUSED, void *parse_opaque G_GNUC_UNUSED)
{
	switch (dev->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		return check_disk(dev->data.disk);
	case VIR_DOMAIN_DEVICE_NET:
		return check_net(dev->data.net);
	case VIR_DOMAIN_DEVICE_CHR:
		return check_character_device(dev->data.chr);
	case VIR_DOMAIN_DEVICE_CONTROLLER:
		if (dev->data.controller->type == VIR_DOMAIN_CONTROLLER_TYPE_IDE)
			return 0; /* libvirt adds one for every four ide disks */
		return unsupported("controller",
				   virDomainControllerTypeToString(dev->data.controller->type),
				   "ide");
	case VIR_DOMAIN_DEVICE_MEMBALLOON:
		if (dev->data.memballoon->model == VIR_DOMAIN_MEMBALLOON_MODEL_NONE)
			return 0;
		return unsupported(
			"memballoon",
			virDomainMemballoonModelTypeToString(dev->data.memballoon->model), "none");
	default:
		return unsupported("device", virDomainDeviceTypeToString(dev->type),
				   "disks, interfaces and one serial port");
	}
}

/* Ours, in the status files ----------------------------------------------------------------------- */

static void *private_new(void *opaque G_GNUC_UNUSED)
{
	struct domain_private *private = g_new0(struct domain_private, 1);

	private->consoles = virChrdevAlloc();
	if (private->consoles)
		return private;
	g_free(private);
	return NULL;
}

static void private_free(void *data)
{
	struct domain_private *private = data;

	virChrdevFree(private->consoles);
	g_free(private);
}

virDomainXMLOption *xml_options_new(void)
{
	static virDomainDefParserConfig config = {
		.domainPostParseCallback = domain_defaults,
		.devicesPostParseCallback = device_defaults,
		.domainValidateCallback = domain_validate,
		.deviceValidateCallback = device_validate,
		.macPrefix = { 0x00, 0x16, 0x3e }, /* Xen's */
		.netPrefix = "vif",
		.defArch = VIR_ARCH_X86_64,
		.features = VIR_DOMAIN_DEF_FEATURE_USER_ALIAS,
	};
	static virDomainXMLPrivateDataCallbacks private = {
		.alloc = private_new,
		.free = private_free,
	};
	static virDomainJobObjConfig jobs;

	return virDomainXMLOptionNew(&config, &private, NULL, NULL, NULL, &jobs);
}
