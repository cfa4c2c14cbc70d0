// SPDX-License-Identifier: GPL-2.0-or-later
/* Empty domains, for the probe's question whether a call costs more where there are more of them; one grants a page. */
#include "domains.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#define FIRST 900u
/* Linux's ABI of /dev/xen/privcmd */
struct privcmd_resource {
	uint16_t domain;
	uint32_t type, id, first;
	uint64_t count, address;
};
#define PRIVCMD_MMAP_RESOURCE (sizeof(struct privcmd_resource) << 16 | 'P' << 8 | 7)

static long domctl(hypercall_made *call, struct xen_domctl *op, uint32_t cmd, uint32_t number)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)(FIRST + number);
	return call(__HYPERVISOR_domctl, (uint64_t)op, 0, 0);
}

uint16_t domains_first(void)
{
	return FIRST;
}

long domains_make(hypercall_made *call, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct xen_domctl op = { 0 };
		long result;

		op.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
		op.u.createdomain.max_vcpus = 1;
		op.u.createdomain.max_evtchn_port = 63;
		op.u.createdomain.max_grant_frames = 2;
		op.u.createdomain.max_maptrack_frames = 1;
		op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
		op.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
		result = domctl(call, &op, XEN_DOMCTL_createdomain, i);
		if (result)
			return result;
	}
	return 0;
}

long domains_grant(hypercall_made *call, int privcmd, uint16_t *domain, uint32_t *ref)
{
	xen_pfn_t gfn = 0;
	struct xen_domctl op = { .u.max_mem.max_memkb = 4096 };
	struct xen_memory_reservation page = { .nr_extents = 1, .domid = FIRST };
	struct privcmd_resource table = { .domain = FIRST,
					  .type = XENMEM_resource_grant_table,
					  .count = 1 };
	struct grant_entry_v1 *entry =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd, 0);

	if (entry == MAP_FAILED || domctl(call, &op, XEN_DOMCTL_max_mem, 0))
		return -1;
	set_xen_guest_handle(page.extent_start, &gfn);
	if (call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (uint64_t)&page, 0) != 1)
		return -2;
	table.address = (uint64_t)entry;
	if (ioctl(privcmd, PRIVCMD_MMAP_RESOURCE, &table))
		return -3;
	*domain = FIRST;
	*ref = GNTTAB_NR_RESERVED_ENTRIES;
	entry[*ref] = (struct grant_entry_v1){ .flags = GTF_permit_access };
	munmap(entry, 4096);
	return 0;
}

long domains_end(hypercall_made *call, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct xen_domctl op = { 0 };
		long result;

		do /* a piece at a time: -ERESTART is not seen, -EAGAIN is */
			result = domctl(call, &op, XEN_DOMCTL_destroydomain, i);
		while (result == -11);
		if (result)
			return result;
	}
	return 0;
}
