/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core's own pages: vCPU control blocks, domain records, port tables.
 * They come from memory that the core kept at boot and that is in no domain's
 * reach.  Returned zeroed; NULL when none is left.
 */
#ifndef PAGES_H
#define PAGES_H

#include "types.h"

void *pages_alloc(u32 nr); /* contiguous */
void pages_free(void *page, u32 nr);
/* Windows: short-lived views of one domain frame, this CPU only; nests up to WINDOWS deep and is
 * closed in reverse order. */
#define WINDOWS 16
void *window_open(u64 mfn);
void window_close(void *window);
/* The innermost open window shows another frame from now on, for less than closing and opening. */
void *window_move(void *window, u64 mfn);

#endif
