/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a VMCB that protection needs (APM 2, appendix B), and what it needs in them. */
#ifndef PROTECT_CONFINE_H
#define PROTECT_CONFINE_H

#include "types.h"

#define VMCB_INTERCEPT_1 0x08ull /* low half: exceptions */
#define VMCB_INTERCEPT_2 0x10ull
#define VMCB_ASID	 0x58ull /* low half */
#define VMCB_INTR	 0x63ull /* a byte: V_INTR_MASKING, then what AVIC and virtual GIF want */
#define VMCB_NESTED	 0x90ull
#define VMCB_ROOT	 0xb0ull
#define VMCB_CLEAN	 0xc0ull /* low half; the other is reserved */

/* #DB and #AC, which can recur for ever; INTR, NMI, INIT; INVD, which drops what others wrote; INVLPGA, ports and MSRs
 * by their maps, SHUTDOWN. */
#define VMCB_NEEDS_1 0x9c40000b00020002ull
/* VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, XSETBV. */
#define VMCB_NEEDS_2	0x207dull
#define VMCB_NEEDS_INTR 1 /* exits whatever IF says; no AVIC, whose pages the block names */

/* Immediately before VMRUN with the control block at vmcb, a page of the core's: dom's root, and what is needed above
 * beside those that are set. -EPERM, and nothing is written: dom has no root, or the block no ASID. */
int vmcb_confine(u64 dom, u64 vmcb);

#endif
