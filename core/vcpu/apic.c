/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Software local APIC: MSRs 0x800 to 0x83f, priorities, interrupts between processors. */
#include "vcpu/apic.h"

#include "lib.h"
#include "vcpu/relay.h"
#include "vcpu/sched.h"

#define MSR_ID	    0x802
#define MSR_VERSION 0x803
#define MSR_TPR	    0x808
#define MSR_PPR	    0x80a
#define MSR_EOI	    0x80b
#define MSR_LDR	    0x80d
#define MSR_SVR	    0x80f
#define MSR_ISR	    0x810
#define MSR_TMR	    0x818
#define MSR_IRR	    0x820
#define MSR_ESR	    0x828
#define MSR_CMCI    0x82f
#define MSR_ICR	    0x830
#define MSR_LVT	    0x832
#define MSR_INITIAL 0x838
#define MSR_CURRENT 0x839
#define MSR_DIVIDE  0x83e
#define MSR_SELF    0x83f
#define LVT_VALID   0x117ffu

#define ICR_MODE(i)	 ((i) >> 8 & 7)
#define ICR_LOGICAL	 (1u << 11)
#define ICR_ASSERT	 (1u << 14)
#define ICR_LEVEL	 (1u << 15)
#define ICR_SHORTHAND(i) ((i) >> 18 & 3)
#define ICR_RESERVED	 0xfff32000u
enum { MODE_FIXED = 0, MODE_LOWEST = 1, MODE_NMI = 4, MODE_INIT = 5, MODE_SIPI = 6 };

static int highest(const u32 bits[8])
{
	for (int i = 7; i >= 0; i--)
		if (bits[i])
			return i * 32 + 31 - __builtin_clz(bits[i]);
	return -1;
}

static u32 processor_priority(const struct vcpu *v)
{
	int isr = highest(v->apic.isr);
	u32 class = isr < 0 ? 0 : (u32)isr & 0xf0;

	return (v->apic.tpr & 0xf0) >= class ? v->apic.tpr : class;
}

int apic_pending(const struct vcpu *v)
{
	int irr;

	if (!v->apic.requests) /* nearly always, and asked before every entry */
		return -1;
	irr = highest(v->apic.irr);
	if (irr < 16 || ((u32)irr & 0xf0) <= (processor_priority(v) & 0xf0) ||
	    !(v->apic.svr & 0x100))
		return -1;
	return irr;
}

/* An edge beside a level of its vector does not make that one's EOI be forgotten: the physical APIC waits for it. */
void apic_raise(struct vcpu *v, u8 vector, bool level)
{
	u32 bit = 1u << (vector % 32);
	bool under_way = (v->apic.irr[vector / 32] | v->apic.isr[vector / 32]) & bit;

	v->apic.irr[vector / 32] |= bit;
	v->apic.requests = true;
	if (level)
		v->apic.tmr[vector / 32] |= bit;
	else if (!under_way)
		v->apic.tmr[vector / 32] &= ~bit;
	vcpu_wake(v);
}

void apic_accept(struct vcpu *v, u8 vector)
{
	v->apic.irr[vector / 32] &= ~(1u << (vector % 32));
	v->apic.requests = highest(v->apic.irr) >= 0;
	v->apic.isr[vector / 32] |= 1u << (vector % 32);
}

static void end_of_interrupt(struct vcpu *v)
{
	int vector = highest(v->apic.isr);

	if (vector < 0)
		return;
	v->apic.isr[vector / 32] &= ~(1u << (vector % 32));
	if (v->apic.tmr[vector / 32] >> (vector % 32) & 1) {
		v->apic.tmr[vector / 32] &= ~(1u << (vector % 32)); /* for this once */
		relay_eoi(v, (u8)vector);
	}
}

static void deliver(struct vcpu *to, u32 icr)
{
	u8 vector = (u8)icr;

	switch (ICR_MODE(icr)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		if (vector >= 16)
			apic_raise(to, vector, false);
		break;
	case MODE_NMI:
		to->apic.nmi_pending = true;
		vcpu_wake(to);
		break;
	case MODE_INIT:
		/* The de-assert of the old protocol must do nothing. */
		if ((icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
			break;
		sched_force_out(to);
		relay_settle(to);
		vcpu_reset_init(to);
		sched_changed(to);
		break;
	case MODE_SIPI:
		if (to->start != START_WAIT_SIPI)
			break;
		to->vmcb->cs.selector = (u16)(vector << 8);
		to->vmcb->cs.base = (u64)vector << 12;
		to->vmcb->rip = 0;
		to->start = START_UP;
		sched_changed(to);
		break;
	default:
		break;
	}
}

static bool addressed(const struct vcpu *v, const struct vcpu *from, u32 icr, u32 destination)
{
	switch (ICR_SHORTHAND(icr)) {
	case 1:
		return v == from;
	case 2:
		return true;
	case 3:
		return v != from;
	default:
		break;
	}
	if (destination == 0xffffffff)
		return true;
	if (!(icr & ICR_LOGICAL))
		return destination == v->apic.id;
	return destination >> 16 == v->apic.id >> 4 &&
	       (destination & 0xffff & 1u << (v->apic.id & 15));
}

static bool send(struct vcpu *from, u64 value)
{
	u32 icr = (u32)value, destination = (u32)(value >> 32);

	if (icr & ICR_RESERVED)
		return false;
	from->apic.icr = value;
	for (struct vcpu *v = sched_first(); v; v = v->all_next)
		if (v->domain == from->domain && addressed(v, from, icr, destination))
			deliver(v, icr);
	return true;
}

bool apic_msr_read(struct vcpu *v, u32 index, u64 *value)
{
	struct apic *a = &v->apic;

	switch (index) {
	case MSR_ID:
		*value = a->id;
		return true;
	case MSR_VERSION:
		*value = 0x50014;
		return true;
	case MSR_TPR:
		*value = a->tpr;
		return true;
	case MSR_PPR:
		*value = processor_priority(v);
		return true;
	case MSR_LDR:
		*value = (u64)(a->id >> 4) << 16 | 1ull << (a->id & 15);
		return true;
	case MSR_SVR:
		*value = a->svr;
		return true;
	case MSR_ISR ... MSR_ISR + 7:
		*value = a->isr[index - MSR_ISR];
		return true;
	case MSR_TMR ... MSR_TMR + 7:
		*value = a->tmr[index - MSR_TMR];
		return true;
	case MSR_IRR ... MSR_IRR + 7:
		*value = a->irr[index - MSR_IRR];
		return true;
	case MSR_ESR:
		*value = 0;
		return true;
	case MSR_CMCI:
		*value = a->cmci;
		return true;
	case MSR_ICR:
		*value = a->icr;
		return true;
	case MSR_LVT ... MSR_LVT + 5:
		*value = a->lvt[index - MSR_LVT];
		return true;
	case MSR_INITIAL:
		*value = a->initial_count;
		return true;
	case MSR_CURRENT:
		*value = 0;
		return true;
	case MSR_DIVIDE:
		*value = a->divide;
		return true;
	default:
		return false;
	}
}

bool apic_msr_write(struct vcpu *v, u32 index, u64 value)
{
	struct apic *a = &v->apic;

	if (index != MSR_ICR && value >> 32)
		return false;
	switch (index) {
	case MSR_TPR:
		if (value >> 8)
			return false;
		a->tpr = (u32)value;
		return true;
	case MSR_EOI:
		if (value)
			return false;
		end_of_interrupt(v);
		return true;
	case MSR_SVR:
		if (value & ~0x3ffull)
			return false;
		a->svr = (u32)value;
		return true;
	case MSR_ESR:
		return value == 0;
	case MSR_CMCI:
		a->cmci = (u32)value & LVT_VALID;
		return true;
	case MSR_ICR:
		return send(v, value);
	case MSR_LVT ... MSR_LVT + 5:
		a->lvt[index - MSR_LVT] = (u32)value & (LVT_VALID | 0x7e000u);
		return true;
	case MSR_INITIAL:
		a->initial_count = (u32)value;
		return true;
	case MSR_DIVIDE:
		a->divide = (u32)value & 0xb;
		return true;
	case MSR_SELF:
		if (value & ~0xffull)
			return false;
		if (value >= 16)
			apic_raise(v, (u8)value, false);
		return true;
	default:
		return false;
	}
}
