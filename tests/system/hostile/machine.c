// SPDX-License-Identifier: GPL-2.0-or-later
/* What is not a hypercall: MSRs, ports, physical memory, privileged instructions. */
#include "hostile.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/io.h>
#include <sys/mman.h>

#include <xen/xen.h>

static u64 tried, refusals;

/* Writes that would only hurt dom0's own kernel: its system call entries, bases, pages, priorities. */
static bool dom0_needs(u32 index)
{
	static const u32 own[] = {
		0x174,	    0x175,	0x176,	    0x277,	0xc0000080, 0xc0000081,
		0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
		0xc0000103, 0x40000000, /* hypercall page: written to the frame that it names */
		0x808,	    0x80b,	0x80f,	    0x830,	0x83f, /* software APIC: attack_interrupts() */
	};

	for (u32 i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] == index)
			return true;
	return false;
}

static void try_msr(u32 index, bool write)
{
	u64 value;

	tried += 2;
	refusals += !msr_read(index, &value);
	if (write && !dom0_needs(index))
		refusals += !msr_write(index, random_below(4) ? random_word() : random_below(256));
}

static void must_refuse(u32 index, u64 value)
{
	tried++;
	if (msr_write(index, value))
		wrong("MSR 0x%x takes 0x%llx", index, (unsigned long long)value);
}

void attack_msrs(u64 writes)
{
	static const u32 ranges[][2] = { { 0, 0x2000 },
					 { 0x40000000, 0x40000400 },
					 { 0xc0000000, 0xc0002000 },
					 { 0xc0010000, 0xc0012000 } };
	static const u32 svm[] = { 0xc0010114, 0xc0010115, 0xc0010117,
				   0xc0010118, 0xc0010111, 0xc0010112 };
	u64 base;

	for (u32 r = 0; r < 4; r++)
		for (u32 i = ranges[r][0]; i < ranges[r][1]; i++)
			try_msr(i, true);
	for (u64 i = 0; i < writes; i++)
		try_msr((u32)random_word(), true);

	/* EFER.SVME and what is not known of it, write-protected MTRR types, the APIC out of x2APIC mode */
	must_refuse(0xc0000080, 0x1d01);
	must_refuse(0xc0000080, ~0ull);
	must_refuse(0x277, 0x0202020202020202ull);
	if (!msr_read(0x1b, &base) || (base & 0xc00) != 0xc00)
		wrong("APICBASE is 0x%llx", (unsigned long long)base);
	must_refuse(0x1b, base & ~0xc00ull);
	must_refuse(0x1b, base & ~0x400ull);
	must_refuse(0x1b, (base & 0xfff) | CORE_START);
	/* the core's machine: SVM's own MSRs and system management's */
	for (u32 i = 0; i < sizeof(svm) / sizeof(svm[0]); i++)
		must_refuse(svm[i], CORE_START);
	/* the hypercall page in the core's memory, the APIC's, beyond all */
	must_refuse(0x40000000, CORE_START);
	must_refuse(0x40000000, APIC_PAGE);
	must_refuse(0x40000000, ~0ull);
	if (refusals < 20000)
		wrong("only %llu MSR accesses were refused", (unsigned long long)refusals);
	printf("%llu MSR accesses, %llu refused\n", (unsigned long long)tried,
	       (unsigned long long)refusals);
}

#define COM1 0x3f8

/* The serial line is the core's: dom0 reads ones there and writes nothing. */
void attack_ports(void)
{
	static const char mark[] = "FROM-DOM0-DIRECTLY";
	u8 buffer[64];

	if (iopl(3)) {
		perror("iopl");
		exit(2);
	}
	for (u16 i = 0; i < 8; i++) {
		tried += 3;
		if (inb(COM1 + i) != 0xff)
			wrong("port 0x%x reads 0x%x", COM1 + i, inb(COM1 + i));
		if (i < 7 && inw(COM1 + i) != 0xffff)
			wrong("port 0x%x reads 0x%x", COM1 + i, inw(COM1 + i));
		if (i < 5 && inl(COM1 + i) != 0xffffffff)
			wrong("port 0x%x reads 0x%x", COM1 + i, inl(COM1 + i));
	}
	/* accesses that begin before it and reach into it */
	if (inl(COM1 - 3) != 0xffffffff || inw(COM1 - 1) != 0xffff || inl(COM1 + 7) != 0xffffffff)
		wrong("an access that overlaps the serial line's ports goes through");
	for (u32 i = 0; i < sizeof(mark); i++)
		outb((u8)mark[i], COM1);
	outsb(COM1, mark, sizeof(mark));
	outb(0x83, COM1 + 3); /* divisor latch: all that the core says after it would be garbage */
	outb(0x55, COM1);
	outb(0x55, COM1 + 1);
	insb(COM1, buffer, sizeof(buffer));
	insl(COM1, buffer, 4);
	tried += 8;
	for (u32 i = 0; i < 0x100; i++) /* the chipset's: reads only, and not the keyboard's */
		if (i != 0x60 && i != 0x64) {
			tried++;
			inb((u16)i);
		}
	printf("%llu port accesses\n", (unsigned long long)tried);
}

static sigjmp_buf out;

static void caught(int signal)
{
	siglongjmp(out, signal);
}

/* From ring 3 through /dev/mem and from ring 0 through ioremap: refused, and nothing read. */
static void one_page(u64 address)
{
	static const u32 ways[] = { HOSTILE_READ, HOSTILE_WRITE };
	volatile u64 *p = physical_map(address);

	for (u32 w = 0; w < 2; w++) {
		struct hostile h = { .what = ways[w],
				     .rax = address,
				     .rdx = 0x5a5a5a5a5a5a5a5aull };

		tried++;
		if (kernel_does(&h) && h.fault == -ENOMEM)
			wrong("ring 0 cannot map 0x%llx", (unsigned long long)address);
		else if (!h.fault)
			wrong("ring 0 %s 0x%llx at 0x%llx", w ? "writes" : "reads",
			      (unsigned long long)h.rdx, (unsigned long long)address);
	}
	if (!p)
		return;
	tried += 2;
	if (!sigsetjmp(out, 1))
		wrong("ring 3 reads 0x%llx at 0x%llx", (unsigned long long)*p,
		      (unsigned long long)address);
	if (!sigsetjmp(out, 1)) {
		*p = 0x5a5a5a5a5a5a5a5aull;
		wrong("ring 3 writes at 0x%llx", (unsigned long long)address);
	}
	munmap((void *)p, PAGE);
}

void attack_memory(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL };

	for (u32 i = 0; i < 3; i++)
		signal(signals[i], caught);
	one_page(APIC_PAGE);
	one_page(CORE_START + PAGE);
	for (u64 at = CORE_START; at <= (u64)CORE_LATE << 12; at += 6 << 20)
		one_page(at);
	/* memory that is nobody's yet, or other domains', below 4 GiB and above: not its end, where Linux 6.12 maps what
	 * others grant */
	one_page(0x7fe00000);
	one_page(0x120000000);
	one_page(0x150000000);
	printf("%llu accesses to memory of others\n", (unsigned long long)tried);
}

void attack_instructions(void)
{
	static const u32 svm[] = { HOSTILE_VMRUN, HOSTILE_VMLOAD, HOSTILE_VMSAVE,  HOSTILE_STGI,
				   HOSTILE_CLGI,  HOSTILE_SKINIT, HOSTILE_INVLPGA, HOSTILE_MONITOR,
				   HOSTILE_MWAIT, HOSTILE_XSETBV, HOSTILE_RDPMC,   HOSTILE_RDPRU,
				   HOSTILE_RSM,	  HOSTILE_VMCALL };
	static const u64 addresses[] = { 0, CORE_START, APIC_PAGE, 0x1000, ~0ull, 0x31000000, 8 };
	static const u64 numbers[] = { 0x4d4e5600, 0x80000000, 0xffffffff,
				       ~0ull,	   1ull << 63, 0x7fffffffffffffffull,
				       64,	   127 };

	for (u32 i = 0; i < sizeof(svm) / sizeof(svm[0]); i++)
		for (u32 a = 0; a < sizeof(addresses) / sizeof(addresses[0]); a++) {
			tried++;
			if (!kernel_instruction(svm[i], addresses[a], addresses[a], addresses[a]))
				wrong("instruction %u with 0x%llx is carried out", svm[i],
				      (unsigned long long)addresses[a]);
		}
	/* these do nothing */
	kernel_instruction(HOSTILE_INVD, 0, 0, 0);
	kernel_instruction(HOSTILE_WBINVD, 0, 0, 0);
	/* hypercall numbers that privcmd does not let through, and random ones */
	for (u32 i = 0; i < 2000; i++) {
		struct hostile h = { .what = HOSTILE_VMMCALL,
				     .rax = i < 8 ? numbers[i] : random_word() | 1ull << 40,
				     .rdi = random_below(16),
				     .rsi = bad[random_below(nr_bad)].address,
				     .rdx = random_word(),
				     .r10 = random_word(),
				     .r8 = random_word() };

		tried++;
		if (kernel_does(&h))
			wrong("VMMCALL raises an exception");
		else if ((int64_t)h.rax >= 0)
			wrong("hypercall 0x%llx answers %lld",
			      (unsigned long long)(i < 8 ? numbers[i] : 0), (long long)h.rax);
	}
	/* from ring 3 nobody calls */
	{
		long result = __HYPERVISOR_xen_version;

		tried++;
		__asm__ volatile("vmmcall" : "+a"(result) : "D"(0), "S"(0) : "memory");
		if (result != -1)
			wrong("a hypercall from ring 3: %ld", result);
	}
	printf("%llu instructions\n", (unsigned long long)tried);
}
