/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --mount type=bind|tmpfs,KEY=VALUE,...: docker's keys, comma-separated with CSV quotes, so that
 * a path with a comma can be written "source=/a,b".
 *
 * Runs in the command with the caller's rights, before anything is created. The keys are gathered
 * first, the last of a kind wins, and are then checked against the type: a key that the type does
 * not have is an error, never ignored. What the mounts mean is src/container/run_mounts.c's.
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>

#include <cattach/mount.h>
#include <cattach/num.h>

/* The keys as written; NULL: not given. */
struct keys {
	const char *type, *source, *target, *propagation, *recursive, *size, *mode;
	bool read_only, flat;		/* flat: bind-nonrecursive */
};

/* The next field of a CSV line: 1, 0 at the end, or a negative error. RFC 4180, section 2:
 * encoding/csv of Go reads it like that, and docker's values are written for it. *cursor is NULL
 * behind the last one; a comma at the end means an empty field behind it. */
static int next_field(struct ct_run *run, const char **cursor, const char **ret_field,
		      struct ct_err *err)
{
	const char *at = *cursor;
	char *field;
	size_t length = 0;

	if (!at)
		return 0;
	field = ct_arena_alloc(run->arena, strlen(at) + 1);
	if (!field)
		return ct_fail_nomem(err);
	if (*at != '"') {
		length = strcspn(at, ",");
		memcpy(field, at, length);
		at += length;
	} else {
		/* In quotes a comma is a comma, and two quotes are one. */
		for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
			if (*at == '"')
				at++;
			field[length++] = *at;
		}
		if (*at != '"')
			return ct_fail(err, EINVAL, "a quoted field has no end");
		at++;
		if (*at && *at != ',')
			return ct_fail(err, EINVAL, "text behind the end of a quoted field");
	}
	*cursor = *at ? at + 1 : NULL;
	*ret_field = field;
	return 1;
}

static int parse_flag(const char *value, bool *ret_flag, struct ct_err *err)
{
	/* "readonly" alone means true. */
	if (!value) {
		*ret_flag = true;
		return 0;
	}
	return ct_parse_bool(value, ret_flag, err);
}

/* Put one key where it belongs; a key without "=" has a NULL value. */
static int take_key(struct keys *keys, const char *key, const char *value, struct ct_err *err)
{
	const struct {
		const char *key, **place;
	} table[] = {
		{ "type", &keys->type },
		{ "source", &keys->source },
		{ "src", &keys->source },
		{ "target", &keys->target },
		{ "destination", &keys->target },
		{ "dst", &keys->target },
		{ "bind-propagation", &keys->propagation },
		{ "bind-recursive", &keys->recursive },
		{ "tmpfs-size", &keys->size },
		{ "tmpfs-mode", &keys->mode },
	};

	if (!strcmp(key, "readonly") || !strcmp(key, "ro"))
		return parse_flag(value, &keys->read_only, err);
	if (!strcmp(key, "bind-nonrecursive"))
		return parse_flag(value, &keys->flat, err);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(key, table[i].key) != 0)
			continue;
		if (!value || !*value)
			return ct_fail(err, EINVAL, "needs a value");
		*table[i].place = value;
		return 0;
	}
	ct_fail(err, EINVAL, "unknown key");
	return ct_hint(err,
		       "type source target readonly bind-propagation bind-recursive tmpfs-size "
		       "tmpfs-mode");
}

/* All fields of the line; where names the key at fault. */
static int parse_keys(struct ct_run *run, const char *text, struct keys *keys, struct ct_err *err)
{
	const char *cursor = text, *field = NULL;
	int ret;

	while ((ret = next_field(run, &cursor, &field, err)) > 0) {
		const char *equals = strchrnul(field, '=');
		const char *key = ct_arena_strndup(run->arena, field, (size_t)(equals - field));

		if (!key)
			return ct_fail_nomem(err);
		if (take_key(keys, key, *equals ? equals + 1 : NULL, err) < 0)
			return ct_wrap(err, "\"%s\"", key);
	}
	return ret;
}

/* A NULL option is one for which there was no memory. */
static int add_option(struct ct_run *run, struct ct_spec_mount *mount, const char *option,
		      struct ct_err *err)
{
	return option && ct_strings_add(run->arena, &mount->options, option) == 0 ?
	       0 : ct_fail_nomem(err);
}

/*
 * bind-recursive in docker's four words: what is bound, and how deep readonly goes.
 *   enabled    rbind, readonly as deep as can be    writable   rbind, readonly at the top only
 *   disabled   bind                                 readonly   as enabled, and only with readonly
 */
static int bind_depth(struct ct_run *run, const struct keys *keys, struct ct_spec_mount *mount,
		      struct ct_err *err)
{
	const char *word = keys->recursive ? keys->recursive : keys->flat ? "disabled" : "enabled";
	bool disabled = !strcmp(word, "disabled"), writable = !strcmp(word, "writable");
	bool only = !strcmp(word, "readonly");
	int ret;

	if (!disabled && !writable && !only && strcmp(word, "enabled") != 0)
		return ct_fail(err, EINVAL, "bind-recursive must be enabled, disabled, writable or "
					    "readonly, not \"%s\"", word);
	if (only && !keys->read_only)
		return ct_fail(err, EINVAL, "bind-recursive=readonly needs readonly");
	ret = add_option(run, mount, disabled ? "bind" : "rbind", err);
	if (ret == 0 && keys->read_only)
		ret = add_option(run, mount, disabled || writable ? "ro" : "rro", err);
	return ret;
}

/* type=bind: source and how it is bound. The target is there already. */
static int make_bind(struct ct_run *run, const struct keys *keys, struct ct_spec_mount *mount,
		     struct ct_err *err)
{
	const char *propagation = keys->propagation ? keys->propagation : "rprivate";
	uint64_t flags;
	bool tree;
	int ret;

	if (keys->size || keys->mode)
		return ct_fail(err, EINVAL, "tmpfs-size and tmpfs-mode are for type=tmpfs");
	if (!keys->source)
		return ct_fail(err, EINVAL, "type=bind needs a source");
	if (!ct_propagation_parse(propagation, &flags, &tree))
		return ct_fail(err, EINVAL, "bind-propagation must be [r]private, [r]slave or "
					    "[r]shared, not \"%s\"", propagation);
	mount->type = "bind";
	ret = ct_run_mount_source(run, mount, keys->source, err);
	if (ret == 0)
		ret = bind_depth(run, keys, mount, err);
	return ret == 0 ? add_option(run, mount, propagation, err) : ret;
}

/* type=tmpfs: with docker's restrictions, and a size in whatever unit it was given. */
static int make_tmpfs(struct ct_run *run, const struct keys *keys, struct ct_spec_mount *mount,
		      struct ct_err *err)
{
	static const char *const defaults[] = { "nosuid", "nodev", "noexec" };
	uint64_t size = 0;
	uint32_t mode = 0;
	int ret = 0;

	if (keys->source || keys->propagation || keys->recursive || keys->flat)
		return ct_fail(err, EINVAL, "source and bind- keys are for type=bind");
	if (keys->size && ct_parse_size(keys->size, &size, err) < 0)
		return ct_wrap(err, "tmpfs-size");
	if (keys->mode && ct_parse_mode(keys->mode, &mode, err) < 0)
		return ct_wrap(err, "tmpfs-mode");
	mount->type = mount->source = "tmpfs";
	for (size_t i = 0; ret == 0 && i < sizeof(defaults) / sizeof(defaults[0]); i++)
		ret = add_option(run, mount, defaults[i], err);
	if (ret == 0 && keys->read_only)
		ret = add_option(run, mount, "ro", err);
	if (ret == 0 && keys->size)
		ret = add_option(run, mount, ct_arena_printf(run->arena, "size=%llu",
							     (unsigned long long)size), err);
	if (ret == 0 && keys->mode)
		ret = add_option(run, mount, ct_arena_printf(run->arena, "mode=%04o", mode), err);
	return ret;
}

/* docker's type is "volume" when none is given. */
int ct_run_mount_csv(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
		     struct ct_err *err)
{
	struct keys keys = { 0 };
	int ret = parse_keys(run, text, &keys, err);

	if (ret < 0)
		return ret;
	if (!keys.type || !strcmp(keys.type, "volume")) {
		ct_fail(err, EINVAL, "volumes are not available in this version");
		return ct_hint(err, "type=bind or type=tmpfs");
	}
	if (!keys.target)
		return ct_fail(err, EINVAL, "needs a target");
	ret = ct_run_mount_target(run, mount, keys.target, err);
	if (ret < 0)
		return ret;
	if (!strcmp(keys.type, "bind"))
		return make_bind(run, &keys, mount, err);
	if (!strcmp(keys.type, "tmpfs"))
		return make_tmpfs(run, &keys, mount, err);
	ct_fail(err, EINVAL, "type \"%s\" is not available in this version", keys.type);
	return ct_hint(err, "type=bind or type=tmpfs");
}
