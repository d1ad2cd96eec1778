/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.netDevices: network devices of the host that the container gets, and what they are called
 * there.
 *
 * Runs in the command, with the caller's rights, before anything is created; fails by refusing the
 * document, with positions. Names are held to the kernel's own rules (net/core/dev.c,
 * dev_valid_name), so that nothing of them can fail once a device has been moved. Which devices the
 * host has is asked later, by the plan.
 */
#include "schema.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

/* The kernel lets it choose the number: "eth%d". */
static bool is_template(const char *name)
{
	return strchr(name, '%') != NULL;
}

/* What is wrong with a name, or NULL. To the kernel 0xa0 is a blank, whatever character it is part
 * of. */
static const char *fault_of(const char *name, bool may_be_template)
{
	const char *percent = strchr(name, '%');

	if (!*name)
		return "is empty";
	if (strlen(name) >= IFNAMSIZ)
		return "is longer than 15 bytes, the most that a network device's name can have";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "is not one that a network device can have";
	for (const char *s = name; *s; s++)
		if (strchr("/:", *s) || isspace((unsigned char)*s) || iscntrl((unsigned char)*s) ||
		    (unsigned char)*s == 0xa0)
			return "has a character that a network device's name cannot have";
	if (percent && !may_be_template)
		return "has a %, which a network device's name cannot have";
	if (percent && strcmp(percent, "%d") != 0)
		return "must have no % but in one %d at its end";
	return NULL;
}

/* Some tools write an empty name where there is none. */
static int check_inside(const struct ct_reader *r, const struct ct_json *value)
{
	const char *fault = *value->text ? fault_of(value->text, true) : NULL;

	return fault ? ct_read_fail(r, value, EINVAL, "\"%.80s\" %s", value->text, fault) : 0;
}

static const struct ct_read_field net_device_fields[] = {
	{ "name", READ_STRING, .check = check_inside,
	  .offset = offsetof(struct ct_spec_net_device, inside) },
	{0},
};

static const struct ct_read_object net_device = { .fields = net_device_fields };

static int read_one(const struct ct_reader *r, const struct ct_json *value,
		    struct ct_spec_net_device *device)
{
	const char *fault = fault_of(value->key, false);
	char path[sizeof(r->err->where)];

	if (fault)
		return ct_read_fail(r, value, EINVAL, "the name %s", fault);
	if (ct_read_object(r, value, &net_device, device) < 0)
		return -r->err->code;
	device->name = value->key;
	if (!device->inside || !*device->inside)
		device->inside = device->name;
	device->place = ct_arena_strdup(r->arena, ct_json_path(value, path, sizeof(path)));
	return device->place ? 0 : ct_fail_nomem(r->err);
}

int ct_read_net_devices(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_spec_net_devices devices = {0};

	if (ct_read_type(r, value, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	devices.items = ct_arena_calloc(r->arena, value->count + 1, sizeof(*devices.items));
	if (!devices.items)
		return ct_fail_nomem(r->err);
	for (const struct ct_json *v = value->child; v; v = v->next)
		if (read_one(r, v, &devices.items[devices.count++]) < 0)
			return -r->err->code;
	memcpy(place, &devices, sizeof(devices));
	return 0;
}

/* ---- together with the rest ---- */

/* What is there from the beginning, and what another one is going to be called. */
static int check_clash(const struct ct_spec *spec, size_t i, struct ct_err *err)
{
	const struct ct_spec_net_device *items = spec->linux_.net_devices.items, *device = &items[i];

	if (strcmp(device->name, "lo") == 0)
		return ct_spec_fail(spec, err, EINVAL, device->place, "the loopback device cannot be "
				    "moved: every network namespace has its own");
	if (strcmp(device->inside, "lo") == 0)
		return ct_spec_fail(spec, err, EEXIST, device->place, "cannot be called lo in the "
				    "container: every network namespace has a device of that name");
	for (size_t other = 0; other < i && !is_template(device->inside); other++)
		if (strcmp(items[other].inside, device->inside) == 0)
			return ct_spec_fail(spec, err, EEXIST, device->place, "would be called %s in the "
					    "container, and so would %s", device->inside, items[other].name);
	return 0;
}

int ct_check_net_devices(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	const struct ct_spec_net_devices *devices = &spec->linux_.net_devices;

	if (!devices->count)
		return 0;
	if (!spec->linux_.namespaces[CT_NS_NETWORK].present) {
		ct_spec_fail(spec, err, EINVAL, devices->items[0].place,
			     "needs a network namespace to be moved to");
		return ct_hint(err, "add { \"type\": \"network\" } to linux.namespaces");
	}
	for (size_t i = 0; i < devices->count; i++)
		if (check_clash(spec, i, err) < 0)
			return -err->code;
	if (!rootless)
		return 0;
	ct_spec_fail(spec, err, EPERM, devices->items[0].place, "a network device of the host can be moved "
		     "by its root alone");
	return ct_hint(err, "run it as root, or remove linux.netDevices");
}
