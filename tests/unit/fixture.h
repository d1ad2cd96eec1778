/* SPDX-License-Identifier: Apache-2.0 */
/* What many unit tests need: a fresh directory, and proof that no descriptor leaked. */
#ifndef CATTACH_TESTS_FIXTURE_H
#define CATTACH_TESTS_FIXTURE_H

#include <cattach/err.h>

/* Checked fixtures: tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown). */
void fixture_setup(void);
void fixture_teardown(void);	/* fails the test when the open descriptors are not as before */

/* The fresh directory: its name, and a descriptor of it (not counted as leaked). */
const char *fixture_path(void);
int fixture_dir(void);

/* Make a file with this text in the fresh directory, or below it. */
void fixture_file(const char *name, const char *text);

/* What is in a file there, at most so many bytes of it. */
size_t fixture_read(const char *name, void *buf, size_t max);

/* How many descriptors this process has open. */
unsigned fixture_count_fds(void);

/* As ck_assert(), for what is looked at a million times: Check writes something down each time. */
#define ck_quick(condition)                                              \
	do {                                                             \
		if (!(condition))                                        \
			ck_abort_msg("%s", "not so: " #condition);       \
	} while (0)

/* The error must have this code and, formatted as main() prints it, exactly this text. */
#define ck_err(err, expected_code, expected_text)                        \
	do {                                                             \
		char _line[2048];                                        \
		ct_err_format((err), _line, sizeof(_line));              \
		ck_assert_str_eq(_line, (expected_text));                \
		ck_assert_int_eq((err)->code, (expected_code));          \
	} while (0)

#endif
