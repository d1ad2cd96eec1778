/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of systemd: text that runs our commands.
 *
 * Runs in "cattach generate systemd", on memory alone. A word of a command line goes through three
 * hands in systemd, and is prepared for each: quotes and escapes as in C, then specifiers (%), then
 * variables ($), systemd.syntax(7), systemd.service(5). May fail for a directory that a unit cannot
 * name.
 *
 *    Type=notify, NotifyAccess=all   monitor or payload says READY=1, whom --sdnotify names
 *    Delegate=yes                    the container's cgroup is ours to make below the service's
 *    KillMode=mixed                  SIGTERM to the monitor alone, SIGKILL to all that is left
 *    ExecStop, ExecStopPost          our own stop first; what is left of the container is removed
 */
#include "systemd_unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STOP_MARGIN	60	/* seconds for stop beyond what the container gets */

/* ---- words ---- */

/* What needs no quotes; all of UTF-8 beyond ASCII does not, but is easier to read in them. Without
 * ";" and "'", which systemd takes for itself, and without blanks. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_@+=:,./-%$";

	return *word && strspn(word, plain) == strlen(word);
}

/* "%%" and "$$" are these characters themselves, systemd.unit(5) "Specifiers", systemd.service(5)
 * "Command lines". */
static void put_char(struct ct_buf *buf, unsigned char c, bool variables)
{
	if (c == '%' || (c == '$' && variables))
		ct_buf_printf(buf, "%c%c", c, c);
	else if (c == '"' || c == '\\')
		ct_buf_printf(buf, "\\%c", c);
	else if (c == '\n')
		ct_buf_add(buf, "\\n", 2);
	else if (c == '\t')
		ct_buf_add(buf, "\\t", 2);
	else if (c < ' ' || c == 0x7f)
		ct_buf_printf(buf, "\\x%02x", c);
	else
		ct_buf_add(buf, &c, 1);
}

/* The first word of a command, and assignments, are not looked through for variables. */
static void put_word(struct ct_buf *buf, const char *word, bool variables)
{
	bool quote = !is_plain(word);

	if (quote)
		ct_buf_add(buf, "\"", 1);
	for (const char *c = word; *c; c++)
		put_char(buf, (unsigned char)*c, variables);
	if (quote)
		ct_buf_add(buf, "\"", 1);
}

void ct_unit_word(struct ct_buf *buf, const char *word)
{
	put_word(buf, word, true);
}

static void put_words(struct ct_buf *buf, const char *const *words)
{
	for (; *words; words++) {
		ct_buf_add(buf, " ", 1);
		ct_unit_word(buf, *words);
	}
}

/* "KEY=PROGRAM WORD..." */
static void put_command(struct ct_buf *buf, const char *key, const struct systemd_unit *unit,
			const char *const *words)
{
	ct_buf_printf(buf, "%s=", key);
	put_word(buf, unit->program, false);
	put_words(buf, words);
	ct_buf_add(buf, "\n", 1);
}

/* ---- the unit ---- */

/* The rest of a line as it is: no quotes, no escapes, blanks at its ends lost. A "\" at the end
 * would join the next line to it. */
static int put_directory(struct ct_buf *buf, const char *path, struct ct_err *err)
{
	size_t size = strlen(path);

	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			size = 0;
	if (!size || path[size - 1] == ' ' || path[size - 1] == '\\') {
		ct_fail(err, EINVAL, "a unit cannot name the directory in which it was made: %s",
			path);
		return ct_hint(err, "make the container in another directory");
	}
	ct_buf_printf(buf, "WorkingDirectory=");
	for (const char *c = path; *c; c++)
		ct_buf_printf(buf, *c == '%' ? "%%%%" : "%c", *c);
	ct_buf_add(buf, "\n", 1);
	return 0;
}

static int put_environment(const struct systemd_unit *unit, struct ct_buf *buf, struct ct_err *err)
{
	for (size_t i = 0; i < unit->environment.count; i++) {
		ct_buf_printf(buf, "Environment=");
		put_word(buf, unit->environment.items[i], false);
		ct_buf_add(buf, "\n", 1);
	}
	return unit->directory ? put_directory(buf, unit->directory, err) : 0;
}

static void put_commands(const struct systemd_unit *unit, struct ct_buf *buf)
{
	const char *const remove[] = { "rm", "--force", "--ignore", unit->container, NULL };
	char seconds[32];
	const char *const stop[] = { "stop", seconds, unit->container, NULL };

	snprintf(seconds, sizeof(seconds), "--time=%d", unit->stop_timeout);
	/* What a crash of the machine has left. */
	if (unit->fresh)
		put_command(buf, "ExecStartPre", unit, remove);
	put_command(buf, "ExecStart", unit, unit->start.items);
	put_command(buf, "ExecStop", unit, stop);
	if (unit->fresh)
		put_command(buf, "ExecStopPost", unit, remove);
}

/* The monitor is the main process; what it is told to end by is the container's to hear.
 * STOP_MARGIN: ExecStop waits as long as the container gets and a little more, and systemd must not
 * kill it before. */
int ct_unit_text(const struct systemd_unit *unit, struct ct_buf *buf, struct ct_err *err)
{
	ct_buf_printf(buf, "# %s, by cattach generate systemd\n\n", unit->name);
	ct_buf_printf(buf,
		      "[Unit]\nDescription=Container %s\nDocumentation=man:cattach-generate(1)\n\n",
		      unit->label);
	ct_buf_printf(buf,
		      "[Service]\nType=notify\nNotifyAccess=all\nDelegate=yes\nKillMode=mixed\n"
		      "Restart=%s\n",
		      unit->restart);
	if (unit->stop_code)
		ct_buf_printf(buf, "SuccessExitStatus=%d\n", unit->stop_code);
	if (unit->stop_timeout < 0)
		ct_buf_printf(buf, "TimeoutStopSec=infinity\n");
	else
		ct_buf_printf(buf, "TimeoutStopSec=%lld\n",
			      (long long)unit->stop_timeout + STOP_MARGIN);
	if (put_environment(unit, buf, err) < 0)
		return -err->code;
	put_commands(unit, buf);
	ct_buf_printf(buf, "\n[Install]\nWantedBy=default.target\n");
	return buf->failed ? ct_fail_nomem(err) : 0;
}
