/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All containers of a store: every directory whose name is an id, newest first. Anything else that
 * lies in containers/ (files, sockets, links, other names) is none and passed over; containers
 * that vanish while the list is made are left out.
 *
 * Whoever lists also takes away runtime directories that containers have left which are no more.
 *
 * Runs in commands, as the user. No descriptor stays open, however long the list gets.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "store.h"

struct listing {
	const struct ct_store *store;
	struct ct_arena *arena;
	const char *host;
	struct ct_container_list list;
	size_t capacity;
	struct ct_err *err;
	bool failed;			/* in visit(), which has filled err */
};

static int append(struct listing *l, const struct ct_container *c)
{
	if (l->list.count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 16;
		struct ct_container *items = ct_arena_calloc(l->arena, capacity, sizeof(*items));

		if (!items)
			return ct_fail_nomem(l->err);
		if (l->list.count)
			memcpy(items, l->list.items, l->list.count * sizeof(*items));
		l->list.items = items;
		l->capacity = capacity;
	}
	l->list.items[l->list.count++] = *c;
	return 0;
}

/* DT_UNKNOWN: some file systems do not say; loading finds out. */
static int visit(int dir, const char *name, unsigned char type, void *arg)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct listing *l = arg;
	int r;

	(void)dir;
	if (!ct_is_id(name) || (type != DT_DIR && type != DT_UNKNOWN))
		return 0;
	r = ct_container_load(l->store, l->arena, l->host, name, &c, l->err);
	if (r == -ENOENT)
		return 0;
	ct_container_close(&c);
	if (r == 0)
		r = append(l, &c);
	l->failed = r < 0;
	return r;
}

/* The id decides where times are equal, so that two lists are the same. */
static int compare(const void *left, const void *right)
{
	const struct ct_container *a = left, *b = right;

	if (a->meta.created != b->meta.created)
		return a->meta.created < b->meta.created ? 1 : -1;
	return strcmp(a->meta.id, b->meta.id);
}

int ct_container_list(struct ct_store *store, struct ct_arena *arena,
		      struct ct_container_list *ret_list, struct ct_err *err)
{
	struct listing l = { .store = store, .arena = arena, .err = err };
	int r;

	l.host = ct_host_identity(arena);
	r = ct_each_entry(store->containers, visit, &l);
	if (r < 0)
		return l.failed ? r : ct_fail_errno(err, -r, "cannot read %s/%s", store->path,
						    ct_store_part(store));
	if (l.list.count)
		qsort(l.list.items, l.list.count, sizeof(*l.list.items), compare);
	*ret_list = l.list;
	if (!store->session_of[0])
		ct_runtime_sweep(store);
	return 0;
}
