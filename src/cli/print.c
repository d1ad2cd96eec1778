/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verbs print: one write of a whole text to standard output.
 *
 * Names, labels, commands and paths come from containers and their makers, so on a terminal all
 * control characters are shown, not sent. Into a pipe or a file the bytes go as they are, because
 * scripts compare them. Fails when the output cannot be written; EPIPE ends the command quietly.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cattach/io.h>
#include <cattach/num.h>

/* Escape everything but the newlines and tabs, which are layout of ours. */
static void escape_text(struct ct_buf *to, const char *text, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '\n' && text[i] != '\t')
			continue;
		ct_buf_escaped(to, text + start, i - start);
		ct_buf_putc(to, text[i]);
		start = i + 1;
	}
	ct_buf_escaped(to, text + start, length - start);
}

/* Once at the end of a verb, or for each piece of one that lasts: no stdio, so nothing is left in a
 * buffer when a signal ends us. */
int ct_print(const struct ct_buf *buf, struct ct_err *err)
{
	struct ct_buf ct_autobuf safe = {0};
	int r;

	if (isatty(STDOUT_FILENO)) {
		escape_text(&safe, ct_buf_text(buf), buf->length);
		safe.failed = safe.failed || buf->failed;
		buf = &safe;
	}
	/* A buffer that has had no memory is never printed in part. */
	if (buf->failed)
		return ct_fail_nomem(err);
	r = ct_write_all(STDOUT_FILENO, ct_buf_text(buf), buf->length);
	if (r == -EPIPE) {
		ct_fail(err, EPIPE, "nobody reads standard output");
		return ct_exit_with(err, CT_EXIT_SIGNAL_BASE + SIGPIPE);
	}
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot write to standard output");
	return 0;
}

int ct_print_line(const char *line, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	ct_buf_puts(&buf, line);
	ct_buf_putc(&buf, '\n');
	return ct_print(&buf, err);
}

int ct_signal_option(const char *text, int *ret_signal, struct ct_err *err)
{
	if (ct_parse_signal(text, ret_signal, err) < 0)
		return ct_wrap(err, "--signal");
	return 0;
}
