/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --sdnotify: telling systemd, or whoever has set NOTIFY_SOCKET, that a container has started; or
 * letting the container tell.
 *
 * Runs in the command that starts it, with the caller's rights. The protocol is one datagram of
 * "NAME=VALUE" lines, sd_notify(3), so it is sent from here: loading libsystemd for that would cost
 * each start a millisecond. Without NOTIFY_SOCKET nothing is done, as with sd_notify. May fail: a
 * socket that is not there, or one of a kind that a container cannot be given.
 *
 *   monitor    we send MAINPID and READY=1 once the container has started
 *   container  we send MAINPID; the payload sends READY=1 over the socket, bound to /dev/notify
 *   ignore     nothing
 *
 * systemd takes messages from the main process or, with NotifyAccess=all, from any of the service.
 */
#include <cattach/container.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>

#define VARIABLE	"NOTIFY_SOCKET"
/* In the container: what is below /dev is not of its image, and can be made there in any case. */
#define INSIDE		"/dev/notify"

/* "conmon" is podman's word for what our monitor is. */
int ct_sdnotify_parse(const char *text, const char **ret_mode, struct ct_err *err)
{
	*ret_mode = NULL;
	if (!text || !strcmp(text, "ignore"))
		return 0;
	if (!strcmp(text, "container"))
		*ret_mode = "container";
	else if (!strcmp(text, "monitor") || !strcmp(text, "conmon"))
		*ret_mode = "monitor";
	else
		ct_fail(err, EINVAL, "must be container, monitor (conmon) or ignore, not \"%.64s\"",
			text);
	return *ret_mode ? 0 : ct_wrap(err, "--sdnotify");
}

bool ct_sdnotify_wanted(const struct ct_meta *meta)
{
	const char *path = getenv(VARIABLE);

	return meta->sdnotify && path && *path;
}

/* A path, or a name without one, which begins with "@". */
static int check_address(const char *path, struct ct_err *err)
{
	if (*path != '/' && *path != '@')
		return ct_fail(err, EAFNOSUPPORT, VARIABLE "=%.128s is no path, nor the name of an "
			       "abstract socket", path);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return ct_fail(err, ENAMETOOLONG, VARIABLE "=%.128s is too long for a socket",
			       path);
	return 0;
}

/* ---- the container tells ---- */

/* A variable of that name that the image or the caller has set would lead elsewhere. */
static int set_variable(struct ct_arena *arena, struct ct_spec *spec, const char *path,
			struct ct_err *err)
{
	const struct ct_strings *old = &spec->process->env;
	struct ct_strings all = { 0 };
	const char *ours = ct_arena_printf(arena, VARIABLE "=%s", path);
	int r = ours ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < old->count; i++)
		if (strncmp(old->items[i], VARIABLE "=", strlen(VARIABLE "=")) != 0)
			r = ct_strings_add(arena, &all, old->items[i]);
	if (r == 0)
		r = ct_strings_add(arena, &all, ours);
	if (r < 0)
		return ct_fail_nomem(err);
	spec->process->env = all;
	return 0;
}

/* The socket is bound itself and not its directory, in which there are those of other services. */
static int bind_socket(struct ct_arena *arena, struct ct_spec *spec, const char *path,
		       struct ct_err *err)
{
	struct ct_spec_mounts *mounts = &spec->mounts, all = { .count = mounts->count };
	struct ct_spec_mount *mount;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return ct_fail(err, ENOTSOCK, "no such socket: " VARIABLE "=%s", path);
	all.items = ct_arena_calloc(arena, mounts->count + 1, sizeof(*all.items));
	if (!all.items)
		return ct_fail_nomem(err);
	if (mounts->count)
		memcpy(all.items, mounts->items, mounts->count * sizeof(*all.items));
	mount = &all.items[all.count++];
	mount->destination = INSIDE;
	mount->source = path;
	mount->type = "bind";
	if (ct_strings_add(arena, &mount->options, "bind") < 0 ||
	    ct_strings_add(arena, &mount->options, "rprivate") < 0)
		return ct_fail_nomem(err);
	*mounts = all;
	return set_variable(arena, spec, INSIDE, err);
}

/* Abstract names are the network namespace's. */
static int share_name(struct ct_arena *arena, struct ct_spec *spec, const char *path,
		      struct ct_err *err)
{
	if (!spec->linux_.namespaces[CT_NS_NETWORK].present)
		return set_variable(arena, spec, path, err);
	ct_fail(err, EINVAL,
		VARIABLE "=%.128s is abstract, and cannot be reached from another network", path);
	return ct_hint(err, "--network host, or --sdnotify monitor");
}

int ct_sdnotify_prepare(const struct ct_meta *meta, struct ct_arena *arena, struct ct_spec *spec,
			struct ct_err *err)
{
	const char *path = getenv(VARIABLE);
	int r;

	if (!path || !ct_sdnotify_wanted(meta))
		return 0;
	r = check_address(path, err);
	if (r == 0 && !strcmp(meta->sdnotify, "container"))
		r = *path == '/' ? bind_socket(arena, spec, path, err) :
				   share_name(arena, spec, path, err);
	return r < 0 ? ct_wrap(err, "--sdnotify") : 0;
}

/* ---- we tell ---- */

/* An abstract name begins with a NUL and has no end but the address's length, unix(7). */
static int send_text(const char *path, const char *text)
{
	int ct_autofd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path);

	if (fd < 0)
		return -errno;
	/* Looked at before the start: it cannot have changed since. */
	if (!size || size >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, size);
	if (*path == '@')
		address.sun_path[0] = '\0';
	size += offsetof(struct sockaddr_un, sun_path);
	return sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		      (socklen_t)size) < 0 ? -errno : 0;
}

int ct_sdnotify_tell(const struct ct_meta *meta, pid_t monitor, struct ct_err *err)
{
	const char *path = getenv(VARIABLE);
	char text[64];
	int r;

	if (!path || !ct_sdnotify_wanted(meta))
		return 0;
	snprintf(text, sizeof(text), "MAINPID=%d%s", monitor,
		 strcmp(meta->sdnotify, "container") ? "\nREADY=1" : "");
	r = send_text(path, text);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot notify systemd: " VARIABLE "=%s", path);
	return 0;
}

/* The container runs: that nobody could be told of it is worth a line and no more. */
void ct_sdnotify_started(const struct ct_meta *meta, pid_t monitor)
{
	struct ct_err err = { 0 };

	if (ct_sdnotify_tell(meta, monitor, &err) < 0)
		ct_warn("%s", err.what);
}
