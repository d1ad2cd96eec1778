/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems of the container: -v, --mount, --tmpfs, --device, --shm-size.
 *
 * Runs in the command with the caller's rights, before anything is created; nothing is mounted
 * here. A source is the caller's own path: it must exist now, and the start pins its identity. A
 * destination is only text here, it is resolved inside the root file system by src/ns. What the
 * options name replaces a mount of the configuration or the defaults at the same place; in a plain
 * root file system it also takes away the defaults that it would hide (-v DIR:/dev).
 *
 * Named and anonymous volumes do not exist in this version and are refused by name, and so are
 * options that would change the host (U) or cannot be kept (a device's permissions).
 *
 *   --volume SRC:DST[:OPTIONS]      parse_volume       --tmpfs DST[:OPTIONS]        parse_tmpfs
 *   --mount type=...,...            run_mount_csv.c    --device HOST[:CTR[:MODE]]   parse_device
 *
 * All of them become rows of wanted, in this order; two at one place are an error, for docker and
 * podman do not agree which one wins. merge() puts them behind the mounts of the configuration.
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/log.h>

/* Mounts that the options ask for, in their order. */
struct wanted {
	struct ct_spec_mount *items;
	size_t count;
};

static int add_option(struct ct_run *run, struct ct_spec_mount *mount, const char *option,
		      struct ct_err *err)
{
	return ct_strings_add(run->arena, &mount->options, option) < 0 ? ct_fail_nomem(err) : 0;
}

/* Append each of a list that ends with NULL. */
static int add_options(struct ct_run *run, struct ct_spec_mount *mount, const char *const *options,
		       struct ct_err *err)
{
	int ret = 0;

	for (; ret == 0 && *options; options++)
		ret = add_option(run, mount, *options, err);
	return ret;
}

/*
 * A source is a path as a shell would pass it, or docker's name of a volume. Links in it stay: the
 * start opens the same path again and compares what it finds with what is there now.
 */
int ct_run_mount_source(struct ct_run *run, struct ct_spec_mount *mount, const char *source,
			struct ct_err *err)
{
	struct stat st;

	if (!*source)
		return ct_fail(err, EINVAL, "the source is empty");
	if (*source != '/' && *source != '.') {
		ct_fail(err, EINVAL, "%s: named volumes are not available in this version", source);
		return ct_hint(err, "a path begins with / or .");
	}
	mount->source = ct_run_absolute(run->arena, source, err);
	if (!mount->source)
		return -err->code;
	if (stat(mount->source, &st) < 0) {
		ct_fail_errno(err, errno, "%s", source);
		return err->code == ENOENT ?
		       ct_hint(err, "sources are not created: mkdir -p it first") : -err->code;
	}
	return 0;
}

/* A destination is cleaned, so that two spellings of one place are seen to be one. */
int ct_run_mount_target(struct ct_run *run, struct ct_spec_mount *mount, const char *target,
			struct ct_err *err)
{
	if (*target != '/')
		return ct_fail(err, EINVAL, "the destination must be an absolute path, not \"%s\"",
			       target);
	mount->destination = ct_run_clean_path(run->arena, target);
	if (!mount->destination)
		return ct_fail_nomem(err);
	if (!strcmp(mount->destination, "/"))
		return ct_fail(err, EINVAL, "the destination cannot be /");
	return 0;
}

/* What -v takes behind the second colon: each word, and with what it excludes itself. */
static const struct {
	const char *word, *option;
	enum { ACCESS, TREE, SUID, DEV, EXEC, PROPAGATION, RELABEL, TIMES, ANY } group;
} volume_words[] = {
	{ "ro", "rro", ACCESS },	/* docker's ro is recursive too, where it can be */
	{ "rw", NULL, ACCESS },
	{ "bind", "bind", TREE },
	{ "rbind", "rbind", TREE },
	{ "nosuid", "nosuid", SUID },
	{ "suid", "suid", SUID },
	{ "nodev", "nodev", DEV },
	{ "dev", "dev", DEV },
	{ "noexec", "noexec", EXEC },
	{ "exec", "exec", EXEC },
	{ "private", "private", PROPAGATION },
	{ "rprivate", "rprivate", PROPAGATION },
	{ "shared", "shared", PROPAGATION },
	{ "rshared", "rshared", PROPAGATION },
	{ "slave", "slave", PROPAGATION },
	{ "rslave", "rslave", PROPAGATION },
	{ "unbindable", "unbindable", PROPAGATION },
	{ "runbindable", "runbindable", PROPAGATION },
	{ "noatime", "noatime", TIMES },
	{ "relatime", "relatime", TIMES },
	{ "strictatime", "strictatime", TIMES },
	{ "nodiratime", "nodiratime", ANY },
	{ "z", NULL, RELABEL },
	{ "Z", NULL, RELABEL },
};

#define VOLUME_WORDS (sizeof(volume_words) / sizeof(volume_words[0]))

/* Words that docker or podman know and we refuse get their reason. */
static int fail_volume_word(const char *word, struct ct_err *err)
{
	if (!strcmp(word, "U")) {
		ct_fail(err, EINVAL, "U would change the owners of the source on the host");
		return ct_hint(err, "chown it yourself, or map your own id with --userns=keep-id");
	}
	if (!strcmp(word, "O"))
		return ct_fail(err, EINVAL, "O (an overlay on a volume) is not available in this "
					    "version");
	ct_fail(err, EINVAL, "unknown option \"%s\"", word);
	return ct_hint(err, "ro rw bind rbind nosuid nodev noexec noatime [r]private [r]shared "
			    "[r]slave z Z");
}

/* One word of the options; seen has a bit for each group that has had its word. */
static int volume_word(struct ct_run *run, struct ct_spec_mount *mount, const char *word,
		       unsigned *seen, struct ct_err *err)
{
	size_t i = 0;

	while (i < VOLUME_WORDS && strcmp(volume_words[i].word, word) != 0)
		i++;
	if (i == VOLUME_WORDS)
		return fail_volume_word(word, err);
	if (volume_words[i].group != ANY && (*seen & 1u << volume_words[i].group))
		return ct_fail(err, EINVAL, "\"%s\" after another option of its kind", word);
	*seen |= 1u << volume_words[i].group;
	/* There is nothing to relabel for without SELinux in the container's way. */
	if (volume_words[i].group == RELABEL)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "%s: \"%s\" ignored, no SELinux here",
		       mount->destination, word);
	return volume_words[i].option ? add_option(run, mount, volume_words[i].option, err) : 0;
}

/* The words, and for what they leave open docker's defaults: recursive, private. rbind and
 * rprivate: what is mounted below the source comes along, and nothing that is mounted later goes in
 * either direction. */
static int volume_options(struct ct_run *run, struct ct_spec_mount *mount, const char *text,
			  struct ct_err *err)
{
	struct ct_strings words = { 0 };
	unsigned seen = 0;
	int ret = 0;

	if (*text && ct_run_split(run->arena, text, ',', &words) < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; ret == 0 && i < words.count; i++)
		ret = volume_word(run, mount, words.items[i], &seen, err);
	if (ret == 0 && !(seen & 1u << TREE))
		ret = add_option(run, mount, "rbind", err);
	if (ret == 0 && !(seen & 1u << PROPAGATION))
		ret = add_option(run, mount, "rprivate", err);
	return ret;
}

/* SRC:DST[:OPTIONS] A colon cannot be written into a path here, as with docker; --mount can have
 * one. */
static int parse_volume(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
			struct ct_err *err)
{
	struct ct_strings parts;
	int ret;

	if (ct_run_split(run->arena, text, ':', &parts) < 0)
		return ct_fail_nomem(err);
	if (parts.count == 1) {
		ct_fail(err, EINVAL, "%s: anonymous volumes are not available in this version",
			text);
		return ct_hint(err, "SOURCE:%s binds a directory, --tmpfs %s is empty memory", text,
			       text);
	}
	if (parts.count > 3)
		return ct_fail(err, EINVAL, "must be SOURCE:DESTINATION[:OPTIONS], not \"%s\"",
			       text);
	mount->type = "bind";
	ret = ct_run_mount_source(run, mount, parts.items[0], err);
	if (ret == 0)
		ret = ct_run_mount_target(run, mount, parts.items[1], err);
	return ret == 0 ? volume_options(run, mount, parts.count == 3 ? parts.items[2] : "", err) :
			  ret;
}

/* Parameters of tmpfs(5) and flags that make sense for it; the kernel judges the values. */
static int check_tmpfs_option(const char *option, struct ct_err *err)
{
	static const char *const known[] = {
		"ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime",
		"relatime", "strictatime", "nodiratime", "private", "rprivate", "shared", "rshared",
		"slave", "rslave", "unbindable", "runbindable", "tmpcopyup", "notmpcopyup", "sync",
		"inode64", "inode32", "noswap", "size=", "mode=", "uid=", "gid=", "nr_inodes=",
		"nr_blocks=", "huge=", "mpol=",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t length = strlen(known[i]);

		if (known[i][length - 1] == '='
			    ? !strncmp(option, known[i], length) && option[length]
			    : !strcmp(option, known[i]))
			return 0;
	}
	ct_fail(err, EINVAL, "unknown option \"%s\"", option);
	return ct_hint(err, "size= mode= uid= gid= nr_inodes= ro exec suid dev ...");
}

/* DST[:OPTIONS]; docker's defaults come first, so that options override them. */
static int parse_tmpfs(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
		       struct ct_err *err)
{
	static const char *const defaults[] = { "nosuid", "nodev", "noexec", NULL };
	struct ct_strings words = { 0 };
	size_t length = strcspn(text, ":");
	const char *target = ct_arena_strndup(run->arena, text, length);
	int ret;

	if (!target)
		return ct_fail_nomem(err);
	mount->type = mount->source = "tmpfs";
	ret = ct_run_mount_target(run, mount, target, err);
	if (ret == 0)
		ret = add_options(run, mount, defaults, err);
	if (ret == 0 && text[length] && text[length + 1] &&
	    ct_run_split(run->arena, text + length + 1, ',', &words) < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; ret == 0 && i < words.count; i++) {
		ret = check_tmpfs_option(words.items[i], err);
		if (ret == 0 && strcmp(words.items[i], "notmpcopyup"))
			ret = add_option(run, mount, words.items[i], err);
	}
	return ret;
}

/* r, w and m in any order: what docker writes into a device cgroup. */
static bool is_device_mode(const char *text)
{
	return *text && !text[strspn(text, "rwm")] && strlen(text) <= 3;
}

/* The node itself is bound: so what the caller cannot open, nobody in the container can. Without
 * device cgroups of version 1, r, w and m cannot be told apart: what was asked to be forbidden
 * would be allowed, so it is refused. A directory (/dev/snd) is bound as a whole. */
static int check_device(const struct ct_spec_mount *mount, const char *mode, struct ct_err *err)
{
	struct stat st;
	bool read = access(mount->source, R_OK) == 0, write = access(mount->source, W_OK) == 0;

	if (stat(mount->source, &st) < 0)
		return ct_fail_errno(err, errno, "%s", mount->source);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
		return ct_fail(err, ENODEV, "%s is not a device", mount->source);
	if (mode && (!strchr(mode, 'r') || !strchr(mode, 'w'))) {
		ct_fail(err, EINVAL,
			"permissions \"%s\" cannot be enforced without a device cgroup", mode);
		return ct_hint(err, "the mode of %s on the host applies; leave them out",
			       mount->source);
	}
	if (!read && !write) {
		ct_fail(err, EACCES, "%s: permission denied", mount->source);
		return ct_hint(err, "only devices that you can open yourself can be given away");
	}
	return 0;
}

/* HOST[:CTR[:MODE]] or HOST:MODE "HOST:rw" is told from "HOST:/dev/x" by its letters. */
static int parse_device(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
			struct ct_err *err)
{
	static const char *const options[] = { "rbind", "rprivate", "nosuid", "noexec", NULL };
	struct ct_strings parts;
	const char *target, *mode = NULL;
	int ret;

	if (ct_run_split(run->arena, text, ':', &parts) < 0)
		return ct_fail_nomem(err);
	target = parts.items[0];
	if (parts.count == 2 && is_device_mode(parts.items[1]))
		mode = parts.items[1];
	else if (parts.count >= 2)
		target = parts.items[1];
	if (parts.count == 3)
		mode = parts.items[2];
	if (parts.count > 3 || *parts.items[0] != '/' || (mode && !is_device_mode(mode)))
		return ct_fail(err, EINVAL, "must be /dev/HOST[:/dev/CONTAINER[:rwm]], not \"%s\"",
			       text);
	mount->type = "bind";
	mount->source = parts.items[0];
	ret = check_device(mount, mode, err);
	if (ret == 0)
		ret = ct_run_mount_target(run, mount, target, err);
	return ret == 0 ? add_options(run, mount, options, err) : ret;
}

/* One text of an option into a mount; its options list starts empty. */
typedef int parse_fn(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
		     struct ct_err *err);

/* Parse all of one option into wanted, refusing a second mount at a place. */
static int gather(struct ct_run *run, struct wanted *wanted, const char *option,
		  const struct ct_strings *list, parse_fn *parse, struct ct_err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ct_spec_mount *mount = &wanted->items[wanted->count];

		if (parse(run, list->items[i], mount, err) < 0)
			return ct_wrap(err, "--%s", option);
		for (size_t k = 0; k < wanted->count; k++) {
			if (strcmp(wanted->items[k].destination, mount->destination) == 0) {
				ct_fail(err, EINVAL, "two mounts at %s", mount->destination);
				return ct_wrap(err, "--%s", option);
			}
		}
		wanted->count++;
	}
	return 0;
}

/* Components of a clean path. */
static size_t depth(const char *path)
{
	size_t count = 0;

	for (; *path; path++)
		count += *path == '/';
	return count;
}

/* Would mounting at "over" hide what is mounted at "path"? */
static bool hides(const char *over, const char *path)
{
	size_t length = strlen(over);

	return !strncmp(over, path, length) && path[length] == '/';
}

/* Is a mount of the configuration or the defaults replaced by one of the options? In a plain root
 * file system the defaults are ours to drop; those of a bundle its author has put there, and only
 * an exact match replaces them. */
static bool is_replaced(const struct ct_run *run, const struct ct_spec_mount *mount,
			const struct wanted *wanted)
{
	const char *path = ct_run_clean_path(run->arena, mount->destination);

	for (size_t i = 0; path && i < wanted->count; i++)
		if (!strcmp(wanted->items[i].destination, path) ||
		    (run->plain && hides(wanted->items[i].destination, path)))
			return true;
	return false;
}

/* Behind what stays, parents before what lies below them, whatever the order of the options. An
 * insertion sort, for it is stable and there are few. */
static int merge(struct ct_run *run, const struct wanted *wanted, struct ct_err *err)
{
	struct ct_spec_mounts *mounts = &run->spec->mounts, all = { 0 };

	all.items = ct_arena_calloc(run->arena, mounts->count + wanted->count + 1,
				    sizeof(*all.items));
	if (!all.items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < mounts->count; i++)
		if (!is_replaced(run, &mounts->items[i], wanted))
			all.items[all.count++] = mounts->items[i];
	for (size_t first = all.count, i = 0; i < wanted->count; i++) {
		size_t at = all.count++;

		while (at > first && depth(all.items[at - 1].destination) >
		       depth(wanted->items[i].destination)) {
			all.items[at] = all.items[at - 1];
			at--;
		}
		all.items[at] = wanted->items[i];
	}
	*mounts = all;
	return 0;
}

/* "rro" is read-only with everything below, mount_setattr(2) with AT_RECURSIVE. */
static bool is_read_only(const struct ct_spec_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (!strcmp(mount->options.items[i], "ro") ||
		    !strcmp(mount->options.items[i], "rro"))
			return true;
	return false;
}

/* What was bound, as docker writes it down: absolute, --mount as well as --volume. */
static int remember_binds(struct ct_run *run, const struct wanted *wanted, struct ct_err *err)
{
	const struct ct_strings *volumes = &run->options->volume;
	size_t count = volumes->count + run->options->mount.count;
	struct ct_strings binds = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct ct_spec_mount *mount = &wanted->items[i];
		const char *words = i < volumes->count ? strchr(volumes->items[i], ':') : NULL;
		const char *bind;

		if (strcmp(mount->type, "bind") != 0)
			continue;
		words = words ? strchr(words + 1, ':') : is_read_only(mount) ? ":ro" : NULL;
		bind = ct_arena_printf(run->arena, "%s:%s%s", mount->source, mount->destination,
				       words ? words : "");
		if (!bind || ct_strings_add(run->arena, &binds, bind) < 0)
			return ct_fail_nomem(err);
	}
	run->meta->binds = binds;
	return 0;
}

/* The order of mounting is found at the end, by depth (merge()). */
int ct_run_mounts(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	size_t room = options->volume.count + options->mount.count + options->tmpfs.count +
		      options->device.count;
	struct wanted wanted = { 0 };
	int ret;

	if (ct_run_default_mounts(run, err) < 0)
		return -err->code;
	if (!room)
		return 0;
	wanted.items = ct_arena_calloc(run->arena, room + 1, sizeof(*wanted.items));
	if (!wanted.items)
		return ct_fail_nomem(err);
	ret = gather(run, &wanted, "volume", &options->volume, parse_volume, err);
	if (ret == 0)
		ret = gather(run, &wanted, "mount", &options->mount, ct_run_mount_csv, err);
	if (ret == 0)
		ret = gather(run, &wanted, "tmpfs", &options->tmpfs, parse_tmpfs, err);
	if (ret == 0)
		ret = gather(run, &wanted, "device", &options->device, parse_device, err);
	if (ret == 0)
		ret = remember_binds(run, &wanted, err);
	return ret == 0 ? merge(run, &wanted, err) : ret;
}
