/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BOOT_CPUS_H
#define BOOT_CPUS_H

/* Starts the CPUs that ACPI lists, one after the other; they wait. Before the protection layer is told how
 * many there are, and before RAM is given away: a page below 1 MiB is borrowed. */
void cpus_start(void);
/* dom0 is ready: they go to their main loops. */
void cpus_release(void);

#endif
