/* SPDX-License-Identifier: Apache-2.0 */
#include "log_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct log_fixture *f = arg;
	int r = ct_log_segment(f->writer, number, ret_segment);

	f->asked++;
	return r == 0 || r == -ENOENT ? r : ct_fail_errno(err, -r, "segment %u", number);
}

void log_open(struct log_fixture *f, int dir, const struct ct_log_options *options)
{
	static const struct ct_log_options none;
	struct ct_err err = { 0 };

	/* As in the monitor: a limit on file sizes is an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	*f = (struct log_fixture){ .frame = malloc(CT_FRAME_HEADER + CT_FRAME_MAX) };
	ck_assert_ptr_nonnull(f->frame);
	if (ct_log_create(dir, options ? options : &none, &f->writer, &err) < 0)
		ck_abort_msg("%s", err.what);
	if (ct_page_map(ct_log_page(f->writer), &f->page, &err) < 0)
		ck_abort_msg("%s", err.what);
	f->source = (struct ct_log_source){ open_segment, f, f->page };
}

void log_close(struct log_fixture *f)
{
	ct_log_free(f->writer);
	ct_page_unmap(f->page);
	free(f->frame);
	*f = (struct log_fixture){ 0 };
}

void log_exit(struct log_fixture *f, int code)
{
	struct ct_exit status = { .value = code };

	ct_log_publish(f->writer, CT_PAGE_EXITED, &status);
}

void log_bytes(struct log_fixture *f, int stream, const void *data, size_t size)
{
	memcpy(f->frame + CT_FRAME_HEADER, data, size);
	ct_log_append(f->writer, stream, f->frame, size);
}

void log_text(struct log_fixture *f, int stream, const char *text)
{
	log_bytes(f, stream, text, strlen(text));
}

static uint8_t byte_at(uint64_t at)
{
	uint64_t x = (at / 4 + 1) * 0x9e3779b97f4a7c15ull;

	return (uint8_t)(x >> (24 + 8 * (at % 4)));
}

void sequence_fill(void *buf, uint64_t at, size_t size)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < size; i++)
		p[i] = byte_at(at + i);
}

size_t sequence_check(const void *buf, uint64_t at, size_t size)
{
	const uint8_t *p = buf;
	size_t i = 0;

	while (i < size && p[i] == byte_at(at + i))
		i++;
	return i;
}

size_t log_read_all(struct ct_cursor *cursor, char *buf, size_t max)
{
	struct ct_err err = { 0 };
	size_t size = 0;
	ssize_t n;
	int stream;

	while ((n = ct_cursor_read(cursor, buf + size, max - size - 1, &stream, &err)) > 0)
		size += (size_t)n;
	if (n < 0)
		ck_abort_msg("%s", err.what);
	buf[size] = '\0';
	return size;
}

void log_cursor(struct log_fixture *f, enum ct_cursor_start start, struct ct_cursor *ret_cursor)
{
	struct ct_err err = { 0 };

	if (ct_cursor_open(&f->source, start, ret_cursor, &err) < 0)
		ck_abort_msg("%s", err.what);
}

void log_dir_cursor(int dir, enum ct_cursor_start start, struct ct_cursor *ret_cursor)
{
	struct ct_log_source source = ct_log_source_of_dir(dir);
	struct ct_err err = { 0 };

	if (ct_cursor_open(&source, start, ret_cursor, &err) < 0)
		ck_abort_msg("%s", err.what);
}

int64_t log_file_size(const char *what, uint32_t number)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "%s.%u", what, number);
	return fstatat(fixture_dir(), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

unsigned log_count_files(const char *what)
{
	DIR *dir = opendir(fixture_path());
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		count += strncmp(e->d_name, what, strlen(what)) == 0;
	closedir(dir);
	return count;
}

/* ---- a disk of our own ---- */

static void write_text(const char *path, const char *text)
{
	int ct_autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Users get a mount namespace with a user namespace that maps them to themselves. */
static void enter_namespace(void)
{
	uid_t uid = geteuid();
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
	ck_assert_int_eq(unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS), 0);
	if (uid != 0) {
		write_text("/proc/self/uid_map", uids);
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/gid_map", gids);
	}
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

void in_small_disk(const char *options, void (*run)(int dir))
{
	char path[4200];
	pid_t child;
	int status;

	snprintf(path, sizeof(path), "%s/disk", fixture_path());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	/* In a child, so that the mount is gone when the fixture removes the directory. */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		int ct_autofd dir = -1;

		enter_namespace();
		ck_assert_int_eq(mount("none", path, "tmpfs", 0, options), 0);
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(dir, 0);
		run(dir);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "failed in its namespace");
}
