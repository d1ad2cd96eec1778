/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal with a library that is loaded already: for log_journal.c, and for tests. */
#ifndef CATTACH_CONMON_LOG_JOURNAL_H
#define CATTACH_CONMON_LOG_JOURNAL_H

#include <cattach/streamlog.h>

#include "journal_library.h"

#define JOURNAL_ENTRIES	16384u	/* of a segment: those that are in memory at a time */

/* ct_log_journal_open() with this library, which is copied. */
int ct_journal_open_with(const struct journal_library *library, const char *id,
			 struct ct_log_journal **ret_journal, struct ct_err *err);

#endif
