/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes the instructions of the allow-list that have a memory operand (AMD64 APM 3; Intel SDM 2, 2.1).
 * What is not listed is EMULATOR_UNKNOWN: never guessed.  The list of VEX forms is in vex.c.
 */
#include <string.h>
#include "instruction.h"

#define R    FORM_READ
#define W    FORM_WRITE
#define RW   (FORM_READ | FORM_WRITE)
#define REG  FORM_REGISTER
#define BREG (FORM_REGISTER | FORM_BYTE)

static unsigned int one_byte(uint8_t opcode, unsigned int reg)
{
	bool byte = !(opcode & 1);
	unsigned int size = byte ? SIZE_1 : SIZE_V, gpr = byte ? BREG : REG;

	if (opcode < 0x40 && (opcode & 7) < 4) { /* add or adc sbb and sub xor cmp */
		bool compare = opcode >> 3 == 7, to_register = opcode & 2;

		if (to_register || compare)
			return FORM(R | gpr, size, NONE);
		return FORM(RW | gpr | FORM_LOCK, size, NONE);
	}
	switch (opcode) {
	case 0x63: /* movsxd, in 64-bit code */
		return FORM(R | REG, SIZE_4, NONE);
	case 0x69:
		return FORM(R | REG, SIZE_V, IMM_V);
	case 0x6b:
		return FORM(R | REG, SIZE_V, IMM_1);
	case 0x80:
	case 0x81:
	case 0x83:
		return FORM((reg == 7 ? R : RW | FORM_LOCK), size, opcode == 0x81 ? IMM_V : IMM_1);
	case 0x84:
	case 0x85:
		return FORM(R | gpr, size, NONE);
	case 0x86:
	case 0x87:
		return FORM(RW | gpr | FORM_LOCK, size, NONE);
	case 0x88:
	case 0x89:
		return FORM(W | gpr, size, NONE);
	case 0x8a:
	case 0x8b:
		return FORM(R | gpr, size, NONE);
	case 0x8f:
		return reg == 0 ? FORM(W | FORM_STACK, SIZE_V, NONE) : 0;
	case 0xa0:
	case 0xa1:
		return FORM(R | FORM_MOFFS, size, NONE);
	case 0xa2:
	case 0xa3:
		return FORM(W | FORM_MOFFS, size, NONE);
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f: /* ins outs */
	case 0xa4:
	case 0xa5:
	case 0xa6:
	case 0xa7: /* movs cmps */
	case 0xaa:
	case 0xab:
	case 0xac:
	case 0xad:
	case 0xae:
	case 0xaf: /* stos lods scas */
		return FORM(FORM_STRING, size, NONE);
	case 0xc0:
	case 0xc1:
		return FORM(RW, size, IMM_1);
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return FORM(RW, size, NONE);
	case 0xc6:
	case 0xc7:
		return reg == 0 ? FORM(W, size, byte ? IMM_1 : IMM_V) : 0;
	case 0xf6:
	case 0xf7:
		if (reg < 2)
			return FORM(R, size, byte ? IMM_1 : IMM_V);
		if (reg < 4)
			return FORM(RW | FORM_LOCK, size, NONE);
		return reg < 6 ? FORM(R, size, NONE)
			       : 0; /* mul imul; a division may fault: not listed */
	case 0xfe:
	case 0xff:
		if (reg < 2)
			return FORM(RW | FORM_LOCK, size, NONE);
		return opcode == 0xff && reg == 6 ? FORM(R | FORM_STACK, SIZE_V, NONE) : 0;
	}
	return 0;
}

static unsigned int vector(unsigned int access, unsigned int size)
{
	return FORM(access | FORM_VECTOR | FORM_PREFIX, size, NONE);
}

/* Opcodes after 0F whose meaning hangs on the prefix; prefix: 0, 0x66, 0xF2, 0xF3. */
static unsigned int two_byte_vector(uint8_t opcode, uint8_t prefix)
{
	unsigned int scalar = prefix == 0xf3 ? SIZE_4 : prefix == 0xf2 ? SIZE_8 : SIZE_16;
	bool packed = prefix == 0 || prefix == 0x66;

	switch (opcode) {
	case 0x0d:
	case 0x18: /* prefetch: nothing to do, as with clflush */
		return vector(0, SIZE_0);
	case 0x10:
		return vector(R, scalar);
	case 0x11:
		return vector(W, scalar);
	case 0x12:
	case 0x16:
		return packed ? vector(R, SIZE_8) : 0;
	case 0x13:
	case 0x17:
		return packed ? vector(W, SIZE_8) : 0;
	case 0x28:
		return packed ? vector(R | FORM_ALIGNED, SIZE_16) : 0;
	case 0x29:
	case 0x2b:
		return packed ? vector(W | FORM_ALIGNED, SIZE_16) : 0;
	case 0x6e:
		return packed ? vector(R, SIZE_Y) : 0;
	case 0x7e:
		return prefix == 0xf3 ? vector(R, SIZE_8) : packed ? vector(W, SIZE_Y) : 0;
	case 0x6f:
		return prefix == 0x66	? vector(R | FORM_ALIGNED, SIZE_16)
		       : prefix == 0xf3 ? vector(R, SIZE_16)
		       : prefix == 0	? vector(R, SIZE_8)
					: 0;
	case 0x7f:
		return prefix == 0x66	? vector(W | FORM_ALIGNED, SIZE_16)
		       : prefix == 0xf3 ? vector(W, SIZE_16)
		       : prefix == 0	? vector(W, SIZE_8)
					: 0;
	case 0xd6:
		return prefix == 0x66 ? vector(W, SIZE_8) : 0;
	case 0xe7:
		return prefix == 0x66 ? vector(W | FORM_ALIGNED, SIZE_16)
		       : prefix == 0  ? vector(W, SIZE_8)
				      : 0;
	case 0xf0:
		return prefix == 0xf2 ? vector(R, SIZE_16) : 0;
	}
	return 0;
}

static unsigned int two_byte(uint8_t opcode, unsigned int reg, uint8_t prefix)
{
	bool byte = !(opcode & 1);
	unsigned int size = byte ? SIZE_1 : SIZE_V, gpr = byte ? BREG : REG;

	switch (opcode) {
	case 0x40 ... 0x4f: /* cmov: reads in any case */
		return FORM(R | REG, SIZE_V, NONE);
	case 0x90 ... 0x9f:
		return FORM(W, SIZE_1, NONE);
	case 0xa3:
		return FORM(R | REG | FORM_BITS, SIZE_V, NONE);
	case 0xab:
	case 0xb3:
	case 0xbb:
		return FORM(RW | REG | FORM_BITS | FORM_LOCK, SIZE_V, NONE);
	case 0xa4:
	case 0xac:
		return FORM(RW | REG, SIZE_V, IMM_1);
	case 0xa5:
	case 0xad:
		return FORM(RW | REG, SIZE_V, NONE);
	case 0xae: /* clflush clflushopt clwb: of the buffer in place of the operand */
		return (reg == 7 && prefix != 0xf3 && prefix != 0xf2) ||
				       (reg == 6 && prefix == 0x66)
			       ? vector(0, SIZE_0)
			       : 0;
	case 0xaf:
		return FORM(R | REG, SIZE_V, NONE);
	case 0xb0:
	case 0xb1:
	case 0xc0:
	case 0xc1: /* cmpxchg xadd */
		return FORM(RW | gpr | FORM_LOCK, size, NONE);
	case 0xb6:
	case 0xbe:
		return FORM(R | REG, SIZE_1, NONE);
	case 0xb7:
	case 0xbf:
		return FORM(R | REG, SIZE_2, NONE);
	case 0xb8:
		return prefix == 0xf3 ? FORM(R | REG | FORM_PREFIX, SIZE_V, NONE) : 0;
	case 0xba:
		return reg < 4 ? 0 : FORM((reg == 4 ? R : RW | FORM_LOCK), SIZE_V, IMM_1);
	case 0xbc:
	case 0xbd:
		return FORM(R | REG | FORM_PREFIX, SIZE_V, NONE);
	case 0xc3:
		return prefix == 0 ? FORM(W | REG, SIZE_Y, NONE) : 0;
	case 0xc7:
		return reg == 1 ? FORM(RW | FORM_LOCK, SIZE_2Y, NONE) : 0;
	}
	return two_byte_vector(opcode, prefix);
}

static unsigned int three_byte(uint8_t opcode, uint8_t prefix)
{
	switch (opcode) {
	case 0x2a: /* movntdqa */
		return prefix == 0x66 ? vector(R | FORM_ALIGNED, SIZE_16) : 0;
	case 0xf0:
	case 0xf1:
		if (prefix == 0xf2) /* crc32: the register is never 8-bit */
			return FORM(R | REG | FORM_PREFIX, opcode == 0xf0 ? SIZE_1 : SIZE_V, NONE);
		return FORM((opcode == 0xf0 ? R : W) | REG, SIZE_V, NONE);
	}
	return 0;
}

struct cursor {
	const uint8_t *bytes;
	unsigned int at, count;
};

static bool take(struct cursor *cursor, void *to, unsigned int size)
{
	if (cursor->at + size > cursor->count)
		return false;
	memcpy(to, cursor->bytes + cursor->at, size);
	cursor->at += size;
	return true;
}

static bool take_prefixes(struct cursor *cursor, struct instruction *i, bool *address_prefix,
			  bool long_mode)
{
	uint8_t byte;

	i->segment = 0xff;
	while (take(cursor, &byte, 1)) {
		if (long_mode && (byte & 0xf0) == 0x40) {
			i->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			if (!long_mode)
				i->segment = byte >> 3 & 3;
			break;
		case 0x64:
		case 0x65:
			i->segment = byte - 0x64 + SEGMENT_FS;
			break;
		case 0x66:
			i->operand_prefix = true;
			break;
		case 0x67:
			*address_prefix = true;
			break;
		case 0xf0:
			i->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			i->repeat = byte;
			break;
		default:
			i->opcode = byte;
			return true;
		}
		i->rex = 0; /* only the last byte before the opcode is a REX */
	}
	return false;
}

static bool offset_16(const struct emulator *e, struct instruction *i, struct cursor *cursor,
		      bool *stack)
{
	static const int8_t base[8] = { 3, 3, 5, 5, 6, 7, 5, 3 },
			    index[8] = { 6, 7, 6, 7, -1, -1, -1, -1 };
	unsigned int mod = i->modrm >> 6, rm = i->modrm & 7;
	int8_t displacement8 = 0;
	int16_t displacement = 0;
	bool direct = mod == 0 && rm == 6;

	if (mod == 1 && !take(cursor, &displacement8, 1))
		return false;
	if ((mod == 2 || direct) && !take(cursor, &displacement, 2))
		return false;
	i->offset = (uint64_t)(displacement + displacement8);
	if (!direct)
		i->offset += e->gpr[base[rm]] + (index[rm] < 0 ? 0 : e->gpr[index[rm]]);
	*stack = !direct && base[rm] == 5;
	return true;
}

/* RIP-relative offsets are completed when the length is known: *relative. */
static bool offset_32(const struct emulator *e, struct instruction *i, struct cursor *cursor,
		      bool *stack, bool *relative)
{
	unsigned int mod = i->modrm >> 6, rm = i->modrm & 7, base = rm, index;
	bool no_base = mod == 0 && rm == 5;
	int8_t displacement8 = 0;
	int32_t displacement = 0;
	uint8_t sib = 0;

	if (rm == 4) {
		if (!take(cursor, &sib, 1))
			return false;
		base = sib & 7;
		no_base = mod == 0 && base == 5;
	}
	if (mod == 1 && !take(cursor, &displacement8, 1))
		return false;
	if ((mod == 2 || no_base) && !take(cursor, &displacement, 4))
		return false;
	i->offset = (uint64_t)(int64_t)displacement + (uint64_t)(int64_t)displacement8;
	if (rm == 4) {
		index = (sib >> 3 & 7) | (i->rex & REX_X ? 8 : 0);
		if (index != 4)
			i->offset += e->gpr[index] << (sib >> 6);
	}
	if (!no_base)
		i->offset += e->gpr[base | (i->rex & REX_B ? 8 : 0)];
	else
		*relative = rm == 5 && e->code_bits == 64;
	*stack = !no_base && !(i->rex & REX_B) && (base == 4 || base == 5);
	return true;
}

static uint8_t size_bytes(const struct instruction *i, unsigned int size)
{
	static const uint8_t fixed[] = { 0, 1, 2, 4, 8, 16 };

	switch (size) {
	case SIZE_L:
		return i->vex_last & VEX_L ? 32 : 16;
	case SIZE_V:
		return i->operand_size;
	case SIZE_Y:
		return i->rex & REX_W ? 8 : 4;
	case SIZE_2Y:
		return i->rex & REX_W ? 16 : 8;
	}
	return fixed[size];
}

uint64_t linear_address(const struct emulator *emulator, unsigned int segment, uint64_t offset)
{
	if (emulator->code_bits == 64)
		return offset + (segment >= SEGMENT_FS ? emulator->segment_base[segment] : 0);
	return (offset + emulator->segment_base[segment]) & 0xffffffff;
}

/* The bit offset of bt, bts, btr, btc in a register is signed and reaches beyond the operand. */
static uint64_t bit_displacement(const struct emulator *e, const struct instruction *i)
{
	uint64_t value = e->gpr[(i->modrm >> 3 & 7) | (i->rex & REX_R ? 8 : 0)];
	int64_t bit = i->operand_size == 8   ? (int64_t)value
		      : i->operand_size == 4 ? (int32_t)value
					     : (int16_t)value;

	return (uint64_t)((bit >> (i->operand_size == 8	  ? 6
				   : i->operand_size == 4 ? 5
							  : 4)) *
			  i->operand_size);
}

/* In 32-bit code these are LES and LDS, unless the next byte would name a register. */
static bool is_vex(const struct emulator *e, const struct instruction *i,
		   const struct cursor *cursor)
{
	if ((i->opcode & 0xfe) != 0xc4 || e->code_bits == 16)
		return false;
	return e->code_bits == 64 ||
	       (cursor->at < cursor->count && cursor->bytes[cursor->at] >= 0xc0);
}

/* What the prefix's bytes say in place of REX, 0F and the like (Intel SDM 2, 2.3.5); then comes the opcode. */
static bool take_vex(struct instruction *i, struct cursor *cursor, bool long_mode)
{
	uint8_t bytes[2] = { 0, 0 };

	i->vex = i->opcode;
	if (!take(cursor, bytes, 1) || (i->vex == 0xc4 && !take(cursor, bytes + 1, 1)))
		return false;
	i->map = i->vex == 0xc4 ? bytes[0] & 0x1f : 1;
	i->vex_last = i->vex == 0xc4 ? bytes[1] : bytes[0] & 0x7f;
	i->rex = (uint8_t)((~bytes[0] >> 5 & (i->vex == 0xc4 ? REX_R | REX_X | REX_B : REX_R)) |
			   (i->vex_last & VEX_W ? REX_W : 0));
	if (!long_mode) { /* there are eight registers, and W means nothing */
		i->vex_last = (uint8_t)((i->vex_last | 0x40) & ~VEX_W);
		i->rex = 0;
	}
	return take(cursor, &i->opcode, 1);
}

enum emulator_result decode(const struct emulator *e, const uint8_t *bytes, unsigned int count,
			    struct instruction *i)
{
	struct cursor cursor = { bytes, 0, count < EMULATOR_LONGEST ? count : EMULATOR_LONGEST };
	bool long_mode = e->code_bits == 64, address_prefix = false, stack = false,
	     relative = false;
	unsigned int reg = 0;
	uint8_t prefix;

	/* An instruction cut short at the longest length is not an instruction. */
	enum emulator_result cut = count >= EMULATOR_LONGEST ? EMULATOR_PROTECTION : EMULATOR_SHORT;

	memset(i, 0, sizeof(*i));
	if (!take_prefixes(&cursor, i, &address_prefix, long_mode))
		return cut;
	if (is_vex(e, i, &cursor)) {
		if (!e->avx || i->lock || i->repeat || i->operand_prefix || i->rex)
			return EMULATOR_UNDEFINED;
		if (!take_vex(i, &cursor, long_mode))
			return cut;
	} else if (i->opcode == 0x0f) {
		i->map = 1;
		if (!take(&cursor, &i->opcode, 1))
			return cut;
		if (i->opcode == 0x38) {
			i->map = 2;
			if (!take(&cursor, &i->opcode, 1))
				return cut;
		}
	}
	if (i->rex & REX_W)
		i->operand_size = 8;
	else
		i->operand_size = i->operand_prefix == (e->code_bits == 16) ? 4 : 2;
	i->address_size = long_mode				   ? (address_prefix ? 4 : 8)
			  : address_prefix == (e->code_bits == 16) ? 4
								   : 2;

	if (cursor.at < cursor.count)
		reg = bytes[cursor.at] >> 3 & 7;
	prefix = i->repeat ? i->repeat : i->operand_prefix ? 0x66 : 0;
	i->form = i->vex	? vex_form(i)
		  : i->map == 0 ? one_byte(i->opcode, reg)
		  : i->map == 1 ? two_byte(i->opcode, reg, prefix)
				: three_byte(i->opcode, prefix);
	if (!i->form || (i->map == 0 && i->opcode == 0x63 && !long_mode))
		return EMULATOR_UNKNOWN;
	if ((i->form & FORM_AVX2) && !e->avx2)
		return EMULATOR_UNDEFINED;
	i->memory_size = size_bytes(i, i->form >> 16 & 0xff);
	if ((i->form & FORM_STACK) && long_mode && i->operand_size == 4)
		i->memory_size = 8; /* the stack knows no 32-bit push there */
	i->immediate_size = i->form >> 24 == IMM_1   ? 1
			    : i->form >> 24 == IMM_V ? (i->operand_size == 2 ? 2 : 4)
						     : 0;

	if (i->form & FORM_MOFFS) {
		if (!take(&cursor, &i->offset, i->address_size))
			return cut;
	} else if (!(i->form & FORM_STRING)) {
		if (!take(&cursor, &i->modrm, 1))
			return cut;
		if (i->modrm >> 6 == 3)
			return EMULATOR_UNKNOWN; /* no memory operand: not an access of ours */
		if (!(i->address_size == 2 ? offset_16(e, i, &cursor, &stack)
					   : offset_32(e, i, &cursor, &stack, &relative)))
			return cut;
	}
	if (!take(&cursor, i->immediate, i->immediate_size))
		return cut;
	i->length = cursor.at;
	if (i->lock && !(i->form & FORM_LOCK))
		return EMULATOR_UNDEFINED;
	if (relative)
		i->offset += e->rip + i->length;
	if (i->form & FORM_BITS)
		i->offset += bit_displacement(e, i);
	i->offset &= size_mask(i->address_size);
	if (i->segment == 0xff)
		i->segment = stack ? SEGMENT_SS : SEGMENT_DS;
	i->linear = linear_address(e, i->segment, i->offset);
	if ((i->form & FORM_ALIGNED) && i->linear % i->memory_size)
		return EMULATOR_PROTECTION;
	return EMULATOR_DONE;
}
