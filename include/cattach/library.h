/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that few commands need: loaded where one is used, so that nothing else pays for them.
 *
 * Which functions are used is a list of F(NAME, TYPE, ARGUMENTS), each as the manual has it:
 *
 *	#define MATH_FUNCTIONS(F)                       \
 *		F(cos, double, (double))                \
 *		F(ldexp, double, (double, int))
 *
 *	struct math_library { MATH_FUNCTIONS(CT_LIBRARY_MEMBER) };
 *
 *	static const struct ct_library library = {
 *		.file = "libm.so.6",
 *		.user = "a curve",
 *		.names = MATH_FUNCTIONS(CT_LIBRARY_NAME),
 *	};
 */
#ifndef CATTACH_LIBRARY_H
#define CATTACH_LIBRARY_H

#include <cattach/err.h>

/* Names and types have no parentheses. NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define CT_LIBRARY_MEMBER(name, type, arguments)	type(*name) arguments;
#define CT_LIBRARY_NAME(name, type, arguments)		#name "\0"

struct ct_library {
	const char *file;	/* as the linker knows it */
	const char *user;	/* what needs it, for errors */
	const char *package;	/* of Debian, for the hint; or NULL */
	const char *names;	/* of functions, each with a NUL behind it, an empty one last */
};

/**
 * ct_library_load - load a library, and find functions of it
 * @library:   never closed again: such libraries keep state of their own
 * @functions: a structure of one pointer a name and nothing else, in the order of the names: all are
 *             found, or none is
 * @err:       ENOSYS "a tar stream needs libarchive.so.13, which is not here", or "..., which has no
 *             archive_read_new"
 */
int ct_library_load(const struct ct_library *library, void *functions, struct ct_err *err);

#endif
