/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: claimed once however many want them, taken over only from what is gone, generated so that
 * they are names. Runs as any user.
 */
#include "container/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/num.h>

#include "container_fixture.h"

#define CHILDREN 16
#define ROUNDS 20
#define RACERS 3
#define STALE_ROUNDS 2000

static void id_of(unsigned number, char id[CT_CONTAINER_ID_LENGTH + 1])
{
	snprintf(id, CT_CONTAINER_ID_LENGTH + 1, "%064x", number);
}

START_TEST(a_name_leads_to_the_id_that_claimed_it)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], found[CT_CONTAINER_ID_LENGTH + 1], name[64];

	id_of(1, id);
	container_store(&store);
	ck_assert_int_eq(mkdirat(store.containers, id, 0700), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "web", found), -ENOENT);
	ck_assert_int_eq(ct_name_claim(&store, "web", id), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "web", found), 0);
	ck_assert_str_eq(found, id);
	ck_assert_int_eq(ct_name_of_id(&store, id, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "web");
	ck_assert_int_eq(ct_name_claim(&store, "web", id), -EEXIST);
}
END_TEST

START_TEST(only_its_holder_releases_a_name)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], other[CT_CONTAINER_ID_LENGTH + 1];
	char found[CT_CONTAINER_ID_LENGTH + 1];

	id_of(1, id);
	id_of(2, other);
	container_store(&store);
	ck_assert_int_eq(ct_name_claim(&store, "web", id), 0);
	ck_assert_int_eq(ct_name_release(&store, "web", other), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "web", found), 0);
	ck_assert_int_eq(ct_name_release(&store, "web", id), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "web", found), -ENOENT);
	ck_assert_int_eq(ct_name_release(&store, "web", id), 0);
}
END_TEST

START_TEST(a_name_whose_container_is_gone_is_taken_over)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], other[CT_CONTAINER_ID_LENGTH + 1];
	char found[CT_CONTAINER_ID_LENGTH + 1];

	id_of(1, id);
	id_of(2, other);
	container_store(&store);
	ck_assert_int_eq(ct_name_claim(&store, "web", id), 0);
	ck_assert_int_eq(ct_name_claim(&store, "web", other), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "web", found), 0);
	ck_assert_str_eq(found, other);
	/* A link that leads nowhere that could be a container is as good as gone. */
	ck_assert_int_eq(symlinkat("/etc/passwd", store.names, "odd"), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "odd", found), -EINVAL);
	ck_assert_int_eq(ct_name_claim(&store, "odd", id), 0);
}
END_TEST

START_TEST(every_digit_of_an_id_is_in_the_link_that_fits_an_inode)
{
	static const char digits[] = "0123456789abcdef";
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], found[CT_CONTAINER_ID_LENGTH + 1], text[128];

	container_store(&store);
	for (int round = 0; round < 64; round++) {
		ssize_t length;

		/* Each digit is at each place once in a while, and no two places go together. */
		for (int i = 0; i < CT_CONTAINER_ID_LENGTH; i++)
			id[i] = digits[(i * 7 + round * (i % 5 + 1) + round / 16) % 16];
		id[CT_CONTAINER_ID_LENGTH] = '\0';
		ck_assert_int_eq(ct_name_claim(&store, "web", id), 0);
		ck_assert_int_eq(ct_name_lookup(&store, "web", found), 0);
		ck_assert_str_eq(found, id);
		length = readlinkat(store.names, "web", text, sizeof(text));
		ck_assert_int_gt(length, CT_SHORT_ID_LENGTH);
		ck_assert_int_lt(length, 60);
		ck_assert_int_eq(memcmp(text, id, CT_SHORT_ID_LENGTH), 0);
		ck_assert_int_eq(ct_name_release(&store, "web", id), 0);
	}
}
END_TEST

START_TEST(links_with_the_whole_id_are_understood_and_odd_ones_are_not)
{
	static const char *const odd[] = {
		".", "0123456789ab", "0123456789ab.", "nowhere", "/etc/passwd",
		"0123456789ab.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAg", /* no last digit */
		"0123456789ab.AAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAA0", /* not of the alphabet */
		"0123456789aB.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0",
		"0123456789ab-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0",
		"0123456789ab.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0",
	};
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], found[CT_CONTAINER_ID_LENGTH + 1];

	id_of(0xabcdef, id);
	container_store(&store);
	ck_assert_int_eq(symlinkat(id, store.names, "old"), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "old", found), 0);
	ck_assert_str_eq(found, id);
	ck_assert_int_eq(symlinkat("0123456789ab.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0",
				   store.names, "good"), 0);
	ck_assert_int_eq(ct_name_lookup(&store, "good", found), 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ck_assert_int_eq(symlinkat(odd[i], store.names, "odd"), 0);
		ck_assert_msg(ct_name_lookup(&store, "odd", found) == -EINVAL, "%s", odd[i]);
		ck_assert_int_eq(unlinkat(store.names, "odd", 0), 0);
	}
}
END_TEST

START_TEST(what_is_no_link_is_not_removed_for_a_name)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];

	id_of(1, id);
	container_store(&store);
	fixture_file("cattach/names/file", "x");
	ck_assert_int_eq(mkdirat(store.names, "dir", 0700), 0);
	ck_assert_int_eq(ct_name_claim(&store, "file", id), -EEXIST);
	ck_assert_int_eq(ct_name_claim(&store, "dir", id), -EEXIST);
	ck_assert_int_eq(ct_name_of_id(&store, id, (char[8]){ 0 }, 8), -ENOENT);
}
END_TEST

/* In a child: claim the name for an id of its own; the exit status says who won. */
static void claim_and_exit(unsigned number, const char *name, int go)
{
	struct ct_store store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1], byte;
	int r;

	id_of(number, id);
	container_store(&store);
	if (mkdirat(store.containers, id, 0700) < 0 || read(go, &byte, 1) != 0)
		_exit(99);
	r = ct_name_claim(&store, name, id);
	_exit(r == 0 ? 0 : r == -EEXIST ? 1 : 98);
}

static int count_winners(const char *name, unsigned base)
{
	pid_t children[CHILDREN];
	int go[2], status, winners = 0;

	ck_assert_int_eq(pipe(go), 0);
	for (unsigned i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0) {
			close(go[1]);
			claim_and_exit(base + i, name, go[0]);
		}
	}
	/* Its end is what they all wait for. */
	close(go[0]);
	close(go[1]);
	for (unsigned i = 0; i < CHILDREN; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert(WIFEXITED(status));
		ck_assert_int_le(WEXITSTATUS(status), 1);
		winners += WEXITSTATUS(status) == 0;
	}
	return winners;
}

START_TEST(of_many_who_claim_a_name_one_gets_it)
{
	char name[32];

	for (unsigned i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "round%u", i);
		ck_assert_int_eq(count_winners(name, 1 + i * CHILDREN), 1);
	}
}
END_TEST

/* What the racers share: they spin on the round, so that they all act within a microsecond. */
struct race {
	atomic_uint round, done, winners;
};

static void race_for_stale_names(struct race *race, unsigned racer)
{
	struct ct_store store = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];

	id_of(racer + 1, id);
	container_store(&store);
	if (mkdirat(store.containers, id, 0700) < 0)
		_exit(99);
	for (unsigned round = 1; round <= STALE_ROUNDS; round++) {
		while (atomic_load(&race->round) < round)
			sched_yield();
		if (ct_name_claim(&store, "stale", id) == 0)
			atomic_fetch_add(&race->winners, 1);
		atomic_fetch_add(&race->done, 1);
	}
	_exit(0);
}

START_TEST(of_many_who_find_a_stale_name_one_gets_it)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char stale[CT_CONTAINER_ID_LENGTH + 1];
	pid_t children[RACERS];
	int status;

	ck_assert(race != MAP_FAILED);
	id_of(0xdead, stale);
	container_store(&store);
	for (unsigned i = 0; i < RACERS; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0)
			race_for_stale_names(race, i);
	}
	for (unsigned round = 1; round <= STALE_ROUNDS; round++) {
		unlinkat(store.names, "stale", 0);
		ck_assert_int_eq(symlinkat(stale, store.names, "stale"), 0);
		atomic_store(&race->round, round);
		while (atomic_load(&race->done) < round * RACERS)
			sched_yield();
		ck_assert_uint_eq(atomic_load(&race->winners), round);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	munmap(race, sizeof(*race));
}
END_TEST

START_TEST(generated_names_are_names_of_two_words)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_err err;

	container_arena(&arena);
	for (unsigned i = 0; i < 2000; i++) {
		const char *name = ct_generate_name(&arena, i % 20);
		const char *underscore = strchr(name, '_');
		size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

		ck_assert_msg(ct_check_name(name, &err) == 0, "%s", name);
		ck_assert_ptr_nonnull(underscore);
		ck_assert_ptr_null(strchr(underscore + 1, '_'));
		ck_assert_msg(strspn(name + letters, "0123456789") == strlen(name + letters), "%s",
			      name);
		/* No digits at first, then some, at most nine. */
		ck_assert_uint_le(strlen(name + letters), i % 20 < 2 ? 0 : 9);
		ck_assert(i % 20 < 2 || name[letters]);
	}
}
END_TEST

START_TEST(generated_names_differ)
{
	struct ct_arena ct_autoarena arena = { 0 };
	const char *names[200];
	int same = 0;

	container_arena(&arena);
	for (unsigned i = 0; i < 200; i++) {
		names[i] = ct_generate_name(&arena, 0);
		for (unsigned j = 0; j < i; j++)
			same += strcmp(names[i], names[j]) == 0;
	}
	/* 19900 pairs out of 10000 names: two are expected to coincide, fifty never do. */
	ck_assert_int_lt(same, 50);
}
END_TEST

Suite *suite_names(void);
Suite *suite_names(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_name_leads_to_the_id_that_claimed_it);
	tcase_add_test(tc, only_its_holder_releases_a_name);
	tcase_add_test(tc, a_name_whose_container_is_gone_is_taken_over);
	tcase_add_test(tc, every_digit_of_an_id_is_in_the_link_that_fits_an_inode);
	tcase_add_test(tc, links_with_the_whole_id_are_understood_and_odd_ones_are_not);
	tcase_add_test(tc, what_is_no_link_is_not_removed_for_a_name);
	tcase_add_test(tc, of_many_who_claim_a_name_one_gets_it);
	tcase_add_test(tc, of_many_who_find_a_stale_name_one_gets_it);
	tcase_add_test(tc, generated_names_are_names_of_two_words);
	tcase_add_test(tc, generated_names_differ);
	suite_add_tcase(s, tc);
	return s;
}
