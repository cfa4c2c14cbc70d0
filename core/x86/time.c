/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: the TSC calibrated against the PIT once, nanoseconds since boot in the
 * pvclock's own arithmetic, the wall clock read once, the one-shot timer.
 */
#include "x86/time.h"

#include "lib.h"
#include "x86/cpu.h"
#include "x86/lapic.h"

#define PIT_HZ	     1193182ull
#define CALIBRATE_MS 50

struct clock core_clock;
u64 wallclock_base;

static u64 lapic_khz;

u64 rdtsc_now(void)
{
	return rdtsc();
}

u64 tsc_to_ns(u64 delta)
{
	u64 ns;

	delta = core_clock.shift < 0 ? delta >> -core_clock.shift : delta << core_clock.shift;
	/* 64 by 32 bit product, upper part: as the pvclock's readers do it */
	__asm__("mulq %2; shrd $32, %%rdx, %%rax"
		: "=a"(ns)
		: "0"(delta), "rm"((u64)core_clock.mul)
		: "rdx", "cc");
	return ns;
}

u64 now_ns(void)
{
	return tsc_to_ns(rdtsc() - core_clock.tsc_at_boot);
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static u64 cmos_seconds(void)
{
	u8 status = cmos(0x0b);
	u64 v[6], days = 0;
	static const u8 regs[6] = { 0, 2, 4, 7, 8, 9 }; /* s min h day month year */
	static const u16 before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };

	for (u32 i = 0; i < 1000000 && (cmos(0x0a) & 0x80); i++) /* update in progress */
		cpu_relax();
	for (u32 i = 0; i < 6; i++) {
		u8 raw = cmos(regs[i]);
		bool pm = i == 2 && !(status & 2) && (raw & 0x80);

		if (i == 2)
			raw &= 0x7f;
		v[i] = status & 4 ? raw : (u64)(raw >> 4) * 10 + (raw & 15);
		if (i == 2 && !(status & 2))
			v[i] = v[i] % 12 + (pm ? 12 : 0);
	}
	v[5] += 2000;
	if (v[4] < 1 || v[4] > 12)
		return 0;
	days = (v[5] - 1970) * 365 + (v[5] - 1969) / 4 + before[v[4] - 1] + v[3] - 1;
	if (v[4] > 2 && v[5] % 4 == 0) /* good until 2100 */
		days++;
	return ((days * 24 + v[2]) * 60 + v[1]) * 60 + v[0];
}

void time_init(void)
{
	u32 latch = (u32)(PIT_HZ * CALIBRATE_MS / 1000);
	u64 start, end;
	u32 left;

	/* Channel 2, mode 0, gate on, speaker off: OUT (port 0x61 bit 5) rises at the end. */
	outb(0x61, (u8)((inb(0x61) & ~0x02) | 0x01));
	outb(0x43, 0xb0);
	outb(0x42, (u8)latch);
	outb(0x42, (u8)(latch >> 8));
	lapic_timer_start(0xffffffff);
	start = rdtsc();
	while (!(inb(0x61) & 0x20))
		;
	end = rdtsc();
	left = lapic_timer_left();
	lapic_timer_start(0);
	core_clock.khz = (end - start) / CALIBRATE_MS;
	lapic_khz = (0xffffffffu - left) / CALIBRATE_MS;
	if (!core_clock.khz || !lapic_khz)
		panic("TSC or local APIC timer does not count (%lu, %lu kHz)", core_clock.khz,
		      lapic_khz);

	/* ns = (tsc << core_clock.shift) * core_clock.mul >> 32 with core_clock.mul in [2^31, 2^32) */
	{
		u64 k = core_clock.khz;

		while (k > 2000000)
			k >>= 1, core_clock.shift--;
		while (k <= 1000000)
			k <<= 1, core_clock.shift++;
		core_clock.mul = (u32)((1000000ull << 32) / k - (k == 1000000));
	}
	core_clock.tsc_at_boot = start;
	wallclock_base = cmos_seconds() - now_ns() / 1000000000;
}

void timer_arm(u64 deadline_ns)
{
	u64 now = now_ns(), count;

	if (!deadline_ns) {
		lapic_timer_start(0);
		return;
	}
	count = deadline_ns > now ? min_u64(deadline_ns - now, 2000000000) * lapic_khz / 1000000
				  : 0;
	lapic_timer_start((u32)min_u64(count + 1, 0xffffffff));
}
