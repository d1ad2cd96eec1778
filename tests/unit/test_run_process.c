/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is executed: command and entrypoint, the environment and that nothing else gets into it,
 * directories, limits, stop signals, labels. Runs unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char *args(void)
{
	return run_join(&run_spec->process->args);
}

START_TEST(a_rootfs_without_a_command_runs_its_best_shell)
{
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/sh");
	ck_assert_str_eq(run_spec->process->cwd, "/");
	ck_assert(!run_spec->process->no_new_privileges);
	/* A bash that cannot be executed is none. */
	fixture_file("root/bin/bash", "");
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/sh");
	ck_assert_int_eq(fchmodat(fixture_dir(), "root/bin/bash", 0755, 0), 0);
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/bash");
	ck_assert_str_eq(run_join(&run_meta.command), "/bin/bash");
	/* One that leads out of the root is looked for inside it. */
	ck_assert_int_eq(unlinkat(fixture_dir(), "root/bin/bash", 0), 0);
	ck_assert_int_eq(symlinkat("/usr/bin/env", fixture_dir(), "root/bin/bash"), 0);
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/sh");
}
END_TEST

START_TEST(entrypoint_and_command_make_the_arguments)
{
	run_add(&run_options.command, "echo");
	run_add(&run_options.command, "a b");
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "echo a b");
	ck_assert_uint_eq(run_spec->process->args.count, 2);
	ck_assert_ptr_null(run_spec->process->args.items[2]);
	run_options.entrypoint = "/bin/wrap";
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/wrap echo a b");
	ck_assert_str_eq(run_join(&run_meta.entrypoint), "/bin/wrap");
	ck_assert_str_eq(run_join(&run_meta.command), "echo a b");
	run_options.command = (struct ct_strings){ 0 };
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/wrap");
	run_options.entrypoint = "";
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/bin/sh");
}
END_TEST

START_TEST(a_command_replaces_that_of_a_bundle)
{
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/hello world");
	ck_assert_str_eq(run_join(&run_meta.command), "/hello world");
	run_options.entrypoint = "";
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/hello world");
	run_options.entrypoint = "/wrap";
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "/wrap");
	run_options.entrypoint = NULL;
	run_add(&run_options.command, "ls");
	run_ok(&run_alice);
	ck_assert_str_eq(args(), "ls");
	run_options.command.items[0] = "";
	run_bad(EINVAL, "the name of the command is empty");
}
END_TEST

START_TEST(a_rootfs_has_the_environment_that_docker_gives)
{
	setenv("SECRET", "s3cret", 1);
	setenv("LANG", "de_DE", 1);
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_spec->process->env),
			 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
			 "HOME=/root");
	ck_assert(!run_spec->process->terminal);
	run_options.tty = true;
	run_options.user = "dev";
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_spec->process->env),
			 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
			 "TERM=xterm HOME=/home/dev");
	ck_assert(run_spec->process->terminal);
	ck_assert(run_meta.tty);
}
END_TEST

START_TEST(only_variables_that_were_named_come_from_the_host)
{
	static const char *const host[] = { "SECRET", "SECRET2", "NAMED", "FILED" };

	for (int i = 0; i < COUNT(host); i++)
		setenv(host[i], "from the host", 1);
	unsetenv("UNSET");
	fixture_file("env", "# FILED2\nFILED\nUNSET\n");
	run_add(&run_options.env, "NAMED");
	run_add(&run_options.env, "UNSET");
	run_add(&run_options.env, "NAME");
	run_add(&run_options.env_file, run_path("env"));
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->env.count, 4);
	ck_assert_str_eq(run_env("NAMED"), "from the host");
	ck_assert_str_eq(run_env("FILED"), "from the host");
	ck_assert_ptr_null(run_env("SECRET"));
	ck_assert_ptr_null(run_env("UNSET"));
	ck_assert_ptr_null(run_env("NAME"));
	ck_assert_ptr_null(run_spec->process->env.items[4]);
}
END_TEST

START_TEST(the_last_value_wins_and_no_name_is_there_twice)
{
	fixture_file("env", "A=file\nB=file\nPATH=/file\n");
	run_bundle(", \"env\": [ \"A=config\", \"C=1\", \"C=2\", \"A=config2\", \"HOME=/h\", "
		   "\"TERM=dumb\" ]", "");
	run_add(&run_options.env_file, run_path("env"));
	run_add(&run_options.env, "B=option");
	run_add(&run_options.env, "D=1");
	run_add(&run_options.env, "D=");
	run_add(&run_options.env, "E=a=b");
	run_options.tty = true;
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_spec->process->env),
			 "C=2 A=file HOME=/h TERM=dumb B=option PATH=/file D= E=a=b");
}
END_TEST

START_TEST(a_home_that_is_unset_or_empty_comes_from_the_passwd_file)
{
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_spec->process->env), "HOME=/root");
	run_add(&run_options.env, "HOME=");
	run_ok(&run_alice);
	ck_assert_str_eq(run_env("HOME"), "/root");
	run_options.user = "77";
	run_ok(&run_alice);
	ck_assert_str_eq(run_env("HOME"), "/");
}
END_TEST

START_TEST(texts_that_name_no_variable_are_refused)
{
	run_add(&run_options.env, "");
	run_bad(EINVAL, "--env: is empty; must be NAME=VALUE or NAME");
	run_options.env.items[0] = "=x";
	run_bad(EINVAL, "--env: has no name before the \"=\"");
	run_options.env.items[0] = "=";
	run_bad(EINVAL, "--env: has no name before the \"=\"");
}
END_TEST

START_TEST(a_configuration_with_a_text_that_names_no_variable_is_refused)
{
	run_bundle(", \"env\": [ \"A=1\", \"FOO\" ]", "");
	ck_assert_int_lt(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), 0);
	ck_assert_ptr_nonnull(strstr(run_err.where, "process.env[1]"));
	run_bundle(", \"env\": [ \"=x\" ]", "");
	ck_assert_int_lt(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), 0);
	ck_assert_ptr_nonnull(strstr(run_err.where, "process.env[0]"));
}
END_TEST

START_TEST(env_files_are_dockers)
{
	fixture_file("env", "\xef\xbb\xbf" "FIRST=1\r\n\n#C=comment\n  # D=indented comment\n"
		     "  INDENTED=yes\nSPACES= a b \nQUOTES=\"x\"\nHASH=a#b\nEMPTY=\n\t\nLAST=end");
	run_add(&run_options.env_file, run_path("env"));
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->env.count, 9);
	ck_assert_str_eq(run_env("FIRST"), "1");
	ck_assert_str_eq(run_env("INDENTED"), "yes");
	ck_assert_str_eq(run_env("SPACES"), " a b ");
	ck_assert_str_eq(run_env("QUOTES"), "\"x\"");
	ck_assert_str_eq(run_env("HASH"), "a#b");
	ck_assert_str_eq(run_env("EMPTY"), "");
	ck_assert_str_eq(run_env("LAST"), "end");
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
	const char *error;
} bad_env_files[] = {
	{ "A=1\n=x\n", 2, "has no name before the \"=\"" },
	{ "A B=1\n", 1, "the name of a variable has blanks" },
	{ "\n\nexport A=1\n", 3, "the name of a variable has blanks" },
	{ "A\n\nB \n", 3, "the name of a variable has blanks" },
};

START_TEST(lines_of_env_files_are_blamed_by_number)
{
	fixture_file("env", bad_env_files[_i].text);
	run_add(&run_options.env_file, run_path("env"));
	run_bad(EINVAL, ct_arena_printf(&run_arena, "--env-file: %s:%u: %s", run_path("env"),
					bad_env_files[_i].line, bad_env_files[_i].error));
}
END_TEST

START_TEST(env_files_are_regular_and_bounded)
{
	int fd;

	run_add(&run_options.env_file, run_path("env"));
	run_bad(ENOENT, ct_arena_printf(&run_arena,
					"--env-file: cannot open %s: No such file or directory",
					run_path("env")));
	alarm(1);
	ck_assert_int_eq(mkfifoat(fixture_dir(), "env", 0600), 0);
	run_bad(EINVAL, ct_arena_printf(&run_arena, "--env-file: %s: not a regular file",
					run_path("env")));
	run_options.env_file.items[0] = "/dev/zero";
	run_bad(EINVAL, "--env-file: /dev/zero: not a regular file");
	fixture_file("big", "A=1\n");
	ck_assert_int_eq(truncate(run_path("big"), (1 << 20) + 1), 0);
	run_options.env_file.items[0] = run_path("big");
	ck_assert_int_eq(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), -EFBIG);
	fd = openat(fixture_dir(), "nul", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "A=1\nB=a\0b\n", 10), 10);
	close(fd);
	run_options.env_file.items[0] = run_path("nul");
	run_bad(EINVAL, ct_arena_printf(&run_arena, "--env-file: %s:2: contains a NUL",
					run_path("nul")));
	alarm(0);
}
END_TEST

START_TEST(a_hundred_thousand_variables_take_no_time)
{
	char *text = malloc(1 << 20), *at = text;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 100000; i++)
		at += sprintf(at, "a%u=1\n", i);
	ck_assert_uint_lt(at - text, 1 << 20);
	fixture_file("env", text);
	free(text);
	run_add(&run_options.env_file, run_path("env"));
	alarm(1);
	run_ok(&run_alice);
	alarm(0);
	ck_assert_uint_eq(run_spec->process->env.count, 100002);
	ck_assert_ptr_null(run_spec->process->env.items[100002]);
}
END_TEST

START_TEST(the_working_directory_is_absolute)
{
	run_options.workdir = "/srv";
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->process->cwd, "/srv");
	run_options.workdir = "srv";
	run_bad(EINVAL, "--workdir: must be an absolute path, not \"srv\"");
	run_options.workdir = "";
	run_bad(EINVAL, "--workdir: must be an absolute path, not \"\"");
	run_options.workdir = NULL;
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->process->cwd, "/tmp");
}
END_TEST

START_TEST(umask_and_oom_score_have_their_ranges)
{
	run_options.umask = "0027";
	run_options.oom_score_adj = "-1000";
	run_ok(&run_alice);
	ck_assert(run_spec->process->has_umask);
	ck_assert_uint_eq(run_spec->process->umask, 027);
	ck_assert(run_spec->process->has_oom_score_adj);
	ck_assert_int_eq(run_spec->process->oom_score_adj, -1000);
	run_options.umask = "1777";
	run_bad(ERANGE, "--umask: must be 0...777, not \"1777\"");
	run_options.umask = "8";
	run_bad(EINVAL, "--umask: must be an octal mode 0...7777, not \"8\"");
	run_options.umask = NULL;
	run_options.oom_score_adj = "1001";
	run_bad(ERANGE, "--oom-score-adj: must be -1000...1000, not \"1001\"");
}
END_TEST

static const struct ct_spec_rlimit *limit(const char *type)
{
	const struct ct_spec_rlimit *found = NULL;

	for (size_t i = 0; i < run_spec->process->rlimit_count; i++) {
		if (strcmp(run_spec->process->rlimits[i].type, type) != 0)
			continue;
		ck_assert_ptr_null(found);
		found = &run_spec->process->rlimits[i];
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(limits_have_a_soft_and_a_hard_value)
{
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->rlimit_count, 0);
	run_add(&run_options.ulimit, "nofile=10");
	run_add(&run_options.ulimit, "core=0:20");
	run_add(&run_options.ulimit, "nofile=20:30");
	run_add(&run_options.ulimit, "cpu=-1");
	run_ok(NULL);
	ck_assert_uint_eq(run_spec->process->rlimit_count, 3);
	ck_assert_uint_eq(limit("RLIMIT_NOFILE")->soft, 20);
	ck_assert_uint_eq(limit("RLIMIT_NOFILE")->hard, 30);
	ck_assert_uint_eq(limit("RLIMIT_CORE")->soft, 0);
	ck_assert_uint_eq(limit("RLIMIT_CORE")->hard, 20);
	ck_assert(limit("RLIMIT_CPU")->soft == RLIM_INFINITY);
	ck_assert(limit("RLIMIT_CPU")->hard == RLIM_INFINITY);
	run_bundle(", \"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"soft\": 5, \"hard\": 6 }, "
		   "{ \"type\": \"RLIMIT_NPROC\", \"soft\": 7, \"hard\": 8 } ]", "");
	run_ok(NULL);
	ck_assert_uint_eq(run_spec->process->rlimit_count, 4);
	ck_assert_uint_eq(limit("RLIMIT_NOFILE")->soft, 20);
	ck_assert_uint_eq(limit("RLIMIT_NPROC")->hard, 8);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_limits[] = {
	{ "nofile", EINVAL, "--ulimit: must be TYPE=SOFT[:HARD], not \"nofile\"" },
	{ "nofile=1:2:3", EINVAL, "--ulimit: must be TYPE=SOFT[:HARD], not \"nofile=1:2:3\"" },
	{ "bogus=1", EINVAL,
	  "--ulimit: unknown limit in \"bogus=1\" (as "
	  "core cpu data fsize locks memlock msgqueue nice "
	  "nofile nproc rss rtprio rttime sigpending stack)" },
	{ "=1", EINVAL,
	  "--ulimit: unknown limit in \"=1\" (as core cpu data fsize locks memlock msgqueue nice "
	  "nofile nproc rss rtprio rttime sigpending stack)" },
	{ "nofile=", EINVAL, "--ulimit: nofile: must be 0...18446744073709551614, not \"\"" },
	{ "nofile=-2", EINVAL, "--ulimit: nofile: must be 0...18446744073709551614, not \"-2\"" },
	{ "nofile=1:", EINVAL, "--ulimit: nofile: must be 0...18446744073709551614, not \"\"" },
	{ "nofile=30:20", EINVAL, "--ulimit: nofile: the soft limit is above the hard limit" },
	{ "nofile=-1:20", EINVAL, "--ulimit: nofile: the soft limit is above the hard limit" },
};

START_TEST(malformed_limits_are_refused)
{
	run_add(&run_options.ulimit, bad_limits[_i].text);
	run_bad(bad_limits[_i].code, bad_limits[_i].error);
}
END_TEST

START_TEST(a_hard_limit_above_the_callers_is_refused_before_the_start)
{
	struct rlimit ours = { 100, 200 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &ours), 0);
	run_add(&run_options.ulimit, "nofile=200");
	run_ok(&run_alice);
	run_options.ulimit.items[0] = "nofile=100:201";
	run_bad(EPERM,
		"--ulimit: nofile: the hard limit of this user is 200 (only root can raise it, "
		"in limits.conf(5) for instance)");
	run_ok(NULL);
}
END_TEST

START_TEST(containers_are_stopped_by_term_and_ten_seconds)
{
	run_ok(&run_alice);
	ck_assert_int_eq(run_meta.stop_signal, SIGTERM);
	ck_assert_int_eq(run_meta.stop_timeout, 10);
	run_options.stop_signal = "SIGINT";
	run_options.stop_timeout = "-1";
	run_ok(&run_alice);
	ck_assert_int_eq(run_meta.stop_signal, SIGINT);
	ck_assert_int_eq(run_meta.stop_timeout, -1);
	run_options.stop_timeout = "1h";
	run_bad(EINVAL, "--stop-timeout: must be -1...2147483647, not \"1h\"");
	run_options.stop_timeout = NULL;
	run_options.stop_signal = "BOGUS";
	run_bad(EINVAL,
		"--stop-signal: unknown signal \"BOGUS\" (a name such as TERM or RTMIN+3, or a "
		"number 1...64)");
}
END_TEST

START_TEST(preserved_descriptors_are_counted)
{
	run_options.preserve_fds = "2";
	run_ok(&run_alice);
	run_options.preserve_fds = "-1";
	run_bad(EINVAL, "--preserve-fds: must be 0...2147483644, not \"-1\"");
}
END_TEST

START_TEST(the_record_has_the_options)
{
	run_options.interactive = run_options.remove = run_options.init = true;
	run_options.name = "web";
	run_options.detach_keys = "ctrl-a";
	run_add(&run_options.label, "a=1");
	run_add(&run_options.label, "b");
	run_add(&run_options.label, "a=2=3");
	run_add(&run_options.annotation, "org.x=y");
	run_ok(&run_alice);
	ck_assert(run_meta.stdin_open && run_meta.stdin_once && run_meta.remove && run_meta.init);
	ck_assert(!run_meta.detach && !run_meta.tty && !run_meta.privileged);
	ck_assert_str_eq(run_meta.name, "web");
	ck_assert_str_eq(run_meta.detach_keys, "ctrl-a");
	ck_assert_uint_eq(run_meta.labels.count, 2);
	ck_assert_str_eq(run_meta.labels.items[0].key, "a");
	ck_assert_str_eq(run_meta.labels.items[0].value, "2=3");
	ck_assert_str_eq(run_meta.labels.items[1].key, "b");
	ck_assert_str_eq(run_meta.labels.items[1].value, "");
	ck_assert_uint_eq(run_spec->annotations.count, 1);
	ck_assert_str_eq(run_spec->annotations.items[0].value, "y");
	run_options.detach = true;
	run_ok(&run_alice);
	ck_assert(run_meta.detach && run_meta.stdin_open && !run_meta.stdin_once);
	run_options.label.items[1] = "=x";
	run_bad(EINVAL, "--label: must be KEY[=VALUE], not \"=x\"");
	run_options.label.items[1] = "ok";
	run_options.annotation.items[0] = "bare";
	run_bad(EINVAL, "--annotation: must be KEY=VALUE, not \"bare\"");
}
END_TEST

START_TEST(names_are_checked_before_anything_else)
{
	run_options.name = "a/b";
	run_options.operand = "/nope";
	run_bad(EINVAL,
		"--name: must be 1...128 of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the first a "
		"letter or digit, not \"a/b\"");
}
END_TEST

Suite *suite_run_process(void);
Suite *suite_run_process(void)
{
	Suite *s = suite_create("run_process");
	TCase *tc = tcase_create("run_process");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, a_rootfs_without_a_command_runs_its_best_shell);
	tcase_add_test(tc, entrypoint_and_command_make_the_arguments);
	tcase_add_test(tc, a_command_replaces_that_of_a_bundle);
	tcase_add_test(tc, a_rootfs_has_the_environment_that_docker_gives);
	tcase_add_test(tc, only_variables_that_were_named_come_from_the_host);
	tcase_add_test(tc, the_last_value_wins_and_no_name_is_there_twice);
	tcase_add_test(tc, a_home_that_is_unset_or_empty_comes_from_the_passwd_file);
	tcase_add_test(tc, texts_that_name_no_variable_are_refused);
	tcase_add_test(tc, a_configuration_with_a_text_that_names_no_variable_is_refused);
	tcase_add_test(tc, env_files_are_dockers);
	tcase_add_loop_test(tc, lines_of_env_files_are_blamed_by_number, 0, COUNT(bad_env_files));
	tcase_add_test(tc, env_files_are_regular_and_bounded);
	tcase_add_test(tc, a_hundred_thousand_variables_take_no_time);
	tcase_add_test(tc, the_working_directory_is_absolute);
	tcase_add_test(tc, umask_and_oom_score_have_their_ranges);
	tcase_add_test(tc, limits_have_a_soft_and_a_hard_value);
	tcase_add_loop_test(tc, malformed_limits_are_refused, 0, COUNT(bad_limits));
	tcase_add_test(tc, a_hard_limit_above_the_callers_is_refused_before_the_start);
	tcase_add_test(tc, containers_are_stopped_by_term_and_ten_seconds);
	tcase_add_test(tc, preserved_descriptors_are_counted);
	tcase_add_test(tc, the_record_has_the_options);
	tcase_add_test(tc, names_are_checked_before_anything_else);
	suite_add_tcase(s, tc);
	return s;
}
