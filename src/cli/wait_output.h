/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until a container has written something.
 */
#ifndef CATTACH_CLI_WAIT_OUTPUT_H
#define CATTACH_CLI_WAIT_OUTPUT_H

#include <stdint.h>

#include "cli.h"

#define CT_EXIT_NOT_SEEN	1	/* the container ended without writing it */

/* What "wait" was asked for, parsed. */
struct ct_wait_output {
	const char *regex;
	bool stream[2];			/* stdout, stderr */
	uint64_t deadline;		/* CLOCK_MONOTONIC ns, 0: none */
};

/**
 * ct_wait_output - wait until every operand has written a line that matches
 *
 * From the beginning of the container's current run, or last one, so that what is written already
 * counts; a line without its newline counts, too.
 *
 * Return: 0 all have, CT_EXIT_NOT_SEEN, CT_EXIT_TIMED_OUT, another exit code, or negative.
 */
int ct_wait_output(const struct ct_call *call, const struct ct_wait_output *wait,
		   struct ct_err *err);

#endif
