/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: the starter's side of clients that wait for a start (waiter.c).
 */
#ifndef CATTACH_CONTAINER_WAITER_H
#define CATTACH_CONTAINER_WAITER_H

#include <stddef.h>

#define CT_WAITERS_MAX 64

/* Connect to all that wait in a runtime directory, at most CT_WAITERS_MAX, and give them a moment
 * to say HELLO. Returns how many; the descriptors are the caller's. */
size_t ct_waiters_connect(int runtime, int fds[CT_WAITERS_MAX]);

#endif
