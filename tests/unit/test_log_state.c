/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stream log complains of, and what becomes of an end that no disk has taken: counted,
 * owed from run to run, and noted in the log by the first that finds room.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_writer.h"
#include "fixture.h"
#include "log_fixture.h"

static struct log_fixture f;
static uint8_t buffer[CT_FRAME_MAX];

static void add(size_t size)
{
	log_bytes(&f, CT_STREAM_STDOUT, buffer, size);
}

static void fill_disk(int dir)
{
	int ct_autofd fd = openat(dir, "ballast", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (size_t size = sizeof(buffer); size > 0; size /= 2)
		while (write(fd, buffer, size) > 0)
			continue;
}

static void free_disk(int dir)
{
	ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
}

static struct ct_log_state state_of_log(void)
{
	struct ct_log_state state;

	ct_log_state(f.writer, &state);
	return state;
}

/* What reading the directory says: payload bytes, and bytes of gaps. */
static void tally(int dir, uint64_t *ret_bytes, uint64_t *ret_gaps)
{
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_index_entry e;
	struct ct_err err = { 0 };

	*ret_bytes = *ret_gaps = 0;
	log_dir_cursor(dir, CT_FROM_OLDEST, &cursor);
	while (ct_cursor_next(&cursor, &e, buffer, &err) == 1) {
		if (e.kind == CT_NOTE_GAP)
			*ret_gaps += e.value;
		else if (e.kind == CT_STREAM_STDOUT)
			*ret_bytes += e.value;
	}
	ct_cursor_close(&cursor);
}

static void owe_the_end_of_a_run(int dir)
{
	uint64_t owed = 0, bytes, gaps;
	struct ct_log_options options = { .owed = &owed };

	log_open(&f, dir, &options);
	add(1000);
	ck_assert_uint_eq(state_of_log().warnings, 0);
	fill_disk(dir);
	add(5000);
	add(5000);
	ck_assert_uint_eq(state_of_log().unsaved, 0);
	ck_assert_uint_eq(state_of_log().warnings, CT_WARN_DISK | CT_WARN_MEMORY);
	log_exit(&f, 0);
	ck_assert_uint_eq(state_of_log().lost, 10000);
	owed = state_of_log().unsaved;
	ck_assert_uint_eq(owed, 10000);
	log_close(&f);
	/* Another run that finds no room: still owed, and more of it. */
	log_open(&f, dir, &options);
	ck_assert_uint_eq(owed, 10000);
	add(500);
	log_exit(&f, 0);
	owed = state_of_log().unsaved;
	ck_assert_uint_eq(owed, 10500);
	ck_assert_uint_eq(state_of_log().lost, 500);
	log_close(&f);
	free_disk(dir);
	log_open(&f, dir, &options);
	ck_assert_uint_eq(owed, 0);
	add(100);
	log_exit(&f, 0);
	ck_assert_uint_eq(state_of_log().unsaved, 0);
	ck_assert_uint_eq(state_of_log().warnings, 0);
	log_close(&f);
	tally(dir, &bytes, &gaps);
	ck_assert_uint_eq(bytes, 1100);
	ck_assert_uint_eq(gaps, 10500);
}

START_TEST(what_the_end_of_a_run_has_lost_is_noted_by_the_next_that_finds_room)
{
	in_small_disk("size=1m", owe_the_end_of_a_run);
}
END_TEST

/* A monitor that still serves readers has let go of its container: the next run is somebody else's. */
static void start_again_beside_a_writer_that_is_over(int dir)
{
	uint64_t owed = 0, bytes, gaps;
	struct ct_log_options options = { .owed = &owed };
	struct log_fixture before;

	log_open(&f, dir, &options);
	add(1000);
	fill_disk(dir);
	add(5000);
	log_exit(&f, 0);
	owed = state_of_log().unsaved;
	ck_assert_uint_eq(owed, 5000);
	before = f;
	free_disk(dir);
	log_open(&f, dir, &options);
	add(300);
	/* It is long since it has tried. */
	before.writer->tried_at = 0;
	ck_assert_int_eq(ct_log_wake_due(before.writer), -1);
	ct_log_wake_now(before.writer);
	add(30);
	log_exit(&f, 0);
	log_close(&f);
	log_close(&before);
	tally(dir, &bytes, &gaps);
	ck_assert_uint_eq(bytes, 1330);
	ck_assert_uint_eq(gaps, 5000);
}

START_TEST(who_has_ended_its_run_puts_nothing_on_disk_any_more)
{
	in_small_disk("size=1m", start_again_beside_a_writer_that_is_over);
}
END_TEST

START_TEST(a_deleted_log_is_complained_of)
{
	struct timespec until_it_looks = { .tv_nsec = 10000000 };

	log_open(&f, fixture_dir(), NULL);
	add(1000);
	ck_assert_int_eq(unlinkat(fixture_dir(), "log.0", 0), 0);
	for (int i = 0; i < 1000 && !state_of_log().warnings; i++) {
		nanosleep(&until_it_looks, NULL);
		add(1000);
	}
	ck_assert_uint_eq(state_of_log().warnings, CT_WARN_DELETED);
	log_close(&f);
}
END_TEST

Suite *suite_log_state(void);
Suite *suite_log_state(void)
{
	Suite *s = suite_create("log_state");
	TCase *tc = tcase_create("warnings");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_the_end_of_a_run_has_lost_is_noted_by_the_next_that_finds_room);
	tcase_add_test(tc, who_has_ended_its_run_puts_nothing_on_disk_any_more);
	tcase_add_test(tc, a_deleted_log_is_complained_of);
	suite_add_tcase(s, tc);
	return s;
}
