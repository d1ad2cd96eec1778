/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detach keys: docker's notation, and the matcher against a model that looks at all that was typed
 * after every key, for random sequences, random streams and random pieces.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "../../src/cli/detach_keys.h"
#include "fixture.h"

#define STREAM_MAX 400

static struct ct_detach_keys parse(const char *text)
{
	struct ct_detach_keys keys;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_detach_keys_parse(text, &keys, &err), 0);
	return keys;
}

/* ---- notation ---- */

START_TEST(control_keys_have_their_codes)
{
	struct ct_detach_keys k = parse("ctrl-@,ctrl-a,ctrl-z,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL");

	ck_assert_uint_eq(k.count, 9);
	ck_assert_mem_eq(k.keys, "\x00\x01\x1a\x1b\x1c\x1d\x1e\x1f\x7f", 9);
}
END_TEST

START_TEST(single_characters_stand_for_themselves)
{
	struct ct_detach_keys k = parse("a,Z, ,~,-,\xff");

	ck_assert_uint_eq(k.count, 6);
	ck_assert_mem_eq(k.keys, "aZ ~-\xff", 6);
}
END_TEST

START_TEST(the_default_is_ctrl_p_ctrl_q)
{
	struct ct_detach_keys k = parse(CT_DETACH_KEYS_DEFAULT);

	ck_assert_uint_eq(k.count, 2);
	ck_assert_mem_eq(k.keys, "\x10\x11", 2);
	ck_assert_uint_eq(k.timeout_ms, 500);
}
END_TEST

START_TEST(nothing_and_none_switch_off)
{
	ck_assert_uint_eq(parse("").count, 0);
	ck_assert_uint_eq(parse("none").count, 0);
}
END_TEST

static const struct {
	const char *text, *element;
} wrong[] = {
	{ "foo", "foo" },	{ "ctrl-A", "ctrl-A" },	  { "ctrl-", "ctrl-" },
	{ "a,,b", "" },		{ ",", "" },		  { "a,", "" },
	{ "ctrl-p,nope", "nope" }, { "ctrl-1", "ctrl-1" }, { "Ctrl-a", "Ctrl-a" },
	{ "del", "del" },	{ "ctrl-aa", "ctrl-aa" }, { "none,a", "none" },
};

START_TEST(what_is_no_key_is_refused_in_dockers_words)
{
	struct ct_detach_keys k = { .count = 77 };
	struct ct_err err = { 0 };
	char text[200];

	snprintf(text, sizeof(text), "invalid detach keys (%s): Unknown character: '%s'",
		 wrong[_i].text, wrong[_i].element);
	ck_assert_int_eq(ct_detach_keys_parse(wrong[_i].text, &k, &err), -EINVAL);
	ck_assert_str_eq(err.what, text);
	ck_assert_str_ne(err.hint, "");
	ck_assert_uint_eq(k.count, 77);
}
END_TEST

START_TEST(the_longest_sequence_is_taken_and_one_more_is_refused)
{
	char text[2 * (CT_DETACH_KEYS_MAX + 1)];
	struct ct_detach_keys k;
	struct ct_err err = { 0 };

	for (size_t i = 0; i <= CT_DETACH_KEYS_MAX; i++) {
		text[2 * i] = 'a';
		text[2 * i + 1] = ',';
	}
	text[2 * CT_DETACH_KEYS_MAX + 1] = '\0';
	ck_assert_int_eq(ct_detach_keys_parse(text, &k, &err), -EINVAL);
	text[2 * CT_DETACH_KEYS_MAX - 1] = '\0';
	ck_assert_int_eq(ct_detach_keys_parse(text, &k, &err), 0);
	ck_assert_uint_eq(k.count, CT_DETACH_KEYS_MAX);
}
END_TEST

/* ---- matcher, by example ---- */

/* Feed one piece and look at what comes out at once. */
static void feeds(struct ct_detach_keys *k, const char *in, const char *expected)
{
	uint8_t out[STREAM_MAX + CT_DETACH_HELD_MAX];
	size_t size, n = strlen(in);

	ck_assert_uint_eq(ct_detach_keys_feed(k, (const uint8_t *)in, n, out, &size), n);
	ck_assert_uint_eq(size, strlen(expected));
	ck_assert_mem_eq(out, expected, size);
}

static void flushes(struct ct_detach_keys *k, const char *expected)
{
	uint8_t out[CT_DETACH_HELD_MAX];
	size_t size = ct_detach_keys_flush(k, out);

	ck_assert_uint_eq(size, strlen(expected));
	ck_assert_mem_eq(out, expected, size);
	ck_assert_uint_eq(k->matched, 0);
}

START_TEST(the_sequence_detaches_in_one_piece_or_two)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "ab\x10\x11", "ab");
	ck_assert(k.detached);
	k = parse("ctrl-p,ctrl-q");
	feeds(&k, "\x10", "");
	ck_assert(!k.detached);
	feeds(&k, "\x11", "");
	ck_assert(k.detached);
}
END_TEST

START_TEST(another_key_sends_what_was_withheld_before_itself)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "\x10", "");
	feeds(&k, "z", "\x10z");
	feeds(&k, "\x11", "\x11");
	ck_assert(!k.detached);
}
END_TEST

START_TEST(the_timeout_sends_what_was_withheld)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "\x10", "");
	flushes(&k, "\x10");
	feeds(&k, "\x11", "\x11");
	flushes(&k, "");
	ck_assert(!k.detached);
}
END_TEST

START_TEST(the_first_key_twice_sends_one_and_still_begins_the_sequence)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "\x10\x10", "\x10");
	feeds(&k, "\x11", "");
	ck_assert(k.detached);
}
END_TEST

START_TEST(the_first_key_twice_counts_once)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "\x10\x10", "\x10");
	flushes(&k, "");
	feeds(&k, "\x10\x10", "\x10");
	feeds(&k, "x", "x");
	feeds(&k, "\x10\x10\x10", "\x10");
	feeds(&k, "x", "\x10x");
	feeds(&k, "\x10\x10\x10\x10", "\x10\x10");
	flushes(&k, "");
	ck_assert(!k.detached);
}
END_TEST

START_TEST(a_sequence_that_begins_with_a_key_twice_knows_no_doubling)
{
	struct ct_detach_keys k = parse("ctrl-x,ctrl-x");

	feeds(&k, "\x18", "");
	feeds(&k, "a", "\x18" "a");
	feeds(&k, "\x18\x18", "");
	ck_assert(k.detached);
	k = parse("a,a,b");
	feeds(&k, "aaa", "a");
	feeds(&k, "b", "");
	ck_assert(k.detached);
}
END_TEST

START_TEST(the_key_that_does_not_fit_may_begin_the_sequence)
{
	struct ct_detach_keys k = parse("a,b,a,c");

	feeds(&k, "aba", "");
	feeds(&k, "b", "ab");
	feeds(&k, "ac", "");
	ck_assert(k.detached);
}
END_TEST

START_TEST(a_sequence_of_one_key_detaches_at_once)
{
	struct ct_detach_keys k = parse("DEL");

	feeds(&k, "abc\x7f", "abc");
	ck_assert(k.detached);
}
END_TEST

START_TEST(what_follows_the_sequence_is_not_used)
{
	struct ct_detach_keys k = parse("a,b,c");
	uint8_t out[80];
	size_t size;

	ck_assert_uint_eq(ct_detach_keys_feed(&k, (const uint8_t *)"xxabcq", 6, out, &size), 5);
	ck_assert_uint_eq(size, 2);
	ck_assert_mem_eq(out, "xx", 2);
	ck_assert_uint_eq(ct_detach_keys_feed(&k, (const uint8_t *)"q", 1, out, &size), 0);
	ck_assert_uint_eq(ct_detach_keys_flush(&k, out), 0);
}
END_TEST

START_TEST(switched_off_everything_passes)
{
	struct ct_detach_keys k = parse("none");

	feeds(&k, "\x10\x11\x10\x11", "\x10\x11\x10\x11");
	ck_assert(!k.detached);
	ck_assert_uint_eq(ct_detach_keys_wanted(&k), 0);
}
END_TEST

START_TEST(a_paste_never_detaches)
{
	struct ct_detach_keys k = parse("ctrl-p,ctrl-q");

	feeds(&k, "\033[200~a\x10\x11", "\033[200~a\x10\x11");
	feeds(&k, "\033[20", "\033[20");
	feeds(&k, "1~\x10", "1~");
	ck_assert(!k.detached);
	feeds(&k, "\x11", "");
	ck_assert(k.detached);
}
END_TEST

START_TEST(a_key_before_a_paste_does_not_detach_with_the_first_pasted_one)
{
	struct ct_detach_keys k = parse("~,x");

	feeds(&k, "\033[200~x", "\033[200~x");
	ck_assert(!k.detached);
}
END_TEST

START_TEST(a_mark_that_starts_again_in_its_middle_is_seen)
{
	struct ct_detach_keys k = parse("a,b");

	feeds(&k, "\033[\033[200~ab\033[20\033\033[201~", "\033[\033[200~ab\033[20\033\033[201~");
	feeds(&k, "ab", "");
	ck_assert(k.detached);
}
END_TEST

/* Sequences that end within the mark that begins a paste. */
static const char *const deferred[] = {
	"ctrl-[", "ctrl-[,[", "a,ctrl-[", "ctrl-[,[,2,0,0,~", "2,0", "~", "a,ctrl-[,[,2",
};

/* The mark comes in two pieces, cut everywhere. */
START_TEST(no_mark_of_a_paste_detaches_whatever_the_boundaries)
{
	static const char all[] = "a\033[200~x\033[201~";

	for (size_t cut = 0; cut < sizeof(all); cut++) {
		struct ct_detach_keys k = parse(deferred[_i]);
		uint8_t out[STREAM_MAX + CT_DETACH_HELD_MAX];
		const uint8_t *data = (const uint8_t *)all;
		size_t first, second, last = sizeof(all) - 1 - (cut < sizeof(all) - 1 ? cut : 0);

		ck_assert_uint_eq(ct_detach_keys_feed(&k, data, sizeof(all) - 1 - last, out, &first),
				  sizeof(all) - 1 - last);
		ck_assert_uint_eq(ct_detach_keys_feed(&k, data + sizeof(all) - 1 - last, last,
						      out + first, &second), last);
		ck_assert(!k.detached);
		ck_assert(!ct_detach_keys_pending(&k));
		ck_assert_uint_eq(first + second, sizeof(all) - 1);
		ck_assert_mem_eq(out, all, sizeof(all) - 1);
	}
}
END_TEST

START_TEST(a_sequence_that_may_begin_a_paste_detaches_when_it_does_not)
{
	struct ct_detach_keys k = parse("ctrl-[");
	uint8_t out[STREAM_MAX + CT_DETACH_HELD_MAX];

	feeds(&k, "ab\033", "ab");
	ck_assert(!k.detached);
	ck_assert(ct_detach_keys_pending(&k));
	ck_assert_uint_eq(ct_detach_keys_wanted(&k), 1);
	feeds(&k, "x", "");
	ck_assert(k.detached);
	k = parse("ctrl-[");
	feeds(&k, "\033", "");
	ck_assert_uint_eq(ct_detach_keys_flush(&k, out), 0);
	ck_assert(k.detached);
	k = parse("a,ctrl-[");
	feeds(&k, "\033[20", "");
	flushes(&k, "\033[20");
	ck_assert(!k.detached);
}
END_TEST

START_TEST(what_a_read_adds_is_bounded_for_the_longest_sequence_and_in_a_paste)
{
	char text[2 * CT_DETACH_KEYS_MAX];
	uint8_t data[CT_DETACH_HELD_MAX], out[2 * CT_DETACH_HELD_MAX];
	struct ct_detach_keys k;
	size_t size;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? ',' : 'a';
	text[sizeof(text) - 1] = '\0';
	k = parse(text);
	memset(data, 'a', sizeof(data));
	ct_detach_keys_feed(&k, data, CT_DETACH_KEYS_MAX - 1, out, &size);
	ck_assert_uint_eq(size, 0);
	ck_assert_uint_eq(ct_detach_keys_wanted(&k), 1);
	ct_detach_keys_feed(&k, (const uint8_t *)"b", 1, out, &size);
	ck_assert_uint_eq(size, CT_DETACH_KEYS_MAX);
	feeds(&k, "\033[200~", "\033[200~");
	ck_assert_uint_eq(ct_detach_keys_wanted(&k), CT_DETACH_HELD_MAX);
}
END_TEST

/* ---- matcher, against a model ---- */

static bool ends_with(const uint8_t *stream, size_t size, const void *what, size_t length)
{
	return size >= length && !memcmp(stream + size - length, what, length);
}

/* The longest end of what was typed since start that is a beginning of the sequence. */
static size_t longest(const struct ct_detach_keys *k, const uint8_t *stream, size_t start,
		      size_t end)
{
	size_t n = end - start < k->count ? end - start : k->count;

	while (n && !ends_with(stream, end, k->keys, n))
		n--;
	return n;
}

/* What the payload has got once all of stream was typed, by looking at all of it again and again.
 * Return: bytes used. */
static size_t model(const struct ct_detach_keys *k, const uint8_t *stream, size_t size,
		    uint8_t *out, size_t *ret_size, bool *ret_detached)
{
	bool twin[STREAM_MAX + 1] = { 0 }, paste = false;
	size_t start = 0, mark = 0, held = 0, n = 0, used = 0;

	*ret_detached = false;
	while (used < size && !*ret_detached) {
		const char *next = paste ? "\033[201~" : "\033[200~";

		used++;
		held = paste ? 0 : longest(k, stream, start, used);
		if (held == 1 && used - start >= 2 && k->count > 1 && k->keys[0] != k->keys[1] &&
		    stream[used - 2] == k->keys[0])
			twin[used - 1] = !twin[used - 2];
		*ret_detached = held == k->count;
		if (used - mark >= 6 && ends_with(stream, used, next, 6)) {
			paste = !paste;
			mark = start = used;
			held = *ret_detached ? held : 0;
		}
	}
	for (size_t i = 0; i < used - held; i++)
		if (!twin[i])
			out[n++] = stream[i];
	*ret_size = n;
	return used;
}

/* Of few letters, so that beginnings of the sequence are common; now and then a mark. */
static size_t random_stream(uint8_t *stream, const char *letters)
{
	size_t n = 0, wanted = (size_t)random() % (STREAM_MAX - 6);

	while (n < wanted) {
		if (random() % 40 == 0) {
			memcpy(stream + n, random() % 2 ? "\033[200~" : "\033[201~", 6);
			n += 6;
		} else {
			stream[n++] = (uint8_t)letters[(size_t)random() % strlen(letters)];
		}
	}
	return n;
}

static struct ct_detach_keys random_keys(const char *letters)
{
	char text[16];
	size_t count = 1 + (size_t)random() % 6;

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = letters[(size_t)random() % strlen(letters)];
		text[2 * i + 1] = ',';
	}
	text[2 * count - 1] = '\0';
	return parse(text);
}

/* Feed in pieces; a piece as long as wanted never goes past the sequence. */
static size_t feed_in_pieces(struct ct_detach_keys *k, const uint8_t *stream, size_t size,
			     bool wanted, uint8_t *out, size_t *ret_size)
{
	size_t used = 0, n = 0;

	while (used < size && !k->detached) {
		size_t piece = wanted ? ct_detach_keys_wanted(k) : 1 + (size_t)random() % 20;
		size_t got, taken;

		if (piece > size - used)
			piece = size - used;
		taken = ct_detach_keys_feed(k, stream + used, piece, out + n, &got);
		ck_quick(taken == piece || (!wanted && k->detached));
		used += taken;
		n += got;
	}
	*ret_size = n;
	return used;
}

START_TEST(the_matcher_does_what_the_model_does)
{
	static const char *const letters[] = { "ab", "abc", "aab~", "ab\033[" };

	srandom(4711);
	for (int round = 0; round < 40000; round++) {
		const char *of = letters[random() % 4];
		struct ct_detach_keys k = random_keys(of);
		uint8_t stream[STREAM_MAX], out[STREAM_MAX + CT_DETACH_HELD_MAX],
			expected[STREAM_MAX];
		size_t size = random_stream(stream, of), n, expected_size, used;
		bool detached;

		if (k.defer)
			continue;
		used = model(&k, stream, size, expected, &expected_size, &detached);
		ck_quick(feed_in_pieces(&k, stream, size, round % 2, out, &n) == used);
		ck_quick(k.detached == detached);
		ck_quick(n == expected_size && !memcmp(out, expected, n));
	}
}
END_TEST

/* Knows all that was typed: pastes are cut out, the rest is searched for the sequence. Doubling is
 * not for this one. What stands before the sequence, or all, into out. */
static bool model_of_deferred(const struct ct_detach_keys *k, const uint8_t *stream, size_t size,
			      uint8_t *out, size_t *ret_size)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		const uint8_t *end;

		out[i] = stream[i];
		if (size - i >= 6 && !memcmp(stream + i, "\033[200~", 6)) {
			end = memmem(stream + i + 6, size - i - 6, "\033[201~", 6);
			start = end ? (size_t)(end - stream) + 6 : size;
			memcpy(out + i, stream + i, start - i);
			i = start - 1;
		} else if (ends_with(stream + start, i + 1 - start, k->keys, k->count)) {
			*ret_size = i + 1 - k->count;
			return true;
		}
	}
	*ret_size = size;
	return false;
}

START_TEST(deferred_sequences_do_what_their_model_does)
{
	int done = 0;

	srandom(2004);
	for (int round = 0; round < 60000; round++) {
		struct ct_detach_keys k = random_keys(round % 2 ? "\033[20" : "20~\033");
		uint8_t stream[STREAM_MAX], out[STREAM_MAX + CT_DETACH_HELD_MAX],
			expected[STREAM_MAX];
		size_t size = random_stream(stream, "ab\033[20~"), n, expected_size;
		bool detached;

		if (!k.defer || (k.count > 1 && k.keys[0] != k.keys[1]))
			continue;
		detached = model_of_deferred(&k, stream, size, expected, &expected_size);
		feed_in_pieces(&k, stream, size, round % 4 > 1, out, &n);
		n += ct_detach_keys_flush(&k, out + n);
		ck_quick(k.detached == detached);
		ck_quick(n == expected_size && !memcmp(out, expected, n));
		done++;
	}
	ck_assert_int_gt(done, 1000);
}
END_TEST

START_TEST(without_doubling_nothing_typed_is_lost)
{
	srandom(815);
	for (int round = 0; round < 5000; round++) {
		struct ct_detach_keys k = parse("a,a,b,a,a,c");
		uint8_t stream[STREAM_MAX], out[STREAM_MAX + CT_DETACH_HELD_MAX];
		size_t size = random_stream(stream, "abd"), n;

		/* "c" is never typed, so the sequence is never complete */
		ck_quick(feed_in_pieces(&k, stream, size, false, out, &n) == size);
		n += ct_detach_keys_flush(&k, out + n);
		ck_quick(n == size && !memcmp(out, stream, size));
	}
}
END_TEST

Suite *suite_detach_keys(void);
Suite *suite_detach_keys(void)
{
	Suite *s = suite_create("detach_keys");
	TCase *parsing = tcase_create("parse"), *feed = tcase_create("feed");
	TCase *random = tcase_create("model");

	tcase_add_test(parsing, control_keys_have_their_codes);
	tcase_add_test(parsing, single_characters_stand_for_themselves);
	tcase_add_test(parsing, the_default_is_ctrl_p_ctrl_q);
	tcase_add_test(parsing, nothing_and_none_switch_off);
	tcase_add_loop_test(parsing, what_is_no_key_is_refused_in_dockers_words, 0,
			    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(parsing, the_longest_sequence_is_taken_and_one_more_is_refused);
	suite_add_tcase(s, parsing);
	tcase_add_test(feed, the_sequence_detaches_in_one_piece_or_two);
	tcase_add_test(feed, another_key_sends_what_was_withheld_before_itself);
	tcase_add_test(feed, the_timeout_sends_what_was_withheld);
	tcase_add_test(feed, the_first_key_twice_sends_one_and_still_begins_the_sequence);
	tcase_add_test(feed, the_first_key_twice_counts_once);
	tcase_add_test(feed, a_sequence_that_begins_with_a_key_twice_knows_no_doubling);
	tcase_add_test(feed, the_key_that_does_not_fit_may_begin_the_sequence);
	tcase_add_test(feed, a_sequence_of_one_key_detaches_at_once);
	tcase_add_test(feed, what_follows_the_sequence_is_not_used);
	tcase_add_test(feed, switched_off_everything_passes);
	tcase_add_test(feed, a_paste_never_detaches);
	tcase_add_test(feed, a_key_before_a_paste_does_not_detach_with_the_first_pasted_one);
	tcase_add_test(feed, a_mark_that_starts_again_in_its_middle_is_seen);
	tcase_add_loop_test(feed, no_mark_of_a_paste_detaches_whatever_the_boundaries, 0,
			    sizeof(deferred) / sizeof(deferred[0]));
	tcase_add_test(feed, a_sequence_that_may_begin_a_paste_detaches_when_it_does_not);
	tcase_add_test(feed, what_a_read_adds_is_bounded_for_the_longest_sequence_and_in_a_paste);
	suite_add_tcase(s, feed);
	tcase_set_timeout(random, 30);
	tcase_add_test(random, the_matcher_does_what_the_model_does);
	tcase_add_test(random, deferred_sequences_do_what_their_model_does);
	tcase_add_test(random, without_doubling_nothing_typed_is_lost);
	suite_add_tcase(s, random);
	return s;
}
