/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's leaf at the end of a run, and as others find it: what was killed in it, what is
 * left in it, its removal, the record of its path.
 *
 * ct_leaf_is_oom() and ct_leaf_end() run in the confined monitor, which has the descriptors from
 * the start and allocates nothing. The others run in commands, as the user; what they read was ours
 * once and is checked (ct_cgroup_open()). What cannot be removed stays recorded, and whoever
 * removes the container, or starts it again, tries again.
 */
#include "leaf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "record.h"

#define END_TIME	2000	/* ms for what has been killed to be gone */
#define SWEEP_NAP	(CT_SECOND / 10000)

/* memory.events, oom_kill: processes that were killed for want of memory in this cgroup. */
bool ct_leaf_is_oom(const struct leaf *leaf)
{
	struct ct_cgroup_events events;
	struct ct_err ignored;

	return leaf->cgroup.container >= 0 &&
	       ct_cgroup_events(leaf->cgroup.container, &events, &ignored) == 0 &&
	       events.oom_kill > 0;
}

void ct_leaf_close(struct leaf *leaf)
{
	ct_cgroup_close(&leaf->cgroup);
	ct_drop_fd(&leaf->place);
}

/* A scope is systemd's to remove, which it does when we have ended. attended: somebody follows the
 * container and removes the rest when we have gone (ct_leaf_sweep()). */
static bool may_remove_all(const struct leaf *leaf, bool attended)
{
	struct ct_err ignored;

	return !attended && !leaf->in_scope &&
	       ct_cgroup_leave(&leaf->cgroup, getpid(), &ignored) == 0;
}

/* In the monitor, after its last process has ended; "cgroup" is the file with its path in the
 * container's directory, and goes only when the cgroup does. */
void ct_leaf_end(struct leaf *leaf, int dir, bool attended)
{
	struct ct_err ignored;
	unsigned wait = END_TIME;
	int r;

	if (leaf->cgroup.dir < 0)
		return;
	/* Without a pid namespace of its own there may be some left, who have had their grace. */
	if (ct_cgroup_kill_at_once(leaf->cgroup.container) < 0)
		wait = 0;
	if (may_remove_all(leaf, attended))
		r = ct_cgroup_remove(&leaf->cgroup, wait, &ignored);
	else
		r = ct_cgroup_remove_container(&leaf->cgroup, wait, &ignored);
	if (r == 0)
		unlinkat(dir, "cgroup", 0);
	ct_leaf_close(leaf);
}

/* Of a start that has failed: nothing has run in it that anybody would want to see. */
void ct_leaf_undo(struct leaf *leaf, int dir)
{
	struct ct_err ignored;

	if (leaf->cgroup.dir < 0)
		return;
	if (ct_cgroup_give_back(&leaf->cgroup, END_TIME, &ignored) == 0)
		unlinkat(dir, "cgroup", 0);
	ct_leaf_close(leaf);
	*leaf = (struct leaf)LEAF_INIT;
}

/* The monitor has said its last word and is on its way out, which takes some tenths of a
 * millisecond: too short for a notification, which the kernel makes once in ten. */
void ct_leaf_sweep(const struct ct_cgroup *cgroup)
{
	uint64_t limit = ct_now_monotonic() + END_TIME * UINT64_C(1000000);
	const char *name = strrchr(cgroup->path, '/') + 1;
	struct ct_err ignored;

	/* It runs on: we have only let go of it. */
	if (faccessat(cgroup->dir, "container", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	while (faccessat(cgroup->parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ct_cgroup_remove(cgroup, 0, &ignored) < 0 && ct_now_monotonic() < limit)
		ct_nap(SWEEP_NAP);
}

/* ---- by others ---- */

const char *ct_leaf_mark(int dir, const char *id, char buf[LEAF_MARK])
{
	struct stat st = { 0 };

	/* A directory that cannot be looked at is nobody's. */
	if (fstat(dir, &st) < 0)
		st.st_ino = 0;
	snprintf(buf, LEAF_MARK, "%s %llx:%llx", id, (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return buf;
}

static int read_record(int dir, char path[CT_CGROUP_PATH], bool *ret_found)
{
	int ct_autofd fd = openat(dir, "cgroup", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[CT_CGROUP_PATH + LEAF_WORDS], *end;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = ct_read_text(fd, text, sizeof(text));
	if (n < 0)
		return (int)n;
	end = text + strcspn(text, "\n");
	*ret_found = *end && !strncmp(end + 1, LEAF_FOUND, strlen(LEAF_FOUND));
	*end = '\0';
	if (*text != '/' || end - text >= CT_CGROUP_PATH)
		return -EBADMSG;
	memcpy(path, text, (size_t)(end - text) + 1);
	return 0;
}

int ct_leaf_read(int dir, char path[CT_CGROUP_PATH])
{
	bool found;

	return read_record(dir, path, &found);
}

/* "/PLACE/cattach-ID", or with a number behind it. What is another's must not be ended for this
 * one, whatever has become of the record. */
static int open_recorded(int dir, const char *id, struct ct_cgroup *cgroup, struct ct_err *err)
{
	char path[CT_CGROUP_PATH], mark[LEAF_MARK];
	int r = ct_leaf_read(dir, path);

	if (r < 0)
		return ct_fail_errno(err, -r, "no cgroup is recorded");
	r = ct_cgroup_open(path, cgroup, err);
	if (r == 0 && !ct_cgroup_is_of(cgroup, id, ct_leaf_mark(dir, id, mark))) {
		ct_cgroup_close(cgroup);
		return ct_fail(err, EINVAL, "the recorded cgroup is another container's");
	}
	return r;
}

/* The cgroup is asked and not the record: somebody may have written to cgroup.freeze himself. */
bool ct_leaf_is_frozen(int dir, const char *id)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	struct ct_cgroup_events events;
	struct ct_err ignored;

	return open_recorded(dir, id, &cgroup, &ignored) == 0 && cgroup.container >= 0 &&
	       ct_cgroup_events(cgroup.container, &events, &ignored) == 0 && events.frozen;
}

static bool is_empty(const struct ct_cgroup *cgroup)
{
	struct ct_cgroup_events events;
	struct ct_err ignored;

	return ct_cgroup_events(cgroup->dir, &events, &ignored) == 0 && !events.populated;
}

/* Who may not remove it any more, or must leave what somebody else has made in it, is not kept from
 * his container by a directory in which nobody is. */
static int end_recorded(const struct ct_cgroup *cgroup, struct ct_err *err)
{
	int r = ct_cgroup_end(cgroup, err);

	if (r == 0 || is_empty(cgroup))
		r = ct_cgroup_give_back(cgroup, END_TIME, err);
	if (r == 0 || r == -EBUSY || !is_empty(cgroup))
		return r;
	ct_warn("an empty cgroup stays: %s (cattach unshare can remove what other ids of yours have made)",
		err->what);
	return 0;
}

/* What is no file of ours, or leads nowhere, or to what is not ours, is not followed. */
static bool is_nothing(int r)
{
	static const int codes[] = { ENOENT, ENOTDIR, EISDIR, ELOOP, EXDEV, EINVAL, EBADMSG,
				     ENAMETOOLONG, ENXIO, ENODEV };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (r == -codes[i])
			return true;
	return false;
}

/* Its maker was killed when it was there and nothing was written on it yet. */
static void remove_unmarked(int dir)
{
	char path[CT_CGROUP_PATH];
	bool found = true;
	int r = read_record(dir, path, &found);

	if (r == 0 && !found)
		r = ct_cgroup_remove_unmarked(path);
	if (r < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "no cgroup that was left unmarked is removed");
}

/* The record goes last, and only when the cgroup has gone: whoever comes next finds the rest by
 * it. */
int ct_leaf_clean(int dir, const char *id, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	int r = open_recorded(dir, id, &cgroup, err);

	if (r == -EINVAL)
		remove_unmarked(dir);
	r = r == 0 ? end_recorded(&cgroup, err) : is_nothing(r) ? 0 : r;
	if (r < 0)
		return r;
	*err = (struct ct_err){ 0 };
	if (unlinkat(dir, "cgroup", 0) == 0 || errno == ENOENT ||
	    (errno == EISDIR && unlinkat(dir, "cgroup", AT_REMOVEDIR) == 0))
		return 0;
	return ct_fail_errno(err, errno, "cannot remove the record of its cgroup");
}

int ct_container_cgroup_path(const struct ct_container *container, char path[CT_CGROUP_PATH])
{
	return ct_leaf_read(container->dir, path);
}

/* -ENOTSUP for a container that was made without one, or whose monitor could not have one. */
int ct_container_cgroup(const struct ct_container *container, struct ct_cgroup *ret_cgroup,
			struct ct_err *err)
{
	const char *label = ct_container_label(container);
	int r = open_recorded(container->dir, container->meta.id, ret_cgroup, err);

	if (r == 0 && ret_cgroup->container >= 0)
		return 0;
	if (r == 0)
		ct_cgroup_close(ret_cgroup);
	if (r < 0 && r != -ENOENT)
		return ct_wrap(err, "the cgroup of container %s", label);
	ct_fail(err, ENOTSUP, "container %s has no cgroup of its own", label);
	return ct_hint(err, "cattach info says how to get one; then start it anew");
}
