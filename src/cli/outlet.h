/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor that others share, without ever blocking and without making it
 * non-blocking for the others, too.
 */
#ifndef CATTACH_CLI_OUTLET_H
#define CATTACH_CLI_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ct_outlet {
	int fd;
	bool own;		/* fd is a description of our own, and non-blocking */
	bool regular;		/* a file: writes do not wait for anybody */
	size_t chunk;		/* RWF_NOWAIT is not supported: poll, then write so much; or 0 */
};

/* Look at what fd is; it stays the caller's. */
void ct_outlet_open(int fd, struct ct_outlet *ret_outlet);
void ct_outlet_close(struct ct_outlet *outlet);

/* Write what can be written now: bytes, 0 when nothing can (wait for POLLOUT), -errno. */
ssize_t ct_outlet_write(struct ct_outlet *outlet, const void *data, size_t size);

#endif
