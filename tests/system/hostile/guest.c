// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a real guest's administrator can try with nothing but Linux's own doors: ports, device memory, MSRs,
 * instructions.  Whatever happens to the guest is its affair: the test looks at everybody else.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

static void ports(u64 count)
{
	u64 i;

	if (iopl(3))
		perror("iopl");
	for (i = 0; i < count; i++) {
		u16 port = (u16)random_word();

		/* What switches the machine off or on again would end the attack early, and its word goes by COM1. */
		if ((port & ~7) == 0x3f8 || (port >= 0xcf8 && port <= 0xcff) || port == 0x64 ||
		    port == 0x92 || (port >= 0x600 && port < 0x680) ||
		    (port >= 0xae00 && port < 0xb100))
			continue;
		switch (random_below(6)) {
		case 0:
			inb(port);
			break;
		case 1:
			inw(port);
			break;
		case 2:
			inl(port);
			break;
		case 3:
			outb((u8)random_word(), port);
			break;
		case 4:
			outw((u16)random_word(), port);
			break;
		default:
			outl((u32)random_word(), port);
		}
	}
	printf("%llu ports\n", (unsigned long long)i);
}

static sigjmp_buf back;

static void caught(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGALRM };
	static u8 stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = caught, .sa_flags = SA_NODEFER | SA_ONSTACK };

	sigaltstack(&alternate, NULL);
	for (u32 i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* Below 4 GiB, where devices and firmware are and where nothing is. */
static void device_memory(u64 count)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	volatile u64 done = 0;

	catch_all();
	for (volatile u64 i = 0; i < count; i++) {
		u64 at = 0xc0000000 + random_below(0x40000) * PAGE, offset = random_below(511) * 8;
		u8 *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);

		if (page == MAP_FAILED)
			continue;
		if (!sigsetjmp(back, 1)) {
			if (random_below(2))
				(void)*(volatile u64 *)(page + offset);
			else
				*(volatile u32 *)(page + offset) = (u32)random_word();
			done++;
		}
		munmap(page, PAGE);
	}
	printf("%llu accesses to device memory\n", (unsigned long long)done);
}

static void msrs(u64 count)
{
	static const u32 first[] = { 0,		 0x10,	     0x170,	 0x200,
				     0x270,	 0x800,	     0x4b564d00, 0xc0000080,
				     0xc0010000, 0xc0010110, 0xc0011020 };
	int fd = open("/dev/cpu/0/msr", O_RDWR);
	u64 value, done = 0;

	if (fd < 0)
		perror("/dev/cpu/0/msr");
	for (u64 i = 0; i < count; i++) {
		u32 index = random_below(8)
				    ? first[random_below(sizeof(first) / sizeof(first[0]))] +
					      (u32)random_below(48)
				    : (u32)random_word();

		/* Linux's own system calls go by these: the attack would end with them. */
		if (index >= 0xc0000080 && index <= 0xc0000103)
			continue;
		done += pread(fd, &value, 8, index) == 8;
		value = random_below(2) ? value ^ 1ull << random_below(64) : random_word();
		done += pwrite(fd, &value, 8, index) == 8;
	}
	printf("%llu MSR accesses\n", (unsigned long long)done);
}

/* Random bytes as instructions, in user mode; each in a moment of its own. */
static void instructions(u64 count)
{
	u8 *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	volatile u64 i;

	catch_all();
	for (i = 0; i < count; i++) {
		u64 word = random_word();

		memset(code, 0xcc, 64);
		memcpy(code, &word, 8);
		if (random_below(2))
			code[0] = 0x0f;
		if (sigsetjmp(back, 1))
			continue;
		ualarm(20000, 0);
		__asm__ volatile("call *%0"
				 :
				 : "r"(code)
				 : "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
				   "r11");
	}
	printf("%llu instructions\n", (unsigned long long)i);
}

/* An instruction that the emulator has not, at memory that is none. */
static void unknown(void)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0xd0000000);

	if (page == MAP_FAILED)
		perror("/dev/mem");
	else
		__asm__ volatile("fldl (%0)" : : "r"(page) : "memory");
}

bool attack_guest(const char *what, u64 count)
{
	if (!strcmp(what, "guest-ports"))
		ports(count);
	else if (!strcmp(what, "guest-memory"))
		device_memory(count);
	else if (!strcmp(what, "guest-msrs"))
		msrs(count);
	else if (!strcmp(what, "guest-instructions"))
		instructions(count);
	else if (!strcmp(what, "guest-unknown"))
		unknown();
	else
		return false;
	return true;
}
