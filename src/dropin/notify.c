/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --sdnotify-socket: what the container says to NOTIFY_SOCKET, passed on to the host's, as far as it is
 * a container's to say.
 *
 * The socket is BUNDLE/notify/notify.sock, which the caller mounts into the container; a datagram is
 * read when the loop says so. Only states and texts go on: which process is the main one, and which
 * descriptors are kept, is not the container's to say. May fail at the start; later what cannot be
 * sent is lost, as with datagrams.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>

#define DATAGRAM_MAX 4096

/* Without addresses in it, for the monitor gives those tables back. */
static const char allowed[][16] = {
	"READY=", "RELOADING=", "STOPPING=", "WATCHDOG=", "STATUS=", "ERRNO=", "BUSERROR=", "MONOTONIC_USEC=",
};

static bool is_allowed(const char *line, size_t length)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (length >= strlen(allowed[i]) && !strncmp(line, allowed[i], strlen(allowed[i])))
			return true;
	return false;
}

size_t ct_notify_filter(char *text, size_t size)
{
	size_t kept = 0;

	for (size_t at = 0, length; at < size; at += length + 1) {
		const char *end = memchr(text + at, '\n', size - at);

		length = end ? (size_t)(end - (text + at)) : size - at;
		if (!is_allowed(text + at, length))
			continue;
		memmove(text + kept, text + at, length);
		kept += length;
		text[kept++] = '\n';
	}
	return kept;
}

static int bind_socket(const struct dropin *d)
{
	int ct_autofd sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd dir = -1;

	if (sock < 0 || (mkdirat(d->bundle, "notify", 0755) < 0 && errno != EEXIST))
		return -errno;
	dir = openat(d->bundle, "notify", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || (unlinkat(dir, "notify.sock", 0) < 0 && errno != ENOENT))
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/notify.sock", dir);
	if (bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dir, "notify.sock", 0777, 0) < 0)
		return -errno;
	return ct_take_fd(&sock);
}

int ct_notify_open(struct dropin *d, struct ct_err *err)
{
	struct sockaddr_un address;

	if (!d->o->notify_socket)
		return 0;
	if (strlen(d->o->notify_socket) >= sizeof(address.sun_path)) {
		ct_fail(err, ENAMETOOLONG, "too long for a socket: %s", d->o->notify_socket);
		return ct_wrap(err, "--sdnotify-socket");
	}
	d->notify = bind_socket(d);
	if (d->notify >= 0)
		return 0;
	ct_fail_errno(err, -d->notify, "cannot make notify/notify.sock in the bundle");
	return ct_wrap(err, "--sdnotify-socket");
}

void ct_notify_pass(const struct dropin *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* One byte more, for the end of a last line that has none. */
	char text[DATAGRAM_MAX + 1];
	ssize_t n = recv(d->notify, text, DATAGRAM_MAX, MSG_DONTWAIT);
	size_t size = n > 0 ? ct_notify_filter(text, (size_t)n) : 0, length;

	if (!size)
		return;
	length = strlen(d->o->notify_socket);
	memcpy(address.sun_path, d->o->notify_socket, length);
	if (*d->o->notify_socket == '@')
		address.sun_path[0] = '\0';
	length += offsetof(struct sockaddr_un, sun_path);
	if (sendto(d->notify, text, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)length) < 0)
		return;
}
