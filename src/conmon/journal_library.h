/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsystemd's reader of the journal, where it is installed: loaded when a container's lines are read
 * back from there, and only then. sd-journal(3).
 */
#ifndef CATTACH_CONMON_JOURNAL_LIBRARY_H
#define CATTACH_CONMON_JOURNAL_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include <cattach/err.h>
#include <cattach/library.h>

typedef struct sd_journal sd_journal;

#define CT_JOURNAL_LOCAL_ONLY	1	/* SD_JOURNAL_LOCAL_ONLY */

/* Each as the manual has it: NAME(ret, arguments). */
#define CT_JOURNAL_FUNCTIONS(F)                                                                 \
	F(sd_journal_open, int, (sd_journal **, int))                                           \
	F(sd_journal_close, void, (sd_journal *))                                               \
	F(sd_journal_has_runtime_files, int, (sd_journal *))                                    \
	F(sd_journal_has_persistent_files, int, (sd_journal *))                                 \
	F(sd_journal_set_data_threshold, int, (sd_journal *, size_t))                           \
	F(sd_journal_add_match, int, (sd_journal *, const void *, size_t))                      \
	F(sd_journal_next, int, (sd_journal *))                                                 \
	F(sd_journal_get_cursor, int, (sd_journal *, char **))                                  \
	F(sd_journal_seek_cursor, int, (sd_journal *, const char *))                            \
	F(sd_journal_get_data, int, (sd_journal *, const char *, const void **, size_t *))      \
	F(sd_journal_get_realtime_usec, int, (sd_journal *, uint64_t *))

struct journal_library {
	CT_JOURNAL_FUNCTIONS(CT_LIBRARY_MEMBER)
};

/* ENOSYS where it is not installed. */
int ct_journal_library_open(struct journal_library *library, struct ct_err *err);

#endif
