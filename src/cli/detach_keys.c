/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detach keys: notation and matcher.
 *
 * The matcher works on the stream, whatever pieces it arrives in (Knuth, Morris and Pratt): what
 * may be the beginning of the sequence is withheld, and goes on in order as soon as it cannot be
 * any more, or when the caller's clock says that nothing followed. The first key typed twice is the
 * way to send it once without waiting: one is sent and the second withheld, so that it may still
 * begin the sequence; if it does not, the two have been one. A sequence that itself begins with the
 * same key twice has no such doubling: there the second is the sequence going on.
 *
 * What a terminal pastes in brackets (ESC [ 200 ~ ... ESC [ 201 ~) was not typed and never
 * detaches, nor do the marks themselves. Most sequences cannot end inside a mark, and for those the
 * bytes of a mark are keys like any others until it is complete. A sequence that can (ctrl-[ alone,
 * say) is looked for only behind what may be a mark: so it detaches with the next key or when the
 * time is up, and that key goes nowhere, for it was typed behind the sequence and is not in the
 * terminal any more.
 *
 * Runs in the CLI; pure functions, only the notation can be wrong.
 *
 *    keys ctrl-p,ctrl-q     typed           sent
 *                           ^P ^Q           - (detached)
 *                           ^P x            ^P x
 *                           ^P, a pause     ^P
 *                           ^P ^P x         ^P x      (doubled: one is meant)
 */
#include "detach_keys.h"

#include <errno.h>
#include <string.h>

/* ---- notation ---- */

/* One element of the list: its byte, or -1. docker's notation, moby/term's ASCII(): a letter stands
 * for itself, ctrl-@ is 0. */
static int parse_key(const char *key, size_t length)
{
	static const char ctrl[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
	const char *found;

	if (length == 1)
		return (uint8_t)key[0];
	if (length == 3 && !memcmp(key, "DEL", 3))
		return 0x7f;
	if (length != 6 || memcmp(key, "ctrl-", 5) != 0)
		return -1;
	found = memchr(ctrl, key[5], sizeof(ctrl) - 1);
	return found ? (int)(found - ctrl) : -1;
}

/* fall[n]: how many keys are still matched when key n does not follow the first n. */
static void make_falls(struct ct_detach_keys *k)
{
	size_t border = 0;

	for (size_t i = 1; i < k->count; i++) {
		while (border && k->keys[i] != k->keys[border])
			border = k->fall[border];
		if (k->keys[i] == k->keys[border])
			border++;
		k->fall[i + 1] = (uint8_t)border;
	}
}

#define MARK_BEGIN	"\033[200~"
#define MARK_END	"\033[201~"

/* Can the sequence be complete with a byte of the mark that begins a paste? */
static bool ends_in_mark(const struct ct_detach_keys *k)
{
	for (size_t end = 1; end <= CT_PASTE_MARK_SIZE; end++) {
		size_t n = k->count < end ? k->count : end;

		if (!memcmp(k->keys + k->count - n, &MARK_BEGIN[end - n], n))
			return true;
	}
	return false;
}

int ct_detach_keys_parse(const char *text, struct ct_detach_keys *ret_keys, struct ct_err *err)
{
	struct ct_detach_keys k = { .timeout_ms = CT_DETACH_TIMEOUT_MS };
	const char *rest = text;

	if (!*text || !strcmp(text, "none")) {
		*ret_keys = k;
		return 0;
	}
	for (;;) {
		size_t length = strcspn(rest, ",");
		int key = parse_key(rest, length);

		if (key < 0) {
			ct_fail(err, EINVAL, "invalid detach keys (%s): Unknown character: '%.*s'",
				text, (int)length, rest);
			return ct_hint(err, "a comma list of single characters, ctrl-a to ctrl-z, ctrl-@ "
					    "[ \\ ] ^ _ or DEL; or none");
		}
		if (k.count == CT_DETACH_KEYS_MAX)
			return ct_fail(err, EINVAL, "invalid detach keys: more than %d of them",
				       CT_DETACH_KEYS_MAX);
		k.keys[k.count++] = (uint8_t)key;
		rest += length;
		if (!*rest++)
			break;
	}
	make_falls(&k);
	k.defer = ends_in_mark(&k);
	*ret_keys = k;
	return 0;
}

/* ---- matcher ---- */

/* Where the payload's bytes are collected. */
struct sink {
	uint8_t *data;
	size_t size;
};

static void put(struct sink *sink, uint8_t byte)
{
	sink->data[sink->size++] = byte;
}

/* The first n withheld keys were not the sequence: they go on. */
static void release(struct ct_detach_keys *k, size_t n, struct sink *sink)
{
	for (size_t i = k->doubled && n ? 1 : 0; i < n; i++)
		put(sink, k->keys[i]);
	if (n)
		k->doubled = false;
	k->matched -= n;
}

static bool can_double(const struct ct_detach_keys *k)
{
	return k->count > 1 && k->keys[0] != k->keys[1];
}

/* The first key again, right after itself. The third one of a row is a first one again. */
static void double_key(struct ct_detach_keys *k, struct sink *sink)
{
	if (!k->doubled)
		put(sink, k->keys[0]);
	k->doubled = !k->doubled;
}

/* One byte against what is withheld. Each turn of the loop makes the match shorter, so it ends. */
static void match(struct ct_detach_keys *k, uint8_t byte, struct sink *sink)
{
	while (k->matched && byte != k->keys[k->matched]) {
		if (k->matched == 1 && byte == k->keys[0] && can_double(k)) {
			double_key(k, sink);
			return;
		}
		/* What stays is a shorter beginning: the same keys, so the bytes need not be
		 * kept. */
		release(k, k->matched - k->fall[k->matched], sink);
	}
	if (byte != k->keys[k->matched]) {
		put(sink, byte);
		return;
	}
	if (++k->matched == k->count)
		k->detached = true;
}

/* Has the mark come that begins or ends a paste? Its first byte does not come again in it. */
static bool is_marked(struct ct_detach_keys *k, uint8_t byte)
{
	const char *mark = k->paste ? MARK_END : MARK_BEGIN;

	if (byte != (uint8_t)mark[k->marker])
		k->marker = 0;
	if (byte == (uint8_t)mark[k->marker])
		k->marker++;
	if (mark[k->marker])
		return false;
	k->marker = 0;
	return true;
}

/* What looked like a mark was typed, at least its first n bytes. */
static void match_held(struct ct_detach_keys *k, size_t n, struct sink *sink)
{
	for (size_t i = 0; i < n && !k->detached; i++)
		match(k, (uint8_t)MARK_BEGIN[i], sink);
}

/* Outside of a paste, where the beginning of a mark must not detach. */
static void take_deferred(struct ct_detach_keys *k, uint8_t byte, struct sink *sink)
{
	size_t held = k->marker;

	if (is_marked(k, byte)) {
		k->paste = true;
		release(k, k->matched, sink);
		for (size_t i = 0; i < CT_PASTE_MARK_SIZE; i++)
			put(sink, (uint8_t)MARK_BEGIN[i]);
		return;
	}
	if (k->marker > held)
		return;
	match_held(k, held, sink);
	if (!k->marker && !k->detached)
		match(k, byte, sink);
}

static void take(struct ct_detach_keys *k, uint8_t byte, struct sink *sink)
{
	if (k->paste) {
		k->paste = !is_marked(k, byte);
		put(sink, byte);
		return;
	}
	if (k->defer) {
		take_deferred(k, byte, sink);
		return;
	}
	k->paste = is_marked(k, byte);
	match(k, byte, sink);
	if (k->paste)
		release(k, k->matched, sink);
}

/* out has room for size bytes and what was withheld before; used is less than size only when the
 * sequence was complete. */
size_t ct_detach_keys_feed(struct ct_detach_keys *keys, const uint8_t *data, size_t size,
			   uint8_t *out, size_t *ret_size)
{
	struct sink sink = { .data = out };
	size_t used = 0;

	if (!keys->count) {
		memcpy(out, data, size);
		*ret_size = size;
		return size;
	}
	while (used < size && !keys->detached)
		take(keys, data[used++], &sink);
	*ret_size = sink.size;
	return used;
}

/* Something is withheld: the caller sets its clock. */
bool ct_detach_keys_pending(const struct ct_detach_keys *keys)
{
	return keys->matched || (keys->defer && !keys->paste && keys->marker);
}

size_t ct_detach_keys_flush(struct ct_detach_keys *keys, uint8_t *out)
{
	struct sink sink = { .data = out };

	if (keys->defer && !keys->paste && !keys->detached) {
		match_held(keys, keys->marker, &sink);
		keys->marker = 0;
	}
	if (!keys->detached)
		release(keys, keys->matched, &sink);
	return sink.size;
}

size_t ct_detach_keys_wanted(const struct ct_detach_keys *keys)
{
	if (!keys->count || keys->detached)
		return 0;
	/* What is held may turn out to be the sequence with whatever comes next. */
	if (keys->defer && !keys->paste && keys->marker)
		return 1;
	/* Six bytes end a paste, and only then a sequence can begin. */
	return keys->count - keys->matched +
	       (keys->paste ? CT_PASTE_MARK_SIZE - keys->marker : 0);
}
