/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers between create and start: complete or not, reserved or running, and what is read back
 * of them. Any user.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "container_fixture.h"

/* A complete container "web", as "create" leaves it. */
static void make_complete(struct world *w)
{
	world_open(w);
	container_create("web", w->id);
	container_find(&w->store, &w->arena, "web", &w->c);
	ck_assert_int_eq(ct_container_complete(&w->c, &w->err), 0);
}

static void find_again(struct world *w)
{
	ct_container_close(&w->c);
	container_find(&w->store, &w->arena, "web", &w->c);
}

START_TEST(a_complete_container_is_created_when_its_creator_has_gone)
{
	struct world autoworld w;

	world_open(&w);
	container_create("web", w.id);
	container_assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
	find_again(&w);
	ck_assert_int_eq(ct_container_complete(&w.c, &w.err), 0);
	container_assert_state("web", CT_STATE_CREATED, NULL);
}
END_TEST

START_TEST(completing_twice_is_completing)
{
	struct world autoworld w;

	make_complete(&w);
	ck_assert_int_eq(ct_container_complete(&w.c, &w.err), 0);
	container_assert_state("web", CT_STATE_CREATED, NULL);
}
END_TEST

START_TEST(a_start_that_was_cut_short_leaves_a_complete_container_created)
{
	struct ct_status starting = { .state = CT_STATUS_STARTING, .monitor_pid = 1 };
	struct world autoworld w;

	make_complete(&w);
	container_set_status(w.id, &starting);
	container_assert_state("web", CT_STATE_CREATED, NULL);
}
END_TEST

START_TEST(an_exit_counts_more_than_completeness)
{
	struct ct_status exited = container_exited(5);
	struct world autoworld w;

	make_complete(&w);
	container_set_status(w.id, &exited);
	container_assert_state("web", CT_STATE_STOPPED, NULL);
}
END_TEST

START_TEST(created_and_ended_containers_can_be_reserved)
{
	struct ct_status exited = container_exited(5);
	struct world autoworld w;

	make_complete(&w);
	find_again(&w);
	ck_assert_int_eq(ct_container_reserve(&w.c, false, &w.err), 0);
	ck_assert_int_eq(w.c.state, CT_STATE_CREATED);
	find_again(&w);
	container_set_status(w.id, &exited);
	ck_assert_int_eq(ct_container_reserve(&w.c, false, &w.err), 0);
	ck_assert_int_eq(w.c.state, CT_STATE_STOPPED);
	ck_assert(ct_container_has_creator(w.c.dir));
}
END_TEST

START_TEST(a_running_container_cannot_be_reserved)
{
	struct world autoworld w;

	make_complete(&w);
	w.monitor = fake_monitor_start(w.id, FAKE_ENDS_ON_TERM);
	find_again(&w);
	ck_assert_int_eq(ct_container_reserve(&w.c, false, &w.err), -EALREADY);
	ck_assert_str_eq(w.err.what, "container web is running");
}
END_TEST

START_TEST(the_remains_of_a_start_cannot_be_reserved)
{
	struct world autoworld w;

	world_open(&w);
	container_create("web", w.id);
	find_again(&w);
	ck_assert_int_eq(ct_container_reserve(&w.c, false, &w.err), -EIO);
	ck_err(&w.err, EIO, "container web cannot be started (damaged: its start was interrupted) "
			    "(cattach rm -f web)");
}
END_TEST

START_TEST(the_configuration_is_read_back)
{
	struct ct_spec *spec;
	struct world autoworld w;

	make_complete(&w);
	w.c.meta.default_seccomp = true;
	ck_assert_int_eq(ct_container_spec(&w.c, &w.arena, &spec, &w.err), 0);
	ck_assert(spec->default_seccomp);
	ck_assert(!spec->process->keep_groups);
	w.c.meta.keep_groups = true;
	ck_assert_int_eq(ct_container_spec(&w.c, &w.arena, &spec, &w.err), 0);
	ck_assert(spec->process->keep_groups);
	ck_assert_str_eq(spec->process->args.items[0], "sh");
}
END_TEST

START_TEST(a_damaged_configuration_is_named_with_its_place)
{
	struct ct_spec *spec;
	struct world autoworld w;
	int fd;

	make_complete(&w);
	fd = openat(w.c.dir, "config.json", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "{\n \"root\": 5 }", 14), 14);
	close(fd);
	ck_assert_int_lt(ct_container_spec(&w.c, &w.arena, &spec, &w.err), 0);
	ck_assert_ptr_nonnull(strstr(w.err.where, "web: config.json:"));
}
END_TEST

START_TEST(the_host_name_is_the_short_id_unless_there_is_one)
{
	struct ct_spec *spec;
	struct world autoworld w;
	char variable[64];

	make_complete(&w);
	ck_assert_int_eq(ct_spec_default(&w.arena, true, &spec, &w.err), 0);
	spec->hostname = NULL;
	ck_assert_int_eq(ct_container_set_hostname(&w.c.meta, &w.arena, spec, &w.err), 0);
	ck_assert_int_eq(strlen(spec->hostname), CT_SHORT_ID_LENGTH);
	ck_assert(!strncmp(spec->hostname, w.id, CT_SHORT_ID_LENGTH));
	snprintf(variable, sizeof(variable), "HOSTNAME=%s", spec->hostname);
	ck_assert_str_eq(spec->process->env.items[spec->process->env.count - 1], variable);
	spec->hostname = "box";
	w.c.meta.bundle = "/b";
	ck_assert_int_eq(ct_container_set_hostname(&w.c.meta, &w.arena, spec, &w.err), 0);
	ck_assert_str_eq(spec->hostname, "box");
	ck_assert_str_eq(spec->process->env.items[spec->process->env.count - 1], variable);
}
END_TEST

START_TEST(the_record_says_how_the_log_is_kept_and_whose_size_counts)
{
	static const struct {
		const char *word;
		enum ct_size_policy policy;
	} words[] = {
		{ NULL, CT_SIZE_LATEST }, { "latest", CT_SIZE_LATEST }, { "smallest", CT_SIZE_SMALLEST },
		{ "largest", CT_SIZE_LARGEST }, { "none", CT_SIZE_NONE },
	};
	struct ct_meta meta = { .log_max_size = 1 << 20, .log_max_files = 3, .log_driver = "none" };
	struct ct_start_options options = { 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		meta.size_policy = words[i].word;
		ct_container_start_options(&meta, &options);
		ck_assert_int_eq(options.size_policy, words[i].policy);
	}
	ck_assert_uint_eq(options.log.max_size, 1 << 20);
	ck_assert_uint_eq(options.log.max_files, 3);
	ck_assert(options.log.memory);
	meta.log_max_size = 1;
	ct_container_start_options(&meta, &options);
	ck_assert_uint_eq(options.log.max_size, 256 * 1024);
	meta.log_max_size = 0;
	ct_container_start_options(&meta, &options);
	ck_assert_uint_eq(options.log.max_size, 0);
	meta.log_driver = "native";
	ct_container_start_options(&meta, &options);
	ck_assert(!options.log.memory);
}
END_TEST

/* ---- while another command removes it ---- */

/* One who has taken the first files away and holds the lock. */
START_TEST(what_is_being_removed_is_no_container_any_more)
{
	struct ct_container_list list;
	struct world autoworld w;
	int ct_autofd remover = -1;

	make_complete(&w);
	remover = openat(w.c.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(ct_container_mark_creator(remover), 0);
	ck_assert_int_eq(unlinkat(w.c.dir, "lock", 0), 0);
	ck_assert_int_eq(unlinkat(w.c.dir, "created", 0), 0);
	ct_container_close(&w.c);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, w.id, &w.c, &w.err), -ENOENT);
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 0);
	/* killed half-way: what is left is shown, and can be removed */
	ct_drop_fd(&remover);
	container_assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
}
END_TEST

START_TEST(what_was_removed_since_it_was_opened_is_not_damaged)
{
	struct ct_probe probe;
	struct world autoworld w;

	make_complete(&w);
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	ck_assert_int_eq(ct_container_probe(&w.c, &probe, &w.err), 0);
	ck_assert(probe.going);
}
END_TEST

/* Look without a pause until it is gone; a look that shares the lock never makes a remover go on
 * unseen. */
static void watch_removal(struct world *w, int round)
{
	int r = 0;

	while (r == 0) {
		struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
		struct ct_arena ct_autoarena arena = { 0 };

		container_arena(&arena);
		r = ct_container_find(&w->store, &arena, w->id, &c, &w->err);
		ck_assert_msg(r == 0 || r == -ENOENT, "round %d: %s", round, w->err.what);
		ck_assert_msg(r < 0 || c.state != CT_STATE_DAMAGED, "round %d: %s", round,
			      c.damage);
	}
}

START_TEST(a_removal_is_never_taken_for_damage)
{
	struct world autoworld w;

	world_open(&w);
	for (int i = 0; i < 50; i++) {
		pid_t child;

		container_create("web", w.id);
		container_find(&w.store, &w.arena, "web", &w.c);
		ck_assert_int_eq(ct_container_complete(&w.c, &w.err), 0);
		child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			_exit(ct_container_remove(&w.store, &w.c, false, &w.err) < 0);
		watch_removal(&w, i);
		ct_container_close(&w.c);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
	}
}
END_TEST

Suite *suite_created(void);
Suite *suite_created(void)
{
	Suite *s = suite_create("created");
	TCase *state = tcase_create("complete"), *reserve = tcase_create("reserve");
	TCase *back = tcase_create("read back"), *removal = tcase_create("removal");

	tcase_add_checked_fixture(state, fixture_setup, fixture_teardown);
	tcase_add_test(state, a_complete_container_is_created_when_its_creator_has_gone);
	tcase_add_test(state, completing_twice_is_completing);
	tcase_add_test(state, a_start_that_was_cut_short_leaves_a_complete_container_created);
	tcase_add_test(state, an_exit_counts_more_than_completeness);
	suite_add_tcase(s, state);
	tcase_add_checked_fixture(reserve, fixture_setup, fixture_teardown);
	tcase_add_test(reserve, created_and_ended_containers_can_be_reserved);
	tcase_add_test(reserve, a_running_container_cannot_be_reserved);
	tcase_add_test(reserve, the_remains_of_a_start_cannot_be_reserved);
	suite_add_tcase(s, reserve);
	tcase_add_checked_fixture(back, fixture_setup, fixture_teardown);
	tcase_add_test(back, the_configuration_is_read_back);
	tcase_add_test(back, a_damaged_configuration_is_named_with_its_place);
	tcase_add_test(back, the_host_name_is_the_short_id_unless_there_is_one);
	tcase_add_test(back, the_record_says_how_the_log_is_kept_and_whose_size_counts);
	suite_add_tcase(s, back);
	tcase_add_checked_fixture(removal, fixture_setup, fixture_teardown);
	tcase_add_test(removal, what_is_being_removed_is_no_container_any_more);
	tcase_add_test(removal, what_was_removed_since_it_was_opened_is_not_damaged);
	tcase_add_test(removal, a_removal_is_never_taken_for_damage);
	suite_add_tcase(s, removal);
	return s;
}
