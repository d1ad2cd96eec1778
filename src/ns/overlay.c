/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A throw-away root (ROOTFS:O): what the payload writes goes to a tmpfs and is gone with it.
 *
 * A directory without mounts below it gets one overlay. "/" cannot: in a user namespace the kernel
 * refuses a lower directory with locked mounts below, and an upper one below its lower one. So the
 * root is composed: a tmpfs, one overlay per top-level directory that has no mounts below, the
 * others bound read-only, links and files made again, proc, sys, dev, tmp and run empty.
 *
 * Runs in the child: layers are opened with the caller's ids, mounted as the container's root.
 * Overlay options are paths to descriptors (/proc/self/fd/N), so that no character of a directory's
 * name can be taken for an option. The tmpfs with the upper directories must be attached somewhere
 * while overlays are made: over the host's root. It is detached again before the new root comes
 * there, for the pivot is to leave nothing stacked; each overlay keeps its own hold on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "child.h"

#define MOVE_BY_FD (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)

static int open_layer(int root, const struct ct_plan_layer *layer, struct ct_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int ct_autofd fd = openat(root, layer->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int ct_autofd tree = -1;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open /%s", layer->name);
	if (layer->kind == CT_LAYER_OVERLAY)
		return ct_take_fd(&fd);
	tree = open_tree(fd, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return ct_fail_errno(err, errno, "cannot bind /%s", layer->name);
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot make /%s read-only", layer->name);
	return ct_take_fd(&tree);
}

int ct_child_open_layers(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;

	for (size_t i = 0; i < root->layer_count; i++) {
		const struct ct_plan_layer *layer = &root->layers[i];

		if (layer->kind == CT_LAYER_LINK || layer->kind == CT_LAYER_EMPTY)
			continue;
		c->layers[i] = open_layer(c->under, layer, err);
		if (c->layers[i] < 0)
			return ct_wrap(err, "%s:O", root->source.path);
	}
	return 0;
}

static int new_tmpfs(const char *name, struct ct_err *err)
{
	static const char *const data[] = { "mode=755", NULL };
	struct ct_mount_options options = {
		.set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
		.data = { .items = (const char **)data, .count = 1 },
	};

	return ct_child_new_mount("tmpfs", name, &options, err);
}

#define OVERFLOW_ID 65534	/* what ids show as that are not mapped */

/*
 * The upper directory is what shows as the mount's root, so it gets the lower one's mode, and its
 * owner where that one is mapped. Before the mode, since a change of owner takes bits of it away.
 */
static int make_upper(int lower, int scratch, const char *name, struct ct_err *err)
{
	int ct_autofd upper = -1;
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (fstat(lower, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine a lower directory");
	if (mkdirat(scratch, name, 0755) < 0)
		return ct_fail_errno(err, errno, "cannot make an upper directory");
	upper = openat(scratch, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0)
		return ct_fail_errno(err, errno, "cannot open an upper directory");
	uid = st.st_uid == OVERFLOW_ID ? (uid_t)-1 : st.st_uid;
	gid = st.st_gid == OVERFLOW_ID ? (gid_t)-1 : st.st_gid;
	if (fchown(upper, uid, gid) < 0 && errno != EINVAL && errno != EPERM)
		return ct_fail_errno(err, errno, "cannot set the owner of an upper directory");
	if (fchmod(upper, st.st_mode & 07777) < 0)
		return ct_fail_errno(err, errno, "cannot set the mode of an upper directory");
	return ct_take_fd(&upper);
}

/* One overlay with upper and work directories of its own, by number, on the scratch tmpfs. */
static int new_overlay(int lower, int scratch, size_t number, struct ct_err *err)
{
	char upper_name[32], work_name[32], lower_option[64], upper_option[64], work_option[64];
	int ct_autofd upper = -1, work = -1;
	const char *data[] = { lower_option, upper_option, work_option, "userxattr", NULL };
	struct ct_mount_options options = {
		.set = MOUNT_ATTR_NODEV,
		.data = { .items = data, .count = 4 },
	};

	snprintf(upper_name, sizeof(upper_name), "%zu.upper", number);
	snprintf(work_name, sizeof(work_name), "%zu.work", number);
	upper = make_upper(lower, scratch, upper_name, err);
	if (upper < 0)
		return upper;
	if (mkdirat(scratch, work_name, 0755) < 0)
		return ct_fail_errno(err, errno, "cannot make a work directory");
	work = openat(scratch, work_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (work < 0)
		return ct_fail_errno(err, errno, "cannot open a work directory");
	snprintf(lower_option, sizeof(lower_option), "lowerdir=/proc/self/fd/%d", lower);
	snprintf(upper_option, sizeof(upper_option), "upperdir=/proc/self/fd/%d", upper);
	snprintf(work_option, sizeof(work_option), "workdir=/proc/self/fd/%d", work);
	return ct_child_new_mount("overlay", "overlay", &options, err);
}

/* In the place of each lower directory its overlay, attached nowhere yet. */
static int make_overlays(struct child *c, int scratch, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;

	for (size_t i = 0; i < root->layer_count; i++) {
		const struct ct_plan_layer *layer = &root->layers[i];
		int ct_autofd lower = -1;

		if (layer->kind != CT_LAYER_OVERLAY)
			continue;
		lower = ct_take_fd(&c->layers[i]);
		c->layers[i] = new_overlay(lower, scratch, i, err);
		if (c->layers[i] < 0)
			return ct_wrap(err, "/%s", layer->name);
	}
	return 0;
}

static int place_layer(struct child *c, size_t i, struct ct_err *err)
{
	const struct ct_plan_layer *layer = &c->plan->root.layers[i];
	int ct_autofd target = -1, file = -1;

	if (layer->kind == CT_LAYER_LINK) {
		if (symlinkat(layer->link, c->root, layer->name) < 0)
			return ct_fail_errno(err, errno, "cannot make the link /%s", layer->name);
		return 0;
	}
	if (layer->kind == CT_LAYER_FILE) {
		file = openat(c->root, layer->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		if (file < 0)
			return ct_fail_errno(err, errno, "cannot make /%s", layer->name);
	} else if (mkdirat(c->root, layer->name, 0755) < 0 ||
		   fchmodat(c->root, layer->name, layer->mode, 0) < 0) {
		return ct_fail_errno(err, errno, "cannot make /%s", layer->name);
	}
	if (layer->kind == CT_LAYER_EMPTY)
		return 0;
	/* It stays open: a read-only root means its layers, too, once the mounts are made. */
	target = openat(c->root, layer->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || move_mount(c->layers[i], "", target, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot attach /%s", layer->name);
	return 0;
}

/* Attach a mount over the host's root directory, which nobody looks at any more. */
static int attach_over_host(struct child *c, int mount, struct ct_err *err)
{
	if (move_mount(mount, "", c->host_root, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot attach the throw-away root");
	return 0;
}

static int detach_scratch(int scratch, struct ct_err *err)
{
	if (fchdir(scratch) < 0 || umount2(".", MNT_DETACH) < 0)
		return ct_fail_errno(err, errno, "cannot detach the upper directories");
	return 0;
}

/* Everything that needs the upper directories: the overlay over all, or those of the layers. */
static int make_mounts(struct child *c, int scratch, struct ct_err *err)
{
	int r;

	if (c->plan->root.whole) {
		c->root = new_overlay(c->under, scratch, 0, err);
	} else {
		r = make_overlays(c, scratch, err);
		if (r < 0)
			return r;
		c->root = new_tmpfs("root", err);
	}
	return c->root < 0 ? c->root : 0;
}

int ct_child_compose_overlay(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;
	int ct_autofd scratch = new_tmpfs("scratch", err);
	int r = scratch < 0 ? scratch : attach_over_host(c, scratch, err);

	if (r == 0)
		r = make_mounts(c, scratch, err);
	if (r == 0)
		r = detach_scratch(scratch, err);
	if (r == 0)
		r = attach_over_host(c, c->root, err);
	for (size_t i = 0; r == 0 && i < root->layer_count; i++)
		r = place_layer(c, i, err);
	return r < 0 ? ct_wrap(err, "%s:O", root->source.path) : 0;
}
