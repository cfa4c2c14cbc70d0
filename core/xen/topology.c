// SPDX-License-Identifier: GPL-2.0-or-later
/* sysctl: processors, memory, the one NUMA node, the one CPU pool. */
#include "xen/call.h"

void sysctl_physinfo(struct xen_sysctl_physinfo *info)
{
	memset(info, 0, sizeof(*info));
	info->threads_per_core = 1;
	info->cores_per_socket = nr_cpus;
	info->nr_cpus = nr_cpus;
	info->max_cpu_id = nr_cpus - 1;
	info->nr_nodes = 1;
	info->cpu_khz = (u32)core_clock.khz;
	info->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
			     XEN_SYSCTL_PHYSCAP_gnttab_v1;
	info->total_pages = frames_total;
	info->free_pages = frames_free();
	info->outstanding_pages = claims_total;
	info->max_mfn = frames_max_mfn;
	policy_feature_words(info->hw_cap, ARRAY_SIZE(info->hw_cap));
}

int sysctl_cputopo(struct call *c, struct xen_sysctl_cputopoinfo *op)
{
	u64 at = handle_address(op->cputopo);
	u32 i, n = (u32)min_u64(op->num_cpus, nr_cpus);

	for (i = 0; at && i < n; i++) {
		struct xen_sysctl_cputopo cpu = { .core = i, .socket = 0, .node = 0 };

		if (store(c, at + i * sizeof(cpu), &cpu))
			return -EFAULT;
	}
	op->num_cpus = at ? n : nr_cpus;
	return 0;
}

int sysctl_numa(struct call *c, struct xen_sysctl_numainfo *op)
{
	struct xen_sysctl_meminfo memory = { .memsize = frames_total << PAGE_SHIFT,
					     .memfree = frames_free() << PAGE_SHIFT };
	u32 distance = 10; /* of a node to itself (ACPI SLIT) */
	u64 info = handle_address(op->meminfo), distances = handle_address(op->distance);

	if ((info || distances) && !op->num_nodes)
		return 0;
	if (info && store(c, info, &memory))
		return -EFAULT;
	if (distances && store(c, distances, &distance))
		return -EFAULT;
	op->num_nodes = 1;
	return 0;
}

/* Devices are dom0's: of none does the core know, so neither where it is. */
int sysctl_pcitopo(struct call *c, struct xen_sysctl_pcitopoinfo *op)
{
	u64 devices = handle_address(op->devs), nodes = handle_address(op->nodes);
	u32 i, unknown = XEN_INVALID_DEV;
	physdev_pci_device_t device;

	if (op->num_devs > 4096) /* more than a machine has; a call must end */
		return -E2BIG;
	if (op->num_devs && (!devices || !nodes))
		return -EINVAL;
	for (i = 0; i < op->num_devs; i++)
		if (fetch(c, &device, devices + i * sizeof(device)) ||
		    store(c, nodes + i * sizeof(unknown), &unknown))
			return -EFAULT;
	return 0;
}

static u32 domains_alive(void)
{
	u32 n = 0;

	for_each_domain (d)
		n++;
	return n;
}

int sysctl_cpupool(struct call *c, struct xen_sysctl_cpupool_op *op)
{
	switch (op->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		/* the first pool from this id on; there is none but 0 */
		if (op->cpupool_id && op->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
			return -ENOENT;
		op->cpupool_id = 0;
		op->sched_id = XEN_SCHEDULER_CREDIT;
		op->n_dom = domains_alive();
		return bitmap_to_guest(c, &op->cpumap, cpus_mask());
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return bitmap_to_guest(c, &op->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_CREATE:
	case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
	case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
	case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}
