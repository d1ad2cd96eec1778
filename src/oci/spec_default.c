/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a container that nobody configured: podman's defaults, as tables.
 *
 * "cattach spec" writes it, "run" of a plain root file system starts from it. Runs in the command,
 * with the caller's rights; touches nothing, and fails with ENOMEM only. The lists of masked and
 * read-only paths name what lies in proc and sysfs and is not kept per namespace; src/ns skips
 * those that the running kernel does not have.
 *
 *   a user's     user namespace, and no gid=5 for devpts
 *   root's       no user namespace
 *
 * Order of the mounts: parents before what lies in them.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#define MAX_OPTIONS	8

/* Those that an image's programs need to install and serve, and none over the host: no NET_RAW, no
 * MKNOD, no AUDIT_WRITE, which docker still gives. */
static const char *const capabilities[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
	"CAP_SYS_CHROOT", NULL,
};

/* Files that tell of other containers or of the hardware, or crash a machine when they are
 * written. */
static const char *const masked_paths[] = {
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
	"/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
	"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
	NULL,
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL,
};

static const char *const arguments[] = { "sh", NULL };

static const struct {
	const char *destination, *type, *source;
	const char *options[MAX_OPTIONS];
} mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts", "devpts", "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

#define MOUNT_COUNT	(sizeof(mounts) / sizeof(mounts[0]))

/* Lists are grown by ct_strings_add() later, so they are made by it too. */
static int add_all(struct ct_arena *arena, struct ct_strings *list, const char *const *items)
{
	for (; *items; items++) {
		if (ct_strings_add(arena, list, *items) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_mounts(struct ct_arena *arena, bool rootless, struct ct_spec_mounts *list)
{
	list->items = ct_arena_calloc(arena, MOUNT_COUNT, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (size_t i = 0; i < MOUNT_COUNT; i++) {
		struct ct_spec_mount *mount = &list->items[list->count++];

		mount->destination = mounts[i].destination;
		mount->type = mounts[i].type;
		mount->source = mounts[i].source;
		for (size_t k = 0; k < MAX_OPTIONS && mounts[i].options[k]; k++) {
			const char *option = mounts[i].options[k];

			/* Group 5 is mapped only where there are subordinate ids. */
			if (rootless && strcmp(option, "gid=5") == 0)
				continue;
			if (ct_strings_add(arena, &mount->options, option) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int add_process(struct ct_arena *arena, struct ct_spec *spec)
{
	struct ct_spec_process *process = ct_arena_alloc(arena, sizeof(*process));

	if (!process)
		return -ENOMEM;
	spec->process = process;
	process->cwd = "/";
	process->no_new_privileges = true;
	process->has_umask = true;
	process->umask = 022;
	process->has_capabilities = true;
	if (add_all(arena, &process->args, arguments) < 0 ||
	    add_all(arena, &process->env, environment) < 0 ||
	    add_all(arena, &process->capabilities.bounding, capabilities) < 0 ||
	    add_all(arena, &process->capabilities.effective, capabilities) < 0 ||
	    add_all(arena, &process->capabilities.permitted, capabilities) < 0)
		return -ENOMEM;
	return 0;
}

/* No time namespace: nothing would be set in it. */
static int add_linux(struct ct_arena *arena, bool rootless, struct ct_spec_linux *lx)
{
	for (unsigned ns = 0; ns < CT_NS_COUNT; ns++)
		lx->namespaces[ns].present = ns != CT_NS_TIME && (ns != CT_NS_USER || rootless);
	lx->has_masked_paths = true;
	lx->has_readonly_paths = true;
	if (add_all(arena, &lx->masked_paths, masked_paths) < 0 ||
	    add_all(arena, &lx->readonly_paths, readonly_paths) < 0)
		return -ENOMEM;
	return 0;
}

int ct_spec_default(struct ct_arena *arena, bool rootless, struct ct_spec **ret_spec,
		    struct ct_err *err)
{
	struct ct_spec *spec = ct_arena_alloc(arena, sizeof(*spec));

	if (!spec || add_process(arena, spec) < 0 ||
	    add_linux(arena, rootless, &spec->linux_) < 0 ||
	    add_mounts(arena, rootless, &spec->mounts) < 0)
		return ct_fail_nomem(err);
	spec->oci_version = "1.3.0";
	spec->has_root = true;
	spec->root_path = "rootfs";
	spec->hostname = "cattach";
	*ret_spec = spec;
	return 0;
}
