/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions on disk: a store in the directory of their container, made of the same parts as the
 * user's own, so that everything that can be done to a container (look, list, find, wait, signal,
 * remove) can be done to a session by the same functions.
 *
 *   containers/<id>/exec/<session's id>/     as a container's directory, without a config.json
 *   containers/<id>/exec-names/<name>        link to the id
 *   ROOT/<id>/exec/, ROOT/<id>/exec-names/   the same of a container that an engine has made
 *
 * Runs in commands, as the user. The container's directory is opened by its id anew: the store of
 * one that has been removed cannot be opened, whoever still has a descriptor of it. May fail: a
 * container that is gone, directories that are not private, what can be done to containers only.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/num.h>
#include <cattach/runtime.h>

#include "record.h"
#include "store.h"

/* "c1" of "c1/s1", or the name of a container itself. */
static size_t owner_length(const struct ct_container *container)
{
	return strcspn(ct_container_label(container), "/");
}

/* The directory of an engine's records, if it is the one who has made the container. */
static const char *engine_root(const struct ct_store *store, const struct ct_container *container)
{
	if (container->engine_root)
		return container->engine_root;
	return store->engine ? store->path : NULL;
}

/* A store that has a path and an owner, but nothing open. */
static int name_it(const struct ct_store *store, const struct ct_container *container,
		   struct ct_store *sessions, struct ct_err *err)
{
	const char *id = container->session_of ? container->session_of : container->meta.id;
	const char *root = engine_root(store, container);

	sessions->engine = root != NULL;
	/* The store that a session was found in need not be the one that is asked. */
	if (asprintf(&sessions->path, "%s%s/%s", root ? root : store->path,
		     root ? "" : "/containers", id) < 0) {
		sessions->path = NULL;
		return ct_fail_nomem(err);
	}
	snprintf(sessions->session_of, sizeof(sessions->session_of), "%s", id);
	snprintf(sessions->owner, sizeof(sessions->owner), "%.*s", (int)owner_length(container),
		 ct_container_label(container));
	return 0;
}

/* The directory that all records of this kind are in is opened anew where it need not be the store's. */
static int open_owner(const struct ct_store *store, const struct ct_container *container,
		      const struct ct_store *sessions, struct ct_err *err)
{
	const char *root = engine_root(store, container);
	int ct_autofd above = -1;
	int dir;

	if (root)
		above = ct_open_private(AT_FDCWD, root, root, CT_RUNTIME_ROOT, false, err);
	if (root && above < 0)
		return above;
	dir = openat(root ? above : store->containers, sessions->session_of,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? ct_fail_errno(err, errno, "cannot open %s", sessions->path) : dir;
}

static int open_part(const struct ct_store *sessions, int dir, const char *name, bool make,
		     int *ret_fd, struct ct_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", sessions->path, name);
	*ret_fd = ct_open_private(dir, name, path,
				  sessions->engine ? CT_RUNTIME_ROOT : "XDG_DATA_HOME", make, err);
	return *ret_fd < 0 ? *ret_fd : 0;
}

int ct_store_sessions(const struct ct_store *store, const struct ct_container *container, bool make,
		      struct ct_store *ret_sessions, struct ct_err *err)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	mode_t ct_autoumask saved = umask(077);
	int ct_autofd dir = -1;
	int r = name_it(store, container, &sessions, err);

	if (r < 0)
		return r;
	dir = open_owner(store, container, &sessions, err);
	if (dir < 0)
		return dir;
	r = open_part(&sessions, dir, ct_store_part(&sessions), make, &sessions.containers, err);
	if (r == 0)
		r = open_part(&sessions, dir, ct_store_names_part(&sessions), make, &sessions.names,
			      err);
	if (r < 0)
		return r;
	/* One cache for all; without it the same is compiled again. */
	if (store->cache >= 0)
		sessions.cache = fcntl(store->cache, F_DUPFD_CLOEXEC, 3);
	*ret_sessions = sessions;
	sessions = (struct ct_store)CT_STORE_INIT;
	return 0;
}

int ct_session_mark(const struct ct_store *store, struct ct_arena *arena, struct ct_container *c,
		    struct ct_err *err)
{
	if (!store->session_of[0])
		return 0;
	c->session_of = ct_arena_strdup(arena, store->session_of);
	c->label = ct_arena_printf(arena, "%s/%s", store->owner, c->meta.name);
	if (!c->session_of || !c->label)
		return ct_fail_nomem(err);
	if (!store->engine)
		return 0;
	/* ROOT/<id> */
	c->engine_root = ct_arena_strndup(arena, store->path,
					  strlen(store->path) - strlen(store->session_of) - 1);
	return c->engine_root ? 0 : ct_fail_nomem(err);
}

static void drop_interrupted(const struct ct_store *sessions, struct ct_container_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!ct_session_drop_interrupted(sessions, &list->items[i]))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

int ct_session_list(const struct ct_store *store, struct ct_arena *arena,
		    const struct ct_container *container, struct ct_container_list *ret_list,
		    struct ct_err *err)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	int r = ct_store_sessions(store, container, false, &sessions, err);

	if (r == 0)
		r = ct_container_list(&sessions, arena, ret_list, err);
	if (r == 0)
		drop_interrupted(&sessions, ret_list);
	/* Or they are being removed, with it. */
	if (r == 0)
		return 0;
	*ret_list = (struct ct_container_list){ 0 };
	/* What cannot be opened of a damaged one is no reason to show nothing of it. */
	return r == -ENOENT || container->state == CT_STATE_DAMAGED ? 0 : r;
}

int ct_container_refuse_session(const struct ct_container *container, const char *what,
				struct ct_err *err)
{
	const char *label = ct_container_label(container);

	if (!container->session_of)
		return 0;
	ct_fail(err, EINVAL, "%s is a session of a container, and cannot be %s", label, what);
	return ct_hint(err, "cattach exec %.*s COMMAND starts another", (int)owner_length(container),
		       label);
}
