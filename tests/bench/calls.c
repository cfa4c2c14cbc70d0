// SPDX-License-Identifier: GPL-2.0-or-later
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* One structure at a time: each call is made before the next is asked for. */
static union {
	struct xen_domctl domctl;
	struct xen_sysctl sysctl;
	struct xen_platform_op platform;
	struct xen_feature_info features;
	struct evtchn_status status;
	struct evtchn_unmask unmask;
	struct gnttab_query_size size;
	struct xen_hvm_param param;
	struct multicall_entry list[8];
	struct vcpu_runstate_info runstate;
	domid_t domain;
} of;
static struct xen_domctl_getdomaininfo listed;

static struct probe_call with(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return (struct probe_call){ nr, a, b, c, 0 };
}

static struct probe_call domctl(uint16_t domain, uint32_t cmd)
{
	of.domctl.cmd = cmd;
	of.domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	of.domctl.domain = domain;
	return with(__HYPERVISOR_domctl, (uint64_t)&of, 0, 0);
}

static struct probe_call sysctl(uint32_t cmd)
{
	of.sysctl.cmd = cmd;
	of.sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return with(__HYPERVISOR_sysctl, (uint64_t)&of, 0, 0);
}

struct probe_call calls_get(unsigned int i, uint16_t domain, uint32_t port)
{
	memset(&of, 0, sizeof(of));
	switch (i) {
	case 0:
		return with(__HYPERVISOR_xen_version, XENVER_get_features, (uint64_t)&of, 0);
	case 1:
		of.domain = DOMID_SELF;
		return with(__HYPERVISOR_memory_op, XENMEM_current_reservation, (uint64_t)&of, 0);
	case 2:
		of.domain = domain;
		return with(__HYPERVISOR_memory_op, XENMEM_current_reservation, (uint64_t)&of, 0);
	case 3:
		return with(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0);
	case 4:
		return with(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (uint64_t)&of);
	case 5:
		of.param.domid = domain;
		of.param.index = HVM_PARAM_STORE_PFN;
		return with(__HYPERVISOR_hvm_op, HVMOP_get_param, (uint64_t)&of, 0);
	case 6:
		of.status.dom = DOMID_SELF;
		of.status.port = port;
		return with(__HYPERVISOR_event_channel_op, EVTCHNOP_status, (uint64_t)&of, 0);
	case 7:
		of.unmask.port = port;
		return with(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, (uint64_t)&of, 0);
	case 8:
		of.size.dom = domain;
		return with(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (uint64_t)&of, 1);
	case 9:
		return domctl(domain, XEN_DOMCTL_getdomaininfo);
	case 10:
		return domctl(0, XEN_DOMCTL_getvcpuinfo); /* the empty domains have no vCPU */
	case 11:
		of.domctl.u.max_mem.max_memkb = 4096;
		return domctl(domain, XEN_DOMCTL_max_mem);
	case 12:
		return sysctl(XEN_SYSCTL_physinfo);
	case 13: /* a list of one */
		of.sysctl.u.getdomaininfolist.first_domain = domain;
		of.sysctl.u.getdomaininfolist.max_domains = 1;
		set_xen_guest_handle(of.sysctl.u.getdomaininfolist.buffer, &listed);
		return sysctl(XEN_SYSCTL_getdomaininfolist);
	case 14:
		of.platform.cmd = XENPF_get_cpuinfo;
		of.platform.interface_version = XENPF_INTERFACE_VERSION;
		return with(__HYPERVISOR_platform_op, (uint64_t)&of, 0, 0);
	case 15:
		for (unsigned int n = 0; n < 8; n++)
			of.list[n].op = __HYPERVISOR_xen_version;
		return with(__HYPERVISOR_multicall, (uint64_t)&of, 8, 0);
	default:
		abort();
	}
}
