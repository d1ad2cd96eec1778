/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enabling controllers for the children of a cgroup, and making room for that.
 *
 * Runs in the process that starts a container, with the caller's privileges. A controller can be
 * enabled where cgroup.controllers lists it and the cgroup has no processes of its own; those of a
 * place that is ours may be moved into a child, which changes nothing for them but their path.
 * Fails where a controller was not delegated, and says how to get it.
 */
#include "controllers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/log.h>

#include "files.h"

#define MOVE_ROUNDS	20	/* readings of a list to which a forking process may add */

size_t ct_cgroup_controller_length(const char *file)
{
	size_t length = strcspn(file, ".");

	return !strncmp(file, "cgroup.", length + 1) ? 0 : length;
}

/* One reading of a list: how many were moved, or -errno. */
static int move_listed(int from, int to)
{
	struct ct_cgroup_pids pids;
	int moved = 0, ret = ct_cgroup_pids_open(from, &pids);
	char text[16];
	pid_t pid;

	if (ret < 0)
		return ret;
	while (ret >= 0 && (pid = ct_cgroup_pids_next(&pids)) != 0) {
		snprintf(text, sizeof(text), "%d", (int)pid);
		ret = pid < 0 ? -EPERM : ct_cgroup_write(to, "cgroup.procs", text);
		if (ret == -ESRCH)
			ret = 0;
		else
			moved++;
	}
	ct_fd_close(pids.fd);
	return ret < 0 ? ret : moved;
}

/* The child of a place for processes that must not be in it: a descriptor or -errno. */
int ct_cgroup_open_callers(int place)
{
	if (mkdirat(place, CT_CGROUP_CALLERS, 0755) < 0 && errno != EEXIST)
		return -errno;
	return ct_cgroup_open_below(place, CT_CGROUP_CALLERS);
}

/* Move the processes of a place aside. The child may be removed, being empty, before they come. */
static int move_aside(const struct ct_cgroup_place *place)
{
	int moved = 1;

	ct_log(CT_LOG_INFO, CT_TOPIC_CGROUP, "moving the processes of %s into its child %s",
	       place->path, CT_CGROUP_CALLERS);
	for (int round = 0; round < MOVE_ROUNDS && moved != 0; round++) {
		int ct_autofd callers = ct_cgroup_open_callers(place->dir);

		moved = callers < 0 ? callers : move_listed(place->dir, callers);
		if (moved < 0 && moved != -ENODEV && moved != -ENOENT)
			return moved;
	}
	return moved > 0 ? -EBUSY : moved;
}

/* How many processes are there: none, only ourselves, or others? */
enum crowd { CROWD_NONE, CROWD_SELF, CROWD_OTHERS };

static enum crowd look_for_crowd(int dir)
{
	struct ct_cgroup_pids pids;
	enum crowd crowd = CROWD_OTHERS;
	pid_t first, second = 0;

	/* The root may have processes, and has no type. */
	if (faccessat(dir, "cgroup.type", F_OK, 0) < 0 || ct_cgroup_pids_open(dir, &pids) < 0)
		return CROWD_NONE;
	first = ct_cgroup_pids_next(&pids);
	if (first)
		second = ct_cgroup_pids_next(&pids);
	if (!first)
		crowd = CROWD_NONE;
	else if (first == getpid() && !second)
		crowd = CROWD_SELF;
	ct_fd_close(pids.fd);
	return crowd;
}

bool ct_cgroup_is_alone(int dir)
{
	return look_for_crowd(dir) == CROWD_SELF;
}

/*
 * Most controllers the kernel does not enable where processes are (EBUSY). Those that know threads (pids,
 * cpu) it does, but then no process can be put into the children (EOPNOTSUPP): so they are treated alike.
 */
static int make_lonely(int dir, const struct ct_cgroup_place *place)
{
	if (look_for_crowd(dir) == CROWD_NONE)
		return 0;
	return place ? move_aside(place) : -EBUSY;
}

int ct_cgroup_enable(int dir, const char *name, size_t length,
		     const struct ct_cgroup_place *place)
{
	char list[256], text[64];
	int ret;

	if (ct_cgroup_read(dir, "cgroup.subtree_control", list, sizeof(list)) >= 0 &&
	    ct_cgroup_has_word(list, name, length))
		return 0;
	if (ct_cgroup_read(dir, "cgroup.controllers", list, sizeof(list)) < 0 ||
	    !ct_cgroup_has_word(list, name, length))
		return -ENOENT;
	ret = make_lonely(dir, place);
	if (ret < 0)
		return ret;
	snprintf(text, sizeof(text), "+%.*s", (int)length, name);
	ret = ct_cgroup_write(dir, "cgroup.subtree_control", text);
	if (ret != -EBUSY || !place)
		return ret;
	ret = move_aside(place);
	return ret < 0 ? ret : ct_cgroup_write(dir, "cgroup.subtree_control", text);
}

int ct_cgroup_fail_controller(struct ct_err *err, int code, int dir, const char *name,
			      size_t length, const char *path)
{
	char list[160] = "";
	int n = (int)length;

	if (code == EBUSY) {
		ct_fail(err, code, "the controller \"%.*s\" cannot be enabled: cgroup %.160s has "
			"processes of its own", n, name, path);
		return ct_hint(err, "start cattach in a child of it, or give another --cgroup-parent");
	}
	if (code != ENOENT)
		return ct_fail_errno(err, code, "the controller \"%.*s\" cannot be enabled in cgroup "
				     "%.160s", n, name, path);
	if (ct_cgroup_read(dir, "cgroup.controllers", list, sizeof(list)) < 0)
		list[0] = '\0';
	ct_fail(err, ENOTSUP, "the controller \"%.*s\" is not delegated to you: cgroup %.160s has %s",
		n, name, path, *list ? list : "none");
	if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0)
		return ct_hint(err, "it may belong to cgroup v1 here: boot with "
			       "systemd.unified_cgroup_hierarchy=1");
	if (access("/run/systemd/system", F_OK) == 0)
		return ct_hint(err, "systemctl edit user@.service: [Service] Delegate=cpu cpuset io "
			       "memory pids; then log in again");
	return ct_hint(err, "have it added to cgroup.subtree_control of every cgroup above: "
		       "docs/cgroups.md");
}
