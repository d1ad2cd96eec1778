/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach stop: the stop signal, a while to end, then KILL.
 *
 * Several containers are stopped at the same time, each by a child of this process that sends its
 * error back through a pipe: ten stubborn containers take ten seconds, not a hundred. Names are
 * printed in the order of the operands. Runs with the caller's privileges. Fails for unknown
 * signals and times, before anything is signalled, and for containers that do not exist.
 *
 *    we                                a child per container
 *    fork ---------------------------> ct_container_stop(): signal, wait, KILL
 *    read(pipe) until its end  <------ struct ct_err, if it has failed
 *    waitpid                   <------ exit code: 0 stopped, 1 see the error, MISSING
 *
 * Children and not threads: the library's calls keep a umask and a working state that are a
 * process's own. The error goes through the pipe as it is in memory, which is sound between a
 * process and its own fork; it is smaller than PIPE_BUF, so it arrives whole or not at all,
 * pipe(7).
 */
#include "operands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

struct stop_options {
	const char *timeout, *signal;
	bool all, ignore, latest;
	struct ct_strings cidfile, filter;
};

#define OPTION(member) offsetof(struct stop_options, member)

static const struct ct_option stop_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, OPTION(all), "All containers that run or are paused" },
	{ "cidfile", 0, CT_OPTION_LIST, "FILE", OPTION(cidfile),
	  "The container whose id is in FILE, as \"cattach run --cidfile\" writes it" },
	{ "filter", 'f', CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "Those that run or are paused and match, with the keys of \"cattach ps\"" },
	{ "ignore", 'i', CT_OPTION_BOOL, NULL, OPTION(ignore), "A missing container is no error" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest), "The container that was made last" },
	{ "timeout", 't', CT_OPTION_STRING, "SECONDS", OPTION(timeout),
	  "Seconds to wait before KILL (default that of the container; -1 for ever)" },
	{ "time", 0, CT_OPTION_STRING, "SECONDS", OPTION(timeout), NULL },
	{ "signal", 's', CT_OPTION_STRING, "SIGNAL", OPTION(signal),
	  "Signal to send first (default that of the container)" },
	{ 0 },
};

#define MISSING 2		/* exit code of a child: there is no such container, and need not be */

/* What to do, parsed. */
struct stop {
	struct ct_store *store;
	const struct ct_call *call;
	int signal, timeout;	/* signal 0 and timeout -2: those of the container */
	bool ignore;
};

/* A child that stops one container: readable is its end of the pipe with the error. */
struct stopper {
	pid_t pid;
	int report;
};

/* 1 when there is no such container, and that is no error. Found by its id where the operands were
 * chosen by --all or a filter: one that was removed since, by "rm" or its own --rm, is then no
 * error either. */
static int stop_one(const struct stop *stop, size_t i, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	const char *id = ct_operand_id(stop->call, i);
	int r = ct_container_find(stop->store, stop->call->arena,
				  id ? id : stop->call->operands.items[i], &container, err);

	if (r == 0)
		r = ct_container_stop(&container, stop->signal, stop->timeout, err);
	return r == -ENOENT && (stop->ignore || id) ? 1 : r;
}

/* The child ends by _exit(2): what stdio holds is the parent's to write. It exits with 1 when its
 * error was taken, and with 0 when nobody reads any more. */
static int start_stopper(const struct stop *stop, size_t i, struct stopper *ret,
			 struct ct_err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		struct ct_err failure = {0};
		int r = stop_one(stop, i, &failure);

		/* without a reader the parent is gone and nobody wants to know */
		if (r < 0)
			_exit(ct_write_all(ends[1], &failure, sizeof(failure)) == 0);
		_exit(r ? MISSING : 0);
	}
	close(ends[1]);
	if (pid < 0) {
		int code = errno;

		close(ends[0]);
		return ct_fail_errno(err, code, "cannot fork to stop %s",
				     stop->call->operands.items[i]);
	}
	*ret = (struct stopper){ .pid = pid, .report = ends[0] };
	return 0;
}

/* Wait for a child and take its result over: that of stop_one(). In the order of the operands, so a
 * slow one delays what is printed of the next, but not its end. A child that dies without a word
 * (SIGKILL, no memory) is told as such. */
static int finish_stopper(struct stopper *stopper, const char *name, struct ct_err *err)
{
	struct ct_err failure;
	ssize_t n;
	int status = 0;

	do {
		n = read(stopper->report, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	ct_drop_fd(&stopper->report);
	while (waitpid(stopper->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof(failure)) {
		*err = failure;
		return -err->code;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == MISSING)
		return 1;
	if (status)
		return ct_fail(err, ECHILD, "the process that was stopping %s died", name);
	return 0;
}

/* What was stopped is printed; what is missing was not. */
static int tell(int r, const char *name, struct ct_err *err)
{
	return r == 0 ? ct_print_line(name, err) : r < 0 ? r : 0;
}

/* When no more can be forked, those that were started are waited for all the same. */
static int stop_all(const struct stop *stop, struct ct_err *err)
{
	const struct ct_strings *names = &stop->call->operands;
	struct stopper *list = ct_arena_calloc(stop->call->arena, names->count + 1, sizeof(*list));
	size_t started = 0;
	int code = 0;

	if (!list)
		return ct_fail_nomem(err);
	while (started < names->count &&
	       start_stopper(stop, started, &list[started], err) == 0)
		started++;
	for (size_t i = 0; i < started; i++) {
		struct ct_err failure = {0};
		int r = finish_stopper(&list[i], names->items[i], &failure);

		if (tell(r, names->items[i], &failure) == 0)
			continue;
		ct_report(&failure);
		code = failure.exit;
	}
	return started < names->count ? -err->code : code;
}

static int parse_options(const struct stop_options *options, struct stop *stop,
			 struct ct_err *err)
{
	stop->ignore = options->ignore;
	if (options->signal && ct_signal_option(options->signal, &stop->signal, err) < 0)
		return -err->code;
	return ct_seconds_option(options->timeout, &stop->timeout, err);
}

static int stop_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_call named;
	struct stop stop = { .store = &store, .call = &named, .timeout = -2 };
	const struct stop_options *options = call->options;
	const struct ct_named choice = {
		.all = options->all, .option = "all", .states = ct_states_for(CT_ACT_STOP),
		.latest = options->latest, .missing_ok = options->ignore,
		.cidfiles = &options->cidfile, .filters = &options->filter,
	};
	int r = parse_options(options, &stop, err);

	if (r == 0)
		r = ct_operands_choose(call, &choice, &named, err);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r < 0)
		return r;
	/* One needs no child. None (--all where nothing runs) is no error, and prints nothing. */
	if (named.operands.count != 1)
		return stop_all(&stop, err);
	r = stop_one(&stop, 0, err);
	return tell(r, named.operands.items[0], err);
}

const struct ct_verb ct_verb_stop = {
	.name = "stop",
	.summary = "Stop containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "The first process gets the container's stop signal (TERM unless \"cattach run "
		       "--stop-signal\" said otherwise) and, if it has not ended after a while, KILL. "
		       "Several containers are stopped at the same time. One that does not run is no "
		       "error; one with a restart policy stays stopped until it is started.",
	.examples = "cattach stop --filter label=ci\tWhat runs with that label\n"
		    "cattach stop web\tStop a container, with ten seconds to do it\n"
		    "cattach stop -t 0 web db\tStop two of them at once",
	.options = stop_table,
	.options_size = sizeof(struct stop_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = stop_handler,
};
