/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for "cattach info" about the kernel and the login session.
 *
 * Runs in the command's own process and only reads. A file that is not there is a fact, not an
 * error.
 *
 * Each function adds facts to a list that info.c prints: OK, WARN (works, with less) or NO
 * (containers cannot be run), with the way out beside it. The names are members of "info --format
 * json", which scripts read: they stay as they are.
 */
#include "info.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/probe.h>

#define MAX_FACTS 256

/* The list has a fixed size, as the number of facts is ours to know; failed is looked at once, when
 * they are printed. */
void ct_fact_add(struct ct_facts *facts, enum ct_fact_level level, const char *name,
		 const char *fix, const char *fmt, ...)
{
	struct ct_fact *fact;
	va_list list;
	char what[1024];

	if (!facts->items)
		facts->items = ct_arena_calloc(facts->arena, MAX_FACTS, sizeof(*facts->items));
	if (!facts->items || facts->count == MAX_FACTS) {
		facts->failed = true;
		return;
	}
	va_start(list, fmt);
	vsnprintf(what, sizeof(what), fmt, list);
	va_end(list);
	fact = &facts->items[facts->count++];
	*fact = (struct ct_fact){ .level = level, .name = name, .fix = fix };
	fact->what = ct_arena_strdup(facts->arena, what);
	facts->failed = facts->failed || !fact->what;
}

/* The first line of a file, such as a sysctl's value; NULL where the kernel has no such file. */
const char *ct_fact_file(struct ct_facts *facts, const char *path)
{
	struct ct_err ignored;
	const char *text;
	size_t size;

	if (ct_read_file_at(facts->arena, AT_FDCWD, path, 4096, &text, &size, &ignored) < 0)
		return NULL;
	return ct_arena_strndup(facts->arena, text, strcspn(text, "\n"));
}

/* code is an errno of the probe, 0 for "works". */
static void add_call(struct ct_facts *facts, const char *name, const char *call, int code,
		     enum ct_fact_level level, const char *fix)
{
	if (!code)
		ct_fact_add(facts, CT_FACT_OK, name, NULL, "%s is there", call);
	else
		ct_fact_add(facts, level, name, fix, "%s is not there: %s", call, strerror(code));
}

/* Probed and not told from the version: distributions backport, and a filter around us may hide
 * what the kernel has. */
void ct_facts_kernel(struct ct_facts *facts)
{
	struct ct_kernel_probe probe;
	struct utsname host = {0};

	uname(&host);
	ct_fact_add(facts, CT_FACT_OK, "Kernel", NULL, "%s %s on %s", host.sysname, host.release,
		    host.machine);
	ct_kernel_probe(&probe);
	add_call(facts, "Openat2", "openat2", probe.openat2, CT_FACT_NO,
		 "Linux 5.6 or newer, and no filter that hides it");
	add_call(facts, "MountApi", "the mount API by descriptors", probe.mount_api, CT_FACT_NO,
		 "Linux 5.12 or newer, and no filter that hides it");
	add_call(facts, "Pidfd", "pidfd_open", probe.pidfd, CT_FACT_NO,
		 "Linux 5.3 or newer, and no filter that hides it");
	add_call(facts, "Clone3", "clone3", probe.clone3, CT_FACT_WARN,
		 "Linux 5.7 or newer, and no filter that hides it; clone is used instead, but "
		 "containers have no cgroup");
	if (probe.seccomp_filter)
		ct_fact_add(facts, CT_FACT_OK, "Seccomp", NULL, "system call filters work");
	else
		ct_fact_add(facts, CT_FACT_NO, "Seccomp", "the kernel needs CONFIG_SECCOMP_FILTER",
			    "system call filters do not work");
	if (probe.landlock)
		ct_fact_add(facts, CT_FACT_OK, "Landlock", NULL, "landlock is there, ABI %d",
			    probe.landlock);
	else
		ct_fact_add(facts, CT_FACT_WARN, "Landlock",
			    "boot with lsm=landlock,... (Linux 5.13)",
			    "landlock is not there: monitors are confined less");
}

/* A directory that the XDG base directory specification wants to be ours alone. */
static bool is_private_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 077);
}

/* Warnings only: containers run without it, see src/container/runtime.c for where their sockets are
 * then. */
static void add_runtime_dir(struct ct_facts *facts)
{
	const char *path = getenv("XDG_RUNTIME_DIR");

	if (!path || !*path)
		ct_fact_add(facts, CT_FACT_WARN, "RuntimeDir",
			    "log in through systemd (machinectl shell, ssh), not su",
			    "XDG_RUNTIME_DIR is not set: /run/user/%u or a directory in /tmp is used",
			    geteuid());
	else if (!is_private_directory(path))
		ct_fact_add(facts, CT_FACT_WARN, "RuntimeDir",
			    "it must be a directory of yours with mode 0700",
			    "XDG_RUNTIME_DIR cannot be used: %s", path);
	else
		ct_fact_add(facts, CT_FACT_OK, "RuntimeDir", NULL, "XDG_RUNTIME_DIR is %s", path);
}

/* The order is that of ct_store_open(): if that changes, so does this. */
static void add_data_dir(struct ct_facts *facts)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const struct passwd *user = getpwuid(geteuid());

	if (geteuid() == 0)
		ct_fact_add(facts, CT_FACT_OK, "DataDir", NULL,
			    "containers are kept in /var/lib/cattach");
	else if (data && *data == '/')
		ct_fact_add(facts, CT_FACT_OK, "DataDir", NULL,
			    "containers are kept in %s/cattach", data);
	else if (home && *home == '/')
		ct_fact_add(facts, CT_FACT_OK, "DataDir", NULL,
			    "containers are kept in %s/.local/share/cattach", home);
	else if (user)
		ct_fact_add(facts, CT_FACT_WARN, "DataDir", "export HOME",
			    "HOME is not set; containers are kept in %s/.local/share/cattach",
			    user->pw_dir);
	else
		ct_fact_add(facts, CT_FACT_NO, "DataDir", "export HOME or XDG_DATA_HOME",
			    "neither HOME nor XDG_DATA_HOME is set: no place for containers");
}

/* Without lingering, systemd ends a user's processes and its runtime directory at logout.
 * systemd-logind keeps one file a user there; loginctl(1) is how it comes to be. */
static void add_linger(struct ct_facts *facts)
{
	const struct passwd *user = getpwuid(geteuid());
	char path[512];

	if (geteuid() == 0 || access("/run/systemd/system", F_OK) < 0 || !user)
		return;
	snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", user->pw_name);
	if (access(path, F_OK) == 0)
		ct_fact_add(facts, CT_FACT_OK, "Linger", NULL,
			    "lingering is on: containers survive your logout");
	else
		ct_fact_add(facts, CT_FACT_WARN, "Linger", "loginctl enable-linger",
			    "lingering is off: your logout may end your containers");
}

void ct_facts_session(struct ct_facts *facts)
{
	add_data_dir(facts);
	add_runtime_dir(facts);
	add_linger(facts);
}
