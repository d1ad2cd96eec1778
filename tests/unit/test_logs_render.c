/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From frames to lines to what is shown. Pure functions: frames are fed as text, lines come out as
 * text. Runs unprivileged.
 */
#include "cli/logs.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* ---- lines ---- */

/* "TIME STREAM[>TEXT] " for each: o or e, '<' when it begins, '$' when it ends. */
static void note_line(struct ct_buf *buf, const struct ct_log_line *line)
{
	ct_buf_printf(buf, "%u%c%s%.*s%s ", (unsigned)line->time,
		      line->stream == CT_STREAM_STDERR ? 'e' : 'o', line->begins ? "<" : "",
		      (int)line->size, line->text, line->ends ? "$" : "");
}

/* Frames as "TIMEoTEXT" or "TIMEeTEXT"; "!" flushes as when nothing comes for now, "." at the end. */
static const struct {
	const char *frames[8];
	const char *lines;
} cuts[] = {
	{ { "1oa\n" }, "1o<a$ " },
	{ { "1oa\nbb\n\nc\n" }, "1o<a$ 1o<bb$ 1o<$ 1o<c$ " },
	/* one line in many frames has the time of its first byte */
	{ { "1oa", "2ob", "3oc\nd\n" }, "1o<abc$ 3o<d$ " },
	{ { "1oa", "2o\n", "3o\n" }, "1o<a$ 3o<$ " },
	/* the other stream does not tear it */
	{ { "1oout", "2eerr\n", "3o put\n" }, "2e<err$ 1o<out put$ " },
	{ { "1oa", "2eb", "3oc\n", "4ed\n" }, "1o<ac$ 2e<bd$ " },
	/* unterminated at the end: shown, what began first goes first */
	{ { "1oa\nprompt", "." }, "1o<a$ 1o<prompt " },
	{ { "1eerr", "2oout", "." }, "1e<err 2o<out " },
	{ { "1oout", "2eerr", "." }, "1o<out 2e<err " },
	{ { "1oa\n", "." }, "1o<a$ " },
	/* shown before its end, the line goes on with the time that it has */
	{ { "1oa", "!", "2ob", "!", "3oc\nd\n" }, "1o<a 1ob 1oc$ 3o<d$ " },
	{ { "1oa", "!", "2o\n", "3ob\n" }, "1o<a 1o$ 3o<b$ " },
	{ { "1oa", "!", "2eb\n", "3oc\n" }, "1o<a 2e<b$ 1oc$ " },
	/* after the end of a run a line begins anew */
	{ { "1oa", ".", "2ob\n" }, "1o<a 2o<b$ " },
	{ { "1oa", "!", ".", "2ob\n" }, "1o<a 2o<b$ " },
	/* half a character waits for the rest, unless there is none */
	{ { "1ox\xe2\x82", "!", "2o\xac\n" }, "1o<x 1o\xe2\x82\xac$ " },
	{ { "1o\xe2\x82", "!", "2o\xac\n" }, "1o<\xe2\x82\xac$ " },
	{ { "1ox\xe2\x82", "!", "." }, "1o<x 1o\xe2\x82 " },
	{ { "1o\r\n\ra\n" }, "1o<\r$ 1o<\ra$ " },
};

static void take_all(struct ct_line_cutter *cutter, struct ct_buf *buf)
{
	struct ct_log_line line;

	while (ct_lines_next(cutter, &line))
		note_line(buf, &line);
}

static void flush_all(struct ct_line_cutter *cutter, bool final, struct ct_buf *buf)
{
	struct ct_log_line line;

	ck_assert(final || ct_lines_pending(cutter) || !ct_lines_flush(cutter, false, &line));
	while (ct_lines_flush(cutter, final, &line))
		note_line(buf, &line);
	ck_assert(!ct_lines_pending(cutter));
}

START_TEST(frames_are_cut_into_lines)
{
	struct ct_buf ct_autobuf buf = {0};
	struct ct_line_cutter cutter = {0};

	for (size_t i = 0; i < 8 && cuts[_i].frames[i]; i++) {
		const char *f = cuts[_i].frames[i];

		if (*f == '!' || *f == '.') {
			flush_all(&cutter, *f == '.', &buf);
			continue;
		}
		ct_lines_feed(&cutter, f[1] == 'e' ? CT_STREAM_STDERR : CT_STREAM_STDOUT,
			      (uint64_t)(f[0] - '0'), f + 2, strlen(f + 2));
		take_all(&cutter, &buf);
	}
	ck_assert_str_eq(ct_buf_text(&buf), cuts[_i].lines);
	ct_lines_free(&cutter);
}
END_TEST

/* Any text, cut into frames anywhere, gives the same lines. */
START_TEST(where_frames_end_does_not_matter)
{
	static const char text[] = "one\ntwo\n\n\xe2\x82\xac three\r\nfour";
	const char *expected = "one|two||\xe2\x82\xac three\r|four";

	for (size_t step = 1; step < sizeof(text); step++) {
		struct ct_buf ct_autobuf buf = {0};
		struct ct_line_cutter cutter = {0};
		struct ct_log_line line;

		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			size_t n = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;

			ct_lines_feed(&cutter, CT_STREAM_STDOUT, 1, text + at, n);
			while (ct_lines_next(&cutter, &line)) {
				ct_buf_add(&buf, line.text, line.size);
				ct_buf_putc(&buf, '|');
			}
		}
		while (ct_lines_flush(&cutter, true, &line))
			ct_buf_add(&buf, line.text, line.size);
		ck_assert_str_eq(ct_buf_text(&buf), expected);
		ct_lines_free(&cutter);
	}
}
END_TEST

/* Memory stays bounded, bytes stay whole, and there is one beginning and one end. */
START_TEST(a_line_of_many_megabytes_comes_in_parts)
{
	struct ct_line_cutter cutter = {0};
	size_t size = 0, begins = 0, ends = 0, largest = 0, parts = 0;
	char *frame = malloc(CT_FRAME_MAX);
	struct ct_log_line line;

	ck_assert_ptr_nonnull(frame);
	memset(frame, 'x', CT_FRAME_MAX);
	for (unsigned i = 0; i < 100; i++) {
		if (i == 99)
			frame[CT_FRAME_MAX - 1] = '\n';
		ct_lines_feed(&cutter, CT_STREAM_STDOUT, i + 1, frame, CT_FRAME_MAX);
		while (ct_lines_next(&cutter, &line)) {
			ck_assert_uint_eq(line.time, 1);
			size += line.size;
			begins += line.begins;
			ends += line.ends;
			parts++;
			if (line.size > largest)
				largest = line.size;
		}
	}
	free(frame);
	ct_lines_free(&cutter);
	ck_assert_uint_eq(size, 100 * (size_t)CT_FRAME_MAX - 1);
	ck_assert_uint_eq(begins, 1);
	ck_assert_uint_eq(ends, 1);
	ck_assert_uint_ge(parts, 6);
	ck_assert_uint_le(largest, CT_LINE_MAX + CT_FRAME_MAX);
}
END_TEST

/* ---- rendering ---- */

#define STAMP "2023-11-14T22:13:20.000000005Z"

static const struct {
	struct ct_log_style style;
	struct ct_log_label label;
	struct ct_log_line line;
	bool fresh;
	const char *shown;
} shows[] = {
	/* as it is */
	{ .line = { .stream = 1, .text = "a\x1b[2Jb", .ends = true }, .fresh = true,
	  .shown = "a\x1b[2Jb\n" },
	{ .line = { .stream = 1, .text = "a" }, .fresh = true, .shown = "a" },
	/* with something before it */
	{ .style = { .timestamps = true }, .fresh = true,
	  .line = { .stream = 1, .text = "a", .ends = true }, .shown = STAMP " a\n" },
	{ .style = { .timestamps = true }, .fresh = false,
	  .line = { .stream = 1, .text = "a", .ends = true }, .shown = "a\n" },
	{ .label = { .text = "web" }, .fresh = true,
	  .line = { .stream = 1, .text = "a", .ends = true }, .shown = "web a\n" },
	{ .style = { .timestamps = true }, .label = { .text = "web" }, .fresh = true,
	  .line = { .stream = 1, .text = "", .ends = true }, .shown = "web " STAMP " \n" },
	/* colours: of what stands before the line, or of the line */
	{ .style = { .color = true }, .label = { .text = "web", .color = 1 }, .fresh = true,
	  .line = { .stream = 1, .text = "a", .ends = true }, .shown = "\x1b[33mweb\x1b[0m a\n" },
	{ .style = { .color = true }, .label = { .color = 10 }, .fresh = true,
	  .line = { .stream = 1, .text = "a", .ends = true }, .shown = "\x1b[32ma\x1b[0m\n" },
	/* for a terminal: what would drive it is shown, colours and tabs pass */
	{ .style = { .escape = { true, true } }, .fresh = true,
	  .line = { .stream = 1, .text = "a\tb\x1b[2J\x1b[1;31mc\x1b]0;x\a\r", .ends = true },
	  .shown = "a\tb\\x1b[2J\x1b[1;31mc\\x1b]0;x\\x07\r\n" },
	{ .style = { .escape = { true, true } }, .fresh = true,
	  .line = { .stream = 1, .text = "50%\r60%\r", .ends = false }, .shown = "50%\\x0d60%\\x0d" },
	{ .style = { .escape = { true, true } }, .label = { .text = "w" }, .fresh = true,
	  .line = { .stream = 1, .text = "\x1b[31mred", .ends = true },
	  .shown = "w \x1b[31mred\x1b[0m\n" },
	{ .style = { .escape = { true, true } }, .fresh = true,
	  .line = { .stream = 1, .text = "\x1b[38:2::1:2:3mx\x1b[m\x1b[\x1b[1A", .ends = true },
	  .shown = "\x1b[38:2::1:2:3mx\x1b[m\\x1b[\\x1b[1A\n" },
	{ .style = { .escape = { true, true } }, .fresh = true,
	  .line = { .stream = 1, .text = "\xff\xc3\xbc\xe2\x80\xae", .ends = true },
	  .shown = "\\xff\xc3\xbc\\xe2\\x80\\xae\n" },
	/* only that of the two which is a terminal; and what comes from a terminal goes to one */
	{ .style = { .escape = { false, true } }, .fresh = true,
	  .line = { .stream = 1, .text = "\a", .ends = true }, .shown = "\a\n" },
	{ .style = { .escape = { false, true } }, .fresh = true,
	  .line = { .stream = 2, .text = "\a", .ends = true }, .shown = "\\x07\n" },
	{ .style = { .escape = { true, true } }, .label = { .tty = true }, .fresh = true,
	  .line = { .stream = 1, .text = "\x1b[2J", .ends = true }, .shown = "\x1b[2J\n" },
	/* JSON */
	{ .style = { .format = CT_LOGS_JSON }, .fresh = true,
	  .line = { .stream = 1, .run = 3, .text = "a\"b\x1b", .ends = true },
	  .shown = "{\"time\":\"" STAMP "\",\"stream\":\"stdout\",\"run\":3,"
		   "\"line\":\"a\\\"b\\u001b\",\"partial\":false}\n" },
	{ .style = { .format = CT_LOGS_JSON }, .label = { .text = "web" }, .fresh = false,
	  .line = { .stream = 2, .run = 1, .text = "\xff", .ends = false },
	  .shown = "{\"time\":\"" STAMP "\",\"stream\":\"stderr\",\"run\":1,\"container\":\"web\","
		   "\"data_base64\":\"/w==\",\"partial\":true}\n" },
};

START_TEST(lines_are_shown)
{
	struct ct_buf ct_autobuf buf = {0};
	struct ct_log_line line = shows[_i].line;

	line.size = strlen(line.text);
	line.time = UINT64_C(1700000000000000005);
	ct_log_render(&shows[_i].style, &shows[_i].label, &line, shows[_i].fresh, &buf);
	ck_assert_str_eq(ct_buf_text(&buf), shows[_i].shown);
}
END_TEST

START_TEST(nul_is_a_byte_like_others)
{
	struct ct_buf ct_autobuf buf = {0};
	const struct ct_log_style json = { .format = CT_LOGS_JSON }, text = { 0 };
	const struct ct_log_line line = { .stream = 1, .text = "a\0b", .size = 3, .ends = true };
	const struct ct_log_label label = {0};

	ct_log_render(&text, &label, &line, true, &buf);
	ck_assert_uint_eq(buf.length, 4);
	ck_assert_int_eq(memcmp(buf.data, "a\0b\n", 4), 0);
	ct_buf_clear(&buf);
	ct_log_render(&json, &label, &line, true, &buf);
	ck_assert_ptr_nonnull(strstr(buf.data, "\"line\":\"a\\u0000b\""));
	ct_buf_clear(&buf);
	ct_log_escape("a\0b", 3, &buf);
	ck_assert_str_eq(ct_buf_text(&buf), "a\\x00b");
}
END_TEST

Suite *suite_logs_render(void);
Suite *suite_logs_render(void)
{
	Suite *s = suite_create("logs_render");
	TCase *tc = tcase_create("lines");

	tcase_add_loop_test(tc, frames_are_cut_into_lines, 0, COUNT(cuts));
	tcase_add_test(tc, where_frames_end_does_not_matter);
	tcase_add_test(tc, a_line_of_many_megabytes_comes_in_parts);
	suite_add_tcase(s, tc);
	tc = tcase_create("rendering");
	tcase_add_loop_test(tc, lines_are_shown, 0, COUNT(shows));
	tcase_add_test(tc, nul_is_a_byte_like_others);
	suite_add_tcase(s, tc);
	return s;
}
