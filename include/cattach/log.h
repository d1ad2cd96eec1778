/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging by topic, for people who look for a fault: off by default, to stderr, escaped. Levels
 * come from --log-level, topics from CATTACH_DEBUG=mount,attach ("all" for every one). Values of
 * environment variables and what is typed are never logged.
 */
#ifndef CATTACH_LOG_H
#define CATTACH_LOG_H

#include <stdbool.h>

#include <cattach/err.h>

enum ct_log_level { CT_LOG_NONE, CT_LOG_ERROR, CT_LOG_WARN, CT_LOG_INFO, CT_LOG_DEBUG };

/* Bits of the topics that CATTACH_DEBUG can name. */
enum ct_log_topic {
	CT_TOPIC_CLI = 1 << 0,
	CT_TOPIC_SPEC = 1 << 1,
	CT_TOPIC_NS = 1 << 2,
	CT_TOPIC_MOUNT = 1 << 3,
	CT_TOPIC_SECCOMP = 1 << 4,
	CT_TOPIC_CGROUP = 1 << 5,
	CT_TOPIC_MONITOR = 1 << 6,
	CT_TOPIC_ATTACH = 1 << 7,
	CT_TOPIC_STATE = 1 << 8,
};

/* Set up from a level's name and a comma list of topics; NULL leaves a part as it is. */
int ct_log_setup(const char *level, const char *topics, struct ct_err *err);

/* Would such a message be written? */
bool ct_log_on(enum ct_log_level level, enum ct_log_topic topic);

/* Write one line "cattach: TOPIC: text" to stderr in one write(2), if level and topic are on. */
void ct_log(enum ct_log_level level, enum ct_log_topic topic, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * ct_log_take_warnings - have warnings go to a function in place of standard error
 * @take: gets each text, without prefix and newline, valid until it returns; NULL: standard error again
 * @arg: is handed to it, and must live as long
 *
 * For a command whose standard error belongs to somebody else: that of "oci create" is the container's.
 * It holds for this process and those that are forked afterwards.
 */
void ct_log_take_warnings(void (*take)(void *arg, const char *text), void *arg);

/* A warning that the user should see whatever the topics are: "cattach: warning: text". */
void ct_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
