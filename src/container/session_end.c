/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container's sessions, when the container is removed; and of what is left of a
 * session whose maker was killed before there was one, which whoever looks takes away: nobody
 * knows its id, and nothing has run in it.
 *
 * Runs in commands, as the user. At the end of the container all of them get SIGKILL first, then
 * each has a moment to write its end down and to take its socket away; a monitor that does not
 * leave in it is killed, too. A session is never a reason to keep its container: what cannot be
 * ended here is only said to those who look for it, and its files go with the container's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>

#include "record.h"
#include "store.h"

#define GRACE	(2 * CT_SECOND)		/* for each monitor, and for who is just making one */

static void signal_all(struct ct_store *sessions, struct ct_arena *arena,
		       const struct ct_container_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
		struct ct_err ignored;

		if (ct_container_load(sessions, arena, NULL, list->items[i].meta.id, &c, &ignored) == 0)
			ct_container_signal(&c, SIGKILL, &ignored);
	}
}

static void forget_all(struct ct_store *sessions, struct ct_arena *arena,
		       const struct ct_container_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
		struct ct_err err = { 0 };
		int r = ct_container_load(sessions, arena, NULL, list->items[i].meta.id, &c, &err);

		if (r == 0)
			r = ct_container_remove_within(sessions, &c, true, GRACE, &err);
		if (r < 0 && r != -ENOENT)
			ct_log(CT_LOG_INFO, CT_TOPIC_STATE, "%s", err.what);
	}
}

void ct_sessions_end(const struct ct_store *store, const struct ct_container *container)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_container_list list = { 0 };
	struct ct_err err = { 0 };

	if (ct_store_sessions(store, container, false, &sessions, &err) < 0 ||
	    ct_arena_open(&arena, &err) < 0 ||
	    ct_container_list(&sessions, &arena, &list, &err) < 0) {
		if (err.code != ENOENT)
			ct_log(CT_LOG_INFO, CT_TOPIC_STATE, "%s", err.what);
		return;
	}
	signal_all(&sessions, &arena, &list);
	forget_all(&sessions, &arena, &list);
}

/* ---- what never was one ---- */

/* Neither its maker nor a monitor is there, and it was not started; what is spoilt is another matter. */
static bool was_interrupted(int dir)
{
	int ct_autofd fd = openat(dir, "status", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct ct_status status;
	struct ct_err ignored;

	if (ct_container_has_creator(dir) || ct_monitor_alive(dir, NULL) > 0)
		return false;
	if (fd >= 0 && ct_status_read(fd, &status, &ignored) == 0)
		return status.state == CT_STATUS_NONE || status.state == CT_STATUS_STARTING;
	/* That is made before the record is. */
	return faccessat(dir, "meta.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

bool ct_session_drop_interrupted(const struct ct_store *sessions, const struct ct_container *session)
{
	struct ct_container c = *session;	/* borrows the descriptors, is never closed */
	int ct_autofd dir = -1;
	struct ct_err err = { 0 };

	if (!sessions->session_of[0] || c.state != CT_STATE_DAMAGED)
		return false;
	dir = openat(sessions->containers, c.meta.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !was_interrupted(dir))
		return dir < 0 && errno == ENOENT;
	c.dir = dir;
	if (ct_container_remove_within(sessions, &c, true, GRACE, &err) == 0)
		return true;
	ct_log(CT_LOG_INFO, CT_TOPIC_STATE, "%s", err.what);
	return false;
}
