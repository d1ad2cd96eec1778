/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the payload is: -u and --group-add, keep-id, or what the bundle says.
 *
 * Runs in the command with the caller's rights, before anything is created. Ids that a bundle
 * names stand as they are; everything that comes from us is looked up in the container's files
 * (src/container/user.c), and so is the home of either. Which groups can be kept depends on the
 * id maps, so they are only gathered here: src/container/run_idmap.c puts them together.
 *
 * May fail as the look-up does; where is the option.
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>

#include "passwd.h"

/* The user in a form that ct_user_lookup() takes: what was asked for, or what applies without. */
static const char *wanted_user(const struct ct_run *run)
{
	const struct ct_spec_process *process = run->spec->process;

	if (run->options->user)
		return run->options->user;
	if (run->userns.mode == CT_USERNS_KEEP_ID)
		return ct_arena_printf(run->arena, "%u:%u", run->userns.keep[CT_ID_USER],
				       run->userns.keep[CT_ID_GROUP]);
	/* A bundle names ids; only the home is looked up. */
	if (!run->plain)
		return ct_arena_printf(run->arena, "%u:%u", process->uid, process->gid);
	return "0";
}

/* Groups that the user asked for by name or number. */
static int add_groups(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *list = &run->options->group_add;
	uint32_t *gids = ct_arena_calloc(run->arena, list->count + 1, sizeof(*gids));

	if (!gids)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->items[i], "keep-groups")) {
			if (list->count > 1)
				return ct_fail(err, EINVAL, "keep-groups excludes other groups");
			run->spec->process->keep_groups = true;
			return 0;
		}
		if (ct_group_lookup(run->arena, run->rootfs, list->items[i], &gids[i], err) < 0)
			return -err->code;
	}
	run->asked_groups = gids;
	run->asked_group_count = list->count;
	return 0;
}

int ct_run_user(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_process *process = run->spec->process;
	const char *text = wanted_user(run);
	struct ct_user user = { 0 };

	if (!text)
		return ct_fail_nomem(err);
	if (ct_user_lookup(run->arena, run->rootfs, text, &user, err) < 0)
		return run->options->user ? ct_wrap(err, "--user") : -err->code;
	run->home = user.home;
	/* What the configuration says about groups stands unless the user is another one. */
	if (run->plain || run->options->user || run->userns.mode == CT_USERNS_KEEP_ID) {
		process->uid = user.uid;
		process->gid = user.gid;
		process->additional_gids = NULL;
		process->additional_gid_count = 0;
		run->file_groups = user.groups;
		run->file_group_count = user.group_count;
		run->own_groups = true;
	}
	if (add_groups(run, err) < 0)
		return ct_wrap(err, "--group-add");
	run->meta->user = run->options->user;
	return 0;
}
