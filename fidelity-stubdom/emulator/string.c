/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instructions that are emulated in plain C: strings, moffs, push and pop of memory. */
#include <string.h>
#include "instruction.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

#define CF	    0x1ull
#define PF	    0x4ull
#define AF	    0x10ull
#define ZF	    0x40ull
#define SF	    0x80ull
#define DF	    0x400ull
#define OF	    0x800ull
#define REPEAT_MOST 1024 /* then let the caller look for events */

/* Writes a register as an instruction of that operand size does: 32 bits clear the upper half. */
void register_write(struct emulator *e, unsigned int number, uint64_t value, unsigned int size)
{
	if (size == 4)
		e->gpr[number] = (uint32_t)value;
	else
		e->gpr[number] = (e->gpr[number] & ~size_mask(size)) | (value & size_mask(size));
}

static void advance(struct emulator *e, const struct instruction *i, unsigned int number)
{
	uint64_t step = e->rflags & DF ? -(uint64_t)i->memory_size : i->memory_size;

	register_write(e, number, e->gpr[number] + step, i->address_size);
}

static uint64_t source(const struct emulator *e, const struct instruction *i)
{
	return linear_address(e, i->segment, e->gpr[RSI] & size_mask(i->address_size));
}

static uint64_t destination(const struct emulator *e, const struct instruction *i)
{
	return linear_address(e, SEGMENT_ES, e->gpr[RDI] & size_mask(i->address_size));
}

/* Flags of a - b. */
static void compare(struct emulator *e, uint64_t a, uint64_t b, unsigned int size)
{
	uint64_t mask = size_mask(size), sign = mask ^ mask >> 1, result;

	a &= mask;
	b &= mask;
	result = (a - b) & mask;
	e->rflags &= ~(CF | PF | AF | ZF | SF | OF);
	e->rflags |= (a < b ? CF : 0) | (__builtin_parity((unsigned int)result & 0xff) ? 0 : PF) |
		     ((a ^ b ^ result) & AF) | (result ? 0 : ZF) | (result & sign ? SF : 0) |
		     ((a ^ b) & (a ^ result) & sign ? OF : 0);
}

/* One step; false: a callback faulted and nothing has changed. */
static bool string_step(struct emulator *e, const struct instruction *i)
{
	uint64_t data = 0, other = 0;
	uint16_t port = (uint16_t)e->gpr[RDX];

	switch (i->opcode | 1) {
	case 0x6d: { /* ins: the port is read only once the write is sure not to fault */
		if (!e->writable(e->opaque, destination(e, i), i->memory_size))
			return false;
		data = e->port_in(e->opaque, port, i->memory_size);
		if (!e->write(e->opaque, destination(e, i), &data, i->memory_size))
			return false;
		advance(e, i, RDI);
		return true;
	}
	case 0x6f: /* outs */
		if (!e->read(e->opaque, source(e, i), &data, i->memory_size))
			return false;
		e->port_out(e->opaque, port, (uint32_t)data, i->memory_size);
		advance(e, i, RSI);
		return true;
	case 0xa5: /* movs */
		if (!e->read(e->opaque, source(e, i), &data, i->memory_size) ||
		    !e->write(e->opaque, destination(e, i), &data, i->memory_size))
			return false;
		advance(e, i, RSI);
		advance(e, i, RDI);
		return true;
	case 0xa7: /* cmps */
		if (!e->read(e->opaque, source(e, i), &data, i->memory_size) ||
		    !e->read(e->opaque, destination(e, i), &other, i->memory_size))
			return false;
		compare(e, data, other, i->memory_size);
		advance(e, i, RSI);
		advance(e, i, RDI);
		return true;
	case 0xab: /* stos */
		if (!e->write(e->opaque, destination(e, i), &e->gpr[RAX], i->memory_size))
			return false;
		advance(e, i, RDI);
		return true;
	case 0xad: /* lods */
		if (!e->read(e->opaque, source(e, i), &data, i->memory_size))
			return false;
		register_write(e, RAX, data, i->memory_size);
		advance(e, i, RSI);
		return true;
	case 0xaf: /* scas */
		if (!e->read(e->opaque, destination(e, i), &other, i->memory_size))
			return false;
		compare(e, e->gpr[RAX], other, i->memory_size);
		advance(e, i, RDI);
		return true;
	}
	return false;
}

bool is_port(const struct instruction *i)
{
	return (i->form & FORM_STRING) && (i->opcode & ~3u) == 0x6c;
}

enum emulator_result execute_string(struct emulator *e, const struct instruction *decoded)
{
	struct instruction i = *decoded;
	bool compares = (i.opcode | 1) == 0xa7 || (i.opcode | 1) == 0xaf;
	uint64_t mask = size_mask(i.address_size);
	unsigned int done;

	if (is_port(&i) && i.memory_size == 8)
		i.memory_size = 4;
	for (done = 0; done < REPEAT_MOST; done++) {
		if (i.repeat && !(e->gpr[RCX] & mask))
			break;
		if (!string_step(e, &i))
			return EMULATOR_FAULT;
		if (!i.repeat)
			break;
		register_write(e, RCX, e->gpr[RCX] - 1, i.address_size);
		if (compares && !!(e->rflags & ZF) != (i.repeat == 0xf3))
			break;
	}
	if (done == REPEAT_MOST)
		return EMULATOR_AGAIN;
	e->rip += i.length;
	return EMULATOR_DONE;
}

enum emulator_result execute_moffs(struct emulator *e, const struct instruction *i)
{
	uint64_t data = 0;

	if (i->form & FORM_WRITE) {
		if (!e->write(e->opaque, i->linear, &e->gpr[RAX], i->memory_size))
			return EMULATOR_FAULT;
	} else {
		if (!e->read(e->opaque, i->linear, &data, i->memory_size))
			return EMULATOR_FAULT;
		register_write(e, RAX, data, i->memory_size);
	}
	e->rip += i->length;
	return EMULATOR_DONE;
}

/*
 * push and pop of a memory operand.  A pop whose operand's address uses RSP counts with the RSP after
 * the pop; that form is left out.
 */
enum emulator_result execute_stack(struct emulator *e, const struct instruction *i)
{
	unsigned int width = e->stack_bits / 8, size = i->memory_size;
	uint64_t rsp = e->gpr[RSP],
		 top = (i->form & FORM_WRITE ? rsp : rsp - size) & size_mask(width), data = 0;
	uint64_t stack = linear_address(e, SEGMENT_SS, top);

	if (i->form & FORM_WRITE) {
		if ((i->modrm & 7) == 4)
			return EMULATOR_UNKNOWN;
		if (!e->read(e->opaque, stack, &data, size) ||
		    !e->write(e->opaque, i->linear, &data, size))
			return EMULATOR_FAULT;
		register_write(e, RSP, rsp + size, width);
	} else {
		if (!e->read(e->opaque, i->linear, &data, size) ||
		    !e->write(e->opaque, stack, &data, size))
			return EMULATOR_FAULT;
		register_write(e, RSP, top, width);
	}
	e->rip += i->length;
	return EMULATOR_DONE;
}
