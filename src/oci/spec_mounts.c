/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "mounts" part of config.json.
 *
 * Destinations come out absolute and clean, with a warning where that changed their meaning; what
 * options mean, and whether a file system exists, is known to src/ns. Runs in the command, with
 * the caller's rights; fails by refusing the document, with positions.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#include <cattach/log.h>

#define M(member) offsetof(struct ct_spec_mount, member)

/*
 * The specification deprecates relative destinations but has them start at "/"; and a ".." can
 * never lead out of the root file system, so there it is taken away by text.
 */
static int clean_destination(const struct ct_reader *r, const struct ct_json *value,
			     struct ct_spec_mount *mount)
{
	char *clean = ct_arena_alloc(r->arena, value->count + 2);
	char path[160];
	bool climbs;

	if (!clean)
		return ct_fail_nomem(r->err);
	climbs = ct_clean_path(mount->destination, clean);
	if (climbs || mount->destination[0] != '/')
		ct_warn("%s:%u:%u: %s: \"%s\" %s, taken as %s", r->name, value->line,
			value->column, ct_json_path(value, path, sizeof(path)),
			mount->destination, climbs ? "has a \"..\"" : "is relative", clean);
	mount->destination = clean;
	return 0;
}

static int finish_mount(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec_mount *mount = target;
	const struct ct_json *uids = ct_read_get(object, "uidMappings");
	const struct ct_json *gids = ct_read_get(object, "gidMappings");

	if (!uids != !gids)
		return ct_read_missing(r, object, uids ? "gidMappings" : "uidMappings");
	if (ct_check_idmaps(r, uids, &mount->uid_mappings) < 0 ||
	    ct_check_idmaps(r, gids, &mount->gid_mappings) < 0)
		return -r->err->code;
	/* Other tools write "" where there is none. */
	if (mount->type && !*mount->type)
		mount->type = NULL;
	if (mount->source && !*mount->source)
		mount->source = NULL;
	return clean_destination(r, ct_json_get(object, "destination"), mount);
}

static const struct ct_read_field mount_fields[] = {
	{ "destination", READ_STRING, .required = true, .not_empty = true,
	  .offset = M(destination) },
	{ "type", READ_STRING, .offset = M(type) },
	{ "source", READ_STRING, .offset = M(source) },
	{ "options", READ_STRINGS, .offset = M(options) },
	{ "uidMappings", READ_LIST, .not_empty = true, .object = &ct_read_idmap,
	  .offset = M(uid_mappings.items), .count = M(uid_mappings.count) },
	{ "gidMappings", READ_LIST, .not_empty = true, .object = &ct_read_idmap,
	  .offset = M(gid_mappings.items), .count = M(gid_mappings.count) },
	{0},
};

const struct ct_read_object ct_read_mount = {
	.fields = mount_fields, .size = sizeof(struct ct_spec_mount), .finish = finish_mount,
};
