/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.json: everything in a record survives writing and reading, whatever bytes people put into
 * it, and damaged records are refused with the reason. Pure functions, any user.
 */
#include "container/record.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "container_fixture.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct ct_meta smallest(void)
{
	return (struct ct_meta){ .id = ID, .name = "web", .host = "h/", .stop_signal = SIGTERM };
}

/* Write and read again. */
static struct ct_meta round_trip(struct ct_arena *arena, const struct ct_meta *meta)
{
	struct ct_buf ct_autobuf text = { 0 };
	struct ct_meta read = { 0 };
	struct ct_err err = { 0 };

	ck_assert_msg(ct_meta_write(meta, &text, &err) == 0, "%s", err.what);
	ck_assert_msg(ct_meta_parse(arena, text.data, text.length, &read, &err) == 0, "%s: %s",
		      err.where, err.what);
	return read;
}

static void assert_lists(const struct ct_strings *a, const struct ct_strings *b)
{
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		ck_assert_str_eq(a->items[i], b->items[i]);
}

START_TEST(the_smallest_record_survives_with_everything_else_absent)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta meta = smallest(), read;

	container_arena(&arena);
	read = round_trip(&arena, &meta);
	ck_assert_str_eq(read.id, ID);
	ck_assert_str_eq(read.name, "web");
	ck_assert_uint_eq(read.version, 1);
	ck_assert_ptr_null(read.source);
	ck_assert_ptr_null(read.bundle);
	ck_assert_ptr_null(read.hostname);
	ck_assert_uint_eq(read.command.count, 0);
	ck_assert_uint_eq(read.labels.count, 0);
	ck_assert(!read.tty);
	ck_assert_int_eq(read.stop_timeout, 0);
}
END_TEST

START_TEST(every_field_survives)
{
	static const char *words[] = { "sh", "", "a b", "\"\\\n\t\x1b[31m", "\xc3\xa9", NULL };
	static const char *test[] = { "CMD-SHELL", "[ -f /x ]" };
	struct ct_strings list = { .items = words, .count = 5 };
	struct ct_spec_pair pairs[] = { { "k", "v" }, { "k", "again" }, { "a=b", "" } };
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta read, meta = {
		.id = ID, .name = "n", .created = UINT64_MAX, .source = "./b", .bundle = "/b",
		.rootfs = "/b/rootfs", .overlay = true, .entrypoint = list, .command = list,
		.tty = true, .stdin_open = true, .stdin_once = true, .remove = true, .detach = true,
		.init = true, .privileged = true, .stop_signal = 64, .stop_timeout = -1,
		.labels = { pairs, 3 }, .user = "1:2", .network = "none", .pid_mode = "host",
		.ipc_mode = "a", .uts_mode = "b", .cgroupns_mode = "c", .userns_mode = "d",
		.pidfile = "/p", .cidfile = "/c", .detach_keys = "ctrl-p", .cap_add = list,
		.cap_drop = list, .security_opt = list, .binds = list, .hostname = "h",
		.host = "machine/id", .stdin_eof = "keep", .size_policy = "largest",
		.sdnotify = "monitor", .log_driver = "none", .log_max_size = UINT64_MAX, .log_max_files = CT_LOG_MAX_FILES,
		.tie = true, .default_seccomp = true, .keep_groups = true,
		.health = { .test = { .items = test, .count = 2 }, .interval = 1, .timeout = UINT64_MAX,
			    .start_period = 0, .start_interval = 3, .retries = INT32_MAX,
			    .on_failure = "restart", .changed = 5 },
	};

	container_arena(&arena);
	read = round_trip(&arena, &meta);
	ck_assert_uint_eq(read.created, UINT64_MAX);
	ck_assert_str_eq(read.source, "./b");
	ck_assert_str_eq(read.bundle, "/b");
	ck_assert_str_eq(read.rootfs, "/b/rootfs");
	ck_assert(read.overlay && read.tty && read.stdin_open && read.stdin_once && read.remove &&
		  read.detach && read.init && read.privileged);
	assert_lists(&read.entrypoint, &list);
	assert_lists(&read.command, &list);
	assert_lists(&read.cap_add, &list);
	assert_lists(&read.cap_drop, &list);
	assert_lists(&read.security_opt, &list);
	assert_lists(&read.binds, &list);
	ck_assert_int_eq(read.stop_signal, 64);
	ck_assert_int_eq(read.stop_timeout, -1);
	ck_assert_uint_eq(read.labels.count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(read.labels.items[i].key, pairs[i].key);
		ck_assert_str_eq(read.labels.items[i].value, pairs[i].value);
	}
	ck_assert_str_eq(read.user, "1:2");
	ck_assert_str_eq(read.network, "none");
	ck_assert_str_eq(read.pid_mode, "host");
	ck_assert_str_eq(read.ipc_mode, "a");
	ck_assert_str_eq(read.uts_mode, "b");
	ck_assert_str_eq(read.cgroupns_mode, "c");
	ck_assert_str_eq(read.userns_mode, "d");
	ck_assert_str_eq(read.pidfile, "/p");
	ck_assert_str_eq(read.cidfile, "/c");
	ck_assert_str_eq(read.detach_keys, "ctrl-p");
	ck_assert_str_eq(read.hostname, "h");
	ck_assert_str_eq(read.host, "machine/id");
	ck_assert_str_eq(read.stdin_eof, "keep");
	ck_assert_str_eq(read.size_policy, "largest");
	ck_assert_str_eq(read.log_driver, "none");
	ck_assert_str_eq(read.sdnotify, "monitor");
	ck_assert_uint_eq(read.log_max_size, UINT64_MAX);
	ck_assert_int_eq(read.log_max_files, CT_LOG_MAX_FILES);
	assert_lists(&read.health.test, &meta.health.test);
	ck_assert_uint_eq(read.health.interval, 1);
	ck_assert_uint_eq(read.health.timeout, UINT64_MAX);
	ck_assert_uint_eq(read.health.start_period, 0);
	ck_assert_uint_eq(read.health.start_interval, 3);
	ck_assert_int_eq(read.health.retries, INT32_MAX);
	ck_assert_str_eq(read.health.on_failure, "restart");
	ck_assert_uint_eq(read.health.changed, 5);
	ck_assert(read.tie && read.default_seccomp && read.keep_groups);
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_leave_a_record_that_can_be_read)
{
	struct ct_spec_pair pairs[] = { { "\xff", "1" }, { "\xfe", "2" } };
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta meta = smallest(), read;

	container_arena(&arena);
	meta.source = "/home/\xff/bundle";
	meta.labels = (struct ct_spec_pairs){ pairs, 2 };
	read = round_trip(&arena, &meta);
	ck_assert_str_eq(read.source, "/home/\xef\xbf\xbd/bundle");
	ck_assert_uint_eq(read.labels.count, 2);
	ck_assert_str_eq(read.labels.items[1].value, "2");
}
END_TEST

#define HEAD "{\"version\":1,\"id\":\"" ID "\""
#define GOOD HEAD ",\"name\":\"web\",\"host\":\"h/\",\"stop_signal\":15"

#define CHECKED ",\"health_test\":[\"CMD\",\"true\"],\"health_interval\":1,\"health_timeout\":1," \
	"\"health_start_interval\":1"

static const struct {
	const char *json, *text;
} damages[] = {
	{ "", "empty file" },
	{ "[]", "must be an object, not a list" },
	{ "{}", "version is missing" },
	{ "{\"version\":2,\"id\":7}", "written by a newer cattach: format 2, this one knows 1" },
	{ "{\"version\":0}", "version must be a number from 1 on" },
	{ "{\"version\":\"1\"}", "version must be a number from 1 on" },
	{ "{\"version\":1}", "id must be 64 hexadecimal digits" },
	{ "{\"version\":1,\"id\":\"../../etc\"}", "id must be 64 hexadecimal digits" },
	{ "{\"version\":1,\"id\":5}", "id must be a string, not a number" },
	{ HEAD "}", "name is missing" },
	{ HEAD ",\"name\":\"web\"}", "host is missing" },
	{ HEAD ",\"name\":\"web\",\"host\":\"h\"}", "stop_signal must be 1...64, not 0" },
	{ GOOD ",\"stop_timeout\":-2}", "stop_timeout must be -1 or more, not -2" },
	{ GOOD ",\"stop_timeout\":2147483648}",
	  "stop_timeout: must be -2147483648...2147483647, not \"2147483648\"" },
	{ GOOD ",\"health_test\":[\"true\"]}",
	  "a health check must be \"CMD\" and its words, \"CMD-SHELL\" and one text, or \"NONE\" alone" },
	{ GOOD ",\"health_test\":[\"CMD\",\"true\"]}",
	  "the times of a health check must be more than 0" },
	{ GOOD CHECKED "}", "health_retries must be 1 or more, not 0" },
	{ GOOD CHECKED ",\"health_retries\":1,\"health_on_failure\":\"x\"}",
	  "unknown health_on_failure" },
	{ GOOD ",\"tty\":1}", "tty must be true or false, not a number" },
	{ GOOD ",\"created\":-1}", "created: must be 0...18446744073709551615, not \"-1\"" },
	{ GOOD ",\"created\":1.5}", "created: must be 0...18446744073709551615, not \"1.5\"" },
	{ GOOD ",\"command\":\"sh\"}", "command must be a list, not a string" },
	{ GOOD ",\"command\":[\"sh\",null]}", "command[1] must be a string, not null" },
	{ GOOD ",\"labels\":{\"a\":\"b\"}}", "labels must be a list, not an object" },
	{ GOOD ",\"labels\":[[\"a\",\"b\"],[\"c\"]]}",
	  "labels[1] must be a list of two strings, not of 1" },
	{ GOOD ",\"labels\":[[\"a\",1]]}", "labels[0][1] must be a string, not a number" },
	{ HEAD ",\"name\":\"../x\",\"host\":\"h\",\"stop_signal\":15}",
	  "name: must be 1...128 of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the first a letter or digit, "
	  "not \"../x\"" },
};

START_TEST(a_damaged_record_is_refused_with_the_reason)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta read = { .version = 77 };
	struct ct_err err = { 0 };
	const char *json = damages[_i].json;

	container_arena(&arena);
	ck_assert_int_lt(ct_meta_parse(&arena, json, strlen(json), &read, &err), 0);
	ck_err(&err, err.code, damages[_i].text);
	ck_assert_uint_eq(read.version, 77);
}
END_TEST

START_TEST(half_a_record_is_refused_wherever_it_was_cut)
{
	static const char good[] = GOOD ",\"labels\":[[\"a\",\"b\"]]}";
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta read = { 0 };
	struct ct_err err = { 0 };

	container_arena(&arena);
	ck_assert_int_eq(ct_meta_parse(&arena, good, sizeof(good) - 1, &read, &err), 0);
	for (size_t size = 0; size < sizeof(good) - 1; size++)
		ck_assert_msg(ct_meta_parse(&arena, good, size, &read, &err) < 0, "at %zu", size);
}
END_TEST

START_TEST(members_of_later_formats_are_ignored)
{
	static const char later[] = GOOD ",\"later\":{\"a\":[1,2,{}]}}";
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta read = { 0 };
	struct ct_err err = { 0 };

	container_arena(&arena);
	ck_assert_int_eq(ct_meta_parse(&arena, later, sizeof(later) - 1, &read, &err), 0);
	ck_assert_str_eq(read.name, "web");
}
END_TEST

START_TEST(what_could_not_be_read_is_not_written)
{
	struct ct_buf ct_autobuf text = { 0 };
	struct ct_meta meta = smallest();
	struct ct_err err = { 0 };

	meta.stop_timeout = -2;
	ck_assert_int_lt(ct_meta_write(&meta, &text, &err), 0);
	ck_err(&err, EBADMSG, "stop_timeout must be -1 or more, not -2");
	ck_assert_uint_eq(text.length, 0);
}
END_TEST

Suite *suite_meta(void);
Suite *suite_meta(void)
{
	Suite *s = suite_create("meta");
	TCase *tc = tcase_create("meta");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, the_smallest_record_survives_with_everything_else_absent);
	tcase_add_test(tc, every_field_survives);
	tcase_add_test(tc, bytes_that_are_not_utf_8_leave_a_record_that_can_be_read);
	tcase_add_loop_test(tc, a_damaged_record_is_refused_with_the_reason, 0,
			    (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(tc, half_a_record_is_refused_wherever_it_was_cut);
	tcase_add_test(tc, members_of_later_formats_are_ignored);
	tcase_add_test(tc, what_could_not_be_read_is_not_written);
	suite_add_tcase(s, tc);
	return s;
}
