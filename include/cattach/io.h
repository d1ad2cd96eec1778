/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reads, whole writes, files that appear at once or not at all, descriptors over sockets.
 */
#ifndef CATTACH_IO_H
#define CATTACH_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/**
 * ct_read_file - read a regular file whole
 * @arena:    where the text goes, NUL-terminated
 * @fd:       open for reading; must be a regular file, of the kernel's too (proc, sysfs)
 * @max:      refuse more than so many bytes (EFBIG)
 * @ret_text, @ret_size: the text and its size in bytes
 * @err:      EISDIR, EINVAL "not a regular file", EFBIG, or of read(2)
 */
int ct_read_file(struct ct_arena *arena, int fd, size_t max, const char **ret_text,
		 size_t *ret_size, struct ct_err *err);

/* The same of whatever it is, until its end: a pipe, say. Waits for who writes. */
int ct_read_stream(struct ct_arena *arena, int fd, size_t max, const char **ret_text,
		   size_t *ret_size, struct ct_err *err);

/* Open name under dirfd without following a last link and without blocking on a FIFO, then read. */
int ct_read_file_at(struct ct_arena *arena, int dirfd, const char *name, size_t max,
		    const char **ret_text, size_t *ret_size, struct ct_err *err);

/**
 * ct_read_text - read what is there into a buffer, as a text
 * @fd:   at its beginning, a small file of the kernel's as a rule
 * @size: bytes of buf; what does not fit beside the NUL is cut off
 *
 * Return: its length, or -errno.
 */
ssize_t ct_read_text(int fd, char *buf, size_t size);

/* Write everything, through short writes and EINTR: 0 or -errno. */
int ct_write_all(int fd, const void *data, size_t size);

/**
 * ct_write_file_at - replace a file in one step: a temporary beside it, then renameat(2)
 * @dirfd, @name: where; the temporary is ".NAME.tmp" and is gone on failure
 * @mode: 0600 as a rule
 * @err:  errno of the failing call
 */
int ct_write_file_at(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		     struct ct_err *err);

#define CT_FDS_MAX 9		/* descriptors in one record */

/* Send one record with up to one descriptor (fd < 0: none); 0 or -errno. Never raises SIGPIPE. */
int ct_send(int sock, const void *data, size_t size, int fd);

/* The same with count descriptors, at most CT_FDS_MAX; flags as of sendmsg(2). */
int ct_send_fds(int sock, const void *data, size_t size, const int *fds, size_t count, int flags);

/* Receive one record; *ret_fd is a CLOEXEC descriptor or -1. Bytes received, 0 at end, -errno. */
ssize_t ct_recv(int sock, void *data, size_t size, int *ret_fd);

/**
 * ct_recv_fds - receive one record and the descriptors that came with it
 * @fds: room for CT_FDS_MAX; what is not filled is -1
 * @flags: as of recvmsg(2)
 *
 * More descriptors than that: -EPROTO, and none is kept. A record longer than size: -EMSGSIZE.
 *
 * Return: bytes received, 0 at the end, -errno.
 */
ssize_t ct_recv_fds(int sock, void *data, size_t size, int fds[CT_FDS_MAX], int flags);

#endif
