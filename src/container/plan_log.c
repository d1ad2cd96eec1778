/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start is going to do, in words, for CATTACH_DEBUG=ns,mount,seccomp and --log-level debug.
 *
 * Runs in the CLI between planning and starting: the child that carries the plan out has only the
 * payload's stderr and never logs. Environments are not shown, for there are secrets in them.
 */
#include <inttypes.h>
#include <sched.h>

#include <cattach/buf.h>
#include <cattach/log.h>

#include "plan.h"

static void log_namespaces(const struct ct_plan *plan)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} kinds[] = {
		{ CLONE_NEWUSER, "user" }, { CLONE_NEWNS, "mount" },	 { CLONE_NEWPID, "pid" },
		{ CLONE_NEWNET, "network" }, { CLONE_NEWIPC, "ipc" },	 { CLONE_NEWUTS, "uts" },
		{ CLONE_NEWCGROUP, "cgroup" }, { 0x80 /* CLONE_NEWTIME */, "time" },
	};
	struct ct_buf ct_autobuf names = {0};

	if (!ct_log_on(CT_LOG_DEBUG, CT_TOPIC_NS))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (plan->new_namespaces & kinds[i].flag)
			ct_buf_printf(&names, " %s", kinds[i].name);
	ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "new namespaces:%s", ct_buf_text(&names));
	for (size_t i = 0; i < plan->join_count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "joins %s", plan->joins[i].place);
}

static void log_network(const struct ct_plan_network *network)
{
	for (size_t i = 0; network && i < network->count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "network device %s is moved there, as %s",
		       network->devices[i].name, network->devices[i].inside);
}

static void log_ids(const char *map, const struct ct_plan_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "%s: %" PRIu32 " → %" PRIu32 " ×%" PRIu32, map,
		       ids->items[i].inside, ids->items[i].outside, ids->items[i].count);
}

static void log_mounts(const struct ct_plan *plan)
{
	const struct ct_plan_root *root = &plan->root;

	ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "/: %s%s%s", root->source.path,
	       root->kind == CT_ROOT_OVERLAY ? ", throw-away overlay" : "",
	       root->read_only ? ", read-only" : "");
	for (size_t i = 0; i < plan->mount_count; i++) {
		const struct ct_plan_mount *m = &plan->mounts[i];

		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "%s: %s%s on %s", m->place,
		       m->type ? m->type : "bind of ", m->type ? "" : m->source.path,
		       m->destination);
	}
	for (size_t i = 0; i < plan->device_count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "device %s", plan->devices[i].path);
	for (size_t i = 0; i < plan->masked.count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "masked %s", plan->masked.items[i]);
	for (size_t i = 0; i < plan->read_only.count; i++)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "read-only %s", plan->read_only.items[i]);
}

void ct_plan_log(const struct ct_plan *plan)
{
	const struct ct_plan_process *p = &plan->process;

	log_namespaces(plan);
	log_network(plan->network);
	log_ids("uid", &plan->uid_map);
	log_ids("gid", &plan->gid_map);
	log_mounts(plan);
	ct_log(CT_LOG_DEBUG, CT_TOPIC_SECCOMP, "%s: %zu instructions",
	       p->seccomp_place ? p->seccomp_place : "filter", (size_t)p->seccomp.length);
	ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "uid %u, gid %u, no_new_privs %s, in %s", p->uid, p->gid,
	       p->no_new_privileges ? "on" : "off", p->cwd);
}
