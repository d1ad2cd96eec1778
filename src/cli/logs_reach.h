/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the file of a log driver goes, as its monitor's page tells, and where in memory the bytes
 * begin that it does not have.
 */
#ifndef CATTACH_CLI_LOGS_REACH_H
#define CATTACH_CLI_LOGS_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/client.h>
#include <cattach/err.h>
#include <cattach/streamlog.h>

struct ct_log_reach {
	uint64_t filed;			/* payload bytes that are in the file, or held: */
	uint32_t held[2];		/* of each stream, the last ones before that */
	bool failing;			/* it takes no more */
};

struct ct_log_reach ct_log_reach_of(const struct ct_page *page);

/* Is that still so, and, unless it fails, all that there is? */
bool ct_log_reach_is_still(const struct ct_page *page, const struct ct_log_reach *reach);

/**
 * ct_log_reach_open - a cursor on memory that leaves out what the file has
 * @seen:      of each stream, how many of the held bytes are left out as well
 * @frame:     room for a frame
 * @ret_first: offset of the first frame with any of those bytes
 * @ret_lost:  bytes between the file's last one and the first one that memory has; 0, as a rule
 *
 * Return: 0, 1 memory was used again meanwhile, look again; or negative.
 */
int ct_log_reach_open(struct ct_client *client, const struct ct_log_reach *reach,
		      const uint32_t seen[2], void *frame, struct ct_cursor *ret_cursor,
		      uint64_t *ret_first, uint64_t *ret_lost, struct ct_err *err);

#endif
