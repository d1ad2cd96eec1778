/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a container as it is, for who changes what is written of it: update, rename.
 *
 * Runs in commands, as the user. It is the lock of those who create and start (created.c): whoever
 * has it keeps starts and removals away, and finds what the last one has left. A container that
 * runs runs on. Refused for sessions, for containers of other machines, and for damaged ones.
 */
#include <errno.h>
#include <sys/file.h>

#include <cattach/io.h>
#include <cattach/json.h>

#include "record.h"

/* What it is now it stays. */
static int look(struct ct_container *c, struct ct_err *err)
{
	struct ct_probe probe = { 0 };
	int r;

	if (ct_container_is_removed(c))
		return ct_container_fail_removed(c, err);
	r = ct_container_refresh(c, &probe, err);
	/* The lock is ours, so whoever was creating it has gone without an end. */
	if (r == 0 && c->state == CT_STATE_CREATING)
		r = ct_container_give_up(c, err);
	return r;
}

/* What was read before the lock was ours may have been changed since: its name, say. */
static int read_again(struct ct_container *c, struct ct_arena *arena, struct ct_err *err)
{
	const char *text;
	size_t size;
	int r = ct_read_file_at(arena, c->dir, "meta.json", CT_JSON_MAX_SIZE, &text, &size, err);

	/* One with --rm is removed by its monitor, whom our lock does not stop. */
	if (r == -ENOENT)
		return ct_container_fail_removed(c, err);
	if (r < 0 || ct_meta_parse(arena, text, size, &c->meta, err) < 0)
		return ct_wrap(err, "%s", ct_container_label(c));
	return 0;
}

int ct_container_hold(struct ct_container *c, struct ct_arena *arena, enum ct_act act,
		      struct ct_err *err)
{
	const char *done = act == CT_ACT_UPDATE ? "updated" : "renamed";
	int r = ct_container_refuse_session(c, done, err);

	if (r < 0)
		return r;
	if (c->status_fd < 0 || c->state == CT_STATE_FOREIGN)
		return ct_state_refuse(c, act, err);
	r = ct_container_await_creator(c->dir, ct_container_label(c));
	/* Without locks a start at the same moment is not kept out. */
	if (r < 0 && r != -EOPNOTSUPP)
		return ct_fail_errno(err, -r, "cannot lock container %s", ct_container_label(c));
	r = look(c, err);
	if (r == 0)
		r = ct_state_check(c, act, err);
	if (r == 0)
		r = read_again(c, arena, err);
	if (r < 0)
		ct_container_let_go(c);
	return r;
}

void ct_container_let_go(const struct ct_container *c)
{
	flock(c->dir, LOCK_UN);
}
