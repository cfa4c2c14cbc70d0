/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID: the most that any domain may see (an allow-list over the processor's
 * own answer), and what depends on the vCPU (contract 1.5, 3.13).
 */
#include "vcpu/cpuid.h"

#include "lib.h"
#include "vcpu/vcpu.h"
#include "x86/cpu.h"

#define BIT(n)		(1u << (n))
#define HYPERVISOR	0x40000000u
#define FEATURE_VCPU_ID BIT(3)
#define FEATURE_DOMID	BIT(4)

/* Leaf 1 ECX without MONITOR, VMX, TSC deadline, and what XSAVE carries. */
#define LEAF1_ECX                                                                               \
	(BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | \
	 BIT(30))
/* AVX, FMA, F16C; VAES and VPCLMULQDQ: AVX2 is leaf 7 EBX. */
#define LEAF1_ECX_AVX (BIT(12) | BIT(28) | BIT(29))
#define LEAF7_EBX_AVX BIT(5)
#define LEAF7_ECX_AVX (BIT(9) | BIT(10))
/* Leaf 1 EDX without MCE, MCA, DS, ACPI thermal and what Intel added later. */
#define LEAF1_EDX                                                                                  \
	(0x3ffu & ~BIT(7)) | BIT(11) | BIT(12) | BIT(13) | BIT(15) | BIT(16) | BIT(17) | BIT(19) | \
		BIT(23) | BIT(24) | BIT(25) | BIT(26)
/* Leaf 7: FSGSBASE BMI1 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA. */
#define LEAF7_EBX                                                                             \
	(BIT(0) | BIT(3) | BIT(7) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(20) | BIT(23) | \
	 BIT(24) | BIT(29))
#define LEAF7_ECX BIT(2) /* UMIP */
#define LEAF7_EDX BIT(4) /* FSRM */
/* 80000001 without SVM, OSVW, IBS, XOP, FMA4, SKINIT, LWP, TOPOEXT, FFXSR, RDTSCP. */
/* 80000008: CLZERO, FXSAVE's pointers restored; IBPB, IBRS, STIBP and how they are to be used, SSBD, SSB_NO, PSFD. */
#define EXT8_EBX                                                                                 \
	(BIT(0) | BIT(2) | BIT(12) | BIT(14) | BIT(15) | BIT(16) | BIT(17) | BIT(18) | BIT(19) | \
	 BIT(24) | BIT(26) | BIT(28))
#define EXT1_ECX (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
#define EXT1_EDX ((LEAF1_EDX)&0x0183f3ffu) | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(29)

/* XSAVE, and what is used only by those whom it saves. */
#define LEAF1_ECX_XSAVE	 BIT(26)
#define LEAF1_ECX_OF_AVX BIT(28)

static u32 xsave_features(void)
{
	return xstate_mask ? LEAF1_ECX_XSAVE : 0;
}

static u32 avx_features(u32 bits)
{
	return xstate_mask & XCR0_AVX ? bits : 0;
}

static __attribute__((noinline)) void xstate_leaf(u32 subleaf, u32 out[4])
{
	if (subleaf == 0 && xstate_mask) {
		out[0] = (u32)xstate_mask;
		out[1] = out[2] = xstate_size(xstate_mask);
	} else if (subleaf == 1 && xstate_mask) {
		out[0] &= BIT(0) | BIT(1) | BIT(2); /* XSAVEOPT, XSAVEC, XGETBV of 1 */
		out[1] = xstate_size(xstate_mask);  /* compacted: AVX comes first there too */
		out[2] = 0;
	} else if (subleaf != 2 || !(xstate_mask & XCR0_AVX)) {
		out[0] = out[1] = out[2] = 0;
	}
	out[3] = 0;
}

void cpuid_host_max(u32 leaf, u32 subleaf, u32 out[4])
{
	u32 top[4];

	cpuid(leaf & 0x80000000, 0, top);
	out[0] = out[1] = out[2] = out[3] = 0;
	if (leaf > top[0])
		return;
	cpuid(leaf, subleaf, out);
	switch (leaf) {
	case 0:
		out[0] = (u32)min_u64(out[0], 0xd);
		break;
	case 1:
		out[1] &= 0x0000ff00;
		out[2] = (out[2] & (LEAF1_ECX | xsave_features() | avx_features(LEAF1_ECX_AVX))) |
			 BIT(21) | BIT(31); /* x2APIC is ours; under a hypervisor */
		out[3] = (out[3] & (LEAF1_EDX)) | BIT(9);
		break;
	case 6:
		out[0] &= BIT(2);
		out[1] = out[2] = out[3] = 0;
		break;
	case 7:
		out[0] = 0;
		out[1] = subleaf ? 0 : out[1] & (LEAF7_EBX | avx_features(LEAF7_EBX_AVX));
		out[2] = subleaf ? 0 : out[2] & (LEAF7_ECX | avx_features(LEAF7_ECX_AVX));
		out[3] = subleaf ? 0 : out[3] & LEAF7_EDX;
		break;
	case 2:
	case 4:
	case 0x80000002 ... 0x80000006:
		break;
	case 0x80000000:
		out[0] = (u32)min_u64(out[0], 0x80000021);
		break;
	case 0x80000001:
		out[1] = 0;
		out[2] &= EXT1_ECX;
		out[3] &= EXT1_EDX;
		break;
	case 0x80000007:
		out[0] = out[1] = out[2] = 0;
		out[3] &= BIT(8);
		break;
	case 0x80000008:
		out[0] &= 0xffff;
		if ((out[0] >> 8 & 0xff) > 48)
			out[0] = (out[0] & 0xff) | 48 << 8; /* no LA57 */
		out[1] &= EXT8_EBX;
		out[2] = out[3] = 0;
		break;
	case 0xd:
		xstate_leaf(subleaf, out);
		break;
	default:
		out[0] = out[1] = out[2] = out[3] = 0;
		break;
	}
}

static void hypervisor_leaf(struct vcpu *v, u16 domid, u32 leaf, u32 subleaf, u32 out[4])
{
	out[0] = out[1] = out[2] = out[3] = 0;
	switch (leaf - HYPERVISOR) {
	case 0:
		out[0] = HYPERVISOR + 5;
		out[1] = 0x566e6558; /* XenVMMXenVMM */
		out[2] = 0x65584d4d;
		out[3] = 0x4d4d566e;
		break;
	case 1:
		out[0] = 4 << 16 | 17;
		break;
	case 2:
		out[0] = 1;
		out[1] = HYPERVISOR;
		break;
	case 3:
		if (subleaf == 0) {
			out[0] = BIT(1);
			out[2] = (u32)core_clock.khz;
			out[3] = 1;
		} else if (subleaf == 1) {
			u64 offset = 0 - tsc_to_ns(core_clock.tsc_at_boot);

			out[0] = (u32)offset;
			out[1] = (u32)(offset >> 32);
			out[2] = core_clock.mul;
			out[3] = (u32)core_clock.shift;
		} else if (subleaf == 2) {
			out[0] = (u32)core_clock.khz;
		}
		break;
	case 4:
		out[0] = FEATURE_VCPU_ID | FEATURE_DOMID;
		out[1] = v->id;
		out[2] = domid;
		break;
	default:
		break;
	}
}

void cpuid_depend(u32 leaf, u32 subleaf, u32 leaf1_ecx, u32 table[4])
{
	bool xsave = leaf1_ecx & LEAF1_ECX_XSAVE, avx = xsave && (leaf1_ecx & LEAF1_ECX_OF_AVX);

	if (leaf == 1 && !avx)
		table[2] &= ~LEAF1_ECX_AVX;
	if (leaf == 7 && !avx) {
		table[1] &= ~LEAF7_EBX_AVX;
		table[2] &= ~LEAF7_ECX_AVX;
	}
	if (leaf == 0xd && (!xsave || (subleaf > 1 && !avx)))
		table[0] = table[1] = table[2] = table[3] = 0;
	if (leaf == 0xd && subleaf == 0 && xsave && !avx) {
		table[0] &= ~(u32)XCR0_AVX;
		table[2] = XSTATE_LEGACY;
	}
}

void cpuid_vcpu(struct vcpu *v, u16 domid, u32 leaf, u32 subleaf, u32 table[4])
{
	if (leaf - HYPERVISOR < 0x40000000) { /* up to the extended ones */
		if (leaf - HYPERVISOR < 0x100)
			hypervisor_leaf(v, domid, leaf, subleaf, table);
		else
			table[0] = table[1] = table[2] = table[3] = 0;
		return;
	}
	switch (leaf) {
	case 1:
		table[1] = (table[1] & 0x00ffffff) | v->apic.id << 24;
		table[2] &= ~BIT(27);
		if (v->vmcb->cr4 & CR4_OSXSAVE)
			table[2] |= BIT(27);
		break;
	case 0xd:
		if (subleaf <= 1 && table[1])
			table[1] = xstate_size(v->xcr0);
		break;
	case 0xb:
		table[0] = 0;
		table[1] = subleaf == 0 ? 1 : 0;
		table[2] = subleaf | (subleaf == 0 ? 1u << 8 : 0);
		table[3] = v->apic.id;
		break;
	default:
		break;
	}
}
