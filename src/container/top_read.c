/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process, read from its directory in /proc: proc_pid_stat(5), proc_pid_status(5),
 * proc_pid_cmdline(5).
 *
 * Runs in the command, as the user. The directory is opened once, so all of it is about the same
 * process, or fails when that has ended. Names and command lines are the process's own to choose:
 * they may hold parentheses, newlines, escape sequences, and are bytes to us.
 */
#include "top_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#define ARGS_MAX	65536	/* bytes of a command line that are shown */

/* Cut to size - 1 bytes, with a NUL behind it. */
ssize_t ct_top_read_text(int process, const char *name, char *buf, size_t size)
{
	int ct_autofd fd = openat(process, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : ct_read_text(fd, buf, size);
}

/* Fields of stat behind the state, by their number in proc_pid_stat(5). The fields in between are
 * read over. */
enum { PPID = 4, PGRP = 5, TTY = 7, UTIME = 14, STIME = 15, NICE = 19, START = 22, VSIZE = 23, RSS = 24 };

/* The numbers of fields 4...24: all are there, or this is no stat. */
static bool parse_fields(const char *text, long long fields[RSS + 1])
{
	for (size_t i = PPID; i <= RSS; i++) {
		char *end;

		/* Unsigned ones beyond are the kernel's "none", which nobody is shown. */
		fields[i] = strtoll(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	return true;
}

/* Field 2 is the name in parentheses, field 3 the state; numbers follow. */
int ct_top_parse_stat(struct ct_arena *arena, const char *text, struct ct_top_process *process)
{
	/* The name may hold anything, so it ends with the last parenthesis. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	long long fields[RSS + 1];

	if (!open || !close || close < open || close[1] != ' ' || !close[2] || *text < '1' ||
	    *text > '9' || !parse_fields(close + 3, fields))
		return -EPROTO;
	process->pid = (pid_t)strtol(text, NULL, 10);
	process->state = close[2];
	process->parent = (pid_t)fields[PPID];
	process->group = (pid_t)fields[PGRP];
	process->tty = (int)fields[TTY];
	process->ticks = (uint64_t)fields[UTIME] + (uint64_t)fields[STIME];
	process->nice = (long)fields[NICE];
	process->started = (uint64_t)fields[START];
	process->size = (uint64_t)fields[VSIZE];
	process->resident = (uint64_t)fields[RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
	process->comm = ct_arena_strndup(arena, open + 1, (size_t)(close - open - 1));
	return process->comm ? 0 : -ENOMEM;
}

/* What stands behind KEY in its line, NULL when there is none. */
static const char *line_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text && strncmp(text, key, length) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + length : NULL;
}

/* Real, effective, saved, file system: the first two. */
static void parse_ids(const char *line, uint32_t *real, uint32_t *effective)
{
	char *end = NULL;

	*real = *effective = UINT32_MAX;
	if (!line)
		return;
	*real = (uint32_t)strtoul(line, &end, 10);
	*effective = (uint32_t)strtoul(end, NULL, 10);
}

/* The last of the numbers on a line. */
static pid_t last_number(const char *line)
{
	pid_t last = 0;

	while (line && *line && *line != '\n') {
		char *end;
		long number = strtol(line, &end, 10);

		if (end == line)
			break;
		last = (pid_t)number;
		line = end + strspn(end, " \t");
	}
	return last;
}

/* Public for tests: kernels of all ages write this file differently. */
void ct_top_parse_status(const char *text, struct ct_top_process *process)
{
	static const char *const caps[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:" };
	const char *line = line_of(text, "Seccomp:");

	/* The name stands first, with its newlines escaped, so it cannot pass for another line. */
	parse_ids(line_of(text, "Uid:"), &process->ruid, &process->uid);
	parse_ids(line_of(text, "Gid:"), &process->rgid, &process->gid);
	process->seccomp = line ? (int)strtol(line, NULL, 10) : 0;
	for (size_t i = 0; i < 4; i++) {
		line = line_of(text, caps[i]);
		process->caps[i] = line ? strtoull(line, NULL, 16) : 0;
	}
	/* One number for each namespace, the innermost last. */
	process->inside = last_number(line_of(text, "NSpid:"));
}

/* Words are separated by NULs. Without any it is a thread of the kernel, or one that has ended:
 * ps's brackets. */
char *ct_top_parse_args(struct ct_arena *arena, const char *text, size_t size, const char *comm)
{
	char *args;

	while (size && text[size - 1] == '\0')
		size--;
	if (!size)
		return ct_arena_printf(arena, "[%s]", comm);
	args = ct_arena_alloc(arena, size + 1);
	for (size_t i = 0; args && i < size; i++)
		args[i] = text[i] ? text[i] : ' ';
	return args;
}

/* The label of the security module (SELinux, AppArmor); EINVAL without one. */
static const char *read_label(struct ct_arena *arena, int process)
{
	char text[512];

	if (ct_top_read_text(process, "attr/current", text, sizeof(text)) <= 0)
		return "?";
	text[strcspn(text, "\n")] = '\0';
	return ct_arena_strdup(arena, text);
}

/* -ESRCH: it has ended, wherever in the reading that shows. */
int ct_top_read(struct ct_arena *arena, int process, struct ct_top_process *ret_process)
{
	char text[8192], *args = calloc(1, ARGS_MAX);
	struct ct_top_process p = { 0 };
	ssize_t n;
	int r;

	if (!args)
		return -ENOMEM;
	r = ct_top_read_text(process, "stat", text, sizeof(text)) <= 0 ? -ESRCH :
		    ct_top_parse_stat(arena, text, &p);
	if (r == 0 && ct_top_read_text(process, "status", text, sizeof(text)) <= 0)
		r = -ESRCH;
	if (r == 0) {
		ct_top_parse_status(text, &p);
		n = ct_top_read_text(process, "cmdline", args, ARGS_MAX);
		p.args = ct_top_parse_args(arena, args, n < 0 ? 0 : (size_t)n, p.comm);
		p.label = read_label(arena, process);
		r = p.args && p.label ? 0 : -ENOMEM;
	}
	free(args);
	if (r == 0)
		*ret_process = p;
	return r;
}
