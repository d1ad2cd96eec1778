/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: where it went wrong, what is wrong, how to get out of it, and the exit code.
 *
 * It lives on the caller's stack, has a fixed size and is filled without allocating, so it works
 * when memory is gone and in a process between clone and exec. It travels as plain bytes over a
 * pipe or socket, so that the exact error of the innermost process reaches the user's terminal.
 *
 * Rule: a function that takes a struct ct_err returns a negative number if and only if it has
 * filled it. Libraries never print and never exit; only src/cli/main.c does.
 */
#ifndef CATTACH_ERR_H
#define CATTACH_ERR_H

#include <stddef.h>

/* Exit codes that are ours; docker and podman give them the same meaning. */
#define CT_EXIT_FAILED		125	/* cattach could not do it; no payload ran */
#define CT_EXIT_TIMED_OUT	124	/* as timeout(1) says it */
#define CT_EXIT_NOT_EXECUTABLE	126	/* the command was found but cannot be executed */
#define CT_EXIT_NOT_FOUND	127	/* the command was not found in the container */
#define CT_EXIT_SIGNAL_BASE	128	/* payload ended by signal n: 128 + n */

struct ct_err {
	int code;		/* errno-like, 0 when nothing failed */
	int exit;		/* what main() exits with */
	char where[160];	/* "config.json:41:7: mounts[3].source", "--user"; may be empty */
	char what[512];		/* "no such directory: /nope" */
	char hint[256];		/* "apt install uidmap"; may be empty */
};

/**
 * ct_fail - fill an error
 * @err:  filled; where and hint are cleared, exit becomes CT_EXIT_FAILED
 * @code: errno-like code; 0 counts as EINVAL
 * @fmt:  what is wrong, in one line, without a trailing period
 *
 * Return: -code, always negative, so that callers write "return ct_fail(...)".
 */
int ct_fail(struct ct_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * ct_fail_errno - fill an error from a failed system call
 * @err:  as in ct_fail()
 * @code: the errno of the call; its text is appended after ": "
 * @fmt:  what was attempted: "cannot open %s"
 *
 * Return: -code.
 */
int ct_fail_errno(struct ct_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * ct_wrap - say where an error happened, keeping what happened
 * @err: an error that a callee filled
 * @fmt: the place: "mounts[%zu].destination"; put before a place that is already there
 *
 * Return: -err->code.
 */
int ct_wrap(struct ct_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/**
 * ct_hint - add the way out
 * @err: a filled error
 * @fmt: what the user can do, shown in parentheses; replaces an earlier hint
 *
 * Return: -err->code.
 */
int ct_hint(struct ct_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/**
 * ct_exit_with - choose the exit code of an error
 * @err:  a filled error
 * @exit: CT_EXIT_*
 *
 * Return: -err->code.
 */
int ct_exit_with(struct ct_err *err, int exit) __attribute__((cold));

/**
 * ct_err_format - the one line that a person reads: "where: what (hint)"
 * @err:  a filled error
 * @buf:  receives the text, always NUL-terminated; control characters and bytes that are not
 *        UTF-8 come out as \xNN, so that a hostile file name cannot drive the terminal
 * @size: size of @buf in bytes
 *
 * Return: the length of the text in bytes.
 */
size_t ct_err_format(const struct ct_err *err, char *buf, size_t size);

#endif
