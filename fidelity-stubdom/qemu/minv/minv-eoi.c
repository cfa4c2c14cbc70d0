/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's paravirtual end of interrupt (Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN): a bit in
 * guest memory says that the interrupt in service needs no EOI but the clearing of that bit.  It saves the most
 * frequent exit of all.  The bit is set only from an injection to the first exit after its delivery, and only when
 * the EOI has nothing else to do: one interrupt in service, edge triggered, none waiting behind it; and only in
 * x2APIC mode, as QEMU's APIC takes an EOI that is no access to memory in that mode alone.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "exec/address-spaces.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "minv-int.h"

#define ENABLE		  1ull
#define APIC_REGISTER_EOI 0x0b

static hwaddr address(const CPUState *cpu)
{
	return cpu->accel->pv_eoi & ~3ull;
}

/* The vector is the only one in service, edge triggered, and no other waits. */
static bool nothing_else_to_do(APICCommonState *apic, int vector)
{
	int i;

	for (i = 0; i < 8; i++)
		if (apic->irr[i] || apic->isr[i] != (i == vector / 32 ? 1u << vector % 32 : 0))
			return false;
	return !apic_get_bit(apic->tmr, vector);
}

void minv_eoi_injected(CPUState *cpu, int vector)
{
	AccelCPUState *accel = cpu->accel;
	DeviceState *apic = X86_CPU(cpu)->apic_state;

	if (!(accel->pv_eoi & ENABLE) || !is_x2apic_mode(apic) ||
	    !nothing_else_to_do(APIC_COMMON(apic), vector))
		return;
	address_space_stl_le(&address_space_memory, address(cpu), 1, MEMTXATTRS_UNSPECIFIED, NULL);
	accel->pv_eoi_set = true;
}

/* The interrupt that was injected last: no other can have come since. */
static bool is_undelivered(uint64_t event)
{
	return (event & (EVENT_VALID | EVENT_TYPE)) == EVENT_VALID;
}

/* The EOI will come as a write of the register. */
static void take_away(CPUState *cpu)
{
	cpu->accel->pv_eoi_set = false;
	address_space_stl_le(&address_space_memory, address(cpu), 0, MEMTXATTRS_UNSPECIFIED, NULL);
}

/* The bit is still set when the run before ended ahead of the interrupt's delivery: others may wait by now. */
void minv_eoi_before_run(CPUState *cpu)
{
	AccelCPUState *accel = cpu->accel;

	/* The casts cost a hundred instructions: not for every run. */
	if (accel->pv_eoi_set && !nothing_else_to_do(APIC_COMMON(X86_CPU(cpu)->apic_state),
						     (int)(accel->state->inject & 0xff)))
		take_away(cpu);
}

void minv_eoi_after_run(CPUState *cpu)
{
	AccelCPUState *accel = cpu->accel;

	if (!accel->pv_eoi_set || is_undelivered(accel->state->inject))
		return;
	if (address_space_ldl_le(&address_space_memory, address(cpu), MEMTXATTRS_UNSPECIFIED,
				 NULL) &
	    1) {
		take_away(cpu);
		return;
	}
	accel->pv_eoi_set = false;
	bql_lock();
	apic_msr_write(APIC_REGISTER_EOI, 0);
	bql_unlock();
}

/* Of the address, bit 1 is reserved; it must be one of memory. */
bool minv_eoi_wrmsr(CPUState *cpu, uint64_t value)
{
	hwaddr offset, length = 4;

	RCU_READ_LOCK_GUARD();
	if ((value & 2) ||
	    ((value & ENABLE) && (!memory_region_is_ram(address_space_translate(
					  &address_space_memory, value & ~3ull, &offset, &length,
					  true, MEMTXATTRS_UNSPECIFIED)) ||
				  length < 4)))
		return false;
	cpu->accel->pv_eoi = value;
	return true;
}

void minv_eoi_reset(CPUState *cpu)
{
	cpu->accel->pv_eoi = 0;
	cpu->accel->pv_eoi_set = false;
}
