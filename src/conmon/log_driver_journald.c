/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log driver journald: each record is a datagram to its socket, in its native protocol.
 *
 * Runs in the monitor; the socket is made at the start, which a host without journald refuses. It
 * is not connected: the address is looked up with each datagram, so that a journald that was
 * restarted is found again. What is confined may still do that: the socket is there, its path is
 * not a file that is opened, and "/" is the host's. Records have 16 KiB of a line at most, and so
 * never need the protocol's other form, a memfd, which a confined process could not make.
 *
 * Nothing waits but the very end of a run: a queue that is full (EAGAIN), or a journald that is
 * gone, is tried again by log_driver.c. Allocates nothing.
 */
#include "log_driver.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#define BUFFER		(1 << 20)	/* bytes on their way to journald */

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Somebody who listens there; only a connection tells. */
static int look(const struct log_driver *d)
{
	int ct_autofd fd = open_socket();

	if (fd < 0 || connect(fd, (const struct sockaddr *)&d->address, sizeof(d->address)) < 0)
		return -errno;
	return 0;
}

static int set_up(int fd)
{
	const struct timeval second = { .tv_sec = 1 };
	const int size = BUFFER;

	/* The kernel gives what it allows, which is enough for one record in any case. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
		return -errno;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)) < 0 ? -errno : 0;
}

int ct_driver_journald_open(struct log_driver *d, const char *path, struct ct_err *err)
{
	size_t size;
	int r;

	path = path ? path : CT_LOG_JOURNALD_SOCKET;
	size = strlen(path);
	if (size >= sizeof(d->address.sun_path))
		return ct_fail(err, ENAMETOOLONG, "journald's socket %s: its path is too long",
			       path);
	d->address.sun_family = AF_UNIX;
	memcpy(d->address.sun_path, path, size + 1);
	r = look(d);
	if (r < 0) {
		ct_fail(err, -r, "no journald here: %s: %s", path, strerror(-r));
		return ct_hint(err, "--log-driver native, k8s-file or json-file");
	}
	d->fd = open_socket();
	r = d->fd < 0 ? -errno : set_up(d->fd);
	return r < 0 ? ct_fail_errno(err, -r, "cannot make a socket for journald") : 0;
}

int ct_driver_journald_send(struct log_driver *d)
{
	bool patient = d->patient_until && ct_now_monotonic() < d->patient_until;
	ssize_t n;

	do
		n = sendto(d->fd, d->out, d->used, patient ? 0 : MSG_DONTWAIT,
			   (const struct sockaddr *)&d->address, sizeof(d->address));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
