/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach send: put something into a container's stdin without attaching to it.
 *
 * Runs in the command's own process. Returns when the payload's pipe or terminal has taken
 * everything, which is what the monitor's ROOM says; bytes of others never come in between one
 * message. Fails when the container does not run or has no stdin, before anything is sent.
 *
 *   STDIN data  --->      ROOM  <---   the payload's pipe or terminal has taken all of it
 *
 * So at most one message is on its way, and when the command ends everything has arrived.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "asking.h"

#define END_OF_FILE	"\x04"	/* what ends the input of a terminal, in its usual settings */

struct send_options {
	bool eof, no_newline;
};

#define OPTION(member) offsetof(struct send_options, member)

static const struct ct_option send_table[] = {
	{ "eof", 0, CT_OPTION_BOOL, NULL, OPTION(eof), "Then close the container's stdin" },
	{ "no-newline", 'n', CT_OPTION_BOOL, NULL, OPTION(no_newline),
	  "Send TEXT without a newline behind it" },
	{ 0 },
};

/* What is being sent to whom. */
struct sending {
	struct ct_asking asking;
	char last;			/* byte that was sent, 0: none */
};

/* The monitor has told in its welcome whether there is a stdin, so that nothing is sent in vain. */
static int check_stdin(const struct ct_asking *a, struct ct_err *err)
{
	if (a->client.flags & CT_WELCOME_STDIN_OPEN)
		return 0;
	if (a->container.meta.stdin_open)
		return ct_fail(err, EPIPE, "the stdin of container %s has been closed", a->name);
	ct_fail(err, EPIPE, "the stdin of container %s is not open", a->name);
	if (a->container.session_of)
		return ct_hint(err, "make it with -i: cattach exec -d -i");
	return ct_hint(err, "make it with -i: cattach run -d -i");
}

/* One message and the answer that the payload's stdin has taken it. */
static int send_chunk(struct sending *s, const void *data, size_t size, struct ct_err *err)
{
	struct ct_message message = { .type = CT_MSG_STDIN, .data = data, .size = size }, answer;

	if (!size)
		return 0;
	s->last = ((const char *)data)[size - 1];
	if (ct_ask_send(&s->asking, &message, err) < 0 ||
	    ct_ask_wait(&s->asking, CT_MSG_ROOM, &answer, err) < 0)
		return -err->code;
	return 0;
}

static int send_text(struct sending *s, const char *text, size_t left, struct ct_err *err)
{
	while (left) {
		size_t size = left < CT_ATTACH_DATA_MAX ? left : CT_ATTACH_DATA_MAX;

		if (send_chunk(s, text, size, err) < 0)
			return -err->code;
		text += size;
		left -= size;
	}
	return 0;
}

/* A line goes with its newline in one message, or somebody else's could come in between. */
static int send_line(struct sending *s, const char *text, bool newline, struct ct_err *err)
{
	struct ct_buf ct_autobuf line = {0};
	size_t length = strlen(text);

	ct_buf_add(&line, text, length);
	if (newline && (!length || text[length - 1] != '\n'))
		ct_buf_putc(&line, '\n');
	if (line.failed)
		return ct_fail_nomem(err);
	return send_text(s, ct_buf_text(&line), line.length, err);
}

/* All of our stdin, as it comes. */
static int send_stdin(struct sending *s, struct ct_err *err)
{
	/* The record's own room: nothing is copied then. */
	void *data = s->asking.client.record + CT_ATTACH_HEADER;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, data, CT_ATTACH_DATA_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ct_fail_errno(err, errno, "cannot read stdin");
		if (n == 0)
			return 0;
		if (send_chunk(s, data, (size_t)n, err) < 0)
			return -err->code;
	}
}

/* A terminal has no end of file but a character that its line discipline knows (VEOF,
 * termios(3)). */
static int send_eof(struct sending *s, struct ct_err *err)
{
	const struct ct_message message = { .type = CT_MSG_EOF };
	int r = 0;

	if (!(s->asking.client.flags & CT_WELCOME_TTY))
		return ct_ask_send(&s->asking, &message, err);
	/* In the middle of a line the first one only ends the line. */
	if (s->last && s->last != '\n')
		r = send_text(s, END_OF_FILE, 1, err);
	return r < 0 ? r : send_text(s, END_OF_FILE, 1, err);
}

static int send_what(struct sending *s, const struct ct_call *call, struct ct_err *err)
{
	const struct send_options *options = call->options;

	if (call->operands.count < 2)
		return 0;
	if (!strcmp(call->operands.items[1], "-"))
		return send_stdin(s, err);
	return send_line(s, call->operands.items[1], !options->no_newline, err);
}

/* CT_HELLO_CLOSE: our going counts as the end of stdin, should we be killed in between. */
static int send_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct send_options *options = call->options;
	struct sending s = { .asking = CT_ASKING_INIT };
	int r;

	if (call->operands.count < 2 && !options->eof) {
		ct_fail(err, EINVAL, "send needs a TEXT, \"-\" for its stdin, or --eof");
		return ct_hint(err, "usage: cattach send %s", call->verb->synopsis);
	}
	r = ct_ask_open(&s.asking, call, call->operands.items[0],
			options->eof ? CT_HELLO_CLOSE : 0, err);
	if (r == 0)
		r = check_stdin(&s.asking, err);
	if (r == 0)
		r = send_what(&s, call, err);
	if (r == 0 && options->eof)
		r = send_eof(&s, err);
	ct_ask_close(&s.asking);
	return r;
}

const struct ct_verb ct_verb_send = {
	.name = "send",
	.summary = "Put text into a container's stdin without attaching",
	.synopsis = "[OPTIONS] CONTAINER [TEXT|-]",
	.description =
		"TEXT is sent with a newline behind it, unless it has one; \"-\" sends what comes on "
		"stdin, as it is. Returns when the container's stdin has taken all of it. The container "
		"must have been made with -i.\n\n"
		"--eof closes the container's stdin afterwards, or alone without TEXT; to a container "
		"with a terminal it sends ctrl-d.",
	.examples = "cattach send game 'say hello'\tA line for a server's console\n"
		    "cattach send --eof sorter - < data\tA file, and the end of the input",
	.options = send_table,
	.options_size = sizeof(struct send_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 2,
	.handler = send_handler,
};
