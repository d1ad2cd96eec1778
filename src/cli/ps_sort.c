/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of "cattach ps": podman's keys for --sort. What is equal stays newest first.
 *
 * Runs in the command's own process, on what was already read from the store. Fails for keys that
 * nobody knows.
 *
 *    key          by                          without the option
 *    command      its words                   created, newest first: the order of the list
 *    id, image, names, status   text, byte by byte
 *    created, runningfor        time of making
 *    size is podman's, too: it would mean walking all files, and is not there
 */
#include "ps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a record lacks sorts first. */
static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Word by word and not as one text: "a b" "c" and "a" "b c" are different commands. */
static int by_words(const struct ct_strings *a, const struct ct_strings *b)
{
	size_t common = a->count < b->count ? a->count : b->count;

	for (size_t i = 0; i < common; i++) {
		int r = strcmp(a->items[i], b->items[i]);

		if (r)
			return r;
	}
	return by_number(a->count, b->count);
}

static int compare_command(const struct ct_container *a, const struct ct_container *b)
{
	int r = by_words(&a->meta.entrypoint, &b->meta.entrypoint);

	return r ? r : by_words(&a->meta.command, &b->meta.command);
}

/* The oldest first; runningfor is the other way round, as podman's are. */
static int compare_created(const struct ct_container *a, const struct ct_container *b)
{
	return by_number(a->meta.created, b->meta.created);
}

static int compare_id(const struct ct_container *a, const struct ct_container *b)
{
	return by_text(a->meta.id, b->meta.id);
}

static int compare_image(const struct ct_container *a, const struct ct_container *b)
{
	return by_text(a->meta.source, b->meta.source);
}

static int compare_names(const struct ct_container *a, const struct ct_container *b)
{
	return by_text(a->meta.name, b->meta.name);
}

/* How long it has been there: the youngest first. */
static int compare_running_for(const struct ct_container *a, const struct ct_container *b)
{
	return by_number(b->meta.created, a->meta.created);
}

static int compare_status(const struct ct_container *a, const struct ct_container *b)
{
	return by_text(ct_state_name(a->state), ct_state_name(b->state));
}

static const struct {
	const char *key;
	int (*compare)(const struct ct_container *a, const struct ct_container *b);
} orders[] = {
	{ "command", compare_command }, { "created", compare_created },
	{ "id", compare_id },		{ "image", compare_image },
	{ "names", compare_names },	{ "runningfor", compare_running_for },
	{ "status", compare_status },
};

/* Its place among them, -1: nobody knows it. */
static int find(const char *key)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (!strcmp(orders[i].key, key))
			return (int)i;
	return -1;
}

int ct_ps_check_sort(const char *key, struct ct_err *err)
{
	if (!key || find(key) >= 0)
		return 0;
	ct_fail(err, EINVAL, "unknown key \"%.64s\"", key);
	ct_hint(err, "there is command, created, id, image, names, runningfor, status");
	return ct_wrap(err, "--sort");
}

/* What is equal is as in the list: newest first. qsort_r(3) does not keep the order of what is
 * equal, so that is decided here; the id at last makes it total, and two calls show the same. */
static int compare(const void *left, const void *right, void *arg)
{
	const int *order = arg;
	int r = orders[*order].compare(left, right);

	if (r == 0)
		r = compare_running_for(left, right);
	return r ? r : compare_id(left, right);
}

void ct_ps_sort(struct ct_container_list *list, const char *key)
{
	int order = key ? find(key) : -1;

	if (order >= 0 && list->count)
		qsort_r(list->items, list->count, sizeof(*list->items), compare, &order);
}
