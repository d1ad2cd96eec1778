/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive, where it is installed: loaded for "-" alone, so that nothing else pays for it.
 * libarchive(3), archive_read(3), archive_write(3), archive_entry(3).
 */
#ifndef CATTACH_COPY_TAR_LIBRARY_H
#define CATTACH_COPY_TAR_LIBRARY_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <cattach/err.h>
#include <cattach/library.h>

struct archive;
struct archive_entry;

/* The two callbacks of libarchive, archive_read_open(3) and archive_write_open(3): bytes, 0 at the
 * end, -1 and archive_set_error() for a failure. Ours keep their own error, with more words. */
typedef ssize_t ct_tar_read_callback(struct archive *, void *arg, const void **ret_buffer);
typedef ssize_t ct_tar_write_callback(struct archive *, void *arg, const void *buffer, size_t size);

/* What its functions return. archive.h has them as macros, and is not needed to build us. WARN and
 * above is a result; below it, ARCHIVE_FAILED (-25) and ARCHIVE_FATAL (-30), an error. */
#define CT_TAR_EOF	1
#define CT_TAR_OK	0
#define CT_TAR_WARN	(-20)

/* Each as the manual has it: NAME(ret, arguments). These types are the interface of
 * libarchive.so.13, which has not changed them since 3.0; a wrong one would be found by no
 * compiler. F() is called once for the member of the struct, and once for the lookup by
 * dlsym(3). */
#define CT_TAR_FUNCTIONS(F)                                                                     \
	F(archive_read_new, struct archive *, (void))                                           \
	F(archive_read_support_format_tar, int, (struct archive *))                             \
	F(archive_read_support_filter_all, int, (struct archive *))                             \
	F(archive_read_open, int, (struct archive *, void *, void *, ct_tar_read_callback *, void *)) \
	F(archive_read_next_header, int, (struct archive *, struct archive_entry **))           \
	F(archive_read_data_block, int, (struct archive *, const void **, size_t *, int64_t *)) \
	F(archive_read_free, int, (struct archive *))                                           \
	F(archive_write_new, struct archive *, (void))                                          \
	F(archive_write_set_format_pax_restricted, int, (struct archive *))                     \
	F(archive_write_set_bytes_in_last_block, int, (struct archive *, int))                  \
	F(archive_write_open, int, (struct archive *, void *, void *, ct_tar_write_callback *, void *)) \
	F(archive_write_header, int, (struct archive *, struct archive_entry *))                \
	F(archive_write_data, ssize_t, (struct archive *, const void *, size_t))                \
	F(archive_write_finish_entry, int, (struct archive *))                                  \
	F(archive_write_close, int, (struct archive *))                                         \
	F(archive_write_fail, int, (struct archive *))                                          \
	F(archive_write_free, int, (struct archive *))                                          \
	F(archive_error_string, const char *, (struct archive *))                               \
	F(archive_entry_new, struct archive_entry *, (void))                                    \
	F(archive_entry_free, void, (struct archive_entry *))                                   \
	F(archive_entry_pathname, const char *, (struct archive_entry *))                       \
	F(archive_entry_hardlink, const char *, (struct archive_entry *))                       \
	F(archive_entry_symlink, const char *, (struct archive_entry *))                        \
	F(archive_entry_filetype, mode_t, (struct archive_entry *))                             \
	F(archive_entry_perm, mode_t, (struct archive_entry *))                                 \
	F(archive_entry_uid, int64_t, (struct archive_entry *))                                 \
	F(archive_entry_gid, int64_t, (struct archive_entry *))                                 \
	F(archive_entry_size, int64_t, (struct archive_entry *))                                \
	F(archive_entry_mtime, time_t, (struct archive_entry *))                                \
	F(archive_entry_mtime_nsec, long, (struct archive_entry *))                             \
	F(archive_entry_sparse_reset, int, (struct archive_entry *))                            \
	F(archive_entry_sparse_next, int, (struct archive_entry *, int64_t *, int64_t *))       \
	F(archive_entry_xattr_reset, int, (struct archive_entry *))                             \
	F(archive_entry_xattr_next, int,                                                        \
	  (struct archive_entry *, const char **, const void **, size_t *))                     \
	F(archive_entry_set_pathname, void, (struct archive_entry *, const char *))             \
	F(archive_entry_set_hardlink, void, (struct archive_entry *, const char *))             \
	F(archive_entry_set_symlink, void, (struct archive_entry *, const char *))              \
	F(archive_entry_set_filetype, void, (struct archive_entry *, unsigned int))             \
	F(archive_entry_set_perm, void, (struct archive_entry *, mode_t))                       \
	F(archive_entry_set_uid, void, (struct archive_entry *, int64_t))                       \
	F(archive_entry_set_gid, void, (struct archive_entry *, int64_t))                       \
	F(archive_entry_set_size, void, (struct archive_entry *, int64_t))                      \
	F(archive_entry_set_mtime, void, (struct archive_entry *, time_t, long))                \
	F(archive_entry_sparse_add_entry, void, (struct archive_entry *, int64_t, int64_t))     \
	F(archive_entry_xattr_add_entry, void,                                                  \
	  (struct archive_entry *, const char *, const void *, size_t))

struct ct_tar_library {
	CT_TAR_FUNCTIONS(CT_LIBRARY_MEMBER)
};

/* ENOSYS with the package that has it. Once for a copy, before anything is started: a missing
 * library shows before a container is touched. */
int ct_tar_library_open(struct ct_tar_library *library, struct ct_err *err);

#endif
