/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping and resuming everything in a cgroup, and waiting for what the kernel makes of it.
 *
 * Runs in commands and in the monitor with the caller's privileges, which must include writing the
 * cgroup. Waiting is done on cgroup.events, whose every change wakes a poller with POLLPRI; each
 * wait has an end. Fails with ETIMEDOUT, ENODEV when the cgroup is gone, and with ENOSYS on
 * kernels before 5.2, which cannot freeze.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cattach/io.h>
#include <cattach/proc.h>

#define LOOK_AGAIN	100	/* milliseconds */

/* Milliseconds until a moment of the monotonic clock. */
static int until(uint64_t deadline)
{
	uint64_t now = ct_now_monotonic();

	return now >= deadline ? 0 : (int)((deadline - now + 999999) / 1000000);
}

static bool is_empty(const char *events)
{
	uint64_t populated = 1;

	return ct_cgroup_find_key(events, "populated", &populated) && !populated;
}

/*
 * Has it come to that, 1, or not yet, 0? Where nobody is, nobody is frozen: of processes that end
 * while they are being resumed the kernel may leave "frozen 1" behind. What will never come is an
 * error: -ENODEV when all have ended instead, -ECANCELED when somebody else has had them go on.
 */
static int is_so(int dir, const char *events, const char *key, uint64_t value)
{
	uint64_t now = 0;

	if (ct_cgroup_find_key(events, key, &now) && now == value)
		return 1;
	if (is_empty(events))
		return value ? -ENODEV : 1;
	return value && !ct_cgroup_is_freezing(dir) ? -ECANCELED : 0;
}

/* Wait until a key of cgroup.events has a value: 0 or -errno. With the value 1 it is "frozen". */
static int wait_event(int dir, const char *key, uint64_t value, unsigned timeout)
{
	uint64_t deadline = ct_now_monotonic() + (uint64_t)timeout * 1000000;
	int ct_autofd fd = ct_cgroup_open_at(dir, "cgroup.events", O_RDONLY);
	struct pollfd poller = { .fd = fd, .events = POLLPRI };
	char text[256];

	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t n;
		int left, so;

		if (lseek(fd, 0, SEEK_SET) < 0)
			return -errno;
		n = ct_read_text(fd, text, sizeof(text));
		if (n < 0)
			return (int)n;
		so = is_so(dir, text, key, value);
		if (so)
			return so < 0 ? so : 0;
		left = until(deadline);
		if (!left)
			return -ETIMEDOUT;
		/* Of who takes it back before it has come to that there is no event. */
		if (value && left > LOOK_AGAIN)
			left = LOOK_AGAIN;
		if (poll(&poller, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* Every cgroup has that file, and every one but the topmost the freezer's. */
static bool is_gone(int dir)
{
	return faccessat(dir, "cgroup.events", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno != EACCES;
}

static int fail_freeze(struct ct_err *err, int dir, int code, bool frozen)
{
	const char *what = frozen ? "pause" : "resume";

	if (code == ENODEV || (code == ENOENT && is_gone(dir)))
		return ct_fail(err, ENODEV, "cannot %s: the cgroup is gone", what);
	if (code == ECANCELED)
		return ct_fail(err, code, "cannot pause: somebody else has had it go on meanwhile");
	if (code == ENOENT) {
		ct_fail(err, ENOSYS, "cannot %s: cgroup.freeze is not there", what);
		return ct_hint(err, "Linux 5.2 or newer is needed");
	}
	if (code == ETIMEDOUT) {
		ct_fail(err, code, "cannot %s in time", what);
		if (!frozen)
			return ct_hint(err, "a cgroup above it is frozen, or somebody freezes it "
				       "again: see cgroup.freeze in it and above it");
		return ct_hint(err, "a process that waits for a disk or a network file system cannot "
			       "be stopped; see wchan in /proc/PID");
	}
	return ct_fail_errno(err, code, "cannot %s", what);
}

int ct_cgroup_freeze(int dir, bool frozen, unsigned timeout, struct ct_err *err)
{
	int ret = ct_cgroup_write(dir, "cgroup.freeze", frozen ? "1" : "0");

	if (ret < 0)
		return fail_freeze(err, dir, -ret, frozen);
	ret = wait_event(dir, "frozen", frozen, timeout);
	/* It went on, and has ended by now. */
	if (!frozen && (ret == -ENODEV || ret == -ENOENT))
		return 0;
	/* Half frozen would be a state that nobody asked for. */
	if (ret < 0 && frozen)
		ct_cgroup_write(dir, "cgroup.freeze", "0");
	return ret < 0 ? fail_freeze(err, dir, -ret, frozen) : 0;
}

bool ct_cgroup_is_freezing(int dir)
{
	uint64_t freeze = 0;

	return ct_cgroup_read_number(dir, "cgroup.freeze", &freeze) == 0 && freeze;
}

bool ct_cgroup_stops(int dir)
{
	int ct_autofd above = -1;

	/* The top has no such file; what is above our own mount or namespace, nobody here can know. */
	while (faccessat(dir, "cgroup.freeze", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		int up;

		if (ct_cgroup_is_freezing(dir))
			return true;
		up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return false;
		ct_fd_close(above);
		dir = above = up;
	}
	return false;
}

int ct_cgroup_wait_empty(int dir, unsigned timeout, struct ct_err *err)
{
	int ret = wait_event(dir, "populated", 0, timeout);

	if (ret == 0 || ret == -ENODEV || ret == -ENOENT)
		return 0;
	if (ret == -ETIMEDOUT)
		return ct_fail(err, ETIMEDOUT, "the cgroup still has processes");
	return ct_fail_errno(err, -ret, "cannot watch cgroup.events");
}

int ct_cgroup_fail_frozen(struct ct_err *err, const char *path)
{
	ct_fail(err, EBUSY, "cgroup %.200s is frozen, or one above it", path);
	return ct_hint(err, "write 0 to its cgroup.freeze, or give the container another cgroup");
}
