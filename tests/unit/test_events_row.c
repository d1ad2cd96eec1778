/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "cattach events" shows of an event, and which ones it takes. Pure. Any user.
 */
#include "cli/events.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct ct_err err;

/* An event with these details and labels, as JSON. */
static struct ct_event make(struct ct_arena *arena, const char *action, const char *details,
			    const char *labels)
{
	struct ct_event event = {
		.time = UINT64_C(1700000000000000042), .action = action, .id = ID, .name = "web",
		.image = "app",
	};

	ck_assert_int_eq(ct_json_parse(arena, "details", details, strlen(details), &event.details,
				       &err), 0);
	ck_assert_int_eq(ct_json_parse(arena, "labels", labels, strlen(labels), &event.labels, &err),
			 0);
	return event;
}

static struct ct_event_filters parse(struct ct_arena *arena, const char *const *texts)
{
	struct ct_event_filters filters;
	struct ct_strings list = { 0 };

	for (size_t i = 0; texts[i]; i++)
		ck_assert_int_eq(ct_strings_add(arena, &list, texts[i]), 0);
	ck_assert_msg(ct_event_filters_parse(arena, &list, &filters, &err) == 0, "%s", err.what);
	return filters;
}

/* ---- lines and rows ---- */

static const struct {
	const char *zone, *action, *details, *labels, *line;
} lines[] = {
	{ "UTC", "died", "{\"exitCode\":\"7\"}", "{}",
	  "2023-11-14T22:13:20.000000042Z container died " ID " (exitCode=7, image=app, name=web)\n" },
	{ "XXX-5:30", "start", "{}", "{\"b\":\"2\",\"a\":\"1\"}",
	  "2023-11-15T03:43:20.000000042+05:30 container start " ID
	  " (a=1, b=2, image=app, name=web)\n" },
	{ "XXX3", "start", "{}", "{\"name\":\"evil\",\"x\":\"a\\n\\u001b[1m\"}",
	  "2023-11-14T19:13:20.000000042-03:00 container start " ID
	  " (image=app, name=web, x=a\\n\\x1b[1m)\n" },
};

START_TEST(a_line_is_as_docker_writes_it)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_values values = { .arena = &arena };
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_event event;

	setenv("TZ", lines[_i].zone, 1);
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	event = make(&arena, lines[_i].action, lines[_i].details, lines[_i].labels);
	ct_event_line(&event, &values, &buf);
	ck_assert_str_eq(ct_buf_text(&buf), lines[_i].line);
	ck_assert(!values.failed);
}
END_TEST

START_TEST(an_event_of_the_store_has_no_container_in_it)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_values values = { .arena = &arena };
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_event event;

	setenv("TZ", "UTC", 1);
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	event = make(&arena, "prune", "{\"cgroups\":\"1\"}", "{}");
	event.id = event.name = event.image = "";
	ct_event_line(&event, &values, &buf);
	ck_assert_str_eq(ct_buf_text(&buf),
			 "2023-11-14T22:13:20.000000042Z container prune  (cgroups=1)\n");
}
END_TEST

static const struct ct_json *member(const struct ct_json *row, const char *path)
{
	const struct ct_json *value = ct_json_find(row, path);

	ck_assert_msg(value != NULL, "no %s", path);
	return value;
}

START_TEST(a_row_has_the_members_of_docker_and_podman)
{
	static const struct {
		const char *path, *text;
	} wanted[] = {
		{ "status", "died" },	{ "id", ID },	   { "from", "app" },  { "Type", "container" },
		{ "Action", "died" },	{ "Actor.ID", ID }, { "scope", "local" },
		{ "time", "1700000000" }, { "timeNano", "1700000000000000042" },
		{ "Actor.Attributes.exitCode", "7" }, { "Actor.Attributes.name", "web" },
		{ "Actor.Attributes.image", "app" },  { "Actor.Attributes.l", "v" },
		{ "Status", "died" },	{ "ID", ID },	   { "Name", "web" },  { "Image", "app" },
		{ "Time", "1700000000" }, { "TimeNano", "1700000000000000042" },
		{ "Attributes.l", "v" }, { "ContainerExitCode", "7" },
	};
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_values values = { .arena = &arena };
	struct ct_event event;
	const struct ct_json *row;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	event = make(&arena, "died", "{\"exitCode\":\"7\"}", "{\"l\":\"v\"}");
	row = ct_event_row(&event, &values);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ck_assert_str_eq(member(row, wanted[i].path)->text, wanted[i].text);
	ck_assert_int_eq(member(row, "ContainerExitCode")->type, CT_JSON_NUMBER);
	event = make(&arena, "start", "{}", "{}");
	row = ct_event_row(&event, &values);
	ck_assert_int_eq(member(row, "ContainerExitCode")->type, CT_JSON_NULL);
	/* Not of ours: a record that somebody has edited. */
	event = make(&arena, "died", "{\"exitCode\":[true]}", "{}");
	row = ct_event_row(&event, &values);
	ck_assert_int_eq(member(row, "ContainerExitCode")->type, CT_JSON_NULL);
	ck_assert(!values.failed);
}
END_TEST

/* ---- filters ---- */

static const struct {
	const char *filters[4];
	bool passes;
} matches[] = {
	{ { NULL }, true },
	{ { "event=died" }, true },
	{ { "event=die" }, true },
	{ { "event=start" }, false },
	{ { "event=start", "event=died" }, true },
	{ { "container=web" }, true },
	{ { "container=/web" }, true },
	{ { "container=we" }, false },
	{ { "container=0123" }, true },
	{ { "container=123" }, false },
	{ { "container=" }, false },
	{ { "container=web", "event=start" }, false },
	{ { "image=app" }, true },
	{ { "image=ap" }, false },
	{ { "label=l" }, true },
	{ { "label=l=v" }, true },
	{ { "label=l=" }, false },
	{ { "label=l", "label=m" }, false },
	{ { "type=container" }, true },
	{ { "type=image" }, false },
	{ { "type=image", "type=container" }, true },
};

START_TEST(filters_of_one_key_are_alternatives)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_event_filters filters;
	struct ct_event event;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	event = make(&arena, "died", "{}", "{\"l\":\"v\"}");
	filters = parse(&arena, matches[_i].filters);
	ck_assert_msg(ct_event_filters_match(&filters, &event) == matches[_i].passes, "%s",
		      matches[_i].filters[0]);
}
END_TEST

static const char *const bad[][2] = {
	{ "died", "\"died\" has no \"=\"" },
	{ "name=web", "unknown filter \"name\"" },
	{ "event=dead", "unknown event \"dead\"" },
	{ "event=", "unknown event \"\"" },
	{ "type=x", "unknown type \"x\"" },
};

START_TEST(filters_that_cannot_match_are_refused)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_event_filters filters;
	struct ct_strings list = { 0 };

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_strings_add(&arena, &list, bad[_i][0]), 0);
	ck_assert_int_lt(ct_event_filters_parse(&arena, &list, &filters, &err), 0);
	ck_assert_str_eq(err.what, bad[_i][1]);
	ck_assert_str_eq(err.where, "--filter");
}
END_TEST

Suite *suite_events_row(void);
Suite *suite_events_row(void)
{
	Suite *s = suite_create("events_row");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_line_is_as_docker_writes_it, 0, 3);
	tcase_add_test(tc, an_event_of_the_store_has_no_container_in_it);
	tcase_add_test(tc, a_row_has_the_members_of_docker_and_podman);
	tcase_add_loop_test(tc, filters_of_one_key_are_alternatives, 0,
			    sizeof(matches) / sizeof(matches[0]));
	tcase_add_loop_test(tc, filters_that_cannot_match_are_refused, 0,
			    sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(s, tc);
	return s;
}
