/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as people give them (--since, --until) and as logs show them.
 */
#ifndef CATTACH_TIMESPEC_H
#define CATTACH_TIMESPEC_H

#include <stdint.h>

#include <cattach/err.h>

/**
 * ct_parse_time - a point in time
 * @text: a span before now ("10s", "1m30s", "90": seconds; "-10s" is in the future), seconds since
 *        the epoch ("1700000000[.5]", from 1000000000 on), or a date "2006-01-02", with a time
 *        "T15[:04[:05[.999999999]]]" behind it, with a zone "Z" or "+07:00" behind that; without a
 *        zone the local one is meant
 * @now:  in ns since the epoch
 * @ret_ns: ns since the epoch; what is before 1970 becomes 0, what is after 2554 UINT64_MAX
 * @err:  EINVAL ""garbage" is no time or duration"; the caller adds where ("--since")
 */
int ct_parse_time(const char *text, uint64_t now, uint64_t *ret_ns, struct ct_err *err);

#define CT_STAMP_SIZE 32	/* "2006-01-02T15:04:05.000000000Z" and a NUL */

/* RFC 3339 in UTC with all nine digits, so that every stamp is as long as the others and sorts as
 * text. Returns buf. */
const char *ct_format_time(uint64_t ns, char buf[CT_STAMP_SIZE]);

#endif
