/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reads, whole writes, files that appear at once, records with descriptors.
 *
 * Used by every process of ours with that process's privileges. What is read may have been put
 * there by a container: so the kind of file is checked on the open descriptor, nothing blocks on
 * a FIFO or device, and every read has an upper bound. What is received is bounded too: a peer
 * that sends more descriptors than were asked for only has them closed again.
 *
 * May fail as the file systems and sockets below do (ENOSPC, EIO, EPIPE, ...).
 *
 *    ct_read_file, ct_read_file_at    a regular file, bounded, into an arena
 *    ct_read_text                     into a buffer: files of /proc and of cgroups
 *    ct_write_all                     everything, or -errno
 *    ct_write_file_at                 a new file, moved into the place of the old one
 *    ct_send_fds, ct_recv_fds         a record with descriptors
 */
#include <cattach/io.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cattach/fd.h>

static ssize_t read_retry(int fd, void *data, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, data, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* On the descriptor, after the open: the name may mean something else by now. */
static int check_regular(int fd, size_t max, struct ct_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		return ct_fail(err, EISDIR, "is a directory, not a file");
	if (!S_ISREG(st.st_mode))
		return ct_fail(err, EINVAL, "not a regular file");
	/* The kernel's own files say 0 or a page: a hint for a quick answer, no more. */
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return ct_fail(err, EFBIG, "has %lld bytes, at most %zu are allowed",
			       (long long)st.st_size, max);
	return 0;
}

/* Read until the end or until size bytes are there: their number or -errno. */
static ssize_t read_some(int fd, char *data, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read_retry(fd, data + got, size - got);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* The arena's zeroes behind the text are its NUL: one byte more than was read is taken. */
int ct_read_stream(struct ct_arena *arena, int fd, size_t max, const char **ret_text,
		   size_t *ret_size, struct ct_err *err)
{
	size_t free_bytes = arena->size - arena->used, bound = max;
	ssize_t got, beyond = 0;
	char *text, probe;

	/* Sizes of proc files are not known beforehand: take all the room, give back the rest. */
	if (free_bytes < 64)
		return ct_fail_nomem(err);
	if (bound > free_bytes - 64)
		bound = free_bytes - 64;
	text = ct_arena_alloc(arena, bound + 1);
	if (!text)
		return ct_fail_nomem(err);
	got = read_some(fd, text, bound);
	/* Only untouched, still zeroed memory goes back. */
	arena->used = (size_t)(text - arena->base) + (size_t)(got < 0 ? (ssize_t)bound : got) + 1;
	if ((size_t)got == bound)
		beyond = read_retry(fd, &probe, 1);
	if (got < 0 || beyond < 0)
		return ct_fail_errno(err, got < 0 ? (int)-got : errno, "cannot be read");
	if (beyond > 0)
		return bound < max ? ct_fail_nomem(err) :
		       ct_fail(err, EFBIG, "has more than the %zu bytes that are allowed", max);
	*ret_text = text;
	*ret_size = (size_t)got;
	return 0;
}

int ct_read_file(struct ct_arena *arena, int fd, size_t max, const char **ret_text,
		 size_t *ret_size, struct ct_err *err)
{
	int ret = check_regular(fd, max, err);

	return ret < 0 ? ret : ct_read_stream(arena, fd, max, ret_text, ret_size, err);
}

/* O_NONBLOCK: an open(2) of a FIFO would wait for a writer, perhaps for ever. */
int ct_read_file_at(struct ct_arena *arena, int dirfd, const char *name, size_t max,
		    const char **ret_text, size_t *ret_size, struct ct_err *err)
{
	ct_autofd int fd = openat(dirfd, name,
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0 && errno == ELOOP) {
		ct_fail(err, ELOOP, "cannot open %s: it is a symbolic link", name);
		return ct_hint(err, "name the file that it leads to");
	}
	if (fd < 0 && errno == ENXIO)	/* a socket, or a device without a driver */
		return ct_fail(err, EINVAL, "cannot open %s: not a regular file", name);
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", name);
	ret = ct_read_file(arena, fd, max, ret_text, ret_size, err);
	return ret < 0 ? ct_wrap(err, "%s", name) : 0;
}

/* For small files of the kernel, into a buffer on the stack: what does not fit is cut. */
ssize_t ct_read_text(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n = read(fd, buf + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	return (ssize_t)used;
}

/* Blocks until all is out. Also for descriptors that somebody has made non-blocking behind our
 * back: O_NONBLOCK belongs to the open file, which the shell and we share. */
int ct_write_all(int fd, const void *data, size_t size)
{
	const char *bytes = data;

	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (n == 0) {
			return -EIO;	/* no progress and no reason: never spin */
		} else if (errno == EAGAIN) {
			/* Somebody made the terminal or pipe that we share non-blocking. */
			struct pollfd wait = { .fd = fd, .events = POLLOUT };

			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* The temporary's name is fixed, so a writer that was killed leaves at most one behind, and the
 * next one takes it away. Writers of one file exclude each other beforehand (by the state lock).
 * Readers see the old file or the new one, whole. */
int ct_write_file_at(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		     struct ct_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	ct_autofd int fd = -1;
	char temporary[NAME_MAX + 1];
	int ret;

	if (!*name || strchr(name, '/'))
		return ct_fail(err, EINVAL, "cannot write \"%s\": not a plain file name", name);
	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.tmp", name) >= sizeof(temporary))
		return ct_fail(err, ENAMETOOLONG, "cannot write %s: the name is too long", name);
	fd = openat(dirfd, temporary, flags, mode);
	/* Somebody was killed while at it. */
	if (fd < 0 && errno == EEXIST) {
		if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
			return ct_fail_errno(err, errno, "cannot remove the old %s", temporary);
		fd = openat(dirfd, temporary, flags, mode);
	}
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot create %s", temporary);
	/* The caller's umask may be anything; the mode is meant exactly. */
	ret = fchmod(fd, mode) < 0 ? -errno : ct_write_all(fd, data, size);
	if (ret == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		ret = -errno;
	if (ret == 0)
		return 0;
	unlinkat(dirfd, temporary, 0);
	return ct_fail_errno(err, -ret, "cannot write %s", name);
}

/* Room for more descriptors than anyone sends, and for credentials: so none is lost unseen. */
union control {
	char room[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

/* unix(7), cmsg(3). MSG_NOSIGNAL: a peer that is gone is an error here and no signal for the whole
 * process. */
int ct_send_fds(int sock, const void *data, size_t size, const int *fds, size_t count, int flags)
{
	union control control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (count > CT_FDS_MAX)
		return -EINVAL;
	if (count) {
		struct cmsghdr *c;

		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(*fds));
		memcpy(CMSG_DATA(c), fds, count * sizeof(*fds));
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* A record goes whole or not at all; a byte stream that took a part is the wrong socket. */
	return (size_t)n == size ? 0 : -EMSGSIZE;
}

int ct_send(int sock, const void *data, size_t size, int fd)
{
	return ct_send_fds(sock, data, size, &fd, fd >= 0, 0);
}

static void close_all(int fds[CT_FDS_MAX])
{
	for (size_t i = 0; i < CT_FDS_MAX; i++)
		ct_drop_fd(&fds[i]);
}

/* The descriptors that came along, up to CT_FDS_MAX; the others are closed. How many there were.
 * They have been installed in our table by recvmsg(2) already, wanted or not: closing is our
 * part. */
static size_t take_descriptors(struct msghdr *msg, int fds[CT_FDS_MAX])
{
	size_t count = 0;
	int fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t end = c->cmsg_len - CMSG_LEN(0), at = 0; at + sizeof(fd) <= end;
		     at += sizeof(fd), count++) {
			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (count < CT_FDS_MAX)
				fds[count] = fd;
			else
				ct_fd_close(fd);
		}
	}
	return count;
}

/* A record with its descriptors, at most CT_FDS_MAX of them; *ret_count says how many there
 * were. */
static ssize_t receive(int sock, void *data, size_t size, int fds[CT_FDS_MAX], int flags,
		       size_t *ret_count)
{
	union control control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	ssize_t n;

	for (size_t i = 0; i < CT_FDS_MAX; i++)
		fds[i] = -1;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_count = take_descriptors(&msg, fds);
	if (msg.msg_flags & MSG_CTRUNC)	/* some were lost: it is not what was sent */
		n = -EPROTO;
	else if (msg.msg_flags & MSG_TRUNC)
		n = -EMSGSIZE;
	/* At the end there is no record that a descriptor could belong to. */
	if (n <= 0)
		close_all(fds);
	return n;
}

/* -EPROTO for more descriptors than anybody sends: all of them are closed, none is used. */
ssize_t ct_recv_fds(int sock, void *data, size_t size, int fds[CT_FDS_MAX], int flags)
{
	size_t count = 0;
	ssize_t n = receive(sock, data, size, fds, flags, &count);

	if (n <= 0 || count <= CT_FDS_MAX)
		return n;
	close_all(fds);
	return -EPROTO;
}

/* At most one descriptor is wanted; -1 in *ret_fd when none came. */
ssize_t ct_recv(int sock, void *data, size_t size, int *ret_fd)
{
	int fds[CT_FDS_MAX];
	size_t count = 0;
	ssize_t n = receive(sock, data, size, fds, 0, &count);

	*ret_fd = ct_take_fd(&fds[0]);
	close_all(fds);
	return n;
}
