/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of templates: tokens, the parsed tree, functions. Shared by template_lex.c,
 * template_parse.c, template_eval.c, template_func.c and template_printf.c, and by nobody else.
 *
 * Places are offsets into the template's text; line and column are counted when an error needs
 * them.
 */
#ifndef CATTACH_CLI_TEMPLATE_AST_H
#define CATTACH_CLI_TEMPLATE_AST_H

#include "template.h"

#define CT_TEMPLATE_MAX_DEPTH	32	/* nested blocks and parentheses */
#define CT_TEMPLATE_MAX_ARGS	16	/* of one function call */
#define CT_TEMPLATE_MAX_VARS	32	/* declared at one time */

enum ct_token_type {
	CT_TOKEN_RIGHT,		/* }} */
	CT_TOKEN_FIELD,		/* .Name, text without the dot */
	CT_TOKEN_DOT,		/* . */
	CT_TOKEN_VARIABLE,	/* $ or $name, text with the dollar */
	CT_TOKEN_WORD,		/* function or keyword */
	CT_TOKEN_STRING,	/* text decoded */
	CT_TOKEN_NUMBER,
	CT_TOKEN_PIPE,		/* | */
	CT_TOKEN_OPEN,		/* ( */
	CT_TOKEN_CLOSE,		/* ) */
	CT_TOKEN_COMMA,
	CT_TOKEN_DECLARE,	/* := */
	CT_TOKEN_ASSIGN,	/* = */
};

struct ct_token {
	enum ct_token_type type;
	size_t offset;
	bool glued;		/* no blank before it */
	const char *text;
	size_t length;
};

struct ct_lexer {
	struct ct_arena *arena;
	const char *text;	/* the whole template */
	size_t offset;		/* of what comes next */
	bool escapes;		/* see ct_template_parse() */
	bool trim;		/* the last action ended in -}} */
	struct ct_err *err;
};

/**
 * ct_lex_text - the text up to the next action, whose {{ is consumed; comments are skipped
 * @ret_text, @ret_length: the text, trimmed and unescaped; may be empty
 *
 * Return: 1 when an action follows, 2 when a comment did and more text may come, 0 at the end of
 * the template, negative on failure.
 */
int ct_lex_text(struct ct_lexer *lexer, const char **ret_text, size_t *ret_length);

/* The next token inside an action; the end of the template is an error there. */
int ct_lex_token(struct ct_lexer *lexer, struct ct_token *ret_token);

/* Fill an error and say where in the template it is. */
int ct_template_fail(const char *template, size_t offset, struct ct_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Put the place in the template before an error that is already filled. */
int ct_template_wrap(const char *template, size_t offset, struct ct_err *err)
	__attribute__((cold));

enum ct_operand_type {
	CT_OPERAND_DOT,
	CT_OPERAND_VARIABLE,	/* name in text */
	CT_OPERAND_CONSTANT,
	CT_OPERAND_FUNCTION,
	CT_OPERAND_PIPE,	/* ( ... ) */
};

struct ct_function;

/* One word of a command. */
struct ct_operand {
	enum ct_operand_type type;
	size_t offset;
	const char *name;		/* of a variable */
	const struct ct_json *constant;
	const struct ct_function *function;
	const struct ct_pipe *pipe;
	struct ct_strings fields;	/* .A.B behind it, or on dot */
	struct ct_operand *next;
};

struct ct_command {
	struct ct_operand *operands;
	struct ct_command *next;
};

struct ct_pipe {
	const char *variables[2];	/* $a or $i, $a */
	size_t variable_count;
	bool assign;			/* = rather than := */
	struct ct_command *commands;
};

enum ct_node_type { CT_NODE_TEXT, CT_NODE_ACTION, CT_NODE_IF, CT_NODE_RANGE, CT_NODE_WITH };

struct ct_node {
	enum ct_node_type type;
	size_t offset;
	const char *text;
	size_t length;
	struct ct_pipe *pipe;
	struct ct_node *body, *otherwise, *next;
};

struct ct_template {
	const char *text;
	struct ct_node *nodes;
};

/* The values that a function gets. */
struct ct_arguments {
	struct ct_values *values;
	const struct ct_json *items[CT_TEMPLATE_MAX_ARGS];
	size_t count;
	struct ct_err *err;
};

struct ct_function {
	const char *name;
	size_t min, max;		/* how many arguments */
	/* Return: the result, or NULL with err filled. */
	const struct ct_json *(*call)(const struct ct_arguments *args);
	/* and, or: stop at the first argument whose truth is this; -1 for all others */
	int stop_at;
};

const struct ct_function *ct_function_find(const char *name);

/* printf, in template_printf.c. */
const struct ct_json *ct_function_printf(const struct ct_arguments *args);

/* Append text in double quotes, with what is not printable escaped. */
void ct_template_quote(struct ct_buf *buf, const char *text, size_t length);

#endif
