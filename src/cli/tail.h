/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many last lines: the option --tail of logs and attach.
 */
#ifndef CATTACH_CLI_TAIL_H
#define CATTACH_CLI_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/err.h>

/**
 * ct_parse_tail - the value of --tail
 * @text: a number, "all" or less than nothing for every line; NULL when the option was not given
 * @ret_some: true when only *ret_lines last lines are wanted, false for all
 * @err: EINVAL; where is the option
 */
int ct_parse_tail(const char *text, bool *ret_some, uint64_t *ret_lines, struct ct_err *err);

#endif
