/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be known of a qcow2 image before a fidelity domain is given it as a block device. */
#ifndef DIPTYCH_QCOW2_H
#define DIPTYCH_QCOW2_H

/* Whether it can be used; *error is why not, by malloc. */
int qcow2_check(const char *path, char **error);

/* A block device does not grow as QEMU writes: makes a file as long as it can ever get.  The new part
 * is a hole and takes no room. */
int qcow2_make_room(const char *path);

#endif
