/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profile files: docker's and podman's format, and the specification's, which is a part of
 * it. What a profile makes depend on the machine (architecture, kernel, capabilities) is decided
 * here, so that the result is a policy like any other.
 *
 * Runs in the command, with the caller's rights, on a file that the user named. Fails by refusing
 * the profile, with positions: a rule that was not understood must not be skipped, because it may
 * have been the one that denies. Which system calls exist is known to src/ns.
 *
 *   parse (tables below) -> struct profile -> resolve(): which rules hold here -> ct_spec_seccomp
 *
 *   names, action, args, errnoRet, errno      of a rule
 *   includes, excludes                        caps, arches, minKernel: a rule holds when all of
 *                                             includes does and none of excludes
 *   archMap                                   architectures, each with those that it runs, too
 */
#include "schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#define MAX_ERRNO	4095

/* The architecture that this program is built for, in libseccomp's and in the profiles' words. */
#if defined(__x86_64__)
#define NATIVE		"SCMP_ARCH_X86_64"
#define NATIVE_SHORT	"amd64"
#elif defined(__i386__)
#define NATIVE		"SCMP_ARCH_X86"
#define NATIVE_SHORT	"x86"
#elif defined(__aarch64__)
#define NATIVE		"SCMP_ARCH_AARCH64"
#define NATIVE_SHORT	"arm64"
#elif defined(__arm__)
#define NATIVE		"SCMP_ARCH_ARM"
#define NATIVE_SHORT	"arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE		"SCMP_ARCH_RISCV64"
#define NATIVE_SHORT	"riscv64"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define NATIVE		"SCMP_ARCH_PPC64LE"
#define NATIVE_SHORT	"ppc64le"
#elif defined(__s390x__)
#define NATIVE		"SCMP_ARCH_S390X"
#define NATIVE_SHORT	"s390x"
#elif defined(__loongarch64)
#define NATIVE		"SCMP_ARCH_LOONGARCH64"
#define NATIVE_SHORT	"loong64"
#else
#error "seccomp profiles: what do they call this architecture?"
#endif

/* "includes" and "excludes" of a rule. */
struct condition {
	struct ct_strings caps, arches;
	const char *min_kernel;
};

struct profile_rule {
	struct ct_spec_seccomp_rule rule;
	const char *name;		/* an older way to write names */
	const char *errno_name;
	struct condition includes, excludes;
};

struct arch_map {
	const char *architecture;
	struct ct_strings sub;
};

struct profile {
	const char *default_action, *default_errno_name;
	bool has_default_errno;
	uint32_t default_errno;
	struct ct_strings architectures, flags;
	const char *listener_path;
	struct arch_map *maps;
	size_t map_count;
	struct profile_rule *rules;
	size_t rule_count;
};

/* ---- numbers and names ---- */

/* "EPERM" into 1; 0 when there is no such error. By the libc's own table, since numbers differ
 * between architectures. */
static uint32_t errno_by_name(const char *name)
{
	for (int number = 1; number < 200; number++) {
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return (uint32_t)number;
	}
	return 0;
}

/* An empty name is none: generated profiles have those. */
static int check_errno_name(const struct ct_reader *r, const struct ct_json *value)
{
	if (!*value->text || errno_by_name(value->text))
		return 0;
	return ct_read_fail(r, value, EINVAL, "unknown error name \"%.80s\"", value->text);
}

/* One to four digits; what follows them, or NULL when there are none. */
static const char *read_digits(const char *text, unsigned *ret_number)
{
	size_t length = strspn(text, "0123456789");

	if (length < 1 || length > 4)
		return NULL;
	*ret_number = (unsigned)strtoul(text, NULL, 10);
	return text + length;
}

/* "4.8" and "4.8.0-x" into 4 and 8; false when it is neither. */
static bool read_kernel(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
	const char *rest = read_digits(text, ret_major);

	return rest && *rest == '.' && read_digits(rest + 1, ret_minor);
}

static int check_kernel(const struct ct_reader *r, const struct ct_json *value)
{
	unsigned major, minor;

	if (!*value->text || read_kernel(value->text, &major, &minor))
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be a kernel version such as 4.8, not \"%.80s\"",
			    value->text);
}

/* ---- tables ---- */

#define C(member) offsetof(struct condition, member)
static const struct ct_read_field condition_fields[] = {
	{ "caps", READ_STRINGS, .offset = C(caps) },
	{ "arches", READ_STRINGS, .offset = C(arches) },
	{ "minKernel", READ_STRING, .check = check_kernel, .offset = C(min_kernel) },
	{0},
};

static const struct ct_read_object condition = { .fields = condition_fields };

/* SCMP_ACT_NOTIFY without anybody at the other end would hang the call for ever. */
static int refuse_notify(const struct ct_reader *r, const struct ct_json *value)
{
	return ct_read_fail(r, value, ENOTSUP, "system calls are not handed to a listener by this "
			    "version of cattach");
}

/* errnoRet has precedence over errno, the same by its name, as for docker. */
static int finish_rule(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct profile_rule *rule = target;

	if (!rule->rule.names.count && !(rule->name && *rule->name))
		return ct_read_missing(r, object, "names");
	/* docker refuses it, too: to pass one of them over could be to pass over what denies. */
	if (rule->rule.names.count && rule->name && *rule->name)
		return ct_read_fail(r, ct_json_get(object, "name"), EINVAL,
				    "there are names too: use one of the two");
	if (!rule->rule.names.count &&
	    ct_strings_add(r->arena, &rule->rule.names, rule->name) < 0)
		return ct_fail_nomem(r->err);
	if (strcmp(rule->rule.action, "SCMP_ACT_NOTIFY") == 0)
		return refuse_notify(r, ct_json_get(object, "action"));
	if (!rule->rule.has_errno && rule->errno_name && *rule->errno_name) {
		rule->rule.has_errno = true;
		rule->rule.errno_ret = errno_by_name(rule->errno_name);
	}
	return ct_check_seccomp_errno(r, object, "errnoRet", rule->rule.action);
}

#define R(member) offsetof(struct profile_rule, member)
static const struct ct_read_field rule_fields[] = {
	{ "names", READ_STRINGS, .offset = R(rule.names) },
	{ "name", READ_STRING, .offset = R(name) },
	{ "action", READ_STRING, .required = true, .choices = ct_seccomp_actions,
	  .offset = R(rule.action) },
	{ "errnoRet", READ_U32, .max = MAX_ERRNO, .offset = R(rule.errno_ret),
	  .has = R(rule.has_errno) },
	{ "errno", READ_STRING, .check = check_errno_name, .offset = R(errno_name) },
	{ "args", READ_LIST, .object = &ct_read_seccomp_arg, .offset = R(rule.args),
	  .count = R(rule.arg_count) },
	{ "includes", READ_OBJECT, .object = &condition, .offset = R(includes) },
	{ "excludes", READ_OBJECT, .object = &condition, .offset = R(excludes) },
	{0},
};

static const struct ct_read_object rule_object = {
	.fields = rule_fields, .size = sizeof(struct profile_rule), .finish = finish_rule,
};

static const struct ct_read_field map_fields[] = {
	{ "architecture", READ_STRING, .required = true, .choices = ct_seccomp_archs,
	  .offset = offsetof(struct arch_map, architecture) },
	{ "subArchitectures", READ_STRINGS, .choices = ct_seccomp_archs,
	  .offset = offsetof(struct arch_map, sub) },
	{0},
};

static const struct ct_read_object map_object = {
	.fields = map_fields, .size = sizeof(struct arch_map),
};

/* What a row cannot say. Notification needs a process outside that answers; nobody here would. */
static int finish_profile(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct profile *profile = target;

	if (strcmp(profile->default_action, "SCMP_ACT_NOTIFY") == 0)
		return refuse_notify(r, ct_json_get(object, "defaultAction"));
	if (profile->listener_path && *profile->listener_path)
		return refuse_notify(r, ct_json_get(object, "listenerPath"));
	if (profile->architectures.count && profile->map_count)
		return ct_read_fail(r, ct_json_get(object, "archMap"), EINVAL,
				    "there are architectures too: use one of the two");
	if (!profile->has_default_errno && profile->default_errno_name &&
	    *profile->default_errno_name) {
		profile->has_default_errno = true;
		profile->default_errno = errno_by_name(profile->default_errno_name);
	}
	return ct_check_seccomp_errno(r, object, "defaultErrnoRet", profile->default_action);
}

#define P(member) offsetof(struct profile, member)
static const struct ct_read_field profile_fields[] = {
	{ "defaultAction", READ_STRING, .required = true, .choices = ct_seccomp_actions,
	  .offset = P(default_action) },
	{ "defaultErrnoRet", READ_U32, .max = MAX_ERRNO, .offset = P(default_errno),
	  .has = P(has_default_errno) },
	{ "defaultErrno", READ_STRING, .check = check_errno_name,
	  .offset = P(default_errno_name) },
	{ "architectures", READ_STRINGS, .choices = ct_seccomp_archs, .offset = P(architectures) },
	{ "flags", READ_STRINGS, .choices = ct_seccomp_flags, .offset = P(flags) },
	{ "listenerPath", READ_STRING, .offset = P(listener_path) },
	{ "archMap", READ_LIST, .object = &map_object, .offset = P(maps), .count = P(map_count) },
	{ "syscalls", READ_LIST, .object = &rule_object, .offset = P(rules),
	  .count = P(rule_count) },
	{0},
};

static const struct ct_read_object profile_object = {
	.fields = profile_fields, .finish = finish_profile,
};

/* ---- what holds on this machine ---- */

/* Profiles write CAP_SYS_ADMIN, options often SYS_ADMIN. */
static const char *without_prefix(const char *cap)
{
	return strncasecmp(cap, "CAP_", 4) == 0 ? cap + 4 : cap;
}

/* With or without CAP_, in any case: docker's profiles write "CAP_SYS_ADMIN", others
 * "sys_admin". */
static bool has_cap(const struct ct_strings *caps, const char *wanted)
{
	for (size_t i = 0; i < caps->count; i++) {
		if (strcasecmp(without_prefix(caps->items[i]), without_prefix(wanted)) == 0)
			return true;
	}
	return false;
}

/* "arches" uses docker's (Go's) names: amd64, not SCMP_ARCH_X86_64. */
static bool names_this_arch(const struct ct_strings *arches)
{
	for (size_t i = 0; i < arches->count; i++) {
		if (strcmp(arches->items[i], NATIVE_SHORT) == 0)
			return true;
	}
	return false;
}

/* A kernel whose version cannot be read is old: the rule would allow what it may not know. */
static bool is_kernel_at_least(const char *wanted)
{
	struct utsname host;
	unsigned major, minor, host_major, host_minor;

	if (uname(&host) < 0 || !read_kernel(host.release, &host_major, &host_minor) ||
	    !read_kernel(wanted, &major, &minor))
		return false;
	return host_major > major || (host_major == major && host_minor >= minor);
}

/* A rule counts when all that it includes holds, and nothing that it excludes. */
static bool applies(const struct profile_rule *rule, const struct ct_strings *caps)
{
	const struct condition *in = &rule->includes, *out = &rule->excludes;

	for (size_t i = 0; i < in->caps.count; i++) {
		if (!has_cap(caps, in->caps.items[i]))
			return false;
	}
	for (size_t i = 0; i < out->caps.count; i++) {
		if (has_cap(caps, out->caps.items[i]))
			return false;
	}
	if ((in->arches.count && !names_this_arch(&in->arches)) || names_this_arch(&out->arches))
		return false;
	if (in->min_kernel && *in->min_kernel && !is_kernel_at_least(in->min_kernel))
		return false;
	return !(out->min_kernel && *out->min_kernel && is_kernel_at_least(out->min_kernel));
}

/* The native architecture with those that it also runs; without an entry, none. */
static int add_architectures(struct ct_arena *arena, const struct profile *profile,
			     struct ct_strings *list)
{
	for (size_t i = 0; i < profile->map_count; i++) {
		const struct arch_map *map = &profile->maps[i];

		if (strcmp(map->architecture, NATIVE) != 0)
			continue;
		if (ct_strings_add(arena, list, map->architecture) < 0)
			return -ENOMEM;
		for (size_t k = 0; k < map->sub.count; k++) {
			if (ct_strings_add(arena, list, map->sub.items[k]) < 0)
				return -ENOMEM;
		}
		return 0;
	}
	return 0;
}

/* caps are the payload's bounding set: a rule for CAP_SYS_ADMIN is for containers that have it. */
static int resolve(struct ct_arena *arena, const struct profile *profile,
		   const struct ct_strings *caps, struct ct_spec_seccomp *seccomp)
{
	seccomp->default_action = profile->default_action;
	seccomp->has_default_errno = profile->has_default_errno;
	seccomp->default_errno = profile->default_errno;
	seccomp->flags = profile->flags;
	seccomp->architectures = profile->architectures;
	if (add_architectures(arena, profile, &seccomp->architectures) < 0)
		return -ENOMEM;
	seccomp->rules = ct_arena_calloc(arena, profile->rule_count, sizeof(*seccomp->rules));
	if (!seccomp->rules)
		return -ENOMEM;
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (applies(&profile->rules[i], caps))
			seccomp->rules[seccomp->rule_count++] = profile->rules[i].rule;
	}
	return 0;
}

/* caps: what the container is going to have for includes and excludes. */
int ct_spec_parse_seccomp(struct ct_arena *arena, const char *name, const char *text, size_t size,
			  const struct ct_strings *caps, struct ct_spec_seccomp **ret_seccomp,
			  struct ct_err *err)
{
	struct ct_reader r = { .arena = arena, .name = name, .err = err };
	struct ct_spec_seccomp *seccomp;
	struct profile profile = {0};
	const struct ct_json *top;
	int ret = ct_json_parse(arena, name, text, size, &top, err);

	if (ret < 0 || ct_read_object(&r, top, &profile_object, &profile) < 0)
		return -err->code;
	seccomp = ct_arena_alloc(arena, sizeof(*seccomp));
	if (!seccomp || resolve(arena, &profile, caps, seccomp) < 0)
		return ct_fail_nomem(err);
	*ret_seccomp = seccomp;
	return 0;
}
