/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -Wl,--unresolved-symbols=ignore-all */
/* Every verb is in the manual page, and bash completes verbs, domains, options and devices. */
#include "toolstack/dxl/verbs.c"

#include <check.h>
#include <unistd.h>

/* The tree's folder: this file is two below. */
static const char *top(void)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s", __FILE__);
	ck_assert_ptr_nonnull(strstr(path, "/tests/unit/"));
	*strstr(path, "/tests/unit/") = 0;
	return path;
}

static char *read_command(const char *command)
{
	char *text = NULL;
	size_t size = 0;
	FILE *pipe = popen(command, "re");

	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_ge((int)getdelim(&text, &size, 0, pipe), 0);
	pclose(pipe);
	return text;
}

/* Words in bold of the page, a line each. */
START_TEST(every_verb_is_in_the_manual_page)
{
	const struct verb *verb;
	char command[1024], wanted[64], *page;

	snprintf(command, sizeof(command),
		 "sed -n 's/\\\\-/-/g; s/\\\\fR//g; s/\\\\fP//g; s/^\\.B[IR]* //p' %s/doc/dxl.1 | "
		 "tr -s '\", ' '\\n\\n\\n' | sed 's/^/ /; s/$/ /'",
		 top());
	page = read_command(command);
	for (verb = verbs; verb->name; verb++) {
		snprintf(wanted, sizeof(wanted), " %s \n", verb->name);
		ck_assert_msg(verb->hidden || strstr(page, wanted), "dxl.1 does not tell of %s",
			      verb->name);
	}
	free(page);
}
END_TEST

/* What completion offers for the last of `words`, with a dxl that has these answers. */
static void expect(const char *words, const char *offered)
{
	char command[2048], *got;

	snprintf(command, sizeof(command),
		 "bash -c 'dxl() { case \"$*\" in"
		 "	help) printf \"  create  x\\n  cd-insert  x\\n\" ;;"
		 "	list) printf \"Name ID\\nDomain-0 0\\nweb 1\\nweb.fd 2\\nmail 3\\n\" ;;"
		 "	*--help) printf \"Usage\\n  -p, --paused    x\\n\" ;;"
		 "	\"block-list web\") printf \"Vdev\\nxvda\\nhdc\\n\" ;;"
		 "	esac; }\n"
		 ". %s/toolstack/dxl/dxl.bash\n"
		 "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _dxl 2>/dev/null\n"
		 "echo \"${COMPREPLY[@]}\"'",
		 top(), words);
	got = read_command(command);
	ck_assert_msg(!strncmp(got, offered, strlen(offered)) &&
			      !strcmp(got + strlen(offered), "\n"),
		      "for %s: %s, not %s", words, got, offered);
	free(got);
}

START_TEST(bash_completes)
{
	expect("dxl c", "create cd-insert");
	expect("dxl -v cr", "create");
	expect("dxl destroy \"\"", "web mail");
	expect("dxl create -", "-p --paused");
	expect("dxl send-trigger web p", "power");
	expect("dxl cd-insert web \"\"", "xvda hdc");
	expect("dxl destroy web \"\"", "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_dxl");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_verb_is_in_the_manual_page);
	tcase_add_test(tcase, bash_completes);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
