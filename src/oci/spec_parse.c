/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json into a struct ct_spec: the top of the document, and errors that name their place.
 *
 * The parts have files of their own (spec_process.c, spec_linux.c, ...), each a set of tables for
 * the reader of read.h. Runs in the command, with the caller's rights, before anything is created.
 * The document is trusted for what it asks, not for being well-formed: everything that can be said
 * of it alone is checked here, what its parts say of each other in spec_check.c.
 *
 *   text -> ct_json_parse -> ct_read_object(tables) -> ct_refuse_unsupported -> struct ct_spec
 *          syntax            types, ranges, words      what we cannot do       -> ct_spec_check()
 *
 * The tree stays in the arena (spec->source): errors that are found much later, when a mount fails
 * in the child, say, can still name line and column of the property (ct_spec_wrap()).
 */
#include "schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define T(member) offsetof(struct ct_spec, member)

/* "1.0.2-dev": 1, a point, a number, perhaps another, perhaps a suffix. 1.x by semantic versioning:
 * what a later 1.x adds is optional, and unknown members are ignored. */
static int check_version(const struct ct_reader *r, const struct ct_json *value)
{
	const char *s = value->text;
	size_t minor;

	if (strncmp(s, "1.", 2) == 0) {
		minor = strspn(s + 2, "0123456789");
		s += 2 + minor;
		if (*s == '.')
			s += 1 + strspn(s + 1, "0123456789");
		if (minor >= 1 && minor <= 2 && s[-1] != '.' && strchr("-+", *s))
			return 0;
	}
	return ct_read_fail(r, value, EINVAL, "version \"%.80s\" is not supported (1.x is)",
			    value->text);
}

static const struct ct_read_field root_fields[] = {
	{ "path", READ_STRING, .required = true, .not_empty = true, .offset = T(root_path) },
	{ "readonly", READ_BOOL, .offset = T(root_readonly) },
	{0},
};

static const struct ct_read_object root = { .fields = root_fields };

static int finish_spec(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec *spec = target;

	(void)r;
	(void)object;
	/* Other tools write "" for a name that is not set. */
	if (spec->hostname && !*spec->hostname)
		spec->hostname = NULL;
	if (spec->domainname && !*spec->domainname)
		spec->domainname = NULL;
	return 0;
}

static const struct ct_read_field spec_fields[] = {
	{ "ociVersion", READ_STRING, .required = true, .check = check_version,
	  .offset = T(oci_version) },
	/* Its rows name members of struct ct_spec. */
	{ "root", READ_OBJECT, .required = true, .object = &root, .offset = 0, .has = T(has_root) },
	{ "process", READ_POINTER, .object = &ct_read_process, .offset = T(process) },
	{ "hostname", READ_STRING, .offset = T(hostname) },
	{ "domainname", READ_STRING, .offset = T(domainname) },
	{ "mounts", READ_LIST, .object = &ct_read_mount, .offset = T(mounts.items),
	  .count = T(mounts.count) },
	{ "annotations", READ_PAIRS, .offset = T(annotations) },
	{ "linux", READ_OBJECT, .object = &ct_read_linux, .offset = T(linux_) },
	{ "hooks", READ_OBJECT, .object = &ct_read_hooks, .offset = T(hooks) },
	{0},
};

static const struct ct_read_object spec_object = {
	.fields = spec_fields, .size = sizeof(struct ct_spec), .finish = finish_spec,
};

/* name is only for messages: "config.json", or what the user has named. */
int ct_spec_parse(struct ct_arena *arena, const char *name, const char *text, size_t size,
		  struct ct_spec **ret_spec, struct ct_err *err)
{
	struct ct_reader r = { .arena = arena, .name = name, .err = err };
	const struct ct_json *top;
	struct ct_spec *spec;
	int ret = ct_json_parse(arena, name, text, size, &top, err);

	if (ret < 0)
		return ret;
	if (top->type != CT_JSON_OBJECT)
		return ct_read_fail(&r, top, EINVAL, "the top level must be an object, not %s",
				    ct_json_type_name(top->type));
	spec = ct_arena_alloc(arena, sizeof(*spec));
	if (!spec)
		return ct_fail_nomem(err);
	spec->source.name = ct_arena_strdup(arena, name);
	spec->source.root = top;
	if (!spec->source.name)
		return ct_fail_nomem(err);
	if (ct_read_object(&r, top, &spec_object, spec) < 0)
		return -err->code;
	*ret_spec = spec;
	return 0;
}

/* A document that is one object, into a struct of zeros. */
static int parse_alone(struct ct_reader *r, const struct ct_read_object *object, const char *text,
		       size_t size, void *target)
{
	const struct ct_json *top;
	int ret = ct_json_parse(r->arena, r->name, text, size, &top, r->err);

	if (ret < 0)
		return ret;
	if (top->type != CT_JSON_OBJECT)
		return ct_read_fail(r, top, EINVAL, "the top level must be an object, not %s",
				    ct_json_type_name(top->type));
	return ct_read_object(r, top, object, target);
}

/* For "oci exec --process", whose document is that object alone. */
int ct_spec_parse_process(struct ct_arena *arena, const char *name, const char *text, size_t size,
			  struct ct_spec_process **ret_process, struct ct_err *err)
{
	struct ct_reader r = { .arena = arena, .name = name, .err = err };
	struct ct_spec_process *process = ct_arena_alloc(arena, sizeof(*process));
	int ret = process ? parse_alone(&r, &ct_read_process, text, size, process) :
			    ct_fail_nomem(err);

	if (ret == 0)
		*ret_process = process;
	return ret;
}

/* For "oci update": the object "resources" alone, whose places are then those of its own text. */
int ct_spec_parse_resources(struct ct_arena *arena, const char *name, const char *text, size_t size,
			    struct ct_cgroup_resources *ret_resources, struct ct_err *err)
{
	struct ct_reader r = { .arena = arena, .name = name, .err = err };
	struct ct_cgroup_resources resources = { 0 };
	int ret = parse_alone(&r, &ct_read_resources, text, size, &resources);

	if (ret == 0)
		*ret_resources = resources;
	return ret;
}

/* ---- errors about a property ---- */

/* The value at a path or, when it is not there, the innermost thing around it that is. For
 * "missing" things: where one would have to write them. */
static const struct ct_json *nearest(const struct ct_json *top, const char *path)
{
	char shorter[160];
	size_t length = strlen(path);
	const struct ct_json *value = ct_json_find(top, path);

	if (value || length >= sizeof(shorter))
		return value;
	memcpy(shorter, path, length + 1);
	while (!value && length > 0) {
		length--;
		if (shorter[length] != '.' && shorter[length] != '[')
			continue;
		shorter[length] = '\0';
		value = ct_json_find(top, shorter);
	}
	return value ? value : top;
}

/* A spec that was made from options has no source, and its paths stand alone. */
int ct_spec_wrap(const struct ct_spec *spec, struct ct_err *err, const char *path)
{
	const struct ct_json *value = spec->source.root ? nearest(spec->source.root, path) : NULL;

	if (value && spec->source.name)
		return ct_wrap(err, "%s:%u:%u: %s", spec->source.name, value->line, value->column,
			       path);
	if (spec->source.name)
		return ct_wrap(err, "%s: %s", spec->source.name, path);
	return ct_wrap(err, "%s", path);
}

/* For whoever finds something wrong later, by the path of the property. */
int ct_spec_fail(const struct ct_spec *spec, struct ct_err *err, int code, const char *path,
		 const char *fmt, ...)
{
	char what[sizeof(err->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	ct_fail(err, code, "%s", what);
	return ct_spec_wrap(spec, err, path);
}
