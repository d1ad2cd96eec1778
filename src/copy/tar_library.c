/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libarchive, by the name that its interface has had since version 3.0. dlopen(3).
 *
 * Runs in the command, for a source or target that is "-". Linking it would make every start load
 * it and a dozen libraries behind it. The library parses what a stranger may have packed, so it
 * runs with the caller's rights and makes no files; that is apply.c's business. Fails where it is
 * not installed, or lacks a function.
 */
#include "tar_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libarchive.so.13"

static int load(struct ct_tar_library *library, const char *name, void *member, size_t size,
		struct ct_err *err)
{
	void *function = dlsym(library->handle, name);

	if (!function)
		return ct_fail(err, ENOSYS, "%s has no %s", LIBRARY, name);
	/* POSIX has an object pointer stand for a function here. */
	memcpy(member, &function, size);
	return 0;
}

int ct_tar_library_open(struct ct_tar_library *library, struct ct_err *err)
{
	library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle) {
		ct_fail(err, ENOSYS, "tar streams need %s", LIBRARY);
		return ct_hint(err, "apt install libarchive-tools");
	}
#define CT_TAR_LOAD(name, type, arguments)                                                     \
	if (load(library, #name, &library->name, sizeof(library->name), err) < 0)              \
		return -err->code;
	CT_TAR_FUNCTIONS(CT_TAR_LOAD)
#undef CT_TAR_LOAD
	return 0;
}

void ct_tar_library_close(struct ct_tar_library *library)
{
	if (library->handle)
		dlclose(library->handle);
	library->handle = NULL;
}
