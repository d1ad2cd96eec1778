/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out. This is the only file that knows yajl: its streaming parser builds the tree of
 * json.h, its generator writes documents.
 *
 * Runs in the command and in tests, with the caller's rights, before anything is created; never
 * in a monitor. The input may be hostile: it is bounded in size and checked for encoding before
 * yajl sees a byte, nesting is counted by ourselves, and what RFC 8259 leaves open (duplicate
 * names, lone surrogates, NUL in strings) is refused, because two readers that choose differently
 * are how a check and its use come apart.
 *
 * yajl does not look at what its allocator returns. The parser therefore gets a pool that covers
 * its worst case for a document of this size, so that running out of memory is one error at the
 * start and not a crash in the middle.
 *
 *   bytes -> ct_json_check_text (UTF-8, size) -> yajl -> on_*() -> add_value() -> tree in the arena
 *                                                         |-> members: is a name given twice?
 *                                                         `-> line and column of each value
 */
#include <cattach/encode.h>
#include <cattach/json.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include <cattach/fd.h>

#include "json_text.h"

/* Two buffers that double up to the size of the document, each at most four times that in all. */
#define POOL_FACTOR	8
#define POOL_FIXED	(64 * 1024)
#define POOL_ALIGN	16

/* A stack of blocks, each behind its size; the topmost can grow in place and be given back. */
struct pool {
	char *base;
	size_t used, size;	/* bytes */
	char *top;		/* start of the topmost block's data */
};

/* An array or object that is not closed yet. */
struct frame {
	struct ct_json *value, *last;
	const char *key;	/* read, its value not yet */
};

/* The members seen so far, found by object and name: open addressing, never full. */
struct members {
	const struct ct_json **slots;
	size_t mask;
};

struct parser {
	struct ct_arena *arena;
	struct ct_json_text text;
	yajl_handle yajl;
	bool at_end;			/* yajl_complete_parse() runs: offsets mean nothing */
	size_t token_end;		/* of the last token that had a callback */
	struct frame frames[CT_JSON_MAX_DEPTH];
	size_t depth;
	struct ct_json *root;
	struct members members;
	struct ct_err *err;
};

/* ---- memory for yajl ---- */

static void *pool_malloc(void *ctx, size_t size)
{
	struct pool *pool = ctx;
	char *block = pool->base + pool->used;

	size = (size + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
	if (size > pool->size - pool->used || pool->size - pool->used - size < POOL_ALIGN)
		return NULL;
	memcpy(block, &size, sizeof(size));
	pool->top = block + POOL_ALIGN;
	pool->used += POOL_ALIGN + size;
	return pool->top;
}

static void pool_free(void *ctx, void *p)
{
	struct pool *pool = ctx;

	if (p && p == pool->top) {
		pool->used = (size_t)(pool->top - POOL_ALIGN - pool->base);
		pool->top = NULL;
	}
}

static void *pool_realloc(void *ctx, void *p, size_t size)
{
	void *grown;
	size_t old;

	if (!p)
		return pool_malloc(ctx, size);
	memcpy(&old, (char *)p - POOL_ALIGN, sizeof(old));
	pool_free(ctx, p);
	grown = pool_malloc(ctx, size);
	if (grown && grown != p)
		memcpy(grown, p, old < size ? old : size);
	return grown;
}

/* The first byte of the token after the last one: only blanks and separators lie between. */
static size_t token_start(const struct parser *p)
{
	const char *data = p->text.data;
	size_t i = p->token_end;

	while (i < p->text.size && (ct_json_is_blank(data[i]) || data[i] == ',' || data[i] == ':'))
		i++;
	return i;
}

static int place_value_error(struct parser *p, const struct ct_json *value)
{
	char path[sizeof(p->err->where)];

	ct_json_path(value, path, sizeof(path));
	return ct_wrap(p->err, "%s:%u:%u%s%s", p->text.name, value->line, value->column,
		       *path ? ": " : "", path);
}

/* ---- building the tree ---- */

static size_t hash_member(const struct ct_json *parent, const char *key)
{
	uint64_t hash = 0xcbf29ce484222325 ^ (uintptr_t)parent;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
	return (size_t)(hash ^ hash >> 29);
}

/* The earlier one of the same name, or NULL. A table, or many members would take for ever. */
static const struct ct_json *remember(struct members *members, const struct ct_json *value)
{
	size_t i = hash_member(value->parent, value->key) & members->mask;

	for (; members->slots[i]; i = (i + 1) & members->mask) {
		const struct ct_json *other = members->slots[i];

		if (other->parent == value->parent && strcmp(other->key, value->key) == 0)
			return other;
	}
	members->slots[i] = value;
	return NULL;
}

/* Every name is followed by a colon, so their number bounds the members. */
static int members_open(struct parser *p)
{
	size_t colons = 0, slots = 16;

	for (size_t i = 0; i < p->text.size; i++)
		colons += p->text.data[i] == ':';
	while (slots < 2 * colons)
		slots *= 2;
	p->members.mask = slots - 1;
	p->members.slots = calloc(slots, sizeof(*p->members.slots));
	return p->members.slots ? 0 : ct_fail_nomem(p->err);
}

static void link_value(struct parser *p, struct ct_json *value)
{
	struct frame *frame;

	if (p->depth == 0) {
		p->root = value;
		return;
	}
	frame = &p->frames[p->depth - 1];
	value->parent = frame->value;
	value->key = ct_take(&frame->key);
	frame->value->count++;
	if (frame->last)
		frame->last->next = value;
	else
		frame->value->child = value;
	frame->last = value;
}

/* A value begins: take its position, put it in the tree. NULL with err filled. */
static struct ct_json *add_value(struct parser *p, enum ct_json_type type)
{
	struct ct_json *value = ct_arena_alloc(p->arena, sizeof(*value));
	const struct ct_json *earlier;

	if (!value) {
		ct_fail_nomem(p->err);
		return NULL;
	}
	ct_json_locate(&p->text, token_start(p));
	value->type = type;
	value->line = p->text.line;
	value->column = p->text.column;
	link_value(p, value);
	p->token_end = p->at_end ? p->text.size : yajl_get_bytes_consumed(p->yajl);
	earlier = value->key ? remember(&p->members, value) : NULL;
	if (earlier) {
		ct_fail(p->err, EBADMSG, "given twice (first in line %u)", earlier->line);
		place_value_error(p, value);
		return NULL;
	}
	return value;
}

/* Copy a decoded string into the arena; NULL with what filled when it is not acceptable. Strings
 * are C strings everywhere behind this: one with a NUL in it would be two things to two readers.
 * What yajl made of half a pair is a character, hence the source. */
static const char *copy_string(struct parser *p, const unsigned char *s, size_t length,
			       size_t raw_start)
{
	const char *copy;

	if (memchr(s, '\0', length)) {
		ct_fail(p->err, EBADMSG, "contains a NUL");
		return NULL;
	}
	if (ct_json_lone_surrogate(p->text.data + raw_start, p->token_end - raw_start)) {
		ct_fail(p->err, EBADMSG, "contains half of a surrogate pair");
		return NULL;
	}
	copy = ct_arena_strndup(p->arena, (const char *)s, length);
	if (!copy)
		ct_fail_nomem(p->err);
	return copy;
}

static int on_string(void *ctx, const unsigned char *s, size_t length)
{
	struct parser *p = ctx;
	size_t raw_start = token_start(p);
	struct ct_json *value = add_value(p, CT_JSON_STRING);

	if (!value)
		return 0;
	value->text = copy_string(p, s, length, raw_start);
	value->count = length;
	if (!value->text)
		place_value_error(p, value);
	return value->text != NULL;
}

static int on_number(void *ctx, const char *digits, size_t length)
{
	struct parser *p = ctx;
	struct ct_json *value = add_value(p, CT_JSON_NUMBER);

	if (!value)
		return 0;
	value->text = ct_arena_strndup(p->arena, digits, length);
	value->count = length;
	if (!value->text)
		ct_fail_nomem(p->err);
	return value->text != NULL;
}

static int on_boolean(void *ctx, int boolean)
{
	struct ct_json *value = add_value(ctx, CT_JSON_BOOL);

	if (!value)
		return 0;
	value->boolean = boolean != 0;
	return 1;
}

static int on_null(void *ctx)
{
	return add_value(ctx, CT_JSON_NULL) != NULL;
}

static int begin(struct parser *p, enum ct_json_type type)
{
	struct ct_json *value;

	if (p->depth == CT_JSON_MAX_DEPTH) {
		ct_fail(p->err, EBADMSG, "nested deeper than %d", CT_JSON_MAX_DEPTH);
		ct_json_place(&p->text, token_start(p), "", p->err);
		return 0;
	}
	value = add_value(p, type);
	if (!value)
		return 0;
	p->frames[p->depth++] = (struct frame){ .value = value };
	return 1;
}

static int on_begin_object(void *ctx)
{
	return begin(ctx, CT_JSON_OBJECT);
}

static int on_begin_array(void *ctx)
{
	return begin(ctx, CT_JSON_ARRAY);
}

static int on_end(void *ctx)
{
	struct parser *p = ctx;

	p->depth--;
	p->token_end = yajl_get_bytes_consumed(p->yajl);
	return 1;
}

static int on_key(void *ctx, const unsigned char *s, size_t length)
{
	struct parser *p = ctx;
	struct frame *frame = &p->frames[p->depth - 1];
	char path[sizeof(p->err->where)];
	size_t start = token_start(p);

	p->token_end = yajl_get_bytes_consumed(p->yajl);
	frame->key = copy_string(p, s, length, start);
	if (!frame->key) {
		ct_wrap(p->err, "a name");
		ct_json_path(frame->value, path, sizeof(path));
		ct_json_place(&p->text, start, path, p->err);
	}
	return frame->key != NULL;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_begin_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_begin_array,
	.yajl_end_array = on_end,
};

/* ---- errors of syntax ---- */

/* yajl's messages and ours; at_byte: yajl stopped on the byte itself, not behind a token. */
static const struct syntax_error {
	const char *theirs, *ours;
	bool at_byte;
} syntax_errors[] = {
	{ "invalid char in json text", "not JSON", false },
	{ "invalid string in json text", "not JSON", false },
	{ "unallowed token", "not JSON: a value is missing here", false },
	{ "invalid object key", "not JSON: a name in double quotes is missing here", false },
	{ "separated by a colon", "not JSON: \":\" is missing here", false },
	{ "after key and value", "not JSON: \",\" or \"}\" is missing here", false },
	{ "after array element", "not JSON: \",\" or \"]\" is missing here", false },
	{ "malformed number", "not JSON: the number lacks a digit", false },
	{ "probable comment", "comments are not JSON", true },
	{ "before a character which it may not", "not JSON: unknown escape in a string", true },
	{ "invalid character inside string", "not JSON: a line end inside a string", true },
	{ "after '\\u'", "not JSON: \\u needs four hexadecimal digits", true },
};

/* Found by a piece of yajl's text; a version with other texts gets "not JSON" and the place. */
static const struct syntax_error *find_syntax_error(yajl_handle yajl)
{
	static const struct syntax_error other = { "", "not JSON", false };
	unsigned char *message = yajl_get_error(yajl, 0, NULL, 0);
	const struct syntax_error *found = &other;

	for (size_t i = 0; i < sizeof(syntax_errors) / sizeof(syntax_errors[0]); i++) {
		if (message && strstr((char *)message, syntax_errors[i].theirs))
			found = &syntax_errors[i];
	}
	if (message)
		yajl_free_error(yajl, message);
	return found;
}

/* The text stops too early: the place is behind the last thing that is there. */
static int fail_at_end(struct parser *p)
{
	size_t end = p->text.size;

	while (end > 0 && ct_json_is_blank(p->text.data[end - 1]))
		end--;
	ct_fail(p->err, EBADMSG, "unexpected end");
	return ct_json_place(&p->text, end, "", p->err);
}

static int fail_after_end(struct parser *p)
{
	size_t start = p->token_end;

	while (start < p->text.size && ct_json_is_blank(p->text.data[start]))
		start++;
	ct_fail(p->err, EBADMSG, "text after the end");
	return ct_json_place(&p->text, start, "", p->err);
}

static int fail_syntax(struct parser *p)
{
	const struct syntax_error *error;
	size_t stop, start;

	if (p->root && p->depth == 0)
		return fail_after_end(p);
	if (p->at_end)
		return fail_at_end(p);
	stop = yajl_get_bytes_consumed(p->yajl);
	start = token_start(p);
	/* A separator in the wrong place is itself the token, so never go behind the last byte. */
	if (stop > 0 && start > stop - 1)
		start = stop - 1;
	error = find_syntax_error(p->yajl);
	ct_fail(p->err, EBADMSG, "%s", error->ours);
	return ct_json_place(&p->text, error->at_byte ? stop : start, "", p->err);
}

/* ---- the whole document ---- */

/* yajl_complete_parse() says that the text has ended, which closes a number at the top. */
static int run_yajl(struct parser *p, struct pool *pool)
{
	yajl_alloc_funcs functions = { pool_malloc, pool_realloc, pool_free, pool };
	yajl_status status;

	p->yajl = yajl_alloc(&callbacks, &functions, p);
	/* Checked already, and more strictly than yajl would. */
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	status = yajl_parse(p->yajl, (const unsigned char *)p->text.data, p->text.size);
	if (status == yajl_status_ok) {
		p->at_end = true;
		status = yajl_complete_parse(p->yajl);
	}
	if (status == yajl_status_error)
		return fail_syntax(p);
	return status == yajl_status_ok ? 0 : -p->err->code;
}

int ct_json_parse(struct ct_arena *arena, const char *name, const void *data, size_t size,
		  const struct ct_json **ret_root, struct ct_err *err)
{
	struct parser p = { .arena = arena, .err = err,
			    .text = { .name = name, .data = data, .size = size } };
	void ct_autofree *slots = NULL;
	void ct_autofree *block = NULL;
	struct pool pool = { .size = POOL_FIXED + POOL_FACTOR * size };
	int r;

	if (ct_json_check_text(&p.text, err) < 0)
		return -err->code;
	r = members_open(&p);
	if (r < 0)
		return r;
	slots = p.members.slots;
	pool.base = block = malloc(pool.size);
	if (!block)
		return ct_fail_nomem(err);
	r = run_yajl(&p, &pool);
	if (r < 0)
		return r;
	*ret_root = p.root;
	return 0;
}

/* ---- writing ---- */

static void append_output(void *ctx, const char *text, size_t length)
{
	ct_buf_add(ctx, text, length);
}

/* A call out of order is a mistake of ours; the document is then as unusable as without memory. */
static void check_status(struct ct_json_writer *w, yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		w->buf->failed = true;
}

int ct_json_writer_open(struct ct_json_writer *w, struct ct_buf *buf, bool indent,
			struct ct_err *err)
{
	yajl_gen gen = yajl_gen_alloc(NULL);

	if (!gen)
		return ct_fail_nomem(err);
	yajl_gen_config(gen, yajl_gen_print_callback, append_output, buf);
	yajl_gen_config(gen, yajl_gen_beautify, indent);
	yajl_gen_config(gen, yajl_gen_indent_string, "\t");
	*w = (struct ct_json_writer){ .buf = buf, .gen = gen };
	return 0;
}

void ct_json_writer_close(struct ct_json_writer *w)
{
	if (w->gen)
		yajl_gen_free(w->gen);
	w->gen = NULL;
}

/* The generator closes an empty list on a line of its own; people and docker write "[]". Only it
 * writes a bracket and a newline: those of a string are escaped. */
static void end(struct ct_json_writer *w, const char *opened, char close,
		yajl_gen_status (*generate)(yajl_gen))
{
	struct ct_buf *buf = w->buf;
	size_t before = buf->length;
	bool empty = before >= 2 && !memcmp(buf->data + before - 2, opened, 2);
	bool last;

	check_status(w, generate(w->gen));
	if (!empty || buf->failed)
		return;
	last = buf->data[buf->length - 1] == '\n';
	buf->length = before - 1;
	ct_buf_putc(buf, close);
	if (last)
		ct_buf_putc(buf, '\n');
}

void ct_json_begin_object(struct ct_json_writer *w)
{
	check_status(w, yajl_gen_map_open(w->gen));
}

void ct_json_end_object(struct ct_json_writer *w)
{
	end(w, "{\n", '}', yajl_gen_map_close);
}

void ct_json_begin_array(struct ct_json_writer *w)
{
	check_status(w, yajl_gen_array_open(w->gen));
}

void ct_json_end_array(struct ct_json_writer *w)
{
	end(w, "[\n", ']', yajl_gen_array_close);
}

void ct_json_i64(struct ct_json_writer *w, int64_t value)
{
	check_status(w, yajl_gen_integer(w->gen, value));
}

void ct_json_bool(struct ct_json_writer *w, bool value)
{
	check_status(w, yajl_gen_bool(w->gen, value));
}

void ct_json_null(struct ct_json_writer *w)
{
	check_status(w, yajl_gen_null(w->gen));
}

void ct_json_raw_number(struct ct_json_writer *w, const char *digits)
{
	check_status(w, yajl_gen_number(w->gen, digits, strlen(digits)));
}

/* A string that is not UTF-8, with a replacement character for each byte that is in the way. */
static void put_mended(struct ct_json_writer *w, const char *s, size_t left)
{
	struct ct_buf ct_autobuf clean = {0};
	const unsigned char *p = (const unsigned char *)s;
	size_t length;

	for (; left; p += length, left -= length) {
		length = ct_utf8_length(p, left);
		if (length) {
			ct_buf_add(&clean, p, length);
		} else {
			ct_buf_puts(&clean, "\xef\xbf\xbd");
			length = 1;
		}
	}
	if (clean.failed)
		w->buf->failed = true;
	check_status(w, yajl_gen_string(w->gen, (const unsigned char *)ct_buf_text(&clean),
					clean.length));
}

void ct_json_string(struct ct_json_writer *w, const char *s)
{
	size_t length;

	if (!s) {
		ct_json_null(w);
		return;
	}
	length = strlen(s);
	if (ct_is_utf8(s, length))
		check_status(w, yajl_gen_string(w->gen, (const unsigned char *)s, length));
	else
		put_mended(w, s, length);
}
