/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers between create and start: what makes one complete, who may start it, and what is read
 * back of it for that.
 *
 * Runs in commands, as the user. A container that was created to stay carries the file "created";
 * one without it whose creator is gone is the remains of a start. Whoever starts one holds the same
 * lock on its directory that its creator held, so that there is only one, and others who look see
 * that somebody is at it. May fail: a record or configuration that cannot be read, a container that
 * runs already, a monitor of the last run that does not leave.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/proc.h>

#include "keeper.h"
#include "record.h"

#define LEAVE	(10 * CT_SECOND)	/* for the monitor of the last run */
#define GOING	(2 * CT_SECOND)	/* for the rest of a container that is being removed */

int ct_container_complete(struct ct_container *container, struct ct_err *err)
{
	int fd = openat(container->dir, "created", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make the file \"created\" of container %s",
				     ct_container_label(container));
	ct_fd_close(fd);
	if (container->state == CT_STATE_CREATING)
		return ct_state_step(container, CT_STEP_COMPLETE, CT_STATE_CREATED, err);
	return 0;
}

bool ct_container_is_complete(int dir)
{
	return faccessat(dir, "created", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- who starts it ---- */

int ct_container_give_up(struct ct_container *c, struct ct_err *err)
{
	c->damage = "its start was interrupted";
	return ct_state_step(c, CT_STEP_CRASH, CT_STATE_DAMAGED, err);
}

/* The last run is over, but its monitor may still be serving those who read what it left. */
static int await_monitor(const struct ct_container *c, struct ct_probe *probe, struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + LEAVE;

	while (probe->monitor && probe->status.state == CT_STATUS_EXITED) {
		int ct_autofd monitor = ct_probe_open_monitor(probe, c->dir);
		uint64_t now = ct_now_monotonic();

		if (now >= limit) {
			ct_fail(err, EBUSY, "container %s has ended, but its monitor still serves clients",
				ct_container_label(c));
			return ct_hint(err, "cattach clients %s; cattach detach --all %s",
				       ct_container_label(c), ct_container_label(c));
		}
		if (monitor < 0 || ct_pidfd_await(monitor, limit - now) < 0)
			ct_nap(CT_SECOND / 100);
		if (ct_container_probe(c, probe, err) < 0)
			return -err->code;
	}
	return 0;
}

bool ct_container_is_removed(const struct ct_container *container)
{
	struct stat st;

	return fstat(container->dir, &st) == 0 && st.st_nlink == 0;
}

int ct_container_fail_removed(const struct ct_container *container, struct ct_err *err)
{
	*err = (struct ct_err){ 0 };
	return ct_fail(err, ENOENT, "container %s has been removed meanwhile",
		       ct_container_label(container));
}

/* Was it removed while we waited, or is it going right now? A monitor cannot be without its lock, which
 * goes with the first files: whoever removes them needs but a moment for the rest. */
static int check_there(const struct ct_container *c, struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + GOING;

	while (!ct_container_is_removed(c)) {
		if (faccessat(c->dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return 0;
		if (ct_now_monotonic() >= limit)
			break;
		ct_nap(CT_SECOND / 100);
	}
	if (ct_container_is_removed(c))
		return ct_container_fail_removed(c, err);
	ct_fail(err, ENOENT, "container %s cannot be started: its file \"lock\" has been removed",
		ct_container_label(c));
	return ct_hint(err, "cattach rm -f %s", ct_container_label(c));
}

/* Whoever wants it to run from now on ends its keeper first, under the lock that is ours now: that one's
 * child has come too late, and what it would start nobody would keep. */
static bool has_lost_keeper(const struct ct_container *c)
{
	pid_t holder = 0;

	return ct_lock_holder(c->dir, CT_KEEPER_LOCK, &holder) <= 0 || holder != getppid();
}

/* What its state says against a start by somebody, or by its keeper. */
static int check_state(struct ct_container *c, bool kept, struct ct_err *err)
{
	int r;

	if (kept && !ct_state_is_live(c->state) && ct_keeper_is_stop_asked(c->dir))
		return ct_fail(err, ECANCELED, "container %s has been stopped", ct_container_label(c));
	if (kept && has_lost_keeper(c))
		return ct_fail(err, ECANCELED, "the keeper of container %s has ended",
			       ct_container_label(c));
	if (kept && c->state == CT_STATE_RESTARTING)
		return 0;
	/* The lock is ours, so whoever was creating it has gone without an end. */
	if (c->state == CT_STATE_CREATING && ct_container_give_up(c, err) < 0)
		return -err->code;
	r = ct_state_check(c, CT_ACT_START, err);
	return r > 0 ? ct_state_refuse(c, CT_ACT_START, err) : r;
}

/* The lock is ours: may it be started? */
static int check_reserved(struct ct_container *c, bool kept, struct ct_err *err)
{
	struct ct_probe probe;
	int r;

	r = ct_container_probe(c, &probe, err);
	if (r == 0)
		r = await_monitor(c, &probe, err);
	/* Damaged by what was found out when it was loaded, and by nothing else. */
	if (r < 0 && c->state == CT_STATE_DAMAGED)
		return ct_state_refuse(c, CT_ACT_START, err);
	if (r < 0)
		return ct_wrap(err, "%s", ct_container_label(c));
	r = check_there(c, err);
	if (r < 0)
		return r;
	c->status = probe.status;
	/* Its monitor was killed, and its payload is still to follow: not even its keeper starts it now. */
	probe.kept = probe.kept && !probe.payload;
	c->state = ct_probe_state(&probe, &c->damage);
	return check_state(c, kept, err);
}

int ct_container_reserve(struct ct_container *container, bool kept, struct ct_err *err)
{
	struct ct_container *c = container;
	int r;

	if (c->session_of)
		return ct_container_refuse_session(c, "started again", err);
	if (c->status_fd < 0 || c->state == CT_STATE_FOREIGN)
		return ct_state_refuse(c, CT_ACT_START, err);
	r = ct_container_await_creator(c->dir, ct_container_label(c));
	if (r < 0 && r != -EOPNOTSUPP)
		return ct_fail_errno(err, -r, "cannot lock container %s", ct_container_label(c));
	r = check_reserved(c, kept, err);
	/* Whoever cannot start it may follow it, for as long as it runs. */
	if (r < 0)
		ct_container_let_go(c);
	return r;
}

/* ---- what is read back ---- */

int ct_container_spec(const struct ct_container *container, struct ct_arena *arena,
		      struct ct_spec **ret_spec, struct ct_err *err)
{
	struct ct_spec *spec;
	const char *text;
	size_t size;

	if (ct_read_file_at(arena, container->dir, "config.json", CT_JSON_MAX_SIZE, &text, &size,
			    err) < 0 ||
	    ct_spec_parse(arena, "config.json", text, size, &spec, err) < 0)
		return ct_wrap(err, "%s", ct_container_label(container));
	spec->default_seccomp = container->meta.default_seccomp;
	spec->linux_.resources.swap_by_default = container->meta.swap_by_default;
	if (spec->process)
		spec->process->keep_groups = container->meta.keep_groups;
	*ret_spec = spec;
	return 0;
}

/* docker's: the host name is the short id unless somebody said otherwise. */
int ct_container_set_hostname(const struct ct_meta *meta, struct ct_arena *arena,
			      struct ct_spec *spec, struct ct_err *err)
{
	const char *short_id = ct_arena_strndup(arena, meta->id, CT_SHORT_ID_LENGTH);
	const struct ct_spec_namespace *uts = &spec->linux_.namespaces[CT_NS_UTS];
	const char *variable;

	if (!short_id)
		return ct_fail_nomem(err);
	if (!spec->hostname && uts->present && !uts->path)
		spec->hostname = short_id;
	if (meta->bundle || !spec->hostname)
		return 0;
	variable = ct_arena_printf(arena, "HOSTNAME=%s", spec->hostname);
	if (!variable || ct_strings_add(arena, &spec->process->env, variable) < 0)
		return ct_fail_nomem(err);
	return 0;
}

static enum ct_size_policy size_policy(const char *word)
{
	if (word && !strcmp(word, "smallest"))
		return CT_SIZE_SMALLEST;
	if (word && !strcmp(word, "largest"))
		return CT_SIZE_LARGEST;
	if (word && !strcmp(word, "none"))
		return CT_SIZE_NONE;
	return CT_SIZE_LATEST;
}

/* A log file has room for some frames at least, or a reader that the payload waits for could not
 * keep up however fast it is. The options have been told so; a record may have been changed since. */
void ct_container_start_options(const struct ct_meta *meta, struct ct_start_options *options)
{
	options->log.max_size = meta->log_max_size;
	if (meta->log_max_size && meta->log_max_size < CT_LOG_SIZE_MIN)
		options->log.max_size = CT_LOG_SIZE_MIN;
	options->log.max_files = (uint32_t)meta->log_max_files;
	options->log.memory = ct_log_passes(meta) ||
			      (meta->log_driver && !strcmp(meta->log_driver, "none"));
	options->log.file = ct_log_file_of(meta);
	options->log.path = meta->log_path;
	options->size_policy = size_policy(meta->size_policy);
}
