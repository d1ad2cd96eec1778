/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a copy as bytes, and back: a header of 64 bytes, a name, data.
 *
 * Pure functions, used by both halves. Both run on the same machine, so numbers are in its order.
 * What is decoded comes from a process within a container's reach, so everything is checked that
 * can be checked without knowing what came before: types, lengths, names, times. What came before
 * is receive.c's to know.
 *
 *   0        4          8          12    16   20   24        28     32    36
 *   type     name_size  data_size  mode  uid  gid  mtime_ns  flags  link  reserved
 *   40       48         56         64
 *   size     offset     mtime      name, without a NUL; data
 *
 * Which fields a type uses is in <cattach/copy.h>; the table below says what may be set in them.
 */
#include <cattach/copy.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What stands on the wire. */
struct header {
	uint32_t type, name_size, data_size;
	uint32_t mode, uid, gid, mtime_ns, flags, link, reserved;
	uint64_t size, offset;
	int64_t mtime;
};

_Static_assert(sizeof(struct header) == CT_COPY_HEADER, "no padding");

/* What each type has. */
static const struct {
	bool name;		/* of an entry */
	uint32_t data_min, data_max;
	uint32_t flags, mode;	/* that may be set */
} types[] = {
	[CT_COPY_SOURCE] = { .flags = CT_COPY_CONTENTS, .mode = 0177777 },
	[CT_COPY_TARGET] = { 0 },
	[CT_COPY_ENTER] = { .name = true, .mode = 07777 },
	[CT_COPY_LEAVE] = { 0 },
	[CT_COPY_FILE] = { .name = true, .mode = 07777 },
	[CT_COPY_EXTENT] = { 0 },
	[CT_COPY_DATA] = { .data_min = 1, .data_max = CT_COPY_DATA_MAX },
	[CT_COPY_CLOSE] = { .flags = CT_COPY_BROKEN },
	[CT_COPY_SYMLINK] = { .name = true, .data_min = 1, .data_max = PATH_MAX - 1 },
	[CT_COPY_HARDLINK] = { .name = true },
	[CT_COPY_FIFO] = { .name = true, .mode = 07777 },
	[CT_COPY_XATTR] = { .data_max = 65536 },
	[CT_COPY_REPORT] = { .data_min = sizeof(struct ct_err), .data_max = sizeof(struct ct_err),
			     .flags = CT_COPY_WARNING },
	[CT_COPY_DONE] = { .data_max = sizeof(struct ct_err) },
	[CT_COPY_RESULT] = { .data_max = sizeof(struct ct_err),
			     .flags = CT_COPY_NO_OWNERS | CT_COPY_NO_XATTRS },
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* The one check on which all else rests: what passes is one step down from a directory, never up
 * and never two. */
bool ct_copy_is_name(const char *name, size_t size)
{
	if (size == 0 || size > CT_COPY_NAME_MAX || memchr(name, '/', size) ||
	    memchr(name, '\0', size))
		return false;
	return !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

/* Our own messages, so nothing is checked; buf has room for CT_COPY_MESSAGE_MAX. */
size_t ct_copy_encode(const struct ct_copy_message *m, uint8_t *buf)
{
	const struct header h = {
		.type = m->type,
		.name_size = (uint32_t)strlen(m->name),
		.data_size = (uint32_t)m->data_size,
		.mode = m->mode, .uid = m->uid, .gid = m->gid,
		.mtime_ns = m->mtime_ns, .flags = m->flags, .link = m->link,
		.size = m->size, .offset = m->offset, .mtime = m->mtime,
	};

	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), m->name, h.name_size);
	if (h.data_size)
		memcpy(buf + sizeof(h) + h.name_size, m->data, h.data_size);
	return sizeof(h) + h.name_size + h.data_size;
}

/* What is wrong with a header, or NULL. Before anything behind the header is looked at: the lengths
 * say how far that may go. */
static const char *judge_header(const struct header *h)
{
	if (h->type == 0 || h->type >= TYPE_COUNT)
		return "unknown type";
	if (h->data_size < types[h->type].data_min || h->data_size > types[h->type].data_max)
		return "length of data";
	if (h->data_size && h->type >= CT_COPY_DONE && h->data_size != sizeof(struct ct_err))
		return "length of an error";
	if (h->name_size > CT_COPY_NAME_MAX)
		return "length of a name";
	if (!h->name_size != !(types[h->type].name || h->type == CT_COPY_XATTR))
		return "a name too many, or none";
	if (h->flags & ~types[h->type].flags || h->mode & ~types[h->type].mode || h->reserved)
		return "unknown flags";
	if (h->mtime_ns >= 1000000000)
		return "a time that is none";
	/* File offsets are signed; TARGET has other numbers there. */
	if (h->type != CT_COPY_TARGET && (h->size > INT64_MAX || h->offset > INT64_MAX ||
					  h->size + h->offset + h->data_size > INT64_MAX))
		return "a size that is none";
	return NULL;
}

/* An attribute other than the user's could be security.capability: a file's rights on the host. */
static const char *judge_texts(const struct header *h, const char *name, const char *data)
{
	if (types[h->type].name && !ct_copy_is_name(name, h->name_size))
		return "a name that is none";
	if (h->type == CT_COPY_XATTR && (h->name_size < 6 || memcmp(name, "user.", 5) != 0 ||
					 memchr(name, '\0', h->name_size)))
		return "an attribute that is not the user's";
	if (h->type == CT_COPY_SYMLINK && memchr(data, '\0', h->data_size))
		return "a link to nothing";
	return NULL;
}

static int fail_message(const char *what, struct ct_err *err)
{
	return ct_fail(err, EPROTO, "the other half of the copy sent what makes no sense: %s",
		       what);
}

/* 0: not all of it has come. The data is not copied but points into the buffer. */
ssize_t ct_copy_decode(const uint8_t *data, size_t size, struct ct_copy_message *ret_message,
		       struct ct_err *err)
{
	struct header h;
	const char *wrong, *name = (const char *)data + sizeof(h);

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	wrong = judge_header(&h);
	if (wrong)
		return fail_message(wrong, err);
	if (size < sizeof(h) + h.name_size + h.data_size)
		return 0;
	wrong = judge_texts(&h, name, name + h.name_size);
	if (wrong)
		return fail_message(wrong, err);
	*ret_message = (struct ct_copy_message){
		.type = (enum ct_copy_type)h.type,
		.mode = h.mode, .uid = h.uid, .gid = h.gid,
		.mtime_ns = h.mtime_ns, .flags = h.flags, .link = h.link,
		.size = h.size, .offset = h.offset, .mtime = h.mtime,
		.data = name + h.name_size, .data_size = h.data_size,
	};
	memcpy(ret_message->name, name, h.name_size);
	return (ssize_t)(sizeof(h) + h.name_size + h.data_size);
}
