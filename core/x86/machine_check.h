/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine checks: the hardware has lost something, and the machine ends. */
#ifndef MACHINE_CHECK_H
#define MACHINE_CHECK_H

/* Has this CPU report all of them. */
void machine_check_init_cpu(void);
/* Panics when one is being reported on this CPU: at #MC, and at a guest's shutdown, which it is where the guest's
 * CR4.MCE is clear. */
void machine_check_look(void);

#endif
