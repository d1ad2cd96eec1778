/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of k8s-file and json-file as others may write them: understood, or refused, and never read
 * beyond their end. Runs unprivileged.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "conmon/log_parse.h"

#define T	"2023-11-14T22:13:20Z"

static const struct {
	enum ct_log_file kind;
	const char *line, *text;	/* NULL: no record */
	uint64_t time;
} records[] = {
	{ CT_LOG_FILE_K8S, "2023-11-14T23:13:20.5+01:00 stdout F x", "x\n", 1700000000500000000u },
	{ CT_LOG_FILE_K8S, "2023-11-14T16:43:20.123456789123-05:30 stderr P ", "", 1700000000123456789u },
	{ CT_LOG_FILE_K8S, T " stdout F:k=v:w x y", "x y\n", 1700000000000000000u },
	{ CT_LOG_FILE_K8S, T " stdout P:k=v x", "x", 1700000000000000000u },
	{ CT_LOG_FILE_K8S, T " stdout F", NULL, 0 },
	{ CT_LOG_FILE_K8S, T " stdout X x", NULL, 0 },
	{ CT_LOG_FILE_K8S, T " stdin F x", NULL, 0 },
	{ CT_LOG_FILE_K8S, "2023-11-14T22:13 stdout F x", NULL, 0 },
	{ CT_LOG_FILE_K8S, "2023-13-14T22:13:20Z stdout F x", NULL, 0 },
	{ CT_LOG_FILE_K8S, "1969-12-31T22:13:20Z stdout F x", NULL, 0 },
	{ CT_LOG_FILE_K8S, "", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"a\\u00fc\\ud83d\\udc0b\\/\\t\",\"stream\":\"stdout\",\"time\":\"" T "\"}",
	  "a\xc3\xbc\xf0\x9f\x90\x8b/\t", 1700000000000000000u },
	{ CT_LOG_FILE_JSON, "{\"time\":\"" T "\",\"attrs\":{\"a\":\"}\\\"\",\"b\":[{}]},\"stream\":\"stderr\",\"log\":\"x\\n\"}",
	  "x\n", 1700000000000000000u },
	{ CT_LOG_FILE_JSON, "{ \"log\": \"x\" , \"stream\": \"stdout\", \"n\": 1, \"time\": \"" T "\" }",
	  "x", 1700000000000000000u },
	{ CT_LOG_FILE_JSON, "{\"log\":\"\\ud800x\\udc00\",\"stream\":\"stdout\",\"time\":\"" T "\"}",
	  "\xef\xbf\xbdx\xef\xbf\xbd", 1700000000000000000u },
	{ CT_LOG_FILE_JSON, "{\"stream\":\"stdout\",\"time\":\"" T "\"}", "", 1700000000000000000u },
	{ CT_LOG_FILE_JSON, "{\"log\":\"x\",\"time\":\"" T "\"}", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"x\",\"stream\":\"stdout\"}", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"" T "\"", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"\\q\",\"stream\":\"stdout\",\"time\":\"" T "\"}", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"\\u12\",\"stream\":\"stdout\",\"time\":\"" T "\"}", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log\":\"x", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{\"log", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{}", NULL, 0 },
	{ CT_LOG_FILE_JSON, "{", NULL, 0 },
};

START_TEST(records_of_others_are_understood_or_refused)
{
	size_t size = strlen(records[_i].line);
	/* Of just that size: reading on would be seen. */
	uint8_t *line = malloc(size ? size : 1), *text = malloc(size + 1);
	struct log_record r;
	int ret;

	memcpy(line, records[_i].line, size);
	ret = ct_record_parse(records[_i].kind, line, size, text, &r);
	ck_assert_int_eq(ret, records[_i].text ? 0 : -EBADMSG);
	if (ret == 0) {
		ck_assert_uint_eq(r.size, strlen(records[_i].text));
		ck_assert_mem_eq(r.text, records[_i].text, r.size);
		ck_assert_uint_eq(r.time, records[_i].time);
	}
	free(line);
	free(text);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_log_parse(void);
Suite *suite_log_parse(void)
{
	Suite *s = suite_create("log_parse");
	TCase *tc = tcase_create("records");

	tcase_add_loop_test(tc, records_of_others_are_understood_or_refused, 0, COUNT(records));
	suite_add_tcase(s, tc);
	return s;
}
