/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lifecycle.c and follow.c share. */
#ifndef LIFECYCLE_H
#define LIFECYCLE_H

#include "xen.h"

void activate(virDomainObj *vm, uint32_t guest, virDomainState state, int reason);
void deactivate(virDomainObj *vm, virDomainShutoffReason reason,
		virDomainEventStoppedDetailType detail);

/* The name of an interface of a running domain in dom0, into its definition. */
void show_interface(const virDomainDef *def, virDomainNetDef *net);

/* The bridge of libvirt's network for an interface, if it is of one: from start or plugging in to the end. */
int network_use(virDomainDef *def, virDomainNetDef *net);
void network_release(virDomainDef *def, virDomainNetDef *net); /* keeps the last error */

/* Locked, one after the other; `what` may let go of the lock, and remove the domain. */
void for_each_domain(void (*what)(virDomainObj *vm));

#endif
