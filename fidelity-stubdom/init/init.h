/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first and only process of a fidelity domain beside QEMU: parts of init. */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>
#include <stddef.h>

/* xenstore.c: paths are relative to this domain's own folder. NULL or false: errno says why. */
bool xenstore_open(void);
char *xenstore_read(const char *path);
char **xenstore_list(const char *path, size_t *count); /* sorted */
bool xenstore_write(const char *path, const char *value);

/* network.c: joins tap<n> with eth<n>; each that QEMU's arguments name. */
bool network_join(int n);
bool network_bridge(char *const argv[]);

/* channel.c: starts the processes that serve dom0's channels. */
void channels_serve(void);

/* process.c: runs QEMU; keeps the last lines that it wrote to stderr. Its wait status. */
int process_run(char *const argv[], char *last_lines, size_t size);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
