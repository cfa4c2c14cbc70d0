// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a domain without any right over others can try on all of them, dom0 too, by Xen's calls: each operation that
 * names a domain, on every domain that may be there, alone and in a list; each must be refused.  Its own number it
 * learns by them: it is the only domain about which it is answered.
 * Calls go by the kernel module: Linux refuses them by privcmd in any domain but dom0.
 */
#include "hostile.h"

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

#define OTHERS	24u /* domains that may be there: dom0 and those with numbers around one's own */
#define NUMBERS 0x7ff0u	   /* of domains: the first reserved one, DOMID_FIRST_RESERVED */
#define PORTS	128u	   /* of each */
#define REFS	512u	   /* of each: a whole first frame of its table */
#define HOLE	0x20000ull /* a guest frame where this domain has nothing */

u64 guest_calls;

long guest_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	struct hostile h = {
		.what = HOSTILE_VMMCALL, .rax = nr, .rdi = a, .rsi = b, .rdx = c, .r10 = d, .r8 = e
	};

	guest_calls++;
	return kernel_does(&h) ? -1000 : (long)h.rax;
}

void guest_refused(const char *what, u64 number, long result)
{
	if (result >= 0)
		wrong("%s %llu is done: %ld", what, (unsigned long long)number, result);
}

/* The call, then the same as the only entry of a list. */
static void must_refuse(const char *what, u16 id, u64 nr, u64 op, void *structure, u64 count)
{
	struct multicall_entry entry = { .op = nr, .args = { op, (u64)structure, count } };

	guest_refused(what, id, guest_call(nr, op, (u64)structure, count, 0, 0));
	if (guest_call(__HYPERVISOR_multicall, (u64)&entry, 1, 0, 0, 0))
		wrong("a list of one call is refused");
	else
		guest_refused(what, id, (long)entry.result);
}

u16 guest_self(void)
{
	u16 self = DOMID_INVALID;

	for (u16 id = 0; id < NUMBERS; id++) {
		struct gnttab_query_size query = { .dom = id };

		if (guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (u64)&query, 1, 0,
			       0) ||
		    query.status)
			continue;
		if (self != DOMID_INVALID)
			wrong("domains %u and %u both tell their grant table's size", self, id);
		self = id;
	}
	if (self == DOMID_INVALID || !self)
		wrong("this domain does not find itself");
	return self;
}

static void memory_of(u16 id)
{
	static const u64 there[] = { 0, 0x100, 0x1000, 0x30000, 0xfeff8, 1ull << 28 };
	static const u16 spaces[] = { XENMAPSPACE_shared_info, XENMAPSPACE_grant_table,
				      XENMAPSPACE_gmfn, XENMAPSPACE_gmfn_range,
				      XENMAPSPACE_gmfn_foreign };
	xen_pfn_t frames[1] = { 0x100 };
	struct xen_memory_reservation reservation = { .nr_extents = 1, .domid = id };
	struct xen_foreign_memory_map map = { .domid = id };
	struct xen_pod_target pod = { .domid = id };
	struct xen_remove_from_physmap drop = { .domid = id, .gpfn = 0x100 };
	domid_t name = id;

	for (u32 i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		xen_ulong_t frame = there[i];
		xen_pfn_t at = HOLE;
		int error = 0;
		struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF,
							  .space = XENMAPSPACE_gmfn_foreign,
							  .size = 1,
							  .u.foreign_domid = id };
		long result;

		set_xen_guest_handle(batch.idxs, &frame);
		set_xen_guest_handle(batch.gpfns, &at);
		set_xen_guest_handle(batch.errs, &error);
		result = guest_call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch,
				    (u64)&batch, 0, 0, 0);
		guest_refused("memory of domain", id, result < 0 ? result : error);
	}
	for (u32 i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		struct xen_add_to_physmap add = {
			.domid = id, .space = spaces[i], .size = 1, .gpfn = HOLE
		};

		must_refuse("add_to_physmap of domain", id, __HYPERVISOR_memory_op,
			    XENMEM_add_to_physmap, &add, 0);
	}
	for (u16 type = 0; type < 4; type++) {
		struct xen_mem_acquire_resource resource = { .domid = id,
							     .type = type,
							     .nr_frames = 1 };

		frames[0] = HOLE;
		set_xen_guest_handle(resource.frame_list, frames);
		must_refuse("resource of domain", id, __HYPERVISOR_memory_op,
			    XENMEM_acquire_resource, &resource, 0);
	}
	frames[0] = 0x100;
	set_xen_guest_handle(reservation.extent_start, frames);
	/* the number of pages that were done: none */
	if (guest_call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (u64)&reservation, 0, 0,
		       0) > 0 ||
	    guest_call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&reservation, 0, 0,
		       0) > 0 ||
	    guest_call(__HYPERVISOR_memory_op, XENMEM_increase_reservation, (u64)&reservation, 0, 0,
		       0) > 0)
		wrong("pages of domain %u are given or taken", id);
	must_refuse("current_reservation of domain", id, __HYPERVISOR_memory_op,
		    XENMEM_current_reservation, &name, 0);
	must_refuse("maximum_reservation of domain", id, __HYPERVISOR_memory_op,
		    XENMEM_maximum_reservation, &name, 0);
	must_refuse("last page of domain", id, __HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &name,
		    0);
	must_refuse("memory map of domain", id, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &map,
		    0);
	must_refuse("target of domain", id, __HYPERVISOR_memory_op, XENMEM_set_pod_target, &pod, 0);
	must_refuse("target of domain", id, __HYPERVISOR_memory_op, XENMEM_get_pod_target, &pod, 0);
	must_refuse("page taken from domain", id, __HYPERVISOR_memory_op,
		    XENMEM_remove_from_physmap, &drop, 0);
	must_refuse("claim for domain", id, __HYPERVISOR_memory_op, XENMEM_claim_pages,
		    &reservation, 0);
}

static void ports_of(u16 id)
{
	struct evtchn_alloc_unbound alloc = { .dom = id, .remote_dom = DOMID_SELF };
	struct evtchn_reset reset = { .dom = id };

	must_refuse("port of domain", id, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
		    &alloc, 0);
	must_refuse("reset of domain", id, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset,
		    0);
	for (u32 port = 0; port < PORTS; port++) {
		struct evtchn_bind_interdomain bind = { .remote_dom = id, .remote_port = port };
		struct evtchn_status status = { .dom = id, .port = port };

		guest_refused("port bound to domain", id,
			      guest_call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain,
					 (u64)&bind, 0, 0, 0));
		guest_refused("status of a port of domain", id,
			      guest_call(__HYPERVISOR_event_channel_op, EVTCHNOP_status,
					 (u64)&status, 0, 0, 0));
	}
}

static void grants_of(u16 id)
{
	for (u32 ref = 0; ref < REFS; ref++) {
		struct gnttab_map_grant_ref map = { .host_addr = HOLE * PAGE,
						    .flags = GNTMAP_host_map |
							     (ref & 1 ? GNTMAP_readonly : 0),
						    .ref = ref,
						    .dom = id };
		struct gnttab_copy from = { .source.u.ref = ref,
					    .source.domid = id,
					    .dest.domid = DOMID_SELF,
					    .dest.u.gmfn = 0x100,
					    .len = 8,
					    .flags = GNTCOPY_source_gref };
		struct gnttab_copy to = { .dest.u.ref = ref,
					  .dest.domid = id,
					  .source.domid = DOMID_SELF,
					  .source.u.gmfn = 0x100,
					  .len = 8,
					  .flags = GNTCOPY_dest_gref };
		long result;

		result = guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)&map,
				    1, 0, 0);
		guest_refused("grant of domain", id, result < 0 ? result : map.status);
		result =
			guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&from, 1, 0, 0);
		guest_refused("copy from a grant of domain", id, result < 0 ? result : from.status);
		result = guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&to, 1, 0, 0);
		guest_refused("copy to a grant of domain", id, result < 0 ? result : to.status);
	}
	/* by frame, without a grant */
	for (u64 gfn = 0; gfn < 0x1000; gfn = gfn * 4 + 1) {
		struct gnttab_copy from = { .source.u.gmfn = gfn,
					    .source.domid = id,
					    .dest.domid = DOMID_SELF,
					    .dest.u.gmfn = 0x100,
					    .len = 8 };
		struct gnttab_copy to = { .dest.u.gmfn = gfn,
					  .dest.domid = id,
					  .source.domid = DOMID_SELF,
					  .source.u.gmfn = 0x100,
					  .len = 8 };
		long result;

		result =
			guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&from, 1, 0, 0);
		guest_refused("copy from a frame of domain", id, result < 0 ? result : from.status);
		result = guest_call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&to, 1, 0, 0);
		guest_refused("copy to a frame of domain", id, result < 0 ? result : to.status);
	}
	{
		struct gnttab_get_version version = { .dom = id };

		must_refuse("grant version of domain", id, __HYPERVISOR_grant_table_op,
			    GNTTABOP_get_version, &version, 1);
	}
}

static void control_of(u16 id)
{
	struct xen_domctl op = { .interface_version = XEN_DOMCTL_INTERFACE_VERSION };
	struct sched_remote_shutdown shutdown = { .domain_id = id, .reason = SHUTDOWN_crash };

	for (u32 cmd = 0; cmd < 96; cmd++) {
		op.cmd = cmd;
		op.domain = id;
		guest_refused("domctl", cmd, guest_call(__HYPERVISOR_domctl, (u64)&op, 0, 0, 0, 0));
	}
	must_refuse("shutdown of domain", id, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
		    &shutdown, 0);
	for (u32 index = 0; index < HVM_NR_PARAMS; index++) {
		struct xen_hvm_param param = { .domid = id, .index = index };

		guest_refused("parameter read of domain", id,
			      guest_call(__HYPERVISOR_hvm_op, HVMOP_get_param, (u64)&param, 0, 0,
					 0));
		guest_refused("parameter of domain", id,
			      guest_call(__HYPERVISOR_hvm_op, HVMOP_set_param, (u64)&param, 0, 0,
					 0));
	}
}

static void machine(void)
{
	struct xen_sysctl sysctl = { .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
	struct xen_platform_op platform = { .interface_version = XENPF_INTERFACE_VERSION };
	static char text[] = "NOT-TO-BE-SEEN\n";

	for (u32 cmd = 0; cmd < 32; cmd++) {
		sysctl.cmd = cmd;
		guest_refused("sysctl", cmd,
			      guest_call(__HYPERVISOR_sysctl, (u64)&sysctl, 0, 0, 0, 0));
	}
	for (u32 cmd = 0; cmd < 80; cmd++) {
		platform.cmd = cmd;
		guest_refused("platform_op", cmd,
			      guest_call(__HYPERVISOR_platform_op, (u64)&platform, 0, 0, 0, 0));
	}
	for (u32 op = 0; op < 40; op++) {
		memset(arena, 0, PAGE);
		guest_refused("physdev_op", op,
			      guest_call(__HYPERVISOR_physdev_op, op, (u64)arena, 0, 0, 0));
	}
	guest_refused("the core's console, written", 0,
		      guest_call(__HYPERVISOR_console_io, 0, sizeof(text) - 1, (u64)text, 0, 0));
	guest_refused("the core's console, read", 1,
		      guest_call(__HYPERVISOR_console_io, 1, 8, (u64)arena, 0, 0));
}

void attack_neighbours(u16 self, u16 partner)
{
	u16 first = self > OTHERS / 2 ? self - OTHERS / 2 : 0;

	for (u16 i = 0; i < OTHERS; i++) {
		u16 id = i ? first + i : 0;

		if (id == self || id == partner)
			continue;
		memory_of(id);
		ports_of(id);
		grants_of(id);
		control_of(id);
	}
	machine();
}
