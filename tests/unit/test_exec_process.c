/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exec runs: the container's process, changed by options, with names from the container's own
 * files; and the words for each state that it does not run in. Any user.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/exec.h>
#include <cattach/fd.h>

#include "container_fixture.h"

static struct world w;
static struct ct_exec exec;
static struct ct_exec_options options;
static struct ct_err err;

static void setup(void)
{
	fixture_setup();
	world_open(&w);
	container_create("web", w.id);
	container_find(&w.store, &w.arena, "web", &w.c);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root/etc", 0755), 0);
	fixture_file("root/etc/passwd", "root:x:0:0::/root:/bin/sh\ndev:x:1000:100::/home/dev:/bin/sh\n"
		     "7:x:0:0::/trap:/bin/sh\n");
	fixture_file("root/etc/group", "audio:x:29:dev\nusers:x:100:\n");
	exec = (struct ct_exec)CT_EXEC_INIT;
	options = (struct ct_exec_options){ 0 };
	err = (struct ct_err){ 0 };
	exec.container = &w.c;
	ck_assert_int_eq(ct_container_spec(&w.c, &w.arena, &exec.spec, &err), 0);
	exec.places.fd[CT_PLACE_ROOT] = openat(fixture_dir(), "root", O_PATH | O_CLOEXEC);
}

static void teardown(void)
{
	ct_exec_close(&exec);
	world_close(&w);
	fixture_teardown();
}

static int process(void)
{
	return ct_exec_process(&exec, &w.arena, &options, &err);
}

static void add(struct ct_strings *list, const char *text)
{
	ck_assert_int_eq(ct_strings_add(&w.arena, list, text), 0);
}

/* A variable's value, or NULL. */
static const char *value(const char *name)
{
	const struct ct_strings *env = &exec.spec->process->env;
	size_t length = strlen(name);
	const char *found = NULL;

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, length) != 0 || env->items[i][length] != '=')
			continue;
		ck_assert_msg(!found, "%s is there twice", name);
		found = env->items[i] + length + 1;
	}
	return found;
}

static void config_env(const char *one, const char *two)
{
	exec.spec->process->env = (struct ct_strings){ 0 };
	add(&exec.spec->process->env, one);
	if (two)
		add(&exec.spec->process->env, two);
}

/* ---- environment ---- */

START_TEST(each_source_of_the_environment_overrides_those_before_it)
{
	fixture_file("env", "B=file\nC=file\n");
	setenv("OURS", "ours", 1);
	unsetenv("THEIRS");
	config_env("A=config", "B=config");
	add(&options.env_file, ct_arena_printf(&w.arena, "%s/env", fixture_path()));
	add(&options.env, "C=option");
	add(&options.env, "OURS");
	add(&options.env, "THEIRS");
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(value("A"), "config");
	ck_assert_str_eq(value("B"), "file");
	ck_assert_str_eq(value("C"), "option");
	ck_assert_str_eq(value("OURS"), "ours");
	ck_assert_ptr_null(value("THEIRS"));
	ck_assert_ptr_null(value("TERM"));
}
END_TEST

START_TEST(home_is_the_users_and_term_is_there_with_a_terminal)
{
	config_env("HOME=/config", NULL);
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(value("HOME"), "/config");
	options.user = "dev";
	options.tty = true;
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(value("HOME"), "/home/dev");
	ck_assert_str_eq(value("TERM"), "xterm");
	ck_assert(exec.spec->process->terminal);
	config_env("TERM=linux", NULL);
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(value("TERM"), "linux");
	add(&options.env, "HOME=/option");
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(value("HOME"), "/option");
}
END_TEST

START_TEST(what_names_no_variable_is_refused_with_its_option)
{
	add(&options.env, "=x");
	ck_assert_int_eq(process(), -EINVAL);
	ck_err(&err, EINVAL, "--env: has no name before the \"=\"");
}
END_TEST

/* ---- who ---- */

START_TEST(without_an_option_the_user_and_the_groups_stay)
{
	struct ct_spec_process *p = exec.spec->process;

	p->uid = 5;
	p->gid = 6;
	p->keep_groups = true;
	ck_assert_int_eq(process(), 0);
	ck_assert(p->uid == 5 && p->gid == 6 && p->keep_groups);
}
END_TEST

START_TEST(names_come_from_the_containers_files_and_numbers_are_numbers)
{
	struct ct_spec_process *p = exec.spec->process;

	p->keep_groups = true;
	options.user = "dev";
	ck_assert_int_eq(process(), 0);
	ck_assert(p->uid == 1000 && p->gid == 100 && !p->keep_groups);
	options.user = "7";
	ck_assert_int_eq(process(), 0);
	ck_assert(p->uid == 7 && p->gid == 0);
	ck_assert_str_eq(value("HOME"), "/");
	options.user = "dev:audio";
	ck_assert_int_eq(process(), 0);
	ck_assert(p->uid == 1000 && p->gid == 29);
	options.user = "nobody";
	ck_assert_int_eq(process(), -ENOENT);
	ck_err(&err, ENOENT, "--user: unable to find user nobody: no matching entries in "
	       "passwd file");
}
END_TEST

START_TEST(ids_that_are_none_are_refused)
{
	static const char *const texts[] = { "4294967295", "4294967296", "18446744073709551616",
					     "-1", "+1", " 1", "1:4294967296", "1:", ":1", "" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		options.user = texts[i];
		err = (struct ct_err){ 0 };
		ck_assert_msg(process() < 0, "\"%s\" is somebody", texts[i]);
		ck_assert_int_eq(strncmp(err.where, "--user", 6), 0);
	}
}
END_TEST

/* ---- the rest ---- */

START_TEST(a_directory_is_absolute)
{
	options.workdir = "/srv";
	ck_assert_int_eq(process(), 0);
	ck_assert_str_eq(exec.spec->process->cwd, "/srv");
	options.workdir = "srv";
	ck_assert_int_eq(process(), -EINVAL);
	ck_err(&err, EINVAL, "--workdir: must be an absolute path, not \"srv\"");
}
END_TEST

START_TEST(what_concerns_the_payload_alone_is_forgotten)
{
	struct ct_spec_process *p = exec.spec->process;

	p->has_scheduler = true;
	p->io_class = "IOPRIO_CLASS_IDLE";
	p->console_height = 5;
	p->no_new_privileges = true;
	add(&options.command, "id");
	ck_assert_int_eq(process(), 0);
	ck_assert(!p->has_scheduler && !p->io_class && !p->console_height);
	ck_assert(p->no_new_privileges);
	ck_assert_uint_eq(p->args.count, 1);
	ck_assert_str_eq(p->args.items[0], "id");
}
END_TEST

START_TEST(capabilities_are_the_containers_unless_some_are_added_or_taken)
{
	struct ct_spec_capabilities *caps = &exec.spec->process->capabilities;
	size_t before = caps->bounding.count;

	ck_assert_int_eq(process(), 0);
	ck_assert_uint_eq(caps->bounding.count, before);
	add(&options.cap_drop, "ALL");
	add(&options.cap_add, "net_raw");
	ck_assert_int_eq(process(), 0);
	ck_assert_uint_eq(caps->bounding.count, 1);
	ck_assert_str_eq(caps->effective.items[0], "CAP_NET_RAW");
	ck_assert_uint_eq(caps->inheritable.count + caps->ambient.count, 0);
	add(&options.cap_add, "everything");
	ck_assert_int_lt(process(), 0);
	ck_assert_str_eq(err.where, "--cap-add");
}
END_TEST

/* ---- states ---- */

static const struct {
	enum ct_state state;
	int code;
	const char *text;
} states[] = {
	{ CT_STATE_CREATED, ESRCH, "container web is not running: it was created and never "
	  "started (cattach start web)" },
	{ CT_STATE_PAUSED, EBUSY, "container web is paused, unpause it before exec "
	  "(cattach unpause web)" },
	{ CT_STATE_CREATING, EAGAIN, "container web is being created (try again in a "
	  "moment)" },
	{ CT_STATE_FOREIGN, EXDEV, "container web runs on another machine, if it does "
	  "(exec into it on there)" },
};

START_TEST(every_state_but_running_is_refused_with_the_way_out)
{
	struct ct_exec opened = CT_EXEC_INIT;

	w.c.state = states[_i].state;
	w.c.meta.host = "there";
	ck_assert_int_eq(ct_exec_open(&w.store, &w.arena, &w.c, &opened, &err), -states[_i].code);
	ck_err(&err, states[_i].code, states[_i].text);
	ck_assert_int_eq(opened.payload, -1);
}
END_TEST

START_TEST(one_that_has_ended_is_refused_with_how)
{
	struct ct_exec opened = CT_EXEC_INIT;
	char line[1024];

	w.c.state = CT_STATE_STOPPED;
	w.c.status = container_exited(5);
	ck_assert_int_eq(ct_exec_open(&w.store, &w.arena, &w.c, &opened, &err), -ESRCH);
	ct_err_format(&err, line, sizeof(line));
	ck_assert_msg(strstr(line, "container web is not running: exited (5) ") != NULL, "%s", line);
	ck_assert_msg(strstr(line, "(cattach start web)") != NULL, "%s", line);
}
END_TEST

/* The record says that it runs, but that process is not there any more. */
START_TEST(one_that_ends_while_we_look_is_refused_as_ended)
{
	struct ct_exec opened = CT_EXEC_INIT;

	w.c.state = CT_STATE_RUNNING;
	w.c.status.pid = getpid();
	w.c.status.starttime = 1;
	ck_assert_int_eq(ct_exec_open(&w.store, &w.arena, &w.c, &opened, &err), -ESRCH);
	ck_err(&err, ESRCH, "container web has just ended");
	ck_assert_int_eq(opened.payload, -1);
}
END_TEST

Suite *suite_exec_process(void)
{
	Suite *s = suite_create("exec_process");
	TCase *tc = tcase_create("exec_process");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_source_of_the_environment_overrides_those_before_it);
	tcase_add_test(tc, home_is_the_users_and_term_is_there_with_a_terminal);
	tcase_add_test(tc, what_names_no_variable_is_refused_with_its_option);
	tcase_add_test(tc, without_an_option_the_user_and_the_groups_stay);
	tcase_add_test(tc, names_come_from_the_containers_files_and_numbers_are_numbers);
	tcase_add_test(tc, ids_that_are_none_are_refused);
	tcase_add_test(tc, a_directory_is_absolute);
	tcase_add_test(tc, what_concerns_the_payload_alone_is_forgotten);
	tcase_add_test(tc, capabilities_are_the_containers_unless_some_are_added_or_taken);
	tcase_add_loop_test(tc, every_state_but_running_is_refused_with_the_way_out, 0,
			    sizeof(states) / sizeof(states[0]));
	tcase_add_test(tc, one_that_has_ended_is_refused_with_how);
	tcase_add_test(tc, one_that_ends_while_we_look_is_refused_as_ended);
	suite_add_tcase(s, tc);
	return s;
}
