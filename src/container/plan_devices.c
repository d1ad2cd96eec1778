/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the plan: the six that the spec says every container has, those that config.json adds,
 * and the links in /dev. The six are nodes of the host, bound, and so are the others in a user namespace:
 * the kernel lets nobody make any there. Root's are made, with the owner and mode that was asked for; so
 * are FIFOs everywhere.
 *
 * Runs in the CLI. What may fail: a node that the host does not have, or has with other numbers.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cattach/caps.h>

#include "plan.h"

static const struct {
	const char *path;
	unsigned major, minor;
} standard[] = {
	{ "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

#define STANDARD_COUNT (sizeof(standard) / sizeof(standard[0]))

static const struct ct_plan_pair links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

/* The /dev of the container is the host's when somebody binds a directory there. */
static bool has_bound_dev(const struct ct_plan *plan)
{
	bool bound = false;

	for (size_t i = 0; i < plan->mount_count; i++)
		if (strcmp(plan->mounts[i].destination, "/dev") == 0)
			bound = !plan->mounts[i].type;
	return bound;
}

/* A node that somebody mounts over, or lists again in linux.devices, is not placed by us first. */
static bool is_taken(const struct planning *p, const char *path)
{
	const struct ct_spec_linux *l = &p->spec->linux_;

	for (size_t i = 0; i < l->device_count; i++)
		if (strcmp(l->devices[i].path, path) == 0)
			return true;
	for (size_t i = 0; i < p->plan->mount_count; i++)
		if (strcmp(p->plan->mounts[i].destination, path) == 0)
			return true;
	return false;
}

static void add_standard(struct planning *p)
{
	struct ct_plan *plan = p->plan;

	for (size_t i = 0; i < STANDARD_COUNT; i++) {
		if (is_taken(p, standard[i].path))
			continue;
		plan->devices[plan->device_count++] = (struct ct_plan_device){
			.place = standard[i].path,
			.path = standard[i].path,
			.host = standard[i].path,
			.type = S_IFCHR,
			.number = makedev(standard[i].major, standard[i].minor),
		};
	}
}

static mode_t type_of(char letter)
{
	return letter == 'b' ? S_IFBLK : letter == 'p' ? S_IFIFO : S_IFCHR;
}

static int add_device(struct planning *p, size_t i, struct ct_err *err)
{
	const struct ct_spec_device *d = &p->spec->linux_.devices[i];
	struct ct_plan_device *device = &p->plan->devices[p->plan->device_count];
	bool rootful = !p->spec->linux_.namespaces[CT_NS_USER].present && ct_caps_have(CAP_MKNOD);
	struct stat st;

	*device = (struct ct_plan_device){
		.place = ct_plan_place(p, "linux.devices", i),
		.path = d->path,
		.host = d->path,
		.type = type_of(d->type),
		.number = makedev((unsigned)d->major, (unsigned)d->minor),
		.made = rootful || d->type == 'p',
		.mode = d->has_mode ? d->mode : 0666,
		.uid = d->uid,
		.gid = d->gid,
	};
	if (device->made) {
		p->plan->device_count++;
		return 0;
	}
	if (stat(device->host, &st) < 0) {
		ct_spec_fail(p->spec, err, errno, device->place, "the host has no %s", d->path);
		return ct_hint(err, "in a user namespace device nodes are bound from the host, they cannot be made");
	}
	if ((st.st_mode & S_IFMT) != device->type ||
	    (device->type != S_IFIFO && st.st_rdev != device->number))
		return ct_spec_fail(p->spec, err, ENODEV, device->place,
				    "the host's %s is not %c %lld:%lld", d->path, d->type,
				    (long long)d->major, (long long)d->minor);
	p->plan->device_count++;
	return 0;
}

int ct_plan_devices(struct planning *p, struct ct_err *err)
{
	struct ct_plan *plan = p->plan;
	size_t listed = p->spec->linux_.device_count;

	plan->devices = ct_arena_calloc(p->arena, STANDARD_COUNT + listed + 1,
					sizeof(*plan->devices));
	if (!plan->devices)
		return ct_fail_nomem(err);
	plan->own_dev = !has_bound_dev(plan);
	if (plan->own_dev) {
		add_standard(p);
		plan->links = links;
		plan->link_count = sizeof(links) / sizeof(links[0]);
	}
	for (size_t i = 0; i < listed; i++)
		if (add_device(p, i, err) < 0)
			return -err->code;
	return 0;
}
