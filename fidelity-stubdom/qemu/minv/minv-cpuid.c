/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID: the processor that this domain itself sees (the core's policy), less what nobody in a pair can
 * serve and what QEMU's CPU model switches off, with the guest's own topology, and as a KVM guest:
 * Linux uses x2APIC without interrupt remapping only under a hypervisor that it knows.
 */
#include "qemu/osdep.h"
#include <cpuid.h>
#include "hw/i386/apic.h"
#include "hw/i386/topology.h"
#include "system/minv.h"
#include "standard-headers/asm-x86/kvm_para.h"
#include "minv-int.h"

#define GUEST_PHYSICAL_BITS 39 /* MINV_GUEST_GFN_MAX */
QEMU_BUILD_BUG_ON(MINV_GUEST_GFN_MAX << 12 != 1ull << GUEST_PHYSICAL_BITS);

/* What a pair can give: allow-lists, so that a new processor's features wait for somebody's look. */
#define ALLOW_1_EDX                                                                             \
	(CPUID_FP87 | CPUID_VME | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_PAE |    \
	 CPUID_CX8 | CPUID_APIC | CPUID_SEP | CPUID_MTRR | CPUID_PGE | CPUID_CMOV | CPUID_PAT | \
	 CPUID_PSE36 | CPUID_CLFLUSH | CPUID_MMX | CPUID_FXSR | CPUID_SSE | CPUID_SSE2)
/* No TSC deadline: QEMU's APIC has none. */
#define ALLOW_1_ECX                                                                               \
	(CPUID_EXT_SSE3 | CPUID_EXT_PCLMULQDQ | CPUID_EXT_SSSE3 | CPUID_EXT_CX16 |                \
	 CPUID_EXT_SSE41 | CPUID_EXT_SSE42 | CPUID_EXT_MOVBE | CPUID_EXT_POPCNT | CPUID_EXT_AES | \
	 CPUID_EXT_RDRAND)
/* Besides, where the driver carries the state by XSAVE; of AVX, with AVX. */
#define XSAVE_1_ECX CPUID_EXT_XSAVE
#define XSAVE_D_EAX (CPUID_XSAVE_XSAVEOPT | CPUID_XSAVE_XSAVEC | CPUID_XSAVE_XGETBV1) /* index 1 */
#define AVX_1_ECX   (CPUID_EXT_AVX | CPUID_EXT_FMA | CPUID_EXT_F16C)
#define AVX_7_EBX   CPUID_7_0_EBX_AVX2
#define AVX_7_ECX   (CPUID_7_0_ECX_VAES | CPUID_7_0_ECX_VPCLMULQDQ)
#define ALLOW_7_EBX                                                                              \
	(CPUID_7_0_EBX_FSGSBASE | CPUID_7_0_EBX_BMI1 | CPUID_7_0_EBX_BMI2 | CPUID_7_0_EBX_SMEP | \
	 CPUID_7_0_EBX_ERMS | CPUID_7_0_EBX_RDSEED | CPUID_7_0_EBX_ADX | CPUID_7_0_EBX_SMAP |    \
	 CPUID_7_0_EBX_CLFLUSHOPT | CPUID_7_0_EBX_CLWB | CPUID_7_0_EBX_SHA_NI)
#define ALLOW_8000_0001_EDX                                                     \
	(ALLOW_1_EDX | CPUID_EXT2_SYSCALL | CPUID_EXT2_NX | CPUID_EXT2_MMXEXT | \
	 CPUID_EXT2_PDPE1GB | CPUID_EXT2_LM | CPUID_EXT2_3DNOWEXT | CPUID_EXT2_3DNOW)
#define ALLOW_8000_0001_ECX                                                           \
	(CPUID_EXT3_LAHF_LM | CPUID_EXT3_CR8LEG | CPUID_EXT3_ABM | CPUID_EXT3_SSE4A | \
	 CPUID_EXT3_MISALIGNSSE | CPUID_EXT3_3DNOWPREFETCH)
#define INVARIANT_TSC (1u << 8)

struct leaf {
	uint32_t eax, ebx, ecx, edx;
};

static struct leaf native(uint32_t function, uint32_t index)
{
	struct leaf leaf;

	__cpuid_count(function, index, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx);
	return leaf;
}

/* Of them, those that need no more than what the driver carries. */
static uint32_t carried(uint32_t always, uint32_t with_xsave, uint32_t with_avx)
{
	return always | (minv_fpu_components ? with_xsave : 0) |
	       (minv_fpu_components & XSTATE_YMM_MASK ? with_avx : 0);
}

/* Features of one CPUID register that the guest may be shown: QEMU's CPU models are filtered by this. */
uint32_t minv_supported_cpuid(uint32_t function, uint32_t index, int reg)
{
	struct leaf leaf = native(function, index);

	if (function == 1 && reg == R_EDX)
		return leaf.edx & ALLOW_1_EDX;
	if (function == 1 && reg == R_ECX)
		return (leaf.ecx & carried(ALLOW_1_ECX, XSAVE_1_ECX, AVX_1_ECX)) |
		       CPUID_EXT_HYPERVISOR | CPUID_EXT_X2APIC;
	if (function == 7 && index == 0 && reg == R_EBX)
		return leaf.ebx & carried(ALLOW_7_EBX, 0, AVX_7_EBX);
	if (function == 7 && index == 0 && reg == R_ECX)
		return leaf.ecx & carried(0, 0, AVX_7_ECX);
	if (function == 0xd && index == 0 && reg == R_EAX)
		return (uint32_t)minv_fpu_components;
	if (function == 0xd && index == 1 && reg == R_EAX)
		return leaf.eax & carried(0, XSAVE_D_EAX, 0);
	if (function == 0x80000001 && reg == R_EDX)
		return leaf.edx & ALLOW_8000_0001_EDX;
	if (function == 0x80000001 && reg == R_ECX)
		return leaf.ecx & ALLOW_8000_0001_ECX;
	if (function == 0x80000007 && reg == R_EDX)
		return leaf.edx & INVARIANT_TSC;
	if (function == KVM_CPUID_FEATURES && reg == R_EAX)
		return 1u << KVM_FEATURE_NOP_IO_DELAY | 1u << KVM_FEATURE_CLOCKSOURCE2 |
		       1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;
	return 0;
}

static struct leaf features(CPUState *cpu, struct leaf leaf)
{
	X86CPU *x86 = X86_CPU(cpu);
	CPUX86State *env = &x86->env;
	uint32_t threads = x86_threads_per_pkg(&env->topo_info);

	leaf.ebx = (leaf.ebx & 0xff00) | x86->apic_id << 24 | threads << 16;
	leaf.ecx = env->features[FEAT_1_ECX];
	if (cpu->accel->state->cr4 & CR4_OSXSAVE_MASK)
		leaf.ecx |= CPUID_EXT_OSXSAVE;
	leaf.edx = env->features[FEAT_1_EDX];
	if (threads > 1)
		leaf.edx |= CPUID_HT;
	if (!cpu_is_apic_enabled(x86->apic_state))
		leaf.edx &= ~CPUID_APIC;
	return leaf;
}

/* Bytes of these components in the standard format, which is the compacted one too as long as AVX is the only one that follows. */
static uint32_t xstate_size(uint64_t components)
{
	struct leaf avx = native(0xd, XSTATE_YMM_BIT);

	return components & XSTATE_YMM_MASK ? avx.ebx + avx.eax : 512 + 64;
}

/* Leaf 0xd: what XSAVE carries of the guest. */
static struct leaf xstate(CPUState *cpu, uint32_t index, struct leaf leaf)
{
	CPUX86State *env = cpu_env(cpu);
	uint64_t offered = env->features[FEAT_XSAVE_XCR0_LO];
	uint64_t on = cpu->accel->state->xcr0;

	if (!offered)
		return (struct leaf){ 0 };
	switch (index) {
	case 0:
		return (struct leaf){ (uint32_t)offered, xstate_size(on), xstate_size(offered), 0 };
	case 1:
		return (struct leaf){
			.eax = env->features[FEAT_XSAVE],
			.ebx = env->features[FEAT_XSAVE] & CPUID_XSAVE_XSAVEC ? xstate_size(on) : 0,
		};
	case XSTATE_YMM_BIT:
		return offered & XSTATE_YMM_MASK ? leaf : (struct leaf){ 0 };
	}
	return (struct leaf){ 0 };
}

/* Leaf 0xb: threads of a core, then cores of the package. */
static struct leaf topology(X86CPU *x86, uint32_t index)
{
	X86CPUTopoInfo *topology = &x86->env.topo_info;
	struct leaf leaf = { .ecx = index & 0xff, .edx = x86->apic_id };

	if (index == 0) {
		leaf.eax = apicid_core_offset(topology);
		leaf.ebx = topology->threads_per_core;
		leaf.ecx |= 1 << 8;
	} else if (index == 1) {
		leaf.eax = apicid_pkg_offset(topology);
		leaf.ebx = x86_threads_per_pkg(topology);
		leaf.ecx |= 2 << 8;
	}
	return leaf;
}

static struct leaf answer(CPUState *cpu, uint32_t function, uint32_t index)
{
	X86CPU *x86 = X86_CPU(cpu);
	CPUX86State *env = &x86->env;
	struct leaf leaf;
	uint32_t highest = native(function & 0x80000000, 0).eax;

	if (function == KVM_CPUID_SIGNATURE) {
		leaf = (struct leaf){ .eax = KVM_CPUID_FEATURES };
		memcpy(&leaf.ebx, KVM_SIGNATURE, 12);
		return leaf;
	}
	if (function == KVM_CPUID_FEATURES)
		return (struct leaf){ .eax = minv_supported_cpuid(KVM_CPUID_FEATURES, 0, R_EAX) };
	if ((function & 0x7fffffff) > MIN(highest & 0x7fffffff, 0x1f) && function != 0xb)
		return (struct leaf){ 0 };
	leaf = native(function, index);
	switch (function) {
	case 0:
		leaf.eax = MIN(MAX(leaf.eax, 0xb), 0xd); /* the topology of leaf 0xb is ours */
		return leaf;
	case 1:
		return features(cpu, leaf);
	case 7:
		if (index)
			return (struct leaf){ 0 };
		return (struct leaf){ .ebx = env->features[FEAT_7_0_EBX],
				      .ecx = env->features[FEAT_7_0_ECX] };
	case 0xb:
		return topology(x86, index);
	case 0xd:
		return xstate(cpu, index, leaf);
	case 0x80000000:
		leaf.eax = MIN(leaf.eax, 0x80000008);
		return leaf;
	case 0x80000001:
		leaf.ecx = env->features[FEAT_8000_0001_ECX];
		if (x86_threads_per_pkg(&env->topo_info) > 1)
			leaf.ecx |= CPUID_EXT3_CMP_LEG; /* as AMD's do: cores, not hyperthreads */
		leaf.edx = env->features[FEAT_8000_0001_EDX];
		return leaf;
	case 0x80000007:
		return (struct leaf){ .edx = env->features[FEAT_8000_0007_EDX] };
	case 0x80000008:
		return (struct leaf){
			.eax = (leaf.eax & 0xff00) | MIN(leaf.eax & 0xff, GUEST_PHYSICAL_BITS),
			.ecx = x86_threads_per_pkg(&env->topo_info) - 1,
		};
	case 2: /* caches and names say nothing about what works */
	case 0x80000002 ... 0x80000006:
		return leaf;
	}
	return (struct leaf){ 0 };
}

void minv_cpuid(CPUState *cpu)
{
	struct minv_state *state = cpu->accel->state;
	struct leaf leaf = answer(cpu, (uint32_t)state->gpr[R_EAX], (uint32_t)state->gpr[R_ECX]);

	minv_set_gpr(cpu, R_EAX, leaf.eax);
	minv_set_gpr(cpu, R_EBX, leaf.ebx);
	minv_set_gpr(cpu, R_ECX, leaf.ecx);
	minv_set_gpr(cpu, R_EDX, leaf.edx);
	minv_skip_instruction(cpu, 2);
}
