/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespace, id maps and the ids of the process: do they fit together?
 *
 * A part of ct_spec_check(); see spec_check.c for where it runs. The kernel's answer to an id that
 * is not mapped is EINVAL from setresuid(2) in the middle of a start; here it is a sentence.
 * Whether the caller may use the host ids is checked by idmap.h when the maps are final.
 */
#include "schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_LINES	3	/* of a map, in an error */

static bool is_mapped(const struct ct_spec_idmaps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++) {
		if (id >= maps->items[i].container_id &&
		    id - maps->items[i].container_id < maps->items[i].size)
			return true;
	}
	return false;
}

/* "0→1001 ×1, 1→100000 ×65536" */
static const char *show_maps(const struct ct_spec_idmaps *maps, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < maps->count && i < SHOWN_LINES; i++) {
		const struct ct_spec_idmap *map = &maps->items[i];
		int n = snprintf(buf + used, size - used, "%s%" PRIu32 "→%" PRIu32 " ×%" PRIu32,
				 i ? ", " : "", map->container_id, map->host_id, map->size);

		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	if (maps->count > SHOWN_LINES)
		snprintf(buf + used, size - used, ", ...");
	return buf;
}

static int check_id(const struct ct_spec *spec, const struct ct_spec_idmaps *maps, uint32_t id,
		    const char *kind, const char *path, struct ct_err *err)
{
	char shown[160];

	if (is_mapped(maps, id))
		return 0;
	return ct_spec_fail(spec, err, EINVAL, path, "%s %" PRIu32 " is not mapped (mapping: %s)",
			    kind, id, show_maps(maps, shown, sizeof(shown)));
}

static int check_process_ids(const struct ct_spec *spec, struct ct_err *err)
{
	const struct ct_spec_linux *lx = &spec->linux_;
	const struct ct_spec_process *process = spec->process;
	char path[64];

	if (check_id(spec, &lx->uid_mappings, process->uid, "uid", "process.user.uid", err) < 0 ||
	    check_id(spec, &lx->gid_mappings, process->gid, "gid", "process.user.gid", err) < 0)
		return -err->code;
	for (size_t i = 0; i < process->additional_gid_count; i++) {
		snprintf(path, sizeof(path), "process.user.additionalGids[%zu]", i);
		if (check_id(spec, &lx->gid_mappings, process->additional_gids[i], "gid", path,
			     err) < 0)
			return -err->code;
	}
	return 0;
}

/* Maps without a new namespace, or the other way round, are what a document has in which one of the
 * two was forgotten; both would be ignored by others without a word. */
int ct_check_ids(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	const struct ct_spec_linux *lx = &spec->linux_;
	const struct ct_spec_namespace *user = &lx->namespaces[CT_NS_USER];
	size_t uids = lx->uid_mappings.count, gids = lx->gid_mappings.count;

	if (!uids && !gids) {
		/* A joined one has its maps; without privileges the caller fills in its own. */
		if (!user->present || user->path || rootless)
			return 0;
		ct_spec_fail(spec, err, EINVAL, "linux.uidMappings", "missing");
		return ct_hint(err, "a new user namespace needs uidMappings and gidMappings");
	}
	if (!user->present) {
		ct_spec_fail(spec, err, EINVAL, uids ? "linux.uidMappings" : "linux.gidMappings",
			     "id maps need a user namespace");
		return ct_hint(err, "add { \"type\": \"user\" } to linux.namespaces");
	}
	if (!uids || !gids)
		return ct_spec_fail(spec, err, EINVAL,
				    uids ? "linux.gidMappings" : "linux.uidMappings",
				    "missing, although there are %s", uids ? "uidMappings" :
				    "gidMappings");
	return check_process_ids(spec, err);
}
