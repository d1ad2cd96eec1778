/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libsystemd, by the name that its interface has had since version 209.
 *
 * Runs in the process that starts a container, and only where systemd manages the cgroups: linking
 * it would make every start load it and five libraries behind it. Runs with the caller's rights.
 * Fails where it is not installed, or lacks a function.
 */
#include "systemd_library.h"

int ct_systemd_library_open(struct ct_systemd_library *library, struct ct_err *err)
{
	static const struct ct_library wanted = {
		.file = "libsystemd.so.0",
		.user = "asking systemd for a scope",
		.package = "libsystemd0",
		.names = CT_SYSTEMD_FUNCTIONS(CT_LIBRARY_NAME),
	};

	return ct_library_load(&wanted, library, err);
}
