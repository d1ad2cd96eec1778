/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From frames to lines. A frame is what one read of the monitor gave: it may hold many lines, a
 * part of one, or the end of one and the beginning of the next. Each stream has its own line open,
 * so that half a line of stdout is not torn by what comes from stderr meanwhile. A line has the
 * time of its first byte, however many frames it came in.
 *
 * A line that is whole inside its frame is handed out where it stands; only what crosses frames is
 * copied. Lines over CT_LINE_MAX are handed on in parts, cut between characters.
 *
 * Runs in the CLI; pure but for the memory of the two buffers. When that fails, the line goes on in
 * parts, of what there is.
 *
 *    frame    "a\nbc"            "d\ne"              "\n"
 *    lines    a                  bcd (copied)        e
 *    open     bc                 e                   -
 *    flush    a pause: "bc" is handed out as a part that begins, "d" later as one that ends
 */
#include "logs.h"

#include <string.h>

#include <cattach/encode.h>

void ct_lines_free(struct ct_line_cutter *cutter)
{
	for (size_t i = 0; i < 2; i++)
		ct_buf_done(&cutter->open[i].text);
}

void ct_lines_feed(struct ct_line_cutter *cutter, int stream, uint64_t time, const void *data,
		   size_t size)
{
	cutter->data = data;
	cutter->left = size;
	cutter->time = time;
	cutter->stream = stream;
}

static struct ct_line_open *open_of(struct ct_line_cutter *cutter, int stream)
{
	return &cutter->open[stream == CT_STREAM_STDERR];
}

/* Forget what the last call handed out of the buffer. A line that was handed out points into the
 * buffer, so it is forgotten only when the next one is asked for. */
static void settle(struct ct_line_open *open)
{
	size_t rest = open->text.length - open->given;

	if (!open->given)
		return;
	if (rest)
		memmove(open->text.data, open->text.data + open->given, rest);
	open->text.length = rest;
	open->text.data[rest] = '\0';
	open->given = 0;
}

/* shown: a part of this line is out already, so the next does not begin it. */
static void hand_out(const struct ct_line_cutter *cutter, struct ct_line_open *open, int stream,
		     const char *text, size_t size, bool ends, struct ct_log_line *ret_line)
{
	*ret_line = (struct ct_log_line){
		.time = open->begun ? open->time : cutter->time, .run = cutter->run,
		.stream = stream, .text = text, .size = size,
		.begins = !open->shown, .ends = ends,
	};
	open->shown = !ends;
	open->begun = open->begun && !ends;
}

/* So many bytes of the buffer. */
static void hand_out_open(const struct ct_line_cutter *cutter, struct ct_line_open *open,
			  int stream, size_t size, bool ends, struct ct_log_line *ret_line)
{
	hand_out(cutter, open, stream, ct_buf_text(&open->text), size, ends, ret_line);
	open->given = size;
}

static void consume(struct ct_line_cutter *cutter, size_t size)
{
	cutter->data += size;
	cutter->left -= size;
}

/* Bytes of the frame behind what is open; the time of a line is that of its first byte. */
static void add_open(struct ct_line_cutter *cutter, struct ct_line_open *open, size_t size)
{
	if (!open->begun) {
		open->begun = true;
		open->time = cutter->time;
	}
	ct_buf_add(&open->text, cutter->data, size);
}

/* False: the frame is used up, and what is left of it is open. Called until then for each frame. */
bool ct_lines_next(struct ct_line_cutter *cutter, struct ct_log_line *ret_line)
{
	struct ct_line_open *open = open_of(cutter, cutter->stream);
	const char *newline;
	size_t size;

	settle(&cutter->open[0]);
	settle(&cutter->open[1]);
	if (!cutter->left)
		return false;
	newline = memchr(cutter->data, '\n', cutter->left);
	size = newline ? (size_t)(newline - cutter->data) : cutter->left;
	if (newline && !open->text.length) {
		hand_out(cutter, open, cutter->stream, cutter->data, size, true, ret_line);
		consume(cutter, size + 1);
		return true;
	}
	add_open(cutter, open, size);
	consume(cutter, newline ? size + 1 : size);
	/* Without memory a hole in a line is better than no end of it. */
	open->text.failed = false;
	if (!newline && open->text.length < CT_LINE_MAX)
		return false;
	size = open->text.length;
	hand_out_open(cutter, open, cutter->stream,
		      newline ? size : ct_utf8_whole(open->text.data, size), newline, ret_line);
	return true;
}

/* Bytes that a flush hands out. Half a character at the end stays, unless nothing more will ever
 * come. */
static size_t ready(const struct ct_line_open *open, bool final)
{
	size_t left = open->text.length - open->given;
	const char *text = ct_buf_text(&open->text) + open->given;

	return final ? left : ct_utf8_whole(text, left);
}

/* One part a call, false when there is none. final: the run is over, and so is each line. */
bool ct_lines_flush(struct ct_line_cutter *cutter, bool final, struct ct_log_line *ret_line)
{
	struct ct_line_open *open = cutter->open;
	/* What began first goes first. */
	size_t first = open[1].begun && (!open[0].begun || open[1].time < open[0].time);

	settle(&open[0]);
	settle(&open[1]);
	for (size_t i = 0; i < 2; i++) {
		size_t which = i ? !first : first;
		struct ct_line_open *o = &open[which];
		size_t size = ready(o, final);

		if (size) {
			hand_out_open(cutter, o, which ? CT_STREAM_STDERR : CT_STREAM_STDOUT, size,
				      false, ret_line);
			return true;
		}
		if (final)
			o->begun = o->shown = false;
	}
	return false;
}

bool ct_lines_pending(const struct ct_line_cutter *cutter)
{
	return ready(&cutter->open[0], false) || ready(&cutter->open[1], false);
}
