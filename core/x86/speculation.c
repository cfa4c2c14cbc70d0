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

/* CPUID 80000008 EBX */
#define HAS_IBPB  (1u << 12)
#define HAS_IBRS  (1u << 14)
#define HAS_STIBP (1u << 15)
#define HAS_SSBD  (1u << 24)
#define HAS_PSFD  (1u << 28)

bool spec_ctrl_is_switched;
u64 spec_ctrl_allowed;

static bool has_ibpb;

void speculation_init_cpu(void)
{
	u32 r[4], top[4];

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
