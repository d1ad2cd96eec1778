/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of systemd: words as it reads them back, whole units, and command lines made again from a
 * container's record. Any user.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "cli/systemd_unit.h"
#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
}

/* ---- words ---- */

static const struct {
	const char *word, *text;
} words[] = {
	{ "plain-1_2.3/4:5@6+7=8,9", "plain-1_2.3/4:5@6+7=8,9" },
	{ "", "\"\"" },
	{ "a b", "\"a b\"" },
	{ ";", "\";\"" },
	{ "50%", "50%%" },
	{ "$HOME", "$$HOME" },
	{ "${A} $$", "\"$${A} $$$$\"" },
	{ "it's", "\"it's\"" },
	{ "a\"b", "\"a\\\"b\"" },
	{ "a\\b", "\"a\\\\b\"" },
	{ "one\ntwo\t\x01\x7f\r", "\"one\\ntwo\\t\\x01\\x7f\\x0d\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
	{ "#", "\"#\"" },
	{ "*?[]~!|&<>()`", "\"*?[]~!|&<>()`\"" },
};

START_TEST(a_word_is_quoted_for_every_hand_that_it_goes_through)
{
	struct ct_buf ct_autobuf buf = { 0 };

	ct_unit_word(&buf, words[_i].word);
	ck_assert_str_eq(ct_buf_text(&buf), words[_i].text);
}
END_TEST

/* ---- units ---- */

static void add(struct ct_strings *list, const char *word)
{
	ck_assert_int_eq(ct_strings_add(&arena, list, word), 0);
}

START_TEST(a_unit_that_starts_what_is_there)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct systemd_unit unit = {
		.name = "cattach-web.service", .label = "web", .container = "0123", .program = "/usr/bin/ca$ %t",
		.restart = "always", .stop_timeout = 10, .stop_code = 143,
	};
	struct ct_err err = { 0 };

	add(&unit.start, "start");
	add(&unit.start, "$x");
	ck_assert_int_eq(ct_unit_text(&unit, &buf, &err), 0);
	ck_assert_str_eq(ct_buf_text(&buf),
			 "# cattach-web.service, by cattach generate systemd\n\n"
			 "[Unit]\nDescription=Container web\nDocumentation=man:cattach-generate(1)\n\n"
			 "[Service]\nType=notify\nNotifyAccess=all\nDelegate=yes\nKillMode=mixed\n"
			 "Restart=always\nSuccessExitStatus=143\nTimeoutStopSec=70\n"
			 "ExecStart=\"/usr/bin/ca$ %%t\" start $$x\n"
			 "ExecStop=\"/usr/bin/ca$ %%t\" stop --time=10 0123\n\n"
			 "[Install]\nWantedBy=default.target\n");
}
END_TEST

START_TEST(a_unit_that_makes_its_container_removes_it_too)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct systemd_unit unit = {
		.name = "n", .label = "web", .container = "web", .program = "/c", .restart = "no", .fresh = true,
		.stop_timeout = -1, .directory = "/home/a b%c\"",
	};
	struct ct_err err = { 0 };

	add(&unit.start, "run");
	add(&unit.environment, "XDG_DATA_HOME=/a $b%c d");
	ck_assert_int_eq(ct_unit_text(&unit, &buf, &err), 0);
	ck_assert_ptr_nonnull(strstr(ct_buf_text(&buf),
				     "TimeoutStopSec=infinity\n"
				     "Environment=\"XDG_DATA_HOME=/a $b%%c d\"\n"
				     "WorkingDirectory=/home/a b%%c\"\n"
				     "ExecStartPre=/c rm --force --ignore web\nExecStart=/c run\n"
				     "ExecStop=/c stop --time=-1 web\n"
				     "ExecStopPost=/c rm --force --ignore web\n"));
}
END_TEST

static const char *const directories[] = { "/a\nb", "/a ", "/a\\", "/\x7f" };

START_TEST(a_directory_that_a_unit_cannot_name_is_refused)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct systemd_unit unit = { .name = "n", .label = "c", .container = "c", .program = "/c",
				     .restart = "no", .directory = directories[_i] };
	struct ct_err err = { 0 };

	add(&unit.start, "run");
	ck_assert_int_eq(ct_unit_text(&unit, &buf, &err), -EINVAL);
}
END_TEST

/* ---- made again ---- */

/* Words that are separated by a blank each. */
static void split(struct ct_strings *list, const char *line)
{
	char *rest = ct_arena_strndup(&arena, line, strlen(line)), *word;

	for (word = strtok_r(rest, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		add(list, word);
}

static const struct {
	const char *made, *again;
} lines[] = {
	{ "run box", "box" },
	{ "create -it --name old -e A=1 -eB=2 box sh -d --rm", "--interactive --tty --env=A=1 --env=B=2 "
								"box sh -d --rm" },
	{ "run -d --rm --cidfile /c --pidfile=/p -a stdin -a stdout --tie --preserve-fds 2 --lag skip "
	  "--stdin-eof keep --sdnotify conmon --sig-proxy=false --detach-keys none box", "box" },
	{ "run --rootfs /r -- -x y", "--rootfs=/r -- -x y" },
	{ "run --init=false --network=host -m 5m box", "--init=false --network=host --memory=5m box" },
	{ "run --health-cmd true --health-on-failure restart box restart",
	  "--health-cmd=true --health-on-failure=kill box restart" },
	{ "run --health-cmd true --health-on-failure stop box", "--health-cmd=true --health-on-failure=stop box" },
};

START_TEST(a_command_line_is_made_again_for_a_service)
{
	struct ct_meta meta = { .name = "web" };
	struct ct_strings again, expected = { 0 };
	struct ct_err err = { 0 };

	split(&meta.create_command, lines[_i].made);
	split(&expected, "run --detach --rm --sdnotify=monitor --name=web");
	split(&expected, lines[_i].again);
	ck_assert_int_eq(ct_recreate(&arena, &meta, &again, &err), 0);
	ck_assert_uint_eq(again.count, expected.count);
	for (size_t i = 0; i < again.count; i++)
		ck_assert_str_eq(again.items[i], expected.items[i]);
}
END_TEST

START_TEST(who_notifies_stays_and_what_is_not_known_is_refused)
{
	struct ct_meta meta = { .name = "web", .sdnotify = "container" };
	struct ct_strings again;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_recreate(&arena, &meta, &again, &err), -ENODATA);
	split(&meta.create_command, "run --gone box");
	err = (struct ct_err){ 0 };
	ck_assert_int_eq(ct_recreate(&arena, &meta, &again, &err), -EINVAL);
	meta.create_command = (struct ct_strings){ 0 };
	split(&meta.create_command, "run box");
	ck_assert_int_eq(ct_recreate(&arena, &meta, &again, &err), 0);
	ck_assert_str_eq(again.items[3], "--sdnotify=container");
}
END_TEST

Suite *suite_systemd_unit(void);
Suite *suite_systemd_unit(void)
{
	Suite *s = suite_create("systemd_unit");
	TCase *tc = tcase_create("units");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_word_is_quoted_for_every_hand_that_it_goes_through, 0, COUNT(words));
	tcase_add_test(tc, a_unit_that_starts_what_is_there);
	tcase_add_test(tc, a_unit_that_makes_its_container_removes_it_too);
	tcase_add_loop_test(tc, a_directory_that_a_unit_cannot_name_is_refused, 0, COUNT(directories));
	tcase_add_loop_test(tc, a_command_line_is_made_again_for_a_service, 0, COUNT(lines));
	tcase_add_test(tc, who_notifies_stays_and_what_is_not_known_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
