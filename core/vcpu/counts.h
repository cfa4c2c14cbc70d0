/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often which exit happened, for figures and for people: xl debug-keys x prints them. */
#ifndef COUNTS_H
#define COUNTS_H

#include "types.h"

enum count_kind { COUNT_PVH, COUNT_GUEST, COUNT_KINDS };

void exit_count(enum count_kind kind, u64 code, u64 n);
void exit_counts_print(void);

#endif
