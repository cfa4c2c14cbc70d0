/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of libdiptych that the driver makes, with libvirt's types and libvirt's errors.
 * Those that take seconds open a context of their own; the quick ones share one behind a mutex.
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
char *pair_console(uint32_t guest); /* NULL: none, and no error is set */

/* Quiet: true when there is one. diptych_pair_dispose afterwards. */
bool pair_find(const unsigned char *uuid, struct diptych_pair *pair);
/* The same, once a pair that ended has been built anew if that is what its monitor does: seconds. */
bool pair_settled(const unsigned char *uuid, struct diptych_pair *pair);
unsigned long long pair_cpu_time(const virDomainObj *vm);

#endif
