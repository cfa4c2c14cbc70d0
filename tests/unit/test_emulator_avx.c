/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction emulator's VEX forms against this processor, and its list of them against a second one, row by row; SSE
 * forms where the upper halves of the registers are at stake.
 */
#include "emulator_world.h"

#define OPERAND	 1024 /* where the operand is in it */
#define XMM_AT	 160
#define HEADER	 512
#define UPPER_AT 576

enum { L0 = 1, L1 = 2, W0 = 1, W1 = 2, ANY = 3 };

static const struct row {
	const char *name;
	uint8_t map, opcode, pp, length,
		wide; /* pp as encoded; which of VEX.L and VEX.W there are */
	bool vvvv, immediate, avx2;
	uint8_t aligned; /* 0xff: to the vector */
} rows[] = {
	{ "vmovups r,m", 1, 0x10, 0, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovupd r,m", 1, 0x10, 1, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovss r,m", 1, 0x10, 2, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovsd r,m", 1, 0x10, 3, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovups m,r", 1, 0x11, 0, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovupd m,r", 1, 0x11, 1, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovss m,r", 1, 0x11, 2, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovsd m,r", 1, 0x11, 3, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovlps r,r,m", 1, 0x12, 0, L0, ANY, 1, 0, 0, 0 },
	{ "vmovlpd r,r,m", 1, 0x12, 1, L0, ANY, 1, 0, 0, 0 },
	{ "vmovlps m,r", 1, 0x13, 0, L0, ANY, 0, 0, 0, 0 },
	{ "vmovlpd m,r", 1, 0x13, 1, L0, ANY, 0, 0, 0, 0 },
	{ "vmovhps r,r,m", 1, 0x16, 0, L0, ANY, 1, 0, 0, 0 },
	{ "vmovhpd r,r,m", 1, 0x16, 1, L0, ANY, 1, 0, 0, 0 },
	{ "vmovhps m,r", 1, 0x17, 0, L0, ANY, 0, 0, 0, 0 },
	{ "vmovhpd m,r", 1, 0x17, 1, L0, ANY, 0, 0, 0, 0 },
	{ "vmovaps r,m", 1, 0x28, 0, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovapd r,m", 1, 0x28, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovaps m,r", 1, 0x29, 0, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovapd m,r", 1, 0x29, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovntps", 1, 0x2b, 0, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovntpd", 1, 0x2b, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovd/q r,m", 1, 0x6e, 1, L0, ANY, 0, 0, 0, 0 },
	{ "vmovdqa r,m", 1, 0x6f, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovdqu r,m", 1, 0x6f, 2, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovd/q m,r", 1, 0x7e, 1, L0, ANY, 0, 0, 0, 0 },
	{ "vmovq r,m", 1, 0x7e, 2, L0, ANY, 0, 0, 0, 0 },
	{ "vmovdqa m,r", 1, 0x7f, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vmovdqu m,r", 1, 0x7f, 2, ANY, ANY, 0, 0, 0, 0 },
	{ "vmovq m,r", 1, 0xd6, 1, L0, ANY, 0, 0, 0, 0 },
	{ "vmovntdq", 1, 0xe7, 1, ANY, ANY, 0, 0, 0, 0xff },
	{ "vlddqu", 1, 0xf0, 3, ANY, ANY, 0, 0, 0, 0 },
	{ "vbroadcastss", 2, 0x18, 1, ANY, W0, 0, 0, 0, 0 },
	{ "vbroadcastsd", 2, 0x19, 1, L1, W0, 0, 0, 0, 0 },
	{ "vbroadcastf128", 2, 0x1a, 1, L1, W0, 0, 0, 0, 0 },
	{ "vmovntdqa xmm", 2, 0x2a, 1, L0, ANY, 0, 0, 0, 0xff },
	{ "vmovntdqa ymm", 2, 0x2a, 1, L1, ANY, 0, 0, 1, 0xff },
	{ "vpbroadcastd", 2, 0x58, 1, ANY, W0, 0, 0, 1, 0 },
	{ "vpbroadcastq", 2, 0x59, 1, ANY, W0, 0, 0, 1, 0 },
	{ "vbroadcasti128", 2, 0x5a, 1, L1, W0, 0, 0, 1, 0 },
	{ "vpbroadcastb", 2, 0x78, 1, ANY, W0, 0, 0, 1, 0 },
	{ "vpbroadcastw", 2, 0x79, 1, ANY, W0, 0, 0, 1, 0 },
	{ "vinsertf128", 3, 0x18, 1, L1, W0, 1, 1, 0, 0 },
	{ "vextractf128", 3, 0x19, 1, L1, W0, 0, 1, 0, 0 },
	{ "vinserti128", 3, 0x38, 1, L1, W0, 1, 1, 1, 0 },
	{ "vextracti128", 3, 0x39, 1, L1, W0, 0, 1, 1, 0 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint8_t fpu[EMULATOR_XSAVE] __attribute__((aligned(64)));
static uint8_t native_fpu[EMULATOR_XSAVE] __attribute__((aligned(64)));
static uint8_t host_fpu[EMULATOR_XSAVE] __attribute__((aligned(64)));

static bool runs(void)
{
	return __builtin_cpu_supports("avx");
}

static void setup(void)
{
	emulator_world();
	emulator.fpu = fpu;
	emulator.xsave = emulator.avx = true;
	emulator.avx2 = __builtin_cpu_supports("avx2");
}

/* [base + 0x100], base RSI or R13, or with RDX or R10 as index; returns the length. */
static unsigned int encode(const struct row *row, bool l, bool w, unsigned int reg,
			   unsigned int vvvv, unsigned int base, int index, bool shorter,
			   uint8_t *bytes)
{
	uint8_t last = (uint8_t)((~vvvv & 15) << 3 | (l ? VEX_L : 0) | row->pp);
	unsigned int n = 0;

	if (shorter) {
		bytes[n++] = 0xc5;
		bytes[n++] = (uint8_t)(last | (reg & 8 ? 0 : 0x80));
	} else {
		bytes[n++] = 0xc4;
		bytes[n++] = (uint8_t)((reg & 8 ? 0 : 0x80) | (index >= 8 ? 0 : 0x40) |
				       (base & 8 ? 0 : 0x20) | row->map);
		bytes[n++] = (uint8_t)(last | (w ? VEX_W : 0));
	}
	bytes[n++] = row->opcode;
	bytes[n++] = (uint8_t)(0x80 | (reg & 7) << 3 | (index >= 0 ? 4 : base & 7));
	if (index >= 0)
		bytes[n++] = (uint8_t)(((unsigned int)index & 7) << 3 | (base & 7));
	memcpy(bytes + n, &(int32_t){ 0x100 }, 4);
	n += 4;
	if (row->immediate)
		bytes[n++] = (uint8_t)rnd();
	return n;
}

static void run_natively(const uint8_t *bytes, unsigned int length, uint64_t *gpr)
{
	uint64_t flags = 0x202;

	memcpy(code_write, bytes, length);
	code_write[length] = 0xc3;
	fpu_save(host_fpu, true);
	fpu_load(native_fpu, true);
	emulator_call(gpr, &flags, code_execute);
	fpu_save(native_fpu, true);
	fpu_load(host_fpu, true);
}

/* Registers in their first state take part, too: all, or the upper halves. */
static void random_state(unsigned int round)
{
	unsigned int n;

	for (n = 0; n < WINDOW; n += 8)
		*(uint64_t *)(memory + n) = rnd();
	memcpy(shadow, memory, WINDOW);
	memset(native_fpu, 0, sizeof(native_fpu));
	*(uint16_t *)native_fpu = 0x37f;
	*(uint32_t *)(native_fpu + 24) = 0x1f80;
	native_fpu[HEADER] = round % 8 == 7 ? 1 : round % 8 == 6 ? 3 : 7;
	for (n = XMM_AT; n < XMM_AT + 256 && (native_fpu[HEADER] & 2); n++)
		native_fpu[n] = (uint8_t)rnd();
	for (n = UPPER_AT; n < UPPER_AT + 256 && (native_fpu[HEADER] & 4); n++)
		native_fpu[n] = (uint8_t)rnd();
	memcpy(fpu, native_fpu, sizeof(fpu));
}

/* XSTATE_BV may say "used" of a component in its first state whenever the kernel has loaded the registers meanwhile. */
static void expect_same(const char *name)
{
	ck_assert_msg(!memcmp(memory, shadow, WINDOW), "%s: memory differs", name);
	ck_assert_msg(!memcmp(fpu + 24, native_fpu + 24, 4), "%s: MXCSR differs", name);
	ck_assert_msg(!memcmp(fpu + XMM_AT, native_fpu + XMM_AT, 256), "%s: lower halves differ",
		      name);
	ck_assert_msg(!memcmp(fpu + UPPER_AT, native_fpu + UPPER_AT, 256),
		      "%s: upper halves differ", name);
}

static unsigned int tried;

static void try_row(const struct row *row, bool l, bool w, unsigned int round)
{
	unsigned int reg = rnd() & 15, vvvv = row->vvvv ? rnd() & 15 : 0, base, n, i;
	int index = round % 4 == 2 ? 2 : round % 4 == 3 ? 10 : -1;
	bool shorter = row->map == 1 && !w && (round & 4) && index < 8;
	uint8_t bytes[16];
	uint64_t gpr[16];
	char name[64];

	base = shorter || (round & 1) ? 6 : 13;
	snprintf(name, sizeof(name), "%s L%d W%d%s", row->name, l, w, shorter ? " short" : "");
	n = encode(row, l, w, reg, vvvv, base, index, shorter, bytes);
	random_state(round);
	for (i = 0; i < 16; i++)
		gpr[i] = rnd();
	gpr[base] = (uintptr_t)memory + OPERAND - 0x100 + (row->aligned ? 0 : rnd() % 64);
	if (index >= 0) {
		gpr[index] = rnd() % 32 * 32;
	}
	memcpy(emulator.gpr, gpr, sizeof(gpr));
	emulator.rip = 0x1000;
	emulator.rflags = 0x202;
	i = (unsigned int)emulator_step(&emulator, bytes, n);
	ck_assert_msg(i == EMULATOR_DONE, "%s: the emulator answers %u", name, i);
	ck_assert_msg(emulator.rip == 0x1000 + n, "%s: length %lu, not %u", name,
		      emulator.rip - 0x1000, n);
	run_natively(bytes, n, gpr);
	expect_same(name);
	for (i = 0; i < 16; i++)
		ck_assert_msg(i == RSP || gpr[i] == emulator.gpr[i], "%s: register %u", name, i);
	tried++;
}

START_TEST(every_form_agrees_with_the_processor)
{
	unsigned int r, lw, round;

	for (r = 0; r < ROWS; r++)
		for (lw = 0; lw < 4; lw++)
			for (round = 0; round < 64 && (!rows[r].avx2 || emulator.avx2); round++)
				if ((rows[r].length & (lw & 1 ? L1 : L0)) &&
				    (rows[r].wide & (lw & 2 ? W1 : W0)))
					try_row(&rows[r], lw & 1, lw & 2, round);
	ck_assert_uint_gt(tried, 80 * 64);
}
END_TEST

/* Of an SSE form the upper half stays, of a VEX form with 128 bits it goes. */
START_TEST(upper_halves)
{
	static const uint8_t movups[] = { 0x0f, 0x10, 0x1e }, /* movups xmm3,[rsi] */
		vmovups[] = { 0xc5, 0xf8, 0x10, 0x1e };
	static const uint8_t zero[16];
	uint8_t before[16];
	uint64_t gpr[16] = { 0 };

	gpr[RSI] = emulator.gpr[RSI] = (uintptr_t)memory + OPERAND;
	random_state(0);
	memcpy(before, fpu + UPPER_AT + 3 * 16, 16);
	ck_assert_int_ne(memcmp(before, zero, 16), 0);
	ck_assert_int_eq(emulator_step(&emulator, movups, sizeof(movups)), EMULATOR_DONE);
	run_natively(movups, sizeof(movups), gpr);
	expect_same("movups");
	ck_assert_int_eq(memcmp(fpu + XMM_AT + 3 * 16, memory + OPERAND, 16), 0);
	ck_assert_int_eq(memcmp(fpu + UPPER_AT + 3 * 16, before, 16), 0);
	ck_assert_int_eq(emulator_step(&emulator, vmovups, sizeof(vmovups)), EMULATOR_DONE);
	run_natively(vmovups, sizeof(vmovups), gpr);
	expect_same("vmovups");
	ck_assert_int_eq(memcmp(fpu + XMM_AT + 3 * 16, memory + OPERAND, 16), 0);
	ck_assert_int_eq(memcmp(fpu + UPPER_AT + 3 * 16, zero, 16), 0);
}
END_TEST

/* What was this process's before is so afterwards: a copy of its registers, all random, taken on both sides. */
START_TEST(the_hosts_registers_come_back)
{
	static const uint8_t vmovdqu[] = { 0xc5, 0xfe, 0x6f, 0x06 }; /* vmovdqu ymm0,[rsi] */
	static uint8_t after[EMULATOR_XSAVE] __attribute__((aligned(64)));
	unsigned int n;

	emulator.gpr[RSI] = (uintptr_t)memory + OPERAND;
	random_state(0);
	for (n = XMM_AT; n < XMM_AT + 256; n++)
		native_fpu[n] = (uint8_t)rnd();
	for (n = UPPER_AT; n < UPPER_AT + 256; n++)
		native_fpu[n] = (uint8_t)rnd();
	/* The callbacks and memcpy use such registers themselves: only the upper eight are sure to be left alone. */
	fpu_load(native_fpu, true);
	n = (unsigned int)emulator_step(&emulator, vmovdqu, sizeof(vmovdqu));
	fpu_save(after, true);
	ck_assert_int_eq((int)n, EMULATOR_DONE);
	ck_assert_int_eq(memcmp(after + XMM_AT + 128, native_fpu + XMM_AT + 128, 128), 0);
	ck_assert_int_eq(memcmp(fpu + UPPER_AT, memory + OPERAND + 16, 16), 0);
}
END_TEST

static const struct row *row_of(unsigned int map, unsigned int opcode, unsigned int pp, bool l,
				bool w)
{
	const struct row *row;

	for (row = rows; row < rows + ROWS; row++)
		if (row->map == map && row->opcode == opcode && row->pp == pp &&
		    (row->length & (l ? L1 : L0)) && (row->wide & (w ? W1 : W0)))
			return row;
	return NULL;
}

/* All maps, opcodes, prefixes, lengths: exactly the rows are taken, for whoever has AVX2 and who has not. */
START_TEST(nothing_but_the_list)
{
	unsigned int map, opcode, pp, lw, accepted = 0;

	emulator.gpr[RSI] = (uintptr_t)memory;
	for (map = 0; map < 32; map++)
		for (opcode = 0; opcode < 256; opcode++)
			for (pp = 0; pp < 4; pp++)
				for (lw = 0; lw < 4; lw++) {
					uint8_t last = (uint8_t)((lw & 2 ? VEX_W : 0) | VEX_VVVV |
								 (lw & 1 ? VEX_L : 0) | pp);
					uint8_t bytes[] = { 0xc4, (uint8_t)(0xe0 | map),
							    last, (uint8_t)opcode,
							    0x06, 0x55 };
					const struct row *row =
						row_of(map, opcode, pp, lw & 1, lw & 2);
					struct instruction i;

					emulator.avx2 = true;
					ck_assert_int_eq(decode(&emulator, bytes, 6, &i),
							 row ? EMULATOR_DONE : EMULATOR_UNKNOWN);
					emulator.avx2 = false;
					ck_assert_int_eq(decode(&emulator, bytes, 6, &i),
							 !row	     ? EMULATOR_UNKNOWN
							 : row->avx2 ? EMULATOR_UNDEFINED
								     : EMULATOR_DONE);
					accepted += row != NULL;
					/* vvvv that names a register where there is none */
					bytes[2] ^= 0x08;
					emulator.avx2 = true;
					ck_assert_int_eq(decode(&emulator, bytes, 6, &i),
							 row && row->vvvv ? EMULATOR_DONE
									  : EMULATOR_UNKNOWN);
				}
	ck_assert_uint_gt(accepted, 100);
}
END_TEST

START_TEST(refusals)
{
	static const uint8_t vmovups[] = { 0xc5, 0xf8, 0x10, 0x06 },
			     vmovaps[] = { 0xc5, 0xfc, 0x28, 0x06 },
			     longer[] = { 0xc4, 0xe3, 0x7d, 0x19, 0x86, 0, 1, 0, 0, 1 },
			     of_register[] = { 0xc5, 0xf8, 0x10, 0xc6 },
			     evex[] = { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x06 };
	static const uint8_t before[] = { 0x66, 0xf2, 0xf3, 0xf0, 0x48 };
	uint8_t bytes[8];
	unsigned int n;

	emulator.gpr[RSI] = (uintptr_t)memory + 16;
	ck_assert_int_eq(emulator_step(&emulator, vmovaps, 4), EMULATOR_PROTECTION);
	ck_assert_int_eq(emulator_step(&emulator, of_register, 4), EMULATOR_UNKNOWN);
	ck_assert_int_eq(emulator_step(&emulator, evex, 6), EMULATOR_UNKNOWN);
	for (n = 0; n < sizeof(longer); n++)
		ck_assert_int_eq(emulator_step(&emulator, longer, n), EMULATOR_SHORT);
	for (n = 0; n < sizeof(before); n++) {
		bytes[0] = before[n];
		memcpy(bytes + 1, vmovups, 4);
		ck_assert_int_eq(emulator_step(&emulator, bytes, 5), EMULATOR_UNDEFINED);
	}
	emulator.gpr[RSI] = 0x10; /* no memory */
	emulator.rip = 7;
	memset(fpu, 0x5a, sizeof(fpu));
	if (runs()) {
		random_state(0);
		ck_assert_int_eq(emulator_step(&emulator, vmovups, 4), EMULATOR_FAULT);
		ck_assert_int_eq(memcmp(fpu, native_fpu, sizeof(fpu)), 0);
		ck_assert_uint_eq(emulator.rip, 7);
	}
	emulator.avx = false;
	ck_assert_int_eq(emulator_step(&emulator, vmovups, 4), EMULATOR_UNDEFINED);
}
END_TEST

/* There C4 and C5 are LES and LDS, unless a register would be their operand. */
START_TEST(code_of_32_and_16_bits)
{
	static const uint8_t vmovups[] = { 0xc5, 0xfc, 0x10, 0x0e }, /* vmovups ymm1,[esi] */
		vmovq[] = { 0xc4, 0xe1, 0xf9, 0x6e, 0x0e }, /* W is nothing: vmovd xmm1,[esi] */
		lds[] = { 0xc5, 0x78, 0x10, 0x06 }, les[] = { 0xc4, 0x46, 0x10, 0x06 };
	struct instruction i;

	emulator.code_bits = 32;
	emulator.gpr[RSI] = 0x1000;
	ck_assert_int_eq(decode(&emulator, vmovups, 4, &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.linear, 0x1000);
	ck_assert_uint_eq(i.memory_size, 32);
	ck_assert_int_eq(decode(&emulator, vmovq, 5, &i), EMULATOR_DONE);
	ck_assert_uint_eq(i.memory_size, 4);
	ck_assert_int_eq(decode(&emulator, lds, 4, &i), EMULATOR_UNKNOWN);
	ck_assert_int_eq(decode(&emulator, les, 4, &i), EMULATOR_UNKNOWN);
	emulator.code_bits = 16;
	ck_assert_int_eq(decode(&emulator, vmovups, 4, &i), EMULATOR_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emulator's VEX forms");
	TCase *tcase = tcase_create("against the processor");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	if (runs()) {
		tcase_add_test(tcase, every_form_agrees_with_the_processor);
		tcase_add_test(tcase, upper_halves);
		tcase_add_test(tcase, the_hosts_registers_come_back);
	} else {
		printf("this processor has no AVX: no VEX form is executed here\n");
	}
	tcase_add_test(tcase, nothing_but_the_list);
	tcase_add_test(tcase, refusals);
	tcase_add_test(tcase, code_of_32_and_16_bits);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
