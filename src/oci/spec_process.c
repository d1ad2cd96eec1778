/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "process" part of config.json: what runs, as whom, with which limits.
 *
 * Tables for the reader (read.h) and the rules that a row cannot say: environment entries, the
 * order of limits, what belongs together in a scheduler's setting. Runs in the command, with the
 * caller's rights, before anything is created; fails by refusing the document, with positions.
 * Whether a capability exists or a profile can be applied is known to src/ns, not here.
 *
 * config.md of the runtime specification, "process". On POSIX args must not be empty. Capabilities
 * are words here and are looked up by src/ns: a document with CAP_NEW must be read by an old
 * cattach, too, if only to be inspected.
 *
 *    process   terminal consoleSize user args env cwd capabilities rlimits noNewPrivileges
 *              oomScoreAdj apparmorProfile selinuxLabel scheduler ioPriority execCPUAffinity
 */
#include "schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/num.h>

#define P(member) offsetof(struct ct_spec_process, member)

/* ---- user ---- */

/* Up to CT_ID_MAX: -1 is "no id" for the kernel, setgroups(2) would refuse it. */
static int read_gids(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_spec_process *process = place;
	uint64_t id = 0;
	size_t i = 0;

	if (ct_read_type(r, value, CT_JSON_ARRAY) < 0)
		return -r->err->code;
	process->additional_gids = ct_arena_calloc(r->arena, value->count, sizeof(uint32_t));
	if (!process->additional_gids)
		return ct_fail_nomem(r->err);
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (ct_read_unsigned(r, v, 0, CT_ID_MAX, &id) < 0)
			return -r->err->code;
		process->additional_gids[i++] = (uint32_t)id;
	}
	process->additional_gid_count = i;
	return 0;
}

static const struct ct_read_field user_fields[] = {
	{ "uid", READ_U32, .required = true, .max = CT_ID_MAX, .offset = P(uid) },
	{ "gid", READ_U32, .required = true, .max = CT_ID_MAX, .offset = P(gid) },
	{ "umask", READ_U32, .max = 0777, .offset = P(umask), .has = P(has_umask) },
	/* Two members, so it gets the whole struct. */
	{ "additionalGids", READ_CUSTOM, .offset = 0, .read = read_gids },
	{0},
};

static const struct ct_read_object user = { .fields = user_fields };

/* ---- environment ---- */

struct variable {
	const char *text;
	size_t name_length, index;
};

/* By name, and equal names by place. */
static int compare_variables(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
	int order = memcmp(x->text, y->text, shorter);

	if (order == 0 && x->name_length != y->name_length)
		return x->name_length < y->name_length ? -1 : 1;
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool is_same_name(const struct variable *a, const struct variable *b)
{
	return a->name_length == b->name_length && memcmp(a->text, b->text, a->name_length) == 0;
}

/* Split one entry; where it has no name, the environment of the host could slip in elsewhere. A
 * name alone would be passed on by execve(2), and getenv(3) of the payload would never find it. */
static int read_variable(const struct ct_reader *r, const struct ct_json *value, size_t index,
			 struct variable *ret_variable)
{
	const char *equals;

	if (ct_read_type(r, value, CT_JSON_STRING) < 0)
		return -r->err->code;
	equals = strchr(value->text, '=');
	if (!equals)
		return ct_read_fail(r, value, EINVAL, "has no \"=\"");
	if (equals == value->text)
		return ct_read_fail(r, value, EINVAL, "has no name before \"=\"");
	*ret_variable = (struct variable){ value->text, (size_t)(equals - value->text), index };
	return 0;
}

/* Of a name given twice the last one wins, at its own place; nobody else sees the earlier one.
 * Sorted by name to find the doubles, then in the document's order again: n log n, for a document
 * may have a hundred thousand of them. */
static int read_env(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_strings *env = place;
	struct variable *variables;
	const char **kept;
	size_t count = 0;

	if (value->type != CT_JSON_ARRAY)
		return ct_read_fail(r, value, EINVAL, "must be a list of strings, not %s",
				    ct_json_type_name(value->type));
	variables = ct_arena_calloc(r->arena, value->count, sizeof(*variables));
	kept = ct_arena_calloc(r->arena, value->count, sizeof(*kept));
	if (!variables || !kept)
		return ct_fail_nomem(r->err);
	for (const struct ct_json *v = value->child; v; v = v->next, count++) {
		if (read_variable(r, v, count, &variables[count]) < 0)
			return -r->err->code;
	}
	qsort(variables, count, sizeof(*variables), compare_variables);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 == count || !is_same_name(&variables[i], &variables[i + 1]))
			kept[variables[i].index] = variables[i].text;
	}
	for (size_t i = 0; i < count; i++) {
		if (kept[i] && ct_strings_add(r->arena, env, kept[i]) < 0)
			return ct_fail_nomem(r->err);
	}
	return 0;
}

/* ---- limits ---- */

static const char *const rlimit_types[] = {
	"RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_LOCKS",
	"RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC",
	"RLIMIT_RSS", "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK", NULL,
};

/* A number, or -1 for none, which is what people write for RLIM_INFINITY. */
static int read_limit(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	uint64_t limit = UINT64_MAX;

	if (ct_read_type(r, value, CT_JSON_NUMBER) < 0)
		return -r->err->code;
	if (strcmp(value->text, "-1") != 0 &&
	    ct_read_unsigned(r, value, 0, UINT64_MAX, &limit) < 0)
		return -r->err->code;
	memcpy(place, &limit, sizeof(limit));
	return 0;
}

/* setrlimit(2) would say EINVAL in the child, without a place. */
static int finish_rlimit(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_spec_rlimit *limit = target;

	if (limit->soft > limit->hard)
		return ct_read_fail(r, ct_json_get(object, "soft"), EINVAL,
				    "%s: the soft limit %s is above the hard limit %s", limit->type,
				    ct_json_get(object, "soft")->text,
				    ct_json_get(object, "hard")->text);
	return 0;
}

static const struct ct_read_field rlimit_fields[] = {
	{ "type", READ_STRING, .required = true, .choices = rlimit_types,
	  .offset = offsetof(struct ct_spec_rlimit, type) },
	{ "soft", READ_CUSTOM, .required = true, .read = read_limit,
	  .offset = offsetof(struct ct_spec_rlimit, soft) },
	{ "hard", READ_CUSTOM, .required = true, .read = read_limit,
	  .offset = offsetof(struct ct_spec_rlimit, hard) },
	{0},
};

static const struct ct_read_object rlimit = {
	.fields = rlimit_fields, .size = sizeof(struct ct_spec_rlimit), .finish = finish_rlimit,
};

/* Every type at most once; with sixteen types a longer list repeats one soon. */
static int check_rlimits(const struct ct_reader *r, const struct ct_json *list,
			 const struct ct_spec_process *process)
{
	const struct ct_json *v = list ? list->child : NULL;

	for (size_t i = 0; v && i < process->rlimit_count; i++, v = v->next) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(process->rlimits[k].type, process->rlimits[i].type) == 0)
				return ct_read_fail(r, v, EINVAL, "%s given twice",
						    process->rlimits[i].type);
		}
	}
	return 0;
}

/* ---- scheduling ---- */

/* The specification's list; SCHED_ISO is in it, and in no kernel. */
static const char *const policies[] = {
	"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE",
	"SCHED_DEADLINE", NULL,
};

static const char *const scheduler_flags[] = {
	"SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN",
	"SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
	"SCHED_FLAG_UTIL_CLAMP_MAX", NULL,
};

/* sched_setattr(2) refuses these with a bare EINVAL, long after the positions are gone. */
static int finish_scheduler(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_spec_scheduler *s = target;
	const struct ct_json *at = ct_read_get(object, "priority");
	bool is_real_time = strcmp(s->policy, "SCHED_FIFO") == 0 ||
			    strcmp(s->policy, "SCHED_RR") == 0;
	bool is_deadline = strcmp(s->policy, "SCHED_DEADLINE") == 0;

	if (is_real_time && s->priority == 0)
		return ct_read_fail(r, at ? at : object, EINVAL, "%s needs a priority of 1...99",
				    s->policy);
	if (!is_real_time && s->priority != 0)
		return ct_read_fail(r, at, EINVAL, "%s has no priority: it must be 0", s->policy);
	if (!is_deadline && (s->runtime || s->deadline || s->period))
		return ct_read_fail(r, object, EINVAL,
				    "runtime, deadline and period belong to SCHED_DEADLINE");
	if (is_deadline && (s->runtime == 0 || s->runtime > s->deadline ||
			    (s->period && s->deadline > s->period)))
		return ct_read_fail(r, object, EINVAL,
				    "SCHED_DEADLINE needs 0 < runtime <= deadline <= period");
	return 0;
}

#define S(member) offsetof(struct ct_spec_scheduler, member)
static const struct ct_read_field scheduler_fields[] = {
	{ "policy", READ_STRING, .required = true, .choices = policies, .offset = S(policy) },
	{ "nice", READ_I32, .min = -20, .max = 19, .offset = S(nice) },
	{ "priority", READ_I32, .min = 0, .max = 99, .offset = S(priority) },
	{ "flags", READ_STRINGS, .choices = scheduler_flags, .offset = S(flags) },
	{ "runtime", READ_U64, .offset = S(runtime) },
	{ "deadline", READ_U64, .offset = S(deadline) },
	{ "period", READ_U64, .offset = S(period) },
	{0},
};

static const struct ct_read_object scheduler = {
	.fields = scheduler_fields, .finish = finish_scheduler,
};

/* ioprio_set(2); 0 is the highest priority. */
static const char *const io_classes[] = {
	"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE", NULL,
};

static const struct ct_read_field io_priority_fields[] = {
	{ "class", READ_STRING, .required = true, .choices = io_classes, .offset = P(io_class) },
	{ "priority", READ_I32, .required = true, .min = 0, .max = 7, .offset = P(io_priority) },
	{0},
};

static const struct ct_read_object io_priority = { .fields = io_priority_fields };

/* initial: while the process is set up; final: what the payload begins with. */
static const struct ct_read_field affinity_fields[] = {
	{ "initial", READ_STRING, .check = ct_read_cpu_list, .offset = P(affinity_initial) },
	{ "final", READ_STRING, .check = ct_read_cpu_list, .offset = P(affinity_final) },
	{0},
};

static const struct ct_read_object affinity = { .fields = affinity_fields };

/* ---- the whole ---- */

static const struct ct_read_field console_fields[] = {
	{ "height", READ_U16, .required = true, .offset = P(console_height) },
	{ "width", READ_U16, .required = true, .offset = P(console_width) },
	{0},
};

static const struct ct_read_object console = { .fields = console_fields };

#define C(member) offsetof(struct ct_spec_capabilities, member)
static const struct ct_read_field capability_fields[] = {
	{ "bounding", READ_STRINGS, .offset = C(bounding) },
	{ "effective", READ_STRINGS, .offset = C(effective) },
	{ "inheritable", READ_STRINGS, .offset = C(inheritable) },
	{ "permitted", READ_STRINGS, .offset = C(permitted) },
	{ "ambient", READ_STRINGS, .offset = C(ambient) },
	{0},
};

static const struct ct_read_object capabilities = { .fields = capability_fields };

/* args has an item, because its row says not_empty. */
static int finish_process(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec_process *process = target;

	if (process->args.items[0][0] == '\0')
		return ct_read_fail(r, ct_json_get(object, "args")->child, EINVAL, "is empty");
	/* Other tools write "" for a profile that is not asked for. */
	if (process->apparmor_profile && !*process->apparmor_profile)
		process->apparmor_profile = NULL;
	if (process->selinux_label && !*process->selinux_label)
		process->selinux_label = NULL;
	return check_rlimits(r, ct_read_get(object, "rlimits"), process);
}

static const struct ct_read_field process_fields[] = {
	{ "terminal", READ_BOOL, .offset = P(terminal) },
	/* Nested objects without a struct of their own: their rows name members of this one. */
	{ "consoleSize", READ_OBJECT, .object = &console, .offset = 0 },
	{ "args", READ_STRINGS, .required = true, .not_empty = true, .offset = P(args) },
	{ "env", READ_CUSTOM, .read = read_env, .offset = P(env) },
	{ "cwd", READ_STRING, .required = true, .check = ct_read_absolute, .offset = P(cwd) },
	{ "user", READ_OBJECT, .object = &user, .offset = 0 },
	{ "capabilities", READ_OBJECT, .object = &capabilities, .offset = P(capabilities),
	  .has = P(has_capabilities) },
	{ "rlimits", READ_LIST, .object = &rlimit, .offset = P(rlimits), .count = P(rlimit_count) },
	{ "noNewPrivileges", READ_BOOL, .offset = P(no_new_privileges) },
	{ "oomScoreAdj", READ_I32, .min = -1000, .max = 1000, .offset = P(oom_score_adj),
	  .has = P(has_oom_score_adj) },
	{ "apparmorProfile", READ_STRING, .offset = P(apparmor_profile) },
	{ "selinuxLabel", READ_STRING, .offset = P(selinux_label) },
	{ "scheduler", READ_OBJECT, .object = &scheduler, .offset = P(scheduler),
	  .has = P(has_scheduler) },
	{ "ioPriority", READ_OBJECT, .object = &io_priority, .offset = 0 },
	{ "execCPUAffinity", READ_OBJECT, .object = &affinity, .offset = 0 },
	{0},
};

const struct ct_read_object ct_read_process = {
	.fields = process_fields, .size = sizeof(struct ct_spec_process), .finish = finish_process,
};
