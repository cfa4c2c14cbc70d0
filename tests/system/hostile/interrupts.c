// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts that nobody ordered: every vector by MSI from a device (QEMU's "edu" sends what it is programmed
 * to), edge and level, and every ICR command that dom0 survives.  Then the machine must still have its timer.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICE	 "/sys/bus/pci/devices/0000:00:1c.0/"
#define MSR_TPR	 0x808
#define MSR_EOI	 0x80b
#define MSR_ICR	 0x830
#define MSR_SELF 0x83f
#define LEVEL	 0x8000u
#define NMI	 0x400u

static int config;
static u8 capability;
static volatile u32 *device;
static u64 sent;
static volatile sig_atomic_t signals;

static void put16(u8 at, u16 value)
{
	if (pwrite(config, &value, 2, at) != 2)
		wrong("configuration space at 0x%x", at);
}

static void put32(u8 at, u32 value)
{
	put16(at, (u16)value);
	put16((u8)(at + 2), (u16)(value >> 16));
}

static u16 get16(u8 at)
{
	u16 value = 0;

	return pread(config, &value, 2, at) == 2 ? value : 0;
}

static bool device_open(void)
{
	int bar = open(DEVICE "resource0", O_RDWR);

	config = open(DEVICE "config", O_RDWR);
	if (config < 0 || bar < 0)
		return false;
	for (capability = (u8)get16(0x34); capability && (get16(capability) & 0xff) != 5;)
		capability = (u8)(get16(capability) >> 8);
	put16(4, 6); /* memory, bus master */
	device = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
	return capability && device != MAP_FAILED;
}

static void send_msi(u32 data)
{
	bool wide = get16((u8)(capability + 2)) & 0x80;

	put32((u8)(capability + 4), (u32)APIC_PAGE);
	if (wide)
		put32((u8)(capability + 8), 0);
	put16((u8)(capability + (wide ? 12 : 8)), (u16)data);
	put16((u8)(capability + 2), 1);
	device[0x60 / 4] = 1; /* now, while this program is at ring 3 */
	for (volatile u32 i = 0; i < 200; i++)
		;
	device[0x64 / 4] = 1;
	put16((u8)(capability + 2), 0);
	sent++;
}

/* The core's own timer is what ends a sleep. */
static void sleep_a_little(void)
{
	struct timespec t = { .tv_nsec = 3000000 };

	nanosleep(&t, NULL);
}

/*
 * Left out, as dom0's own kernel would come to grief by it: 17, 21, 29, 30 (exceptions with an error code: its
 * stack), 0x80 (its system call), 0xf8 (stops its processor).  INIT and SMI by MSI: this emulator resets or
 * corrupts the processor below the core.
 */
static bool dom0_dies(u32 vector)
{
	return vector == 17 || vector == 21 || vector == 29 || vector == 30 || vector == 0x80 ||
	       vector == 0xf8;
}

static void note(int signal)
{
	(void)signal;
	signals++;
}

static void by_msi(void)
{
	for (u32 level = 0; level <= LEVEL; level += LEVEL)
		for (u32 vector = 0; vector < 256; vector++) {
			if (dom0_dies(vector))
				continue;
			send_msi(vector | level);
			/* Linux gives no EOI for its own exceptions and system vectors */
			if ((vector >= 16 && vector < 32) || vector >= 0xec)
				msr_write(MSR_EOI, 0);
			if (vector % 16 == 15)
				sleep_a_little();
		}
	send_msi(NMI);
	/* a vector of the core's own class, in service and not ended, as dom0 takes no interrupts: the core's
	 * timer must come through all the same */
	msr_write(MSR_TPR, 0xff);
	send_msi(0xf4 | LEVEL);
	send_msi(0xef | LEVEL);
	for (u32 i = 0; i < 20; i++)
		sleep_a_little();
	msr_write(MSR_TPR, 0x10);
}

static void by_icr(void)
{
	static const u32 modes[] = { 0x000, 0x100, 0x200, 0x300, 0x400, 0x600, 0x700 };
	u64 value;

	/* INIT de-asserted, SIPI to a running processor, SMI, ExtINT, reserved mode, vectors below 16 */
	for (u32 m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (u32 vector = 0; vector < 16; vector++) {
			msr_write(MSR_ICR, modes[m] | vector | 1u << 18); /* to itself */
			msr_write(MSR_ICR, modes[m] | vector | 1u << 14);
			msr_write(MSR_ICR, modes[m] | vector | 3u << 18 | 1u << 14);
			sent += 3;
		}
	msr_write(MSR_ICR, 0x8500); /* the de-assert does nothing */
	for (u32 vector = 0; vector < 16; vector++)
		if (!msr_write(MSR_SELF, vector))
			wrong("self-IPI %u is refused with an exception", vector);
	for (u32 bit = 20; bit < 32; bit++)
		if (msr_write(MSR_ICR, 1u << bit))
			wrong("ICR takes reserved bit %u", bit);
	if (msr_write(MSR_SELF, 0x100) || msr_write(MSR_EOI, 1) || msr_write(0x80f, 1u << 20) ||
	    msr_write(MSR_TPR, 0x100) || msr_write(0x802, 5) || msr_write(0x803, 5))
		wrong("an APIC register takes reserved bits");
	for (u32 i = 0x800; i < 0x840; i++)
		msr_read(i, &value);
	/* destinations that are nobody's */
	for (u32 i = 0; i < 32; i++)
		if (!msr_write(MSR_ICR, 0xfdu | (u64)(i * 7 + 8) << 32))
			wrong("ICR to nobody raises an exception");
	sleep_a_little();
}

void attack_interrupts(void)
{
	static const int survive[] = { SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGILL };

	for (u32 i = 0; i < sizeof(survive) / sizeof(survive[0]); i++)
		signal(survive[i], note);
	if (!device_open()) {
		wrong("no edu device with MSI");
		return;
	}
	/* The device's messages go to CPU 0: there the EOI is that Linux does not give, and the TPR that keeps them off. */
	stay_on_first_cpu();
	by_icr();
	by_msi();
	invariant_ask();
	printf("%llu interrupts that nobody ordered, %d signals\n", (unsigned long long)sent,
	       (int)signals);
}
