/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libsystemd, by the name that its interface has had since version 209. dlopen(3).
 *
 * Runs in the process that starts a container, and only where systemd manages the cgroups: linking
 * it would make every start load it and five libraries behind it. Runs with the caller's rights.
 * Fails where it is not installed, or lacks a function.
 */
#include "systemd_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libsystemd.so.0"

static int load(const struct ct_systemd_library *library, const char *name, void *member,
		size_t size, struct ct_err *err)
{
	void *function = dlsym(library->handle, name);

	if (!function)
		return ct_fail(err, ENOSYS, "%s has no %s", LIBRARY, name);
	/* POSIX has an object pointer stand for a function here. */
	memcpy(member, &function, size);
	return 0;
}

int ct_systemd_library_open(struct ct_systemd_library *library, struct ct_err *err)
{
	library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle) {
		ct_fail(err, ENOSYS, "asking systemd for a scope needs %s", LIBRARY);
		return ct_hint(err, "apt install libsystemd0");
	}
#define CT_SYSTEMD_LOAD(name, type, arguments)                                                  \
	if (load(library, #name, &library->name, sizeof(library->name), err) < 0)               \
		return -err->code;
	CT_SYSTEMD_FUNCTIONS(CT_SYSTEMD_LOAD)
#undef CT_SYSTEMD_LOAD
	return 0;
}
