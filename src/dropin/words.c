/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime and its hooks write before there is a payload, on the pipes that are to be its stdout
 * and stderr. As a rule that stays there: a failure's words are read from stderr, and after a success the
 * loop finds it. But a hook may have more to say than a pipe holds, and is not to wait for a loop that
 * begins when the runtime has ended.
 *
 * Runs in the monitor while the runtime does. A pipe that fills is made larger, up to what anybody may have;
 * from then on it is read, into the log, and of stderr the first and the last bytes are kept for the
 * caller. So memory is bounded. Cannot fail: a pipe that cannot be read is as large as it can be.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cattach/fd.h>

#define PIPE_MAX	(1 << 20)	/* what an unprivileged process may have */
#define PIECE		16384u
#define BURST		64		/* pieces before the runtime is looked at again */

static const char mark[] = "\n[...]\n";

/* ---- both ends of a text ---- */

void ct_words_add(struct words *words, const char *text, size_t size)
{
	size_t first = words->size < WORDS_PART ? WORDS_PART - words->size : 0;

	if (first > size)
		first = size;
	if (first)
		memcpy(words->first + words->size, text, first);
	/* Only its last bytes can stay. */
	for (size_t i = size - first > WORDS_PART ? size - WORDS_PART : first; i < size; i++)
		words->last[(words->size + i - WORDS_PART) % WORDS_PART] = text[i];
	words->size += size;
}

size_t ct_words_text(const struct words *words, char text[WORDS_TEXT])
{
	size_t n = words->size < WORDS_PART ? words->size : WORDS_PART;
	size_t rest = words->size - n, from = 0;

	memcpy(text, words->first, n);
	if (rest > WORDS_PART) {
		memcpy(text + n, mark, sizeof(mark) - 1);
		n += sizeof(mark) - 1;
		from = rest % WORDS_PART;
		rest = WORDS_PART;
	}
	for (size_t i = 0; i < rest; i++)
		text[n++] = words->last[(from + i) % WORDS_PART];
	text[n] = '\0';
	return n;
}

/* ---- the pipes ---- */

/* Opened anew by the name of its other end, for the end that reads is the loop's. */
static int open_reader(int end)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", end);
	return openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

void ct_said_open(struct said *said, const int stdio[3])
{
	for (int i = 0; i < 2; i++) {
		said->pipe[i].end = stdio[1 + i];
		said->pipe[i].fd = -1;
		/* Not of the caller's, which stay whose they are, nor of what is no pipe. */
		if (fcntl(stdio[1 + i], F_GETPIPE_SZ) > 0)
			said->pipe[i].fd = open_reader(stdio[1 + i]);
	}
}

void ct_said_close(struct said *said)
{
	for (int i = 0; i < 2; i++)
		ct_drop_fd(&said->pipe[i].fd);
}

/* It is getting full, and cannot be larger. */
static bool is_full(int end)
{
	int waiting = 0, room = fcntl(end, F_GETPIPE_SZ);

	if (room <= 0 || ioctl(end, FIONREAD, &waiting) < 0 || waiting <= room / 2)
		return false;
	return room >= PIPE_MAX || fcntl(end, F_SETPIPE_SZ, 2 * room) < 0;
}

static void take(struct said *said, int i, const struct ct_child_stdio *stdio)
{
	char piece[PIECE];

	for (int n = 0; n < BURST; n++) {
		ssize_t size = read(said->pipe[i].fd, piece, sizeof(piece));

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return;
		if (i == 1)
			ct_words_add(&said->words, piece, (size_t)size);
		if (stdio && stdio->wrote)
			stdio->wrote(stdio->wrote_arg, i == 1 ? CT_STREAM_STDERR : CT_STREAM_STDOUT, piece,
				     (size_t)size);
	}
}

void ct_said_look(struct said *said, const struct ct_child_stdio *stdio)
{
	for (int i = 0; i < 2; i++) {
		struct said_pipe *p = &said->pipe[i];

		p->drained = p->drained || is_full(p->end);
		if (p->drained && p->fd >= 0)
			take(said, i, stdio);
	}
}

const char *ct_said_message(struct said *said, struct ct_arena *arena)
{
	char *text = ct_arena_calloc(arena, 1, WORDS_TEXT);

	if (said->pipe[1].fd >= 0)
		take(said, 1, NULL);
	return text && ct_words_text(&said->words, text) ? text : NULL;
}
