/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as what the kernel answers to rtnetlink.
 *
 * They are walked as messages, and each is read as a link, an address and an error. Beyond memory errors
 * it looks for broken promises: messages lie one behind the other within the bytes, names end, an address
 * that was put away is found again, and the request that adds it is one that we would take ourselves, of
 * the same device and without the kernel's own flags.
 * Linked with libFuzzer or with the driver that replays the corpus.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ns/rtnetlink.h"

#define INDEX	9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* As the kernel would tell of what it has been asked for. */
static void check_request(struct ct_rtnl_request *q)
{
	struct ct_rtnl_answer again;
	size_t offset = 0;

	demand(q->size <= sizeof(q->bytes), "the size of a request");
	q->header.nlmsg_len = (uint32_t)q->size;
	demand(ct_rtnl_next(q->bytes, q->size, &offset, &again) == 1 && offset == q->size, "one request");
	demand(ct_rtnl_keeps(&again, INDEX) == 0, "a request is not permanent, and well-formed");
}

static void check_address(const struct ct_rtnl_answer *answer)
{
	const struct ct_rtnl_rename rename = { .from = "eth0", .to = "a-longer-name", .index = INDEX };
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_rtnl_answer saved;
	struct ct_rtnl_request q;
	size_t offset = 0;

	if (ct_rtnl_keeps(answer, INDEX) < 0) {
		demand(ct_rtnl_readd(answer, &rename, &q) == -EBADMSG, "what is refused is not added");
		return;
	}
	ct_rtnl_save(answer, &buf);
	demand(ct_rtnl_next(buf.data, buf.length, &offset, &saved) == 1, "it was put away");
	demand(saved.type == answer->type && saved.size == answer->size && offset == buf.length &&
	       memcmp(saved.data, answer->data, saved.size) == 0, "it is the same");
	/* Thousands of attributes are not what a request has room for. */
	if (ct_rtnl_readd(&saved, &rename, &q) == 0)
		check_request(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1);
	struct ct_rtnl_answer answer;
	struct ct_rtnl_link link;
	size_t offset = 0, before = 0;

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	while (ct_rtnl_next(exact, size, &offset, &answer) == 1) {
		demand(offset > before && offset <= size, "messages lie one behind the other");
		demand(answer.data == exact + before + NLMSG_HDRLEN &&
		       answer.size <= size - before - NLMSG_HDRLEN, "within the bytes");
		before = offset;
		if (ct_rtnl_link(&answer, &link) == 0)
			demand(link.index > 0 && strnlen(link.name, IFNAMSIZ) < IFNAMSIZ && link.name[0],
			       "a link has an index and a name");
		demand(ct_rtnl_code(&answer) <= 0, "an error is negative");
		check_address(&answer);
	}
	free(exact);
	return 0;
}
