/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of k8s-file and json-file, byte by byte: lines of every kind, cut where docker and
 * containerd cut them, dates at the edges of the calendar. Runs unprivileged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "../../src/conmon/log_record.h"
#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define NOW	1700000000120000000u	/* 2023-11-14T22:13:20.12Z */
#define CRI	"2023-11-14T22:13:20.120000000Z stdout "
#define JSON(line) "{\"log\":\"" line "\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20.12Z\"}\n"

static struct log_encoder encoder;
static char *text;		/* all records */
static size_t length;

static void setup(void)
{
	memset(&encoder, 0, sizeof(encoder));
	text = malloc(1 << 20);
	ck_assert_ptr_nonnull(text);
	length = 0;
}

static void teardown(void)
{
	free(text);
}

/* So many bytes at once, from memory of just that size: reading on would be seen. */
static void feed(int stream, uint64_t time, const void *data, size_t size)
{
	uint8_t *copy = malloc(size);
	size_t at = 0;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, size);
	while (at < size) {
		size_t n, got = ct_record_encode(&encoder, stream, time, copy + at, size - at,
						 (uint8_t *)text + length, &n);

		ck_assert_uint_gt(got, 0);
		ck_assert_uint_le(n, LOG_RECORD_MAX);
		at += got;
		length += n;
	}
	ck_assert_uint_eq(at, size);
	free(copy);
}

static void end(int stream, uint64_t time)
{
	length += ct_record_end(&encoder, stream, time, (uint8_t *)text + length);
}

static void check(const char *expected)
{
	text[length] = '\0';
	ck_assert_str_eq(text, expected);
}

/* ---- lines ---- */

static const struct {
	const char *bytes;
	size_t size;		/* 0: as a string */
	const char *cri, *json;
} lines[] = {
	{ "a\n", 0, CRI "F a\n", JSON("a\\n") },
	{ "\n", 0, CRI "F \n", JSON("\\n") },
	{ "\n\n", 0, CRI "F \n" CRI "F \n", JSON("\\n") JSON("\\n") },
	{ "no end", 0, CRI "P no end\n", JSON("no end") },
	{ "a\nb", 0, CRI "F a\n" CRI "P b\n", JSON("a\\n") JSON("b") },
	{ "a\r\n", 0, CRI "F a\r\n", JSON("a\\r\\n") },
	{ "\r", 0, CRI "P \r\n", JSON("\\r") },
	{ "\0x\0\n", 4, CRI "F ", JSON("\\u0000x\\u0000\\n") },
	{ "\t\b\f\x1b[0m\x7f\n", 0, CRI "F \t\b\f\x1b[0m\x7f\n",
	  JSON("\\u0009\\u0008\\u000c\\u001b[0m\x7f\\n") },
	{ "\"\\/<>&'\n", 0, CRI "F \"\\/<>&'\n", JSON("\\\"\\\\/\\u003c\\u003e\\u0026'\\n") },
	{ "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8b\n", 0, CRI "F \xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8b\n",
	  JSON("\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8b\\n") },
	{ "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\n", 0, CRI "F \xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\n",
	  JSON("\xe2\x80\xa7\\u2028\\u2029\\n") },
	{ "\xff\xfe\n", 0, CRI "F \xff\xfe\n", JSON("\\ufffd\\ufffd\\n") },
	/* cut, overlong, a surrogate, beyond the last: each byte by itself */
	{ "\xe2\x82", 0, CRI "P \xe2\x82\n", JSON("\\ufffd\\ufffd") },
	{ "\xe2\x82x\n", 0, CRI "F \xe2\x82x\n", JSON("\\ufffd\\ufffdx\\n") },
	{ "\xc0\xaf\n", 0, CRI "F \xc0\xaf\n", JSON("\\ufffd\\ufffd\\n") },
	{ "\xed\xa0\x80\n", 0, CRI "F \xed\xa0\x80\n", JSON("\\ufffd\\ufffd\\ufffd\\n") },
	{ "\xf4\x90\x80\x80\n", 0, CRI "F \xf4\x90\x80\x80\n",
	  JSON("\\ufffd\\ufffd\\ufffd\\ufffd\\n") },
	{ "\xef\xbf\xbd\n", 0, CRI "F \xef\xbf\xbd\n", JSON("\xef\xbf\xbd\\n") },
	/* what looks like a record of ours */
	{ CRI "F x\n", 0, CRI "F " CRI "F x\n", JSON(CRI "F x\\n") },
};

static void expect(const char *records)
{
	ck_assert_uint_eq(length, strlen(records));
	ck_assert_mem_eq(text, records, length);
}

START_TEST(local_time_changes_when_clocks_are_changed)
{
	/* Central European time: at 2026-03-29T01:00:00Z from one hour to two, on 2026-10-25 back. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	ct_record_zone(&encoder, 1770000000);
	feed(CT_STREAM_STDOUT, 1774745999000000001u, "a\n", 2);
	feed(CT_STREAM_STDOUT, 1774746000000000002u, "b\n", 2);
	feed(CT_STREAM_STDOUT, 1792890000000000003u, "c\n", 2);
	expect("2026-03-29T01:59:59.000000001+01:00 stdout F a\n"
	       "2026-03-29T03:00:00.000000002+02:00 stdout F b\n"
	       "2026-10-25T02:00:00.000000003+01:00 stdout F c\n");
	unsetenv("TZ");
	tzset();
}
END_TEST

START_TEST(a_zone_west_of_greenwich_and_half_an_hour_off)
{
	setenv("TZ", "NST3:30", 1);
	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	ct_record_zone(&encoder, NOW / 1000000000u);
	feed(CT_STREAM_STDOUT, NOW, "a\n", 2);
	expect("2023-11-14T18:43:20.120000000-03:30 stdout F a\n");
	unsetenv("TZ");
	tzset();
}
END_TEST

START_TEST(every_line_is_a_record_of_the_cri_format)
{
	size_t size = lines[_i].size ? lines[_i].size : strlen(lines[_i].bytes);

	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	feed(CT_STREAM_STDOUT, NOW, lines[_i].bytes, size);
	if (!lines[_i].size) {
		check(lines[_i].cri);
		return;
	}
	ck_assert_mem_eq(text, lines[_i].cri, strlen(lines[_i].cri));
	ck_assert_mem_eq(text + strlen(lines[_i].cri), lines[_i].bytes, size);
	ck_assert_uint_eq(length, strlen(lines[_i].cri) + size);
}
END_TEST

START_TEST(every_line_is_an_object_as_docker_writes_it)
{
	size_t size = lines[_i].size ? lines[_i].size : strlen(lines[_i].bytes);

	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, lines[_i].bytes, size);
	end(CT_STREAM_STDOUT, NOW);
	check(lines[_i].json);
}
END_TEST

/* However the bytes come, docker's records are the same. */
START_TEST(objects_do_not_depend_on_how_the_bytes_come)
{
	size_t size = lines[_i].size ? lines[_i].size : strlen(lines[_i].bytes);

	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	for (size_t i = 0; i < size; i++)
		feed(CT_STREAM_STDOUT, NOW, lines[_i].bytes + i, 1);
	end(CT_STREAM_STDOUT, NOW);
	check(lines[_i].json);
}
END_TEST

/* ---- long lines ---- */

/* Records as sizes: "16384P 1F", with what docker has between newline (F) and none (P). */
static const char *shape(enum ct_log_file kind)
{
	static char out[256];
	char *p = out;

	*p = '\0';
	for (const char *at = text; at < text + length; at = strchr(at, '\n') + 1) {
		const char *stop = strchr(at, '\n'), *from = at + strlen(CRI "F ");
		bool full = at[strlen(CRI)] == 'F';

		if (kind == CT_LOG_FILE_JSON) {
			from = at + strlen("{\"log\":\"");
			stop = strstr(from, "\",\"stream\"");
			full = stop - from >= 2 && stop[-1] == 'n' && stop[-2] == '\\';
			stop -= full ? 2 : 0;
		}
		p += sprintf(p, "%s%td%c", p == out ? "" : " ", stop - from, full ? 'F' : 'P');
	}
	return out;
}

static const struct {
	size_t size;		/* of the line, without its newline */
	bool newline;
	const char *cri, *json;
} lengths[] = {
	{ 16383, true, "16383F", "16383F" },
	{ 16384, true, "16384F", "16384P 0F" },
	{ 16385, true, "16384P 1F", "16384P 1F" },
	{ 16383, false, "16383P", "16383P" },
	{ 16384, false, "16384P", "16384P" },
	{ 16385, false, "16384P 1P", "16384P 1P" },
	{ 32767, true, "16384P 16383F", "16384P 16383F" },
	{ 32768, true, "16384P 16384F", "16384P 16384P 0F" },
	{ 32769, true, "16384P 16384P 1F", "16384P 16384P 1F" },
	{ 65535, true, "16384P 16384P 16384P 16383F", "16384P 16384P 16384P 16383F" },
};

START_TEST(long_lines_are_cut_where_others_cut_them)
{
	char *line = malloc(65536 + 1);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', 65536);
	line[lengths[_i].size] = '\n';
	for (int kind = CT_LOG_FILE_K8S; kind <= CT_LOG_FILE_JSON; kind++) {
		memset(&encoder, 0, sizeof(encoder));
		length = 0;
		ct_record_init(&encoder, (enum ct_log_file)kind, NULL);
		feed(CT_STREAM_STDOUT, NOW, line, lengths[_i].size + lengths[_i].newline);
		end(CT_STREAM_STDOUT, NOW);
		ck_assert_str_eq(shape((enum ct_log_file)kind),
				 kind == CT_LOG_FILE_JSON ? lengths[_i].json : lengths[_i].cri);
	}
	free(line);
}
END_TEST

/* Each cut falls into another place of a character of three bytes, or of four. */
START_TEST(a_line_is_cut_between_two_characters)
{
	const char *character = _i < 3 ? "\xe2\x82\xac" : "\xf0\x9f\x90\x8b";
	size_t size = strlen(character), count = 50000 / size, found = 0;
	char *line = malloc(4 + 50000);
	size_t at = (size_t)_i % size;

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', at);
	for (size_t i = 0; i < count; i++, at += size)
		memcpy(line + at, character, size);
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, line, at);
	end(CT_STREAM_STDOUT, NOW);
	text[length] = '\0';
	ck_assert_ptr_null(strstr(text, "ufffd"));
	for (const char *c = strstr(text, character); c; c = strstr(c + size, character))
		found++;
	ck_assert_uint_eq(found, count);
	free(line);
}
END_TEST

START_TEST(a_line_of_bytes_that_are_no_text_fits_into_its_room)
{
	char *line = calloc(1, 16384);

	ck_assert_ptr_nonnull(line);
	ct_record_init(&encoder, CT_LOG_FILE_JSON,
		       "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		       "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		       "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
		       "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<");
	feed(CT_STREAM_STDERR, NOW, line, 16384);
	ck_assert_uint_gt(length, 6 * 16384 + 6 * 256);
	ck_assert_uint_le(length, LOG_RECORD_MAX);
	free(line);
}
END_TEST

/* ---- streams, times ---- */

START_TEST(what_waits_on_one_stream_is_not_mixed_with_the_other)
{
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, "a", 1);
	feed(CT_STREAM_STDERR, NOW, "E\n", 2);
	feed(CT_STREAM_STDOUT, NOW, "b\n", 2);
	check("{\"log\":\"E\\n\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.12Z\"}\n"
	      JSON("ab\\n"));
}
END_TEST

START_TEST(a_line_has_the_time_of_its_first_byte)
{
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, "a", 1);
	feed(CT_STREAM_STDOUT, NOW + 5000000000u, "b\nc", 3);
	end(CT_STREAM_STDOUT, NOW + 9000000000u);
	check(JSON("ab\\n") "{\"log\":\"c\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:25.12Z\"}\n");
}
END_TEST

START_TEST(a_line_that_was_cut_has_the_time_of_its_first_record)
{
	char line[16384];

	memset(line, 'x', sizeof(line));
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, line, sizeof(line));
	feed(CT_STREAM_STDOUT, NOW + 5000000000u, "y\nz\n", 4);
	text[length] = '\0';
	ck_assert_str_eq(strstr(text, "y\\n") - 8,
			 JSON("y\\n") "{\"log\":\"z\\n\",\"stream\":\"stdout\","
			 "\"time\":\"2023-11-14T22:13:25.12Z\"}\n");
}
END_TEST

static const struct {
	uint64_t time;
	const char *cri, *json;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000000000Z", "1970-01-01T00:00:00Z" },
	{ 951782399999999999u, "2000-02-28T23:59:59.999999999Z", "2000-02-28T23:59:59.999999999Z" },
	{ 951782400000000001u, "2000-02-29T00:00:00.000000001Z", "2000-02-29T00:00:00.000000001Z" },
	{ 4107542400100000000u, "2100-03-01T00:00:00.100000000Z", "2100-03-01T00:00:00.1Z" },
	{ 1735689599000000000u, "2024-12-31T23:59:59.000000000Z", "2024-12-31T23:59:59Z" },
};

START_TEST(times_are_utc_with_nine_digits_or_without_zeros)
{
	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	feed(CT_STREAM_STDOUT, times[_i].time, "\n", 1);
	ck_assert_mem_eq(text, times[_i].cri, strlen(times[_i].cri));
	memset(&encoder, 0, sizeof(encoder));
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	length = 0;
	feed(CT_STREAM_STDOUT, times[_i].time, "\n", 1);
	text[length] = '\0';
	ck_assert_mem_eq(strstr(text, "\"time\":\"") + 8, times[_i].json, strlen(times[_i].json));
}
END_TEST

START_TEST(every_day_of_five_centuries_is_that_of_the_c_library)
{
	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	for (time_t t = 86399; t < 86400 * 366 * 500L; t += 86400) {
		char expected[32];
		struct tm tm;

		length = 0;
		feed(CT_STREAM_STDOUT, (uint64_t)t * 1000000000u, "\n", 1);
		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.", &tm);
		ck_assert_mem_eq(text, expected, strlen(expected));
	}
}
END_TEST

START_TEST(a_tag_stands_among_the_attributes)
{
	ct_record_init(&encoder, CT_LOG_FILE_JSON, "web/\"1\"");
	feed(CT_STREAM_STDOUT, NOW, "a\n", 2);
	check("{\"log\":\"a\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"web/\\\"1\\\"\"},"
	      "\"time\":\"2023-11-14T22:13:20.12Z\"}\n");
}
END_TEST

START_TEST(a_hole_ends_the_line_that_is_open)
{
	ct_record_init(&encoder, CT_LOG_FILE_K8S, NULL);
	ck_assert_uint_eq(ct_record_break(&encoder, CT_STREAM_STDOUT, NOW, (uint8_t *)text), 0);
	feed(CT_STREAM_STDOUT, NOW, "a", 1);
	length += ct_record_break(&encoder, CT_STREAM_STDOUT, NOW, (uint8_t *)text + length);
	ck_assert_uint_eq(ct_record_break(&encoder, CT_STREAM_STDOUT, NOW, (uint8_t *)text + length), 0);
	check(CRI "P a\n" CRI "F \n");
	memset(&encoder, 0, sizeof(encoder));
	length = 0;
	ct_record_init(&encoder, CT_LOG_FILE_JSON, NULL);
	feed(CT_STREAM_STDOUT, NOW, "a", 1);
	length += ct_record_break(&encoder, CT_STREAM_STDOUT, NOW, (uint8_t *)text + length);
	ck_assert_uint_eq(ct_record_break(&encoder, CT_STREAM_STDOUT, NOW, (uint8_t *)text + length), 0);
	check(JSON("a\\n"));
}
END_TEST

Suite *suite_log_record(void);
Suite *suite_log_record(void)
{
	Suite *suite = suite_create("log_record");
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_line_is_a_record_of_the_cri_format, 0, COUNT(lines));
	tcase_add_loop_test(tc, every_line_is_an_object_as_docker_writes_it, 0, COUNT(lines));
	tcase_add_loop_test(tc, objects_do_not_depend_on_how_the_bytes_come, 0, COUNT(lines));
	tcase_add_loop_test(tc, long_lines_are_cut_where_others_cut_them, 0, COUNT(lengths));
	tcase_add_loop_test(tc, a_line_is_cut_between_two_characters, 0, 7);
	tcase_add_test(tc, local_time_changes_when_clocks_are_changed);
	tcase_add_test(tc, a_zone_west_of_greenwich_and_half_an_hour_off);
	tcase_add_test(tc, a_line_of_bytes_that_are_no_text_fits_into_its_room);
	tcase_add_test(tc, what_waits_on_one_stream_is_not_mixed_with_the_other);
	tcase_add_test(tc, a_line_has_the_time_of_its_first_byte);
	tcase_add_test(tc, a_line_that_was_cut_has_the_time_of_its_first_record);
	tcase_add_loop_test(tc, times_are_utc_with_nine_digits_or_without_zeros, 0, COUNT(times));
	tcase_add_test(tc, every_day_of_five_centuries_is_that_of_the_c_library);
	tcase_add_test(tc, a_tag_stands_among_the_attributes);
	tcase_add_test(tc, a_hole_ends_the_line_that_is_open);
	suite_add_tcase(suite, tc);
	return suite;
}
