/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of libdiptych that the driver makes, with libvirt's types and libvirt's errors.
 * Those that take seconds open a context of their own, and their callers let go of the domain's lock;
 * the quick ones share one behind a mutex.
 */
#ifndef PAIR_H
#define PAIR_H

#include "driver.h"

#include <libdiptych.h>

/* True when this is dom0 under a Xen that answers; says nothing otherwise but in the log. */
bool pair_host_usable(void);
int pair_open(void);
void pair_close(void);
void pair_log(void *user, enum diptych_level level, const char *message);

/* -1 with libvirt's error set. */
int pair_start(const virDomainDef *def, bool paused, uint32_t *guest);
int pair_end(const unsigned char *uuid); /* 0 also when it is gone already */
int pair_set_paused(uint32_t guest, bool paused);
int pair_ask_to_end(uint32_t guest, bool reboot);
int pair_reset(uint32_t guest);
int pair_nmi(uint32_t guest);
int pair_send_keys(uint32_t guest, const unsigned int *codes, size_t count, unsigned int hold_ms);
int pair_screenshot(uint32_t guest, int fd);
int pair_set_memory(uint32_t guest, unsigned long long kib);
int pair_disk(uint32_t guest, virDomainDiskDef *disk, bool attach);
int pair_disk_change(uint32_t guest, virDomainDiskDef *disk);
int pair_nic(uint32_t guest, virDomainNetDef *net, bool attach);
int pair_disk_stats(uint32_t guest, const char *target, struct diptych_disk_stats *stats);
char *pair_nic_name(uint32_t guest, const virDomainNetDef *net); /* in dom0 */
/* 0 also when the guest has no screen: *port is 0 then. */
int pair_vnc(uint32_t guest, char **host, unsigned int *port);

/* describe.c: from libvirt's definition to libdiptych's and back. */
bool pair_describe(struct diptych_desc *desc, const virDomainDef *def);
bool pair_describe_disk(struct diptych_disk *to, const virDomainDiskDef *from);
bool pair_describe_net(struct diptych_nic *to, const virDomainNetDef *from);
virDomainDef *pair_definition(const struct diptych_desc *desc);
char *pair_native(const virDomainDef *def); /* xl.cfg, a string by malloc */
char *pair_console(uint32_t guest);	    /* NULL: none, and no error is set */

/*
 * Quiet.  1: there is one, diptych_pair_dispose afterwards; 0: there is none; -1: nobody answers.  settled: once a
 * pair that ended has been built anew, if that is what its monitor does: seconds.
 */
int pair_look(const unsigned char *uuid, bool settled, struct diptych_pair *pair);
/* True for 1. */
bool pair_find(const unsigned char *uuid, struct diptych_pair *pair);
bool pair_settled(const unsigned char *uuid, struct diptych_pair *pair);

#endif
