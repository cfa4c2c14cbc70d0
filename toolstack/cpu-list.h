/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of CPUs as xl.cfg has them: "0-3,^2", "all"; "/" between the lists of several vCPUs. */
#ifndef DIPTYCH_CPU_LIST_H
#define DIPTYCH_CPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part `vcpu` of `text` (the last one when there are fewer) as bits.  false: not such a list, or no
 * CPU of it is below size * 8. */
bool cpus_read(const char *text, unsigned int vcpu, uint8_t *bits, size_t size);

#endif
