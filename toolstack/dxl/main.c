// SPDX-License-Identifier: GPL-2.0-or-later
/* Global options, help, messages, and the handles that verbs share. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xentoollog.h>

#include "dxl.h"

int verbosity;

static struct diptych *pairs;
static libxl_ctx *libxl;
static char open_error[1024];

static void print_lines(const char *prefix, const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		fprintf(stderr, "%s%.*s\n", prefix, (int)(end - text), text);
	}
}

int complain(const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_lines("error: ", text);
	return EXIT_FAILURE;
}

void warn(const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_lines("warning: ", text);
}

int complain_of(struct diptych *context)
{
	return complain("%s", diptych_error(context));
}

/* Errors are told by the verb, once, when it knows that they matter. */
static void take_log(void *user, enum diptych_level level, const char *message)
{
	(void)user;
	if (level == DIPTYCH_ERROR)
		snprintf(open_error, sizeof(open_error), "%s", message);
	else if (level == DIPTYCH_WARNING)
		print_lines("warning: ", message);
	else if (verbosity > (level == DIPTYCH_DEBUG))
		print_lines("", message);
}

static void close_all(void)
{
	diptych_close(pairs);
	if (libxl)
		libxl_ctx_free(libxl);
}

struct diptych *open_pairs(void)
{
	if (pairs)
		return pairs;
	if (diptych_open(&pairs, take_log, NULL)) {
		complain("%s", open_error[0] ? open_error : "out of memory");
		exit(EXIT_FAILURE);
	}
	atexit(close_all);
	diptych_tend(pairs);
	return pairs;
}

libxl_ctx *open_libxl(void)
{
	xentoollog_logger *logger;

	open_pairs(); /* says it better when there is no hypervisor */
	if (libxl)
		return libxl;
	logger = (xentoollog_logger *)xtl_createlogger_stdiostream(
		stderr, verbosity > 1 ? XTL_DEBUG : XTL_ERROR, 0);
	if (!logger || libxl_ctx_alloc(&libxl, LIBXL_VERSION, 0, logger)) {
		complain("cannot open libxl");
		exit(EXIT_FAILURE);
	}
	return libxl;
}

void print_usage(FILE *to, const struct verb *verb)
{
	fprintf(to, "Usage: dxl %s %s\n%s.\n", verb->name, verb->arguments, verb->summary);
	fprintf(to, "\n%s  -h, --help      show this help\n", verb->options);
	if (strstr(verb->arguments, "DOMAIN"))
		fputs("\nDOMAIN is a name, a domain id or a uuid; a pair answers to those of "
		      "either panel.\n",
		      to);
}

static void print_help(FILE *to)
{
	const struct verb *verb;

	fputs("Usage: dxl [-v]... VERB [OPTIONS] [ARGUMENTS]\n"
	      "Manage guests on Diptych: pairs of a real guest and its fidelity domain.\n\n",
	      to);
	for (verb = verbs; verb->name; verb++)
		if (!verb->hidden)
			fprintf(to, "  %-14s  %s\n", verb->name, verb->summary);
	fputs("\n  -v              more messages; twice: those of Xen's libraries too\n"
	      "  -V, --version   show the version\n"
	      "  -h, --help      show this help; dxl VERB --help, that of a verb\n\n"
	      "Guests are described in xl.cfg files; see dxl(1).\n",
	      to);
}

int next_option(const struct verb *verb, int argc, char **argv, const char *letters,
		const struct option *longs)
{
	int option = getopt_long(argc, argv, letters, longs, NULL), operands;

	if (option == 'h') {
		print_usage(stdout, verb);
		exit(EXIT_SUCCESS);
	}
	operands = argc - optind;
	if (option == '?' ||
	    (option < 0 && (operands < verb->min_operands || operands > verb->max_operands))) {
		if (option < 0)
			fprintf(stderr, "dxl %s: too %s arguments\n", verb->name,
				operands < verb->min_operands ? "few" : "many");
		print_usage(stderr, verb);
		exit(EXIT_USAGE);
	}
	return option;
}

int verb_help(const struct verb *verb, int argc, char **argv)
{
	static const struct option longs[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const struct verb *wanted;

	while (next_option(verb, argc, argv, "h", longs) >= 0)
		;
	if (optind == argc) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	wanted = verb_find(argv[optind]);
	if (!wanted) {
		complain("there is no verb \"%s\"; `dxl help` shows all", argv[optind]);
		return EXIT_USAGE;
	}
	print_usage(stdout, wanted);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", 0, NULL, 'h' },
					       { "version", 0, NULL, 'V' },
					       { "verbose", 0, NULL, 'v' },
					       { NULL, 0, NULL, 0 } };
	const struct verb *verb;
	int option;

	while ((option = getopt_long(argc, argv, "+hVv", longs, NULL)) >= 0) {
		switch (option) {
		case 'h':
			print_help(stdout);
			return EXIT_SUCCESS;
		case 'V':
			printf("dxl %s\n", diptych_version());
			return EXIT_SUCCESS;
		case 'v':
			verbosity++;
			break;
		default:
			print_help(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	argv += optind;
	argc -= optind;
	optind = 0; /* glibc: start afresh */
	verb = verb_find(argv[0]);
	if (!verb) {
		complain("there is no verb \"%s\"; `dxl help` shows all", argv[0]);
		return EXIT_USAGE;
	}
	return verb->run(verb, argc, argv);
}
