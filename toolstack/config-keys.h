/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single settings of xl.cfg, with messages that name the line (config.c), and the screen's. */
#ifndef DIPTYCH_CONFIG_KEYS_H
#define DIPTYCH_CONFIG_KEYS_H

#include "libdiptych.h"
#include "source.h"

void take_string(struct source *source, const char *key, char **to);
/* Returns whether there was a good number. */
bool take_number(struct source *source, const char *key, long min, long max, long *to);

/* config-screen.c: VGA, VNC, the pointer. */
void config_screen(struct source *source, struct diptych_desc *desc);

#endif
