/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: finding and making the directories that everything else is kept in.
 *
 * Runs in commands, as the user. Each directory (the last component "cattach" and what is below it)
 * is verified, see private.c. The directories above belong to the user's home; links there are the
 * user's business. After that, only descriptors are used.
 *
 * May fail: no home, a place that cannot be written, a directory that is not private.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "store.h"

#define ROOT_STORE "/var/lib/cattach"
#define PATH_SIZE 4096

/* ---- where ---- */

/* The home directory of the password database, which also knows daemons without HOME. */
static const char *home_of(uid_t uid, struct passwd *entry, char *buf, size_t size)
{
	struct passwd *found = NULL;

	if (getpwuid_r(uid, entry, buf, size, &found) != 0 || !found)
		return NULL;
	return found->pw_dir && found->pw_dir[0] == '/' ? found->pw_dir : NULL;
}

static int put_path(char *buf, size_t size, const char *base, const char *rest, struct ct_err *err)
{
	int length = snprintf(buf, size, "%s%s", base, rest);

	if (length < 0 || (size_t)length >= size)
		return ct_fail(err, ENAMETOOLONG, "the path of the store is longer than %zu bytes",
			       size - 1);
	return 0;
}

static int user_path(uid_t euid, char *buf, size_t size, struct ct_err *err)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	struct passwd entry;
	char text[PATH_SIZE];

	/* The base directory specification: relative paths are to be ignored. */
	if (data && data[0] == '/')
		return put_path(buf, size, data, "/cattach", err);
	if (!home || home[0] != '/')
		home = home_of(euid, &entry, text, sizeof(text));
	if (!home) {
		ct_fail(err, ENOENT, "no place for containers: uid %u has no home directory",
			(unsigned)euid);
		return ct_hint(err, "set HOME or XDG_DATA_HOME to an absolute path");
	}
	return put_path(buf, size, home, "/.local/share/cattach", err);
}

int ct_store_path(uid_t euid, char *buf, size_t size, struct ct_err *err)
{
	if (euid == 0)
		return put_path(buf, size, ROOT_STORE, "", err);
	return user_path(euid, buf, size, err);
}

/* ---- opening ---- */

/* Make what is missing on the way to a directory ("~/.local/share"), private as the base directory
 * specification asks for. */
static int make_parents(char *path, struct ct_err *err)
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		struct stat st;
		int failed;

		if (slash)
			*slash = '\0';
		failed = mkdir(path, 0700) < 0 ? errno : 0;
		/* A read-only parent that is there answers EROFS, so ask whether it is. */
		if (failed && stat(path, &st) < 0) {
			ct_fail_errno(err, failed, "cannot make directory %s", path);
			return ct_hint(err, "set XDG_DATA_HOME to a place that you can write");
		}
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int open_above(char *parent, struct ct_err *err)
{
	int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		int r = make_parents(parent, err);

		if (r < 0)
			return r;
		fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? ct_fail_errno(err, errno, "cannot open %s", parent) : fd;
}

static int open_data(struct ct_store *store, struct ct_err *err)
{
	char parent[PATH_SIZE];
	int ct_autofd above = -1;
	char *name;

	/* The path has no trailing slash, see ct_store_open_at(). */
	snprintf(parent, sizeof(parent), "%s", store->path);
	name = strrchr(parent, '/');
	*name++ = '\0';
	above = open_above(parent[0] ? parent : (char[]){ "/" }, err);
	if (above < 0)
		return above;
	store->data = ct_open_private(above, name, store->path, "XDG_DATA_HOME", true, err);
	return store->data < 0 ? store->data : 0;
}

static int open_part(const struct ct_store *store, const char *name, int *ret_fd,
		     struct ct_err *err)
{
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", store->path, name);
	*ret_fd = ct_open_private(store->data, name, path, "XDG_DATA_HOME", true, err);
	return *ret_fd < 0 ? *ret_fd : 0;
}

/* The cache only saves time: a disk that has no room for it is no reason to refuse, a cache that
 * others can write is. */
static int open_cache(struct ct_store *store, struct ct_err *err)
{
	int r = open_part(store, "cache", &store->cache, err);

	if (r == -EPERM || r == -ELOOP || r == -ENOTDIR)
		return r;
	if (r < 0)
		store->cache = -1;
	return 0;
}

/* Not an array in the store: that lies on stacks which the monitor inherits and has to keep. */
static int keep_path(struct ct_store *store, const char *path, struct ct_err *err)
{
	char text[PATH_SIZE];
	int r = put_path(text, sizeof(text), path, "", err);

	if (r < 0)
		return r;
	if (path[0] != '/' || path[strlen(path) - 1] == '/')
		return ct_fail(err, EINVAL, "not an absolute path of a directory: \"%s\"", path);
	store->path = strdup(path);
	return store->path ? 0 : ct_fail_nomem(err);
}

int ct_store_open_at(const char *path, struct ct_store *ret_store, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	mode_t ct_autoumask saved = umask(077);
	int r = keep_path(&store, path, err);

	if (r == 0)
		r = open_data(&store, err);
	if (r == 0)
		r = open_part(&store, "containers", &store.containers, err);
	if (r == 0)
		r = open_part(&store, "names", &store.names, err);
	if (r == 0)
		r = open_cache(&store, err);
	if (r < 0)
		return r;
	*ret_store = store;
	store = (struct ct_store)CT_STORE_INIT;
	return 0;
}

bool ct_store_is_nested(void)
{
	return ct_user_ns_is_nested();
}

int ct_store_open(struct ct_store *ret_store, struct ct_err *err)
{
	char path[PATH_SIZE];
	uid_t euid = geteuid();
	/* Root of a nested namespace is a user: the system's directories need not be its own. */
	int r = ct_store_is_nested() ? user_path(euid, path, sizeof(path), err) :
			      ct_store_path(euid, path, sizeof(path), err);

	return r < 0 ? r : ct_store_open_at(path, ret_store, err);
}

void ct_store_close(struct ct_store *store)
{
	free(store->path);
	store->path = NULL;
	ct_drop_fd(&store->data);
	ct_drop_fd(&store->containers);
	ct_drop_fd(&store->names);
	ct_drop_fd(&store->cache);
	ct_drop_fd(&store->runtime);
}

bool ct_is_id(const char *text)
{
	size_t length = strspn(text, "0123456789abcdef");

	return length == CT_CONTAINER_ID_LENGTH && text[length] == '\0';
}
