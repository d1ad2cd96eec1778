/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host name, domain name and sysctls: what is written into a namespace must find a namespace of
 * the container there, or it would change the host.
 *
 * A part of ct_spec_check(); see spec_check.c for where it runs. Sysctls go by a list of what the
 * kernel keeps per namespace, not by what happens to be writable; names and values are held to the
 * characters that such settings have, because both have been used to reach other files.
 */
#include "schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UTS_MAX	64	/* bytes of a host or domain name (uname(2)) */

/* No control characters: a host name is shown in prompts and logs. */
static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

static int check_uts_name(const struct ct_spec *spec, const char *path, const char *name,
			  struct ct_err *err)
{
	if (!name)
		return 0;
	if (strlen(name) > UTS_MAX)
		return ct_spec_fail(spec, err, EINVAL, path, "has %zu characters, at most %d are "
				    "possible", strlen(name), UTS_MAX);
	if (!is_printable(name))
		return ct_spec_fail(spec, err, EINVAL, path,
				    "must be printable ASCII, not \"%.64s\"", name);
	if (spec->linux_.namespaces[CT_NS_UTS].present)
		return 0;
	ct_spec_fail(spec, err, EINVAL, path, "needs a UTS namespace, or the host's would change");
	return ct_hint(err, "add { \"type\": \"uts\" } to linux.namespaces");
}

int ct_check_names(const struct ct_spec *spec, struct ct_err *err)
{
	if (check_uts_name(spec, "hostname", spec->hostname, err) < 0)
		return -err->code;
	return check_uts_name(spec, "domainname", spec->domainname, err);
}

/* ---- sysctls ---- */

/* The names that are per namespace; a "." at the end stands for everything below. user.* are limits
 * of the user namespace's creator (namespaces(7)); net.* without a network namespace of its own are
 * the host's. */
static const struct {
	const char *name;
	enum ct_spec_ns ns;
} sysctls[] = {
	{ "kernel.msgmax", CT_NS_IPC },
	{ "kernel.msgmnb", CT_NS_IPC },
	{ "kernel.msgmni", CT_NS_IPC },
	{ "kernel.sem", CT_NS_IPC },
	{ "kernel.shmall", CT_NS_IPC },
	{ "kernel.shmmax", CT_NS_IPC },
	{ "kernel.shmmni", CT_NS_IPC },
	{ "kernel.shm_rmid_forced", CT_NS_IPC },
	{ "fs.mqueue.", CT_NS_IPC },
	{ "kernel.hostname", CT_NS_UTS },
	{ "kernel.domainname", CT_NS_UTS },
	{ "net.", CT_NS_NETWORK },
	{ "user.", CT_NS_USER },
};

/* Letters, digits, "_", "-" in parts that are joined by single points: never a way to climb. */
static bool is_sysctl_name(const char *name)
{
	for (const char *s = name; *s; s++) {
		if (*s == '.' && (s == name || s[1] == '.' || s[1] == '\0'))
			return false;
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return false;
	}
	return *name != '\0';
}

/* The namespace that a setting belongs to, CT_NS_COUNT when it is the host's. */
static enum ct_spec_ns sysctl_namespace(const char *name)
{
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		size_t length = strlen(sysctls[i].name);
		bool is_prefix = sysctls[i].name[length - 1] == '.';

		if (is_prefix ? strncmp(name, sysctls[i].name, length) == 0 :
				strcmp(name, sysctls[i].name) == 0)
			return sysctls[i].ns;
	}
	return CT_NS_COUNT;
}

/* "+" and "=" once joined values of two settings into one; no setting needs them. */
static bool is_sysctl_value(const char *value)
{
	for (; *value; value++) {
		if ((*value < ' ' && *value != '\t') || *value > '~' || strchr("+=", *value))
			return false;
	}
	return true;
}

/* The fields of the configuration and the sysctl behind them must not disagree. */
static const char *contradicted(const struct ct_spec *spec, const struct ct_spec_pair *pair)
{
	const char *field = NULL;

	if (strcmp(pair->key, "kernel.hostname") == 0)
		field = spec->hostname;
	else if (strcmp(pair->key, "kernel.domainname") == 0)
		field = spec->domainname;
	return field && strcmp(field, pair->value) != 0 ? field : NULL;
}

static int check_sysctl(const struct ct_spec *spec, const struct ct_spec_pair *pair,
			struct ct_err *err)
{
	enum ct_spec_ns ns = sysctl_namespace(pair->key);
	const char *other = contradicted(spec, pair);
	char path[160];

	snprintf(path, sizeof(path), "linux.sysctl[\"%.100s\"]", pair->key);
	if (!is_sysctl_name(pair->key))
		return ct_spec_fail(spec, err, EINVAL, path, "is not the name of a sysctl");
	if (ns == CT_NS_COUNT)
		return ct_spec_fail(spec, err, EINVAL, path, "%.100s is not per-container",
				    pair->key);
	if (!spec->linux_.namespaces[ns].present) {
		ct_spec_fail(spec, err, EINVAL, path, "needs a namespace of type %s, or the "
			     "host's setting would change", ct_spec_ns_name(ns));
		return ct_hint(err, "add { \"type\": \"%s\" } to linux.namespaces",
			       ct_spec_ns_name(ns));
	}
	if (!is_sysctl_value(pair->value))
		return ct_spec_fail(spec, err, EINVAL, path,
				    "the value \"%.80s\" has characters that no sysctl has",
				    pair->value);
	if (other)
		return ct_spec_fail(spec, err, EINVAL, path, "contradicts %s, which is \"%s\"",
				    pair->key + strlen("kernel."), other);
	return 0;
}

int ct_check_sysctls(const struct ct_spec *spec, struct ct_err *err)
{
	for (size_t i = 0; i < spec->linux_.sysctl.count; i++) {
		if (check_sysctl(spec, &spec->linux_.sysctl.items[i], err) < 0)
			return -err->code;
	}
	return 0;
}
