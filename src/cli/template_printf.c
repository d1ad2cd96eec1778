/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printf for templates: %s %v %d %x %q %t %f %%, with the flags - and 0, a width and a precision.
 *
 * The format is the user's, so it is never handed to printf(3): each conversion is taken apart and
 * put together again here. Widths are bounded. A value of the wrong kind, too few and too many are
 * errors, where Go would print its complaint into the result.
 *
 *   % [-0+ #]* [WIDTH] [. PRECISION] VERB
 *   s v   as {{.X}} shows it        d   whole number       x   the same in hexadecimal
 *   q     in double quotes          f   with a point       t   true or false        %   itself
 *
 * The flags +, blank and # are read over: templates that have them print the number without a sign.
 */
#include "template_ast.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WIDTH 1024

/* One %-conversion. */
struct conversion {
	bool left, zero;
	int width;
	int precision;		/* -1: none */
	char verb;
};

/* Stops multiplying above the limit, so that no number of digits overflows; the caller refuses
 * it. */
static int parse_digits(const char **p)
{
	int number = 0;

	for (; isdigit((unsigned char)**p); (*p)++)
		if (number <= MAX_WIDTH)
			number = number * 10 + (**p - '0');
	return number;
}

/* p stands behind the %; moved behind the verb. */
static int parse_conversion(const char **p, struct conversion *ret, struct ct_err *err)
{
	struct conversion c = { .precision = -1 };

	for (;; (*p)++) {
		if (**p == '-')
			c.left = true;
		else if (**p == '0')
			c.zero = true;
		else if (**p != '+' && **p != ' ' && **p != '#')
			break;
	}
	c.width = parse_digits(p);
	if (**p == '.') {
		(*p)++;
		c.precision = parse_digits(p);
	}
	if (c.width > MAX_WIDTH || c.precision > MAX_WIDTH)
		return ct_fail(err, EINVAL, "width over %d", MAX_WIDTH);
	c.verb = **p;
	if (!c.verb)
		return ct_fail(err, EINVAL, "the format ends in the middle of a conversion");
	if (!strchr("svdxqtf%", c.verb))
		return ct_fail(err, EINVAL, "unknown conversion %%%c", c.verb);
	(*p)++;
	*ret = c;
	return 0;
}

/* The quote and the backslash need one before them; ct_buf_escaped() does the rest, which is what
 * can drive a terminal. Also the COMMAND column of ps. */
void ct_template_quote(struct ct_buf *buf, const char *text, size_t length)
{
	ct_buf_putc(buf, '"');
	while (length) {
		size_t plain = 0;

		while (plain < length && text[plain] != '"' && text[plain] != '\\')
			plain++;
		ct_buf_escaped(buf, text, plain);
		if (plain < length) {
			ct_buf_putc(buf, '\\');
			ct_buf_putc(buf, text[plain++]);
		}
		text += plain;
		length -= plain;
	}
	ct_buf_putc(buf, '"');
}

/* Characters, not bytes: columns of names that are not ASCII line up, too. */
static size_t characters(const struct ct_buf *buf)
{
	size_t count = 0;

	for (size_t i = 0; i < buf->length; i++)
		count += (buf->data[i] & 0xc0) != 0x80;
	return count;
}

/* How many bytes the first so many characters have, or all of them. */
static size_t bytes_of(const struct ct_buf *buf, size_t count)
{
	size_t i = 0;

	for (; i < buf->length; i++)
		if ((buf->data[i] & 0xc0) != 0x80 && count-- == 0)
			break;
	return i;
}

static int fail_kind(const struct conversion *c, const struct ct_json *value, const char *wanted,
		     struct ct_err *err)
{
	return ct_fail(err, EINVAL, "%%%c needs %s, not %s", c->verb, wanted,
		       ct_json_type_name(value->type));
}

/* As Go has it, with a sign: -0xff is "-ff". The least number has no positive twin. */
static void put_hexadecimal(struct ct_buf *buf, long long number)
{
	unsigned long long magnitude = (unsigned long long)number;

	ct_buf_printf(buf, "%s%llx", number < 0 ? "-" : "", number < 0 ? 0 - magnitude : magnitude);
}

/* The digits are those of the value: nothing is converted for %d, so nothing is lost of a large
 * one. */
static int convert_number(const struct conversion *c, const struct ct_json *value,
			  struct ct_buf *buf, struct ct_err *err)
{
	if (value->type != CT_JSON_NUMBER)
		return fail_kind(c, value, "a number", err);
	if (c->verb == 'f')
		ct_buf_printf(buf, "%.*f", c->precision < 0 ? 6 : c->precision,
			      strtod(value->text, NULL));
	else if (strpbrk(value->text, ".eE"))
		return ct_fail(err, EINVAL, "%%%c needs a whole number, not %s", c->verb,
			       value->text);
	else if (c->verb == 'x')
		put_hexadecimal(buf, strtoll(value->text, NULL, 10));
	else
		ct_buf_puts(buf, value->text);
	return 0;
}

/* Quotes come after the precision, so that they are closed whatever was cut off. */
static int convert(const struct conversion *c, const struct ct_json *value, struct ct_buf *buf,
		   struct ct_err *err)
{
	struct ct_buf ct_autobuf text = {0};

	if (c->verb == 'd' || c->verb == 'x' || c->verb == 'f')
		return convert_number(c, value, buf, err);
	if (c->verb == 't' && value->type != CT_JSON_BOOL)
		return fail_kind(c, value, "true or false", err);
	ct_value_text(value, &text);
	if (c->precision >= 0)
		text.length = bytes_of(&text, (size_t)c->precision);
	if (c->verb == 'q')
		ct_template_quote(buf, ct_buf_text(&text), text.length);
	else
		ct_buf_add(buf, ct_buf_text(&text), text.length);
	return 0;
}

/* Width counts characters, as in Go; a width is at most what parse_conversion() allows. */
static void add_padded(struct ct_buf *buf, const struct conversion *c, const struct ct_buf *text)
{
	size_t length = characters(text), skip = 0;
	size_t missing = (size_t)c->width > length ? (size_t)c->width - length : 0;
	bool zero = c->zero && !c->left && (c->verb == 'd' || c->verb == 'x' || c->verb == 'f');

	/* a sign stands before the zeros */
	if (zero && missing && text->length && text->data[0] == '-') {
		ct_buf_putc(buf, '-');
		skip = 1;
	}
	for (size_t i = 0; i < missing && !c->left; i++)
		ct_buf_putc(buf, zero ? '0' : ' ');
	ct_buf_add(buf, ct_buf_text(text) + skip, text->length - skip);
	for (size_t i = 0; i < missing && c->left; i++)
		ct_buf_putc(buf, ' ');
}

/* Values are taken in their order; "%[1]s" of Go is not known. */
static int format_all(const struct ct_arguments *args, struct ct_buf *buf)
{
	const char *p = args->items[0]->text;
	size_t next = 1;

	while (*p) {
		struct ct_buf ct_autobuf text = {0};
		struct conversion c = {0};
		size_t plain = strcspn(p, "%");

		ct_buf_add(buf, p, plain);
		p += plain;
		if (!*p)
			break;
		p++;
		if (parse_conversion(&p, &c, args->err) < 0)
			return -EINVAL;
		if (c.verb == '%') {
			ct_buf_putc(buf, '%');
			continue;
		}
		if (next == args->count)
			return ct_fail(args->err, EINVAL, "no value left for %%%c", c.verb);
		if (convert(&c, args->items[next++], &text, args->err) < 0)
			return -EINVAL;
		add_padded(buf, &c, &text);
	}
	if (next < args->count)
		return ct_fail(args->err, EINVAL, "%zu more values than conversions",
			       args->count - next);
	return 0;
}

const struct ct_json *ct_function_printf(const struct ct_arguments *args)
{
	struct ct_buf ct_autobuf buf = {0};

	if (args->items[0]->type != CT_JSON_STRING) {
		ct_fail(args->err, EINVAL, "needs a format, not %s",
			ct_json_type_name(args->items[0]->type));
		return NULL;
	}
	if (format_all(args, &buf) < 0)
		return NULL;
	if (buf.failed) {
		ct_fail_nomem(args->err);
		return NULL;
	}
	return ct_value_string_n(args->values, ct_buf_text(&buf), buf.length);
}
