/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name and number.
 *
 * The numbers are the kernel's, as kill(2) takes them: real-time signals begin at 34 for names,
 * as glibc, docker and podman count them, and 32 and 33, which glibc keeps for itself, can still
 * be given by number. 0 is no signal here: asking whether a process exists is no business of a
 * user who types a signal.
 *
 * Pure functions: any process, no privileges, no allocation.
 */
#include <cattach/num.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

#define RTMIN	34
#define RTMAX	64

/* The first name of a number is the one that is shown. The kernel's RTMAX is 64 on all
 * architectures that we build for but mips, signal(7). */
static const struct {
	char name[8];
	int number;
} names[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ILL", SIGILL },
	{ "TRAP", SIGTRAP }, { "ABRT", SIGABRT }, { "BUS", SIGBUS }, { "FPE", SIGFPE },
	{ "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT }, { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN }, { "TTOU", SIGTTOU }, { "URG", SIGURG }, { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO }, { "PWR", SIGPWR }, { "SYS", SIGSYS },
	{ "IOT", SIGIOT }, { "CLD", SIGCHLD }, { "POLL", SIGPOLL }, { "UNUSED", SIGSYS },
};

/* "RTMIN", "RTMIN+3", "RTMAX-2": the number, 0 when it is none of them. From the bottom by "+",
 * from the top by "-", as kill(1) of the shells has it. */
static int real_time(const char *text)
{
	bool from_top = !strncasecmp(text, "RTMAX", 5);
	struct ct_err ignored;
	uint64_t distance = 0;

	if (!from_top && strncasecmp(text, "RTMIN", 5) != 0)
		return 0;
	text += 5;
	if (*text && (*text != (from_top ? '-' : '+') ||
		      ct_parse_u64(text + 1, 0, RTMAX - RTMIN, &distance, &ignored) < 0))
		return 0;
	return from_top ? RTMAX - (int)distance : RTMIN + (int)distance;
}

/* The number of a name with or without SIG, 0 when there is no such signal. */
static int by_name(const char *text)
{
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(text, names[i].name))
			return names[i].number;
	return real_time(text);
}

/* Numbers first: no name is one. */
int ct_parse_signal(const char *text, int *ret_signal, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	struct ct_err ignored;
	uint64_t number;
	int signal;

	if (ct_parse_u64(text, 1, RTMAX, &number, &ignored) == 0)
		signal = (int)number;
	else
		signal = by_name(text);
	if (!signal) {
		ct_fail(err, EINVAL, "unknown signal \"%s\"", ct_quote(quote, text));
		return ct_hint(err, "a name such as TERM or RTMIN+3, or a number 1...%d", RTMAX);
	}
	*ret_signal = signal;
	return 0;
}

/* For records and messages; buf is the caller's, so several may be in one message. */
const char *ct_signal_name(int signal, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == signal) {
			snprintf(buf, size, "SIG%s", names[i].name);
			return buf;
		}
	}
	if (signal == RTMIN)
		snprintf(buf, size, "SIGRTMIN");
	else if (signal > RTMIN && signal <= RTMAX)
		snprintf(buf, size, "SIGRTMIN+%d", signal - RTMIN);
	else
		snprintf(buf, size, "%d", signal);	/* parses back to the same number */
	return buf;
}
