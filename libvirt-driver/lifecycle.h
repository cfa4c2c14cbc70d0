/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lifecycle.c and follow.c share. */
#ifndef LIFECYCLE_H
#define LIFECYCLE_H

#include "pair.h"

void save_status(virDomainObj *vm);
void activate(virDomainObj *vm, uint32_t guest, virDomainState state, int reason);
void deactivate(virDomainObj *vm, virDomainShutoffReason reason,
		virDomainEventStoppedDetailType detail);

/* Locked, one after the other; `what` may let go of the lock, and remove the domain. */
void for_each_domain(void (*what)(virDomainObj *vm));

#endif
