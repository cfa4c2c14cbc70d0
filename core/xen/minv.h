/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run interface (public/minv.h): how a fidelity domain maps and runs its real guest. */
#ifndef CORE_MINV_H
#define CORE_MINV_H

#include "public/minv.h"
#include "domain/domain.h"

/* VMMCALL with RAX = MINV_HYPERCALL at CPL 0. */
void minv_hypercall(struct vcpu *v);
/* MINV_RUN. 0: v is in g now (or the exit reason is written already). */
int minv_run(struct vcpu *v, struct domain *domain, u64 id) __must_check;
/* Before g is entered on v's behalf: false when the run has ended instead. */
bool minv_enter(struct vcpu *v, struct vcpu *g, bool event_pending);
/* After an exit of g: false for an interrupt of the machine (v stays in g). */
bool minv_exit(struct vcpu *v, struct vcpu *g);

#endif
