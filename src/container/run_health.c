/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the health of a container is going to be checked: --health-cmd and the options that go with
 * it, in docker's form ("CMD-SHELL", TEXT), with all defaults filled in.
 *
 * From the options of run, create and update to the record; runs in the command before anything is
 * created or changed. Of a container that is checked already what is not said stays as it is.
 * Whether the command is there, and what it says, shows when it is run. May fail for times and
 * numbers that are none, with docker's words where docker has some, and for options without a
 * command: they would promise a check that nobody makes.
 *
 *   --health-cmd 'curl -f localhost'     CMD-SHELL, the text          run by /bin/sh -c
 *   --health-cmd '["curl","-f","..."]'   CMD, the words
 *   --health-cmd none, --no-healthcheck  NONE
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

struct choosing {
	struct ct_arena *arena;
	const struct ct_health_options *options;
	struct ct_health_config config;	/* what it is to be */
};

/* ---- the command ---- */

static bool is_word(const struct ct_strings *list, const char *word)
{
	return list->count && !strcmp(list->items[0], word);
}

static int set_words(struct choosing *c, const char *first, const char *second, struct ct_err *err)
{
	struct ct_strings *test = &c->config.test;

	*test = (struct ct_strings){ 0 };
	if (ct_strings_add(c->arena, test, first) < 0 ||
	    (second && ct_strings_add(c->arena, test, second) < 0))
		return ct_fail_nomem(err);
	return 0;
}

/* Words of docker's own stand first, or it is a command in full. */
static int set_array(struct choosing *c, const struct ct_json *array, struct ct_err *err)
{
	struct ct_strings words = { 0 };

	for (const struct ct_json *item = array->child; item; item = item->next) {
		if (item->type != CT_JSON_STRING)
			return ct_fail(err, EINVAL, "must be a JSON array of strings, not of %s",
				       ct_json_type_name(item->type));
		if (ct_strings_add(c->arena, &words, item->text) < 0)
			return ct_fail_nomem(err);
	}
	if (!words.count)
		return ct_fail(err, EINVAL, "the array is empty");
	if (is_word(&words, "CMD") || is_word(&words, "CMD-SHELL") || is_word(&words, "NONE")) {
		c->config.test = words;
		return 0;
	}
	if (set_words(c, "CMD", NULL, err) < 0)
		return -err->code;
	for (size_t i = 0; i < words.count; i++)
		if (ct_strings_add(c->arena, &c->config.test, words.items[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

/* "[ -f /ready ]" begins as an array does, and is a command of the shell. */
static int set_command(struct choosing *c, const char *text, struct ct_err *err)
{
	const struct ct_json *root = NULL;
	struct ct_err ignored;

	if (!strcmp(text, "none"))
		return set_words(c, "NONE", NULL, err);
	if (!*text || text[strspn(text, " \t")] != '[' ||
	    ct_json_parse(c->arena, "--health-cmd", text, strlen(text), &root, &ignored) < 0)
		return set_words(c, "CMD-SHELL", text, err);
	return set_array(c, root, err);
}

/* ---- times and numbers: what is not said stays ---- */

/* 0 is the default, as for docker. member is docker's name of it in an image's configuration, which
 * its message has. */
static int set_time(const char *text, const char *option, const char *member, uint64_t fallback,
		    uint64_t *time, struct ct_err *err)
{
	uint64_t said = *time;
	int r = 0;

	if (text && *text == '-')
		r = ct_fail(err, EINVAL, "cannot be negative");
	else if (text)
		r = ct_parse_duration(text, &said, err);
	if (r == 0 && said && said < MILLISECOND)
		r = ct_fail(err, EINVAL, "%s in Healthcheck cannot be less than 1ms", member);
	if (r < 0)
		return ct_wrap(err, "%s", option);
	*time = said ? said : fallback;
	return 0;
}

/* 0 is docker's "not set": the default. */
static int set_retries(const char *text, int *retries, struct ct_err *err)
{
	uint64_t count = (uint64_t)*retries;
	int r = 0;

	if (text && *text == '-')
		r = ct_fail(err, EINVAL, "cannot be negative");
	else if (text)
		r = ct_parse_u64(text, 0, INT_MAX, &count, err);
	if (r < 0)
		return ct_wrap(err, "--health-retries");
	*retries = count ? (int)count : RETRIES;
	return 0;
}

/* podman's option; docker has no such thing. */
static int set_action(const char *text, const char **action, struct ct_err *err)
{
	static const char *const actions[] = { "none", "kill", "restart", "stop" };

	if (!text && *action)
		return 0;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (text && strcmp(text, actions[i]) != 0)
			continue;
		*action = actions[i];
		return 0;
	}
	ct_fail(err, EINVAL, "must be none, kill, restart or stop, not \"%.64s\"", text);
	return ct_wrap(err, "--health-on-failure");
}

/* Each from the option, else what the record has (update), else docker's default. */
static int set_all(struct choosing *c, struct ct_err *err)
{
	const struct ct_health_options *o = c->options;
	struct ct_health_config *config = &c->config;
	int r = set_time(o->interval, "--health-interval", "Interval", INTERVAL, &config->interval,
			 err);

	if (r == 0)
		r = set_time(o->timeout, "--health-timeout", "Timeout", TIMEOUT, &config->timeout,
			     err);
	if (r == 0)
		r = set_time(o->start_period, "--health-start-period", "StartPeriod", 0,
			     &config->start_period, err);
	if (r == 0)
		r = set_time(o->start_interval, "--health-start-interval", "StartInterval",
			     START_INTERVAL, &config->start_interval, err);
	if (r == 0)
		r = set_retries(o->retries, &config->retries, err);
	return r < 0 ? r : set_action(o->on_failure, &config->on_failure, err);
}

/* ---- all of it ---- */

/* The first option that says how a check is made; NULL: none does. */
static const char *detail_of(const struct ct_health_options *o)
{
	const char *const options[][2] = {
		{ o->interval, "--health-interval" },
		{ o->timeout, "--health-timeout" },
		{ o->retries, "--health-retries" },
		{ o->start_period, "--health-start-period" },
		{ o->start_interval, "--health-start-interval" },
		{ o->on_failure, "--health-on-failure" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i][0])
			return options[i][1];
	return NULL;
}

/* What removes itself cannot be started again; nor, by the keeper, what writes to its starter's
 * stdout. */
static int check_restart(const struct ct_meta *meta, const struct ct_health_config *config,
			 struct ct_err *err)
{
	if ((!meta->remove && !ct_log_passes(meta)) ||
	    ct_health_action_of(config) != CT_HEALTH_RESTART)
		return 0;
	return ct_fail(err, EINVAL, "conflicting options: cannot specify both --health-on-failure "
				    "restart and %s",
		       meta->remove ? "--rm" : "--log-driver passthrough");
}

/* There is a command, by an option or from before. */
static int choose(struct choosing *c, const char *command, struct ct_err *err)
{
	int r = command ? set_command(c, command, err) : 0;

	if (r < 0)
		return ct_wrap(err, "--health-cmd");
	/* What is wrong with the others is wrong, checked or not; none of it is kept for "NONE". */
	r = set_all(c, err);
	if (r < 0)
		return r;
	/* Of what has been put together here only the words of an array can be wrong. */
	if (ct_health_config_check(&c->config, err) < 0) {
		err->code = EINVAL;
		return ct_wrap(err, "--health-cmd");
	}
	if (is_word(&c->config.test, "NONE"))
		c->config = (struct ct_health_config){ .test = c->config.test };
	return 0;
}

/* c.config is built beside the record and put in only when all of it is right. */
int ct_health_from_options(struct ct_arena *arena, const struct ct_health_options *o,
			   struct ct_meta *inout, struct ct_err *err)
{
	/* docker's "" is as good as no option. */
	const char *detail = detail_of(o), *command = o->cmd && *o->cmd ? o->cmd : NULL;
	struct choosing c = { .arena = arena, .options = o };
	int r;

	if (o->no_check && (o->cmd || detail))
		return ct_fail(err, EINVAL, "--no-healthcheck conflicts with --health-* options");
	if (!o->no_check && !command && !detail)
		return 0;
	if (!o->no_check && !command && !ct_health_is_checked(inout)) {
		ct_fail(err, EINVAL, "there is no command that could be run");
		ct_hint(err, "--health-cmd COMMAND");
		return ct_wrap(err, "%s", detail);
	}
	if (ct_health_is_checked(inout))
		c.config = inout->health;
	if (o->no_check) {
		c.config = (struct ct_health_config){ 0 };
		r = set_words(&c, "NONE", NULL, err);
	} else {
		r = choose(&c, command, err);
	}
	if (r == 0)
		r = check_restart(inout, &c.config, err);
	if (r < 0)
		return r;
	c.config.changed = inout->health.changed;
	inout->health = c.config;
	return 0;
}

int ct_run_health(struct ct_run *run, struct ct_err *err)
{
	return ct_health_from_options(run->arena, &run->options->health, run->meta, err);
}
