/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the payload to the log: what is read when. Small writes gather while they come fast, a lone
 * one never waits, nor does what may be the echo of a key. Where time matters, the monitor's own
 * notes about it are set, not slept for.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "monitor_fixture.h"

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

/* Bytes of payload in the log by now. */
static uint64_t logged(void)
{
	const struct ct_page *page;
	struct ct_err err = { 0 };
	uint64_t bytes;

	ck_assert_int_eq(ct_page_map(ct_log_page(l.log), &page, &err), 0);
	bytes = page->payload;
	ct_page_unmap(page);
	return bytes;
}

static void write_text(const char *text)
{
	ck_assert_int_eq(write(l.out, text, strlen(text)), (ssize_t)strlen(text));
}

/* What is ready now, and nothing that is due later. */
static void turn_now(void)
{
	while (ct_monitor_turn(l.m, 0) > 0)
		continue;
}

/* Little was read just now: the next that is little is the second of a storm. */
static void begin_storm(void)
{
	write_text("one\n");
	turn_now();
	l.m->out[0].small = ct_now_monotonic();
	write_text("two\n");
	turn_now();
}

START_TEST(a_lone_write_is_logged_at_once)
{
	loop_open(&l);
	for (int i = 0; i < 5; i++) {
		/* The last one is long ago. */
		l.m->out[0].small = 1;
		write_text("line\n");
		turn_now();
		ck_assert_uint_eq(logged(), 5 * (unsigned)(i + 1));
		ck_assert_uint_eq(l.m->out[0].until, 0);
	}
}
END_TEST

START_TEST(what_follows_fast_gathers_and_comes_when_it_is_due)
{
	loop_open(&l);
	begin_storm();
	/* Both are logged; the pipe is left alone from here. */
	ck_assert_uint_eq(logged(), 8);
	ck_assert_uint_gt(l.m->out[0].until, 0);
	ck_assert(!l.m->out[0].armed);
	l.m->out[0].until = UINT64_MAX;
	for (int i = 0; i < 100; i++)
		write_text("more\n");
	turn_now();
	ck_assert_uint_eq(logged(), 8);
	l.m->out[0].until = 1;
	ck_assert_int_eq(ct_output_timeout(l.m), 0);
	turn_now();
	ck_assert_uint_eq(logged(), 508);
}
END_TEST

START_TEST(the_other_stream_is_not_left_alone_with_it)
{
	int err[2];

	loop_open(&l);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	if (l.m->out[1].fd >= 0)
		close(l.m->out[1].fd);
	l.m->out[1].fd = err[0];
	l.m->out[1].armed = false;
	ct_output_open(l.m, &l.m->out[1]);
	begin_storm();
	l.m->out[0].until = UINT64_MAX;
	ck_assert_int_eq(write(err[1], "error", 5), 5);
	turn_now();
	ck_assert_uint_eq(logged(), 13);
	/* Its end closes the monitor's side. */
	close(err[1]);
	l.m->out[1].until = 0;
	ct_output_hold(l.m, 0, false);
	turn_now();
	ck_assert_int_lt(l.m->out[1].fd, 0);
}
END_TEST

START_TEST(much_at_a_time_is_never_left_to_gather)
{
	static char data[8192];

	loop_open(&l);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(write(l.out, data, sizeof(data)), sizeof(data));
		turn_now();
		ck_assert_uint_eq(l.m->out[0].until, 0);
	}
	ck_assert_uint_eq(logged(), 10 * sizeof(data));
}
END_TEST

START_TEST(nothing_gathers_while_somebody_types)
{
	loop_open(&l);
	l.m->last_input = ct_now_monotonic();
	begin_storm();
	/* The test may have been slow; then it was right to wait. */
	if (ct_now_monotonic() - l.m->last_input < 10000000)
		ck_assert_uint_eq(l.m->out[0].until, 0);
	l.m->last_input = 1;
	l.m->out[0].until = 0;
	begin_storm();
	ck_assert_uint_gt(l.m->out[0].until, 0);
}
END_TEST

START_TEST(a_small_pipe_is_never_left_alone)
{
	loop_open(&l);
	ck_assert_int_gt(fcntl(l.out, F_SETPIPE_SZ, 4096), 0);
	ct_output_open(l.m, &l.m->out[0]);
	begin_storm();
	ck_assert_uint_eq(l.m->out[0].until, 0);
	ck_assert_uint_eq(logged(), 8);
}
END_TEST

START_TEST(what_gathers_is_logged_before_the_end)
{
	loop_open(&l);
	begin_storm();
	l.m->out[0].until = UINT64_MAX;
	write_text("last words");
	close(l.out);
	l.out = -1;
	/* The payload has ended: nothing is waited for any more. */
	l.m->exited = true;
	for (int i = 0; i < 10 && l.m->out[0].fd >= 0; i++)
		ct_monitor_turn(l.m, 0);
	ck_assert_int_lt(l.m->out[0].fd, 0);
	ck_assert_uint_eq(logged(), 18);
}
END_TEST

START_TEST(what_is_held_for_a_client_is_not_read_when_its_time_has_come)
{
	loop_open(&l);
	begin_storm();
	ct_output_hold(l.m, HOLD_LAG, true);
	l.m->out[0].until = 1;
	write_text("held");
	turn_now();
	ck_assert_uint_eq(logged(), 8);
	ct_output_hold(l.m, HOLD_LAG, false);
	turn_now();
	ck_assert_uint_eq(logged(), 12);
}
END_TEST

START_TEST(a_wake_up_that_is_held_back_is_what_the_loop_waits_for)
{
	loop_open(&l);
	for (int i = 0; i < 1000 && ct_log_wake_due(l.log) < 0; i++)
		ct_log_note(l.log, CT_NOTE_RESIZE, 1, 0);
	ck_assert_int_ge(ct_output_timeout(l.m), 0);
	/* The loop turns once for it, by itself. */
	ct_monitor_turn(l.m, 1000);
	ck_assert_int_eq(ct_log_wake_due(l.log), -1);
}
END_TEST

START_TEST(a_terminal_is_read_to_the_last_byte)
{
	static char data[3000];

	l.config.tty = true;
	loop_open(&l);
	memset(data, 'x', sizeof(data));
	ck_assert_int_eq(write(l.out, data, sizeof(data)), sizeof(data));
	/* The kernel hands it over when it gets to it. */
	for (int i = 0; i < 100 && logged() < sizeof(data); i++)
		ct_monitor_turn(l.m, 100);
	ck_assert_uint_eq(logged(), sizeof(data));
}
END_TEST

START_TEST(a_turn_for_what_was_due_is_no_sign_of_quiet)
{
	loop_open(&l);
	turn_now();
	begin_storm();
	l.m->out[0].until = 1;
	ck_assert_int_gt(ct_monitor_turn(l.m, 1), 0);
}
END_TEST

/* Of the memory that a frame is put together in. */
static int pages_present(void)
{
	unsigned char present[CT_FRAME_MAX / 4096];
	int count = 0;

	/* Which begins a page with what the payload writes: copying to there is fastest. */
	ck_assert_int_eq(mincore(l.m->frame + CT_FRAME_HEADER, sizeof(present) * 4096, present), 0);
	for (size_t i = 0; i < sizeof(present); i++)
		count += present[i] & 1;
	return count;
}

START_TEST(much_output_leaves_memory_to_give_back_and_little_does_not)
{
	static char data[60000];

	loop_open(&l);
	write_text("little");
	turn_now();
	ck_assert_int_eq(l.m->untidy, 0);
	ck_assert_int_eq(write(l.out, data, sizeof(data)), sizeof(data));
	turn_now();
	ck_assert_int_eq(l.m->untidy, 1);
	ck_assert_int_ge(pages_present(), (int)sizeof(data) / 4096);
	ct_monitor_give_back_buffers(l.m);
	ck_assert_int_eq(pages_present(), 0);
	write_text("and more");
	turn_now();
	ck_assert_uint_eq(logged(), 6 + sizeof(data) + 8);
}
END_TEST

Suite *suite_output(void)
{
	Suite *s = suite_create("output");
	TCase *tc = tcase_create("output");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_lone_write_is_logged_at_once);
	tcase_add_test(tc, what_follows_fast_gathers_and_comes_when_it_is_due);
	tcase_add_test(tc, the_other_stream_is_not_left_alone_with_it);
	tcase_add_test(tc, much_at_a_time_is_never_left_to_gather);
	tcase_add_test(tc, nothing_gathers_while_somebody_types);
	tcase_add_test(tc, a_small_pipe_is_never_left_alone);
	tcase_add_test(tc, what_gathers_is_logged_before_the_end);
	tcase_add_test(tc, what_is_held_for_a_client_is_not_read_when_its_time_has_come);
	tcase_add_test(tc, a_wake_up_that_is_held_back_is_what_the_loop_waits_for);
	tcase_add_test(tc, a_terminal_is_read_to_the_last_byte);
	tcase_add_test(tc, a_turn_for_what_was_due_is_no_sign_of_quiet);
	tcase_add_test(tc, much_output_leaves_memory_to_give_back_and_little_does_not);
	suite_add_tcase(s, tc);
	return s;
}
