// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every pointer inside a structure that is in order, made bad: -EFAULT, as in Xen, and nothing is changed.  What only a
 * builder may is tried on a domain that has never run.
 */
#include "hostile.h"

#include <errno.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

static const struct pointer *p;

static void memory(u32 op, void *structure)
{
	expect_fault(p, __HYPERVISOR_memory_op, op, call(__HYPERVISOR_memory_op, op, structure, 0));
}

static void sysctl(struct xen_sysctl *op, u32 cmd)
{
	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	expect_fault(p, __HYPERVISOR_sysctl, cmd, call(__HYPERVISOR_sysctl, op, 0, 0));
	memset(op, 0, sizeof(*op));
}

static void domctl(struct xen_domctl *op, u32 cmd, u32 domain)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domain;
	expect_fault(p, __HYPERVISOR_domctl, cmd, call(__HYPERVISOR_domctl, op, 0, 0));
	memset(op, 0, sizeof(*op));
}

/* Nothing is done of a list that cannot be read: Xen counts what was, and says no error. */
static void list_of_nothing(u32 cmd, u32 domain)
{
	struct xen_memory_reservation op = { .nr_extents = 1, .domid = (domid_t)domain };
	long result;

	set_xen_guest_handle(op.extent_start, (xen_pfn_t *)p->address);
	result = call(__HYPERVISOR_memory_op, cmd, &op, 0);
	expect_fault(p, __HYPERVISOR_memory_op, cmd, result ? result : -EFAULT);
}

static void written_to(void)
{
	struct xen_memory_map map = { .nr_entries = 64 };
	struct xen_sysctl s = { 0 };
	struct xen_domctl d = { 0 };

	set_xen_guest_handle(map.buffer, (void *)p->address);
	memory(XENMEM_memory_map, &map);
	s.u.readconsole.count = 16;
	set_xen_guest_handle(s.u.readconsole.buffer, (char *)p->address);
	sysctl(&s, XEN_SYSCTL_readconsole);
	s.u.getdomaininfolist.max_domains = 1;
	set_xen_guest_handle(s.u.getdomaininfolist.buffer,
			     (xen_domctl_getdomaininfo_t *)p->address);
	sysctl(&s, XEN_SYSCTL_getdomaininfolist);
	s.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host;
	s.u.cpu_featureset.nr_features = 4;
	set_xen_guest_handle(s.u.cpu_featureset.features, (uint32_t *)p->address);
	sysctl(&s, XEN_SYSCTL_get_cpu_featureset);
	s.u.cputopoinfo.num_cpus = 64;
	set_xen_guest_handle(s.u.cputopoinfo.cputopo, (xen_sysctl_cputopo_t *)p->address);
	sysctl(&s, XEN_SYSCTL_cputopoinfo);
	s.u.numainfo.num_nodes = 8;
	set_xen_guest_handle(s.u.numainfo.meminfo, (xen_sysctl_meminfo_t *)p->address);
	sysctl(&s, XEN_SYSCTL_numainfo);
	s.u.numainfo.num_nodes = 8;
	set_xen_guest_handle(s.u.numainfo.distance, (uint32_t *)p->address);
	sysctl(&s, XEN_SYSCTL_numainfo);
	s.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_host;
	s.u.cpu_policy.nr_leaves = 400;
	set_xen_guest_handle(s.u.cpu_policy.leaves, (xen_cpuid_leaf_t *)p->address);
	sysctl(&s, XEN_SYSCTL_get_cpu_policy);
	s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	s.u.cpupool_op.cpumap.nr_bits = 64;
	set_xen_guest_handle(s.u.cpupool_op.cpumap.bitmap, (uint8_t *)p->address);
	sysctl(&s, XEN_SYSCTL_cpupool_op);

	d.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	d.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
	set_xen_guest_handle(d.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_getvcpuaffinity, 0);
	d.u.nodeaffinity.nodemap.nr_bits = 64;
	set_xen_guest_handle(d.u.nodeaffinity.nodemap.bitmap, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_getnodeaffinity, VICTIM);
	d.u.hvmcontext.size = 1 << 16;
	set_xen_guest_handle(d.u.hvmcontext.buffer, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_gethvmcontext, VICTIM);
	d.u.cpu_policy.nr_leaves = 400;
	set_xen_guest_handle(d.u.cpu_policy.leaves, (xen_cpuid_leaf_t *)p->address);
	domctl(&d, XEN_DOMCTL_get_cpu_policy, VICTIM);
}

static void read_from(void)
{
	struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF,
						  .space = XENMAPSPACE_gmfn_foreign,
						  .size = 1 };
	struct xen_mem_acquire_resource resource = { .domid = VICTIM,
						     .type = XENMEM_resource_grant_table,
						     .nr_frames = 1 };
	struct xen_foreign_memory_map map = { .domid = VICTIM, .map = { .nr_entries = 1 } };
	struct sched_poll poll = { .nr_ports = 1 };
	struct xen_sysctl s = { 0 };
	struct xen_domctl d = { 0 };
	xen_ulong_t idx = 16;
	xen_pfn_t gpfn = 0x3ffff;
	int error = 0;

	list_of_nothing(XENMEM_populate_physmap, VICTIM);
	list_of_nothing(XENMEM_decrease_reservation, DOMID_SELF);
	batch.u.foreign_domid = VICTIM;
	for (u32 which = 0; which < 3; which++) {
		set_xen_guest_handle(batch.idxs, which == 0 ? (xen_ulong_t *)p->address : &idx);
		set_xen_guest_handle(batch.gpfns, which == 1 ? (xen_pfn_t *)p->address : &gpfn);
		set_xen_guest_handle(batch.errs, which == 2 ? (int *)p->address : &error);
		memory(XENMEM_add_to_physmap_batch, &batch);
	}
	set_xen_guest_handle(resource.frame_list, (xen_pfn_t *)p->address);
	memory(XENMEM_acquire_resource, &resource);
	set_xen_guest_handle(map.map.buffer, (void *)p->address);
	memory(XENMEM_set_memory_map, &map);
	set_xen_guest_handle(poll.ports, (evtchn_port_t *)p->address);
	expect_fault(p, __HYPERVISOR_sched_op, SCHEDOP_poll,
		     call(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll, 0));

	s.u.debug_keys.nr_keys = 16;
	set_xen_guest_handle(s.u.debug_keys.keys, (char *)p->address);
	sysctl(&s, XEN_SYSCTL_debug_keys);
	s.u.pcitopoinfo.num_devs = 1;
	set_xen_guest_handle(s.u.pcitopoinfo.devs, (physdev_pci_device_t *)p->address);
	set_xen_guest_handle(s.u.pcitopoinfo.nodes, (uint32_t *)&error);
	sysctl(&s, XEN_SYSCTL_pcitopoinfo);

	d.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	d.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
	set_xen_guest_handle(d.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_setvcpuaffinity, 0);
	d.u.nodeaffinity.nodemap.nr_bits = 64;
	set_xen_guest_handle(d.u.nodeaffinity.nodemap.bitmap, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_setnodeaffinity, VICTIM);
	d.u.hvmcontext.size = 1024;
	set_xen_guest_handle(d.u.hvmcontext.buffer, (uint8_t *)p->address);
	domctl(&d, XEN_DOMCTL_sethvmcontext, VICTIM);
	d.u.cpu_policy.nr_leaves = 1;
	set_xen_guest_handle(d.u.cpu_policy.leaves, (xen_cpuid_leaf_t *)p->address);
	domctl(&d, XEN_DOMCTL_set_cpu_policy, VICTIM);
}

void nested_pointers(const struct pointer *which)
{
	p = which;
	if (!p->address) /* which often asks only for a size */
		return;
	written_to();
	if (!p->readable) /* what can be read is no bad pointer there */
		read_from();
}
