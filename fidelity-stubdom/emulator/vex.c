/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow-list of VEX-encoded instructions that have a memory operand: moves, broadcasts, and halves that are taken out or
 * put in (Intel SDM 2, 2.3 and the instructions' pages).  None of them can fault once its operand is a buffer.
 */
#include "instruction.h"

enum { PP_NONE, PP_66, PP_F3, PP_F2 };

#define LOAD	FORM_READ
#define STORE	FORM_WRITE
#define ALIGNED FORM_ALIGNED
#define AVX2	FORM_AVX2

static unsigned int form(unsigned int flags, unsigned int size)
{
	return FORM(flags | FORM_VECTOR, size, NONE);
}

static unsigned int map_0f(uint8_t opcode, unsigned int pp, bool wide)
{
	bool packed = pp == PP_NONE || pp == PP_66, narrow_66 = pp == PP_66 && !wide;

	switch (opcode) {
	case 0x10: /* vmovups vmovupd, vmovss vmovsd */
	case 0x11:
		return form(opcode & 1 ? STORE : LOAD, pp == PP_F3   ? SIZE_4
						       : pp == PP_F2 ? SIZE_8
								     : SIZE_L);
	case 0x12: /* vmovlps vmovlpd vmovhps vmovhpd */
	case 0x16:
		return packed && !wide ? form(LOAD, SIZE_8) : 0;
	case 0x13:
	case 0x17:
		return packed && !wide ? form(STORE, SIZE_8) : 0;
	case 0x28: /* vmovaps vmovapd */
		return packed ? form(LOAD | ALIGNED, SIZE_L) : 0;
	case 0x29:
	case 0x2b: /* vmovntps vmovntpd */
		return packed ? form(STORE | ALIGNED, SIZE_L) : 0;
	case 0x6e: /* vmovd vmovq */
		return narrow_66 ? form(LOAD, SIZE_Y) : 0;
	case 0x7e:
		if (pp == PP_F3)
			return wide ? 0 : form(LOAD, SIZE_8);
		return narrow_66 ? form(STORE, SIZE_Y) : 0;
	case 0xd6:
		return narrow_66 ? form(STORE, SIZE_8) : 0;
	case 0x6f: /* vmovdqa vmovdqu */
		return pp == PP_66   ? form(LOAD | ALIGNED, SIZE_L)
		       : pp == PP_F3 ? form(LOAD, SIZE_L)
				     : 0;
	case 0x7f:
		return pp == PP_66   ? form(STORE | ALIGNED, SIZE_L)
		       : pp == PP_F3 ? form(STORE, SIZE_L)
				     : 0;
	case 0xe7: /* vmovntdq */
		return pp == PP_66 ? form(STORE | ALIGNED, SIZE_L) : 0;
	case 0xf0: /* vlddqu */
		return pp == PP_F2 ? form(LOAD, SIZE_L) : 0;
	}
	return 0;
}

/* All with 66; broadcasts and what comes after them with W clear. */
static unsigned int map_0f38(uint8_t opcode, bool wide)
{
	switch (opcode) {
	case 0x2a: /* vmovntdqa */
		return form(LOAD | ALIGNED | (wide ? AVX2 : 0), SIZE_L);
	case 0x18: /* vbroadcastss vbroadcastsd vbroadcastf128 */
		return form(LOAD, SIZE_4);
	case 0x19:
		return wide ? form(LOAD, SIZE_8) : 0;
	case 0x1a:
		return wide ? form(LOAD, SIZE_16) : 0;
	case 0x58: /* vpbroadcastd vpbroadcastq vbroadcasti128 */
		return form(LOAD | AVX2, SIZE_4);
	case 0x59:
		return form(LOAD | AVX2, SIZE_8);
	case 0x5a:
		return wide ? form(LOAD | AVX2, SIZE_16) : 0;
	case 0x78: /* vpbroadcastb vpbroadcastw */
		return form(LOAD | AVX2, SIZE_1);
	case 0x79:
		return form(LOAD | AVX2, SIZE_2);
	}
	return 0;
}

static unsigned int map_0f3a(uint8_t opcode, bool wide)
{
	unsigned int flags = FORM_VECTOR | (opcode & 0x20 ? AVX2 : 0);

	if (!wide)
		return 0;
	switch (opcode) {
	case 0x18: /* vinsertf128 vinserti128 */
	case 0x38:
		return FORM(LOAD | flags, SIZE_16, IMM_1);
	case 0x19: /* vextractf128 vextracti128 */
	case 0x39:
		return FORM(STORE | flags, SIZE_16, IMM_1);
	}
	return 0;
}

/* Whether vvvv names a register: the other half of what is loaded. Elsewhere it must be all ones. */
static bool has_vvvv(const struct instruction *i)
{
	return (i->map == 1 && (i->opcode == 0x12 || i->opcode == 0x16)) ||
	       (i->map == 3 && (i->opcode == 0x18 || i->opcode == 0x38));
}

/* The form of a VEX-encoded instruction with a memory operand, 0: not on the list. */
unsigned int vex_form(const struct instruction *i)
{
	unsigned int pp = i->vex_last & VEX_PP;
	bool wide = i->vex_last & VEX_L;

	if ((i->vex_last & VEX_VVVV) != VEX_VVVV && !has_vvvv(i))
		return 0;
	if (i->map == 1)
		return map_0f(i->opcode, pp, wide);
	if (pp != PP_66 || ((i->vex_last & VEX_W) && i->opcode != 0x2a))
		return 0;
	return i->map == 2   ? map_0f38(i->opcode, wide)
	       : i->map == 3 ? map_0f3a(i->opcode, wide)
			     : 0;
}
