/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of several containers in the order of their times: one of each is held ready, and the
 * oldest goes first. Within a container the order is that of its log, whatever clocks did.
 *
 * A stream that has nothing for now is not waited for: it cannot be known whether it ever will.
 *
 * Runs in the CLI. What may fail: reading one of the logs; then that one ends with the error as its
 * last notice, and the others go on.
 */
#include "logs.h"

#define TURN	4096	/* units, before the loop looks at its clocks */

/* The error of one log in its place; nothing more can come of it. */
static void give_up(struct ct_log_stream *s, const struct ct_err *err)
{
	s->unit.kind = CT_UNIT_NOTICE;
	s->unit.time = s->time;
	s->unit.notice = *err;
	s->ready = true;
	s->failed = true;
}

static void make_ready(struct ct_log_stream *s)
{
	struct ct_err failure = {0};
	int r;

	if (s->ready || s->idle || s->state != CT_STREAM_LIVE)
		return;
	if (s->failed) {
		ct_log_stream_drop(s);
		s->state = CT_STREAM_DONE;
		return;
	}
	r = ct_log_stream_pull(s, &failure);
	s->idle = r == 0;
	if (r < 0)
		give_up(s, &failure);
}

static struct ct_log_stream *oldest(struct ct_log_set *set)
{
	struct ct_log_stream *best = NULL;

	for (size_t i = 0; i < set->count; i++) {
		struct ct_log_stream *s = &set->items[i];

		make_ready(s);
		if (s->ready && (!best || s->unit.time < best->unit.time))
			best = s;
	}
	return best;
}

int ct_log_merge(struct ct_log_set *set, struct ct_err *err)
{
	for (unsigned i = 0; i < TURN; i++) {
		struct ct_log_stream *s = oldest(set);
		int r = s ? set->take(set->arg, s, &s->unit, err) : 0;

		if (!s)
			break;

		s->ready = false;
		if (r != 0)
			return r;
	}
	return 0;
}
