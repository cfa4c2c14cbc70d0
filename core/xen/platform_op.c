// SPDX-License-Identifier: GPL-2.0-or-later
/* What only the hardware domain asks for: platform_op and physdev_op. */
#include "xen/call.h"

#define XENPF_get_dom0_console 64 /* later than 4.17's headers; Linux asks first of all */

static dom0_vga_console_info_t screen;
static bool has_screen;

void xen_dom0_console(const dom0_vga_console_info_t *info)
{
	screen = *info;
	has_screen = true;
}

/* dom0 shows these below /sys/devices/system/xen_cpu. */
static void pcpu_info(struct xenpf_pcpuinfo *info)
{
	bool present = info->xen_cpuid < nr_cpus;

	info->max_present = nr_cpus - 1;
	info->flags = present ? XEN_PCPU_FLAGS_ONLINE : XEN_PCPU_FLAGS_INVALID;
	/* As in the MADT that dom0 was given. */
	info->apic_id = present ? cpus[info->xen_cpuid]->apic_id : ~0u;
	info->acpi_id = present ? info->xen_cpuid : ~0u;
}

s64 do_platform_op(struct call *c)
{
	struct xen_platform_op op;

	if (!c->d->hardware)
		return -EPERM;
	if (fetch(c, &op, c->arg[0]))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	switch (op.cmd) {
	case XENPF_settime32:
		time_wallclock_set(op.u.settime32.secs, op.u.settime32.nsecs,
				   op.u.settime32.system_time);
		return 0;
	case XENPF_settime64:
		if (op.u.settime64.mbz)
			return -EINVAL;
		time_wallclock_set(op.u.settime64.secs, op.u.settime64.nsecs,
				   op.u.settime64.system_time);
		return 0;
	case XENPF_get_cpuinfo:
		pcpu_info(&op.u.pcpu_info);
		return store(c, c->arg[0], &op);
	case XENPF_get_dom0_console:
		/* The answer is how much of it there is: nothing without a screen. */
		if (!has_screen)
			return 0;
		if (copy_to_guest(c->v, c->arg[0] + offset_of(struct xen_platform_op, u), &screen,
				  sizeof(screen)))
			return -EFAULT;
		return sizeof(screen);
	default:
		return -ENOSYS;
	}
}

s64 do_physdev_op(struct call *c)
{
	union {
		struct physdev_pci_mmcfg_reserved reserved;
		struct physdev_pci_device_add added;
		struct physdev_pci_device removed;
	} news;
	bool bad;

	switch (c->arg[0]) {
	case PHYSDEVOP_pci_mmcfg_reserved:
		bad = fetch(c, &news.reserved, c->arg[1]);
		break;
	case PHYSDEVOP_pci_device_add:
		bad = fetch(c, &news.added, c->arg[1]);
		break;
	case PHYSDEVOP_pci_device_remove:
		bad = fetch(c, &news.removed, c->arg[1]);
		break;
	default:
		return -ENOSYS;
	}
	/* News about devices that the hardware domain owns anyway: nothing to keep. */
	return bad ? -EFAULT : c->d->hardware ? 0 : -EPERM;
}
