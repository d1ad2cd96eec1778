/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subordinate ids and id maps: what the files give, whatever is in them, which maps the modes make
 * of it, and which maps are refused with which words. Runs unprivileged.
 */
#include <cattach/idmap.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/num.h>

#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char *show(const struct ct_id_ranges *ranges)
{
	const char *text = "";

	for (size_t i = 0; i < ranges->count; i++)
		text = ct_arena_printf(&run_arena, "%s%s%u+%u", text, i ? " " : "",
				       ranges->items[i].first, ranges->items[i].size);
	return text;
}

static const char *show_map(const struct ct_id_map *map)
{
	const char *text = "";

	for (size_t i = 0; i < map->count; i++)
		text = ct_arena_printf(&run_arena, "%s%s%u:%u:%u", text, i ? " " : "",
				       map->lines[i].container_id, map->lines[i].host_id,
				       map->lines[i].size);
	return text;
}

static const char *read_for(const char *name, uint32_t uid, uint32_t own, const char *text)
{
	struct ct_id_ranges ranges;

	fixture_file("subuid", text);
	ck_assert_int_eq(ct_subid_read(&run_arena, run_path("subuid"), name, uid, own, &ranges,
				       &run_err), 0);
	return show(&ranges);
}

START_TEST(lines_count_by_name_and_by_uid)
{
	const char *file = "bob:1:1\nalice:100000:65536\n1001:300000:10\nalic:5:5\nalicee:6:6\n";

	ck_assert_str_eq(read_for("alice", 1001, 1001, file), "100000+65536 300000+10");
	ck_assert_str_eq(read_for(NULL, 1001, 1001, file), "300000+10");
	ck_assert_str_eq(read_for("carol", 7, 7, file), "");
	ck_assert_str_eq(read_for("alice", 1001, 1001, ""), "");
	ck_assert_str_eq(read_for("alice", 1001, 1001, "alice:5:6"), "5+6");
}
END_TEST

/* What a hostile or broken file may hold: nothing of it counts. */
static const char *const nonsense[] = {
	"alice", "alice:", "alice:1", "alice:1:", "alice::5", "alice:1:-5", "alice:+1:5",
	"alice: 1:5", "alice:1:5 ", "alice:1:5:6", "alice:0x10:5", "alice:1:0",
	"alice:4294967295:1", "alice:4294967296:1", "alice:1:4294967296",
	"alice:99999999999999999999999999:1", "alice:1:99999999999999999999999999", ":1:5",
	"#alice:1:5", " alice:1:5", "ALICE:1:5", "alice\r:1:5", "::", ":::", "alice:1:5\r",
};

START_TEST(lines_that_make_no_sense_are_skipped)
{
	char file[256];

	snprintf(file, sizeof(file), "%s\nalice:100000:5\n%s", nonsense[_i], nonsense[_i]);
	ck_assert_str_eq(read_for("alice", 1001, 1001, file), "100000+5");
}
END_TEST

START_TEST(ranges_come_out_disjoint_in_the_order_of_the_file)
{
	static const struct {
		const char *file, *expected;
	} cases[] = {
		{ "1001:100:10\n1001:100:10\n", "100+10" },
		{ "1001:100:10\n1001:105:10\n", "100+10 110+5" },
		{ "1001:105:10\n1001:100:10\n", "105+10 100+5" },
		{ "1001:105:10\n1001:100:20\n", "105+10 100+5 115+5" },
		{ "1001:110:5\n1001:102:2\n1001:100:30\n", "110+5 102+2 100+2 104+6 115+15" },
		/* The caller's own id has a line of its own in every map. */
		{ "1001:1000:3\n", "1000+1 1002+1" },
		{ "1001:1001:3\n", "1002+2" },
		{ "1001:999:3\n", "999+2" },
		{ "1001:1001:1\n", "" },
		{ "1001:0:4294967295\n", "0+1001 1002+4294966293" },
		{ "1001:4294967290:100\n", "4294967290+5" },
	};

	for (int i = 0; i < COUNT(cases); i++)
		ck_assert_str_eq(read_for("alice", 1001, 1001, cases[i].file), cases[i].expected);
}
END_TEST

START_TEST(a_huge_file_of_ranges_is_bounded)
{
	char *text = malloc(1 << 20), *at = text;
	struct ct_id_ranges ranges;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 30000; i++)
		at += sprintf(at, "alice:%u:90000\n", i * 7);
	for (unsigned i = 0; i < 20000; i++)
		at += sprintf(at, "alice:%u:1\n", 4000000 + 2 * i);
	fixture_file("subuid", text);
	free(text);
	alarm(2);
	ck_assert_int_eq(ct_subid_read(&run_arena, run_path("subuid"), "alice", 1001, 1001, &ranges,
				       &run_err), 0);
	ck_assert_uint_eq(ranges.count, CT_ID_MAP_LINES);
}
END_TEST

START_TEST(files_that_are_none_are_said_to_be_so)
{
	struct ct_id_ranges ranges;
	char text[2048];

	ck_assert_int_eq(ct_subid_read(&run_arena, run_path("nope"), "alice", 1, 1, &ranges,
				       &run_err), 0);
	ck_assert_uint_eq(ranges.count, 0);
	alarm(2);
	ck_assert_int_eq(mkfifoat(fixture_dir(), "fifo", 0600), 0);
	ck_assert_int_eq(ct_subid_read(&run_arena, run_path("fifo"), "alice", 1, 1, &ranges,
				       &run_err), -EINVAL);
	snprintf(text, sizeof(text), "%s: not a regular file", run_path("fifo"));
	ck_err(&run_err, EINVAL, text);
	ck_assert_int_eq(ct_subid_read(&run_arena, "/dev/zero", "alice", 1, 1, &ranges, &run_err),
			 -EINVAL);
	ck_assert_int_eq(ct_subid_read(&run_arena, fixture_path(), "alice", 1, 1, &ranges,
				       &run_err), -EISDIR);
	fixture_file("big", "");
	ck_assert_int_eq(truncate(run_path("big"), 5 << 20), 0);
	ck_assert_int_eq(ct_subid_read(&run_arena, run_path("big"), "alice", 1, 1, &ranges,
				       &run_err), -EFBIG);
}
END_TEST

START_TEST(helpers_are_found_in_absolute_directories_only)
{
	const char *search;

	ck_assert_int_eq(mkdirat(fixture_dir(), "a", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "b", 0755), 0);
	fixture_file("a/helper", "not executable");
	fixture_file("b/helper", "");
	ck_assert_int_eq(fchmodat(fixture_dir(), "b/helper", 0755, 0), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "helper", 0755), 0);
	search = ct_arena_printf(&run_arena, "%s:%s:%s", fixture_path(), run_path("a"),
				 run_path("b"));
	ck_assert_str_eq(ct_id_helper_find(&run_arena, "helper", search), run_path("b/helper"));
	ck_assert_int_eq(chdir(run_path("b")), 0);
	ck_assert_ptr_null(ct_id_helper_find(&run_arena, "helper", "::.:b:"));
	ck_assert_ptr_null(ct_id_helper_find(&run_arena, "helper", ""));
	ck_assert_ptr_null(ct_id_helper_find(&run_arena, "helper", NULL));
	ck_assert_str_eq(ct_id_helper_find(&run_arena, "env", "/nope"), "/usr/bin/env");
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(this_process_is_a_caller_with_the_ranges_of_the_files)
{
	struct ct_id_places places = { .subuid = run_path("uid"), .subgid = run_path("gid"),
				       .search_path = run_path("bin") };
	struct ct_id_caller caller;
	char line[128];

	snprintf(line, sizeof(line), "%u:3000000:10\n", geteuid());
	fixture_file("uid", line);
	snprintf(line, sizeof(line), "%u:4000000:20\n", geteuid());
	fixture_file("gid", line);
	ck_assert_int_eq(mkdirat(fixture_dir(), "bin", 0755), 0);
	fixture_file("bin/newuidmap", "");
	fixture_file("bin/newgidmap", "");
	ck_assert_int_eq(fchmodat(fixture_dir(), "bin/newuidmap", 0755, 0), 0);
	ck_assert_int_eq(fchmodat(fixture_dir(), "bin/newgidmap", 0755, 0), 0);
	ck_assert_int_eq(ct_id_caller_load(&run_arena, &places, &caller, &run_err), 0);
	ck_assert_uint_eq(caller.id[CT_ID_USER], geteuid());
	ck_assert_uint_eq(caller.id[CT_ID_GROUP], getegid());
	ck_assert_str_eq(show(&caller.ranges[CT_ID_USER]), "3000000+10");
	ck_assert_str_eq(show(&caller.ranges[CT_ID_GROUP]), "4000000+20");
	ck_assert_str_eq(caller.helper[CT_ID_USER], run_path("bin/newuidmap"));
	ck_assert_str_eq(caller.helper[CT_ID_GROUP], run_path("bin/newgidmap"));
	ck_assert(ct_id_caller_has_ranges(&caller));
	/* A file that cannot be used is as good as none. */
	places.subuid = "/dev/zero";
	ck_assert_int_eq(ct_id_caller_load(&run_arena, &places, &caller, &run_err), 0);
	ck_assert(!ct_id_caller_has_ranges(&caller));
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	struct ct_id_caller caller = run_alice;

	caller.helper[CT_ID_GROUP] = NULL;
	ck_assert(!ct_id_caller_has_ranges(&caller));
	ck_assert_str_eq(ct_id_caller_lacks(&caller, &run_arena), "newgidmap is not installed");
	ck_assert_str_eq(ct_id_caller_lacks(&run_bob, &run_arena),
			 "no subordinate ids for bob in /etc/subuid");
	caller = run_alice;
	caller.ranges[CT_ID_GROUP].count = 0;
	caller.name = NULL;
	ck_assert_str_eq(ct_id_caller_lacks(&caller, &run_arena),
			 "no subordinate ids for 1001 in /etc/subgid");
}
END_TEST

/* alice with two ranges of 10 ids, from 100 and from 500. */
static struct ct_id_caller two_ranges(void)
{
	static struct ct_id_range items[] = { { 100, 10 }, { 500, 10 } };
	struct ct_id_caller caller = run_alice;

	caller.ranges[CT_ID_USER] = (struct ct_id_ranges){ items, 2 };
	return caller;
}

static const char *keep(const struct ct_id_caller *caller, uint32_t id)
{
	struct ct_id_map map = { 0 };
	size_t line;

	ck_assert_int_eq(ct_id_map_keep(&run_arena, caller, CT_ID_USER, id, &map, &run_err), 0);
	/* Every map that is chosen is one that would be allowed. */
	ck_assert_int_eq(ct_id_map_check(caller, CT_ID_USER, &map, &line, &run_err), 0);
	ck_assert(ct_id_map_contains(&map, id));
	return show_map(&map);
}

START_TEST(keep_id_leaves_room_for_the_caller_between_the_ranges)
{
	struct ct_id_caller two = two_ranges();

	ck_assert_str_eq(keep(&run_alice, 1001),
			 "0:100000:1001 1001:1001:1 1002:101001:64535");
	ck_assert_str_eq(keep(&run_alice, 0), "0:1001:1 1:100000:65536");
	ck_assert_str_eq(keep(&run_alice, 65536), "0:100000:65536 65536:1001:1");
	ck_assert_str_eq(keep(&run_alice, 100000), "0:100000:65536 100000:1001:1");
	ck_assert_str_eq(keep(&two, 12), "0:100:10 10:500:2 12:1001:1 13:502:8");
	ck_assert_str_eq(keep(&two, 10), "0:100:10 10:1001:1 11:500:10");
	ck_assert_str_eq(keep(&two, CT_ID_MAX), "0:100:10 10:500:10 4294967294:1001:1");
	ck_assert_str_eq(keep(&run_bob, 1001), "1001:1001:1");
}
END_TEST

START_TEST(a_hundred_ranges_leave_a_line_for_the_caller)
{
	struct ct_id_range items[CT_ID_MAP_LINES];
	struct ct_id_caller caller = run_alice;

	for (uint32_t i = 0; i < CT_ID_MAP_LINES; i++)
		items[i] = (struct ct_id_range){ 5000 + 10 * i, 5 };
	caller.ranges[CT_ID_USER] = (struct ct_id_ranges){ items, CT_ID_MAP_LINES };
	for (uint32_t id = 0; id < 600; id += 50)
		keep(&caller, id);
}
END_TEST

START_TEST(the_default_map_puts_the_caller_at_zero_or_alone)
{
	struct ct_id_caller two = two_ranges();
	struct ct_id_map map;

	ck_assert_int_eq(ct_id_map_default(&run_arena, &two, CT_ID_USER, 7, &map, &run_err), 0);
	ck_assert_str_eq(show_map(&map), "0:1001:1 1:100:10 11:500:10");
	ck_assert_int_eq(ct_id_map_default(&run_arena, &run_bob, CT_ID_GROUP, 7, &map, &run_err),
			 0);
	ck_assert_str_eq(show_map(&map), "7:1002:1");
}
END_TEST

START_TEST(nomap_leaves_the_caller_out)
{
	struct ct_id_map map;

	ck_assert_int_eq(ct_id_map_nomap(&run_arena, &run_alice, CT_ID_GROUP, &map, &run_err), 0);
	ck_assert_str_eq(show_map(&map), "0:200000:65536");
	ck_assert_int_eq(ct_id_map_nomap(&run_arena, &run_bob, CT_ID_USER, &map, &run_err),
			 -EINVAL);
	ck_assert_str_eq(run_err.what,
			 "needs subordinate ids: no subordinate ids for bob in /etc/subuid");
}
END_TEST

/* A map of up to three lines, its verdict, and the line at fault. */
static const struct {
	struct ct_id_line lines[3];
	int code;
	size_t line;
	const char *text;
} maps[] = {
	{ { { 0, 1001, 1 } }, 0, 0, NULL },
	{ { { 5, 1001, 1 }, { 0, 100000, 5 }, { 6, 100005, 65531 } }, 0, 0, NULL },
	{ { { 0, 100000, 65536 } }, 0, 0, NULL },
	{ { { 0, 0, 1 } },
	  EPERM,
	  0,
	  "host id 0 is not in your subuid range 100000-165535 (your own id, 1001, can be mapped "
	  "alone)" },
	{ { { 0, 1001, 1 }, { 1, 100000, 65537 } },
	  EPERM,
	  1,
	  "host id 165536 is not in your subuid range 100000-165535 (your own id, 1001, can be "
	  "mapped alone)" },
	{ { { 0, 1001, 2 } },
	  EPERM,
	  0,
	  "host id 1001 is not in your subuid range 100000-165535 "
	  "(your own id, 1001, can be mapped "
	  "alone)" },
	{ { { 0, 99999, 10 } },
	  EPERM,
	  0,
	  "host id 99999 is not in your subuid range 100000-165535 (your own id, 1001, can be "
	  "mapped alone)" },
	{ { { 0, 100000, 10 }, { 10, 100020, 10 }, { 15, 100100, 10 } },
	  EINVAL,
	  2,
	  "container ids overlap those of line 2" },
	{ { { 0, 100000, 10 }, { 10, 100009, 10 } }, EINVAL, 1,
	  "host ids overlap those of line 1" },
	{ { { 4294967294, 100000, 2 } },
	  EINVAL,
	  0,
	  "2 ids from container id 4294967294 and host id 100000 go beyond 4294967294" },
	{ { { 0, 4294967294, 4294967295 } },
	  EINVAL,
	  0,
	  "4294967295 ids from container id 0 and host id 4294967294 go beyond 4294967294" },
};

START_TEST(maps_are_checked_against_what_is_allowed)
{
	struct ct_id_map map = { (struct ct_id_line *)maps[_i].lines, 0 };
	size_t line = 99;

	while (map.count < 3 && map.lines[map.count].size)
		map.count++;
	ck_assert_int_eq(ct_id_map_check(&run_alice, CT_ID_USER, &map, &line, &run_err),
			 -maps[_i].code);
	if (!maps[_i].code)
		return;
	ck_err(&run_err, maps[_i].code, maps[_i].text);
	ck_assert_uint_eq(line, maps[_i].line);
}
END_TEST

START_TEST(lines_without_ids_and_too_many_lines_are_refused)
{
	struct ct_id_line lines[CT_ID_MAP_LINES + 1] = { { 0, 1001, 0 } };
	struct ct_id_map map = { lines, 1 };
	size_t line;

	ck_assert_int_eq(ct_id_map_check(&run_alice, CT_ID_USER, &map, &line, &run_err), -EINVAL);
	ck_err(&run_err, EINVAL, "size must be at least 1");
	map.count = CT_ID_MAP_LINES + 1;
	ck_assert_int_eq(ct_id_map_check(NULL, CT_ID_USER, &map, &line, &run_err), -E2BIG);
}
END_TEST

START_TEST(several_ranges_are_all_named_and_may_be_crossed_where_they_touch)
{
	static struct ct_id_range items[] = { { 100, 10 }, { 500, 10 }, { 110, 10 } };
	struct ct_id_caller caller = run_alice;
	struct ct_id_line line = { 0, 100, 20 };
	struct ct_id_map map = { &line, 1 };
	size_t at;

	caller.ranges[CT_ID_GROUP] = (struct ct_id_ranges){ items, 3 };
	ck_assert_int_eq(ct_id_map_check(&caller, CT_ID_GROUP, &map, &at, &run_err), 0);
	line.size = 21;
	ck_assert_int_eq(ct_id_map_check(&caller, CT_ID_GROUP, &map, &at, &run_err), -EPERM);
	ck_assert_str_eq(run_err.what,
			 "host id 120 is not in your subgid ranges 100-109, 500-509, 110-119");
}
END_TEST

START_TEST(without_ranges_or_helpers_the_way_out_is_named)
{
	struct ct_id_line line = { 0, 100000, 10 };
	struct ct_id_map map = { &line, 1 };
	struct ct_id_caller caller = run_alice;
	size_t at;

	ck_assert_int_eq(ct_id_map_check(&run_bob, CT_ID_USER, &map, &at, &run_err), -EPERM);
	ck_err(&run_err, EPERM, "host id 100000 is not yours to map: no subordinate ids for bob in "
	       "/etc/subuid (as root: usermod --add-subuids 100000-165535 bob)");
	caller.helper[CT_ID_USER] = NULL;
	ck_assert_int_eq(ct_id_map_check(&caller, CT_ID_USER, &map, &at, &run_err), -ENOENT);
	ck_err(&run_err, ENOENT, "newuidmap is not installed (apt install uidmap, or map your own "
	       "id 1001 alone)");
	line = (struct ct_id_line){ 1000, 1001, 1 };
	ck_assert_int_eq(ct_id_map_check(&caller, CT_ID_USER, &map, &at, &run_err), 0);
	/* Root asks nobody. */
	line = (struct ct_id_line){ 0, 5, 100 };
	ck_assert_int_eq(ct_id_map_check(NULL, CT_ID_USER, &map, &at, &run_err), 0);
}
END_TEST

Suite *suite_idmap_ranges(void);
Suite *suite_idmap_ranges(void)
{
	Suite *s = suite_create("idmap_ranges");
	TCase *tc = tcase_create("idmap_ranges");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, lines_count_by_name_and_by_uid);
	tcase_add_loop_test(tc, lines_that_make_no_sense_are_skipped, 0, COUNT(nonsense));
	tcase_add_test(tc, ranges_come_out_disjoint_in_the_order_of_the_file);
	tcase_add_test(tc, a_huge_file_of_ranges_is_bounded);
	tcase_add_test(tc, files_that_are_none_are_said_to_be_so);
	tcase_add_test(tc, helpers_are_found_in_absolute_directories_only);
	tcase_add_test(tc, this_process_is_a_caller_with_the_ranges_of_the_files);
	tcase_add_test(tc, what_is_missing_is_named);
	tcase_add_test(tc, keep_id_leaves_room_for_the_caller_between_the_ranges);
	tcase_add_test(tc, a_hundred_ranges_leave_a_line_for_the_caller);
	tcase_add_test(tc, the_default_map_puts_the_caller_at_zero_or_alone);
	tcase_add_test(tc, nomap_leaves_the_caller_out);
	tcase_add_loop_test(tc, maps_are_checked_against_what_is_allowed, 0, COUNT(maps));
	tcase_add_test(tc, lines_without_ids_and_too_many_lines_are_refused);
	tcase_add_test(tc, several_ranges_are_all_named_and_may_be_crossed_where_they_touch);
	tcase_add_test(tc, without_ranges_or_helpers_the_way_out_is_named);
	suite_add_tcase(s, tc);
	return s;
}
