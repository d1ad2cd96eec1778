/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/passwd and /etc/group of a root file system, parsed by us.
 *
 * Runs in the command with the caller's rights, before anything is created. The files belong to
 * the container and are hostile: they are opened inside the root by descriptor, without blocking;
 * only a regular file of at most 1 MiB is read; a line that is too long or whose numbers are not
 * plain ids is as good as absent. The C library's getpwnam() would read the host's database, and
 * run what nsswitch.conf names.
 *
 * May fail with ENOMEM, and where a file is there but is a FIFO, a device or too large. That the
 * user is not found is not an error here: the caller knows what it looked for.
 */
#include "passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/path.h>

#define FILE_MAX (1024 * 1024)
#define LINE_MAX_BYTES (64 * 1024)
#define FIELDS 7			/* of passwd; group has four */
#define GROUPS_MAX 65536		/* setgroups(2) takes no more */

/* Part of a line, not NUL-terminated. */
struct field {
	const char *text;
	size_t length;
};

/* A position in a file; next_line() moves it on. */
struct reader {
	const char *at, *end;
	struct field fields[FIELDS];
	size_t count;			/* of fields in the line at hand */
};

/* "1000" in --user is an id, also where a user has that for a name. */
bool ct_is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* No such file is the normal state of a small root file system. */
static bool is_absent(int code)
{
	return code == ENOENT || code == ENOTDIR;
}

/* needed: somebody has named a user, and a file that may not be read is an error then. */
int ct_user_file_read(struct ct_arena *arena, int rootfs, const char *path, bool needed,
		      struct ct_user_file *ret_file, struct ct_err *err)
{
	struct ct_user_file file = { .data = "" };
	ct_autofd int fd = ct_path_open(rootfs, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	int ret;

	if (fd < 0 && (is_absent(err->code) ||
		       (!needed && (err->code == EACCES || err->code == ELOOP)))) {
		ct_log(CT_LOG_DEBUG, CT_TOPIC_SPEC, "%s of the rootfs: %s", path,
		       strerror(err->code));
		*ret_file = file;
		return 0;
	}
	if (fd < 0)
		return fd;
	ret = ct_read_file(arena, fd, FILE_MAX, &file.data, &file.size, err);
	if (ret < 0)
		return ct_wrap(err, "%s of the rootfs", path);
	*ret_file = file;
	return 0;
}

static struct reader reader_open(const struct ct_user_file *file)
{
	return (struct reader){ .at = file->data, .end = file->data + file->size };
}

/* Fields behind the last one that counts are left in it. */
static void split_line(struct reader *reader, const char *line, const char *end)
{
	reader->count = 0;
	while (reader->count < FIELDS) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		const char *stop = colon ? colon : end;

		reader->fields[reader->count++] = (struct field){ line, (size_t)(stop - line) };
		if (!colon)
			return;
		line = colon + 1;
	}
}

/* The next line that can be an entry; false at the end. */
static bool next_line(struct reader *reader)
{
	while (reader->at < reader->end) {
		const char *line = reader->at;
		const char *end = memchr(line, '\n', (size_t)(reader->end - line));

		if (!end)
			end = reader->end;
		reader->at = end + 1;
		if (end - line > LINE_MAX_BYTES) {
			ct_log(CT_LOG_WARN, CT_TOPIC_SPEC,
			       "user database of the rootfs: a line of %zu "
			       "bytes is skipped",
			       (size_t)(end - line));
			continue;
		}
		/* A NUL would make C strings of what is not one. */
		if (end == line || memchr(line, '\0', (size_t)(end - line)))
			continue;
		split_line(reader, line, end);
		return true;
	}
	return false;
}

static bool field_is(const struct field *field, const char *text)
{
	return strlen(text) == field->length && !memcmp(field->text, text, field->length);
}

/* Digits only: "-1", "+0" or 2^32 in a hostile file are no ids. */
static bool field_id(const struct field *field, uint32_t *ret_id)
{
	char digits[16];
	struct ct_err ignored;

	if (!field->length || field->length >= sizeof(digits))
		return false;
	memcpy(digits, field->text, field->length);
	digits[field->length] = '\0';
	return ct_is_number(digits) && ct_parse_id(digits, ret_id, &ignored) == 0;
}

/* By name, or by uid where name is NULL; the first line that fits, as for the C library. */
int ct_passwd_find(struct ct_arena *arena, const struct ct_user_file *file, const char *name,
		   uint32_t uid, struct ct_passwd_entry *ret_entry)
{
	struct reader reader = reader_open(file);
	struct ct_passwd_entry entry;

	while (next_line(&reader)) {
		const struct field *field = reader.fields;

		/* name:password:uid:gid:comment:home:shell */
		if (reader.count < 4 || !field_id(&field[2], &entry.uid) ||
		    !field_id(&field[3], &entry.gid))
			continue;
		if (name ? !field_is(&field[0], name) : entry.uid != uid)
			continue;
		entry.name = ct_arena_strndup(arena, field[0].text, field[0].length);
		entry.home = reader.count < 6 ? "" :
			     ct_arena_strndup(arena, field[5].text, field[5].length);
		if (!entry.name || !entry.home)
			return -ENOMEM;
		*ret_entry = entry;
		return 1;
	}
	return 0;
}

/* The first one counts, as for getgrnam(3). 1 found, 0 not. */
int ct_group_find(const struct ct_user_file *file, const char *name, uint32_t *ret_gid)
{
	struct reader reader = reader_open(file);

	/* name:password:gid:member,member */
	while (next_line(&reader))
		if (reader.count >= 3 && field_is(&reader.fields[0], name) &&
		    field_id(&reader.fields[2], ret_gid))
			return 1;
	return 0;
}

/* Whole names between commas. */
static bool is_member(const struct field *members, const char *user)
{
	const char *at = members->text, *end = at + members->length;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct field member = { at, (size_t)((comma ? comma : end) - at) };

		if (field_is(&member, user))
			return true;
		at += member.length + 1;
	}
	return false;
}

/* Groups that have the user among their members; the own group of /etc/passwd (except) is not
 * needed. */
int ct_group_list(struct ct_arena *arena, const struct ct_user_file *file, const char *user,
		  uint32_t except, uint32_t **ret_gids, size_t *ret_count, struct ct_err *err)
{
	struct reader reader = reader_open(file);
	uint32_t *gids = NULL, gid;
	size_t count = 0, room = 0;

	while (count < GROUPS_MAX && next_line(&reader)) {
		if (reader.count < 4 || !field_id(&reader.fields[2], &gid) || gid == except ||
		    !is_member(&reader.fields[3], user))
			continue;
		if (count == room) {
			uint32_t *more =
				ct_arena_calloc(arena, room ? 2 * room : 16, sizeof(*more));

			if (!more)
				return ct_fail_nomem(err);
			if (count)
				memcpy(more, gids, count * sizeof(*gids));
			gids = more;
			room = room ? 2 * room : 16;
		}
		gids[count++] = gid;
	}
	*ret_gids = gids;
	*ret_count = count;
	return 0;
}
