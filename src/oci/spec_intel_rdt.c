/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.intelRdt: which class of service the container's processes are in, and what share of caches
 * and memory bandwidth that has.
 *
 * Runs in the command, with the caller's rights, before anything is created; fails by refusing the
 * document, with positions. The name of a class becomes one of a directory, and the lines of a
 * schema are handed to the kernel as they are, so names are single ones and lines are lines. What a
 * line means the kernel alone knows.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#define R(member) offsetof(struct ct_resctrl_settings, member)

static bool has_control(const char *text, const char *allowed)
{
	for (const char *s = text; *s; s++)
		if (((unsigned char)*s < ' ' || *s == 0x7f) && !strchr(allowed, *s))
			return true;
	return false;
}

/* "/" is the class of all that are in no other one. */
static int check_class(const struct ct_reader *r, const struct ct_json *value)
{
	if (!*value->text || strcmp(value->text, "/") == 0 || ct_is_resctrl_name(value->text))
		return 0;
	ct_read_fail(r, value, EINVAL, "\"%.80s\" is not the name of a resctrl group", value->text);
	return ct_hint(r->err, "a single name without / that is none of the kernel's own (info, "
			       "mon_groups, mon_data), or / for the default group");
}

/* Caches for code and for data may have a line each in it. */
static int check_cache(const struct ct_reader *r, const struct ct_json *value)
{
	return has_control(value->text, "\n") ?
	       ct_read_fail(r, value, EINVAL, "has control characters") : 0;
}

static int check_bandwidth(const struct ct_reader *r, const struct ct_json *value)
{
	if (*value->text && strncmp(value->text, "MB:", 3) != 0)
		return ct_read_fail(r, value, EINVAL, "must begin with \"MB:\", not \"%.80s\"", value->text);
	return has_control(value->text, "") ?
	       ct_read_fail(r, value, EINVAL, "must be one line, without control characters") : 0;
}

static int check_line(const struct ct_reader *r, const struct ct_json *value)
{
	if (!*value->text)
		return ct_read_fail(r, value, EINVAL, "is empty");
	return has_control(value->text, "") ?
	       ct_read_fail(r, value, EINVAL, "must be one line, without control characters") : 0;
}

/* Some tools write an empty text where there is none. */
static void drop_empty(const char **text)
{
	if (*text && !**text)
		*text = NULL;
}

static int finish(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_resctrl_settings *settings = target;

	(void)r;
	(void)object;
	drop_empty(&settings->class);
	drop_empty(&settings->cache);
	drop_empty(&settings->bandwidth);
	return 0;
}

static const struct ct_read_field intel_rdt_fields[] = {
	{ "closID", READ_STRING, .check = check_class, .offset = R(class) },
	{ "schemata", READ_STRINGS, .check = check_line, .offset = R(schemata) },
	{ "l3CacheSchema", READ_STRING, .check = check_cache, .offset = R(cache) },
	{ "memBwSchema", READ_STRING, .check = check_bandwidth, .offset = R(bandwidth) },
	{ "enableMonitoring", READ_BOOL, .offset = R(monitoring) },
	{0},
};

const struct ct_read_object ct_read_intel_rdt = {
	.fields = intel_rdt_fields, .size = sizeof(struct ct_resctrl_settings), .finish = finish,
};

int ct_check_intel_rdt(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	if (!spec->linux_.intel_rdt || !rootless)
		return 0;
	ct_spec_fail(spec, err, EPERM, "linux.intelRdt", "shares of caches and memory bandwidth are given out "
		     "by root alone");
	return ct_hint(err, "run it as root, or remove linux.intelRdt");
}
