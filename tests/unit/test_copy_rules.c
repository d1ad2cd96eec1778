/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of cp: which path is in a container, what a source is called, where it goes. Runs
 * unprivileged, touches no file.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include <cattach/copy.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *arg;
	size_t length;
	const char *path;
} splits[] = {
	{ "web:/etc", 3, "/etc" }, { "web:etc", 3, "etc" }, { "web:", 3, "" },
	{ "web:a:b", 3, "a:b" }, { "file", 0, "file" }, { "/a:b", 0, "/a:b" },
	{ "./a:b", 0, "./a:b" }, { ".:b", 0, ".:b" }, { "dir/a:b", 0, "dir/a:b" },
	{ ":b", 0, ":b" }, { "-", 0, "-" }, { "", 0, "" },
};

START_TEST(a_colon_divides_a_container_from_a_path)
{
	const char *path = NULL;

	ck_assert_uint_eq(ct_copy_split(splits[_i].arg, &path), splits[_i].length);
	ck_assert_str_eq(path, splits[_i].path);
}
END_TEST

static const struct {
	const char *path;
	bool slash, contents;
} ends[] = {
	{ "/a/", true, false }, { "/a/.", false, true }, { ".", false, true }, { "/", true, false },
	{ "/a", false, false }, { "/a.", false, false }, { "..", false, false }, { "", false, false },
};

START_TEST(the_end_of_a_path_says_what_is_meant)
{
	ck_assert_int_eq(ct_copy_ends_with_slash(ends[_i].path), ends[_i].slash);
	ck_assert_int_eq(ct_copy_means_contents(ends[_i].path), ends[_i].contents);
}
END_TEST

static const struct {
	const char *cwd, *path, *name;
} names[] = {
	{ "/", "/etc/passwd", "passwd" }, { "/", "/etc/", "etc" }, { "/", "/a/./b/..", "a" },
	{ "/", "/", "" }, { "/", "/..", "" }, { "/", "/a/..", "" }, { "/", "a", "a" },
	{ "/home/me", ".", "me" }, { "/home/me", "..", "home" }, { "/home/me", "../..", "" },
	{ "/home/me", "../../..", "" }, { "/home/me", "x/../..", "home" }, { "/home/me", "./x", "x" },
	{ "/home/me", "/..", "" }, { "/", "a//b//", "b" }, { "/", "...", "..." },
};

START_TEST(a_source_is_called_by_its_last_name)
{
	char name[CT_COPY_NAME_MAX + 1] = "?";

	ct_copy_base_name(names[_i].cwd, names[_i].path, name);
	ck_assert_str_eq(name, names[_i].name);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_cut_and_not_written_past_the_end)
{
	char path[1024], name[CT_COPY_NAME_MAX + 1];

	memset(path, 'n', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ct_copy_base_name("/", path, name);
	ck_assert_uint_eq(strlen(name), CT_COPY_NAME_MAX);
}
END_TEST

enum { FILE_ = 0, DIR_ = 1, CONTENTS = 2 };	/* the source */
enum { NOTHING = 0, A_FILE = 1, A_DIR = 2, SLASH = 4 };	/* the target */

static const struct {
	int source, target;
	int code;		/* 0, or the error */
	enum ct_copy_where where;
	const char *text;
} rules[] = {
	{ FILE_, NOTHING, 0, CT_COPY_AS, NULL },
	{ FILE_, NOTHING | SLASH, ENOENT, 0, "there is no directory T (make it first, or leave the \"/\" "
					     "at its end out)" },
	{ FILE_, A_FILE, 0, CT_COPY_AS, NULL },
	{ FILE_, A_FILE | SLASH, ENOTDIR, 0, "T is not a directory" },
	{ FILE_, A_DIR, 0, CT_COPY_INTO, NULL },
	{ FILE_, A_DIR | SLASH, 0, CT_COPY_INTO, NULL },
	{ DIR_, NOTHING, 0, CT_COPY_AS, NULL },
	{ DIR_, NOTHING | SLASH, 0, CT_COPY_AS, NULL },
	{ DIR_, A_FILE, ENOTDIR, 0, "a directory cannot take the place of T, which is a file" },
	{ DIR_, A_DIR, 0, CT_COPY_INTO, NULL },
	{ DIR_ | CONTENTS, NOTHING, 0, CT_COPY_AS, NULL },
	{ DIR_ | CONTENTS, A_FILE, ENOTDIR, 0, "a directory cannot take the place of T, which is a file" },
	{ DIR_ | CONTENTS, A_DIR, 0, CT_COPY_MERGE, NULL },
	{ DIR_ | CONTENTS, A_DIR | SLASH, 0, CT_COPY_MERGE, NULL },
	/* a source that claims to be the contents of a file is a file */
	{ FILE_ | CONTENTS, A_DIR, 0, CT_COPY_INTO, NULL },
};

START_TEST(every_source_has_its_place_or_is_refused)
{
	const struct ct_copy_ends e = {
		.source_directory = rules[_i].source & DIR_,
		.contents = rules[_i].source & CONTENTS,
		.target_there = rules[_i].target & (A_FILE | A_DIR),
		.target_directory = rules[_i].target & A_DIR,
		.target_slash = rules[_i].target & SLASH,
		.target = "T",
	};
	enum ct_copy_where where = (enum ct_copy_where)-1;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_copy_rule(&e, &where, &err), -rules[_i].code);
	if (rules[_i].code)
		ck_err(&err, rules[_i].code, rules[_i].text);
	else
		ck_assert_int_eq(where, rules[_i].where);
}
END_TEST

Suite *suite_copy_rules(void);

Suite *suite_copy_rules(void)
{
	Suite *s = suite_create("copy_rules");
	TCase *t = tcase_create("paths");

	tcase_add_loop_test(t, a_colon_divides_a_container_from_a_path, 0, COUNT(splits));
	tcase_add_loop_test(t, the_end_of_a_path_says_what_is_meant, 0, COUNT(ends));
	tcase_add_loop_test(t, a_source_is_called_by_its_last_name, 0, COUNT(names));
	tcase_add_test(t, a_name_that_is_too_long_is_cut_and_not_written_past_the_end);
	tcase_add_loop_test(t, every_source_has_its_place_or_is_refused, 0, COUNT(rules));
	suite_add_tcase(s, t);
	return s;
}
