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
#define VIDEO_KIB   (16u * KIB_PER_MIB)	 /* what QEMU gives its VGA */
#define VIDEO_MOST  (256u * KIB_PER_MIB) /* what libdiptych does */

static int unsupported(const char *element, const char *value, const char *instead)
{
	virReportError(VIR_ERR_CONFIG_UNSUPPORTED,
		       _("%s '%s' is not supported by Diptych: only %s"), element,
		       value ? value : "", instead);
	return -1;
}

/* Defaults ---------------------------------------------------------------------------------------- */

/* A PVH domain always has one. */
static int add_pv_console(virDomainDef *def)
{
	virDomainChrDef *console;

	if (def->nconsoles)
		return 0;
	console = virDomainChrDefNew(NULL);
	if (!console)
		return -1;
	console->source->type = VIR_DOMAIN_CHR_TYPE_PTY;
	console->deviceType = VIR_DOMAIN_CHR_DEVICE_TYPE_CONSOLE;
	console->targetType = VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_XEN;
	VIR_APPEND_ELEMENT(def->consoles, def->nconsoles, console);
	return 0;
}

/* So has a PC with a screen: it comes with a keyboard and a mouse. */
static int add_ps2(virDomainDef *def)
{
	if (!def->ngraphics)
		return 0;
	return libvirt_failed(virDomainDefMaybeAddInput(def, VIR_DOMAIN_INPUT_TYPE_MOUSE,
							VIR_DOMAIN_INPUT_BUS_PS2)) ||
			       libvirt_failed(virDomainDefMaybeAddInput(
				       def, VIR_DOMAIN_INPUT_TYPE_KBD, VIR_DOMAIN_INPUT_BUS_PS2))
		       ? -1
		       : 0;
}

static bool file_is(const char *path, const char *prefix)
{
	const char *name = strrchr(path, '/');

	return STRPREFIX(name ? name + 1 : path, prefix);
}

/* What definitions made for Xen name where a PC needs it; here each guest has its own. */
static void drop_xens(virDomainDef *def)
{
	if (def->emulator &&
	    (file_is(def->emulator, "qemu-system-") || file_is(def->emulator, "qemu-dm")))
		g_clear_pointer(&def->emulator, g_free);
	if (def->os.loader && def->os.loader->path && file_is(def->os.loader->path, "hvmloader"))
		g_clear_pointer(&def->os.loader, virDomainLoaderDefFree);
}

static int domain_defaults(virDomainDef *def, unsigned int flags G_GNUC_UNUSED,
			   void *opaque G_GNUC_UNUSED, void *parse_opaque G_GNUC_UNUSED)
{
	unsigned long long kib = virDomainDefGetMemoryTotal(def);
	bool whole = def->mem.cur_balloon == kib;

	bool pvh = def->os.type == VIR_DOMAIN_OSTYPE_XENPVH;

	drop_xens(def);
	if (!def->os.machine)
		def->os.machine = g_strdup(pvh ? "xenpvh" : "pc");
	/* Memory is given out by the MiB, as QEMU does. */
	virDomainDefSetMemoryTotal(def, VIR_ROUND_UP(kib, KIB_PER_MIB));
	if (whole)
		def->mem.cur_balloon = virDomainDefGetMemoryTotal(def);
	if (!def->memballoon) {
		def->memballoon = g_new0(virDomainMemballoonDef, 1);
		def->memballoon->model = pvh ? VIR_DOMAIN_MEMBALLOON_MODEL_XEN
					     : VIR_DOMAIN_MEMBALLOON_MODEL_NONE;
	}
	return pvh ? add_pv_console(def) : add_ps2(def);
}

static void disk_defaults(virDomainDiskDef *disk, bool pvh)
{
	/* Never probed: a guest that writes a format's header on its raw disk must gain nothing. */
	if (virDomainDiskGetFormat(disk) <= VIR_STORAGE_FILE_NONE)
		virDomainDiskSetFormat(disk, VIR_STORAGE_FILE_RAW);
	/* Xen's name for a paravirtual disk.  Say what the guest will find. */
	if (!pvh && disk->bus == VIR_DOMAIN_DISK_BUS_XEN)
		disk->bus = disk->device == VIR_DOMAIN_DISK_DEVICE_CDROM
				    ? VIR_DOMAIN_DISK_BUS_IDE
				    : VIR_DOMAIN_DISK_BUS_VIRTIO;
}

static int device_defaults(virDomainDeviceDef *dev, const virDomainDef *def,
			   unsigned int flags G_GNUC_UNUSED, void *opaque G_GNUC_UNUSED,
			   void *parse_opaque G_GNUC_UNUSED)
{
	bool pvh = def->os.type == VIR_DOMAIN_OSTYPE_XENPVH;

	switch (dev->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		disk_defaults(dev->data.disk, pvh);
		break;
	case VIR_DOMAIN_DEVICE_VIDEO:
		if (dev->data.video->type == VIR_DOMAIN_VIDEO_TYPE_DEFAULT ||
		    dev->data.video->type == VIR_DOMAIN_VIDEO_TYPE_XEN)
			dev->data.video->type = VIR_DOMAIN_VIDEO_TYPE_VGA;
		if (!dev->data.video->vram)
			dev->data.video->vram = VIDEO_KIB;
		break;
	case VIR_DOMAIN_DEVICE_CHR:
		if (pvh && dev->data.chr->deviceType == VIR_DOMAIN_CHR_DEVICE_TYPE_CONSOLE &&
		    dev->data.chr->targetType == VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_NONE)
			dev->data.chr->targetType = VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_XEN;
		break;
	default:
		break;
	}
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

static int check_number(const char *element, unsigned int value, unsigned int most)
{
	g_autofree char *text = g_strdup_printf("%u", value);
	g_autofree char *instead = g_strdup_printf(_("up to %u"), most);

	return value <= most ? 0 : unsupported(element, text, instead);
}

/* Disks, CD-ROM drives, interfaces: in <boot order> as in libdiptych's. */
enum boot_class { BOOT_DISK, BOOT_CDROM, BOOT_NET, BOOT_CLASSES };

/* The device whose <boot order> comes next after `last`: that order (UINT_MAX: none does), its class, and how many of
 * its class stand before it. */
static unsigned int next_boot(const virDomainDef *def, unsigned int last, enum boot_class *class,
			      size_t *nth)
{
	size_t i, counts[BOOT_CLASSES] = { 0 };
	unsigned int next = UINT_MAX;

	for (i = 0; i < def->ndisks + def->nnets; i++) {
		bool disk = i < def->ndisks;
		enum boot_class here = !disk ? BOOT_NET
				       : def->disks[i]->device == VIR_DOMAIN_DISK_DEVICE_CDROM
					       ? BOOT_CDROM
					       : BOOT_DISK;
		unsigned int order = disk ? def->disks[i]->info.bootIndex
					  : def->nets[i - def->ndisks]->info.bootIndex;

		if (order > last && order < next) {
			next = order;
			*class = here;
			*nth = counts[here];
		}
		counts[here]++;
	}
	return next;
}

/* What there is: one class after the other, each in the order of the definition. */
static int check_boot_order(const virDomainDef *def)
{
	size_t nth, seen[BOOT_CLASSES] = { 0 };
	enum boot_class class, before = BOOT_CLASSES;
	unsigned int order = 0;

	while ((order = next_boot(def, order, &class, &nth)) != UINT_MAX) {
		if (nth != seen[class]++ || (class != before && nth)) {
			g_autofree char *text = g_strdup_printf("%u", order);

			return unsupported("boot order", text,
					   _("all disks, cdroms or interfaces one after the other, "
					     "as they stand in the definition"));
		}
		before = class;
	}
	return 0;
}

/* What a real guest's machine is made of. */
static int check_machine(const virDomainDef *def)
{
	size_t i;

	if (STRNEQ(def->os.machine, "pc") && STRNEQ(def->os.machine, "xenfv") &&
	    STRNEQ(def->os.machine, "q35"))
		return unsupported("os machine", def->os.machine, "pc, q35 and xenfv");
	if (def->os.kernel || def->os.initrd || def->os.cmdline)
		return unsupported("os", "kernel", _("what its disk boots, for a real guest"));
	if (def->os.bootloader)
		return unsupported("bootloader", def->os.bootloader,
				   _("the guest's own, on its disk"));
	for (i = 0; i < def->os.nBootDevs; i++) {
		if (def->os.bootDevs[i] == VIR_DOMAIN_BOOT_FLOPPY)
			return unsupported("boot device", "fd", "hd, cdrom and network");
	}
	if (check_boot_order(def) < 0)
		return -1;
	if (def->mem.cur_balloon != virDomainDefGetMemoryTotal(def))
		return unsupported("currentMemory", "", "the same value as memory");
	if (def->nserials > 1)
		return unsupported("serial", "1", "one serial port");
	if (def->ngraphics > 1)
		return unsupported("graphics", "1", "one screen");
	if (def->nvideos > 1)
		return unsupported("video", "1", "one video card");
	if (def->ngraphics && !def->nvideos)
		return unsupported("graphics", "vnc", "with a video card");
	if (virDomainDefHasVcpusOffline(def))
		return unsupported("vcpu", "current", _("all of them, for a real guest"));
	return check_number("vcpu", virDomainDefGetVcpusMax(def), VCPUS_MAX);
}

static int check_pvh(const virDomainDef *def)
{
	if (STRNEQ(def->os.machine, "xenpvh"))
		return unsupported("os machine", def->os.machine, "xenpvh");
	if (!def->os.kernel && !def->os.bootloader)
		return unsupported("os", "xenpvh", _("with a kernel or a bootloader"));
	if (def->os.nBootDevs > 1 ||
	    (def->os.nBootDevs == 1 && def->os.bootDevs[0] != VIR_DOMAIN_BOOT_DISK))
		return unsupported("os", "boot", _("a kernel or a bootloader for xenpvh"));
	if (def->os.firmware)
		return unsupported("os firmware", "", _("none for xenpvh"));
	if (def->ngraphics || def->nvideos || def->ninputs)
		return unsupported("graphics", "", _("none for xenpvh"));
	if (def->nserials || def->nconsoles > 1)
		return unsupported("serial", "", _("one console for xenpvh"));
	if (def->mem.cur_balloon > virDomainDefGetMemoryTotal(def))
		return unsupported("currentMemory", "", "up to memory");
	return check_number("vcpu", virDomainDefGetVcpusMax(def), PVH_VCPUS_MAX);
}

static int domain_validate(const virDomainDef *def, void *opaque G_GNUC_UNUSED,
			   void *parse_opaque G_GNUC_UNUSED)
{
	const char *letter;

	if (def->virtType != VIR_DOMAIN_VIRT_XEN)
		return unsupported("domain type", virDomainVirtTypeToString(def->virtType), "xen");
	if (def->os.type != VIR_DOMAIN_OSTYPE_HVM && def->os.type != VIR_DOMAIN_OSTYPE_XENPVH)
		return unsupported("os type", virDomainOSTypeToString(def->os.type),
				   "hvm and xenpvh");
	if (def->os.arch != VIR_ARCH_X86_64)
		return unsupported("os arch", virArchToString(def->os.arch), "x86_64");
	if (def->emulator)
		return unsupported("emulator", def->emulator, _("none: each guest has its own"));
	if (def->os.loader)
		return unsupported("loader", def->os.loader->path,
				   _("none: os firmware says bios or efi"));
	for (letter = def->name; *letter; letter++) {
		if (g_ascii_iscntrl(*letter))
			return unsupported("name", "", _("names without control characters"));
	}
	if (strlen(def->name) > NAME_LENGTH_MAX)
		return unsupported("name", def->name, _("up to 64 characters"));
	if (def->clock.offset != VIR_DOMAIN_CLOCK_OFFSET_UTC)
		return unsupported("clock offset",
				   virDomainClockOffsetTypeToString(def->clock.offset), "utc");
	if (def->cpu && def->cpu->mode != VIR_CPU_MODE_HOST_PASSTHROUGH)
		return unsupported("cpu mode", virCPUModeTypeToString((virCPUMode)def->cpu->mode),
				   "host-passthrough");
	if (check_action("on_poweroff", def->onPoweroff) < 0 ||
	    check_action("on_reboot", def->onReboot) < 0 ||
	    check_action("on_crash", def->onCrash) < 0)
		return -1;
	return def->os.type == VIR_DOMAIN_OSTYPE_XENPVH ? check_pvh(def) : check_machine(def);
}

static int check_disk(const virDomainDiskDef *disk, bool pvh)
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
	if (pvh &&
	    (disk->bus != VIR_DOMAIN_DISK_BUS_XEN || disk->device != VIR_DOMAIN_DISK_DEVICE_DISK))
		return unsupported("disk bus", virDomainDiskBusTypeToString(disk->bus),
				   "disks on bus xen for xenpvh");
	if (!pvh && disk->bus != VIR_DOMAIN_DISK_BUS_VIRTIO &&
	    disk->bus != VIR_DOMAIN_DISK_BUS_IDE && disk->bus != VIR_DOMAIN_DISK_BUS_SATA)
		return unsupported("disk bus", virDomainDiskBusTypeToString(disk->bus),
				   "virtio, ide and sata");
	return 0;
}

static int check_net(const virDomainNetDef *net, bool pvh)
{
	const char *models = pvh ? "netfront" : "virtio and e1000";

	if (net->type != VIR_DOMAIN_NET_TYPE_BRIDGE && net->type != VIR_DOMAIN_NET_TYPE_NETWORK)
		return unsupported("interface type", virDomainNetTypeToString(net->type),
				   "bridge and network");
	if (net->modelstr)
		return unsupported("interface model", net->modelstr, models);
	if (net->model == VIR_DOMAIN_NET_MODEL_UNKNOWN ||
	    net->model == VIR_DOMAIN_NET_MODEL_NETFRONT ||
	    (!pvh && (net->model == VIR_DOMAIN_NET_MODEL_VIRTIO ||
		      net->model == VIR_DOMAIN_NET_MODEL_E1000)))
		return 0;
	return unsupported("interface model", virDomainNetModelTypeToString(net->model), models);
}

static int check_input(const virDomainInputDef *input)
{
	if (input->bus == VIR_DOMAIN_INPUT_BUS_PS2 && (input->type == VIR_DOMAIN_INPUT_TYPE_MOUSE ||
						       input->type == VIR_DOMAIN_INPUT_TYPE_KBD))
		return 0;
	if (input->bus == VIR_DOMAIN_INPUT_BUS_USB && input->type == VIR_DOMAIN_INPUT_TYPE_TABLET)
		return 0;
	return unsupported("input", virDomainInputTypeToString(input->type),
			   "a mouse and a keyboard on bus ps2, a tablet on bus usb");
}

static int check_graphics(const virDomainGraphicsDef *graphics)
{
	const virDomainGraphicsListenDef *listen = graphics->nListens ? &graphics->listens[0]
								      : NULL;

	if (graphics->type != VIR_DOMAIN_GRAPHICS_TYPE_VNC)
		return unsupported("graphics type", virDomainGraphicsTypeToString(graphics->type),
				   "vnc");
	if (graphics->data.vnc.port > UINT16_MAX)
		return unsupported("graphics port", "", _("a TCP port"));
	if (graphics->nListens > 1)
		return unsupported("graphics listen", "", "one");
	if (listen && listen->type != VIR_DOMAIN_GRAPHICS_LISTEN_TYPE_ADDRESS)
		return unsupported("graphics listen", "", _("an address"));
	return 0;
}

static int check_video(const virDomainVideoDef *video)
{
	g_autofree char *kib = g_strdup_printf("%u", video->vram);

	if (video->type != VIR_DOMAIN_VIDEO_TYPE_VGA)
		return unsupported("video", virDomainVideoTypeToString(video->type), "vga");
	if (video->heads > 1)
		return unsupported("video heads", "", "1");
	/* The parser has made it a power of two. */
	if (video->vram < KIB_PER_MIB || video->vram > VIDEO_MOST)
		return unsupported("video vram", kib, _("1024 to 262144"));
	return 0;
}

static int check_controller(const virDomainControllerDef *controller)
{
	switch (controller->type) {
	case VIR_DOMAIN_CONTROLLER_TYPE_IDE: /* libvirt adds one for every four ide disks */
	case VIR_DOMAIN_CONTROLLER_TYPE_SATA:
	case VIR_DOMAIN_CONTROLLER_TYPE_USB:
		return 0;
	case VIR_DOMAIN_CONTROLLER_TYPE_PCI: /* virt-install names those that every PC has */
		if (controller->model == VIR_DOMAIN_CONTROLLER_MODEL_PCI_ROOT ||
		    controller->model == VIR_DOMAIN_CONTROLLER_MODEL_PCIE_ROOT ||
		    controller->model == VIR_DOMAIN_CONTROLLER_MODEL_PCIE_ROOT_PORT)
			return 0;
		return unsupported("controller model",
				   virDomainControllerModelPCITypeToString(controller->model),
				   "pci-root, pcie-root and pcie-root-port");
	default:
		return unsupported("controller", virDomainControllerTypeToString(controller->type),
				   "ide, sata, usb and pci");
	}
}

static int check_balloon(const virDomainMemballoonDef *balloon, bool pvh)
{
	if (balloon->model == VIR_DOMAIN_MEMBALLOON_MODEL_NONE ||
	    (pvh && balloon->model == VIR_DOMAIN_MEMBALLOON_MODEL_XEN))
		return 0;
	return unsupported("memballoon", virDomainMemballoonModelTypeToString(balloon->model),
			   pvh ? "none and xen" : "none");
}

/* A console of target type serial is libvirt's other name for the serial port, and has no source of its own. */
static int check_character_device(const virDomainChrDef *chr, bool pvh)
{
	if (chr->deviceType == VIR_DOMAIN_CHR_DEVICE_TYPE_CONSOLE) {
		if (!pvh && chr->targetType == VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_SERIAL)
			return 0;
		if (!pvh || chr->targetType != VIR_DOMAIN_CHR_CONSOLE_TARGET_TYPE_XEN)
			return unsupported("console target type",
					   virDomainChrConsoleTargetTypeToString(chr->targetType),
					   pvh ? "xen" : "serial");
	}
	if (chr->source->type != VIR_DOMAIN_CHR_TYPE_PTY)
		return unsupported(virDomainChrDeviceTypeToString(chr->deviceType),
				   virDomainChrTypeToString(chr->source->type), "pty");
	return 0;
}

static int device_validate(const virDomainDeviceDef *dev, const virDomainDef *def,
			   void *opaque G_GNUC_UNUSED, void *parse_opaque G_GNUC_UNUSED)
{
	bool pvh = def->os.type == VIR_DOMAIN_OSTYPE_XENPVH;

	switch (dev->type) {
	case VIR_DOMAIN_DEVICE_DISK:
		return check_disk(dev->data.disk, pvh);
	case VIR_DOMAIN_DEVICE_NET:
		return check_net(dev->data.net, pvh);
	case VIR_DOMAIN_DEVICE_CHR:
		return check_character_device(dev->data.chr, pvh);
	case VIR_DOMAIN_DEVICE_CONTROLLER:
		return check_controller(dev->data.controller);
	case VIR_DOMAIN_DEVICE_INPUT:
		return check_input(dev->data.input);
	case VIR_DOMAIN_DEVICE_GRAPHICS:
		return check_graphics(dev->data.graphics);
	case VIR_DOMAIN_DEVICE_VIDEO:
		return check_video(dev->data.video);
	case VIR_DOMAIN_DEVICE_MEMBALLOON:
		return check_balloon(dev->data.memballoon, pvh);
	default:
		return unsupported("device", virDomainDeviceTypeToString(dev->type),
				   "disks, interfaces, a serial port, a screen, ps2 and tablet");
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
		.features = VIR_DOMAIN_DEF_FEATURE_USER_ALIAS |
			    VIR_DOMAIN_DEF_FEATURE_FW_AUTOSELECT,
	};
	static virDomainXMLPrivateDataCallbacks private = {
		.alloc = private_new,
		.free = private_free,
	};
	static virDomainJobObjConfig jobs;

	return virDomainXMLOptionNew(&config, &private, NULL, NULL, NULL, &jobs);
}
