/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical local APIC (APM 2, 16). The core owns it; dom0 and all others have a software one. */
#include "x86/lapic.h"

#include "lib.h"
#include "x86/cpu.h"
#include "x86/paging.h"

#define APICBASE_EXTD (1ull << 10)
#define APICBASE_EN   (1ull << 11)

#define REG_ID	     0x20
#define REG_TPR	     0x80
#define REG_EOI	     0xb0
#define REG_SVR	     0xf0
#define REG_ISR	     0x100
#define REG_TMR	     0x180
#define REG_ESR	     0x280
#define REG_ICR	     0x300
#define REG_ICR_HIGH 0x310
#define REG_TIMER    0x320
#define REG_THERMAL  0x330
#define REG_PERF     0x340
#define REG_LINT0    0x350
#define REG_ERROR    0x370
#define REG_INITIAL  0x380
#define REG_CURRENT  0x390
#define REG_DIVIDE   0x3e0
#define LVT_MASKED   (1u << 16)
#define ICR_PENDING  (1u << 12)
#define ICR_ASSERT   (1u << 14)
#define HAS_X2APIC   (1u << 21) /* CPUID 1 ECX */

static volatile u32 *page; /* NULL: x2APIC, by MSR */

static u32 get(u32 reg)
{
	return page ? page[reg / 4] : (u32)rdmsr(0x800 + reg / 16);
}

static void put(u32 reg, u32 v)
{
	if (page)
		page[reg / 4] = v;
	else
		wrmsr(0x800 + reg / 16, v);
}

void lapic_init(void)
{
	u64 base = rdmsr(MSR_APICBASE);
	u32 r[4];

	cpuid(1, 0, r);
	if (!(base & APICBASE_EN))
		wrmsr(MSR_APICBASE, base |= APICBASE_EN);
	if (r[2] & HAS_X2APIC)
		wrmsr(MSR_APICBASE, base | APICBASE_EXTD);
	else if (!page)
		page = paging_map_device(base >> PAGE_SHIFT & 0xfffffffff);
	put(REG_SVR, 0x100 | VECTOR_SPURIOUS);
	put(REG_TPR, 0);
	put(REG_TIMER, VECTOR_TIMER);
	put(REG_THERMAL, LVT_MASKED);
	put(REG_PERF, LVT_MASKED);
	put(REG_LINT0, LVT_MASKED); /* no ExtINT: the PIC's vectors reach nobody by this way */
	put(REG_ERROR, VECTOR_ERROR);
	put(REG_DIVIDE, 0xb); /* by 1 */
	put(REG_ESR, 0);
}

bool lapic_by_msr(void)
{
	return !page;
}

u32 lapic_id(void)
{
	return page ? get(REG_ID) >> 24 : get(REG_ID);
}

void lapic_send(u32 apic_id, u32 command)
{
	if (!page) {
		/* The write orders nothing by itself: what the interrupt is about must be seen first. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(0x800 + REG_ICR / 16, (u64)apic_id << 32 | command | ICR_ASSERT);
		return;
	}
	while (get(REG_ICR) & ICR_PENDING)
		cpu_relax();
	put(REG_ICR_HIGH, apic_id << 24);
	put(REG_ICR, command | ICR_ASSERT);
}

void lapic_eoi(void)
{
	put(REG_EOI, 0);
}

bool lapic_level(u8 vector)
{
	return get(REG_TMR + vector / 32 * 16u) >> (vector % 32) & 1;
}

bool lapic_in_service(u8 vector)
{
	return get(REG_ISR + vector / 32 * 16u) >> (vector % 32) & 1;
}

int lapic_highest_in_service(void)
{
	for (int i = 7; i >= 0; i--) {
		u32 bits = get(REG_ISR + (u32)i * 16);

		if (bits)
			return i * 32 + 31 - __builtin_clz(bits);
	}
	return -1;
}

void lapic_timer_start(u32 count)
{
	put(REG_INITIAL, count);
}

u32 lapic_timer_left(void)
{
	return get(REG_CURRENT);
}
