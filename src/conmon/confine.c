/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement: what a monitor gives up once its payload runs. It has parsed nothing that anybody
 * else wrote, but it reads what the payload writes and what clients send, for as long as the
 * container lives; should one of these turn it, it can do little: no capabilities, no privileges by
 * executing, no execution at all, no files but the container's own, no TCP, no calls that its work
 * does not need, and no other process of the user can look into it.
 *
 * Runs in the monitor, after the start and before its loop. Nothing here can fail a container that
 * runs: what a kernel does not offer is left out (landlock: Linux 5.13, rights added since then by
 * its ABI number). Signals are not restricted by landlock: those to the payload would be.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>

#include "monitor.h"

#define FILTER_MAX	(CT_ATTACH_RECORD_MAX / sizeof(struct sock_filter))

/* What came after the first ABI, for building with older headers. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ULL << 15)
#endif
#define NET_BIND_TCP			(1ULL << 0)
#define NET_CONNECT_TCP			(1ULL << 1)
#define SCOPE_ABSTRACT_SOCKETS		(1ULL << 0)

#define FS_FIRST_ABI	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_FILES	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
			 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
			 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FS_SOCKET	(LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
			 LANDLOCK_ACCESS_FS_MAKE_DIR)

/* The kernel's, as far as it knows them: sizes and fields grew with the ABI. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* ---- landlock ---- */

static uint64_t fs_rights(int abi)
{
	uint64_t rights = FS_FIRST_ABI;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights;
}

static int make_ruleset(int abi)
{
	struct ruleset set = {
		.fs = fs_rights(abi),
		.net = NET_BIND_TCP | NET_CONNECT_TCP,
		.scoped = SCOPE_ABSTRACT_SOCKETS,
	};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	return (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
}

_Static_assert((CT_ALLOW_FILES | CT_ALLOW_REMOVE | CT_ALLOW_SOCKET | CT_ALLOW_UNLINK | CT_ALLOW_RMDIR |
		CT_ALLOW_CGROUP | CT_ALLOW_APPEND | CT_ALLOW_LIST) == 255, "each right has a bit of its own");

static uint64_t rights_of(unsigned access)
{
	uint64_t rights = 0;

	if (access & CT_ALLOW_FILES)
		rights |= FS_FILES;
	if (access & CT_ALLOW_REMOVE)
		rights |= LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			  LANDLOCK_ACCESS_FS_REMOVE_DIR;
	if (access & CT_ALLOW_SOCKET)
		rights |= FS_SOCKET;
	if (access & CT_ALLOW_UNLINK)
		rights |= LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (access & CT_ALLOW_APPEND)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
	if (access & CT_ALLOW_CGROUP)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
			  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |
			  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_TRUNCATE;
	if (access & CT_ALLOW_LIST)
		rights |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (access & CT_ALLOW_RMDIR)
		rights |= LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
	return rights;
}

/* Without the rule the monitor still works, but for what it would do there. */
static void allow(int ruleset, int dir, uint64_t rights, int abi)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & fs_rights(abi),
		.parent_fd = dir,
	};

	if (dir >= 0 && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "landlock: no rule: %s", strerror(errno));
}

static void restrict_files(const struct monitor *m)
{
	const struct ct_confinement *c = &m->config->confinement;
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int ct_autofd ruleset = abi > 0 ? make_ruleset(abi) : -1;

	if (ruleset < 0) {
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "landlock is not there: %s", strerror(errno));
		return;
	}
	allow(ruleset, m->config->dir, rights_of(CT_ALLOW_FILES), abi);
	allow(ruleset, ct_log_outside(m->log), rights_of(CT_ALLOW_APPEND), abi);
	for (size_t i = 0; i < sizeof(c->allow) / sizeof(c->allow[0]); i++)
		if (c->allow[i].access)
			allow(ruleset, c->allow[i].dir, rights_of(c->allow[i].access), abi);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "landlock: %s", strerror(errno));
}

/* ---- the rest ---- */

/* All of them, from all sets, but for those in keep; the bounding set means nothing any more. */
static void drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (int i = 0; i < 2; i++) {
		data[i].inheritable = 0;
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "capset: %s", strerror(errno));
}

static void load_filter(const struct monitor *m)
{
	struct sock_fprog program = {
		.len = m->filter_length,
		.filter = (struct sock_filter *)(void *)m->record,
	};

	if (m->filter_length &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "seccomp: %s", strerror(errno));
}

void ct_confine_prepare(struct monitor *m)
{
	const struct ct_confinement *c = &m->config->confinement;

	if (!c->filter || c->filter_length > FILTER_MAX)
		return;
	memcpy(m->record, c->filter, c->filter_length * sizeof(*c->filter));
	m->filter_length = c->filter_length;
}

void ct_confine(struct monitor *m)
{
	drop_capabilities(m->config->confinement.keep_caps);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return;
	restrict_files(m);
	load_filter(m);
}
