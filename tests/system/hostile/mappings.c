// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every call that maps memory, with the core's memory, its tables and the local APIC's page: as what is to be
 * mapped it must be refused; as the place where something is mapped it is a number like any other, and what is
 * then seen there is never the core's.
 */
#include "hostile.h"

#include <errno.h>
#include <sys/mman.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

static const u64 frames[] = {
	CORE_START >> 12, (CORE_START >> 12) + 1,
	0x31000,	  0x31001,
	0x31fff,	  0x32345,
	CORE_LATE,	  APIC_PAGE >> 12,
	1ull << 36,	  (1ull << 36) - 1,
	1ull << 40,	  ~0ull,
	~0ull >> 12,	  1ull << 52,
};
#define FRAMES	  (sizeof(frames) / sizeof(frames[0]))
#define TABLE_GFN 0x33fffull /* where the victim's grant table is seen: a hole in dom0's map */

static u64 tried;

static long domctl_frames(u32 cmd, u64 frame)
{
	struct xen_domctl op = { .cmd = cmd,
				 .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				 .domain = VICTIM };

	if (cmd == XEN_DOMCTL_memory_mapping) {
		op.u.memory_mapping.first_gfn = op.u.memory_mapping.first_mfn = frame;
		op.u.memory_mapping.nr_mfns = 1;
		op.u.memory_mapping.add_mapping = 1;
	} else {
		op.u.iomem_permission.first_mfn = frame;
		op.u.iomem_permission.nr_mfns = 1;
		op.u.iomem_permission.allow_access = 1;
	}
	return call(__HYPERVISOR_domctl, &op, 0, 0);
}

static long foreign(u32 space, u64 from, u64 to, int *status)
{
	u64 idx = from, gpfn = to;
	struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF,
					       .space = (u16)space,
					       .size = 1 };
	long result;

	*status = 1;
	op.u.foreign_domid = VICTIM;
	set_xen_guest_handle(op.idxs, (xen_ulong_t *)&idx);
	set_xen_guest_handle(op.gpfns, (xen_pfn_t *)&gpfn);
	set_xen_guest_handle(op.errs, status);
	result = call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &op, 0);
	return result;
}

static void remove_at(u64 gfn)
{
	struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = gfn };

	call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &op, 0);
}

static void refused(const char *what, u64 frame, long result)
{
	tried++;
	if (result >= 0)
		wrong("%s of frame 0x%llx is not refused: %ld", what, (unsigned long long)frame,
		      result);
}

static void by_number(u64 frame)
{
	struct xen_add_to_physmap add = { .domid = DOMID_SELF, .idx = frame, .gpfn = 0x3ffff };
	static const u16 spaces[] = { XENMAPSPACE_gmfn, XENMAPSPACE_gmfn_range,
				      XENMAPSPACE_gmfn_foreign, XENMAPSPACE_dev_mmio, 77 };
	int status;

	for (u32 i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		add.space = spaces[i];
		refused("add_to_physmap", frame,
			call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, 0));
		if (spaces[i] != XENMAPSPACE_gmfn_foreign)
			refused("add_to_physmap_batch", frame,
				foreign(spaces[i], frame, 0x3ffff, &status));
	}
	/* the victim has nothing at these numbers: the call works, the page does not */
	if (foreign(XENMAPSPACE_gmfn_foreign, frame, 0x3ffff, &status))
		wrong("foreign mapping of frame 0x%llx: the call as a whole",
		      (unsigned long long)frame);
	refused("foreign mapping", frame, status);
	refused("memory_mapping", frame, domctl_frames(XEN_DOMCTL_memory_mapping, frame));
	refused("iomem_permission", frame, domctl_frames(XEN_DOMCTL_iomem_permission, frame));
}

/* What dom0 itself does not have it cannot give back. */
static void give_back(u64 frame)
{
	u64 gfn = frame;
	struct xen_memory_reservation op = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(op.extent_start, (xen_pfn_t *)&gfn);
	tried++;
	if (call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &op, 0))
		wrong("decrease_reservation of frame 0x%llx", (unsigned long long)frame);
	if (frame >= 1ull << 36)
		return;
	struct xen_remove_from_physmap drop = { .domid = DOMID_SELF, .gpfn = frame };

	refused("remove_from_physmap", frame,
		call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &drop, 0));
}

/* The victim's grant table names the core's frames to dom0, which maps and copies by it. */
static void by_grant(void)
{
	u64 gfn = TABLE_GFN;
	struct xen_mem_acquire_resource op = { .domid = VICTIM,
					       .type = XENMEM_resource_grant_table,
					       .id = XENMEM_resource_grant_table_id_shared,
					       .nr_frames = 1 };
	volatile grant_entry_v1_t *table;
	long result;

	set_xen_guest_handle(op.frame_list, (xen_pfn_t *)&gfn);
	result = call(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &op, 0);
	if (result) {
		wrong("the victim's grant table at gfn 0x%llx: %ld", (unsigned long long)gfn,
		      result);
		return;
	}
	table = physical_map(gfn << 12);
	for (u32 i = 0; table && i < FRAMES; i++) {
		struct gnttab_map_grant_ref map = { .host_addr = 0x3ffff000,
						    .flags = GNTMAP_host_map,
						    .ref = 8 + i,
						    .dom = VICTIM };
		struct gnttab_copy copy = { .flags = GNTCOPY_source_gref, .len = 8 };

		table[8 + i].domid = 0;
		table[8 + i].frame = (u32)frames[i];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		table[8 + i].flags = GTF_permit_access;
		call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
		refused("map_grant_ref", frames[i], map.status);
		copy.source.u.ref = 8 + i;
		copy.source.domid = VICTIM;
		copy.dest.domid = DOMID_SELF;
		copy.dest.u.gmfn = frames[i];
		call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
		refused("grant copy", frames[i], copy.status);
		copy.flags = 0;
		copy.source.u.gmfn = frames[i];
		copy.source.domid = DOMID_SELF;
		call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
		refused("copy of frames", frames[i], copy.status);
	}
	if (table)
		munmap((void *)table, PAGE);
	remove_at(gfn);
}

/* A page of the victim's mapped where the core's frames have their numbers: it is the victim's that is seen. */
static void at_number(u64 frame)
{
	u64 gfn = 16, value = 0x1122334455667788ull;
	struct xen_memory_reservation op = { .nr_extents = 1, .domid = VICTIM };
	volatile u64 *seen;
	int status;

	if (frame >= 1ull << 36)
		return;
	set_xen_guest_handle(op.extent_start, (xen_pfn_t *)&gfn);
	call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &op, 0);
	tried++;
	if (foreign(XENMAPSPACE_gmfn_foreign, gfn, frame, &status) || status) {
		wrong("a victim's page at gfn 0x%llx: %d", (unsigned long long)frame, status);
		return;
	}
	seen = physical_map(frame << 12);
	if (seen) {
		if (*seen && *seen != value)
			wrong("at gfn 0x%llx is 0x%llx, which is not the victim's",
			      (unsigned long long)frame, (unsigned long long)*seen);
		*seen = value;
		munmap((void *)seen, PAGE);
	}
	remove_at(frame);
}

/* What the frame's number then shows must have been made for us: nothing of the core's has this in it. */
static void shows(const char *what, u64 frame, bool zeroes)
{
	volatile u64 *seen = physical_map(frame << 12);

	if (!seen)
		return;
	for (u32 i = 0; zeroes && i < PAGE / 8; i++)
		if (seen[i]) {
			wrong("after %s at gfn 0x%llx is 0x%llx", what, (unsigned long long)frame,
			      (unsigned long long)seen[i]);
			break;
		}
	seen[PAGE / 8 - 1] = 0; /* its own, so it may be written to */
	munmap((void *)seen, PAGE);
}

/* New memory, a grant table and the victim's own pages at the core's numbers; a vCPU's record in the core's frame. */
static void place_at(u64 frame)
{
	u64 gfn = frame;
	struct xen_memory_reservation more = { .nr_extents = 1, .domid = DOMID_SELF };
	struct xen_mem_acquire_resource table = { .domid = VICTIM,
						  .type = XENMEM_resource_grant_table,
						  .nr_frames = 1 };
	static const u16 spaces[] = { XENMAPSPACE_shared_info, XENMAPSPACE_grant_table };
	struct vcpu_register_vcpu_info record = { .mfn = frame };

	refused("register_vcpu_info", frame,
		call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, &record));
	for (u32 i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		struct xen_add_to_physmap add = { .domid = VICTIM,
						  .space = spaces[i],
						  .gpfn = frame };

		tried++;
		call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, 0);
	}
	tried += 2;
	set_xen_guest_handle(more.extent_start, (xen_pfn_t *)&gfn);
	if (call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &more, 0) == 1) {
		shows("populate_physmap", frame, true);
		if (call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &more, 0) != 1)
			wrong("dom0 cannot give back what it got at gfn 0x%llx",
			      (unsigned long long)frame);
	}
	set_xen_guest_handle(table.frame_list, (xen_pfn_t *)&gfn);
	if (!call(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &table, 0)) {
		shows("acquire_resource", frame, false);
		remove_at(frame);
	}
}

void attack_mappings(void)
{
	long result = victim_make(VICTIM);

	if (result) {
		wrong("no victim: %ld", result);
		return;
	}
	for (u32 i = 0; i < FRAMES; i++) {
		by_number(frames[i]);
		give_back(frames[i]);
		at_number(frames[i]);
		place_at(frames[i]);
	}
	by_grant();
	invariant_ask();
	printf("%llu mappings tried\n", (unsigned long long)tried);
}
