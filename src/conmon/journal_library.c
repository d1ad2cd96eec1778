/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the part of libsystemd that reads the journal.
 *
 * Runs in commands that read the log of a container with the log driver journald which has ended:
 * the only thing here that needs the library, so nothing else loads it, least of all a monitor. Runs
 * with the caller's rights. Fails where it is not installed, or lacks a function.
 */
#include "journal_library.h"

int ct_journal_library_open(struct journal_library *library, struct ct_err *err)
{
	static const struct ct_library wanted = {
		.file = "libsystemd.so.0",
		.user = "reading the journal",
		.names = CT_JOURNAL_FUNCTIONS(CT_LIBRARY_NAME),
	};

	return ct_library_load(&wanted, library, err);
}
