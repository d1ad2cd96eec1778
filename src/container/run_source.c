/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is run: a bundle (a directory with config.json) or a plain root file system, named by an
 * operand or by --bundle or --rootfs, the latter with ":O" for a throwaway overlay.
 *
 * Runs in the command with the caller's rights, before anything is created. The paths here are the
 * caller's own; they are resolved once, to an absolute path without links, and the root directory
 * is kept open so that the user database below it is read from what was named. config.json is
 * untrusted for its form: a regular file of at most 1 MiB, whatever it is a link to.
 *
 * May fail because things are missing, unreadable or no directory, because config.json is not
 * well-formed, and because the host's own root was named without an overlay.
 *
 *   BUNDLE     has config.json: use_bundle()       ROOTFS     has none, or --rootfs: use_rootfs()
 *   PATH:O     an overlay over it, thrown away at the end
 */
#include "run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>

/* What was named, without the suffix. */
struct source {
	const char *where;		/* "--rootfs", or NULL: the operand itself is named */
	const char *path;
	bool overlay;
};

/* The two common mistakes get words of their own. */
static int fail_open(int code, const char *path, struct ct_err *err)
{
	if (!*path)
		return ct_fail(err, code, "the path is empty");
	if (code == ENOENT)
		return ct_fail(err, code, "no such directory: %s", path);
	if (code == ENOTDIR)
		return ct_fail(err, code, "not a directory: %s", path);
	return ct_fail_errno(err, code, "cannot open directory %s", path);
}

/* An O_PATH descriptor of a directory that the caller may enter. */
static int open_directory(const char *path, struct ct_err *err)
{
	ct_autofd int fd = *path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	ct_autofd int probe = -1;

	if (fd < 0)
		return fail_open(*path ? errno : ENOENT, path, err);
	/* O_PATH alone asks for no right on the directory itself. */
	probe = openat(fd, ".", O_PATH | O_CLOEXEC);
	if (probe < 0)
		return fail_open(errno, path, err);
	return ct_take_fd(&fd);
}

/* The absolute path without links of a directory that exists. The path is written down, and the
 * start opens it again: a link in it could lead elsewhere by then. */
static const char *resolve(struct ct_run *run, const char *path, struct ct_err *err)
{
	char ct_autofree *real = realpath(path, NULL);
	const char *copy = real ? ct_arena_strdup(run->arena, real) : NULL;

	if (!real)
		fail_open(errno, path, err);
	else if (!copy)
		ct_fail_nomem(err);
	return copy;
}

/* Is this directory the root of the host, by whatever name? */
static bool is_host_root(int fd)
{
	struct statx here, root;
	unsigned mask = STATX_INO | STATX_MNT_ID;

	if (statx(fd, "", AT_EMPTY_PATH, mask, &here) < 0 ||
	    statx(AT_FDCWD, "/", 0, mask, &root) < 0)
		return false;
	/* A bind of it elsewhere is another mount, and another matter. */
	if ((here.stx_mask & root.stx_mask & STATX_MNT_ID) && here.stx_mnt_id != root.stx_mnt_id)
		return false;
	return here.stx_ino == root.stx_ino && here.stx_dev_major == root.stx_dev_major &&
	       here.stx_dev_minor == root.stx_dev_minor;
}

/* The option's path, or the operand's with its ":O" taken off. */
static int pick_source(struct ct_run *run, struct source *ret_source, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	int named = !!options->bundle + !!options->rootfs + !!options->operand;
	struct source source = { .path = options->operand };
	size_t length;

	if (named == 0) {
		ct_fail(err, EINVAL, "nothing to run");
		return ct_hint(err, "name a bundle or a root file system directory");
	}
	if (named > 1)
		return ct_fail(err, EINVAL, "--bundle, --rootfs and a BUNDLE or ROOTFS operand "
					    "exclude each other");
	if (!source.path) {
		source.where = options->bundle ? "--bundle" : "--rootfs";
		source.path = options->bundle ? options->bundle : options->rootfs;
	}
	run->meta->source = source.path;
	length = strlen(source.path);
	if (length > 2 && !strcmp(source.path + length - 2, ":O")) {
		source.overlay = true;
		source.path = ct_arena_strndup(run->arena, source.path, length - 2);
		if (!source.path)
			return ct_fail_nomem(err);
	}
	*ret_source = source;
	return 0;
}

/* A container that is going to be made, and not started: a process that is none. */
static int stand_in(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_process *process = ct_arena_calloc(run->arena, 1, sizeof(*process));

	if (!process || ct_strings_add(run->arena, &process->args, "-") < 0)
		return ct_fail_nomem(err);
	process->cwd = "/";
	run->spec->process = process;
	run->meta->no_process = true;
	return 0;
}

/* The bundle's config.json into run->spec. */
static int read_config(struct ct_run *run, int bundle, struct ct_err *err)
{
	const char *given = run->options->config, *name = given ? given : "config.json";
	ct_autofd int fd = openat(given ? AT_FDCWD : bundle, name,
				  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *text;
	size_t size;
	int r;

	if (fd < 0 && given)
		return ct_fail_errno(err, errno, "cannot open %s", given);
	if (fd < 0 && errno == ENOENT) {
		ct_fail(err, ENOENT, "config.json not found");
		ct_hint(err, "is this a bundle directory?");
		return ct_wrap(err, "bundle %s", run->meta->bundle);
	}
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s/config.json", run->meta->bundle);
	if (ct_read_file(run->arena, fd, CT_JSON_MAX_SIZE, &text, &size, err) < 0)
		return ct_wrap(err, "%s", name);
	r = ct_spec_parse(run->arena, name, text, size, &run->spec, err);
	if (r == 0 && !run->spec->process && run->options->without_process)
		r = stand_in(run, err);
	return r;
}

/* root.path of a bundle, opened and made absolute. */
static int open_root_path(struct ct_run *run, struct ct_err *err)
{
	const char *written = run->spec->root_path, *path = written;

	if (!run->spec->has_root || !written)
		return ct_spec_fail(run->spec, err, EINVAL, "root", "missing");
	if (!*written)
		return ct_spec_fail(run->spec, err, EINVAL, "root.path", "is empty");
	if (*written != '/')
		path = ct_arena_printf(run->arena, "%s/%s", run->meta->bundle, written);
	if (!path)
		return ct_fail_nomem(err);
	run->rootfs = open_directory(path, err);
	if (run->rootfs < 0)
		return ct_spec_wrap(run->spec, err, "root.path");
	run->meta->rootfs = resolve(run, path, err);
	return run->meta->rootfs ? 0 : ct_spec_wrap(run->spec, err, "root.path");
}

/* The configuration decides on everything but what options say. */
static int use_bundle(struct ct_run *run, const struct source *source, int bundle,
		      struct ct_err *err)
{
	int ret;

	run->meta->bundle = resolve(run, source->path, err);
	if (!run->meta->bundle)
		return -err->code;
	ret = read_config(run, bundle, err);
	if (ret == 0)
		ret = open_root_path(run, err);
	if (ret == 0 && !run->spec->process)
		ret = ct_spec_fail(run->spec, err, EINVAL, "process", "missing");
	return ret;
}

/* The defaults for a directory that says nothing about itself. */
static int use_rootfs(struct ct_run *run, const struct source *source, int *directory,
		      struct ct_err *err)
{
	run->plain = true;
	run->rootfs = ct_take_fd(directory);
	run->meta->rootfs = resolve(run, source->path, err);
	if (!run->meta->rootfs)
		return -err->code;
	return ct_spec_default(run->arena, run->rootless, &run->spec, err);
}

/* Without the overlay a container would write to, and mount on, the host itself. */
static int check_root(const struct ct_run *run, const struct source *source, struct ct_err *err)
{
	if (source->overlay || !is_host_root(run->rootfs))
		return 0;
	if (run->plain)
		ct_fail(err, EPERM, "refusing the host's root as root file system");
	else
		ct_spec_fail(run->spec, err, EPERM, "root.path",
			     "refusing the host's root as root file system");
	return ct_hint(err, "--rootfs /:O runs a throwaway copy of it");
}

/* The directory is opened before it is decided what it is, and everything below is looked up from
 * that descriptor: a path that is changed meanwhile does not mix two of them. */
int ct_run_source(struct ct_run *run, struct ct_err *err)
{
	struct source source = { 0 };
	ct_autofd int directory = -1;
	struct stat st;
	int ret = pick_source(run, &source, err);

	if (ret < 0)
		return ret;
	directory = open_directory(source.path, err);
	if (directory < 0 && !source.where && !strchr(source.path, '/'))
		ct_hint(err, "a bundle or root file system directory is needed, not an image");
	if (directory < 0)
		return source.where ? ct_wrap(err, "%s", source.where) : -err->code;
	/* --rootfs is a root file system even where a config.json lies in it. */
	if (run->options->bundle ||
	    (!run->options->rootfs &&
	     fstatat(directory, "config.json", &st, AT_SYMLINK_NOFOLLOW) == 0))
		ret = use_bundle(run, &source, directory, err);
	else
		ret = use_rootfs(run, &source, &directory, err);
	if (ret == 0)
		ret = check_root(run, &source, err);
	if (ret < 0)
		return source.where && run->plain ? ct_wrap(err, "%s", source.where) : ret;
	run->meta->overlay = source.overlay;
	run->spec->has_root = true;
	run->spec->root_path = run->meta->rootfs;
	if (run->options->read_only)
		run->spec->root_readonly = true;
	ct_log(CT_LOG_DEBUG, CT_TOPIC_SPEC, "%s: root file system %s%s",
	       run->plain ? "rootfs" : "bundle", run->meta->rootfs,
	       source.overlay ? " (overlay)" : "");
	return 0;
}
