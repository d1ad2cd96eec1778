/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict parsing of numbers, ids, sizes, durations, names and signals. All of it refuses what
 * strtoul(3) would let through: signs, blanks, trailing text, other bases, overflow.
 */
#ifndef CATTACH_NUM_H
#define CATTACH_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/err.h>

#define CT_ID_MAX	4294967294u	/* 2^32 - 1 means "no id" to the kernel */
#define CT_NAME_MAX	128		/* bytes of a container id or name */

/**
 * ct_parse_u64 - digits only, within bounds
 * @text: decimal digits
 * @min, @max: inclusive bounds
 * @ret_value: untouched on failure
 * @err: EINVAL or ERANGE; what says "must be MIN...MAX, not "TEXT""
 */
int ct_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
		 struct ct_err *err);

/* The same with an optional leading '-'. */
int ct_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value,
		 struct ct_err *err);

/* A user or group id, 0...CT_ID_MAX. */
int ct_parse_id(const char *text, uint32_t *ret_id, struct ct_err *err);

/* Bytes with an optional suffix b, k, m, g or t (powers of 1024, any case, optional "b" or "ib"
 * behind); parts of a suffix, too: "1.5g". */
int ct_parse_size(const char *text, uint64_t *ret_bytes, struct ct_err *err);

/* true/false/1/0/yes/no/on/off, any case. */
int ct_parse_bool(const char *text, bool *ret_value, struct ct_err *err);

/* Go-like duration ("1m30s", "250ms") or plain seconds ("10"), in nanoseconds; never negative. */
int ct_parse_duration(const char *text, uint64_t *ret_ns, struct ct_err *err);

/* Octal file mode 0...07777, digits 0-7 only. */
int ct_parse_mode(const char *text, uint32_t *ret_mode, struct ct_err *err);

/* Is this a list of processors or memory nodes such as "0-3,7", or empty? */
bool ct_is_cpu_list(const char *text);

/* The same as a bit each, in a mask of so many bits that is zero before: 0, -EINVAL, or -ERANGE for a
 * number that it has no bit for. */
int ct_cpu_list_bits(const char *text, unsigned long *mask, size_t bits);

/**
 * ct_check_name - is this a container id or name?
 * @name: must match [a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}
 * @err:  EINVAL, the text says the rule and shows the name escaped
 */
int ct_check_name(const char *name, struct ct_err *err);

/**
 * ct_parse_signal - a signal by name or number: KILL, SIGKILL, kill, 9, RTMIN+3
 * @ret_signal: 1...64
 * @err: EINVAL "unknown signal "BOGUS""; the empty string, 0 and numbers over 64 too
 */
int ct_parse_signal(const char *text, int *ret_signal, struct ct_err *err);

/* "SIGTERM" for 15, "SIGRTMIN+3" for 37; writes at most size bytes into buf and returns buf. */
const char *ct_signal_name(int signal, char *buf, size_t size);

#endif
