/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command: what must be true before anything runs, the options before the verb, and the end.
 *
 * The only place that reports errors and decides the exit code; everything below returns a
 * struct ct_err. Runs with exactly the caller's privileges: a copy of this binary that was given
 * more (set-user-id, file capabilities) refuses to work, because everything it reads (environment,
 * command line, configuration) comes from the caller.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

const struct ct_option ct_global_options[] = {
	{ "log-level", 0, CT_OPTION_STRING, "LEVEL", offsetof(struct ct_global_options, log_level),
	  "Say more on standard error: error, warn, info or debug" },
	{ "version", 0, CT_OPTION_FLAG, NULL, offsetof(struct ct_global_options, version),
	  "Print the version and exit" },
	{ 0 },
};

void ct_report(const struct ct_err *err)
{
	char text[1400] = "cattach: ";
	size_t used = strlen(text);

	/* nobody reads our output any more: that is no news to whoever closed it */
	if (err->code == EPIPE && err->exit == CT_EXIT_SIGNAL_BASE + SIGPIPE)
		return;
	used += ct_err_format(err, text + used, sizeof(text) - used - 1);
	if (used > sizeof(text) - 2)
		used = sizeof(text) - 2;
	text[used++] = '\n';
	/* there is no second place to complain to when stderr is gone */
	if (ct_write_all(STDERR_FILENO, text, used) < 0)
		return;
}

/*
 * What the rest relies on. Descriptors 0 to 2 must exist, or the first file that is opened becomes
 * somebody's stdout. SIGPIPE is ignored so that "cattach ps | head" ends by a failing write(2) and
 * not in the middle of something; payloads get default dispositions again.
 */
static int prepare_process(struct ct_err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int r;

	if (getauxval(AT_SECURE)) {
		ct_fail(err, EPERM, "refusing to run with more privileges than the caller has");
		return ct_hint(err, "remove the set-user-id bit or the file capabilities: "
				    "chmod ug-s, setcap -r");
	}
	r = ct_stdio_exist();
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot open /dev/null for standard input and output");
	sigaction(SIGPIPE, &ignore, NULL);
	return 0;
}

static int set_up_log(const struct ct_global_options *options, struct ct_err *err)
{
	if (ct_log_setup(options->log_level, NULL, err) < 0)
		return ct_wrap(err, "--log-level");
	if (ct_log_setup(NULL, getenv("CATTACH_DEBUG"), err) < 0)
		return ct_wrap(err, "CATTACH_DEBUG");
	return 0;
}

static int print_main_help(struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	ct_help_main(&buf);
	return ct_print(&buf, err);
}

/* The options before the verb, then the verb with what follows it. */
static int run_command(int argc, char **argv, struct ct_err *err)
{
	static const struct ct_option_context context = { .table = ct_global_options,
							  .stop_at_operand = true };
	struct ct_arena ct_autoarena arena = {0};
	struct ct_global_options options = {0};
	struct ct_strings words = {0};
	const struct ct_verb *verb;
	int r = ct_arena_open(&arena, err);

	if (r < 0)
		return r;
	r = ct_options_parse(&context, &arena, argc, argv, &options, &words, err);
	if (r < 0)
		return r;
	if (r == CT_OPTIONS_HELP)
		return print_main_help(err);
	r = set_up_log(&options, err);
	if (r < 0)
		return r;
	if (options.version)
		return ct_verb_call(&ct_verb_version, &arena, 0, NULL, err);
	if (!words.count) {
		ct_fail(err, EINVAL, "no command given");
		return ct_hint(err, "\"cattach help\" lists the commands");
	}
	r = ct_verb_find(words.items[0], &verb, err);
	if (r < 0)
		return r;
	/* operands are the tail of argv, because parsing stopped at the first of them */
	argc = (int)words.count - 1;
	return ct_verb_call(verb, &arena, argc, (char *const *)words.items + 1, err);
}

int main(int argc, char **argv)
{
	struct ct_err err = {0};
	int code = prepare_process(&err);

	if (code == 0)
		code = run_command(argc > 0 ? argc - 1 : 0, argc > 0 ? argv + 1 : argv, &err);
	if (code < 0) {
		ct_report(&err);
		code = err.exit ? err.exit : CT_EXIT_FAILED;
	}
	return code;
}
