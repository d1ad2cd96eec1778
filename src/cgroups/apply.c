/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing settings into a container's cgroup.
 *
 * Runs in commands ("update") and in the process that starts a container, with the caller's
 * privileges. What was asked for and cannot be had is an error that names property, file and
 * controller; what nobody asked for is done without, with a line in the log for those who look.
 * Fails with what the kernel says of a value, which is why the value stands in the text.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cattach/log.h>
#include <cattach/num.h>

#include "controllers.h"
#include "files.h"

static bool is_enabled(int dir, const char *file, size_t length)
{
	char list[256];

	return ct_cgroup_read(dir, "cgroup.controllers", list, sizeof(list)) >= 0 &&
	       ct_cgroup_has_word(list, file, length);
}

static const char *hint_for_missing(const char *file)
{
	if (!strncmp(file, "memory.swap.", strlen("memory.swap.")))
		return "boot with swapaccount=1, or a kernel with CONFIG_SWAP";
	if (!strcmp(file, "io.weight"))
		return "weights need the I/O scheduler BFQ or CONFIG_BLK_CGROUP_IOCOST";
	if (!strncmp(file, "io.", strlen("io.")))
		return "limits of I/O need CONFIG_BLK_DEV_THROTTLING";
	if (!strncmp(file, "hugetlb.", strlen("hugetlb.")))
		return "see /sys/kernel/mm/hugepages for the sizes of pages here";
	return "the kernel may be too old for it, or built without it";
}

static int fail_missing(int dir, const char *file, struct ct_err *err)
{
	size_t length = ct_cgroup_controller_length(file);

	if (length && !is_enabled(dir, file, length)) {
		ct_fail(err, ENOTSUP, "the controller \"%.*s\" is not enabled for the container",
			(int)length, file);
		return ct_hint(err, "cattach info says which ones are delegated to you");
	}
	ct_fail(err, ENOTSUP, "the kernel has no %.80s", file);
	return ct_hint(err, "%s", hint_for_missing(file));
}

static int fail_value(const char *file, const char *value, int code, struct ct_err *err)
{
	ct_fail_errno(err, code, "the kernel refuses \"%.100s\" for %.80s", value, file);
	if (code == ENODEV)
		return ct_hint(err, "lsblk shows the numbers of block devices; partitions have no "
			       "limits of their own");
	if (!strncmp(file, "cpuset.", strlen("cpuset.")))
		return ct_hint(err, "cpuset.cpus.effective and cpuset.mems.effective of your cgroup "
			       "list what there is");
	return -err->code;
}

/* A limit below what is in use would be reached by killing. */
static int check_usage(int dir, const struct ct_cgroup_setting *s, struct ct_err *err)
{
	uint64_t usage, limit;
	struct ct_err ignored;

	if (ct_cgroup_read_number(dir, "memory.current", &usage) < 0 ||
	    ct_parse_u64(s->value, 0, UINT64_MAX, &limit, &ignored) < 0 || limit >= usage)
		return 0;
	ct_fail(err, EBUSY, "%s bytes are less than the %" PRIu64 " in use", s->value, usage);
	return ct_hint(err, "leave checkBeforeUpdate out to have the kernel reclaim or kill");
}

static int apply_one(int dir, const struct ct_cgroup_setting *s, struct ct_err *err)
{
	const char *file = s->file, *value = s->value;
	int ret;

	if (s->above_usage && check_usage(dir, s, err) < 0)
		return -err->code;
	ret = ct_cgroup_write(dir, file, value);
	if (ret == -ENOENT && s->instead) {
		file = s->instead;
		value = s->instead_value;
		ret = ct_cgroup_write(dir, file, value);
	}
	if (ret == 0)
		return 0;
	if (ret == -ENOENT)
		return fail_missing(dir, file, err);
	return fail_value(file, value, -ret, err);
}

int ct_cgroup_apply(int container, const struct ct_cgroup_settings *settings, struct ct_err *err)
{
	for (size_t i = 0; i < settings->count; i++) {
		const struct ct_cgroup_setting *s = &settings->items[i];

		if (apply_one(container, s, err) == 0)
			continue;
		if (!s->best_effort)
			return s->where ? ct_wrap(err, "%s", s->where) : -err->code;
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "going without %s: %s", s->file, err->what);
	}
	return 0;
}
