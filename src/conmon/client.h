/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/conmon: what client.c and client_segments.c share.
 */
#ifndef CATTACH_CONMON_CLIENT_H
#define CATTACH_CONMON_CLIENT_H

#include <cattach/client.h>
#include <cattach/io.h>

/* The next message and its descriptors, without waiting; notes what the client must know. As
 * ct_client_receive(), but questions for the position come out, too. */
int ct_client_take(struct ct_client *client, struct ct_message *ret_message, int fds[CT_FDS_MAX],
		   struct ct_err *err);
void ct_client_drop_fds(int fds[CT_FDS_MAX]);

/* Wait until there is something to take: 0, or ETIMEDOUT "does not answer" at this time. */
int ct_client_await(struct ct_client *client, uint64_t limit, struct ct_err *err);
/* The time until which an answer is waited for. */
uint64_t ct_client_limit(const struct ct_client *client);

#endif
