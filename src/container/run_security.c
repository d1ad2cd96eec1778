/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --security-opt, --sysctl, and what --privileged means beyond capabilities and mounts.
 *
 * Runs in the command with the caller's rights, before anything is created. The options are taken
 * in their order on top of the configuration or the defaults; --privileged comes first, so that
 * "--privileged --security-opt seccomp=FILE" has a filter. Where nobody says anything about system
 * calls the default policy applies, to a bundle without linux.seccomp too.
 *
 * What was asked for and cannot be had here (AppArmor, SELinux labels) is an error, never ignored.
 * May fail on unknown options and malformed profiles; where is the option.
 *
 *    set_defaults()       --privileged, or the default policy
 *    security_option()    each of --security-opt, in its order: security_options[]
 *    set_sysctls()        --sysctl, over what the configuration has
 */
#include "run_parts.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include <cattach/json.h>
#include <cattach/num.h>

/* Alone it means true. */
static int set_no_new_privileges(struct ct_run *run, const char *value, struct ct_err *err)
{
	bool on = true;

	if (value && ct_parse_bool(value, &on, err) < 0)
		return ct_wrap(err, "no-new-privileges");
	run->spec->process->no_new_privileges = on;
	return 0;
}

/* A profile is read now, and checked, in docker's format or as linux.seccomp has it. The
 * capabilities are final by now (run_prepare.c): a profile may have rules that depend on them. */
static int set_seccomp(struct ct_run *run, const char *value, struct ct_err *err)
{
	struct ct_spec *spec = run->spec;
	const char *text;
	size_t size;

	spec->default_seccomp = false;
	spec->linux_.seccomp = NULL;
	if (!strcmp(value, "unconfined"))
		return 0;
	if (ct_run_read_host(run->arena, value, CT_JSON_MAX_SIZE, &text, &size, err) < 0)
		return ct_wrap(err, "seccomp");
	if (ct_spec_parse_seccomp(run->arena, value, text, size,
				  &spec->process->capabilities.bounding, &spec->linux_.seccomp,
				  err) < 0)
		return -err->code;
	return 0;
}

/* PATH[:PATH...], each absolute. */
static int split_paths(struct ct_run *run, const char *option, const char *value,
		       struct ct_strings *ret_paths, struct ct_err *err)
{
	if (ct_run_split(run->arena, value, ':', ret_paths) < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < ret_paths->count; i++) {
		if (*ret_paths->items[i] != '/') {
			ct_fail(err, EINVAL, "must be absolute paths, not \"%s\"",
				ret_paths->items[i]);
			return ct_wrap(err, "%s", option);
		}
		ret_paths->items[i] = ct_run_clean_path(run->arena, ret_paths->items[i]);
		if (!ret_paths->items[i])
			return ct_fail_nomem(err);
	}
	return 0;
}

/* Masks on top of those that are there; doubles do no harm, masks are not stacked. */
static int add_masked(struct ct_run *run, const struct ct_strings *paths, struct ct_err *err)
{
	struct ct_spec_linux *linux_ = &run->spec->linux_;
	struct ct_strings masked = { 0 };
	int ret = ct_run_copy(run->arena, &linux_->masked_paths, &masked);

	for (size_t i = 0; ret == 0 && i < paths->count; i++)
		ret = ct_strings_add(run->arena, &masked, paths->items[i]);
	if (ret < 0)
		return ct_fail_nomem(err);
	linux_->masked_paths = masked;
	linux_->has_masked_paths = true;
	return 0;
}

/* podman's mask=/a:/b, on top of the default ones; unmask=ALL takes all of them away. */
static int set_mask(struct ct_run *run, const char *value, struct ct_err *err)
{
	struct ct_strings paths;

	if (split_paths(run, "mask", value, &paths, err) < 0)
		return -err->code;
	return add_masked(run, &paths, err);
}

/* A list without what one of the patterns matches; "/proc/" followed by a star is a pattern. */
static int remove_matches(struct ct_run *run, const struct ct_strings *patterns,
			  struct ct_strings *list, struct ct_err *err)
{
	struct ct_strings kept = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		size_t k = 0;

		while (k < patterns->count &&
		       fnmatch(patterns->items[k], list->items[i], FNM_PATHNAME) != 0)
			k++;
		if (k == patterns->count && ct_strings_add(run->arena, &kept, list->items[i]) < 0)
			return ct_fail_nomem(err);
	}
	*list = kept;
	return 0;
}

/* The lists stay there, empty: has_masked_paths says that somebody decided. */
static void unmask_all(struct ct_run *run)
{
	run->spec->linux_.masked_paths = (struct ct_strings){ 0 };
	run->spec->linux_.readonly_paths = (struct ct_strings){ 0 };
}

/* A path comes off both lists: masked and read-only are two degrees of the same. */
static int set_unmask(struct ct_run *run, const char *value, struct ct_err *err)
{
	struct ct_strings paths;
	int ret;

	if (!strcasecmp(value, "ALL")) {
		unmask_all(run);
		return 0;
	}
	if (split_paths(run, "unmask", value, &paths, err) < 0)
		return -err->code;
	ret = remove_matches(run, &paths, &run->spec->linux_.masked_paths, err);
	return ret == 0 ? remove_matches(run, &paths, &run->spec->linux_.readonly_paths, err) : ret;
}

/* docker's name for unmask=ALL. */
static int set_system_paths(struct ct_run *run, const char *value, struct ct_err *err)
{
	if (strcmp(value, "unconfined") != 0)
		return ct_fail(err, EINVAL, "systempaths must be unconfined, not \"%s\"", value);
	unmask_all(run);
	return 0;
}

/* A profile that is not applied would be a promise that is not kept. */
static int set_apparmor(struct ct_run *run, const char *value, struct ct_err *err)
{
	if (!strcmp(value, "unconfined")) {
		run->spec->process->apparmor_profile = NULL;
		return 0;
	}
	ct_fail(err, ENOTSUP, "AppArmor profile \"%s\" asked but not available in this version",
		value);
	return ct_hint(err, "apparmor=unconfined");
}

/* label=disable is what scripts give for hosts with SELinux: it takes away what a bundle has. */
static int set_label(struct ct_run *run, const char *value, struct ct_err *err)
{
	if (!strcmp(value, "disable")) {
		run->spec->process->selinux_label = NULL;
		run->spec->linux_.mount_label = NULL;
		return 0;
	}
	ct_fail(err, ENOTSUP, "SELinux label \"%s\" asked but not available in this version",
		value);
	return ct_hint(err, "label=disable");
}

static const struct {
	const char *name;
	bool bare;			/* may stand without a value */
	int (*set)(struct ct_run *run, const char *value, struct ct_err *err);
} security_options[] = {
	{ "no-new-privileges", true, set_no_new_privileges },
	{ "seccomp", false, set_seccomp },
	{ "mask", false, set_mask },
	{ "unmask", false, set_unmask },
	{ "systempaths", false, set_system_paths },
	{ "apparmor", false, set_apparmor },
	{ "label", false, set_label },
};

/* NAME=VALUE, or as docker once wrote it NAME:VALUE. */
static int security_option(struct ct_run *run, const char *text, struct ct_err *err)
{
	size_t length = strcspn(text, strchr(text, '=') ? "=" : ":");
	const char *value = text[length] ? text + length + 1 : NULL;

	for (size_t i = 0; i < sizeof(security_options) / sizeof(security_options[0]); i++) {
		const char *name = security_options[i].name;

		if (strlen(name) != length || strncmp(name, text, length))
			continue;
		if ((!value || !*value) && !(security_options[i].bare && !value))
			return ct_fail(err, EINVAL, "%s needs a value: %s=...", name, name);
		return security_options[i].set(run, value, err);
	}
	ct_fail(err, EINVAL, "unknown option \"%s\"", text);
	return ct_hint(err, "no-new-privileges seccomp= mask= unmask= apparmor= label=");
}

/* The first word on filters and masks, which --security-opt may take back. */
static int set_defaults(struct ct_run *run, struct ct_err *err)
{
	static const char *const kernel[] = { "/sys/kernel", NULL };
	const struct ct_strings sys_kernel = { (const char **)kernel, 1 };
	struct ct_spec *spec = run->spec;

	if (run->options->privileged) {
		spec->linux_.seccomp = NULL;
		unmask_all(run);
		return 0;
	}
	spec->default_seccomp = !spec->linux_.seccomp;
	/* The host's /sys is bound then, with what is mounted below its /sys/kernel. */
	if (run->plain && run->rootless && !spec->linux_.namespaces[CT_NS_NETWORK].present)
		return add_masked(run, &sys_kernel, err);
	return 0;
}

/* Which keys exist per container is checked on the whole spec; here they are only put into it. */
static int set_sysctls(struct ct_run *run, struct ct_err *err)
{
	return ct_run_add_pairs(run->arena, &run->options->sysctl, false,
				&run->spec->linux_.sysctl, err);
}

/* The options are kept in the record as they were given, for inspect. */
int ct_run_security(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *list = &run->options->security_opt;

	run->meta->security_opt = *list;
	if (set_defaults(run, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list->count; i++)
		if (security_option(run, list->items[i], err) < 0)
			return ct_wrap(err, "--security-opt");
	return set_sysctls(run, err) < 0 ? ct_wrap(err, "--sysctl") : 0;
}
