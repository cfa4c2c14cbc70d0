// SPDX-License-Identifier: GPL-2.0-or-later
/* What dom0 does not survive: the core must, and must name the reason. */
#include "hostile.h"

#include <xen/xen.h>

#include <xen/memory.h>

static void ring0(u32 what, u64 rax)
{
	printf("end: now\n");
	kernel_instruction(what, rax, 0, 0);
}

void attack_end(const char *how)
{
	if (!strcmp(how, "page-tables"))
		ring0(HOSTILE_CR3, CORE_START);
	else if (!strcmp(how, "descriptors"))
		ring0(HOSTILE_IDT, CORE_START);
	else if (!strcmp(how, "stack"))
		ring0(HOSTILE_STACK, APIC_PAGE);
	else if (!strcmp(how, "halt"))
		ring0(HOSTILE_HALT, 0);
	else if (!strcmp(how, "init")) {
		printf("end: now\n");
		msr_write(0x830, 0x4500 | 1u << 18);
	} else if (!strcmp(how, "memory")) {
		/* all that it has, also the page tables that it runs on */
		printf("end: now\n");
		for (u64 gfn = 0x1000; gfn < 0x60000; gfn++) {
			struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = gfn };

			call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &op, 0);
		}
	} else {
		fprintf(stderr, "no such end: %s\n", how);
		exit(2);
	}
	wrong("dom0 goes on after %s", how);
}
