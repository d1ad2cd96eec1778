/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From clone to exec: the sequence that makes a container, in the one order that the kernel and
 * safety allow. Read this first; each step is a file of its own.
 *
 * Runs in the new process, pid 1 of its pid namespace, with every capability in its own user
 * namespace and none outside. It makes system calls only and allocates nothing that matters: all
 * strings and lists come ready in the plan. Any failure is sent to the starter as a struct ct_err
 * and ends the process, and with it the namespaces and every mount in them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "child.h"

static _Noreturn void fail(const struct child *c, const struct ct_err *err)
{
	ct_sync_send(c->sync, SYNC_ERROR, err, -1);
	_exit(err->exit);
}

/*
 * Ids are mapped from outside, by two helper programs as a rule: the longest wait of a start, so
 * everything that needs no mapped id is done before it. To make a file or to change ids it must
 * be over; opening, cloning and settings go by our capabilities and the caller's own ids.
 */
static int wait_for_maps(struct child *c, struct ct_err *err)
{
	struct sync_message message;
	int fds[CT_FDS_MAX], r;

	/* A child of the helper that joins goes on when the monitor has its pidfd, or nobody would
	 * ever reap it. */
	if (!ct_child_is_awaited(c->plan))
		return 0;
	r = ct_sync_receive(c->sync, &message, fds);	/* nobody sends it descriptors */
	if (r != 1 || message.type != SYNC_MAPPED)
		return ct_fail(err, ECANCELED, "the monitor went away");
	return 0;
}

/*
 * A payload that is our own program through /proc/self/exe could write to it, where it is a file of
 * the caller's, or the caller is root (CVE-2019-5736 was that). It is known by its inode and its
 * mount: the same file in a mount of the container's is there because somebody wanted it.
 */
static void know_self(struct child *c)
{
	if (statx(c->proc, "self/exe", 0, CT_EXEC_STATX | STATX_UID, &c->self) < 0)
		return;
	c->self_writable = geteuid() == 0 || c->self.stx_uid == geteuid();
}

/* The host's /proc, if it is one; used by descriptor from now on, whoever opened it. */
static int open_proc(struct child *c, struct ct_err *err)
{
	struct statfs fs;

	c->proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->proc >= 0 && fstatfs(c->proc, &fs) < 0)
		return ct_fail_errno(err, errno, "cannot examine the host's /proc");
	if (c->proc >= 0 && fs.f_type != PROC_SUPER_MAGIC)
		ct_drop_fd(&c->proc);
	if (c->proc >= 0)
		know_self(c);
	return 0;
}

/* While file-system ids and groups are still the caller's. The kernel clones mounts of our own mount
 * namespace only, so nothing but procfs can come from the helper that joins. */
static int open_everything(struct child *c, struct ct_err *err)
{
	int r = c->plan->join_count ? 0 : open_proc(c, err);

	if (r < 0 || c->plan->mounts_joined)
		return r;
	c->host_root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->host_root < 0)
		return ct_fail_errno(err, errno, "cannot open the host's root");
	r = ct_child_open_root(c, err);
	if (r == 0)
		r = ct_child_open_sources(c, err);
	if (r == 0)
		r = ct_child_open_devices(c, err);
	return r;
}

static int build_root(struct child *c, struct ct_err *err)
{
	int r = ct_child_become_root(c, err);

	umask(022);
	/* Those of the ipc namespace belong to its root, whatever else others are allowed. */
	if (r == 0)
		r = ct_child_sysctls(c, err);
	if (r < 0)
		return r;
	if (c->plan->mounts_joined) {
		r = ct_child_create_hooks(c, err);
		return r < 0 ? r : ct_child_enter_root(c, err);
	}
	r = ct_child_attach_root(c, err);
	if (r == 0)
		r = ct_child_mounts(c, err);
	if (r == 0)
		r = ct_child_devices(c, err);
	if (r == 0 && c->plan->process.tty)
		r = ct_child_terminal(c, err);
	if (r == 0)
		r = ct_child_masks(c, err);
	if (r == 0)
		r = ct_child_create_hooks(c, err);
	return r < 0 ? r : ct_child_pivot(c, err);
}

/* Through the host's procfs, which is closed with everything else soon. */
static int apply_settings(struct child *c, struct ct_err *err)
{
	int r = ct_child_names(c, err);

	if (r == 0 && c->plan->loopback)
		r = ct_child_loopback(err);
	if (r == 0 && !c->plan->join_count)
		r = ct_child_oom_score(c, err);
	if (r == 0)
		r = ct_child_labels(c, err);
	return r;
}

static int run(struct child *c, struct ct_err *err)
{
	int r = ct_child_affinity(c->plan->process.affinity_initial, "initial", err);

	if (r == 0)
		r = open_everything(c, err);
	if (r == 0)
		r = ct_child_listener(c, err);
	if (r == 0)
		r = apply_settings(c, err);
	if (r == 0)
		r = wait_for_maps(c, err);
	if (r == 0)
		r = ct_child_cgroup_namespace(c, err);
	if (r == 0)
		r = ct_child_time_namespace(c, err);
	if (r == 0)
		r = build_root(c, err);
	if (r == 0)
		r = ct_child_report_places(c, err);
	/* From here on nobody of the same user may look into this process, either. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = ct_fail_errno(err, errno, "cannot become undumpable");
	if (r == 0)
		r = ct_child_descriptors(c, err);
	if (r == 0)
		r = ct_child_process(c, err);
	if (r == 0 && c->plan->hold)
		r = ct_child_hold(c, err);
	if (r == 0)
		r = ct_child_exec(c, err);
	return r;
}

/* A /proc that does not know us, that of another pid namespace, is no reason to stay outside. */
static void hide_words(void)
{
	if (ct_process_title("cattach") < 0)
		return;
}

/*
 * The processes of a namespace that is joined are hostile. They must not look into ours, which still
 * has the host's descriptors, so it is undumpable before they can see it; that takes away the right
 * to write to our own OOM score, which is inherited, so it is set before. The command line can be
 * read all the same, by every user in there, so it is not the caller's any more.
 */
int ct_child_before_join(struct child *c, struct ct_err *err)
{
	int r = open_proc(c, err);

	if (r == 0)
		r = ct_child_oom_score(c, err);
	if (r == 0)
		hide_words();
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = ct_fail_errno(err, errno, "cannot become undumpable");
	return r;
}

void ct_child_init(struct child *c, const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
		   int sync)
{
	*c = (struct child){
		.plan = plan, .stdio = stdio, .sync = sync, .root = -1, .under = -1,
		.host_root = -1, .proc = -1, .dev = -1, .pts = -1, .null = -1, .terminal = -1,
		.init = -1, .agent = -1, .hold = -1, .places = CT_NS_PLACES_INIT,
		.sources = plan->slots,
		.devices = plan->slots + plan->mount_count,
		.layers = plan->slots + plan->mount_count + plan->device_count,
	};
}

_Noreturn void ct_child_main(struct child *c)
{
	struct ct_err err = { 0 };

	ct_signals_reset();
	run(c, &err);
	fail(c, &err);
}
