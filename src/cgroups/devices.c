/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules about device nodes, in force for a container's cgroup.
 *
 * Version 2 has no files for them: a program (devices_program.c) is loaded and attached by bpf(2),
 * and stays attached until the cgroup goes. Programs of cgroups above are asked, too; all must
 * agree. Ours is known by its name. It is replaced in one step, so there is no moment without
 * rules.
 *
 * Runs in the process that starts a container and in commands that change one, as root: the kernel
 * lets nobody else do it, nor the root of a user namespace. Fails with EPERM for those, and where
 * the kernel has no such programs.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>

#define NAME		"cattach_devices"	/* BPF_OBJ_NAME_LEN with its NUL */
#define ATTACHED_MAX	64			/* the kernel's own limit for one cgroup */

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int fail_load(int code, size_t count, struct ct_err *err)
{
	if (code == EPERM) {
		ct_fail(err, EPERM, "rules for devices can only be set by root of the host");
		return ct_hint(err, "leave linux.resources.devices out: a container has what is bound "
			       "into it, and no other devices");
	}
	if (code == E2BIG)
		return ct_fail(err, E2BIG, "%zu rules for devices are more than the kernel takes",
			       count);
	ct_fail_errno(err, code, "the kernel does not take the program for devices");
	return ct_hint(err, "it needs CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL");
}

/* The kernel wants zeros behind what a command uses, which an initializer does not promise. */
static union bpf_attr *clear(union bpf_attr *attr)
{
	return memset(attr, 0, sizeof(*attr));
}

static int load(const struct bpf_insn *insns, size_t length)
{
	union bpf_attr attr;

	clear(&attr)->prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insn_cnt = (uint32_t)length;
	attr.insns = address(insns);
	attr.license = address("Apache-2.0");
	memcpy(attr.prog_name, NAME, sizeof(NAME));
	return bpf(BPF_PROG_LOAD, &attr);
}

/* Opened by its number if it is one of ours, else -1; it may have gone. */
static int open_ours(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr;
	int ct_autofd fd = -1;

	clear(&attr)->prog_id = id;
	fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return -1;
	clear(&attr)->info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = address(&info);
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0 ||
	    strncmp(info.name, NAME, sizeof(info.name)) != 0)
		return -1;
	return ct_take_fd(&fd);
}

static int attach(int container, int program, int replaced)
{
	union bpf_attr attr;

	clear(&attr)->target_fd = (uint32_t)container;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replaced >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int detach(int container, int program)
{
	union bpf_attr attr;

	clear(&attr)->target_fd = (uint32_t)container;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return bpf(BPF_PROG_DETACH, &attr);
}

/* The programs of this cgroup alone: how many, or -errno. */
static int list(int container, uint32_t ids[ATTACHED_MAX])
{
	union bpf_attr attr;
	int ret;

	clear(&attr)->query.target_fd = (uint32_t)container;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = address(ids);
	attr.query.prog_cnt = ATTACHED_MAX;
	ret = bpf(BPF_PROG_QUERY, &attr);
	return ret < 0 ? ret : (int)attr.query.prog_cnt;
}

/* In place of ours, if there is one. Two who came at once have left two: the other one goes. */
static int put(int container, int program)
{
	uint32_t ids[ATTACHED_MAX];
	int count = list(container, ids), ret = 0;
	bool done = false;

	if (count < 0)
		return count;
	for (int i = 0; i < count && ret == 0; i++) {
		int ct_autofd old = open_ours(ids[i]);

		if (old < 0)
			continue;
		ret = done ? detach(container, old) : attach(container, program, old);
		done = true;
	}
	return done ? ret : attach(container, program, -1);
}

int ct_cgroup_devices_apply(int container, const struct ct_cgroup_device_rule *rules, size_t count,
			    struct ct_err *err)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct bpf_insn *insns;
	int ct_autofd program = -1;
	size_t length;
	int ret;

	if (ct_arena_open(&arena, err) < 0 ||
	    ct_cgroup_devices_compile(&arena, rules, count, &insns, &length, err) < 0)
		return -err->code;
	program = load(insns, length);
	if (program < 0)
		return fail_load(-program, count, err);
	ret = put(container, program);
	/* EPERM is for who may not; this is another's program above that wants to be the only one.
	 * */
	if (ret == -EPERM)
		return ct_fail(err, EBUSY,
			       "a cgroup above has rules for devices that cannot be added to");
	if (ret < 0)
		return ct_fail_errno(err, -ret,
				     "cannot attach the program for devices to the cgroup");
	return 0;
}
