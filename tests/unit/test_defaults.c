/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of options: every name that there is, which place counts, what gives way to what, and what
 * is said of a file that is wrong. Runs unprivileged; files are those of the fixture's directory.
 */
#include "cli/defaults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	clearenv();
}

static void teardown(void)
{
	ct_arena_close(&arena);
}

static struct ct_defaults parsed(const char *text)
{
	struct ct_defaults defaults = { 0 };
	struct ct_err err = { 0 };

	ck_assert_msg(ct_defaults_parse(&arena, "f", text, strlen(text), &defaults, &err) == 0,
		      "%s: %s: %s", text, err.where, err.what);
	return defaults;
}

static bool *nothing_given(const struct ct_verb *verb)
{
	return ct_arena_calloc(&arena, ct_options_count(verb->options) + 1, sizeof(bool));
}

static const struct ct_option *option(const struct ct_verb *verb, const char *name)
{
	const struct ct_option *found = ct_option_find(verb->options, name, strlen(name));

	ck_assert_msg(found != NULL, "%s --%s", verb->name, name);
	return found;
}

static struct ct_run_options applied(const struct ct_defaults *defaults, const struct ct_verb *verb,
				     const bool *given)
{
	struct ct_run_options options = { 0 };
	struct ct_err err = { 0 };

	ck_assert_msg(ct_defaults_apply(defaults, verb, &arena, given, &options, &err) == 0, "%s: %s",
		      err.where, err.what);
	return options;
}

/* ---- names ---- */

START_TEST(a_name_is_that_of_an_option_or_of_a_verb_and_its_option)
{
	static const struct {
		const char *key, *variable;
		const struct ct_verb *verb;
		const char *option;
	} names[] = {
		{ "logDriver", "LOG_DRIVER", NULL, "log-driver" },
		{ "logOpts", "LOG_OPTS", NULL, "log-opt" },
		{ "logOpt", "LOG_OPT", NULL, "log-opt" },
		{ "capAdd", "CAP_ADD", NULL, "cap-add" },
		{ "detachKeys", "DETACH_KEYS", NULL, "detach-keys" },
		{ "stopTimeout", "STOP_TIMEOUT", NULL, "stop-timeout" },
		{ "memory", "MEMORY", NULL, "memory" },
		{ "psFormat", "PS_FORMAT", &ct_verb_ps, "format" },
		{ "psNoTrunc", "PS_NO_TRUNC", &ct_verb_ps, "no-trunc" },
		{ "psAll", "PS_ALL", &ct_verb_ps, "all" },
		{ "psFilter", "PS_FILTER", &ct_verb_ps, "filter" },
		{ "statsFormat", "STATS_FORMAT", &ct_verb_stats, "format" },
		{ "runDetach", "RUN_DETACH", &ct_verb_run, "detach" },
		{ "execCapAdd", "EXEC_CAP_ADD", &ct_verb_exec, "cap-add" },
		{ "logsTimestamps", "LOGS_TIMESTAMPS", &ct_verb_logs, "timestamps" },
	};
	struct ct_default_name found;

	ck_assert(ct_default_find_key(names[_i].key, &found));
	ck_assert_ptr_eq(found.verb, names[_i].verb);
	ck_assert_str_eq(found.option->name, names[_i].option);
	ck_assert(ct_default_find_variable(names[_i].variable, &found));
	ck_assert_ptr_eq(found.verb, names[_i].verb);
	ck_assert_str_eq(found.option->name, names[_i].option);
}
END_TEST

START_TEST(what_names_one_thing_or_is_no_option_has_no_default)
{
	static const char *const names[] = {
		"name", "runName", "bundle", "cidfile", "execSession", "attachLatest", "stopAll",
		"rmAll", "restartRunning", "infoFormat", "updateMemory", "helpMan", "detach", "lag",
		"net", "runNet", "psAliens", "", "run", "Run", "RunTty", "log-driver", "log_driver",
		"logsReopen", "rmFilter", "stopFilter", "logsColor", "waitForOutput", "format", "psWatch",
		"aVeryLongNameThatFitsNowhereAtAllAndThatIsLongerThanEveryOptionThatThereIsToday",
	};
	struct ct_default_name found;

	ck_assert_msg(!ct_default_find_key(names[_i], &found), "%s", names[_i]);
}
END_TEST

START_TEST(variables_are_written_in_capitals)
{
	struct ct_default_name found;

	ck_assert(!ct_default_find_variable("log_driver", &found));
	ck_assert(!ct_default_find_variable("LOG-DRIVER", &found));
	ck_assert(!ct_default_find_variable("LOGDRIVER", &found));
	ck_assert(!ct_default_find_variable("", &found));
	ck_assert(!ct_default_find_variable("DEBUG", &found));
}
END_TEST

START_TEST(an_option_of_run_and_create_is_never_hidden_by_one_of_another_verb)
{
	/* "stop-timeout" is also --timeout of stop: the shared name has one meaning */
	struct ct_default_name found;

	for (const struct ct_option *o = ct_verb_create.options; o->kind != CT_OPTION_END; o++) {
		char variable[64];
		size_t i;

		if (!ct_option_is_typed(o) || !o->help)
			continue;
		for (i = 0; o->name[i]; i++)
			variable[i] = o->name[i] == '-' ? '_' : (char)(o->name[i] - ('a' - 'A'));
		variable[i] = '\0';
		if (ct_default_find_variable(variable, &found)) {
			ck_assert_ptr_null(found.verb);
			ck_assert_str_eq(found.option->name, o->name);
		}
	}
}
END_TEST

START_TEST(the_nearest_name_is_one_that_there_is)
{
	char near[128];

	ck_assert(ct_default_nearest("logDrivr", near, sizeof(near)));
	ck_assert_str_eq(near, "logDriver");
	ck_assert(ct_default_nearest("detachKey", near, sizeof(near)));
	ck_assert_str_eq(near, "detachKeys");
	ck_assert(ct_default_nearest("psFromat", near, sizeof(near)));
	ck_assert_str_eq(near, "psFormat");
	ck_assert(ct_default_nearest_variable("DETATCH_KEYS", near, sizeof(near)));
	ck_assert_str_eq(near, "DETACH_KEYS");
	ck_assert(!ct_default_nearest("xyzzy", near, sizeof(near)));
	ck_assert(!ct_default_nearest_variable("XYZZY", near, sizeof(near)));
}
END_TEST

/* ---- files ---- */

START_TEST(values_are_words_lists_and_pairs)
{
	struct ct_defaults d = parsed("{\"stopTimeout\": 30, \"logOpts\": {\"max-size\": \"1m\", \"max-file\": 2},"
				      " \"capAdd\": [\"KILL\", \"CHOWN\"], \"runRm\": true, \"memory\": null}");
	struct ct_run_options o = applied(&d, &ct_verb_run, nothing_given(&ct_verb_run));

	ck_assert_str_eq(o.stop_timeout, "30");
	ck_assert_uint_eq(o.log_opt.count, 2);
	ck_assert_str_eq(o.log_opt.items[0], "max-size=1m");
	ck_assert_str_eq(o.log_opt.items[1], "max-file=2");
	ck_assert_uint_eq(o.cap_add.count, 2);
	ck_assert_str_eq(o.cap_add.items[1], "CHOWN");
	ck_assert(o.remove);
	ck_assert_ptr_null(o.resources.memory);
	/* that of one verb is not that of another */
	o = applied(&d, &ct_verb_create, nothing_given(&ct_verb_create));
	ck_assert(!o.remove);
	ck_assert_uint_eq(o.cap_add.count, 2);
}
END_TEST

START_TEST(what_is_wrong_with_a_file_is_said_with_its_place)
{
	static const struct {
		const char *text, *where, *what, *hint;
	} wrong[] = {
		{ "{\"logDrivr\":1}", "f:1:13: logDrivr", "no option has such a default",
		  "did you mean logDriver?" },
		{ "{\n\"xyzzy\": 1}", "f:2:10: xyzzy", "no option has such a default",
		  "\"cattach help --man\" says how they are named" },
		{ "[]", "f:1:1", "must be an object of defaults, not a list", "" },
		{ "{\"capAdd\": \"KILL\"}", "f:1:12: capAdd", "must be a list of strings, not a string",
		  "" },
		{ "{\"capAdd\": {\"a\": \"b\"}}", "f:1:12: capAdd",
		  "must be a list of strings, not an object", "" },
		{ "{\"capAdd\": [\"a\",\n [1]]}", "f:2:2: capAdd[1]", "must be a string, not a list", "" },
		{ "{\"logOpts\": {\"max-size\": true}}", "f:1:26: logOpts.max-size",
		  "must be a string, not a boolean", "" },
		{ "{\"logOpts\": 1}", "f:1:13: logOpts",
		  "must be an object or a list of strings, not a number", "" },
		{ "{\"runRm\": \"true\"}", "f:1:11: runRm", "must be true or false, not a string", "" },
		{ "{\"logDriver\": false}", "f:1:15: logDriver", "must be a string, not a boolean", "" },
		{ "{", "f:1:2", "unexpected end", "correct it, or move it away" },
	};
	struct ct_defaults defaults = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_lt(ct_defaults_parse(&arena, "f", wrong[_i].text, strlen(wrong[_i].text),
					   &defaults, &err), 0);
	ck_assert_str_eq(err.where, wrong[_i].where);
	ck_assert_str_eq(err.what, wrong[_i].what);
	ck_assert_str_eq(err.hint, wrong[_i].hint);
}
END_TEST

/* ---- which one counts ---- */

static const char *driver(const struct ct_defaults *defaults, const bool *given)
{
	struct ct_run_options o = applied(defaults, &ct_verb_run, given);

	return o.log_driver ? o.log_driver : "";
}

static struct ct_defaults loaded(const char *text)
{
	struct ct_defaults file = parsed(text), all;
	struct ct_err err = { 0 };

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	ck_assert_int_eq(ct_defaults_load(&arena, &all, &err), 0);
	ck_assert(!all.found);
	for (size_t i = 0; i < all.count; i++)
		ck_assert_int_eq(ct_default_add(&arena, &file, &all.items[i], &err), 0);
	return file;
}

START_TEST(the_nearest_place_counts)
{
	bool *given = nothing_given(&ct_verb_run);
	struct ct_defaults d = loaded("{}");

	ck_assert_str_eq(driver(&d, given), "");
	d = loaded("{\"logDriver\": \"a\"}");
	ck_assert_str_eq(driver(&d, given), "a");
	d = loaded("{\"runLogDriver\": \"b\", \"logDriver\": \"a\"}");
	ck_assert_str_eq(driver(&d, given), "b");
	setenv("CATTACH_LOG_DRIVER", "c", 1);
	d = loaded("{\"runLogDriver\": \"b\", \"logDriver\": \"a\"}");
	ck_assert_str_eq(driver(&d, given), "c");
	setenv("CATTACH_RUN_LOG_DRIVER", "d", 1);
	d = loaded("{\"runLogDriver\": \"b\"}");
	ck_assert_str_eq(driver(&d, given), "d");
	given[option(&ct_verb_run, "log-driver") - ct_verb_run.options] = true;
	ck_assert_str_eq(driver(&d, given), "");
}
END_TEST

START_TEST(an_empty_variable_is_not_set_and_words_make_a_list)
{
	struct ct_run_options o;
	struct ct_defaults d;

	setenv("CATTACH_LOG_DRIVER", "", 1);
	setenv("CATTACH_CAP_ADD", " KILL\tCHOWN\n SETUID ", 1);
	setenv("CATTACH_SOMEBODY_ELSES", "x", 1);
	setenv("CATTACH_", "x", 1);
	d = loaded("{\"logDriver\": \"a\", \"capAdd\": [\"FOWNER\"]}");
	o = applied(&d, &ct_verb_run, nothing_given(&ct_verb_run));
	ck_assert_str_eq(o.log_driver, "a");
	ck_assert_uint_eq(o.cap_add.count, 3);
	ck_assert_str_eq(o.cap_add.items[0], "KILL");
	ck_assert_str_eq(o.cap_add.items[2], "SETUID");
}
END_TEST

START_TEST(an_option_under_another_name_is_given_too)
{
	struct ct_defaults d = parsed("{\"network\": \"host\"}");
	bool *given = nothing_given(&ct_verb_run);

	ck_assert_str_eq(applied(&d, &ct_verb_run, given).network, "host");
	given[option(&ct_verb_run, "net") - ct_verb_run.options] = true;
	ck_assert_ptr_null(applied(&d, &ct_verb_run, given).network);
}
END_TEST

START_TEST(a_default_gives_way_to_what_makes_it_senseless)
{
	struct ct_defaults d = parsed("{\"logOpts\": [\"path=/x\"], \"capAdd\": [\"KILL\"],"
				      " \"capDrop\": [\"CHOWN\"]}");
	bool *given = nothing_given(&ct_verb_run);
	struct ct_run_options o = applied(&d, &ct_verb_run, given);

	ck_assert_uint_eq(o.log_opt.count, 1);
	ck_assert_uint_eq(o.cap_add.count, 1);
	given[option(&ct_verb_run, "log-driver") - ct_verb_run.options] = true;
	given[option(&ct_verb_run, "cap-drop") - ct_verb_run.options] = true;
	o = applied(&d, &ct_verb_run, given);
	ck_assert_uint_eq(o.log_opt.count, 0);
	ck_assert_uint_eq(o.cap_add.count, 0);
	/* what takes away stays when something is added */
	given = nothing_given(&ct_verb_run);
	given[option(&ct_verb_run, "cap-add") - ct_verb_run.options] = true;
	ck_assert_uint_eq(applied(&d, &ct_verb_run, given).cap_drop.count, 1);
	/* and a nearer default is as good as the command line */
	setenv("CATTACH_LOG_DRIVER", "none", 1);
	d = loaded("{\"logDriver\": \"k8s-file\", \"logOpts\": [\"path=/x\"]}");
	ck_assert_uint_eq(applied(&d, &ct_verb_run, nothing_given(&ct_verb_run)).log_opt.count, 0);
}
END_TEST

START_TEST(a_default_gives_way_to_what_excludes_it)
{
	static const char *const health[] = { "healthCmd", "healthInterval", "healthTimeout",
					      "healthRetries", "healthStartPeriod",
					      "healthStartInterval", "healthOnFailure" };
	struct ct_defaults d = parsed("{\"rm\": true, \"restart\": \"always\", \"noHealthcheck\": true}");
	bool *given = nothing_given(&ct_verb_run);

	given[option(&ct_verb_run, "restart") - ct_verb_run.options] = true;
	given[option(&ct_verb_run, "health-cmd") - ct_verb_run.options] = true;
	ck_assert(!applied(&d, &ct_verb_run, given).remove);
	ck_assert(!applied(&d, &ct_verb_run, given).health.no_check);
	given = nothing_given(&ct_verb_run);
	given[option(&ct_verb_run, "rm") - ct_verb_run.options] = true;
	ck_assert_ptr_null(applied(&d, &ct_verb_run, given).restart);
	ck_assert(applied(&d, &ct_verb_run, given).health.no_check);
	given = nothing_given(&ct_verb_run);
	given[option(&ct_verb_run, "no-healthcheck") - ct_verb_run.options] = true;
	for (int i = 0; i < COUNT(health); i++) {
		static const struct ct_run_options none;
		struct ct_run_options o;
		char text[64];

		/* Alone they would not count in any case. */
		snprintf(text, sizeof(text), i ? "{\"healthCmd\": \"x\", \"%s\": \"1\"}" :
						 "{\"%s\": \"1\"}", health[i]);
		d = parsed(text);
		o = applied(&d, &ct_verb_run, given);
		ck_assert_msg(!memcmp(&o, &none, sizeof(o)), "%s", text);
	}
}
END_TEST

START_TEST(a_default_of_how_something_is_done_is_for_those_who_do_it)
{
	struct ct_defaults d = parsed("{\"healthInterval\": \"1s\", \"healthTimeout\": \"1s\", "
				      "\"healthRetries\": \"1\", \"healthStartPeriod\": \"1s\", "
				      "\"healthStartInterval\": \"1s\", \"healthOnFailure\": \"kill\", "
				      "\"memorySwap\": \"1g\"}");
	bool *given = nothing_given(&ct_verb_run);
	static const struct ct_run_options none;
	struct ct_run_options o = applied(&d, &ct_verb_run, given);

	ck_assert(!memcmp(&o, &none, sizeof(o)));
	given[option(&ct_verb_run, "health-cmd") - ct_verb_run.options] = true;
	o = applied(&d, &ct_verb_run, given);
	ck_assert_str_eq(o.health.interval, "1s");
	ck_assert_str_eq(o.health.timeout, "1s");
	ck_assert_str_eq(o.health.retries, "1");
	ck_assert_str_eq(o.health.start_period, "1s");
	ck_assert_str_eq(o.health.start_interval, "1s");
	ck_assert_str_eq(o.health.on_failure, "kill");
	ck_assert_ptr_null(o.resources.memory_swap);
	given[option(&ct_verb_run, "memory") - ct_verb_run.options] = true;
	ck_assert_str_eq(applied(&d, &ct_verb_run, given).resources.memory_swap, "1g");
	/* One that is a default, too, does as well. */
	d = parsed("{\"memory\": \"1g\", \"memorySwap\": \"2g\"}");
	ck_assert_str_eq(applied(&d, &ct_verb_create, nothing_given(&ct_verb_create)).resources.memory_swap,
			 "2g");
}
END_TEST

START_TEST(keys_that_are_a_default_are_not_taken_for_given_ones)
{
	struct ct_defaults d = parsed("{\"detachKeys\": \"ctrl-x\"}");
	struct ct_run_options o = applied(&d, &ct_verb_run, nothing_given(&ct_verb_run));

	ck_assert_ptr_null(o.detach_keys);
	ck_assert_str_eq(o.default_keys, "ctrl-x");
	ck_assert_ptr_nonnull(ct_defaults_for(&d, &ct_verb_exec, option(&ct_verb_exec, "detach-keys")));
	ck_assert_ptr_nonnull(ct_defaults_for(&d, &ct_verb_start, option(&ct_verb_start, "detach-keys")));
}
END_TEST

START_TEST(a_default_of_capabilities_is_for_what_makes_containers)
{
	struct ct_defaults d = parsed("{\"capAdd\": [\"KILL\"], \"user\": \"x\"}");

	ck_assert_ptr_null(ct_defaults_for(&d, &ct_verb_exec, option(&ct_verb_exec, "cap-add")));
	ck_assert_ptr_null(ct_defaults_for(&d, &ct_verb_exec, option(&ct_verb_exec, "user")));
	ck_assert_ptr_nonnull(ct_defaults_for(&d, &ct_verb_create, option(&ct_verb_create, "user")));
}
END_TEST

/* ---- errors ---- */

START_TEST(an_error_about_an_option_names_the_place_of_its_default)
{
	struct ct_defaults d = parsed("{\"logDriver\": \"x\", \"logOpts\": [\"y\"]}");
	const bool *given = nothing_given(&ct_verb_run);
	struct ct_err err = { 0 };

	ct_fail(&err, EINVAL, "no");
	ct_wrap(&err, "--log-driver");
	ct_defaults_explain(&d, &ct_verb_run, given, &err);
	ck_assert_str_eq(err.where, "f:1:15: logDriver");
	ct_fail(&err, EINVAL, "no");
	ct_wrap(&err, "web: --log-opt max-size");
	ct_defaults_explain(&d, &ct_verb_run, given, &err);
	ck_assert_str_eq(err.where, "web: f:1:31: logOpts max-size");
	ct_fail(&err, EINVAL, "--log-driver x and --log-opt y exclude each other");
	ct_defaults_explain(&d, &ct_verb_run, given, &err);
	ck_assert_str_eq(err.where, "f:1:15: logDriver");
	/* not its fault */
	ct_fail(&err, EINVAL, "no");
	ct_wrap(&err, "--log-driver-of-another");
	ct_defaults_explain(&d, &ct_verb_run, given, &err);
	ck_assert_str_eq(err.where, "--log-driver-of-another");
}
END_TEST

START_TEST(a_wrong_value_names_the_variable)
{
	struct ct_run_options options = { 0 };
	struct ct_err err = { 0 };
	struct ct_defaults d;

	setenv("CATTACH_RUN_TTY", "perhaps", 1);
	d = loaded("{}");
	ck_assert_int_lt(ct_defaults_apply(&d, &ct_verb_run, &arena, nothing_given(&ct_verb_run),
					   &options, &err), 0);
	ck_assert_str_eq(err.where, "CATTACH_RUN_TTY");
	ck_assert_str_eq(err.what, "must be true or false, not \"perhaps\"");
}
END_TEST

Suite *suite_defaults(void);

Suite *suite_defaults(void)
{
	Suite *suite = suite_create("defaults");
	TCase *names = tcase_create("names"), *files = tcase_create("files");
	TCase *order = tcase_create("order"), *errors = tcase_create("errors");

	tcase_add_checked_fixture(names, setup, teardown);
	tcase_add_loop_test(names, a_name_is_that_of_an_option_or_of_a_verb_and_its_option, 0, 15);
	tcase_add_loop_test(names, what_names_one_thing_or_is_no_option_has_no_default, 0, 30);
	tcase_add_test(names, variables_are_written_in_capitals);
	tcase_add_test(names, an_option_of_run_and_create_is_never_hidden_by_one_of_another_verb);
	tcase_add_test(names, the_nearest_name_is_one_that_there_is);
	suite_add_tcase(suite, names);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, values_are_words_lists_and_pairs);
	tcase_add_loop_test(files, what_is_wrong_with_a_file_is_said_with_its_place, 0, 11);
	suite_add_tcase(suite, files);
	tcase_add_checked_fixture(order, setup, teardown);
	tcase_add_test(order, the_nearest_place_counts);
	tcase_add_test(order, an_empty_variable_is_not_set_and_words_make_a_list);
	tcase_add_test(order, an_option_under_another_name_is_given_too);
	tcase_add_test(order, a_default_gives_way_to_what_makes_it_senseless);
	tcase_add_test(order, a_default_gives_way_to_what_excludes_it);
	tcase_add_test(order, a_default_of_how_something_is_done_is_for_those_who_do_it);
	tcase_add_test(order, keys_that_are_a_default_are_not_taken_for_given_ones);
	tcase_add_test(order, a_default_of_capabilities_is_for_what_makes_containers);
	suite_add_tcase(suite, order);
	tcase_add_checked_fixture(errors, setup, teardown);
	tcase_add_test(errors, an_error_about_an_option_names_the_place_of_its_default);
	tcase_add_test(errors, a_wrong_value_names_the_variable);
	suite_add_tcase(suite, errors);
	return suite;
}
