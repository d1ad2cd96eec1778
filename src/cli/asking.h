/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a monitor something without attaching: for send, clients and detach.
 */
#ifndef CATTACH_CLI_ASKING_H
#define CATTACH_CLI_ASKING_H

#include <stddef.h>
#include <stdint.h>

#include <cattach/client.h>

#include "cli.h"

struct ct_asking {
	struct ct_store store;
	struct ct_container container;
	struct ct_client client;
	const char *name;		/* of the container, for messages */
};

#define CT_ASKING_INIT \
	{ .store = CT_STORE_INIT, .container = CT_CONTAINER_INIT, .client = CT_CLIENT_INIT }

/* Find the container and connect to its monitor; hello: CT_HELLO_*, QUIET is added.
 * ESRCH "container x is not running". Close in any case. */
int ct_ask_open(struct ct_asking *asking, const struct ct_call *call, const char *name,
		uint32_t hello, struct ct_err *err);
void ct_ask_close(struct ct_asking *asking);

static inline void ct_autoasking_cleanup(struct ct_asking *asking)
{
	ct_ask_close(asking);
}

#define ct_autoasking __attribute__((cleanup(ct_autoasking_cleanup)))

int ct_ask_send(struct ct_asking *asking, const struct ct_message *message, struct ct_err *err);

/**
 * ct_ask_wait - wait for a message of this type; others are passed over
 * @err: ESRCH "container x has ended"; what the monitor refused, in its words
 */
int ct_ask_wait(struct ct_asking *asking, enum ct_message_type type,
		struct ct_message *ret_message, struct ct_err *err);

/* Who is attached, in the order of their places; in the arena. */
struct ct_attached {
	struct ct_message *items;
	size_t count;
};

int ct_ask_clients(struct ct_asking *asking, struct ct_arena *arena,
		   struct ct_attached *ret_attached, struct ct_err *err);

#endif
