/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that have the container's state to read and run in the caller's namespaces: their plan, and
 * poststart and poststop, which belong to no plan because the container's process is on its own then.
 *
 * Runs in commands and in children of keepers, with the caller's rights. A program that is not there is
 * found here, before anything is made; but for poststop, whose failures are warnings. May fail: no
 * memory, and whatever a hook says.
 */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/json.h>
#include <cattach/log.h>

#include "plan.h"

/* ---- the state ---- */

static const char *finished(struct ct_arena *arena, struct ct_json_writer *w, struct ct_buf *buf)
{
	ct_json_end_object(w);
	ct_json_writer_close(w);
	while (buf->length && strchr("\n ", buf->data[buf->length - 1]))
		buf->length--;
	return buf->failed || !buf->length ? NULL :
					     ct_arena_strndup(arena, buf->data, buf->length);
}

/* An object without its closing brace... */
static int make_head(struct ct_arena *arena, const struct ct_spec *spec, const char *id,
		     struct ct_hook_state *state, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;
	const char *text;

	if (ct_json_writer_open(&w, &buf, false, err) < 0)
		return -err->code;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "ociVersion", spec->oci_version);
	ct_json_put_string(&w, "id", id);
	text = finished(arena, &w, &buf);
	if (text)
		text = ct_arena_printf(arena, "%.*s,", (int)strlen(text) - 1, text);
	state->head = text;
	return text ? 0 : ct_fail_nomem(err);
}

/* ...and one without its opening one. */
static int make_tail(struct ct_arena *arena, const struct ct_spec *spec, const char *bundle,
		     struct ct_hook_state *state, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;
	const char *text;

	if (ct_json_writer_open(&w, &buf, false, err) < 0)
		return -err->code;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "bundle", bundle);
	ct_json_key(&w, "annotations");
	ct_json_begin_object(&w);
	for (size_t i = 0; i < spec->annotations.count; i++)
		ct_json_put_string(&w, spec->annotations.items[i].key,
				   spec->annotations.items[i].value);
	ct_json_end_object(&w);
	text = finished(arena, &w, &buf);
	if (text)
		text = ct_arena_printf(arena, ",%s\n", text + 1);
	state->tail = text;
	return text ? 0 : ct_fail_nomem(err);
}

int ct_hook_state_make(struct ct_arena *arena, const struct ct_spec *spec, const char *id,
		       const char *bundle, struct ct_hook_state *ret_state, struct ct_err *err)
{
	/* Without a bundle there is no config.json, and no hook. */
	const char *directory = bundle ? bundle : "/";
	struct ct_hook_state state = { .bundle = ct_arena_strdup(arena, directory) };
	int r = state.bundle ? 0 : ct_fail_nomem(err);

	if (r == 0)
		r = make_head(arena, spec, id, &state, err);
	if (r == 0)
		r = make_tail(arena, spec, directory, &state, err);
	if (r == 0)
		*ret_state = state;
	return r;
}

/* ---- the plan ---- */

/* Those of startContainer are files of the container's. */
static int check_programs(struct planning *p, enum ct_hook_kind kind, struct ct_err *err)
{
	const struct ct_hook_list *list = &p->spec->hooks.lists[kind];

	for (size_t i = 0; i < list->count; i++) {
		const char *place;

		if (faccessat(AT_FDCWD, list->items[i].path, X_OK, AT_EACCESS) == 0)
			continue;
		ct_fail_errno(err, errno, "%s", list->items[i].path);
		place = ct_arena_printf(p->arena, "hooks.%s[%zu].path", ct_hook_name(kind), i);
		return ct_spec_wrap(p->spec, err, place ? place : "hooks");
	}
	return 0;
}

int ct_plan_hooks(struct planning *p, struct ct_err *err)
{
	static const enum ct_hook_kind of_host[] = {
		CT_HOOK_PRESTART, CT_HOOK_CREATE_RUNTIME, CT_HOOK_CREATE_CONTAINER, CT_HOOK_POSTSTART,
	};

	for (size_t i = 0; i < sizeof(of_host) / sizeof(of_host[0]); i++)
		if (check_programs(p, of_host[i], err) < 0)
			return -err->code;
	p->plan->hooks = p->spec->hooks;
	return ct_hook_state_make(p->arena, p->spec, p->meta->id ? p->meta->id : "", p->meta->bundle,
				  &p->plan->hook_state, err);
}

/* ---- running them ---- */

void ct_hooks_warn(const struct ct_err *err)
{
	char text[700];

	ct_err_format(err, text, sizeof(text));
	ct_warn("%s", text);
}

int ct_hooks_run_poststart(struct ct_arena *arena, const struct ct_spec *spec,
			   const struct ct_meta *meta, pid_t pid, struct ct_err *err)
{
	struct ct_hook_state state;
	const struct ct_hook_run run = {
		.kind = CT_HOOK_POSTSTART, .list = &spec->hooks.lists[CT_HOOK_POSTSTART],
		.state = &state, .status = "running", .pid = pid,
	};

	if (!run.list->count)
		return 0;
	if (ct_hook_state_make(arena, spec, meta->id, meta->bundle, &state, err) < 0)
		return -err->code;
	return ct_hooks_run(&run, err);
}

static void say_nothing(const struct ct_err *err)
{
	(void)err;
}

void ct_hooks_run_poststop(struct ct_arena *arena, const struct ct_spec *spec,
			   const struct ct_meta *meta, void (*failed)(const struct ct_err *err))
{
	struct ct_hook_state state;
	const struct ct_hook_run run = {
		.kind = CT_HOOK_POSTSTOP, .list = &spec->hooks.lists[CT_HOOK_POSTSTOP],
		.state = &state, .status = "stopped", .failed = failed ? failed : say_nothing,
	};
	struct ct_err err;

	if (!run.list->count)
		return;
	if (ct_hook_state_make(arena, spec, meta->id, meta->bundle, &state, &err) < 0)
		run.failed(&err);
	else
		ct_hooks_run(&run, &err);
}
