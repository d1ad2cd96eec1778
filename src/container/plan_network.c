/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network devices of the plan: those of linux.netDevices, as the host has them now.
 *
 * Runs in the CLI. A device that is not there, one that cannot be moved and a network namespace that is
 * the host's own are found here, before anything is made. What its name is in the way of can only be seen
 * where it goes to: src/ns looks before it moves the first one.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <cattach/ns.h>

#include "plan.h"

/* A path may lead to the namespace that the devices are in. */
static int check_namespace(struct planning *p, struct ct_err *err)
{
	const struct ct_plan *plan = p->plan;

	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].flag == CLONE_NEWNET &&
		    ct_plan_is_own(plan->joins[i].fd, "/proc/self/ns/net"))
			return ct_spec_fail(p->spec, err, EINVAL, p->spec->linux_.net_devices.items[0].place,
					    "is in the container's network namespace already: %s is the "
					    "host's own", p->spec->linux_.namespaces[CT_NS_NETWORK].path);
	return 0;
}

static int plan_device(struct planning *p, const struct ct_spec_net_device *from,
		       struct ct_plan_net_device *device, struct ct_err *err)
{
	device->place = from->place;
	device->name = from->name;
	device->inside = from->inside;
	if (ct_netdev_look(device->name, &device->index, err) < 0)
		return ct_spec_wrap(p->spec, err, device->place);
	return 0;
}

/* Names that are fixed come first: the kernel must not choose one of them for a template. */
static int plan_devices(struct planning *p, struct ct_plan_network *network, struct ct_err *err)
{
	const struct ct_spec_net_devices *from = &p->spec->linux_.net_devices;

	for (int templates = 0; templates < 2; templates++)
		for (size_t i = 0; i < from->count; i++)
			if (!strchr(from->items[i].inside, '%') == !templates &&
			    plan_device(p, &from->items[i], &network->devices[network->count++], err) < 0)
				return -err->code;
	return 0;
}

int ct_plan_network(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_net_devices *from = &p->spec->linux_.net_devices;
	struct ct_plan_network *network;

	if (!from->count)
		return 0;
	if (check_namespace(p, err) < 0)
		return -err->code;
	network = ct_arena_alloc(p->arena, sizeof(*network));
	if (network)
		network->devices = ct_arena_calloc(p->arena, from->count, sizeof(*network->devices));
	if (!network || !network->devices)
		return ct_fail_nomem(err);
	network->inside = -1;
	p->plan->network = network;
	return plan_devices(p, network, err);
}
