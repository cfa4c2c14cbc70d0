/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes single instructions on this machine's processor: reads cases from standard input, writes what each left.
 * lifter.py makes them and compares.
 *
 * The instruction lies at its own address in a page full of INT3, so that wherever it ends, SIGTRAP tells where;
 * that signal's frame holds all registers, and the next case's go back by the same way.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE	   4096ull
#define BYTES	   64
#define ARITHMETIC 0x8d5ull /* CF PF AF ZF SF OF */

struct state {
	uint64_t regs[16], flags, rip;
	uint8_t memory[BYTES];
};

struct test {
	struct state before;
	uint64_t memory_at, length, target; /* where it may go besides on */
	uint8_t code[16];
};

/* Capstone's and the encoding's order of the registers to that of the frame. */
static const int frame_index[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
				     REG_RSI, REG_RDI, REG_R8,	REG_R9,	 REG_R10, REG_R11,
				     REG_R12, REG_R13, REG_R14, REG_R15 };

static struct test test;
static int running;
static ucontext_t *home; /* the frame of main's own int3, kept while a case runs */
static greg_t home_regs[NGREG];

static void fail(const char *what, uint64_t at)
{
	fprintf(stderr, "processor: %s at %#llx\n", what, (unsigned long long)at);
	_exit(1);
}

/* Pages are made when a case needs them, and stay. */
static void need(uint64_t at, uint64_t bytes, int filler)
{
	static uint64_t seen[65536];
	static unsigned int nr;
	uint64_t page;
	unsigned int i;

	for (page = at & ~(PAGE - 1); page < at + bytes; page += PAGE) {
		for (i = nr; i > 0 && seen[i - 1] != page; i--)
			;
		if (i > 0)
			continue;
		if (nr == sizeof(seen) / sizeof(seen[0]) ||
		    mmap((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)page)
			fail("cannot map a page", page);
		memset((void *)page, filler, PAGE);
		seen[nr++] = page;
	}
}

static void trapped(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	greg_t *regs = c->uc_mcontext.gregs;
	int i;

	(void)info;
	if (!running) { /* main's int3: away into the instruction */
		if (number != SIGTRAP)
			fail("a signal outside of any case", (uint64_t)regs[REG_RIP]);
		memcpy(home_regs, regs, sizeof(home_regs));
		for (i = 0; i < 16; i++)
			regs[frame_index[i]] = (greg_t)test.before.regs[i];
		regs[REG_EFL] = (greg_t)((home_regs[REG_EFL] & ~(greg_t)ARITHMETIC) |
					 (greg_t)test.before.flags);
		regs[REG_RIP] = (greg_t)test.before.rip;
		running = 1;
		return;
	}
	if (number != SIGTRAP)
		fail("the instruction faults", (uint64_t)regs[REG_RIP]);
	for (i = 0; i < 16; i++)
		test.before.regs[i] = (uint64_t)regs[frame_index[i]];
	test.before.flags = (uint64_t)regs[REG_EFL] & ARITHMETIC;
	test.before.rip = (uint64_t)regs[REG_RIP] - 1;
	memcpy(regs, home_regs, sizeof(home_regs));
	running = 0;
}

int main(void)
{
	static uint8_t stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	(void)home;
	if (sigaltstack(&alternative, NULL) != 0 || sigaction(SIGTRAP, &action, NULL) != 0 ||
	    sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0 ||
	    sigaction(SIGILL, &action, NULL) != 0 || sigaction(SIGFPE, &action, NULL) != 0)
		fail("no signal handler", 0);
	while (fread(&test, sizeof(test), 1, stdin) == 1) {
		uint64_t rip = test.before.rip;

		need(rip, 17, 0xcc);
		if (test.target != 0)
			need(test.target, 1, 0xcc);
		need(test.memory_at, BYTES, 0);
		memcpy((void *)test.memory_at, test.before.memory, BYTES);
		memcpy((void *)rip, test.code, test.length);
		__asm__ volatile("int3" ::: "memory");
		memset((void *)rip, 0xcc, test.length);
		memcpy(test.before.memory, (void *)test.memory_at, BYTES);
		if (fwrite(&test.before, sizeof(test.before), 1, stdout) != 1)
			fail("cannot write", 0);
	}
	return 0;
}
