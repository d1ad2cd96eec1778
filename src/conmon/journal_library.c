/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the part of libsystemd that reads the journal. dlopen(3).
 *
 * Runs in commands that read the log of a container with the log driver journald which has ended:
 * the only thing here that needs the library, so nothing else loads it, least of all a monitor. Runs
 * with the caller's rights. Fails where it is not installed, or lacks a function.
 */
#include "journal_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libsystemd.so.0"

static int load(const struct journal_library *library, const char *name, void *member, size_t size,
		struct ct_err *err)
{
	void *function = dlsym(library->handle, name);

	if (!function)
		return ct_fail(err, ENOSYS, "%s has no %s", LIBRARY, name);
	/* POSIX has an object pointer stand for a function here. */
	memcpy(member, &function, size);
	return 0;
}

int ct_journal_library_open(struct journal_library *library, struct ct_err *err)
{
	library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle)
		return ct_fail(err, ENOSYS, "reading the journal needs %s, which is not here", LIBRARY);
#define CT_JOURNAL_LOAD(name, type, arguments)                                                  \
	if (load(library, #name, &library->name, sizeof(library->name), err) < 0)               \
		return -err->code;
	CT_JOURNAL_FUNCTIONS(CT_JOURNAL_LOAD)
#undef CT_JOURNAL_LOAD
	return 0;
}
