/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps --size: what a container has written into its throw-away layer, and with it all files of its
 * root file system, in docker's words.
 *
 * Runs in the command's own process with the caller's rights and looks at every file, which takes
 * as long as that takes. Does not fail: what cannot be looked at is said on stderr, and counts for
 * nothing.
 */
#include "ps.h"

#include <cattach/log.h>
#include <cattach/size.h>

#include "stats.h"

const char *ct_ps_size(struct ct_values *values, const struct ct_container *container)
{
	const char *label = ct_container_label(container), *text;
	char writable[CT_AMOUNT_SIZE], total[CT_AMOUNT_SIZE];
	struct ct_size size = {0};
	struct ct_err why;

	/* Its files are those of its container. */
	if (container->session_of)
		return "";
	if (ct_container_size(container, &size, &why) < 0)
		ct_warn("container %s has no size: %s", label, why.what);
	if (size.unread)
		ct_warn("container %s is larger: directories may not be read (cattach unshare du)",
			label);
	text = ct_arena_printf(values->arena, "%s (virtual %s)",
			       ct_amount_decimal(size.writable, writable),
			       ct_amount_decimal(size.total, total));
	values->failed = values->failed || !text;
	return text ? text : "";
}
