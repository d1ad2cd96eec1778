/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors that the caller has given numbers of: waiting for its word, and telling it what has
 * become of the session, in lines of JSON.
 *
 *   {"data": 4711}                       it runs; legacy create: "pid"
 *   {"data": 7}                          exec: it has ended; legacy: "exit_code"
 *   {"data": -1, "message": "..."}       it could not be made, or its time was over
 *
 * Runs before the monitor's loop and at its two ends. A caller that has gone hears nothing, and
 * that is all. May fail: a number that is no descriptor.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/encode.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/num.h>

#define MESSAGE_MAX	8191u	/* bytes of a text that callers have room for */

static int open_one(const char *variable, int *ret_fd, struct ct_err *err)
{
	const char *text = getenv(variable);
	int64_t fd;

	*ret_fd = -1;
	if (!text || !*text)
		return 0;
	if (ct_parse_i64(text, 0, INT32_MAX, &fd, err) < 0)
		return ct_wrap(err, "%s", variable);
	if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "%s=%s: no descriptor", variable, text);
	*ret_fd = (int)fd;
	/* The runtime has no use for it. */
	unsetenv(variable);
	return 0;
}

int ct_pipes_open(struct dropin *d, struct ct_err *err)
{
	int r = open_one("_OCI_SYNCPIPE", &d->sync, err);

	if (r == 0)
		r = open_one("_OCI_STARTPIPE", &d->start, err);
	return r < 0 ? r : open_one("_OCI_ATTACHPIPE", &d->attach, err);
}

int ct_pipes_await(const struct dropin *d, struct ct_err *err)
{
	char word[1024];
	ssize_t n;

	if (d->start < 0)
		return 0;
	do
		n = read(d->start, word, sizeof(word));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ct_fail_errno(err, errno, "cannot read from the start pipe");
	/* Closed is as good as a word, as it has always been. */
	return 0;
}

/* A JSON string is UTF-8; a runtime's words may be anything. */
static void add_message(struct ct_buf *line, const char *message)
{
	size_t size = strnlen(message, MESSAGE_MAX);
	struct ct_buf ct_autobuf text = { 0 };

	for (size_t i = 0, n; i < size; i += n ? n : 1) {
		n = ct_utf8_length((const unsigned char *)message + i, size - i);
		if (n)
			ct_buf_add(&text, message + i, n);
		else
			ct_buf_putc(&text, '?');
	}
	ct_buf_puts(line, ", \"message\": ");
	ct_buf_json(line, ct_buf_text(&text), strlen(ct_buf_text(&text)));
}

static void tell(int fd, const char *key, int64_t value, const char *message)
{
	struct ct_buf ct_autobuf line = { 0 };

	if (fd < 0)
		return;
	ct_buf_printf(&line, "{\"%s\": %lld", key, (long long)value);
	if (message)
		add_message(&line, message);
	ct_buf_puts(&line, "}\n");
	/* Nobody there to be told. */
	if (ct_write_all(fd, ct_buf_text(&line), strlen(ct_buf_text(&line))) < 0)
		return;
}

void ct_pipes_listening(const struct dropin *d)
{
	tell(d->attach, "data", 0, NULL);
}

static const char *key_of(const struct dropin *d)
{
	if (d->o->api_version)
		return "data";
	return d->o->exec ? "exit_code" : "pid";
}

void ct_pipes_started(struct dropin *d, pid_t pid)
{
	d->told = true;
	if (d->o->api_version || !d->o->exec)
		tell(d->sync, key_of(d), pid, NULL);
	/* There is nothing more to be told of a container, and its end is not to wait for us. */
	if (!d->o->exec)
		ct_drop_fd(&d->sync);
}

void ct_pipes_failed(struct dropin *d, const struct ct_err *err)
{
	char text[sizeof(struct ct_err)];

	if (d->told)
		return;
	d->told = true;
	/* Callers look for words in what the runtime has said: it goes to them as it is. */
	ct_err_format(err, text, sizeof(text));
	tell(d->sync, key_of(d), -1, d->message ? d->message : text);
}

void ct_pipes_ended(struct dropin *d, int code, const char *message)
{
	char line[128];
	int n = snprintf(line, sizeof(line), message ? "{\"%s\": %d, \"message\": \"%s\"}\n" :
			 "{\"%s\": %d}\n", key_of(d), code, message);

	/* The monitor allocates nothing any more. */
	if (d->o->exec && d->sync >= 0 && ct_write_all(d->sync, line, (size_t)n) < 0)
		errno = 0;
	ct_drop_fd(&d->sync);
}
