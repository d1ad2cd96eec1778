/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what is read, where it was, what is refused and with which words, what is written. Pure
 * functions, so no fixtures but an arena per test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/json.h>

Suite *suite_json(void);

static struct ct_arena arena;
static struct ct_err err;

static void open_arena(void)
{
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void close_arena(void)
{
	ct_arena_close(&arena);
}

static const struct ct_json *parse(const char *text)
{
	const struct ct_json *root = NULL;
	char line[1024];

	if (ct_json_parse(&arena, "d.json", text, strlen(text), &root, &err) < 0) {
		ct_err_format(&err, line, sizeof(line));
		ck_abort_msg("%s", line);
	}
	return root;
}

/* The error line of a document that must be refused. */
static const char *refusal(const void *data, size_t size)
{
	static char line[1024];
	const struct ct_json *root = NULL;
	int r = ct_json_parse(&arena, "d.json", data, size, &root, &err);

	ck_assert_int_lt(r, 0);
	ck_assert_int_eq(r, -err.code);
	ck_assert_ptr_null(root);
	ct_err_format(&err, line, sizeof(line));
	return line;
}

START_TEST(values_keep_their_type_text_and_order)
{
	const struct ct_json *root = parse("{\"a\":[1,-2.5e3,true,false,null,\"x\"],\"b\":{}}");
	const struct ct_json *a = ct_json_get(root, "a");
	const struct ct_json *v = a->child;

	ck_assert_int_eq(root->type, CT_JSON_OBJECT);
	ck_assert_uint_eq(root->count, 2);
	ck_assert_uint_eq(a->count, 6);
	ck_assert_str_eq(v->text, "1");
	ck_assert_str_eq(v->next->text, "-2.5e3");
	ck_assert(v->next->next->boolean);
	ck_assert(!v->next->next->next->boolean);
	ck_assert_int_eq(v->next->next->next->next->type, CT_JSON_NULL);
	ck_assert_str_eq(v->next->next->next->next->next->text, "x");
	ck_assert_str_eq(a->next->key, "b");
	ck_assert_ptr_eq(a->parent, root);
	ck_assert_ptr_null(a->next->child);
}
END_TEST

START_TEST(a_value_of_any_type_may_be_the_top)
{
	ck_assert_str_eq(parse("12")->text, "12");
	ck_assert_str_eq(parse(" \"s\" ")->text, "s");
	ck_assert_int_eq(parse("null\n")->type, CT_JSON_NULL);
	ck_assert_uint_eq(parse("  -0.5")->column, 3);
}
END_TEST

START_TEST(strings_are_decoded)
{
	const struct ct_json *v = parse("\"a\\n\\t\\\"\\\\\\/\\u00e9\\ud83d\\ude00\\\\ud800\"");

	ck_assert_str_eq(v->text, "a\n\t\"\\/\xc3\xa9\xf0\x9f\x98\x80\\ud800");
	ck_assert_uint_eq(v->count, strlen(v->text));
}
END_TEST

START_TEST(every_value_knows_its_line_and_column)
{
	const struct ct_json *root = parse("{\n  \"\xc3\xa9\" : 1 , \"b\"\r\n:\n\t[ 22,\n"
					   "{} ,[]]\n}");
	const struct ct_json *one = ct_json_get(root, "\xc3\xa9"), *b = ct_json_get(root, "b");

	ck_assert_uint_eq(root->line, 1);
	ck_assert_uint_eq(root->column, 1);
	ck_assert_uint_eq(one->line, 2);
	ck_assert_uint_eq(one->column, 9);
	ck_assert_uint_eq(b->line, 4);
	ck_assert_uint_eq(b->column, 2);
	ck_assert_uint_eq(b->child->column, 4);
	ck_assert_uint_eq(b->child->next->line, 5);
	ck_assert_uint_eq(b->child->next->column, 1);
	ck_assert_uint_eq(b->child->next->next->column, 5);
}
END_TEST

START_TEST(paths_lead_to_values_and_back)
{
	static const char *const paths[] = {
		"mounts", "mounts[0]", "mounts[1].source", "mounts[1].options[0]",
		"annotations[\"org.x/y\"]", "annotations[\"org.x/y\"].deep", "annotations.plain-1",
	};
	const struct ct_json *root = parse(
		"{\"mounts\":[{},{\"source\":\"s\",\"options\":[\"ro\"]}],"
		"\"annotations\":{\"org.x/y\":{\"deep\":1},\"plain-1\":2}}");
	char path[128];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct ct_json *v = ct_json_find(root, paths[i]);

		ck_assert_msg(v != NULL, "%s not found", paths[i]);
		ck_assert_str_eq(ct_json_path(v, path, sizeof(path)), paths[i]);
	}
	ck_assert_ptr_eq(ct_json_find(root, ""), root);
	ck_assert_str_eq(ct_json_path(root, path, sizeof(path)), "");
}
END_TEST

START_TEST(paths_to_nowhere_find_nothing)
{
	static const char *const paths[] = {
		"mount", "mountsx", "mounts[2]", "mounts[0", "mounts[]", "mounts[0].source",
		"mounts.source", "mounts[99999999999999999999]", "mounts[1].source.x", "[0]",
		"[\"mounts", ".", "mounts[0]]",
	};
	const struct ct_json *root = parse("{\"mounts\":[{},{\"source\":\"s\"}]}");

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ck_assert_msg(!ct_json_find(root, paths[i]), "%s was found", paths[i]);
	ck_assert_ptr_null(ct_json_get(ct_json_get(root, "mounts"), "source"));
	ck_assert_ptr_null(ct_json_get(NULL, "mounts"));
}
END_TEST

START_TEST(a_path_that_is_too_long_is_cut)
{
	const struct ct_json *v = ct_json_find(parse("{\"abc\":{\"defghi\":1}}"), "abc.defghi");
	char path[8];

	ck_assert_str_eq(ct_json_path(v, path, sizeof(path)), "abc.def");
	ck_assert_str_eq(ct_json_path(v, path, 1), "");
}
END_TEST

static const struct {
	const char *text, *line;
} refused[] = {
	{ "", "d.json: file is empty" },
	{ " \n\t", "d.json: file has nothing but blanks" },
	{ "hello", "d.json:1:1: not JSON" },
	{ "{\"a\": nul}", "d.json:1:7: not JSON" },
	{ "{\n\t\"a\": [1,\n", "d.json:2:10: unexpected end" },
	{ "\"abc", "d.json:1:5: unexpected end" },
	{ "[tru", "d.json:1:5: unexpected end" },
	{ "[-", "d.json:1:3: unexpected end" },
	{ "{} x", "d.json:1:4: text after the end" },
	{ "{}\n{}", "d.json:2:1: text after the end" },
	{ "{},", "d.json:1:3: text after the end" },
	{ "1 2", "d.json:1:3: text after the end" },
	{ "\xef\xbb\xbf{}", "d.json:1:1: starts with a byte-order mark; remove it" },
	{ "\xff\xfe{", "d.json:1:1: is written in UTF-16; save it as UTF-8" },
	{ "{\"\xc3\xa9\":\n\"a\xff\"}", "d.json:2:3: invalid UTF-8 (byte 0xff)" },
	{ "\"\xc0\xaf\"", "d.json:1:2: invalid UTF-8 (byte 0xc0)" },
	{ "\"\xed\xa0\x80\"", "d.json:1:2: invalid UTF-8 (byte 0xed)" },
	{ "\"\xf4\x90\x80\x80\"", "d.json:1:2: invalid UTF-8 (byte 0xf4)" },
	{ "\"\xe2\x82\"", "d.json:1:2: invalid UTF-8 (byte 0xe2)" },
	{ "[\"x\", \"a\\u0000b\"]", "d.json:1:7: [1]: contains a NUL" },
	{ "{\"a\":{\"\\u0000\":1}}", "d.json:1:7: a: a name: contains a NUL" },
	{ "[\"\\ud800\"]", "d.json:1:2: [0]: contains half of a surrogate pair" },
	{ "[\"\\ud800\\u0041\"]", "d.json:1:2: [0]: contains half of a surrogate pair" },
	{ "[\"\\udc00\"]", "d.json:1:2: [0]: contains half of a surrogate pair" },
	{ "{\"p\":{\"args\":1,\n\"b\":2, \"args\":3}}",
	  "d.json:2:15: p.args: given twice (first in line 1)" },
	{ "{\"\\u0061\":1,\"a\":1}", "d.json:1:17: a: given twice (first in line 1)" },
	{ "{\"a\" 1}", "d.json:1:6: not JSON: \":\" is missing here" },
	{ "{\"a\":1 \"b\":2}", "d.json:1:8: not JSON: \",\" or \"}\" is missing here" },
	{ "[1 2]", "d.json:1:4: not JSON: \",\" or \"]\" is missing here" },
	{ "[1,]", "d.json:1:4: not JSON: a value is missing here" },
	{ "[1,,2]", "d.json:1:4: not JSON: a value is missing here" },
	{ "{1:2}", "d.json:1:2: not JSON: a name in double quotes is missing here" },
	{ "{\"a\":1,}", "d.json:1:8: not JSON: a name in double quotes is missing here" },
	{ "[01]", "d.json:1:3: not JSON: \",\" or \"]\" is missing here" },
	{ "[1.]", "d.json:1:2: not JSON: the number lacks a digit" },
	{ "[+1]", "d.json:1:2: not JSON" },
	{ "[\"a\\x\"]", "d.json:1:5: not JSON: unknown escape in a string" },
	{ "[\"a\\u00g0\"]", "d.json:1:8: not JSON: \\u needs four hexadecimal digits" },
	{ "[\"a\nb\"]", "d.json:1:4: not JSON: a line end inside a string" },
	{ "[\v1]", "d.json:1:2: not JSON: control character 0x0b" },
	{ "[1] // c", "d.json:1:5: text after the end" },
	{ "[ // c\n1]", "d.json:1:3: comments are not JSON" },
	{ "]", "d.json:1:1: not JSON: a value is missing here" },
};

START_TEST(what_is_not_acceptable_is_refused_with_its_place)
{
	ck_assert_str_eq(refusal(refused[_i].text, strlen(refused[_i].text)), refused[_i].line);
}
END_TEST

START_TEST(a_nul_byte_in_the_document_is_refused)
{
	ck_assert_str_eq(refusal("{}\0", 3), "d.json:1:3: not JSON: control character 0x00");
	ck_assert_str_eq(refusal("\"a\0b\"", 5), "d.json:1:3: not JSON: control character 0x00");
}
END_TEST

START_TEST(nesting_stops_at_64)
{
	char text[2 * 20000];

	memset(text, '[', 20000);
	memset(text + 20000, ']', 20000);
	ck_assert_str_eq(refusal(text, sizeof(text)), "d.json:1:65: nested deeper than 64");
	text[64] = '\0';
	memset(text + 64, ']', 64);
	text[128] = '\0';
	ck_assert_int_eq(parse(text)->type, CT_JSON_ARRAY);
}
END_TEST

START_TEST(a_document_may_have_one_mebibyte_and_not_a_byte_more)
{
	char ct_autofree *text = malloc(CT_JSON_MAX_SIZE + 1);
	const struct ct_json *root;

	ck_assert_ptr_nonnull(text);
	memset(text, 'a', CT_JSON_MAX_SIZE + 1);
	text[0] = '"';
	text[CT_JSON_MAX_SIZE] = '"';
	ck_assert_str_eq(refusal(text, CT_JSON_MAX_SIZE + 1),
			 "d.json: larger than 1 MiB (1048577 bytes)");
	text[CT_JSON_MAX_SIZE - 1] = '"';
	ck_assert_int_eq(ct_json_parse(&arena, "d", text, CT_JSON_MAX_SIZE, &root, &err), 0);
	ck_assert_uint_eq(root->count, CT_JSON_MAX_SIZE - 2);
}
END_TEST

START_TEST(a_mebibyte_of_escapes_or_of_members_fits_into_the_pool_and_the_arena)
{
	struct ct_buf ct_autobuf text = {0};
	const struct ct_json *root;

	ct_buf_putc(&text, '"');
	while (text.length < CT_JSON_MAX_SIZE - 8)
		ct_buf_puts(&text, "\\n");
	ct_buf_putc(&text, '"');
	ck_assert_int_eq(ct_json_parse(&arena, "d", text.data, text.length, &root, &err), 0);
	ct_buf_clear(&text);
	ct_buf_puts(&text, "{\"\":1");
	for (unsigned i = 0; text.length < CT_JSON_MAX_SIZE - 20; i++)
		ct_buf_printf(&text, ",\"%x\":1", i);
	ct_buf_putc(&text, '}');
	ck_assert_int_eq(ct_json_parse(&arena, "d", text.data, text.length, &root, &err), 0);
	ck_assert_uint_gt(root->count, 100000);
}
END_TEST

START_TEST(an_exhausted_arena_is_an_error_and_no_crash)
{
	const struct ct_json *root = NULL;

	arena.used = arena.size - 200;
	ck_assert_int_lt(ct_json_parse(&arena, "d", "[1,2,3,\"abc\",{\"a\":1}]", 21, &root,
				       &err), 0);
	ck_assert_int_eq(err.code, 12);
}
END_TEST

static const char *written(const struct ct_json *value, bool indent)
{
	static struct ct_buf buf;
	struct ct_json_writer w;

	ct_buf_clear(&buf);
	ck_assert_int_eq(ct_json_writer_open(&w, &buf, indent, &err), 0);
	ct_json_copy(&w, value);
	ct_json_writer_close(&w);
	ck_assert(!buf.failed);
	return ct_buf_text(&buf);
}

START_TEST(a_parsed_value_is_written_back_unchanged)
{
	static const char text[] = "{\"a\":[1,-2.50e+3,true,null,\"x\\n\\\"\",{}],\"b/c\":[]}";

	ck_assert_str_eq(written(parse(text), false), text);
	ck_assert_str_eq(written(parse(written(parse(text), true)), false), text);
}
END_TEST

START_TEST(what_is_empty_is_written_on_one_line)
{
	ck_assert_str_eq(written(parse("[]"), true), "[]\n");
	ck_assert_str_eq(written(parse("{}"), true), "{}\n");
	ck_assert_str_eq(written(parse("[[],{},\"[\\n\",[[]]]"), true),
			 "[\n\t[],\n\t{},\n\t\"[\\n\",\n\t[\n\t\t[]\n\t]\n]\n");
	ck_assert_str_eq(written(parse("{\"a\":{},\"b\":[]}"), true),
			 "{\n\t\"a\": {},\n\t\"b\": []\n}\n");
	ck_assert_str_eq(written(parse("[[],{}]"), false), "[[],{}]");
}
END_TEST

START_TEST(every_kind_of_value_can_be_written)
{
	const char *items[] = { "p", "q", NULL };
	struct ct_strings list = { items, 2 };
	struct ct_buf ct_autobuf buf = {0};
	struct ct_json_writer w;

	ck_assert_int_eq(ct_json_writer_open(&w, &buf, false, &err), 0);
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "s", "a\x01\x7f");
	ct_json_put_string(&w, "n", NULL);
	ct_json_put_i64(&w, "i", INT64_MIN);
	ct_json_put_u64(&w, "u", UINT64_MAX);
	ct_json_put_bool(&w, "b", true);
	ct_json_key(&w, "l");
	ct_json_strings(&w, &list);
	ct_json_key(&w, "r");
	ct_json_raw_number(&w, "0.10");
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	ct_json_writer_close(&w);
	ck_assert(!buf.failed);
	ck_assert_str_eq(ct_buf_text(&buf),
			 "{\"s\":\"a\\u0001\x7f\",\"n\":null,\"i\":-9223372036854775808,"
			 "\"u\":18446744073709551615,\"b\":true,\"l\":[\"p\",\"q\"],\"r\":0.10}");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_written_as_replacement_characters)
{
	struct ct_buf ct_autobuf buf = {0};
	struct ct_json_writer w;

	ck_assert_int_eq(ct_json_writer_open(&w, &buf, false, &err), 0);
	ct_json_string(&w, "a\xff\xc3\xa9\xe2\x82");
	ct_json_writer_close(&w);
	ck_assert_str_eq(ct_buf_text(&buf),
			 "\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

START_TEST(a_call_out_of_order_marks_the_document_as_failed)
{
	struct ct_buf ct_autobuf buf = {0};
	struct ct_json_writer w;

	ck_assert_int_eq(ct_json_writer_open(&w, &buf, false, &err), 0);
	ct_json_begin_object(&w);
	ct_json_i64(&w, 1);
	ct_json_writer_close(&w);
	ck_assert(buf.failed);
}
END_TEST

static TCase *case_of(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, open_arena, close_arena);
	return tc;
}

Suite *suite_json(void)
{
	Suite *s = suite_create("json");
	TCase *read = case_of("parse"), *tree = case_of("tree"), *write = case_of("write");

	tcase_add_test(read, values_keep_their_type_text_and_order);
	tcase_add_test(read, a_value_of_any_type_may_be_the_top);
	tcase_add_test(read, strings_are_decoded);
	tcase_add_test(read, every_value_knows_its_line_and_column);
	tcase_add_loop_test(read, what_is_not_acceptable_is_refused_with_its_place, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(read, a_nul_byte_in_the_document_is_refused);
	tcase_add_test(read, nesting_stops_at_64);
	tcase_add_test(read, a_document_may_have_one_mebibyte_and_not_a_byte_more);
	tcase_add_test(read, a_mebibyte_of_escapes_or_of_members_fits_into_the_pool_and_the_arena);
	tcase_add_test(read, an_exhausted_arena_is_an_error_and_no_crash);
	tcase_add_test(tree, paths_lead_to_values_and_back);
	tcase_add_test(tree, paths_to_nowhere_find_nothing);
	tcase_add_test(tree, a_path_that_is_too_long_is_cut);
	tcase_add_test(write, a_parsed_value_is_written_back_unchanged);
	tcase_add_test(write, what_is_empty_is_written_on_one_line);
	tcase_add_test(write, every_kind_of_value_can_be_written);
	tcase_add_test(write, bytes_that_are_no_utf8_are_written_as_replacement_characters);
	tcase_add_test(write, a_call_out_of_order_marks_the_document_as_failed);
	suite_add_tcase(s, read);
	suite_add_tcase(s, tree);
	suite_add_tcase(s, write);
	return s;
}
