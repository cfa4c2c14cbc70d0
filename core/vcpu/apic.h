/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Software local APIC in x2APIC mode, by MSR only (contract 1.7). */
#ifndef APIC_H
#define APIC_H

#include "vcpu/vcpu.h"

#define APIC_MSR_FIRST 0x800
#define APIC_MSR_LAST  0x8ff

void apic_raise(struct vcpu *v, u8 vector, bool level);
int apic_pending(const struct vcpu *v);	     /* vector that may be delivered now, -1 none */
void apic_accept(struct vcpu *v, u8 vector); /* IRR to ISR */
bool apic_msr_read(struct vcpu *v, u32 index, u64 *value);
bool apic_msr_write(struct vcpu *v, u32 index, u64 value);

#endif
