/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of containers that somebody else watches, and what can be said of one: its record, and
 * its state, worked out from its process each time.
 *
 * Runs in commands, with the caller's rights. There is no monitor whose lock could tell, so a
 * container is as alive as the process of its record is: by pid, start time and boot, and not when it
 * is a zombie that its parent has not reaped. Created is told from running by the socket on which a
 * process that is held listens, and after that by whether it has executed its program. What cannot be
 * read is damaged, is said so and can be deleted.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/num.h>

#include "leaf.h"
#include "record.h"
#include "runtime_parts.h"
#include "store.h"

#define FORGET_TRIES 8
#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* ---- the directory ---- */

int ct_runtime_check_id(const char *id, struct ct_err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
	size_t length = strlen(id);

	if (length && length <= CT_RUNTIME_ID_MAX && id[strspn(id, allowed)] == '\0' &&
	    strcmp(id, ".") != 0 && strcmp(id, "..") != 0)
		return 0;
	ct_fail(err, EINVAL, "invalid id format: \"%.100s\"", id);
	return ct_hint(err, "1 to %d letters, digits and _ + . -", CT_RUNTIME_ID_MAX);
}

static int default_root(char *buf, size_t size, struct ct_err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR"), *root = getenv(CT_RUNTIME_ROOT);
	bool user = geteuid() != 0 || ct_store_is_nested();
	int n;

	if (root && *root == '/')
		n = snprintf(buf, size, "%s", root);
	else if (base && *base == '/' && user)
		n = snprintf(buf, size, "%s/cattach-oci", base);
	else if (!user)
		n = snprintf(buf, size, "/run/cattach-oci");
	else
		n = snprintf(buf, size, "/tmp/cattach-oci-%u", (unsigned)geteuid());
	return n < 0 || (size_t)n >= size ? ct_fail(err, ENAMETOOLONG, "the path of the runtime directory is too long") : 0;
}

/* Every part of the path that is missing; only the last one has to be ours alone. */
static int make_parents(const char *path)
{
	char buf[PATH_MAX];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *slash = strchr(buf + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(buf, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int absolute(const char *root, char *buf, size_t size, struct ct_err *err)
{
	char cwd[PATH_MAX];
	int n;

	if (!root || !*root)
		return default_root(buf, size, err);
	if (*root == '/')
		n = snprintf(buf, size, "%s", root);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(buf, size, "%s/%s", cwd, root);
	else
		return ct_fail_errno(err, errno, "cannot find the working directory");
	return n < 0 || (size_t)n >= size ? ct_fail(err, ENAMETOOLONG, "--root: too long") : 0;
}

/* What is there by then the caller closes. */
static int open_at(struct ct_store *store, const char *path, const char *name, bool make,
		   struct ct_err *err)
{
	store->path = strdup(path);
	store->engine = true;
	if (!store->path)
		return ct_fail_nomem(err);
	store->containers = ct_open_private(AT_FDCWD, path, path, name, make, err);
	return store->containers < 0 ? store->containers : 0;
}

/* Who only asks, perhaps before the first container and as somebody else, leaves nothing behind. */
static int open_or_make(struct ct_store *store, const char *path, bool make, struct ct_err *err)
{
	int r = make ? make_parents(path) : 0;

	if (r < 0)
		return ct_fail_errno(err, -r, "cannot make %s", path);
	r = open_at(store, path, "--root", make, err);
	if (r == -ENOENT && !make)
		return ct_fail(err, ENOENT, "container does not exist");
	return r;
}

int ct_runtime_open(const char *root, bool make, struct ct_store *ret_store, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_store ct_autostore user = CT_STORE_INIT;
	struct ct_err ignored;
	char path[PATH_MAX];
	int r = absolute(root, path, sizeof(path), err);

	if (r == 0)
		r = open_or_make(&store, path, make, err);
	if (r < 0)
		return r;
	/* Compiled filters: where the user has a store, and nowhere else. */
	if (ct_store_open(&user, &ignored) == 0)
		store.cache = ct_take_fd(&user.cache);
	*ret_store = store;
	store = (struct ct_store)CT_STORE_INIT;
	return 0;
}

/* ---- one container ---- */

static int open_connection(int dir, int flags)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CT_RUNTIME_SOCKET, dir);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return ct_take_fd(&fd);
}

int ct_runtime_connect(int dir)
{
	return open_connection(dir, 0);
}

/* One that is stopped accepts nobody, and its queue fills up: it is held all the same. */
static bool is_held(int dir)
{
	int ct_autofd fd = open_connection(dir, SOCK_NONBLOCK);

	return fd >= 0 || fd == -EAGAIN;
}

static int damaged(struct ct_arena *arena, struct ct_container *c, struct ct_err *err)
{
	char why[sizeof(err->where) + sizeof(err->what)];

	if (err->code == ENOMEM || err->code == EMFILE || err->code == ENFILE)
		return -err->code;
	ct_err_format(err, why, sizeof(why));
	c->damage = ct_arena_strdup(arena, why);
	c->state = CT_STATE_DAMAGED;
	return c->damage ? 0 : ct_fail_nomem(err);
}

int ct_runtime_read_meta(struct ct_arena *arena, struct ct_container *c, struct ct_err *err)
{
	int ct_autofd fd = openat(c->dir, "meta.json", FILE_FLAGS);
	struct ct_meta meta;
	const char *text;
	size_t size;

	if (fd < 0)
		return ct_fail_errno(err, errno, "meta.json cannot be opened");
	if (ct_read_file(arena, fd, CT_JSON_MAX_SIZE, &text, &size, err) < 0 ||
	    ct_meta_parse(arena, text, size, &meta, err) < 0)
		return ct_wrap(err, "meta.json");
	if (strcmp(meta.id, c->meta.id) != 0)
		return ct_fail(err, EBADMSG, "meta.json is of another container (%.100s)", meta.id);
	c->meta = meta;
	return 0;
}

int ct_runtime_note_process(int dir, const struct ct_status *s, struct ct_err *err)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%d %llu %s\n", (int)s->pid,
			 (unsigned long long)s->starttime, s->boot_id);

	return ct_write_file_at(dir, "process", text, (size_t)n, 0600, err);
}

/* "PID STARTTIME BOOT", as above. */
static bool parse_process(char *text, struct ct_status *ret_status)
{
	char *rest = text, *pid = strsep(&rest, " \n"), *start = rest ? strsep(&rest, " \n") : NULL;
	const char *boot = rest ? strsep(&rest, " \n") : NULL;
	struct ct_status s = { .state = CT_STATUS_RUNNING };
	uint64_t number = 0;
	struct ct_err ignored;

	if (!start || !boot || ct_parse_u64(pid, 2, INT_MAX, &number, &ignored) < 0 ||
	    ct_parse_u64(start, 0, UINT64_MAX, &s.starttime, &ignored) < 0 ||
	    strlen(boot) >= sizeof(s.boot_id))
		return false;
	s.pid = (pid_t)number;
	memcpy(s.boot_id, boot, strlen(boot) + 1);
	*ret_status = s;
	return true;
}

/* What it says is checked against the process, as ever. */
static void read_noted_process(struct ct_container *c)
{
	int ct_autofd fd = openat(c->dir, "process", FILE_FLAGS);
	struct ct_status s;
	char text[128];

	if (fd >= 0 && ct_read_text(fd, text, sizeof(text)) > 0 && parse_process(text, &s))
		c->status = s;
}

static int read_status(struct ct_container *c, struct ct_err *err)
{
	int r;

	c->status_fd = openat(c->dir, "status", FILE_FLAGS);
	r = c->status_fd < 0 ? ct_fail_errno(err, errno, "status cannot be opened") :
			       ct_status_read(c->status_fd, &c->status, err);
	if (r < 0)
		read_noted_process(c);
	return r;
}

enum ct_state ct_runtime_look(const struct ct_container *c)
{
	struct ct_probe probe = { .status = c->status };
	char boot_id[37];
	int ct_autofd payload = -1;

	probe.other_boot = ct_boot_id(boot_id) == 0 && strcmp(boot_id, c->status.boot_id) != 0;
	if (c->status.state == CT_STATUS_NONE)
		return ct_container_has_creator(c->dir) ? CT_STATE_CREATING : CT_STATE_STOPPED;
	payload = ct_probe_open_payload(&probe);
	/* A zombie is as good as gone: its pidfd is readable. */
	if (payload < 0 || ct_pidfd_await(payload, 0) != 0)
		return CT_STATE_STOPPED;
	if (ct_leaf_is_frozen(c->dir, c->meta.id))
		return CT_STATE_PAUSED;
	/* One that goes on is not its program before the last step: its hooks may be running. */
	if (is_held(c->dir) || ct_proc_has_executed(c->status.pid) == 0)
		return CT_STATE_CREATED;
	return CT_STATE_RUNNING;
}

/* The status is what is written last; of what there is before it half may be missing. */
static int load_record(struct ct_arena *arena, struct ct_container *c, struct ct_err *err)
{
	struct ct_err ignored;
	int r = read_status(c, err);

	if (r == -ENOENT && ct_container_has_creator(c->dir)) {
		c->state = CT_STATE_CREATING;
		return ct_runtime_read_meta(arena, c, &ignored) == -ENOMEM ? ct_fail_nomem(err) : 0;
	}
	/* Its creator may have written it, and gone, in between. */
	if (r == -ENOENT)
		r = read_status(c, err);
	if (r < 0 || ct_runtime_read_meta(arena, c, err) < 0)
		return damaged(arena, c, err);
	c->state = ct_runtime_look(c);
	return 0;
}

static int load(const struct ct_store *store, struct ct_arena *arena, const char *id,
		struct ct_container *ret_container, struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r;

	c.meta.id = c.meta.name = ct_arena_strdup(arena, id);
	c.engine_root = ct_arena_strdup(arena, store->path);
	if (!c.meta.id || !c.engine_root)
		return ct_fail_nomem(err);
	c.dir = openat(store->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dir < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
		ct_fail(err, ENOENT, "container does not exist");
		return ct_wrap(err, "%s", id);
	}
	if (c.dir < 0)
		return ct_fail_errno(err, errno, "cannot open %s/%s", store->path, id);
	r = load_record(arena, &c, err);
	if (r < 0)
		return r;
	*ret_container = c;
	c = (struct ct_container)CT_CONTAINER_INIT;
	return 0;
}

static bool is_still_named(const struct ct_store *store, const struct ct_container *c)
{
	struct stat own, named;

	return fstat(c->dir, &own) == 0 &&
	       fstatat(store->containers, c->meta.id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* A process whose creator was killed may be about to mount: then the directory is busy once more. When it
 * is gone there is nothing left to mount on. */
int ct_runtime_forget(const struct ct_store *store, const struct ct_container *c, struct ct_err *err)
{
	int r = 0;

	for (int i = 0; i < FORGET_TRIES; i++) {
		if (ct_inherited_detach(c->dir, err) < 0)
			return ct_wrap(err, "%s/%s", store->path, c->meta.id);
		r = is_still_named(store, c) ? ct_store_take_away(store, c->meta.id, NULL) : 0;
		if (r != -EXDEV && r != -EBUSY)
			break;
		ct_inherited_detach_copies(c->dir);
	}
	return r < 0 ? ct_fail_errno(err, -r, "cannot remove %s/%s", store->path, c->meta.id) : r;
}

int ct_runtime_find(struct ct_store *store, struct ct_arena *arena, const char *id,
		    struct ct_container *ret_container, struct ct_err *err)
{
	int r = ct_runtime_check_id(id, err);

	return r < 0 ? r : load(store, arena, id, ret_container, err);
}

/* ---- in the default store ---- */

struct beginning {
	const char *text;
	size_t length;
	unsigned count;
	char id[CT_CONTAINER_ID_LENGTH + 1];	/* the last one that begins with it */
};

static int compare_beginning(int dir, const char *name, unsigned char type, void *arg)
{
	struct beginning *b = arg;

	(void)dir;
	(void)type;
	if (!ct_is_id(name) || strncmp(name, b->text, b->length) != 0)
		return 0;
	b->count++;
	memcpy(b->id, name, sizeof(b->id));
	return 0;
}

/* Engines show of ids that nobody chose the first digits only. */
static int load_by_beginning(const struct ct_store *store, struct ct_arena *arena, const char *text,
			     struct ct_container *ret_container, struct ct_err *err)
{
	struct beginning b = { .text = text, .length = strlen(text) };

	if (ct_each_entry(store->containers, compare_beginning, &b) < 0 || !b.count)
		return -err->code;
	*err = (struct ct_err){ 0 };
	if (b.count == 1)
		return load(store, arena, b.id, ret_container, err);
	ct_fail(err, EEXIST, "\"%.64s\" matches %u containers in %s", text, b.count, store->path);
	return ct_hint(err, "type more of it");
}

int ct_runtime_find_default(struct ct_arena *arena, const char *id, struct ct_container *ret_container,
			    struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char path[PATH_MAX];
	int r = absolute(NULL, path, sizeof(path), err);

	if (r == 0)
		r = ct_runtime_check_id(id, err);
	if (r == 0)
		r = open_at(&store, path, CT_RUNTIME_ROOT, false, err);
	if (r == 0)
		r = load(&store, arena, id, ret_container, err);
	return r == -ENOENT && store.containers >= 0 ?
		       load_by_beginning(&store, arena, id, ret_container, err) : r;
}

/* ---- all of them ---- */

struct listing {
	struct ct_arena *arena;
	struct ct_strings names;
};

static int collect(int dir, const char *name, unsigned char type, void *arg)
{
	struct listing *l = arg;
	struct ct_err ignored;
	const char *copy;

	(void)dir;
	(void)type;
	if (ct_runtime_check_id(name, &ignored) < 0)
		return 0;
	copy = ct_arena_strdup(l->arena, name);
	return copy ? ct_strings_add(l->arena, &l->names, copy) : -ENOMEM;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* One that cannot even be opened does not hide the others. */
static int load_listed(struct ct_store *store, struct ct_arena *arena, const char *id,
		       struct ct_container *ret_container, struct ct_err *err)
{
	int r = load(store, arena, id, ret_container, err);

	if (r != -EACCES)
		return r;
	*ret_container = (struct ct_container)CT_CONTAINER_INIT;
	ret_container->meta.id = ret_container->meta.name = id;
	return damaged(arena, ret_container, err);
}

int ct_runtime_list(struct ct_store *store, struct ct_arena *arena,
		    struct ct_container_list *ret_list, struct ct_err *err)
{
	struct listing l = { .arena = arena };
	struct ct_container_list list = { 0 };
	int r = ct_each_entry(store->containers, collect, &l);

	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read %s", store->path);
	list.items = ct_arena_calloc(arena, l.names.count + 1, sizeof(*list.items));
	if (!list.items)
		return ct_fail_nomem(err);
	if (l.names.count)
		qsort(l.names.items, l.names.count, sizeof(*l.names.items), by_text);
	for (size_t i = 0; i < l.names.count; i++) {
		struct ct_container *c = &list.items[list.count];

		r = load_listed(store, arena, l.names.items[i], c, err);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		ct_drop_fd(&c->dir);
		ct_drop_fd(&c->status_fd);
		list.count++;
	}
	*ret_list = list;
	return 0;
}

const char *ct_runtime_state_name(enum ct_state state)
{
	switch (state) {
	case CT_STATE_CREATING:
	case CT_STATE_CREATED:
	case CT_STATE_RUNNING:
	case CT_STATE_PAUSED:
		return ct_state_name(state);
	case CT_STATE_STOPPED:
	case CT_STATE_DAMAGED:
	case CT_STATE_RESTARTING:
	case CT_STATE_FOREIGN:
		break;
	}
	return "stopped";
}
