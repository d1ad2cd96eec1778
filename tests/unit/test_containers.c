/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating containers, finding them by what people type, and listing them; each while others
 * create, remove and look. Any user.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "container/store.h"
#include "container_fixture.h"

#define ID_SIZE (CT_CONTAINER_ID_LENGTH + 1)

static int exists(const char *name)
{
	return faccessat(fixture_dir(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- creating ---- */

static int create(struct world *w, const char *name, const char *id)
{
	struct ct_meta meta = { .name = name, .id = id, .stop_timeout = 10 };
	struct ct_spec *spec;

	ck_assert_int_eq(ct_spec_default(&w->arena, true, &spec, &w->err), 0);
	return ct_container_create(&w->store, &w->arena, &meta, spec, &w->c, &w->err);
}

static void assert_private_file(int dir, const char *name, off_t size)
{
	struct stat st;

	ck_assert_int_eq(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	if (size >= 0)
		ck_assert_int_eq(st.st_size, size);
	else
		ck_assert_int_gt(st.st_size, 0);
}

START_TEST(creating_makes_a_complete_private_directory)
{
	static const mode_t masks[] = { 0, 0777 };
	struct world autoworld w;
	mode_t saved;
	struct stat st;

	world_open(&w);
	saved = umask(masks[_i]);
	ck_assert_msg(create(&w, "web", NULL) == 0, "%s", w.err.what);
	ck_assert_uint_eq(umask(saved), masks[_i]);
	ck_assert_int_eq(w.c.state, CT_STATE_CREATING);
	ck_assert(ct_is_id(w.c.meta.id));
	ck_assert_int_eq(w.c.meta.stop_signal, SIGTERM);
	ck_assert_str_eq(w.c.meta.host, ct_host_identity(&w.arena));
	assert_private_file(w.c.dir, "config.json", -1);
	assert_private_file(w.c.dir, "meta.json", -1);
	assert_private_file(w.c.dir, "status", CT_STATUS_SIZE);
	assert_private_file(w.c.dir, "lock", 0);
	ck_assert_int_eq(fstatat(w.c.dir, "main", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(fstat(w.c.dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(a_container_is_creating_until_its_creator_lets_go)
{
	struct world autoworld w;

	world_open(&w);
	ck_assert_int_eq(create(&w, "web", NULL), 0);
	container_assert_state("web", CT_STATE_CREATING, NULL);
	ct_container_close(&w.c);
	container_assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
}
END_TEST

/* Asking must not look like creating to another who asks at the same time. */
START_TEST(two_who_ask_do_not_take_each_other_for_the_creator)
{
	char id[ID_SIZE];
	int dir, other;

	container_create("web", id);
	dir = openat(fixture_dir(), container_file(id, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	other = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(!ct_container_has_creator(dir));
	ck_assert_int_eq(ct_container_mark_creator(other), 0);
	ck_assert(ct_container_has_creator(dir));
	ck_assert(ct_container_has_creator(other));
	close(other);
	ck_assert(!ct_container_has_creator(dir));
	close(dir);
}
END_TEST

START_TEST(a_missing_name_is_generated_and_claimed)
{
	struct world autoworld w;
	char id[ID_SIZE];

	world_open(&w);
	ck_assert_int_eq(create(&w, NULL, NULL), 0);
	ck_assert_ptr_nonnull(strchr(w.c.meta.name, '_'));
	ck_assert_int_eq(ct_name_lookup(&w.store, w.c.meta.name, id), 0);
	ck_assert_str_eq(id, w.c.meta.id);
}
END_TEST

START_TEST(a_bad_name_or_id_creates_nothing)
{
	struct world autoworld w;
	struct ct_container_list list;

	world_open(&w);
	ck_assert_int_eq(create(&w, "../x", NULL), -EINVAL);
	ck_assert_int_eq(create(&w, "", NULL), -EINVAL);
	ck_assert_int_eq(create(&w, "web", "../../x"), -EINVAL);
	ck_err(&w.err, EINVAL, "a container's id must be 64 hexadecimal digits, not \"../../x\"");
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* Create a second "web"; the error must be this text with %s for the short id. */
static void assert_taken(const char *id, const char *format_before, const char *format_after)
{
	struct world autoworld w;
	struct ct_container_list list;
	char text[512];

	world_open(&w);
	ck_assert_int_eq(create(&w, "web", NULL), -EEXIST);
	snprintf(text, sizeof(text), "name \"web\" is in use by %s (%.12s, %s", format_before, id,
		 format_after);
	ck_err(&w.err, EEXIST, text);
	/* And nothing stays of the second. */
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.items[0].meta.id, id);
	ck_assert_str_eq(list.items[0].meta.name, "web");
}

START_TEST(a_taken_name_says_by_whom_and_what_to_do)
{
	struct ct_status exited = container_exited(5);
	struct fake_monitor monitor;
	char id[ID_SIZE];

	container_create("web", id);
	assert_taken(id, "a damaged container",
		     "damaged: its start was interrupted) (cattach rm -f web)");
	monitor = fake_monitor_start(id, FAKE_ENDS_ON_TERM);
	assert_taken(id, "a running container", "up Less than a second) (cattach rm -f web)");
	fake_monitor_done(&monitor);
	container_set_status(id, &exited);
	assert_taken(id, "an exited container", "exited (5) 3 seconds ago) (cattach rm web)");
}
END_TEST

START_TEST(a_name_that_is_no_link_of_ours_is_not_taken)
{
	struct world autoworld w;
	char text[8192];

	world_open(&w);
	fixture_file("cattach/names/web", "precious");
	ck_assert_int_eq(create(&w, "web", NULL), -EEXIST);
	snprintf(text, sizeof(text), "name \"web\" is in use: %s/names/web is not one of our links "
		 "(remove it, or choose another name)", w.store.path);
	ck_err(&w.err, EEXIST, text);
	ck_assert(exists("cattach/names/web"));
}
END_TEST

START_TEST(a_record_that_is_too_large_to_read_again_creates_nothing)
{
	struct ct_meta meta = { .name = "web" };
	struct world autoworld w;
	struct ct_container_list list;
	struct ct_spec *spec;
	char *huge;

	world_open(&w);
	ck_assert_int_eq(ct_spec_default(&w.arena, true, &spec, &w.err), 0);
	huge = ct_arena_alloc(&w.arena, 2 << 20);
	memset(huge, 'x', (2 << 20) - 1);
	ck_assert_int_eq(ct_strings_add(&w.arena, &meta.command, huge), 0);
	ck_assert_int_eq(ct_container_create(&w.store, &w.arena, &meta, spec, &w.c, &w.err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(w.err.what, "the container's record would have"));
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 0);
	ck_assert(!exists("cattach/names/web"));
}
END_TEST

/* ---- finding ---- */

START_TEST(a_container_is_found_by_name_id_and_beginning_of_id)
{
	struct world autoworld w;
	char id[ID_SIZE], text[ID_SIZE + 1];

	container_create("web", id);
	world_open(&w);
	for (int length = 1; length <= CT_CONTAINER_ID_LENGTH; length++) {
		snprintf(text, sizeof(text), "%.*s", length, id);
		container_find(&w.store, &w.arena, text, &w.c);
		ck_assert_str_eq(w.c.meta.name, "web");
		ct_container_close(&w.c);
	}
	container_find(&w.store, &w.arena, "/web", &w.c);
	ck_assert_str_eq(w.c.meta.id, id);
	ck_assert_int_ge(w.c.dir, 0);
	ck_assert_int_ge(w.c.status_fd, 0);
}
END_TEST

START_TEST(an_unknown_container_is_said_with_the_known_ones)
{
	struct world autoworld w;
	char id[ID_SIZE];

	world_open(&w);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "x", &w.c, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "no such container: x");
	container_create("b", id);
	container_create("a", id);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "x", &w.c, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "no such container: x (known: a, b)");
	for (char name[] = "c"; name[0] <= 'h'; name[0]++)
		container_create(name, id);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "/x", &w.c, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "no such container: x (known: a, b, c, d, e and 3 more)");
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "../x", &w.c, &w.err), -EINVAL);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "", &w.c, &w.err), -EINVAL);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "/", &w.c, &w.err), -EINVAL);
}
END_TEST

static const char *const similar[] = {
	"ab00000000000000000000000000000000000000000000000000000000000000",
	"ab11000000000000000000000000000000000000000000000000000000000000",
	"ab12000000000000000000000000000000000000000000000000000000000000",
};

START_TEST(an_ambiguous_beginning_names_the_candidates)
{
	static const char *const names[] = { "one", "two", "ab0" };
	struct world autoworld w;

	world_open(&w);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(create(&w, names[i], similar[i]), 0);
		ct_container_close(&w.c);
	}
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "ab", &w.c, &w.err), -EEXIST);
	ck_err(&w.err, EEXIST, "\"ab\" matches 3 containers "
	       "(ab0000000000 (one), ab1100000000 (two), ab1200000000 (ab0))");
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "ab1", &w.c, &w.err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(w.err.what, "matches 2 containers"));
	/* A name goes before the beginning of an id. */
	container_find(&w.store, &w.arena, "ab0", &w.c);
	ck_assert_str_eq(w.c.meta.id, similar[2]);
	ct_container_close(&w.c);
	container_find(&w.store, &w.arena, "ab00", &w.c);
	ck_assert_str_eq(w.c.meta.id, similar[0]);
	ck_assert_int_eq(create(&w, "again", similar[0]), -EEXIST);
}
END_TEST

START_TEST(a_container_that_lost_its_name_goes_by_its_short_id)
{
	struct world autoworld w;
	char id[ID_SIZE], text[16];

	container_create("web", id);
	ck_assert_int_eq(unlinkat(fixture_dir(), "cattach/names/web", 0), 0);
	world_open(&w);
	snprintf(text, sizeof(text), "%.12s", id);
	container_find(&w.store, &w.arena, text, &w.c);
	ck_assert_str_eq(w.c.meta.name, text);
}
END_TEST

/* ---- listing ---- */

START_TEST(the_list_is_newest_first_and_ignores_what_is_no_container)
{
	static const char file[] = "0000000000000000000000000000000000000000000000000000000000000000";
	static const char link[] = "1111111111111111111111111111111111111111111111111111111111111111";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ct_container_list list;
	struct world autoworld w;
	char ids[3][ID_SIZE];
	int ct_autofd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < 3; i++)
		container_create((char[]){ (char)('a' + i), '\0' }, ids[i]);
	world_open(&w);
	fixture_file("cattach/containers/README", "x");
	ck_assert_int_eq(mkdirat(w.store.containers, "backup", 0700), 0);
	ck_assert_int_eq(mkdirat(w.store.containers, ".hidden", 0700), 0);
	ck_assert_int_eq(symlinkat("nowhere", w.store.containers, "dangling"), 0);
	ck_assert_int_eq(symlinkat(ids[0], w.store.containers, link), 0);
	close(openat(w.store.containers, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/sock",
		 w.store.containers);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(list.items[i].meta.id, ids[2 - i]);
		ck_assert_int_eq(list.items[i].dir, -1);
		ck_assert_int_eq(list.items[i].status_fd, -1);
	}
	ck_assert_int_lt(ct_container_find(&w.store, &w.arena, file, &w.c, &w.err), 0);
	ck_assert_int_lt(ct_container_find(&w.store, &w.arena, link, &w.c, &w.err), 0);
}
END_TEST

START_TEST(containers_that_vanish_during_a_list_are_left_out)
{
	struct ct_container_list list;
	struct world autoworld w;
	char id[ID_SIZE];
	pid_t child;

	container_create("stays", id);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct ct_store store = CT_STORE_INIT;

		container_store(&store);
		for (;;) {
			container_create("goes", id);
			ck_assert_int_eq(ct_store_forget(&store, id, "goes"), 0);
		}
	}
	world_open(&w);
	for (int i = 0; i < 500; i++) {
		struct ct_arena ct_autoarena arena = { 0 };

		container_arena(&arena);
		ck_assert_msg(ct_container_list(&w.store, &arena, &list, &w.err) == 0, "%s", w.err.what);
		ck_assert_uint_ge(list.count, 1);
		/* The second comes and goes: never damaged but for the moment after its creator has
		 * let go and before it is forgotten. */
		for (size_t j = 0; j < list.count; j++) {
			const struct ct_container *c = &list.items[j];

			ck_assert_msg(c->state == CT_STATE_CREATING ||
				      strcmp(c->damage, "its start was interrupted") == 0,
				      "round %d: %s", i, c->damage);
		}
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* ---- kills ---- */

static int count_entry(int dir, const char *name, unsigned char type, void *arg)
{
	(void)dir;
	(void)name;
	(void)type;
	++*(int *)arg;
	return 0;
}

static int count_entries(int dir)
{
	int count = 0;

	ck_assert_int_eq(ct_each_entry(dir, count_entry, &count), 0);
	return count;
}

/* In a child: create and forget until killed. */
static void come_and_go(void)
{
	struct ct_store store = CT_STORE_INIT;
	char id[ID_SIZE];

	container_store(&store);
	for (;;) {
		container_create("web", id);
		ct_store_forget(&store, id, "web");
	}
}

/* Show everything that is left and remove it, by what the list says. */
static void clean_up(struct world *w)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_container_list list;

	container_arena(&arena);
	ck_assert_msg(ct_container_list(&w->store, &arena, &list, &w->err) == 0, "%s", w->err.what);
	ck_assert_uint_le(list.count, 1);
	for (size_t i = 0; i < list.count; i++) {
		container_find(&w->store, &arena, list.items[i].meta.name, &w->c);
		ck_assert_str_eq(w->c.meta.id, list.items[i].meta.id);
		ck_assert_int_eq(w->c.state, CT_STATE_DAMAGED);
		ck_assert_msg(strstr(w->c.damage, "interrupted") || strstr(w->c.damage, "missing"), "%s",
			      w->c.damage);
		ck_assert_msg(ct_container_remove(&w->store, &w->c, false, &w->err) == 0, "%s",
			      w->err.what);
		ct_container_close(&w->c);
	}
	ck_assert_int_eq(count_entries(w->store.containers), 0);
	ck_assert_int_eq(count_entries(w->store.names), 0);
}

START_TEST(what_is_killed_anywhere_can_be_listed_and_removed)
{
	struct world autoworld w;
	pid_t child;

	world_open(&w);
	for (int i = 0; i < 300; i++) {
		child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			come_and_go();
		/* After the fork, a creation and a removal take a millisecond or so: all along it. */
		usleep((useconds_t)(300 + 37 * i % 3000));
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		clean_up(&w);
	}
}
END_TEST

Suite *suite_containers(void);
Suite *suite_containers(void)
{
	Suite *s = suite_create("containers");
	TCase *tc = tcase_create("containers");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, creating_makes_a_complete_private_directory, 0, 2);
	tcase_add_test(tc, a_container_is_creating_until_its_creator_lets_go);
	tcase_add_test(tc, two_who_ask_do_not_take_each_other_for_the_creator);
	tcase_add_test(tc, a_missing_name_is_generated_and_claimed);
	tcase_add_test(tc, a_bad_name_or_id_creates_nothing);
	tcase_add_test(tc, a_taken_name_says_by_whom_and_what_to_do);
	tcase_add_test(tc, a_name_that_is_no_link_of_ours_is_not_taken);
	tcase_add_test(tc, a_record_that_is_too_large_to_read_again_creates_nothing);
	tcase_add_test(tc, a_container_is_found_by_name_id_and_beginning_of_id);
	tcase_add_test(tc, an_unknown_container_is_said_with_the_known_ones);
	tcase_add_test(tc, an_ambiguous_beginning_names_the_candidates);
	tcase_add_test(tc, a_container_that_lost_its_name_goes_by_its_short_id);
	tcase_add_test(tc, the_list_is_newest_first_and_ignores_what_is_no_container);
	tcase_add_test(tc, containers_that_vanish_during_a_list_are_left_out);
	tcase_add_test(tc, what_is_killed_anywhere_can_be_listed_and_removed);
	suite_add_tcase(s, tc);
	return s;
}
