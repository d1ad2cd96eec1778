/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding one's way in a parsed document: members by name, values by path, paths of values.
 *
 * Runs wherever a document was parsed, with the caller's rights; nothing here allocates or fails.
 * Paths are for people: "mounts[3].source". A name that has anything but letters, digits, "_" and
 * "-" in it stands in brackets and quotes, as in annotations["org.example.key"].
 */
#include <cattach/json.h>

#include <stdio.h>
#include <string.h>

/* Also for NULL and for what is no object, so that callers can ask down a path without looking. */
const struct ct_json *ct_json_get(const struct ct_json *object, const char *key)
{
	if (!object || object->type != CT_JSON_OBJECT)
		return NULL;
	for (const struct ct_json *v = object->child; v; v = v->next) {
		if (strcmp(v->key, key) == 0)
			return v;
	}
	return NULL;
}

/* The longest member whose name the path begins with and then ends or goes on properly. A name may
 * have dots in it: with members "a" and "a.b", the path "a.b.c" means c in "a.b". */
static const struct ct_json *match_member(const struct ct_json *object, const char *path,
					  const char *closing, const char **ret_rest)
{
	const struct ct_json *best = NULL;
	size_t best_length = 0, tail = strlen(closing);

	for (const struct ct_json *v = object->child; v; v = v->next) {
		size_t length = strlen(v->key);
		const char *end = path + length + tail;

		if (strncmp(path, v->key, length) != 0 ||
		    strncmp(path + length, closing, tail) != 0 || (best && length < best_length))
			continue;
		if (*end != '\0' && *end != '.' && *end != '[')
			continue;
		best = v;
		best_length = length;
		*ret_rest = end;
	}
	return best;
}

/* "[3]", path behind the bracket. NULL when it is no index, or there is no such item. */
static const struct ct_json *match_index(const struct ct_json *array, const char *path,
					 const char **ret_rest)
{
	const struct ct_json *v = array->child;
	size_t index = 0;

	if (*path < '0' || *path > '9')
		return NULL;
	/* No document has ten million values, so an index that long needs no exact value. */
	for (; *path >= '0' && *path <= '9'; path++)
		index = index > 1000000 ? index : index * 10 + (size_t)(*path - '0');
	if (*path != ']')
		return NULL;
	*ret_rest = path + 1;
	for (; v && index; index--)
		v = v->next;
	return v;
}

/* The other way round from ct_json_path(); as lenient as needed to take what that writes. */
const struct ct_json *ct_json_find(const struct ct_json *root, const char *path)
{
	const struct ct_json *v = root;

	while (v && *path) {
		if (v->type == CT_JSON_ARRAY)
			v = *path == '[' ? match_index(v, path + 1, &path) : NULL;
		else if (v->type != CT_JSON_OBJECT)
			v = NULL;
		else if (strncmp(path, "[\"", 2) == 0)
			v = match_member(v, path + 2, "\"]", &path);
		else
			v = match_member(v, path + (*path == '.'), "", &path);
	}
	return v;
}

static bool is_plain(const char *key)
{
	return *key && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-")] == '\0';
}

/* Counted, as values know their neighbours only: paths are made for errors, once. */
static size_t index_of(const struct ct_json *value)
{
	size_t index = 0;

	for (const struct ct_json *v = value->parent->child; v && v != value; v = v->next)
		index++;
	return index;
}

/* Append the step from a value's parent to it; returns the new length, at most size - 1. */
static size_t add_step(const struct ct_json *value, char *buf, size_t used, size_t size)
{
	size_t left = size - used;
	int n;

	if (!value->key)
		n = snprintf(buf + used, left, "[%zu]", index_of(value));
	else if (is_plain(value->key))
		n = snprintf(buf + used, left, "%s%s", used ? "." : "", value->key);
	else
		n = snprintf(buf + used, left, "[\"%s\"]", value->key);
	return n < 0 || (size_t)n >= left ? size - 1 : used + (size_t)n;
}

/* Cut at the end of the buffer, where the error is that it does not fit. */
const char *ct_json_path(const struct ct_json *value, char *buf, size_t size)
{
	const struct ct_json *steps[CT_JSON_MAX_DEPTH + 1];
	size_t count = 0, used = 0;

	if (size == 0)
		return "";
	buf[0] = '\0';
	for (; value && value->parent && count < CT_JSON_MAX_DEPTH + 1; value = value->parent)
		steps[count++] = value;
	while (count)
		used = add_step(steps[--count], buf, used, size);
	return buf;
}

/* With its article, for "must be a string, not a number". */
const char *ct_json_type_name(enum ct_json_type type)
{
	static const char *const names[] = {
		[CT_JSON_NULL] = "null",
		[CT_JSON_BOOL] = "a boolean",
		[CT_JSON_NUMBER] = "a number",
		[CT_JSON_STRING] = "a string",
		[CT_JSON_ARRAY] = "a list",
		[CT_JSON_OBJECT] = "an object",
	};

	return names[type];
}
