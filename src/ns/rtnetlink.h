/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/ns: rtnetlink(7), as much of it as moving a network device takes. Requests are built in a
 * fixed buffer, answers are read within their bounds (rtnetlink.c, pure functions both), and one function
 * talks to the kernel (rtnetlink_talk.c).
 */
#ifndef CATTACH_NS_RTNETLINK_H
#define CATTACH_NS_RTNETLINK_H

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/buf.h>

/* ---- requests ---- */

#define CT_RTNL_REQUEST	512	/* bytes of the largest one, by far */

struct ct_rtnl_request {
	size_t size;
	union {
		struct nlmsghdr header;
		char bytes[CT_RTNL_REQUEST];
	};
};

/* Begin one of a type (RTM_*), with its fixed part. */
void ct_rtnl_begin(struct ct_rtnl_request *q, uint16_t type, uint16_t flags, const void *fixed,
		   size_t size);

/* Append an attribute. What does not fit is a mistake of ours: false, and the request is as before. */
bool ct_rtnl_put(struct ct_rtnl_request *q, uint16_t type, const void *data, size_t size);

/* ---- answers ---- */

struct ct_rtnl_answer {
	uint16_t type, flags;
	uint32_t sequence;
	const char *data;		/* behind the header */
	size_t size;
};

/**
 * ct_rtnl_next - the next message of what was received
 * @offset: where it begins; then where the one after it does
 *
 * Return: 1 one, 0 there are no more, -EBADMSG.
 */
int ct_rtnl_next(const char *data, size_t size, size_t *offset, struct ct_rtnl_answer *ret_answer);

/* The code of an NLMSG_ERROR or NLMSG_DONE: 0 or -errno; -EBADMSG when it has none that could be. */
int ct_rtnl_code(const struct ct_rtnl_answer *answer);

struct ct_rtnl_link {
	int index;
	unsigned flags;			/* IFF_* */
	char name[IFNAMSIZ];
};

/* An RTM_NEWLINK: 0 or -EBADMSG. */
int ct_rtnl_link(const struct ct_rtnl_answer *answer, struct ct_rtnl_link *ret_link);

/* Is an RTM_NEWADDR one of this device that it is to keep: permanent, and global? 1, 0, -EBADMSG. */
int ct_rtnl_keeps(const struct ct_rtnl_answer *answer, int index);

/* Put it away, header and all; ct_rtnl_next() finds it again. */
void ct_rtnl_save(const struct ct_rtnl_answer *answer, struct ct_buf *buf);

/* The same device, before and after. */
struct ct_rtnl_rename {
	const char *from, *to;		/* its names */
	int index;			/* after */
};

/* The request that gives the device such an address: 0 or -EBADMSG. A label that begins with its old
 * name begins with the new one, and is left out where that does not fit. */
int ct_rtnl_readd(const struct ct_rtnl_answer *answer, const struct ct_rtnl_rename *rename,
		  struct ct_rtnl_request *ret_request);

/* ---- the kernel ---- */

/* A socket in the network namespace that we are in, or -errno. */
int ct_rtnl_open(void);

/**
 * ct_rtnl_talk - send a request and read all that is answered
 * @q:    its flags and sequence number are completed; NLM_F_DUMP asks for a list
 * @each: gets each answer but the last one, 0 or -errno, which ends it; may be NULL
 *
 * Return: 0; -errno of the kernel's, or of each(); -EAGAIN for a list that has changed meanwhile.
 */
int ct_rtnl_talk(int sock, struct ct_rtnl_request *q,
		 int (*each)(void *arg, const struct ct_rtnl_answer *answer), void *arg);

#endif
