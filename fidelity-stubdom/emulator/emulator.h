/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulates one instruction of a guest that touches memory which is not RAM.
 *
 * The instruction is decoded from an allow-list (decode.c).  Its memory operand is read by a callback,
 * the instruction itself is executed by this processor with the guest's registers and flags and with a
 * private buffer in place of the operand (execute.c), and the operand is written back: results and
 * flags are the processor's own.  String instructions, moffs, push and pop are plain C (string.c).
 *
 * Nothing of this knows QEMU.  One struct emulator for each vCPU thread.
 */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMULATOR_LONGEST 15  /* bytes of an instruction */
#define EMULATOR_XSAVE	 832 /* bytes: x87, SSE, header, AVX */

enum emulator_segment { SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };

enum emulator_result {
	EMULATOR_DONE,
	EMULATOR_AGAIN, /* a repeated string instruction: done so far, RIP still on it; or nothing of ours (`ports`) */
	EMULATOR_FAULT, /* a callback said false: registers are as before (REP: as after the last whole step) */
	EMULATOR_SHORT,	     /* more instruction bytes are needed */
	EMULATOR_UNDEFINED,  /* #UD */
	EMULATOR_PROTECTION, /* #GP(0) */
	EMULATOR_UNKNOWN,    /* not on the allow-list */
};

struct emulator {
	/* the guest's registers: in and out */
	uint64_t gpr[16]; /* hardware order */
	uint64_t rip, rflags;
	void *fpu; /* FXSAVE64's 512 bytes; with `xsave`, EMULATOR_XSAVE bytes of XSAVE64's standard format. Aligned to 64 */

	/* in */
	uint64_t segment_base[6];
	unsigned int code_bits;	 /* 16, 32, 64 */
	unsigned int stack_bits; /* likewise; 64 in long mode */

	bool xsave; /* x87, SSE and, where this process has it, AVX are loaded from `fpu` by XRSTOR */
	bool avx, avx2; /* the guest may use VEX forms (CR4, XCR0, CPUID), and this process, too */
	bool ports; /* the exit was one of a port string instruction: it alone is executed then, and only then */

	/* Linear addresses. false: the access faulted, and whoever answers has seen to the exception. */
	bool (*read)(void *opaque, uint64_t linear, void *data, unsigned int size);
	bool (*write)(void *opaque, uint64_t linear, const void *data, unsigned int size);
	bool (*writable)(void *opaque, uint64_t linear,
			 unsigned int size); /* as write, but nothing is written */
	uint32_t (*port_in)(void *opaque, uint16_t port, unsigned int size);
	void (*port_out)(void *opaque, uint16_t port, uint32_t data, unsigned int size);
	void *opaque;

	struct arena *arena; /* execute.c's own */
};

/* false: no memory for the code page. */
bool emulator_init(struct emulator *emulator);
enum emulator_result emulator_step(struct emulator *emulator, const uint8_t *bytes,
				   unsigned int count);

#endif
