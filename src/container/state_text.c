/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers and their states in words: what they are called, how they are, and the texts of the
 * table in states.c with that filled in.
 *
 * Runs wherever containers are looked at; touches nothing and allocates nothing. Does not fail: what
 * has no room is cut, as in every error.
 */
#include <stdio.h>
#include <string.h>

#include <cattach/age.h>
#include <cattach/proc.h>

#include "state_text.h"

const char *ct_container_kind(const struct ct_container *container)
{
	return container->session_of ? "session" : "container";
}

const char *ct_container_label(const struct ct_container *container)
{
	if (container->label)
		return container->label;
	return container->meta.name ? container->meta.name : container->meta.id;
}

static const char *ago(uint64_t then, char buf[CT_AGE_SIZE])
{
	return ct_human_age(ct_age_since(then, ct_now_real()), buf, CT_AGE_SIZE);
}

static const char *or_unknown(const char *text)
{
	return text ? text : "unknown";
}

/* What stands for a word in braces, in buf if need be; NULL: nothing does. */
static const char *value_of(const struct ct_container *c, const char *word, char *buf, size_t size)
{
	char age[CT_AGE_SIZE];

	if (!strcmp(word, "kind"))
		return ct_container_kind(c);
	if (!strcmp(word, "label"))
		return ct_container_label(c);
	if (!strcmp(word, "name"))
		return or_unknown(c->meta.name);
	if (!strcmp(word, "a"))
		return ct_state_words(c->state)->a;
	if (!strcmp(word, "state"))
		return ct_state_name(c->state);
	if (!strcmp(word, "why"))
		return or_unknown(c->damage);
	if (!strcmp(word, "host"))
		return or_unknown(c->meta.host);
	if (!strcmp(word, "how"))
		return ct_container_describe(c, buf, size);
	if (!strcmp(word, "id"))
		snprintf(buf, size, "%.*s", CT_SHORT_ID_LENGTH, or_unknown(c->meta.id));
	else if (!strcmp(word, "age"))
		snprintf(buf, size, "%s", ago(c->status.started, age));
	else if (!strcmp(word, "ended"))
		snprintf(buf, size, "%s", ago(c->status.finished, age));
	else
		return NULL;
	return buf;
}

static void add(char *buf, size_t size, size_t *at, const char *text, size_t length)
{
	size_t room = size - 1 - *at;

	if (length > room)
		length = room;
	memcpy(buf + *at, text, length);
	*at += length;
	buf[*at] = '\0';
}

static void fill_in(const struct ct_container *c, const char *text, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	while (*text) {
		size_t plain = strcspn(text, "{"), length;
		char word[16] = "", value[CT_STATE_TEXT];
		const char *got = NULL;

		add(buf, size, &at, text, plain);
		text += plain;
		if (!*text)
			break;
		length = strcspn(text, "}");
		if (length <= sizeof(word) && text[length]) {
			memcpy(word, text + 1, length - 1);
			got = value_of(c, word, value, sizeof(value));
		}
		add(buf, size, &at, got ? got : text, got ? strlen(got) : 1);
		text += got ? length + 1 : 1;
	}
}

const char *ct_state_text(const struct ct_container *container, const char *text,
			  char buf[CT_STATE_TEXT])
{
	fill_in(container, text, buf, CT_STATE_TEXT);
	return buf;
}

const char *ct_container_describe(const struct ct_container *container, char *buf, size_t size)
{
	const struct ct_status *status = &container->status;
	char age[CT_AGE_SIZE];

	if (container->state == CT_STATE_STOPPED && status->state == CT_STATUS_EXITED)
		snprintf(buf, size, "exited (%d%s) %s ago", ct_exit_code(&status->exit),
			 status->oom_killed ? ", out of memory" : "", ago(status->finished, age));
	else
		fill_in(container, ct_state_words(container->state)->how, buf, size);
	return buf;
}
