/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands know and want of a keeper: is it there, is it going to start its container again,
 * it must not, it is to look again, it is to end.
 *
 * Runs in commands, as the user. The keeper is found by its record lock, and every signal to it
 * goes through a pidfd that was opened between two looks at that lock, so that it cannot be
 * another's. What it must not do is a file, which is there before anything ends: no race brings a
 * stopped container back. A keeper that another pid namespace hides is believed, and cannot be
 * signalled.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/proc.h>

#include "record.h"

#define LEAVE	(2 * CT_SECOND)		/* by itself... */
#define KILLED	(5 * CT_SECOND)		/* ...and by SIGKILL */
#define PAUSE	(CT_SECOND / 50)	/* between looks where there can be no watch */

/* Its record, the status, and its lock, which the kernel closes whatever has ended it. */
#define CHANGES	(IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE)

/* The lock names a pid; the pidfd may be of another process that got it since. If the lock is still
 * that pid's afterwards, the process we have is the one that holds it. */
int ct_keeper_open(int dir)
{
	pid_t pid = 0, again = 0;
	int ct_autofd fd = -1;

	if (ct_lock_holder(dir, CT_KEEPER_LOCK, &pid) <= 0 || pid <= 0)
		return -ESRCH;
	fd = ct_pidfd_open(pid);
	if (fd < 0)
		return fd;
	if (ct_lock_holder(dir, CT_KEEPER_LOCK, &again) <= 0 || again != pid)
		return -ESRCH;
	return ct_take_fd(&fd);
}

/* SIGUSR1 is "look again": at the file that forbids restarts, and at the record. */
void ct_keeper_tell(int dir)
{
	int ct_autofd keeper = ct_keeper_open(dir);

	/* Gone meanwhile: then there is nobody who could do anything wrong. */
	if (keeper >= 0)
		ct_pidfd_signal(keeper, SIGUSR1);
}

bool ct_keeper_is_stop_asked(int dir)
{
	return faccessat(dir, CT_STOP_ASKED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* From disk: "update" may have changed it since the caller has read the record. */
int ct_keeper_read_policy(int dir, struct ct_arena *arena, struct ct_meta *ret_meta,
			  struct ct_restart_policy *ret_policy, struct ct_err *err)
{
	const char *text;
	size_t size;

	if (ct_read_file_at(arena, dir, "meta.json", CT_JSON_MAX_SIZE, &text, &size, err) < 0 ||
	    ct_meta_parse(arena, text, size, ret_meta, err) < 0)
		return -err->code;
	return ct_restart_parse(ret_meta->restart, ret_policy, err);
}

/* What the keeper is about to decide, by what it decides by: its own record, the container's, the
 * status. */
static bool is_expected(int dir, const struct ct_keeper_record *record,
			const struct ct_status *status)
{
	const struct ct_restart_run run = {
		.code = status->state == CT_STATUS_EXITED ? ct_exit_code(&status->exit) :
							    CT_UNKNOWN_CODE,
	};
	struct ct_restart_tally tally = { .restarts = record->restarts };
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_restart_policy policy;
	struct ct_err ignored;
	struct ct_meta meta;

	if (record->again || ct_arena_open(&arena, &ignored) < 0 ||
	    ct_keeper_read_policy(dir, &arena, &meta, &policy, &ignored) < 0)
		return true;
	return ct_restart_decide(&policy, &run, &tally);
}

/* Between the payload's end and the keeper's look at it, the record still says "watching". */
bool ct_keeper_will_restart(int dir, const struct ct_status *status, bool ended)
{
	struct ct_keeper_record record;
	struct ct_err ignored;

	if (ct_lock_holder(dir, CT_KEEPER_LOCK, NULL) <= 0 || ct_keeper_is_stop_asked(dir))
		return false;
	/* One that is there and cannot say it may well do so. */
	if (ct_keeper_record_read(dir, &record, &ignored) < 0)
		return true;
	if (record.phase == CT_KEEPER_WATCHING)
		return ended && record.seen != status->started && is_expected(dir, &record, status);
	return record.phase != CT_KEEPER_ENDED;
}

/* It still has its lock, and starts nothing any more. */
bool ct_keeper_is_leaving(int dir)
{
	struct ct_keeper_record record;
	struct ct_err ignored;

	return ct_keeper_record_read(dir, &record, &ignored) == 0 &&
	       record.phase == CT_KEEPER_ENDED;
}

/* Has or had one: the file stays when the keeper goes. */
bool ct_container_has_keeper(const struct ct_container *container)
{
	return container->dir >= 0 &&
	       faccessat(container->dir, CT_KEEPER_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- stopping ---- */

/* 0 is "stop", whose own signal does not matter: what somebody ends is not started again, docker's
 * rule for "unless-stopped" and "always" alike. */
static bool asks_to_end(const struct ct_container *c, int signal)
{
	return !signal || signal == SIGKILL || signal == SIGTERM || signal == SIGINT ||
	       signal == SIGQUIT || signal == c->meta.stop_signal;
}

/* True when the signal is one that is meant to end the container, whether or not there is a
 * keeper. */
bool ct_container_forbid_restart(const struct ct_container *container, int signal)
{
	int fd;

	if (!asks_to_end(container, signal))
		return false;
	if (!ct_container_has_keeper(container))
		return true;
	fd = openat(container->dir, CT_STOP_ASKED,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	ct_fd_close(fd);
	/* A disk that has no room for a name: then the keeper goes before it can do anything. */
	if (fd < 0) {
		int ct_autofd keeper = ct_keeper_open(container->dir);

		if (keeper >= 0 && ct_pidfd_signal(keeper, SIGTERM) == 0)
			ct_pidfd_await(keeper, LEAVE);
		return true;
	}
	ct_keeper_tell(container->dir);
	return true;
}

/* TERM, some time, KILL: it may be just starting the container, which is not to be cut in half. */
int ct_keeper_retire(int dir, const char *label, struct ct_err *err)
{
	int ct_autofd keeper = ct_keeper_open(dir);

	if (keeper < 0 || ct_pidfd_signal(keeper, SIGTERM) < 0)
		return 0;
	if (ct_pidfd_await(keeper, LEAVE) != 0)
		return 0;
	if (ct_pidfd_signal(keeper, SIGKILL) < 0 || ct_pidfd_await(keeper, KILLED) != 0)
		return 0;
	ct_fail(err, ETIMEDOUT, "container %s: its keeper does not end, even by SIGKILL", label);
	return ct_hint(err, "the kernel holds it: ps -eo pid,wchan,args shows where");
}

/* ---- waiting ---- */

/* By /proc/self/fd, for the directory is known by its descriptor only, inotify(7). */
int ct_keeper_watch(int dir)
{
	int ct_autofd watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (watch < 0 || inotify_add_watch(watch, path, CHANGES) < 0)
		return -errno;
	return ct_take_fd(&watch);
}

/* Without a watch (the limit of inotify is reached) by naps. */
void ct_keeper_sleep(int watch, uint64_t timeout)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	if (watch < 0)
		ct_nap(PAUSE < timeout ? PAUSE : timeout);
	else if (ct_pidfd_await(watch, timeout) > 0)
		while (read(watch, events, sizeof(events)) > 0)
			continue;
}
