/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: where it is, that it is private whatever it finds or the umask says, and that
 * forgetting removes all of a container and nothing else. Runs as any user.
 */
#include "container/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "container_fixture.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *under(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", fixture_path(), name);
	return path;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(fstatat(fixture_dir(), name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static int exists(const char *name)
{
	return faccessat(fixture_dir(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- where ---- */

START_TEST(root_has_its_own_place_whatever_the_environment_says)
{
	char path[4096];
	struct ct_err err;

	setenv("XDG_DATA_HOME", "/elsewhere", 1);
	ck_assert_int_eq(ct_store_path(0, path, sizeof(path), &err), 0);
	ck_assert_str_eq(path, "/var/lib/cattach");
}
END_TEST

START_TEST(users_have_xdg_data_home_then_home_then_the_password_database)
{
	char path[4096];
	struct ct_err err;

	setenv("XDG_DATA_HOME", "/data", 1);
	setenv("HOME", "/home/x", 1);
	ck_assert_int_eq(ct_store_path(1, path, sizeof(path), &err), 0);
	ck_assert_str_eq(path, "/data/cattach");
	setenv("XDG_DATA_HOME", "relative", 1);
	ck_assert_int_eq(ct_store_path(1, path, sizeof(path), &err), 0);
	ck_assert_str_eq(path, "/home/x/.local/share/cattach");
	setenv("XDG_DATA_HOME", "", 1);
	setenv("HOME", "", 1);
	/* Uid 1 is "daemon" everywhere. */
	ck_assert_int_eq(ct_store_path(1, path, sizeof(path), &err), 0);
	ck_assert_ptr_nonnull(strstr(path, "/.local/share/cattach"));
	ck_assert_int_eq(path[0], '/');
}
END_TEST

START_TEST(no_home_at_all_is_said)
{
	char path[4096];
	struct ct_err err;

	unsetenv("XDG_DATA_HOME");
	unsetenv("HOME");
	ck_assert_int_eq(ct_store_path(4294967294u, path, sizeof(path), &err), -ENOENT);
	ck_err(&err, ENOENT,
	       "no place for containers: uid 4294967294 has no home directory "
	       "(set HOME or XDG_DATA_HOME to an absolute path)");
}
END_TEST

START_TEST(a_path_that_is_too_long_is_an_error)
{
	char longest[5000] = "/", path[4096];
	struct ct_err err;

	memset(longest + 1, 'a', sizeof(longest) - 2);
	longest[sizeof(longest) - 1] = '\0';
	setenv("XDG_DATA_HOME", longest, 1);
	ck_assert_int_eq(ct_store_path(1, path, sizeof(path), &err), -ENAMETOOLONG);
	ck_err(&err, ENAMETOOLONG, "the path of the store is longer than 4095 bytes");
}
END_TEST

/* ---- opening ---- */

START_TEST(everything_that_is_missing_is_made_private)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_err err = { 0 };
	mode_t saved = umask(masks[_i]);
	int r = ct_store_open_at(under("a/b/cattach"), &store, &err);

	/* The caller's umask is as it was. */
	ck_assert_uint_eq(umask(saved), masks[_i]);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_uint_eq(mode_of("a"), 0700);
	ck_assert_uint_eq(mode_of("a/b"), 0700);
	ck_assert_uint_eq(mode_of("a/b/cattach"), 0700);
	ck_assert_uint_eq(mode_of("a/b/cattach/containers"), 0700);
	ck_assert_uint_eq(mode_of("a/b/cattach/names"), 0700);
	ck_assert_uint_eq(mode_of("a/b/cattach/cache"), 0700);
	ck_assert_str_eq(store.path, under("a/b/cattach"));
}
END_TEST

START_TEST(opening_twice_finds_the_same_directories)
{
	struct ct_store ct_autostore first = CT_STORE_INIT;
	struct ct_store ct_autostore second = CT_STORE_INIT;
	struct stat a, b;

	container_store(&first);
	container_store(&second);
	ck_assert_int_eq(fstat(first.names, &a), 0);
	ck_assert_int_eq(fstat(second.names, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_int_ge(second.cache, 0);
}
END_TEST

static const char *const parts[] = { "cattach", "cattach/containers", "cattach/names",
				     "cattach/cache" };

/* The parts before it are made in order, then something else stands where it should be. */
static void make_store_with(const char *part, const char *replacement)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char aside[64];

	container_store(&store);
	snprintf(aside, sizeof(aside), "%s", replacement);
	ck_assert_int_eq(renameat(fixture_dir(), part, fixture_dir(), aside), 0);
}

START_TEST(a_directory_that_others_can_enter_is_refused)
{
	static const mode_t modes[] = { 0777, 01777, 0701, 0710, 0750, 0705, 0720 };
	struct ct_store store = CT_STORE_INIT;
	char text[16384];
	struct ct_err err;

	container_store(&store);
	ct_store_close(&store);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(fchmodat(fixture_dir(), parts[_i], modes[i], 0), 0);
		ck_assert_int_eq(ct_store_open_at(under("cattach"), &store, &err), -EPERM);
		snprintf(text, sizeof(text), "%s is open to other users (mode %04o) (chmod 700 %s)",
			 under(parts[_i]), (unsigned)modes[i], under(parts[_i]));
		ck_err(&err, EPERM, text);
		ck_assert_int_eq(store.data, -1);
	}
	ck_assert_int_eq(fchmodat(fixture_dir(), parts[_i], 0700, 0), 0);
	container_store(&store);
	ct_store_close(&store);
}
END_TEST

START_TEST(a_link_in_the_place_of_a_directory_is_refused)
{
	struct ct_store store = CT_STORE_INIT;
	char text[16384];
	struct ct_err err;

	make_store_with(parts[_i], "aside");
	ck_assert_int_eq(symlinkat(under("aside"), fixture_dir(), parts[_i]), 0);
	ck_assert_int_eq(ct_store_open_at(under("cattach"), &store, &err), -ELOOP);
	snprintf(text, sizeof(text), "%s is a symbolic link; a directory is needed "
		 "(remove the link, or set XDG_DATA_HOME to where it leads)", under(parts[_i]));
	ck_err(&err, ELOOP, text);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_directory_is_refused)
{
	struct ct_store store = CT_STORE_INIT;
	char text[16384];
	struct ct_err err;

	make_store_with(parts[_i], "aside");
	fixture_file(parts[_i], "");
	ck_assert_int_eq(ct_store_open_at(under("cattach"), &store, &err), -ENOTDIR);
	snprintf(text, sizeof(text), "%s is not a directory (move it away)", under(parts[_i]));
	ck_err(&err, ENOTDIR, text);
}
END_TEST

START_TEST(a_dangling_link_is_refused_and_its_target_not_made)
{
	struct ct_store store = CT_STORE_INIT;
	struct ct_err err;

	ck_assert_int_eq(symlinkat("nowhere", fixture_dir(), "cattach"), 0);
	ck_assert_int_eq(ct_store_open_at(under("cattach"), &store, &err), -ELOOP);
	ck_assert(!exists("nowhere"));
}
END_TEST

/* As root the directory is given away; else root's /usr serves. */
START_TEST(a_directory_of_somebody_else_is_refused)
{
	struct ct_store store = CT_STORE_INIT;
	const char *path = "/usr";
	uid_t owner = 0;
	char text[16384];
	struct ct_err err;

	if (geteuid() == 0) {
		owner = 12345;
		path = under("cattach");
		ck_assert_int_eq(mkdirat(fixture_dir(), "cattach", 0700), 0);
		ck_assert_int_eq(fchownat(fixture_dir(), "cattach", owner, owner, 0), 0);
	}
	ck_assert_int_eq(ct_store_open_at(path, &store, &err), -EPERM);
	snprintf(text, sizeof(text), "%s belongs to uid %u, not to you (uid %u) (chown -R %u %s, or "
		 "set XDG_DATA_HOME to a place of yours)", path, owner, geteuid(), geteuid(), path);
	ck_err(&err, EPERM, text);
}
END_TEST

START_TEST(links_above_the_store_are_followed)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_err err = { 0 };

	ck_assert_int_eq(mkdirat(fixture_dir(), "real", 0755), 0);
	ck_assert_int_eq(symlinkat("real", fixture_dir(), "link"), 0);
	ck_assert_msg(ct_store_open_at(under("link/cattach"), &store, &err) == 0, "%s", err.what);
	ck_assert(exists("real/cattach/names"));
}
END_TEST

START_TEST(a_parent_that_cannot_be_made_is_named)
{
	struct ct_store store = CT_STORE_INIT;
	char text[16384];
	struct ct_err err;

	ck_assert_int_eq(ct_store_open_at("/proc/no-home/x/cattach", &store, &err), -ENOENT);
	ck_err(&err, ENOENT, "cannot make directory /proc/no-home: No such file or directory "
	       "(set XDG_DATA_HOME to a place that you can write)");
	fixture_file("file", "");
	ck_assert_int_eq(ct_store_open_at(under("file/cattach"), &store, &err), -ENOTDIR);
	snprintf(text, sizeof(text), "cannot open %s: Not a directory", under("file"));
	ck_err(&err, ENOTDIR, text);
	ck_assert_int_eq(ct_store_open_at("relative", &store, &err), -EINVAL);
}
END_TEST

/* ---- ids, entries ---- */

START_TEST(an_id_is_64_lower_case_hexadecimal_digits)
{
	ck_assert(ct_is_id(ID));
	ck_assert(!ct_is_id(ID "0"));
	ck_assert(!ct_is_id(&ID[1]));
	ck_assert(!ct_is_id(""));
	ck_assert(!ct_is_id("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"));
	ck_assert(!ct_is_id("0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef"));
	ck_assert(!ct_is_id("../3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
}
END_TEST

static int count_entry(int dir, const char *name, unsigned char type, void *arg)
{
	(void)dir;
	(void)type;
	ck_assert_str_ne(name, ".");
	ck_assert_str_ne(name, "..");
	return ++*(int *)arg == 700 ? 7 : 0;
}

START_TEST(a_walk_sees_every_entry_of_a_large_directory_and_can_stop)
{
	char name[64];
	int seen = 0;

	for (int i = 0; i < 650; i++) {
		snprintf(name, sizeof(name), "a-file-with-a-long-name-so-that-buffers-fill-%d", i);
		fixture_file(name, "");
	}
	ck_assert_int_eq(ct_each_entry(fixture_dir(), count_entry, &seen), 0);
	ck_assert_int_eq(seen, 650);
	/* Again from the start, and stopped by the visitor. */
	ck_assert_int_eq(ct_each_entry(fixture_dir(), count_entry, &seen), 7);
	ck_assert_int_eq(seen, 700);
}
END_TEST

/* ---- forgetting ---- */

START_TEST(forgetting_removes_the_directory_and_the_name)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];

	container_create("one", id);
	container_store(&store);
	ck_assert_int_eq(ct_store_forget(&store, id, "one"), 0);
	ck_assert(!exists("cattach/names/one"));
	ck_assert(!exists(container_file(id, "")));
	/* Once more: done already. */
	ck_assert_int_eq(ct_store_forget(&store, id, "one"), 0);
	ck_assert_int_eq(ct_store_forget(&store, id, NULL), 0);
}
END_TEST

START_TEST(forgetting_without_a_name_finds_it)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], other[CT_CONTAINER_ID_LENGTH + 1];

	container_create("one", id);
	container_create("two", other);
	container_store(&store);
	ck_assert_int_eq(ct_store_forget(&store, id, NULL), 0);
	ck_assert(!exists("cattach/names/one"));
	ck_assert(exists("cattach/names/two"));
}
END_TEST

START_TEST(forgetting_leaves_a_name_that_is_anothers)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], other[CT_CONTAINER_ID_LENGTH + 1];

	container_create("one", id);
	container_create("two", other);
	container_store(&store);
	ck_assert_int_eq(ct_store_forget(&store, id, "two"), 0);
	ck_assert(exists("cattach/names/two"));
	ck_assert(!exists(container_file(id, "")));
}
END_TEST

START_TEST(links_in_a_container_are_removed_and_not_followed)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];

	fixture_file("canary", "alive");
	ck_assert_int_eq(mkdirat(fixture_dir(), "precious", 0700), 0);
	fixture_file("precious/canary", "alive");
	container_create("one", id);
	container_store(&store);
	ck_assert_int_eq(symlinkat(under("canary"), fixture_dir(), container_file(id, "file")), 0);
	ck_assert_int_eq(symlinkat(under("precious"), fixture_dir(), container_file(id, "dir")), 0);
	ck_assert_int_eq(symlinkat(under("precious"), fixture_dir(), container_file(id, "main/log")),
			 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "config.json"), 0), 0);
	ck_assert_int_eq(symlinkat(under("canary"), fixture_dir(), container_file(id, "config.json")),
			 0);
	ck_assert_int_eq(ct_store_forget(&store, id, "one"), 0);
	ck_assert(exists("canary"));
	ck_assert(exists("precious/canary"));
	ck_assert(!exists(container_file(id, "")));
}
END_TEST

START_TEST(a_link_in_the_place_of_a_container_is_left_alone)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;

	ck_assert_int_eq(mkdirat(fixture_dir(), "precious", 0700), 0);
	fixture_file("precious/canary", "alive");
	container_store(&store);
	ck_assert_int_eq(symlinkat(under("precious"), store.containers, ID), 0);
	ck_assert_int_eq(ct_store_forget(&store, ID, NULL), -ENOTDIR);
	ck_assert(exists("precious/canary"));
	ck_assert_int_eq(ct_store_forget(&store, "../../precious", NULL), -EINVAL);
	ck_assert_int_eq(ct_store_forget(&store, "", NULL), -EINVAL);
	ck_assert(exists("precious/canary"));
}
END_TEST

START_TEST(trees_sockets_and_closed_directories_in_a_container_go_too)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], name[64];

	container_create("one", id);
	container_store(&store);
	ck_assert_int_eq(mkdirat(fixture_dir(), container_file(id, "exec"), 0700), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), container_file(id, "exec/a"), 0700), 0);
	fixture_file(container_file(id, "exec/a/log.0"), "x");
	ck_assert_int_eq(mkfifoat(fixture_dir(), container_file(id, "fifo"), 0600), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "main/log.%d", i);
		fixture_file(container_file(id, name), "x");
	}
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, "exec/a"), 0, 0), 0);
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, ""), 0, 0), 0);
	ck_assert_int_eq(ct_store_forget(&store, id, "one"), 0);
	ck_assert(!exists(container_file(id, "")));
}
END_TEST

START_TEST(what_is_nested_too_deep_is_refused_not_overrun)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int dir;

	container_create("one", id);
	container_store(&store);
	dir = openat(fixture_dir(), container_file(id, "main"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 40; i++) {
		int next;

		ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	close(dir);
	ck_assert_int_eq(ct_store_forget(&store, id, "one"), -ELOOP);
	/* What it did reach it may have removed, but it still is a container, by its record. */
	ck_assert(exists(container_file(id, "meta.json")));
}
END_TEST

START_TEST(many_who_forget_the_same_container_all_succeed)
{
	char id[CT_CONTAINER_ID_LENGTH + 1], name[64];
	pid_t children[8];
	int go[2], status;
	char byte;

	container_create("one", id);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "main/log.%d", i);
		fixture_file(container_file(id, name), "x");
	}
	ck_assert_int_eq(pipe(go), 0);
	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0) {
			struct ct_store store = CT_STORE_INIT;

			container_store(&store);
			close(go[1]);
			/* The end of the pipe starts all of them at once. */
			if (read(go[0], &byte, 1) != 0)
				_exit(99);
			_exit(-ct_store_forget(&store, id, "one"));
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert(!exists(container_file(id, "")));
}
END_TEST

static void write_text(const char *path, const char *text)
{
	int ct_autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* In a mount namespace of its own; users get one with a user namespace that maps them to
 * themselves. */
static void mount_below(const char *path)
{
	uid_t uid = geteuid();
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
	ck_assert_int_eq(unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS), 0);
	if (uid != 0) {
		write_text("/proc/self/uid_map", uids);
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/gid_map", gids);
	}
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", path, "tmpfs", 0, NULL), 0);
}

START_TEST(a_mount_below_a_container_is_not_crossed)
{
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int status;
	pid_t child;

	container_create("one", id);
	/* In a child, so that the mount is gone when the fixture removes the directory. */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct ct_store store = CT_STORE_INIT;
		const char *canary;
		int r;

		/* Descriptors from before would lead into the old namespace, past the mount. */
		mount_below(under(container_file(id, "main")));
		container_store(&store);
		canary = container_file(id, "main/canary");
		close(openat(AT_FDCWD, under(canary), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		r = ct_store_forget(&store, id, "one");
		_exit(r == -EXDEV && access(under(container_file(id, "main/canary")), F_OK) == 0 ? 0 :
												 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

Suite *suite_store(void);
Suite *suite_store(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, root_has_its_own_place_whatever_the_environment_says);
	tcase_add_test(tc, users_have_xdg_data_home_then_home_then_the_password_database);
	tcase_add_test(tc, no_home_at_all_is_said);
	tcase_add_test(tc, a_path_that_is_too_long_is_an_error);
	tcase_add_loop_test(tc, everything_that_is_missing_is_made_private, 0, 4);
	tcase_add_test(tc, opening_twice_finds_the_same_directories);
	tcase_add_loop_test(tc, a_directory_that_others_can_enter_is_refused, 0, 4);
	tcase_add_loop_test(tc, a_link_in_the_place_of_a_directory_is_refused, 0, 4);
	tcase_add_loop_test(tc, a_file_in_the_place_of_a_directory_is_refused, 0, 4);
	tcase_add_test(tc, a_dangling_link_is_refused_and_its_target_not_made);
	tcase_add_test(tc, a_directory_of_somebody_else_is_refused);
	tcase_add_test(tc, links_above_the_store_are_followed);
	tcase_add_test(tc, a_parent_that_cannot_be_made_is_named);
	tcase_add_test(tc, an_id_is_64_lower_case_hexadecimal_digits);
	tcase_add_test(tc, a_walk_sees_every_entry_of_a_large_directory_and_can_stop);
	tcase_add_test(tc, forgetting_removes_the_directory_and_the_name);
	tcase_add_test(tc, forgetting_without_a_name_finds_it);
	tcase_add_test(tc, forgetting_leaves_a_name_that_is_anothers);
	tcase_add_test(tc, links_in_a_container_are_removed_and_not_followed);
	tcase_add_test(tc, a_link_in_the_place_of_a_container_is_left_alone);
	tcase_add_test(tc, trees_sockets_and_closed_directories_in_a_container_go_too);
	tcase_add_test(tc, what_is_nested_too_deep_is_refused_not_overrun);
	tcase_add_test(tc, many_who_forget_the_same_container_all_succeed);
	tcase_add_test(tc, a_mount_below_a_container_is_not_crossed);
	suite_add_tcase(s, tc);
	return s;
}
