/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "run" runs: bundles and root file systems by operand and by option, overlays, relative
 * paths, the host's own root, and every way in which a source is not one. Runs unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "run_fixture.h"

/* The path without links, as the spec has it. */
static const char *real(const char *name)
{
	char buf[PATH_MAX];

	ck_assert_ptr_nonnull(realpath(run_path(name), buf));
	return ct_arena_strdup(&run_arena, buf);
}

/* "BEFORE NAME AFTER", in the arena. */
static const char *text(const char *before, const char *name, const char *after)
{
	return ct_arena_printf(&run_arena, "%s%s%s", before, name, after);
}

START_TEST(a_directory_is_a_root_file_system)
{
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->root_path, real("root"));
	ck_assert(!run_spec->root_readonly);
	ck_assert_ptr_null(run_meta.bundle);
	ck_assert_str_eq(run_meta.rootfs, real("root"));
	ck_assert_str_eq(run_meta.source, run_path("root"));
	ck_assert(!run_meta.overlay);
	ck_assert_ptr_null(run_spec->hostname);
}
END_TEST

START_TEST(a_directory_with_a_configuration_is_a_bundle)
{
	run_bundle(", \"noNewPrivileges\": true", "");
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.bundle, real("bundle"));
	ck_assert_str_eq(run_meta.rootfs, real("root"));
	ck_assert_str_eq(run_spec->root_path, real("root"));
	ck_assert_str_eq(run_join(&run_spec->process->args), "/hello world");
	ck_assert(run_spec->process->no_new_privileges);
	/* Named by its option it is the same. */
	run_options.bundle = run_options.operand;
	run_options.operand = NULL;
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.bundle, real("bundle"));
}
END_TEST

START_TEST(the_option_makes_a_root_file_system_of_a_bundle)
{
	run_bundle("", "");
	run_options.rootfs = run_options.operand;
	run_options.operand = NULL;
	run_ok(&run_alice);
	ck_assert_ptr_null(run_meta.bundle);
	ck_assert_str_eq(run_meta.rootfs, real("bundle"));
}
END_TEST

START_TEST(relative_names_and_links_become_absolute_paths)
{
	run_bundle("", "");
	ck_assert_int_eq(symlinkat("bundle", fixture_dir(), "link"), 0);
	ck_assert_int_eq(chdir(fixture_path()), 0);
	run_options.operand = "./link/../link";
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.bundle, real("bundle"));
	ck_assert_str_eq(run_meta.source, "./link/../link");
	run_options.operand = "root/";
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->root_path, real("root"));
	ck_assert_int_eq(chdir("root"), 0);
	run_options.operand = ".";
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->root_path, real("root"));
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_suffix_asks_for_an_overlay)
{
	run_options.operand = text("", run_path("root"), ":O");
	run_ok(&run_alice);
	ck_assert(run_meta.overlay);
	ck_assert_str_eq(run_meta.rootfs, real("root"));
	ck_assert_str_eq(run_meta.source, run_options.operand);
	run_options.operand = NULL;
	run_options.rootfs = "/:O";
	run_ok(&run_alice);
	ck_assert(run_meta.overlay);
	ck_assert_str_eq(run_meta.rootfs, "/");
}
END_TEST

START_TEST(read_only_is_about_the_root)
{
	run_options.read_only = true;
	run_ok(&run_alice);
	ck_assert(run_spec->root_readonly);
	run_bundle("", "");
	run_options.read_only = false;
	run_ok(&run_alice);
	ck_assert(!run_spec->root_readonly);
}
END_TEST

START_TEST(the_root_of_the_host_is_refused_by_any_name)
{
	static const char *const names[] = { "/", "//", "/.", "/usr/..", "/proc/self/root" };

	ck_assert_int_eq(symlinkat("/", fixture_dir(), "rootlink"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		run_options.operand = names[i];
		run_bad(EPERM, "refusing the host's root as root file system "
			"(--rootfs /:O runs a throwaway copy of it)");
	}
	run_options.operand = NULL;
	run_options.rootfs = run_path("rootlink");
	run_bad(EPERM, "--rootfs: refusing the host's root as root file system "
		"(--rootfs /:O runs a throwaway copy of it)");
	run_options.rootfs = NULL;
	run_bundle("", "");
	fixture_file("bundle/config.json", "{\"ociVersion\": \"1.0.0\",\n"
		     " \"root\": {\"path\": \"../rootlink\"},"
		     "\n\"process\": {\"args\": [\"a\"], \"cwd\": \"/\"}}");
	run_bad(EPERM, "config.json:2:19: root.path: refusing the host's root as root file system "
		"(--rootfs /:O runs a throwaway copy of it)");
}
END_TEST

START_TEST(what_is_not_there_or_no_directory_is_named)
{
	fixture_file("file", "");
	run_options.operand = "debian";
	run_bad(ENOENT, "no such directory: debian (a bundle or root file system directory is "
		"needed, not an image)");
	run_options.operand = run_path("nope");
	run_bad(ENOENT, text("no such directory: ", run_path("nope"), ""));
	run_options.operand = run_path("file");
	run_bad(ENOTDIR, text("not a directory: ", run_path("file"), ""));
	run_options.operand = "";
	run_bad(ENOENT,
		"the path is empty (a bundle or root file system directory is needed, not "
		"an image)");
	run_options.operand = NULL;
	run_options.rootfs = run_path("nope:O");
	run_bad(ENOENT, text("--rootfs: no such directory: ", run_path("nope"), ""));
	run_options.rootfs = NULL;
	run_options.bundle = run_path("root");
	run_bad(ENOENT, text("bundle ", real("root"), ": config.json not found (is this "
			     "a bundle directory?)"));
	run_options.bundle = run_path("nope");
	run_bad(ENOENT, text("--bundle: no such directory: ", run_path("nope"), ""));
}
END_TEST

START_TEST(one_source_is_needed_and_only_one)
{
	run_options.bundle = run_options.operand;
	run_bad(EINVAL, "--bundle, --rootfs and a BUNDLE or ROOTFS operand exclude each other");
	run_options.bundle = run_options.operand = NULL;
	run_bad(EINVAL, "nothing to run (name a bundle or a root file system directory)");
}
END_TEST

START_TEST(a_directory_that_may_not_be_entered_is_refused)
{
	bool root = geteuid() == 0;

	ck_assert_int_eq(mkdirat(fixture_dir(), "closed", 0), 0);
	/* Root may enter everything: be somebody else meanwhile. */
	ck_assert_int_eq(fchmod(fixture_dir(), 0755), 0);
	ck_assert(!root || seteuid(65534) == 0);
	run_options.operand = run_path("closed");
	run_bad(EACCES, text("cannot open directory ", run_path("closed"), ": Permission denied"));
	ck_assert(!root || seteuid(0) == 0);
}
END_TEST

START_TEST(a_configuration_must_be_a_regular_file)
{
	run_bundle("", "");
	ck_assert_int_eq(unlinkat(fixture_dir(), "bundle/config.json", 0), 0);
	alarm(1);
	ck_assert_int_eq(mkfifoat(fixture_dir(), "bundle/config.json", 0644), 0);
	run_bad(EINVAL, "config.json: not a regular file");
	ck_assert_int_eq(unlinkat(fixture_dir(), "bundle/config.json", 0), 0);
	ck_assert_int_eq(symlinkat("/dev/zero", fixture_dir(), "bundle/config.json"), 0);
	run_bad(EINVAL, "config.json: not a regular file");
	ck_assert_int_eq(unlinkat(fixture_dir(), "bundle/config.json", 0), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "bundle/config.json", 0755), 0);
	run_bad(EISDIR, "config.json: is a directory, not a file");
	ck_assert_int_eq(unlinkat(fixture_dir(), "bundle/config.json", AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("nowhere", fixture_dir(), "bundle/config.json"), 0);
	run_bad(ENOENT, text("bundle ", real("bundle"), ": config.json not found (is this "
			     "a bundle directory?)"));
	alarm(0);
}
END_TEST

/* Configurations whose root or process is not one, and the place that is named. */
static const struct {
	const char *config;
	int code;
	const char *error;
} bad_bundles[] = {
	{ "{\"ociVersion\": \"1.0.0\",\n\"root\": {\"path\": \"nope\"},\n"
	  "\"process\": {\"args\": [\"a\"], \"cwd\": \"/\"}}", ENOENT,
	  "config.json:2:18: root.path: no such directory: " },
	{ "{\"ociVersion\": \"1.0.0\",\n\"root\": {\"path\": \"config.json\"},\n"
	  "\"process\": {\"args\": [\"a\"], \"cwd\": \"/\"}}", ENOTDIR,
	  "config.json:2:18: root.path: not a directory: " },
	{ "{\"ociVersion\": \"1.0.0\",\n\"root\": {\"path\": \"../root\"}}", EINVAL,
	  "config.json:1:1: process: missing" },
	{ "", 0, "config.json: " },
	{ "{\"ociVersion\": \"1.0.0\",\n\"root\": {\"path\": \"../root\"},\n"
	  "\"process\": {\"args\": [], \"cwd\": \"/\"}}", 0, "config.json:3:" },
};

START_TEST(a_configuration_is_blamed_with_its_place)
{
	char line[2048];
	int ret;

	run_bundle("", "");
	fixture_file("bundle/config.json", bad_bundles[_i].config);
	ret = ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta, &run_err);
	ck_assert_int_lt(ret, 0);
	if (bad_bundles[_i].code)
		ck_assert_int_eq(ret, -bad_bundles[_i].code);
	ct_err_format(&run_err, line, sizeof(line));
	ck_assert_msg(!strncmp(line, bad_bundles[_i].error, strlen(bad_bundles[_i].error)), "%s",
		      line);
}
END_TEST

START_TEST(nothing_is_created_and_nothing_stays_open)
{
	unsigned before = fixture_count_fds();

	run_options.cidfile = run_path("cid");
	run_options.pidfile = run_path("pid");
	run_ok(&run_alice);
	ck_assert_uint_eq(fixture_count_fds(), before);
	ck_assert_int_eq(access(run_path("cid"), F_OK), -1);
	ck_assert_int_eq(access(run_path("pid"), F_OK), -1);
	ck_assert_str_eq(run_meta.cidfile, run_path("cid"));
	ck_assert_str_eq(run_meta.pidfile, run_path("pid"));
	fixture_file("cid", "");
	run_bad(EEXIST, text("--cidfile: ", run_path("cid"), " exists already (remove it, or "
			     "choose another file)"));
}
END_TEST

Suite *suite_run_source(void);
Suite *suite_run_source(void)
{
	Suite *s = suite_create("run_source");
	TCase *tc = tcase_create("run_source");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, a_directory_is_a_root_file_system);
	tcase_add_test(tc, a_directory_with_a_configuration_is_a_bundle);
	tcase_add_test(tc, the_option_makes_a_root_file_system_of_a_bundle);
	tcase_add_test(tc, relative_names_and_links_become_absolute_paths);
	tcase_add_test(tc, a_suffix_asks_for_an_overlay);
	tcase_add_test(tc, read_only_is_about_the_root);
	tcase_add_test(tc, the_root_of_the_host_is_refused_by_any_name);
	tcase_add_test(tc, what_is_not_there_or_no_directory_is_named);
	tcase_add_test(tc, one_source_is_needed_and_only_one);
	tcase_add_test(tc, a_directory_that_may_not_be_entered_is_refused);
	tcase_add_test(tc, a_configuration_must_be_a_regular_file);
	tcase_add_loop_test(tc, a_configuration_is_blamed_with_its_place, 0,
			    (int)(sizeof(bad_bundles) / sizeof(bad_bundles[0])));
	tcase_add_test(tc, nothing_is_created_and_nothing_stays_open);
	suite_add_tcase(s, tc);
	return s;
}
