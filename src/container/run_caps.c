/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities: --cap-add, --cap-drop, --privileged.
 *
 * Runs in the command, before anything is created; no set of this process changes. The sets of the
 * configuration or the defaults are the base; without an option they stay as they are. Drops come
 * before adds, ALL before names: so "--cap-drop ALL --cap-add NET_RAW" leaves one, and
 * "--cap-add ALL --cap-drop NET_RAW" all but one. What is added goes into the bounding, effective
 * and permitted sets, what is dropped leaves the inheritable and ambient ones too.
 *
 * May fail for names that nobody knows. ALL is what can be had: every capability of the running
 * kernel in a new user namespace, the caller's own bounding set without one.
 */
#include "run_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cattach/caps.h>
#include <cattach/log.h>

#define SETS 5				/* of struct ct_spec_capabilities */

/* The options, as masks. */
struct change {
	bool add_all, drop_all;
	uint64_t add, drop;
};

static int parse_list(const struct ct_strings *list, bool *ret_all, uint64_t *ret_mask,
		      struct ct_err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		unsigned number;

		if (!strcasecmp(list->items[i], "ALL")) {
			*ret_all = true;
			continue;
		}
		if (ct_cap_parse(list->items[i], &number, err) < 0)
			return -err->code;
		*ret_mask |= 1ull << number;
	}
	return 0;
}

static struct ct_strings *set_at(struct ct_spec_capabilities *sets, int i)
{
	struct ct_strings *const all[SETS] = {
		&sets->bounding, &sets->effective, &sets->permitted, &sets->inheritable,
		&sets->ambient,
	};

	return all[i];
}

/* A set of the configuration, as a mask; what nobody knows is left out, as the plan does. */
static int read_set(struct ct_run *run, int i, uint64_t *ret_mask, struct ct_err *err)
{
	static const char *const names[SETS] = {
		"bounding", "effective", "permitted", "inheritable", "ambient",
	};
	const struct ct_strings *list = set_at(&run->spec->process->capabilities, i);
	char path[64];

	*ret_mask = 0;
	for (size_t k = 0; k < list->count; k++) {
		unsigned number;

		if (ct_cap_parse(list->items[k], &number, err) == 0) {
			*ret_mask |= 1ull << number;
			continue;
		}
		snprintf(path, sizeof(path), "process.capabilities.%s[%zu]", names[i], k);
		ct_spec_wrap(run->spec, err, path);
		ct_warn("%s: %s, and is left out", err->where, err->what);
	}
	*err = (struct ct_err){ 0 };
	return 0;
}

static int write_set(struct ct_run *run, int i, uint64_t mask, struct ct_err *err)
{
	struct ct_strings list = { 0 };

	for (unsigned number = 0; number < 64; number++) {
		const char *name = mask >> number & 1 ? ct_cap_name(number) : NULL;

		if (name && ct_strings_add(run->arena, &list, name) < 0)
			return ct_fail_nomem(err);
	}
	*set_at(&run->spec->process->capabilities, i) = list;
	return 0;
}

static uint64_t apply(uint64_t mask, const struct change *change, uint64_t all, bool can_add)
{
	if (change->drop_all)
		mask = 0;
	if (change->add_all && can_add)
		mask = all;
	mask &= ~change->drop;
	return can_add ? mask | change->add : mask;
}

/* Without a user namespace of its own, a capability that we do not have cannot be given. */
int ct_run_caps(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	struct change change = { .add_all = options->privileged };
	uint64_t all = ct_caps_known(), mask;

	run->meta->privileged = options->privileged;
	run->meta->cap_add = options->cap_add;
	run->meta->cap_drop = options->cap_drop;
	if (!options->privileged && !options->cap_add.count && !options->cap_drop.count)
		return 0;
	if (!run->spec->linux_.namespaces[CT_NS_USER].present)
		all &= ct_caps_bounding();
	if (parse_list(&options->cap_add, &change.add_all, &change.add, err) < 0)
		return ct_wrap(err, "--cap-add");
	if (parse_list(&options->cap_drop, &change.drop_all, &change.drop, err) < 0)
		return ct_wrap(err, "--cap-drop");
	for (int i = 0; i < SETS; i++) {
		/* The first three are what root in the container has; the others stay as small. */
		if (read_set(run, i, &mask, err) < 0 ||
		    write_set(run, i, apply(mask, &change, all, i < 3), err) < 0)
			return -err->code;
	}
	run->spec->process->has_capabilities = true;
	return 0;
}
