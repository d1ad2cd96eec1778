/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a container: from its processes, from what is left of them, and from records that
 * are damaged in every way. Any user; the rows that need files of another owner are there for root
 * only.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static int exists(const char *name)
{
	return faccessat(fixture_dir(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- states ---- */

START_TEST(a_monitor_and_its_payload_make_it_running)
{
	struct fake_monitor monitor;
	struct world autoworld w;
	char id[ID_SIZE], text[64];

	container_create("web", id);
	monitor = fake_monitor_start(id, FAKE_ENDS_ON_TERM);
	container_assert_state("web", CT_STATE_RUNNING, NULL);
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
	container_assert_state("web", CT_STATE_RUNNING, NULL);
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
	container_assert_state("web", CT_STATE_STOPPED, "its monitor was killed");
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
	container_assert_state("web", CT_STATE_DAMAGED, "its monitor is gone, its payload is still there");
	/* The same numbers of another process that got the pid are no payload. */
	s.starttime++;
	container_set_status(id, &s);
	container_assert_state("web", CT_STATE_STOPPED, "its monitor was killed");
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
	container_assert_state("web", CT_STATE_STOPPED, "the host restarted");
}
END_TEST

START_TEST(a_start_that_was_cut_off_is_damage)
{
	struct ct_status s = { .state = CT_STATUS_STARTING, .monitor_pid = getpid() };
	char id[ID_SIZE];

	container_create("web", id);
	container_set_status(id, &s);
	container_assert_state("web", CT_STATE_DAMAGED, "its start was interrupted");
}
END_TEST

/* A whole life, as fast as it goes: lock, starting, running, exited, end. */
static void live_quickly(const char *id)
{
	struct ct_status s = { .state = CT_STATUS_STARTING };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(fixture_dir(), container_file(id, "lock"), O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(ct_boot_id(s.boot_id), 0);
	s.monitor_pid = getpid();
	ck_assert_int_eq(ct_proc_starttime(s.monitor_pid, &s.monitor_starttime), 0);
	if (fcntl(fd, F_SETLK, &lock) < 0)
		_exit(1);
	for (int state = CT_STATUS_STARTING; state <= CT_STATUS_EXITED; state++) {
		s.state = (enum ct_status_state)state;
		s.generation++;
		container_set_status(id, &s);
	}
	_exit(0);
}

/* Look at a container without a pause until it has stopped; every look must be true. */
static void watch_life(const struct ct_container *c)
{
	struct ct_probe probe;
	enum ct_state state;
	const char *why;
	struct ct_err err = { 0 };

	do {
		ck_assert_msg(ct_container_probe(c, &probe, &err) == 0, "%s", err.what);
		state = ct_probe_state(&probe, &why);
		ck_assert_msg(!why, "%s (%s)", ct_state_name(state), why);
	} while (state != CT_STATE_STOPPED);
}

START_TEST(a_state_is_true_at_every_moment_of_a_life)
{
	struct world autoworld w;

	world_open(&w);
	for (int i = 0; i < 300; i++) {
		int ct_autofd creator = -1;
		pid_t child;

		container_create("web", w.id);
		container_find(&w.store, &w.arena, "web", &w.c);
		creator = openat(w.c.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_eq(ct_container_mark_creator(creator), 0);
		child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			live_quickly(w.id);
		/* The creator is gone when the monitor is, as with run -d; the child has a copy. */
		if (i % 2)
			ct_drop_fd(&creator);
		watch_life(&w.c);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		ct_container_close(&w.c);
		ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	}
}
END_TEST

START_TEST(every_state_has_a_name)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
					     "restarting", "exited", "damaged", "foreign",
					     "unknown" };

	for (int i = 0; i < 9; i++)
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
	container_assert_state("web", CT_STATE_FOREIGN, NULL);
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
	container_assert_state("bad", CT_STATE_DAMAGED, damages[_i].why);
	world_open(&w);
	ck_assert_int_eq(ct_container_list(&w.store, &w.arena, &list, &w.err), 0);
	ck_assert_uint_eq(list.count, 2);
	container_find(&w.store, &w.arena, "bad", &w.c);
	ck_assert_str_eq(w.c.meta.id, bad);
	ck_assert_str_eq(w.c.meta.name, "bad");
	ck_assert_msg(ct_container_remove(&w.store, &w.c, false, &w.err) == 0, "%s", w.err.what);
	ck_assert(!exists(container_file(bad, "")));
	ck_assert(!exists("cattach/names/bad"));
	container_assert_state("good", CT_STATE_DAMAGED, "its start was interrupted");
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
	tcase_add_test(tc, a_monitor_and_its_payload_make_it_running);
	tcase_add_test(tc, a_running_container_without_its_lock_file_is_known_by_its_monitor);
	tcase_add_test(tc, a_killed_monitor_leaves_an_unknown_exit);
	tcase_add_test(tc, a_payload_without_its_monitor_is_damage);
	tcase_add_test(tc, a_restarted_host_leaves_an_unknown_exit);
	tcase_add_test(tc, a_start_that_was_cut_off_is_damage);
	tcase_add_test(tc, a_state_is_true_at_every_moment_of_a_life);
	tcase_add_test(tc, every_state_has_a_name);
	tcase_add_test(tc, a_container_of_another_machine_is_shown_and_never_touched);
	tcase_add_loop_test(tc, a_damaged_container_is_listed_with_the_reason_and_can_be_removed, 0,
			    geteuid() == 0 ? DAMAGES : DAMAGES - ROOT_DAMAGES);
	suite_add_tcase(s, tc);
	return s;
}
