/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USER[:GROUP] looked up in the files of a root file system.
 *
 * Runs in the command with the caller's rights; nothing of the host's user database counts. The
 * rule against confusion: a text of digits is an id, in 0...CT_ID_MAX, and is never looked up as a
 * name, so that an entry called "1000" or an id of 2^32 cannot make somebody root; any other text
 * is a name, and a text that looks like a number somebody got wrong (a sign, blanks) is refused.
 *
 * A user without an entry has group 0 and the home "/", as with docker. An explicit group takes
 * the place of all groups that /etc/group would add. May fail as src/container/passwd.c does, and
 * with ENOENT for names that are not there.
 */
#include <cattach/run.h>

#include <errno.h>
#include <string.h>

#include <cattach/num.h>

#include "passwd.h"

/* Could this be a name in passwd or group? */
static int check_name(const char *text, const char *what, struct ct_err *err)
{
	bool good = *text && *text != '+' && *text != '-' && strlen(text) <= 256;

	for (const unsigned char *s = (const unsigned char *)text; good && *s; s++)
		good = *s > ' ' && *s != 0x7f && *s != ':' && *s != ',' && *s != '/';
	if (good)
		return 0;
	ct_fail(err, EINVAL, "\"%s\" is neither a %s name nor an id 0...%u", text, what, CT_ID_MAX);
	return ct_hint(err, "USER[:GROUP], each a name or decimal digits");
}

int ct_group_lookup(struct ct_arena *arena, int rootfs, const char *text, uint32_t *ret_gid,
		    struct ct_err *err)
{
	struct ct_user_file file;
	int ret;

	if (ct_is_number(text))
		return ct_parse_id(text, ret_gid, err);
	ret = check_name(text, "group", err);
	if (ret == 0)
		ret = ct_user_file_read(arena, rootfs, "/etc/group", true, &file, err);
	if (ret < 0)
		return ret;
	if (!ct_group_find(&file, text, ret_gid))
		return ct_fail(err, ENOENT,
			       "unable to find group %s: no matching entries in group file", text);
	return 0;
}

/* The entry of a user; for an id without one what docker assumes. */
static int lookup_entry(struct ct_arena *arena, int rootfs, const char *text,
			struct ct_passwd_entry *ret_entry, struct ct_err *err)
{
	struct ct_passwd_entry entry = { .home = "/" };
	bool number = ct_is_number(text);
	struct ct_user_file file;
	int ret = number ? ct_parse_id(text, &entry.uid, err) : check_name(text, "user", err);

	if (ret == 0)
		ret = ct_user_file_read(arena, rootfs, "/etc/passwd", !number, &file, err);
	if (ret < 0)
		return ret;
	ret = ct_passwd_find(arena, &file, number ? NULL : text, entry.uid, &entry);
	if (ret < 0)
		return ct_fail_nomem(err);
	if (ret == 0 && !number)
		return ct_fail(err, ENOENT,
			       "unable to find user %s: no matching entries in passwd file", text);
	*ret_entry = entry;
	return 0;
}

/* An id without an entry in /etc/passwd has no name that could be a member. */
static int lookup_groups(struct ct_arena *arena, int rootfs, struct ct_user *user,
			 struct ct_err *err)
{
	struct ct_user_file file;
	int ret;

	if (!user->name)
		return 0;
	ret = ct_user_file_read(arena, rootfs, "/etc/group", false, &file, err);
	if (ret < 0)
		return ret;
	return ct_group_list(arena, &file, user->name, user->gid, &user->groups,
			     &user->group_count, err);
}

int ct_user_lookup(struct ct_arena *arena, int rootfs, const char *text, struct ct_user *ret_user,
		   struct ct_err *err)
{
	const char *colon = strchr(text, ':');
	struct ct_passwd_entry entry = { 0 };
	struct ct_user user = { 0 };
	const char *name = colon ? ct_arena_strndup(arena, text, (size_t)(colon - text)) : text;
	int ret;

	if (!name)
		return ct_fail_nomem(err);
	ret = lookup_entry(arena, rootfs, name, &entry, err);
	if (ret < 0)
		return ret;
	user.uid = entry.uid;
	user.gid = entry.gid;
	user.name = entry.name;
	user.home = *entry.home ? entry.home : "/";
	if (colon)
		ret = ct_group_lookup(arena, rootfs, colon + 1, &user.gid, err);
	else
		ret = lookup_groups(arena, rootfs, &user, err);
	if (ret == 0)
		*ret_user = user;
	return ret;
}
