/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach cp: its options, which of its operands is in a container, and what is shown meanwhile.
 *
 * Runs in the command's own process with the caller's rights. Signals that would end it are taken
 * through a descriptor, so that what is half written is removed before it ends by them. What cannot
 * be read is reported line by line and makes the exit code 125, as everything else does.
 *
 *   cp A:PATH HOST     out      cp HOST A:PATH     in
 *   cp A:PATH -        tar to standard output      cp - A:DIR         tar from standard input
 *
 * An operand is in a container when it has a colon that is not behind a slash (ct_copy_split()), as
 * docker has it; ./a:b is a path of the host for that reason.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cattach/cp.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#define SHOW_TIME UINT64_C(100000000)	/* ns between two looks at the progress */

struct cp_options {
	bool archive, follow, quiet;
};

#define OPTION(member) offsetof(struct cp_options, member)

static const struct ct_option cp_table[] = {
	{ "archive", 'a', CT_OPTION_BOOL, NULL, OPTION(archive),
	  "Keep owners: container ids become the host's, and the other way round" },
	{ "follow-link", 'L', CT_OPTION_BOOL, NULL, OPTION(follow),
	  "Copy what the source leads to when it is a symbolic link itself" },
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, OPTION(quiet), "Show no progress" },
	{ 0 },
};

/* ---- what is shown ---- */

struct show {
	bool on;
	uint64_t last;			/* when, of CLOCK_MONOTONIC */
	bool shown;			/* there is something on the line */
};

/* Progress is on a line of its own that is always written over: an error message starts at its
 * beginning, and so does the shell's prompt. */
static void clear_line(struct show *show)
{
	static const char clear[] = "\r\033[K";

	if (show->shown)
		ct_write_all(STDERR_FILENO, clear, sizeof(clear) - 1);
	show->shown = false;
}

/* Ten times a second at most, whatever the size of the pieces. */
static void show_progress(uint64_t bytes, void *arg)
{
	static const char units[] = "kMGTPE";
	struct show *show = arg;
	uint64_t now = show->on ? ct_now_monotonic() : 0;
	double value = (double)bytes / 1000;
	char text[64];
	size_t unit = 0;
	int n;

	if (!show->on || now - show->last < SHOW_TIME)
		return;
	for (; value >= 1000 && unit < sizeof(units) - 2; unit++)
		value /= 1000;
	n = snprintf(text, sizeof(text), "\r\033[K%.1f %cB", value, units[unit]);
	ct_write_all(STDERR_FILENO, text, (size_t)n);
	show->last = now;
	show->shown = true;
}

/* The line of the progress is taken away first: the two share stderr. */
static void show_report(const struct ct_err *err, bool warning, void *arg)
{
	clear_line(arg);
	if (warning)
		ct_warn("%s: %s", err->where, err->what);
	else
		ct_report(err);
}

/* ---- signals ---- */

/* Blocked before anything is made: a signal in between stays pending and is found by the copy,
 * which polls cp.stop between two pieces and ends with ECANCELED. */
static int open_signals(int *ret_fd, struct ct_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return ct_fail_errno(err, errno, "cannot block signals");
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? ct_fail_errno(err, errno, "cannot make a signalfd") : 0;
}

/* 128 + N, as a shell shows for one who was ended by signal N. */
static int fail_interrupted(int signals, struct ct_err *err)
{
	struct signalfd_siginfo info;

	if (err->code == ECANCELED && read(signals, &info, sizeof(info)) == sizeof(info))
		return ct_exit_with(err, CT_EXIT_SIGNAL_BASE + (int)info.ssi_signo);
	return -err->code;
}

/* ---- operands ---- */

static bool is_stream(const char *operand)
{
	return !strcmp(operand, "-");
}

/* Which operand is in a container, and what is the other? */
static int take_operands(const struct ct_call *call, struct ct_cp *cp, const char **ret_name,
			 struct ct_err *err)
{
	const char *const *o = call->operands.items;
	const char *paths[2];
	size_t lengths[2] = { ct_copy_split(o[0], &paths[0]), ct_copy_split(o[1], &paths[1]) };
	int inside = lengths[0] ? 0 : 1;

	if (!lengths[0] == !lengths[1]) {
		ct_fail(err, EINVAL, lengths[0] ? "both paths are in containers" :
						  "neither path is in a container");
		return ct_hint(err, lengths[0] ?
					    "copy to the host first, or through a pipe: cattach cp "
					    "A:PATH - | cattach cp - B:DIR" :
					    "write CONTAINER:PATH for the one that is");
	}
	cp->out = inside == 0;
	cp->path = paths[inside];
	cp->host = is_stream(o[!inside]) ? NULL : o[!inside];
	cp->tar = cp->out ? STDOUT_FILENO : STDIN_FILENO;
	if (cp->host && !*cp->host)
		return ct_fail(err, EINVAL, "the path of the host is empty");
	if (!cp->host && isatty(cp->tar)) {
		ct_fail(err, EINVAL, "a tar stream does not go to or come from a terminal");
		return ct_hint(err, "use a pipe, or name a file or directory");
	}
	*ret_name = ct_arena_strndup(call->arena, o[inside], lengths[inside]);
	return *ret_name ? 0 : ct_fail_nomem(err);
}

static int run_cp(const struct ct_call *call, struct ct_cp *cp, const char *name,
		  struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	uint64_t errors = 0;

	if (ct_store_open(&store, err) < 0 ||
	    ct_container_find(&store, call->arena, name, &container, err) < 0)
		return -err->code;
	if (ct_cp(&store, call->arena, &container, cp, &errors, err) < 0)
		return -err->code;
	return errors ? CT_EXIT_FAILED : 0;
}

/* A signal ends the copy in order, and then the command as that signal would have
 * (fail_interrupted()). */
static int cp_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct cp_options *options = call->options;
	struct show show = { .on = !options->quiet && isatty(STDERR_FILENO) };
	const struct ct_copy_watch watch = {
		.report = show_report, .progress = show_progress, .arg = &show
	};
	struct ct_cp cp = {
		.archive = options->archive, .follow = options->follow, .watch = &watch,
	};
	int ct_autofd signals = -1;
	const char *name = NULL;
	int r = take_operands(call, &cp, &name, err);

	if (r == 0)
		r = open_signals(&signals, err);
	if (r < 0)
		return r;
	cp.stop = signals;
	r = run_cp(call, &cp, name, err);
	clear_line(&show);
	return r < 0 ? fail_interrupted(signals, err) : r;
}

const struct ct_verb ct_verb_cp = {
	.name = "cp",
	.summary = "Copy files into a container or out of it",
	.synopsis = "[OPTIONS] CONTAINER:PATH DEST|-, or SRC|- CONTAINER:PATH",
	.description =
		"Files, directories with everything in them, links, FIFOs, holes, modes, times and "
		"attributes of the user are copied; sockets and devices are left out with a warning. "
		"Paths in the container begin at its root; nothing in it leads out of it. A path of "
		"the host that has a colon is written with \"/\" or \"./\" before it."
		"\n\n"
		"A file takes the place of a file, or goes into a directory. A directory gets the name "
		"that is not there yet, or goes into the one that is; with \"/.\" at its end what is in "
		"it goes there. Directories above are not made. A file appears when it is complete; "
		"a directory that was there keeps its owner and mode."
		"\n\n"
		"\"-\" is a tar stream: of CONTAINER:PATH, or to be unpacked into CONTAINER:PATH, which "
		"is a directory then; compressed ones are understood."
		"\n\n"
		"What is copied belongs to the container's root, or on the host to the caller, and "
		"loses set-id bits, unless -a is given and the owner can be kept. A container that does "
		"not run is reached in its root directory, without its mounts.",
	.examples = "cattach cp web:/var/log/app.log .\tOne file\n"
		    "cattach cp site/. web:/srv\tWhat is in a directory\n"
		    "cattach cp web:/etc - | tar t\tAs a tar stream\n"
		    "cattach cp a:/data - | cattach cp - b:/\tFrom one container to another",
	.options = cp_table,
	.options_size = sizeof(struct cp_options),
	.operand = "source and a target",
	.min_operands = 2,
	.max_operands = 2,
	.handler = cp_handler,
};
