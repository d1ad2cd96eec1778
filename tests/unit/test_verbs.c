/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of verbs: every entry is complete, no option is there twice, and names that are near
 * one are understood. Also the rows of ps, the tree of inspect and the filters, which need no
 * container on disk. Runs unprivileged.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "cli/inspect.h"
#include "cli/ps.h"
#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define SECOND UINT64_C(1000000000)
#define NOW (UINT64_C(1700000000) * SECOND)

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

/* A sentence without its period, as help and the manual pages need it. */
static void ck_help_text(const char *verb, const char *option, const char *text)
{
	ck_assert_msg(text && *text, "%s --%s: no text", verb, option);
	ck_assert_msg(text[strlen(text) - 1] != '.' || strstr(text, "..."), "%s --%s: ends in a period",
		      verb, option);
	ck_assert_msg(!islower((unsigned char)*text) || *text == '"' || strchr(text, '='),
		      "%s --%s: \"%s\" begins in lower case", verb, option, text);
}

static void ck_option(const struct ct_verb *verb, const struct ct_option *option)
{
	bool value = option->kind == CT_OPTION_STRING || option->kind == CT_OPTION_LIST;

	if (option->kind == CT_OPTION_HEADING) {
		ck_assert(!option->name && option->help);
		return;
	}
	if (option->kind == CT_OPTION_DEFAULT) {
		ck_assert(ct_option_find(verb->options, option->name, strlen(option->name)) != NULL);
		return;
	}
	if (option->help)
		ck_help_text(verb->name, option->name, option->help);
	ck_assert_msg(!value || option->metavar, "%s --%s: no metavar", verb->name, option->name);
	ck_assert_msg(option->offset < verb->options_size, "%s --%s: offset", verb->name,
		      option->name);
	ck_assert_msg(strcmp(option->name, "help"), "%s: --help belongs to the parser", verb->name);
	for (const struct ct_option *other = option + 1; other->kind != CT_OPTION_END; other++) {
		if (!ct_option_is_typed(other))
			continue;
		ck_assert_msg(strcmp(option->name, other->name), "%s --%s twice", verb->name,
			      option->name);
		ck_assert_msg(!option->letter || option->letter != other->letter, "%s -%c twice",
			      verb->name, option->letter);
	}
}

START_TEST(every_verb_is_complete)
{
	for (size_t i = 0; ct_verbs[i]; i++) {
		const struct ct_verb *verb = ct_verbs[i];

		ck_assert(verb->name && verb->synopsis && verb->handler && verb->operand);
		ck_help_text(verb->name, "", verb->summary);
		ck_assert_msg(verb->description && *verb->description, "%s", verb->name);
		ck_assert(verb->min_operands <= verb->max_operands);
		for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++)
			ck_option(verb, o);
	}
}
END_TEST

START_TEST(examples_have_a_command_and_an_explanation)
{
	for (size_t i = 0; ct_verbs[i]; i++) {
		const char *line = ct_verbs[i]->examples;

		while (line && *line) {
			size_t length = strcspn(line, "\n");

			ck_assert_msg(strcspn(line, "\t") < length, "%s", ct_verbs[i]->name);
			line += length + (line[length] == '\n');
		}
	}
}
END_TEST

START_TEST(every_verb_has_help_that_fits_into_80_columns)
{
	for (size_t i = 0; ct_verbs[i]; i++) {
		struct ct_buf buf = {0};

		ct_help_verb(&buf, ct_verbs[i]);
		ck_assert(!buf.failed);
		for (const char *line = buf.data; *line;) {
			size_t length = strcspn(line, "\n");
			bool example = !strncmp(line, "  cattach", 9);

			ck_assert_msg(length <= 80 || example, "%s: %.*s", ct_verbs[i]->name,
				      (int)length, line);
			ck_assert_msg(!length || line[length - 1] != ' ', "%s: blank at the end: %.*s",
				      ct_verbs[i]->name, (int)length, line);
			line += length + (line[length] == '\n');
		}
		ct_buf_done(&buf);
	}
}
END_TEST

static const struct {
	const char *typed, *text;
} unknown[] = {
	{ "rnu", "unknown command \"rnu\" (did you mean \"run\"?)" },
	{ "insepct", "unknown command \"insepct\" (did you mean \"inspect\"?)" },
	{ "vers", "unknown command \"vers\" (did you mean \"version\"?)" },
	{ "frobnicate", "unknown command \"frobnicate\" (\"cattach help\" lists the commands)" },
	{ "", "unknown command \"\" (\"cattach help\" lists the commands)" },
	{ "RUN", "unknown command \"RUN\" (\"cattach help\" lists the commands)" },
	{ "\033[2J", "unknown command \"\\x1b[2J\" (\"cattach help\" lists the commands)" },
};

START_TEST(unknown_verbs_get_the_nearest_one)
{
	const struct ct_verb *verb = NULL;
	struct ct_err err = {0};

	ck_assert_int_lt(ct_verb_find(unknown[_i].typed, &verb, &err), 0);
	ck_assert_ptr_null(verb);
	ck_err(&err, EINVAL, unknown[_i].text);
}
END_TEST

START_TEST(verbs_are_found_by_name)
{
	const struct ct_verb *verb = NULL;
	struct ct_err err = {0};

	for (size_t i = 0; ct_verbs[i]; i++) {
		ck_assert_int_eq(ct_verb_find(ct_verbs[i]->name, &verb, &err), 0);
		ck_assert_ptr_eq(verb, ct_verbs[i]);
	}
}
END_TEST

static const struct {
	const char *verb, *words[4], *text;
} calls[] = {
	{ "rm", { 0 }, "rm needs a CONTAINER, or --all (usage: cattach rm [OPTIONS] CONTAINER...)" },
	{ "wait", { 0 }, "wait needs a CONTAINER, or --latest (usage: cattach wait [OPTIONS] CONTAINER...)" },
	{ "ps", { "x" }, "ps takes no operands (usage: cattach ps [OPTIONS])" },
	{ "help", { "a", "b" }, "help takes one COMMAND, not 2 (usage: cattach help [COMMAND])" },
	{ "kill", { "-s", "BOGUS", "x" }, "--signal: unknown signal \"BOGUS\"" },
	{ "run", { 0 }, "run needs a BUNDLE or ROOTFS (usage: cattach run [OPTIONS] BUNDLE|ROOTFS "
			"[COMMAND [ARG...]])" },
	{ "run", { "--bundle=a", "--rootfs=b" }, "--bundle and --rootfs exclude each other (a bundle "
						 "names its own root file system)" },
	{ "spec", { "-b", "a", "-ob" }, "--bundle and --output exclude each other (--bundle DIR writes "
					"DIR/config.json)" },
	{ "inspect", { "--type=image", "x" }, "--type: unknown type \"image\" (there are only "
					      "containers)" },
};

START_TEST(wrong_calls_are_refused_before_anything_happens)
{
	const struct ct_verb *verb = NULL;
	struct ct_err err = {0};
	char line[1024];
	int count = 0;

	while (calls[_i].words[count])
		count++;
	ck_assert_int_eq(ct_verb_find(calls[_i].verb, &verb, &err), 0);
	ck_assert_int_lt(ct_verb_call(verb, &arena, count, (char *const *)(uintptr_t)calls[_i].words,
				      &err), 0);
	ct_err_format(&err, line, sizeof(line));
	/* the list of signals may be hinted at behind it */
	ck_assert_msg(!strncmp(line, calls[_i].text, strlen(calls[_i].text)), "%s", line);
	ck_assert_int_eq(err.exit, CT_EXIT_FAILED);
}
END_TEST

static struct ct_spec_pair label_pairs[] = { { "app", "web" }, { "note", "a,b=c" } };

static struct ct_container sample(enum ct_state state)
{
	struct ct_container c = CT_CONTAINER_INIT;

	c.meta.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	c.meta.name = "web";
	c.meta.source = "./bundle";
	c.meta.bundle = "/there/bundle";
	c.meta.rootfs = "/there/bundle/rootfs";
	c.meta.created = NOW - 180 * SECOND;
	c.meta.labels.items = label_pairs;
	c.meta.labels.count = 2;
	c.state = state;
	c.status.started = NOW - 120 * SECOND;
	c.status.pid = 77;
	c.status.monitor_pid = 76;
	if (state == CT_STATE_STOPPED) {
		c.status.state = CT_STATUS_EXITED;
		c.status.finished = NOW - 3 * SECOND;
		c.status.exit.value = 7;
	}
	return c;
}

static const struct {
	enum ct_state state;
	const char *text;
} statuses[] = {
	{ CT_STATE_RUNNING, "Up 2 minutes" },	  { CT_STATE_PAUSED, "Up 2 minutes (Paused)" },
	{ CT_STATE_STOPPED, "Exited (7) 3 seconds ago" }, { CT_STATE_CREATED, "Created" },
	{ CT_STATE_CREATING, "Creating" },	  { CT_STATE_DAMAGED, "Damaged" },
	{ CT_STATE_FOREIGN, "Foreign" },
};

START_TEST(status_texts_are_dockers)
{
	struct ct_values values = { .arena = &arena };
	struct ct_container c = sample(statuses[_i].state);

	ck_assert_str_eq(ct_ps_status(&values, &c, NOW), statuses[_i].text);
}
END_TEST

START_TEST(an_end_for_want_of_memory_is_told_from_a_kill)
{
	struct ct_values values = { .arena = &arena };
	struct ct_container c = sample(CT_STATE_STOPPED);

	c.status.oom_killed = true;
	ck_assert_str_eq(ct_ps_status(&values, &c, NOW), "Exited (7) 3 seconds ago (out of memory)");
}
END_TEST

static const struct ct_store kept = { .path = "/store" };

START_TEST(an_end_that_nobody_saw_is_unknown)
{
	struct ct_values values = { .arena = &arena };
	struct ct_container c = sample(CT_STATE_STOPPED);
	const struct ct_json *tree;

	c.status.state = CT_STATUS_RUNNING;
	c.damage = "its monitor was killed";
	ck_assert_str_eq(ct_ps_status(&values, &c, NOW), "Exited (unknown)");
	tree = ct_inspect_tree(&values, &kept, &c, NULL, NULL);
	ck_assert_str_eq(ct_json_find(tree, "State.ExitCode")->text, "255");
	ck_assert_str_eq(ct_json_find(tree, "State.Error")->text, "its monitor was killed");
	ck_assert_str_eq(ct_json_find(tree, "State.Pid")->text, "0");
}
END_TEST

static const struct ct_json *row_of(const char *const *args, const struct ct_ps_style *style,
				    struct ct_values *values)
{
	struct ct_container c = sample(CT_STATE_RUNNING);
	struct ct_strings list = { .items = (const char **)(uintptr_t)args };

	while (args[list.count])
		list.count++;
	return ct_ps_row(values, &c, &list, style);
}

static const struct {
	const char *args[4], *shown, *whole;
} commands[] = {
	{ { "sh" }, "\"sh\"", "\"sh\"" },
	{ { "sh", "-c", "exit 7" }, "\"sh -c exit 7\"", "\"sh -c exit 7\"" },
	{ { "12345678901234567890" }, "\"12345678901234567890\"", "\"12345678901234567890\"" },
	{ { "123456789012345678901" }, "\"1234567890123456789…\"", "\"123456789012345678901\"" },
	{ { "say", "\"hi\"", "\\" }, "\"say \\\"hi\\\" \\\\\"", "\"say \\\"hi\\\" \\\\\"" },
	{ { "a\033[2Jb\n" }, "\"a\\x1b[2Jb\\n\"", "\"a\\x1b[2Jb\\n\"" },
	{ { "üüüüüüüüüüüüüüüüüüüüü" }, "\"üüüüüüüüüüüüüüüüüüü…\"", "\"üüüüüüüüüüüüüüüüüüüüü\"" },
	{ { 0 }, "\"\"", "\"\"" },
};

START_TEST(commands_are_quoted_and_cut)
{
	struct ct_values values = { .arena = &arena };
	struct ct_ps_style style = { .escape = true, .now = NOW };
	const struct ct_json *row = row_of(commands[_i].args, &style, &values);

	ck_assert_str_eq(ct_json_get(row, "Command")->text, commands[_i].shown);
	style.no_trunc = true;
	row = row_of(commands[_i].args, &style, &values);
	ck_assert_str_eq(ct_json_get(row, "Command")->text, commands[_i].whole);
}
END_TEST

START_TEST(a_row_has_dockers_members)
{
	static const char *const args[] = { "sh", NULL };
	struct ct_values values = { .arena = &arena };
	const struct ct_ps_style style = { .now = NOW, .namespaces = true };
	const struct ct_json *row = row_of(args, &style, &values);
	const struct ct_json *header = ct_ps_header(&values);

	ck_assert_str_eq(ct_json_get(row, "ID")->text, "0123456789ab");
	ck_assert_str_eq(ct_json_get(row, "Image")->text, "./bundle");
	ck_assert_str_eq(ct_json_get(row, "Names")->text, "web");
	ck_assert_str_eq(ct_json_get(row, "State")->text, "running");
	ck_assert_str_eq(ct_json_get(row, "Labels")->text, "app=web,note=a,b=c");
	ck_assert_str_eq(ct_json_get(row, "RunningFor")->text, "3 minutes ago");
	ck_assert_str_eq(ct_json_get(row, "Created")->text, "3 minutes ago");
	ck_assert(!ct_json_get(row, "Exited")->boolean);
	ck_assert_str_eq(ct_json_get(row, "ExitCode")->text, "0");
	ck_assert_str_eq(ct_json_get(row, "ExitedAt")->text, "0");
	/* each member has a title, and the other way round */
	ck_assert_uint_eq(row->count, header->count);
	for (const struct ct_json *m = row->child; m; m = m->next)
		ck_assert_msg(ct_json_get(header, m->key) != NULL, "no title for %s", m->key);
}
END_TEST

START_TEST(a_row_has_podmans_members_too)
{
	static const struct {
		enum ct_state state;
		bool known;
		const char *members;
	} rows[] = {
		{ CT_STATE_RUNNING, true, "77 false 0 0" },
		{ CT_STATE_STOPPED, true, "0 true 7 1699999997" },
		/* its monitor was killed */
		{ CT_STATE_STOPPED, false, "0 true 255 0" },
		{ CT_STATE_DAMAGED, true, "0 false 0 0" },
	};
	struct ct_values values = { .arena = &arena };
	struct ct_container c = sample(rows[_i].state);
	const struct ct_ps_style style = { .now = NOW };
	const struct ct_strings none = { 0 };
	const struct ct_json *row;
	char members[64];

	if (!rows[_i].known)
		c.status.state = CT_STATUS_RUNNING;
	row = ct_ps_row(&values, &c, &none, &style);
	snprintf(members, sizeof(members), "%s %s %s %s", ct_json_get(row, "Pid")->text,
		 ct_json_get(row, "Exited")->boolean ? "true" : "false",
		 ct_json_get(row, "ExitCode")->text, ct_json_get(row, "ExitedAt")->text);
	ck_assert_str_eq(members, rows[_i].members);
	ck_assert_str_eq(ct_json_get(row, "StartedAt")->text, "1699999880");
}
END_TEST

static const struct {
	const char *filters[4];
	bool matches;
} filter_cases[] = {
	{ { "id=0123" }, true },	 { { "id=123" }, false },
	{ { "name=we" }, true },	 { { "name=^/web$" }, true },
	{ { "name=^eb" }, false },	 { { "name=/web" }, true },
	{ { "label=app" }, true },	 { { "label=app=web" }, true },
	{ { "label=app=db" }, false },	 { { "label=ap" }, false },
	{ { "label!=app" }, false },	 { { "label!=other" }, true },
	{ { "label=note=a,b=c" }, true }, { { "status=exited" }, true },
	{ { "status=running" }, false }, { { "exited=7" }, true },
	{ { "exited=0" }, false },	 { { "ancestor=./bundle" }, true },
	{ { "name=x", "name=web" }, true },
	{ { "name=web", "status=running" }, false },
	{ { "name=web", "status=running", "status=exited" }, true },
	{ { "label=app", "label=other" }, false },
	{ { "label=app", "label=note" }, true },
	{ { "status=stopped" }, true },
	{ { "status=unknown", "status=dead" }, false },
	{ { "ancestor=./bundle" }, true },
	{ { "ancestor=/there/bundle" }, true },
	{ { "ancestor=/there/bundle/rootfs" }, false },
	{ { "publish=80", "publish=8000-8010/udp" }, false },
	{ { "expose=53/udp" }, false },
	{ { "pod=x" }, false },
};

static int parse_filters(const char *const *texts, struct ct_filters *filters, struct ct_err *err)
{
	struct ct_store store = CT_STORE_INIT;
	struct ct_strings list = { .items = (const char **)(uintptr_t)texts };

	while (texts[list.count])
		list.count++;
	return ct_filters_parse(&store, &arena, &list, filters, err);
}

START_TEST(filters_combine_as_dockers_do)
{
	struct ct_container c = sample(CT_STATE_STOPPED);
	struct ct_filters filters;
	struct ct_err err;

	ck_assert_int_eq(parse_filters(filter_cases[_i].filters, &filters, &err), 0);
	ck_assert_msg(ct_filters_match(&filters, &c) == filter_cases[_i].matches, "%s",
		      filter_cases[_i].filters[0]);
}
END_TEST

static const struct {
	const char *filter[2], *text;
} bad_filters[] = {
	{ { "status" }, "--filter: \"status\" has no \"=\" (--filter KEY=VALUE)" },
	{ { "state=x" }, "--filter: unknown filter \"state\" (there is id, name, label, label!, "
			 "status, exited, ancestor, before, since, until, command, network, "
			 "volume, publish, expose, pod, health, restart-policy, should-start-on-boot)" },
	{ { "health=ok" }, "--filter: unknown health \"ok\" (there is starting, healthy, unhealthy, none)" },
	{ { "status=runing" }, "--filter: unknown state \"runing\" (there is created, running, paused, "
			       "restarting, exited, damaged, foreign)" },
	{ { "exited=x" }, "--filter: must be 0...255, not \"x\"" },
	{ { "publish=x" }, "--filter: must be 1...65535, not \"x\"" },
	{ { "publish=80-" }, "--filter: must be 1...65535, not \"\"" },
	{ { "expose=80/ip" }, "--filter: must be PORT[-PORT][/tcp|udp|sctp], not \"80/ip\"" },
};

START_TEST(bad_filters_are_refused)
{
	struct ct_filters filters;
	struct ct_err err = {0};

	ck_assert_int_lt(parse_filters(bad_filters[_i].filter, &filters, &err), 0);
	ck_err(&err, EINVAL, bad_filters[_i].text);
}
END_TEST

START_TEST(a_bad_expression_says_why)
{
	static const char *const texts[] = { "name=we(b", NULL };
	struct ct_filters filters;
	struct ct_err err = {0};

	ck_assert_int_lt(parse_filters(texts, &filters, &err), 0);
	ck_assert_str_eq(err.where, "--filter");
	ck_assert_ptr_nonnull(strstr(err.what, "\"we(b\" is no regular expression: "));
}
END_TEST

START_TEST(states_and_codes_ask_for_stopped_ones_too)
{
	static const char *const texts[][2] = { { "status=created" }, { "exited=0" }, { "name=x" } };
	static const bool wanted[] = { true, true, false };
	struct ct_filters filters;
	struct ct_err err;

	for (int i = 0; i < COUNT(texts); i++) {
		ck_assert_int_eq(parse_filters(texts[i], &filters, &err), 0);
		ck_assert_int_eq(ct_filters_want_all(&filters), wanted[i]);
	}
}
END_TEST

static const char config[] =
	"{\"process\":{\"args\":[\"/bin/sh\",\"-c\",\"x\"],\"env\":[\"A=1\"],\"cwd\":\"/w\","
	"\"oomScoreAdj\":100,\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":3,\"hard\":4},"
	"{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":18446744073709551615}]},"
	"\"root\":{\"path\":\"r\",\"readonly\":true},\"hostname\":\"h\","
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\"},"
	"{\"destination\":\"/t\",\"type\":\"tmpfs\",\"options\":[\"rw\",\"mode=700\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"options\":[\"size=1m\"]},"
	"{\"destination\":\"/d\",\"source\":\"/s\",\"options\":[\"rbind\",\"ro\",\"rslave\"]},"
	"{\"destination\":\"/dev/n\",\"type\":\"bind\",\"source\":\"/dev/null\"}]}";

START_TEST(inspect_has_the_members_that_scripts_use)
{
	static const char *const paths[][2] = {
		{ "Name", "web" }, { "Created", "2023-11-14T22:10:20Z" }, { "Path", "/bin/sh" },
		{ "Args[1]", "x" }, { "State.Status", "running" }, { "State.Pid", "77" },
		{ "State.ConmonPid", "76" }, { "State.ExitCode", "0" },
		{ "State.StartedAt", "2023-11-14T22:11:20Z" },
		{ "State.FinishedAt", "0001-01-01T00:00:00Z" }, { "Config.Env[0]", "A=1" },
		{ "Config.WorkingDir", "/w" }, { "Config.Hostname", "h" },
		{ "Config.Labels.note", "a,b=c" }, { "Mounts[0].Source", "/s" },
		{ "Mounts[0].Destination", "/d" }, { "Mounts[0].Propagation", "rslave" },
		{ "HostConfig.LogConfig.Type", "native" },
		{ "HostConfig.LogConfig.Config.max-size", "1048576" },
		{ "State.LogLost", "42" },
		{ "State.Warnings[0]",
		  "the disk was full, or took no more of the log for another reason" },
		{ "State.Warnings[1]", "another user has tried to attach, and was refused" },
		{ "HostConfig.NetworkMode", "none" }, { "HostConfig.RestartPolicy.Name", "no" },
		{ "HostConfig.ShmSize", "1048576" }, { "HostConfig.Tmpfs./t", "rw,mode=700" },
		{ "HostConfig.Devices[0].PathOnHost", "/dev/null" },
		{ "HostConfig.Devices[0].PathInContainer", "/dev/n" },
		{ "HostConfig.Ulimits[0].Name", "nofile" }, { "HostConfig.Ulimits[0].Soft", "3" },
		{ "HostConfig.Ulimits[0].Hard", "4" }, { "HostConfig.Ulimits[1].Hard", "-1" },
		{ "HostConfig.OomScoreAdj", "100" },
		{ "NetworkSettings.IPPrefixLen", "0" }, { "NetworkSettings.Gateway", "" },
	};
	struct ct_values values = { .arena = &arena };
	struct ct_container c = sample(CT_STATE_RUNNING);
	const struct ct_json *root, *tree, *value;
	struct ct_err err;

	ck_assert_int_eq(ct_json_parse(&arena, "c", config, strlen(config), &root, &err), 0);
	c.meta.log_driver = NULL;
	c.meta.log_max_size = 1 << 20;
	c.status.log_lost = 42;
	c.status.warnings = CT_WARN_DISK | CT_WARN_STRANGER;
	tree = ct_inspect_tree(&values, &kept, &c, root, NULL);
	ck_assert(!values.failed);
	for (int i = 0; i < COUNT(paths); i++) {
		value = ct_json_find(tree, paths[i][0]);
		ck_assert_msg(value && !strcmp(value->text, paths[i][1]), "%s: %s", paths[i][0],
			      value ? value->text : "missing");
	}
	value = ct_json_find(tree, "LogPath");
	ck_assert_ptr_nonnull(strstr(value->text, "/store/containers/"));
	ck_assert_str_eq(value->text + strlen(value->text) - 5, "/main");
	c.meta.log_driver = "none";
	tree = ct_inspect_tree(&values, &kept, &c, root, NULL);
	ck_assert_str_eq(ct_json_find(tree, "LogPath")->text, "");
	ck_assert(ct_json_find(tree, "State.Running")->boolean);
	ck_assert(ct_json_find(tree, "HostConfig.ReadonlyRootfs")->boolean);
	ck_assert(!ct_json_find(tree, "Mounts[0].RW")->boolean);
	ck_assert_uint_eq(ct_json_find(tree, "Mounts")->count, 2);
	ck_assert_uint_eq(ct_json_find(tree, "HostConfig.Tmpfs")->count, 1);
}
END_TEST

START_TEST(a_container_of_which_nothing_is_known_can_be_shown)
{
	struct ct_values values = { .arena = &arena };
	const struct ct_ps_style style = { .escape = true, .now = NOW };
	struct ct_container c = CT_CONTAINER_INIT;
	struct ct_strings none = {0};

	c.state = CT_STATE_DAMAGED;
	c.damage = "meta.json is empty";
	ck_assert_str_eq(ct_json_get(ct_ps_row(&values, &c, &none, &style), "Status")->text, "Damaged");
	ck_assert_str_eq(ct_json_find(ct_inspect_tree(&values, &kept, &c, NULL, NULL), "State.Error")->text,
			 "meta.json is empty");
}
END_TEST

Suite *suite_verbs(void)
{
	Suite *s = suite_create("verbs");
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_verb_is_complete);
	tcase_add_test(tc, examples_have_a_command_and_an_explanation);
	tcase_add_test(tc, every_verb_has_help_that_fits_into_80_columns);
	tcase_add_loop_test(tc, unknown_verbs_get_the_nearest_one, 0, COUNT(unknown));
	tcase_add_test(tc, verbs_are_found_by_name);
	tcase_add_loop_test(tc, wrong_calls_are_refused_before_anything_happens, 0, COUNT(calls));
	suite_add_tcase(s, tc);

	tc = tcase_create("ps");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, status_texts_are_dockers, 0, COUNT(statuses));
	tcase_add_test(tc, an_end_for_want_of_memory_is_told_from_a_kill);
	tcase_add_test(tc, an_end_that_nobody_saw_is_unknown);
	tcase_add_loop_test(tc, commands_are_quoted_and_cut, 0, COUNT(commands));
	tcase_add_test(tc, a_row_has_dockers_members);
	tcase_add_loop_test(tc, a_row_has_podmans_members_too, 0, 4);
	tcase_add_loop_test(tc, filters_combine_as_dockers_do, 0, COUNT(filter_cases));
	tcase_add_loop_test(tc, bad_filters_are_refused, 0, COUNT(bad_filters));
	tcase_add_test(tc, a_bad_expression_says_why);
	tcase_add_test(tc, states_and_codes_ask_for_stopped_ones_too);
	suite_add_tcase(s, tc);

	tc = tcase_create("inspect");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, inspect_has_the_members_that_scripts_use);
	tcase_add_test(tc, a_container_of_which_nothing_is_known_can_be_shown);
	suite_add_tcase(s, tc);
	return s;
}
