/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID by a policy of the tools, which may leave out what other features need. */
#ifndef CPUID_H
#define CPUID_H

#include "types.h"

/* Without XSAVE or AVX in the policy's leaf 1, what is used by way of them goes from leaves 1, 7 and 0xd. */
void cpuid_depend(u32 leaf, u32 subleaf, u32 leaf1_ecx, u32 table[4]);

#endif
