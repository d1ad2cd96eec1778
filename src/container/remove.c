/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a container: end what still runs (only with force), then forget it.
 *
 * Runs in commands, as the user. What runs is found out anew, not taken from the caller's struct.
 * With force the payload gets SIGKILL through its verified pidfd, and its monitor the time to
 * write the end down, serve its clients and leave; one that does not leave is killed too. A
 * payload whose monitor is gone is killed by its recorded identity. Sessions are ended before their
 * container, and go with it. Containers of other machines are refused: their processes cannot be
 * seen from here. Two who remove the same one both succeed. Of one who removes and one who starts
 * it, one does: both take the lock of the directory.
 *
 *    ct_container_remove
 *      end_keeper()          with force: nobody starts it again from here on
 *      ct_sessions_end()     with force: what is in its pid namespace
 *      end_processes()       with force; without it check_ended() refuses what runs
 *      bar_starts()          the lock of those who start: held to the end
 *      ct_poststop_await()   hooks that still run may want to see it
 *      forget()              all of it, in an order that a reader without a lock can tell
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "clos.h"
#include "hooks.h"
#include "keeper.h"
#include "leaf.h"
#include "record.h"
#include "store.h"

#define GRACE	(10 * CT_SECOND)	/* for the monitor, and for somebody else's creation */
#define KILLED	(5 * CT_SECOND)		/* for the kernel to end what has got SIGKILL */
#define SLICE	(CT_SECOND / 50)

/* In the words for what was found out anew. */
static int refuse_as(const struct ct_container *container, enum ct_state state, enum ct_act act,
		     struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */

	c.state = state;
	return ct_state_refuse(&c, act, err);
}

static enum ct_state busy_state(const struct ct_probe *probe)
{
	if (probe->payload)
		return CT_STATE_DAMAGED;
	if (probe->kept)
		return CT_STATE_RESTARTING;
	if (probe->creator)
		return CT_STATE_CREATING;
	return probe->frozen ? CT_STATE_PAUSED : CT_STATE_RUNNING;
}

static int does_not_end(const struct ct_container *c, const char *what, pid_t pid,
			struct ct_err *err)
{
	ct_fail(err, ETIMEDOUT, "%s %s: its %s (pid %d) does not end, even by SIGKILL",
		ct_container_kind(c), ct_container_label(c), what, (int)pid);
	return ct_hint(err, "the kernel holds it; see /proc/%d/wchan", (int)pid);
}

/* SIGKILL through the pidfd and wait. Gone already is as good. */
static int kill_and_wait(int pidfd)
{
	int r = ct_pidfd_signal(pidfd, SIGKILL);

	if (r < 0)
		return r == -ESRCH ? 1 : r;
	return ct_pidfd_await(pidfd, KILLED);
}

/* A look that also serves for a damaged record: with a status that cannot be read, or believed,
 * only the lock's holder is known. Is it more? */
static bool look(const struct ct_container *container, struct ct_probe *probe)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	int ct_autofd status = -1;
	struct ct_err ignored;

	*probe = (struct ct_probe){ 0 };
	if (c.dir < 0)
		return false;
	if (c.status_fd < 0)
		c.status_fd = status = ct_container_open_status(c.dir, &ignored);
	if (c.status_fd >= 0 && ct_container_probe(&c, probe, &ignored) == 0)
		return true;
	probe->monitor = ct_monitor_alive(c.dir, &probe->holder) > 0;
	probe->creator = !probe->monitor && ct_container_has_creator(c.dir);
	return false;
}

static bool is_busy(const struct ct_probe *probe)
{
	return probe->monitor || probe->creator || probe->payload || probe->kept;
}

/*
 * While the monitor lives: kill the payload as soon as it is known (a start may be under way), and
 * let the monitor leave by itself. Ends when nobody is there any more, or the time is up.
 */
static int end_in_order(const struct ct_container *c, struct ct_probe *probe, uint64_t grace,
			struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + grace;
	bool known = true;

	/* From a monitor of whose payload nothing is known no order is to be had. */
	while ((known || !probe->monitor) && is_busy(probe) && ct_now_monotonic() < limit) {
		int ct_autofd payload = -1;
		int ct_autofd monitor = -1;

		if (probe->status.state == CT_STATUS_RUNNING || probe->payload)
			payload = ct_probe_open_payload(probe);
		if (payload >= 0 && !c->session_of)
			ct_event_record(c, "kill", "signal", "9", CT_EVENT_END);
		if (payload >= 0 && kill_and_wait(payload) == 0)
			return does_not_end(c, "payload", probe->status.pid, err);
		monitor = ct_probe_open_monitor(probe, c->dir);
		if (monitor >= 0)
			ct_pidfd_await(monitor, SLICE);
		else
			ct_nap(SLICE / 10);
		known = look(c, probe);
	}
	return 0;
}

static int end_processes(const struct ct_container *c, struct ct_probe *probe, uint64_t grace,
			 struct ct_err *err)
{
	int ct_autofd monitor = -1;
	int ct_autofd payload = -1;
	int r = end_in_order(c, probe, grace, err);

	if (r < 0 || !is_busy(probe))
		return r;
	if (probe->creator)
		return refuse_as(c, CT_STATE_CREATING, CT_ACT_FORCE, err);
	payload = ct_probe_open_payload(probe);
	monitor = ct_probe_open_monitor(probe, c->dir);
	if (monitor < 0)
		return ct_fail(err, ESRCH, "%s %s: its monitor cannot be reached from here",
			       ct_container_kind(c), ct_container_label(c));
	if (kill_and_wait(monitor) <= 0)
		return does_not_end(c, "monitor", probe->status.monitor_pid, err);
	/* The payload goes with its monitor, unless it made itself a different parent's death. */
	if (payload >= 0 && kill_and_wait(payload) <= 0)
		return does_not_end(c, "payload", probe->status.pid, err);
	return 0;
}

/* A payload whose monitor has just been killed is being killed by the kernel. */
static bool ends_soon(const struct ct_probe *probe)
{
	int ct_autofd payload = ct_probe_open_payload(probe);

	return payload < 0 || ct_pidfd_await(payload, CT_SECOND) != 0;
}

/* By somebody else, who holds the lock of its directory until nothing is left. */
static bool is_being_removed(const struct ct_container *c, const struct ct_probe *probe)
{
	return probe->creator && faccessat(c->dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

/* Is it over, or about to be? */
static bool is_ending(const struct ct_container *c, const struct ct_probe *probe)
{
	if (probe->payload)
		return ends_soon(probe);
	if (is_being_removed(c, probe))
		return true;
	return !is_busy(probe) || (!probe->kept && probe->status.state == CT_STATUS_EXITED);
}

static int fail_busy(const struct ct_container *c, struct ct_err *err)
{
	ct_fail(err, EBUSY, "container %s is being started or removed by another command",
		ct_container_label(c));
	return ct_hint(err, "end that command, then try again");
}

/* Without force: refuse what runs, wait a little for a monitor that is about to leave. */
static int check_ended(const struct ct_container *c, struct ct_probe *probe, uint64_t grace,
		       struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + grace;

	while (is_busy(probe)) {
		bool late = ct_now_monotonic() >= limit;
		int ct_autofd monitor = -1;

		if (!is_ending(c, probe))
			return refuse_as(c, busy_state(probe), CT_ACT_REMOVE, err);
		if (late && probe->creator)
			return fail_busy(c, err);
		if (late)
			return ct_fail(err, EBUSY,
				       "%s %s has ended, but its monitor is still busy; "
				       "stop it first or use -f",
				       ct_container_kind(c), ct_container_label(c));
		monitor = ct_probe_open_monitor(probe, c->dir);
		if (monitor >= 0)
			ct_pidfd_await(monitor, SLICE);
		else
			ct_nap(SLICE);
		look(c, probe);
	}
	return 0;
}

/* Wait until nobody else is about to start it: 0, or negative. A file system without flock cannot
 * tell. */
static int lock_starters_out(const struct ct_container *c, uint64_t grace, struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + grace;

	while (flock(c->dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0;
		if (ct_now_monotonic() >= limit)
			return fail_busy(c, err);
		ct_nap(SLICE / 10);
	}
	return 0;
}

/*
 * From here on nobody can start it: a monitor needs the file "lock", which goes under the lock of
 * those who start. That stays ours until all is gone, however long it takes: whoever wants to start
 * or rename it waits, and finds that it has been removed. 1: somebody has started it since we
 * looked.
 */
static int bar_starts(const struct ct_container *c, uint64_t grace, struct ct_err *err)
{
	struct ct_probe probe;
	int r = c->dir < 0 ? 0 : lock_starters_out(c, grace, err);

	if (r < 0 || c->dir < 0)
		return r;
	look(c, &probe);
	/* The creator that is seen now is ourselves. */
	if (probe.monitor || probe.payload)
		r = 1;
	else if (unlinkat(c->dir, "lock", 0) < 0 && errno != ENOENT)
		r = ct_fail_errno(err, errno, "cannot remove the lock of container %s",
				  ct_container_label(c));
	if (r != 0)
		ct_container_let_go(c);
	return r;
}

static int refuse_foreign(const struct ct_store *store, const struct ct_container *c,
			  struct ct_err *err)
{
	ct_state_refuse(c, CT_ACT_REMOVE, err);
	return ct_hint(err, "remove it there; if that machine is gone: rm -r %s/%s/%s",
		       store->path, ct_store_part(store), c->meta.id);
}

static int unlink_one(int dir, const char *name, unsigned char type, void *arg)
{
	(void)arg;
	/* sockets: of a monitor that was killed, of clients that wait for a start */
	return type == DT_SOCK && unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

/* What a killed monitor has left there, and what waits for a start that is not going to come. Not
 * being able to is no reason to keep the container: nobody finds the way back to it. */
static void forget_runtime(const char *id)
{
	struct ct_store store = CT_STORE_INIT;
	struct ct_err ignored;
	int ct_autofd dir = ct_store_runtime(&store, id, false, &ignored);

	if (dir >= 0 && ct_each_entry(dir, unlink_one, NULL) == 0)
		unlinkat(store.runtime, id, AT_REMOVEDIR);
	ct_fd_close(store.runtime);
}

/* One of ours that lost its permissions ("chmod 000") gets them back: or who could tell that it
 * runs? */
static int open_again(const struct ct_store *store, const char *id)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd = openat(store->containers, id, flags);

	if (fd >= 0 || errno != EACCES ||
	    fstatat(store->containers, id, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || fchmodat(store->containers, id, 0700, 0) < 0)
		return fd;
	return openat(store->containers, id, flags);
}

static int take_step(const struct ct_container *container, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */

	return ct_state_step(&c, CT_STEP_REMOVE, CT_STATE_NONE, err);
}

static int end_keeper(const struct ct_container *c, struct ct_err *err)
{
	ct_container_forbid_restart(c, 0);
	return ct_keeper_retire(c->dir, ct_container_label(c), err);
}

/* Nothing runs any more, nobody can start it, and the lock is ours. */
static int forget(const struct ct_store *store, const struct ct_container *c, struct ct_err *err)
{
	int r;

	/* One that is just ending; without force, too. */
	if (c->dir >= 0 && end_keeper(c, err) < 0)
		return -err->code;
	if (!store->session_of[0])
		ct_sessions_end(store, c);
	/* What a monitor has left that was killed, with whoever is in there still. */
	if (c->dir >= 0 && ct_leaf_clean(c->dir, c->meta.id, err) < 0)
		return ct_wrap(err, "container %s", ct_container_label(c));
	if (c->dir >= 0 && ct_clos_clean(c->dir, c->meta.id, err) < 0)
		return ct_wrap(err, "container %s", ct_container_label(c));
	if (take_step(c, err) < 0)
		return -err->code;
	/* Before, for who is killed in between leaves nothing that cannot be found; and after, for
	 * clients that began to wait for a start meanwhile. */
	forget_runtime(c->meta.id);
	r = ct_store_take_away(store, c->meta.id, c->meta.name);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot remove %s/%s/%s", store->path,
				     ct_store_part(store), c->meta.id);
	forget_runtime(c->meta.id);
	if (r > 0 && !store->session_of[0])
		ct_event_record_in(store, c, "remove", CT_EVENT_END);
	return 0;
}

int ct_container_remove_within(const struct ct_store *store, const struct ct_container *container,
			       bool force, uint64_t grace, struct ct_err *err)
{
	struct ct_container again = *container;	/* borrows the descriptors, is never closed */
	const struct ct_container *c = &again;
	int ct_autofd dir = -1;
	struct ct_probe probe;
	int r = 1;

	if (c->state == CT_STATE_FOREIGN)
		return refuse_foreign(store, c, err);
	if (c->dir < 0)
		again.dir = dir = open_again(store, c->meta.id);
	/* Before all: what ends now stays that way. */
	if (force && c->dir >= 0 && end_keeper(c, err) < 0)
		return -err->code;
	/* Before it: a pid namespace ends only when all that is in it has been reaped. */
	if (force && !store->session_of[0])
		ct_sessions_end(store, c);
	/* Once more when it was started in between: then it runs, which is another matter. */
	while (r == 1) {
		look(c, &probe);
		r = force ? end_processes(c, &probe, grace, err) :
			    check_ended(c, &probe, grace, err);
		if (r == 0)
			r = bar_starts(c, grace, err);
	}
	if (r < 0)
		return r;
	/* They may want to see what there was. With force not at any price. */
	if (!ct_poststop_await(c, force ? grace : CT_FOREVER))
		ct_log(CT_LOG_WARN, CT_TOPIC_STATE, "the poststop hooks of container %s go on",
		       ct_container_label(c));
	r = forget(store, c, err);
	if (c->dir >= 0)
		ct_container_let_go(c);
	return r;
}

int ct_container_remove(struct ct_store *store, struct ct_container *container, bool force,
			struct ct_err *err)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	int r;

	if (!container->session_of)
		return ct_container_remove_within(store, container, force, GRACE, err);
	r = ct_store_sessions(store, container, false, &sessions, err);
	/* It has gone with its container. */
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : ct_container_remove_within(&sessions, container, force, GRACE, err);
}
