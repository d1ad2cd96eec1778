/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of src/container share. The processes are real and so are their locks and
 * identities; only what they do in between is less than a monitor and a payload do.
 */
#include "container_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container/store.h"

void container_store(struct ct_store *ret_store)
{
	char path[4096];
	struct ct_err err = { 0 };

	snprintf(path, sizeof(path), "%s/cattach", fixture_path());
	ck_assert_msg(ct_store_open_at(path, ret_store, &err) == 0, "%s", err.what);
}

void world_open(struct world *ret_world)
{
	*ret_world = (struct world){ .store = CT_STORE_INIT, .c = CT_CONTAINER_INIT };
	container_store(&ret_world->store);
	container_arena(&ret_world->arena);
}

void world_close(struct world *world)
{
	if (world->monitor.pid)
		fake_monitor_done(&world->monitor);
	ct_container_close(&world->c);
	ct_arena_close(&world->arena);
	ct_store_close(&world->store);
}

void container_arena(struct ct_arena *ret_arena)
{
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(ret_arena, &err), 0);
}

void container_create(const char *name, char id[CT_CONTAINER_ID_LENGTH + 1])
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_meta meta = { .name = name, .stop_timeout = 10 };
	struct ct_err err = { 0 };
	struct ct_spec *spec;

	container_store(&store);
	container_arena(&arena);
	ck_assert_int_eq(ct_spec_default(&arena, true, &spec, &err), 0);
	ck_assert_msg(ct_container_create(&store, &arena, &meta, spec, &c, &err) == 0, "%s: %s",
		      err.where, err.what);
	memcpy(id, c.meta.id, CT_CONTAINER_ID_LENGTH + 1);
}

void container_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		    struct ct_container *ret_container)
{
	struct ct_err err = { 0 };

	ck_assert_msg(ct_container_find(store, arena, name, ret_container, &err) == 0, "%s: %s",
		      err.where, err.what);
}

void container_assert_state(const char *name, enum ct_state state, const char *why)
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

const char *container_file(const char *id, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "cattach/containers/%s/%s", id, name);
	return path;
}

void container_set_status(const char *id, const struct ct_status *status)
{
	int ct_autofd fd = openat(fixture_dir(), container_file(id, "status"), O_RDWR | O_CLOEXEC);
	struct ct_err err = { 0 };

	ck_assert_msg(ct_status_write(fd, status, &err) == 0, "%s", err.what);
}

struct ct_status container_exited(int value)
{
	return (struct ct_status){
		.state = CT_STATUS_EXITED,
		.generation = 3,
		.started = ct_now_real() - 5000000000,
		.finished = ct_now_real() - 3000000000,
		.exit.value = value,
	};
}

/* ---- processes ---- */

static void identify(pid_t pid, pid_t *ret_pid, uint64_t *ret_starttime)
{
	*ret_pid = pid;
	ck_assert_int_eq(ct_proc_starttime(pid, ret_starttime), 0);
}

static pid_t start_payload(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* In the monitor's process: its whole life. The disposition of SIGTERM is the payload's by
 * inheritance, so that no signal can come before it is set. */
static void play_monitor(const char *id, enum fake_payload kind, int ready)
{
	struct ct_status s = { .state = CT_STATUS_RUNNING, .generation = 1 };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(fixture_dir(), container_file(id, "lock"), O_RDWR | O_CLOEXEC);
	int status_fd = openat(fixture_dir(), container_file(id, "status"), O_RDWR | O_CLOEXEC);
	struct ct_err err;
	int status;

	/* Check has a handler of its own for these. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, kind == FAKE_IGNORES_TERM ? SIG_IGN : SIG_DFL);
	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	identify(getpid(), &s.monitor_pid, &s.monitor_starttime);
	identify(start_payload(), &s.pid, &s.starttime);
	ck_assert_int_eq(ct_boot_id(s.boot_id), 0);
	s.started = ct_now_real();
	ck_assert_int_eq(ct_status_write(status_fd, &s, &err), 0);
	ck_assert_int_eq(write(ready, &s.pid, sizeof(s.pid)), sizeof(s.pid));
	ck_assert_int_eq(waitpid(s.pid, &status, 0), s.pid);
	s.state = CT_STATUS_EXITED;
	s.generation++;
	s.finished = ct_now_real();
	s.exit.signaled = WIFSIGNALED(status);
	s.exit.value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	ck_assert_int_eq(ct_status_write(status_fd, &s, &err), 0);
	_exit(0);
}

struct fake_monitor fake_monitor_start(const char *id, enum fake_payload kind)
{
	struct fake_monitor monitor = { 0 };
	int ready[2];

	ck_assert_int_eq(pipe(ready), 0);
	monitor.pid = fork();
	ck_assert_int_ge(monitor.pid, 0);
	if (monitor.pid == 0)
		play_monitor(id, kind, ready[1]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &monitor.payload, sizeof(monitor.payload)),
			 sizeof(monitor.payload));
	close(ready[0]);
	return monitor;
}

void fake_monitor_done(const struct fake_monitor *monitor)
{
	kill(monitor->payload, SIGKILL);
	kill(monitor->pid, SIGCONT);
	while (waitpid(monitor->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int process_lives(pid_t pid)
{
	char path[64], line[512] = "";
	FILE *file;
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	state = strrchr(line, ')');
	return state && state[1] == ' ' && state[2] != 'Z' && state[2] != 'X';
}
