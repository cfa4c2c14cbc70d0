/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's screen at a TCP port of dom0, while its monitor lives. */
#ifndef DIPTYCH_VNC_H
#define DIPTYCH_VNC_H

struct diptych;
struct diptych_desc;
struct diptych_pair;

/* Whether it can be had now, 0 or negative errno; nothing is reported. */
int vnc_try_port(const struct diptych_desc *desc);

/* Takes a port, tells it, and serves it in a process of its own that ends with this one. */
int vnc_start(struct diptych *c, const struct diptych_pair *pair, const struct diptych_desc *desc);

/* When the pair has ended: a new one may want the port. */
void vnc_stop(void);

#endif
