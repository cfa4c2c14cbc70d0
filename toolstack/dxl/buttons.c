// SPDX-License-Identifier: GPL-2.0-or-later
/* send-trigger, sysrq, screenshot, vncviewer, mem-set: what a person does at a machine. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

static void no_options(const struct verb *verb, int argc, char **argv)
{
	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
}

static int report(int error)
{
	return error ? complain_of(open_pairs()) : EXIT_SUCCESS;
}

static int pull_trigger(uint32_t guest, const char *name)
{
	if (!strcmp(name, "nmi"))
		return report(diptych_inject_nmi(open_pairs(), guest));
	if (!strcmp(name, "power"))
		return report(diptych_shutdown(open_pairs(), guest));
	if (!strcmp(name, "reset"))
		return report(diptych_reset(open_pairs(), guest));
	complain("a guest has no trigger \"%s\"; nmi, power and reset are there", name);
	return EXIT_USAGE;
}

int verb_trigger(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status;

	no_options(verb, argc, argv);
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	status = target.is_pair ? pull_trigger(target.domid, argv[optind + 1])
				: exec_xl("trigger", argc - optind, argv + optind);
	target_dispose(&target);
	return status;
}

/* XT scan codes, which QMP and libvirt call qnum. */
static unsigned int code_of(char letter)
{
	static const char rows[][11] = { "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm" };
	static const unsigned int first[] = { 0x02, 0x10, 0x1e, 0x2c };
	const char *found;
	size_t i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if ((found = strchr(rows[i], tolower((unsigned char)letter))) && *found)
			return first[i] + (unsigned int)(found - rows[i]);
	return 0;
}

int verb_sysrq(const struct verb *verb, int argc, char **argv)
{
	enum { ALT = 0x38, SYSRQ = 0x54 };
	unsigned int keys[3] = { ALT, SYSRQ, 0 };
	struct target target;
	int status;

	no_options(verb, argc, argv);
	keys[2] = argv[optind + 1][0] && !argv[optind + 1][1] ? code_of(argv[optind + 1][0]) : 0;
	if (!keys[2]) {
		complain("\"%s\" is not one letter or digit", argv[optind + 1]);
		return EXIT_USAGE;
	}
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	status = target.is_pair ? report(diptych_send_key(open_pairs(), target.domid, keys, 3, 0))
				: exec_xl("sysrq", argc - optind, argv + optind);
	target_dispose(&target);
	return status;
}

/* A file that was there before stays as it was when it fails. */
static int save_screen(uint32_t guest, const char *path)
{
	char *made;
	int fd, status;

	if (asprintf(&made, "%s.new", path) < 0)
		return complain("out of memory");
	unlink(made); /* never through a link that somebody has put there */
	fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		status = complain("%s: %s", made, strerror(errno));
		free(made);
		return status;
	}
	status = report(diptych_screenshot(open_pairs(), guest, fd));
	if (close(fd) || (!status && rename(made, path)))
		status = complain("%s: %s", path, strerror(errno));
	if (status)
		unlink(made);
	free(made);
	return status;
}

int verb_screenshot(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status;

	no_options(verb, argc, argv);
	if (target_find_pair(verb, argv[optind], &target))
		return EXIT_FAILURE;
	status = save_screen(target.domid, argv[optind + 1]);
	target_dispose(&target);
	return status;
}

static int view(uint32_t guest)
{
	char viewer[] = "vncviewer", *address, *place;
	unsigned int port;

	if (diptych_vnc(open_pairs(), guest, &address, &port))
		return complain_of(open_pairs());
	if (asprintf(&place, "%s::%u", address, port) < 0)
		return complain("out of memory");
	execlp(viewer, viewer, place, NULL);
	return complain("vncviewer cannot be run: %s; the screen is at %s, TCP port %u",
			strerror(errno), address, port);
}

int verb_vncviewer(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status;

	no_options(verb, argc, argv);
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	status = target.is_pair ? view(target.domid)
				: exec_xl("vncviewer", argc - optind, argv + optind);
	target_dispose(&target);
	return status;
}

/* As xl: MiB, unless a letter says otherwise.  false: no size. */
static bool read_kib(const char *text, uint64_t *kib)
{
	static const char units[] = "kmgt";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*kib = strtoull(text, &end, 10);
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : units + 1;
	if (errno || !unit || (*end && end[1]) || *kib > UINT32_MAX)
		return false;
	*kib <<= 10 * (unit - units);
	return true;
}

int verb_mem_set(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	uint64_t kib;
	int status;

	no_options(verb, argc, argv);
	if (!read_kib(argv[optind + 1], &kib)) {
		complain("\"%s\" is no size; 512, 512m, 1g are", argv[optind + 1]);
		return EXIT_USAGE;
	}
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	status = target.is_pair ? report(diptych_set_memory(open_pairs(), target.domid, kib))
				: exec_xl("mem-set", argc - optind, argv + optind);
	target_dispose(&target);
	return status;
}

/* For support: what the fidelity domain's QEMU answers to a QMP command. */
int verb_qmp(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	char *answer;
	int status;

	no_options(verb, argc, argv);
	if (target_find_pair(verb, argv[optind], &target))
		return EXIT_FAILURE;
	status = report(diptych_qmp(open_pairs(), target.domid, argv[optind + 1], &answer));
	if (!status)
		puts(answer);
	free(answer);
	target_dispose(&target);
	return status;
}
