/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of descriptors and memory by scope: what a variable declared with one of the ct_auto
 * attributes owns is released when the scope ends, on every way out, with errno preserved.
 * ct_take_fd() and ct_take() hand the thing on and disarm the variable.
 */
#ifndef CATTACH_FD_H
#define CATTACH_FD_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Close a descriptor unless it is negative; keeps errno. */
static inline void ct_fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
}

static inline void ct_autofd_cleanup(int *fd)
{
	ct_fd_close(*fd);
}

static inline void ct_autofree_cleanup(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void ct_autodir_cleanup(DIR **dir)
{
	if (*dir) {
		int saved = errno;

		closedir(*dir);
		errno = saved;
	}
}

/* int ct_autofd fd = -1;  closed at the end of the scope */
#define ct_autofd __attribute__((cleanup(ct_autofd_cleanup)))
/* char ct_autofree *p = NULL;  freed at the end of the scope */
#define ct_autofree __attribute__((cleanup(ct_autofree_cleanup)))
/* DIR ct_autodir *d = NULL;  closed at the end of the scope */
#define ct_autodir __attribute__((cleanup(ct_autodir_cleanup)))

/* Take the descriptor out of an owning variable, which then owns nothing. */
static inline int ct_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Close what an owning variable holds, now, and disarm it. */
static inline void ct_drop_fd(int *fd)
{
	ct_fd_close(ct_take_fd(fd));
}

/* Take the pointer out of an owning variable, which then owns nothing. */
#define ct_take(p)                      \
	({                              \
		__typeof__(*(p)) _t = *(p); \
		*(p) = NULL;            \
		_t;                     \
	})

/* What is made until the end of the scope has the mode that is meant, whatever the caller's umask is:
 * mode_t ct_autoumask saved = umask(077); */
static inline void ct_autoumask_cleanup(mode_t *saved)
{
	umask(*saved);
}

#define ct_autoumask __attribute__((cleanup(ct_autoumask_cleanup), unused))

#endif
