/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of a process that is our own child. It has our own descriptors, so that nothing stands
 * between it and what it reads and writes, unless one is a terminal: who holds a terminal can type
 * into it (ioctl_tty(2), TIOCSTI) and drive what runs there, so a pipe is handed over and we carry
 * the bytes. A directory is never handed over: from one inside, a path leads out.
 *
 * Runs in the command, in its loop, without ever waiting in a read or write: a terminal that is
 * stopped keeps no signal waiting. What may fail: making pipes.
 *
 *    stream    from              to                    what stands between
 *    stdin     our terminal      pipe -> process       data[], one read at a time
 *    stdout    process -> pipe   our terminal          data[]
 *    stderr    as stdout
 *    (any that is no terminal: handed over as it is, no relay, from = pipe = -1)
 *
 * A relay reads again only when everything of the last read is written: so a reader that is slow
 * makes the pipe full, and the process waits in its write as it would without us.
 */
#include "exec_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#define TERMINAL_SIZE	(128 * 1024)	/* more than a terminal holds of what nobody has read */

/* By descriptor, for messages. */
static const char *const names[] = { "standard input", "standard output", "standard error" };

/* Never closed: main() has put /dev/null where 0, 1 or 2 was missing. */
static int check(int fd, struct ct_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "%s", names[fd]);
	if (!S_ISDIR(st.st_mode))
		return 0;
	ct_fail(err, EISDIR, "%s is a directory, which is not handed into a container", names[fd]);
	return ct_hint(err, "redirect it to or from a file, or /dev/null");
}

/* A pipe in place of our terminal: *ret_theirs is the end that the process gets. Only our end is
 * made non-blocking: the process gets an end of its own, with a description of its own, and expects
 * the usual kind. */
static int relay(struct ct_relay *r, int fd, int *ret_theirs, struct ct_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	r->pipe = ends[fd == 0];
	*ret_theirs = ends[fd != 0];
	if (fcntl(r->pipe, F_SETFL, O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up a pipe");
	r->from = fd == 0 ? fd : r->pipe;
	ct_outlet_open(fd == 0 ? r->pipe : fd, &r->to);
	return 0;
}

static int open_one(struct ct_relays *relays, int fd, bool interactive, int *ret_end,
		    struct ct_err *err)
{
	bool ours = fd != 0 || interactive;
	int r = ours ? check(fd, err) : 0;

	*ret_end = fd;
	if (r < 0)
		return r;
	if (!ours) {
		relays->theirs[0] = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
		if (relays->theirs[0] < 0)
			return ct_fail_errno(err, errno, "cannot open /dev/null");
	} else if (isatty(fd)) {
		r = relay(&relays->stream[fd], fd, &relays->theirs[fd], err);
	}
	if (relays->theirs[fd] >= 0)
		*ret_end = relays->theirs[fd];
	return r;
}

void ct_relays_init(struct ct_relays *relays)
{
	for (int i = 0; i < 3; i++) {
		struct ct_relay *one = &relays->stream[i];

		one->from = one->pipe = one->to.fd = relays->theirs[i] = -1;
		one->to.own = one->ended = one->last = one->terminal = false;
		one->start = one->end = one->left = 0;
	}
}

/* The descriptors in ret_stdio are borrowed: some are our own 0, 1 and 2, which the child copies
 * and nobody may close. */
int ct_relays_open(struct ct_relays *relays, bool interactive, struct ct_ns_stdio *ret_stdio,
		   struct ct_err *err)
{
	int r = 0;

	memset(ret_stdio, 0, sizeof(*ret_stdio));
	ret_stdio->borrowed = true;
	ct_relays_init(relays);
	for (int i = 0; i < 3 && r == 0; i++)
		r = open_one(relays, i, interactive, &ret_stdio->fd[i], err);
	return r;
}

/* Not ct_outlet_open() for the master: what it opens once more would be another terminal. Two
 * copies of the master, one a direction, so that each relay can close its own; the flag of the
 * description that they share is the caller's word that nobody else waits in it. "regular" has the
 * outlet write without asking first, which is right for a descriptor that never blocks. */
int ct_relays_open_terminal(struct ct_relays *relays, int master, struct ct_err *err)
{
	struct ct_relay *in = &relays->stream[0], *out = &relays->stream[1];

	ct_relays_init(relays);
	in->pipe = fcntl(master, F_DUPFD_CLOEXEC, 0);
	out->pipe = fcntl(master, F_DUPFD_CLOEXEC, 0);
	if (in->pipe < 0 || out->pipe < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up the terminal");
	in->from = STDIN_FILENO;
	in->to = (struct ct_outlet){ .fd = in->pipe, .regular = true };
	out->from = out->pipe;
	out->terminal = true;
	ct_outlet_open(STDOUT_FILENO, &out->to);
	return 0;
}

/* At once after the start: as long as we hold the child's ends a pipe has no end of file, and no
 * reader that is missing. */
void ct_relays_started(struct ct_relays *relays)
{
	for (int i = 0; i < 3; i++)
		ct_drop_fd(&relays->theirs[i]);
}

/* ---- moving ---- */

/* The pipe's other end learns of it: the process reads the end of its stdin, or gets SIGPIPE when
 * it writes. */
static void end_relay(struct ct_relay *r)
{
	ct_outlet_close(&r->to);
	ct_drop_fd(&r->pipe);
	r->from = -1;
	r->start = r->end = 0;
}

static bool is_open(const struct ct_relay *r)
{
	return r->pipe >= 0;
}

/* Never for both at once: what cannot be written is nothing to read more for. */
void ct_relays_poll(const struct ct_relays *relays, struct pollfd fds[3])
{
	for (int i = 0; i < 3; i++) {
		const struct ct_relay *r = &relays->stream[i];

		fds[i] = (struct pollfd){ .fd = -1 };
		if (!is_open(r))
			continue;
		fds[i].fd = r->start < r->end ? r->to.fd : r->from;
		fds[i].events = r->start < r->end ? POLLOUT : POLLIN;
	}
}

/* Without O_NONBLOCK on a descriptor that others share: is there something? A terminal whose other
 * reader (a shell in the background, say) was faster is a read that waits; the chance is small, and
 * the next key ends it. */
static bool is_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, 0) > 0;
}

/* last: the process has ended, and only what was in the pipe by then is taken, see
 * ct_relays_last(). */
static void fill(struct ct_relay *r)
{
	size_t size = r->last && r->left < sizeof(r->data) ? r->left : sizeof(r->data);
	ssize_t n;

	if (r->last && !r->left)
		r->ended = true;
	if (r->ended || r->start < r->end || !is_readable(r->from))
		return;
	n = read(r->from, r->data, size);
	if (n > 0) {
		r->start = 0;
		r->end = (size_t)n;
		r->left -= r->last ? (size_t)n : 0;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		r->ended = true;
	}
}

/* False: nobody takes it any more. */
static bool drain(struct ct_relay *r)
{
	while (r->start < r->end) {
		ssize_t n = ct_outlet_write(&r->to, r->data + r->start, r->end - r->start);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		r->start += (size_t)n;
	}
	return true;
}

/* From ct_exec_run()'s loop after every poll, whatever has woken it: the relays find out for
 * themselves what there is to do. */
bool ct_relays_pump(struct ct_relays *relays)
{
	bool wanted = true;

	for (int i = 0; i < 3; i++) {
		struct ct_relay *r = &relays->stream[i];
		bool taken;

		if (!is_open(r))
			continue;
		fill(r);
		taken = drain(r);
		if (!taken || (r->ended && r->start == r->end))
			end_relay(r);
		/* A process that reads no more is its own affair; who reads from us is not. */
		wanted = wanted && (taken || i == 0);
	}
	return wanted;
}

/* FIONREAD of a pipe is what is in it, pipe(7). A process in the background may hold the pipe and
 * write for ever, as "sh -c 'yes &'" does: docker exec ends with the command, and so do we. A
 * terminal has no such number that counts: the kernel moves output to the master through a queue of
 * its own, later. */
void ct_relays_last(struct ct_relays *relays)
{
	end_relay(&relays->stream[0]);
	for (int i = 1; i < 3; i++) {
		struct ct_relay *r = &relays->stream[i];
		int there = 0;

		r->last = is_open(r) && ioctl(r->from, FIONREAD, &there) == 0;
		r->left = r->last ? (size_t)there : 0;
		/* More may be on its way through it. */
		if (r->last && r->terminal)
			r->left = TERMINAL_SIZE;
	}
}

/* Who is inside can open the pipe and read from it, too: what was there need not be. */
static bool is_left(const struct ct_relay *r)
{
	return !r->ended && (!r->last || r->left) && is_readable(r->from);
}

bool ct_relays_pending(const struct ct_relays *relays)
{
	for (int i = 1; i < 3; i++) {
		const struct ct_relay *r = &relays->stream[i];

		if (is_open(r) && (r->start < r->end || is_left(r)))
			return true;
	}
	return false;
}

void ct_relays_close(struct ct_relays *relays)
{
	ct_relays_started(relays);
	for (int i = 0; i < 3; i++)
		end_relay(&relays->stream[i]);
}
