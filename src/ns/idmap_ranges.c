/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host ids the caller may use, and the check of maps against them.
 *
 * Runs in the command, before anything is created, with the caller's own rights. The files of
 * subuid(5) are the administrator's: they are followed through links, but the open never blocks,
 * the size is bounded, and a line that makes no sense is skipped, as newuidmap(1) does. What ends
 * up in struct ct_id_caller is therefore always usable: ranges without overlaps, inside
 * 0...CT_ID_MAX, without the caller's own id (the kernel refuses a host id that is mapped twice).
 *
 * newuidmap stays the judge: it reads the files again with its own rights. The check here is for
 * the error, which can name the range that would be allowed. src/ns/idmap_choose.c makes maps.
 */
#include <cattach/idmap.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>

#define SUBID_FILE_MAX (4 * 1024 * 1024)
#define PASSWD_ENTRY_MAX (256 * 1024)

static const char *const kind_file[] = { "/etc/subuid", "/etc/subgid" };
static const char *const kind_word[] = { "subuid", "subgid" };
static const char *const kind_helper[] = { "newuidmap", "newgidmap" };

/* A field that is not NUL-terminated, as a number. */
static int field_number(const char *text, size_t length, uint64_t max, uint64_t *ret_value)
{
	char digits[24];
	struct ct_err ignored;

	if (length >= sizeof(digits) || memchr(text, '\0', length))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return ct_parse_u64(digits, 0, max, ret_value, &ignored);
}

/* By name or by number, as newuidmap compares them. */
static bool is_owner(const char *text, size_t length, const char *name, uint32_t uid)
{
	uint64_t number;

	if (name && strlen(name) == length && !memcmp(text, name, length))
		return true;
	return field_number(text, length, CT_ID_MAX, &number) == 0 && number == uid;
}

/*
 * Add first...last without what earlier ranges and the own id already cover: what is left of
 * "item" and what is right of it go on to the next item. Every item splits at most once, so the
 * depth and the number of pieces are bounded by CT_ID_MAP_LINES.
 */
static void add_uncovered(struct ct_id_ranges *ranges, size_t item, size_t items, uint64_t first,
			  uint64_t last)
{
	if (first > last || ranges->count == CT_ID_MAP_LINES)
		return;
	for (; item < items; item++) {
		uint64_t low = ranges->items[item].first;
		uint64_t high = low + ranges->items[item].size - 1;

		if (last < low || first > high)
			continue;
		if (low > first)
			add_uncovered(ranges, item + 1, items, first, low - 1);
		if (high >= last)
			return;
		first = high + 1;
	}
	if (ranges->count == CT_ID_MAP_LINES)
		return;
	ranges->items[ranges->count++] = (struct ct_id_range){
		.first = (uint32_t)first, .size = (uint32_t)(last - first + 1),
	};
}

/* One line of the file, cut to ids that exist, around the own id. */
static void add_range(struct ct_id_ranges *ranges, uint32_t own, uint64_t first, uint64_t size)
{
	uint64_t last = first + size - 1;
	size_t items = ranges->count;

	if (!size)
		return;
	if (last > CT_ID_MAX)
		last = CT_ID_MAX;
	if (first <= own && own <= last) {
		if (own > first)
			add_uncovered(ranges, 0, items, first, (uint64_t)own - 1);
		first = (uint64_t)own + 1;
	}
	add_uncovered(ranges, 0, items, first, last);
}

/* "owner:first:size"; false when the line makes no sense. */
static bool parse_line(const char *line, const char *end, uint64_t *ret_first, uint64_t *ret_size,
		       const char **ret_owner_end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));
	const char *second = colon ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;

	if (!second || colon == line)
		return false;
	*ret_owner_end = colon;
	return field_number(colon + 1, (size_t)(second - colon - 1), CT_ID_MAX, ret_first) == 0 &&
	       field_number(second + 1, (size_t)(end - second - 1), (uint64_t)CT_ID_MAX + 1,
			    ret_size) == 0;
}

int ct_subid_read(struct ct_arena *arena, const char *path, const char *name, uint32_t uid,
		  uint32_t own, struct ct_id_ranges *ret_ranges, struct ct_err *err)
{
	/* The host's own file, named by the administrator: links are followed. */
	ct_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct ct_id_ranges ranges = { 0 };
	const char *text, *line, *end;
	size_t size;

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	ranges.items = ct_arena_calloc(arena, CT_ID_MAP_LINES, sizeof(*ranges.items));
	if (!ranges.items)
		return ct_fail_nomem(err);
	if (fd < 0) {
		*ret_ranges = ranges;
		return 0;
	}
	if (ct_read_file(arena, fd, SUBID_FILE_MAX, &text, &size, err) < 0)
		return ct_wrap(err, "%s", path);
	for (line = text; line < text + size; line = end + 1) {
		const char *owner_end;
		uint64_t first, count;

		end = memchr(line, '\n', (size_t)(text + size - line));
		if (!end)
			end = text + size;
		if (parse_line(line, end, &first, &count, &owner_end) &&
		    is_owner(line, (size_t)(owner_end - line), name, uid))
			add_range(&ranges, own, first, count);
	}
	*ret_ranges = ranges;
	return 0;
}

/* dir/program, if it can be executed. */
static const char *helper_in(struct ct_arena *arena, const char *dir, size_t length,
			     const char *program)
{
	char *path = ct_arena_printf(arena, "%.*s/%s", (int)length, dir, program);
	struct stat st;

	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return NULL;
	return path;
}

const char *ct_id_helper_find(struct ct_arena *arena, const char *program, const char *search_path)
{
	const char *dir = search_path, *found = NULL;

	/* Empty and relative members mean the current directory: nobody wants it from there. */
	while (dir && *dir && !found) {
		size_t length = strcspn(dir, ":");

		if (*dir == '/' && length < 4096)
			found = helper_in(arena, dir, length, program);
		dir += length + (dir[length] == ':');
	}
	return found ? found : helper_in(arena, "/usr/bin", strlen("/usr/bin"), program);
}

/* The caller's entry in the host's user database, which need not be /etc/passwd. */
static int load_name(struct ct_arena *arena, struct ct_id_caller *caller, uint32_t *ret_gid,
		     struct ct_err *err)
{
	struct passwd entry, *found = NULL;
	char *scratch = ct_arena_alloc(arena, PASSWD_ENTRY_MAX);

	if (!scratch)
		return ct_fail_nomem(err);
	if (getpwuid_r(caller->id[CT_ID_USER], &entry, scratch, PASSWD_ENTRY_MAX, &found) || !found)
		return 0;
	caller->name = found->pw_name;
	*ret_gid = found->pw_gid;
	return 0;
}

/* What cannot be read gives no ranges: the single-id map still works, so the log has the reason. */
static int load_ranges(struct ct_arena *arena, struct ct_id_caller *caller, enum ct_id_kind kind,
		       const char *path, struct ct_err *err)
{
	char text[1024];
	int ret = ct_subid_read(arena, path, caller->name, caller->id[CT_ID_USER],
				caller->id[kind], &caller->ranges[kind], err);

	if (ret == -ENOMEM)
		return ret;
	if (ret < 0) {
		ct_err_format(err, text, sizeof(text));
		ct_log(CT_LOG_WARN, CT_TOPIC_NS, "no subordinate ids: %s", text);
		caller->ranges[kind] = (struct ct_id_ranges){ 0 };
	}
	return 0;
}

int ct_id_caller_load(struct ct_arena *arena, const struct ct_id_places *places,
		      struct ct_id_caller *ret_caller, struct ct_err *err)
{
	struct ct_id_caller caller = { .id = { geteuid(), getegid() } };
	const char *files[] = { kind_file[CT_ID_USER], kind_file[CT_ID_GROUP] };
	const char *search_path = places ? places->search_path : getenv("PATH");
	uint32_t login_gid = caller.id[CT_ID_GROUP];
	int ret = load_name(arena, &caller, &login_gid, err);

	if (places && places->subuid)
		files[CT_ID_USER] = places->subuid;
	if (places && places->subgid)
		files[CT_ID_GROUP] = places->subgid;
	for (int kind = CT_ID_USER; ret == 0 && kind <= CT_ID_GROUP; kind++) {
		caller.helper[kind] = ct_id_helper_find(arena, kind_helper[kind], search_path);
		ret = load_ranges(arena, &caller, (enum ct_id_kind)kind, files[kind], err);
	}
	if (ret < 0)
		return ret;
	/* newgidmap refuses whoever does not run with the group of the login (newgrp, sg). */
	if (login_gid != caller.id[CT_ID_GROUP]) {
		ct_log(CT_LOG_WARN, CT_TOPIC_NS,
		       "no subordinate ids: running with group %u, not %u", caller.id[CT_ID_GROUP],
		       login_gid);
		caller.ranges[CT_ID_GROUP].count = 0;
	}
	*ret_caller = caller;
	return 0;
}

bool ct_id_caller_has_ranges(const struct ct_id_caller *caller)
{
	return caller->helper[CT_ID_USER] && caller->helper[CT_ID_GROUP] &&
	       caller->ranges[CT_ID_USER].count && caller->ranges[CT_ID_GROUP].count;
}

/* The login name, or the uid in digits. */
static const char *caller_name(const struct ct_id_caller *caller, char digits[16])
{
	if (caller->name)
		return caller->name;
	snprintf(digits, 16, "%u", caller->id[CT_ID_USER]);
	return digits;
}

const char *ct_id_caller_lacks(const struct ct_id_caller *caller, struct ct_arena *arena)
{
	char digits[16];
	const char *text = NULL;

	for (int kind = CT_ID_USER; !text && kind <= CT_ID_GROUP; kind++) {
		if (!caller->ranges[kind].count)
			text = ct_arena_printf(arena, "no subordinate ids for %s in %s",
					       caller_name(caller, digits), kind_file[kind]);
		else if (!caller->helper[kind])
			text = ct_arena_printf(arena, "%s is not installed", kind_helper[kind]);
	}
	return text ? text : "nothing";
}

/* The first host id of a line that the caller may not map; false when it may map all of them. */
static bool first_foreign(const struct ct_id_caller *caller, enum ct_id_kind kind,
			  const struct ct_id_line *line, uint64_t *ret_id)
{
	const struct ct_id_ranges *ranges = &caller->ranges[kind];
	uint64_t id = line->host_id, end = id + line->size;
	bool moved = true;

	if (line->size == 1 && line->host_id == caller->id[kind])
		return false;
	/* A line may run through several ranges that touch each other. */
	while (id < end && moved) {
		moved = false;
		for (size_t i = 0; i < ranges->count && !moved; i++) {
			uint64_t first = ranges->items[i].first, size = ranges->items[i].size;

			moved = first <= id && id < first + size;
			if (moved)
				id = first + size;
		}
	}
	*ret_id = id;
	return id < end;
}

/* The error names all ranges that there are, and the one id that needs none. */
static int fail_foreign(const struct ct_id_caller *caller, enum ct_id_kind kind, uint64_t id,
			struct ct_err *err)
{
	const struct ct_id_ranges *ranges = &caller->ranges[kind];
	struct ct_buf ct_autobuf text = { 0 };
	char digits[16];

	if (!ranges->count) {
		ct_fail(err, EPERM,
			"host id %llu is not yours to map: no subordinate ids for %s in %s",
			(unsigned long long)id, caller_name(caller, digits), kind_file[kind]);
		return ct_hint(err, "as root: usermod --add-%ss 100000-165535 %s", kind_word[kind],
			       caller_name(caller, digits));
	}
	for (size_t i = 0; i < ranges->count; i++)
		ct_buf_printf(&text, "%s%u-%llu", i ? ", " : "", ranges->items[i].first,
			      (unsigned long long)ranges->items[i].first + ranges->items[i].size -
				      1);
	ct_fail(err, EPERM, "host id %llu is not in your %s range%s %s", (unsigned long long)id,
		kind_word[kind], ranges->count > 1 ? "s" : "", ct_buf_text(&text));
	return ct_hint(err, "your own id, %u, can be mapped alone", caller->id[kind]);
}

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

/* What the kernel asks of a line, whoever writes it. */
static int check_shape(const struct ct_id_map *map, size_t i, struct ct_err *err)
{
	const struct ct_id_line *line = &map->lines[i];

	if (!line->size)
		return ct_fail(err, EINVAL, "size must be at least 1");
	if ((uint64_t)line->container_id + line->size - 1 > CT_ID_MAX ||
	    (uint64_t)line->host_id + line->size - 1 > CT_ID_MAX)
		return ct_fail(err, EINVAL,
			       "%u ids from container id %u and host id %u go beyond %u",
			       line->size, line->container_id, line->host_id, CT_ID_MAX);
	for (size_t k = 0; k < i; k++) {
		const struct ct_id_line *other = &map->lines[k];

		if (overlap(line->container_id, line->size, other->container_id, other->size))
			return ct_fail(err, EINVAL, "container ids overlap those of line %zu",
				       k + 1);
		if (overlap(line->host_id, line->size, other->host_id, other->size))
			return ct_fail(err, EINVAL, "host ids overlap those of line %zu", k + 1);
	}
	return 0;
}

/* The kernel lets a process write one line, for its own id; all else goes through the helper. */
static bool needs_helper(const struct ct_id_caller *caller, enum ct_id_kind kind,
			 const struct ct_id_map *map)
{
	return map->count != 1 || map->lines[0].size != 1 ||
	       map->lines[0].host_id != caller->id[kind];
}

int ct_id_map_check(const struct ct_id_caller *caller, enum ct_id_kind kind,
		    const struct ct_id_map *map, size_t *ret_line, struct ct_err *err)
{
	uint64_t foreign;

	if (map->count > CT_ID_MAP_LINES) {
		*ret_line = CT_ID_MAP_LINES;
		return ct_fail(err, E2BIG, "more than %d lines in an id map", CT_ID_MAP_LINES);
	}
	for (size_t i = 0; i < map->count; i++) {
		int ret = check_shape(map, i, err);

		if (ret == 0 && caller && first_foreign(caller, kind, &map->lines[i], &foreign))
			ret = fail_foreign(caller, kind, foreign, err);
		if (ret < 0) {
			*ret_line = i;
			return ret;
		}
	}
	if (map->count && caller && needs_helper(caller, kind, map) && !caller->helper[kind]) {
		*ret_line = 0;
		ct_fail(err, ENOENT, "%s is not installed", kind_helper[kind]);
		return ct_hint(err, "apt install uidmap, or map your own id %u alone",
			       caller->id[kind]);
	}
	return 0;
}

bool ct_id_map_contains(const struct ct_id_map *map, uint32_t container_id)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct ct_id_line *line = &map->lines[i];

		if (container_id >= line->container_id &&
		    container_id - line->container_id < line->size)
			return true;
	}
	return false;
}

/* Lines of three numbers, of which the first is the id here and the last the size. */
int ct_id_map_same(struct ct_arena *arena, enum ct_id_kind kind, struct ct_id_map *ret_map,
		   struct ct_err *err)
{
	const char *text;
	size_t size;

	if (ct_read_file_at(arena, AT_FDCWD, kind == CT_ID_USER ? "/proc/self/uid_map" :
			    "/proc/self/gid_map", 65536, &text, &size, err) < 0)
		return -err->code;
	ret_map->count = 0;
	ret_map->lines = ct_arena_calloc(arena, CT_ID_MAP_LINES, sizeof(*ret_map->lines));
	if (!ret_map->lines)
		return ct_fail_nomem(err);
	for (char *end; ret_map->count < CT_ID_MAP_LINES; text = end) {
		uint32_t inside = (uint32_t)strtoul(text, &end, 10);

		if (end == text)
			break;
		strtoul(end, &end, 10);
		ret_map->lines[ret_map->count++] = (struct ct_id_line){
			.container_id = inside, .host_id = inside,
			.size = (uint32_t)strtoul(end, &end, 10),
		};
	}
	return 0;
}
