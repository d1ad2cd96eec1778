/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of containers that do not run, changed in their config.json: what is given changes, the rest
 * stays, and what is refused leaves the file as it was. For those that run see
 * tests/cli/cgroups_update.bats. Any user.
 */
#include <cattach/run.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "container/record.h"
#include "container_fixture.h"

#define MIB	(INT64_C(1) << 20)

static void make_web(struct world *w)
{
	struct ct_status exited = container_exited(0);

	world_open(w);
	container_create("web", w->id);
	container_set_status(w->id, &exited);
	container_find(&w->store, &w->arena, "web", &w->c);
}

static struct ct_cgroup_resources configured(struct world *w)
{
	struct ct_spec *spec;

	ck_assert_int_eq(ct_container_spec(&w->c, &w->arena, &spec, &w->err), 0);
	return spec->linux_.resources;
}

static int update(struct world *w, const struct ct_resource_options *options)
{
	const struct ct_update_options all = { .resources = *options };

	return ct_container_update(&w->c, &w->arena, &all, &w->err);
}

START_TEST(what_is_given_changes_and_the_rest_stays)
{
	const struct ct_resource_options first = { .memory = "64m", .pids_limit = "50" };
	const struct ct_resource_options second = { .memory = "128m", .cpus = "1.5" };
	struct world autoworld w;
	struct ct_cgroup_resources r;

	make_web(&w);
	ck_assert_msg(update(&w, &first) == 0, "%s", w.err.what);
	r = configured(&w);
	ck_assert_int_eq(r.memory, 64 * MIB);
	ck_assert_int_eq(r.pids, 50);
	ck_assert_int_eq(r.quota, 0);
	ck_assert_msg(update(&w, &second) == 0, "%s", w.err.what);
	r = configured(&w);
	ck_assert_int_eq(r.memory, 128 * MIB);
	ck_assert_int_eq(r.pids, 50);
	ck_assert_int_eq(r.quota, 150000);
}
END_TEST

START_TEST(what_is_refused_leaves_the_file_as_it_was)
{
	const struct ct_resource_options good = { .memory = "64m", .pids_limit = "50" };
	const struct ct_resource_options bad = { .memory = "1m", .pids_limit = "60" };
	const struct ct_resource_options unknown = { .oom_kill_disable = true, .pids_limit = "60" };
	static char before[65536], after[65536];
	struct world autoworld w;
	size_t size;

	make_web(&w);
	ck_assert_int_eq(update(&w, &good), 0);
	size = fixture_read(container_file(w.id, "config.json"), before, sizeof(before));
	ck_assert_int_eq(update(&w, &bad), -ERANGE);
	ck_assert_str_eq(w.err.where, "--memory");
	ck_assert_int_eq(update(&w, &unknown), -ENOTSUP);
	ck_assert_str_eq(w.err.where, "--oom-kill-disable");
	ck_assert_str_eq(w.err.hint, "leave it out");
	ck_assert_uint_eq(fixture_read(container_file(w.id, "config.json"), after, sizeof(after)), size);
	ck_assert_mem_eq(before, after, size);
}
END_TEST

/* Afterwards it is as the next command sees it: from the files. */
static void update_anew(struct world *w, const char *memory, const char *swap)
{
	const struct ct_resource_options options = { .memory = memory, .memory_swap = swap };

	ck_assert_msg(update(w, &options) == 0, "%s", w->err.what);
	ct_container_close(&w->c);
	container_find(&w->store, &w->arena, "web", &w->c);
}

START_TEST(a_limit_of_swap_that_somebody_has_set_stays)
{
	const struct ct_resource_options above = { .memory = "300m" };
	struct world autoworld w;

	make_web(&w);
	update_anew(&w, "64m", NULL);
	ck_assert_int_eq(configured(&w).swap, 128 * MIB);
	ck_assert(configured(&w).swap_by_default);
	update_anew(&w, "80m", NULL);
	ck_assert_int_eq(configured(&w).swap, 160 * MIB);
	update_anew(&w, NULL, "200m");
	ck_assert(!configured(&w).swap_by_default);
	update_anew(&w, "128m", NULL);
	ck_assert_int_eq(configured(&w).swap, 200 * MIB);
	ck_assert_int_eq(update(&w, &above), -EINVAL);
	update_anew(&w, NULL, "-1");
	update_anew(&w, "300m", NULL);
	ck_assert_int_eq(configured(&w).swap, -1);
}
END_TEST

START_TEST(the_file_stays_private)
{
	const struct ct_resource_options options = { .pids_limit = "50" };
	struct world autoworld w;
	struct stat st;

	make_web(&w);
	ck_assert_int_eq(update(&w, &options), 0);
	ck_assert_int_eq(fstatat(fixture_dir(), container_file(w.id, "config.json"), &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(no_cgroup_wanted_means_no_limits)
{
	const struct ct_resource_options options = { .pids_limit = "50" };
	struct world autoworld w;

	make_web(&w);
	w.c.meta.cgroups = "disabled";
	ck_assert_int_eq(ct_meta_save(w.c.dir, &w.c.meta, &w.err), 0);
	ck_assert_int_eq(update(&w, &options), -EINVAL);
	ck_err(&w.err, EINVAL, "--pids-limit: there are no limits without a cgroup (it was created "
	       "with --cgroups=disabled, and that stays so)");
}
END_TEST

START_TEST(one_that_cannot_be_started_cannot_be_updated)
{
	const struct ct_resource_options options = { .pids_limit = "50" };
	struct ct_status none = { .state = CT_STATUS_NONE };
	struct world autoworld w;

	make_web(&w);
	container_set_status(w.id, &none);
	ck_assert_int_eq(update(&w, &options), -EIO);
	ck_err(&w.err, EIO, "container web cannot be updated (damaged: its start was interrupted) "
	       "(cattach rm -f web)");
	w.c.state = CT_STATE_FOREIGN;
	w.c.meta.host = "elsewhere";
	ck_assert_int_eq(update(&w, &options), -EIO);
	ck_err(&w.err, EIO, "container web cannot be updated (made on elsewhere) (update it there)");
}
END_TEST

/* ---- how its health is checked ---- */

static int update_health(struct world *w, const struct ct_health_options *options)
{
	const struct ct_update_options all = { .health = *options };
	int r = ct_container_update(&w->c, &w->arena, &all, &w->err);

	ct_container_close(&w->c);
	container_find(&w->store, &w->arena, "web", &w->c);
	return r;
}

START_TEST(of_a_health_check_what_is_not_given_stays)
{
	const struct ct_health_options first = { .cmd = "true", .retries = "7", .timeout = "2s" };
	const struct ct_health_options second = { .interval = "5s", .retries = "0" };
	const struct ct_health_config *health;
	struct world autoworld w;
	uint64_t changed;

	make_web(&w);
	ck_assert_msg(update_health(&w, &first) == 0, "%s", w.err.what);
	health = &w.c.meta.health;
	changed = health->changed;
	ck_assert_uint_ne(changed, 0);
	ck_assert_uint_eq(health->interval, 30 * CT_SECOND);
	ck_assert_int_eq(health->retries, 7);
	ck_assert_msg(update_health(&w, &second) == 0, "%s", w.err.what);
	ck_assert_str_eq(health->test.items[1], "true");
	ck_assert_uint_eq(health->interval, 5 * CT_SECOND);
	ck_assert_uint_eq(health->timeout, 2 * CT_SECOND);
	ck_assert_int_eq(health->retries, 3);
	ck_assert_str_eq(health->on_failure, "none");
	ck_assert_uint_eq(health->changed, changed);
}
END_TEST

START_TEST(another_command_is_told_from_the_one_before_and_the_same_is_not)
{
	const struct ct_health_options first = { .cmd = "true" }, second = { .cmd = "false" };
	const struct ct_health_options none = { .no_check = true };
	struct world autoworld w;
	uint64_t changed;

	make_web(&w);
	ck_assert_int_eq(update_health(&w, &first), 0);
	changed = w.c.meta.health.changed;
	ck_assert_int_eq(update_health(&w, &first), 0);
	ck_assert_uint_eq(w.c.meta.health.changed, changed);
	ck_assert_int_eq(update_health(&w, &second), 0);
	ck_assert_uint_gt(w.c.meta.health.changed, changed);
	changed = w.c.meta.health.changed;
	ck_assert_int_eq(update_health(&w, &none), 0);
	ck_assert_uint_gt(w.c.meta.health.changed, changed);
	ck_assert_str_eq(w.c.meta.health.test.items[0], "NONE");
	ck_assert_uint_eq(w.c.meta.health.interval, 0);
}
END_TEST

START_TEST(a_health_check_that_cannot_be_leaves_everything_as_it_was)
{
	const struct ct_update_options both = { .resources.pids_limit = "50",
						.health = { .interval = "5s" } };
	const struct ct_health_options empty = { .cmd = "" }, good = { .cmd = "true" };
	const struct ct_health_options restart = { .on_failure = "restart" };
	struct world autoworld w;

	make_web(&w);
	ck_assert_int_eq(ct_container_update(&w.c, &w.arena, &both, &w.err), -EINVAL);
	ck_err(&w.err, EINVAL, "--health-interval: there is no command that could be run "
	       "(--health-cmd COMMAND)");
	ck_assert_int_ne(configured(&w).pids, 50);
	ck_assert_int_eq(update_health(&w, &empty), -EINVAL);
	ck_err(&w.err, EINVAL, "--health-cmd: there is no command that could be run "
	       "(--no-healthcheck takes the check away)");
	w.c.meta.remove = true;
	ck_assert_int_eq(ct_meta_save(w.c.dir, &w.c.meta, &w.err), 0);
	ck_assert_int_eq(update_health(&w, &good), 0);
	ck_assert_int_eq(update_health(&w, &restart), -EINVAL);
	ck_err(&w.err, EINVAL,
	       "conflicting options: cannot specify both --health-on-failure restart and --rm");
	ck_assert_str_eq(w.c.meta.health.on_failure, "none");
}
END_TEST

Suite *suite_update(void)
{
	Suite *suite = suite_create("update");
	TCase *tc = tcase_create("update");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_is_given_changes_and_the_rest_stays);
	tcase_add_test(tc, what_is_refused_leaves_the_file_as_it_was);
	tcase_add_test(tc, a_limit_of_swap_that_somebody_has_set_stays);
	tcase_add_test(tc, the_file_stays_private);
	tcase_add_test(tc, no_cgroup_wanted_means_no_limits);
	tcase_add_test(tc, one_that_cannot_be_started_cannot_be_updated);
	tcase_add_test(tc, of_a_health_check_what_is_not_given_stays);
	tcase_add_test(tc, another_command_is_told_from_the_one_before_and_the_same_is_not);
	tcase_add_test(tc, a_health_check_that_cannot_be_leaves_everything_as_it_was);
	suite_add_tcase(suite, tc);
	return suite;
}
