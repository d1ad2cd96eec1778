/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "cattach inspect" says about health: docker's .State.Health and .Config.Healthcheck,
 * podman's .Config.HealthcheckOnFailureAction.
 *
 * Builds values only, in the caller's arena, from the record and from the file "health" of the
 * container's directory. Where nothing is checked the members are there and null, so that a
 * template can ask for them.
 */
#include "inspect.h"

#include <cattach/health.h>

#include "times.h"

static struct ct_json *time_value(struct ct_values *values, uint64_t ns)
{
	char text[CT_TIME_SIZE];

	return ct_value_string(values, ct_time_rfc3339(ns, text));
}

static struct ct_json *check_value(struct ct_values *values, const struct ct_health_check *check)
{
	struct ct_json *object = ct_value_object(values);

	ct_value_set(values, object, "Start", time_value(values, check->start));
	ct_value_set(values, object, "End", time_value(values, check->end));
	ct_value_set(values, object, "ExitCode", ct_value_i64(values, check->code));
	ct_value_set(values, object, "Output", ct_value_string(values, check->output));
	return object;
}

/* docker has no such member at all where nothing is checked. */
struct ct_json *ct_inspect_health(struct ct_values *values, const struct ct_container *container)
{
	struct ct_json *object, *log;
	struct ct_health health;

	if (container->health == CT_HEALTH_NONE || container->dir < 0)
		return ct_value_null(values);
	/* One that cannot be read is an empty one, without a log. */
	ct_health_read(container, &health);
	object = ct_value_object(values);
	log = ct_value_array(values);
	for (size_t i = 0; i < health.count; i++)
		ct_value_add(values, log, check_value(values, &health.log[i]));
	ct_value_set(values, object, "Status",
		     ct_value_string(values, ct_health_name(health.status)));
	ct_value_set(values, object, "FailingStreak", ct_value_i64(values, health.streak));
	ct_value_set(values, object, "Log", log);
	return object;
}

/* Go's Duration in JSON: nanoseconds as a number. */
static void set_time(struct ct_values *values, struct ct_json *object, const char *key, uint64_t ns)
{
	ct_value_set(values, object, key, ct_value_i64(values, (int64_t)ns));
}

void ct_inspect_healthcheck(struct ct_values *values, struct ct_json *object,
			    const struct ct_meta *meta)
{
	const struct ct_health_config *config = &meta->health;
	struct ct_json *check;

	if (config->test.count) {
		check = ct_value_object(values);
		ct_value_set(values, check, "Test", ct_value_strings(values, &config->test));
		set_time(values, check, "Interval", config->interval);
		set_time(values, check, "Timeout", config->timeout);
		set_time(values, check, "StartPeriod", config->start_period);
		set_time(values, check, "StartInterval", config->start_interval);
		ct_value_set(values, check, "Retries", ct_value_i64(values, config->retries));
	} else {
		check = ct_value_null(values);
	}
	ct_value_set(values, object, "Healthcheck", check);
	ct_value_set(values, object, "HealthcheckOnFailureAction",
		     ct_value_string(values, config->on_failure ? config->on_failure : "none"));
}
