/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "types.h"

/* Builds dom0's RSDP, XSDT and MADT at `at` (below 4 GiB, page aligned, zeroed, size bytes); all other
 * tables stay the firmware's. Returns the RSDP's address, 0 when the machine has no ACPI. */
u64 acpi_for_dom0(u64 at, u64 size, const u32 *apic_ids, u32 nr_cpus);

/* APIC IDs of the CPUs that the machine's MADT says are enabled, at most max; returns how many. */
u32 acpi_cpus(u32 *ids, u32 max);

#endif
