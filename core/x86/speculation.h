/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What predictors learn in one pair must not steer the next one; SPEC_CTRL for those who want it. */
#ifndef SPECULATION_H
#define SPECULATION_H

#include "types.h"

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49

/* On every CPU at its start. */
void speculation_init_cpu(void);
/* This CPU leaves a pair (a domain that is none is a pair of its own) for another one. */
void speculation_leave(void);
/* A domain's IBPB: done at once. False: this processor has none. */
bool speculation_barrier(void);
/* SPEC_CTRL values that a domain may set, as a mask; 0 none. */
extern u64 spec_ctrl_allowed;
/* The processor switches SPEC_CTRL with the control block; otherwise the run path does. */
extern bool spec_ctrl_is_switched;

#endif
