/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug and alignment exceptions as a program sees them: each is intercepted by the core and given back.
 * Ten single steps and at most one alignment fault; each must arrive once, where it belongs, also behind a CPUID,
 * which the core executes.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

static volatile int steps, buses;
static uintptr_t step_at[10];

static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number, (void)info;
	step_at[steps] = (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
	/* Ten steps, then no more. */
	if (++steps >= 10)
		c->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

static void on_bus(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number, (void)info;
	buses++;
	c->uc_mcontext.gregs[REG_EFL] &= ~0x40000;
}

int main(void)
{
	struct sigaction trap = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	struct sigaction bus = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	static volatile uint64_t words[2];
	volatile uint32_t *odd = (volatile uint32_t *)((char *)words + 1);
	uintptr_t behind;
	int behind_cpuid;

	sigaction(SIGTRAP, &trap, NULL);
	sigaction(SIGBUS, &bus, NULL);
	__asm__ volatile("leaq 1f(%%rip), %0; xorl %%eax, %%eax\n"
			 "pushfq; orq $0x100, (%%rsp); popfq\n" /* TF */
			 "nop; nop; cpuid\n"
			 "1: nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop\n"
			 : "=&r"(behind)
			 :
			 : "rax", "rbx", "rcx", "rdx", "cc", "memory");
	/* The first trap comes behind the instruction behind POPF. */
	behind_cpuid = step_at[2] == behind && step_at[3] == behind + 1;
	printf("steps %d, behind CPUID %d\n", steps, behind_cpuid);
	__asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq\n" /* AC */
			 "movl $7, (%0)\n"
			 :
			 : "r"(odd)
			 : "cc", "memory");
	__asm__ volatile("pushfq; andq $~0x40000, (%%rsp); popfq" ::: "cc", "memory");
	printf("buses %d stored %u\n", buses, *odd);
	/* Bookworm's emulator knows no alignment faults: there none comes. */
	return steps == 10 && behind_cpuid && buses <= 1 && *odd == 7 ? 0 : 1;
}
