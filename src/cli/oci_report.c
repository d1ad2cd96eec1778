/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the runtime face says what went wrong: one record of level error in --log, which is a JSON
 * object on a line where --log-format=json and logfmt otherwise, and one line on standard error. What is
 * no error is a record of level warning, and nothing else; without --log it is a line on standard error.
 *
 * Runs in the command with the caller's rights. A log that cannot be written is no second error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "cli.h"
#include "oci.h"
#include "times.h"

/* One object: some callers read the whole file as one. */
static void add_json(struct ct_buf *buf, const char *level, const char *text, const char *now)
{
	struct ct_json_writer w;
	struct ct_err ignored;

	if (ct_json_writer_open(&w, buf, false, &ignored) < 0)
		return;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "level", level);
	ct_json_put_string(&w, "msg", text);
	ct_json_put_string(&w, "time", now);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
}

/* May it stand in logfmt as it is? What others take for a bare word. */
static bool is_bare(const char *text)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+";

	return text[strspn(text, bare)] == '\0';
}

/* An error's text has no control characters (ct_err_format()), a warning's may quote what has. */
static void add_text(struct ct_buf *buf, const char *level, const char *text, const char *now)
{
	const char *quote = is_bare(text) ? "" : "\"";

	ct_buf_printf(buf, "time=\"%s\" level=%s msg=%s", now, level, quote);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			ct_buf_putc(buf, '\\');
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			ct_buf_printf(buf, "\\x%02x", (unsigned)*c);
		else
			ct_buf_putc(buf, *c);
	}
	ct_buf_printf(buf, "%s", quote);
}

static bool is_json(const struct oci_globals *globals)
{
	return globals->log_format && !strcmp(globals->log_format, "json");
}

static void add_line(struct ct_buf *buf, const struct oci_globals *globals, const char *level,
		     const char *text)
{
	char now[CT_TIME_SIZE];

	ct_time_rfc3339(ct_now_real(), now);
	if (is_json(globals))
		add_json(buf, level, text, now);
	else
		add_text(buf, level, text, now);
	/* yajl ends with a newline or not, by its mood. */
	if (buf->length && buf->data[buf->length - 1] != '\n')
		ct_buf_printf(buf, "\n");
}

static void append(const struct oci_globals *globals, const struct ct_buf *lines)
{
	int ct_autofd fd = openat(AT_FDCWD, globals->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
				  O_NOCTTY, 0644);

	if (fd < 0 || lines->failed || ct_write_all(fd, lines->data, lines->length) < 0)
		return;
}

/* Engines tell by these words, or those of the kernel, what exit code a command is to have. */
static const char *words_of(const struct ct_err *err)
{
	if (strcasestr(err->what, "no such file or directory") ||
	    strcasestr(err->what, "permission denied"))
		return "";
	if (err->exit == CT_EXIT_NOT_FOUND)
		return ": executable file not found in $PATH";
	return err->exit == CT_EXIT_NOT_EXECUTABLE && (err->code == EACCES || err->code == EISDIR) ?
	       ": permission denied" : "";
}

void oci_note(const struct oci_globals *globals, const struct ct_err *err)
{
	char text[sizeof(err->where) + sizeof(err->what) + sizeof(err->hint) + 64];

	ct_err_format(err, text, sizeof(text));
	if (globals->log)
		add_line(globals->warnings, globals, "warning", text);
}

static void take(void *arg, const char *text)
{
	const struct oci_globals *globals = arg;

	add_line(globals->warnings, globals, "warning", text);
}

void oci_take_warnings(struct oci_globals *globals)
{
	if (globals->log)
		ct_log_take_warnings(take, globals);
}

void oci_write_warnings(const struct oci_globals *globals)
{
	if (globals->warnings->length)
		append(globals, globals->warnings);
	ct_buf_clear(globals->warnings);
}

/* There are callers that read the whole file as one JSON object, so an error is alone in it. */
void oci_report(const struct oci_globals *globals, const struct ct_err *err)
{
	struct ct_buf ct_autobuf line = { 0 };
	char text[sizeof(err->where) + sizeof(err->what) + sizeof(err->hint) + 64];
	struct ct_err told = *err;

	snprintf(text, sizeof(text), "%s%s", err->what, words_of(err));
	snprintf(told.what, sizeof(told.what), "%.*s", (int)sizeof(told.what) - 1, text);
	ct_err_format(&told, text, sizeof(text));
	if (globals->log) {
		if (!is_json(globals))
			oci_write_warnings(globals);
		add_line(&line, globals, "error", text);
		append(globals, &line);
	}
	ct_report(&told);
}
