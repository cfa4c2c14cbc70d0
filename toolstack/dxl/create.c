// SPDX-License-Identifier: GPL-2.0-or-later
/* create: type="hvm" becomes a pair, type="pvh" is handed to xl as it stands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dxl.h"

struct wish {
	bool paused, console, dryrun, quiet;
	const char *file;
	char **settings; /* KEY=VALUE operands */
	int setting_count;
};

/* Settings come after the file's text: the last assignment counts. */
static char *read_config(const struct wish *wish, size_t *length)
{
	char *text = NULL, *part = NULL;
	size_t size = 0;
	FILE *from = fopen(wish->file, "re"), *to;
	ssize_t got;
	int i;

	if (!from || !(to = open_memstream(&text, length))) {
		complain("%s: %s", wish->file, strerror(errno));
		if (from)
			fclose(from);
		return NULL;
	}
	while ((got = getdelim(&part, &size, '\n', from)) > 0)
		fwrite(part, 1, (size_t)got, to);
	if (ferror(from)) {
		complain("%s: %s", wish->file, strerror(errno));
		fclose(from);
		fclose(to);
		free(text);
		free(part);
		return NULL;
	}
	fclose(from);
	free(part);
	fputc('\n', to);
	for (i = 0; i < wish->setting_count; i++)
		fprintf(to, "%s\n", wish->settings[i]);
	fclose(to);
	return text;
}

static void show_progress(void *user, const char *what, unsigned int percent)
{
	static unsigned int shown = ~0u;

	(void)user;
	if (percent == shown)
		return;
	shown = percent;
	fprintf(stderr, "\r%s: %3u %%\033[K", what, percent);
	if (percent == 100)
		fprintf(stderr, "\r\033[K");
}

static int print_understood(const struct diptych_desc *desc)
{
	char *text = diptych_desc_format(desc);

	if (!text)
		return complain("out of memory");
	fputs(text, stdout);
	free(text);
	return EXIT_SUCCESS;
}

static int build(const struct wish *wish, const struct diptych_desc *desc)
{
	struct diptych *pairs = open_pairs();
	bool progress = !wish->quiet && isatty(2);
	uint32_t guest;
	int error;

	if (progress)
		diptych_set_progress(pairs, show_progress, NULL);
	/* With -c it starts when its console is open. */
	error = diptych_create(pairs, desc,
			       wish->paused || wish->console ? DIPTYCH_CREATE_PAUSED : 0, &guest);
	if (progress)
		fprintf(stderr, "\r\033[K");
	if (error)
		return complain_of(pairs);
	if (!wish->console)
		return EXIT_SUCCESS;
	if (!wish->paused) {
		char *path;

		if (diptych_console_path(pairs, guest, &path))
			return complain_of(pairs);
		free(path);
		if (diptych_unpause(pairs, guest))
			return complain_of(pairs);
	}
	return console_of_pair(guest);
}

/* A plain PVH domain is libxl's, and xl is the front end that knows all of its settings. */
static int hand_to_xl(const struct wish *wish)
{
	char flags[6] = "-", **argv = calloc((size_t)wish->setting_count + 5, sizeof(*argv)),
	     *f = flags + 1;
	char xl[] = "xl", verb[] = "create";
	int n = 0, i;

	if (!argv)
		return complain("out of memory");
	argv[n++] = xl;
	argv[n++] = verb;
	if (wish->paused)
		*f++ = 'p';
	if (wish->console)
		*f++ = 'c';
	if (wish->dryrun)
		*f++ = 'n';
	if (wish->quiet)
		*f++ = 'q';
	*f = 0;
	if (flags[1])
		argv[n++] = flags;
	argv[n++] = (char *)(uintptr_t)wish->file; /* execvp changes nothing */
	for (i = 0; i < wish->setting_count; i++)
		argv[n++] = wish->settings[i];
	execvp(xl, argv);
	free(argv);
	return complain("type=\"pvh\" is built by xl, which cannot be run: %s", strerror(errno));
}

static int create(const struct wish *wish)
{
	struct diptych_desc desc;
	char *error = NULL, *text;
	size_t length;
	int result, status;

	text = read_config(wish, &length);
	if (!text)
		return EXIT_FAILURE;
	diptych_desc_init(&desc);
	result = diptych_desc_parse(&desc, wish->file, text, length, &error);
	free(text);
	if (result == -ENOTSUP) {
		status = hand_to_xl(wish);
	} else if (result || (!wish->dryrun && diptych_desc_check(&desc, &error))) {
		status = complain("%s", error ? error : strerror(-result));
	} else {
		if (desc.notes)
			warn("%s", desc.notes);
		if (wish->dryrun) {
			status = print_understood(&desc);
			if (diptych_desc_check(&desc, &error))
				status = complain("%s", error ? error : "out of memory");
		} else {
			status = build(wish, &desc);
		}
	}
	free(error);
	diptych_desc_dispose(&desc);
	return status;
}

int verb_create(const struct verb *verb, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "paused", 0, NULL, 'p' }, { "console", 0, NULL, 'c' }, { "dryrun", 0, NULL, 'n' },
		{ "quiet", 0, NULL, 'q' },  { "help", 0, NULL, 'h' },	 { NULL, 0, NULL, 0 }
	};
	struct wish wish = { .file = NULL };
	int option, i;

	while ((option = next_option(verb, argc, argv, "pcnqh", longs)) >= 0) {
		wish.paused |= option == 'p';
		wish.console |= option == 'c';
		wish.dryrun |= option == 'n';
		wish.quiet |= option == 'q';
	}
	wish.file = argv[optind];
	wish.settings = argv + optind + 1;
	wish.setting_count = argc - optind - 1;
	for (i = 0; i < wish.setting_count; i++)
		if (!strchr(wish.settings[i], '=')) {
			complain("\"%s\" is not KEY=VALUE; one configuration file at a time",
				 wish.settings[i]);
			return EXIT_USAGE;
		}
	return create(&wish);
}
