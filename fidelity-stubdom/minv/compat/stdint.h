/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's public header asks for <stdint.h>, which a kernel build does not have. */
#include <linux/types.h>
