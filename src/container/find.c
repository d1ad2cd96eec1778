/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding one container by what a user typed: a name, an id, the beginning of an id, in this order,
 * so that a name that looks like the beginning of another's id means the name. Behind a slash
 * stands a session of the container, found the same way in the container's own store. Where exec
 * goes a container may be an engine's, too: by its id, when there is none of ours.
 *
 * Runs in commands, as the user. A name is one readlinkat(2); only the beginning of an id, and the
 * list of known names for the error, read a directory.
 *
 *    "web"        names/web -> id            one readlinkat(2)
 *    "3f2a..."    the beginning of an id     has to be unique
 *    "web/sh"     the container, then the same in its store of sessions
 *    "/web"       docker's form of a name
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/exec.h>
#include <cattach/num.h>
#include <cattach/runtime.h>

#include "record.h"
#include "store.h"

#define SHOWN 5		/* names or ids in a hint */

/* ---- hints ---- */

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* "PREFIXa, b, c, d, e and 3 more" */
static void hint_list(struct ct_err *err, const char *prefix, struct ct_strings *list)
{
	struct ct_buf ct_autobuf text = { 0 };

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), by_text);
	for (size_t i = 0; i < list->count && i < SHOWN; i++)
		ct_buf_printf(&text, "%s%.40s", i ? ", " : "", list->items[i]);
	if (list->count > SHOWN)
		ct_buf_printf(&text, " and %zu more", list->count - SHOWN);
	ct_hint(err, "%s%s", prefix, ct_buf_text(&text));
}

struct collection {
	struct ct_arena *arena;
	struct ct_strings list;
	const char *prefix;		/* of ids, or NULL */
	const struct ct_store *names;	/* of names: only those that mean a container */
};

/* Called for each entry of names/ or containers/; which of the two, the collection says. */
static int collect(int dir, const char *name, unsigned char type, void *arg)
{
	struct collection *c = arg;
	const char *copy;

	(void)dir;
	(void)type;
	if (c->names && !ct_name_is_used(c->names, name))
		return 0;
	if (c->prefix && (!ct_is_id(name) || strncmp(name, c->prefix, strlen(c->prefix)) != 0))
		return 0;
	copy = ct_arena_strdup(c->arena, name);
	return copy ? ct_strings_add(c->arena, &c->list, copy) : -ENOMEM;
}

/* The names that there are stand in the hint: a few, sorted; a typing error shows at once. */
static int not_found(const struct ct_store *store, struct ct_arena *arena, const char *name,
		     struct ct_err *err)
{
	struct collection known = { .arena = arena, .names = store };

	if (store->session_of[0])
		ct_fail(err, ENOENT, "no such session: %s in container %s", name, store->owner);
	else
		ct_fail(err, ENOENT, "no such container: %s", name);
	if (ct_each_entry(store->names, collect, &known) == 0)
		hint_list(err, "known: ", &known.list);
	return -err->code;
}

/* ---- finding ---- */

/* The link may be there without its container, when a remove was killed in between; load says
 * so. */
static int by_name(const struct ct_store *store, struct ct_arena *arena, const char *name,
		   struct ct_container *ret_container, struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int r;

	if (ct_name_lookup(store, name, id) < 0)
		return ct_fail(err, ENOENT, "no such name: %s", name);
	r = ct_container_load(store, arena, NULL, id, &c, err);
	if (r < 0)
		return r;
	/* The name comes last when one is made: where the record is missing, it has gone
	 * already. */
	if (c.state == CT_STATE_CREATING && c.status_fd < 0)
		return ct_fail(err, ENOENT, "no such name: %s", name);
	*ret_container = c;
	c = (struct ct_container)CT_CONTAINER_INIT;
	return 0;
}

/* EEXIST, so that callers can tell it from ENOENT. */
static int ambiguous(const struct ct_store *store, struct ct_arena *arena, const char *prefix,
		     const struct ct_strings *ids, struct ct_err *err)
{
	struct ct_strings shown = { 0 };

	ct_fail(err, EEXIST, "\"%s\" matches %zu %ss", prefix, ids->count, ct_store_noun(store));
	for (size_t i = 0; i < ids->count; i++) {
		char name[CT_NAME_MAX + 1] = "no name";
		const char *text;

		ct_name_of_id(store, ids->items[i], name, sizeof(name));
		text = ct_arena_printf(arena, "%.12s (%.24s)", ids->items[i], name);
		if (text)
			ct_strings_add(arena, &shown, text);
	}
	hint_list(err, "", &shown);
	return -err->code;
}

/* The text is not empty and a container's id begins with it, or is it. Names are looked at before,
 * so "cafe" is the container of that name, if there is one. */
static int by_id(const struct ct_store *store, struct ct_arena *arena, const char *text,
		 struct ct_container *ret_container, struct ct_err *err)
{
	struct collection found = { .arena = arena, .prefix = text };
	int r;

	if (text[strspn(text, "0123456789abcdef")] != '\0')
		return ct_fail(err, ENOENT, "no such id: %s", text);
	if (ct_is_id(text))
		return ct_container_load(store, arena, NULL, text, ret_container, err);
	r = ct_each_entry(store->containers, collect, &found);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read %s/%s", store->path,
				     ct_store_part(store));
	if (found.list.count == 0)
		return ct_fail(err, ENOENT, "no such id: %s", text);
	if (found.list.count > 1)
		return ambiguous(store, arena, text, &found.list, err);
	return ct_container_load(store, arena, NULL, found.list.items[0], ret_container, err);
}

/* Of a container, or of a session of one: then owner is what that was called. */
static int check_name(const char *name, const char *owner, struct ct_err *err)
{
	if (ct_check_name(name, err) == 0)
		return 0;
	ct_wrap(err, owner ? "name of a session" : "name of a container");
	if (owner)
		return ct_hint(err, "cattach exec ls %s lists them", owner);
	return ct_hint(err, "cattach ps -a lists them");
}

/* A store of sessions has no names outside of its container, so the owner stands in the errors. */
static int find_one(struct ct_store *store, struct ct_arena *arena, const char *name,
		    struct ct_container *ret_container, struct ct_err *err)
{
	int r = check_name(name, store->session_of[0] ? store->owner : NULL, err);

	if (r < 0)
		return r;
	r = by_name(store, arena, name, ret_container, err);
	if (r == -ENOENT)
		r = by_id(store, arena, name, ret_container, err);
	return r == -ENOENT ? not_found(store, arena, name, err) : r;
}

/* Is what is wrong there to be said? Where somebody has named the place, that is what he asked
 * for. */
static bool is_theirs(const struct ct_err *err)
{
	return err->code == EEXIST ||
	       (err->code != ENOENT && err->code != EINVAL && getenv(CT_RUNTIME_ROOT));
}

/* Or one of an engine, whose ids need not be names of ours. Of two errors ours is the one to be
 * said. */
static int find_either(struct ct_store *store, struct ct_arena *arena, const char *name,
		       struct ct_container *ret_container, struct ct_err *err)
{
	struct ct_err other = { 0 };
	int r = find_one(store, arena, name, ret_container, err);

	if ((r != -ENOENT && r != -EINVAL) || !*name)
		return r;
	if (ct_runtime_find_default(arena, name, ret_container, &other) < 0 && !is_theirs(&other))
		return r;
	*err = other;
	return -err->code;
}

/* A container that has never had a session has no store for them. */
static int find_session(struct ct_store *store, struct ct_arena *arena, const char *name,
			const char *session, struct ct_container *ret_container,
			struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	int r = find_either(store, arena, name, &container, err);

	if (r == 0)
		r = check_name(session, ct_container_label(&container), err);
	if (r < 0)
		return r;
	r = ct_store_sessions(store, &container, false, &sessions, err);
	if (r == -ENOENT) {
		ct_fail(err, ENOENT, "no such session: %s in container %s", session,
			ct_container_label(&container));
		return ct_hint(err, "it has none");
	}
	if (r == 0)
		r = find_one(&sessions, arena, session, ret_container, err);
	if (r < 0 || !ct_session_drop_interrupted(&sessions, ret_container))
		return r;
	ct_container_close(ret_container);
	return not_found(&sessions, arena, session, err);
}

/* By "C", which find_alone finds, or "C/S". */
static int find(struct ct_store *store, struct ct_arena *arena, const char *name,
		int (*find_alone)(struct ct_store *, struct ct_arena *, const char *,
				  struct ct_container *, struct ct_err *),
		struct ct_container *ret_container, struct ct_err *err)
{
	const char *slash, *container;

	if (name[0] == '/')
		name++;
	if (!*name) {
		ct_fail(err, EINVAL, "the name of a container is empty");
		return ct_hint(err, "cattach ps -a lists them");
	}
	slash = strchr(name, '/');
	if (!slash)
		return find_alone(store, arena, name, ret_container, err);
	container = ct_arena_strndup(arena, name, (size_t)(slash - name));
	if (!container)
		return ct_fail_nomem(err);
	return find_session(store, arena, container, slash + 1, ret_container, err);
}

int ct_container_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		      struct ct_container *ret_container, struct ct_err *err)
{
	return find(store, arena, name, find_one, ret_container, err);
}

int ct_exec_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		 struct ct_container *ret_container, struct ct_err *err)
{
	return find(store, arena, name, find_either, ret_container, err);
}
