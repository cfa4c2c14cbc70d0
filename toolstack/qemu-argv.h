/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DIPTYCH_QEMU_ARGV_H
#define DIPTYCH_QEMU_ARGV_H

#include "libdiptych.h"

/* Arguments of QEMU in the fidelity domain, after the program's name; NULL at the end.  NULL when
 * memory is out.  Free with qemu_argv_free. */
char **qemu_argv(const struct diptych_desc *desc);
void qemu_argv_free(char **argv);

#endif
