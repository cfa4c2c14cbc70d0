/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoded instruction: what decode.c hands to execute.c and string.c. */
#ifndef INSTRUCTION_H
#define INSTRUCTION_H

#include "emulator.h"

#define FORM_READ     0x1u   /* the memory operand is read */
#define FORM_WRITE    0x2u   /* and written */
#define FORM_REGISTER 0x4u   /* ModRM.reg names a general register */
#define FORM_BYTE     0x8u   /* which is an 8-bit one */
#define FORM_LOCK     0x10u  /* LOCK is allowed */
#define FORM_VECTOR   0x20u  /* MMX or SSE registers take part */
#define FORM_PREFIX   0x40u  /* 66, F2, F3 belong to the opcode */
#define FORM_ALIGNED  0x80u  /* the operand must be aligned to its size */
#define FORM_BITS     0x100u /* ModRM.reg is a bit offset that reaches beyond the operand */
#define FORM_STRING   0x200u
#define FORM_MOFFS    0x400u
#define FORM_STACK    0x800u
#define FORM_AVX2     0x1000u /* of VEX forms: AVX is not enough */
#define FORM_KNOWN    0x8000u

/* Size of the memory operand: bytes, by operand size, by REX.W, twice that, by the vector's length */
enum size { SIZE_0, SIZE_1, SIZE_2, SIZE_4, SIZE_8, SIZE_16, SIZE_V, SIZE_Y, SIZE_2Y, SIZE_L };
enum immediate { NONE, IMM_1, IMM_V };

/* One packed word for a form: flags, operand size, immediate. */
#define FORM(flags, size, immediate) \
	(FORM_KNOWN | (flags) | (unsigned int)(size) << 16 | (unsigned int)(immediate) << 24)

struct instruction {
	unsigned int form;
	unsigned int length;
	uint8_t opcode;
	uint8_t map; /* 0, 1: after 0F, 2: after 0F 38, 3 (VEX only): after 0F 3A */
	uint8_t modrm;
	uint8_t rex;
	uint8_t repeat;	  /* 0, 0xF2, 0xF3 */
	uint8_t vex;	  /* 0, or the prefix's first byte */
	uint8_t vex_last; /* its last one: W, vvvv, L, pp; R, X, B and W are in rex too */
	bool lock, operand_prefix;
	uint8_t operand_size, address_size; /* bytes */
	uint8_t memory_size;		    /* of the memory operand */
	uint8_t segment;
	uint8_t immediate_size;
	uint8_t immediate[8];
	uint64_t offset; /* of the operand, before the segment's base */
	uint64_t linear;
};

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1
/* Of vex_last */
#define VEX_W	 0x80
#define VEX_VVVV 0x78
#define VEX_L	 4
#define VEX_PP	 3

unsigned int vex_form(const struct instruction *instruction);
bool is_port(const struct instruction *instruction);
enum emulator_result decode(const struct emulator *emulator, const uint8_t *bytes,
			    unsigned int count, struct instruction *instruction);
enum emulator_result execute_natively(struct emulator *emulator,
				      const struct instruction *instruction);
enum emulator_result execute_string(struct emulator *emulator,
				    const struct instruction *instruction);
enum emulator_result execute_moffs(struct emulator *emulator,
				   const struct instruction *instruction);
enum emulator_result execute_stack(struct emulator *emulator,
				   const struct instruction *instruction);

uint64_t linear_address(const struct emulator *emulator, unsigned int segment, uint64_t offset);
void register_write(struct emulator *emulator, unsigned int number, uint64_t value,
		    unsigned int size);

static inline uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

#endif
