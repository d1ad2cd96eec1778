/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run and create about the log, and tags. Any user.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include <cattach/streamlog.h>

#include "run_fixture.h"

START_TEST(other_log_drivers_are_refused_by_name)
{
	run_options.log_driver = "syslog";
	run_bad(ENOTSUP, "--log-driver: there is no log driver \"syslog\" (native, k8s-file, "
			 "json-file, journald, passthrough, or none to keep only what fits into memory)");
}
END_TEST

START_TEST(log_options_are_sizes_and_counts)
{
	run_add(&run_options.log_opt, "max-size=1m");
	run_add(&run_options.log_opt, "max-file=7");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.log_max_size, 1 << 20);
	ck_assert_int_eq(run_meta.log_max_files, 7);
}
END_TEST

START_TEST(a_log_size_that_is_too_small_becomes_the_least_there_is)
{
	run_add(&run_options.log_opt, "max-size=10k");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.log_max_size, CT_LOG_SIZE_MIN);
}
END_TEST

static const struct {
	const char *option, *text;
	int code;
} bad_options[] = {
	{ "max-size=0", "--log-opt max-size: must be more than nothing (--log-driver none keeps no "
			"log on disk)", ERANGE },
	{ "max-size=-1", "--log-opt max-size: must be a size in bytes or with b, k, m, g or t, "
			 "such as 64m, not \"-1\"", EINVAL },
	{ "max-file=0", "--log-opt max-file: must be 1...128, not \"0\"", ERANGE },
	{ "tag=x", "--log-opt tag: only the log drivers json-file and journald have a place for it", EINVAL },
	{ "path=/x", "--log-opt path: only the log drivers k8s-file and json-file have a file", EINVAL },
	{ "max-size", "--log-opt: unknown log option \"max-size\" (max-size=SIZE, max-file=N, "
		      "path=FILE or tag=TEXT)", EINVAL },
};

START_TEST(other_log_options_are_refused)
{
	run_add(&run_options.log_opt, bad_options[_i].option);
	run_bad(bad_options[_i].code, bad_options[_i].text);
}
END_TEST

/* ---- files ---- */

START_TEST(drivers_with_files_take_a_path_and_a_tag)
{
	run_options.log_driver = "json-file";
	run_add(&run_options.log_opt, "path=/tmp/nobody-has-this.log");
	run_add(&run_options.log_opt, "tag=a {{.Name}}");
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.log_path, "/tmp/nobody-has-this.log");
	ck_assert_str_eq(run_meta.log_tag, "a {{.Name}}");
	ck_assert_int_eq(ct_log_file_of(&run_meta), CT_LOG_FILE_JSON);
}
END_TEST

static const struct {
	const char *option, *text;
	int code;
} bad_files[] = {
	{ "path=", "--log-opt path: must be the path of a file, in UTF-8", EINVAL },
	{ "path=/tmp/\xff", "--log-opt path: must be the path of a file, in UTF-8", EINVAL },
	{ "path=/no/such/x", "--log-opt path: no such directory: /no/such (mkdir -p /no/such)", ENOTDIR },
	{ "path=/dev/null", "--log-opt path: is not a regular file: /dev/null", EINVAL },
	{ "path=/tmp/", "--log-opt path: is a directory: /tmp/", EISDIR },
	{ "path=/", "--log-opt path: is a directory: /", EISDIR },
	{ "tag={{.Name", "--log-opt tag: cannot fill in \"{{.Name\" ({{.ID}}, {{.FullID}}, {{.Name}} "
			 "or {{.ImageName}})", EINVAL },
	{ "tag=a\nb", "--log-opt tag: must not have control characters", EINVAL },
};

START_TEST(files_and_tags_that_cannot_be_are_refused)
{
	run_options.log_driver = "json-file";
	run_add(&run_options.log_opt, bad_files[_i].option);
	run_bad(bad_files[_i].code, bad_files[_i].text);
}
END_TEST

START_TEST(passthrough_hands_stdin_over_and_needs_no_terminal)
{
	run_options.log_driver = "passthrough";
	run_options.interactive = true;
	run_ok(&run_alice);
	ck_assert(run_meta.stdin_passed && !run_meta.stdin_open && !run_meta.stdin_once);
	ck_assert(ct_log_passes(&run_meta));
	ck_assert_int_eq(ct_log_file_of(&run_meta), CT_LOG_FILE_NONE);
	run_options.tty = true;
	run_bad(EINVAL, "--log-driver passthrough: a container with a terminal writes to that (leave out "
			"-t, or choose another log driver)");
}
END_TEST

START_TEST(journald_is_told_whose_line_it_is)
{
	struct ct_container container = {
		.meta = { .id = "0123456789abcdef0123456789abcdef", .name = "web",
			  .log_driver = "journald" },
	};
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_err err = { 0 };
	const char *fields;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_log_fields(&arena, &container, NULL, &fields, &err), 0);
	ck_assert_str_eq(fields, "CONTAINER_ID=0123456789ab\n"
				 "CONTAINER_ID_FULL=0123456789abcdef0123456789abcdef\n"
				 "CONTAINER_NAME=web\nCONTAINER_TAG=0123456789ab\n"
				 "SYSLOG_IDENTIFIER=web\n");
	ck_assert_int_eq(ct_log_fields(&arena, &container, "a tag", &fields, &err), 0);
	ck_assert_ptr_nonnull(strstr(fields, "CONTAINER_TAG=a tag\nSYSLOG_IDENTIFIER=a tag\n"));
	container.meta.log_driver = "k8s-file";
	ck_assert_int_eq(ct_log_fields(&arena, &container, NULL, &fields, &err), 0);
	ck_assert_ptr_null(fields);
}
END_TEST

static const struct {
	const char *tag, *text;
} tags[] = {
	{ "", NULL }, { "plain", "plain" }, { "{{.Name}}", "web" }, { "{{.ID}}", "0123456789ab" },
	{ "{{.ImageName}}/{{.Name}}-{{.ID}}!", "box/web-0123456789ab!" }, { "{ {.Name}", "{ {.Name}" },
};

START_TEST(a_tag_is_filled_in)
{
	struct ct_meta meta = { .id = "0123456789abcdef0123456789abcdef", .name = "web",
				.source = "box", .log_tag = tags[_i].tag };
	struct ct_arena ct_autoarena arena = { 0 };
	const char *text = "?";
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_log_tag(&arena, &meta, &text, &err), 0);
	ck_assert_pstr_eq(text, tags[_i].text);
}
END_TEST

START_TEST(a_tag_that_no_record_has_room_for_is_refused)
{
	static char name[258];
	struct ct_meta meta = { .id = "", .name = name, .log_tag = "{{.Name}}" };
	struct ct_arena ct_autoarena arena = { 0 };
	const char *text;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	memset(name, 'x', 256);
	ck_assert_int_eq(ct_log_tag(&arena, &meta, &text, &err), 0);
	memset(name, 'x', 257);
	ck_assert_int_eq(ct_log_tag(&arena, &meta, &text, &err), -EINVAL);
	ck_assert_str_eq(err.what, "must be UTF-8, 256 bytes at most");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_run_log(void);
Suite *suite_run_log(void)
{
	Suite *s = suite_create("run_log");
	TCase *tc = tcase_create("options"), *tag = tcase_create("tags");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, other_log_drivers_are_refused_by_name);
	tcase_add_test(tc, log_options_are_sizes_and_counts);
	tcase_add_test(tc, a_log_size_that_is_too_small_becomes_the_least_there_is);
	tcase_add_loop_test(tc, other_log_options_are_refused, 0, COUNT(bad_options));
	tcase_add_test(tc, drivers_with_files_take_a_path_and_a_tag);
	tcase_add_loop_test(tc, files_and_tags_that_cannot_be_are_refused, 0, COUNT(bad_files));
	tcase_add_test(tc, passthrough_hands_stdin_over_and_needs_no_terminal);
	suite_add_tcase(s, tc);
	tcase_add_test(tag, journald_is_told_whose_line_it_is);
	tcase_add_loop_test(tag, a_tag_is_filled_in, 0, COUNT(tags));
	tcase_add_test(tag, a_tag_that_no_record_has_room_for_is_refused);
	suite_add_tcase(s, tag);
	return s;
}
