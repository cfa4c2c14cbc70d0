/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt relay (contract 2.6).  Edge: EOI at once, for a vector is delivered
 * only when it is above all in service.  Level: the EOI is owed until dom0 gives
 * its own; a blind EOI could dismiss another vector that is in service.
 */
#include "vcpu/relay.h"

#include "lib.h"
#include "vcpu/apic.h"
#include "x86/lapic.h"

static struct vcpu *target; /* one CPU so far */
static u64 count, dropped;

void relay_attach(struct vcpu *v)
{
	target = v;
}

u64 relay_count(void)
{
	return count;
}

void relay_interrupt(u8 vector)
{
	bool level;

	/* Vectors below 16 are no local APIC's: no EOI belongs to them. (QEMU's processor raises #GP here when
	 * an interrupt is withdrawn between its request and its vector.) */
	if (vector < 16)
		return;
	level = lapic_level(vector);
	count++;
	if (!target) {
		/* Nobody to take it. A level line would fire again for ever: it is ended and counted. */
		lapic_eoi();
		if (!dropped++)
			printk(LOG_WARNING "interrupt vector 0x%x has no taker, dropped\n", vector);
		return;
	}
	if (!level)
		lapic_eoi();
	apic_raise(target, vector, level);
}

static void pay(struct vcpu *v)
{
	int vector;

	while ((vector = lapic_highest_in_service()) >= 0 &&
	       (v->apic.owed[vector / 32] >> (vector % 32) & 1)) {
		v->apic.owed[vector / 32] &= ~(1u << (vector % 32));
		lapic_eoi();
	}
}

void relay_eoi(struct vcpu *v, u8 vector)
{
	if (v != target)
		return;
	v->apic.owed[vector / 32] |= 1u << (vector % 32);
	pay(v);
}

void relay_settle(struct vcpu *v)
{
	if (v != target)
		return;
	for (u32 i = 0; i < 8; i++)
		v->apic.owed[i] |= (v->apic.irr[i] | v->apic.isr[i]) & v->apic.tmr[i];
	pay(v);
}
