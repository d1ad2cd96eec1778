/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input in the foreground: from our stdin, past the detach keys, to the monitor.
 *
 * The monitor takes one CT_MSG_STDIN at a time and says when the payload has it. A stdin that is no
 * terminal is read only then: what the payload does not read stays where it is, for whoever shares
 * it with us. A terminal is read on, up to a bound, so that the detach keys are seen although the
 * payload takes nothing; and never past a sequence that they may complete, so that what is typed
 * after detaching stays in the terminal, for the shell.
 *
 * Runs in the CLI with the caller's rights. An error of reading counts as the end.
 *
 *    terminal   read() -> keys matcher -> pending[] -> CT_MSG_STDIN, one at a time, with room
 *    others     read() only when there is room and nothing pending -> the same
 *    end        see_end(): open = false, eof = true; told when pending is empty (move_on())
 *    detaching  see_detached(): leaving = true; when pending is empty, or after LEAVE_MS
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cattach/proc.h>

#include "follow.h"

#define MS		1000000ull	/* ns */
#define LEAVE_MS	1000	/* for what was typed before the detach keys to be taken */

/* Detach keys only of a terminal: a byte 0x10 in a file that is piped in is data. */
void ct_follow_open_input(struct ct_follow *f, uint8_t *memory)
{
	bool terminal = f->how->tty && f->how->stdin_open && isatty(STDIN_FILENO);

	f->in = (struct ct_follow_input){
		.open = f->how->stdin_open,
		.pollable = true,
		.room = true,
		.pending = memory,
	};
	if (terminal)
		f->in.keys = f->how->keys;
}

void ct_follow_hold_input(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;

	/* What the last run has not taken was not meant for the next. */
	in->size = 0;
	in->room = false;
	in->eof = false;
	in->open = f->how->stdin_open && !in->ended && !in->leaving;
}

/* The next run has a stdin of its own, which ends, too. */
void ct_follow_resume_input(struct ct_follow *f)
{
	f->in.room = true;
	f->in.eof = f->in.ended;
}

/* ---- to the monitor ---- */

/* room comes back with the monitor's answer that the payload has taken it (look_at_client()). */
static void send_pending(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;
	struct ct_message message = { .type = CT_MSG_STDIN, .data = in->pending };

	if (!in->size || !in->room)
		return;
	message.size = in->size < CT_ATTACH_DATA_MAX ? in->size : CT_ATTACH_DATA_MAX;
	in->room = false;
	in->size -= message.size;
	ct_follow_send(f, &message);
	memmove(in->pending, in->pending + message.size, in->size);
}

static void end_of_input(struct ct_follow *f)
{
	struct ct_message message = { .type = CT_MSG_EOF };
	enum ct_stdin_eof what = f->how->eof;

	f->in.eof = false;
	/* The end of a terminal is its hang-up; a pipe that feeds one has just said all it had. */
	if (what == CT_STDIN_EOF_AUTO && f->how->tty)
		what = isatty(STDIN_FILENO) ? CT_STDIN_EOF_DETACH : CT_STDIN_EOF_KEEP;
	else if (what == CT_STDIN_EOF_AUTO)
		what = CT_STDIN_EOF_CLOSE;
	if (what == CT_STDIN_EOF_DETACH)
		ct_follow_detach(f);
	else if (what == CT_STDIN_EOF_CLOSE)
		ct_follow_send(f, &message);
}

/* What waits goes as soon as there is room, and then what comes behind all of it. */
static void move_on(struct ct_follow *f)
{
	send_pending(f);
	if (f->in.size && !(f->waiting && f->in.leaving))
		return;
	if (f->in.eof)
		end_of_input(f);
	/* The last bytes are with the monitor, which writes them whether we are there or not;
	 * between two runs there is nobody whom they could still reach. */
	if (f->in.leaving)
		ct_follow_detach(f);
}

/* ---- from our stdin ---- */

/* What the matcher has withheld was no sequence, then: it goes before the end. */
static void see_end(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;

	in->size += ct_detach_keys_flush(&in->keys, in->pending + in->size);
	in->open = false;
	in->eof = in->ended = true;
	in->deadline = 0;
}

/* The detach keys are complete: what was typed before them goes, and then we. */
static void see_detached(struct ct_follow_input *in)
{
	if (!in->keys.detached)
		return;
	in->open = false;
	in->leaving = true;
	in->deadline = ct_now_monotonic() + LEAVE_MS * MS;
}

/* false: nothing was read. A signal, or somebody who shares our stdin and was faster, is no end.
 * EIO of a terminal that has hung up is. */
static bool read_some(struct ct_follow *f, size_t most)
{
	struct ct_follow_input *in = &f->in;
	uint8_t data[4096];
	size_t size;
	ssize_t n = read(STDIN_FILENO, data, most < sizeof(data) ? most : sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		see_end(f);
		return false;
	}
	ct_detach_keys_feed(&in->keys, data, (size_t)n, in->pending + in->size, &size);
	in->size += size;
	in->deadline = ct_detach_keys_pending(&in->keys) ?
		       ct_now_monotonic() + in->keys.timeout_ms * MS : 0;
	see_detached(in);
	return true;
}

/* A terminal: what it has now, in pieces that end where the detach keys may. FIONREAD keeps a read
 * from waiting: stdin is not made non-blocking, for whoever shares it with us. In steps of what
 * completes a sequence at the earliest, so that no byte behind one is ever read. */
static void read_keys(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;
	int there = 0;

	if (ioctl(STDIN_FILENO, FIONREAD, &there) < 0 || there < 1)
		there = 1;
	while (there > 0 && in->open && in->size < CT_ATTACH_DATA_MAX) {
		size_t most = ct_detach_keys_wanted(&in->keys);

		if (most > (size_t)there)
			most = (size_t)there;
		if (!read_some(f, most))
			return;
		there -= (int)most;
	}
}

/* pending is empty here, wants_more() has seen to that. */
static void read_plain(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;
	ssize_t n = read(STDIN_FILENO, in->pending, CT_ATTACH_DATA_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		see_end(f);
	else
		in->size = (size_t)n;
}

/* Is there a place for what would be read? */
static bool wants_more(const struct ct_follow_input *in)
{
	if (!in->open)
		return false;
	return in->keys.count ? in->size < CT_ATTACH_DATA_MAX : in->room && !in->size;
}

void ct_follow_read(struct ct_follow *f)
{
	/* stopped being wanted by something that came in the same batch of events */
	if (!wants_more(&f->in))
		return;
	if (f->in.keys.count)
		read_keys(f);
	else
		read_plain(f);
}

/* Out of the epoll while nothing is wanted: level-triggered, it would wake us for nothing all the
 * time. EPERM, for regular files, makes it unpollable, epoll_ctl(2). */
static void watch_stdin(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;
	bool want = in->pollable && wants_more(in);

	if (want == in->watched)
		return;
	in->watched = want;
	if (!want)
		epoll_ctl(f->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	else if (ct_follow_watch(f, STDIN_FILENO, CT_FOLLOW_STDIN, EPOLLIN) < 0)
		in->pollable = in->watched = false;
}

/* True when there is more to do at once, so that the caller does not sleep. */
bool ct_follow_feed(struct ct_follow *f)
{
	struct ct_follow_input *in = &f->in;

	move_on(f);
	if (f->result >= 0)
		return false;
	watch_stdin(f);
	if (in->pollable || !wants_more(in))
		return false;
	/* What cannot be waited for (a regular file) is always readable, without an event. */
	ct_follow_read(f);
	move_on(f);
	return wants_more(in);
}

/* Two deadlines use one field, since who leaves reads no more keys: half a sequence that nothing
 * has followed, and a payload that does not take what was typed before the detach keys. */
void ct_follow_tick(struct ct_follow *f, uint64_t now)
{
	struct ct_follow_input *in = &f->in;

	if (!in->deadline || now < in->deadline)
		return;
	in->deadline = 0;
	if (in->leaving) {
		ct_follow_detach(f);
		return;
	}
	in->size += ct_detach_keys_flush(&in->keys, in->pending + in->size);
	see_detached(in);
}
