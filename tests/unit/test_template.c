/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: what each construct and function gives, and what each mistake is told. The results
 * are those of Go's text/template. Runs unprivileged.
 */
#include "cli/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char document[] =
	"{\"Id\":\"abcdef\",\"Name\":\"web\",\"Pid\":42,\"Big\":9007199254740993,\"Half\":0.5,"
	"\"Neg\":-7,\"Zero\":0,\"Empty\":\"\",\"Null\":null,\"Yes\":true,\"No\":false,"
	"\"State\":{\"Status\":\"running\",\"ExitCode\":0,\"Health\":null},"
	"\"Labels\":{\"b\":\"2\",\"a\":\"1\",\"a.dot\":\"x\"},"
	"\"Args\":[\"-c\",\"echo hi\"],\"None\":[],\"Word\":\"\\u00fcber alles\","
	"\"Mounts\":[{\"Source\":\"/a\",\"RW\":true},{\"Source\":\"/b\",\"RW\":false}],"
	"\"Text\":\"say \\\"hi\\\"\\n\"}";

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
}

static int run(const char *text, bool escapes, const char *json, struct ct_buf *buf,
	       struct ct_err *err)
{
	struct ct_values values = { .arena = &arena };
	const struct ct_template *template;
	const struct ct_json *data;

	ck_assert_int_eq(ct_json_parse(&arena, "data", json, strlen(json), &data, err), 0);
	if (ct_template_parse(&arena, text, 0, escapes, &template, err) < 0)
		return -err->code;
	return ct_template_run(template, &values, data, buf, err);
}

static const struct {
	const char *text, *result;
} goods[] = {
	{ "", "" },
	{ "plain } text {", "plain } text {" },
	{ "{{.Name}}", "web" },
	{ "{{ .Name }}!", "web!" },
	{ "{{.State.Status}}", "running" },
	{ "{{.Pid}} {{.Big}} {{.Half}} {{.Neg}}", "42 9007199254740993 0.5 -7" },
	{ "{{.Yes}} {{.No}} {{.Null}}", "true false <no value>" },
	{ "{{.Args}} {{.None}}", "[-c echo hi] []" },
	{ "{{.Labels}}", "map[a:1 a.dot:x b:2]" },
	{ "{{.Labels.a}} {{.Labels.nope}}", "1 <no value>" },
	{ "{{index .Labels \"a.dot\"}}|{{index .Labels \"nope\"}}|", "x||" },
	{ "{{index .Args 1}}", "echo hi" },
	{ "{{index .Mounts 1 \"Source\"}}", "/b" },
	{ "{{(index .Mounts 0).Source}}", "/a" },
	{ "{{.Label \"a\"}}|{{.Label \"nope\"}}|", "1||" },
	{ "{{\"a\" | .Label}}", "1" },
	/* literals */
	{ "{{\"a\\tb\\n\\\"\\x41\"}}", "a\tb\n\"A" },
	{ "{{`raw \\n`}}", "raw \\n" },
	{ "{{-3}} {{4.5}} {{true}}", "-3 4.5 true" },
	/* trimming and comments */
	{ "a {{- .Name -}} b", "awebb" },
	{ "a \n {{- .Name}} b", "aweb b" },
	{ "a{{/* comment }} */}}b", "ab" },
	{ "a {{- /* comment */ -}} b", "ab" },
	{ "{{/* a */}}{{/* b */}}x{{/* c */}}", "x" },
	/* conditions */
	{ "{{if .Yes}}a{{end}}", "a" },
	{ "{{if .No}}a{{else}}b{{end}}", "b" },
	{ "{{if .No}}a{{else if .Yes}}b{{else}}c{{end}}", "b" },
	{ "{{if .No}}a{{else if .Zero}}b{{else}}c{{end}}", "c" },
	{ "{{if .Empty}}a{{end}}{{if .None}}b{{end}}{{if .Null}}c{{end}}{{if .Zero}}d{{end}}", "" },
	{ "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none" },
	{ "{{with .State}}{{.Status}}{{end}}", "running" },
	{ "{{with .Null}}x{{else}}{{.Name}}{{end}}", "web" },
	{ "{{with .Null}}x{{else with .State}}{{.Status}}{{end}}", "running" },
	{ "{{with $s := .State}}{{$s.Status}} {{$.Name}}{{end}}", "running web" },
	/* loops */
	{ "{{range .Args}}<{{.}}>{{end}}", "<-c><echo hi>" },
	{ "{{range .None}}x{{else}}nothing{{end}}", "nothing" },
	{ "{{range .Null}}x{{else}}nothing{{end}}", "nothing" },
	{ "{{range $i, $a := .Args}}{{$i}}={{$a}};{{end}}", "0=-c;1=echo hi;" },
	{ "{{range $a := .Args}}{{$a}};{{end}}", "-c;echo hi;" },
	{ "{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;a.dot=x;b=2;" },
	{ "{{range .Mounts}}{{.Source}}{{if not .RW}}:ro{{end}} {{end}}", "/a /b:ro " },
	{ "{{range .Mounts}}{{$.Name}}{{end}}", "webweb" },
	/* variables */
	{ "{{$x := .Name}}{{$x}}", "web" },
	{ "{{$x := 1}}{{if .Yes}}{{$x = 2}}{{end}}{{$x}}", "2" },
	{ "{{$x := 1}}{{if .Yes}}{{$x := 2}}{{end}}{{$x}}", "1" },
	{ "{{$m := index .Mounts 0}}{{$m.Source}}", "/a" },
	/* functions */
	{ "{{len .Name}} {{len .Args}} {{len .Labels}}", "3 2 3" },
	{ "{{slice .Id 0 3}} {{slice .Id 3}}", "abc def" },
	{ "{{json .Args}} {{json .Name}} {{json .Null}}", "[\"-c\",\"echo hi\"] \"web\" null" },
	{ "{{json .State}}", "{\"Status\":\"running\",\"ExitCode\":0,\"Health\":null}" },
	{ "{{join .Args \",\"}}", "-c,echo hi" },
	{ "{{split \"a,b,,c\" \",\"}}", "[a b  c]" },
	{ "{{index (split .Id \"c\") 1}}", "def" },
	{ "{{upper .Name}} {{lower \"ABC\"}} {{title \"ab cd\"}}", "WEB abc Ab Cd" },
	{ "{{pad .Name 1 2}}|{{pad .Empty 1 2}}|", " web  ||" },
	{ "{{truncate .Id 3}} {{truncate .Id 99}} {{truncate .Word 1}}", "abc abcdef " },
	{ "{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3" },
	{ "{{println .Name .Pid}}", "web 42\n" },
	{ "{{.Name | printf \"%s-%s\" \"x\"}}", "x-web" },
	{ "{{.Name | upper | len}}", "3" },
	/* comparison and logic */
	{ "{{eq .Pid 42}} {{eq .Name \"x\" \"web\"}} {{eq .Pid 1 2}}", "true true false" },
	{ "{{ne .Name \"x\"}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}}",
	  "true true true false true" },
	{ "{{lt .Half 1}} {{lt \"a\" \"b\"}} {{eq .Null nil}} {{eq .Name nil}}",
	  "true true true false" },
	{ "{{gt .Big 9007199254740992}}", "true" },
	{ "{{and .Yes .Name}} {{and .No .Nope}} {{or .Empty \"d\"}} {{or .Yes .Nope}}",
	  "web false d true" },
	{ "{{not .Yes}} {{if and (eq .Pid 42) (not .No)}}both{{end}}", "false both" },
	/* printf */
	{ "{{printf \"%s %v %d %t %%\" .Name .Args .Pid .Yes}}", "web [-c echo hi] 42 true %" },
	{ "{{printf \"%5s|%-5s|%05d|%3d|%-3d|\" .Name .Name .Pid 1 1}}",
	  "  web|web  |00042|  1|1  |" },
	{ "{{printf \"%05d|%x|%.2f|%.2s\" .Neg 255 .Half .Name}}", "-0007|ff|0.50|we" },
	{ "{{printf \"%q\" .Text}}", "\"say \\\"hi\\\"\\n\"" },
	{ "{{printf \"%6s|\" .Empty}}{{printf \"%5.4s|\" .Word}}", "      | über|" },
	{ "{{printf \"%.1s|%.0s|%.99s\" .Word .Word .Word}}", "ü||über alles" },
	{ "{{printf \"%x|%04x|%x\" .Neg -255 -9223372036854775808}}",
	  "-7|-0ff|-8000000000000000" },
	/* the shapes that scripts have */
	{ "{{.Name}}\t{{.Pid}}", "web\t42" },
	{ "{{range $p, $c := .Labels}}{{$p}} -> {{(index $.Mounts 0).Source}} {{end}}",
	  "a -> /a a.dot -> /a b -> /a " },
};

START_TEST(templates_give_what_go_gives)
{
	struct ct_buf buf = {0};
	struct ct_err err = {0};
	char line[1024];
	int r = run(goods[_i].text, false, document, &buf, &err);

	ct_err_format(&err, line, sizeof(line));
	ck_assert_msg(r == 0, "%s: %s", goods[_i].text, line);
	ck_assert_msg(!strcmp(ct_buf_text(&buf), goods[_i].result), "%s: got \"%s\"",
		      goods[_i].text, ct_buf_text(&buf));
	ct_buf_done(&buf);
}
END_TEST

static const struct {
	const char *text, *error;
} bads[] = {
	{ "{{.Foo}}", "template:1:3: no such field .Foo (there is .Id, .Name, .Pid, .Big, .Half, .Neg, "
		      ".Zero, .Empty, .Null, .Yes, .No, .State, .Labels, .Args, .None, .Word, .Mounts, "
		      ".Text)" },
	{ "x\n  {{.Nmae}}", "template:2:5: no such field .Nmae (did you mean .Name?)" },
	{ "{{.name}}", "template:1:3: no such field .name (did you mean .Name?)" },
	{ "{{.State.Statsu}}", "template:1:3: no such field .Statsu (did you mean .Status?)" },
	{ "{{.Name.Foo}}", "template:1:3: no field .Foo in a string" },
	{ "{{.State.Health.Status}}", "template:1:3: no field .Status in null" },
	{ "{{.Name", "template:1:8: action is not closed by }}" },
	{ "{{", "template:1:3: action is not closed by }}" },
	{ "{{}}", "template:1:3: a value is missing here" },
	{ "{{if}}x{{end}}", "template:1:5: a value is missing here" },
	{ "{{.Name |}}", "template:1:10: a value is missing here" },
	{ "{{if .Yes}}x", "template:1:3: this block has no {{end}}" },
	{ "{{if .Yes}}x{{else}}y", "template:1:3: this block has no {{end}}" },
	{ "x{{end}}", "template:1:7: {{end}} without a block" },
	{ "{{else}}", "template:1:7: {{else}} without a block" },
	{ "{{if .Yes}}{{else}}{{else}}{{end}}", "template:1:26: a second else" },
	{ "{{nope .Name}}", "template:1:3: no such function nope (fields begin with a dot: .nope)" },
	{ "{{Name}}", "template:1:3: no such function Name (fields begin with a dot: .Name)" },
	{ "{{define \"x\"}}{{end}}", "template:1:3: define is not supported in templates" },
	{ "{{break}}", "template:1:3: break is not supported in templates" },
	{ "{{$x}}", "template:1:3: no such variable $x" },
	{ "{{$x = 1}}", "template:1:8: no such variable $x" },
	{ "{{if $a, $b := .Labels}}{{end}}", "template:1:3: only range sets two variables" },
	{ "{{\"abc}}", "template:1:3: string is not closed" },
	{ "{{`abc}}", "template:1:3: string is not closed" },
	{ "{{\"\\q\"}}", "template:1:4: unknown escape in a string: \\q" },
	{ "{{/* x }}", "template:1:1: comment is not closed by */" },
	{ "{{/* x */ y}}", "template:1:10: a comment must end in */}}" },
	{ "{{.Name ? 1}}", "template:1:9: unexpected character '?'" },
	{ "über {{.Name ? 1}}", "template:1:14: unexpected character '?'" },
	{ "{{.Name.}}", "template:1:8: a blank is missing between two values" },
	{ "{{.Name \"x\"}}", "template:1:3: this value takes no arguments (only functions and .Label "
			    "do)" },
	{ "{{len}}", "template:1:3: len takes 1 argument, not 0" },
	{ "{{len 1 2}}", "template:1:3: len takes 1 argument, not 2" },
	{ "{{.Id | slice 1 2 3}}", "template:1:9: slice takes at most 3 arguments, not 4" },
	{ "{{eq 1}}", "template:1:3: eq takes at least 2 arguments, not 1" },
	{ "{{len .Pid}}", "template:1:3: len: needs a string, a list or an object, not a number" },
	{ "{{eq .Pid \"42\"}}", "template:1:3: eq: cannot compare a number with a string" },
	{ "{{lt .Yes .No}}", "template:1:3: lt: cannot compare a boolean" },
	{ "{{index .Args 2}}", "template:1:3: index: must be 0...1, not \"2\"" },
	{ "{{index .Args 1 0}}", "template:1:3: index: needs a list or an object, not a string" },
	{ "{{index .None 0}}", "template:1:3: index: the list is empty" },
	{ "{{index .Name 0}}", "template:1:3: index: needs a list or an object, not a string" },
	{ "{{index .Labels 0}}", "template:1:3: index: needs a key, which is a string, not a number" },
	{ "{{slice .Id 4 2}}", "template:1:3: slice: must be 0...2, not \"4\"" },
	{ "{{join .Name \",\"}}", "template:1:3: join: needs a list and a separator, not a string" },
	{ "{{split .Name \"\"}}", "template:1:3: split: the separator is empty" },
	{ "{{upper .Pid}}", "template:1:3: upper: needs a string, not a number" },
	{ "{{range .Name}}x{{end}}", "template:1:3: range needs a list or an object, not a string" },
	{ "{{printf \"%d\" .Name}}", "template:1:3: printf: %d needs a number, not a string" },
	{ "{{printf \"%d\" .Half}}", "template:1:3: printf: %d needs a whole number, not 0.5" },
	{ "{{printf \"%s %s\" .Name}}", "template:1:3: printf: no value left for %s" },
	{ "{{printf \"%s\" .Name .Id}}", "template:1:3: printf: 1 more values than conversions" },
	{ "{{printf \"%n\" .Pid}}", "template:1:3: printf: unknown conversion %n" },
	{ "{{printf \"%\"}}", "template:1:3: printf: the format ends in the middle of a conversion" },
	{ "{{printf \"%99999999999d\" .Pid}}", "template:1:3: printf: width over 1024" },
	{ "{{printf .Pid}}", "template:1:3: printf: needs a format, not a number" },
	{ "{{pad .Name 0 9999}}", "template:1:3: pad: must be 0...1024, not \"9999\"" },
	{ "{{len print}}", "template:1:7: put the call of print in parentheses" },
};

START_TEST(mistakes_are_told_with_their_place)
{
	struct ct_buf buf = {0};
	struct ct_err err = {0};
	char line[1024];
	int r = run(bads[_i].text, false, document, &buf, &err);

	ck_assert_msg(r < 0, "%s: got \"%s\"", bads[_i].text, ct_buf_text(&buf));
	ct_err_format(&err, line, sizeof(line));
	ck_assert_msg(!strcmp(line, bads[_i].error), "%s: got \"%s\"", bads[_i].text, line);
	ct_buf_done(&buf);
}
END_TEST

START_TEST(escapes_outside_of_actions_are_taken_where_asked)
{
	struct ct_buf buf = {0};
	struct ct_err err;

	ck_assert_int_eq(run("a\\tb\\n{{\"\\\\t\"}}\\x", true, document, &buf, &err), 0);
	ck_assert_str_eq(ct_buf_text(&buf), "a\tb\n\\t\\x");
	ct_buf_clear(&buf);
	ck_assert_int_eq(run("a\\tb", false, document, &buf, &err), 0);
	ck_assert_str_eq(ct_buf_text(&buf), "a\\tb");
	ct_buf_done(&buf);
}
END_TEST

/* "{{if .Yes}}" and the like, so many times, closed as often. */
static char *nest(const char *open, const char *middle, const char *close, int depth)
{
	struct ct_buf buf = {0};

	for (int i = 0; i < depth; i++)
		ct_buf_puts(&buf, open);
	ct_buf_puts(&buf, middle);
	for (int i = 0; i < depth; i++)
		ct_buf_puts(&buf, close);
	return buf.data;
}

START_TEST(nesting_is_bounded)
{
	struct {
		const char *open, *middle, *close;
	} forms[] = {
		{ "{{if .Yes}}", "x", "{{end}}" },
		{ "{{if .No}}{{else}}", "x", "{{end}}" },
		{ "{{with $}}", "x", "{{end}}" },
	};

	for (int i = 0; i < COUNT(forms); i++) {
		for (int depth = 30; depth < 100000; depth *= 40) {
			char *text = nest(forms[i].open, forms[i].middle, forms[i].close, depth);
			struct ct_buf buf = {0};
			struct ct_err err = {0};
			int r = run(text, false, document, &buf, &err);

			if (depth == 30)
				ck_assert_str_eq(ct_buf_text(&buf), "x");
			else
				ck_assert_int_lt(r, 0);
			ct_buf_done(&buf);
			free(text);
		}
	}
}
END_TEST

START_TEST(parentheses_are_bounded)
{
	char *inner = nest("(", ".Pid", ")", 5000), text[20000];
	struct ct_buf buf = {0};
	struct ct_err err = {0};

	snprintf(text, sizeof(text), "{{%s}}", inner);
	ck_assert_int_lt(run(text, false, document, &buf, &err), 0);
	ck_assert_str_eq(err.what, "nested deeper than 32");
	free(inner);
	inner = nest("(", ".Pid", ")", 30);
	snprintf(text, sizeof(text), "{{%s}}", inner);
	ck_assert_int_eq(run(text, false, document, &buf, &err), 0);
	ck_assert_str_eq(ct_buf_text(&buf), "42");
	ct_buf_done(&buf);
	free(inner);
}
END_TEST

/* A long chain of else-if is recursion, too. */
START_TEST(chains_of_else_if_are_bounded)
{
	struct ct_buf text = {0}, buf = {0};
	struct ct_err err = {0};

	ct_buf_puts(&text, "{{if .No}}");
	for (int i = 0; i < 50000; i++)
		ct_buf_puts(&text, "{{else if .No}}");
	ct_buf_puts(&text, "{{end}}");
	ck_assert_int_lt(run(text.data, false, document, &buf, &err), 0);
	ck_assert_str_eq(err.what, "nested deeper than 32");
	ct_buf_done(&text);
	ct_buf_done(&buf);
}
END_TEST

START_TEST(many_comments_and_actions_are_no_recursion)
{
	struct ct_buf text = {0}, buf = {0};
	struct ct_err err = {0};

	for (int i = 0; i < 4000; i++)
		ct_buf_puts(&text, "{{/* c */}}{{.Yes}}");
	ck_assert_int_eq(run(text.data, false, document, &buf, &err), 0);
	ck_assert_uint_eq(buf.length, 4000 * strlen("true"));
	ct_buf_done(&text);
	ct_buf_done(&buf);
}
END_TEST

/* Whatever is cut off a template, parsing it ends without reading past the end. */
START_TEST(every_beginning_of_a_template_is_safe)
{
	for (int i = 0; i < COUNT(goods); i++) {
		for (size_t length = 0; length < strlen(goods[i].text); length++) {
			char *text = strndup(goods[i].text, length);
			struct ct_buf buf = {0};
			struct ct_err err = {0};
			int r = run(text, true, document, &buf, &err);

			ck_assert(r == 0 || (r < 0 && err.what[0]));
			ct_buf_done(&buf);
			free(text);
		}
	}
}
END_TEST

START_TEST(labels_of_a_row_come_from_around_it)
{
	static const char json[] = "{\"Labels\":{\"k\":\"a,b=c\"},\"Row\":{\"Labels\":\"k=a,b=c\"}}";
	struct ct_values values = { .arena = &arena };
	const struct ct_template *template;
	const struct ct_json *data;
	struct ct_buf buf = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_json_parse(&arena, "data", json, strlen(json), &data, &err), 0);
	ck_assert_int_eq(ct_template_parse(&arena, "{{.Label \"k\"}} {{.Labels}}", 0, false,
					   &template, &err), 0);
	ck_assert_int_eq(ct_template_run(template, &values, ct_json_get(data, "Row"), &buf, &err),
			 0);
	ck_assert_str_eq(ct_buf_text(&buf), "a,b=c k=a,b=c");
	ct_buf_done(&buf);
}
END_TEST

START_TEST(places_count_from_the_beginning_of_what_was_given)
{
	struct ct_values values = { .arena = &arena };
	const struct ct_template *template;
	const struct ct_json *data;
	struct ct_buf buf = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_json_parse(&arena, "data", "{\"A\":1}", 7, &data, &err), 0);
	ck_assert_int_eq(ct_template_parse(&arena, "table {{.B}}", 6, false, &template, &err), 0);
	ck_assert_int_lt(ct_template_run(template, &values, data, &buf, &err), 0);
	ck_err(&err, EINVAL, "template:1:9: no such field .B (there is .A)");
	ct_buf_done(&buf);
}
END_TEST

START_TEST(a_template_can_be_run_again)
{
	struct ct_values values = { .arena = &arena };
	const struct ct_template *template;
	const struct ct_json *data;
	struct ct_buf buf = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_json_parse(&arena, "data", "{\"A\":1}", 7, &data, &err), 0);
	ck_assert_int_eq(ct_template_parse(&arena, "{{$x := .A}}{{$x}};", 0, false, &template,
					   &err), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ct_template_run(template, &values, data, &buf, &err), 0);
	ck_assert_uint_eq(buf.length, 200);
	ct_buf_done(&buf);
}
END_TEST

Suite *suite_template(void)
{
	Suite *s = suite_create("template");
	TCase *tc = tcase_create("run");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, templates_give_what_go_gives, 0, COUNT(goods));
	tcase_add_loop_test(tc, mistakes_are_told_with_their_place, 0, COUNT(bads));
	tcase_add_test(tc, escapes_outside_of_actions_are_taken_where_asked);
	tcase_add_test(tc, labels_of_a_row_come_from_around_it);
	tcase_add_test(tc, places_count_from_the_beginning_of_what_was_given);
	tcase_add_test(tc, a_template_can_be_run_again);
	suite_add_tcase(s, tc);

	tc = tcase_create("bounds");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, parentheses_are_bounded);
	tcase_add_test(tc, chains_of_else_if_are_bounded);
	tcase_add_test(tc, many_comments_and_actions_are_no_recursion);
	tcase_add_test(tc, every_beginning_of_a_template_is_safe);
	suite_add_tcase(s, tc);
	return s;
}
