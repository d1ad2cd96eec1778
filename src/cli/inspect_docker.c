/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What else docker has in .HostConfig, .Config and .NetworkSettings: scripts and templates ask for
 * it, and a template fails on a member that is not there. What config.json tells is taken from
 * there; what a container cannot have here (DNS servers, links, ports) has docker's value for none.
 *
 * Builds values only, in the caller's arena. config.json is read as JSON: what does not look as it
 * should is left out. Cannot fail but for memory, which the values remember.
 */
#include "inspect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/err.h>
#include <cattach/num.h>

#define SHM_DEFAULT 67108864	/* bytes: what is mounted where nobody asks for a size */

/* Of another type, or missing: empty. This is a look at somebody's file, not its check. */
static const char *text_of(const struct ct_json *object, const char *key)
{
	const struct ct_json *value = ct_json_get(object, key);

	return value && value->type == CT_JSON_STRING ? value->text : "";
}

static int64_t number_of(const struct ct_json *object, const char *key)
{
	const struct ct_json *value = ct_json_get(object, key);

	return value && value->type == CT_JSON_NUMBER ? strtoll(value->text, NULL, 10) : 0;
}

/* The first of them; the others are its ->next. */
static const struct ct_json *mounts_of(const struct ct_json *config)
{
	const struct ct_json *mounts = config ? ct_json_find(config, "mounts") : NULL;

	return mounts && mounts->type == CT_JSON_ARRAY ? mounts->child : NULL;
}

static const struct ct_json *options_of(const struct ct_json *mount)
{
	const struct ct_json *options = ct_json_get(mount, "options");

	return options && options->type == CT_JSON_ARRAY ? options->child : NULL;
}

/* "/dev/shm" is below "/dev", "/devil" is not. */
static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

/* ---- memory file systems ---- */

/* "rw,size=64m", as it was written. */
static struct ct_json *joined(struct ct_values *values, const struct ct_json *options)
{
	struct ct_buf ct_autobuf text = {0};

	for (const struct ct_json *o = options; o; o = o->next)
		if (o->type == CT_JSON_STRING)
			ct_buf_printf(&text, "%s%s", text.length ? "," : "", o->text);
	values->failed = values->failed || text.failed;
	return ct_value_string_n(values, ct_buf_text(&text), text.length);
}

/* Those that are not part of what every container has. */
static struct ct_json *tmpfs(struct ct_values *values, const struct ct_json *config)
{
	struct ct_json *object = ct_value_object(values);

	for (const struct ct_json *m = mounts_of(config); m; m = m->next) {
		const char *place = text_of(m, "destination");

		if (!strcmp(text_of(m, "type"), "tmpfs") && !is_below(place, "/dev") &&
		    !is_below(place, "/proc") && !is_below(place, "/sys"))
			ct_value_set(values, object, place, joined(values, options_of(m)));
	}
	return object;
}

/* Bytes of /dev/shm: 0 where there is none, or it is somebody else's. */
static int64_t shm_size(const struct ct_json *config)
{
	for (const struct ct_json *m = mounts_of(config); m; m = m->next) {
		if (strcmp(text_of(m, "destination"), "/dev/shm") ||
		    strcmp(text_of(m, "type"), "tmpfs"))
			continue;
		for (const struct ct_json *o = options_of(m); o; o = o->next) {
			struct ct_err ignored;
			uint64_t size;

			if (o->type == CT_JSON_STRING && !strncmp(o->text, "size=", 5) &&
			    ct_parse_size(o->text + 5, &size, &ignored) == 0)
				return (int64_t)size;
		}
		return SHM_DEFAULT;
	}
	return 0;
}

/* ---- devices and limits ---- */

/* What --device has bound. Told from other binds by both of its ends being below /dev. Permissions
 * cannot be less than these. */
static struct ct_json *devices(struct ct_values *values, const struct ct_json *config)
{
	struct ct_json *list = ct_value_array(values);

	for (const struct ct_json *m = mounts_of(config); m; m = m->next) {
		const char *source = text_of(m, "source"), *place = text_of(m, "destination");
		struct ct_json *device;

		if (strcmp(text_of(m, "type"), "bind") || !is_below(source, "/dev") ||
		    !is_below(place, "/dev"))
			continue;
		device = ct_value_object(values);
		ct_value_set(values, device, "PathOnHost", ct_value_string(values, source));
		ct_value_set(values, device, "PathInContainer", ct_value_string(values, place));
		ct_value_set(values, device, "CgroupPermissions", ct_value_string(values, "rwm"));
		ct_value_add(values, list, device);
	}
	return list;
}

/* RLIMIT_NOFILE is docker's "nofile". */
static struct ct_json *ulimit_name(struct ct_values *values, const char *type)
{
	char name[32] = "";

	if (!strncmp(type, "RLIMIT_", 7))
		type += 7;
	for (size_t i = 0; i < sizeof(name) - 1 && type[i]; i++)
		name[i] = (char)tolower((unsigned char)type[i]);
	return ct_value_string(values, name);
}

/* docker has -1 for unlimited, config.json RLIM_INFINITY as a number. */
static int64_t limit_of(const struct ct_json *object, const char *key)
{
	const struct ct_json *value = ct_json_get(object, key);
	struct ct_err ignored;
	uint64_t limit = 0;

	if (!value || value->type != CT_JSON_NUMBER ||
	    ct_parse_u64(value->text, 0, UINT64_MAX, &limit, &ignored) < 0)
		return number_of(object, key);
	return limit == UINT64_MAX ? -1 : limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}

/* docker's names are lower case without RLIMIT_, as --ulimit takes them. */
static struct ct_json *ulimits(struct ct_values *values, const struct ct_json *config)
{
	const struct ct_json *limits = config ? ct_json_find(config, "process.rlimits") : NULL;
	struct ct_json *list = ct_value_array(values);

	if (!limits || limits->type != CT_JSON_ARRAY)
		return list;
	for (const struct ct_json *l = limits->child; l; l = l->next) {
		struct ct_json *limit = ct_value_object(values);

		ct_value_set(values, limit, "Name", ulimit_name(values, text_of(l, "type")));
		ct_value_set(values, limit, "Hard", ct_value_i64(values, limit_of(l, "hard")));
		ct_value_set(values, limit, "Soft", ct_value_i64(values, limit_of(l, "soft")));
		ct_value_add(values, list, limit);
	}
	return list;
}

/* ---- the parts ---- */

/* An empty list is [] for docker where it is a list, and null or "" elsewhere: each group has its
 * maker. */
static void set_empty(struct ct_values *values, struct ct_json *object, const char *const *keys,
		      struct ct_json *(*make)(struct ct_values *values))
{
	for (size_t i = 0; keys[i]; i++)
		ct_value_set(values, object, keys[i], make(values));
}

static struct ct_json *no_text(struct ct_values *values)
{
	return ct_value_string(values, "");
}

static struct ct_json *zero(struct ct_values *values)
{
	return ct_value_i64(values, 0);
}

/* Into .HostConfig, beside what inspect_tree.c has put there. */
void ct_inspect_host(struct ct_values *values, struct ct_json *object, const struct ct_json *config)
{
	static const char *const lists[] = { "Dns",	   "DnsOptions", "DnsSearch", "ExtraHosts",
					     "Links", "VolumesFrom", NULL };
	const struct ct_json *process = config ? ct_json_find(config, "process") : NULL;

	set_empty(values, object, lists, ct_value_array);
	ct_value_set(values, object, "PublishAllPorts", ct_value_bool(values, false));
	ct_value_set(values, object, "OomKillDisable", ct_value_bool(values, false));
	ct_value_set(values, object, "OomScoreAdj",
		     ct_value_i64(values, process ? number_of(process, "oomScoreAdj") : 0));
	ct_value_set(values, object, "Runtime", ct_value_string(values, "cattach"));
	ct_value_set(values, object, "ShmSize", ct_value_i64(values, shm_size(config)));
	ct_value_set(values, object, "Tmpfs", tmpfs(values, config));
	ct_value_set(values, object, "Devices", devices(values, config));
	ct_value_set(values, object, "Ulimits", ulimits(values, config));
}

/* There is no network of ours with addresses: "none", "host", or a namespace that somebody else has
 * set up, about which he knows more. */
struct ct_json *ct_inspect_network(struct ct_values *values)
{
	static const char *const objects[] = { "Ports", "Networks", NULL };
	static const char *const texts[] = { "Bridge",	    "SandboxID",  "SandboxKey",
					     "EndpointID",  "IPAddress",  "Gateway",
					     "IPv6Gateway", "MacAddress", "GlobalIPv6Address",
					     NULL };
	static const char *const numbers[] = { "IPPrefixLen", "GlobalIPv6PrefixLen", NULL };
	struct ct_json *object = ct_value_object(values);

	set_empty(values, object, objects, ct_value_object);
	set_empty(values, object, texts, no_text);
	set_empty(values, object, numbers, zero);
	return object;
}
