/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of "cattach ps", with docker's keys and its rule of which combine how.
 *
 * Runs in the command's own process, on what was already read from the store. Values are checked
 * when they are parsed, so that matching cannot fail; a misspelt state is an error and not an
 * empty list.
 *
 *   --filter KEY=VALUE          the "=" ends the key, but for label!=...: there the key is "label!"
 *
 *   once read    id name label label! status exited ancestor before since until command network
 *                volume health restart-policy should-start-on-boot
 *   never true   publish expose pod: there are no ports and no pods, and scripts ask all the same
 *
 * Filters of one key are alternatives, filters of different keys all have to pass; of labels each
 * one has to pass, because a container has many of them and one of everything else:
 *
 *   -f status=exited -f status=created -f label=a -f label=b
 *   (exited or created) and a and b
 */
#include "ps.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include <cattach/buf.h>
#include <cattach/health.h>
#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/timespec.h>

static const char *const keys[CT_FILTER_COUNT] = {
	[CT_FILTER_ID] = "id",		   [CT_FILTER_NAME] = "name",
	[CT_FILTER_LABEL] = "label",	   [CT_FILTER_NOT_LABEL] = "label!",
	[CT_FILTER_STATUS] = "status",	   [CT_FILTER_EXITED] = "exited",
	[CT_FILTER_ANCESTOR] = "ancestor", [CT_FILTER_BEFORE] = "before",
	[CT_FILTER_SINCE] = "since",	   [CT_FILTER_UNTIL] = "until",
	[CT_FILTER_COMMAND] = "command",   [CT_FILTER_NETWORK] = "network",
	[CT_FILTER_VOLUME] = "volume",	   [CT_FILTER_PUBLISH] = "publish",
	[CT_FILTER_EXPOSE] = "expose",	   [CT_FILTER_POD] = "pod",
	[CT_FILTER_RESTART] = "restart-policy", [CT_FILTER_BOOT] = "should-start-on-boot",
	[CT_FILTER_HEALTH] = "health",
};

/* The states that --filter status= takes, and our word for each; those that only docker or podman
 * has match none. "" is a state that no container has; an unknown word is refused instead, because
 * a script with a slip in it would see no containers and think that all is well. */
static const char *const states[][2] = {
	{ "creating", "creating" }, { "created", "created" },	    { "configured", "created" },
	{ "running", "running" },   { "restarting", "restarting" }, { "paused", "paused" },
	{ "exited", "exited" },	    { "stopped", "exited" },	    { "removing", "removing" },
	{ "damaged", "damaged" },   { "unknown", "damaged" },	    { "foreign", "foreign" },
	{ "initialized", "" },	    { "stopping", "" },		    { "dead", "" },
};

/* length counts, as the key is not ended by a NUL: "label!=x" is cut at the first "=", which leaves
 * "label!". */
static int find_key(const char *text, size_t length, enum ct_filter_key *ret_key,
		    struct ct_err *err)
{
	for (size_t i = 0; i < CT_FILTER_COUNT; i++) {
		if (strlen(keys[i]) == length && !memcmp(keys[i], text, length)) {
			*ret_key = (enum ct_filter_key)i;
			return 0;
		}
	}
	ct_fail(err, EINVAL, "unknown filter \"%.*s\"", (int)length, text);
	return ct_hint(err, "there is id, name, label, label!, status, exited, ancestor, before, "
			    "since, until, command, network, volume, publish, expose, pod, health, "
			    "restart-policy, should-start-on-boot");
}

/* By our own word for it. The pointer moves to our word, so that match() compares with
 * ct_state_name() alone. */
static int check_state(const char **value, struct ct_err *err)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(states[i][0], *value))
			continue;
		*value = states[i][1];
		return 0;
	}
	ct_fail(err, EINVAL, "unknown state \"%s\"", *value);
	return ct_hint(err,
		       "there is created, running, paused, restarting, exited, damaged, foreign");
}

static int check_health(const char *value, struct ct_err *err)
{
	enum ct_health_status ignored;

	if (ct_health_parse(value, &ignored) == 0)
		return 0;
	ct_fail(err, EINVAL, "unknown health \"%s\"", value);
	return ct_hint(err, "there is starting, healthy, unhealthy, none");
}

/* FIRST[-LAST][/PROTOCOL], as docker has it. Nothing will match, but what docker refuses is refused
 * here, too. number is one digit longer than a port: what was cut off is out of range all the
 * same. */
static int check_ports(const char *value, struct ct_err *err)
{
	size_t length = strcspn(value, "/"), first = strcspn(value, "-/");
	const char *protocol = value[length] ? value + length + 1 : "tcp";
	const char *parts[] = { value, first < length ? value + first + 1 : value };
	size_t lengths[] = { first, first < length ? length - first - 1 : first };

	for (size_t i = 0; i < 2; i++) {
		char number[8];
		uint64_t port;

		snprintf(number, sizeof(number), "%.*s", (int)lengths[i], parts[i]);
		if (ct_parse_u64(number, 1, 65535, &port, err) < 0)
			return -err->code;
	}
	if (strcmp(protocol, "tcp") && strcmp(protocol, "udp") && strcmp(protocol, "sctp"))
		return ct_fail(err, EINVAL, "must be PORT[-PORT][/tcp|udp|sctp], not \"%s\"",
			       value);
	return 0;
}

/* Docker's names begin with "/", so people write ^/name$; ours do not. buf has room for any value
 * that check_expression() has let pass. */
static const char *expression(const struct ct_filter *filter, char *buf, size_t size)
{
	const char *value = filter->value;

	if (!strncmp(value, "^/", 2))
		snprintf(buf, size, "^%s", value + 2);
	else
		snprintf(buf, size, "%s", *value == '/' ? value + 1 : value);
	return buf;
}

/* Compiled here only to refuse it in time, and once more for each container: regex_t owns memory
 * that the arena could not give back. The length is what expression() has room for. */
static int check_expression(const struct ct_filter *filter, struct ct_err *err)
{
	char text[256], reason[128];
	regex_t regex;
	int r;

	if (strlen(filter->value) >= sizeof(text))
		return ct_fail(err, EINVAL, "the expression is longer than %zu characters",
			       sizeof(text) - 1);
	r = regcomp(&regex, expression(filter, text, sizeof(text)), REG_EXTENDED | REG_NOSUB);
	if (r) {
		regerror(r, &regex, reason, sizeof(reason));
		return ct_fail(err, EINVAL, "\"%s\" is no regular expression: %s", filter->value,
			       reason);
	}
	regfree(&regex);
	return 0;
}

/* An exit code is a byte, wait(2): 300 would never match. */
static int check_code(const char *value, struct ct_err *err)
{
	uint64_t code;

	return ct_parse_u64(value, 0, 255, &code, err);
}

/* before and since compare times of creation, as docker's do. The container itself is neither: <
 * and > leave out what was made in the same nanosecond. */
static int find_created(struct ct_store *store, struct ct_arena *arena, struct ct_filter *filter,
			struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;

	if (ct_container_find(store, arena, filter->value, &container, err) < 0)
		return -err->code;
	filter->created = container.meta.created;
	return 0;
}

/* A policy's name; docker's "on-failure:3" is one with a count. */
static int check_policy(const char **value, struct ct_err *err)
{
	struct ct_restart_policy policy;

	if (ct_restart_parse(*value, &policy, err) < 0)
		return -err->code;
	*value = ct_restart_name(policy.kind);
	return 0;
}

/* To one word, so that matching compares one. */
static int check_bool(const char **value, struct ct_err *err)
{
	bool set;

	if (ct_parse_bool(*value, &set, err) < 0)
		return -err->code;
	*value = set ? "true" : "false";
	return 0;
}

/* A value that is checked may be replaced by what it means: a state's own name, the time at which a
 * container was made. */
static int check_value(struct ct_store *store, struct ct_arena *arena, struct ct_filter *filter,
		       struct ct_err *err)
{
	switch (filter->key) {
	case CT_FILTER_STATUS:
		return check_state(&filter->value, err);
	case CT_FILTER_NAME:
		return check_expression(filter, err);
	case CT_FILTER_EXITED:
		return check_code(filter->value, err);
	case CT_FILTER_BEFORE:
	case CT_FILTER_SINCE:
		return find_created(store, arena, filter, err);
	case CT_FILTER_HEALTH:
		return check_health(filter->value, err);
	case CT_FILTER_UNTIL:
		return ct_parse_time(filter->value, ct_now_real(), &filter->created, err);
	case CT_FILTER_PUBLISH:
	case CT_FILTER_EXPOSE:
		return check_ports(filter->value, err);
	case CT_FILTER_RESTART:
		return check_policy(&filter->value, err);
	case CT_FILTER_BOOT:
		return check_bool(&filter->value, err);
	case CT_FILTER_ID:
	case CT_FILTER_LABEL:
	case CT_FILTER_NOT_LABEL:
	case CT_FILTER_ANCESTOR:
	case CT_FILTER_COMMAND:
	case CT_FILTER_NETWORK:
	case CT_FILTER_VOLUME:
	case CT_FILTER_POD:
	case CT_FILTER_COUNT:
		break;
	}
	return 0;
}

int ct_filters_parse(struct ct_store *store, struct ct_arena *arena, const struct ct_strings *list,
		     struct ct_filters *ret_filters, struct ct_err *err)
{
	struct ct_filters filters = { .count = list->count };

	filters.items = ct_arena_calloc(arena, list->count + 1, sizeof(*filters.items));
	if (!filters.items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < list->count; i++) {
		struct ct_filter *filter = &filters.items[i];
		const char *text = list->items[i], *equals = strchr(text, '=');
		int r;

		if (!equals) {
			ct_fail(err, EINVAL, "\"%s\" has no \"=\"", text);
			ct_hint(err, "--filter KEY=VALUE");
			return ct_wrap(err, "--filter");
		}
		filter->value = equals + 1;
		r = find_key(text, (size_t)(equals - text), &filter->key, err);
		if (r == 0)
			r = check_value(store, arena, filter, err);
		if (r < 0)
			return ct_wrap(err, "--filter");
	}
	*ret_filters = filters;
	return 0;
}

/* Compiled for each container: regex_t owns memory, and filters have nobody who would free them. */
static bool match_name(const struct ct_filter *filter, const char *name)
{
	char text[256];
	regex_t regex;
	bool matches;

	if (!name || regcomp(&regex, expression(filter, text, sizeof(text)),
			     REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&regex, name, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

/* An empty value after "=" is a value: label=a= wants a to be empty, label=a only wants it to be
 * there. */
static bool match_label(const char *wanted, const struct ct_spec_pairs *labels)
{
	size_t length = strcspn(wanted, "=");

	for (size_t i = 0; i < labels->count; i++) {
		const struct ct_spec_pair *label = &labels->items[i];

		if (strlen(label->key) == length && !memcmp(label->key, wanted, length) &&
		    (!wanted[length] || !strcmp(label->value, wanted + length + 1)))
			return true;
	}
	return false;
}

/* Only of what has ended by itself and was recorded: docker shows 0 for what never ran, and a
 * filter for 0 would find that. */
static bool match_code(const struct ct_filter *filter, const struct ct_container *container)
{
	uint64_t code;
	struct ct_err ignored;

	return container->state == CT_STATE_STOPPED &&
	       container->status.state == CT_STATUS_EXITED &&
	       ct_parse_u64(filter->value, 0, 255, &code, &ignored) == 0 &&
	       (uint64_t)ct_exit_code(&container->status.exit) == code;
}

/* The program by itself, or all words as they were given. */
static bool match_command(const char *wanted, const struct ct_meta *meta)
{
	const struct ct_strings *parts[] = { &meta->entrypoint, &meta->command };
	struct ct_buf ct_autobuf words = {0};
	const char *first = NULL;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < parts[i]->count; j++) {
			ct_buf_printf(&words, "%s%s", first ? " " : "", parts[i]->items[j]);
			first = first ? first : parts[i]->items[j];
		}
	}
	return first && !words.failed &&
	       (!strcmp(first, wanted) || !strcmp(ct_buf_text(&words), wanted));
}

/* "SOURCE:TARGET[:OPTIONS]", or a target alone. Either side may be asked for, as with docker: k is
 * 0 for the source and 1 for the target. An anonymous volume has a target only, and there the first
 * part is it. */
static bool match_volume(const char *wanted, const struct ct_strings *binds)
{
	for (size_t i = 0; i < binds->count; i++) {
		const char *part = binds->items[i];

		for (int k = 0; k < 2; k++) {
			size_t length = strcspn(part, ":");

			if (strlen(wanted) == length && !memcmp(part, wanted, length))
				return true;
			if (!part[length])
				break;
			part += length + 1;
		}
	}
	return false;
}

/* By the words of the command line, or by what they led to. A bundle's rootfs is its own affair:
 * who ran a bundle did not name that. */
static bool match_source(const char *wanted, const struct ct_meta *meta)
{
	const char *const names[] = { meta->source, meta->bundle,
				      meta->bundle ? NULL : meta->rootfs };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && !strcmp(names[i], wanted))
			return true;
	return false;
}

/* A record that cannot be understood is one without a policy: nobody starts it again either. */
static enum ct_restart policy_of(const struct ct_container *container)
{
	struct ct_restart_policy policy;
	struct ct_err ignored;

	return ct_restart_parse(container->meta.restart, &policy, &ignored) < 0 ? CT_RESTART_NO :
										   policy.kind;
}

/* As podman's and docker's do: what somebody has stopped stays so, unless the policy is always. */
static bool starts_on_boot(const struct ct_container *container)
{
	enum ct_restart kind = policy_of(container);

	return kind == CT_RESTART_ALWAYS ||
	       (kind == CT_RESTART_UNLESS_STOPPED && !container->stop_asked);
}

/* One filter; which of them have to pass is ct_filters_match()'s. */
static bool match(const struct ct_filter *filter, const struct ct_container *container)
{
	const struct ct_meta *meta = &container->meta;

	switch (filter->key) {
	case CT_FILTER_ID:
		return meta->id && !strncmp(meta->id, filter->value, strlen(filter->value));
	case CT_FILTER_NAME:
		return match_name(filter, meta->name);
	case CT_FILTER_LABEL:
		return match_label(filter->value, &meta->labels);
	case CT_FILTER_NOT_LABEL:
		return !match_label(filter->value, &meta->labels);
	case CT_FILTER_STATUS:
		return !strcmp(ct_state_name(container->state), filter->value);
	case CT_FILTER_EXITED:
		return match_code(filter, container);
	case CT_FILTER_ANCESTOR:
		return match_source(filter->value, meta);
	case CT_FILTER_BEFORE:
	case CT_FILTER_UNTIL:
		return meta->created < filter->created;
	case CT_FILTER_COMMAND:
		return match_command(filter->value, meta);
	case CT_FILTER_NETWORK:
		return !strcmp(meta->network ? meta->network : "none", filter->value);
	case CT_FILTER_VOLUME:
		return match_volume(filter->value, &meta->binds);
	case CT_FILTER_HEALTH:
		return !strcmp(ct_health_name(container->health), filter->value);
	case CT_FILTER_SINCE:
		return meta->created > filter->created;
	case CT_FILTER_RESTART:
		return !strcmp(ct_restart_name(policy_of(container)), filter->value);
	case CT_FILTER_BOOT:
		return starts_on_boot(container) == !strcmp(filter->value, "true");
	case CT_FILTER_PUBLISH:
	case CT_FILTER_EXPOSE:
	case CT_FILTER_POD:
	case CT_FILTER_COUNT:
		break;
	}
	return false;
}

/* One pass over the filters and one over the keys: passed[key] is the "or" of its filters, and the
 * loop at the end is the "and" of the keys. */
bool ct_filters_match(const struct ct_filters *filters, const struct ct_container *container)
{
	bool asked[CT_FILTER_COUNT] = {0}, passed[CT_FILTER_COUNT] = {0};

	for (size_t i = 0; i < filters->count; i++) {
		const struct ct_filter *filter = &filters->items[i];
		bool matches = match(filter, container);

		asked[filter->key] = true;
		passed[filter->key] = passed[filter->key] || matches;
		if (!matches &&
		    (filter->key == CT_FILTER_LABEL || filter->key == CT_FILTER_NOT_LABEL))
			return false;
	}
	for (size_t key = 0; key < CT_FILTER_COUNT; key++)
		if (asked[key] && !passed[key])
			return false;
	return true;
}

/* docker's: who asks for exited containers wants to see them without -a. */
bool ct_filters_want_all(const struct ct_filters *filters)
{
	for (size_t i = 0; i < filters->count; i++)
		if (filters->items[i].key == CT_FILTER_STATUS ||
		    filters->items[i].key == CT_FILTER_EXITED)
			return true;
	return false;
}
