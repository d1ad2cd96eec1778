/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time namespace of its own, with clocks that run ahead of the host's or behind. time_namespaces(7).
 *
 * Runs in the child, once its ids are mapped and while the host's /proc is there. A namespace like that
 * cannot be made by the clone: offsets can be set only while nobody is in it. So it is made for children,
 * its offsets are written, and then the process enters it itself. What may fail: a kernel without time
 * namespaces; an offset that would put a clock before zero; offsets together with joins, for who joins
 * is nobody who may write to its own /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/sched.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "child.h"

static int fail_offsets(const struct child *c, int code, struct ct_err *err)
{
	if (code == ERANGE)
		ct_fail(err, code, "would put a clock before zero, or too far ahead");
	else
		ct_fail_errno(err, code, "cannot be set");
	ct_wrap(err, "linux.timeOffsets");
	if (code == EACCES && c->plan->join_count)
		return ct_hint(err, "not together with namespaces that are joined");
	return -err->code;
}

static int set_offsets(struct child *c, struct ct_err *err)
{
	const struct ct_plan *plan = c->plan;
	char text[256] = "";
	size_t used = 0;
	int ct_autofd fd = -1;
	int r;

	if (!plan->time_offset_count)
		return 0;
	for (size_t i = 0; i < plan->time_offset_count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s\n",
					 plan->time_offsets[i].key, plan->time_offsets[i].value);
	fd = openat(c->proc, "self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_offsets(c, errno, err);
	r = ct_write_all(fd, text, strlen(text));
	return r < 0 ? fail_offsets(c, -r, err) : 0;
}

int ct_child_time_namespace(struct child *c, struct ct_err *err)
{
	int ct_autofd fd = -1;
	int r;

	if (!(c->plan->new_namespaces & CLONE_NEWTIME))
		return 0;
	if (c->proc < 0)
		return ct_fail(err, ENOTSUP, "a time namespace cannot be made without the host's /proc");
	if (unshare(CLONE_NEWTIME) < 0)
		return errno == EINVAL ?
		       ct_fail(err, ENOTSUP, "this kernel has no time namespaces (CONFIG_TIME_NS)") :
		       ct_fail_clone(errno, CLONE_NEWTIME, err);
	r = set_offsets(c, err);
	if (r < 0)
		return r;
	fd = openat(c->proc, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return ct_fail_errno(err, errno, "cannot enter the time namespace");
	return 0;
}
