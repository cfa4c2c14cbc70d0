/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses to what is not RAM: the instruction is fetched and handed to the emulator. */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "exec/address-spaces.h"
#include "minv-int.h"
#include "emulator.h"

#define DELIVER_MOST   1000
#define AVX_COMPONENTS (XSTATE_SSE_MASK | XSTATE_YMM_MASK)

static bool read_linear(void *opaque, uint64_t linear, void *data, unsigned int size)
{
	return minv_linear_rw(opaque, linear, data, size, MINV_READ);
}

static bool write_linear(void *opaque, uint64_t linear, const void *data, unsigned int size)
{
	return minv_linear_rw(opaque, linear, (void *)data, size, MINV_WRITE);
}

static bool writable_linear(void *opaque, uint64_t linear, unsigned int size)
{
	return minv_linear_check(opaque, linear, size, MINV_WRITE);
}

static uint32_t port_in(void *opaque, uint16_t port, unsigned int size)
{
	uint32_t data = 0;

	address_space_rw(&address_space_io, port, MEMTXATTRS_UNSPECIFIED, &data, size, false);
	return data;
}

static void port_out(void *opaque, uint16_t port, uint32_t data, unsigned int size)
{
	address_space_rw(&address_space_io, port, MEMTXATTRS_UNSPECIFIED, &data, size, true);
}

static bool load(CPUState *cpu, struct emulator *emulator)
{
	const struct minv_state *state = cpu->accel->state;
	const struct minv_segment *segments[] = { &state->es, &state->cs, &state->ss,
						  &state->ds, &state->fs, &state->gs };
	bool long_mode = (state->efer & MSR_EFER_LMA) && (state->cs.attributes & 0x200);
	int i;

	if (!emulator->arena && !emulator_init(emulator))
		return false;
	memcpy(emulator->gpr, state->gpr, sizeof(emulator->gpr));
	emulator->rip = state->rip;
	emulator->rflags = state->rflags;
	emulator->fpu = cpu->accel->fpu;
	emulator->xsave = minv_fpu_components != 0;
	emulator->avx = (minv_fpu_components & AVX_COMPONENTS) == AVX_COMPONENTS &&
			(state->cr4 & CR4_OSXSAVE_MASK) &&
			(state->xcr0 & AVX_COMPONENTS) == AVX_COMPONENTS;
	emulator->avx2 = emulator->avx &&
			 (cpu_env(cpu)->features[FEAT_7_0_EBX] & CPUID_7_0_EBX_AVX2);
	for (i = 0; i < 6; i++)
		emulator->segment_base[i] = segments[i]->base;
	emulator->code_bits = long_mode ? 64 : state->cs.attributes & 0x400 ? 32 : 16;
	emulator->stack_bits = long_mode ? 64 : state->ss.attributes & 0x400 ? 32 : 16;
	emulator->read = read_linear;
	emulator->write = write_linear;
	emulator->writable = writable_linear;
	emulator->ports = state->exit_reason == MINV_EXIT_IO;
	emulator->port_in = port_in;
	emulator->port_out = port_out;
	emulator->opaque = cpu;
	return true;
}

static uint64_t linear_of_code(CPUState *cpu, const struct emulator *emulator)
{
	return emulator->code_bits == 64
		       ? emulator->rip
		       : (emulator->rip + emulator->segment_base[SEGMENT_CS]) & 0xffffffff;
}

static void store(CPUState *cpu, const struct emulator *emulator)
{
	struct minv_state *state = cpu->accel->state;
	int i;

	for (i = 0; i < 16; i++)
		if (state->gpr[i] != emulator->gpr[i])
			minv_set_gpr(cpu, i, emulator->gpr[i]);
	state->rflags = emulator->rflags;
	cpu_env(cpu)->eflags = emulator->rflags; /* a cache at all times, see after_run() */
	if (emulator->rip != state->rip)
		minv_set_rip(cpu, emulator->rip);
}

/* As many bytes as there are up to a page that is not mapped; -1: none, and a #PF was injected. */
static int fetch(CPUState *cpu, uint64_t linear, uint8_t *bytes)
{
	unsigned int error_code, first = MIN(EMULATOR_LONGEST, 0x1000 - (linear & 0xfff));
	hwaddr physical;

	if (!minv_linear_rw(cpu, linear, bytes, first, MINV_FETCH))
		return -1;
	if (first < EMULATOR_LONGEST &&
	    minv_translate(cpu, linear + first, MINV_FETCH, &physical, &error_code)) {
		address_space_read(&address_space_memory, physical, MEMTXATTRS_UNSPECIFIED,
				   bytes + first, EMULATOR_LONGEST - first);
		return EMULATOR_LONGEST;
	}
	return (int)first;
}

static int refuse(CPUState *cpu, const uint8_t *bytes, int count)
{
	struct minv_state *state = cpu->accel->state;
	char text[3 * EMULATOR_LONGEST + 1] = "";
	int i;

	for (i = 0; i < count; i++)
		sprintf(text + 3 * i, " %02x", bytes[i]);
	error_report("minv: vCPU %d stopped: no emulation of%s at %04x:0x%" PRIx64
		     " for address 0x%" PRIx64,
		     cpu->cpu_index, text, state->cs.selector, state->rip, state->exit.mmio.gpa);
	return -1;
}

static int emulate(CPUState *cpu)
{
	static __thread struct emulator emulator;
	struct minv_state *state = cpu->accel->state;
	uint8_t bytes[EMULATOR_LONGEST + 1];
	uint64_t linear;
	int count = state->instruction_bytes_len;

	if (!load(cpu, &emulator))
		return -1;
	minv_linear_begin();
	linear = linear_of_code(cpu, &emulator);
	if (count > 0) {
		count = MIN(count, EMULATOR_LONGEST);
		memcpy(bytes, state->instruction_bytes, (size_t)count);
	} else {
		count = fetch(cpu, linear, bytes);
		if (count < 0)
			return 0;
	}
	switch (emulator_step(&emulator, bytes, (unsigned int)count)) {
	case EMULATOR_DONE:
	case EMULATOR_AGAIN:
		store(cpu, &emulator);
		return 0;
	case EMULATOR_FAULT: /* the exception is injected already; finished steps of a REP stay */
		store(cpu, &emulator);
		return 0;
	case EMULATOR_SHORT: /* it goes on into a page that is not there: fetch it for the fault */
		minv_linear_rw(cpu, linear + (uint64_t)count, bytes, 1, MINV_FETCH);
		return 0;
	case EMULATOR_UNDEFINED:
		minv_inject_exception(cpu, EXCP06_ILLOP, -1);
		return 0;
	case EMULATOR_PROTECTION:
		minv_inject_exception(cpu, EXCP0D_GPF, 0);
		return 0;
	case EMULATOR_UNKNOWN:
		break;
	}
	return refuse(cpu, bytes, count);
}

int minv_handle_mmio(CPUState *cpu)
{
	AccelCPUState *accel = cpu->accel;
	struct minv_state *state = accel->state;

	/* A guest whose page tables lie in no RAM reads them as all-ones on a PC: it cannot go on either way. */
	if (state->exit.mmio.guest_walk) {
		error_report("minv: vCPU %d stopped: page tables at 0x%" PRIx64 ", which is no RAM",
			     cpu->cpu_index, state->exit.mmio.gpa);
		return -1;
	}
	/*
	 * Not the instruction at RIP has met it, but the delivery of an event.  It is tried again: the page may just be
	 * mapped anew.  A stack or table in no RAM stays so.
	 */
	if (state->inject & EVENT_VALID) {
		accel->undelivered = accel->undelivered_rip == state->rip ? accel->undelivered + 1
									  : 0;
		accel->undelivered_rip = state->rip;
		if (accel->undelivered < DELIVER_MOST)
			return 0;
		error_report("minv: vCPU %d stopped: event 0x%" PRIx64 " needs 0x%" PRIx64
			     ", which is no RAM",
			     cpu->cpu_index, (uint64_t)state->inject, state->exit.mmio.gpa);
		return -1;
	}
	return emulate(cpu);
}

int minv_handle_string_io(CPUState *cpu)
{
	return emulate(cpu);
}
