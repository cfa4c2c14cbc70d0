/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may stand in a domain's definition, for clients that offer it: capabilities in libvirt's two forms. */
#include "driver.h"

#include <conf/domain_capabilities.h>
#include <util/viruuid.h>

VIR_LOG_INIT("diptych.offer");

#define OFFER(set, value) VIR_DOMAIN_CAPS_ENUM_SET(set, value)

/* libvirtd starts with this; a real guest and a PVH domain have different machines. */
virCaps *capabilities_new(void)
{
	static const char *const pc[] = { "pc", "q35", "xenfv" /* virt-manager's name */, NULL };
	static const char *const pvh[] = { "xenpvh", NULL };
	virCaps *caps = virCapabilitiesNew(VIR_ARCH_X86_64, false, false);
	virCapsGuest *guest;

	if (virGetHostUUID(caps->host.host_uuid) < 0)
		VIR_WARN("The machine has no UUID");
	guest = virCapabilitiesAddGuest(caps, VIR_DOMAIN_OSTYPE_HVM, VIR_ARCH_X86_64, NULL, NULL,
					G_N_ELEMENTS(pc) - 1, machines(pc, G_N_ELEMENTS(pc) - 1));
	virCapabilitiesAddGuestDomain(guest, VIR_DOMAIN_VIRT_XEN, NULL, NULL, 0, NULL);
	virCapabilitiesAddGuestFeatureWithToggle(guest, VIR_CAPS_GUEST_FEATURE_TYPE_ACPI, true,
						 false);
	virCapabilitiesAddGuestFeatureWithToggle(guest, VIR_CAPS_GUEST_FEATURE_TYPE_APIC, true,
						 false);
	virCapabilitiesAddGuestFeatureWithToggle(guest, VIR_CAPS_GUEST_FEATURE_TYPE_HAP, true,
						 false);
	guest = virCapabilitiesAddGuest(caps, VIR_DOMAIN_OSTYPE_XENPVH, VIR_ARCH_X86_64, NULL, NULL,
					G_N_ELEMENTS(pvh) - 1,
					machines(pvh, G_N_ELEMENTS(pvh) - 1));
	virCapabilitiesAddGuestDomain(guest, VIR_DOMAIN_VIRT_XEN, NULL, NULL, 0, NULL);
	virCapabilitiesAddGuestFeatureWithToggle(guest, VIR_CAPS_GUEST_FEATURE_TYPE_HAP, true,
						 false);
	return caps;
}

char *connect_get_capabilities(virConnectPtr conn)
{
	if (virConnectGetCapabilitiesEnsureACL(conn) < 0)
		return NULL;
	return virCapabilitiesFormatXML(driver->caps);
}

int connect_get_max_vcpus(virConnectPtr conn, const char *type)
{
	if (virConnectGetMaxVcpusEnsureACL(conn) < 0)
		return -1;
	if (type && STRCASENEQ(type, "xen") && STRCASENEQ(type, "hvm")) {
		virReportError(VIR_ERR_INVALID_ARG, _("unknown type '%s'"), type);
		return -1;
	}
	return (int)VCPUS_MAX;
}

static void offer_disks(virDomainCaps *caps, bool pvh)
{
	caps->disk.supported = VIR_TRISTATE_BOOL_YES;
	caps->disk.diskDevice.report = true;
	caps->disk.bus.report = true;
	OFFER(caps->disk.diskDevice, VIR_DOMAIN_DISK_DEVICE_DISK);
	OFFER(caps->disk.bus, VIR_DOMAIN_DISK_BUS_XEN);
	if (pvh)
		return;
	OFFER(caps->disk.diskDevice, VIR_DOMAIN_DISK_DEVICE_CDROM);
	OFFER(caps->disk.bus, VIR_DOMAIN_DISK_BUS_VIRTIO);
	OFFER(caps->disk.bus, VIR_DOMAIN_DISK_BUS_IDE);
	OFFER(caps->disk.bus, VIR_DOMAIN_DISK_BUS_SATA);
}

static void offer(virDomainCaps *caps, bool pvh)
{
	virTristateBool real = pvh ? VIR_TRISTATE_BOOL_NO : VIR_TRISTATE_BOOL_YES;

	caps->maxvcpus = pvh ? (int)PVH_VCPUS_MAX : (int)VCPUS_MAX;
	caps->os.supported = VIR_TRISTATE_BOOL_YES;
	caps->os.firmware.report = true;
	if (!pvh) {
		OFFER(caps->os.firmware, VIR_DOMAIN_OS_DEF_FIRMWARE_BIOS);
		OFFER(caps->os.firmware, VIR_DOMAIN_OS_DEF_FIRMWARE_EFI);
	}
	caps->os.loader.supported = VIR_TRISTATE_BOOL_NO;
	caps->cpu.hostPassthrough = true;
	offer_disks(caps, pvh);
	caps->graphics.supported = real;
	caps->video.supported = real;
	if (!pvh) {
		caps->graphics.type.report = true;
		OFFER(caps->graphics.type, VIR_DOMAIN_GRAPHICS_TYPE_VNC);
		caps->video.modelType.report = true;
		OFFER(caps->video.modelType, VIR_DOMAIN_VIDEO_TYPE_VGA);
	}
	caps->hostdev.supported = VIR_TRISTATE_BOOL_NO;
	caps->rng.supported = VIR_TRISTATE_BOOL_NO;
	caps->filesystem.supported = VIR_TRISTATE_BOOL_NO;
	caps->tpm.supported = VIR_TRISTATE_BOOL_NO;
	caps->redirdev.supported = VIR_TRISTATE_BOOL_NO;
	caps->channel.supported = VIR_TRISTATE_BOOL_NO;
	caps->features[VIR_DOMAIN_CAPS_FEATURE_IOTHREADS] = VIR_TRISTATE_BOOL_NO;
	caps->features[VIR_DOMAIN_CAPS_FEATURE_VMCOREINFO] = VIR_TRISTATE_BOOL_NO;
	caps->features[VIR_DOMAIN_CAPS_FEATURE_GENID] = VIR_TRISTATE_BOOL_NO;
}

static int refuse(const char *what, const char *value, const char *instead)
{
	virReportError(VIR_ERR_INVALID_ARG, _("domcapabilities: %s '%s' is not supported: only %s"),
		       what, value, instead);
	return -1;
}

static int check(const char *emulator, const char *arch, const char *machine, const char *type)
{
	if (emulator)
		return refuse("emulator", emulator, _("none: each guest has its own"));
	if (arch && virArchFromString(arch) != VIR_ARCH_X86_64)
		return refuse("arch", arch, "x86_64");
	if (type && STRNEQ(type, "xen"))
		return refuse("virttype", type, "xen");
	if (machine && STRNEQ(machine, "pc") && STRNEQ(machine, "q35") &&
	    STRNEQ(machine, "xenfv") && STRNEQ(machine, "xenpvh"))
		return refuse("machine", machine, "pc, q35, xenfv, xenpvh");
	return 0;
}

char *connect_get_domain_capabilities(virConnectPtr conn, const char *emulator, const char *arch,
				      const char *machine, const char *type, unsigned int flags)
{
	g_autoptr(virDomainCaps) caps = NULL;

	if (check_flags(__func__, flags, 0) < 0 ||
	    virConnectGetDomainCapabilitiesEnsureACL(conn) < 0 ||
	    check(emulator, arch, machine, type) < 0)
		return NULL;
	if (!machine)
		machine = "pc";
	caps = virDomainCapsNew(NULL, machine, VIR_ARCH_X86_64, VIR_DOMAIN_VIRT_XEN);
	if (!caps)
		return NULL;
	offer(caps, STREQ(machine, "xenpvh"));
	return virDomainCapsFormat(caps);
}
