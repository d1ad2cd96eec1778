/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that wait for a start, and the start that connects to them. Any user.
 */
#include "container/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container/record.h"
#include "container_fixture.h"

/* A container that is created, and one who waits for it. */
static void make_waiter(struct world *w, struct ct_waiter *waiter)
{
	setenv("XDG_RUNTIME_DIR", fixture_path(), 1);
	world_open(w);
	container_create("web", w->id);
	container_find(&w->store, &w->arena, "web", &w->c);
	ck_assert_int_eq(ct_container_complete(&w->c, &w->err), 0);
	ck_assert_msg(ct_waiter_open(&w->store, &w->c, waiter, &w->err) == 0, "%s: %s", w->err.where,
		      w->err.what);
}

static bool is_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, 0) > 0;
}

START_TEST(who_starts_is_connected_to_who_waits)
{
	struct ct_waiter waiter;
	struct world autoworld w;
	int fds[CT_WAITERS_MAX], sock;
	char byte = 0;

	make_waiter(&w, &waiter);
	ck_assert_int_eq(ct_waiter_accept(&waiter), -EAGAIN);
	/* nobody answers, for we are both: that must not take longer than a second */
	ck_assert_uint_eq(ct_waiters_connect(waiter.dir, fds), 1);
	sock = ct_waiter_accept(&waiter);
	ck_assert_int_ge(sock, 0);
	ck_assert_int_eq(send(fds[0], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(sock, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
	close(sock);
	close(fds[0]);
	ct_waiter_close(&waiter);
}
END_TEST

START_TEST(a_stopped_one_keeps_the_start_waiting_for_a_second_only)
{
	struct ct_waiter waiter;
	struct world autoworld w;
	int fds[CT_WAITERS_MAX];
	uint64_t before;

	make_waiter(&w, &waiter);
	before = ct_now_monotonic();
	ck_assert_uint_eq(ct_waiters_connect(waiter.dir, fds), 1);
	ck_assert_uint_lt(ct_now_monotonic() - before, 3 * CT_SECOND);
	close(fds[0]);
	ct_waiter_close(&waiter);
}
END_TEST

START_TEST(closing_leaves_nothing)
{
	struct ct_waiter waiter;
	struct world autoworld w;
	int fds[CT_WAITERS_MAX], dir;

	make_waiter(&w, &waiter);
	dir = dup(waiter.dir);
	ct_waiter_close(&waiter);
	ck_assert_int_eq(waiter.listener, -1);
	ck_assert_uint_eq(ct_waiters_connect(dir, fds), 0);
	ck_assert_int_eq(unlinkat(w.store.runtime, w.id, AT_REMOVEDIR), 0);
	close(dir);
}
END_TEST

START_TEST(the_socket_of_one_that_was_killed_is_taken_away)
{
	struct ct_waiter waiter;
	struct world autoworld w;
	int fds[CT_WAITERS_MAX];

	make_waiter(&w, &waiter);
	ct_drop_fd(&waiter.listener);
	ck_assert_int_eq(faccessat(waiter.dir, waiter.name, F_OK, 0), 0);
	ck_assert_uint_eq(ct_waiters_connect(waiter.dir, fds), 0);
	ck_assert_int_lt(faccessat(waiter.dir, waiter.name, F_OK, 0), 0);
	ct_waiter_close(&waiter);
}
END_TEST

START_TEST(changes_and_the_removal_of_the_container_are_seen)
{
	struct ct_status exited = container_exited(0);
	struct ct_waiter waiter;
	struct world autoworld w;

	make_waiter(&w, &waiter);
	ck_assert(!is_readable(waiter.watch));
	container_set_status(w.id, &exited);
	ck_assert(is_readable(waiter.watch));
	ct_waiter_drain(&waiter);
	ck_assert(!is_readable(waiter.watch));
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	ck_assert(is_readable(waiter.watch));
	ct_waiter_close(&waiter);
}
END_TEST

START_TEST(nobody_waits_where_there_is_no_directory)
{
	int fds[CT_WAITERS_MAX];

	ck_assert_uint_eq(ct_waiters_connect(-1, fds), 0);
}
END_TEST

Suite *suite_waiter(void);
Suite *suite_waiter(void)
{
	Suite *s = suite_create("waiter");
	TCase *tc = tcase_create("waiter");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, who_starts_is_connected_to_who_waits);
	tcase_add_test(tc, a_stopped_one_keeps_the_start_waiting_for_a_second_only);
	tcase_add_test(tc, closing_leaves_nothing);
	tcase_add_test(tc, the_socket_of_one_that_was_killed_is_taken_away);
	tcase_add_test(tc, changes_and_the_removal_of_the_container_are_seen);
	tcase_add_test(tc, nobody_waits_where_there_is_no_directory);
	suite_add_tcase(s, tc);
	return s;
}
