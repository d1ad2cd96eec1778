/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into a container, as its monitor hands it out: descriptors that were made when it still
 * might look, and that need no right to trace the payload.
 *
 * Runs in commands, with the user's rights. One question and one answer; other messages that come
 * in between are noted in the client for its caller. Fails when the payload has ended, and when the
 * monitor has: then there is nothing to go into.
 */
#include <errno.h>

#include <cattach/fd.h>

#include "client.h"

/* All or none: a part of them would let somebody in half. */
static int take_places(int fds[CT_FDS_MAX], int ret_fds[CT_ATTACH_PLACES], struct ct_err *err)
{
	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		if (fds[i] < 0)
			return ct_fail(err, ENOENT, "its monitor has no way into the container");
	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		ret_fds[i] = ct_take_fd(&fds[i]);
	return 0;
}

int ct_client_namespaces(struct ct_client *client, int ret_fds[CT_ATTACH_PLACES],
			 struct ct_err *err)
{
	struct ct_message question = { .type = CT_MSG_NAMESPACES_GET }, answer;
	uint64_t limit = ct_client_limit(client);
	int r = ct_client_send(client, &question);
	int fds[CT_FDS_MAX];

	if (r < 0)
		return ct_fail_errno(err, -r, "cannot ask the container's monitor");
	for (;;) {
		r = ct_client_take(client, &answer, fds, err);
		if (r == 0)
			r = ct_client_await(client, limit, err);
		else if (r > 0 && answer.type == CT_MSG_NAMESPACES)
			break;
		else if (r > 0)
			ct_client_drop_fds(fds);
		if (r < 0)
			return r;
	}
	r = take_places(fds, ret_fds, err);
	ct_client_drop_fds(fds);
	return r;
}
