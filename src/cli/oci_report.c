/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the runtime face says what went wrong: one record of level error in --log, which is a JSON
 * object on a line where --log-format=json and logfmt otherwise, and one line on standard error. What is
 * no error is a record of level warning, and nothing else.
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

/* The text has no control characters any more, nor bytes that are no characters (ct_err_format()). */
static void add_text(struct ct_buf *buf, const char *level, const char *text, const char *now)
{
	const char *quote = is_bare(text) ? "" : "\"";

	ct_buf_printf(buf, "time=\"%s\" level=%s msg=%s", now, level, quote);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			ct_buf_putc(buf, '\\');
		ct_buf_putc(buf, *c);
	}
	ct_buf_printf(buf, "%s", quote);
}

static void log_line(const struct oci_globals *globals, const char *level, const char *text)
{
	struct ct_buf ct_autobuf line = { 0 };
	char now[CT_TIME_SIZE];
	int ct_autofd fd = openat(AT_FDCWD, globals->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
				  O_NOCTTY, 0644);

	ct_time_rfc3339(ct_now_real(), now);
	if (globals->log_format && !strcmp(globals->log_format, "json"))
		add_json(&line, level, text, now);
	else
		add_text(&line, level, text, now);
	/* yajl ends with a newline or not, by its mood. */
	if (line.length && line.data[line.length - 1] != '\n')
		ct_buf_printf(&line, "\n");
	if (fd < 0 || line.failed || ct_write_all(fd, line.data, line.length) < 0)
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
	return err->exit == CT_EXIT_NOT_EXECUTABLE && err->code == EACCES ? ": permission denied" : "";
}

void oci_note(const struct oci_globals *globals, const struct ct_err *err)
{
	char text[sizeof(err->where) + sizeof(err->what) + sizeof(err->hint) + 64];

	ct_err_format(err, text, sizeof(text));
	if (globals->log)
		log_line(globals, "warning", text);
}

void oci_report(const struct oci_globals *globals, const struct ct_err *err)
{
	char text[sizeof(err->where) + sizeof(err->what) + sizeof(err->hint) + 64];
	struct ct_err told = *err;

	snprintf(text, sizeof(text), "%s%s", err->what, words_of(err));
	snprintf(told.what, sizeof(told.what), "%.*s", (int)sizeof(told.what) - 1, text);
	ct_err_format(&told, text, sizeof(text));
	if (globals->log)
		log_line(globals, "error", text);
	ct_report(&told);
}
