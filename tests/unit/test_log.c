/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging: what is on, what a line looks like, that it leaves in one write. stderr is a socket
 * that keeps the borders of writes, so each record read back is one write(2). Check forks for each
 * test: settings made in one are not seen in the next.
 */
#include <cattach/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

static int lines = -1, saved_stderr = -1;
static char line[8192];
static struct ct_err err;

static void setup(void)
{
	int ends[2];

	fixture_setup();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(ends[0], STDERR_FILENO), STDERR_FILENO);
	close(ends[0]);
	lines = ends[1];
}

static void teardown(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(lines);
	fixture_teardown();
}

/* The next write to stderr, or "" when there was none. */
static const char *next(void)
{
	ssize_t n = recv(lines, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

/* One message per level and topic: which of them come out? */
static unsigned count_on(enum ct_log_topic topic)
{
	unsigned on = 0;

	for (enum ct_log_level level = CT_LOG_ERROR; level <= CT_LOG_DEBUG; level++) {
		bool expected = ct_log_on(level, topic);

		ct_log(level, topic, "level %d", (int)level);
		ck_assert_int_eq(next()[0] != '\0', expected);
		on += expected;
	}
	return on;
}

START_TEST(nothing_is_said_by_default)
{
	for (unsigned bit = 0; bit < 9; bit++)
		ck_assert_uint_eq(count_on((enum ct_log_topic)(1u << bit)), 0);
	ck_assert(!ct_log_on(CT_LOG_NONE, CT_TOPIC_CLI));
}
END_TEST

START_TEST(a_level_alone_is_for_all_topics)
{
	ck_assert_int_eq(ct_log_setup("warn", NULL, &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_MOUNT), 2);
	ck_assert_uint_eq(count_on(CT_TOPIC_STATE), 2);
	ck_assert_int_eq(ct_log_setup("debug", "", &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 4);
	ck_assert_int_eq(ct_log_setup("none", NULL, &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 0);
}
END_TEST

START_TEST(topics_alone_are_for_all_levels)
{
	ck_assert_int_eq(ct_log_setup(NULL, "mount,attach", &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_MOUNT), 4);
	ck_assert_uint_eq(count_on(CT_TOPIC_ATTACH), 4);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 0);
	ck_assert_int_eq(ct_log_setup(NULL, "all", &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 4);
}
END_TEST

START_TEST(level_and_topics_together_narrow_each_other)
{
	ck_assert_int_eq(ct_log_setup("info", "state,", &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_STATE), 3);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 0);
	ck_assert_int_eq(ct_log_setup("none", NULL, &err), 0);
	ck_assert_uint_eq(count_on(CT_TOPIC_STATE), 0);
}
END_TEST

START_TEST(every_topic_has_its_name)
{
	static const char *const names[] = { "cli", "spec", "ns", "mount", "seccomp", "cgroup",
					     "monitor", "attach", "state" };

	for (unsigned bit = 0; bit < 9; bit++) {
		char expected[64];

		ck_assert_int_eq(ct_log_setup(NULL, names[bit], &err), 0);
		ct_log(CT_LOG_DEBUG, (enum ct_log_topic)(1u << bit), "text");
		snprintf(expected, sizeof(expected), "cattach: %s: text\n", names[bit]);
		ck_assert_str_eq(next(), expected);
	}
}
END_TEST

START_TEST(unknown_names_are_refused_with_the_known_ones_and_change_nothing)
{
	ck_assert_int_eq(ct_log_setup("error", "cli", &err), 0);
	ck_assert_int_eq(ct_log_setup("loud", "mount", &err), -EINVAL);
	ck_err(&err, EINVAL, "--log-level: unknown log level \"loud\" (levels are none, error, "
	       "warn, info and debug)");
	ck_assert_int_eq(ct_log_setup("debug", "mount,mounts,cli", &err), -EINVAL);
	ck_err(&err, EINVAL, "CATTACH_DEBUG: unknown log topic \"mounts\" (topics are cli, spec, "
	       "ns, mount, seccomp, cgroup, monitor, attach, state and all)");
	ck_assert_int_eq(ct_log_setup(NULL, "moun", &err), -EINVAL);
	ck_assert_int_eq(ct_log_setup(NULL, "a\033]0;x", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.what, "\"a\\x1b]0;x\""));
	ck_assert_int_eq(ct_log_setup("", NULL, &err), -EINVAL);
	ck_assert_uint_eq(count_on(CT_TOPIC_CLI), 1);
	ck_assert_uint_eq(count_on(CT_TOPIC_MOUNT), 0);
}
END_TEST

START_TEST(a_line_is_escaped_bounded_and_one_write)
{
	char text[5000];

	ck_assert_int_eq(ct_log_setup("debug", NULL, &err), 0);
	errno = EXDEV;
	ct_log(CT_LOG_INFO, CT_TOPIC_NS, "name=%s\nfd=%d", "\033[2J\xff", 7);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_str_eq(next(), "cattach: ns: name=\\x1b[2J\\xff\\nfd=7\n");
	memset(text, '\a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ct_log(CT_LOG_INFO, CT_TOPIC_NS, "%s", text);
	ck_assert_uint_lt(strlen(next()), 2100);
	ck_assert_str_eq(line + strlen(line) - 8, "\\x07...\n");
	ck_assert_str_eq(next(), "");
	ct_log(CT_LOG_INFO, CT_TOPIC_NS, "%s", "");
	ck_assert_str_eq(next(), "cattach: ns: \n");
}
END_TEST

START_TEST(a_warning_is_always_shown)
{
	ck_assert_int_eq(ct_log_setup("none", NULL, &err), 0);
	ct_warn("no subordinate ids for %s", "a\rb");
	ck_assert_str_eq(next(), "cattach: warning: no subordinate ids for a\\x0db\n");
	ck_assert_str_eq(next(), "");
}
END_TEST

START_TEST(a_closed_stderr_does_no_harm)
{
	close(STDERR_FILENO);
	errno = EXDEV;
	ct_warn("nobody reads this");
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

static void keep(void *arg, const char *text)
{
	*(char **)arg = strdup(text);
}

START_TEST(warnings_can_go_elsewhere_as_they_are)
{
	char *kept = NULL;

	ct_log_take_warnings(keep, &kept);
	errno = EXDEV;
	ct_warn("no subordinate ids for %s", "a\rb");
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_str_eq(kept, "no subordinate ids for a\rb");
	free(kept);
	ck_assert_str_eq(next(), "");
	ct_log_take_warnings(NULL, NULL);
	ct_warn("again");
	ck_assert_str_eq(next(), "cattach: warning: again\n");
}
END_TEST

Suite *suite_log(void);
Suite *suite_log(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_said_by_default);
	tcase_add_test(tc, a_level_alone_is_for_all_topics);
	tcase_add_test(tc, topics_alone_are_for_all_levels);
	tcase_add_test(tc, level_and_topics_together_narrow_each_other);
	tcase_add_test(tc, every_topic_has_its_name);
	tcase_add_test(tc, unknown_names_are_refused_with_the_known_ones_and_change_nothing);
	tcase_add_test(tc, a_line_is_escaped_bounded_and_one_write);
	tcase_add_test(tc, a_warning_is_always_shown);
	tcase_add_test(tc, a_closed_stderr_does_no_harm);
	tcase_add_test(tc, warnings_can_go_elsewhere_as_they_are);
	suite_add_tcase(s, tc);
	return s;
}
