/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -D_GNU_SOURCE -fsanitize=address */
/* QMP's answers come from a domain that is not trusted: what is JSON is found, what is not is nothing. */
#include "toolstack/json.c"

#include <check.h>

static const char *item_at(const char *array, size_t index)
{
	const char *item = json_first(array);

	for (; item && index; index--)
		item = json_next(item);
	return item;
}

static char *string_at(const char *text, const char *key)
{
	return json_string(json_member(json_value(text), key));
}

START_TEST(members_and_items)
{
	static const char text[] = " { \"a\" : [1, {\"x\":\"]}\"} ,-2.5e3] "
				   ",\"b\":{\"a\":7},\n\"c\\\"\":null , \"d\":\"\" } ";
	const char *value = json_value(text);
	uint64_t number;
	char *string;

	ck_assert_ptr_nonnull(value);
	ck_assert(json_u64(item_at(json_member(value, "a"), 0), &number) && number == 1);
	string = json_string(json_member(item_at(json_member(value, "a"), 1), "x"));
	ck_assert_str_eq(string, "]}");
	free(string);
	ck_assert(!json_u64(item_at(json_member(value, "a"), 2), &number)); /* negative */
	ck_assert_ptr_null(item_at(json_member(value, "a"), 3));
	ck_assert(json_u64(json_member(json_member(value, "b"), "a"), &number) && number == 7);
	ck_assert_ptr_null(json_member(value, "x")); /* of a value inside */
	ck_assert_ptr_null(json_member(json_member(value, "a"), "x"));
	ck_assert_ptr_null(item_at(value, 0));
	string = string_at(text, "d");
	ck_assert_str_eq(string, "");
	free(string);
	ck_assert_ptr_null(item_at(json_value("[]"), 0));
	ck_assert_ptr_null(json_member(json_value("{}"), ""));
}
END_TEST

START_TEST(strings_are_decoded)
{
	char *string = json_string("\"a\\n\\\"\\\\\\u00e9\\u20ac\\/\"");

	ck_assert_str_eq(string, "a\n\"\\\xc3\xa9\xe2\x82\xac/");
	free(string);
	string = json_quote("a\n\"\\");
	ck_assert_str_eq(string, "\"a\\u000a\\\"\\\\\"");
	free(string);
	ck_assert_ptr_null(json_string("12"));
	ck_assert_ptr_null(json_string(NULL));
}
END_TEST

START_TEST(what_is_no_json)
{
	static const char *const texts[] = { "",      "{",     "}",	"{\"a\"}",   "{\"a\":}",
					     "[1,]",  "[1 2]", "\"a",	"\"\\",	     "\"a\nb\"",
					     "{a:1}", "1 2",   "[\"a]", "{\"a\":1,}" };
	char deep[400];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(!json_value(texts[i]), "%s", texts[i]);
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	ck_assert_ptr_null(json_value(deep));
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	deep[200] = 0;
	ck_assert_ptr_null(json_value(deep)); /* too deep */
	memset(deep, '[', 50);
	memset(deep + 50, ']', 50);
	deep[100] = 0;
	ck_assert_ptr_nonnull(json_value(deep));
}
END_TEST

/* The longest answer that is taken is walked in a moment, not in hours. */
START_TEST(a_long_list)
{
	size_t length = 1u << 20, i, found = 0;
	char *text = malloc(length);
	const char *item;

	for (i = 0; i < length - 2; i += 2)
		memcpy(text + i, "1,", 2);
	text[0] = '[';
	text[1] = ' ';
	memcpy(text + length - 3, "]", 2);
	for (item = json_first(json_value(text)); item; item = json_next(item))
		found++;
	ck_assert_uint_eq(found, (length - 4) / 2);
	free(text);
}
END_TEST

/* Any bytes: no crash, no read beyond the end (address sanitizer), and what was found can be walked. */
START_TEST(random_text)
{
	static const char letters[] = "{}[]\",:\\u1e- \nantrfl";
	unsigned int seed = 1, i, j;
	const char *item;
	char *text, *string;

	for (i = 0; i < 200000; i++) {
		size_t length = (size_t)rand_r(&seed) % 24;

		text = malloc(length + 1);
		for (j = 0; j < length; j++)
			text[j] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
		text[length] = 0;
		string = json_string(json_value(text));
		free(string);
		for (item = json_first(json_value(text)); item; item = json_next(item))
			;
		string = string_at(text, "a");
		free(string);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("toolstack_json");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, members_and_items);
	tcase_add_test(tcase, strings_are_decoded);
	tcase_add_test(tcase, what_is_no_json);
	tcase_add_test(tcase, a_long_list);
	tcase_add_test(tcase, random_text);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
