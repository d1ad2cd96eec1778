/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one container of a verb: named by its operand, or the newest with --latest.
 */
#ifndef CATTACH_CLI_LATEST_H
#define CATTACH_CLI_LATEST_H

#include "cli.h"

/* How many operands does a verb have that takes one container or --latest? */
int ct_check_latest(const struct ct_call *call, bool latest, struct ct_err *err);

/* Its operand, or the id of the newest container. ENOENT "there are no containers". */
int ct_operand_or_latest(const struct ct_call *call, bool latest, struct ct_store *store,
			 const char **ret_name, struct ct_err *err);

#endif
