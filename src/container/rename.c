/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving a container another name, also while it runs.
 *
 * Runs in commands, as the user, under the container's lock. The new name is claimed first, in one
 * step (names.c), so that of any number of commands that want it one gets it; then the record is
 * replaced, in one step, and the old name given up. Killed in between, the container answers to
 * both, until it is removed, with which all its names go. What was there before is seen by who has
 * read it before: the monitor's title stays what it was. Fails for names that are taken or no
 * names, and for what cannot be held.
 *
 *    names/NEW -> id    claimed: fails when somebody has it
 *    meta "name": NEW   saved, by rename(2)
 *    names/OLD          released
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/num.h>

#include "record.h"
#include "store.h"

static int claim(const struct ct_store *store, struct ct_arena *arena,
		 const struct ct_container *now, const char *name, struct ct_err *err)
{
	int r;

	if (now->meta.name && !strcmp(now->meta.name, name)) {
		ct_fail(err, EINVAL, "container %s has that name already", name);
		return -err->code;
	}
	r = ct_name_claim(store, name, now->meta.id);
	/* One of its own, which a rename that was killed has left. */
	if (r == -EEXIST) {
		char holder[CT_CONTAINER_ID_LENGTH + 1];

		if (ct_name_lookup(store, name, holder) == 0 && !strcmp(holder, now->meta.id))
			return 0;
		return ct_name_taken(store, arena, name, err);
	}
	return r < 0 ? ct_fail_errno(err, -r, "cannot make %s/%s/%s", store->path,
				     ct_store_names_part(store), name) : 0;
}

/* umask 077: what is written into the store is for its owner. */
static int change(struct ct_store *store, struct ct_arena *arena, struct ct_container *now,
		  const char *name, struct ct_err *err)
{
	mode_t ct_autoumask saved = umask(077);
	const char *before = now->meta.name;
	int r = claim(store, arena, now, name, err);

	if (r < 0)
		return r;
	now->meta.name = name;
	r = ct_meta_save(now->dir, &now->meta, err);
	/* By its monitor (--rm), whom our lock does not stop, and who may not have seen the new
	 * name. */
	if (ct_container_is_removed(now)) {
		ct_name_release(store, name, now->meta.id);
		now->meta.name = before;
		return ct_container_fail_removed(now, err);
	}
	if (r < 0) {
		ct_name_release(store, name, now->meta.id);
		return ct_wrap(err, "%s", before ? before : now->meta.id);
	}
	if (before)
		ct_name_release(store, before, now->meta.id);
	ct_event_record(now, "rename", "oldName", before ? before : "", CT_EVENT_END);
	return 0;
}

int ct_container_rename(struct ct_store *store, struct ct_arena *arena,
			struct ct_container *container, const char *name, struct ct_err *err)
{
	int r;

	if (ct_check_name(name, err) < 0)
		return ct_wrap(err, "NAME");
	r = ct_container_hold(container, arena, CT_ACT_RENAME, err);
	if (r < 0)
		return r;
	r = change(store, arena, container, name, err);
	ct_container_let_go(container);
	return r;
}
