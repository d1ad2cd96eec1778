/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of the runtime command line in the foreground: oci_follow_open(), start it with the stdio
 * from there, oci_follow_start(), oci_follow_wait(). oci_follow_close() in any case.
 */
#ifndef CATTACH_CLI_OCI_FOLLOW_H
#define CATTACH_CLI_OCI_FOLLOW_H

#include <stdbool.h>

#include <cattach/err.h>
#include <cattach/ns.h>

#include "exec_relay.h"
#include "terminal.h"

struct oci_follow {
	struct ct_relays relays;
	struct ct_terminal own;		/* our terminal, while it is raw */
	int terminal;			/* master of the process's, or -1 */
	int signals;
	bool unread;			/* nobody takes our output any more */
};

/* Nothing yet. */
void oci_follow_init(struct oci_follow *f);

/* What it gets as stdio; from now on signals are for it. */
int oci_follow_open(struct oci_follow *f, struct ct_ns_stdio *ret_stdio, struct ct_err *err);

/* It has its ends. terminal: the master of the terminal that it has got instead, ours from now on; or -1 */
int oci_follow_start(struct oci_follow *f, int terminal, struct ct_err *err);

/* Until it has ended, and reaped then: its exit code. */
int oci_follow_wait(struct oci_follow *f, int pidfd);

/* Our own terminal is as it was. */
void oci_follow_close(struct oci_follow *f);

static inline void oci_autofollow_cleanup(struct oci_follow *f)
{
	oci_follow_close(f);
}

#define oci_autofollow __attribute__((cleanup(oci_autofollow_cleanup)))

#endif
