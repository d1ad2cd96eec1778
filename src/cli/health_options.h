/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options about how the health of a container is checked, as a piece of tables: run, create and
 * update include it. AT is the offset of the struct ct_health_options in what the verb fills.
 *
 * docker's names and defaults; what they mean together is in src/container/run_health.c. Times are
 * Go durations ("1m30s").
 */
#ifndef CATTACH_CLI_HEALTH_OPTIONS_H
#define CATTACH_CLI_HEALTH_OPTIONS_H

#include <cattach/run.h>

#include "options.h"

#define CT_HEALTH(AT, member) ((AT) + offsetof(struct ct_health_options, member))

#define CT_HEALTH_OPTIONS(AT) \
	{ .kind = CT_OPTION_HEADING, .help = "Health" }, \
	{ "health-cmd", 0, CT_OPTION_STRING, "COMMAND", CT_HEALTH(AT, cmd), \
	  "Command that says by its exit code, 0 or not, whether the container is healthy: for /bin/sh, " \
	  "or a JSON array of words" }, \
	{ "health-interval", 0, CT_OPTION_STRING, "TIME", CT_HEALTH(AT, interval), \
	  "Time from one check to the next (default 30s)" }, \
	{ "health-timeout", 0, CT_OPTION_STRING, "TIME", CT_HEALTH(AT, timeout), \
	  "A check that takes longer is killed and has failed (default 30s)" }, \
	{ "health-retries", 0, CT_OPTION_STRING, "N", CT_HEALTH(AT, retries), \
	  "Failures in a row that make it unhealthy (default 3)" }, \
	{ "health-start-period", 0, CT_OPTION_STRING, "TIME", CT_HEALTH(AT, start_period), \
	  "Time to start up, in which failures do not count (default 0s)" }, \
	{ "health-start-interval", 0, CT_OPTION_STRING, "TIME", CT_HEALTH(AT, start_interval), \
	  "Time from one check to the next in the start period (default 5s)" }, \
	{ "health-on-failure", 0, CT_OPTION_STRING, "ACTION", CT_HEALTH(AT, on_failure), \
	  "What is done to an unhealthy container: none (default), kill, restart or stop" }, \
	{ "no-healthcheck", 0, CT_OPTION_BOOL, NULL, CT_HEALTH(AT, no_check), "Check nothing" }

#endif
