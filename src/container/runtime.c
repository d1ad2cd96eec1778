/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime directory: where the sockets of containers are, beside the store and not in it, for a
 * home may be on a file system that has no sockets.
 *
 * There are up to three places, the best first: $XDG_RUNTIME_DIR, /run/user/<uid>, a directory in
 * /tmp. A container is started in the first that is there, and looked for in all of them: who logs
 * in after a start from a timer or by su sees places that were not there before. A place that is
 * not ours is passed over where others may well have made it (a variable that su has kept), and
 * refused where it has our name.
 *
 * Runs in commands, and in a monitor whose directory has vanished, as the user.
 *
 *    BASE/cattach/ID/attach       the monitor's socket, SOCK_SEQPACKET; directories are 0700
 *    BASE: /run (root); $XDG_RUNTIME_DIR, /run/user/UID, /tmp (as cattach-UID) for others
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "store.h"

#define VARIABLE	"XDG_RUNTIME_DIR"
#define PLACES_MAX	3
#define OLD		2	/* seconds */

struct place {
	const char *base;	/* a directory that somebody else has made */
	const char *name;	/* ours in it */
};

struct places {
	struct place list[PLACES_MAX];
	size_t count;
	char user[32], name[32];	/* "/run/user/1000", "cattach-1000" */
};

/* ---- where ---- */

static bool is_ours(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static void add(struct places *places, const char *base, const char *name)
{
	places->list[places->count++] = (struct place){ base, name };
}

/* Root in a user namespace that does not have the host's ids (unshare) is no root of /run. */
static void find_places(struct places *places)
{
	const char *given = getenv(VARIABLE);
	unsigned euid = geteuid();

	places->count = 0;
	if (euid == 0 && !ct_store_is_nested()) {
		add(places, "/run", "cattach");
		return;
	}
	snprintf(places->user, sizeof(places->user), "/run/user/%u", euid);
	snprintf(places->name, sizeof(places->name), "cattach-%u", euid);
	if (given && given[0] == '/' && is_ours(given))
		add(places, given, "cattach");
	if (is_ours(places->user))
		add(places, places->user, "cattach");
	add(places, "/tmp", places->name);
}

/* The best place, as a start would take it; whether anything is in it does not matter. */
int ct_runtime_base(void)
{
	struct places places;
	int fd;

	find_places(&places);
	fd = open(places.list[0].base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- what is left ---- */

/* Between bind(2) and listen(2) a socket looks dead, too: a session's, say, which this store does
 * not know of. */
static bool is_old(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) &&
	       time(NULL) - st.st_mtim.tv_sec > OLD;
}

/* Does nobody listen there? A busy one, or one that cannot be asked, counts as listened to. By
 * /proc/self/fd, since sun_path has 108 bytes and a path may have more, unix(7). ECONNREFUSED is a
 * socket file that nobody is bound to any more. */
static bool is_dead_socket(int dir, const char *name)
{
	int ct_autofd sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return sock >= 0 && connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	       errno == ECONNREFUSED;
}

/* An empty one may be of a start that has just begun, in another store: only sockets tell. */
static int sweep_one(int above, const char *id, unsigned char type, void *arg)
{
	const struct ct_store *store = arg;
	int ct_autofd dir = -1;

	if (type != DT_DIR || !ct_is_id(id) ||
	    faccessat(store->containers, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	dir = openat(above, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !is_old(dir, "attach") || !is_dead_socket(dir, "attach"))
		return 0;
	if (unlinkat(dir, "attach", 0) < 0 || unlinkat(above, id, AT_REMOVEDIR) < 0)
		return 0;
	return 0;
}

/* Whenever the containers of a store are listed. Monitors remove their own, so this finds only what
 * a crash, or a monitor that was killed, has left. */
void ct_runtime_sweep(const struct ct_store *store)
{
	struct places places;

	find_places(&places);
	for (size_t i = 0; i < places.count; i++) {
		int ct_autofd base = open(places.list[i].base, O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct ct_err ignored;
		int ct_autofd above = -1;

		if (base < 0)
			continue;
		above = ct_open_private(base, places.list[i].name, places.list[i].name, VARIABLE,
					false, &ignored);
		/* What cannot be read is left as it is. */
		if (above >= 0 && ct_each_entry(above, sweep_one, (void *)(uintptr_t)store) < 0)
			continue;
	}
}

/* ---- opening ---- */

/* The container's directory in one place; the place's own directory goes to *ret_above.
 * ct_open_private() makes or checks each level: ours, mode 0700, no link. */
static int open_in(const struct place *place, const char *id, bool make, int *ret_above,
		   struct ct_err *err)
{
	int ct_autofd base = open(place->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ct_autofd above = -1;
	char path[PATH_MAX];
	int fd;

	if (base < 0)
		return ct_fail_errno(err, errno, "cannot open %s", place->base);
	snprintf(path, sizeof(path), "%s/%s", place->base, place->name);
	above = ct_open_private(base, place->name, path, VARIABLE, make, err);
	if (above < 0)
		return above;
	snprintf(path, sizeof(path), "%s/%s/%s", place->base, place->name, id);
	fd = ct_open_private(above, id, path, VARIABLE, make, err);
	if (fd >= 0)
		*ret_above = ct_take_fd(&above);
	return fd;
}

/* Is it that this place cannot be used, rather than that somebody has been at it? */
static bool may_try_next(int code)
{
	return code == -ENOENT || code == -EACCES || code == -EROFS || code == -ENOSPC ||
	       code == -EDQUOT;
}

/* umask 077 against a caller's 000: the mode of mkdirat(2) is cut by it, and must not be more. */
int ct_store_runtime(struct ct_store *store, const char *id, bool make, struct ct_err *err)
{
	mode_t ct_autoumask saved = umask(077);
	struct places places;
	int fd = -1, above = -1;

	find_places(&places);
	if (!ct_is_id(id))
		return ct_fail(err, EINVAL, "\"%s\" is no id", id);
	for (size_t i = 0; i < places.count; i++) {
		fd = open_in(&places.list[i], id, make, &above, err);
		if (fd >= 0) {
			ct_drop_fd(&store->runtime);
			store->runtime = above;
			return fd;
		}
		if (!may_try_next(fd))
			return fd;
	}
	/* The last one's error: they all have failed. */
	if (make)
		ct_hint(err, "set " VARIABLE " to a directory of yours");
	return fd;
}
