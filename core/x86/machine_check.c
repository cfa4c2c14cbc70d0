/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine checks (APM 2, chapter 9).  Nobody can tell whose memory or state is lost, so one ends the machine, with
 * what its banks say.  No domain is shown the banks.
 */
#include "x86/machine_check.h"

#include "lib.h"
#include "x86/cpu.h"

#define CPUID_MCE_MCA (1u << 7 | 1u << 14)
#define CR4_MCE	      (1ull << 6)
#define MCG_CAP	      0x179
#define MCG_STATUS    0x17a
#define MCG_CTL	      0x17b
#define MC_CTL(bank)  (0x400 + 4 * (bank)) /* then its status, its address */
#define HAS_MCG_CTL   (1ull << 8)
#define IN_PROGRESS   (1ull << 2)
#define VALID	      (1ull << 63)

static u32 banks; /* 0: the processor reports none */

void machine_check_init_cpu(void)
{
	u32 r[4];
	u64 cap;

	cpuid(1, 0, r);
	if ((r[3] & CPUID_MCE_MCA) != CPUID_MCE_MCA)
		return;
	cap = rdmsr(MCG_CAP);
	banks = cap & 0xff;
	if (cap & HAS_MCG_CTL)
		wrmsr(MCG_CTL, ~0ull);
	for (u32 i = 0; i < banks; i++)
		wrmsr(MC_CTL(i), ~0ull);
	write_cr4(read_cr(4) | CR4_MCE);
}

void machine_check_look(void)
{
	if (!banks || !(rdmsr(MCG_STATUS) & IN_PROGRESS))
		return;
	for (u32 i = 0; i < banks; i++)
		if (rdmsr(MC_CTL(i) + 1) & VALID)
			printk("machine check: bank %u status %lx address %lx\n", i,
			       rdmsr(MC_CTL(i) + 1), rdmsr(MC_CTL(i) + 2));
	panic("machine check");
}
