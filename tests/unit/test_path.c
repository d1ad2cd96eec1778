/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Safe paths against a hostile tree. Every test has a root directory with a canary directory
 * beside it; whatever the links in the root say, and whoever exchanges them meanwhile, what is
 * opened and made stays in the root and the canary stays empty. Runs unprivileged, and as root
 * too.
 */
#include <cattach/path.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static int root = -1;
static struct ct_err err;

/* Make a link in the root. */
static void put_link(const char *target, const char *name)
{
	ck_assert_int_eq(symlinkat(target, root, name), 0);
}

static void put_dir(const char *name)
{
	ck_assert_int_eq(mkdirat(root, name, 0755), 0);
}

static void setup(void)
{
	fixture_setup();
	umask(022);
	ck_assert_int_eq(fchmod(fixture_dir(), 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "canary", 0777), 0);
	root = openat(fixture_dir(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	put_dir("etc");
	fixture_file("root/etc/passwd", "inside");
}

static void teardown(void)
{
	/* rmdir: it must still be there, a directory, and empty. */
	ck_assert_int_eq(unlinkat(fixture_dir(), "canary", AT_REMOVEDIR), 0);
	ct_drop_fd(&root);
	fixture_teardown();
}

/* The descriptor must be of exactly this path below the fresh directory; it is closed. */
static void ck_is(int fd, const char *name)
{
	char link[64], actual[4096], expected[4096];
	ssize_t n;

	ck_assert_msg(fd >= 0, "%s: %s", name, err.what);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, actual, sizeof(actual) - 1);
	ck_assert_int_gt(n, 0);
	actual[n] = '\0';
	snprintf(expected, sizeof(expected), "%s/%s", fixture_path(), name);
	ck_assert_str_eq(actual, expected);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

START_TEST(links_and_dots_stay_inside_the_root)
{
	static const char *const paths[] = {
		"/etc/passwd", "etc/passwd", "//etc/./passwd", "../../../../../etc/passwd",
		"/../etc/passwd", "etc/../../etc/passwd", "abs/passwd", "up/etc/passwd",
		"etc/self/passwd", "file", "chain",
	};

	put_link("/etc", "abs");
	put_link("../../../../../../../..", "up");
	put_link("/../../etc", "etc/self");
	put_link("/etc/passwd", "file");
	put_link("up/abs/passwd", "chain");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_is(ct_path_open(root, paths[i], O_RDONLY, &err), "root/etc/passwd");
	ck_is(ct_path_open(root, "/", O_PATH, &err), "root");
	ck_is(ct_path_open(root, "..", O_PATH, &err), "root");
	ck_is(ct_path_open(root, "up", O_PATH, &err), "root");
}
END_TEST

START_TEST(magic_links_of_proc_lead_nowhere)
{
	int ct_autofd host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[128], name[4200];

	/* With the whole machine as root the links do exist: and are refused, not followed. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fixture_dir());
	ck_assert_int_eq(ct_path_open(host, path, O_PATH, &err), -ELOOP);
	ck_assert_int_eq(ct_path_open(host, "/proc/self/root", O_PATH, &err), -ELOOP);
	ck_assert_int_eq(ct_path_open(host, "/proc/self/cwd", O_PATH, &err), -ELOOP);
	ck_err(&err, ELOOP, "cannot open /proc/self/cwd: Too many levels of symbolic links (links "
	       "that go round in a circle, or one of /proc's that would lead out of the "
	       "container's root)");
	/* Through a link of the container's own, and for making things. */
	put_link(path, "magic");
	snprintf(name, sizeof(name), "%s/root/magic", fixture_path());
	ck_assert_int_eq(ct_path_open(host, name, O_PATH, &err), -ELOOP);
	strcat(name, "/canary/x");
	ck_assert_int_eq(ct_path_make_dir(host, name, 0755, &err), -ELOOP);
	ck_assert_int_eq(ct_path_make_file(host, name, 0644, &err), -ELOOP);
	ck_assert_int_eq(ct_path_has_link(host, "/proc/self/root", &err), 1);
	/* In the root there is no /proc: the text is a name like any other. */
	ck_assert_int_eq(ct_path_open(root, "magic", O_PATH, &err), -ENOENT);
}
END_TEST

START_TEST(errors_name_the_path)
{
	put_link("b", "a");
	put_link("a", "b");
	ck_assert_int_eq(ct_path_open(root, "/nope/x", O_PATH, &err), -ENOENT);
	ck_err(&err, ENOENT, "cannot open /nope/x: No such file or directory");
	ck_assert_int_eq(ct_path_open(root, "", O_PATH, &err), -ENOENT);
	ck_assert_int_eq(ct_path_open(root, "a", O_PATH, &err), -ELOOP);
	ck_assert_int_eq(ct_path_open(root, "etc/passwd/x", O_PATH, &err), -ENOTDIR);
	ck_assert_int_eq(ct_path_open(-1, "etc", O_PATH, &err), -EBADF);
}
END_TEST

START_TEST(try_takes_more_restrictions_and_creates_nothing)
{
	put_link("/etc", "abs");
	ck_assert_int_eq(ct_path_try(root, "abs", O_PATH, RESOLVE_BENEATH), -EXDEV);
	ck_assert_int_eq(ct_path_try(root, "../canary", O_PATH, RESOLVE_BENEATH), -EXDEV);
	ck_assert_int_eq(ct_path_try(root, "abs", O_PATH, RESOLVE_NO_SYMLINKS), -ELOOP);
	ck_is(ct_path_try(root, "abs", O_PATH, 0), "root/etc");
	ck_assert_int_eq(ct_path_try(root, "new", O_CREAT | O_WRONLY, 0), -EINVAL);
	ck_assert_int_eq(ct_path_try(root, "etc", O_TMPFILE | O_WRONLY, 0), -EINVAL);
	ck_assert_int_eq(faccessat(root, "new", F_OK, 0), -1);
}
END_TEST

START_TEST(links_are_seen_in_every_component)
{
	put_link("/etc", "abs");
	put_link("/nowhere", "dangling");
	ck_assert_int_eq(ct_path_has_link(root, "/etc/passwd", &err), 0);
	ck_assert_int_eq(ct_path_has_link(root, "/abs/passwd", &err), 1);
	ck_assert_int_eq(ct_path_has_link(root, "/abs", &err), 1);
	ck_assert_int_eq(ct_path_has_link(root, "/abs/", &err), 1);
	ck_assert_int_eq(ct_path_has_link(root, "etc/../abs", &err), 1);
	ck_assert_int_eq(ct_path_has_link(root, "/dangling", &err), 1);
	ck_assert_int_eq(ct_path_has_link(root, "/missing/x", &err), 0);
	ck_assert_int_eq(ct_path_has_link(root, "/etc/passwd/x", &err), 0);
	ck_assert_int_eq(ct_path_has_link(-1, "etc", &err), -EBADF);
}
END_TEST

START_TEST(missing_directories_are_made_with_the_mode)
{
	struct stat st;

	ck_is(ct_path_make_dir(root, "/a/b//c/./d/", 0750, &err), "root/a/b/c/d");
	ck_assert_int_eq(fstatat(root, "a/b", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_is(ct_path_make_dir(root, "/a/b/c/d", 0700, &err), "root/a/b/c/d");
	ck_is(ct_path_make_dir(root, "a/x/../../../y", 0755, &err), "root/y");
	ck_is(ct_path_make_dir(root, "/", 0755, &err), "root");
	ck_is(ct_path_make_dir(root, "../../z", 0755, &err), "root/z");
}
END_TEST

START_TEST(more_missing_directories_than_a_race_may_cost_are_made)
{
	char path[1024] = "";

	for (int i = 0; i < 200; i++)
		strcat(path, "/d");
	close(ct_path_make_dir(root, path, 0755, &err));
	ck_assert_int_eq(faccessat(root, path + 1, F_OK, 0), 0);
}
END_TEST

START_TEST(directories_behind_links_are_made_inside)
{
	char absolute[4200];

	snprintf(absolute, sizeof(absolute), "%s/canary", fixture_path());
	put_link("/etc", "abs");
	put_link("../../../../up2", "up");
	put_link("/dangling/deep", "etc/out");
	put_link("beside", "etc/rel");
	put_link(absolute, "host");
	put_link("first", "second");
	put_link("etc/../first2/x", "first");
	ck_is(ct_path_make_dir(root, "/abs/x", 0755, &err), "root/etc/x");
	ck_is(ct_path_make_dir(root, "/up/x", 0755, &err), "root/up2/x");
	ck_is(ct_path_make_dir(root, "/etc/out/x", 0755, &err), "root/dangling/deep/x");
	ck_is(ct_path_make_dir(root, "/etc/rel", 0755, &err), "root/etc/beside");
	ck_is(ct_path_make_dir(root, "/second/y", 0755, &err), "root/first2/x/y");
	/* The same words as the canary's, from this root. */
	close(ct_path_make_dir(root, "/host/x", 0755, &err));
	ck_assert_int_eq(faccessat(root, absolute + 1, F_OK, 0), 0);
}
END_TEST

START_TEST(circles_and_endless_links_end)
{
	char target[4000], name[64];

	put_link("b", "a");
	put_link("a", "b");
	ck_assert_int_eq(ct_path_make_dir(root, "/a/x", 0755, &err), -ELOOP);
	ck_assert_int_eq(ct_path_make_file(root, "/a", 0644, &err), -ELOOP);
	/* A link whose missing target is itself and more: each step would be longer. */
	put_link("grow/x/grow", "grow");
	ck_assert_int_lt(ct_path_make_dir(root, "/grow", 0755, &err), 0);
	for (int i = 0; i < 50; i++) {
		char next[64];

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(next, sizeof(next), "n%d", i + 1);
		put_link(next, name);
	}
	ck_assert_int_eq(ct_path_make_dir(root, "/n0", 0755, &err), -ELOOP);
	ck_is(ct_path_make_dir(root, "/n20", 0755, &err), "root/n50");
	memset(target, 'x', sizeof(target));
	for (size_t i = 100; i < sizeof(target); i += 100)
		target[i] = '/';
	target[sizeof(target) - 1] = '\0';
	put_link(target, "long");
	snprintf(name, sizeof(name), "long/%050d", 0);
	strcat(name, "/a/b");
	ck_assert_int_ge(close(ct_path_make_dir(root, name, 0755, &err)), 0);
	memset(target, 'y', 300);
	target[300] = '\0';
	ck_assert_int_eq(ct_path_make_dir(root, target, 0755, &err), -ENAMETOOLONG);
}
END_TEST

START_TEST(no_more_links_are_replaced_than_the_kernel_would_follow)
{
	char path[1024] = "", part[32], target[32];

	/* Each leads to something that is missing, so the kernel never sees two in one path. */
	for (int i = 0; i < 41; i++) {
		snprintf(part, sizeof(part), "k%d", i);
		snprintf(target, sizeof(target), "/t%d", i);
		put_link(target, part);
		if (i < 40)
			strcat(strcat(strcat(path, "/"), part), "/..");
	}
	ck_is(ct_path_make_dir(root, path, 0755, &err), "root");
	ck_assert_int_eq(faccessat(root, "t39", F_OK, 0), 0);
	for (int i = 0; i < 40; i++) {
		snprintf(part, sizeof(part), "t%d", i);
		ck_assert_int_eq(unlinkat(root, part, AT_REMOVEDIR), 0);
	}
	strcat(path, "/k40");
	ck_assert_int_eq(ct_path_make_dir(root, path, 0755, &err), -ELOOP);
}
END_TEST

START_TEST(a_file_in_the_way_is_named)
{
	put_link("/etc/passwd", "link");
	ck_assert_int_eq(ct_path_make_dir(root, "/etc/passwd/x/y", 0755, &err), -ENOTDIR);
	ck_err(&err, ENOTDIR, "/etc/passwd is not a directory");
	ck_assert_int_eq(ct_path_make_dir(root, "/etc/passwd", 0755, &err), -ENOTDIR);
	ck_err(&err, ENOTDIR, "/etc/passwd is not a directory");
	ck_assert_int_eq(ct_path_make_dir(root, "/link/x", 0755, &err), -ENOTDIR);
	ck_err(&err, ENOTDIR, "/link is not a directory");
	ck_assert_int_eq(ct_path_make_file(root, "/etc/passwd/x", 0644, &err), -ENOTDIR);
	ck_err(&err, ENOTDIR, "/etc/passwd is not a directory");
}
END_TEST

START_TEST(missing_files_are_made_and_others_left_alone)
{
	struct stat st;
	int fd;

	ck_is(ct_path_make_file(root, "/n/e/w", 0640, &err), "root/n/e/w");
	ck_assert_int_eq(fstatat(root, "n/e/w", &st, 0), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(fstatat(root, "n/e", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	fd = ct_path_make_file(root, "etc/passwd", 0600, &err);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 6);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_is(fd, "root/etc/passwd");
	ck_assert_int_eq(mkfifoat(root, "fifo", 0600), 0);
	ck_is(ct_path_make_file(root, "fifo", 0600, &err), "root/fifo");
	ck_is(ct_path_make_file(root, "plain", 0600, &err), "root/plain");
	ck_is(ct_path_make_file(root, "etc/../other", 0600, &err), "root/other");
}
END_TEST

START_TEST(files_behind_links_are_made_inside)
{
	char absolute[4200];

	snprintf(absolute, sizeof(absolute), "%s/canary/f", fixture_path());
	put_link("/run/x/y", "abs");
	put_link("../../../up2", "etc/up");
	put_link("near", "etc/rel");
	put_link(absolute, "host");
	ck_is(ct_path_make_file(root, "abs", 0644, &err), "root/run/x/y");
	ck_is(ct_path_make_file(root, "/etc/up", 0644, &err), "root/up2");
	ck_is(ct_path_make_file(root, "/etc/rel", 0644, &err), "root/etc/near");
	close(ct_path_make_file(root, "host", 0644, &err));
	ck_assert_int_eq(faccessat(root, absolute + 1, F_OK, 0), 0);
}
END_TEST

START_TEST(a_directory_is_no_file)
{
	put_link("/etc", "abs");
	ck_assert_int_eq(ct_path_make_file(root, "/etc", 0644, &err), -EISDIR);
	ck_err(&err, EISDIR, "/etc is a directory, a file is needed");
	ck_assert_int_eq(ct_path_make_file(root, "/abs", 0644, &err), -EISDIR);
	ck_assert_int_eq(ct_path_make_file(root, "/", 0644, &err), -EISDIR);
	ck_assert_int_eq(ct_path_make_file(root, "/new/", 0644, &err), -EISDIR);
	ck_err(&err, EISDIR, "/new/ names a directory, a file is needed");
	ck_assert_int_eq(ct_path_make_file(root, "/new/..", 0644, &err), -EISDIR);
	ck_assert_int_eq(ct_path_make_file(root, "", 0644, &err), -ENOENT);
}
END_TEST

START_TEST(a_place_where_nothing_can_be_made_gets_a_way_out)
{
	put_dir("closed");
	ck_assert_int_eq(fchmodat(root, "closed", 0555, 0), 0);
	/* Root writes everywhere; somebody else does not. */
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(ct_path_make_dir(root, "/closed/x/y", 0755, &err), -EACCES);
	ck_err(&err, EACCES, "/closed/x does not exist and cannot be made here: Permission denied "
	       "(make it in the root file system beforehand, or run with a throw-away overlay: "
	       "ROOTFS:O)");
	ck_assert_int_eq(ct_path_make_file(root, "/closed/f", 0644, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.what, "/closed/f does not exist and cannot be made here"));
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Exchange root/v/dir and root/v/link for ever, counting; and take away what was made. */
static void swap_for_ever(volatile unsigned *count)
{
	int v = openat(root, "v", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (;;) {
		if (syscall(SYS_renameat2, v, "dir", v, "link", 2u /* RENAME_EXCHANGE */) < 0)
			_exit(1);
		++*count;
		unlinkat(v, "dir/sub", AT_REMOVEDIR);
		unlinkat(v, "dir/file", 0);
	}
}

/* One round against the swapper: every outcome is fine but one outside, or an unknown error. */
static unsigned race_once(unsigned round)
{
	char link[64], actual[4096], prefix[4200];
	int ct_autofd fd = -1;
	ssize_t n;

	if (round % 2)
		fd = ct_path_make_dir(root, "/v/dir/sub", 0755, &err);
	else
		fd = ct_path_make_file(root, "/v/dir/file", 0644, &err);
	if (fd < 0) {
		ck_assert_msg(fd == -EAGAIN || fd == -ENOENT || fd == -ELOOP, "%s", err.what);
		return 0;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, actual, sizeof(actual) - 1);
	ck_assert_int_gt(n, 0);
	actual[n] = '\0';
	n = snprintf(prefix, sizeof(prefix), "%s/root/", fixture_path());
	ck_assert_msg(!strncmp(actual, prefix, (size_t)n), "outside: %s", actual);
	return 1;
}

START_TEST(exchanging_directory_and_link_never_leads_outside)
{
	static const char *const ways[] = { "../../../../canary", "ABSOLUTE", "../../canary" };
	volatile unsigned *swaps = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned good = 0, before;
	char absolute[4200];
	pid_t swapper;

	put_dir("v");
	put_dir("v/dir");
	snprintf(absolute, sizeof(absolute), "%s/canary", fixture_path());
	put_link(_i == 1 ? absolute : ways[_i], "v/link");
	swapper = fork();
	if (swapper == 0)
		swap_for_ever(swaps);
	while (*swaps < 10)
		usleep(100);
	before = *swaps;
	for (unsigned round = 0; round < 3000; round++)
		good += race_once(round);
	kill(swapper, SIGKILL);
	ck_assert_int_eq(waitpid(swapper, NULL, 0), swapper);
	/* There was a race, and most of its rounds made something. */
	ck_assert_uint_gt(*swaps, before + 100);
	ck_assert_uint_gt(good, 300);
	munmap((void *)(uintptr_t)swaps, 4096);
}
END_TEST

Suite *suite_path(void);
Suite *suite_path(void)
{
	Suite *s = suite_create("path");
	TCase *tc = tcase_create("open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, links_and_dots_stay_inside_the_root);
	tcase_add_test(tc, magic_links_of_proc_lead_nowhere);
	tcase_add_test(tc, errors_name_the_path);
	tcase_add_test(tc, try_takes_more_restrictions_and_creates_nothing);
	tcase_add_test(tc, links_are_seen_in_every_component);
	suite_add_tcase(s, tc);
	tc = tcase_create("make");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, missing_directories_are_made_with_the_mode);
	tcase_add_test(tc, more_missing_directories_than_a_race_may_cost_are_made);
	tcase_add_test(tc, directories_behind_links_are_made_inside);
	tcase_add_test(tc, circles_and_endless_links_end);
	tcase_add_test(tc, no_more_links_are_replaced_than_the_kernel_would_follow);
	tcase_add_test(tc, a_file_in_the_way_is_named);
	tcase_add_test(tc, missing_files_are_made_and_others_left_alone);
	tcase_add_test(tc, files_behind_links_are_made_inside);
	tcase_add_test(tc, a_directory_is_no_file);
	tcase_add_test(tc, a_place_where_nothing_can_be_made_gets_a_way_out);
	suite_add_tcase(s, tc);
	tc = tcase_create("race");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, exchanging_directory_and_link_never_leads_outside, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
