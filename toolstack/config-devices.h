/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DIPTYCH_CONFIG_DEVICES_H
#define DIPTYCH_CONFIG_DEVICES_H

#include "libdiptych.h"
#include "source.h"

/* Both add to `desc` what the lists `disk` and `vif` say; errors are counted in `source`. */
void config_disks(struct source *source, struct diptych_desc *desc);
void config_nics(struct source *source, struct diptych_desc *desc);

#endif
