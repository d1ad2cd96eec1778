/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a template in: walks its tree, with "." and the variables as state.
 *
 * Recursion is bounded by the depth that the parser allows. Values are borrowed from the data or
 * made in the caller's arena. Fails on fields that do not exist, naming those that do, because a
 * script with a misspelt field must not go on with an empty string.
 *
 * What "." is: the data at first, the item inside a range, the value inside a with. "$" stays the
 * data. Variables are a stack: a range's turn and an if or with take down what was declared in them
 * (mark), as Go's scopes do, while = changes one further out.
 *
 *   pipe      a | f b      the value of a becomes the last argument of f: f b a
 *   command   f x y        a function: called      .Label "k"  the one method: call_label()
 *   operand   .A.B         from "."                $v.A        from a variable
 */
#include "template_ast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"

struct variable {
	const char *name;
	const struct ct_json *value;
};

struct run {
	const struct ct_template *template;
	struct ct_values *values;
	const struct ct_json *data;
	struct ct_buf *buf;
	struct ct_err *err;
	struct variable variables[CT_TEMPLATE_MAX_VARS];
	size_t variable_count;
};

static const struct ct_json *eval_pipe(struct run *run, const struct ct_json *dot,
				       const struct ct_pipe *pipe);
static int run_list(struct run *run, const struct ct_json *dot, const struct ct_node *node);

/*
 * Members whose keys users choose. A key that is not there is no spelling mistake then, and shows
 * as <no value>, as in Go.
 */
static bool is_map(const struct ct_json *object)
{
	static const char *const maps[] = { "Labels", "Annotations", "Sysctls", "Tmpfs",
					    "Ports",  "Networks",    "Options" };

	for (size_t i = 0; object->key && i < sizeof(maps) / sizeof(maps[0]); i++)
		if (!strcmp(object->key, maps[i]))
			return true;
	return false;
}

/* ".Id, .Name, ..." of an object, as many as a line takes. */
static void list_members(const struct ct_json *object, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const struct ct_json *child = object->child; child; child = child->next) {
		int n = snprintf(buf + used, size - used, "%s.%s", used ? ", " : "", child->key);

		if (n < 0 || (size_t)n + 8 >= size - used) {
			snprintf(buf + used, size - used, ", ...");
			return;
		}
		used += (size_t)n;
	}
}

/* Only the case is wrong more often than a letter: .Id for .ID counts as distance 0, before any
 * other guess. Without a guess the members there are get listed. */
static int fail_field(const struct run *run, size_t offset, const struct ct_json *receiver,
		      const char *name)
{
	const struct ct_json *best = NULL;
	int best_distance = 0;
	char members[200];

	if (receiver->type != CT_JSON_OBJECT) {
		return ct_template_fail(run->template->text, offset, run->err,
					"no field .%s in %s", name,
					ct_json_type_name(receiver->type));
	}
	for (const struct ct_json *child = receiver->child; child; child = child->next) {
		int distance = strcasecmp(child->key, name) ? ct_suggest(name, child->key) : 0;

		if (distance >= 0 && (!best || distance < best_distance)) {
			best = child;
			best_distance = distance;
		}
	}
	list_members(receiver, members, sizeof(members));
	ct_fail(run->err, EINVAL, "no such field .%s", name);
	if (best)
		ct_hint(run->err, "did you mean .%s?", best->key);
	else
		ct_hint(run->err, "there is %s", members);
	return ct_template_wrap(run->template->text, offset, run->err);
}

/* Follow .A.B from a value. */
static const struct ct_json *follow(struct run *run, size_t offset, const struct ct_json *value,
				    const struct ct_strings *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct ct_json *member = ct_json_get(value, fields->items[i]);

		if (!member && value->type == CT_JSON_OBJECT && is_map(value))
			member = ct_value_null(run->values);
		if (!member) {
			fail_field(run, offset, value, fields->items[i]);
			return NULL;
		}
		value = member;
	}
	return value;
}

/* From the top of the stack: the innermost of a name hides those further out. */
static struct variable *find_variable(struct run *run, const char *name)
{
	for (size_t i = run->variable_count; i > 0; i--)
		if (!strcmp(run->variables[i - 1].name, name))
			return &run->variables[i - 1];
	return NULL;
}

/* ":=". A second one of the same name hides the first until its scope ends, as in Go. */
static int declare(struct run *run, size_t offset, const char *name, const struct ct_json *value)
{
	if (run->variable_count == CT_TEMPLATE_MAX_VARS)
		return ct_template_fail(run->template->text, offset, run->err,
					"more than %d variables", CT_TEMPLATE_MAX_VARS);
	run->variables[run->variable_count++] = (struct variable){ name, value };
	return 0;
}

/* "=", which changes what was declared and declares nothing. */
static int assign(struct run *run, size_t offset, const char *name, const struct ct_json *value)
{
	struct variable *variable = find_variable(run, name);

	if (!variable)
		return ct_template_fail(run->template->text, offset, run->err,
					"no such variable $%s", name);
	variable->value = value;
	return 0;
}

static const struct ct_json *variable_value(struct run *run, const struct ct_operand *operand)
{
	const struct variable *variable;

	if (!*operand->name)
		return run->data;	/* $ alone is what the template was run with */
	variable = find_variable(run, operand->name);
	if (variable)
		return variable->value;
	ct_template_fail(run->template->text, operand->offset, run->err, "no such variable $%s",
			 operand->name);
	return NULL;
}

/* A function's name as an argument, as in "eq len 3", is refused: in Go it would be called without
 * arguments, which is never what was meant. */
static const struct ct_json *eval_operand(struct run *run, const struct ct_json *dot,
					  const struct ct_operand *operand)
{
	const struct ct_json *value = dot;

	switch (operand->type) {
	case CT_OPERAND_DOT:
		break;
	case CT_OPERAND_VARIABLE:
		value = variable_value(run, operand);
		break;
	case CT_OPERAND_CONSTANT:
		return operand->constant;
	case CT_OPERAND_FUNCTION:
		ct_template_fail(run->template->text, operand->offset, run->err,
				 "put the call of %s in parentheses", operand->function->name);
		return NULL;
	case CT_OPERAND_PIPE:
		value = eval_pipe(run, dot, operand->pipe);
		break;
	}
	return value ? follow(run, operand->offset, value, &operand->fields) : NULL;
}

/* and, or: the result is known as soon as one argument is false, or true. */
static bool decided(const struct ct_function *function, const struct ct_json *value)
{
	return function->stop_at >= 0 && ct_value_true(value) == (function->stop_at > 0);
}

/* MAX_ARGS - 1, because the value that is piped in still has to find room. How many a function
 * takes was checked by the parser. */
static const struct ct_json *call(struct run *run, const struct ct_json *dot,
				  const struct ct_operand *first, const struct ct_json *piped)
{
	struct ct_arguments args = { .values = run->values, .err = run->err };
	const struct ct_json *result;

	for (const struct ct_operand *operand = first->next; operand; operand = operand->next) {
		const struct ct_json *value = eval_operand(run, dot, operand);

		if (!value || decided(first->function, value))
			return value;
		if (args.count == CT_TEMPLATE_MAX_ARGS - 1) {
			ct_template_fail(run->template->text, operand->offset, run->err,
					 "more than %d arguments", CT_TEMPLATE_MAX_ARGS - 1);
			return NULL;
		}
		args.items[args.count++] = value;
	}
	if (piped)
		args.items[args.count++] = piped;
	result = first->function->call(&args);
	if (!result) {
		ct_wrap(run->err, "%s", first->function->name);
		ct_template_wrap(run->template->text, first->offset, run->err);
	}
	return result;
}

/* The value of KEY in "KEY=VALUE,KEY=VALUE", or "". Such a text is what another program's row has;
 * a comma within a value cannot be told from one between two labels there, which is docker's
 * ambiguity, too. */
static const struct ct_json *label_in_text(struct ct_values *values, const struct ct_json *labels,
					   const char *key)
{
	size_t length = strlen(key);

	for (const char *p = labels->text; *p; p += *p == ',') {
		size_t item = strcspn(p, ",");

		if (item > length && p[length] == '=' && !memcmp(p, key, length))
			return ct_value_string_n(values, p + length + 1, item - length - 1);
		p += item;
	}
	return ct_value_string(values, "");
}

/* What stands above a column of one label: "com.example.build-id" is docker's "build id". */
static const struct ct_json *label_title(struct run *run, const char *key)
{
	const char *dot = strrchr(key, '.');
	struct ct_json *title = ct_value_string(run->values, dot ? dot + 1 : key);

	for (char *c = (char *)(uintptr_t)title->text; c && *c; c++)
		if (*c == '-' || *c == '_')
			*c = ' ';
	return title;
}

/*
 * {{.Label "k"}}: the one method there is. A row of ps shows its labels as one text; the object
 * around the row then has them one by one. Around a row of titles they are not an object but true.
 */
static const struct ct_json *call_label(struct run *run, const struct ct_json *dot, const char *key)
{
	const struct ct_json *labels = ct_json_get(dot, "Labels"), *label;

	if (labels && labels->type == CT_JSON_STRING && dot->parent &&
	    ct_json_get(dot->parent, "Labels"))
		labels = ct_json_get(dot->parent, "Labels");
	if (labels && labels->type == CT_JSON_BOOL)
		return label_title(run, key);
	if (labels && labels->type == CT_JSON_STRING)
		return label_in_text(run->values, labels, key);
	label = labels ? ct_json_get(labels, key) : NULL;
	return label ? label : ct_value_string(run->values, "");
}

/* The key may come through the pipe as well: "k" | .Label. Anything else with arguments is a field
 * that takes none: in Go an error, too. */
static const struct ct_json *eval_method(struct run *run, const struct ct_json *dot,
					 const struct ct_operand *first,
					 const struct ct_json *piped)
{
	const struct ct_json *key = piped;

	if (first->next)
		key = eval_operand(run, dot, first->next);
	if (!key)
		return NULL;
	if (first->type == CT_OPERAND_DOT && first->fields.count == 1 &&
	    !strcmp(first->fields.items[0], "Label") && key->type == CT_JSON_STRING &&
	    (!first->next || (!first->next->next && !piped)))
		return call_label(run, dot, key->text);
	ct_fail(run->err, EINVAL, "this value takes no arguments");
	ct_hint(run->err, "only functions and .Label do");
	ct_template_wrap(run->template->text, first->offset, run->err);
	return NULL;
}

/* With arguments, or behind a "|", a field must be a method: there is one (call_label()). */
static const struct ct_json *eval_command(struct run *run, const struct ct_json *dot,
					  const struct ct_command *command,
					  const struct ct_json *piped)
{
	const struct ct_operand *first = command->operands;

	if (first->type == CT_OPERAND_FUNCTION)
		return call(run, dot, first, piped);
	if (first->next || piped)
		return eval_method(run, dot, first, piped);
	return eval_operand(run, dot, first);
}

/* The value of a pipeline, without declaring its variables. */
static const struct ct_json *pipe_value(struct run *run, const struct ct_json *dot,
					const struct ct_pipe *pipe)
{
	const struct ct_json *value = NULL;

	for (const struct ct_command *c = pipe->commands; c; c = c->next) {
		value = eval_command(run, dot, c, value);
		if (!value)
			return NULL;
		if (run->values->failed) {
			ct_fail_nomem(run->err);
			return NULL;
		}
	}
	return value;
}

static const struct ct_json *eval_pipe(struct run *run, const struct ct_json *dot,
				       const struct ct_pipe *pipe)
{
	const struct ct_json *value = pipe_value(run, dot, pipe);
	size_t offset = pipe->commands->operands->offset;
	int r = 0;

	if (!value || !pipe->variable_count)
		return value;
	if (pipe->assign)
		r = assign(run, offset, pipe->variables[0], value);
	else
		r = declare(run, offset, pipe->variables[0], value);
	return r < 0 ? NULL : value;
}

/* One turn of a range: set the variables, run the body with "." as the item. */
static int range_turn(struct run *run, const struct ct_node *node, const struct ct_json *index,
		      const struct ct_json *item)
{
	const struct ct_pipe *pipe = node->pipe;
	size_t mark = run->variable_count;
	const struct ct_json *values[2] = { index, item };
	int r = 0;

	/* one variable is the item, two are index and item */
	for (size_t i = 0; i < pipe->variable_count && r == 0; i++) {
		const struct ct_json *value = values[pipe->variable_count == 1 ? 1 : i];

		r = pipe->assign ? assign(run, node->offset, pipe->variables[i], value) :
				   declare(run, node->offset, pipe->variables[i], value);
	}
	if (r == 0)
		r = run_list(run, item, node->body);
	run->variable_count = mark;
	return r;
}

/* Go ranges over maps in the order of their keys. */
static int compare_keys(const void *a, const void *b)
{
	const struct ct_json *const *left = a, *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

/* Objects are walked in the order of their keys, arrays in their own. */
static int range_children(struct run *run, const struct ct_node *node,
			  const struct ct_json *value)
{
	const struct ct_json **items =
		ct_arena_calloc(run->values->arena, value->count, sizeof(*items));
	size_t count = 0;

	if (!items)
		return ct_fail_nomem(run->err);
	for (const struct ct_json *child = value->child; child; child = child->next)
		items[count++] = child;
	if (value->type == CT_JSON_OBJECT)
		qsort(items, count, sizeof(const struct ct_json *), compare_keys);
	for (size_t i = 0; i < count; i++) {
		const struct ct_json *index = value->type == CT_JSON_OBJECT ?
						      ct_value_string(run->values, items[i]->key) :
						      ct_value_i64(run->values, (int64_t)i);

		if (range_turn(run, node, index, items[i]) < 0)
			return -run->err->code;
	}
	return 0;
}

/* An empty list runs the else part, with "." as it was outside. null counts as
 * empty, as nil does in Go. */
static int run_range(struct run *run, const struct ct_json *dot, const struct ct_node *node)
{
	const struct ct_json *value = pipe_value(run, dot, node->pipe);

	if (!value)
		return -run->err->code;
	if (value->type == CT_JSON_NULL || (value->type == CT_JSON_ARRAY && !value->count) ||
	    (value->type == CT_JSON_OBJECT && !value->count))
		return run_list(run, dot, node->otherwise);
	if (value->type == CT_JSON_ARRAY || value->type == CT_JSON_OBJECT)
		return range_children(run, node, value);
	return ct_template_fail(run->template->text, node->offset, run->err,
				"range needs a list or an object, not %s",
				ct_json_type_name(value->type));
}

/* The variable of {{if $x := ...}} lives until its {{end}}, in both branches. */
static int run_condition(struct run *run, const struct ct_json *dot, const struct ct_node *node)
{
	size_t mark = run->variable_count;
	const struct ct_json *value = eval_pipe(run, dot, node->pipe);
	int r;

	if (!value)
		return -run->err->code;
	if (ct_value_true(value))
		r = run_list(run, node->type == CT_NODE_WITH ? value : dot, node->body);
	else
		r = run_list(run, dot, node->otherwise);
	run->variable_count = mark;
	return r;
}

/* {{$x := .A}} declares and shows nothing. */
static int run_action(struct run *run, const struct ct_json *dot, const struct ct_node *node)
{
	const struct ct_json *value = eval_pipe(run, dot, node->pipe);

	if (!value)
		return -run->err->code;
	if (!node->pipe->variable_count)
		ct_value_text(value, run->buf);
	return 0;
}

static int run_node(struct run *run, const struct ct_json *dot, const struct ct_node *node)
{
	switch (node->type) {
	case CT_NODE_TEXT:
		ct_buf_add(run->buf, node->text, node->length);
		return 0;
	case CT_NODE_ACTION:
		return run_action(run, dot, node);
	case CT_NODE_IF:
	case CT_NODE_WITH:
		return run_condition(run, dot, node);
	case CT_NODE_RANGE:
		return run_range(run, dot, node);
	}
	return 0;
}

static int run_list(struct run *run, const struct ct_json *dot, const struct ct_node *node)
{
	for (; node; node = node->next)
		if (run_node(run, dot, node) < 0)
			return -run->err->code;
	return 0;
}

/* On failure buf may hold the beginning of the output; callers print nothing of it. */
int ct_template_run(const struct ct_template *template, struct ct_values *values,
		    const struct ct_json *data, struct ct_buf *buf, struct ct_err *err)
{
	struct run run = {
		.template = template,
		.values = values,
		.data = data,
		.buf = buf,
		.err = err,
	};

	if (run_list(&run, data, template->nodes) < 0)
		return -err->code;
	if (buf->failed || values->failed)
		return ct_fail_nomem(err);
	return 0;
}
