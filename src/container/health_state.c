/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container's health follows from its checks, and when the next one is due: functions of what
 * they are given, times included, so that all of it can be tested without waiting for anything.
 *
 * docker's rules. A run begins as "starting". One success makes it healthy; so many failures in a
 * row as --health-retries says make it unhealthy, and until then it stays what it was. While it is
 * starting, failures that began within the start period are kept, but do not count. The next check
 * comes an interval after the end of the last one: in the start period, as long as nothing has
 * succeeded, the start interval.
 *
 * Runs in commands and in what a keeper forks. Nothing can fail.
 *
 *    starting  --success-->  healthy  --retries failures-->  unhealthy  --success-->  healthy
 *    starting  --retries failures after the start period-->  unhealthy
 */
#include <cattach/health.h>

#include <errno.h>
#include <string.h>

#include <cattach/age.h>
#include <cattach/encode.h>

#include "record.h"

static const char *const names[] = {
	[CT_HEALTH_NONE] = "none",
	[CT_HEALTH_STARTING] = "starting",
	[CT_HEALTH_HEALTHY] = "healthy",
	[CT_HEALTH_UNHEALTHY] = "unhealthy",
};

static const char *const actions[] = {
	[CT_HEALTH_DO_NOTHING] = "none",
	[CT_HEALTH_KILL] = "kill",
	[CT_HEALTH_RESTART] = "restart",
	[CT_HEALTH_STOP] = "stop",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words ---- */

/* A number from a record of another version has no name of its own. */
const char *ct_health_name(enum ct_health_status status)
{
	return (size_t)status < COUNT(names) ? names[status] : "none";
}

int ct_health_parse(const char *name, enum ct_health_status *ret_status)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret_status = (enum ct_health_status)i;
		return 0;
	}
	return -EINVAL;
}

static int find_action(const char *name, enum ct_health_action *ret_action)
{
	for (size_t i = 0; i < COUNT(actions); i++) {
		if (strcmp(actions[i], name) != 0)
			continue;
		*ret_action = (enum ct_health_action)i;
		return 0;
	}
	return -EINVAL;
}

/* A word in the record that nobody knows does nothing: killing is not for guesses. */
enum ct_health_action ct_health_action_of(const struct ct_health_config *config)
{
	enum ct_health_action action = CT_HEALTH_DO_NOTHING;

	if (config->on_failure && find_action(config->on_failure, &action) < 0)
		return CT_HEALTH_DO_NOTHING;
	return action;
}

/* ---- what a check is made by ---- */

/* docker's "NONE" is a check that was switched off. */
bool ct_health_is_checked(const struct ct_meta *meta)
{
	const struct ct_strings *test = &meta->health.test;

	return test->count && strcmp(test->items[0], "NONE") != 0;
}

/* docker's form of a test, as inspect shows it. */
static int check_test(const struct ct_strings *test, struct ct_err *err)
{
	const char *word = test->items[0];

	if (!strcmp(word, "NONE") && test->count == 1)
		return 0;
	if (!strcmp(word, "CMD-SHELL") && test->count == 2)
		return 0;
	if (!strcmp(word, "CMD") && test->count > 1)
		return 0;
	return ct_fail(err, EBADMSG,
		       "a health check must be \"CMD\" and its words, \"CMD-SHELL\" and one text, or "
		       "\"NONE\" alone");
}

/* Times of 0 would have the keeper check without a pause. */
int ct_health_config_check(const struct ct_health_config *config, struct ct_err *err)
{
	enum ct_health_action ignored;
	int r = config->test.count ? check_test(&config->test, err) : 0;

	if (r < 0 || !config->test.count || !strcmp(config->test.items[0], "NONE"))
		return r;
	if (!config->interval || !config->timeout || !config->start_interval)
		return ct_fail(err, EBADMSG, "the times of a health check must be more than 0");
	if (config->retries < 1)
		return ct_fail(err, EBADMSG, "health_retries must be 1 or more, not %d",
			       config->retries);
	if (config->on_failure && find_action(config->on_failure, &ignored) < 0)
		return ct_fail(err, EBADMSG, "unknown health_on_failure");
	return 0;
}

/* ---- output ---- */

/* Bytes of the character that begins here; 0: none does. */
static size_t character(const char *data, size_t size)
{
	for (size_t length = 1; length <= 4 && length <= size; length++)
		if (*data && ct_is_utf8(data, length))
			return length;
	return 0;
}

/* Into a fixed room, as UTF-8, for it goes into JSON: what is none becomes U+FFFD. Cut between two
 * characters. */
void ct_health_output(struct ct_health_check *check, const char *data, size_t size)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t at = 0, put = 0;

	while (at < size) {
		size_t length = character(data + at, size - at);
		const char *from = length ? data + at : replacement;
		size_t room = length ? length : strlen(replacement);

		if (put + room > CT_HEALTH_OUTPUT_MAX)
			break;
		memcpy(check->output + put, from, room);
		put += room;
		at += length ? length : 1;
	}
	check->output[put] = '\0';
}

/* ---- from check to check ---- */

/* run is the time of the start, which names it. */
struct ct_health ct_health_begin(uint64_t run)
{
	return (struct ct_health){ .status = CT_HEALTH_STARTING, .run = run };
}

/* The oldest falls out: docker keeps five, too. */
static void keep_check(struct ct_health *health, const struct ct_health_check *check)
{
	if (health->count == CT_HEALTH_LOG_MAX) {
		memmove(health->log, health->log + 1, sizeof(health->log) - sizeof(health->log[0]));
		health->count--;
	}
	health->log[health->count++] = *check;
}

/* By when it began: a check that takes longer than the rest of the period was asked too early. */
static bool is_forgiven(const struct ct_health_config *config, const struct ct_health *health,
			const struct ct_health_check *check)
{
	return health->status == CT_HEALTH_STARTING &&
	       ct_age_since(health->run, check->start) < config->start_period;
}

/* True when the status is another than before: then there is an event. */
bool ct_health_apply(const struct ct_health_config *config, struct ct_health *health,
		     const struct ct_health_check *check)
{
	enum ct_health_status before = health->status;

	if (check->code == 0) {
		health->status = CT_HEALTH_HEALTHY;
		health->streak = 0;
	} else if (!is_forgiven(config, health, check)) {
		health->streak++;
		if (health->streak >= (unsigned)config->retries)
			health->status = CT_HEALTH_UNHEALTHY;
	}
	keep_check(health, check);
	return health->status != before;
}

/* From the end of a check to the beginning of the next, so two never overlap. */
uint64_t ct_health_delay(const struct ct_health_config *config, enum ct_health_status status,
			 uint64_t run, uint64_t now)
{
	if (status == CT_HEALTH_STARTING && ct_age_since(run, now) < config->start_period)
		return config->start_interval;
	return config->interval;
}
