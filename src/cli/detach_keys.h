/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that let go of a container: from docker's notation to a matcher on the stream of what is
 * typed. Pure: no descriptors, no clock.
 */
#ifndef CATTACH_CLI_DETACH_KEYS_H
#define CATTACH_CLI_DETACH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/err.h>

#define CT_DETACH_KEYS_MAX	64	/* keys in a sequence */
#define CT_DETACH_KEYS_DEFAULT	"ctrl-p,ctrl-q"
#define CT_DETACH_TIMEOUT_MS	500	/* what is withheld goes on its way after so long */
#define CT_PASTE_MARK_SIZE	6	/* ESC [ 200 ~ */
#define CT_DETACH_HELD_MAX	(CT_DETACH_KEYS_MAX + CT_PASTE_MARK_SIZE)	/* bytes withheld at most */

struct ct_detach_keys {
	uint8_t keys[CT_DETACH_KEYS_MAX];
	uint8_t fall[CT_DETACH_KEYS_MAX + 1];	/* longest border of the first n keys */
	size_t count;			/* 0: switched off */
	unsigned timeout_ms;		/* for the caller, who has the clock */

	size_t matched;			/* keys that are withheld */
	bool doubled;			/* the first of them counts as sent: it was typed twice */
	bool paste;			/* inside of a bracketed paste */
	size_t marker;			/* bytes seen of the mark that begins or ends a paste */
	bool defer;			/* the sequence may end inside that mark: so the mark comes first */
	bool detached;			/* the sequence is complete */
};

/**
 * ct_detach_keys_parse - "ctrl-p,ctrl-q"
 * @text: a comma list of single bytes, ctrl-X with X one of @ a-z [ \ ] ^ _, or DEL; "" and "none"
 *        switch off
 * @err: EINVAL "invalid detach keys (foo): Unknown character: 'foo'"
 */
int ct_detach_keys_parse(const char *text, struct ct_detach_keys *ret_keys, struct ct_err *err);

/**
 * ct_detach_keys_feed - what was typed goes in, what the payload gets comes out
 * @out: room for size + CT_DETACH_HELD_MAX bytes
 * @ret_size: bytes in out
 *
 * Return: bytes of data that were used: all of them, but for those behind a complete sequence.
 */
size_t ct_detach_keys_feed(struct ct_detach_keys *keys, const uint8_t *data, size_t size,
			   uint8_t *out, size_t *ret_size);

/* Is anything withheld, for which time is running? */
bool ct_detach_keys_pending(const struct ct_detach_keys *keys);

/* The time is up, or the end has come: what is withheld, into out (CT_DETACH_HELD_MAX bytes). It
 * may turn out to be the sequence, when it was only waiting to see whether a paste begins. */
size_t ct_detach_keys_flush(struct ct_detach_keys *keys, uint8_t *out);

/* So many bytes can be read without reading past a sequence that they complete; 0: off, no bound.
 * What is typed after detaching then stays in the terminal, for the shell. */
size_t ct_detach_keys_wanted(const struct ct_detach_keys *keys);

#endif
