/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of text that the options of run are made of, and files that they name.
 *
 * Runs in the command with the caller's rights, before anything is created. Everything that is
 * made lives in the arena of the run. Paths here are the caller's own (a bundle, an env file, the
 * source of a bind): they are resolved as every program of the caller would resolve them. Paths
 * inside a root file system never come here but as text.
 */
#include "run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

/* "" has one empty part, "a:" two: what an empty part means is the caller's to say. */
int ct_run_split(struct ct_arena *arena, const char *text, char separator,
		 struct ct_strings *ret_parts)
{
	struct ct_strings parts = { 0 };

	for (;;) {
		const char *end = strchrnul(text, separator);
		char *part = ct_arena_strndup(arena, text, (size_t)(end - text));

		if (!part || ct_strings_add(arena, &parts, part) < 0)
			return -ENOMEM;
		if (!*end)
			break;
		text = end + 1;
	}
	*ret_parts = parts;
	return 0;
}

int ct_run_copy(struct ct_arena *arena, const struct ct_strings *from, struct ct_strings *ret_list)
{
	struct ct_strings list = { 0 };

	for (size_t i = 0; i < from->count; i++)
		if (ct_strings_add(arena, &list, from->items[i]) < 0)
			return -ENOMEM;
	*ret_list = list;
	return 0;
}

/* "KEY=VALUE" in two; a NULL key says that there is no memory. */
static struct ct_spec_pair split_pair(struct ct_arena *arena, const char *text)
{
	const char *equals = strchrnul(text, '=');

	return (struct ct_spec_pair){
		.key = ct_arena_strndup(arena, text, (size_t)(equals - text)),
		.value = *equals ? equals + 1 : "",
	};
}

/* The last one with a key wins, in the place of the first. */
static void put_pair(struct ct_spec_pairs *pairs, const struct ct_spec_pair *pair)
{
	size_t i = 0;

	while (i < pairs->count && strcmp(pairs->items[i].key, pair->key) != 0)
		i++;
	pairs->items[i] = *pair;
	if (i == pairs->count)
		pairs->count++;
}

/* bare: a KEY without "=" has an empty value (--label), else it is refused (--annotation). */
int ct_run_add_pairs(struct ct_arena *arena, const struct ct_strings *list, bool bare,
		     struct ct_spec_pairs *pairs, struct ct_err *err)
{
	struct ct_spec_pairs all = { .count = pairs->count };

	if (!list->count)
		return 0;
	/* The list at hand may be the parser's, with no room behind it. */
	all.items = ct_arena_calloc(arena, pairs->count + list->count, sizeof(*all.items));
	if (!all.items)
		return ct_fail_nomem(err);
	if (pairs->count)
		memcpy(all.items, pairs->items, pairs->count * sizeof(*all.items));
	for (size_t i = 0; i < list->count; i++) {
		struct ct_spec_pair pair = split_pair(arena, list->items[i]);

		if (!pair.key)
			return ct_fail_nomem(err);
		if (!*pair.key || (!bare && !strchr(list->items[i], '=')))
			return ct_fail(err, EINVAL, "must be KEY%s, not \"%s\"",
				       bare ? "[=VALUE]" : "=VALUE", list->items[i]);
		put_pair(&all, &pair);
	}
	*pairs = all;
	return 0;
}

/* Written down like this, a path means the same from wherever "start" is called. realpath(3) would
 * resolve links now that may point elsewhere by then. */
const char *ct_run_absolute(struct ct_arena *arena, const char *path, struct ct_err *err)
{
	char ct_autofree *cwd = NULL;
	const char *absolute = path;

	/* "./x" is x; more cannot be taken away, for links stay what they are. */
	while (path[0] == '.' && path[1] == '/')
		absolute = path += 2 + strspn(path + 2, "/");
	if (*path != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd || *cwd != '/') {
			ct_fail(err, cwd ? ENOENT : errno,
				"%s: the current directory has no path", path);
			return NULL;
		}
		absolute = ct_arena_printf(arena, "%s/%s", strcmp(cwd, "/") ? cwd : "", path);
	}
	if (!absolute)
		ct_fail_nomem(err);
	return absolute;
}

/* By text alone, as for a path in a root file system that is not to be walked yet: "a/../b" is
 * "/b", whatever a may be. clean is longer than path by the slash in front and the NUL at the
 * end. */
const char *ct_run_clean_path(struct ct_arena *arena, const char *path)
{
	char *clean = ct_arena_alloc(arena, strlen(path) + 2);
	size_t length = 0;

	if (!clean)
		return NULL;
	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && !memcmp(path, "..", 2)) {
			while (length && clean[--length] != '/')
				;
		} else if (part && !(part == 1 && *path == '.')) {
			clean[length++] = '/';
			memcpy(clean + length, path, part);
			length += part;
		}
		path += part + (path[part] == '/');
	}
	if (!length)
		clean[length++] = '/';
	clean[length] = '\0';
	return clean;
}

/* O_NONBLOCK: a FIFO given for a file must not hang the command; ct_read_file() refuses it. */
int ct_run_read_host(struct ct_arena *arena, const char *path, size_t max, const char **ret_text,
		     size_t *ret_size, struct ct_err *err)
{
	ct_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	ret = ct_read_file(arena, fd, max, ret_text, ret_size, err);
	return ret < 0 ? ct_wrap(err, "%s", path) : 0;
}
