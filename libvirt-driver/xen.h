/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the driver asks Xen's own library for: the machine, vCPUs and scheduling of any domain, and
 * PVH domains, which have no partner and are libxl's to build. */
#ifndef XEN_H
#define XEN_H

#include "pair.h"

#include <libxl.h>

/* xen.c: NULL with libvirt's error set; libxl_ctx_free. */
libxl_ctx *xen_open(void);
/* -1, with libvirt's error set: what could not be done, and what libxl said. */
int xen_failed(const char *what);

/* The domain whose vCPUs the hypervisor schedules for this one: itself, or its fidelity domain; vcpu, which
 * may be NULL, becomes the one there on whose time that of this domain runs. */
int xen_scheduled(const virDomainObj *vm, uint32_t *domid, unsigned int *vcpu);

/* The running domain, whichever kind it is: as pair_look. */
int look_domain(const virDomainDef *def, bool settled, struct diptych_pair *found);
unsigned long long cpu_time(const virDomainObj *vm); /* of both panels, ns */

/* cpu.c: pins of the definition, for a domain that has just been built. */
void cpu_apply_pins(virDomainObj *vm);

/* pvh.c: -1 with libvirt's error set. */
bool is_pvh(const virDomainDef *def);
int pvh_start(const virDomainDef *def, bool paused, uint32_t *domid);
int pvh_end(uint32_t domid);
int pvh_set_paused(uint32_t domid, bool paused);
int pvh_ask_to_end(uint32_t domid, bool reboot);
char *pvh_console(uint32_t domid);
int pvh_set_memory(uint32_t domid, unsigned long long kib);
int pvh_set_vcpus(uint32_t domid, unsigned int most, unsigned int count);
int pvh_rename(uint32_t domid, const char *from, const char *to);
int pvh_disk(uint32_t domid, virDomainDiskDef *disk, bool attach);
int pvh_nic(uint32_t domid, virDomainNetDef *net, bool attach);
char *pvh_nic_name(uint32_t domid, const virDomainNetDef *net); /* in dom0 */
/* As pair_look; fidelity is DIPTYCH_NO_DOMAIN. */
int pvh_look(const unsigned char *uuid, struct diptych_pair *pair);

#endif
