/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating, finding and listing containers, and their state: from complete ones, from ones that
 * were killed while being made, and from records that are damaged in every way. Any user; the rows
 * that need files of another owner are there for root only.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/age.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "container/store.h"
#include "container_fixture.h"

#define ID_SIZE (CT_CONTAINER_ID_LENGTH + 1)

/* What most tests need, opened and closed together. */
struct world {
	struct ct_store store;
	struct ct_arena arena;
	struct ct_container c;
	struct ct_err err;
};

static void world_close(struct world *w)
{
	ct_container_close(&w->c);
	ct_arena_close(&w->arena);
	ct_store_close(&w->store);
}

#define autoworld __attribute__((cleanup(world_close)))

static void world_open(struct world *w)
{
	*w = (struct world){ .store = CT_STORE_INIT, .c = CT_CONTAINER_INIT };
	container_store(&w->store);
	container_arena(&w->arena);
}

/* Find it anew and look at its state and the reason for it (NULL: none). */
static void assert_state(const char *name, enum ct_state state, const char *why)
{
	struct world autoworld w;

	world_open(&w);
	container_find(&w.store, &w.arena, name, &w.c);
	ck_assert_msg(w.c.state == state, "%s is %s (%s)", name, ct_state_name(w.c.state),
		      w.c.damage ? w.c.damage : "");
	if (why)
		ck_assert_str_eq(w.c.damage, why);
	else
		ck_assert_ptr_null(w.c.damage);
}

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
	assert_state("web", CT_STATE_CREATING, NULL);
	ct_container_close(&w.c);
	assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
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

/* ---- states ---- */

START_TEST(a_monitor_and_its_payload_make_it_running)
{
	struct fake_monitor monitor;
	struct world autoworld w;
	char id[ID_SIZE], text[64];

	container_create("web", id);
	monitor = fake_monitor_start(id, FAKE_ENDS_ON_TERM);
	assert_state("web", CT_STATE_RUNNING, NULL);
	world_open(&w);
	container_find(&w.store, &w.arena, "web", &w.c);
	ck_assert_int_eq(w.c.status.pid, monitor.payload);
	ck_assert_int_eq(w.c.status.monitor_pid, monitor.pid);
	ck_assert_str_eq(ct_container_describe(&w.c, text, sizeof(text)), "up Less than a second");
	fake_monitor_done(&monitor);
	ct_container_close(&w.c);
	container_find(&w.store, &w.arena, "web", &w.c);
	ck_assert_int_eq(w.c.state, CT_STATE_STOPPED);
	ck_assert_str_eq(ct_container_describe(&w.c, text, sizeof(text)),
			 "exited (137) Less than a second ago");
}
END_TEST

START_TEST(a_running_container_without_its_lock_file_is_known_by_its_monitor)
{
	struct fake_monitor monitor;
	char id[ID_SIZE];

	container_create("web", id);
	monitor = fake_monitor_start(id, FAKE_ENDS_ON_TERM);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "lock"), 0), 0);
	assert_state("web", CT_STATE_RUNNING, NULL);
	fake_monitor_done(&monitor);
}
END_TEST

START_TEST(a_killed_monitor_leaves_an_unknown_exit)
{
	struct fake_monitor monitor;
	struct world autoworld w;
	char id[ID_SIZE], text[64];

	container_create("web", id);
	monitor = fake_monitor_start(id, FAKE_ENDS_ON_TERM);
	kill(monitor.pid, SIGKILL);
	fake_monitor_done(&monitor);
	/* The payload went with it, a moment later. */
	while (process_lives(monitor.payload))
		usleep(1000);
	assert_state("web", CT_STATE_STOPPED, "its monitor was killed");
	world_open(&w);
	container_find(&w.store, &w.arena, "web", &w.c);
	ck_assert_uint_eq(w.c.status.finished, 0);
	ck_assert_str_eq(ct_container_describe(&w.c, text, sizeof(text)),
			 "exited, nobody knows how: its monitor was killed");
}
END_TEST

START_TEST(a_payload_without_its_monitor_is_damage)
{
	struct ct_status s = { .state = CT_STATUS_RUNNING, .pid = getpid(), .monitor_pid = 1 };
	char id[ID_SIZE];

	container_create("web", id);
	ck_assert_int_eq(ct_proc_starttime(s.pid, &s.starttime), 0);
	ck_assert_int_eq(ct_boot_id(s.boot_id), 0);
	container_set_status(id, &s);
	assert_state("web", CT_STATE_DAMAGED, "its monitor is gone, its payload is still there");
	/* The same numbers of another process that got the pid are no payload. */
	s.starttime++;
	container_set_status(id, &s);
	assert_state("web", CT_STATE_STOPPED, "its monitor was killed");
}
END_TEST

START_TEST(a_restarted_host_leaves_an_unknown_exit)
{
	struct ct_status s = { .state = CT_STATUS_RUNNING, .pid = getpid(),
			       .boot_id = "00000000-0000-0000-0000-000000000000" };
	char id[ID_SIZE];

	container_create("web", id);
	/* Identities of another boot prove nothing, even when they fit. */
	ck_assert_int_eq(ct_proc_starttime(s.pid, &s.starttime), 0);
	container_set_status(id, &s);
	assert_state("web", CT_STATE_STOPPED, "the host restarted");
}
END_TEST

START_TEST(a_start_that_was_cut_off_is_damage)
{
	struct ct_status s = { .state = CT_STATUS_STARTING, .monitor_pid = getpid() };
	char id[ID_SIZE];

	container_create("web", id);
	container_set_status(id, &s);
	assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
}
END_TEST

START_TEST(every_state_has_a_name)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "exited", "damaged", "foreign", "unknown" };

	for (int i = 0; i < 8; i++)
		ck_assert_str_eq(ct_state_name((enum ct_state)i), names[i]);
}
END_TEST

/* ---- another machine ---- */

/* Replace the first "from" in the record by "to". */
static void edit_meta(const char *id, const char *from, const char *to)
{
	int ct_autofd dir = openat(fixture_dir(), container_file(id, ""),
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ct_buf ct_autobuf changed = { 0 };
	struct ct_arena ct_autoarena arena = { 0 };
	const char *text, *at;
	struct ct_err err;
	size_t size;

	container_arena(&arena);
	ck_assert_int_eq(ct_read_file_at(&arena, dir, "meta.json", 1 << 20, &text, &size, &err), 0);
	at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	ct_buf_add(&changed, text, (size_t)(at - text));
	ct_buf_puts(&changed, to);
	ct_buf_puts(&changed, at + strlen(from));
	ck_assert_int_eq(ct_write_file_at(dir, "meta.json", changed.data, changed.length, 0600, &err),
			 0);
}

START_TEST(a_container_of_another_machine_is_shown_and_never_touched)
{
	struct ct_status s = { .state = CT_STATUS_RUNNING, .pid = getpid() };
	struct world autoworld w;
	char id[ID_SIZE], text[8192];
	int code;

	container_create("web", id);
	ck_assert_int_eq(ct_proc_starttime(s.pid, &s.starttime), 0);
	container_set_status(id, &s);
	edit_meta(id, "\"host\": \"", "\"host\": \"other-");
	assert_state("web", CT_STATE_FOREIGN, NULL);
	world_open(&w);
	container_find(&w.store, &w.arena, "web", &w.c);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_assert_int_lt(ct_container_stop(&w.c, 0, 0, &w.err), 0);
	ck_assert_int_lt(ct_container_wait(&w.c, &code, &w.err), 0);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, true, &w.err), -EPERM);
	snprintf(text, sizeof(text), "container web belongs to another machine (%s)", w.c.meta.host);
	ck_assert_str_eq(w.err.what, text);
	ck_assert(exists(container_file(id, "meta.json")));
}
END_TEST

/* ---- damage ---- */

static void put(const char *id, const char *name, const char *text)
{
	unlinkat(fixture_dir(), container_file(id, name), 0);
	fixture_file(container_file(id, name), text);
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, name), 0600, 0), 0);
}

static void meta_missing(const char *id)
{
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "meta.json"), 0), 0);
}

static void meta_empty(const char *id)
{
	put(id, "meta.json", "");
}

static void meta_half(const char *id)
{
	put(id, "meta.json", "{\"version\": 1,\n  \"id\": \"01");
}

static void meta_list(const char *id)
{
	put(id, "meta.json", "[1]");
}

static void meta_newer(const char *id)
{
	edit_meta(id, "\"version\": 1", "\"version\": 2");
}

static void meta_of_another(const char *id)
{
	edit_meta(id, id, "cafe567890abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}

static void meta_directory(const char *id)
{
	meta_missing(id);
	ck_assert_int_eq(mkdirat(fixture_dir(), container_file(id, "meta.json"), 0700), 0);
}

static void meta_fifo(const char *id)
{
	meta_missing(id);
	ck_assert_int_eq(mkfifoat(fixture_dir(), container_file(id, "meta.json"), 0600), 0);
}

static void meta_link(const char *id)
{
	meta_missing(id);
	ck_assert_int_eq(symlinkat("/dev/zero", fixture_dir(), container_file(id, "meta.json")), 0);
}

static void meta_writable(const char *id)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, "meta.json"), 0666, 0), 0);
}

static void meta_foreign(const char *id)
{
	ck_assert_int_eq(fchownat(fixture_dir(), container_file(id, "meta.json"), 12345, 0, 0), 0);
}

static void meta_closed(const char *id)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, "meta.json"), 0, 0), 0);
}

static void status_missing(const char *id)
{
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "status"), 0), 0);
}

static void status_empty(const char *id)
{
	put(id, "status", "");
}

static void status_half(const char *id)
{
	put(id, "status", "{\"generation\":1");
}

static void status_link(const char *id)
{
	status_missing(id);
	ck_assert_int_eq(symlinkat("/dev/zero", fixture_dir(), container_file(id, "status")), 0);
}

static void status_foreign(const char *id)
{
	ck_assert_int_eq(fchownat(fixture_dir(), container_file(id, "status"), 12345, 0, 0), 0);
}

static void status_closed(const char *id)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, "status"), 0, 0), 0);
}

static void directory_open(const char *id)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, ""), 0755, 0), 0);
}

static void directory_closed(const char *id)
{
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(id, ""), 0, 0), 0);
}

static void directory_foreign(const char *id)
{
	ck_assert_int_eq(fchownat(fixture_dir(), container_file(id, ""), 12345, 0, 0), 0);
}

static void all_missing(const char *id)
{
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "meta.json"), 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "config.json"), 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "lock"), 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "main"), AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(id, "status"), 0), 0);
}

static const struct {
	void (*damage)(const char *id);
	const char *why;
	enum { ANYBODY, ROOT, USER } who;	/* root reads what has no permissions */
} damages[] = {
	{ meta_missing, "its creation or removal was interrupted", ANYBODY },
	{ all_missing, "its creation or removal was interrupted", ANYBODY },
	{ meta_empty, "meta.json: empty file", ANYBODY },
	{ meta_half, "meta.json:2:12: unexpected end", ANYBODY },
	{ meta_list, "meta.json: must be an object, not a list", ANYBODY },
	{ meta_newer, "meta.json: written by a newer cattach: format 2, this one knows 1", ANYBODY },
	{ meta_of_another, "meta.json is of another container (cafe567890ab)", ANYBODY },
	{ meta_directory, "meta.json: is a directory, not a file", ANYBODY },
	{ meta_fifo, "meta.json: not a regular file", ANYBODY },
	{ meta_link, "meta.json cannot be opened: Too many levels of symbolic links", ANYBODY },
	{ meta_writable, "meta.json is open to other users (mode 0666)", ANYBODY },
	{ meta_closed, "meta.json cannot be opened: Permission denied", USER },
	{ status_missing, "its status file is missing", ANYBODY },
	{ status_empty, "status is damaged (empty file)", ANYBODY },
	{ status_half, "status is damaged (15 bytes instead of 512)", ANYBODY },
	{ status_link, "status cannot be opened: Too many levels of symbolic links", ANYBODY },
	{ status_closed, "status cannot be opened: Permission denied", USER },
	{ directory_open, "its directory is open to other users (mode 0755)", ANYBODY },
	{ directory_closed, "its directory cannot be opened: Permission denied", USER },
	/* The last ones need root to make them, and are left out for others: see suite_load(). */
	{ meta_foreign, "meta.json belongs to uid 12345", ROOT },
	{ status_foreign, "status belongs to uid 12345", ROOT },
	{ directory_foreign, "its directory belongs to uid 12345", ROOT },
};

#define DAMAGES ((int)(sizeof(damages) / sizeof(damages[0])))
#define ROOT_DAMAGES 3

/* Rows for a user: as root, this process becomes one. */
static void become(int who)
{
	if (who == USER && geteuid() == 0) {
		ck_assert_int_eq(chmod(fixture_path(), 0777), 0);
		ck_assert_int_eq(seteuid(54321), 0);
	}
}

START_TEST(a_damaged_container_is_listed_with_the_reason_and_can_be_removed)
{
	struct ct_container_list list;
	struct world autoworld w;
	char good[ID_SIZE], bad[ID_SIZE];

	become(damages[_i].who);
	container_create("good", good);
	container_create("bad", bad);
	damages[_i].damage(bad);
	assert_state("bad", CT_STATE_DAMAGED, damages[_i].why);
	world_open(&w);
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 2);
	container_find(&w.store, &w.arena, "bad", &w.c);
	ck_assert_str_eq(w.c.meta.id, bad);
	ck_assert_str_eq(w.c.meta.name, "bad");
	ck_assert_msg(ct_container_remove(&w.store, &w.c, false, &w.err) == 0, "%s", w.err.what);
	ck_assert(!exists(container_file(bad, "")));
	ck_assert(!exists("cattach/names/bad"));
	assert_state("good", CT_STATE_DAMAGED, "its start was interrupted");
	if (seteuid(getuid()) != 0)
		ck_abort_msg("cannot become root again");
}
END_TEST

Suite *suite_load(void);
Suite *suite_load(void)
{
	Suite *s = suite_create("load");
	TCase *tc = tcase_create("load");

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
	tcase_add_test(tc, a_monitor_and_its_payload_make_it_running);
	tcase_add_test(tc, a_running_container_without_its_lock_file_is_known_by_its_monitor);
	tcase_add_test(tc, a_killed_monitor_leaves_an_unknown_exit);
	tcase_add_test(tc, a_payload_without_its_monitor_is_damage);
	tcase_add_test(tc, a_restarted_host_leaves_an_unknown_exit);
	tcase_add_test(tc, a_start_that_was_cut_off_is_damage);
	tcase_add_test(tc, every_state_has_a_name);
	tcase_add_test(tc, a_container_of_another_machine_is_shown_and_never_touched);
	tcase_add_loop_test(tc, a_damaged_container_is_listed_with_the_reason_and_can_be_removed, 0,
			    geteuid() == 0 ? DAMAGES : DAMAGES - ROOT_DAMAGES);
	suite_add_tcase(s, tc);
	return s;
}
