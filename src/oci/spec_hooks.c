/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "hooks" part of config.json, read and written.
 *
 * Runs in the command, with the caller's rights, before anything is created. Paths must be
 * absolute, for nobody could say from where else they count; a variable needs a name, a time limit
 * at least a second. Whether there is such a program is looked at when a start is planned, not
 * here. Fails by refusing the document, with positions.
 *
 *    prestart createRuntime createContainer startContainer poststart poststop
 *    each a list of { path, args, env, timeout }, in this order   config.md, "POSIX-platform Hooks"
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#include "write.h"

#define H(member) offsetof(struct ct_hook, member)

/* Seconds; 0 would be no time at all, and a missing one is no limit. */
static int read_timeout(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	int64_t seconds = 0;
	int32_t timeout;

	if (ct_read_integer(r, value, 1, INT32_MAX, &seconds) < 0)
		return -r->err->code;
	timeout = (int32_t)seconds;
	if (place)
		memcpy(place, &timeout, sizeof(timeout));
	return 0;
}

static int check_variable(const struct ct_reader *r, const struct ct_json *value)
{
	const char *equals = strchr(value->text, '=');

	if (equals && equals != value->text)
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be NAME=VALUE, not \"%.80s\"", value->text);
}

static const struct ct_read_field hook_fields[] = {
	{ "path", READ_STRING, .required = true, .check = ct_read_absolute, .offset = H(path) },
	{ "args", READ_STRINGS, .offset = H(args) },
	{ "env", READ_STRINGS, .check = check_variable, .offset = H(env) },
	{ "timeout", READ_CUSTOM, .read = read_timeout, .offset = H(timeout) },
	{0},
};

static const struct ct_read_object hook = { .fields = hook_fields, .size = sizeof(struct ct_hook) };

#define LIST(name, kind)                                                                      \
	{                                                                                     \
		name, READ_LIST, .object = &hook,                                             \
		.offset = offsetof(struct ct_hooks, lists[kind].items),                       \
		.count = offsetof(struct ct_hooks, lists[kind].count)                         \
	}

static const struct ct_read_field hooks_fields[] = {
	LIST("prestart", CT_HOOK_PRESTART),
	LIST("createRuntime", CT_HOOK_CREATE_RUNTIME),
	LIST("createContainer", CT_HOOK_CREATE_CONTAINER),
	LIST("startContainer", CT_HOOK_START_CONTAINER),
	LIST("poststart", CT_HOOK_POSTSTART),
	LIST("poststop", CT_HOOK_POSTSTOP),
	{0},
};

const struct ct_read_object ct_read_hooks = { .fields = hooks_fields };

/* ---- writing ---- */

static void write_list(struct ct_json_writer *w, const char *name, const struct ct_hook_list *list)
{
	ct_json_key(w, name);
	ct_json_begin_array(w);
	for (size_t i = 0; i < list->count; i++) {
		ct_json_begin_object(w);
		ct_write_string(w, "path", list->items[i].path);
		ct_write_strings(w, "args", &list->items[i].args);
		ct_write_strings(w, "env", &list->items[i].env);
		if (list->items[i].timeout)
			ct_json_put_i64(w, "timeout", list->items[i].timeout);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

/* Nothing at all without any: most documents have none. */
void ct_write_hooks(struct ct_json_writer *w, const struct ct_hooks *hooks)
{
	size_t count = 0;

	for (unsigned i = 0; i < CT_HOOK_KINDS; i++)
		count += hooks->lists[i].count;
	if (!count)
		return;
	ct_json_key(w, "hooks");
	ct_json_begin_object(w);
	for (unsigned i = 0; i < CT_HOOK_KINDS; i++)
		if (hooks->lists[i].count)
			write_list(w, ct_hook_name((enum ct_hook_kind)i), &hooks->lists[i]);
	ct_json_end_object(w);
}
