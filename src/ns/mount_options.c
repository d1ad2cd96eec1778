/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: the table of the words that the OCI runtime specification (1.3, "mounts") knows,
 * and what each means to mount_setattr(2), fsconfig(2) and the propagation calls.
 *
 * Runs in the CLI, before anything is created; needs no privileges. What may fail: memory, and
 * options that are not text for a file system. A word that is not in the table is handed to the
 * file system, which refuses what it does not know with a message that is shown (mount.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include <cattach/mount.h>

/* What a word does. Setting an attribute un-clears it, and the other way round: the last wins. */
enum effect {
	SET,		/* attribute of the mount on */
	CLEAR,		/* attribute of the mount off */
	TREE_SET,	/* the same, recursively */
	TREE_CLEAR,
	FLAG,		/* flag of the file system (fsconfig FSCONFIG_SET_FLAG) */
	UNFLAG,		/* the same, off: forget an earlier FLAG */
	PROPAGATE,
	PROPAGATE_TREE,
	BIND,
	BIND_TREE,
	COPY_UP,
	IDMAP,
	IDMAP_TREE,
	/* Accepted and without meaning: "defaults"; "loud" and "silent", for we are given the kernel's words
	 * in any case; "iversion", which file systems do by themselves or not at all. */
	NOTHING,
};

struct word {
	const char *name;
	enum effect effect;
	uint64_t value;
	const char *flag;
};

/* MOUNT_ATTR__ATIME is a field of three values, not a bit: relatime is 0. */
#define ATIME_FIELD MOUNT_ATTR__ATIME

static const struct word words[] = {
	{ "async", UNFLAG, 0, "sync" },
	{ "atime", CLEAR, MOUNT_ATTR_NOATIME, NULL },
	{ "bind", BIND, 0, NULL },
	{ "defaults", NOTHING, 0, NULL },
	{ "dev", CLEAR, MOUNT_ATTR_NODEV, NULL },
	{ "diratime", CLEAR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "dirsync", FLAG, 0, "dirsync" },
	{ "exec", CLEAR, MOUNT_ATTR_NOEXEC, NULL },
	{ "idmap", IDMAP, 0, NULL },
	{ "iversion", NOTHING, 0, NULL },
	{ "lazytime", FLAG, 0, "lazytime" },
	{ "loud", NOTHING, 0, NULL },
	{ "mand", FLAG, 0, "mand" },
	{ "noatime", SET, MOUNT_ATTR_NOATIME, NULL },
	{ "nodev", SET, MOUNT_ATTR_NODEV, NULL },
	{ "nodiratime", SET, MOUNT_ATTR_NODIRATIME, NULL },
	{ "noexec", SET, MOUNT_ATTR_NOEXEC, NULL },
	{ "noiversion", NOTHING, 0, NULL },
	{ "nolazytime", UNFLAG, 0, "lazytime" },
	{ "nomand", UNFLAG, 0, "mand" },
	{ "norelatime", CLEAR, MOUNT_ATTR_RELATIME, NULL },
	{ "nostrictatime", CLEAR, MOUNT_ATTR_STRICTATIME, NULL },
	{ "nosuid", SET, MOUNT_ATTR_NOSUID, NULL },
	{ "nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "private", PROPAGATE, MS_PRIVATE, NULL },
	{ "ratime", TREE_CLEAR, MOUNT_ATTR_NOATIME, NULL },
	{ "rbind", BIND_TREE, 0, NULL },
	{ "rdev", TREE_CLEAR, MOUNT_ATTR_NODEV, NULL },
	{ "rdiratime", TREE_CLEAR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "relatime", SET, MOUNT_ATTR_RELATIME, NULL },
	{ "rexec", TREE_CLEAR, MOUNT_ATTR_NOEXEC, NULL },
	{ "ridmap", IDMAP_TREE, 0, NULL },
	{ "rnoatime", TREE_SET, MOUNT_ATTR_NOATIME, NULL },
	{ "rnodev", TREE_SET, MOUNT_ATTR_NODEV, NULL },
	{ "rnodiratime", TREE_SET, MOUNT_ATTR_NODIRATIME, NULL },
	{ "rnoexec", TREE_SET, MOUNT_ATTR_NOEXEC, NULL },
	{ "rnorelatime", TREE_CLEAR, MOUNT_ATTR_RELATIME, NULL },
	{ "rnostrictatime", TREE_CLEAR, MOUNT_ATTR_STRICTATIME, NULL },
	{ "rnosuid", TREE_SET, MOUNT_ATTR_NOSUID, NULL },
	{ "rnosymfollow", TREE_SET, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "ro", SET, MOUNT_ATTR_RDONLY, NULL },
	{ "rprivate", PROPAGATE_TREE, MS_PRIVATE, NULL },
	{ "rrelatime", TREE_SET, MOUNT_ATTR_RELATIME, NULL },
	{ "rro", TREE_SET, MOUNT_ATTR_RDONLY, NULL },
	{ "rrw", TREE_CLEAR, MOUNT_ATTR_RDONLY, NULL },
	{ "rshared", PROPAGATE_TREE, MS_SHARED, NULL },
	{ "rslave", PROPAGATE_TREE, MS_SLAVE, NULL },
	{ "rstrictatime", TREE_SET, MOUNT_ATTR_STRICTATIME, NULL },
	{ "rsuid", TREE_CLEAR, MOUNT_ATTR_NOSUID, NULL },
	{ "rsymfollow", TREE_CLEAR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "runbindable", PROPAGATE_TREE, MS_UNBINDABLE, NULL },
	{ "rw", CLEAR, MOUNT_ATTR_RDONLY, NULL },
	{ "shared", PROPAGATE, MS_SHARED, NULL },
	{ "silent", NOTHING, 0, NULL },
	{ "slave", PROPAGATE, MS_SLAVE, NULL },
	{ "strictatime", SET, MOUNT_ATTR_STRICTATIME, NULL },
	{ "suid", CLEAR, MOUNT_ATTR_NOSUID, NULL },
	{ "symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "sync", FLAG, 0, "sync" },
	{ "tmpcopyup", COPY_UP, 0, NULL },
	{ "unbindable", PROPAGATE, MS_UNBINDABLE, NULL },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

bool ct_propagation_parse(const char *name, uint64_t *ret_propagation, bool *ret_tree)
{
	const struct word *w = find_word(name);

	if (!w || (w->effect != PROPAGATE && w->effect != PROPAGATE_TREE))
		return false;
	*ret_propagation = w->value;
	*ret_tree = w->effect == PROPAGATE_TREE;
	return true;
}

static bool is_atime(const struct word *w)
{
	return w->value == MOUNT_ATTR_NOATIME || w->value == MOUNT_ATTR_STRICTATIME ||
	       w->value == MOUNT_ATTR_RELATIME;
}

/*
 * The access-time modes exclude each other and share one field, which mount_setattr(2) wants
 * cleared as a whole before a mode is set. Switching a mode off means the default, relatime.
 */
static void set_atime(uint64_t *set, uint64_t *clear, uint64_t mode)
{
	*set = (*set & ~(uint64_t)ATIME_FIELD) | mode;
	*clear |= ATIME_FIELD;
}

static void change(uint64_t *set, uint64_t *clear, const struct word *w, bool on)
{
	if (is_atime(w)) {
		set_atime(set, clear, on ? w->value : MOUNT_ATTR_RELATIME);
	} else if (on) {
		*set |= w->value;
		*clear &= ~w->value;
	} else {
		*set &= ~w->value;
		*clear |= w->value;
	}
}

static void forget_flag(struct ct_strings *flags, const char *flag)
{
	size_t kept = 0;

	for (size_t i = 0; i < flags->count; i++)
		if (strcmp(flags->items[i], flag) != 0)
			flags->items[kept++] = flags->items[i];
	flags->count = kept;
	if (flags->items)
		flags->items[kept] = NULL;
}

static int apply(struct ct_arena *arena, struct ct_mount_options *o, const struct word *w)
{
	switch (w->effect) {
	case SET:
	case CLEAR:
		change(&o->set, &o->clear, w, w->effect == SET);
		if (w->value == MOUNT_ATTR_RDONLY)
			o->read_only = w->effect == SET;
		return 0;
	case TREE_SET:
	case TREE_CLEAR:
		change(&o->tree_set, &o->tree_clear, w, w->effect == TREE_SET);
		return 0;
	case FLAG:
		forget_flag(&o->flags, w->flag);
		return ct_strings_add(arena, &o->flags, w->flag);
	case UNFLAG:
		forget_flag(&o->flags, w->flag);
		return 0;
	case PROPAGATE:
	case PROPAGATE_TREE:
		o->propagation = w->value;
		o->tree_propagation = w->effect == PROPAGATE_TREE;
		return 0;
	case BIND:
	case BIND_TREE:
		o->bind = true;
		o->recursive = o->recursive || w->effect == BIND_TREE;
		return 0;
	case COPY_UP:
		o->copy_up = true;
		return 0;
	case IDMAP:
	case IDMAP_TREE:
		o->idmap = true;
		o->idmap_tree = o->idmap_tree || w->effect == IDMAP_TREE;
		return 0;
	case NOTHING:
		return 0;
	}
	return 0;
}

/* "remount" changes a mount that is there; in a list of mounts to make it has nothing to change. */
static int check_word(const char *option, size_t i, struct ct_err *err)
{
	if (!option[0]) {
		ct_fail(err, EINVAL, "empty mount option");
		return ct_wrap(err, "options[%zu]", i);
	}
	if (strcmp(option, "remount") == 0) {
		ct_fail(err, EINVAL, "remount has no mount to change");
		ct_wrap(err, "options[%zu]", i);
		return ct_hint(err, "give the options on the mount itself");
	}
	return 0;
}

int ct_mount_options_parse(struct ct_arena *arena, const struct ct_strings *options,
			   struct ct_mount_options *ret_options, struct ct_err *err)
{
	struct ct_mount_options o = { 0 };

	for (size_t i = 0; i < options->count; i++) {
		const char *option = options->items[i];
		const struct word *w = find_word(option);
		int r = check_word(option, i, err);

		if (r < 0)
			return r;
		r = w ? apply(arena, &o, w) : ct_strings_add(arena, &o.data, option);
		if (r < 0)
			return ct_fail_nomem(err);
	}
	*ret_options = o;
	return 0;
}
