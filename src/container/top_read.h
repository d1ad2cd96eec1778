/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of /proc/PID as numbers, for top.
 */
#ifndef CATTACH_CONTAINER_TOP_READ_H
#define CATTACH_CONTAINER_TOP_READ_H

#include <cattach/top.h>

/* /proc/PID/stat: pid, comm and what is behind it. 0 or -EPROTO, -ENOMEM. */
int ct_top_parse_stat(struct ct_arena *arena, const char *text, struct ct_top_process *process);

/* /proc/PID/status: ids, capabilities, seccomp, and the pid in the innermost namespace. */
void ct_top_parse_status(const char *text, struct ct_top_process *process);

/* /proc/PID/cmdline: words that end with NUL, joined by blanks. */
char *ct_top_parse_args(struct ct_arena *arena, const char *text, size_t size, const char *comm);

/* Fill in everything but namespaces: process is an open directory of /proc. -ESRCH: it is gone. */
int ct_top_read(struct ct_arena *arena, int process, struct ct_top_process *ret_process);

/* A file of an open directory of /proc, NUL-terminated: its size or -errno. */
ssize_t ct_top_read_text(int process, const char *name, char *buf, size_t size);

#endif
