/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that exists, for start and restart: in the command's own process with the
 * caller's rights. What it goes without is said. Fails as ct_container_start_again() does.
 */
#include "cli.h"
#include "starting.h"

int ct_start_existing(struct ct_store *store, struct ct_container *container, uint16_t rows,
		      uint16_t columns, int *ret_sock, struct ct_err *err)
{
	const struct ct_start_again how = {
		.rows = rows, .columns = columns, .warn = ct_report_warnings,
	};

	return ct_container_start_again(store, container, &how, ret_sock, err);
}
