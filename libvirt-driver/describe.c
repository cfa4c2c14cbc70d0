/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real guest's definition: libvirt's and libdiptych's, one from the other. */
#include "xen.h"

#include <util/virmacaddr.h>
#include <util/viruuid.h>

VIR_LOG_INIT("diptych.describe");

/* To libdiptych -------------------------------------------------------------------------------- */

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

bool pair_describe_disk(struct diptych_disk *disk, const virDomainDiskDef *from)
{
	disk->format = DIPTYCH_RAW;
	disk->bus = from->bus == VIR_DOMAIN_DISK_BUS_IDE    ? DIPTYCH_BUS_IDE
		    : from->bus == VIR_DOMAIN_DISK_BUS_SATA ? DIPTYCH_BUS_SATA
							    : DIPTYCH_BUS_VIRTIO;
	disk->cdrom = from->device == VIR_DOMAIN_DISK_DEVICE_CDROM;
	disk->readonly = from->src->readonly || disk->cdrom;
	return text(&disk->path, virDomainDiskGetSource((virDomainDiskDef *)from)) &&
	       text(&disk->target, from->dst);
}

bool pair_describe_net(struct diptych_nic *nic, const virDomainNetDef *from)
{
	nic->model = from->model == VIR_DOMAIN_NET_MODEL_E1000 ? DIPTYCH_NIC_E1000
							       : DIPTYCH_NIC_VIRTIO;
	virMacAddrGetRaw(&from->mac, nic->mac);
	/* Of a network of libvirt's: what it has become by now. */
	return text(&nic->bridge, virDomainNetGetActualBridgeName(from));
}

static bool describe_screen(struct diptych_desc *desc, const virDomainDef *def)
{
	virDomainGraphicsListenDef *listen;

	size_t i;

	desc->vga = def->nvideos > 0;
	if (desc->vga)
		desc->video_mib = def->videos[0]->vram / 1024;
	for (i = 0; i < def->ninputs; i++) {
		if (def->inputs[i]->type == VIR_DOMAIN_INPUT_TYPE_TABLET)
			desc->usb_tablet = true;
	}
	if (!def->ngraphics)
		return true;
	listen = virDomainGraphicsGetListen(def->graphics[0], 0);
	desc->vnc = true;
	if (!def->graphics[0]->data.vnc.autoport && def->graphics[0]->data.vnc.port > 0)
		desc->vnc_port = (unsigned int)def->graphics[0]->data.vnc.port;
	return text(&desc->vnc_listen, listen ? listen->address : NULL);
}

/* By <boot order> of the devices where there is any, else by the list in <os>. */
static void describe_boot(char boot[VIR_DOMAIN_BOOT_LAST + 1], const virDomainDef *def)
{
	unsigned int first[3] = { UINT_MAX, UINT_MAX, UINT_MAX }; /* of "cdn" */
	size_t i, j, n = 0;

	for (i = 0; i < def->os.nBootDevs; i++)
		boot[n++] = def->os.bootDevs[i] == VIR_DOMAIN_BOOT_CDROM ? 'd'
			    : def->os.bootDevs[i] == VIR_DOMAIN_BOOT_NET ? 'n'
									 : 'c';
	for (i = 0; i < def->ndisks; i++) {
		bool cdrom = def->disks[i]->device == VIR_DOMAIN_DISK_DEVICE_CDROM;
		unsigned int order = def->disks[i]->info.bootIndex;

		if (order && order < first[cdrom])
			first[cdrom] = order;
	}
	for (i = 0; i < def->nnets; i++) {
		if (def->nets[i]->info.bootIndex && def->nets[i]->info.bootIndex < first[2])
			first[2] = def->nets[i]->info.bootIndex;
	}
	for (i = 0; !n && i < 3; i++) {
		size_t best = 0;

		for (j = 1; j < 3; j++) {
			if (first[j] < first[best])
				best = j;
		}
		if (first[best] == UINT_MAX)
			break;
		boot[i] = "cdn"[best];
		first[best] = UINT_MAX;
	}
}

/* A part for each vCPU. */
static bool describe_pins(struct diptych_desc *desc, const virDomainDef *def)
{
	g_auto(virBuffer) out = VIR_BUFFER_INITIALIZER;
	g_autofree char *cpus = NULL;
	bool any = false;
	unsigned int i;

	for (i = 0; i < desc->vcpus; i++) {
		virBitmap *mask = virDomainDefGetVcpu((virDomainDef *)def, i)->cpumask;
		g_autofree char *list = NULL;

		if (!mask)
			mask = def->cpumask;
		if (mask)
			list = virBitmapFormat(mask);
		any = any || list;
		virBufferAsprintf(&out, "%s%s", i ? "/" : "", list ? list : "all");
	}
	cpus = virBufferContentAndReset(&out);
	return !any || text(&desc->cpus, cpus);
}

bool pair_describe(struct diptych_desc *desc, const virDomainDef *def)
{
	char boot[VIR_DOMAIN_BOOT_LAST + 1] = "";
	size_t i;

	describe_boot(boot, def);
	memcpy(desc->uuid, def->uuid, sizeof(desc->uuid));
	desc->max_memory_kib = virDomainDefGetMemoryTotal(def);
	desc->vcpus = virDomainDefGetVcpus(def);
	desc->serial = def->nserials > 0;
	if (def->os.firmware == VIR_DOMAIN_OS_DEF_FIRMWARE_EFI)
		desc->firmware = DIPTYCH_OVMF;
	if (STREQ(def->os.machine, "q35"))
		desc->machine = DIPTYCH_Q35;
	desc->on_poweroff = action_of(def->onPoweroff);
	desc->on_reboot = action_of(def->onReboot);
	desc->on_crash = action_of(def->onCrash);
	if (!text(&desc->name, def->name) || (*boot && !text(&desc->boot, boot)) ||
	    !describe_screen(desc, def) || !describe_pins(desc, def))
		return false;
	for (i = 0; i < def->ndisks; i++) {
		struct diptych_disk *disk = diptych_desc_add_disk(desc);

		if (!disk || !pair_describe_disk(disk, def->disks[i]))
			return false;
	}
	for (i = 0; i < def->nnets; i++) {
		struct diptych_nic *nic = diptych_desc_add_nic(desc);

		if (!nic || !pair_describe_net(nic, def->nets[i]))
			return false;
	}
	return true;
}

char *pair_native(const virDomainDef *def)
{
	struct diptych_desc desc;
	char *native = NULL;

	diptych_desc_init(&desc);
	if (pair_describe(&desc, def))
		native = diptych_desc_format(&desc);
	if (!native)
		virReportError(VIR_ERR_NO_MEMORY, NULL);
	diptych_desc_dispose(&desc);
	return native;
}

/* To libvirt: as XML, so that the same parser, defaults and checks see it. ---------------------- */

static const char *const actions[] = { "destroy", "restart", "preserve" };

static void write_disk(virBuffer *out, const struct diptych_disk *disk, size_t index)
{
	static const char *const buses[] = { "virtio", "ide", "sata" };
	g_autofree char *target = disk->target ? g_strdup(disk->target)
					       : g_strdup_printf("xvd%c", 'a' + (int)index);
	bool block = disk->path && STRPREFIX(disk->path, "/dev/");

	virBufferAsprintf(out, "<disk type='%s' device='%s'>\n", block ? "block" : "file",
			  disk->cdrom ? "cdrom" : "disk");
	virBufferAsprintf(out, "<driver name='qemu' type='%s'/>\n",
			  disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw");
	if (disk->path)
		virBufferEscapeString(out, block ? "<source dev='%s'/>\n" : "<source file='%s'/>\n",
				      disk->path);
	virBufferEscapeString(out, "<target dev='%s'", target);
	virBufferAsprintf(out, " bus='%s'/>\n", buses[disk->bus]);
	if (disk->readonly)
		virBufferAddLit(out, "<readonly/>\n");
	virBufferAddLit(out, "</disk>\n");
}

static void write_nic(virBuffer *out, const struct diptych_nic *nic)
{
	static const uint8_t none[6];
	char mac[VIR_MAC_STRING_BUFLEN];
	virMacAddr address;

	virBufferAddLit(out, "<interface type='bridge'>\n");
	virMacAddrSetRaw(&address, nic->mac);
	if (memcmp(nic->mac, none, sizeof(none)) != 0)
		virBufferAsprintf(out, "<mac address='%s'/>\n", virMacAddrFormat(&address, mac));
	virBufferEscapeString(out, "<source bridge='%s'/>\n", nic->bridge ? nic->bridge : "xenbr0");
	virBufferAsprintf(out, "<model type='%s'/>\n",
			  nic->model == DIPTYCH_NIC_E1000 ? "e1000" : "virtio");
	virBufferAddLit(out, "</interface>\n");
}

static void write_os(virBuffer *out, const struct diptych_desc *desc)
{
	const char *boot = desc->boot ? desc->boot : "c";

	virBufferAsprintf(out, "<os%s>\n<type arch='x86_64' machine='%s'>hvm</type>\n",
			  desc->firmware == DIPTYCH_OVMF ? " firmware='efi'" : "",
			  desc->machine == DIPTYCH_Q35 ? "q35" : "pc");
	for (; *boot; boot++)
		virBufferAsprintf(out, "<boot dev='%s'/>\n",
				  *boot == 'd'	 ? "cdrom"
				  : *boot == 'n' ? "network"
						 : "hd");
	virBufferAddLit(out, "</os>\n");
}

static void write_devices(virBuffer *out, const struct diptych_desc *desc)
{
	size_t i;

	virBufferAddLit(out, "<devices>\n");
	for (i = 0; i < desc->disk_count; i++)
		write_disk(out, &desc->disks[i], i);
	for (i = 0; i < desc->nic_count; i++)
		write_nic(out, &desc->nics[i]);
	if (desc->serial)
		virBufferAddLit(out, "<serial type='pty'/>\n");
	if (desc->usb_tablet)
		virBufferAddLit(out, "<input type='tablet' bus='usb'/>\n");
	if (desc->vga) {
		virBufferAddLit(out, "<video><model type='vga'");
		if (desc->video_mib)
			virBufferAsprintf(out, " vram='%u'", 1024 * desc->video_mib);
		virBufferAddLit(out, "/></video>\n");
	}
	if (desc->vnc) {
		virBufferAddLit(out, "<graphics type='vnc'");
		if (desc->vnc_port)
			virBufferAsprintf(out, " port='%u' autoport='no'", desc->vnc_port);
		virBufferEscapeString(out, " listen='%s'", desc->vnc_listen);
		virBufferAddLit(out, "/>\n");
	}
	virBufferAddLit(out, "</devices>\n");
}

static void write_pins(virBuffer *out, const struct diptych_desc *desc)
{
	const char *part = desc->cpus, *next;
	unsigned int i;

	virBufferAddLit(out, "<cputune>\n");
	for (i = 0; part && i < desc->vcpus; i++) {
		g_autofree char *list = NULL;

		next = strchr(part, '/');
		list = next ? g_strndup(part, (size_t)(next - part)) : g_strdup(part);
		if (STRNEQ(list, "all")) {
			virBufferAsprintf(out, "<vcpupin vcpu='%u'", i);
			virBufferEscapeString(out, " cpuset='%s'/>\n", list);
		}
		if (next) /* the last part is for all that follow */
			part = next + 1;
	}
	virBufferAddLit(out, "</cputune>\n");
}

virDomainDef *pair_definition(const struct diptych_desc *desc)
{
	g_auto(virBuffer) out = VIR_BUFFER_INITIALIZER;
	static const uint8_t none[VIR_UUID_BUFLEN];
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autofree char *xml = NULL;

	virBufferAddLit(&out, "<domain type='xen'>\n");
	virBufferEscapeString(&out, "<name>%s</name>\n", desc->name);
	if (memcmp(desc->uuid, none, sizeof(none)) != 0)
		virBufferAsprintf(&out, "<uuid>%s</uuid>\n", virUUIDFormat(desc->uuid, uuid));
	virBufferAsprintf(&out, "<memory unit='KiB'>%llu</memory>\n",
			  (unsigned long long)desc->max_memory_kib);
	if (desc->current_memory_kib)
		virBufferAsprintf(&out, "<currentMemory unit='KiB'>%llu</currentMemory>\n",
				  (unsigned long long)desc->current_memory_kib);
	virBufferAsprintf(&out, "<vcpu>%u</vcpu>\n", desc->vcpus);
	write_pins(&out, desc);
	write_os(&out, desc);
	virBufferAsprintf(&out, "<on_poweroff>%s</on_poweroff>\n", actions[desc->on_poweroff]);
	virBufferAsprintf(&out, "<on_reboot>%s</on_reboot>\n", actions[desc->on_reboot]);
	virBufferAsprintf(&out, "<on_crash>%s</on_crash>\n", actions[desc->on_crash]);
	write_devices(&out, desc);
	virBufferAddLit(&out, "</domain>\n");
	xml = virBufferContentAndReset(&out);
	return virDomainDefParseString(xml, driver->xmlopt, NULL, VIR_DOMAIN_DEF_PARSE_INACTIVE);
}
