/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that a command is given beyond its first three: a number, and all of them must be
 * open, or those that follow would have other numbers than the caller thinks, and descriptors of
 * our own would be among them.
 *
 * Runs in run, create and exec of both faces, first of all, before anything is opened. Fails on
 * what is no number and on a descriptor that is not there.
 */
#include "preserve_fds.h"

#include <errno.h>
#include <fcntl.h>

#include <cattach/num.h>

int ct_check_fds(unsigned count, struct ct_err *err)
{
	for (int fd = 3; fd < 3 + (int)count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return ct_fail(err, EBADF, "descriptor %d is not open", fd);
	return 0;
}

int ct_preserve_fds(const char *text, unsigned *ret_count, struct ct_err *err)
{
	uint64_t count = 0;

	*ret_count = 0;
	if (!text)
		return 0;
	if (ct_parse_u64(text, 0, 1024, &count, err) < 0)
		return ct_wrap(err, "--preserve-fds");
	if (ct_check_fds((unsigned)count, err) < 0)
		return ct_wrap(err, "--preserve-fds");
	*ret_count = (unsigned)count;
	return 0;
}
