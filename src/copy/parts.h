/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/copy share.
 */
#ifndef CATTACH_COPY_PARTS_H
#define CATTACH_COPY_PARTS_H

#include <sys/stat.h>

#include <cattach/buf.h>
#include <cattach/copy.h>

/* stream.c: messages over the socket, gathered in buffers */
int ct_copy_send(struct ct_copy_channel *channel, const struct ct_copy_message *message,
		 struct ct_err *err);
int ct_copy_flush(struct ct_copy_channel *channel, struct ct_err *err);
int ct_copy_next(struct ct_copy_channel *channel, struct ct_copy_message *ret_message,
		 struct ct_err *err);
/* Wait until fd is ready for events, or somebody wants to stop. */
int ct_copy_poll(const struct ct_copy_channel *channel, int fd, short events, struct ct_err *err);
/* Tell the user: here, or on the other side. */
int ct_copy_report(struct ct_copy_channel *channel, const struct ct_err *what, bool warning,
		   struct ct_err *err);
void ct_copy_count(struct ct_copy_channel *channel, size_t bytes);

/* The source's side of the conversation: SOURCE, and what the target says to it. */
int ct_copy_begin(struct ct_copy_channel *channel, const struct ct_copy_message *source,
		  struct ct_copy_message *ret_target, struct ct_err *err);
/* DONE, and what became of it. failure: what ended the source, or NULL. */
int ct_copy_finish(struct ct_copy_channel *channel, const struct ct_err *failure,
		   struct ct_err *err);
/* When sending has failed: the target may have said why. */
int ct_copy_lost(struct ct_copy_channel *channel, struct ct_err *err);

/* The error that a DONE or RESULT brought, its texts made to end; 0 when there is none. */
int ct_copy_take_error(const struct ct_copy_message *m, struct ct_err *err);
int ct_copy_fail_order(struct ct_err *err);
/* What is worth a line although the copy succeeded: CT_COPY_NO_*. */
int ct_copy_warn(struct ct_copy_channel *channel, uint32_t flags, struct ct_err *err);

/* Fill what an entry has besides its name. */
void ct_copy_describe(struct ct_copy_message *m, const struct stat *st,
		      const struct ct_copy_map *maps);

/* links.c: a number for each of many keys */
struct ct_links {
	struct ct_link *slots;
	size_t count, capacity;
};

struct ct_link {
	uint8_t *key;		/* NULL: free */
	size_t size;
	uint32_t number;
};

uint32_t ct_links_find(const struct ct_links *links, const void *key, size_t size);	/* 0: none */
int ct_links_add(struct ct_links *links, const void *key, size_t size, uint32_t number);
void ct_links_done(struct ct_links *links);

/* place.c: paths as somebody named them */
int ct_copy_open_at(const struct ct_copy_root *root, const char *path, int flags);

/* The directory and the name in it of a path that a thing is to have. */
struct ct_copy_place {
	int directory;		/* O_PATH; owned by the caller */
	char name[CT_COPY_NAME_MAX + 1];	/* empty: it is the directory itself */
	bool there;		/* something is, and no directory */
	bool special;		/* nor a file */
};

int ct_copy_find_place(const struct ct_copy_root *root, const char *path,
		       struct ct_copy_place *ret_place, struct ct_err *err);

/* walk_file.c: the content of a file, and its attributes */
int ct_copy_send_content(struct ct_copy_channel *channel, int fd, const struct stat *st,
			 uint8_t *buffer, const char *shown, bool *ret_broken, struct ct_err *err);
int ct_copy_send_xattrs(struct ct_copy_channel *channel, int fd, struct ct_err *err);

/* apply_file.c: files that appear when they are complete */
struct ct_copy_file {
	int fd;				/* -1: none is open */
	char temporary[40];
	uint64_t size;			/* that CLOSE told */
	struct ct_copy_message meta;
};

struct ct_copy_owner {
	bool keep;
	const struct ct_copy_map *maps;
	uint32_t *warnings;
};

int ct_copy_file_open(struct ct_copy_file *file, int directory, const struct ct_copy_message *m,
		      struct ct_err *err);
int ct_copy_file_data(struct ct_copy_file *file, const struct ct_copy_message *m,
		      struct ct_err *err);
int ct_copy_file_close(struct ct_copy_file *file, int directory, const struct ct_copy_owner *owner,
		       struct ct_err *err);
void ct_copy_file_drop(struct ct_copy_file *file, int directory);
/* A name that nobody has. */
void ct_copy_temporary(char ret_name[40]);
/* Owner, mode and time of something that we made and have open. */
void ct_copy_set_meta(int fd, const struct ct_copy_message *m, const struct ct_copy_owner *owner);
/* The ids that it is to have here; false: nobody's, or not to be kept. */
bool ct_copy_owner_ids(const struct ct_copy_owner *owner, const struct ct_copy_message *m,
		       uint32_t *ret_uid, uint32_t *ret_gid);
int ct_copy_fail_over(int code, struct ct_err *err);

#endif
