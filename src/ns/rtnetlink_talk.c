/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with the kernel over rtnetlink(7): one request, and all that is answered to it.
 *
 * Runs in the command that plans a start, and in the starter; a socket belongs to the network namespace
 * that it was made in, wherever its user is. The kernel answers at once, so nothing here waits for
 * others. What may fail: whatever the kernel says, and an answer that is not one.
 */
#include "rtnetlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#define ANSWERS_MAX	65536	/* bytes in one piece; the kernel sends half of that */

struct talk {
	const struct ct_rtnl_request *q;
	int (*each)(void *arg, const struct ct_rtnl_answer *answer);
	void *arg;
	bool interrupted;		/* the list is not that of one moment */
};

int ct_rtnl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

/* From the kernel, whose address is 0, and whole: its size, or -errno. */
static ssize_t receive(int sock, char *buf)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { buf, ANSWERS_MAX };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1,
	};
	ssize_t n;

	do
		n = recvmsg(sock, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return from.nl_family != AF_NETLINK || from.nl_pid != 0 || n == 0 ? -EBADMSG : n;
}

/* 1 that was the last one, 0 there are more, -errno. */
static int take(struct talk *t, const struct ct_rtnl_answer *answer)
{
	if (answer->sequence != t->q->header.nlmsg_seq)
		return 0;
	if (answer->flags & NLM_F_DUMP_INTR)
		t->interrupted = true;
	if (answer->type == NLMSG_ERROR || answer->type == NLMSG_DONE) {
		int code = ct_rtnl_code(answer);

		return code < 0 ? code : 1;
	}
	return t->each ? t->each(t->arg, answer) : 0;
}

static int take_all(struct talk *t, int sock, char *buf)
{
	struct ct_rtnl_answer answer;

	for (;;) {
		ssize_t n = receive(sock, buf);
		size_t offset = 0;
		int r;

		if (n < 0)
			return (int)n;
		while ((r = ct_rtnl_next(buf, (size_t)n, &offset, &answer)) == 1) {
			r = take(t, &answer);
			if (r != 0)
				return r < 0 ? r : 0;
		}
		if (r < 0)
			return r;
	}
}

static int send_request(int sock, struct ct_rtnl_request *q)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	q->header.nlmsg_len = (uint32_t)q->size;
	q->header.nlmsg_flags |= NLM_F_REQUEST;
	/* A list has an end of its own. */
	if ((q->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		q->header.nlmsg_flags |= NLM_F_ACK;
	/* What may be left of one that went wrong is not ours. */
	q->header.nlmsg_seq = (uint32_t)ct_now_monotonic();
	n = sendto(sock, q->bytes, q->size, MSG_NOSIGNAL, (const struct sockaddr *)&kernel,
		   sizeof(kernel));
	return n < 0 ? -errno : 0;
}

int ct_rtnl_talk(int sock, struct ct_rtnl_request *q,
		 int (*each)(void *arg, const struct ct_rtnl_answer *answer), void *arg)
{
	struct talk talk = { .q = q, .each = each, .arg = arg };
	char ct_autofree *buf = malloc(ANSWERS_MAX);
	int r;

	if (!buf)
		return -ENOMEM;
	r = send_request(sock, q);
	if (r == 0)
		r = take_all(&talk, sock, buf);
	return r == 0 && talk.interrupted ? -EAGAIN : r;
}
