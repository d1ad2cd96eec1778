/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restart policies: their words, and when a container is started again.
 *
 * Pure functions: commands check options by them, the keeper decides by them. The words, the
 * numbers and what counts as a failure are docker's, for scripts and habits know those; one thing
 * is ours: a restart that fails counts as a run that has ended at once, where docker gives up. May
 * fail for words that are no policy.
 *
 *   no                never                on-failure[:MAX]  code not 0, MAX times in a row
 *   always            whatever its code    unless-stopped    the same; not at boot after a stop
 *
 *   delay   100 ms, 200 ms, ... 60 s, doubled each time; 100 ms again after a run of 10 s or more
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <cattach/container.h>
#include <cattach/health.h>
#include <cattach/keeper.h>
#include <cattach/num.h>

#define MS		UINT64_C(1000000)
#define DELAY_FIRST	(100 * MS)
#define DELAY_MAX	(60000 * MS)
#define RUN_WELL	(10000 * MS)	/* a run of this length has been a good one */

static const char *const names[] = {
	[CT_RESTART_NO] = "no",
	[CT_RESTART_ON_FAILURE] = "on-failure",
	[CT_RESTART_ALWAYS] = "always",
	[CT_RESTART_UNLESS_STOPPED] = "unless-stopped",
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

const char *ct_restart_name(enum ct_restart kind)
{
	return (size_t)kind < NAME_COUNT ? names[kind] : "unknown";
}

/* ---- words ---- */

/* The texts are docker's, word by word: people search for them. */
static int find_kind(const char *text, size_t length, enum ct_restart *ret_kind, struct ct_err *err)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (strlen(names[i]) == length && !memcmp(names[i], text, length)) {
			*ret_kind = (enum ct_restart)i;
			return 0;
		}
	}
	if (length == 0)
		return ct_fail(err, EINVAL,
			       "invalid restart policy format: no policy provided before colon");
	return ct_fail(err, EINVAL,
		       "invalid restart policy: unknown policy '%.*s'; use one of 'no', 'always', "
		       "'on-failure', or 'unless-stopped'", (int)(length < 64 ? length : 64), text);
}

static int parse_count(const char *text, enum ct_restart kind, unsigned *ret_max,
		       struct ct_err *err)
{
	int64_t count;

	if (ct_parse_i64(text, INT_MIN, INT_MAX, &count, err) < 0)
		return ct_fail(err, EINVAL,
			       "invalid restart policy format: maximum retry count must be an integer");
	if (count < 0)
		return ct_fail(err, EINVAL,
			       "invalid restart policy: maximum retry count cannot be negative");
	if (count > 0 && kind != CT_RESTART_ON_FAILURE)
		return ct_fail(err, EINVAL,
			       "invalid restart policy: maximum retry count can only be "
			       "used with 'on-failure'");
	*ret_max = (unsigned)count;
	return 0;
}

/* "always:" is always, as for docker. */
int ct_restart_parse(const char *text, struct ct_restart_policy *ret_policy, struct ct_err *err)
{
	struct ct_restart_policy policy = { .kind = CT_RESTART_NO };
	size_t length = text ? strcspn(text, ":") : 0;
	int r = 0;

	if (!text || !*text) {
		*ret_policy = policy;
		return 0;
	}
	r = find_kind(text, length, &policy.kind, err);
	if (r == 0 && text[length] && text[length + 1])
		r = parse_count(text + length + 1, policy.kind, &policy.max, err);
	if (r == 0)
		*ret_policy = policy;
	return r;
}

/* ---- deciding ---- */

static uint64_t next_delay(uint64_t last, uint64_t duration)
{
	if (!last || duration >= RUN_WELL)
		return DELAY_FIRST;
	return last < DELAY_MAX / 2 ? 2 * last : DELAY_MAX;
}

/* restarts are those before this one. A stop by a user is no run that ended: the caller knows of
 * it. */
static bool wants(const struct ct_restart_policy *policy, int code, unsigned restarts)
{
	switch (policy->kind) {
	case CT_RESTART_ALWAYS:
	case CT_RESTART_UNLESS_STOPPED:
		return true;
	case CT_RESTART_ON_FAILURE:
		return code != 0 && (!policy->max || restarts < policy->max);
	case CT_RESTART_NO:
		break;
	}
	return false;
}

bool ct_restart_decide(const struct ct_restart_policy *policy, const struct ct_restart_run *run,
		       struct ct_restart_tally *tally)
{
	if (!wants(policy, run->code, tally->restarts))
		return false;
	tally->delay = next_delay(tally->delay, run->duration);
	tally->restarts++;
	return true;
}

/* A container without a policy and without a check costs no process. */
bool ct_keeper_is_wanted(const struct ct_meta *meta)
{
	struct ct_restart_policy policy;
	struct ct_err ignored;

	if (ct_health_is_checked(meta))
		return true;
	return ct_restart_parse(meta->restart, &policy, &ignored) == 0 &&
	       policy.kind != CT_RESTART_NO;
}
