/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the health of a container is going to be checked: --health-cmd and the options that go with
 * it, in docker's form ("CMD-SHELL", TEXT), with all defaults filled in.
 *
 * From the options of run and create to the record; runs in the command before anything is created.
 * Whether the command is there, and what it says, shows when it is run. May fail for times and
 * numbers that are none, with docker's words where docker has some, and for options without a
 * command: they would promise a check that nobody makes.
 */
#include "run_parts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <cattach/health.h>
#include <cattach/json.h>
#include <cattach/num.h>

#include "record.h"

#define MILLISECOND	UINT64_C(1000000)	/* docker's least */
#define INTERVAL	(30 * CT_SECOND)
#define TIMEOUT		(30 * CT_SECOND)
#define START_INTERVAL	(5 * CT_SECOND)
#define RETRIES		3

/* ---- the command ---- */

static bool is_word(const struct ct_strings *list, const char *word)
{
	return list->count && !strcmp(list->items[0], word);
}

static int set_words(struct ct_run *run, const char *first, const char *second, struct ct_err *err)
{
	struct ct_strings *test = &run->meta->health.test;

	if (ct_strings_add(run->arena, test, first) < 0 ||
	    (second && ct_strings_add(run->arena, test, second) < 0))
		return ct_fail_nomem(err);
	return 0;
}

/* Words of docker's own stand first, or it is a command in full. */
static int set_array(struct ct_run *run, const struct ct_json *array, struct ct_err *err)
{
	struct ct_strings words = { 0 }, *test = &run->meta->health.test;

	for (const struct ct_json *item = array->child; item; item = item->next) {
		if (item->type != CT_JSON_STRING)
			return ct_fail(err, EINVAL, "must be a JSON array of strings, not of %s",
				       ct_json_type_name(item->type));
		if (ct_strings_add(run->arena, &words, item->text) < 0)
			return ct_fail_nomem(err);
	}
	if (!words.count)
		return ct_fail(err, EINVAL, "the array is empty");
	if (is_word(&words, "CMD") || is_word(&words, "CMD-SHELL") || is_word(&words, "NONE")) {
		*test = words;
		return 0;
	}
	if (ct_strings_add(run->arena, test, "CMD") < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < words.count; i++)
		if (ct_strings_add(run->arena, test, words.items[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

/* "[ -f /ready ]" begins as an array does, and is a command of the shell. */
static int set_command(struct ct_run *run, const char *text, struct ct_err *err)
{
	const struct ct_json *root = NULL;
	struct ct_err ignored;

	if (!strcmp(text, "none"))
		return set_words(run, "NONE", NULL, err);
	if (!*text || text[strspn(text, " \t")] != '[' ||
	    ct_json_parse(run->arena, "--health-cmd", text, strlen(text), &root, &ignored) < 0)
		return set_words(run, "CMD-SHELL", text, err);
	return set_array(run, root, err);
}

/* ---- times and numbers ---- */

/* 0 is the default, as for docker. */
static int set_time(const char *text, const char *option, const char *member, uint64_t fallback,
		    uint64_t *ret_time, struct ct_err *err)
{
	uint64_t time = 0;
	int r = 0;

	if (text && *text == '-')
		r = ct_fail(err, EINVAL, "cannot be negative");
	else if (text)
		r = ct_parse_duration(text, &time, err);
	if (r == 0 && time && time < MILLISECOND)
		r = ct_fail(err, EINVAL, "%s in Healthcheck cannot be less than 1ms", member);
	if (r < 0)
		return ct_wrap(err, "%s", option);
	*ret_time = time ? time : fallback;
	return 0;
}

static int set_retries(const char *text, int *ret_retries, struct ct_err *err)
{
	uint64_t count = 0;
	int r = 0;

	if (text && *text == '-')
		r = ct_fail(err, EINVAL, "cannot be negative");
	else if (text)
		r = ct_parse_u64(text, 0, INT_MAX, &count, err);
	if (r < 0)
		return ct_wrap(err, "--health-retries");
	*ret_retries = count ? (int)count : RETRIES;
	return 0;
}

static int set_action(const char *text, const char **ret_action, struct ct_err *err)
{
	static const char *const actions[] = { "none", "kill", "restart", "stop" };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (text && strcmp(text, actions[i]) != 0)
			continue;
		*ret_action = actions[i];
		return 0;
	}
	ct_fail(err, EINVAL, "must be none, kill, restart or stop, not \"%.64s\"", text);
	return ct_wrap(err, "--health-on-failure");
}

static int set_all(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_health_config *config = &run->meta->health;
	int r = set_time(o->health_interval, "--health-interval", "Interval", INTERVAL,
			 &config->interval, err);

	if (r == 0)
		r = set_time(o->health_timeout, "--health-timeout", "Timeout", TIMEOUT,
			     &config->timeout, err);
	if (r == 0)
		r = set_time(o->health_start_period, "--health-start-period", "StartPeriod", 0,
			     &config->start_period, err);
	if (r == 0)
		r = set_time(o->health_start_interval, "--health-start-interval", "StartInterval",
			     START_INTERVAL, &config->start_interval, err);
	if (r == 0)
		r = set_retries(o->health_retries, &config->retries, err);
	return r < 0 ? r : set_action(o->health_on_failure, &config->on_failure, err);
}

/* ---- all of it ---- */

/* The first option that says how a check is made; NULL: none does. */
static const char *detail_of(const struct ct_run_options *o)
{
	const char *const options[][2] = {
		{ o->health_interval, "--health-interval" },
		{ o->health_timeout, "--health-timeout" },
		{ o->health_retries, "--health-retries" },
		{ o->health_start_period, "--health-start-period" },
		{ o->health_start_interval, "--health-start-interval" },
		{ o->health_on_failure, "--health-on-failure" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i][0])
			return options[i][1];
	return NULL;
}

/* What removes itself cannot be started again; nor, by the keeper, what writes to its starter's stdout. */
static int check_restart(const struct ct_run *run, struct ct_err *err)
{
	bool passes = ct_log_passes(run->meta);

	if ((!run->options->remove && !passes) ||
	    ct_health_action_of(&run->meta->health) != CT_HEALTH_RESTART)
		return 0;
	return ct_fail(err, EINVAL, "conflicting options: cannot specify both --health-on-failure "
				    "restart and %s",
		       run->options->remove ? "--rm" : "--log-driver passthrough");
}

int ct_run_health(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	const char *detail = detail_of(o);
	int r;

	if (o->no_healthcheck && (o->health_cmd || detail))
		return ct_fail(err, EINVAL, "--no-healthcheck conflicts with --health-* options");
	if (o->no_healthcheck)
		return set_words(run, "NONE", NULL, err);
	/* docker's "" is as good as no option. */
	if (!o->health_cmd || !*o->health_cmd) {
		if (!detail)
			return 0;
		ct_fail(err, EINVAL, "there is no command that could be run");
		ct_hint(err, "--health-cmd COMMAND");
		return ct_wrap(err, "%s", detail);
	}
	r = set_command(run, o->health_cmd, err);
	if (r < 0)
		return ct_wrap(err, "--health-cmd");
	/* What is wrong with the others is wrong, checked or not; none of it is kept for "NONE". */
	r = set_all(run, err);
	if (r < 0)
		return r;
	/* Of what has been put together here only the words of an array can be wrong. */
	if (ct_health_config_check(&run->meta->health, err) < 0) {
		err->code = EINVAL;
		return ct_wrap(err, "--health-cmd");
	}
	if (is_word(&run->meta->health.test, "NONE"))
		run->meta->health = (struct ct_health_config){ .test = run->meta->health.test };
	return check_restart(run, err);
}
