/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --latest: the newest container instead of a name, for people who have just made it.
 *
 * Runs in the command's own process. Fails when there is none, and for a name beside the option.
 *
 * By the time of making, which the list is sorted by; one that was started again later does not
 * become newer.
 */
#include "latest.h"

#include <errno.h>

/* The verb's minimum of operands is 0 for the parser because of the option: what is missing is said
 * here, in the words of the parser. */
int ct_check_latest(const struct ct_call *call, bool latest, struct ct_err *err)
{
	if (latest && call->operands.count)
		ct_fail(err, EINVAL, "--latest and a %s exclude each other", call->verb->operand);
	else if (!latest && !call->operands.count)
		ct_fail(err, EINVAL, "%s needs a %s, or --latest", call->verb->name,
			call->verb->operand);
	else
		return 0;
	return ct_hint(err, "usage: cattach %s %s", call->verb->name, call->verb->synopsis);
}

int ct_operand_or_latest(const struct ct_call *call, bool latest, struct ct_store *store,
			 const char **ret_name, struct ct_err *err)
{
	struct ct_container_list list;

	if (!latest) {
		*ret_name = call->operands.items[0];
		return 0;
	}
	if (ct_container_list(store, call->arena, &list, err) < 0)
		return -err->code;
	if (!list.count) {
		ct_fail(err, ENOENT, "there are no containers");
		ct_hint(err, "cattach run makes one");
		return ct_wrap(err, "--latest");
	}
	/* The id and not the name: it is looked up once more, and the name may be given to another
	 * meanwhile. */
	*ret_name = list.items[0].meta.id;
	return 0;
}
