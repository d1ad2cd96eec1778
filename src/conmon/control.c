/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control by two FIFOs in the runtime directory, as conmon has it: "ctl" takes lines of a type and two
 * numbers, "winsz" those of two numbers.
 *
 *   1 ROWS COLUMNS    ctl: the terminal's size
 *   2 0 0             ctl: the log file is to be opened again by its name
 *   ROWS COLUMNS      winsz: the terminal's size
 *
 * Runs in the monitor. They are open for writing here, too, so that the last writer's going is no end
 * of file. Lines may come in pieces; what is none is passed over. There is no answer. May fail at the
 * start: a directory where nothing can be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

#define CTL	0u
#define WINSZ	1u

static const char names[CONTROLS][6] = { "ctl", "winsz" };

static int open_fifo(int dir, const char *name)
{
	/* Of a run before this one. */
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (mkfifoat(dir, name, 0660) < 0)
		return -errno;
	return openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
}

int ct_control_open(struct monitor *m, struct ct_err *err)
{
	for (unsigned i = 0; i < CONTROLS; i++) {
		m->control[i].fd = open_fifo(m->runtime, names[i]);
		if (m->control[i].fd < 0)
			return ct_fail_errno(err, errno, "cannot make the FIFO \"%s\"", names[i]);
	}
	return 0;
}

void ct_control_close(struct monitor *m)
{
	for (unsigned i = 0; i < CONTROLS; i++)
		ct_drop_fd(&m->control[i].fd);
}

/* A number of five digits at most, and blanks: false when it is none. */
static bool take_number(const char **at, unsigned *ret_value)
{
	unsigned value = 0, digits = 0;
	const char *p = *at;

	while (*p == ' ')
		p++;
	for (; *p >= '0' && *p <= '9' && digits <= 5; p++, digits++)
		value = value * 10 + (unsigned)(*p - '0');
	if (!digits || digits > 5 || (*p && *p != ' '))
		return false;
	*at = p;
	*ret_value = value;
	return true;
}

static void resize(struct monitor *m, unsigned rows, unsigned columns)
{
	if (m->config->tty && rows <= UINT16_MAX && columns <= UINT16_MAX)
		ct_size_set(m, (uint16_t)rows, (uint16_t)columns);
}

static void obey(struct monitor *m, unsigned slot, const char *line)
{
	unsigned type = 1, a, b;

	if (slot == CTL && !take_number(&line, &type))
		return;
	if (!take_number(&line, &a) || !take_number(&line, &b) || *line)
		return;
	if (type == 1)
		resize(m, a, b);
	else if (type == 2 && ct_log_reopen(m->log) < 0)
		m->warnings |= CT_WARN_DISK;
}

static void take_byte(struct monitor *m, unsigned slot, char byte)
{
	struct control *c = &m->control[slot];

	if (byte != '\n' && c->size == sizeof(c->line) - 1)
		c->skip = true;
	if (byte != '\n' && !c->skip)
		c->line[c->size++] = byte;
	if (byte != '\n')
		return;
	c->line[c->size] = '\0';
	if (!c->skip)
		obey(m, slot, c->line);
	c->size = 0;
	c->skip = false;
}

void ct_control_ready(struct monitor *m, unsigned slot)
{
	char buf[256];
	ssize_t n = read(m->control[slot].fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		take_byte(m, slot, buf[i]);
}
