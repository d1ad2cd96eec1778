/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's rules for the two paths of cp: which of them is in a container, what the thing is called
 * at the other end, and where it goes.
 *
 *   a file       to nothing          gets that name; "/" at its end: there is no such directory
 *                to a file           takes its place
 *                to a directory      goes in there
 *   a directory  to nothing          gets that name
 *                to a file           is refused
 *                to a directory      goes in there; with "/." at its end what is in it does
 *
 * Pure functions, in the command and in the half of a copy that writes. What they refuse is what
 * the user asked for.
 */
#include <cattach/copy.h>

#include <errno.h>
#include <string.h>

/* NAME:PATH is in a container unless the argument begins with "/" or ".", or has a "/" before its
 * first colon: "./a:b" is a file of the host, as docker has it. 0: no container. */
size_t ct_copy_split(const char *arg, const char **ret_path)
{
	const char *colon = strchr(arg, ':');

	*ret_path = arg;
	if (!colon || colon == arg || arg[0] == '/' || arg[0] == '.' ||
	    memchr(arg, '/', (size_t)(colon - arg)))
		return 0;
	*ret_path = colon + 1;
	return (size_t)(colon - arg);
}

bool ct_copy_ends_with_slash(const char *path)
{
	size_t length = strlen(path);

	return length && path[length - 1] == '/';
}

/* "dir/." and ".", not "dir/x.". */
bool ct_copy_means_contents(const char *path)
{
	size_t length = strlen(path);

	return length && path[length - 1] == '.' && (length == 1 || path[length - 2] == '/');
}

/* From the end: each ".." takes away the name before it. What is left over when the path is used up
 * goes on into the directory that it was seen from. Of "/a/b/../c/.." that is "a": ".." takes "c",
 * and the other one "b". */
static bool last_name(const char *path, size_t *skip, char *name)
{
	size_t end = strlen(path);

	while (end) {
		size_t start = end;

		while (start && path[start - 1] != '/')
			start--;
		if (end - start == 2 && !memcmp(path + start, "..", 2)) {
			(*skip)++;
		} else if (end > start && !(end - start == 1 && path[start] == '.')) {
			if (!*skip) {
				size_t size = end - start;

				size = size > CT_COPY_NAME_MAX ? CT_COPY_NAME_MAX : size;
				memcpy(name, path + start, size);
				name[size] = '\0';
				return true;
			}
			(*skip)--;
		}
		end = start ? start - 1 : 0;
	}
	return false;
}

/* Of the path as it is written, without looking: a link is called what it is called. */
void ct_copy_base_name(const char *cwd, const char *path, char ret_name[CT_COPY_NAME_MAX + 1])
{
	size_t skip = 0;

	ret_name[0] = '\0';
	if (last_name(path, &skip, ret_name) || path[0] == '/')
		return;
	last_name(cwd, &skip, ret_name);
}

static int rule_for_missing(const struct ct_copy_ends *ends, struct ct_err *err)
{
	if (ends->source_directory || !ends->target_slash)
		return 0;
	ct_fail(err, ENOENT, "there is no directory %s", ends->target);
	return ct_hint(err, "make it first, or leave the \"/\" at its end out");
}

static int rule_for_file(const struct ct_copy_ends *ends, struct ct_err *err)
{
	if (ends->source_directory)
		return ct_fail(err, ENOTDIR, "a directory cannot take the place of %s, which is a "
			       "file", ends->target);
	if (ends->target_slash)
		return ct_fail(err, ENOTDIR, "%s is not a directory", ends->target);
	return 0;
}

int ct_copy_rule(const struct ct_copy_ends *ends, enum ct_copy_where *ret_where,
		 struct ct_err *err)
{
	int r = 0;

	if (!ends->target_there)
		r = rule_for_missing(ends, err);
	else if (!ends->target_directory)
		r = rule_for_file(ends, err);
	if (r < 0)
		return r;
	if (!ends->target_directory)
		*ret_where = CT_COPY_AS;
	else if (ends->source_directory && ends->contents)
		*ret_where = CT_COPY_MERGE;
	else
		*ret_where = CT_COPY_INTO;
	return 0;
}
