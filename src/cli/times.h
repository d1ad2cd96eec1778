/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as docker writes them.
 */
#ifndef CATTACH_CLI_TIMES_H
#define CATTACH_CLI_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define CT_TIME_SIZE 64		/* enough for every text below */

/* "2006-01-02T15:04:05.123Z" in UTC; 0 is "0001-01-01T00:00:00Z", as for Go. Returns buf. */
const char *ct_time_rfc3339(uint64_t ns, char buf[CT_TIME_SIZE]);

/* "2006-01-02 15:04:05 +0200 CEST" in local time. Returns buf. */
const char *ct_time_local(uint64_t ns, char buf[CT_TIME_SIZE]);

/* "2006-01-02T15:04:05.000000000+02:00" in local time, "Z" for UTC: always nine digits. */
const char *ct_time_event(uint64_t ns, char buf[CT_TIME_SIZE]);

#endif
