/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users of a root file system: every malformed -u, names and numbers that must not be confused,
 * hostile passwd and group files in bounded time, and the groups that a payload ends up with. Runs
 * unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#include "container/passwd.h"
#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct ct_user user;

static int lookup(const char *text)
{
	int ct_autofd root = open(run_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(root, 0);
	return ct_user_lookup(&run_arena, root, text, &user, &run_err);
}

/* Nothing of these is a user, and none may end as somebody else's id. */
static const struct {
	const char *text;
	int code;
	const char *error;
} bad_users[] = {
	{ "4294967295", ERANGE, "must be 0...4294967294, not \"4294967295\"" },
	{ "4294967296", ERANGE, "must be 0...4294967294, not \"4294967296\"" },
	{ "18446744073709551616", ERANGE, "must be 0...4294967294, not \"18446744073709551616\"" },
	{ "-1", EINVAL, "\"-1\" is neither a user name nor an id 0...4294967294" },
	{ "+1", EINVAL, "\"+1\" is neither a user name nor an id 0...4294967294" },
	{ " 1", EINVAL, "\" 1\" is neither a user name nor an id 0...4294967294" },
	{ "1 ", EINVAL, "\"1 \" is neither a user name nor an id 0...4294967294" },
	{ "1x", ENOENT, "unable to find user 1x: no matching entries in passwd file" },
	{ "0x0", ENOENT, "unable to find user 0x0: no matching entries in passwd file" },
	{ "", EINVAL, "\"\" is neither a user name nor an id 0...4294967294" },
	{ ":", EINVAL, "\"\" is neither a user name nor an id 0...4294967294" },
	{ ":5", EINVAL, "\"\" is neither a user name nor an id 0...4294967294" },
	{ "1:4294967296", ERANGE, "must be 0...4294967294, not \"4294967296\"" },
	{ "1:4294967295", ERANGE, "must be 0...4294967294, not \"4294967295\"" },
	{ "1:-1", EINVAL, "\"-1\" is neither a group name nor an id 0...4294967294" },
	{ "1:", EINVAL, "\"\" is neither a group name nor an id 0...4294967294" },
	{ "1:2:3", EINVAL, "\"2:3\" is neither a group name nor an id 0...4294967294" },
	{ "1\n", EINVAL, "\"1\\n\" is neither a user name nor an id 0...4294967294" },
	{ "\xd9\xa1", ENOENT,
	  "unable to find user \xd9\xa1: no matching entries in passwd file" },
	{ "nobody2", ENOENT, "unable to find user nobody2: no matching entries in passwd file" },
	{ "1:nogroup2", ENOENT,
	  "unable to find group nogroup2: no matching entries in group file" },
	{ "DEV", ENOENT, "unable to find user DEV: no matching entries in passwd file" },
	/* Entries whose own numbers are no ids do not exist. */
	{ "big", ENOENT, "unable to find user big: no matching entries in passwd file" },
	{ "minus", ENOENT, "unable to find user minus: no matching entries in passwd file" },
};

START_TEST(malformed_and_unknown_users_are_refused)
{
	char line[2048];

	ck_assert_int_eq(lookup(bad_users[_i].text), -bad_users[_i].code);
	run_err.hint[0] = '\0';
	ck_err(&run_err, bad_users[_i].code, bad_users[_i].error);
	/* The same through the option. */
	run_options.user = bad_users[_i].text;
	ck_assert_int_eq(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), -bad_users[_i].code);
	ct_err_format(&run_err, line, sizeof(line));
	ck_assert_msg(!strncmp(line, "--user: ", 8), "%s", line);
}
END_TEST

static const struct {
	const char *text;
	uint32_t uid, gid;
	const char *home, *name;
	size_t groups;
} good_users[] = {
	{ "0", 0, 0, "/root", "root", 1 },
	{ "root", 0, 0, "/root", "root", 1 },
	{ "dev", 1000, 100, "/home/dev", "dev", 2 },
	/* The entry with the name 1000 is not who uid 1000 is. */
	{ "1000", 1000, 100, "/home/dev", "dev", 2 },
	{ "01000", 1000, 100, "/home/dev", "dev", 2 },
	{ "1", 1, 0, "/", NULL, 0 },
	{ "4294967294", CT_ID_MAX, 0, "/", NULL, 0 },
	{ "nohome", 1001, 101, "/", "nohome", 0 },
	{ "dev:audio", 1000, 63, "/home/dev", "dev", 0 },
	{ "dev:7", 1000, 7, "/home/dev", "dev", 0 },
	/* Nor is the group with the name 100 gid 100. */
	{ "1:100", 1, 100, "/", NULL, 0 },
	{ "0:0", 0, 0, "/root", "root", 0 },
};

START_TEST(names_are_names_and_numbers_are_numbers)
{
	ck_assert_int_eq(lookup(good_users[_i].text), 0);
	ck_assert_uint_eq(user.uid, good_users[_i].uid);
	ck_assert_uint_eq(user.gid, good_users[_i].gid);
	ck_assert_str_eq(user.home, good_users[_i].home);
	ck_assert_uint_eq(user.group_count, good_users[_i].groups);
	if (good_users[_i].name)
		ck_assert_str_eq(user.name, good_users[_i].name);
	else
		ck_assert_ptr_null(user.name);
}
END_TEST

START_TEST(groups_list_members_by_whole_names)
{
	ck_assert_int_eq(lookup("dev"), 0);
	ck_assert_uint_eq(user.group_count, 2);
	ck_assert_uint_eq(user.groups[0], 63);
	ck_assert_uint_eq(user.groups[1], 39);
}
END_TEST

START_TEST(a_root_without_files_has_numbers_only)
{
	ck_assert_int_eq(unlinkat(fixture_dir(), "root/etc/passwd", 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), "root/etc/group", 0), 0);
	ck_assert_int_eq(lookup("0"), 0);
	ck_assert_str_eq(user.home, "/");
	ck_assert_int_eq(lookup("root"), -ENOENT);
	ck_err(&run_err, ENOENT, "unable to find user root: no matching entries in passwd file");
	ck_assert_int_eq(lookup("0:users"), -ENOENT);
}
END_TEST

/* Make /etc/passwd of the root something else. */
static void put_fifo(void)
{
	ck_assert_int_eq(mkfifoat(fixture_dir(), "root/etc/passwd", 0644), 0);
}

static void put_link_to_zero(void)
{
	ck_assert_int_eq(symlinkat("/dev/zero", fixture_dir(), "root/etc/passwd"), 0);
}

static void put_link_to_canary(void)
{
	fixture_file("canary", "root:x:0:0::/stolen:\ncanary:x:5:5::/stolen:\n");
	ck_assert_int_eq(symlinkat(run_path("canary"), fixture_dir(), "root/etc/passwd"), 0);
}

static void put_link_upwards(void)
{
	fixture_file("passwd", "root:x:0:0::/stolen:\ncanary:x:5:5::/stolen:\n");
	ck_assert_int_eq(symlinkat("../../passwd", fixture_dir(), "root/etc/passwd"), 0);
}

static void put_link_to_proc(void)
{
	ck_assert_int_eq(symlinkat("/proc/self/fd/0", fixture_dir(), "root/etc/passwd"), 0);
}

static void put_loop(void)
{
	ck_assert_int_eq(symlinkat("passwd", fixture_dir(), "root/etc/passwd"), 0);
}

static void put_directory(void)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), "root/etc/passwd", 0755), 0);
}

static void put_hundred_megabytes(void)
{
	fixture_file("root/etc/passwd", "root:x:0:0:");
	ck_assert_int_eq(truncate(run_path("root/etc/passwd"), 100 << 20), 0);
}

/* A first line just within the size of the file, then a good one. */
static void put_long_line(void)
{
	char *text = malloc(1 << 20);

	ck_assert_ptr_nonnull(text);
	memset(text, ':', 1000000);
	strcpy(text + 1000000, "\ncanary:x:5:6::/home/canary:\n");
	fixture_file("root/etc/passwd", text);
	free(text);
}

static const struct {
	void (*put)(void);
	int by_name, by_number;		/* errors of looking up "canary" and "5" */
	const char *text;		/* of the one by name */
} hostile[] = {
	{ put_fifo, EINVAL, EINVAL, "/etc/passwd of the rootfs: not a regular file" },
	{ put_link_to_zero, ENOENT, 0,
	  "unable to find user canary: no matching entries in passwd file" },
	{ put_link_to_canary, ENOENT, 0,
	  "unable to find user canary: no matching entries in passwd file" },
	{ put_link_upwards, ENOENT, 0,
	  "unable to find user canary: no matching entries in passwd file" },
	{ put_link_to_proc, ENOENT, 0,
	  "unable to find user canary: no matching entries in passwd file" },
	{ put_loop, ELOOP, 0, NULL },
	{ put_directory, EISDIR, EISDIR,
	  "/etc/passwd of the rootfs: is a directory, not a file" },
	{ put_hundred_megabytes, EFBIG, EFBIG,
	  "/etc/passwd of the rootfs: has 104857600 bytes, at most 1048576 are allowed" },
	{ put_long_line, 0, 0, NULL },
};

START_TEST(hostile_passwd_files_neither_hang_nor_lead_outside)
{
	ck_assert_int_eq(unlinkat(fixture_dir(), "root/etc/passwd", 0), 0);
	hostile[_i].put();
	alarm(1);
	ck_assert_int_eq(lookup("canary"), -hostile[_i].by_name);
	if (hostile[_i].text)
		ck_err(&run_err, hostile[_i].by_name, hostile[_i].text);
	ck_assert_int_eq(lookup("5"), -hostile[_i].by_number);
	if (!hostile[_i].by_number)
		ck_assert_str_ne(user.home, "/stolen");
	alarm(0);
}
END_TEST

START_TEST(a_device_in_the_place_of_passwd_is_not_read)
{
	int ct_autofd host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ct_user_file file;

	/* With the whole machine as root the device is really there. */
	alarm(1);
	ck_assert_int_eq(ct_user_file_read(&run_arena, host, "/dev/zero", true, &file, &run_err),
			 -EINVAL);
	ck_err(&run_err, EINVAL, "/dev/zero of the rootfs: not a regular file");
	alarm(0);
}
END_TEST

START_TEST(sixty_thousand_groups_take_no_time)
{
	char *text = malloc(1 << 20), *at = text;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 70000; i++)
		at += sprintf(at, "g:x:%u:root\n", i % 65536);
	ck_assert_uint_lt(at - text, 1 << 20);
	fixture_file("root/etc/group", text);
	free(text);
	alarm(1);
	run_ok(NULL);
	alarm(0);
	/* Group 0 first, then all the others but itself. */
	ck_assert_uint_eq(run_spec->process->additional_gids[0], 0);
	ck_assert_uint_ge(run_spec->process->additional_gid_count, 65535);
}
END_TEST

START_TEST(the_default_user_of_a_rootfs_is_root_with_its_groups)
{
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->uid, 0);
	ck_assert_uint_eq(run_spec->process->gid, 0);
	ck_assert_str_eq(run_groups(), "0 63");
	ck_assert_str_eq(run_env("HOME"), "/root");
	ck_assert_ptr_null(run_meta.user);
}
END_TEST

START_TEST(the_group_itself_is_in_the_list_of_groups)
{
	run_options.user = "dev";
	run_add(&run_options.group_add, "users");
	run_add(&run_options.group_add, "5");
	run_add(&run_options.group_add, "audio");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->uid, 1000);
	ck_assert_uint_eq(run_spec->process->gid, 100);
	ck_assert_str_eq(run_groups(), "100 63 39 5");
	ck_assert_str_eq(run_env("HOME"), "/home/dev");
	ck_assert_str_eq(run_meta.user, "dev");
	ck_assert(!run_spec->process->keep_groups);
}
END_TEST

START_TEST(keep_groups_excludes_all_others)
{
	run_add(&run_options.group_add, "keep-groups");
	run_ok(&run_alice);
	ck_assert(run_spec->process->keep_groups);
	ck_assert_uint_eq(run_spec->process->additional_gid_count, 0);
	run_ok(&run_bob);
	ck_assert(run_spec->process->keep_groups);
	run_add(&run_options.group_add, "5");
	run_bad(EINVAL, "--group-add: keep-groups excludes other groups");
}
END_TEST

START_TEST(groups_are_held_to_the_same_rules_as_users)
{
	static const char *const bad[] = { "", "-1", "+5", " 5", "4294967295", "4294967296" };

	for (int i = 0; i < COUNT(bad); i++) {
		run_options.group_add = (struct ct_strings){ 0 };
		run_add(&run_options.group_add, bad[i]);
		ck_assert_int_lt(ct_run_prepare(&run_options, true, &run_arena, &run_spec,
						&run_meta, &run_err), 0);
		ck_assert_str_eq(run_err.where, "--group-add");
	}
	run_options.group_add = (struct ct_strings){ 0 };
	run_add(&run_options.group_add, "nope");
	run_bad(ENOENT,
		"--group-add: unable to find group nope: no matching entries in group file");
}
END_TEST

START_TEST(a_bundle_keeps_its_ids_unless_a_user_is_asked_for)
{
	run_bundle(", \"user\": { \"uid\": 1000, \"gid\": 7, \"additionalGids\": [ 9, 8 ] }", "");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->uid, 1000);
	ck_assert_uint_eq(run_spec->process->gid, 7);
	ck_assert_str_eq(run_groups(), "9 8");
	ck_assert_str_eq(run_env("HOME"), "/home/dev");
	run_add(&run_options.group_add, "audio");
	run_ok(&run_alice);
	ck_assert_str_eq(run_groups(), "9 8 63");
	run_options.user = "dev";
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->gid, 100);
	ck_assert_str_eq(run_groups(), "100 63 39");
}
END_TEST

Suite *suite_run_user(void);
Suite *suite_run_user(void)
{
	Suite *s = suite_create("run_user");
	TCase *tc = tcase_create("run_user");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_loop_test(tc, malformed_and_unknown_users_are_refused, 0, COUNT(bad_users));
	tcase_add_loop_test(tc, names_are_names_and_numbers_are_numbers, 0, COUNT(good_users));
	tcase_add_test(tc, groups_list_members_by_whole_names);
	tcase_add_test(tc, a_root_without_files_has_numbers_only);
	tcase_add_loop_test(tc, hostile_passwd_files_neither_hang_nor_lead_outside, 0,
			    COUNT(hostile));
	tcase_add_test(tc, a_device_in_the_place_of_passwd_is_not_read);
	tcase_add_test(tc, sixty_thousand_groups_take_no_time);
	tcase_add_test(tc, the_default_user_of_a_rootfs_is_root_with_its_groups);
	tcase_add_test(tc, the_group_itself_is_in_the_list_of_groups);
	tcase_add_test(tc, keep_groups_excludes_all_others);
	tcase_add_test(tc, groups_are_held_to_the_same_rules_as_users);
	tcase_add_test(tc, a_bundle_keeps_its_ids_unless_a_user_is_asked_for);
	suite_add_tcase(s, tc);
	return s;
}
