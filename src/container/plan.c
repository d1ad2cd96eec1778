/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a start, as a whole: namespaces, root, mounts, devices, masks, settings, process.
 *
 * Runs in the CLI before anything of the container exists, with the caller's rights. Whatever can
 * be known to fail fails here, with the place in config.json; the child then carries out a list
 * that has been checked. What may fail: sources that are not there, words that only the kernel's
 * side knows (capabilities, mount options, system calls), memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/log.h>

#include "plan.h"

const char *ct_plan_place(struct planning *p, const char *list, size_t i)
{
	const char *place = ct_arena_printf(p->arena, "%s[%zu]", list, i);

	return place ? place : list;
}

bool ct_plan_is_new(const struct planning *p, enum ct_spec_ns ns)
{
	const struct ct_spec_namespace *n = &p->spec->linux_.namespaces[ns];

	return n->present && !n->path;
}

int ct_plan_source(const char *path, struct ct_plan_source *ret_source, struct ct_err *err)
{
	int ct_autofd fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return ct_fail_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine %s", path);
	*ret_source = (struct ct_plan_source){
		.path = path,
		.device = st.st_dev,
		.inode = st.st_ino,
		.directory = S_ISDIR(st.st_mode),
	};
	return 0;
}

static int copy_pairs(struct planning *p, const struct ct_spec_pairs *from, struct ct_plan_pair **ret_pairs,
		      size_t *ret_count, struct ct_err *err)
{
	struct ct_plan_pair *pairs = ct_arena_calloc(p->arena, from->count + 1, sizeof(*pairs));

	if (!pairs)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < from->count; i++)
		pairs[i] = (struct ct_plan_pair){ from->items[i].key, from->items[i].value };
	*ret_pairs = pairs;
	*ret_count = from->count;
	return 0;
}

static int plan_settings(struct planning *p, struct ct_err *err)
{
	struct ct_plan *plan = p->plan;
	bool uts = ct_plan_is_new(p, CT_NS_UTS);

	plan->hostname = uts ? p->spec->hostname : NULL;
	plan->domainname = uts ? p->spec->domainname : NULL;
	plan->loopback = ct_plan_is_new(p, CT_NS_NETWORK);
	if (copy_pairs(p, &p->spec->linux_.time_offsets, &plan->time_offsets,
		       &plan->time_offset_count, err) < 0)
		return -err->code;
	return copy_pairs(p, &p->spec->linux_.sysctl, &plan->sysctls, &plan->sysctl_count, err);
}

/* Who joins a mount namespace finds everything there, its root included. */
static int plan_file_systems(struct planning *p, struct ct_err *err)
{
	int r;

	if (p->plan->mounts_joined) {
		ct_log(CT_LOG_INFO, CT_TOPIC_MOUNT, "the mount namespace is joined: root, mounts, "
		       "devices, masked and read-only paths are those that it has");
		return 0;
	}
	r = ct_plan_root(p, err);
	if (r == 0)
		r = ct_plan_mounts(p, err);
	if (r == 0)
		r = ct_plan_devices(p, err);
	return r < 0 ? r : ct_plan_masks(p, err);
}

/* Room for the descriptors of the child, which allocates nothing. */
static int plan_slots(struct planning *p, struct ct_err *err)
{
	struct ct_plan *plan = p->plan;
	size_t count = plan->mount_count + plan->device_count + plan->root.layer_count;

	plan->slots = ct_arena_calloc(p->arena, count + 1, sizeof(*plan->slots));
	if (!plan->slots)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < count; i++)
		plan->slots[i] = -1;
	return 0;
}

int ct_plan_make(struct ct_arena *arena, const struct ct_spec *spec, const struct ct_meta *meta,
		 int cache, unsigned preserve_fds, struct ct_plan **ret_plan, struct ct_err *err)
{
	static int (*const steps[])(struct planning *p, struct ct_err *err) = {
		ct_plan_namespaces, ct_plan_network,	plan_file_systems,  ct_plan_inherited,
		plan_settings,	    ct_plan_process,	ct_plan_scheduling, ct_plan_seccomp,
		ct_plan_init,	    ct_plan_hooks,	plan_slots,
	};
	struct planning p = {
		.arena = arena, .spec = spec, .meta = meta, .cache = cache,
		.preserve_fds = preserve_fds,
	};

	p.plan = ct_arena_alloc(arena, sizeof(*p.plan));
	if (!p.plan)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = steps[i](&p, err);

		if (r < 0)
			return r;
	}
	p.plan->report_places = true;
	*ret_plan = p.plan;
	return 0;
}
