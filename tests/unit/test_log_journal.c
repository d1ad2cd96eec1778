/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container's lines back from the journal: by cursors, over the edges of segments, with what
 * is missing told at its place. The journal is a list of ours, behind the functions of libsystemd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "conmon/log_journal.h"
#include "fixture.h"

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What an entry has; NULL: no such field. */
struct entry {
	const char *message, *priority, *partial, *time, *lost;
};

static const struct entry *entries;
static size_t count, at;		/* at: number of the entry after the present one */
static bool readable;
static char matches[2][160];
static unsigned match_count;
static char data[65536];

static int fake_open(sd_journal **journal, int flags)
{
	ck_assert_int_eq(flags, CT_JOURNAL_LOCAL_ONLY);
	*journal = (sd_journal *)matches;
	at = match_count = 0;
	return 0;
}

static void fake_close(sd_journal *journal)
{
	ck_assert_ptr_eq(journal, matches);
}

static int fake_has_files(sd_journal *journal)
{
	(void)journal;
	return readable;
}

static int fake_threshold(sd_journal *journal, size_t size)
{
	(void)journal;
	ck_assert_uint_eq(size, 0);
	return 0;
}

static int fake_match(sd_journal *journal, const void *match, size_t size)
{
	(void)journal;
	ck_assert_uint_lt(match_count, 2);
	memcpy(matches[match_count], match, size);
	matches[match_count++][size] = '\0';
	return 0;
}

static int fake_next(sd_journal *journal)
{
	(void)journal;
	return at < count ? (at++, 1) : 0;
}

static int fake_cursor(sd_journal *journal, char **ret)
{
	(void)journal;
	return asprintf(ret, "%zu", at) < 0 ? -ENOMEM : 0;
}

static int fake_seek(sd_journal *journal, const char *cursor)
{
	(void)journal;
	at = (size_t)atol(cursor) - 1;
	return 0;
}

static int fake_data(sd_journal *journal, const char *field, const void **ret, size_t *ret_size)
{
	const struct entry *e = &entries[at - 1];
	const char *value = !strcmp(field, "MESSAGE") ? e->message :
			    !strcmp(field, "PRIORITY") ? e->priority :
			    !strcmp(field, "CONTAINER_PARTIAL_MESSAGE") ? e->partial :
			    !strcmp(field, "SYSLOG_TIMESTAMP") ? e->time :
			    !strcmp(field, "CATTACH_LOST") ? e->lost : NULL;

	(void)journal;
	if (!value)
		return -ENOENT;
	*ret_size = (size_t)snprintf(data, sizeof(data), "%s=%s", field, value);
	*ret = data;
	return 0;
}

static int fake_usec(sd_journal *journal, uint64_t *ret)
{
	(void)journal;
	*ret = 1700000000000000u + at;
	return 0;
}

static const struct journal_library library = {
	.sd_journal_open = fake_open,
	.sd_journal_close = fake_close,
	.sd_journal_has_runtime_files = fake_has_files,
	.sd_journal_has_persistent_files = fake_has_files,
	.sd_journal_set_data_threshold = fake_threshold,
	.sd_journal_add_match = fake_match,
	.sd_journal_next = fake_next,
	.sd_journal_get_cursor = fake_cursor,
	.sd_journal_seek_cursor = fake_seek,
	.sd_journal_get_data = fake_data,
	.sd_journal_get_realtime_usec = fake_usec,
};

static struct ct_log_journal *journal;
static struct ct_cursor cursor;

static void open_journal(const struct entry *list, size_t n)
{
	struct ct_err err = { 0 };
	struct ct_log_source source;

	entries = list;
	count = n;
	readable = true;
	ck_assert_int_eq(ct_journal_open_with(&library, ID, &journal, &err), 0);
	source = ct_log_journal_source(journal);
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
}

static void close_journal(void)
{
	ct_cursor_close(&cursor);
	ct_log_journal_close(journal);
}

/* The next entry is this. */
static void expect(unsigned kind, const char *text, uint64_t time)
{
	static char frame[CT_FRAME_MAX + 1];
	struct ct_index_entry e;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_cursor_next(&cursor, &e, frame, &err), 1);
	ck_assert_uint_eq(e.kind, kind);
	if (time)
		ck_assert_uint_eq(e.time, time);
	if (!text)
		return;
	frame[e.value] = '\0';
	ck_assert_str_eq(frame, text);
}

static void expect_end(void)
{
	static char frame[CT_FRAME_MAX];
	struct ct_index_entry e;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_cursor_next(&cursor, &e, frame, &err), 0);
}

START_TEST(lines_have_their_streams_and_times)
{
	static const struct entry list[] = {
		{ "one", "6", NULL, "2023-11-14T22:13:20.120000000Z", NULL },
		{ "bad", "3", NULL, "2023-11-14T22:13:21.000000001Z", NULL },
		{ "half", "6", "true", "2023-11-14T22:13:22.000000000Z", NULL },
		{ " whole", "6", NULL, "2023-11-14T22:13:22.000000000Z", NULL },
		{ "", "6", NULL, "no time", NULL },
		{ "bytes are missing", "4", NULL, NULL, "7" },
		{ "behind them", "6", NULL, "2023-11-14T22:13:22.000000000Z", NULL },
		{ "later", "6", NULL, "2023-11-14T22:13:22.000000001Z", NULL },
	};

	open_journal(list, sizeof(list) / sizeof(list[0]));
	expect(CT_STREAM_STDOUT, "one\n", 1700000000120000000u);
	expect(CT_STREAM_STDERR, "bad\n", 1700000001000000001u);
	/* What has one time is one frame; journald's own time is older here, and times never go back. */
	expect(CT_STREAM_STDOUT, "half whole\n\n", 1700000002000000000u);
	expect(CT_NOTE_GAP, NULL, 1700000002000000000u);
	expect(CT_STREAM_STDOUT, "behind them\n", 1700000002000000000u);
	expect(CT_STREAM_STDOUT, "later\n", 1700000002000000001u);
	expect_end();
	close_journal();
}
END_TEST

START_TEST(only_our_own_entries_of_this_container_are_asked_for)
{
	char uid[32];

	open_journal(NULL, 0);
	expect_end();
	ck_assert_uint_eq(match_count, 2);
	ck_assert_str_eq(matches[0], "CONTAINER_ID_FULL=" ID);
	snprintf(uid, sizeof(uid), "_UID=%u", geteuid());
	ck_assert_str_eq(matches[1], uid);
	close_journal();
}
END_TEST

START_TEST(a_journal_that_we_may_not_read_is_refused)
{
	struct ct_err err = { 0 };

	readable = false;
	ck_assert_int_eq(ct_journal_open_with(&library, ID, &journal, &err), -EACCES);
	ck_assert_str_eq(err.what, "there is no journal that you may read");
}
END_TEST

/* In the middle of a segment, at the end of one, at the beginning of the next. */
START_TEST(a_gap_is_told_at_its_place)
{
	size_t n = JOURNAL_ENTRIES + 2, gap = _i == 0 ? 1 : JOURNAL_ENTRIES - 2 + (size_t)_i;
	struct entry *list = calloc(n, sizeof(*list));

	ck_assert_ptr_nonnull(list);
	for (size_t i = 0; i < n; i++)
		list[i] = (struct entry){ .message = "x", .priority = "6" };
	list[gap] = (struct entry){ .message = "cattach: lost", .lost = "77" };
	open_journal(list, n);
	for (size_t i = 0; i < n; i++)
		expect(i == gap ? CT_NOTE_GAP : CT_STREAM_STDOUT, i == gap ? NULL : "x\n", 0);
	expect_end();
	close_journal();
	free(list);
}
END_TEST

START_TEST(the_last_lines_are_found_over_segments)
{
	size_t n = 2 * JOURNAL_ENTRIES + 1;
	struct entry *list = calloc(n, sizeof(*list));
	struct ct_err err = { 0 };

	ck_assert_ptr_nonnull(list);
	for (size_t i = 0; i < n; i++)
		list[i] = (struct entry){ .message = i == n - 2 ? "b" : i > n - 2 ? "c" : "a",
					  .priority = "6" };
	open_journal(list, n);
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 3, &err), 0);
	expect(CT_STREAM_STDOUT, "a\n", 0);
	expect(CT_STREAM_STDOUT, "b\n", 0);
	expect(CT_STREAM_STDOUT, "c\n", 0);
	expect_end();
	close_journal();
	free(list);
}
END_TEST

Suite *suite_log_journal(void);
Suite *suite_log_journal(void)
{
	Suite *s = suite_create("log_journal");
	TCase *tc = tcase_create("journal");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, lines_have_their_streams_and_times);
	tcase_add_test(tc, only_our_own_entries_of_this_container_are_asked_for);
	tcase_add_test(tc, a_journal_that_we_may_not_read_is_refused);
	tcase_add_loop_test(tc, a_gap_is_told_at_its_place, 0, 4);
	tcase_add_test(tc, the_last_lines_are_found_over_segments);
	suite_add_tcase(s, tc);
	return s;
}
