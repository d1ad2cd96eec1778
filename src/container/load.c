/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's directory into a struct ct_container.
 *
 * Runs in commands, as the user. Whatever is found is reported, nothing is repaired: a record that
 * is missing, cut, of the wrong type, from a newer cattach, unreadable or somebody else's makes a
 * container CT_STATE_DAMAGED with the reason, and one bad container never hides the others. Only
 * what is wrong with this process (memory, descriptors) is an error. A directory that is just
 * being made or removed by another command is told from a damaged one by the lock that its maker
 * or remover holds.
 *
 *   directory   ENOENT: no such container          not ours, or open to others: damaged
 *   meta.json   missing: CREATING while its maker holds its lock, else damaged
 *   host        of another machine: FOREIGN, and nothing is said about processes
 *   status      missing: on its way out, or damaged; else load_state() asks who lives
 *   name        by the link in names/, see load_name()
 *
 * Files come and go in an order (created.c, remove.c) that lets a reader without a lock tell these
 * apart; where two looks do not fit together the whole is read again (LOAD_AGAIN).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/health.h>
#include <cattach/io.h>
#include <cattach/json.h>

#include "keeper.h"
#include "record.h"
#include "store.h"

#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
#define LOAD_AGAIN 1
#define LOAD_TRIES 10

/* Errors that say something about us, not about the container. */
static bool is_our_trouble(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* The error becomes the container's damage: 0; or stays one. */
static int set_damage(struct ct_arena *arena, struct ct_container *c, struct ct_err *err)
{
	char why[sizeof(err->where) + sizeof(err->what)];

	if (is_our_trouble(-err->code))
		return -err->code;
	ct_err_format(err, why, sizeof(why));
	c->damage = ct_arena_strdup(arena, why);
	if (!c->damage)
		return ct_fail_nomem(err);
	c->state = CT_STATE_DAMAGED;
	return 0;
}

/* Ours, and nobody else can have written it. A record decides which pids get signals and which
 * files are removed, with our rights. */
static int check_owner(int fd, const char *what, mode_t forbidden, struct ct_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at %s", what);
	if (st.st_uid != geteuid())
		return ct_fail(err, EPERM, "%s belongs to uid %u", what, (unsigned)st.st_uid);
	if (st.st_mode & forbidden)
		return ct_fail(err, EPERM, "%s is open to other users (mode %04o)", what,
			       (unsigned)st.st_mode & 07777);
	return 0;
}

/* The time of the directory stands in for that of the record, until there is one: a row of ps needs
 * it. */
static int open_directory(const struct ct_store *store, struct ct_container *c,
			  struct ct_err *err)
{
	struct stat st;

	c->dir = openat(store->containers, c->meta.id,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A file or a link that has the form of an id is no container. */
	if (c->dir < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return ct_fail(err, ENOENT, "no such container: %s", c->meta.id);
	if (c->dir < 0)
		return ct_fail_errno(err, errno, "its directory cannot be opened");
	if (fstat(c->dir, &st) == 0)
		c->meta.created = (uint64_t)st.st_mtim.tv_sec * CT_SECOND +
				  (uint64_t)st.st_mtim.tv_nsec;
	return check_owner(c->dir, "its directory", 077, err);
}

/* Parsed in an arena of its own, so that only what is kept of it takes room in the caller's: a list
 * reads thousands. */
static int read_meta(struct ct_arena *arena, int dir, struct ct_meta *ret_meta, struct ct_err *err)
{
	struct ct_arena ct_autoarena scratch = { 0 };
	int ct_autofd fd = openat(dir, "meta.json", FILE_FLAGS);
	const char *text;
	size_t size;
	int r;

	if (fd < 0)
		return ct_fail_errno(err, errno, "meta.json cannot be opened");
	r = check_owner(fd, "meta.json", 022, err);
	if (r == 0)
		r = ct_arena_open(&scratch, err);
	if (r < 0)
		return r;
	if (ct_read_file(&scratch, fd, CT_JSON_MAX_SIZE, &text, &size, err) < 0 ||
	    ct_meta_parse(arena, text, size, ret_meta, err) < 0)
		return err->where[0] ? -err->code : ct_wrap(err, "meta.json");
	return 0;
}

/* Between mkdirat(2) and the creator's lock on the new directory there is a moment in which only
 * a lock on containers/ tells that somebody is at it. */
static bool somebody_creates(const struct ct_store *store)
{
	int ct_autofd fd = openat(store->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* A file was missing; has it come, or has the whole container gone, in the meantime? */
static bool has_changed(const struct ct_store *store, const struct ct_container *c,
			const char *name)
{
	struct stat st;

	return fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       fstatat(store->containers, c->meta.id, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

/* No meta.json: being made, or made halfway and left, or complete by now. */
static int judge_missing_meta(const struct ct_store *store, struct ct_container *c)
{
	if (ct_container_has_creator(c->dir) || somebody_creates(store)) {
		c->state = CT_STATE_CREATING;
		return 0;
	}
	if (has_changed(store, c, "meta.json"))
		return LOAD_AGAIN;
	c->state = CT_STATE_DAMAGED;
	c->damage = "its creation or removal was interrupted";
	return 0;
}

/* No status: it is made before meta.json and goes after the lock, so it is on its way out when
 * somebody is at it who is not a monitor. */
static int judge_missing_status(const struct ct_store *store, struct ct_container *c,
				struct ct_err *err)
{
	if (ct_monitor_alive(c->dir, NULL) <= 0 && ct_container_has_creator(c->dir))
		return ct_fail(err, ENOENT, "no such container: %s", c->meta.id);
	if (has_changed(store, c, "status"))
		return LOAD_AGAIN;
	c->state = CT_STATE_DAMAGED;
	c->damage = "its status file is missing";
	return 0;
}

/* The directory's name is the id: a record that says another one was copied there by hand. */
static int load_meta(const struct ct_store *store, struct ct_arena *arena,
		     struct ct_container *c, struct ct_err *err)
{
	struct ct_meta meta;
	int r = read_meta(arena, c->dir, &meta, err);

	if (r == -ENOENT)
		return judge_missing_meta(store, c);
	if (r < 0)
		return set_damage(arena, c, err);
	if (strcmp(meta.id, c->meta.id) != 0) {
		ct_fail(err, EBADMSG, "meta.json is of another container (%.12s)", meta.id);
		return set_damage(arena, c, err);
	}
	c->meta = meta;
	return 0;
}

/* Others may read it and not write it (022): who could write it would choose which process we
 * signal. */
static int open_status(int dir, struct ct_err *err)
{
	int ct_autofd fd = openat(dir, "status", FILE_FLAGS);

	if (fd < 0)
		return ct_fail_errno(err, errno, "status cannot be opened");
	if (check_owner(fd, "status", 022, err) < 0)
		return -err->code;
	return ct_take_fd(&fd);
}

/* For the removal, which needs nothing of the record. */
int ct_container_open_status(int dir, struct ct_err *err)
{
	int r = check_owner(dir, "its directory", 077, err);

	return r < 0 ? r : open_status(dir, err);
}

/* "going": its remover holds the lock, so for everybody else it is gone already. */
static int load_state(const struct ct_store *store, struct ct_arena *arena,
		      struct ct_container *c, struct ct_err *err)
{
	struct ct_probe probe = { 0 };
	int r;

	c->status_fd = open_status(c->dir, err);
	if (c->status_fd == -ENOENT)
		return judge_missing_status(store, c, err);
	r = c->status_fd < 0 ? c->status_fd : 0;
	if (r == 0)
		r = ct_container_probe(c, &probe, err);
	if (r < 0)
		return set_damage(arena, c, err);
	if (probe.going)
		return ct_fail(err, ENOENT, "no such container: %s", c->meta.id);
	c->status = probe.status;
	c->state = ct_probe_state(&probe, &c->damage);
	c->stop_asked = c->meta.restart && ct_keeper_is_stop_asked(c->dir);
	c->health = ct_health_of(c);
	return 0;
}

/* The name under which it can be found: the record's while its link is there, else another that
 * leads to it, else the short id. */
static int load_name(const struct ct_store *store, struct ct_arena *arena, struct ct_container *c,
		     struct ct_err *err)
{
	char id[CT_CONTAINER_ID_LENGTH + 1], found[256];

	if (c->meta.name && ct_name_lookup(store, c->meta.name, id) == 0 &&
	    strcmp(id, c->meta.id) == 0)
		return 0;
	if (ct_name_of_id(store, c->meta.id, found, sizeof(found)) == 0)
		c->meta.name = ct_arena_strdup(arena, found);
	else
		c->meta.name = ct_arena_strndup(arena, c->meta.id, CT_SHORT_ID_LENGTH);
	return c->meta.name ? 0 : ct_fail_nomem(err);
}

/* "host" is asked for only where nobody has asked before. A store on a network's file system is
 * seen by several machines; pids and locks of the one mean nothing on the other. */
static bool is_foreign(struct ct_arena *arena, const char *host, const struct ct_container *c)
{
	return strcmp(c->meta.host, host ? host : ct_host_identity(arena)) != 0;
}

/* The defaults are for damaged records, which are stopped and removed, too. */
static int load_once(const struct ct_store *store, struct ct_arena *arena, const char *host,
		     const char *id, struct ct_container *ret_container, struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r;

	c.meta.stop_signal = SIGTERM;
	c.meta.stop_timeout = 10;
	c.meta.id = ct_arena_strdup(arena, id);
	if (!c.meta.id)
		return ct_fail_nomem(err);
	r = open_directory(store, &c, err);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		r = set_damage(arena, &c, err);
	else
		r = load_meta(store, arena, &c, err);
	/* Complete so far, that is neither damaged nor in the making. */
	if (r == 0 && c.meta.host) {
		if (is_foreign(arena, host, &c))
			c.state = CT_STATE_FOREIGN;
		else
			r = load_state(store, arena, &c, err);
	}
	if (r == 0)
		r = load_name(store, arena, &c, err);
	if (r == 0)
		r = ct_session_mark(store, arena, &c, err);
	if (r != 0)
		return r;
	*ret_container = c;
	c = (struct ct_container)CT_CONTAINER_INIT;
	return 0;
}

/* Bounded: two commands that change it all the time would otherwise keep a third one here. */
int ct_container_load(const struct ct_store *store, struct ct_arena *arena, const char *host,
		      const char *id, struct ct_container *ret_container, struct ct_err *err)
{
	int r = LOAD_AGAIN;

	for (int i = 0; r == LOAD_AGAIN && i < LOAD_TRIES; i++)
		r = load_once(store, arena, host, id, ret_container, err);
	return r == LOAD_AGAIN ? ct_fail(err, EAGAIN, "container %s changes all the time", id) : r;
}

/* Also of one that was never loaded (CT_CONTAINER_INIT); what the arena has of it stays. */
void ct_container_close(struct ct_container *container)
{
	ct_drop_fd(&container->dir);
	ct_drop_fd(&container->status_fd);
	ct_drop_fd(&container->poststop);
	if (container->leaf)
		ct_cgroup_close(container->leaf);
	free(container->leaf);
	container->leaf = NULL;
}
