/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a path as a text. */
#include <check.h>

#include <cattach/path.h>

static const struct {
	const char *path;
	bool climbs;
} paths[] = {
	{ "", false },	    { "/", false },	{ "..", true },	      { "/..", true },
	{ "a/..", true },   { "a/../b", true }, { "../", true },      { "a//../b", true },
	{ "...", false },   { "..a", false },	{ "a..", false },     { "a/..b/c..", false },
	{ ".", false },	    { "./a", false },	{ "a/b/c/..", true }, { "/a/b", false },
};

START_TEST(a_path_climbs_when_two_dots_are_a_component)
{
	ck_assert_msg(ct_path_climbs(paths[_i].path) == paths[_i].climbs, "\"%s\"", paths[_i].path);
}
END_TEST

START_TEST(a_text_ends_with_its_end_with_itself_and_with_nothing)
{
	ck_assert(ct_ends_with("app.slice", ".slice"));
	ck_assert(ct_ends_with(".slice", ".slice"));
	ck_assert(ct_ends_with("a", ""));
	ck_assert(!ct_ends_with("slice", ".slice"));
	ck_assert(!ct_ends_with("app.slice ", ".slice"));
	ck_assert(!ct_ends_with("", "a"));
}
END_TEST

Suite *suite_path_text(void);
Suite *suite_path_text(void)
{
	Suite *s = suite_create("path_text");
	TCase *tc = tcase_create("texts");

	tcase_add_loop_test(tc, a_path_climbs_when_two_dots_are_a_component, 0,
			    sizeof(paths) / sizeof(paths[0]));
	tcase_add_test(tc, a_text_ends_with_its_end_with_itself_and_with_nothing);
	suite_add_tcase(s, tc);
	return s;
}
