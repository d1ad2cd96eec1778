/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's cgroup may be made. Plain directories stand for the kernel's tree: a cgroup
 * is a directory with cgroup.type, cgroup.procs, cgroup.subtree_control and cgroup.controllers.
 * What others own is made unwritable for the search, which therefore runs as an unprivileged user,
 * root becoming one.
 */
#include "cgroups/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

static struct ct_cgroup_place place;
static struct ct_err err;

/* A cgroup with these lines of cgroup.procs, ours to write or not; "" is the top of the tree. */
static void make(const char *path, const char *procs, bool ours)
{
	static const char *const files[] = { "cgroup.type", "cgroup.procs",
					     "cgroup.subtree_control", "cgroup.controllers" };
	const char *const texts[] = { "domain\n", procs, "\n", "cpu memory pids\n" };
	char name[512];

	if (*path)
		ck_assert_int_eq(mkdirat(fixture_dir(), path, 0755), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "", files[i]);
		fixture_file(name, texts[i]);
		if (!ours)
			ck_assert_int_eq(fchmodat(fixture_dir(), name, 0444, 0), 0);
	}
	if (!ours)
		ck_assert_int_eq(fchmodat(fixture_dir(), *path ? path : ".", 0555, 0), 0);
}

static void set_type(const char *path, const char *type)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/cgroup.type", path);
	fixture_file(name, type);
}

/* Nobody else's cgroups can be made by tests but by taking the right to write away; from root it
 * cannot be taken, so root becomes somebody. */
static void setup(void)
{
	fixture_setup();
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(fixture_path(), 65534, 65534), 0);
		ck_assert_int_eq(setegid(65534), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	place = (struct ct_cgroup_place)CT_CGROUP_PLACE_INIT;
}

static void give_back(void)
{
	static const char *const paths[] = { ".", "user", "user/me", "user/me/shell" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert(fchmodat(fixture_dir(), paths[i], 0755, 0) == 0 || errno == ENOENT);
}

static void teardown(void)
{
	give_back();
	place.root = -1;
	ct_cgroup_place_done(&place);
	if (getuid() == 0) {
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(setegid(0), 0);
	}
	fixture_teardown();
}

static int search(const char *own, const char *parent, bool systemd)
{
	struct ct_cgroup_where where = { .parent = parent, .systemd = systemd };
	char self[512];

	snprintf(self, sizeof(self), "3:cpu:/elsewhere\n0::%s\n", own);
	/* the root is the fixture's to close */
	place.root = -1;
	ct_cgroup_place_done(&place);
	place = (struct ct_cgroup_place)CT_CGROUP_PLACE_INIT;
	place.layout = CT_CGROUP_UNIFIED;
	place.root = fixture_dir();
	return ct_cgroup_search(&where, self, &place, &err);
}

/* The search succeeds and finds this path. */
static void finds(const char *own, const char *path, bool crowded)
{
	ck_assert_int_eq(search(own, NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, path);
	ck_assert_int_eq(place.crowded, crowded);
	ck_assert_int_ge(place.dir, 0);
	ck_assert_str_eq(place.controllers, "cpu memory pids");
}

static void refuses(const char *own, const char *parent, const char *text)
{
	ck_assert_int_eq(search(own, parent, false), -EPERM);
	ck_err(&err, EPERM, text);
}

/* user (root's) → user/me (ours) → user/me/shell (root's or ours) */
static void make_delegated(const char *mine, const char *shell, bool shell_is_ours)
{
	make("user", "", true);
	make("user/me", mine, true);
	make("user/me/shell", shell, shell_is_ours);
	ck_assert_int_eq(fchmodat(fixture_dir(), "user/cgroup.procs", 0444, 0), 0);
	make("", "", false);
}

static const char *my_pid(void)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	return text;
}

START_TEST(an_ancestor_without_processes_is_taken)
{
	make_delegated("", "1\n", false);
	finds("/user/me/shell", "/user/me", false);
}
END_TEST

START_TEST(an_ancestor_without_processes_is_better_than_a_nearer_one_with)
{
	make_delegated("", my_pid(), true);
	finds("/user/me/shell", "/user/me", false);
}
END_TEST

START_TEST(our_own_cgroup_is_taken_when_it_is_empty)
{
	make_delegated("", "", true);
	finds("/user/me/shell", "/user/me/shell", false);
}
END_TEST

START_TEST(processes_that_are_ours_may_be_moved_aside)
{
	make_delegated(my_pid(), my_pid(), false);
	finds("/user/me/shell", "/user/me", true);
}
END_TEST

START_TEST(processes_of_others_stand_in_the_way)
{
	make_delegated("1\n", "1\n", true);
	ck_assert_int_eq(search("/user/me/shell", NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NOWHERE);
	ck_assert_int_eq(place.dir, -1);
	ck_assert_str_eq(place.why,
			 "cgroup /user/me/shell has processes that are not yours to move");
	ck_assert_str_eq(place.fix, "start cattach in a child of a cgroup that has no processes of "
			 "its own");
}
END_TEST

/* The kernel writes 0 for a process that this pid namespace does not have. */
START_TEST(processes_that_cannot_be_seen_are_not_ours)
{
	make_delegated("0\n", "0\n", true);
	ck_assert_int_eq(search("/user/me/shell", NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NOWHERE);
}
END_TEST

START_TEST(nothing_delegated_has_a_reason_and_a_fix)
{
	make_delegated("", "1\n", false);
	ck_assert_int_eq(fchmodat(fixture_dir(), "user/me/cgroup.subtree_control", 0444, 0), 0);
	ck_assert_int_eq(search("/user/me/shell", NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NOWHERE);
	ck_assert_str_eq(place.why, "cgroup /user/me/shell is not delegated to you");
	ck_assert_ptr_nonnull(strstr(place.fix, "systemd-run") ? strstr(place.fix, "Delegate=yes")
							       : strstr(place.fix, "docs/cgroups.md"));
}
END_TEST

START_TEST(a_threaded_cgroup_is_no_place)
{
	make_delegated("", "", true);
	set_type("user/me", "domain threaded\n");
	set_type("user/me/shell", "threaded\n");
	ck_assert_int_eq(search("/user/me/shell", NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NOWHERE);
	ck_assert_str_eq(place.why, "cgroup /user/me/shell is threaded");
}
END_TEST

START_TEST(a_cgroup_outside_of_the_namespace_is_said_to_be_so)
{
	make("", "", true);
	ck_assert_int_eq(search("/../user/me", NULL, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NOWHERE);
	ck_assert_str_eq(place.why, "your cgroup /../user/me is outside of what is mounted at "
			 "/sys/fs/cgroup");
}
END_TEST

START_TEST(the_top_of_all_may_have_processes)
{
	make("", "1\n2\n", true);
	ck_assert_int_eq(unlinkat(fixture_dir(), "cgroup.type", 0), 0);
	finds("/", "/", false);
}
END_TEST

START_TEST(no_line_of_version_2_is_the_top)
{
	struct ct_cgroup_where where = {0};

	make("", "", true);
	place.root = fixture_dir();
	ck_assert_int_eq(ct_cgroup_search(&where, "3:cpu:/x\n", &place, &err), 0);
	ck_assert_str_eq(place.path, "/");
}
END_TEST

/* ---- systemd ---- */

START_TEST(what_systemd_manages_is_asked_of_systemd)
{
	make("", "", true);
	make("user@7.service", "", true);
	make("user@7.service/app.slice", "", true);
	make("user@7.service/app.slice/x.scope", my_pid(), true);
	ck_assert_int_eq(search("/user@7.service/app.slice/x.scope", NULL, true), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NEEDS_SCOPE);
	ck_assert_int_eq(place.dir, -1);
	ck_assert_str_eq(place.why, "cgroup /user@7.service/app.slice/x.scope is systemd's");
	/* where no systemd answers, its names are names like others */
	finds("/user@7.service/app.slice/x.scope", "/user@7.service/app.slice", false);
}
END_TEST

/* A cgroup that has no unit's name was made below one that was delegated. */
START_TEST(below_a_unit_other_names_are_ours)
{
	make("", "", true);
	make("x.scope", my_pid(), true);
	make("x.scope/child", my_pid(), true);
	ck_assert_int_eq(search("/x.scope/child", NULL, true), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, "/x.scope/child");
	ck_assert(place.crowded);
}
END_TEST

/* Mark a directory as systemd marks what it delegates: false where the file system cannot. */
static bool mark(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", fixture_path(), name);
	return setxattr(path, "user.delegate", "1", 1, 0) == 0;
}

START_TEST(a_unit_marked_as_delegated_is_ours)
{
	make("", "", true);
	make("x.scope", my_pid(), true);
	ck_assert(mark("x.scope"));
	ck_assert_int_eq(search("/x.scope", NULL, true), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, "/x.scope");
	ck_assert(place.crowded);
}
END_TEST

/* It is delegated, but to the user's systemd and not to us. */
START_TEST(the_users_systemd_itself_is_no_place)
{
	make("", "", true);
	make("user@7.service", "", true);
	ck_assert(mark("user@7.service"));
	ck_assert_int_eq(search("/user@7.service", NULL, true), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NEEDS_SCOPE);
}
END_TEST

START_TEST(a_scope_that_was_made_for_us_is_the_place)
{
	struct ct_cgroup_where where = { .systemd = true, .scope = "/x.slice/x.scope" };

	make("", "", true);
	make("x.slice", "", true);
	make("x.slice/x.scope", my_pid(), true);
	place.root = fixture_dir();
	ck_assert_int_eq(ct_cgroup_search(&where, "0::/elsewhere\n", &place, &err), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, "/x.slice/x.scope");
	ck_assert(place.crowded);
}
END_TEST

START_TEST(with_systemd_a_parent_is_a_slice)
{
	make("", "", true);
	make("x.scope", my_pid(), true);
	ck_assert_int_eq(search("/x.scope", "app.slice", true), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_NEEDS_SCOPE);
	ck_assert_int_eq(search("/x.scope", "/app.slice", true), -EPERM);
	ck_err(&err, EPERM, "\"/app.slice\" is outside the delegated cgroup (systemd makes the cgroup "
	       "here: give one of its slices, such as app.slice)");
}
END_TEST

/* ---- parents ---- */

static void takes(const char *parent, const char *path, const char *rest)
{
	ck_assert_int_eq(search("/user/me/shell", parent, false), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, path);
	ck_assert_str_eq(place.parent, rest);
}

START_TEST(a_relative_parent_is_below_the_place)
{
	make_delegated("", "1\n", false);
	takes("jobs", "/user/me", "jobs");
	takes("jobs/today/", "/user/me", "jobs/today");
	takes("./jobs", "/user/me", "jobs");
	takes("jobs//today/./", "/user/me", "jobs/today");
	takes(".", "/user/me", "");
	takes("/user/me//jobs", "/user/me", "jobs");
}
END_TEST

START_TEST(an_absolute_parent_must_be_below_what_is_delegated)
{
	make_delegated("", "", true);
	takes("/user/me/shell/jobs", "/user/me/shell", "jobs");
	/* not below the nearest, but below the uppermost */
	takes("/user/me/jobs", "/user/me", "jobs");
	takes("/user/me", "/user/me", "");
	refuses("/user/me/shell", "/user", "\"/user\" is outside the delegated cgroup (give a path "
		"below /user/me, without \"..\" and links)");
	refuses("/user/me/shell", "/user/meadow", "\"/user/meadow\" is outside the delegated cgroup "
		"(give a path below /user/me, without \"..\" and links)");
	refuses("/user/me/shell", "/", "\"/\" is outside the delegated cgroup (give a path below "
		"/user/me, without \"..\" and links)");
}
END_TEST

START_TEST(a_parent_never_climbs)
{
	static const char *const paths[] = { "..", "../me", "a/../..", "/user/me/..", "a/..",
					     "/user/me/shell/../../x", "//.." };

	make_delegated("", "1\n", false);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		ck_assert_int_eq(search("/user/me/shell", paths[i], false), -EPERM);
		ck_assert_ptr_nonnull(strstr(err.what, "is outside the delegated cgroup"));
	}
}
END_TEST

START_TEST(a_parent_within_a_containers_cgroup_is_refused)
{
	make_delegated("", "1\n", false);
	refuses("/user/me/shell", "cattach-web", "\"cattach-web\" has a name that belongs to a "
		"container (choose one that does not begin with cattach-)");
	refuses("/user/me/shell", "/user/me/jobs//cattach-web/container", "\"jobs/cattach-web/container\" "
		"has a name that belongs to a container (choose one that does not begin with cattach-)");
	takes("cattach/my-cattach-jobs", "/user/me", "cattach/my-cattach-jobs");
}
END_TEST

START_TEST(a_parent_with_a_link_is_refused)
{
	make_delegated("", "1\n", false);
	ck_assert_int_eq(symlinkat("/etc", fixture_dir(), "user/me/out"), 0);
	ck_assert_int_eq(symlinkat("shell", fixture_dir(), "user/me/in"), 0);
	refuses("/user/me/shell", "out", "\"out\" is outside the delegated cgroup (give a path below "
		"/user/me, without \"..\" and links)");
	refuses("/user/me/shell", "in/x", "\"in/x\" is outside the delegated cgroup (give a path "
		"below /user/me, without \"..\" and links)");
}
END_TEST

START_TEST(a_parent_where_nothing_is_delegated_is_refused)
{
	make_delegated("1\n", "1\n", true);
	ck_assert_int_eq(search("/user/me/shell", "jobs", false), -EPERM);
	ck_err(&err, EPERM, "\"jobs\" is outside the delegated cgroup: cgroup /user/me/shell has "
	       "processes that are not yours to move (start cattach in a child of a cgroup that has "
	       "no processes of its own)");
}
END_TEST

/* ---- this host ---- */

START_TEST(this_host_has_an_answer)
{
	struct ct_cgroup_where where = { .systemd = ct_cgroup_scope_possible() };
	struct ct_cgroup_place found;

	ck_assert_int_eq(ct_cgroup_find_place(&where, &found, &err), 0);
	ck_assert_int_eq(found.verdict == CT_CGROUP_HERE, found.dir >= 0);
	ck_assert_int_eq(found.verdict == CT_CGROUP_NOWHERE, found.fix[0] != '\0');
	ct_cgroup_place_done(&found);
}
END_TEST

START_TEST(marks_cannot_be_made_here)
{
	ck_assert(true);
}
END_TEST

/* Attributes of users are not known to every file system that may be TMPDIR's. */
static TCase *marks_case(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];
	bool can;
	TCase *tc;
	int fd;

	snprintf(path, sizeof(path), "%s/cattach-unit.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	can = fd >= 0 && fsetxattr(fd, "user.delegate", "1", 1, 0) == 0;
	unlink(path);
	close(fd);
	tc = tcase_create(can ? "marks" : "marks # skip TMPDIR takes no attributes of users");
	if (can) {
		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_add_test(tc, a_unit_marked_as_delegated_is_ours);
		tcase_add_test(tc, the_users_systemd_itself_is_no_place);
	} else {
		tcase_add_test(tc, marks_cannot_be_made_here);
	}
	return tc;
}

Suite *suite_cgroup_place(void)
{
	Suite *s = suite_create("cgroup_place");
	TCase *tc = tcase_create("place");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_ancestor_without_processes_is_taken);
	tcase_add_test(tc, an_ancestor_without_processes_is_better_than_a_nearer_one_with);
	tcase_add_test(tc, our_own_cgroup_is_taken_when_it_is_empty);
	tcase_add_test(tc, processes_that_are_ours_may_be_moved_aside);
	tcase_add_test(tc, processes_of_others_stand_in_the_way);
	tcase_add_test(tc, processes_that_cannot_be_seen_are_not_ours);
	tcase_add_test(tc, nothing_delegated_has_a_reason_and_a_fix);
	tcase_add_test(tc, a_threaded_cgroup_is_no_place);
	tcase_add_test(tc, a_cgroup_outside_of_the_namespace_is_said_to_be_so);
	tcase_add_test(tc, the_top_of_all_may_have_processes);
	tcase_add_test(tc, no_line_of_version_2_is_the_top);
	tcase_add_test(tc, what_systemd_manages_is_asked_of_systemd);
	tcase_add_test(tc, below_a_unit_other_names_are_ours);
	tcase_add_test(tc, a_scope_that_was_made_for_us_is_the_place);
	tcase_add_test(tc, with_systemd_a_parent_is_a_slice);
	tcase_add_test(tc, a_relative_parent_is_below_the_place);
	tcase_add_test(tc, an_absolute_parent_must_be_below_what_is_delegated);
	tcase_add_test(tc, a_parent_never_climbs);
	tcase_add_test(tc, a_parent_within_a_containers_cgroup_is_refused);
	tcase_add_test(tc, a_parent_with_a_link_is_refused);
	tcase_add_test(tc, a_parent_where_nothing_is_delegated_is_refused);
	tcase_add_test(tc, this_host_has_an_answer);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, marks_case());
	return s;
}
