/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging by topic, to stderr.
 *
 * Runs in the command line, in the monitor and in the child that sets a container up, with the
 * privileges of each. A line is put together on the stack and leaves in one write(2), so lines of
 * several processes never mix; what it quotes is escaped here, so a container's names cannot drive
 * the terminal of the person who debugs it. Callers see to it that no environment values and no
 * typed text are passed in.
 *
 * Level, topics and who takes warnings are the one piece of state that changes in the whole tree. A
 * message that cannot be written is lost: logging never fails and keeps errno.
 *
 *    --log-level    CATTACH_DEBUG     what is written
 *    not given      not given         nothing
 *    LEVEL          not given         all topics, up to that level
 *    not given      mount,ns          these topics, all levels
 *    LEVEL          mount,ns          these topics, up to that level
 */
#include <cattach/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"

#define LINE_SIZE	2048

/* By enum ct_log_level, each including those before it. */
static const char level_names[][8] = { "none", "error", "warn", "info", "debug" };

static const char topic_names[][8] = {	/* by bit */
	"cli", "spec", "ns", "mount", "seccomp", "cgroup", "monitor", "attach", "state",
};

#define LEVELS		(sizeof(level_names) / sizeof(level_names[0]))
#define TOPICS		(sizeof(topic_names) / sizeof(topic_names[0]))
#define ALL_TOPICS	((1u << TOPICS) - 1)

/* Nothing is said at first. Either part alone is enough: topics alone mean all levels of them. */
static struct {
	bool level_given;
	enum ct_log_level level;
	unsigned topics;		/* 0: none was named, so none is left out */
	void (*take)(void *arg, const char *text);	/* gets the warnings, or NULL: stderr does */
	void *take_arg;
} settings;

/* The bits of a comma list, or a negative error; an empty entry is skipped. */
static int parse_topics(const char *list, unsigned *ret_topics, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE], entry[CT_QUOTE_SIZE];
	unsigned topics = 0;

	for (const char *s = list; *s; s += *s == ',') {
		size_t length = strcspn(s, ","), i = 0;

		while (i < TOPICS && (strlen(topic_names[i]) != length ||
				      memcmp(topic_names[i], s, length) != 0))
			i++;
		if (i < TOPICS) {
			topics |= 1u << i;
		} else if (length == 3 && !memcmp(s, "all", 3)) {
			topics |= ALL_TOPICS;
		} else if (length) {
			snprintf(entry, sizeof(entry), "%.*s",
				 (int)(length < sizeof(entry) ? length : sizeof(entry)), s);
			ct_fail(err, EINVAL, "unknown log topic \"%s\"", ct_quote(quote, entry));
			ct_wrap(err, "CATTACH_DEBUG");
			return ct_hint(err, "topics are cli, spec, ns, mount, seccomp, cgroup, "
				       "monitor, attach, state and all");
		}
		s += length;
	}
	*ret_topics = topics;
	return 0;
}

static int parse_level(const char *name, enum ct_log_level *ret_level, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];

	for (size_t i = 0; i < LEVELS; i++) {
		if (!strcmp(name, level_names[i])) {
			*ret_level = (enum ct_log_level)i;
			return 0;
		}
	}
	ct_fail(err, EINVAL, "unknown log level \"%s\"", ct_quote(quote, name));
	ct_wrap(err, "--log-level");
	return ct_hint(err, "levels are none, error, warn, info and debug");
}

/* By the command line, and by the OCI faces, which have options of their own. Nothing changes when
 * one of the two is wrong. */
int ct_log_setup(const char *level, const char *topics, struct ct_err *err)
{
	enum ct_log_level new_level = settings.level;
	unsigned new_topics = settings.topics;
	int ret = 0;

	if (level)
		ret = parse_level(level, &new_level, err);
	if (ret == 0 && topics)
		ret = parse_topics(topics, &new_topics, err);
	if (ret < 0)
		return ret;
	settings.level_given = settings.level_given || level;
	settings.level = new_level;
	settings.topics = new_topics;
	return 0;
}

/* Asked before arguments are worked out, where that costs something. */
bool ct_log_on(enum ct_log_level level, enum ct_log_topic topic)
{
	enum ct_log_level least = settings.level;

	if (!settings.level_given)
		least = settings.topics ? CT_LOG_DEBUG : CT_LOG_NONE;
	if (level == CT_LOG_NONE || level > least)
		return false;
	return !settings.topics || (settings.topics & (unsigned)topic);
}

/* Write "cattach: LABEL: text" and a line end, all in one. */
static void write_line(const char *label, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void write_line(const char *label, const char *fmt, va_list ap)
{
	char text[LINE_SIZE], line[LINE_SIZE];
	int saved = errno;
	size_t at;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	at = (size_t)snprintf(line, sizeof(line), "cattach: %s: ", label);
	/* The line end takes the place of the NUL, so there is always room for it. */
	at = ct_escape(line, sizeof(line), at, text, strlen(text));
	line[at++] = '\n';
	while (write(STDERR_FILENO, line, at) < 0 && errno == EINTR)
		;
	errno = saved;
}

void ct_log(enum ct_log_level level, enum ct_log_topic topic, const char *fmt, ...)
{
	va_list ap;

	if (!ct_log_on(level, topic))
		return;
	va_start(ap, fmt);
	write_line(topic_names[__builtin_ctz((unsigned)topic)], fmt, ap);
	va_end(ap);
}

void ct_log_take_warnings(void (*take)(void *arg, const char *text), void *arg)
{
	settings.take = take;
	settings.take_arg = arg;
}

/* To who takes warnings, as text that is not escaped: that is the business of what it is written
 * to. */
static void hand_over(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void hand_over(const char *fmt, va_list ap)
{
	char text[LINE_SIZE];
	int saved = errno;

	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		settings.take(settings.take_arg, text);
	errno = saved;
}

/* Always, whatever the level: what the user has to know although the command succeeds. */
void ct_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (settings.take)
		hand_over(fmt, ap);
	else
		write_line("warning", fmt, ap);
	va_end(ap);
}
