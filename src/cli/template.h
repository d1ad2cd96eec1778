/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates in the language of docker's and podman's --format: Go's text/template over a tree of
 * values.
 *
 * There: fields, $variables, pipelines, if, else if, range, with, end, comments, {{- -}} trimming,
 * and, or, not, eq, ne, lt, le, gt, ge, index, slice, len, print, printf, println, json, join,
 * split, lower, upper, title, pad, truncate. Not there, and refused by name: define, template,
 * block, break, continue.
 */
#ifndef CATTACH_CLI_TEMPLATE_H
#define CATTACH_CLI_TEMPLATE_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/err.h>
#include <cattach/json.h>

#include "value.h"

struct ct_template;

/**
 * ct_template_parse - parse a template
 * @arena: owns it
 * @text:  what the user gave, borrowed for as long as it is used
 * @start: offset in it where the template begins; places in errors count from the beginning of text
 * @escapes: outside of {{ }}, \t and \n stand for a tab and a newline (as in "ps --format")
 * @ret_template: set on success
 * @err:   EINVAL, where is "template:LINE:COLUMN"
 */
int ct_template_parse(struct ct_arena *arena, const char *text, size_t start, bool escapes,
		      const struct ct_template **ret_template, struct ct_err *err);

/**
 * ct_template_run - fill a template in
 * @template: parsed; may be run any number of times
 * @values: where intermediate values are made
 * @data:  what "." is
 * @buf:   receives the text
 * @err:   EINVAL, where as above: a field that does not exist, with those that do
 *
 * A method call such as {{.Label "k"}} looks in the object "Labels" of data, or in the list
 * "k=v,k=v" where that is a string.
 */
int ct_template_run(const struct ct_template *template, struct ct_values *values,
		    const struct ct_json *data, struct ct_buf *buf, struct ct_err *err);

#endif
