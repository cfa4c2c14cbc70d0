/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as an administrator writes it: what is taken, what is refused and with which words. */
#include "boot/options.c"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static char said[512], why[512];
u32 log_levels[2];

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

size_t format_string(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(to, size, format, args);
	va_end(args);
	return (size_t)n;
}

static bool line(const char *text)
{
	said[0] = why[0] = 0;
	return options_read(text, why, sizeof(why));
}

static void refused(const char *text, const char *name)
{
	ck_assert_msg(!line(text), "%s is taken", text);
	ck_assert_msg(strstr(why, name) != NULL, "%s: %s", text, why);
	ck_assert(strstr(why, "give ") != NULL);
}

START_TEST(nothing_given)
{
	ck_assert(line(""));
	ck_assert(options.console.serial[0] && !options.console.serial[1] && options.console.vga);
	ck_assert(!options.noreboot);
	ck_assert(!options.dom0_mem.wanted.given && !options.dom0_mem.min.given &&
		  !options.dom0_mem.max.given);
	ck_assert_uint_eq(options.serial[0].port, 0x3f8);
	ck_assert_uint_eq(options.serial[1].port, 0x2f8);
	ck_assert_uint_eq(amount_of(&options.dom0_mem.max, 77), 77);
}
END_TEST

START_TEST(dom0_memory)
{
	static const struct {
		const char *text;
		u64 bytes;
	} sizes[] = { { "1536M", 1536ull << 20 },
		      { "2g", 2ull << 30 },
		      { "524288", 512ull << 20 },
		      { "4096K", 4ull << 20 },
		      { "1073741824B", 1 << 30 },
		      { "1T", 1ull << 40 },
		      { "-1G", 7ull << 30 },
		      { "50%", (8ull << 30) / 100 * 50 },
		      { "-9G", 0 } };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char text[64];

		snprintf(text, sizeof(text), "dom0_mem=%s", sizes[i].text);
		ck_assert_msg(line(text), "%s: %s", text, why);
		ck_assert_uint_eq(amount_of(&options.dom0_mem.wanted, 8ull << 30), sizes[i].bytes);
	}
	ck_assert(line("  dom0_mem=1G,min:512M,max:25% noreboot "));
	ck_assert_uint_eq(amount_of(&options.dom0_mem.wanted, 8ull << 30), 1 << 30);
	ck_assert_uint_eq(amount_of(&options.dom0_mem.min, 8ull << 30), 512 << 20);
	ck_assert_uint_eq(options.dom0_mem.max.percent, 25);
	ck_assert(options.noreboot);
	/* The last one counts, as in Xen. */
	ck_assert(line("dom0_mem=1G dom0_mem=2G"));
	ck_assert_uint_eq(options.dom0_mem.wanted.bytes, 2ull << 30);
	refused("dom0_mem", "dom0_mem");
	refused("dom0_mem=", "dom0_mem");
	refused("dom0_mem=much", "dom0_mem=much");
	refused("dom0_mem=1GB", "dom0_mem=1GB");
	refused("dom0_mem=1G,", "dom0_mem");
	refused("dom0_mem=most:1G", "dom0_mem");
	refused("dom0_mem=101%", "dom0_mem");
	refused("dom0_mem=99999999999999999999999", "dom0_mem");
	refused("dom0_mem=99999999999999T", "dom0_mem");
}
END_TEST

START_TEST(consoles)
{
	ck_assert(line("console=com2,vga com2=9600,7e2,0x3e8,5"));
	ck_assert(!options.console.serial[0] && options.console.serial[1] && options.console.vga);
	ck_assert_uint_eq(options.serial[1].baud, 9600);
	ck_assert_uint_eq(options.serial[1].format, 2 | 4 | 3 << 3);
	ck_assert_uint_eq(options.serial[1].port, 0x3e8);
	ck_assert(line("console=none com1=auto"));
	ck_assert(!options.console.serial[0] && !options.console.vga);
	ck_assert_uint_eq(options.serial[0].baud, 0);
	ck_assert_uint_eq(options.serial[0].port, 0x3f8);
	ck_assert(line("com1=115200,,0x2e8"));
	ck_assert_uint_eq(options.serial[0].port, 0x2e8);
	refused("console=com3", "console=com3");
	/* A console that is not understood leaves those on which it can be said. */
	ck_assert(options.console.serial[0] && options.console.vga);
	refused("console=com1vga", "console");
	refused("console=", "console");
	refused("com1=115201", "com1");
	refused("com1=0", "com1");
	refused("com1=115200,9n1", "com1");
	refused("com1=115200,8n1,port", "com1");
	refused("com1=115200,8n1,0x3f8,x", "com1");
}
END_TEST

START_TEST(levels_and_others)
{
	ck_assert(line("loglvl=all guest_loglvl=none/warning"));
	ck_assert_uint_eq(log_levels[0], 4);
	ck_assert_uint_eq(log_levels[1], 2);
	ck_assert(line("loglvl=error"));
	ck_assert_uint_eq(log_levels[0], 1);
	refused("loglvl=loud", "loglvl=loud");
	refused("guest_loglvl=all/", "guest_loglvl");
	ck_assert(line("dom0_max_vcpus=2"));
	ck_assert(options.dom0_vcpus_max == 2);
	ck_assert(line("dom0_max_vcpus=1-4"));
	ck_assert(options.dom0_vcpus_max == 4);
	refused("dom0_max_vcpus=4-1", "dom0_max_vcpus");
	refused("dom0_max_vcpus=0", "dom0_max_vcpus");
	refused("dom0_max_vcpus=many", "dom0_max_vcpus");
	ck_assert(line("noreboot=no"));
	ck_assert(!options.noreboot);
	refused("noreboot=perhaps", "noreboot");
	ck_assert(options.seals);
	ck_assert(line("seal=no"));
	ck_assert(!options.seals && !options.noreboot);
	ck_assert(line("seal=no seal"));
	ck_assert(options.seals);
	refused("seal=nothing", "seal=nothing");
	/* The first wrong one is named. */
	refused("dom0_mem=x console=y", "dom0_mem=x");
}
END_TEST

START_TEST(unknown)
{
	ck_assert(line("dom0_memory=1G"));
	ck_assert(strstr(said, "dom0_memory=1G is not known") != NULL);
	ck_assert(line("dom0=pvh"));
	ck_assert(strstr(said, "dom0=pvh is not known") != NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot options");
	TCase *t = tcase_create("boot options");
	SRunner *r;
	int failed;

	tcase_add_test(t, nothing_given);
	tcase_add_test(t, dom0_memory);
	tcase_add_test(t, consoles);
	tcase_add_test(t, levels_and_others);
	tcase_add_test(t, unknown);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
