/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps as config.json writes them: uidMappings and gidMappings of "linux" and of mounts.
 *
 * Only what the document itself can tell: sizes, overflow, overlaps, the kernel's limit of lines.
 * Which host ids the caller may map is the business of idmap.h. Runs in the command, with the
 * caller's rights; fails by refusing the document, with positions.
 */
#include "schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/num.h>

#define M(member) offsetof(struct ct_spec_idmap, member)

/* The last id of a range must be an id: 4294967295 means "none" to the kernel. */
static int check_end(const struct ct_reader *r, const struct ct_json *object, const char *key,
		     uint32_t first, uint32_t size)
{
	if ((uint64_t)first + size - 1 <= CT_ID_MAX)
		return 0;
	return ct_read_fail(r, ct_json_get(object, key), ERANGE, "%u ids from %u on end above %u",
			    size, first, CT_ID_MAX);
}

static int finish_idmap(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_spec_idmap *map = target;

	if (check_end(r, object, "containerID", map->container_id, map->size) < 0)
		return -r->err->code;
	return check_end(r, object, "hostID", map->host_id, map->size);
}

static const struct ct_read_field idmap_fields[] = {
	{ "containerID", READ_U32, .required = true, .max = CT_ID_MAX, .offset = M(container_id) },
	{ "hostID", READ_U32, .required = true, .max = CT_ID_MAX, .offset = M(host_id) },
	{ "size", READ_U32, .required = true, .min = 1, .max = UINT32_MAX, .offset = M(size) },
	{0},
};

const struct ct_read_object ct_read_idmap = {
	.fields = idmap_fields, .size = sizeof(struct ct_spec_idmap), .finish = finish_idmap,
};

/* In 64 bits: the sum may be 2^32. */
static bool overlaps(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

/* user_namespaces(7): 340 lines at most, and no id twice on either side. Every pair is compared, of
 * 340. */
int ct_check_idmaps(const struct ct_reader *r, const struct ct_json *list,
		    const struct ct_spec_idmaps *maps)
{
	const struct ct_json *v = list ? list->child : NULL;

	if (maps->count > CT_SPEC_MAX_IDMAPS)
		return ct_read_fail(r, list, E2BIG, "has %zu lines, the kernel takes %d",
				    maps->count, CT_SPEC_MAX_IDMAPS);
	for (size_t i = 0; v && i < maps->count; i++, v = v->next) {
		const struct ct_spec_idmap *a = &maps->items[i];

		for (size_t k = 0; k < i; k++) {
			const struct ct_spec_idmap *b = &maps->items[k];

			if (overlaps(a->container_id, a->size, b->container_id, b->size))
				return ct_read_fail(r, v, EINVAL, "container ids %u...%u overlap "
						    "those of line %zu", a->container_id,
						    a->container_id + (a->size - 1), k + 1);
			if (overlaps(a->host_id, a->size, b->host_id, b->size))
				return ct_read_fail(r, v, EINVAL, "host ids %u...%u overlap "
						    "those of line %zu", a->host_id,
						    a->host_id + (a->size - 1), k + 1);
		}
	}
	return 0;
}
