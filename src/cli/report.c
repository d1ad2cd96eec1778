/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that prints errors: one line on standard error, "cattach: where: what (hint)".
 *
 * Called by main() for the error that ends the command, and by verbs that go on with their other
 * operands. Runs in the command's own process; that stderr is gone is nobody's business.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/io.h>

void ct_report_warnings(const struct ct_strings *warnings)
{
	char text[1400];

	for (size_t i = 0; i < warnings->count; i++) {
		int n = snprintf(text, sizeof(text) - 1, "cattach: warning: %s",
				 warnings->items[i]);
		size_t used = (size_t)n < sizeof(text) - 2 ? (size_t)n : sizeof(text) - 2;

		text[used++] = '\n';
		if (ct_write_all(STDERR_FILENO, text, used) < 0)
			return;
	}
}

void ct_report(const struct ct_err *err)
{
	char text[1400] = "cattach: ";
	size_t used = strlen(text);

	/* nobody reads our output any more: that is no news to whoever closed it */
	if (err->code == EPIPE && err->exit == CT_EXIT_SIGNAL_BASE + SIGPIPE)
		return;
	used += ct_err_format(err, text + used, sizeof(text) - used - 1);
	if (used > sizeof(text) - 2)
		used = sizeof(text) - 2;
	text[used++] = '\n';
	/* there is no second place to complain to when stderr is gone */
	if (ct_write_all(STDERR_FILENO, text, used) < 0)
		return;
}
