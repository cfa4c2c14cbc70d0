// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Xen answers with a certain error, our core must, too: stock tools and Linux decide by it (contract,
 * chapter 3).  And every operation that takes a structure answers every bad pointer with -EFAULT.
 */
#include "hostile.h"

#include <errno.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include <minv.h>

static u64 checks;

static void expect(long error, const char *what, long result)
{
	checks++;
	if (result != error)
		wrong("%s: %ld instead of %ld", what, result, error);
}
#define EXPECT(error, nr, ...) expect(-(error), #nr " " #__VA_ARGS__, call(nr, __VA_ARGS__))

/* Numbers that no PVH domain's kernel needs: 1 where the call exists. */
static const u8 exists[64] = {
	[__HYPERVISOR_platform_op] = 1,	     [__HYPERVISOR_memory_op] = 1,
	[__HYPERVISOR_multicall] = 1,	     [__HYPERVISOR_set_timer_op] = 1,
	[__HYPERVISOR_xen_version] = 1,	     [__HYPERVISOR_console_io] = 1,
	[__HYPERVISOR_grant_table_op] = 1,   [__HYPERVISOR_vm_assist] = 1,
	[__HYPERVISOR_vcpu_op] = 1,	     [__HYPERVISOR_sched_op] = 1,
	[__HYPERVISOR_event_channel_op] = 1, [__HYPERVISOR_physdev_op] = 1,
	[__HYPERVISOR_hvm_op] = 1,	     [__HYPERVISOR_sysctl] = 1,
	[__HYPERVISOR_domctl] = 1,
};

static long domctl(u32 cmd, u32 domain, u32 version, void *payload, size_t size)
{
	struct xen_domctl op = { .cmd = cmd,
				 .interface_version = version,
				 .domain = (domid_t)domain };

	if (payload)
		memcpy(&op.u, payload, size);
	return call(__HYPERVISOR_domctl, &op, 0, 0);
}

static void domctls(void)
{
	u32 v = XEN_DOMCTL_INTERFACE_VERSION;
	static const u32 builders[] = { XEN_DOMCTL_max_vcpus,	  XEN_DOMCTL_set_target,
					XEN_DOMCTL_settscinfo,	  XEN_DOMCTL_gethvmcontext,
					XEN_DOMCTL_sethvmcontext, XEN_DOMCTL_get_cpu_policy,
					XEN_DOMCTL_set_cpu_policy };

	expect(-EACCES, "domctl of another version",
	       domctl(XEN_DOMCTL_getdomaininfo, 0, v + 1, 0, 0));
	expect(-ESRCH, "domctl of no domain", domctl(XEN_DOMCTL_max_mem, 950, v, 0, 0));
	expect(-ESRCH, "destroydomain of no domain",
	       domctl(XEN_DOMCTL_destroydomain, 950, v, 0, 0));
	expect(-EINVAL, "destroydomain of itself", domctl(XEN_DOMCTL_destroydomain, 0, v, 0, 0));
	expect(-EINVAL, "pausedomain of itself", domctl(XEN_DOMCTL_pausedomain, 0, v, 0, 0));
	expect(-EINVAL, "unpausedomain of itself", domctl(XEN_DOMCTL_unpausedomain, 0, v, 0, 0));
	expect(-ENOSYS, "domctl 200", domctl(200, 0, v, 0, 0));
	expect(-ENOSYS, "iomem_permission", domctl(XEN_DOMCTL_iomem_permission, 0, v, 0, 0));
	expect(-ENOSYS, "memory_mapping", domctl(XEN_DOMCTL_memory_mapping, 0, v, 0, 0));
	expect(-EPERM, "getpageframeinfo3", domctl(XEN_DOMCTL_getpageframeinfo3, 0, v, 0, 0));
	for (size_t i = 0; i < sizeof(builders) / sizeof(builders[0]); i++)
		expect(-EPERM, "a builder's domctl on a domain that has run",
		       domctl(builders[i], 0, v, 0, 0));
}

static void memory_ops(void)
{
	struct xen_add_to_physmap add = { .domid = 950 };
	struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF,
						  .space = XENMAPSPACE_gmfn_foreign };
	struct xen_mem_acquire_resource resource = { .domid = DOMID_SELF };
	struct xen_remove_from_physmap drop = { .domid = 950 };
	domid_t nobody = 950;

	EXPECT(ENOSYS, __HYPERVISOR_memory_op, XENMEM_get_sharing_freed_pages, 0, 0);
	EXPECT(ENOSYS, __HYPERVISOR_memory_op, XENMEM_get_sharing_shared_pages, 0, 0);
	EXPECT(ESRCH, __HYPERVISOR_memory_op, XENMEM_current_reservation, &nobody, 0);
	EXPECT(EPERM, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, 0);
	EXPECT(EPERM, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &drop, 0);
	add.domid = DOMID_SELF;
	add.space = XENMAPSPACE_gmfn;
	EXPECT(ENOSYS, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, 0);
	batch.u.foreign_domid = 950;
	EXPECT(ESRCH, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch, 0);
	batch.u.foreign_domid = DOMID_SELF;
	EXPECT(EPERM, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch, 0);
	EXPECT(EPERM, __HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource, 0);
	resource.domid = 950;
	EXPECT(ESRCH, __HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource, 0);
}

static void event_channels(void)
{
	struct evtchn_close shut = { .port = 4000 };
	struct evtchn_send send = { .port = 4096 };
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct evtchn_bind_interdomain bind = { .remote_dom = 950 };
	struct evtchn_status status = { .dom = 950, .port = 1 };

	EXPECT(ENOSYS, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_event_channel_op, EVTCHNOP_set_priority, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, arena, 0);
	EXPECT(EINVAL, __HYPERVISOR_event_channel_op, EVTCHNOP_close, &shut, 0);
	EXPECT(EINVAL, __HYPERVISOR_event_channel_op, EVTCHNOP_send, &send, 0);
	EXPECT(EEXIST, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq, 0);
	EXPECT(ESRCH, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind, 0);
	EXPECT(ESRCH, __HYPERVISOR_event_channel_op, EVTCHNOP_status, &status, 0);
	virq.vcpu = 1000;
	EXPECT(ENOENT, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq, 0);
	virq.virq = 24;
	EXPECT(EINVAL, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq, 0);
	bind.remote_dom = DOMID_SELF;
	bind.remote_port = 4000;
	EXPECT(EINVAL, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind, 0);
}

static void smaller_families(void)
{
	struct xen_feature_info features = { .submap_idx = 1 };
	struct xen_platform_op platform = { .cmd = XENPF_settime64, .interface_version = 1 };
	struct xen_sysctl sysctl = { .cmd = XEN_SYSCTL_physinfo, .interface_version = 1 };
	struct gnttab_set_version version = { .version = 2 };
	struct xen_hvm_param param = { .domid = DOMID_SELF, .index = HVM_NR_PARAMS };
	struct vcpu_register_vcpu_info info = { .mfn = 1 };
	struct sched_remote_shutdown end = { .domain_id = 950 };
	struct multicall_entry nested = { .op = __HYPERVISOR_multicall };

	EXPECT(EINVAL, __HYPERVISOR_xen_version, XENVER_get_features, &features, 0);
	EXPECT(ENODATA, __HYPERVISOR_xen_version, XENVER_build_id, 0, 0);
	EXPECT(EACCES, __HYPERVISOR_platform_op, &platform, 0, 0);
	EXPECT(EACCES, __HYPERVISOR_sysctl, &sysctl, 0, 0);
	sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sysctl.cmd = 200;
	EXPECT(ENOSYS, __HYPERVISOR_sysctl, &sysctl, 0, 0);
	EXPECT(ENOSYS, __HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_physdev_op, PHYSDEVOP_setup_gsi, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_grant_table_op, GNTTABOP_set_version, &version, 1);
	EXPECT(ENOSYS, __HYPERVISOR_grant_table_op, GNTTABOP_get_status_frames, arena, 1);
	EXPECT(ENOSYS, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, arena, 1);
	EXPECT(EINVAL, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, arena, 2);
	EXPECT(EINVAL, __HYPERVISOR_grant_table_op, GNTTABOP_copy, arena, 0x80000000);
	EXPECT(ENOSYS, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying, arena, 0);
	EXPECT(ENOSYS, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, arena, 0);
	EXPECT(EINVAL, __HYPERVISOR_hvm_op, HVMOP_get_param, &param, 0);
	param.index = HVM_PARAM_PAGING_RING_PFN;
	EXPECT(EPERM, __HYPERVISOR_hvm_op, HVMOP_get_param, &param, 0);
	EXPECT(EPERM, __HYPERVISOR_hvm_op, HVMOP_set_param, &param, 0);
	EXPECT(ENOSYS, __HYPERVISOR_vcpu_op, VCPUOP_initialise, 0, arena);
	EXPECT(ENOENT, __HYPERVISOR_vcpu_op, VCPUOP_up, 1000, 0);
	EXPECT(ENOENT, __HYPERVISOR_vcpu_op, VCPUOP_down, 1000, 0);
	EXPECT(ENOENT, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1000, 0);
	EXPECT(ENOENT, __HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 1000, 0);
	EXPECT(EINVAL, __HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 0, arena);
	EXPECT(0, __HYPERVISOR_vcpu_op, VCPUOP_up, 0, 0); /* it is */
	EXPECT(-1, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0);
	EXPECT(ENOENT, __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 1000, arena);
	EXPECT(EINVAL, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, &info);
	EXPECT(EINVAL, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 30, 0);
	EXPECT(ENOSYS, __HYPERVISOR_sched_op, 77, arena, 0);
	EXPECT(ESRCH, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &end, 0);
	EXPECT(ENOSYS, __HYPERVISOR_console_io, 9, 0, 0);
	checks++;
	if (call(__HYPERVISOR_multicall, &nested, 1, 0) || nested.result != (u64)-EINVAL)
		wrong("a multicall inside a multicall: %ld", (long)nested.result);
}

void attack_errors(void)
{
	for (u64 nr = 0; nr < 64; nr++)
		for (u64 op = 0; !exists[nr] && op < 8; op++) {
			char what[40];

			snprintf(what, sizeof(what), "hypercall %u (%u)", (u32)nr, (u32)op);
			/* the run call is there, for a fidelity domain with its guest only */
			expect(nr == MINV_HYPERCALL ? -EPERM : -ENOSYS, what,
			       call(nr, op, arena, 1));
		}
	domctls();
	memory_ops();
	event_channels();
	smaller_families();
	printf("%llu calls with a known answer\n", (unsigned long long)checks);
}

/* Operations whose structure is at the second argument, or the first. */
static const struct {
	u8 nr, first;
	u8 ops[16]; /* ends with 0xff */
	u64 third;
} takers[] = {
	{ __HYPERVISOR_platform_op, 1, { 0, 0xff }, 0 },
	{ __HYPERVISOR_sysctl, 1, { 0, 0xff }, 0 },
	{ __HYPERVISOR_domctl, 1, { 0, 0xff }, 0 },
	{ __HYPERVISOR_memory_op,
	  0,
	  { XENMEM_decrease_reservation, XENMEM_current_reservation, XENMEM_maximum_reservation,
	    XENMEM_populate_physmap, XENMEM_add_to_physmap, XENMEM_add_to_physmap_batch,
	    XENMEM_remove_from_physmap, XENMEM_memory_map, XENMEM_set_memory_map,
	    XENMEM_set_pod_target, XENMEM_get_pod_target, XENMEM_claim_pages,
	    XENMEM_acquire_resource, 0xff },
	  0 },
	{ __HYPERVISOR_xen_version,
	  0,
	  { XENVER_extraversion, XENVER_compile_info, XENVER_capabilities, XENVER_changeset,
	    XENVER_platform_parameters, XENVER_get_features, XENVER_guest_handle,
	    XENVER_commandline, 0xff },
	  0 },
	{ __HYPERVISOR_grant_table_op,
	  0,
	  { GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_query_size, GNTTABOP_copy,
	    GNTTABOP_set_version, GNTTABOP_get_version, 0xff },
	  1 },
	{ __HYPERVISOR_sched_op,
	  0,
	  { SCHEDOP_poll, SCHEDOP_shutdown, SCHEDOP_remote_shutdown, 0xff },
	  0 },
	{ __HYPERVISOR_event_channel_op,
	  0,
	  { EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq, EVTCHNOP_close, EVTCHNOP_send,
	    EVTCHNOP_status, EVTCHNOP_alloc_unbound, EVTCHNOP_bind_ipi, EVTCHNOP_bind_vcpu,
	    EVTCHNOP_unmask, EVTCHNOP_reset, 0xff },
	  0 },
	{ __HYPERVISOR_hvm_op, 0, { HVMOP_set_param, HVMOP_get_param, 0xff }, 0 },
	{ __HYPERVISOR_physdev_op,
	  0,
	  { PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_pci_device_add, PHYSDEVOP_pci_device_remove,
	    0xff },
	  0 },
};

static const u8 vcpu_ops[] = { VCPUOP_get_runstate_info, VCPUOP_register_runstate_memory_area,
			       VCPUOP_register_vcpu_time_memory_area, VCPUOP_set_singleshot_timer,
			       VCPUOP_register_vcpu_info };

void expect_fault(const struct pointer *p, u64 nr, u64 op, long result)
{
	checks++;
	if (nr == __HYPERVISOR_vcpu_op)
		timer_repair();
	/* what can be read but not written, all ones, is good enough for some: never is it written to */
	if (!p->readable && result != -EFAULT)
		wrong("hypercall %u op %u with %s: %ld instead of -EFAULT", (u32)nr, (u32)op,
		      p->what, result);
}

void attack_pointers(void)
{
	/* The operations on a vCPU name number 0: some answer -EINVAL to another, before they look at the pointer, as Xen does. */
	stay_on_first_cpu();
	if (victim_make(VICTIM))
		wrong("no victim");
	for (u32 i = 0; i < nr_bad; i++) {
		const struct pointer *p = &bad[i];

		for (size_t t = 0; t < sizeof(takers) / sizeof(takers[0]); t++)
			for (u32 o = 0; takers[t].ops[o] != 0xff; o++) {
				u64 op = takers[t].ops[o], nr = takers[t].nr;

				expect_fault(p, nr, op,
					     takers[t].first
						     ? call(nr, p->address, 0, 0)
						     : call(nr, op, p->address, takers[t].third));
			}
		for (u32 o = 0; o < sizeof(vcpu_ops); o++)
			expect_fault(p, __HYPERVISOR_vcpu_op, vcpu_ops[o],
				     call(__HYPERVISOR_vcpu_op, vcpu_ops[o], 0, p->address));
		nested_pointers(p);
		expect_fault(p, __HYPERVISOR_multicall, 1,
			     call(__HYPERVISOR_multicall, p->address, 1, 0));
		expect_fault(p, __HYPERVISOR_console_io, 0,
			     p->readable ? -EFAULT
					 : call(__HYPERVISOR_console_io, CONSOLEIO_write, 8,
						p->address));
	}
	for (u32 i = 0; i < PAGE; i++)
		if (read_only[i] != 0xff) {
			wrong("a read-only page has been written to");
			break;
		}
	printf("%llu calls with %u bad pointers\n", (unsigned long long)checks, nr_bad);
}
