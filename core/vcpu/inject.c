/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injection.  An interrupt is offered through V_IRQ with its vector: the processor
 * takes it when IF and shadow allow, without an exit; at the next exit V_IRQ=0
 * says that it was taken (contract, amendment to 2.6.6).
 */
#include "vcpu/apic.h"
#include "vcpu/vcpu.h"

static bool has_error_code(u8 vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

void vcpu_inject_exception(struct vcpu *v, u8 vector, u32 error_code)
{
	struct vmcb *b = v->vmcb;

	b->event_inj = EVENT_VALID | EVENT_EXCEPTION | vector;
	if (has_error_code(vector))
		b->event_inj |= EVENT_ERROR_CODE | (u64)error_code << 32;
}

bool vcpu_interrupt_waits(struct vcpu *v, u8 upcall)
{
	return v->apic.nmi_pending || upcall || apic_pending(v) >= 0;
}

void vcpu_inject_pending(struct vcpu *v, u8 upcall)
{
	struct vmcb *b = v->vmcb;
	int vector;

	b->v_intr = V_INTR_MASKING | ((v->apic.tpr >> 4) & 15);
	v->injected = 0;
	if (!(b->event_inj & EVENT_VALID) && v->apic.nmi_pending) {
		v->apic.nmi_pending = false;
		b->event_inj = EVENT_VALID | EVENT_NMI | 2;
	}
	if (!upcall && !v->apic.requests) /* nearly always */
		return;
	vector = upcall ? upcall : apic_pending(v);
	if (vector < 0)
		return;
	v->injected = (u8)vector;
	v->injected_upcall = upcall != 0;
	b->v_intr |= V_INTR_IRQ | V_INTR_IGNORE_TPR | V_INTR_PRIORITY(15) | V_INTR_VECTOR(vector);
}

void vcpu_inject_taken(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;
	u64 interrupted = b->exit_int_info;

	if ((b->v_intr & 15) != v->apic.tpr >> 4) /* CR8 was written */
		v->apic.tpr = (u32)(b->v_intr & 15) << 4;
	b->event_inj = event_again(b);
	if (v->injected) {
		bool taken = !(b->v_intr & V_INTR_IRQ);

		if ((interrupted & EVENT_VALID) && EVENT_TYPE(interrupted) == 0 &&
		    EVENT_VECTOR(interrupted) == v->injected)
			taken = true;
		if (taken && !v->injected_upcall)
			apic_accept(v, v->injected);
		v->injected = 0;
	}
}
