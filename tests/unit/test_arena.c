/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: zeroed, aligned, bounded memory that goes away at once, and the lists in it. Runs
 * unprivileged; one test lowers the limit on its own address space.
 */
#include <cattach/arena.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <check.h>

#include "fixture.h"

static struct ct_arena arena;

static void open_arena(void)
{
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void close_arena(void)
{
	ct_arena_close(&arena);
}

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	char *last = NULL;
	size_t last_size = 0;

	for (size_t size = 0; size < 200; size++) {
		char *p = ct_arena_alloc(&arena, size);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		ck_assert(!last || p >= last + (last_size ? last_size : 1));
		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(p[i], 0);
		memset(p, 0xff, size);
		last = p;
		last_size = size;
	}
}
END_TEST

START_TEST(what_does_not_fit_is_refused_and_the_rest_still_works)
{
	volatile size_t most = SIZE_MAX;	/* or the compiler refuses it before we can */

	errno = 0;
	ck_assert_ptr_null(ct_arena_alloc(&arena, most));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(ct_arena_alloc(&arena, most - 15));
	ck_assert_ptr_null(ct_arena_alloc(&arena, arena.size + 1));
	ck_assert_ptr_null(ct_arena_calloc(&arena, SIZE_MAX / 2, 4));
	ck_assert_ptr_null(ct_arena_calloc(&arena, (size_t)1 << 32, (size_t)1 << 32));
	ck_assert_ptr_nonnull(ct_arena_alloc(&arena, arena.size));
	ck_assert_ptr_null(ct_arena_alloc(&arena, 1));
	ck_assert_uint_le(arena.used, arena.size);
}
END_TEST

START_TEST(the_last_byte_can_be_used)
{
	char *p = ct_arena_alloc(&arena, arena.size - 5);

	ck_assert_ptr_nonnull(p);
	p[arena.size - 6] = 'x';
	ck_assert_ptr_null(ct_arena_strdup(&arena, "x"));
	ck_assert_ptr_null(ct_arena_printf(&arena, "%d", 1));
}
END_TEST

START_TEST(strings_are_copied)
{
	char *text = ct_arena_printf(&arena, "%s-%05d", "id", 42);
	char big[5000];

	ck_assert_str_eq(ct_arena_strdup(&arena, "abc"), "abc");
	ck_assert_str_eq(ct_arena_strdup(&arena, ""), "");
	ck_assert_str_eq(ct_arena_strndup(&arena, "abcdef", 3), "abc");
	ck_assert_str_eq(ct_arena_strndup(&arena, "ab", 3), "ab");
	ck_assert_str_eq(ct_arena_strndup(&arena, "ab", 0), "");
	ck_assert_str_eq(text, "id-00042");
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ck_assert_str_eq(ct_arena_printf(&arena, "%s", big), big);
}
END_TEST

START_TEST(a_list_grows_keeps_its_strings_and_ends_in_null)
{
	struct ct_strings list = { 0 }, other = { 0 };
	size_t before;

	for (size_t i = 0; i < 3000; i++) {
		char *s = ct_arena_printf(&arena, "%zu", i);

		ck_assert_int_eq(ct_strings_add(&arena, &list, s), 0);
		/* A neighbour right behind would suffer if the list took more than its own. */
		ck_assert_int_eq(ct_strings_add(&arena, &other, "other"), 0);
		ck_assert_uint_eq(list.count, i + 1);
		ck_assert_ptr_null(list.items[list.count]);
		ck_assert_ptr_null(other.items[other.count]);
	}
	for (size_t i = 0; i < list.count; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%zu", i);
		ck_assert_str_eq(list.items[i], expected);
		ck_assert_str_eq(other.items[i], "other");
	}
	/* Amortised: with room left, an append costs no memory. */
	before = arena.used;
	ck_assert_int_eq(ct_strings_add(&arena, &list, "more"), 0);
	ck_assert_uint_eq(arena.used, before);
}
END_TEST

START_TEST(a_list_that_finds_no_memory_stays_as_it_was)
{
	struct ct_strings list = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ct_strings_add(&arena, &list, "x"), 0);
	ck_assert_ptr_nonnull(ct_arena_alloc(&arena, arena.size - arena.used - 32));
	ck_assert_int_eq(ct_strings_add(&arena, &list, "y"), -ENOMEM);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_ptr_null(list.items[3]);
}
END_TEST

START_TEST(a_closed_arena_gives_nothing_and_closes_again)
{
	struct ct_arena zeroed = { 0 };
	void *base = arena.base;

	errno = EXDEV;
	ct_arena_close(&arena);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_ptr_null(arena.base);
	ck_assert_int_eq(msync(base, 4096, MS_ASYNC), -1);	/* ENOMEM: not mapped */
	ck_assert_ptr_null(ct_arena_alloc(&arena, 1));
	ct_arena_close(&arena);
	ct_arena_close(&zeroed);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__	/* which cannot live with such a limit itself */
START_TEST(missing_address_space_is_an_error_with_a_way_out)
{
	struct rlimit limit = { 32 << 20, 32 << 20 };
	struct ct_arena other = { .size = 7 };
	struct ct_err err;

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_int_eq(ct_arena_open(&other, &err), -ENOMEM);
	ck_err(&err, ENOMEM, "cannot reserve 64 MiB of address space: Cannot allocate memory "
	       "(raise the limit on address space: ulimit -v unlimited)");
	ck_assert_uint_eq(other.size, 7);
	ck_assert_int_eq(ct_fail_nomem(&err), -ENOMEM);
	ck_err(&err, ENOMEM, "out of memory: more than 64 MiB would be needed");
}
END_TEST
#endif

START_TEST(untouched_address_space_costs_no_memory)
{
	unsigned char resident[16];

	ck_assert_ptr_nonnull(ct_arena_alloc(&arena, 1 << 20));
	ck_assert_int_eq(mincore(arena.base + (1 << 19), 16 * 4096, resident), 0);
	for (size_t i = 0; i < sizeof(resident); i++)
		ck_assert_int_eq(resident[i] & 1, 0);
}
END_TEST

Suite *suite_arena(void);
Suite *suite_arena(void)
{
	Suite *s = suite_create("arena");
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, open_arena, close_arena);
	tcase_add_test(tc, memory_is_zeroed_aligned_and_apart);
	tcase_add_test(tc, what_does_not_fit_is_refused_and_the_rest_still_works);
	tcase_add_test(tc, the_last_byte_can_be_used);
	tcase_add_test(tc, strings_are_copied);
	tcase_add_test(tc, a_list_grows_keeps_its_strings_and_ends_in_null);
	tcase_add_test(tc, a_list_that_finds_no_memory_stays_as_it_was);
	tcase_add_test(tc, a_closed_arena_gives_nothing_and_closes_again);
	tcase_add_test(tc, untouched_address_space_costs_no_memory);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tc, missing_address_space_is_an_error_with_a_way_out);
#endif
	suite_add_tcase(s, tc);
	return s;
}
