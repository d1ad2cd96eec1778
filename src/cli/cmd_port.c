/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach port: which ports of the host lead into a container. None does: containers have no
 * network that ports could be published from, so there is nothing to list, and asking for one is an
 * error, as it is for docker when a port is not published.
 *
 * Runs in the command's own process and only reads. Fails for containers that do not exist, and for
 * whatever port is asked for.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/num.h>

static const struct ct_option port_table[] = {
	{ 0 },
};

/* PORT or PORT/PROTOCOL: how docker writes it. 1 to 65535; a missing protocol is tcp, as for
 * docker. 7 characters are enough to see that a longer one is no port. */
static int parse_port(const char *text, char *ret_port, size_t size, struct ct_err *err)
{
	const char *slash = strchr(text, '/'), *protocol = slash ? slash + 1 : "tcp";
	char number[8];
	uint64_t port;

	if (strcmp(protocol, "tcp") && strcmp(protocol, "udp") && strcmp(protocol, "sctp")) {
		ct_fail(err, EINVAL, "must be PORT/tcp, PORT/udp or PORT/sctp, not \"%.64s\"",
			text);
		return ct_wrap(err, "PORT");
	}
	snprintf(number, sizeof(number), "%.*s", slash ? (int)(slash - text) : 7, text);
	if (ct_parse_u64(number, 1, 65535, &port, err) < 0)
		return ct_wrap(err, "PORT");
	snprintf(ret_port, size, "%u/%s", (unsigned)port, protocol);
	return 0;
}

static int port_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	char port[32];
	int r = 0;

	if (call->operands.count > 1)
		r = parse_port(call->operands.items[1], port, sizeof(port), err);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		r = ct_container_find(&store, call->arena, call->operands.items[0], &container,
				      err);
	if (r == 0)
		r = ct_container_refuse_session(&container, "asked for ports", err);
	/* Listing nothing is success, as docker has it for a container without ports. */
	if (r < 0 || call->operands.count < 2)
		return r;
	ct_fail(err, ENOENT, "no public port '%s' published for %s", port,
		ct_container_label(&container));
	return ct_hint(err, "ports cannot be published; --network host shares those of the host");
}

const struct ct_verb ct_verb_port = {
	.name = "port",
	.summary = "List the ports that are published",
	.synopsis = "CONTAINER [PORT[/PROTOCOL]]",
	.description =
		"Ports of containers cannot be published, so nothing is listed, and to ask for one "
		"is an error. With \"cattach run --network host\" a container listens on the ports "
		"of the host itself.",
	.examples = "cattach port web\tNothing, and exit code 0",
	.options = port_table,
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 2,
	.handler = port_handler,
};
