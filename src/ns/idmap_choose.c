/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id maps that --userns stands for, made from what a caller may use.
 *
 * Runs in the command, before anything is created; pure computation on struct ct_id_caller. The
 * subordinate ranges count as one long sequence of host ids, in the order of the file: a map takes
 * from its front, so that container ids are dense however many ranges there are. Where the caller
 * has no ranges or no helper to map them, maps have one line for the caller's own id, which the
 * kernel lets everybody write (with setgroups denied).
 *
 * May fail with ENOMEM, and with EINVAL where a mode has no meaning without ranges.
 */
#include <cattach/idmap.h>

#include <errno.h>

#include <cattach/num.h>

/* What is left of the ranges: item, and how many ids of it are used up. */
struct cursor {
	const struct ct_id_ranges *ranges;
	size_t item;
	uint32_t used;
};

static int map_open(struct ct_arena *arena, struct ct_id_map *map, struct ct_err *err)
{
	/* A range can be cut in two once, and the caller has a line of its own. */
	map->lines = ct_arena_calloc(arena, CT_ID_MAP_LINES + 2, sizeof(*map->lines));
	map->count = 0;
	return map->lines ? 0 : ct_fail_nomem(err);
}

static void map_line(struct ct_id_map *map, uint32_t container_id, uint32_t host_id, uint32_t size)
{
	if (map->count == CT_ID_MAP_LINES)
		return;
	map->lines[map->count++] = (struct ct_id_line){
		.container_id = container_id, .host_id = host_id, .size = size,
	};
}

/* Map up to wanted ids from container id inside on; fewer when the ranges end. */
static void map_take(struct ct_id_map *map, struct cursor *cursor, uint64_t inside, uint64_t wanted)
{
	if (inside + wanted > (uint64_t)CT_ID_MAX + 1)
		wanted = (uint64_t)CT_ID_MAX + 1 - inside;
	while (wanted && cursor->item < cursor->ranges->count) {
		const struct ct_id_range *range = &cursor->ranges->items[cursor->item];
		uint32_t size = range->size - cursor->used;

		if (size > wanted)
			size = (uint32_t)wanted;
		map_line(map, (uint32_t)inside, range->first + cursor->used, size);
		inside += size;
		wanted -= size;
		cursor->used += size;
		if (cursor->used == range->size) {
			cursor->item++;
			cursor->used = 0;
		}
	}
}

int ct_id_map_default(struct ct_arena *arena, const struct ct_id_caller *caller,
		      enum ct_id_kind kind, uint32_t single, struct ct_id_map *ret_map,
		      struct ct_err *err)
{
	if (ct_id_caller_has_ranges(caller))
		return ct_id_map_keep(arena, caller, kind, 0, ret_map, err);
	return ct_id_map_keep(arena, caller, kind, single, ret_map, err);
}

int ct_id_map_keep(struct ct_arena *arena, const struct ct_id_caller *caller,
		   enum ct_id_kind kind, uint32_t keep, struct ct_id_map *ret_map,
		   struct ct_err *err)
{
	struct cursor cursor = { .ranges = &caller->ranges[kind] };
	struct ct_id_map map;
	int ret = map_open(arena, &map, err);

	if (ret < 0)
		return ret;
	if (ct_id_caller_has_ranges(caller))
		map_take(&map, &cursor, 0, keep);
	/* The caller's line comes before the upper part: a full map must not push it out. */
	if (map.count == CT_ID_MAP_LINES)
		map.count--;
	map_line(&map, keep, caller->id[kind], 1);
	if (ct_id_caller_has_ranges(caller))
		map_take(&map, &cursor, (uint64_t)keep + 1, CT_ID_MAX);
	*ret_map = map;
	return 0;
}

int ct_id_map_nomap(struct ct_arena *arena, const struct ct_id_caller *caller,
		    enum ct_id_kind kind, struct ct_id_map *ret_map, struct ct_err *err)
{
	struct cursor cursor = { .ranges = &caller->ranges[kind] };
	struct ct_id_map map;
	int ret;

	if (!ct_id_caller_has_ranges(caller)) {
		ct_fail(err, EINVAL, "needs subordinate ids: %s",
			ct_id_caller_lacks(caller, arena));
		return ct_hint(err, "apt install uidmap, and as root: usermod --add-subuids "
				    "100000-165535 --add-subgids 100000-165535 USER");
	}
	ret = map_open(arena, &map, err);
	if (ret < 0)
		return ret;
	map_take(&map, &cursor, 0, (uint64_t)CT_ID_MAX + 1);
	*ret_map = map;
	return 0;
}
