/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dxl: pairs on the command line, in the manner of xl.  One file per family of verbs; every verb is
 * a line of the table in verbs.c.  Pairs are reached by libdiptych's public interface only, other
 * domains by libxl.
 */
#ifndef DXL_H
#define DXL_H

#include <getopt.h>

#include <libxl.h>
#include <libxl_utils.h>

#include "libdiptych.h"

#define EXIT_USAGE 2

struct verb {
	const char *name;
	int (*run)(const struct verb *verb, int argc, char **argv); /* returns the exit status */
	const char *arguments;
	const char *summary;
	const char *options; /* a line each, "" for none */
	int min_operands, max_operands;
	bool hidden;
};

extern const struct verb verbs[];
const struct verb *verb_find(const char *name);

/* main.c */
extern int verbosity;		  /* number of -v */
struct diptych *open_pairs(void); /* once per process; exits with a message when it cannot */
libxl_ctx *open_libxl(void);
/* "error: text", each line of it; returns EXIT_FAILURE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
int complain_of(struct diptych *pairs); /* its last error */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_usage(FILE *to, const struct verb *verb);
/* getopt_long with --help and mistakes handled: they end the process.  -1 at the end of the
 * options, when the number of operands is right too; they start at argv[optind]. */
int next_option(const struct verb *verb, int argc, char **argv, const char *letters,
		const struct option *longs);

/* target.c: what a name, id or uuid on the command line stands for. */
struct target {
	bool is_pair;
	struct diptych_pair pair; /* is_pair */
	uint32_t domid;		  /* the guest's of a pair */
};
/* Finds it or complains.  Dispose what was found. */
int target_find(const char *who, struct target *target);
/* The same, and complains of what is no pair. */
int target_find_pair(const struct verb *verb, const char *who, struct target *target);
bool target_is_fidelity(const struct target *target, const char *who); /* named by that panel */
void target_dispose(struct target *target);

/* xl.c: replaces this process by xl; returns only when that fails. */
int exec_xl(const char *verb, int argc, char **argv);

int verb_create(const struct verb *verb, int argc, char **argv);
int verb_list(const struct verb *verb, int argc, char **argv);
int verb_console(const struct verb *verb, int argc, char **argv);
int verb_destroy(const struct verb *verb, int argc, char **argv);
int verb_pause(const struct verb *verb, int argc, char **argv);
int verb_unpause(const struct verb *verb, int argc, char **argv);
int verb_shutdown(const struct verb *verb, int argc, char **argv);
int verb_reboot(const struct verb *verb, int argc, char **argv);
int verb_domid(const struct verb *verb, int argc, char **argv);
int verb_domname(const struct verb *verb, int argc, char **argv);
int verb_rename(const struct verb *verb, int argc, char **argv);
int verb_by_xl(const struct verb *verb, int argc, char **argv);
int verb_vncviewer(const struct verb *verb, int argc, char **argv);
int verb_trigger(const struct verb *verb, int argc, char **argv);
int verb_sysrq(const struct verb *verb, int argc, char **argv);
int verb_screenshot(const struct verb *verb, int argc, char **argv);
int verb_qmp(const struct verb *verb, int argc, char **argv);
int verb_mem_set(const struct verb *verb, int argc, char **argv);
int verb_block_attach(const struct verb *verb, int argc, char **argv);
int verb_block_detach(const struct verb *verb, int argc, char **argv);
int verb_block_list(const struct verb *verb, int argc, char **argv);
int verb_network_attach(const struct verb *verb, int argc, char **argv);
int verb_network_detach(const struct verb *verb, int argc, char **argv);
int verb_network_list(const struct verb *verb, int argc, char **argv);
int verb_cd_insert(const struct verb *verb, int argc, char **argv);
int verb_cd_eject(const struct verb *verb, int argc, char **argv);
int verb_vcpu_list(const struct verb *verb, int argc, char **argv);
int verb_vcpu_pin(const struct verb *verb, int argc, char **argv);
int verb_sched_credit(const struct verb *verb, int argc, char **argv);
int verb_help(const struct verb *verb, int argc, char **argv);

/* console.c: replaces this process by the console; returns only when that fails. */
int console_of_pair(uint32_t guest);

#endif
