/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a container: id, directory, files, name.
 *
 * Runs in the command that creates, as the user. The order makes a kill at any point harmless: the
 * directory is there and locked before anything is in it, meta.json comes after the files that it
 * stands for, the name comes last. What a kill leaves has no lock and shows as damaged; what fails
 * is removed before the error is returned. The lock (see state.c) lasts as long as the returned
 * descriptor of the directory, in this process and in those that inherit it, so that nobody takes
 * the time between here and the monitor's own lock for an interrupted start.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#include "record.h"
#include "store.h"

#define NAME_TRIES	20	/* the last ones choose from 10^13 names */
#define DESCRIPTORS	48	/* open at once while a container starts, with some to spare */

/* ---- id ---- */

int ct_random_id(char id[CT_CONTAINER_ID_LENGTH + 1], struct ct_err *err)
{
	unsigned char bytes[CT_CONTAINER_ID_LENGTH / 2];

	/* The short id becomes the host name, and one of digits alone would be taken for a number. */
	do {
		if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
			return ct_fail_errno(err, errno, "cannot get random bytes for an id");
		for (size_t i = 0; i < sizeof(bytes); i++) {
			id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
			id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
		}
		id[CT_CONTAINER_ID_LENGTH] = '\0';
	} while (strspn(id, "0123456789") >= CT_SHORT_ID_LENGTH);
	return 0;
}

static int choose_id(struct ct_arena *arena, struct ct_meta *meta, struct ct_err *err)
{
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int r;

	if (meta->id && !ct_is_id(meta->id))
		return ct_fail(err, EINVAL, "a container's id must be %d hexadecimal digits, not \"%s\"",
			       CT_CONTAINER_ID_LENGTH, meta->id);
	if (meta->id)
		return 0;
	r = ct_random_id(id, err);
	if (r < 0)
		return r;
	meta->id = ct_arena_strdup(arena, id);
	return meta->id ? 0 : ct_fail_nomem(err);
}

/* ---- directory and files ---- */

/* Make the directory and lock it; a lock on containers/ covers the moment in between. */
static int make_directory(const struct ct_store *store, const char *id, struct ct_err *err)
{
	int ct_autofd guard = openat(store->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir;

	if (guard < 0)
		return ct_fail_errno(err, errno, "cannot open %s/%s", store->path,
				     ct_store_part(store));
	while (flock(guard, LOCK_SH) < 0 && errno == EINTR)
		;
	if (mkdirat(store->containers, id, 0700) < 0)
		return ct_fail_errno(err, errno, "cannot make %s/%s/%s", store->path,
				     ct_store_part(store), id);
	dir = openat(store->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		int code = errno;

		unlinkat(store->containers, id, AT_REMOVEDIR);
		return ct_fail_errno(err, code, "cannot open %s/%s/%s", store->path,
				     ct_store_part(store), id);
	}
	ct_container_mark_creator(dir);
	return dir;
}

/* Every disk block that recording the exit needs is taken now. */
static int make_status(int dir, int *ret_fd, struct ct_err *err)
{
	struct ct_status none = { .state = CT_STATUS_NONE };
	int ct_autofd fd = openat(dir, "status", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make status");
	r = ct_status_write(fd, &none, err);
	if (r < 0)
		return r;
	*ret_fd = ct_take_fd(&fd);
	return 0;
}

static int make_lock(int dir, struct ct_err *err)
{
	int fd = openat(dir, "lock", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make lock");
	ct_fd_close(fd);
	return 0;
}

static int make_files(struct ct_container *c, const struct ct_buf *config, struct ct_err *err)
{
	int r = 0;

	if (config->length)
		r = ct_write_file_at(c->dir, "config.json", config->data, config->length, 0600, err);
	if (r == 0)
		r = make_status(c->dir, &c->status_fd, err);
	if (r == 0)
		r = make_lock(c->dir, err);
	if (r == 0 && mkdirat(c->dir, "main", 0700) < 0)
		r = ct_fail_errno(err, errno, "cannot make main");
	return r;
}

/* What could not be read again is not written. */
static int check_size(const struct ct_buf *text, const char *name, struct ct_err *err)
{
	if (text->length <= CT_JSON_MAX_SIZE)
		return 0;
	ct_fail(err, E2BIG, "%s would have %zu bytes, the limit is %d", name, text->length,
		CT_JSON_MAX_SIZE);
	return ct_hint(err, "put long arguments, labels or variables into a file");
}

int ct_meta_save(int dir, const struct ct_meta *meta, struct ct_err *err)
{
	struct ct_buf ct_autobuf text = { 0 };
	int r = ct_meta_write(meta, &text, err);

	if (r == 0)
		r = check_size(&text, "the container's record", err);
	return r ? r : ct_write_file_at(dir, "meta.json", text.data, text.length, 0600, err);
}

/* ---- name ---- */

/* Say who has the name, and what to do about it. */
int ct_name_taken(const struct ct_store *store, struct ct_arena *arena, const char *name,
		  struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int r = ct_name_lookup(store, name, id);

	/* It was there a moment ago. */
	if (r == -ENOENT) {
		ct_fail(err, EEXIST, "name \"%s\" is in use by a %s that is giving it up", name,
			ct_store_noun(store));
		return ct_hint(err, "try again");
	}
	if (r < 0) {
		ct_fail(err, EEXIST, "name \"%s\" is in use: %s/%s/%s is not one of our links", name,
			store->path, ct_store_names_part(store), name);
		return ct_hint(err, "remove it, or choose another name");
	}
	if (ct_container_load(store, arena, NULL, id, &c, err) < 0) {
		ct_fail(err, EEXIST, "name \"%s\" is in use by a %s that is being removed", name,
			ct_store_noun(store));
		return ct_hint(err, "try again");
	}
	c.meta.name = name;	/* it may have two of them, while it is renamed */
	return ct_state_refuse(&c, CT_ACT_NAME, err);
}

/* A name that is a session's which never came to be. */
static int claim(const struct ct_store *store, struct ct_arena *arena, const struct ct_meta *meta)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	char id[CT_CONTAINER_ID_LENGTH + 1];
	struct ct_err ignored;
	int r = ct_name_claim(store, meta->name, meta->id);

	if (r != -EEXIST || !store->session_of[0] || ct_name_lookup(store, meta->name, id) < 0 ||
	    ct_container_load(store, arena, NULL, id, &c, &ignored) < 0 ||
	    !ct_session_drop_interrupted(store, &c))
		return r;
	return ct_name_claim(store, meta->name, meta->id);
}

/* Write the record and claim its name; a generated one that is taken is generated again. */
static int write_and_claim(const struct ct_store *store, struct ct_arena *arena,
			   struct ct_meta *meta, int dir, struct ct_err *err)
{
	bool generate = !meta->name;
	int r;

	for (unsigned try = 0; try < NAME_TRIES; try++) {
		if (generate)
			meta->name = ct_generate_name(arena, try);
		if (!meta->name)
			return ct_fail_nomem(err);
		r = ct_meta_save(dir, meta, err);
		if (r < 0)
			return r;
		r = claim(store, arena, meta);
		if (r == 0)
			return 0;
		if (r != -EEXIST)
			return ct_fail_errno(err, -r, "cannot make %s/%s/%s", store->path,
					     ct_store_names_part(store), meta->name);
		if (!generate)
			break;
	}
	return ct_name_taken(store, arena, meta->name, err);
}

/* ---- all of it ---- */

/* Running out of descriptors half way would leave none to remove what is there with. */
static int check_room(const struct ct_store *store, struct ct_err *err)
{
	unsigned count = ct_fds_free(store->containers, DESCRIPTORS);

	if (count == DESCRIPTORS)
		return 0;
	ct_fail(err, EMFILE, "too many open files: only %u more are possible here, a start needs %d",
		count, DESCRIPTORS);
	return ct_hint(err, "raise the limit: ulimit -n 1024");
}

static int fill_meta(struct ct_arena *arena, struct ct_meta *meta, struct ct_err *err)
{
	int r = meta->name ? ct_check_name(meta->name, err) : 0;

	if (r == 0)
		r = choose_id(arena, meta, err);
	if (meta->stop_signal == 0)
		meta->stop_signal = SIGTERM;
	meta->created = ct_now_real();
	meta->host = ct_host_identity(arena);
	meta->version = CT_META_VERSION;
	return r;
}

static int populate(const struct ct_store *store, struct ct_arena *arena, struct ct_meta *meta,
		    const struct ct_buf *config, struct ct_container *c, struct ct_err *err)
{
	int r = make_files(c, config, err);

	if (r < 0)
		return ct_wrap(err, "%s/%s/%.12s", store->path, ct_store_part(store), meta->id);
	return write_and_claim(store, arena, meta, c->dir, err);
}

int ct_container_create(struct ct_store *store, struct ct_arena *arena, struct ct_meta *meta,
			const struct ct_spec *spec, struct ct_container *ret_container,
			struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_buf ct_autobuf config = { 0 };
	mode_t ct_autoumask saved = umask(077);
	const char *wanted = meta->name;
	int r = ct_state_step(&c, CT_STEP_CREATE, CT_STATE_CREATING, err);

	if (r == 0)
		r = check_room(store, err);
	if (r == 0)
		r = fill_meta(arena, meta, err);
	if (r == 0 && spec)
		r = ct_spec_write(spec, &config, err);
	if (r == 0)
		r = check_size(&config, "config.json", err);
	if (r < 0)
		return r;
	c.dir = make_directory(store, meta->id, err);
	if (c.dir < 0)
		return c.dir;
	r = populate(store, arena, meta, &config, &c, err);
	c.meta = *meta;
	if (r == 0)
		r = ct_session_mark(store, arena, &c, err);
	if (r < 0) {
		ct_store_forget(store, meta->id, meta->name);
		meta->name = wanted;
		return r;
	}
	if (!c.session_of)
		ct_event_record(&c, "create", CT_EVENT_END);
	*ret_container = c;
	c = (struct ct_container)CT_CONTAINER_INIT;
	return 0;
}

void ct_container_forget(const struct ct_store *store, const struct ct_container *container)
{
	if (ct_store_take_away(store, container->meta.id, container->meta.name) > 0 &&
	    !container->session_of)
		ct_event_record_in(store, container, "remove", CT_EVENT_END);
}
