/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying trees of files between two processes: one reads a tree (or a tar stream) and sends what
 * it finds over a socket, the other makes it again (or writes a tar stream). For cp, where one of
 * the two is in a container; neither trusts the other with more than what is to be copied.
 *
 *   source → target   SOURCE
 *   target → source           TARGET, or RESULT with an error
 *   source → target   ENTER, FILE, DATA, ... DONE
 *   target → source           RESULT
 */
#ifndef CATTACH_COPY_H
#define CATTACH_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>

/* ---- messages ---- */

enum ct_copy_type {
	CT_COPY_SOURCE = 1,	/* mode: what it is; CT_COPY_CONTENTS */
	CT_COPY_TARGET,		/* size: device, offset: inode of the directory that it goes to */
	CT_COPY_ENTER,		/* a directory; what follows is in it, until... */
	CT_COPY_LEAVE,
	CT_COPY_FILE,		/* size: as far as is known; link: others may be linked to it */
	CT_COPY_EXTENT,		/* of the file: offset, size; between them are holes */
	CT_COPY_DATA,		/* of the file: offset, data */
	CT_COPY_CLOSE,		/* the file is complete, size bytes long; or CT_COPY_BROKEN */
	CT_COPY_SYMLINK,	/* data: its text */
	CT_COPY_HARDLINK,	/* link: to which file */
	CT_COPY_FIFO,
	CT_COPY_XATTR,		/* of the file or directory that was opened last: name, data */
	CT_COPY_REPORT,		/* data: struct ct_err; CT_COPY_WARNING */
	CT_COPY_DONE,		/* size: reports that were errors; data: struct ct_err, or nothing */
	CT_COPY_RESULT,		/* the same, from the target */
};

#define CT_COPY_CONTENTS	1u	/* SOURCE: not the directory, but what is in it */
#define CT_COPY_BROKEN		1u	/* CLOSE: it could not be read to its end */
#define CT_COPY_WARNING		1u	/* REPORT: no error */
#define CT_COPY_NO_OWNERS	1u	/* RESULT: some owners could not be kept */
#define CT_COPY_NO_XATTRS	2u	/* RESULT: nor some extended attributes */

#define CT_COPY_NAME_MAX	255u
#define CT_COPY_DATA_MAX	131072u
#define CT_COPY_HEADER		64u
#define CT_COPY_MESSAGE_MAX	(CT_COPY_HEADER + CT_COPY_NAME_MAX + CT_COPY_DATA_MAX)
#define CT_COPY_DEPTH		1000u	/* directories in directories */
#define CT_COPY_NO_ID		UINT32_MAX	/* an owner whom the other side does not know */

struct ct_copy_message {
	enum ct_copy_type type;
	uint32_t mode;			/* permissions; SOURCE: with the kind, as in st_mode */
	uint32_t uid, gid;		/* as the container counts them */
	uint32_t mtime_ns, flags, link;
	uint64_t size, offset;
	int64_t mtime;
	char name[CT_COPY_NAME_MAX + 1];
	const void *data;		/* in the buffer that it was decoded from */
	size_t data_size;
};

/* Bytes of a message in @buf (CT_COPY_MESSAGE_MAX of room): their number. */
size_t ct_copy_encode(const struct ct_copy_message *message, uint8_t *buf);

/**
 * ct_copy_decode - a message from the bytes at the beginning of a buffer
 * @ret_message: valid as long as the buffer
 * @err: EPROTO: no message that we would ever send: unknown type, lengths, a name that is none
 *
 * Return: its size in bytes, 0 when it is not all there yet, negative.
 */
ssize_t ct_copy_decode(const uint8_t *data, size_t size, struct ct_copy_message *ret_message,
		       struct ct_err *err);

/* One name in a directory: not empty, not "." or "..", no "/", no longer than a name can be. */
bool ct_copy_is_name(const char *name, size_t size);

/* ---- rules: docker's, on paths as they were given ---- */

/**
 * ct_copy_split - CONTAINER:PATH, or a path of the host
 * @ret_path: behind the colon, or arg itself
 *
 * What begins with "/" or "." is a path, whatever colons are in it.
 *
 * Return: length of CONTAINER, 0 for a path of the host.
 */
size_t ct_copy_split(const char *arg, const char **ret_path);

/* Does the path end with a slash? With "/.", or is it ".": the contents of a directory? */
bool ct_copy_ends_with_slash(const char *path);
bool ct_copy_means_contents(const char *path);

/* The last name of path (seen from @cwd) after "." and ".." are gone; empty for the root. */
void ct_copy_base_name(const char *cwd, const char *path, char ret_name[CT_COPY_NAME_MAX + 1]);

enum ct_copy_where {
	CT_COPY_AS,		/* the path is its name; the directory above it is there */
	CT_COPY_INTO,		/* the path is a directory; it goes in there under its own name */
	CT_COPY_MERGE,		/* the path is a directory; what is in the source goes in there */
};

struct ct_copy_ends {
	bool source_directory, contents;
	bool target_there, target_directory, target_slash;
	const char *target;	/* for messages */
};

/* Where does it go? EISDIR, ENOTDIR, ENOENT with the path when it goes nowhere. */
int ct_copy_rule(const struct ct_copy_ends *ends, enum ct_copy_where *ret_where,
		 struct ct_err *err);

/* ---- the two halves ---- */

/* Ids of a container and of its host: lines as in /proc/PID/uid_map. */
struct ct_copy_map {
	struct { uint32_t inside, outside, count; } lines[340];
	size_t count;
};

/* As many lines as make sense. */
void ct_copy_map_parse(const char *text, struct ct_copy_map *ret_map);

/* CT_COPY_NO_ID: not mapped. */
uint32_t ct_copy_map_in(const struct ct_copy_map *map, uint32_t outside);
uint32_t ct_copy_map_out(const struct ct_copy_map *map, uint32_t inside);

/* What somebody wants to hear. */
struct ct_copy_watch {
	void (*report)(const struct ct_err *err, bool warning, void *arg);
	void (*progress)(uint64_t bytes, void *arg);
	void *arg;
};

/* One end of the socket. */
struct ct_copy_channel {
	int fd;				/* SOCK_STREAM */
	int stop;			/* readable: give up, ECANCELED; or -1 */
	const struct ct_copy_watch *watch;	/* NULL: reports go over the channel */
	uint64_t errors;		/* that were reported */
	uint64_t bytes;			/* of files, so far */
	uint8_t *out, *in;		/* buffers */
	size_t out_used, in_start, in_end;
};

/* Where paths begin. */
struct ct_copy_root {
	int fd;				/* a root directory, or AT_FDCWD */
	bool confined;			/* nothing leads out of it */
};

struct ct_copy_source {
	struct ct_copy_root root;
	const char *path, *shown;	/* shown: in messages, "web:/etc" */
	bool follow;			/* a link that path itself is */
	const struct ct_copy_map *maps;	/* uids and gids of the host become the container's; NULL */
};

struct ct_copy_target {
	struct ct_copy_root root;
	const char *path, *shown;
	char name[CT_COPY_NAME_MAX + 1];	/* of the source, where it goes into a directory */
	bool owners;			/* keep them */
	const struct ct_copy_map *maps;	/* those of the container become the host's; NULL */
};

int ct_copy_channel_open(struct ct_copy_channel *channel, int fd, struct ct_err *err);
void ct_copy_channel_close(struct ct_copy_channel *channel);

static inline void ct_autochannel_cleanup(struct ct_copy_channel *channel)
{
	ct_copy_channel_close(channel);
}

#define ct_autochannel __attribute__((cleanup(ct_autochannel_cleanup)))
#define CT_COPY_CHANNEL_INIT { .fd = -1, .stop = -1 }

/**
 * ct_copy_send_tree - be the source: send a file or a directory with everything in it
 * @err: what ended it: the source cannot be opened, or the target said so
 *
 * What cannot be read is reported, and the rest is sent. Return: 0; look at channel->errors.
 */
int ct_copy_send_tree(struct ct_copy_channel *channel, const struct ct_copy_source *source,
		      struct ct_err *err);

/* The same from a tar stream: what is in it is what a directory contains. */
int ct_copy_send_tar(struct ct_copy_channel *channel, int fd, struct ct_err *err);

/**
 * ct_copy_receive_tree - be the target: make what is sent
 * @err: the first thing that could not be made, which ends it; or what ended the source
 *
 * Files appear complete or not at all. No link that is there is followed but those in the path.
 */
int ct_copy_receive_tree(struct ct_copy_channel *channel, const struct ct_copy_target *target,
			 struct ct_err *err);

/* The same into a tar stream (pax). @name: of the source; empty: only what is in it. */
int ct_copy_receive_tar(struct ct_copy_channel *channel, const char *name, int fd,
			struct ct_err *err);

/* What a target does with what it is sent. 0, or negative with err filled. */
struct ct_copy_sink {
	int (*source)(void *arg, const struct ct_copy_message *m, struct ct_copy_message *ret_target,
		      struct ct_err *err);
	int (*entry)(void *arg, const struct ct_copy_message *m, struct ct_err *err);
	void *arg;
	uint32_t warnings;		/* CT_COPY_NO_* */
};

/* Receive until DONE. Whatever the other side sends, the sink sees a sequence that makes sense:
 * one thing at the top, files closed before the next, directories left that were entered. */
int ct_copy_receive(struct ct_copy_channel *channel, struct ct_copy_sink *sink,
		    struct ct_err *err);

#endif
