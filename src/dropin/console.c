/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket by which a runtime sends the master of a terminal that it has made in the container.
 *
 * Runs before and while the runtime does. In a directory of its own below TMPDIR, for its path must be
 * short; both are gone before the caller hears anything. May fail: no such directory, a runtime that
 * sends something else.
 */
#include "dropin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

/* Where there is room for a path that fits into an address. */
static const char *temporary(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir == '/' && strlen(dir) < 64 ? dir : "/tmp";
}

static int listen_at(struct sockaddr_un *address)
{
	int ct_autofd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0 || bind(sock, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(sock, 8) < 0)
		return -errno;
	return ct_take_fd(&sock);
}

int ct_console_open(struct dropin *d, struct ct_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *dir = ct_arena_printf(d->arena, "%s/cattach-conmon.XXXXXX", temporary());

	if (!d->o->terminal || d->passthrough)
		return 0;
	if (!dir)
		return ct_fail_nomem(err);
	if (!mkdtemp(dir))
		return ct_fail_errno(err, errno, "cannot make a directory for the console: %s", dir);
	d->console_dir = dir;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/console", dir);
	d->console_path = ct_arena_printf(d->arena, "%s", address.sun_path);
	d->console = listen_at(&address);
	if (d->console < 0)
		return ct_fail_errno(err, -d->console, "cannot make the console's socket in %s", dir);
	return d->console_path ? 0 : ct_fail_nomem(err);
}

void ct_console_close(struct dropin *d)
{
	ct_drop_fd(&d->console);
	if (d->console_path && unlink(d->console_path) < 0)
		errno = 0;
	if (d->console_dir && rmdir(d->console_dir) < 0)
		errno = 0;
	d->console_path = d->console_dir = NULL;
}

int ct_console_take(const struct dropin *d, int *ret_terminal, struct ct_err *err)
{
	int ct_autofd sock = accept4(d->console, NULL, NULL, SOCK_CLOEXEC);
	int ct_autofd terminal = -1;
	char name[256];
	ssize_t n;

	if (sock < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return 0;
	if (sock < 0)
		return ct_fail_errno(err, errno, "cannot accept on the console's socket");
	do
		n = ct_recv(sock, name, sizeof(name), &terminal);
	while (n == -EINTR);
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot receive the console");
	if (terminal < 0 || !isatty(terminal))
		return ct_fail(err, EPROTO, "the runtime has sent no terminal on the console's socket");
	ct_fd_close(*ret_terminal);
	*ret_terminal = ct_take_fd(&terminal);
	return 1;
}
