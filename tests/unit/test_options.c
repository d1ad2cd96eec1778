/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser: every form that is taken, and every refusal with its words. Runs unprivileged.
 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define MAX_WORDS 16

struct target {
	bool interactive, tty, remove, proxy;
	enum ct_choice keep;
	const char *name, *number;
	struct ct_strings env;
};

#define OPTION(member) offsetof(struct target, member)

static const struct ct_option table[] = {
	{ .kind = CT_OPTION_HEADING, .help = "Things" },
	{ "interactive", 'i', CT_OPTION_FLAG, NULL, OPTION(interactive), "x" },
	{ "tty", 't', CT_OPTION_FLAG, NULL, OPTION(tty), "x" },
	{ "rm", 0, CT_OPTION_BOOL, NULL, OPTION(remove), "x" },
	{ "sig-proxy", 'p', CT_OPTION_BOOL, "BOOL", OPTION(proxy), "x" },
	{ "keep", 'k', CT_OPTION_CHOICE, "BOOL", OPTION(keep), "x" },
	{ "name", 0, CT_OPTION_STRING, "NAME", OPTION(name), "x" },
	{ "last", 'n', CT_OPTION_STRING, "N", OPTION(number), "x" },
	{ "env", 'e', CT_OPTION_LIST, "NAME[=VALUE]", OPTION(env), "x" },
	{ "alias", 0, CT_OPTION_STRING, "NAME", OPTION(name), NULL },
	{ 0 },
};

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

/* Parse words that are separated by one blank each; two blanks make an empty word. */
static int parse(const char *line, bool stop, struct target *target, struct ct_strings *operands,
		 struct ct_err *err)
{
	const struct ct_option_context context = { .verb = "run",
						   .table = table,
						   .stop_at_operand = stop };
	char *copy = ct_arena_strdup(&arena, line), *words[MAX_WORDS];
	int count = 0;

	while (copy && *line && count < MAX_WORDS)
		words[count++] = strsep(&copy, " ");
	return ct_options_parse(&context, &arena, count, words, target, operands, err);
}

static void ck_parse(const char *line, bool stop, struct target *target,
		     struct ct_strings *operands)
{
	struct ct_err err = {0};

	ck_assert_msg(parse(line, stop, target, operands, &err) == 0, "%s: %s", line, err.what);
}

START_TEST(short_options_cluster)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("-itn5 -eA=1 -e B -n=7", false, &t, &operands);
	ck_assert(t.interactive && t.tty);
	ck_assert_str_eq(t.number, "7");
	ck_assert_uint_eq(t.env.count, 2);
	ck_assert_str_eq(t.env.items[0], "A=1");
	ck_assert_str_eq(t.env.items[1], "B");
	ck_assert_uint_eq(operands.count, 0);
}
END_TEST

START_TEST(the_last_option_of_a_cluster_takes_the_next_word)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("-ite A=1 x", false, &t, &operands);
	ck_assert(t.interactive && t.tty);
	ck_assert_str_eq(t.env.items[0], "A=1");
	ck_assert_str_eq(operands.items[0], "x");
}
END_TEST

START_TEST(long_options_take_values_both_ways)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("--name=a --env=B=2 --last 3 --env  --alias=c", false, &t, &operands);
	ck_assert_str_eq(t.name, "c");
	ck_assert_str_eq(t.number, "3");
	ck_assert_str_eq(t.env.items[0], "B=2");
	ck_assert_str_eq(t.env.items[1], "");
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("--name=", false, &t, &operands);
	ck_assert_ptr_nonnull(t.name);
	ck_assert_str_eq(t.name, "");
}
END_TEST

START_TEST(a_value_may_look_like_an_option)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("--name --rm -n -1", false, &t, &operands);
	ck_assert_str_eq(t.name, "--rm");
	ck_assert_str_eq(t.number, "-1");
	ck_assert(!t.remove);
}
END_TEST

static const struct {
	const char *line;
	bool value;
} bools[] = {
	{ "--sig-proxy", true },       { "--sig-proxy=true", true }, { "--sig-proxy=false", false },
	{ "--sig-proxy=0", false },    { "-p", true },		     { "-p=false", false },
	{ "-ip=false", false },	       { "--sig-proxy=false -p", true },
};

START_TEST(booleans_may_be_switched_off)
{
	struct target t = { .proxy = !bools[_i].value };
	struct ct_strings operands;

	ck_parse(bools[_i].line, false, &t, &operands);
	ck_assert_int_eq(t.proxy, bools[_i].value);
}
END_TEST

START_TEST(options_may_stand_between_operands)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("a -t b --name n - -- -i --", false, &t, &operands);
	ck_assert(t.tty && !t.interactive);
	ck_assert_uint_eq(operands.count, 5);
	ck_assert_str_eq(operands.items[2], "-");
	ck_assert_str_eq(operands.items[3], "-i");
	ck_assert_str_eq(operands.items[4], "--");
	ck_assert_ptr_null(operands.items[5]);
}
END_TEST

START_TEST(the_payload_keeps_its_options)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("-t rootfs sh -c -i -- --help --nope", true, &t, &operands);
	ck_assert(t.tty && !t.interactive);
	ck_assert_uint_eq(operands.count, 7);
	ck_assert_str_eq(operands.items[1], "sh");
	ck_assert_str_eq(operands.items[4], "--");
	ck_assert_str_eq(operands.items[6], "--nope");
}
END_TEST

START_TEST(two_dashes_end_the_options_before_the_payload)
{
	struct target t = {0};
	struct ct_strings operands;

	ck_parse("-t -- -i sh -- x", true, &t, &operands);
	ck_assert(!t.interactive);
	ck_assert_uint_eq(operands.count, 4);
	ck_assert_str_eq(operands.items[0], "-i");
	ck_assert_str_eq(operands.items[2], "--");
}
END_TEST

static const struct {
	const char *line, *text;
} refusals[] = {
	{ "--x", "unknown option --x for \"run\" (see \"cattach run --help\")" },
	{ "--nmae", "unknown option --nmae for \"run\" (did you mean --name?)" },
	{ "--nmae=1", "unknown option --nmae for \"run\" (did you mean --name?)" },
	{ "--sigproxy", "unknown option --sigproxy for \"run\" (did you mean --sig-proxy?)" },
	{ "--inter", "unknown option --inter for \"run\" (did you mean --interactive?)" },
	{ "--=x", "unknown option -- for \"run\" (see \"cattach run --help\")" },
	{ "-x", "unknown option -x for \"run\" (see \"cattach run --help\")" },
	{ "-itx", "unknown option -x in -itx for \"run\" (see \"cattach run --help\")" },
	{ "-5", "unknown option -5 for \"run\" (see \"cattach run --help\")" },
	{ "--name", "--name: needs a value (--name NAME)" },
	{ "-e", "-e: needs a value (-e NAME[=VALUE])" },
	{ "-itn", "-n: needs a value (-n N)" },
	{ "--tty=yes", "--tty: takes no value, not \"yes\"" },
	{ "-t=yes", "-t: takes no value, not \"yes\"" },
	{ "--tty=", "--tty: takes no value, not \"\"" },
	{ "--help=x", "unknown option --help for \"run\" (see \"cattach run --help\")" },
};

START_TEST(refusals_name_the_option_and_the_way_out)
{
	struct target t = {0};
	struct ct_strings operands = { .count = 99 };
	struct ct_err err = {0};

	ck_assert_int_eq(parse(refusals[_i].line, false, &t, &operands, &err), -EINVAL);
	ck_err(&err, EINVAL, refusals[_i].text);
	ck_assert_int_eq(err.exit, CT_EXIT_FAILED);
	ck_assert_uint_eq(operands.count, 99);
}
END_TEST

START_TEST(a_choice_says_whether_it_was_given)
{
	static const struct {
		const char *line;
		enum ct_choice choice;
	} choices[] = {
		{ "", CT_NOT_GIVEN },	{ "--keep", CT_YES },	{ "--keep=false", CT_NO },
		{ "-k", CT_YES },	{ "-ik=0", CT_NO },	{ "--keep --keep=no x", CT_NO },
	};

	for (int i = 0; i < COUNT(choices); i++) {
		struct target t = {0};
		struct ct_strings operands;

		ck_parse(choices[i].line, false, &t, &operands);
		ck_assert_msg(t.keep == choices[i].choice, "%s: %d", choices[i].line, t.keep);
	}
}
END_TEST

START_TEST(a_boolean_that_is_none_names_its_option)
{
	struct target t = {0};
	struct ct_strings operands;
	struct ct_err err = {0};

	ck_assert_int_lt(parse("--sig-proxy=maybe", false, &t, &operands, &err), 0);
	ck_assert_str_eq(err.where, "--sig-proxy");
}
END_TEST

START_TEST(help_wins_over_what_follows)
{
	static const char *const lines[] = { "--help --nope", "-h --nope", "-ih", "x --help" };
	struct target t = {0};
	struct ct_strings operands;
	struct ct_err err = {0};

	for (int i = 0; i < COUNT(lines); i++)
		ck_assert_int_eq(parse(lines[i], false, &t, &operands, &err), CT_OPTIONS_HELP);
}
END_TEST

static const struct {
	const char *typed, *candidate;
	int distance;
} suggestions[] = {
	{ "rnu", "run", 1 },	     { "runn", "run", 1 },	  { "ru", "run", 1 },
	{ "xyz", "run", -1 },	     { "ls", "ps", -1 },	  { "up", "rm", -1 },
	{ "insepct", "inspect", 1 }, { "inpsct", "inspect", 2 },  { "detch", "detach", 1 },
	{ "inter", "interactive", 1 }, { "", "run", -1 },	  { "run", "run", 0 },
	{ "hostnmae", "hostname", 1 }, { "volmue", "volume", 1 }, { "killl", "kill", 1 },
};

START_TEST(near_words_are_suggested_and_far_ones_not)
{
	ck_assert_int_eq(ct_suggest(suggestions[_i].typed, suggestions[_i].candidate),
			 suggestions[_i].distance);
}
END_TEST

START_TEST(a_very_long_word_is_like_nothing)
{
	char word[4096];

	memset(word, 'r', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert_int_eq(ct_suggest(word, "run"), -1);
}
END_TEST

Suite *suite_options(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("parse");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, short_options_cluster);
	tcase_add_test(tc, the_last_option_of_a_cluster_takes_the_next_word);
	tcase_add_test(tc, long_options_take_values_both_ways);
	tcase_add_test(tc, an_empty_value_is_a_value);
	tcase_add_test(tc, a_value_may_look_like_an_option);
	tcase_add_loop_test(tc, booleans_may_be_switched_off, 0, COUNT(bools));
	tcase_add_test(tc, options_may_stand_between_operands);
	tcase_add_test(tc, the_payload_keeps_its_options);
	tcase_add_test(tc, two_dashes_end_the_options_before_the_payload);
	tcase_add_loop_test(tc, refusals_name_the_option_and_the_way_out, 0, COUNT(refusals));
	tcase_add_test(tc, a_choice_says_whether_it_was_given);
	tcase_add_test(tc, a_boolean_that_is_none_names_its_option);
	tcase_add_test(tc, help_wins_over_what_follows);
	suite_add_tcase(s, tc);

	tc = tcase_create("suggest");
	tcase_add_loop_test(tc, near_words_are_suggested_and_far_ones_not, 0, COUNT(suggestions));
	tcase_add_test(tc, a_very_long_word_is_like_nothing);
	suite_add_tcase(s, tc);
	return s;
}
