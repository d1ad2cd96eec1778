/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that are there before the user's own ones, fitted to the namespaces and to --shm-size
 * and --privileged.
 *
 * Runs in the command, before anything is created; nothing is mounted here. With the host's IPC or
 * cgroup namespace the kernel refuses an unprivileged mount of mqueue or cgroup2, and a fresh one
 * would not show what is shared anyway: the host's own directories are bound instead. (proc and
 * sysfs are the start's business: it knows what it can mount.)
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/num.h>

/* The last mount at a place is the one that will be seen there. */
static struct ct_spec_mount *find_mount(struct ct_run *run, const char *destination)
{
	struct ct_spec_mounts *mounts = &run->spec->mounts;

	for (size_t i = mounts->count; i > 0; i--)
		if (!strcmp(mounts->items[i - 1].destination, destination))
			return &mounts->items[i - 1];
	return NULL;
}

static void remove_mount(struct ct_run *run, const struct ct_spec_mount *mount)
{
	struct ct_spec_mounts *mounts = &run->spec->mounts;
	size_t at = (size_t)(mount - mounts->items);

	memmove(&mounts->items[at], &mounts->items[at + 1],
		(mounts->count - at - 1) * sizeof(*mounts->items));
	mounts->count--;
}

/* Bind a directory of the host where the container would have had one of its own. Where the host
 * has no such directory, the container has none either. */
static int share(struct ct_run *run, const char *path, const char *access, struct ct_err *err)
{
	struct ct_spec_mount *mount = find_mount(run, path);
	const char *const options[] = { "rbind", "rprivate", "nosuid", "nodev", "noexec", access };
	struct stat st;

	if (!mount)
		return 0;
	if (stat(path, &st) < 0) {
		remove_mount(run, mount);
		return 0;
	}
	mount->type = "bind";
	mount->source = path;
	mount->options = (struct ct_strings){ 0 };
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (ct_strings_add(run->arena, &mount->options, options[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

/* A mount's options with one of them, "ro" or "size=" with any value, replaced by another. */
static int replace_option(struct ct_run *run, struct ct_spec_mount *mount, const char *option,
			  const char *instead, struct ct_err *err)
{
	struct ct_strings options = { 0 };
	/* With the NUL it is the whole word, without it a beginning. */
	size_t length = strlen(option) + !strchr(option, '=');
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < mount->options.count; i++)
		if (strncmp(mount->options.items[i], option, length) != 0)
			ret = ct_strings_add(run->arena, &options, mount->options.items[i]);
	if (ret == 0)
		ret = ct_strings_add(run->arena, &options, instead);
	if (ret < 0)
		return ct_fail_nomem(err);
	mount->options = options;
	return 0;
}

/* A tmpfs on /dev/shm for a bundle that has none. */
static int add_shm(struct ct_run *run, const char *size, struct ct_err *err)
{
	const char *const options[] = { "nosuid", "noexec", "nodev", "mode=1777", size };
	struct ct_spec_mounts *mounts = &run->spec->mounts, all = { .count = mounts->count };
	struct ct_spec_mount *mount;

	all.items = ct_arena_calloc(run->arena, mounts->count + 1, sizeof(*all.items));
	if (!all.items)
		return ct_fail_nomem(err);
	if (mounts->count)
		memcpy(all.items, mounts->items, mounts->count * sizeof(*all.items));
	mount = &all.items[all.count++];
	mount->destination = "/dev/shm";
	mount->type = "tmpfs";
	mount->source = "shm";
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (ct_strings_add(run->arena, &mount->options, options[i]) < 0)
			return ct_fail_nomem(err);
	*mounts = all;
	return 0;
}

/* Did the user choose the host's namespace? What a bundle leaves out is its own business. */
static bool chose_host(const struct ct_run *run, enum ct_spec_ns ns, const char *option)
{
	return (run->plain || option) && !run->spec->linux_.namespaces[ns].present;
}

/* --shm-size: the size of the tmpfs that is there, or a tmpfs of that size. */
static int choose_shm(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_mount *mount = find_mount(run, "/dev/shm");
	const char *option;
	uint64_t size;

	if (!run->options->shm_size)
		return 0;
	if (chose_host(run, CT_NS_IPC, run->options->ipc))
		return ct_fail(err, EINVAL, "the container shares the host's /dev/shm");
	if (ct_parse_size(run->options->shm_size, &size, err) < 0)
		return -err->code;
	/* tmpfs reads 0 as "no limit", which nobody means by it. */
	if (!size)
		return ct_fail(err, ERANGE, "must be more than 0");
	option = ct_arena_printf(run->arena, "size=%llu", (unsigned long long)size);
	if (!option)
		return ct_fail_nomem(err);
	if (!mount)
		return add_shm(run, option, err);
	if (!mount->type || strcmp(mount->type, "tmpfs"))
		return ct_fail(err, EINVAL, "/dev/shm of the bundle is not a tmpfs");
	return replace_option(run, mount, "size=", option, err);
}

/* A privileged container may write to sysfs and cgroups as far as the caller itself may. */
static int make_writable(struct ct_run *run, const char *path, struct ct_err *err)
{
	struct ct_spec_mount *mount = find_mount(run, path);

	for (size_t i = 0; mount && i < mount->options.count; i++)
		if (!strcmp(mount->options.items[i], "ro"))
			return replace_option(run, mount, "ro", "rw", err);
	return 0;
}

/* rro for cgroups: what is mounted below the host's directory is read-only, too. */
int ct_run_default_mounts(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	bool host_ipc = chose_host(run, CT_NS_IPC, options->ipc);
	bool host_cgroup = chose_host(run, CT_NS_CGROUP, options->cgroupns);
	int ret = 0;

	if (choose_shm(run, err) < 0)
		return ct_wrap(err, "--shm-size");
	if (host_ipc)
		ret = share(run, "/dev/shm", "rw", err);
	if (ret == 0 && host_ipc)
		ret = share(run, "/dev/mqueue", "rw", err);
	if (ret == 0 && host_cgroup)
		ret = share(run, "/sys/fs/cgroup", "rro", err);
	if (ret == 0 && options->privileged)
		ret = make_writable(run, "/sys", err);
	if (ret == 0 && options->privileged)
		ret = make_writable(run, "/sys/fs/cgroup", err);
	return ret;
}
