/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <libxenvchan.h>, which may be read only once. */
#ifndef VCHAN_H
#define VCHAN_H

#include <libxenvchan.h>

#endif
