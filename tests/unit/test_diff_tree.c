/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two trees compared, "old" and "new" in the test's directory: which changes are told, in which
 * order, and what is not. Runs unprivileged; roots that are composed of overlays have directories
 * in the place of mounts here, and are in tests/cli/diff.bats.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/buf.h>
#include <cattach/fd.h>

#include "container/diff_tree.h"
#include "fixture.h"

static int note_change(enum ct_change change, const char *path, size_t length, void *arg,
		       struct ct_err *err)
{
	ck_assert_uint_eq(strlen(path) >= length, true);
	ct_buf_printf(arg, "%c ", "CAD"[change]);
	ct_buf_add(arg, path, length);
	ct_buf_putc(arg, '\n');
	(void)err;
	return 0;
}

static int note_report(const struct ct_err *what, void *arg, struct ct_err *err)
{
	char line[1024];

	ct_err_format(what, line, sizeof(line));
	ct_buf_printf(arg, "? %s\n", line);
	(void)err;
	return 0;
}

static int open_tree_at(const char *name)
{
	int fd = openat(fixture_dir(), name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void compare_with(bool composed, size_t held_max, struct ct_buf *told)
{
	int ct_autofd lower = open_tree_at("old"), root = open_tree_at("new");
	const struct ct_diff_trees trees = {
		.lower = lower, .root = root, .composed = composed, .held_max = held_max,
		.change = note_change, .report = note_report, .arg = told,
	};
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_diff_trees(&trees, &err), 0);
}

static void compare(bool composed, struct ct_buf *told)
{
	compare_with(composed, CT_DIFF_HELD_MAX, told);
}

static void ck_diff(const char *wanted)
{
	struct ct_buf ct_autobuf told = { 0 };

	compare(false, &told);
	ck_assert_str_eq(ct_buf_text(&told), wanted);
}

static void ck_composed(const char *wanted)
{
	struct ct_buf ct_autobuf told = { 0 };

	compare(true, &told);
	ck_assert_str_eq(ct_buf_text(&told), wanted);
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	ck_assert_int_eq(utimensat(fixture_dir(), path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void file(const char *path, const char *text)
{
	fixture_file(path, text);
	set_time(path, 1000);
}

static void directory(const char *path)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), path, 0755), 0);
}

static void symbolic(const char *target, const char *path)
{
	ck_assert_int_eq(symlinkat(target, fixture_dir(), path), 0);
	set_time(path, 1000);
}

static void set_mode(const char *path, mode_t mode)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), path, mode, 0), 0);
}

/* The same on both sides: /d/e/f, /g, /l. */
static void make_trees(void)
{
	static const char *const names[][5] = {
		{ "old/d", "old/d/e", "old/d/e/f", "old/g", "old/l" },
		{ "new/d", "new/d/e", "new/d/e/f", "new/g", "new/l" },
	};

	directory("old");
	directory("new");
	for (int i = 0; i < 2; i++) {
		directory(names[i][0]);
		directory(names[i][1]);
		file(names[i][2], "text");
		file(names[i][3], "text");
		symbolic("target", names[i][4]);
	}
}

START_TEST(of_trees_that_are_the_same_nothing_is_told)
{
	make_trees();
	ck_diff("");
	/* the time of a directory is no change */
	set_time("new/d", 5);
	ck_diff("");
}
END_TEST

START_TEST(what_was_added_is_told_with_what_is_in_it_and_the_directories_above_have_changed)
{
	make_trees();
	directory("new/d/e/n");
	file("new/d/e/n/x", "");
	symbolic("x", "new/d/e/n/y");
	file("new/a", "");
	ck_diff("A /a\nC /d\nC /d/e\nA /d/e/n\nA /d/e/n/x\nA /d/e/n/y\n");
}
END_TEST

START_TEST(what_was_deleted_is_told_without_what_was_in_it)
{
	make_trees();
	unlinkat(fixture_dir(), "new/d/e/f", 0);
	ck_diff("C /d\nC /d/e\nD /d/e/f\n");
	unlinkat(fixture_dir(), "new/d/e", AT_REMOVEDIR);
	unlinkat(fixture_dir(), "new/g", 0);
	ck_diff("C /d\nD /d/e\nD /g\n");
}
END_TEST

START_TEST(size_time_mode_and_target_are_compared)
{
	make_trees();
	file("new/g", "longer");
	ck_diff("C /g\n");
	file("new/g", "text");
	set_time("new/g", 1001);
	ck_diff("C /g\n");
	file("new/g", "text");
	set_mode("new/g", 0600);
	ck_diff("C /g\n");
	set_mode("new/g", 0644);
	unlinkat(fixture_dir(), "new/l", 0);
	symbolic("tarXet", "new/l");
	ck_diff("C /l\n");
	set_mode("new/d", 0700);
	ck_diff("C /d\nC /l\n");
}
END_TEST

START_TEST(what_became_something_else_has_changed)
{
	make_trees();
	unlinkat(fixture_dir(), "new/g", 0);
	directory("new/g");
	file("new/g/x", "");
	unlinkat(fixture_dir(), "new/d/e/f", 0);
	unlinkat(fixture_dir(), "new/d/e", AT_REMOVEDIR);
	file("new/d/e", "");
	unlinkat(fixture_dir(), "new/l", 0);
	file("new/l", "target");
	ck_diff("C /d\nC /d/e\nC /g\nA /g/x\nC /l\n");
}
END_TEST

START_TEST(a_directory_comes_before_what_is_in_it_and_names_go_by_their_bytes)
{
	directory("old");
	directory("new");
	file("new/a-b", "");
	directory("new/a");
	file("new/a/z", "");
	file("new/\xff\n\x1b", "");
	file("new/B", "");
	ck_diff("A /B\nA /a\nA /a/z\nA /a-b\nA /\xff\n\x1b\n");
}
END_TEST

START_TEST(no_link_is_followed)
{
	make_trees();
	directory("other");
	file("other/secret", "");
	unlinkat(fixture_dir(), "new/d/e/f", 0);
	unlinkat(fixture_dir(), "new/d/e", AT_REMOVEDIR);
	symbolic("../../other", "new/d/e");
	symbolic("../other", "new/m");
	ck_diff("C /d\nC /d/e\nA /m\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_reported_and_the_rest_is_compared)
{
	if (geteuid() == 0)
		return;
	make_trees();
	set_mode("old/d/e", 0);
	file("new/h", "");
	ck_diff("C /d\nC /d/e\n? /d/e: cannot be read on the host: Permission denied\nA /h\n");
	/* neither side lets anybody in: nothing was changed there */
	set_mode("new/d/e", 0);
	ck_diff("A /h\n");
	set_mode("old/d/e", 0755);
	set_mode("new/d/e", 0755);
}
END_TEST

START_TEST(directories_can_be_deep_and_what_is_too_deep_is_said)
{
	struct ct_buf ct_autobuf told = { 0 };
	int fd;

	directory("old");
	directory("new");
	fd = open_tree_at("new");
	for (int i = 0; i < 1010; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_PATH | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	compare(false, &told);
	ck_assert_ptr_nonnull(strstr(ct_buf_text(&told), "not compared: more than 1000 directories"));
	ck_assert_ptr_nonnull(strstr(ct_buf_text(&told), "A /d\nA /d/d\n"));
}
END_TEST

START_TEST(so_many_names_that_they_are_not_held_are_said_and_the_rest_is_compared)
{
	struct ct_buf ct_autobuf told = { 0 };

	directory("old");
	directory("new");
	directory("new/a");
	directory("new/b");
	file("new/b/one", "");
	for (int i = 0; i < 50; i++) {
		char path[64];

		snprintf(path, sizeof(path), "new/a/with-a-rather-long-name-%d", i);
		file(path, "");
	}
	file("new/c", "");
	compare_with(false, 1000, &told);
	ck_assert_str_eq(ct_buf_text(&told), "A /a\n? /a: not compared: more names than are held at once\n"
					     "A /b\nA /b/one\nA /c\n");
}
END_TEST

START_TEST(what_is_held_is_let_go_with_its_directory)
{
	struct ct_buf ct_autobuf told = { 0 };

	directory("old");
	directory("new");
	for (int i = 0; i < 9; i++) {
		char path[64];

		snprintf(path, sizeof(path), "new/%d", i);
		directory(path);
		snprintf(path, sizeof(path), "new/%d/with-a-name", i);
		file(path, "");
	}
	compare_with(false, 150, &told);
	ck_assert_ptr_null(strchr(ct_buf_text(&told), '?'));
	ck_assert_ptr_nonnull(strstr(ct_buf_text(&told), "A /8/with-a-name\n"));
}
END_TEST

START_TEST(a_whiteout_below_has_never_been_there)
{
	make_trees();
	if (mknodat(fixture_dir(), "old/white", S_IFCHR | 0600, 0) < 0) {
		/* A kernel before 5.8 lets only root make one. */
		ck_assert_int_eq(errno, EPERM);
		return;
	}
	ck_diff("");
	file("new/white", "");
	ck_diff("A /white\n");
}
END_TEST

START_TEST(of_a_composed_root_only_what_can_have_changed_is_told)
{
	make_trees();
	/* links were made again, with a time of their own; directories were made empty */
	set_time("new/l", 5);
	unlinkat(fixture_dir(), "new/d/e/f", 0);
	unlinkat(fixture_dir(), "new/d/e", AT_REMOVEDIR);
	mkfifoat(fixture_dir(), "old/never", 0600);
	ck_composed("");
	file("new/d/x", "");
	unlinkat(fixture_dir(), "new/l", 0);
	file("new/n", "");
	ck_composed("C /d\nA /d/x\nD /l\nA /n\n");
}
END_TEST

static int refuse(enum ct_change change, const char *path, size_t length, void *arg,
		  struct ct_err *err)
{
	(void)change, (void)path, (void)length, (void)arg;
	return ct_fail(err, EPIPE, "enough");
}

START_TEST(who_has_heard_enough_ends_it)
{
	struct ct_err err = { 0 };
	int ct_autofd lower = -1, root = -1;
	struct ct_diff_trees trees = {
		.held_max = CT_DIFF_HELD_MAX, .change = refuse, .report = note_report,
	};

	make_trees();
	file("new/d/x", "");
	lower = trees.lower = open_tree_at("old");
	root = trees.root = open_tree_at("new");
	ck_assert_int_eq(ct_diff_trees(&trees, &err), -EPIPE);
	ck_err(&err, EPIPE, "enough");
}
END_TEST

Suite *suite_diff_tree(void);
Suite *suite_diff_tree(void)
{
	Suite *s = suite_create("diff_tree");
	TCase *tc = tcase_create("diff_tree");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, of_trees_that_are_the_same_nothing_is_told);
	tcase_add_test(tc, what_was_added_is_told_with_what_is_in_it_and_the_directories_above_have_changed);
	tcase_add_test(tc, what_was_deleted_is_told_without_what_was_in_it);
	tcase_add_test(tc, size_time_mode_and_target_are_compared);
	tcase_add_test(tc, what_became_something_else_has_changed);
	tcase_add_test(tc, a_directory_comes_before_what_is_in_it_and_names_go_by_their_bytes);
	tcase_add_test(tc, no_link_is_followed);
	tcase_add_test(tc, what_cannot_be_read_is_reported_and_the_rest_is_compared);
	tcase_add_test(tc, directories_can_be_deep_and_what_is_too_deep_is_said);
	tcase_add_test(tc, so_many_names_that_they_are_not_held_are_said_and_the_rest_is_compared);
	tcase_add_test(tc, what_is_held_is_let_go_with_its_directory);
	tcase_add_test(tc, a_whiteout_below_has_never_been_there);
	tcase_add_test(tc, of_a_composed_root_only_what_can_have_changed_is_told);
	tcase_add_test(tc, who_has_heard_enough_ends_it);
	suite_add_tcase(s, tc);
	return s;
}
