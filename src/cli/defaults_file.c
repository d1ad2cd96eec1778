/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file with the caller's defaults: where it is, whether it can be trusted, what it says.
 *
 * $XDG_CONFIG_HOME/cattach/config.json, below ~/.config without that; /etc/cattach/config.json for
 * root, whose containers are not in its home either. Who can write it decides what containers may
 * do, so one that is somebody else's, or that others can write, is refused, as the store would be.
 * A link is followed: people keep such files elsewhere.
 *
 * Runs in the command's own process, before anything is started. One open(2) where there is no
 * file. Fails on what is wrong with it, with line and column.
 *
 *    { "detachKeys": "ctrl-e,e", "psFormat": "table {{.Names}}", "logOpts": { "max-size": "1m" } }
 *    docker's ~/.docker/config.json has the same form; values are words, lists and objects of them
 */
#include "defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>

#define ROOT_FILE "/etc/cattach/config.json"

/* ---- what it says ---- */

/* The caller says in which file. */
static int fail_type(const struct ct_json *value, const char *wanted, struct ct_err *err)
{
	char path[128];

	ct_fail(err, EINVAL, "must be %s, not %s", wanted, ct_json_type_name(value->type));
	if (ct_json_path(value, path, sizeof(path))[0])
		ct_wrap(err, "%s", path);
	return ct_wrap(err, "%u:%u", value->line, value->column);
}

static int add_value(struct ct_arena *arena, struct ct_default *item, const char *text,
		     struct ct_err *err)
{
	return ct_strings_add(arena, &item->values, text) < 0 ? ct_fail_nomem(err) : 0;
}

/* A number is the text that it is written in, which the option parses as if it had been typed. */
static bool is_word(const struct ct_json *value)
{
	return value->type == CT_JSON_STRING || value->type == CT_JSON_NUMBER;
}

/* ["A=1", "B"], and where the option takes KEY=VALUE also {"A": "1"}. */
static int add_list(struct ct_arena *arena, const struct ct_option *option,
		    const struct ct_json *value, struct ct_default *item, struct ct_err *err)
{
	bool pairs = strchr(option->metavar, '=') != NULL;

	if (value->type != CT_JSON_ARRAY && !(pairs && value->type == CT_JSON_OBJECT))
		return fail_type(value, pairs ? "an object or a list of strings" :
						"a list of strings", err);
	for (const struct ct_json *v = value->child; v; v = v->next) {
		const char *text = v->text;

		if (!is_word(v))
			return fail_type(v, "a string", err);
		if (v->key)
			text = ct_arena_printf(arena, "%s=%s", v->key, v->text);
		if (!text || add_value(arena, item, text, err) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

/* Numbers are taken where an option takes a text: "memory": 1000000 has no quotes in people's
 * minds. */
static int add_values(struct ct_arena *arena, const struct ct_option *option,
		      const struct ct_json *value, struct ct_default *item, struct ct_err *err)
{
	if (option->kind == CT_OPTION_LIST)
		return add_list(arena, option, value, item, err);
	if (option->kind == CT_OPTION_STRING)
		return is_word(value) ? add_value(arena, item, value->text, err) :
					fail_type(value, "a string", err);
	if (value->type != CT_JSON_BOOL)
		return fail_type(value, "true or false", err);
	return add_value(arena, item, value->boolean ? "true" : "false", err);
}

/* A default that is misspelt is refused, or it would silently not be in force. */
static int fail_key(const struct ct_json *value, struct ct_err *err)
{
	char near[128];

	ct_fail(err, EINVAL, "no option has such a default");
	ct_wrap(err, "%u:%u: %s", value->line, value->column, value->key);
	if (ct_default_nearest(value->key, near, sizeof(near)))
		return ct_hint(err, "did you mean %s?", near);
	return ct_hint(err, "\"cattach help --man\" says how they are named");
}

/* The place goes with the default: an option that refuses it later can say where it came from. */
static int parse_member(struct ct_arena *arena, const char *name, const struct ct_json *value,
			struct ct_defaults *defaults, struct ct_err *err)
{
	struct ct_default item = { .source = CT_DEFAULT_FILE, .key = value->key };
	struct ct_default_name found;
	int r;

	item.place = ct_arena_printf(arena, "%s:%u:%u: %s", name, value->line, value->column,
				     value->key);
	if (!item.place)
		return ct_fail_nomem(err);
	if (!ct_default_find_key(value->key, &found))
		return fail_key(value, err);
	/* as if it were not there */
	if (value->type == CT_JSON_NULL)
		return 0;
	item.verb = found.verb;
	item.option = found.option->name;
	r = add_values(arena, found.option, value, &item, err);
	return r < 0 ? r : ct_default_add(arena, defaults, &item, err);
}

int ct_defaults_parse(struct ct_arena *arena, const char *name, const void *data, size_t size,
		      struct ct_defaults *defaults, struct ct_err *err)
{
	const struct ct_json *root;
	int r = ct_json_parse(arena, name, data, size, &root, err);
	char rest[sizeof(err->where)];

	if (r < 0)
		return err->hint[0] ? r : ct_hint(err, "correct it, or move it away");
	if (root->type != CT_JSON_OBJECT)
		r = fail_type(root, "an object of defaults", err);
	for (const struct ct_json *value = root->child; r == 0 && value; value = value->next)
		r = parse_member(arena, name, value, defaults, err);
	if (r == 0 || r == -ENOMEM)
		return r;
	/* "FILE:LINE:COLUMN: key", as the parser writes it */
	memcpy(rest, err->where, sizeof(rest));
	err->where[0] = '\0';
	return ct_wrap(err, "%s:%s", name, rest);
}

/* ---- where it is, and whose ---- */

/* HOME first, as a shell has it: su without "-" keeps that of the caller, whose file is then
 * refused by its owner. */
static const char *home(void)
{
	const char *variable = getenv("HOME");
	const struct passwd *user;

	if (variable && variable[0] == '/')
		return variable;
	user = getpwuid(geteuid());
	return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

static int find_path(struct ct_arena *arena, const char **ret_path, struct ct_err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *dir;

	*ret_path = ROOT_FILE;
	/* Root of a nested namespace is a user, here as in the store. */
	if (geteuid() == 0 && !ct_store_is_nested())
		return 0;
	/* The base directory specification: relative paths are to be ignored. */
	if (config && config[0] == '/') {
		*ret_path = ct_arena_printf(arena, "%s/cattach/config.json", config);
	} else {
		dir = home();
		*ret_path = NULL;
		if (!dir)
			return 0;
		*ret_path = ct_arena_printf(arena, "%s/.config/cattach/config.json", dir);
	}
	return *ret_path ? 0 : ct_fail_nomem(err);
}

/* A file of root's is fine, for it is root who may give users their defaults. */
static int check_owner(int fd, const char *path, struct ct_err *err)
{
	uid_t euid = geteuid();
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at %s", path);
	if (st.st_uid != euid && st.st_uid != 0) {
		ct_fail(err, EPERM, "%s belongs to uid %u, not to you (uid %u)", path,
			(unsigned)st.st_uid, (unsigned)euid);
		return ct_hint(err, "chown %u %s, or move it away", (unsigned)euid, path);
	}
	if (st.st_mode & 022) {
		ct_fail(err, EPERM, "%s can be written by other users (mode %04o)", path,
			(unsigned)st.st_mode & 07777);
		return ct_hint(err, "chmod go-w %s", path);
	}
	return 0;
}

/* A home that we may not enter, as after su without its "-", holds no file of ours. */
static bool is_absent(const char *path, int error)
{
	int ct_autofd place = -1;

	if (error != EACCES)
		return error == ENOENT || error == ENOTDIR;
	place = open(path, O_PATH | O_CLOEXEC);
	return place < 0;
}

/* Opened without waiting (a FIFO by that name) and without becoming the controlling terminal; what
 * it is is checked on the descriptor, so that it cannot be exchanged in between. */
int ct_defaults_read(struct ct_arena *arena, struct ct_defaults *defaults, struct ct_err *err)
{
	int ct_autofd fd = -1;
	const char *text;
	size_t size;

	if (find_path(arena, &defaults->path, err) < 0)
		return -err->code;
	if (!defaults->path)
		return 0;
	fd = open(defaults->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && is_absent(defaults->path, errno))
		return 0;
	defaults->found = true;
	if (fd < 0) {
		ct_fail_errno(err, errno, "cannot open %s", defaults->path);
		return ct_hint(err, "make it readable, or move it away");
	}
	if (check_owner(fd, defaults->path, err) < 0)
		return -err->code;
	if (ct_read_file(arena, fd, CT_JSON_MAX_SIZE, &text, &size, err) < 0) {
		ct_wrap(err, "%s", defaults->path);
		return ct_hint(err, "move it away");
	}
	return ct_defaults_parse(arena, defaults->path, text, size, defaults, err);
}
