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
#include "x86/smp.h"
#include "x86/this_cpu.h"

u64 relay_count;
static u64 dropped;

/* The CPU whose interrupts v takes; NULL none. */
static struct cpu *cpu_of(const struct vcpu *v)
{
	for (u32 i = 0; i < nr_cpus; i++)
		if (cpus[i]->relay == v)
			return cpus[i];
	return NULL;
}

void relay_interrupt(u8 vector)
{
	struct vcpu *target = this_cpu()->relay;
	bool level;

	/* Vectors below 16 are no local APIC's: no EOI belongs to them. (QEMU's processor raises #GP here when
	 * an interrupt is withdrawn between its request and its vector.) */
	if (vector < 16)
		return;
	/* The core's own class is never left in service: its timer would wait for dom0's EOI. */
	level = vector < 0xf0 && lapic_level(vector);
	relay_count++;
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

/* On the CPU whose local APIC it is about. */
static void pay(struct vcpu *v)
{
	int vector;

	while ((vector = lapic_highest_in_service()) >= 0 &&
	       (v->apic.owed[vector / 32] >> (vector % 32) & 1)) {
		v->apic.owed[vector / 32] &= ~(1u << (vector % 32));
		lapic_eoi();
	}
}

void relay_pay_due(struct cpu *c)
{
	c->relay_due = false;
	if (c->relay)
		pay(c->relay);
}

/* Only the CPU itself can: another one is told. */
static void let_pay(struct cpu *c, struct vcpu *v)
{
	if (c == this_cpu()) {
		pay(v);
	} else {
		c->relay_due = true;
		cpu_kick(c);
	}
}

void relay_eoi(struct vcpu *v, u8 vector)
{
	struct cpu *c = cpu_of(v);

	if (!c)
		return;
	v->apic.owed[vector / 32] |= 1u << (vector % 32);
	let_pay(c, v);
}

void relay_settle(struct vcpu *v)
{
	struct cpu *c = cpu_of(v);

	if (!c)
		return;
	for (u32 i = 0; i < 8; i++)
		v->apic.owed[i] |= (v->apic.irr[i] | v->apic.isr[i]) & v->apic.tmr[i];
	let_pay(c, v);
}
