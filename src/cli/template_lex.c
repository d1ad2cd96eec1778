/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a template: text up to the next {{, tokens inside. Trimming by {{- and -}} and
 * comments are done here, so that the parser never sees them.
 *
 * Reads the template, which the user wrote, strictly within its length; strings are decoded into
 * the arena. Fails on actions and strings that are not closed and on characters that mean nothing.
 *
 * Two modes, switched by the parser: ct_lex_text() reads what is copied, ct_lex_token() what is
 * followed.
 *
 *   text {{- if .A -}} text {{(comment)}} text
 *   ^^^^     token...   ^^^^              ^^^^
 *        ^^          ^^^ eat the blanks on their outer side only: newlines are blanks, too
 *
 *   FIELD     .Name          a letter, digit or _ behind the dot; so .5 is a field, not a number
 *   VARIABLE  $ or $name
 *   WORD      name           keyword, function, true, false, nil
 *   STRING    "a\n" or `a\n` the first decoded, the second as it stands
 *   NUMBER    -1, 2.5        no exponent: nobody writes one in a --format
 *   signs     }} := = | ( ) ,
 */
#include "template_ast.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns count characters, as those of JSON documents do (ct_json_locate()). */
int ct_template_wrap(const char *template, size_t offset, struct ct_err *err)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && template[i]; i++) {
		if (template[i] == '\n') {
			line++;
			column = 1;
		} else if ((template[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return ct_wrap(err, "template:%u:%u", line, column);
}

int ct_template_fail(const char *template, size_t offset, struct ct_err *err, const char *fmt, ...)
{
	char what[sizeof(err->what)];
	va_list list;

	va_start(list, fmt);
	vsnprintf(what, sizeof(what), fmt, list);
	va_end(list);
	ct_fail(err, EINVAL, "%s", what);
	return ct_template_wrap(template, offset, err);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *here(const struct ct_lexer *lexer)
{
	return lexer->text + lexer->offset;
}

/* The template ends in a NUL, at which each comparison stops: nothing is read behind it. */
static bool looking_at(const struct ct_lexer *lexer, const char *word)
{
	return !strncmp(here(lexer), word, strlen(word));
}

static void skip_blanks(struct ct_lexer *lexer)
{
	while (is_blank(*here(lexer)))
		lexer->offset++;
}

/* The text between actions, with \t and \n decoded where the caller asked for it. Only \t and \n: a
 * shell passes them on inside single quotes, and a table needs a tab between its columns. Any other
 * backslash is meant for the reader of the output and stays. Without escapes the text is borrowed
 * from the template, which lives as long. */
static int take_text(const struct ct_lexer *lexer, const char *from, size_t length,
		     const char **ret_text, size_t *ret_length)
{
	size_t used = 0;
	char *copy;

	*ret_text = from;
	*ret_length = length;
	if (!lexer->escapes || !memchr(from, '\\', length))
		return 0;
	copy = ct_arena_alloc(lexer->arena, length + 1);
	if (!copy)
		return ct_fail_nomem(lexer->err);
	for (size_t i = 0; i < length; i++) {
		if (from[i] == '\\' && i + 1 < length && (from[i + 1] == 't' || from[i + 1] == 'n'))
			copy[used++] = from[++i] == 't' ? '\t' : '\n';
		else
			copy[used++] = from[i];
	}
	*ret_text = copy;
	*ret_length = used;
	return 0;
}

/* Skip a comment behind {{ or {{-: 1 skipped, 0 none there, negative not closed. Go demands both:
 * nothing but blanks may stand between the comment and the braces, and the dash of a trimming end
 * needs its blank, which is what tells {{- 3}} from {{-3}}. */
static int skip_comment(struct ct_lexer *lexer, size_t start)
{
	const char *end;

	if (!looking_at(lexer, "/*"))
		return 0;
	end = strstr(here(lexer), "*/");
	if (!end)
		return ct_template_fail(lexer->text, start, lexer->err,
					"comment is not closed by */");
	lexer->offset = (size_t)(end + 2 - lexer->text);
	lexer->trim = looking_at(lexer, " -}}");
	if (lexer->trim)
		lexer->offset += 2;
	if (!looking_at(lexer, "}}"))
		return ct_template_fail(lexer->text, lexer->offset, lexer->err,
					"a comment must end in */}}");
	lexer->offset += 2;
	return 1;
}

/*
 * The end is trimmed here, because the dash is behind the text; the beginning is trimmed at the
 * next call, because only the action that came before knows of its own dash (lexer->trim).
 *
 * Whether a comment follows is seen only after the {{ and its blanks are read; the offset goes back
 * when there is none, so that the first token's "glued" is true to the text.
 */
int ct_lex_text(struct ct_lexer *lexer, const char **ret_text, size_t *ret_length)
{
	const char *start, *end, *brace;
	size_t action, saved;
	int r;

	if (lexer->trim)
		skip_blanks(lexer);
	lexer->trim = false;
	start = here(lexer);
	brace = strstr(start, "{{");
	end = brace ? brace : start + strlen(start);
	lexer->offset = (size_t)(end - lexer->text);
	action = lexer->offset;
	if (brace) {
		lexer->offset += 2;
		if (*here(lexer) == '-' && is_blank(here(lexer)[1])) {
			lexer->offset += 2;
			while (end > start && is_blank(end[-1]))
				end--;
		}
	}
	r = take_text(lexer, start, (size_t)(end - start), ret_text, ret_length);
	if (r < 0 || !brace)
		return r;
	saved = lexer->offset;
	skip_blanks(lexer);
	r = skip_comment(lexer, action);
	if (r < 0)
		return r;
	if (r == 0) {
		lexer->offset = saved;
		return 1;
	}
	return 2;
}

/* Those of a Go string that people write into a format; \u and octal are refused like any other
 * that is not known, rather than passed through half understood. */
static int decode_escape(struct ct_lexer *lexer, size_t start, char *ret_byte)
{
	static const char from[] = "ntr\\\"'ab", to[] = "\n\t\r\\\"'\a\b";
	const char *p = here(lexer);
	char digits[3];

	if (*p == 'x' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
		memcpy(digits, p + 1, 2);
		digits[2] = '\0';
		*ret_byte = (char)strtoul(digits, NULL, 16);
		lexer->offset += 3;
		return 0;
	}
	p = *p ? strchr(from, *p) : NULL;
	if (!p)
		return ct_template_fail(lexer->text, start, lexer->err,
					"unknown escape in a string: \\%c", *here(lexer));
	*ret_byte = to[p - from];
	lexer->offset++;
	return 0;
}

/* "..." with escapes or `...` without; lexer stands behind the opening quote. */
static int lex_string(struct ct_lexer *lexer, char quote, struct ct_token *token)
{
	char *copy = ct_arena_alloc(lexer->arena, strlen(here(lexer)) + 1);
	size_t used = 0;

	if (!copy)
		return ct_fail_nomem(lexer->err);
	for (;;) {
		char c = *here(lexer);

		if (!c || (c == '\n' && quote == '"'))
			return ct_template_fail(lexer->text, token->offset, lexer->err,
						"string is not closed");
		lexer->offset++;
		if (c == quote)
			break;
		if (c == '\\' && quote == '"' &&
		    decode_escape(lexer, lexer->offset - 1, &c) < 0)
			return -lexer->err->code;
		copy[used++] = c;
	}
	token->type = CT_TOKEN_STRING;
	token->text = copy;
	token->length = used;
	return 0;
}

/* skip is the sign before the name, . or $; the text of the token is without it, and empty for a $
 * alone. */
static void lex_name(struct ct_lexer *lexer, enum ct_token_type type, size_t skip,
		     struct ct_token *token)
{
	const char *start = here(lexer) + skip;
	const char *p = start;

	while (is_name(*p))
		p++;
	token->type = type;
	token->text = start;
	token->length = (size_t)(p - start);
	lexer->offset = (size_t)(p - lexer->text);
}

/* Digits only are taken: "12ab" becomes 12 and a glued word, which the parser refuses. The text is
 * kept as written, so that no number loses digits on its way through. */
static void lex_number(struct ct_lexer *lexer, struct ct_token *token)
{
	const char *start = here(lexer), *p = start + (*start == '-');

	while (isdigit((unsigned char)*p))
		p++;
	if (*p == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p); p++)
			;
	token->type = CT_TOKEN_NUMBER;
	token->text = start;
	token->length = (size_t)(p - start);
	lexer->offset = (size_t)(p - lexer->text);
}

/* Tokens of one or two characters; false when there is none here. */
static bool lex_sign(struct ct_lexer *lexer, struct ct_token *token)
{
	static const struct {
		char text[3];
		enum ct_token_type type;
	} signs[] = {
		{ "}}", CT_TOKEN_RIGHT }, { ":=", CT_TOKEN_DECLARE }, { "=", CT_TOKEN_ASSIGN },
		{ "|", CT_TOKEN_PIPE },	  { "(", CT_TOKEN_OPEN },     { ")", CT_TOKEN_CLOSE },
		{ ",", CT_TOKEN_COMMA },
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (!looking_at(lexer, signs[i].text))
			continue;
		token->type = signs[i].type;
		lexer->offset += strlen(signs[i].text);
		return true;
	}
	return false;
}

/* Blanks before a token; a blank and -}} is }} that trims what follows. */
static bool skip_to_token(struct ct_lexer *lexer, struct ct_token *token)
{
	size_t before = lexer->offset;

	skip_blanks(lexer);
	token->glued = lexer->offset == before;
	if (!token->glued && looking_at(lexer, "-}}")) {
		lexer->offset += 3;
		lexer->trim = true;
		token->type = CT_TOKEN_RIGHT;
		return true;
	}
	return false;
}

/* The order matters: -}} has been looked for before a number may begin with a minus, and "}}" is a
 * sign before the text's end is an error. */
int ct_lex_token(struct ct_lexer *lexer, struct ct_token *ret_token)
{
	struct ct_token token = {0};
	bool ended = skip_to_token(lexer, &token);
	char c = *here(lexer);

	token.offset = lexer->offset;
	if (ended || lex_sign(lexer, &token)) {
		*ret_token = token;
		return 0;
	}
	if (!c)
		return ct_template_fail(lexer->text, lexer->offset, lexer->err,
					"action is not closed by }}");
	if (c == '"' || c == '`') {
		lexer->offset++;
		if (lex_string(lexer, c, &token) < 0)
			return -lexer->err->code;
	} else if (isdigit((unsigned char)c) ||
		   (c == '-' && isdigit((unsigned char)here(lexer)[1]))) {
		lex_number(lexer, &token);
	} else if (c == '.') {
		lex_name(lexer, is_name(here(lexer)[1]) ? CT_TOKEN_FIELD : CT_TOKEN_DOT, 1, &token);
	} else if (c == '$') {
		lex_name(lexer, CT_TOKEN_VARIABLE, 1, &token);
	} else if (is_name(c)) {
		lex_name(lexer, CT_TOKEN_WORD, 0, &token);
	} else {
		return ct_template_fail(lexer->text, lexer->offset, lexer->err,
					"unexpected character '%c'", c);
	}
	*ret_token = token;
	return 0;
}
