/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of conmon's front that need no session: the runtime's command line, what a container may
 * notify, and the log's options.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "../../src/dropin/dropin.h"
#include "fixture.h"

static struct ct_arena arena;
static struct ct_dropin_options options;
static struct dropin d;

static void setup(void)
{
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	options = (struct ct_dropin_options){ .cid = "id", .runtime = "/rt", .bundle = "/b" };
	d = (struct dropin){ .o = &options, .arena = &arena, .pidfile = "/p" };
}

static void teardown(void)
{
	ct_arena_close(&arena);
}

static void add(struct ct_strings *list, const char *word)
{
	ck_assert_int_eq(ct_strings_add(&arena, list, word), 0);
}

static void expect_argv(const char *words)
{
	struct ct_err err = { 0 };
	char all[512] = "";

	ck_assert_int_eq(ct_runtime_argv(&d, &err), 0);
	for (char *const *word = d.argv; *word; word++) {
		strcat(all, word == d.argv ? "" : " ");
		strcat(all, *word);
	}
	ck_assert_str_eq(all, words);
}

START_TEST(the_runtime_is_called_in_the_order_that_it_knows)
{
	add(&options.runtime_args, "--log-format=json");
	add(&options.runtime_opts, "--preserve-fds");
	add(&options.runtime_opts, "2");
	options.systemd_cgroup = true;
	expect_argv("/rt --log-format=json --systemd-cgroup create --bundle /b --pid-file /p "
		    "--preserve-fds 2 id");
	d.console_path = "/c";
	options.restore = "/i";
	expect_argv("/rt --log-format=json --systemd-cgroup restore --detach --bundle /b --pid-file /p "
		    "--image-path /i --work-path /b --console-socket /c --preserve-fds 2 id");
}
END_TEST

START_TEST(an_exec_has_its_process_and_no_cgroup)
{
	options.exec = options.systemd_cgroup = options.terminal = true;
	options.process_spec = "/spec";
	d.console_path = "/c";
	expect_argv("/rt exec --pid-file /p --process /spec --detach --tty --console-socket /c id");
}
END_TEST

static void expect_notified(const char *said, const char *passed)
{
	char text[256];
	size_t n = strlen(said);

	memcpy(text, said, n);
	n = ct_notify_filter(text, n);
	ck_assert_uint_eq(n, strlen(passed));
	ck_assert_mem_eq(text, passed, n);
}

START_TEST(a_container_notifies_states_and_nothing_about_processes)
{
	expect_notified("READY=1", "READY=1\n");
	expect_notified("MAINPID=1\nREADY=1\nSTATUS=a b\nFDSTORE=1\n", "READY=1\nSTATUS=a b\n");
	expect_notified("READY", "");
	expect_notified("XREADY=1\n\n=\n", "");
	expect_notified("", "");
}
END_TEST

static int settle(const char *first, const char *second, struct ct_err *err)
{
	*err = (struct ct_err){ 0 };
	options.log_paths = (struct ct_strings){ 0 };
	d.config.log = (struct ct_log_options){ 0 };
	d.passthrough = false;
	if (first)
		add(&options.log_paths, first);
	if (second)
		add(&options.log_paths, second);
	return ct_dropin_settle_log(&d, err);
}

START_TEST(a_log_path_names_a_driver_or_a_file)
{
	struct ct_err err;

	ck_assert_int_eq(settle("k8s-file:/x/y", NULL, &err), 0);
	ck_assert_str_eq(d.config.log.path, "/x/y");
	ck_assert(d.config.log.zoned);
	ck_assert_int_eq(settle(":/x/z", NULL, &err), 0);
	ck_assert_str_eq(d.config.log.path, "/x/z");
	ck_assert_int_eq(settle("/x/w", "none", &err), 0);
	ck_assert_str_eq(d.config.log.path, "/x/w");
	ck_assert_int_eq(settle("null", NULL, &err), 0);
	ck_assert_int_eq(d.config.log.file, CT_LOG_FILE_NONE);
	ck_assert_int_eq(settle("passthrough", NULL, &err), 0);
	ck_assert(d.passthrough);
	ck_assert_int_lt(settle("passthrough", "/y", &err), 0);
	ck_assert_str_eq(err.where, "--log-path");
	ck_assert_int_lt(settle("fluentd:/x", NULL, &err), 0);
	ck_assert_int_lt(settle(NULL, NULL, &err), 0);
	options.log_tag = "t";
	ck_assert_int_lt(settle("/x", NULL, &err), 0);
	ck_assert_str_eq(err.where, "--log-tag");
}
END_TEST

START_TEST(several_logs_are_kept_and_one_that_is_named_twice_is_one)
{
	const struct ct_log_options *log = &d.config.log;
	struct ct_err err;

	options.log_tag = "t";
	options.log_size_max = "5000";
	ck_assert_int_eq(settle("/x/y", "journald:", &err), 0);
	ck_assert_int_eq(log->file, CT_LOG_FILE_K8S);
	ck_assert_str_eq(log->path, "/x/y");
	ck_assert_ptr_nonnull(log->also);
	ck_assert_int_eq(log->also->file, CT_LOG_FILE_JOURNALD);
	ck_assert_ptr_null(log->also->path);
	ck_assert_ptr_nonnull(strstr(log->also->fields, "CONTAINER_TAG=t\n"));
	ck_assert_ptr_null(log->also->also);
	add(&options.log_paths, "k8s-file:/x/z");
	add(&options.log_paths, "k8s-file:/x/y");
	add(&options.log_paths, "journald");
	ck_assert_int_eq(ct_dropin_settle_log(&d, &err), 0);
	log = log->also->also;
	ck_assert_str_eq(log->path, "/x/z");
	ck_assert_uint_eq(log->max_size, 5000);
	ck_assert(log->zoned);
	ck_assert_ptr_null(log->also);
}
END_TEST

START_TEST(journald_gets_the_fields_that_readers_look_for)
{
	struct ct_err err;

	options.cid = "0123456789abcdef";
	options.name = "web";
	add(&options.log_labels, "A=b");
	ck_assert_int_eq(settle("journald:", NULL, &err), 0);
	ck_assert_str_eq(d.config.log.fields,
			 "CONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef\n"
			 "CONTAINER_NAME=web\nSYSLOG_IDENTIFIER=web\nA=b\n");
	options.name = "a\nPRIORITY=0";
	ck_assert_int_lt(settle("journald", NULL, &err), 0);
}
END_TEST

START_TEST(a_size_that_is_negative_is_none_and_files_are_counted_with_the_first)
{
	struct ct_err err;

	options.log_size_max = "-1";
	ck_assert_int_eq(settle("/x", NULL, &err), 0);
	ck_assert_uint_eq(d.config.log.max_size, UINT64_MAX);
	ck_assert_uint_eq(d.config.log.max_files, 1);
	options.log_size_max = "10000";
	options.log_rotate = true;
	options.log_max_files = "3";
	ck_assert_int_eq(settle("/x", NULL, &err), 0);
	ck_assert_uint_eq(d.config.log.max_size, 10000);
	ck_assert_uint_eq(d.config.log.max_files, 4);
	options.log_max_files = "1000";
	ck_assert_int_lt(settle("/x", NULL, &err), 0);
	ck_assert_str_eq(err.where, "--log-max-files");
}
END_TEST

static void expect_words(struct words *words, size_t size, const char *text)
{
	static char got[WORDS_TEXT];

	ck_assert_uint_eq(ct_words_text(words, got), size);
	ck_assert_uint_eq(strlen(got), size);
	ck_assert_str_eq(got + size - strlen(text), text);
}

START_TEST(of_a_long_text_both_ends_are_kept)
{
	static struct words words, at_once;
	static char big[5 * WORDS_PART];

	expect_words(&words, 0, "");
	ct_words_add(&words, "begin", 5);
	expect_words(&words, 5, "begin");
	memset(big, 'x', sizeof(big));
	/* Over the border between the two, to the last byte that has room, and one more. */
	ct_words_add(&words, big, WORDS_PART);
	expect_words(&words, WORDS_PART + 5, "xx");
	ct_words_add(&words, big, WORDS_PART - 5 - 3);
	ct_words_add(&words, "abc", 3);
	expect_words(&words, 2 * WORDS_PART, "xabc");
	ct_words_add(&words, "d", 1);
	expect_words(&words, 2 * WORDS_PART + 7, "xabcd");
	ct_words_add(&words, big, sizeof(big));
	ct_words_add(&words, "end", 3);
	expect_words(&words, 2 * WORDS_PART + 7, "xend");
	ck_assert_mem_eq(words.first, "beginx", 6);
	memcpy(big + sizeof(big) - 4, "last", 4);
	ct_words_add(&at_once, big, sizeof(big));
	expect_words(&at_once, 2 * WORDS_PART + 7, "xlast");
}
END_TEST

static int open_events(void)
{
	return openat(fixture_dir(), "memory.events", O_RDONLY | O_CLOEXEC);
}

START_TEST(a_counter_tells_when_somebody_is_killed)
{
	struct pollfd changed = { .events = POLLIN };
	struct oom oom;

	fixture_file("memory.events", "oom 0\noom_kill 1\n");
	ct_oom_begin(&oom, open_events(), true);
	changed.fd = oom.changes;
	ck_assert_int_eq(poll(&changed, 1, 0), 0);
	fixture_file("memory.events", "oom 1\noom_kill 1\n");
	ck_assert_int_eq(poll(&changed, 1, 0), 1);
	ck_assert(!ct_oom_changed(&oom));
	ck_assert_int_eq(poll(&changed, 1, 0), 0);
	fixture_file("memory.events", "oom 1\noom_kill 2\n");
	ck_assert(ct_oom_changed(&oom));
	/* Once; and what has happened stays so. */
	fixture_file("memory.events", "oom_kill 3\n");
	ck_assert(!ct_oom_changed(&oom));
	fixture_file("memory.events", "");
	ck_assert(ct_oom_happened(&oom));
	ct_drop_fd(&oom.fd);
	ct_drop_fd(&oom.changes);
}
END_TEST

START_TEST(a_counter_of_version_1_is_only_read)
{
	struct oom oom;

	fixture_file("memory.events", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	ct_oom_begin(&oom, open_events(), false);
	ck_assert_int_eq(oom.changes, -1);
	ck_assert(!ct_oom_happened(&oom));
	fixture_file("memory.events", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	ck_assert(ct_oom_happened(&oom));
	ct_drop_fd(&oom.fd);
	fixture_file("memory.events", "no such line\n");
	ct_oom_begin(&oom, open_events(), true);
	ck_assert_int_eq(oom.fd, -1);
	ck_assert(!ct_oom_happened(&oom));
}
END_TEST

static bool killed(const char *text, uint64_t before)
{
	struct oom oom = { .before = before };
	bool happened;

	oom.fd = memfd_create("events", MFD_CLOEXEC);
	ck_assert_int_ge(oom.fd, 0);
	ck_assert_int_eq(write(oom.fd, text, strlen(text)), (ssize_t)strlen(text));
	happened = ct_oom_happened(&oom);
	close(oom.fd);
	return happened;
}

START_TEST(the_kernel_counts_who_is_killed_for_lack_of_memory)
{
	struct oom none = { .fd = -1 };

	ck_assert(killed("low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n", 0));
	ck_assert(!killed("low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\n", 1));
	ck_assert(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 2));
	ck_assert(!killed("oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", 0));
	ck_assert(!killed("", 0));
	ck_assert(!ct_oom_happened(&none));
}
END_TEST

Suite *suite_dropin(void);
Suite *suite_dropin(void)
{
	Suite *s = suite_create("dropin");
	TCase *t = tcase_create("dropin");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_runtime_is_called_in_the_order_that_it_knows);
	tcase_add_test(t, an_exec_has_its_process_and_no_cgroup);
	tcase_add_test(t, a_container_notifies_states_and_nothing_about_processes);
	tcase_add_test(t, a_log_path_names_a_driver_or_a_file);
	tcase_add_test(t, several_logs_are_kept_and_one_that_is_named_twice_is_one);
	tcase_add_test(t, journald_gets_the_fields_that_readers_look_for);
	tcase_add_test(t, a_size_that_is_negative_is_none_and_files_are_counted_with_the_first);
	tcase_add_test(t, the_kernel_counts_who_is_killed_for_lack_of_memory);
	tcase_add_test(t, of_a_long_text_both_ends_are_kept);
	suite_add_tcase(s, t);
	t = tcase_create("oom");
	tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
	tcase_add_test(t, a_counter_tells_when_somebody_is_killed);
	tcase_add_test(t, a_counter_of_version_1_is_only_read);
	suite_add_tcase(s, t);
	return s;
}
