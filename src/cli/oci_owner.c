/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root asks for containers of a user's: Slurm does, whose daemon looks after what the user's job has run.
 *
 * Runs in commands of the runtime face, at their beginning, when root has said with --root whose records
 * are meant. A record names processes, cgroups and hooks, so what a user has written is followed with
 * that user's rights and no others: the command becomes the owner of the directory, for good. May fail
 * where that is no user of this user namespace.
 */
#include "oci.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#define ENTRY_MAX 4096

/* The groups of the password database; a user whom it does not know has none but the directory's. */
static int become(const struct stat *st)
{
	struct passwd entry, *found = NULL;
	char scratch[ENTRY_MAX];
	gid_t gid = st->st_gid;

	if (getpwuid_r(st->st_uid, &entry, scratch, sizeof(scratch), &found) == 0 && found)
		gid = found->pw_gid;
	if ((found ? initgroups(found->pw_name, gid) : setgroups(0, NULL)) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(st->st_uid, st->st_uid, st->st_uid) < 0)
		return -errno;
	return 0;
}

int oci_become_owner(const char *root, struct ct_err *err)
{
	int ct_autofd fd = -1;
	struct stat st;
	int r;

	if (geteuid() != 0 || !root || !*root)
		return 0;
	fd = openat(AT_FDCWD, root, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	/* What is wrong with it is said by who opens it. */
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid == 0)
		return 0;
	r = become(&st);
	if (r < 0)
		return ct_fail_errno(err, -r, "%s belongs to uid %u, which root cannot become here", root,
				     (unsigned)st.st_uid);
	return 0;
}
