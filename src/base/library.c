/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a library at the moment it is needed. dlopen(3), dlsym(3).
 *
 * Linking one would make every start load it and what it brings along, or refuse to start where it
 * is not installed. Nothing is given back: a command that has loaded one ends soon, and some
 * libraries do not stand being closed.
 *
 * Runs in commands, with the caller's rights; never in a monitor. Fails where the library is not
 * installed, or lacks a function.
 */
#include <cattach/library.h>

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static int fail(const struct ct_library *library, const char *what, const char *name,
		struct ct_err *err)
{
	ct_fail(err, ENOSYS, "%s needs %s, which %s%s", library->user, library->file, what, name);
	return library->package ? ct_hint(err, "apt install %s", library->package) : -ENOSYS;
}

int ct_library_load(const struct ct_library *library, void *functions, struct ct_err *err)
{
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL), *function;
	char *member = functions;

	if (!handle)
		return fail(library, "is not here", "", err);
	for (const char *name = library->names; *name; name += strlen(name) + 1) {
		function = dlsym(handle, name);
		if (!function) {
			memset(functions, 0, (size_t)(member - (char *)functions));
			fail(library, "has no ", name, err);
			dlclose(handle);
			return -ENOSYS;
		}
		/* POSIX has an object pointer stand for a function here. */
		memcpy(member, &function, sizeof(function));
		member += sizeof(function);
	}
	return 0;
}
