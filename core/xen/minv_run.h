/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MINV_RUN: loading the state page, entering, and what an exit leaves in it. */
#ifndef MINV_RUN_H
#define MINV_RUN_H

#include "domain/domain.h"
#include "vcpu/vcpu.h"

/* 0: the caller is in its guest now (or the exit reason is written already). */
int minv_run(struct vcpu *v, struct domain *g, u64 id) __must_check;

#endif
