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

/* Milliseconds until a moment of the monotonic clock. */
static int until(uint64_t deadline)
{
	uint64_t now = ct_now_monotonic();

	return now >= deadline ? 0 : (int)((deadline - now + 999999) / 1000000);
}

/*
 * Has it come to that? Where nobody is, nobody is frozen: of processes that end while they are
 * being resumed the kernel may leave "frozen 1" behind.
 */
static bool is_so(const char *events, const char *key, uint64_t value)
{
	uint64_t now = 0;

	if (ct_cgroup_find_key(events, key, &now) && now == value)
		return true;
	return !value && ct_cgroup_find_key(events, "populated", &now) && !now;
}

/* Wait until a key of cgroup.events has a value: 0 or -errno. */
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
		int left;

		if (lseek(fd, 0, SEEK_SET) < 0)
			return -errno;
		n = ct_read_text(fd, text, sizeof(text));
		if (n < 0)
			return (int)n;
		if (is_so(text, key, value))
			return 0;
		left = until(deadline);
		if (!left)
			return -ETIMEDOUT;
		if (poll(&poller, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
}

static int fail_freeze(struct ct_err *err, int code, bool frozen)
{
	const char *what = frozen ? "pause" : "resume";

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
		return fail_freeze(err, -ret, frozen);
	ret = wait_event(dir, "frozen", frozen, timeout);
	/* Half frozen would be a state that nobody asked for. */
	if (ret < 0 && frozen)
		ct_cgroup_write(dir, "cgroup.freeze", "0");
	return ret < 0 ? fail_freeze(err, -ret, frozen) : 0;
}

bool ct_cgroup_is_freezing(int dir)
{
	uint64_t freeze = 0;

	return ct_cgroup_read_number(dir, "cgroup.freeze", &freeze) == 0 && freeze;
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
