/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an execve(2) failed, in words: the kernel's one errno for a missing program and a missing
 * loader, for a directory and a file without the x bit, taken apart by looking.
 *
 * Runs where execve failed: in the child with its final ids, in the container's root, and in
 * cattach-init. Exit codes: 127 not found, 126 found but not executable, as docker and podman
 * have them.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "child.h"

#define HEAD_SIZE	4096
#define MAX_LOADERS	6	/* the kernel goes from script to script 5 times */

static int fail_exec(struct ct_err *err, int code, int exit, const char *path, const char *why)
{
	ct_fail(err, code, "%s: %s", path, why);
	return ct_exit_with(err, exit);
}

static int read_head(const char *path, unsigned char *head, size_t size)
{
	int ct_autofd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, size - 1);

	if (n < 0)
		return -1;
	head[n] = '\0';
	return (int)n;
}

/* The loader that an ELF file names, if it can be read from the first pages. */
static const char *elf_loader(const unsigned char *head, size_t size)
{
	Elf64_Ehdr header;

	if (size < sizeof(header) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    head[EI_CLASS] != ELFCLASS64)
		return NULL;
	memcpy(&header, head, sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		size_t at = header.e_phoff + i * sizeof(segment);

		if (at > size || size - at < sizeof(segment))
			return NULL;
		memcpy(&segment, head + at, sizeof(segment));
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_offset >= size || size - segment.p_offset < segment.p_filesz ||
		    segment.p_filesz == 0 || head[segment.p_offset + segment.p_filesz - 1])
			return NULL;
		return (const char *)head + segment.p_offset;
	}
	return NULL;
}

/* What the kernel runs to run this file: a script's interpreter, an ELF file's loader, or NULL. It
 * points into head. */
static const char *loader_of(const char *path, unsigned char head[HEAD_SIZE])
{
	int n = read_head(path, head, HEAD_SIZE);

	if (n > 2 && head[0] == '#' && head[1] == '!') {
		char *line = (char *)head + 2;

		line += strspn(line, " \t");
		line[strcspn(line, " \t\r\n")] = '\0';
		return line;
	}
	return n > 0 ? elf_loader(head, (size_t)n) : NULL;
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_mnt_id == b->stx_mnt_id &&
	       a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

bool ct_exec_leads_to(const char *path, const struct statx *file)
{
	unsigned char heads[2][HEAD_SIZE];
	struct statx st;

	for (int i = 0; path && i < MAX_LOADERS; i++) {
		if (statx(AT_FDCWD, path, 0, CT_EXEC_STATX, &st) < 0)
			return false;
		if (is_same(&st, file))
			return true;
		path = S_ISREG(st.stx_mode) ? loader_of(path, heads[i % 2]) : NULL;
	}
	return false;
}

/* execve says ENOENT for a program whose loader or interpreter is missing, too. */
static int fail_not_found(const char *path, struct ct_err *err)
{
	unsigned char head[HEAD_SIZE];
	const char *loader = loader_of(path, head);
	struct stat st;

	if (!loader && stat(path, &st) == 0)
		return fail_exec(err, ENOENT, CT_EXIT_NOT_FOUND, path,
				 "found, but its loader or interpreter is missing in the container");
	if (!loader)
		return fail_exec(err, ENOENT, CT_EXIT_NOT_FOUND, path, "not found in the container");
	ct_fail(err, ENOENT, "%s: found, but %s, which it needs to run, is missing in the container",
		path, loader);
	return ct_exit_with(err, CT_EXIT_NOT_FOUND);
}

/* Whoever executes a file with capabilities must be able to get them all: capabilities(7). */
bool ct_exec_has_caps(const char *path)
{
	return getxattr(path, "security.capability", NULL, 0) > 0;
}

static int fail_file_caps(const char *path, struct ct_err *err)
{
	fail_exec(err, EPERM, CT_EXIT_NOT_EXECUTABLE, path,
		  "has file capabilities that the container's processes cannot have");
	return ct_hint(err, "--cap-add what getcap shows of it, or take them off: setcap -r");
}

static int fail_denied(const char *path, struct ct_err *err)
{
	struct statvfs fs;
	struct stat st;

	if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC) {
		fail_exec(err, EACCES, CT_EXIT_NOT_EXECUTABLE, path,
			  "its file system is mounted noexec");
		return ct_hint(err, "mount it without noexec, or copy the program elsewhere");
	}
	fail_exec(err, EACCES, CT_EXIT_NOT_EXECUTABLE, path, "permission denied");
	if (stat(path, &st) == 0 && (st.st_mode & 0111))
		return ct_hint(err, "may this user execute it, and its interpreter?");
	return ct_hint(err, "is it executable? chmod +x");
}

int ct_exec_explain(const char *path, int code, struct ct_err *err)
{
	struct stat st;

	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return fail_not_found(path, err);
	case EACCES:
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return fail_exec(err, EISDIR, CT_EXIT_NOT_EXECUTABLE, path,
					 "is a directory");
		return fail_denied(path, err);
	case ENOEXEC:
		return fail_exec(err, ENOEXEC, CT_EXIT_NOT_EXECUTABLE, path,
				 "exec format error (built for another machine, or a script "
				 "without #!)");
	case EPERM:
		if (ct_exec_has_caps(path))
			return fail_file_caps(path, err);
		break;
	case E2BIG:
		fail_exec(err, E2BIG, CT_EXIT_NOT_EXECUTABLE, path, "argument list too long");
		return ct_hint(err, "arguments and environment may take a quarter of the stack "
			       "limit, and one of them 128 KiB");
	default:
		break;
	}
	ct_fail_errno(err, code, "%s", path);
	return ct_exit_with(err, CT_EXIT_NOT_EXECUTABLE);
}
