/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens to the tree of a template: recursive descent over
 *
 *   list    = { text | action }
 *   action  = "{{" ( pipe | "if" pipe | "range" pipe | "with" pipe | "else" ... | "end" ) "}}"
 *   pipe    = [ $a [ "," $b ] ( ":=" | "=" ) ] command { "|" command }
 *   command = operand { operand }
 *
 * The depth is bounded, so that no template can exhaust the stack. Unknown functions are refused
 * here, before anything is printed. Everything is allocated in the caller's arena.
 *
 * "else" is  "{{else}}" list  or  "{{else if" pipe "}}" list,  and likewise "else with" in a with;
 * such a chain is a nested branch in node->otherwise that shares the one {{end}}.
 *
 * How the functions call each other:
 *
 *   ct_template_parse -> parse_list -> parse_item -> parse_action -> parse_branch -> parse_list
 *                                                         |                 `-> parse_else -^
 *                                                         `-> parse_pipe -> parse_command
 *                                                                ^------- parse_parentheses
 *
 * The parser looks one token ahead (p->token). Text is asked for only where an action has just
 * ended, for the lexer cannot tell the two apart by itself.
 */
#include "template_ast.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct parser {
	struct ct_lexer lexer;
	struct ct_token token;		/* the one to look at */
	unsigned depth;
};

/* What closed a list. */
enum closing { CLOSED_BY_TEXT_END, CLOSED_BY_END, CLOSED_BY_ELSE };

static int parse_list(struct parser *p, struct ct_node **ret_list, enum closing *ret_closing);
static int parse_pipe(struct parser *p, enum ct_token_type closing, struct ct_pipe **ret_pipe);

/* At the token that is looked at, not where the construct began: that is what has to be changed. */
static int fail(struct parser *p, const char *what)
{
	return ct_template_fail(p->lexer.text, p->token.offset, p->lexer.err, "%s", what);
}

static int advance(struct parser *p)
{
	return ct_lex_token(&p->lexer, &p->token);
}

static void *allocate(struct parser *p, size_t size)
{
	void *memory = ct_arena_alloc(p->lexer.arena, size);

	if (!memory)
		ct_fail_nomem(p->lexer.err);
	return memory;
}

static const char *token_text(struct parser *p)
{
	char *text = ct_arena_strndup(p->lexer.arena, p->token.text, p->token.length);

	if (!text)
		ct_fail_nomem(p->lexer.err);
	return text;
}

/* Keywords are not reserved by the lexer: behind a dot they are fields like any other, {{.end}}. */
static bool is_word(const struct parser *p, const char *word)
{
	return p->token.type == CT_TOKEN_WORD && strlen(word) == p->token.length &&
	       !memcmp(word, p->token.text, p->token.length);
}

/* Counts parentheses and blocks together, for both end in recursion. Nobody leaves after a failure,
 * because a failure ends the parse. */
static int enter(struct parser *p)
{
	if (++p->depth > CT_TEMPLATE_MAX_DEPTH)
		return fail(p, "nested deeper than 32");
	return 0;
}

static int add_field(struct parser *p, struct ct_operand *operand)
{
	const char *name = token_text(p);

	if (!name)
		return -ENOMEM;
	if (ct_strings_add(p->lexer.arena, &operand->fields, name) < 0)
		return ct_fail_nomem(p->lexer.err);
	return advance(p);
}

/* The .A.B that follow a variable, a field or a closing parenthesis without a blank. */
static int parse_fields(struct parser *p, struct ct_operand *operand)
{
	while (p->token.type == CT_TOKEN_FIELD && p->token.glued)
		if (add_field(p, operand) < 0)
			return -p->lexer.err->code;
	return 0;
}

/* Constants are values from the start, so that evaluation only hands them on. boolean matters for
 * true and false alone; text and count are what a number or string consists of. */
static int parse_constant(struct parser *p, struct ct_operand *operand, enum ct_json_type type)
{
	struct ct_json *constant = allocate(p, sizeof(*constant));

	if (!constant)
		return -ENOMEM;
	constant->type = type;
	constant->boolean = is_word(p, "true");
	constant->text = token_text(p);
	constant->count = p->token.length;
	if (!constant->text)
		return -ENOMEM;
	operand->type = CT_OPERAND_CONSTANT;
	operand->constant = constant;
	return advance(p);
}

/* A function, or one of the constants that look like one. */
static int parse_word(struct parser *p, struct ct_operand *operand)
{
	const char *name = token_text(p);

	if (!name)
		return -ENOMEM;
	if (is_word(p, "true") || is_word(p, "false"))
		return parse_constant(p, operand, CT_JSON_BOOL);
	if (is_word(p, "nil"))
		return parse_constant(p, operand, CT_JSON_NULL);
	operand->type = CT_OPERAND_FUNCTION;
	operand->function = ct_function_find(name);
	if (!operand->function) {
		ct_fail(p->lexer.err, EINVAL, "no such function %s", name);
		ct_hint(p->lexer.err, "fields begin with a dot: .%s", name);
		return ct_template_wrap(p->lexer.text, p->token.offset, p->lexer.err);
	}
	return advance(p);
}

/* The cast takes a const away that is for readers of the tree; here it is still being made. */
static int parse_parentheses(struct parser *p, struct ct_operand *operand)
{
	int r = enter(p);

	operand->type = CT_OPERAND_PIPE;
	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = parse_pipe(p, CT_TOKEN_CLOSE, (struct ct_pipe **)&operand->pipe);
	p->depth--;
	return r == 0 ? advance(p) : r;
}

static int parse_operand(struct parser *p, struct ct_operand *operand)
{
	operand->offset = p->token.offset;
	switch (p->token.type) {
	case CT_TOKEN_FIELD:
		operand->type = CT_OPERAND_DOT;
		return add_field(p, operand) < 0 ? -p->lexer.err->code : parse_fields(p, operand);
	case CT_TOKEN_DOT:
		operand->type = CT_OPERAND_DOT;
		return advance(p);
	case CT_TOKEN_VARIABLE:
		operand->type = CT_OPERAND_VARIABLE;
		operand->name = token_text(p);
		if (!operand->name)
			return -ENOMEM;
		return advance(p) < 0 ? -p->lexer.err->code : parse_fields(p, operand);
	case CT_TOKEN_WORD:
		return parse_word(p, operand);
	case CT_TOKEN_STRING:
		return parse_constant(p, operand, CT_JSON_STRING);
	case CT_TOKEN_NUMBER:
		return parse_constant(p, operand, CT_JSON_NUMBER);
	case CT_TOKEN_OPEN:
		if (parse_parentheses(p, operand) < 0)
			return -p->lexer.err->code;
		return parse_fields(p, operand);
	case CT_TOKEN_RIGHT:
	case CT_TOKEN_PIPE:
	case CT_TOKEN_CLOSE:
		return fail(p, "a value is missing here");
	case CT_TOKEN_COMMA:
	case CT_TOKEN_DECLARE:
	case CT_TOKEN_ASSIGN:
		break;
	}
	return fail(p, "unexpected sign, a value belongs here");
}

/* A function with too few or too many arguments is told where it stands, not when it runs. */
static int check_arguments(struct parser *p, const struct ct_command *command, bool piped)
{
	const struct ct_operand *first = command->operands;
	const struct ct_function *function = first->function;
	size_t count = piped;

	for (const struct ct_operand *o = first->next; o; o = o->next)
		count++;
	if (first->type != CT_OPERAND_FUNCTION ||
	    (count >= function->min && count <= function->max))
		return 0;
	return ct_template_fail(p->lexer.text, first->offset, p->lexer.err,
				"%s takes %s%zu argument%s, not %zu", function->name,
				function->min == function->max ? "" :
				count < function->min	       ? "at least " :
								 "at most ",
				count < function->min ? function->min : function->max,
				(count < function->min ? function->min : function->max) == 1 ? "" :
											       "s",
				count);
}

/* At least one operand, which is why "a value is missing" comes from parse_operand(). In Go, as
 * here, two values need a blank between them: "a""b" is a slip and no list. */
static int parse_command(struct parser *p, enum ct_token_type closing, bool piped,
			 struct ct_command *command)
{
	struct ct_operand **next = &command->operands;

	do {
		struct ct_operand *operand = allocate(p, sizeof(*operand));

		if (!operand)
			return -ENOMEM;
		if (*next == NULL && command->operands && p->token.glued)
			return fail(p, "a blank is missing between two values");
		if (parse_operand(p, operand) < 0)
			return -p->lexer.err->code;
		*next = operand;
		next = &operand->next;
	} while (p->token.type != closing && p->token.type != CT_TOKEN_PIPE);
	return check_arguments(p, command, piped);
}

/* Is this "$a :=", "$a =" or "$a, $b :="? Looked up in the text, so that nothing is consumed. A
 * comma counts already: no value is followed by one, so parse_declaration() can say what is
 * wrong. */
static bool is_declaration(const struct parser *p)
{
	struct ct_err ignored;
	struct ct_lexer ahead = p->lexer;
	struct ct_token token = p->token;

	ahead.err = &ignored;
	if (token.type != CT_TOKEN_VARIABLE || ct_lex_token(&ahead, &token) < 0)
		return false;
	return token.type == CT_TOKEN_DECLARE || token.type == CT_TOKEN_ASSIGN ||
	       token.type == CT_TOKEN_COMMA;
}

/* Stands at the first $name; left behind the := or =. Two variables are for range only, which the
 * caller checks, because only the caller knows what it parses. */
static int parse_declaration(struct parser *p, struct ct_pipe *pipe)
{
	for (;;) {
		if (p->token.type != CT_TOKEN_VARIABLE || !p->token.length)
			return fail(p, "a variable belongs here: $name");
		if (pipe->variable_count == 2)
			return fail(p, "more than two variables");
		pipe->variables[pipe->variable_count] = token_text(p);
		if (!pipe->variables[pipe->variable_count++])
			return -ENOMEM;
		if (advance(p) < 0)
			return -p->lexer.err->code;
		if (p->token.type != CT_TOKEN_COMMA)
			break;
		if (advance(p) < 0)
			return -p->lexer.err->code;
	}
	if (p->token.type != CT_TOKEN_DECLARE && p->token.type != CT_TOKEN_ASSIGN)
		return fail(p, ":= belongs here");
	pipe->assign = p->token.type == CT_TOKEN_ASSIGN;
	return advance(p);
}

/* closing is }} for an action and ) inside parentheses; it is looked at and not consumed, because
 * behind a }} comes text, and asking for a token there would read it as one. */
static int parse_pipe(struct parser *p, enum ct_token_type closing, struct ct_pipe **ret_pipe)
{
	struct ct_pipe *pipe = allocate(p, sizeof(*pipe));
	struct ct_command **next;

	if (!pipe)
		return -ENOMEM;
	if (is_declaration(p) && parse_declaration(p, pipe) < 0)
		return -p->lexer.err->code;
	next = &pipe->commands;
	for (;;) {
		struct ct_command *command = allocate(p, sizeof(*command));

		if (!command)
			return -ENOMEM;
		if (parse_command(p, closing, next != &pipe->commands, command) < 0)
			return -p->lexer.err->code;
		*next = command;
		next = &command->next;
		if (p->token.type == closing)
			break;
		if (advance(p) < 0)	/* the | between two commands */
			return -p->lexer.err->code;
	}
	*ret_pipe = pipe;
	return 0;
}

static int expect_right(struct parser *p, const char *behind)
{
	if (p->token.type != CT_TOKEN_RIGHT)
		return ct_template_fail(p->lexer.text, p->token.offset, p->lexer.err,
					"}} belongs behind %s", behind);
	return 0;
}

static int parse_branch(struct parser *p, enum ct_node_type type, struct ct_node *node);

/* What follows {{else: the rest of the block, or another condition that shares its {{end}}. Go has
 * no "else range", and no "else if" in a with: both end at expect_right(), with their place. */
static int parse_else(struct parser *p, struct ct_node *node)
{
	enum closing closing = CLOSED_BY_END;
	bool is_if = is_word(p, "if"), is_with = is_word(p, "with");
	struct ct_node *branch;

	if ((is_if && node->type == CT_NODE_IF) || (is_with && node->type == CT_NODE_WITH)) {
		branch = allocate(p, sizeof(*branch));
		if (!branch)
			return -ENOMEM;
		node->otherwise = branch;
		return parse_branch(p, node->type, branch);
	}
	if (expect_right(p, "else") < 0 || parse_list(p, &node->otherwise, &closing) < 0)
		return -p->lexer.err->code;
	if (closing == CLOSED_BY_ELSE)
		return fail(p, "a second else");
	if (closing != CLOSED_BY_END)
		return ct_template_fail(p->lexer.text, node->offset, p->lexer.err,
					"this block has no {{end}}");
	return 0;
}

/* if, range and with: the token is the keyword; consumed up to and with the }} of {{end}}. */
static int parse_branch(struct parser *p, enum ct_node_type type, struct ct_node *node)
{
	enum closing closing = CLOSED_BY_END;

	node->type = type;
	node->offset = p->token.offset;
	if (enter(p) < 0 || advance(p) < 0 || parse_pipe(p, CT_TOKEN_RIGHT, &node->pipe) < 0 ||
	    parse_list(p, &node->body, &closing) < 0)
		return -p->lexer.err->code;
	if (node->pipe->variable_count == 2 && type != CT_NODE_RANGE)
		return ct_template_fail(p->lexer.text, node->offset, p->lexer.err,
					"only range sets two variables");
	if (closing == CLOSED_BY_TEXT_END)
		return ct_template_fail(p->lexer.text, node->offset, p->lexer.err,
					"this block has no {{end}}");
	if (closing == CLOSED_BY_ELSE && parse_else(p, node) < 0)
		return -p->lexer.err->code;
	p->depth--;
	return 0;
}

/* The words refused here are Go's; without the list they would be called functions that do not
 * exist, with a hint to put a dot before them, which would be no help. */
static int parse_action(struct parser *p, struct ct_node *node)
{
	static const char *const missing[] = { "define", "template", "block", "break", "continue" };

	if (is_word(p, "if"))
		return parse_branch(p, CT_NODE_IF, node);
	if (is_word(p, "range"))
		return parse_branch(p, CT_NODE_RANGE, node);
	if (is_word(p, "with"))
		return parse_branch(p, CT_NODE_WITH, node);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (is_word(p, missing[i]))
			return ct_template_fail(p->lexer.text, p->token.offset, p->lexer.err,
						"%s is not supported in templates", missing[i]);
	node->type = CT_NODE_ACTION;
	node->offset = p->token.offset;
	if (parse_pipe(p, CT_TOKEN_RIGHT, &node->pipe) < 0)
		return -p->lexer.err->code;
	if (node->pipe->variable_count == 2)
		return ct_template_fail(p->lexer.text, node->offset, p->lexer.err,
					"only range sets two variables");
	return 0;
}

/* One {{...}} of a list: 1 when it closes the list, 0 when node was filled. */
static int parse_item(struct parser *p, struct ct_node *node, enum closing *ret_closing)
{
	if (advance(p) < 0)
		return -p->lexer.err->code;
	if (is_word(p, "else")) {
		*ret_closing = CLOSED_BY_ELSE;
		return advance(p) < 0 ? -p->lexer.err->code : 1;
	}
	if (is_word(p, "end")) {
		*ret_closing = CLOSED_BY_END;
		if (advance(p) < 0 || expect_right(p, "end") < 0)
			return -p->lexer.err->code;
		return 1;
	}
	return parse_action(p, node);
}

static struct ct_node *append(struct parser *p, struct ct_node ***next)
{
	struct ct_node *node = allocate(p, sizeof(*node));

	if (node) {
		**next = node;
		*next = &node->next;
	}
	return node;
}

/* {{else}} and {{end}} belong to whoever opened the block: they end the list and are reported by
 * *ret_closing, and what is right or wrong about them is the caller's to say. A node is linked in
 * after it was filled, so that no list ever shows half of one. */
static int parse_list(struct parser *p, struct ct_node **ret_list, enum closing *ret_closing)
{
	struct ct_node **next = ret_list, *node;

	for (;;) {
		const char *text;
		size_t length;
		int more = ct_lex_text(&p->lexer, &text, &length);
		int r;

		if (more < 0)
			return more;
		if (length) {
			node = append(p, &next);
			if (!node)
				return -ENOMEM;
			node->type = CT_NODE_TEXT;
			node->text = text;
			node->length = length;
		}
		if (more == 0) {
			*ret_closing = CLOSED_BY_TEXT_END;
			return 0;
		}
		if (more == 2)
			continue;
		node = allocate(p, sizeof(*node));
		if (!node)
			return -ENOMEM;
		r = parse_item(p, node, ret_closing);
		if (r != 0)
			return r < 0 ? r : 0;
		*next = node;
		next = &node->next;
	}
}

int ct_template_parse(struct ct_arena *arena, const char *text, size_t start, bool escapes,
		      const struct ct_template **ret_template, struct ct_err *err)
{
	struct parser p = {
		.lexer = {
			.arena = arena,
			.text = text,
			.offset = start,
			.escapes = escapes,
			.err = err,
		},
	};
	enum closing closing = CLOSED_BY_TEXT_END;
	struct ct_template *template = allocate(&p, sizeof(*template));

	if (!template)
		return -ENOMEM;
	template->text = text;
	if (parse_list(&p, &template->nodes, &closing) < 0)
		return -err->code;
	if (closing != CLOSED_BY_TEXT_END)
		return fail(&p, closing == CLOSED_BY_END ? "{{end}} without a block" :
							   "{{else}} without a block");
	*ret_template = template;
	return 0;
}
