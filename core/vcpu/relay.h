/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt relay: physical vectors that are not the core's go to dom0's vCPU of this CPU. */
#ifndef RELAY_H
#define RELAY_H

#include "vcpu/vcpu.h"

/* A physical interrupt was taken on this CPU. */
void relay_interrupt(u8 vector);
/* dom0 ended a level vector in its software APIC. */
void relay_eoi(struct vcpu *v, u8 vector);
/* INIT, reset or death of v: physical EOIs that are still owed are given. */
void relay_settle(struct vcpu *v);
/* On c itself, when relay_due. */
void relay_pay_due(struct cpu *c);
extern u64 relay_count; /* how many were taken so far */

#endif
