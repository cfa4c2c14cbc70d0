/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers that exit to us.  What is not known raises #GP, as on a processor; what
 * Linux and firmware touch on every AMD or Intel machine without asking CPUID reads as a constant.
 */
#include "qemu/osdep.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "minv-int.h"

#define MSR_KVM_PV_EOI	      0x4b564d04
#define MSR_PLATFORM_ID	      0x17
#define MSR_UCODE_REV	      0x8b
#define MSR_DEBUGCTL	      0x1d9
#define MSR_UCODE_WRITE	      0x79
#define MSR_AMD_SYSCFG	      0xc0010010
#define MSR_AMD_HWCR	      0xc0010015
#define HWCR_TSC_FREQ_SEL     (1ull << 24) /* the TSC counts at one rate */
#define MSR_AMD_CLK_CTL	      0xc001001b
#define MSR_AMD_NB_CFG	      0xc001001f
#define MSR_AMD_UCODE_WRITE   0xc0010020
#define MSR_AMD_INT_PENDING   0xc0010055
#define MSR_AMD_MMIO_CONF     0xc0010058
#define MSR_AMD_TSEG_ADDR     0xc0010112
#define MSR_AMD_TSEG_MASK     0xc0010113
#define MSR_AMD_VM_HSAVE      0xc0010117
#define MSR_AMD_VM_CR	      0xc0010114
#define MSR_AMD_LS_CFG	      0xc0011020
#define MSR_AMD_IC_CFG	      0xc0011021
#define MSR_AMD_DC_CFG	      0xc0011022
#define MSR_AMD_TW_CFG	      0xc0011023
#define MSR_AMD_DE_CFG	      0xc0011029
#define MSR_AMD_DE_CFG_LFENCE 2 /* LFENCE serializes: then nobody needs to write the register */
#define MSR_AMD_BU_CFG2	      0xc001102a
#define MSR_AMD_EX_CFG	      0xc001102c
#define MSR_AMD_VM_CR_SVMDIS  0x10

#define APIC_REGISTER_EOI 0x0b
#define APIC_REGISTER_SVR 0x0f
#define APIC_REGISTER_ICR 0x30

/* All but the address of 39 bits (minv-cpuid.c), and what says enabled, x2APIC, boot processor */
#define APIC_BASE_RESERVED (~(((1ull << 39) - 0x1000) | 0xd00))

/* Memory types, a bit for each: UC, WC, WT, WP, WB; a PAT has UC-, too */
#define MTRR_TYPES 0x73u
#define PAT_TYPES  0xf3u

/* Where a fixed-range MTRR is in env, or negative. */
static int mtrr_fixed(uint32_t index)
{
	switch (index) {
	case MSR_MTRRfix64K_00000:
		return 0;
	case MSR_MTRRfix16K_80000:
	case MSR_MTRRfix16K_A0000:
		return (int)(index - MSR_MTRRfix16K_80000) + 1;
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
		return (int)(index - MSR_MTRRfix4K_C0000) + 3;
	}
	return -1;
}

/* The register's place in env for those that only keep what is written, or NULL. */
static uint64_t *plain(CPUX86State *env, uint32_t index)
{
	int fixed = mtrr_fixed(index);

	if (fixed >= 0)
		return &env->mtrr_fixed[fixed];
	if (index >= MSR_MTRRphysBase(0) && index <= MSR_MTRRphysMask(MSR_MTRRcap_VCNT - 1)) {
		MTRRVar *var = &env->mtrr_var[MSR_MTRRphysIndex(index)];

		return index & 1 ? &var->mask : &var->base;
	}
	if (index == MSR_MTRRdefType)
		return &env->mtrr_deftype;
	if (index == MSR_IA32_MISC_ENABLE)
		return &env->msr_ia32_misc_enable;
	return NULL;
}

bool minv_rdmsr(CPUState *cpu, uint32_t index, uint64_t *value)
{
	X86CPU *x86 = X86_CPU(cpu);
	CPUX86State *env = &x86->env;
	struct minv_state *state = cpu->accel->state;
	uint64_t *kept = plain(env, index);

	if (kept) {
		*value = *kept;
		return true;
	}
	if (index >= MSR_APIC_START && index <= MSR_APIC_END)
		return apic_msr_read((int)(index - MSR_APIC_START), value) >= 0;
	switch (index) {
	case MSR_IA32_APICBASE:
		*value = cpu_get_apic_base(x86->apic_state);
		return true;
	case MSR_MTRRcap:
		*value = MSR_MTRRcap_VCNT | MSR_MTRRcap_FIXRANGE_SUPPORT | MSR_MTRRcap_WC_SUPPORTED;
		return true;
	case MSR_EFER:
		*value = state->efer & ~(uint64_t)MSR_EFER_SVME;
		return true;
	case MSR_PAT:
		*value = state->pat;
		return true;
	case MSR_IA32_TSC:
		*value = cpu_get_host_ticks() + state->tsc_offset;
		return true;
	case MSR_AMD_HWCR:
		*value = HWCR_TSC_FREQ_SEL;
		return true;
	case MSR_AMD_DE_CFG:
		*value = MSR_AMD_DE_CFG_LFENCE;
		return true;
	case MSR_AMD_VM_CR:
		*value = MSR_AMD_VM_CR_SVMDIS;
		return true;
	case MSR_UCODE_REV:
		*value = x86->ucode_rev ? x86->ucode_rev : 0x01000065;
		return true;
	case MSR_KVM_PV_EOI:
		*value = cpu->accel->pv_eoi;
		return true;
	case MSR_PLATFORM_ID:
	case MSR_DEBUGCTL:
	case MSR_MCG_CAP:
	case MSR_MCG_STATUS:
	case MSR_AMD_SYSCFG:
	case MSR_AMD_CLK_CTL:
	case MSR_AMD_NB_CFG:
	case MSR_AMD_UCODE_WRITE:
	case MSR_AMD_INT_PENDING:
	case MSR_AMD_MMIO_CONF:
	case MSR_AMD_TSEG_ADDR:
	case MSR_AMD_TSEG_MASK:
	case MSR_AMD_VM_HSAVE:
	case MSR_AMD_LS_CFG:
	case MSR_AMD_IC_CFG ... MSR_AMD_TW_CFG:
	case MSR_AMD_BU_CFG2:
	case MSR_AMD_EX_CFG:
		*value = 0;
		return true;
	}
	return minv_clock_rdmsr(cpu, index, value);
}

static bool write_efer(CPUState *cpu, uint64_t value)
{
	struct minv_state *state = cpu->accel->state;
	uint64_t known = MSR_EFER_SCE | MSR_EFER_LME | MSR_EFER_NXE;

	if ((value & ~(known | MSR_EFER_LMA)) ||
	    ((value ^ state->efer) & MSR_EFER_LME && (state->cr0 & CR0_PG_MASK)))
		return false;
	state->efer = (value & known) | (state->efer & ~known);
	state->dirty |= MINV_REGS_CONTROL;
	if (cpu->accel->dirty)
		cpu_env(cpu)->efer = state->efer;
	return true;
}

/* Whether each of the low bytes is a memory type of the set: bit n for type n. */
static bool types_are_good(uint64_t value, unsigned int bytes, unsigned int set)
{
	for (; bytes--; value >>= 8)
		if ((value & 0xff) > 7 || !(set >> (value & 0xff) & 1))
			return false;
	return true;
}

static bool mtrr_is_good(uint32_t index, uint64_t value)
{
	if (mtrr_fixed(index) >= 0)
		return types_are_good(value, 8, MTRR_TYPES);
	if (index == MSR_MTRRdefType)
		return !(value & ~0xcffull) && types_are_good(value, 1, MTRR_TYPES);
	if (index == MSR_IA32_MISC_ENABLE || (index & 1))
		return true;
	return types_are_good(value, 1, MTRR_TYPES);
}

/* QEMU's APIC drops what is reserved. */
static bool apic_write(uint32_t index, uint64_t value)
{
	if ((index != APIC_REGISTER_ICR && value >> 32) || (index == APIC_REGISTER_EOI && value) ||
	    (index == APIC_REGISTER_SVR && (value & ~0x13ffull)))
		return false;
	return apic_msr_write((int)index, value) >= 0;
}

/*
 * A system sets the TSCs of its processors one after the other to the same value and means them to agree: what is
 * within a second of another vCPU's is taken for the same.
 */
static void write_tsc(CPUState *cpu, uint64_t value)
{
	struct minv_state *state = cpu->accel->state;
	uint64_t offset = value - (uint64_t)cpu_get_host_ticks(),
		 second = minv_info.tsc_khz * 1000ull;
	CPUState *other;

	state->tsc_offset = offset;
	CPU_FOREACH(other)
	{
		if (other == cpu || !other->accel ||
		    offset - other->accel->state->tsc_offset + second >= 2 * second)
			continue;
		state->tsc_offset = other->accel->state->tsc_offset;
		break;
	}
	state->dirty |= MINV_REGS_CONTROL;
	minv_clock_tsc_changed();
}

bool minv_wrmsr(CPUState *cpu, uint32_t index, uint64_t value)
{
	X86CPU *x86 = X86_CPU(cpu);
	struct minv_state *state = cpu->accel->state;
	uint64_t *kept = plain(&x86->env, index);

	if (kept) {
		if (!mtrr_is_good(index, value))
			return false;
		*kept = value;
		return true;
	}
	if (index >= MSR_APIC_START && index <= MSR_APIC_END)
		return apic_write(index - MSR_APIC_START, value);
	switch (index) {
	case MSR_IA32_APICBASE:
		return !(value & APIC_BASE_RESERVED) &&
		       cpu_set_apic_base(x86->apic_state, value) >= 0;
	case MSR_EFER:
		return write_efer(cpu, value);
	case MSR_PAT:
		if (!types_are_good(value, 8, PAT_TYPES))
			return false; /* the processor would not enter a guest with it */
		state->pat = value;
		state->dirty |= MINV_REGS_CONTROL;
		if (cpu->accel->dirty)
			x86->env.pat = value;
		return true;
	case MSR_IA32_TSC:
		write_tsc(cpu, value);
		return true;
	case MSR_KVM_PV_EOI:
		return minv_eoi_wrmsr(cpu, value);
	case MSR_UCODE_REV:
	case MSR_UCODE_WRITE:
	case MSR_DEBUGCTL:
	case MSR_MCG_STATUS:
	case MSR_AMD_SYSCFG:
	case MSR_AMD_HWCR:
	case MSR_AMD_CLK_CTL:
	case MSR_AMD_NB_CFG:
	case MSR_AMD_UCODE_WRITE:
	case MSR_AMD_INT_PENDING:
	case MSR_AMD_MMIO_CONF:
	case MSR_AMD_VM_HSAVE:
	case MSR_AMD_LS_CFG:
	case MSR_AMD_IC_CFG ... MSR_AMD_TW_CFG:
	case MSR_AMD_DE_CFG:
	case MSR_AMD_BU_CFG2:
	case MSR_AMD_EX_CFG:
		return true;
	}
	return minv_clock_wrmsr(cpu, index, value);
}
