/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of templates: Go's own and those that docker and podman add. One table; the parser
 * looks names and numbers of arguments up in it.
 *
 * Pure functions from values to values in the caller's arena. Each fails with a text that says what
 * it wanted; the caller puts the name of the function and the place before it.
 *
 *   and or not              truth as in Go: 0, "", false, nil and what is empty are false
 *   eq ne lt le gt ge       eq may have many: eq a b c is "a is b or c"
 *   len index slice print printf println                                    Go's
 *   json join split lower upper title pad truncate                          docker's and podman's
 *
 * Numbers are texts with digits (value.h): they are compared as 64-bit integers if both are, and
 * otherwise as doubles, so that ids and sizes in bytes do not lose their last digits.
 */
#include "template_ast.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/num.h>

static const struct ct_json *fail(const struct ct_arguments *args, const char *what)
{
	ct_fail(args->err, EINVAL, "%s", what);
	return NULL;
}

/* The names of types are JSON's (ct_json_type_name()): it is those that the user sees with {{json
 * .}}. */
static const struct ct_json *fail_value(const struct ct_arguments *args,
					const struct ct_json *value, const char *wanted)
{
	ct_fail(args->err, EINVAL, "needs %s, not %s", wanted, ct_json_type_name(value->type));
	return NULL;
}

static const struct ct_json *fail_type(const struct ct_arguments *args, size_t i,
				       const char *wanted)
{
	return fail_value(args, args->items[i], wanted);
}

static bool is(const struct ct_arguments *args, size_t i, enum ct_json_type type)
{
	return args->items[i]->type == type;
}

/* A buffer's content as a string value; the buffer stays the caller's. */
static const struct ct_json *string_of(const struct ct_arguments *args, const struct ct_buf *buf)
{
	if (buf->failed) {
		ct_fail_nomem(args->err);
		return NULL;
	}
	return ct_value_string_n(args->values, ct_buf_text(buf), buf->length);
}

/* and, or: all arguments but the last were passed over, so the last one is the result. */
static const struct ct_json *call_last(const struct ct_arguments *args)
{
	return args->items[args->count - 1];
}

static const struct ct_json *call_not(const struct ct_arguments *args)
{
	return ct_value_bool(args->values, !ct_value_true(args->items[0]));
}

/* By its digits, not by its value: 1e3 is a float for Go, too. */
static bool is_integer(const struct ct_json *number)
{
	return !strpbrk(number->text, ".eE");
}

static int compare_numbers(const struct ct_json *a, const struct ct_json *b)
{
	if (is_integer(a) && is_integer(b)) {
		long long left = strtoll(a->text, NULL, 10), right = strtoll(b->text, NULL, 10);

		return (left > right) - (left < right);
	}
	return (strtod(a->text, NULL) > strtod(b->text, NULL)) -
	       (strtod(a->text, NULL) < strtod(b->text, NULL));
}

/* Order of two values of one type: 0, or negative with err filled. Go compares nothing with
 * something of another type but nil, and lists not at all: both are slips that should not come out
 * as "different". ordered is for lt, le, gt, ge, where only numbers and texts have an order. Unlike
 * types, one of them nil, are just not equal (1). */
static int compare(const struct ct_arguments *args, size_t i, bool ordered, int *ret_order)
{
	const struct ct_json *a = args->items[0], *b = args->items[i];

	if (a->type != b->type && a->type != CT_JSON_NULL && b->type != CT_JSON_NULL)
		return ct_fail(args->err, EINVAL, "cannot compare %s with %s",
			       ct_json_type_name(a->type), ct_json_type_name(b->type));
	if (a->type == CT_JSON_ARRAY || a->type == CT_JSON_OBJECT || b->type == CT_JSON_ARRAY ||
	    b->type == CT_JSON_OBJECT ||
	    (ordered && a->type != CT_JSON_NUMBER && a->type != CT_JSON_STRING))
		return ct_fail(args->err, EINVAL, "cannot compare %s", ct_json_type_name(a->type));
	if (a->type != b->type)
		*ret_order = 1;
	else if (a->type == CT_JSON_NUMBER)
		*ret_order = compare_numbers(a, b);
	else if (a->type == CT_JSON_STRING)
		*ret_order = strcmp(a->text, b->text);
	else
		*ret_order = a->boolean - b->boolean;
	return 0;
}

/* eq a b c: is a one of the others? */
static const struct ct_json *call_eq(const struct ct_arguments *args)
{
	for (size_t i = 1; i < args->count; i++) {
		int order;

		if (compare(args, i, false, &order) < 0)
			return NULL;
		if (order == 0)
			return ct_value_bool(args->values, true);
	}
	return ct_value_bool(args->values, false);
}

/* Two arguments only, as in Go. */
static const struct ct_json *call_ne(const struct ct_arguments *args)
{
	int order;

	if (compare(args, 1, false, &order) < 0)
		return NULL;
	return ct_value_bool(args->values, order != 0);
}

/* Strings are compared byte by byte, as Go does; of two different types none is less: an error. */
static const struct ct_json *call_lt(const struct ct_arguments *args)
{
	int order;

	return compare(args, 1, true, &order) < 0 ? NULL : ct_value_bool(args->values, order < 0);
}

static const struct ct_json *call_le(const struct ct_arguments *args)
{
	int order;

	return compare(args, 1, true, &order) < 0 ? NULL : ct_value_bool(args->values, order <= 0);
}

static const struct ct_json *call_gt(const struct ct_arguments *args)
{
	int order;

	return compare(args, 1, true, &order) < 0 ? NULL : ct_value_bool(args->values, order > 0);
}

static const struct ct_json *call_ge(const struct ct_arguments *args)
{
	int order;

	return compare(args, 1, true, &order) < 0 ? NULL : ct_value_bool(args->values, order >= 0);
}

/* A number argument within bounds: 0, or negative with err filled. Never below 0, which every
 * caller takes for a place or a width. */
static int number_argument(const struct ct_arguments *args, size_t i, int64_t max,
			   int64_t *ret_number)
{
	if (!is(args, i, CT_JSON_NUMBER)) {
		fail_type(args, i, "a number");
		return -EINVAL;
	}
	return ct_parse_i64(args->items[i]->text, 0, max, ret_number, args->err);
}

/* Bytes of a string, as in Go; items of a list, members of an object. */
static const struct ct_json *call_len(const struct ct_arguments *args)
{
	if (is(args, 0, CT_JSON_NULL) || is(args, 0, CT_JSON_BOOL) || is(args, 0, CT_JSON_NUMBER))
		return fail_type(args, 0, "a string, a list or an object");
	return ct_value_i64(args->values, (int64_t)args->items[0]->count);
}

/* Negative positions and those behind the end are errors, as in Go; nothing counts from the end. */
static const struct ct_json *index_array(const struct ct_arguments *args,
					 const struct ct_json *array, size_t i)
{
	const struct ct_json *child = array->child;
	int64_t position;

	if (!array->count)
		return fail(args, "the list is empty");
	if (number_argument(args, i, (int64_t)array->count - 1, &position) < 0)
		return NULL;
	while (position-- > 0)
		child = child->next;
	return child;
}

/* As Go has it, a missing key of a map of strings is "", of other maps nothing. */
static const struct ct_json *index_object(const struct ct_arguments *args,
					  const struct ct_json *object, size_t i)
{
	const struct ct_json *member;

	if (!is(args, i, CT_JSON_STRING))
		return fail_type(args, i, "a key, which is a string");
	member = ct_json_get(object, args->items[i]->text);
	if (member)
		return member;
	if (!object->child || object->child->type == CT_JSON_STRING)
		return ct_value_string(args->values, "");
	return ct_value_null(args->values);
}

/* index A 0 "k" goes down a step for each argument; without any it is A itself. */
static const struct ct_json *call_index(const struct ct_arguments *args)
{
	const struct ct_json *value = args->items[0];

	for (size_t i = 1; i < args->count && value; i++) {
		if (value->type == CT_JSON_ARRAY)
			value = index_array(args, value, i);
		else if (value->type == CT_JSON_OBJECT)
			value = index_object(args, value, i);
		else
			return fail_value(args, value, "a list or an object");
	}
	return value;
}

/* slice TEXT FROM [TO], in bytes. From the end backwards: to is checked first, so that from can be
 * held against it. */
static const struct ct_json *call_slice(const struct ct_arguments *args)
{
	const struct ct_json *value = args->items[0];
	int64_t from = 0, to;

	if (!is(args, 0, CT_JSON_STRING))
		return fail_type(args, 0, "a string");
	to = (int64_t)value->count;
	if (args->count > 2 && number_argument(args, 2, to, &to) < 0)
		return NULL;
	if (args->count > 1 && number_argument(args, 1, to, &from) < 0)
		return NULL;
	return ct_value_string_n(args->values, value->text + from, (size_t)(to - from));
}

/* Go's Sprint puts a blank between two values when neither is a string. */
static const struct ct_json *print_all(const struct ct_arguments *args, bool line)
{
	struct ct_buf ct_autobuf buf = {0};

	for (size_t i = 0; i < args->count; i++) {
		if (i &&
		    (line || (!is(args, i, CT_JSON_STRING) && !is(args, i - 1, CT_JSON_STRING))))
			ct_buf_putc(&buf, ' ');
		ct_value_text(args->items[i], &buf);
	}
	if (line)
		ct_buf_putc(&buf, '\n');
	return string_of(args, &buf);
}

static const struct ct_json *call_print(const struct ct_arguments *args)
{
	return print_all(args, false);
}

static const struct ct_json *call_println(const struct ct_arguments *args)
{
	return print_all(args, true);
}

/* Without escaping "<", ">" and "&" as Go's encoder would for HTML: docker switches that off,
 * too. */
static const struct ct_json *call_json(const struct ct_arguments *args)
{
	struct ct_buf ct_autobuf buf = {0};

	if (ct_value_write(args->items[0], false, &buf, args->err) < 0)
		return NULL;
	/* a writer may close a document with a newline, which is layout and not value */
	while (buf.length && buf.data[buf.length - 1] == '\n')
		buf.data[--buf.length] = '\0';
	return string_of(args, &buf);
}

static const struct ct_json *call_join(const struct ct_arguments *args)
{
	struct ct_buf ct_autobuf buf = {0};

	if (!is(args, 0, CT_JSON_ARRAY))
		return fail_type(args, 0, "a list and a separator");
	if (!is(args, 1, CT_JSON_STRING))
		return fail_type(args, 1, "a separator, which is a string");
	for (const struct ct_json *child = args->items[0]->child; child; child = child->next) {
		ct_value_text(child, &buf);
		if (child->next)
			ct_buf_add(&buf, args->items[1]->text, args->items[1]->count);
	}
	return string_of(args, &buf);
}

/* An empty piece at either end stays: the parts, joined again, are the string. */
static const struct ct_json *call_split(const struct ct_arguments *args)
{
	struct ct_json *array = ct_value_array(args->values);
	const char *p, *next;

	if (!is(args, 0, CT_JSON_STRING) || !is(args, 1, CT_JSON_STRING))
		return fail(args, "needs a string and a separator");
	if (!args->items[1]->count)
		return fail(args, "the separator is empty");
	for (p = args->items[0]->text; (next = strstr(p, args->items[1]->text)); p = next) {
		ct_value_add(args->values, array,
			     ct_value_string_n(args->values, p, (size_t)(next - p)));
		next += args->items[1]->count;
	}
	ct_value_add(args->values, array, ct_value_string(args->values, p));
	return array;
}

/* Change the case of letters: of all, or of the first of each word. ASCII, as there is no
 * locale. */
static const struct ct_json *change_case(const struct ct_arguments *args, int (*change)(int),
					 bool words)
{
	struct ct_buf ct_autobuf buf = {0};
	const struct ct_json *value = args->items[0];
	bool start = true;

	if (!is(args, 0, CT_JSON_STRING))
		return fail_type(args, 0, "a string");
	for (size_t i = 0; i < value->count; i++) {
		unsigned char c = (unsigned char)value->text[i];

		ct_buf_putc(&buf, (char)(start && c < 0x80 ? change(c) : c));
		if (words)
			start = isspace(c);
	}
	return string_of(args, &buf);
}

/* Of ASCII letters only: the result must not depend on the locale of who runs a script. */
static const struct ct_json *call_lower(const struct ct_arguments *args)
{
	return change_case(args, tolower, false);
}

static const struct ct_json *call_upper(const struct ct_arguments *args)
{
	return change_case(args, toupper, false);
}

static const struct ct_json *call_title(const struct ct_arguments *args)
{
	return change_case(args, toupper, true);
}

#define MAX_PAD 1024

/* pad TEXT BEFORE AFTER: blanks around a text, which stays empty when it is. */
static const struct ct_json *call_pad(const struct ct_arguments *args)
{
	struct ct_buf ct_autobuf buf = {0};
	int64_t before, after;

	if (!is(args, 0, CT_JSON_STRING))
		return fail_type(args, 0, "a string");
	if (number_argument(args, 1, MAX_PAD, &before) < 0 ||
	    number_argument(args, 2, MAX_PAD, &after) < 0)
		return NULL;
	if (args->items[0]->count) {
		ct_buf_printf(&buf, "%*s", (int)before, "");
		ct_buf_add(&buf, args->items[0]->text, args->items[0]->count);
		ct_buf_printf(&buf, "%*s", (int)after, "");
	}
	return string_of(args, &buf);
}

/* truncate TEXT N: at most N bytes, never half a character. */
static const struct ct_json *call_truncate(const struct ct_arguments *args)
{
	const struct ct_json *value = args->items[0];
	int64_t max;

	if (!is(args, 0, CT_JSON_STRING))
		return fail_type(args, 0, "a string");
	if (number_argument(args, 1, INT32_MAX, &max) < 0)
		return NULL;
	if ((size_t)max >= value->count)
		return value;
	while (max > 0 && (value->text[max] & 0xc0) == 0x80)
		max--;
	return ct_value_string_n(args->values, value->text, (size_t)max);
}

#define ANY (CT_TEMPLATE_MAX_ARGS - 1)

static const struct ct_function functions[] = {
	{ "and", 1, ANY, call_last, 0 },	{ "or", 1, ANY, call_last, 1 },
	{ "not", 1, 1, call_not, -1 },		{ "eq", 2, ANY, call_eq, -1 },
	{ "ne", 2, 2, call_ne, -1 },		{ "lt", 2, 2, call_lt, -1 },
	{ "le", 2, 2, call_le, -1 },		{ "gt", 2, 2, call_gt, -1 },
	{ "ge", 2, 2, call_ge, -1 },		{ "len", 1, 1, call_len, -1 },
	{ "index", 1, ANY, call_index, -1 },	{ "slice", 1, 3, call_slice, -1 },
	{ "print", 0, ANY, call_print, -1 },	{ "println", 0, ANY, call_println, -1 },
	{ "printf", 1, ANY, ct_function_printf, -1 },
	{ "json", 1, 1, call_json, -1 },	{ "join", 2, 2, call_join, -1 },
	{ "split", 2, 2, call_split, -1 },	{ "lower", 1, 1, call_lower, -1 },
	{ "upper", 1, 1, call_upper, -1 },	{ "title", 1, 1, call_title, -1 },
	{ "pad", 3, 3, call_pad, -1 },		{ "truncate", 2, 2, call_truncate, -1 },
};

/* By the parser, once for each name in a template: a function that does not exist is an error
 * before anything is printed. */
const struct ct_function *ct_function_find(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}
