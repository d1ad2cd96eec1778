/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the new namespaces and of the process that are made through procfs and a few system
 * calls: host and domain name, sysctls, the loopback device, the OOM score, LSM labels.
 *
 * Runs in the child. procfs is the host's, opened before anything of the container exists and
 * proven to be procfs by its magic number, so that no mount of the container can catch a write that
 * is meant for the kernel. What may fail: sysctls that the kernel does not have, an LSM that is
 * not there (asked for and not available is an error, never ignored).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/path.h>

#include "child.h"

int ct_child_names(struct child *c, struct ct_err *err)
{
	const char *host = c->plan->hostname, *domain = c->plan->domainname;

	if (host && sethostname(host, strlen(host)) < 0) {
		ct_fail_errno(err, errno, "cannot set the host name");
		return ct_wrap(err, "hostname");
	}
	if (domain && setdomainname(domain, strlen(domain)) < 0) {
		ct_fail_errno(err, errno, "cannot set the domain name");
		return ct_wrap(err, "domainname");
	}
	return 0;
}

/* Write below /proc, where "self" is the only link that is followed. */
static int write_proc(struct child *c, const char *path, const char *value)
{
	int ct_autofd fd = -1;

	if (c->proc < 0)
		return -ENOENT;
	fd = ct_path_try(c->proc, path, O_WRONLY | O_NOCTTY,
			 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	return ct_write_all(fd, value, strlen(value));
}

static int set_sysctl(struct child *c, const struct ct_plan_pair *sysctl, struct ct_err *err)
{
	char path[300];
	int r = snprintf(path, sizeof(path), "sys/%s", sysctl->key);

	if (r < 0 || (size_t)r >= sizeof(path))
		return ct_fail(err, ENAMETOOLONG, "name is too long");
	for (char *p = path; *p; p++)
		if (*p == '.')
			*p = '/';
	r = write_proc(c, path, sysctl->value);
	if (r == -ENOENT)
		return ct_fail(err, ENOENT, "this kernel has no such setting");
	return r < 0 ? ct_fail_errno(err, -r, "cannot be set to \"%s\"", sysctl->value) : 0;
}

int ct_child_sysctls(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->sysctl_count; i++)
		if (set_sysctl(c, &c->plan->sysctls[i], err) < 0)
			return ct_wrap(err, "linux.sysctl.%s", c->plan->sysctls[i].key);
	return 0;
}

int ct_child_loopback(struct ct_err *err)
{
	int ct_autofd sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (sock < 0)
		return errno == EAFNOSUPPORT ? 0 : ct_fail_errno(err, errno, "cannot open a socket");
	if (ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return ct_fail_errno(err, errno, "cannot bring up the loopback device");
	return 0;
}

int ct_child_oom_score(struct child *c, struct ct_err *err)
{
	char value[16];
	int r;

	if (!c->plan->process.has_oom_score_adj)
		return 0;
	snprintf(value, sizeof(value), "%d", c->plan->process.oom_score_adj);
	r = write_proc(c, "self/oom_score_adj", value);
	if (r == 0)
		return 0;
	ct_fail_errno(err, -r, "cannot be set to %s", value);
	ct_wrap(err, "process.oomScoreAdj");
	if (r == -EACCES || r == -EPERM)
		return ct_hint(err, "an unprivileged user can only raise it");
	return r;
}

/* value is what the kernel reads, label what the user wrote. */
static int set_label(struct child *c, const char *file, const char *value, const char *label,
		     const char *property, const char *lsm, struct ct_err *err)
{
	int r = label ? write_proc(c, file, value) : 0;

	if (r == 0)
		return 0;
	if (r == -ENOENT || r == -EINVAL)
		ct_fail(err, -r, "\"%s\" was asked for but %s is not available here", label, lsm);
	else
		ct_fail_errno(err, -r, "cannot apply \"%s\"", label);
	return ct_wrap(err, "%s", property);
}

int ct_child_labels(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	char profile[300];
	int r = 0;

	if (p->apparmor) {
		snprintf(profile, sizeof(profile), "exec %s", p->apparmor);
		r = set_label(c, "self/attr/apparmor/exec", profile, p->apparmor,
			      "process.apparmorProfile", "AppArmor", err);
	}
	if (r == 0)
		r = set_label(c, "self/attr/exec", p->selinux, p->selinux, "process.selinuxLabel",
			      "SELinux", err);
	return r;
}
