/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSRs of PVH domains (contract 1.10). What is not here is #GP, which Linux survives. */
#include "lib.h"
#include "vcpu/apic.h"
#include "vcpu/vcpu.h"
#include "x86/cpu.h"
#include "x86/speculation.h"

#define APICBASE_BSP	(1ull << 8)
#define APICBASE_EXTD	(1ull << 10)
#define APICBASE_EN	(1ull << 11)
#define MTRR_VCNT	8
#define DE_CFG_LFENCE	(1ull << 1) /* LFENCE serialises: Linux need not set it */
#define HWCR_TSCFREQSEL (1ull << 24)

static const u32 fixed_mtrr[11] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
				    0x26b, 0x26c, 0x26d, 0x26e, 0x26f };

static u64 *mtrr_cell(struct vcpu *v, u32 index)
{
	if (index == 0x2ff)
		return &v->mtrr_def_type;
	if (index >= 0x200 && index < 0x200 + 2 * MTRR_VCNT)
		return &v->mtrr_var[index - 0x200];
	for (u32 i = 0; i < ARRAY_SIZE(fixed_mtrr); i++)
		if (fixed_mtrr[i] == index)
			return &v->mtrr_fixed[i];
	return NULL;
}

static u64 apicbase(const struct vcpu *v)
{
	return 0xfee00000ull | APICBASE_EN | APICBASE_EXTD | (v->id == 0 ? APICBASE_BSP : 0);
}

bool msr_read(struct vcpu *v, bool hardware, u32 index, u64 *value)
{
	u64 *cell;

	if (index >= APIC_MSR_FIRST && index <= APIC_MSR_LAST)
		return apic_msr_read(v, index, value);
	cell = mtrr_cell(v, index);
	if (cell) {
		/* dom0 sees the machine's: they say what is uncached. */
		*value = hardware ? rdmsr(index) : *cell;
		return true;
	}
	switch (index) {
	case 0x10:
		*value = rdtsc() + v->vmcb->tsc_offset;
		return true;
	case MSR_APICBASE:
		*value = apicbase(v);
		return true;
	case 0xfe:
		*value = hardware ? rdmsr(index) : 0x500 | MTRR_VCNT;
		return true;
	case 0x277:
		*value = v->vmcb->g_pat;
		return true;
	case MSR_EFER:
		*value = v->vmcb->efer & ~EFER_SVME;
		return true;
	case MSR_SPEC_CTRL:
		*value = v->spec_ctrl;
		return spec_ctrl_allowed;
	case 0x8b: /* microcode revision */
		*value = rdmsr(index);
		return true;
	case 0x1d9:	 /* DEBUGCTL */
	case 0x40000000: /* hypercall page */
	case 0xc0010010: /* SYSCFG */
	case 0xc0010020:
	case 0xc001001a: /* TOP_MEM */
	case 0xc001001d:
	case 0xc001001f:		/* NB_CFG */
	case 0xc0010055:		/* INT_PENDING */
	case 0xc0010058:		/* MMIO_CONF_BASE */
	case 0xc0011020 ... 0xc0011023: /* LS_CFG and its kin */
	case 0xc001102a:
	case 0xc001102c:
		*value = 0;
		return true;
	case 0xc0010015:
		*value = HWCR_TSCFREQSEL;
		return true;
	case 0xc0011029:
		*value = DE_CFG_LFENCE;
		return true;
	case MSR_VM_CR:
		*value = 1ull << 4; /* SVMDIS */
		return true;
	default:
		return false;
	}
}

bool msr_write(struct vcpu *v, bool hardware, u32 index, u64 value)
{
	u64 *cell;

	if (index >= APIC_MSR_FIRST && index <= APIC_MSR_LAST)
		return apic_msr_write(v, index, value);
	cell = mtrr_cell(v, index);
	if (cell) {
		if (!hardware)
			*cell = value;
		return true;
	}
	switch (index) {
	case 0x10: /* the TSC belongs to the machine */
		return true;
	case MSR_APICBASE:
		return value == apicbase(v); /* it starts in x2APIC mode and stays there */
	case 0x277:
		for (u32 i = 0; i < 8; i++) {
			u64 type = value >> (8 * i) & 0xff;

			if (type > 7 || type == 2 || type == 3)
				return false;
		}
		v->vmcb->g_pat = value;
		return true;
	case MSR_EFER:
		if (value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
			return false;
		if (((value ^ v->vmcb->efer) & EFER_LME) && (v->vmcb->cr0 & CR0_PG))
			return false;
		v->vmcb->efer = (value & ~EFER_LMA) | (v->vmcb->efer & EFER_LMA) | EFER_SVME;
		return true;
	case MSR_SPEC_CTRL:
		if (!spec_ctrl_allowed || value & ~spec_ctrl_allowed)
			return false;
		v->spec_ctrl = value;
		if (spec_ctrl_is_switched)
			v->vmcb->spec_ctrl = value;
		return true;
	case MSR_PRED_CMD:
		return value == 1 && speculation_barrier();
	case 0x1d9:
		return value == 0;
	case 0x79: /* microcode: the firmware's business */
	case 0x8b:
	case 0xc0010020:
	case 0xc0010010:
	case 0xc0010015:
	case 0xc001001f:
	case 0xc0010055:
	case 0xc0011020 ... 0xc0011023:
	case 0xc0011029:
	case 0xc001102a:
	case 0xc001102c:
		return true;
	default:
		return false;
	}
}
