/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libarchive, by the name that its interface has had since version 3.0.
 *
 * Runs in the command, for a source or target that is "-". Linking it would make every start load
 * it and a dozen libraries behind it. The library parses what a stranger may have packed, so it
 * runs with the caller's rights and makes no files; that is apply.c's business. Fails where it is
 * not installed, or lacks a function.
 */
#include "tar_library.h"

int ct_tar_library_open(struct ct_tar_library *library, struct ct_err *err)
{
	static const struct ct_library wanted = {
		.file = "libarchive.so.13",
		.user = "a tar stream",
		.package = "libarchive-tools",
		.names = CT_TAR_FUNCTIONS(CT_LIBRARY_NAME),
	};

	return ct_library_load(&wanted, library, err);
}
