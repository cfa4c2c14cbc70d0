/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XSAVE and XCR0 (APM 2, 11.5), or FXSAVE where there is no XSAVE. */
#include "x86/xstate.h"

#include "x86/cpu.h"
#include "x86/svm.h"

#define CPUID_XSAVE  (1u << 26) /* leaf 1 ECX */
#define CPUID_XSTATE 0xd

u64 xstate_mask;

static u64 mask_of_processor(void)
{
	u32 features[4], components[4], avx[4];

	cpuid(1, 0, features);
	if (!(features[2] & CPUID_XSAVE))
		return 0;
	cpuid(CPUID_XSTATE, 0, components);
	cpuid(CPUID_XSTATE, 2, avx);
	if ((components[0] & XCR0_AVX) && avx[0] == XSTATE_AVX && avx[1] == XSTATE_LEGACY)
		return XCR0_X87 | XCR0_SSE | XCR0_AVX;
	return XCR0_X87 | XCR0_SSE;
}

void xcr0_write(struct cpu *c, u64 value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
	c->xcr0 = value;
}

void xstate_init_cpu(struct cpu *c)
{
	if (c == &boot_cpu)
		xstate_mask = mask_of_processor();
	c->xcr0 = XCR0_X87;
	if (!xstate_mask)
		return;
	write_cr4(read_cr(4) | CR4_OSXSAVE);
	xcr0_write(c, xstate_mask);
}

bool xcr0_allowed(u64 value)
{
	return (value & XCR0_X87) && !(value & ~(xstate_mask | XCR0_X87)) &&
	       (!(value & XCR0_AVX) || (value & XCR0_SSE));
}

u32 xstate_size(u64 xcr0)
{
	return xcr0 & XCR0_AVX ? XSTATE_SIZE : XSTATE_LEGACY;
}

/* FCW 0x37f and MXCSR 0x1f80; the header says that all else is as after reset. */
void xstate_reset(u8 *area)
{
	area[0] = 0x7f;
	area[1] = 0x03;
	area[24] = 0x80;
	area[25] = 0x1f;
}

/* A component that XCR0 leaves out would be neither saved nor loaded, but stays in the registers. */
void xstate_save(struct cpu *c, u8 *area)
{
	if (!xstate_mask) {
		__asm__ volatile("fxsave64 %0" : "=m"(*(u8(*)[XSTATE_SIZE])area));
		return;
	}
	xcr0_switch(c, xstate_mask);
	__asm__ volatile("xsave64 %0"
			 : "+m"(*(u8(*)[XSTATE_SIZE])area)
			 : "a"((u32)xstate_mask), "d"(0));
}

static const u32 x87_operand;

void xstate_load(struct cpu *c, const u8 *area)
{
	/* Before Zen 2 that leaves the last x87 instruction's addresses there: make them the core's. */
	__asm__ volatile("fnclex; ffree %%st(7); fildl %0" : : "m"(x87_operand));
	if (!xstate_mask) {
		__asm__ volatile("fxrstor64 %0" : : "m"(*(const u8(*)[XSTATE_SIZE])area));
		return;
	}
	xcr0_switch(c, xstate_mask);
	__asm__ volatile("xrstor64 %0"
			 :
			 : "m"(*(const u8(*)[XSTATE_SIZE])area), "a"((u32)xstate_mask), "d"(0));
}
