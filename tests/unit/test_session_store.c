/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions on disk: the store of a container's sessions, how they are found, listed, named and
 * removed, and what is refused for them. Runs as any user, in a fresh directory.
 */
#include "container/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/event.h>
#include <cattach/exec.h>
#include <cattach/fd.h>

#include "container/record.h"
#include "container_fixture.h"

/* Make a session NAME (NULL: generated) of the container in w->c, as far as its maker has come; its id goes
 * to id. */
static int begin_session(struct world *w, const char *name, enum ct_status_state state,
			 char id[CT_CONTAINER_ID_LENGTH + 1])
{
	struct ct_status status = { .state = state };
	struct ct_container ct_autocontainer session = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct ct_meta meta = { .name = name, .stop_timeout = 10 };
	int r;

	ck_assert_int_eq(ct_store_sessions(&w->store, &w->c, true, &sessions, &w->err), 0);
	r = ct_container_create(&sessions, &w->arena, &meta, NULL, &session, &w->err);
	if (r < 0)
		return r;
	strcpy(id, session.meta.id);
	return ct_status_write(session.status_fd, &status, &w->err);
}

/* One that has ended. */
static int make_session(struct world *w, const char *name, char id[CT_CONTAINER_ID_LENGTH + 1])
{
	return begin_session(w, name, CT_STATUS_EXITED, id);
}

/* A world with a container "c1" in w->c, and its id in w->id. */
static void open_world(struct world *w)
{
	world_open(w);
	container_create("c1", w->id);
	container_find(&w->store, &w->arena, "c1", &w->c);
}

static int find(struct world *w, const char *name, struct ct_container *ret)
{
	return ct_container_find(&w->store, &w->arena, name, ret, &w->err);
}

START_TEST(the_store_is_made_when_asked_for_and_is_private)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct world autoworld w;
	struct stat st;

	open_world(&w);
	ck_assert_int_eq(ct_store_sessions(&w.store, &w.c, false, &sessions, &w.err), -ENOENT);
	ck_assert_int_lt(fstatat(w.c.dir, "exec", &st, 0), 0);
	umask(0);
	ck_assert_int_eq(ct_store_sessions(&w.store, &w.c, true, &sessions, &w.err), 0);
	ck_assert_str_eq(sessions.session_of, w.id);
	ck_assert_str_eq(sessions.owner, "c1");
	ck_assert_int_eq(fstatat(w.c.dir, "exec", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(fstatat(w.c.dir, "exec-names", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(a_link_in_its_place_is_refused)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(symlinkat("/tmp", w.c.dir, "exec"), 0);
	ck_assert_int_eq(ct_store_sessions(&w.store, &w.c, true, &sessions, &w.err), -ELOOP);
	ck_assert_ptr_nonnull(strstr(w.err.what, "/exec is a symbolic link"));
}
END_TEST

START_TEST(a_container_that_is_gone_has_no_store)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "c1"), 0);
	ck_assert_int_eq(ct_store_sessions(&w.store, &w.c, true, &sessions, &w.err), -ENOENT);
}
END_TEST

START_TEST(a_session_is_found_by_name_id_and_beginning)
{
	char id[CT_CONTAINER_ID_LENGTH + 1], names[5][256];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "job", id), 0);
	snprintf(names[0], sizeof(names[0]), "c1/job");
	snprintf(names[1], sizeof(names[1]), "/c1/job");
	snprintf(names[2], sizeof(names[2]), "c1/%s", id);
	snprintf(names[3], sizeof(names[3]), "c1/%.10s", id);
	snprintf(names[4], sizeof(names[4]), "%.12s/job", w.id);
	for (int i = 0; i < 5; i++) {
		struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;

		ck_assert_msg(find(&w, names[i], &c) == 0, "%s: %s", names[i], w.err.what);
		ck_assert_str_eq(c.meta.id, id);
		ck_assert_str_eq(c.session_of, w.id);
		ck_assert_str_eq(ct_container_label(&c), "c1/job");
		ck_assert_int_lt(faccessat(c.dir, "config.json", F_OK, 0), 0);
	}
}
END_TEST

START_TEST(what_is_not_there_is_said_with_what_is)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(find(&w, "c1/x", &c), -ENOENT);
	ck_err(&w.err, ENOENT, "no such session: x in container c1 (it has none)");
	ck_assert_int_eq(make_session(&w, "s", id), 0);
	ck_assert_int_eq(make_session(&w, "r", id), 0);
	ck_assert_int_eq(find(&w, "c1/x", &c), -ENOENT);
	ck_err(&w.err, ENOENT, "no such session: x in container c1 (known: r, s)");
	ck_assert_int_eq(find(&w, "two/r", &c), -ENOENT);
	ck_err(&w.err, ENOENT, "no such container: two (known: c1)");
	ck_assert_int_eq(find(&w, "r", &c), -ENOENT);
	ck_assert_int_eq(find(&w, "c1/", &c), -EINVAL);
	ck_assert_int_eq(find(&w, "c1/a/b", &c), -EINVAL);
	ck_assert_int_eq(find(&w, "//a", &c), -EINVAL);
	ck_assert_int_eq(find(&w, "c1/../c1", &c), -EINVAL);
}
END_TEST

START_TEST(a_name_is_taken_in_its_own_container_only)
{
	char id[CT_CONTAINER_ID_LENGTH + 1], other[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "job", id), 0);
	ck_assert_int_eq(make_session(&w, "job", other), -EEXIST);
	ck_assert_ptr_nonnull(strstr(w.err.what, "name \"job\" is in use by an exited session"));
	ck_assert_str_eq(w.err.hint, "cattach rm c1/job");
	container_create("job", w.id);
	container_create("c2", w.id);
	ct_container_close(&w.c);
	container_find(&w.store, &w.arena, "c2", &w.c);
	ck_assert_int_eq(make_session(&w, "job", other), 0);
}
END_TEST

START_TEST(lists_are_of_one_container_and_containers_only)
{
	struct ct_container_list list;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_int_eq(make_session(&w, NULL, id), 0);
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.items[0].meta.id, id);
	ck_assert_int_eq(strncmp(list.items[0].label, "c1/", 3), 0);
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_ptr_null(list.items[0].session_of);
}
END_TEST

START_TEST(removing_a_session_leaves_its_container_and_the_others)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_container_list list;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "one", id), 0);
	ck_assert_int_eq(make_session(&w, "two", id), 0);
	ck_assert_int_eq(find(&w, "c1/one", &c), 0);
	ck_assert_int_eq(ct_container_remove(&w.store, &c, true, &w.err), 0);
	/* Once more is no error: somebody else may have been faster. */
	ck_assert_int_eq(ct_container_remove(&w.store, &c, true, &w.err), 0);
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.items[0].meta.name, "two");
	ck_assert_int_lt(faccessat(w.c.dir, "exec-names/one", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

START_TEST(a_container_goes_with_its_sessions)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "one", id), 0);
	ck_assert_int_eq(find(&w, "c1/one", &c), 0);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, true, &w.err), 0);
	ck_assert_int_lt(faccessat(fixture_dir(), container_file(w.id, ""), F_OK, 0), 0);
	ck_assert_int_eq(ct_container_remove(&w.store, &c, false, &w.err), 0);
}
END_TEST

START_TEST(what_is_for_containers_is_refused)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_exec exec = CT_EXEC_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "one", id), 0);
	ck_assert_int_eq(find(&w, "c1/one", &c), 0);
	ck_assert_int_eq(ct_container_reserve(&c, false, &w.err), -EINVAL);
	ck_err(&w.err, EINVAL, "c1/one is a session of a container, and cannot be started again "
			       "(cattach exec c1 COMMAND starts another)");
	ck_assert_int_eq(ct_exec_open(&w.store, &w.arena, &c, &exec, &w.err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(w.err.what, "cannot be entered"));
	ck_assert_int_eq(ct_container_refuse_session(&w.c, "entered", &w.err), 0);
}
END_TEST

START_TEST(the_store_of_a_session_is_the_one_it_is_in)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(make_session(&w, "one", id), 0);
	ck_assert_int_eq(find(&w, "c1/one", &c), 0);
	ck_assert_int_eq(ct_store_sessions(&w.store, &c, false, &sessions, &w.err), 0);
	ck_assert_str_eq(sessions.session_of, w.id);
	ck_assert_str_eq(sessions.owner, "c1");
	ck_assert_int_eq(faccessat(sessions.containers, id, F_OK, 0), 0);
}
END_TEST

/* Killed before it was started: nothing has run in it. */
START_TEST(what_never_came_to_be_a_session_is_gone_when_somebody_looks)
{
	static const char *const looks[] = { "list", "find", "take its name" };
	char id[CT_CONTAINER_ID_LENGTH + 1], path[CT_CONTAINER_ID_LENGTH + 16];
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_container_list list;
	struct world autoworld w;

	open_world(&w);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(begin_session(&w, "job", i < 3 ? CT_STATUS_NONE : CT_STATUS_STARTING, id), 0);
		snprintf(path, sizeof(path), "exec/%s", id);
		if (i % 3 == 0)
			ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
		else if (i % 3 == 1)
			ck_assert_int_eq(find(&w, "c1/job", &c), -ENOENT);
		else
			ck_assert_int_eq(make_session(&w, "job", id), 0);
		ck_assert_msg(faccessat(w.c.dir, path, F_OK, 0) < 0, "%s", looks[i % 3]);
		if (i % 3 == 2 && find(&w, "c1/job", &c) == 0)
			ck_assert_int_eq(ct_container_remove(&w.store, &c, true, &w.err), 0);
		ct_container_close(&c);
	}
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_int_lt(faccessat(w.c.dir, "exec-names/job", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

/* A maker that is still at it, a directory without anything, a record that was spoilt later. */
START_TEST(only_what_never_was_one_goes)
{
	char id[CT_CONTAINER_ID_LENGTH + 1], path[CT_CONTAINER_ID_LENGTH + 32];
	struct ct_container ct_autocontainer session = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct ct_meta meta = { .name = "making", .stop_timeout = 10 };
	struct ct_container_list list;
	struct world autoworld w;

	open_world(&w);
	ck_assert_int_eq(ct_store_sessions(&w.store, &w.c, true, &sessions, &w.err), 0);
	ck_assert_int_eq(ct_container_create(&sessions, &w.arena, &meta, NULL, &session, &w.err), 0);
	ck_assert_int_eq(make_session(&w, "spoilt", id), 0);
	snprintf(path, sizeof(path), "%s/status", id);
	ck_assert_int_eq(unlinkat(sessions.containers, path, 0), 0);
	memset(path, 'f', CT_CONTAINER_ID_LENGTH);
	path[CT_CONTAINER_ID_LENGTH] = '\0';
	ck_assert_int_eq(mkdirat(sessions.containers, path, 0700), 0);
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &w.c, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 2);
	ck_assert_int_lt(faccessat(sessions.containers, path, F_OK, 0), 0);
	for (size_t i = 0; i < list.count; i++)
		ck_assert_int_eq(list.items[i].state, strcmp(list.items[i].meta.name, "spoilt") == 0 ?
				 CT_STATE_DAMAGED : CT_STATE_CREATING);
}
END_TEST

/* Their store is in the engine's record, whichever store is asked. */
START_TEST(sessions_of_an_engines_container_are_with_its_record)
{
	struct ct_container engine = CT_CONTAINER_INIT;
	struct ct_container ct_autocontainer session = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct ct_meta meta = { .name = "job", .stop_timeout = 10 };
	char root[4096], path[4200], log[4200];
	struct world autoworld w;
	struct ct_status ended = { .state = CT_STATUS_EXITED };
	struct ct_container_list list;
	struct stat before, after;

	open_world(&w);
	/* It would be written there, two above. */
	snprintf(log, sizeof(log), "%s/events/log", w.store.path);
	ck_assert_int_eq(stat(log, &before), 0);
	snprintf(root, sizeof(root), "%s/root", w.store.path);
	snprintf(path, sizeof(path), "%s/e+1", root);
	ck_assert_int_eq(mkdir(root, 0700), 0);
	engine.meta.id = engine.meta.name = "e+1";
	engine.engine_root = root;
	ck_assert_int_eq(ct_store_sessions(&w.store, &engine, true, &sessions, &w.err), -ENOENT);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(ct_store_sessions(&w.store, &engine, true, &sessions, &w.err), 0);
	ck_assert_int_eq(ct_container_create(&sessions, &w.arena, &meta, NULL, &session, &w.err), 0);
	ck_assert_str_eq(session.engine_root, root);
	ck_assert_str_eq(session.session_of, "e+1");
	ck_assert_str_eq(ct_container_label(&session), "e+1/job");
	ct_store_close(&sessions);
	ck_assert_int_eq(ct_store_sessions(&w.store, &session, false, &sessions, &w.err), 0);
	ck_assert_str_eq(sessions.path, path);
	ct_event_record(&session, "attach", CT_EVENT_END);
	ck_assert_int_eq(ct_status_write(session.status_fd, &ended, &w.err), 0);
	ct_container_close(&session);
	ck_assert_int_eq(ct_session_list(&w.store, &w.arena, &engine, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_int_eq(ct_container_remove(&w.store, &list.items[0], true, &w.err), 0);
	ck_assert_int_eq(stat(log, &after), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_int_lt(faccessat(sessions.containers, meta.id, F_OK, 0), 0);
	/* Others could make it what they like. */
	ck_assert_int_eq(chmod(root, 0755), 0);
	ct_store_close(&sessions);
	ck_assert_int_eq(ct_store_sessions(&w.store, &engine, false, &sessions, &w.err), -EPERM);
}
END_TEST

Suite *suite_session_store(void);

Suite *suite_session_store(void)
{
	Suite *suite = suite_create("session_store");
	TCase *tc = tcase_create("sessions");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_never_came_to_be_a_session_is_gone_when_somebody_looks);
	tcase_add_test(tc, only_what_never_was_one_goes);
	tcase_add_test(tc, sessions_of_an_engines_container_are_with_its_record);
	tcase_add_test(tc, the_store_is_made_when_asked_for_and_is_private);
	tcase_add_test(tc, a_link_in_its_place_is_refused);
	tcase_add_test(tc, a_container_that_is_gone_has_no_store);
	tcase_add_test(tc, a_session_is_found_by_name_id_and_beginning);
	tcase_add_test(tc, what_is_not_there_is_said_with_what_is);
	tcase_add_test(tc, a_name_is_taken_in_its_own_container_only);
	tcase_add_test(tc, lists_are_of_one_container_and_containers_only);
	tcase_add_test(tc, removing_a_session_leaves_its_container_and_the_others);
	tcase_add_test(tc, a_container_goes_with_its_sessions);
	tcase_add_test(tc, what_is_for_containers_is_refused);
	tcase_add_test(tc, the_store_of_a_session_is_the_one_it_is_in);
	suite_add_tcase(suite, tc);
	return suite;
}
