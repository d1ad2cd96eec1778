/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden tests of config.json: tests/golden/config/NN-name.json is parsed, checked for a caller
 * without privileges, and its resources converted, as the document "config.json"; NN-name.txt has the exact line that a person
 * then reads, and is empty where the document must be accepted. NN is the row in the table of bad
 * inputs, 00 where there is none. Documents that are too big for a file are built here.
 *
 * The directory is found through CATTACH_TESTS_DIR (default: "tests").
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/spec.h>

#include "container/run_parts.h"

Suite *suite_spec_golden(void);

static void directory(char *buf, size_t size)
{
	const char *tests = getenv("CATTACH_TESTS_DIR");

	snprintf(buf, size, "%s/golden/config", tests ? tests : "tests");
}

static void read_all(const char *dir, const char *name, struct ct_buf *buf)
{
	char path[4096], chunk[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		ct_buf_add(buf, chunk, n);
	ck_assert(!ferror(f) && !buf->failed);
	fclose(f);
}

/* The line for a document, "" when it is accepted. */
static const char *verdict(const char *text, size_t size)
{
	static char line[1024];
	struct ct_arena ct_autoarena arena = {0};
	struct ct_cgroup_settings settings;
	struct ct_strings warnings = {0};
	struct ct_err err = {0};
	struct ct_spec *spec;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	line[0] = '\0';
	if (ct_spec_parse(&arena, "config.json", text, size, &spec, &err) < 0 ||
	    ct_spec_check(spec, true, &err) < 0 ||
	    ct_resources_settle(&arena, spec, NULL, &settings, &warnings, &err) < 0) {
		ck_assert_int_gt(err.code, 0);
		ck_assert_int_eq(err.exit, CT_EXIT_FAILED);
		ct_err_format(&err, line, sizeof(line));
	}
	return line;
}

/* Compare one document with its text; 1 when they differ. */
static int compare(const char *dir, const char *name)
{
	struct ct_buf ct_autobuf document = {0};
	struct ct_buf ct_autobuf expected = {0};
	size_t stem = strlen(name) - strlen(".json");
	const char *line;
	char text[300];

	snprintf(text, sizeof(text), "%.*s.txt", (int)stem, name);
	read_all(dir, name, &document);
	read_all(dir, text, &expected);
	if (expected.length && expected.data[expected.length - 1] == '\n')
		expected.data[--expected.length] = '\0';
	line = verdict(ct_buf_text(&document), document.length);
	if (strcmp(line, ct_buf_text(&expected)) == 0)
		return 0;
	printf("%s\n  expected: %s\n  got:      %s\n", name, ct_buf_text(&expected), line);
	return 1;
}

START_TEST(every_golden_document_gets_its_line)
{
	DIR ct_autodir *d = NULL;
	int differ = 0, seen = 0;
	struct dirent *entry;
	char dir[2048];

	directory(dir, sizeof(dir));
	d = opendir(dir);
	ck_assert_msg(d != NULL, "cannot open %s (CATTACH_TESTS_DIR?)", dir);
	while ((entry = readdir(d))) {
		const char *end = strrchr(entry->d_name, '.');

		if (!end || strcmp(end, ".json") != 0)
			continue;
		differ += compare(dir, entry->d_name);
		seen++;
	}
	ck_assert_msg(differ == 0, "%d of %d documents got another line", differ, seen);
	/* A directory that lost its files must not pass. */
	ck_assert_int_ge(seen, 150);
}
END_TEST

START_TEST(depth_20000_is_refused)
{
	struct ct_buf ct_autobuf text = {0};

	ct_buf_puts(&text, "{\n\t\"ociVersion\": ");
	for (int i = 0; i < 20000; i++)
		ct_buf_putc(&text, '[');
	ck_assert_str_eq(verdict(text.data, text.length),
			 "config.json:2:79: nested deeper than 64");
}
END_TEST

START_TEST(an_annotation_of_30_megabytes_is_refused)
{
	struct ct_buf ct_autobuf text = {0};

	ct_buf_puts(&text, "{\"annotations\":{\"a\":\"");
	for (int i = 0; i < 30 * 1024; i++)
		ct_buf_printf(&text, "%01000d", 0);
	ct_buf_puts(&text, "\"}}");
	ck_assert_str_eq(verdict(text.data, text.length),
			 "config.json: larger than 1 MiB (30720024 bytes)");
}
END_TEST

Suite *suite_spec_golden(void)
{
	Suite *s = suite_create("spec_golden");
	TCase *tc = tcase_create("golden");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_golden_document_gets_its_line);
	tcase_add_test(tc, depth_20000_is_refused);
	tcase_add_test(tc, an_annotation_of_30_megabytes_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
