/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as config.json of a bundle, as a seccomp profile, as the user's file with
 * defaults of options and as plain JSON.
 *
 * Beyond memory errors it looks for broken promises: an error must be filled if and only if a
 * function fails, must have a text and be fit to print, and what was accepted must be written and
 * read again to the same text. Linked with libFuzzer or with the driver that replays the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/spec.h>

#include "../../src/cli/defaults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* A failure says something, on one line. */
static void check_error(int r, const struct ct_err *err)
{
	char line[2048];
	size_t length;

	demand(err->code > 0 && r == -err->code, "return value and error code differ");
	demand(err->what[0] != '\0', "an error without text");
	length = ct_err_format(err, line, sizeof(line));
	for (size_t i = 0; i < length; i++)
		demand((unsigned char)line[i] >= ' ' && line[i] != 0x7f, "a control character");
}

static void write_json(const struct ct_json *root, struct ct_buf *buf)
{
	struct ct_err err = {0};
	struct ct_json_writer w;

	if (ct_json_writer_open(&w, buf, false, &err) < 0)
		abort();
	ct_json_copy(&w, root);
	ct_json_writer_close(&w);
	demand(!buf->failed, "a parsed document cannot be written");
}

static void try_json(struct ct_arena *arena, const void *data, size_t size)
{
	struct ct_buf ct_autobuf first = {0};
	struct ct_buf ct_autobuf second = {0};
	const struct ct_json *root, *again;
	struct ct_err err = {0};
	int r = ct_json_parse(arena, "fuzz", data, size, &root, &err);

	if (r < 0) {
		check_error(r, &err);
		return;
	}
	write_json(root, &first);
	/* Escapes may have grown the text past the limit. */
	if (first.length > CT_JSON_MAX_SIZE)
		return;
	demand(ct_json_parse(arena, "again", first.data, first.length, &again, &err) == 0,
	       "our own JSON is refused");
	write_json(again, &second);
	demand(strcmp(ct_buf_text(&first), ct_buf_text(&second)) == 0, "JSON changed on its way");
}

static void check_both(const struct ct_spec *spec)
{
	for (int rootless = 0; rootless < 2; rootless++) {
		struct ct_err err = {0};
		int r = ct_spec_check(spec, rootless, &err);

		if (r < 0)
			check_error(r, &err);
	}
}

static void try_spec(struct ct_arena *arena, const void *data, size_t size)
{
	struct ct_buf ct_autobuf first = {0};
	struct ct_buf ct_autobuf second = {0};
	struct ct_spec *spec, *again;
	struct ct_err err = {0};
	int r = ct_spec_parse(arena, "fuzz", data, size, &spec, &err);

	if (r < 0) {
		check_error(r, &err);
		return;
	}
	check_both(spec);
	if (ct_spec_write(spec, &first, &err) < 0)
		abort();
	if (first.length > CT_JSON_MAX_SIZE)
		return;
	r = ct_spec_parse(arena, "again", first.data, first.length, &again, &err);
	demand(r == 0, "our own config.json is refused");
	if (ct_spec_write(again, &second, &err) < 0)
		abort();
	demand(strcmp(first.data, second.data) == 0, "config.json changed on its way");
}

static void try_profile(struct ct_arena *arena, const void *data, size_t size)
{
	const char *items[] = { "CAP_CHOWN", "CAP_SYS_ADMIN", NULL };
	struct ct_strings caps = { items, 2 };
	struct ct_spec_seccomp *seccomp;
	struct ct_err err = {0};
	int r = ct_spec_parse_seccomp(arena, "fuzz", data, size, &caps, &seccomp, &err);

	if (r < 0)
		check_error(r, &err);
}

/* What is accepted can be applied to every verb, or is refused with a place in the file. */
static void try_defaults(struct ct_arena *arena, const void *data, size_t size)
{
	struct ct_defaults defaults = { 0 };
	struct ct_err err = { 0 };
	int r = ct_defaults_parse(arena, "fuzz", data, size, &defaults, &err);

	if (r < 0) {
		check_error(r, &err);
		return;
	}
	for (size_t i = 0; ct_verbs[i]; i++) {
		const struct ct_verb *verb = ct_verbs[i];
		bool *given = ct_arena_calloc(arena, ct_options_count(verb->options) + 1, 1);
		void *target = ct_arena_calloc(arena, 1, verb->options_size + 1);

		if (!given || !target)
			return;
		r = ct_defaults_apply(&defaults, verb, arena, given, target, &err);
		if (r < 0)
			check_error(r, &err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(struct ct_arena *, const void *, size_t) = {
		try_json, try_spec, try_profile, try_defaults,
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct ct_arena ct_autoarena arena = {0};
		struct ct_err err = {0};

		if (ct_arena_open(&arena, &err) < 0)
			abort();
		targets[i](&arena, data, size);
	}
	return 0;
}
