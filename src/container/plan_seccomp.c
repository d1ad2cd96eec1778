/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of the plan: our default policy, or linux.seccomp, compiled (or taken from the cache)
 * before anything forks, so that libseccomp never runs in the child.
 *
 * Runs in the CLI. Errors of the policy are named by their place in config.json.
 */
#include <errno.h>
#include <string.h>

#include <cattach/buf.h>
#include <cattach/json.h>

#include "hooks.h"
#include "plan.h"

static int convert_rule(struct planning *p, const struct ct_spec_seccomp_rule *from,
			struct ct_seccomp_rule *to, struct ct_err *err)
{
	*to = (struct ct_seccomp_rule){
		.names = from->names,
		.action = from->action,
		/* The spec's default for an action that takes a number is EPERM. */
		.errno_ret = from->has_errno ? from->errno_ret : EPERM,
		.arg_count = from->arg_count,
	};
	to->args = ct_arena_calloc(p->arena, from->arg_count + 1, sizeof(*to->args));
	if (!to->args)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < from->arg_count; i++)
		to->args[i] = (struct ct_seccomp_arg){
			.index = from->args[i].index,
			.op = from->args[i].op,
			.a = from->args[i].value,
			.b = from->args[i].value_two,
		};
	return 0;
}

static int convert_policy(struct planning *p, const struct ct_spec_seccomp *from,
			  struct ct_seccomp_policy *to, struct ct_err *err)
{
	*to = (struct ct_seccomp_policy){
		.default_action = from->default_action,
		.default_errno = from->has_default_errno ? from->default_errno : EPERM,
		.architectures = from->architectures,
		.flags = from->flags,
		.rule_count = from->rule_count,
	};
	to->rules = ct_arena_calloc(p->arena, from->rule_count + 1, sizeof(*to->rules));
	if (!to->rules)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < from->rule_count; i++) {
		int r = convert_rule(p, &from->rules[i], &to->rules[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool notifies(const struct ct_seccomp_policy *policy)
{
	bool found = strcmp(policy->default_action, "SCMP_ACT_NOTIFY") == 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		found = found || strcmp(policy->rules[i].action, "SCMP_ACT_NOTIFY") == 0;
	return found;
}

static bool has_flag(const struct ct_strings *flags, const char *name)
{
	for (size_t i = 0; i < flags->count; i++)
		if (strcmp(flags->items[i], name) == 0)
			return true;
	return false;
}

static const char *make_head(struct planning *p, const struct ct_spec_seccomp *from, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;
	const char *text;

	if (ct_json_writer_open(&w, &buf, false, err) < 0)
		return NULL;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "ociVersion", p->spec->oci_version);
	ct_json_key(&w, "fds");
	ct_json_begin_array(&w);
	ct_json_string(&w, "seccompFd");
	ct_json_end_array(&w);
	if (from->listener_metadata)
		ct_json_put_string(&w, "metadata", from->listener_metadata);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	while (buf.length && buf.data[buf.length - 1] != '}')
		buf.length--;
	text = buf.failed || !buf.length ? NULL :
	       ct_arena_printf(p->arena, "%.*s,\"state\":", (int)buf.length - 1, buf.data);
	if (!text)
		ct_fail_nomem(err);
	return text;
}

/* The container process state, but for the pids. */
static int plan_listener(struct planning *p, const struct ct_spec_seccomp *from, struct ct_err *err)
{
	struct ct_plan_listener *l = ct_arena_alloc(p->arena, sizeof(*l));

	if (!l)
		return ct_fail_nomem(err);
	*l = (struct ct_plan_listener){
		.path = from->listener_path, .fd = -1,
		.killable = has_flag(&from->flags, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
	};
	l->head = make_head(p, from, err);
	if (!l->head || ct_hook_state_make(p->arena, p->spec, p->meta->id ? p->meta->id : "",
					   p->meta->bundle, &l->state, err) < 0)
		return -err->code;
	l->size = strlen(l->head) + strlen(l->state.head) + strlen(l->state.tail) + 128;
	l->text = ct_arena_alloc(p->arena, l->size);
	p->plan->process.listener = l;
	return l->text ? 0 : ct_fail_nomem(err);
}

int ct_plan_seccomp(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_seccomp *from = p->spec->linux_.seccomp;
	struct ct_plan_process *to = &p->plan->process;
	struct ct_seccomp_policy policy;
	int r;

	if (!from && !p->spec->default_seccomp)
		return 0;
	to->seccomp_given = from;
	to->seccomp_place = from ? "linux.seccomp" : "default seccomp policy";
	r = from ? convert_policy(p, from, &policy, err) :
		   ct_seccomp_default(p->arena, to->caps.bounding, &policy, err);
	if (r == 0 && from && notifies(&policy))
		r = plan_listener(p, from, err);
	if (r < 0)
		return r;
	if (ct_seccomp_compile(p->arena, &policy, p->cache, &to->seccomp, err) < 0)
		return ct_wrap(err, "%s", to->seccomp_place);
	return 0;
}
