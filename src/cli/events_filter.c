/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of "cattach events", with docker's keys, and both docker's and podman's words for
 * what has happened.
 *
 * Runs in the command's own process. Values are checked when they are parsed: a misspelt event is
 * an error, and not a script that waits for ever.
 *
 *    container=ID|NAME   the name, or the beginning of the id     alternatives
 *    event=ACTION        ours, docker's or podman's word          alternatives
 *    image=NAME          what the container was made from         alternatives
 *    label=KEY[=VALUE]   of the container                         all must match
 *    type=container      of docker's types the one that we have   alternatives
 *    different keys: all must match
 */
#include "events.h"

#include <errno.h>
#include <string.h>

static const char *const keys[CT_EVENT_KEY_COUNT] = {
	[CT_EVENT_KEY_CONTAINER] = "container", [CT_EVENT_KEY_EVENT] = "event",
	[CT_EVENT_KEY_IMAGE] = "image",		[CT_EVENT_KEY_LABEL] = "label",
	[CT_EVENT_KEY_TYPE] = "type",
};

/* What there is, and what others call it. An alias is replaced when the filter is parsed, so that
 * events are compared with one word each. */
static const char *const actions[][2] = {
	{ "create", NULL },	    { "start", NULL },		{ "died", "die" },
	{ "oom", NULL },	    { "kill", NULL },		{ "stop", NULL },
	{ "restart", NULL },	    { "pause", NULL },		{ "unpause", NULL },
	{ "attach", NULL },	    { "detach", NULL },		{ "exec_create", NULL },
	{ "exec_start", "exec" },   { "exec_died", "exec_die" }, { "rename", NULL },
	{ "update", NULL },	    { "remove", "destroy" },	{ "prune", NULL },
	{ "health_status", NULL },  { "health_status: healthy", NULL },
	{ "health_status: unhealthy", NULL },
	{ NULL, NULL },
};

/* What only docker or podman tells of, so that their scripts' filters are understood; match
 * none. */
static const char *const strangers[] = {
	"checkpoint", "cleanup", "commit",  "copy",  "exec_detach", "export", "init",
	"mount",      "resize",	 "restore", "sync",  "top",	    "unmount",
};

/* Of these docker has events, and cattach none but of containers. */
static const char *const types[] = { "container", "image",  "volume", "network", "daemon", "plugin",
				     "pod",	  "system", "secret", "machine", NULL };

static int find_key(const char *text, size_t length, enum ct_event_key *ret_key,
		    struct ct_err *err)
{
	for (size_t i = 0; i < CT_EVENT_KEY_COUNT; i++) {
		if (strlen(keys[i]) == length && !memcmp(keys[i], text, length)) {
			*ret_key = (enum ct_event_key)i;
			return 0;
		}
	}
	ct_fail(err, EINVAL, "unknown filter \"%.*s\"", (int)length, text);
	return ct_hint(err, "there is container, event, image, label, type");
}

/* By our own word for it. */
static int check_action(const char **value, struct ct_err *err)
{
	for (size_t i = 0; actions[i][0]; i++) {
		if (strcmp(actions[i][0], *value) &&
		    (!actions[i][1] || strcmp(actions[i][1], *value)))
			continue;
		*value = actions[i][0];
		return 0;
	}
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		if (!strcmp(strangers[i], *value))
			return 0;
	ct_fail(err, EINVAL, "unknown event \"%s\"", *value);
	return ct_hint(err,
		       "there is create, start, died, oom, kill, stop, restart, pause, unpause, "
		       "attach, detach, exec_create, exec_start, exec_died, rename, update, "
		       "remove, prune, health_status");
}

static int check_type(const char *value, struct ct_err *err)
{
	for (size_t i = 0; types[i]; i++)
		if (!strcmp(types[i], value))
			return 0;
	ct_fail(err, EINVAL, "unknown type \"%s\"", value);
	return ct_hint(err, "all events are of type container");
}

static int parse_one(const char *text, enum ct_event_key *ret_key, const char **ret_value,
		     struct ct_err *err)
{
	const char *equals = strchr(text, '=');
	int r;

	if (!equals) {
		ct_fail(err, EINVAL, "\"%s\" has no \"=\"", text);
		return ct_hint(err, "--filter KEY=VALUE");
	}
	r = find_key(text, (size_t)(equals - text), ret_key, err);
	*ret_value = equals + 1;
	if (r == 0 && *ret_key == CT_EVENT_KEY_EVENT)
		r = check_action(ret_value, err);
	if (r == 0 && *ret_key == CT_EVENT_KEY_TYPE)
		r = check_type(*ret_value, err);
	return r;
}

int ct_event_filters_parse(struct ct_arena *arena, const struct ct_strings *list,
			   struct ct_event_filters *ret_filters, struct ct_err *err)
{
	struct ct_event_filters filters = { .count = list->count };

	filters.items = ct_arena_calloc(arena, list->count + 1, sizeof(*filters.items));
	if (!filters.items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < list->count; i++)
		if (parse_one(list->items[i], &filters.items[i].key, &filters.items[i].value,
			      err) < 0)
			return ct_wrap(err, "--filter");
	*ret_filters = filters;
	return 0;
}

/* By the record alone: the container may long be gone, and another may have its name. */
static bool match_container(const char *wanted, const struct ct_event *event)
{
	/* docker's names begin with a slash */
	const char *name = *wanted == '/' ? wanted + 1 : wanted;

	return *name && (!strcmp(event->name, name) ||
			 !strncmp(event->id, wanted, strlen(wanted)));
}

/* What follows the colon need not be said, as for docker: "health_status" is both "health_status:
 * healthy" and "health_status: unhealthy". */
static bool match_action(const char *wanted, const char *action)
{
	size_t length = strlen(wanted);

	return !strncmp(action, wanted, length) && (!action[length] || action[length] == ':');
}

/* Without "=" the key alone has to be there, whatever its value. */
static bool match_label(const char *wanted, const struct ct_json *labels)
{
	size_t length = strcspn(wanted, "=");

	for (const struct ct_json *label = labels->child; label; label = label->next)
		if (strlen(label->key) == length && !memcmp(label->key, wanted, length) &&
		    label->type == CT_JSON_STRING &&
		    (!wanted[length] || !strcmp(label->text, wanted + length + 1)))
			return true;
	return false;
}

static bool match(enum ct_event_key key, const char *value, const struct ct_event *event)
{
	switch (key) {
	case CT_EVENT_KEY_CONTAINER:
		return match_container(value, event);
	case CT_EVENT_KEY_EVENT:
		return match_action(value, event->action);
	case CT_EVENT_KEY_IMAGE:
		return !strcmp(event->image, value);
	case CT_EVENT_KEY_LABEL:
		return match_label(value, event->labels);
	case CT_EVENT_KEY_TYPE:
		return !strcmp(value, "container");
	case CT_EVENT_KEY_COUNT:
		break;
	}
	return false;
}

/* One pass: per key, whether it was asked for and whether any of its values fits. */
bool ct_event_filters_match(const struct ct_event_filters *filters, const struct ct_event *event)
{
	bool asked[CT_EVENT_KEY_COUNT] = {0}, passed[CT_EVENT_KEY_COUNT] = {0};

	for (size_t i = 0; i < filters->count; i++) {
		enum ct_event_key key = filters->items[i].key;
		bool matches = match(key, filters->items[i].value, event);

		asked[key] = true;
		passed[key] = passed[key] || matches;
		if (!matches && key == CT_EVENT_KEY_LABEL)
			return false;
	}
	for (size_t key = 0; key < CT_EVENT_KEY_COUNT; key++)
		if (asked[key] && !passed[key])
			return false;
	return true;
}
