/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvmclock (Linux, Documentation/virt/kvm/x86/msr.rst): the guest's time from its TSC.  The TSC of the
 * platform runs at one known rate, so a page is written when the guest asks for it and when it sets its
 * TSC: the scale never changes.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "exec/address-spaces.h"
#include "minv-int.h"

#define MSR_WALL_CLOCK_NEW  0x4b564d00
#define MSR_SYSTEM_TIME_NEW 0x4b564d01
#define SYSTEM_TIME_ENABLE  1ull
#define TIME_STABLE	    1 /* the same on every vCPU, never backwards */

struct time_info {
	uint32_t version; /* odd while being written */
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time; /* ns at tsc_timestamp */
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad[2];
} QEMU_PACKED;

struct wall_clock {
	uint32_t version, seconds, nanoseconds; /* real time when system time was 0 */
} QEMU_PACKED;

static uint64_t tsc_start; /* host TSC at system time 0 */

static uint64_t system_time(void)
{
	uint64_t ticks = (uint64_t)cpu_get_host_ticks() - tsc_start;

	return muldiv64(ticks, 1000000, minv_info.tsc_khz);
}

static bool tscs_agree(void)
{
	uint64_t first = first_cpu->accel->state->tsc_offset;
	CPUState *cpu;

	CPU_FOREACH(cpu)
	{
		if (cpu->accel && cpu->accel->state->tsc_offset != first)
			return false;
	}
	return true;
}

static void write_time(CPUState *cpu)
{
	uint64_t address = cpu->accel->system_time & ~SYSTEM_TIME_ENABLE;
	struct time_info info = {
		.version = cpu->accel->time_version | 1,
		.tsc_timestamp = tsc_start + cpu->accel->state->tsc_offset,
		.flags = tscs_agree() ? TIME_STABLE : 0,
	};
	uint64_t mul = (1000000ull << 32) / minv_info.tsc_khz;

	for (; mul >> 32; mul >>= 1)
		info.tsc_shift++;
	info.tsc_to_system_mul = (uint32_t)mul;
	/* Other vCPUs may be reading it: Linux's vDSO does. */
	address_space_stl_le(&address_space_memory, address, info.version, MEMTXATTRS_UNSPECIFIED,
			     NULL);
	smp_wmb();
	address_space_write(&address_space_memory, address, MEMTXATTRS_UNSPECIFIED, &info,
			    sizeof(info));
	smp_wmb();
	cpu->accel->time_version = info.version + 1;
	address_space_stl_le(&address_space_memory, address, info.version + 1,
			     MEMTXATTRS_UNSPECIFIED, NULL);
}

static void write_wall(CPUState *cpu)
{
	int64_t start = g_get_real_time() * 1000 - (int64_t)system_time();
	struct wall_clock wall = {
		.version = 2,
		.seconds = (uint32_t)(start / NANOSECONDS_PER_SECOND),
		.nanoseconds = (uint32_t)(start % NANOSECONDS_PER_SECOND),
	};

	address_space_write(&address_space_memory, cpu->accel->wall_clock, MEMTXATTRS_UNSPECIFIED,
			    &wall, sizeof(wall));
}

bool minv_clock_rdmsr(CPUState *cpu, uint32_t index, uint64_t *value)
{
	switch (index) {
	case MSR_SYSTEM_TIME_NEW:
		*value = cpu->accel->system_time;
		return true;
	case MSR_WALL_CLOCK_NEW:
		*value = cpu->accel->wall_clock;
		return true;
	}
	return false;
}

bool minv_clock_wrmsr(CPUState *cpu, uint32_t index, uint64_t value)
{
	if (!tsc_start)
		tsc_start = (uint64_t)cpu_get_host_ticks();
	switch (index) {
	case MSR_SYSTEM_TIME_NEW:
		cpu->accel->system_time = value;
		if (value & SYSTEM_TIME_ENABLE)
			write_time(cpu);
		return true;
	case MSR_WALL_CLOCK_NEW:
		cpu->accel->wall_clock = value;
		write_wall(cpu);
		return true;
	}
	return false;
}

/* A TSC has been set: system time goes on as before. */
void minv_clock_tsc_changed(void)
{
	CPUState *cpu;

	CPU_FOREACH(cpu)
	{
		if (cpu->accel && (cpu->accel->system_time & SYSTEM_TIME_ENABLE))
			write_time(cpu);
	}
}

void minv_clock_reset(CPUState *cpu)
{
	cpu->accel->system_time = 0;
	cpu->accel->wall_clock = 0;
}
