/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing descriptors to who watches a container: the master of its terminal to --console-socket, a
 * pidfd of its process to --pidfd-socket. One message with the descriptor and a text, over a stream
 * socket that the other side listens on.
 *
 * Runs in the command, with the caller's rights. May fail: nobody listens there, or the path is
 * longer than a socket's address can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include <cattach/runtime.h>

/* Through its directory when it is too long: unix(7) has room for 107 bytes. */
static int address_of(const char *path, struct sockaddr_un *address, int *ret_dir)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];

	*ret_dir = -1;
	address->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof(parent))
		return -ENAMETOOLONG;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	*ret_dir = openat(AT_FDCWD, *parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -errno;
	if (snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", *ret_dir,
		     slash + 1) >= (int)sizeof(address->sun_path))
		return -ENAMETOOLONG;
	return 0;
}

int ct_runtime_hand_over(const char *socket_path, int fd, const char *text, struct ct_err *err)
{
	struct sockaddr_un address = { 0 };
	int ct_autofd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ct_autofd dir = -1;
	int r = address_of(socket_path, &address, &dir);

	if (r == 0 && (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0))
		r = -errno;
	if (r == 0)
		r = ct_send(sock, text, strlen(text), fd);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot hand a descriptor to %s", socket_path);
	return 0;
}
