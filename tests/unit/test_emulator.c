/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction emulator against this processor: every form of the allow-list runs natively on real
 * memory and in the emulator on a copy; registers, flags, vector registers and memory must agree.
 */
#include "emulator_world.h"

static bool writable_memory(void *opaque, uint64_t linear, unsigned int size)
{
	(void)opaque;
	return in_window(linear, size);
}

static unsigned int port_accesses;

static uint32_t port_in(void *opaque, uint16_t port, unsigned int size)
{
	(void)opaque;
	(void)size;
	return port + 0x11u * port_accesses++;
}

static void port_out(void *opaque, uint16_t port, uint32_t data, unsigned int size)
{
	(void)opaque;
	(void)port;
	(void)data;
	(void)size;
	port_accesses++;
}

static uint8_t fxsave[512] __attribute__((aligned(16))),
	native_fxsave[512] __attribute__((aligned(16)));

static void setup(void)
{
	emulator_world();
	emulator.fpu = fxsave;
	emulator.writable = writable_memory;
	emulator.port_in = port_in;
	emulator.port_out = port_out;
}

/* Bytes with the marks of an instruction's operand: [mod rm] is appended by the test. */
struct form {
	const char *name;
	uint8_t prefixes[3], prefix_count;
	uint8_t opcode[3], opcode_count;
	int8_t group;		 /* ModRM.reg that belongs to the opcode, or -1: any register */
	uint8_t immediate;	 /* bytes; 0xff: by operand size, 2 or 4 */
	bool byte, wide, vector; /* 8-bit register; REX.W makes sense; XMM register */
};

#define F(...)              \
	{                   \
		__VA_ARGS__ \
	}
#define ALU(name, op)                                                                          \
	F(name " rm8,r8", { 0 }, 0, { (op) }, 1, -1, 0, true, false, false),                   \
		F(name " rm,r", { 0 }, 0, { (op) + 1 }, 1, -1, 0, false, true, false),         \
		F(name " r8,rm8", { 0 }, 0, { (op) + 2 }, 1, -1, 0, true, false, false),       \
		F(name " r,rm", { 0 }, 0, { (op) + 3 }, 1, -1, 0, false, true, false),         \
		F(name " rm8,imm8", { 0 }, 0, { 0x80 }, 1, (op) >> 3, 1, true, false, false),  \
		F(name " rm,imm", { 0 }, 0, { 0x81 }, 1, (op) >> 3, 0xff, false, true, false), \
		F(name " rm,imm8", { 0 }, 0, { 0x83 }, 1, (op) >> 3, 1, false, true, false)
#define SHIFT(name, reg)                                                              \
	F(name " rm8,imm", { 0 }, 0, { 0xc0 }, 1, reg, 1, true, false, false),        \
		F(name " rm,imm", { 0 }, 0, { 0xc1 }, 1, reg, 1, false, true, false), \
		F(name " rm8,1", { 0 }, 0, { 0xd0 }, 1, reg, 0, true, false, false),  \
		F(name " rm,1", { 0 }, 0, { 0xd1 }, 1, reg, 0, false, true, false),   \
		F(name " rm8,cl", { 0 }, 0, { 0xd2 }, 1, reg, 0, true, false, false), \
		F(name " rm,cl", { 0 }, 0, { 0xd3 }, 1, reg, 0, false, true, false)
#define ONE(name, op, group, imm, byte, wide) \
	F(name, { 0 }, 0, { op }, 1, group, imm, byte, wide, false)
#define TWO(name, op, group, imm, byte, wide) \
	F(name, { 0 }, 0, { 0x0f, op }, 2, group, imm, byte, wide, false)
#define SSE(name, count, prefix, op, wide) \
	F(name, { prefix }, count, { 0x0f, op }, 2, -1, 0, false, wide, true)

static const struct form forms[] = {
	ALU("add", 0x00),
	ALU("or", 0x08),
	ALU("adc", 0x10),
	ALU("sbb", 0x18),
	ALU("and", 0x20),
	ALU("sub", 0x28),
	ALU("xor", 0x30),
	ALU("cmp", 0x38),
	SHIFT("rol", 0),
	SHIFT("ror", 1),
	SHIFT("rcl", 2),
	SHIFT("rcr", 3),
	SHIFT("shl", 4),
	SHIFT("shr", 5),
	SHIFT("sar", 7),
	ONE("movsxd", 0x63, -1, 0, false, true),
	ONE("imul r,rm,imm", 0x69, -1, 0xff, false, true),
	ONE("imul r,rm,imm8", 0x6b, -1, 1, false, true),
	ONE("test rm8,r8", 0x84, -1, 0, true, false),
	ONE("test rm,r", 0x85, -1, 0, false, true),
	ONE("xchg rm8,r8", 0x86, -1, 0, true, false),
	ONE("xchg rm,r", 0x87, -1, 0, false, true),
	ONE("mov rm8,r8", 0x88, -1, 0, true, false),
	ONE("mov rm,r", 0x89, -1, 0, false, true),
	ONE("mov r8,rm8", 0x8a, -1, 0, true, false),
	ONE("mov r,rm", 0x8b, -1, 0, false, true),
	ONE("mov rm8,imm", 0xc6, 0, 1, true, false),
	ONE("mov rm,imm", 0xc7, 0, 0xff, false, true),
	ONE("test rm8,imm", 0xf6, 0, 1, true, false),
	ONE("test rm,imm", 0xf7, 0, 0xff, false, true),
	ONE("not rm8", 0xf6, 2, 0, true, false),
	ONE("not rm", 0xf7, 2, 0, false, true),
	ONE("neg rm8", 0xf6, 3, 0, true, false),
	ONE("neg rm", 0xf7, 3, 0, false, true),
	ONE("mul rm8", 0xf6, 4, 0, true, false),
	ONE("mul rm", 0xf7, 4, 0, false, true),
	ONE("imul rm8", 0xf6, 5, 0, true, false),
	ONE("imul rm", 0xf7, 5, 0, false, true),
	ONE("inc rm8", 0xfe, 0, 0, true, false),
	ONE("inc rm", 0xff, 0, 0, false, true),
	ONE("dec rm8", 0xfe, 1, 0, true, false),
	ONE("dec rm", 0xff, 1, 0, false, true),
	TWO("cmovc", 0x42, -1, 0, false, true),
	TWO("cmovz", 0x44, -1, 0, false, true),
	TWO("cmovs", 0x48, -1, 0, false, true),
	TWO("setc", 0x92, 0, 0, true, false),
	TWO("setz", 0x94, 0, 0, true, false),
	TWO("setle", 0x9e, 0, 0, true, false),
	TWO("shld imm", 0xa4, -1, 1, false, true),
	TWO("shld cl", 0xa5, -1, 0, false, true),
	TWO("shrd imm", 0xac, -1, 1, false, true),
	TWO("shrd cl", 0xad, -1, 0, false, true),
	TWO("imul r,rm", 0xaf, -1, 0, false, true),
	TWO("cmpxchg8", 0xb0, -1, 0, true, false),
	TWO("cmpxchg", 0xb1, -1, 0, false, true),
	TWO("movzx r,rm8", 0xb6, -1, 0, false, true),
	TWO("movzx r,rm16", 0xb7, -1, 0, false, true),
	TWO("movsx r,rm8", 0xbe, -1, 0, false, true),
	TWO("movsx r,rm16", 0xbf, -1, 0, false, true),
	TWO("bt imm", 0xba, 4, 1, false, true),
	TWO("bts imm", 0xba, 5, 1, false, true),
	TWO("btr imm", 0xba, 6, 1, false, true),
	TWO("btc imm", 0xba, 7, 1, false, true),
	TWO("xadd8", 0xc0, -1, 0, true, false),
	TWO("xadd", 0xc1, -1, 0, false, true),
	TWO("movnti", 0xc3, -1, 0, false, true),
	TWO("cmpxchg8b", 0xc7, 1, 0, false, true),
	TWO("prefetcht0", 0x18, 1, 0, true, false),
	TWO("prefetchw", 0x0d, 1, 0, true, false),
	TWO("clflush", 0xae, 7, 0, true, false),
	F("movntdqa", { 0x66 }, 1, { 0x0f, 0x38, 0x2a }, 3, -1, 0, false, false, true),
	F("popcnt", { 0xf3 }, 1, { 0x0f, 0xb8 }, 2, -1, 0, false, true, false),
	F("crc32 8", { 0xf2 }, 1, { 0x0f, 0x38, 0xf0 }, 3, -1, 0, false, true, false),
	F("crc32", { 0xf2 }, 1, { 0x0f, 0x38, 0xf1 }, 3, -1, 0, false, true, false),
	F("movbe r,m", { 0 }, 0, { 0x0f, 0x38, 0xf0 }, 3, -1, 0, false, true, false),
	F("movbe m,r", { 0 }, 0, { 0x0f, 0x38, 0xf1 }, 3, -1, 0, false, true, false),
	SSE("movups r,m", 0, 0, 0x10, false),
	SSE("movss r,m", 1, 0xf3, 0x10, false),
	SSE("movsd r,m", 1, 0xf2, 0x10, false),
	SSE("movupd m,r", 1, 0x66, 0x11, false),
	SSE("movss m,r", 1, 0xf3, 0x11, false),
	SSE("movsd m,r", 1, 0xf2, 0x11, false),
	SSE("movlps r,m", 0, 0, 0x12, false),
	SSE("movlps m,r", 0, 0, 0x13, false),
	SSE("movhpd r,m", 1, 0x66, 0x16, false),
	SSE("movhps m,r", 0, 0, 0x17, false),
	SSE("movaps r,m", 0, 0, 0x28, false),
	SSE("movapd m,r", 1, 0x66, 0x29, false),
	SSE("movntps", 0, 0, 0x2b, false),
	SSE("movd r,m", 1, 0x66, 0x6e, true),
	SSE("movd m,r", 1, 0x66, 0x7e, true),
	SSE("movq r,m", 1, 0xf3, 0x7e, false),
	SSE("movdqa r,m", 1, 0x66, 0x6f, false),
	SSE("movdqu r,m", 1, 0xf3, 0x6f, false),
	SSE("movdqa m,r", 1, 0x66, 0x7f, false),
	SSE("movdqu m,r", 1, 0xf3, 0x7f, false),
	SSE("movq m,r", 1, 0x66, 0xd6, false),
	SSE("movntdq", 1, 0x66, 0xe7, false),
	SSE("lddqu", 1, 0xf2, 0xf0, false),
	SSE("movq mm,m", 0, 0, 0x6f, false),
	SSE("movq m,mm", 0, 0, 0x7f, false),
};

/* Runs bytes natively with all registers but RSP. */
static void run_natively(const uint8_t *bytes, unsigned int length, uint64_t *gpr, uint64_t *flags)
{
	uint8_t host[512] __attribute__((aligned(16)));

	memcpy(code_write, bytes, length);
	code_write[length] = 0xc3;
	asm volatile("fxsave64 %0" : "=m"(host));
	asm volatile("fxrstor64 %0" : : "m"(native_fxsave));
	emulator_call(gpr, flags, code_execute);
	asm volatile("fxsave64 %0" : "=m"(native_fxsave));
	asm volatile("fxrstor64 %0" : : "m"(host));
}

static void random_state(uint64_t *gpr, uint64_t *flags)
{
	unsigned int n;

	for (n = 0; n < 16; n++)
		gpr[n] = rnd() >> (rnd() & 0x30);
	for (n = 0; n < WINDOW; n += 8)
		*(uint64_t *)(memory + n) = rnd();
	for (n = 160; n < 416; n++)
		native_fxsave[n] = (uint8_t)rnd();
	*flags = (rnd() & ARITHMETIC_FLAGS) | 0x202;
}

/* x87 and MMX state in the FXSAVE image beside the registers (pointers, reserved) is left to the processor. */
static void expect_same(const char *name, const uint64_t *gpr, uint64_t flags)
{
	unsigned int n;

	for (n = 0; n < 16; n++)
		if (n != RSP)
			ck_assert_msg(gpr[n] == emulator.gpr[n],
				      "%s: register %u is %lx, the processor has %lx", name, n,
				      emulator.gpr[n], gpr[n]);
	ck_assert_msg((flags & ARITHMETIC_FLAGS) == (emulator.rflags & ARITHMETIC_FLAGS),
		      "%s: flags %lx, the processor has %lx", name, emulator.rflags, flags);
	ck_assert_msg(!memcmp(memory, shadow, WINDOW), "%s: memory differs", name);
	ck_assert_msg(!memcmp(fxsave + 32, native_fxsave + 32, 416 - 32),
		      "%s: vector registers differ", name);
}

static const struct {
	const char *name;
	uint8_t prefix;
} widths[] = { { "", 0 }, { "16 ", 0x66 }, { "64 ", 0x48 } };

static unsigned int forms_run;

static void try_form(const struct form *form, unsigned int width, unsigned int round)
{
	uint8_t bytes[16], reg = form->group >= 0 ? (uint8_t)form->group : rnd() & 7, rex = 0;
	uint64_t gpr[16], flags, before[16];
	unsigned int n = 0, base = round & 1 ? 6 : 13, i, immediate; /* RSI or R13 */
	char name[64];

	snprintf(name, sizeof(name), "%s%s", widths[width].name, form->name);
	for (i = 0; i < form->prefix_count; i++)
		bytes[n++] = form->prefixes[i];
	if (widths[width].prefix == 0x66)
		bytes[n++] = 0x66;
	if (widths[width].prefix == 0x48)
		rex |= 0x48;
	if (base == 13)
		rex |= 0x41;
	if (form->group < 0 && (rnd() & 1) && !(form->vector && form->prefix_count == 0))
		rex |= 0x44;
	/* RSP as a register operand cannot be compared: here it is the test's own. Nor is the base one, when written. */
	if (form->group < 0 && !form->vector && !(rex & 4) && reg == 4 && !(form->byte && !rex))
		reg = 2;
	if (rex)
		bytes[n++] = rex | 0x40;
	for (i = 0; i < form->opcode_count; i++)
		bytes[n++] = form->opcode[i];
	bytes[n++] = (uint8_t)(0x80u | (unsigned int)reg << 3 | (base & 7)); /* [base + disp32] */
	memcpy(bytes + n, &(int32_t){ 0x100 }, 4);
	n += 4;
	immediate = form->immediate == 0xff ? (widths[width].prefix == 0x66 ? 2 : 4)
					    : form->immediate;
	for (i = 0; i < immediate; i++)
		bytes[n++] = (uint8_t)rnd();

	random_state(gpr, &flags);
	gpr[base] =
		(uintptr_t)memory + 1024 - 0x100 + (round % 3 && !form->vector ? rnd() % 64 : 0);
	if (!strcmp(form->name, "cmpxchg8b"))
		gpr[base] &= ~15ull;
	memcpy(before, gpr, sizeof(gpr));
	memcpy(emulator.gpr, gpr, sizeof(gpr));
	memcpy(shadow, memory, WINDOW);
	memcpy(fxsave, native_fxsave, sizeof(fxsave));
	emulator.rflags = flags;
	emulator.rip = 0x1000;
	i = (unsigned int)emulator_step(&emulator, bytes, n);
	ck_assert_msg(i == EMULATOR_DONE, "%s: the emulator answers %u", name, i);
	ck_assert_msg(emulator.rip == 0x1000 + n, "%s: length %lu, not %u", name,
		      emulator.rip - 0x1000, n);
	run_natively(bytes, n, gpr, &flags);
	expect_same(name, gpr, flags);
	ck_assert(emulator.gpr[RSP] == before[RSP]);
	forms_run++;
}

START_TEST(every_form_agrees_with_the_processor)
{
	unsigned int f, width, round;

	memset(native_fxsave, 0, sizeof(native_fxsave));
	asm volatile("fxsave64 %0" : "=m"(native_fxsave));
	for (f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		for (width = 0; width < 3; width++) {
			if (width == 2 && !forms[f].wide)
				continue;
			if (width == 1 &&
			    (forms[f].byte || forms[f].vector || !strcmp(forms[f].name, "movsxd") ||
			     !strcmp(forms[f].name, "movnti")))
				continue;
			for (round = 0; round < 60; round++)
				try_form(&forms[f], width, round);
		}
	}
	ck_assert_uint_gt(forms_run, 250 * 60);
}
END_TEST

/* RSP as register operand, where another register stands in. */
START_TEST(stack_pointer_as_operand)
{
	static const uint8_t store[] = { 0x48, 0x89, 0x26 },
			     load[] = { 0x48, 0x8b, 0x26 }; /* mov [rsi],rsp; mov rsp,[rsi] */

	memset(shadow, 0x5a, WINDOW);
	emulator.gpr[RSI] = (uintptr_t)memory;
	emulator.gpr[RSP] = 0x123456789abcdef0;
	emulator.gpr[RBX] = 77;
	ck_assert_int_eq(emulator_step(&emulator, store, sizeof(store)), EMULATOR_DONE);
	ck_assert_uint_eq(*(uint64_t *)shadow, 0x123456789abcdef0);
	*(uint64_t *)shadow = 42;
	ck_assert_int_eq(emulator_step(&emulator, load, sizeof(load)), EMULATOR_DONE);
	ck_assert_uint_eq(emulator.gpr[RSP], 42);
	ck_assert_uint_eq(emulator.gpr[RBX], 77);
}
END_TEST

/* Strings: natively between two halves of the window, forward and backward, with and without REP. */
START_TEST(strings_agree_with_the_processor)
{
	static const uint8_t opcodes[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa,
					   0xab, 0xac, 0xad, 0xae, 0xaf };
	uint64_t gpr[16], flags;
	uint8_t bytes[4];
	unsigned int o, round, n;

	for (o = 0; o < sizeof(opcodes); o++) {
		for (round = 0; round < 300; round++) {
			n = 0;
			if (round % 3)
				bytes[n++] = round % 3 == 1 ? 0xf3 : 0xf2;
			/* F2 is not defined before movs, stos and lods */
			if (round % 3 == 2 && (opcodes[o] & 0xfe) != 0xa6 &&
			    (opcodes[o] & 0xfe) != 0xae)
				bytes[0] = 0xf3;
			if (round % 4 == 1)
				bytes[n++] = 0x66;
			if (round % 4 == 2)
				bytes[n++] = 0x48;
			bytes[n++] = opcodes[o];
			random_state(gpr, &flags);
			if (round & 1) /* long equal runs for the comparing ones */
				memset(memory, 0x11, WINDOW);
			memory[1024 + rnd() % 64] ^= 1;
			gpr[RAX] = round & 1 ? 0x1111111111111111 : gpr[RAX];
			gpr[RSI] = (uintptr_t)memory + 1024;
			gpr[RDI] = (uintptr_t)memory + 2048;
			gpr[RCX] = rnd() % 40;
			memcpy(emulator.gpr, gpr, sizeof(gpr));
			memcpy(shadow, memory, WINDOW);
			memcpy(fxsave, native_fxsave, sizeof(fxsave));
			if (round & 8)
				flags |= DF;
			emulator.rflags = flags;
			emulator.rip = 0;
			ck_assert_int_eq(emulator_step(&emulator, bytes, n), EMULATOR_DONE);
			ck_assert_uint_eq(emulator.rip, n);
			run_natively(bytes, n, gpr, &flags);
			asm volatile("cld");
			expect_same("string", gpr, flags);
		}
	}
}
END_TEST

START_TEST(long_repeats_come_back)
{
	static const uint8_t rep_stosb[] = { 0xf3, 0xaa };

	emulator.gpr[RDI] = (uintptr_t)memory;
	emulator.gpr[RCX] = REPEAT_MOST + 5;
	emulator.rip = 0x40;
	ck_assert_int_eq(emulator_step(&emulator, rep_stosb, 2), EMULATOR_AGAIN);
	ck_assert_uint_eq(emulator.rip, 0x40);
	ck_assert_uint_eq(emulator.gpr[RCX], 5);
	ck_assert_int_eq(emulator_step(&emulator, rep_stosb, 2), EMULATOR_DONE);
	ck_assert_uint_eq(emulator.rip, 0x42);
}
END_TEST

START_TEST(faults_leave_no_trace)
{
	static const uint8_t add[] = { 0x01, 0x06 }, movsb[] = { 0xf3, 0xa4 };
	uint64_t flags;

	emulator.gpr[RSI] = 0x10; /* no memory */
	emulator.rip = 7;
	emulator.rflags = flags = 0x202;
	ck_assert_int_eq(emulator_step(&emulator, add, 2), EMULATOR_FAULT);
	ck_assert_uint_eq(emulator.rip, 7);
	ck_assert_uint_eq(emulator.rflags, flags);
	/* A REP keeps its whole steps. */
	emulator.gpr[RSI] = (uintptr_t)memory + WINDOW - 3;
	emulator.gpr[RDI] = (uintptr_t)memory;
	emulator.gpr[RCX] = 10;
	ck_assert_int_eq(emulator_step(&emulator, movsb, 2), EMULATOR_FAULT);
	ck_assert_uint_eq(emulator.gpr[RCX], 7);
	ck_assert_uint_eq(emulator.rip, 7);
}
END_TEST

/* Port strings: for an exit of theirs only, and the port is not read when the write would fault. */
START_TEST(port_strings)
{
	static const uint8_t rep_insw[] = { 0xf3, 0x66, 0x6d }, outsb[] = { 0x6e },
			     movsb[] = { 0xa4 };

	port_accesses = 0;
	emulator.gpr[RDX] = 0x170;
	emulator.gpr[RSI] = (uintptr_t)memory;
	emulator.gpr[RDI] = (uintptr_t)memory + WINDOW - 5;
	emulator.gpr[RCX] = 4;
	emulator.rip = 7;
	ck_assert_int_eq(emulator_step(&emulator, rep_insw, 3), EMULATOR_AGAIN);
	ck_assert_int_eq(emulator_step(&emulator, outsb, 1), EMULATOR_AGAIN);
	ck_assert_uint_eq(port_accesses, 0);
	emulator.ports = true;
	ck_assert_int_eq(emulator_step(&emulator, movsb, 1), EMULATOR_AGAIN);
	ck_assert_uint_eq(emulator.rip, 7);
	ck_assert_int_eq(emulator_step(&emulator, rep_insw, 3), EMULATOR_FAULT);
	ck_assert_uint_eq(port_accesses, 2);
	ck_assert_uint_eq(emulator.gpr[RCX], 2);
	ck_assert_int_eq(memcmp(shadow + WINDOW - 5, "\x70\x01\x81\x01", 4), 0);
	ck_assert_int_eq(emulator_step(&emulator, outsb, 1), EMULATOR_DONE);
	ck_assert_uint_eq(port_accesses, 3);
	ck_assert_uint_eq(emulator.rip, 8);
}
END_TEST

START_TEST(refusals)
{
	static const uint8_t lock_mov[] = { 0xf0, 0x89, 0x06 }, div[] = { 0xf7, 0x36 },
			     lgdt[] = { 0x0f, 0x01, 0x16 }, fxsave_form[] = { 0x0f, 0xae, 0x06 },
			     movaps[] = { 0x0f, 0x28, 0x06 }, registers[] = { 0x89, 0xc0 };

	emulator.gpr[RSI] = (uintptr_t)memory + 8;
	ck_assert_int_eq(emulator_step(&emulator, lock_mov, 3), EMULATOR_UNDEFINED);
	ck_assert_int_eq(emulator_step(&emulator, div, 2), EMULATOR_UNKNOWN);
	ck_assert_int_eq(emulator_step(&emulator, lgdt, 3), EMULATOR_UNKNOWN);
	ck_assert_int_eq(emulator_step(&emulator, fxsave_form, 3), EMULATOR_UNKNOWN);
	ck_assert_int_eq(emulator_step(&emulator, movaps, 3), EMULATOR_PROTECTION);
	ck_assert_int_eq(emulator_step(&emulator, registers, 2), EMULATOR_UNKNOWN);
	ck_assert_int_eq(emulator_step(&emulator, movaps, 2), EMULATOR_SHORT);
}
END_TEST

/* Addresses that this processor cannot form in 64-bit mode, against the manual. */
START_TEST(addresses_of_16_and_32_bit_code)
{
	static const uint8_t bx_si[] = { 0x8a, 0x40, 0xff }, /* mov al,[bx+si-1] */
		bp[] = { 0x8a, 0x46, 0x02 },		     /* mov al,[bp+2] */
		direct[] = { 0x26, 0x8a, 0x06, 0x34, 0x12 }, /* mov al,es:[0x1234] */
		addr32[] = { 0x67, 0x8a, 0x44, 0x88, 0x04 }, /* mov al,[eax+ecx*4+4] */
		moffs[] = { 0xa0, 0x20, 0x00 };
	struct instruction i;
	struct emulator e = { .code_bits = 16, .stack_bits = 16 };

	e.segment_base[SEGMENT_DS] = 0x10000;
	e.segment_base[SEGMENT_SS] = 0x20000;
	e.segment_base[SEGMENT_ES] = 0x30000;
	e.gpr[RBX] = 0xffff;
	e.gpr[RSI] = 0x11;
	e.gpr[RBP] = 0xfffe;
	e.gpr[RAX] = 0x100000;
	e.gpr[RCX] = 3;
	ck_assert_int_eq(decode(&e, bx_si, sizeof(bx_si), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x1000f);
	ck_assert_int_eq(decode(&e, bp, sizeof(bp), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x20000);
	ck_assert_int_eq(decode(&e, direct, sizeof(direct), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x31234);
	ck_assert_int_eq(decode(&e, addr32, sizeof(addr32), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x110010);
	ck_assert_int_eq(decode(&e, moffs, sizeof(moffs), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x10020);
	ck_assert_uint_eq(i.length, 3);
}
END_TEST

START_TEST(rip_relative_counts_from_the_end)
{
	static const uint8_t mov[] = {
		0xc7, 0x05, 0x10, 0, 0, 0, 1, 2, 3, 4
	}; /* mov dword [rip+0x10],imm32 */
	struct instruction i;

	emulator.rip = 0x5000;
	ck_assert_int_eq(decode(&emulator, mov, sizeof(mov), &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x5000 + sizeof(mov) + 0x10);
}
END_TEST

START_TEST(push_of_memory)
{
	static const uint8_t push[] = { 0xff, 0x36 };

	emulator.gpr[RSI] = (uintptr_t)memory + 64;
	emulator.gpr[RSP] = (uintptr_t)memory + 512;
	*(uint64_t *)(shadow + 64) = 0x1122334455667788;
	ck_assert_int_eq(emulator_step(&emulator, push, 2), EMULATOR_DONE);
	ck_assert_uint_eq(emulator.gpr[RSP], (uintptr_t)memory + 504);
	ck_assert_uint_eq(*(uint64_t *)(shadow + 504), 0x1122334455667788);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emulator");
	TCase *tcase = tcase_create("against the processor");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_form_agrees_with_the_processor);
	tcase_add_test(tcase, stack_pointer_as_operand);
	tcase_add_test(tcase, strings_agree_with_the_processor);
	tcase_add_test(tcase, long_repeats_come_back);
	tcase_add_test(tcase, faults_leave_no_trace);
	tcase_add_test(tcase, port_strings);
	tcase_add_test(tcase, refusals);
	tcase_add_test(tcase, addresses_of_16_and_32_bit_code);
	tcase_add_test(tcase, rip_relative_counts_from_the_end);
	tcase_add_test(tcase, push_of_memory);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
