/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Speculation (AMD, "Software Techniques for Managing Speculation"; APM 2, 3.2.9 and 15.25).
 *
 * Once booted the core has no indirect branch (its build refuses one), so nothing that a domain trains can send it
 * astray but by the return stack; and it maps no domain's memory, so that what speculation reads there
 * is the core's own.  What is left is one pair's training found by the next one: IBPB and a full return
 * stack whenever a CPU goes from pair to pair.  Inside a pair guest and fidelity domain trust alike.
 */
#include "x86/speculation.h"

#include "lib.h"
#include "x86/cpu.h"

#define EFER_AIBRSE (1ull << 21)
#define MSR_XSS	    0xda0
#define MSR_DE_CFG  0xc0011029

/* DE_CFG */
#define DE_CFG_LFENCE	(1ull << 1)
#define DE_CFG_ZENBLEED (1ull << 9)

/* CPUID 1 ECX */
#define UNDER_HYPERVISOR (1u << 31)
/* CPUID d.1 EAX */
#define HAS_XSAVES (1u << 3)

/* CPUID 80000008 EBX */
#define HAS_IBPB  (1u << 12)
#define HAS_IBRS  (1u << 14)
#define HAS_STIBP (1u << 15)
#define HAS_SSBD  (1u << 24)
#define HAS_PSFD  (1u << 28)

bool spec_ctrl_is_switched;
u64 spec_ctrl_allowed;

static bool has_ibpb;

/* Zen 2 by CPUID 1 EAX: family 17h, of it these models. */
static bool is_zen2(u32 eax)
{
	u32 model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);

	return (eax & 0x0ff00f00) == 0x00800f00 &&
	       ((model >= 0x30 && model <= 0x4f) || (model >= 0x60 && model <= 0x7f) ||
		model == 0x90 || model == 0x91 || (model >= 0xa0 && model <= 0xaf));
}

/*
 * DE_CFG: LFENCE waits for all before it, as every domain is told; and on Zen 2 VZEROUPPER shows no other's registers
 * (CVE-2023-20593), which domains, being under a hypervisor, do not see to. Where the core is itself under one, that one does.
 */
static void decode_config(void)
{
	u32 r[4];
	u64 old, wanted;

	cpuid(1, 0, r);
	if ((r[2] & UNDER_HYPERVISOR) || (r[0] >> 20 & 0xff) < 8) /* before family 17h */
		return;
	old = rdmsr(MSR_DE_CFG);
	wanted = old | DE_CFG_LFENCE | (is_zen2(r[0]) ? DE_CFG_ZENBLEED : 0);
	if (wanted != old)
		wrmsr(MSR_DE_CFG, wanted);
}

/* XRSTORS is not intercepted and CPUID does not stop it: what it could load beside XCR0's components must be none. */
static void no_supervisor_state(u32 basic_top)
{
	u32 r[4];

	if (basic_top < 0xd)
		return;
	cpuid(0xd, 1, r);
	if (r[0] & HAS_XSAVES)
		wrmsr(MSR_XSS, 0);
}

void speculation_init_cpu(void)
{
	u32 r[4], top[4];

	decode_config();
	cpuid(0, 0, top);
	no_supervisor_state(top[0]);
	cpuid(0x80000000, 0, top);
	cpuid(0x80000008, 0, r);
	has_ibpb = r[1] & HAS_IBPB;
	spec_ctrl_allowed = (r[1] & HAS_IBRS ? 1 : 0) | (r[1] & HAS_STIBP ? 2 : 0) |
			    (r[1] & HAS_SSBD ? 4 : 0) | (r[1] & HAS_PSFD ? 0x80 : 0);
	cpuid(0x8000000a, 0, r);
	spec_ctrl_is_switched = r[3] >> 20 & 1;
	if (top[0] < 0x80000021)
		return;
	cpuid(0x80000021, 0, r);
	/* Automatic IBRS: the processor empties the return stack at each exit by itself. */
	if (r[0] >> 8 & 1)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AIBRSE);
}

/* 32 calls, each over a trap for the speculation that would return into it. */
static void return_stack_fill(void)
{
	u64 loops = 16;

	__asm__ volatile("1:	call 2f\n"
			 "3:	pause\n"
			 "	lfence\n"
			 "	jmp 3b\n"
			 "2:	call 4f\n"
			 "5:	pause\n"
			 "	lfence\n"
			 "	jmp 5b\n"
			 "4:	addq $16, %%rsp\n"
			 "	decq %0\n"
			 "	jnz 1b\n"
			 : "+r"(loops)
			 :
			 : "memory", "cc");
}

bool speculation_barrier(void)
{
	if (has_ibpb)
		wrmsr(MSR_PRED_CMD, 1);
	return has_ibpb;
}

void speculation_leave(void)
{
	speculation_barrier();
	return_stack_fill();
}
