/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's record: what it waits for, how often it has started the container, what went wrong.
 *
 * Format: one JSON object, blanks up to CT_KEEPER_RECORD_SIZE - 1 bytes, a newline; rewritten in
 * place by a single pwrite(2) of the whole size, so that it needs no room on a full disk.
 * "generation" at the front and "end" at the back carry the same number; a reader takes a text that
 * it has read twice in a row alike (see src/conmon/status.c for why), and trusts neither size,
 * syntax, types nor ranges.
 *
 * Written by the keeper, read by commands, as the user.
 *
 *   {"generation":7,"version":1,"phase":"waiting","restarts":2,"until":...,"delay":...,"seen":...,
 *    "again":false,"error":"...","end":7}                                         \n
 *
 *   phase     what the keeper is at; "ended": nothing is started again any more
 *   restarts  how often it has, in a row; RestartCount of inspect
 *   until     when the next start is due, ns since the epoch; delay: what it waits in between
 *   seen      started of the last run that it has dealt with: is it up to date?
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/json.h>
#include <cattach/keeper.h>
#include <cattach/num.h>

#include "record.h"

#define SIZE		CT_KEEPER_RECORD_SIZE
#define VERSION		1
#define TRIES		10		/* with twice as long in between each time: a tenth of a second */

static const char *const phases[] = {
	[CT_KEEPER_WATCHING] = "watching",
	[CT_KEEPER_WAITING] = "waiting",
	[CT_KEEPER_STARTING] = "starting",
	[CT_KEEPER_ENDED] = "ended",
};

#define PHASE_COUNT (sizeof(phases) / sizeof(phases[0]))

/* ---- writing ---- */

/* error is cut by the caller to what fits the size of the record. */
static int format(const struct ct_keeper_record *r, const char *error, struct ct_buf *buf,
		  struct ct_err *err)
{
	struct ct_json_writer w;

	ct_buf_clear(buf);
	if (ct_json_writer_open(&w, buf, false, err) < 0)
		return -err->code;
	ct_json_begin_object(&w);
	ct_json_put_u64(&w, "generation", r->generation);
	ct_json_put_u64(&w, "version", VERSION);
	ct_json_put_string(&w, "phase", phases[r->phase]);
	ct_json_put_u64(&w, "restarts", r->restarts);
	ct_json_put_u64(&w, "until", r->until);
	ct_json_put_u64(&w, "delay", r->delay);
	ct_json_put_u64(&w, "seen", r->seen);
	ct_json_put_bool(&w, "again", r->again);
	ct_json_put_string(&w, "error", error);
	ct_json_put_u64(&w, "end", r->generation);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	return buf->failed ? ct_fail_nomem(err) : 0;
}

/* An error of control characters alone would need six times its room. JSON writes a control
 * character as \u00XX. What cannot be recorded whole is not recorded cut: a cut escape would be no
 * JSON. */
static int fit(const struct ct_keeper_record *record, struct ct_buf *buf, struct ct_err *err)
{
	int r = format(record, record->error, buf, err);

	if (r == 0 && buf->length >= SIZE)
		r = format(record, "the error cannot be shown", buf, err);
	return r;
}

/* One pwrite(2) of one size: the file never grows or shrinks, so a full disk cannot refuse it, and
 * a reader never sees it empty. A short write has happened on no file system that we know of; it
 * would show at the next read, as two ends that differ. */
int ct_keeper_record_write(int fd, const struct ct_keeper_record *record, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	char text[SIZE];
	ssize_t written;
	int r;

	if ((size_t)record->phase >= PHASE_COUNT)
		return ct_fail(err, EINVAL, "cannot record a keeper: %d is no phase",
			       (int)record->phase);
	r = fit(record, &buf, err);
	if (r < 0)
		return r;
	memset(text, ' ', sizeof(text));
	memcpy(text, buf.data, buf.length);
	text[sizeof(text) - 1] = '\n';
	do
		written = pwrite(fd, text, sizeof(text), 0);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return ct_fail_errno(err, errno, "cannot write the keeper's record");
	if (written != SIZE)
		return ct_fail(err, ENOSPC,
			       "cannot write the keeper's record: %zd of %d bytes written", written,
			       SIZE);
	return 0;
}

/* ---- reading ---- */

/* EBADMSG: a reader tries again, as a writer may be at it; only what stays wrong is damage. */
static int damaged(struct ct_err *err, const char *why)
{
	return ct_fail(err, EBADMSG, "keeper is damaged (%s)", why);
}

static int read_number(const struct ct_json *root, const char *key, uint64_t *ret_value,
		       struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, key);

	if (!value || value->type != CT_JSON_NUMBER)
		return ct_fail(err, EBADMSG, "keeper is damaged (%s must be a number)", key);
	if (ct_parse_u64(value->text, 0, UINT64_MAX, ret_value, err) < 0)
		return ct_fail(err, EBADMSG, "keeper is damaged (%s is out of range)", key);
	return 0;
}

static int read_phase(const struct ct_json *root, enum ct_keeper_phase *ret_phase,
		      struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, "phase");

	for (size_t i = 0; value && value->type == CT_JSON_STRING && i < PHASE_COUNT; i++) {
		if (!strcmp(phases[i], value->text)) {
			*ret_phase = (enum ct_keeper_phase)i;
			return 0;
		}
	}
	return damaged(err, "phase is not known");
}

static int read_again(const struct ct_json *root, bool *ret_again, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, "again");

	if (!value || value->type != CT_JSON_BOOL)
		return damaged(err, "again must be true or false");
	*ret_again = value->boolean;
	return 0;
}

static int read_error(const struct ct_json *root, char *buf, size_t size, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, "error");

	if (!value || value->type != CT_JSON_STRING || strlen(value->text) >= size)
		return damaged(err, "error must be a short string");
	memcpy(buf, value->text, strlen(value->text) + 1);
	return 0;
}

/* "end" is looked at last, by the caller: a text whose ends agree was written in one go. */
static int read_all(const struct ct_json *root, struct ct_keeper_record *record,
		    uint64_t *ret_end, struct ct_err *err)
{
	uint64_t version = 0, restarts = 0;
	int r = read_number(root, "version", &version, err);

	if (r == 0 && version != VERSION)
		r = damaged(err, "written by another cattach");
	if (r == 0)
		r = read_number(root, "generation", &record->generation, err);
	if (r == 0)
		r = read_phase(root, &record->phase, err);
	if (r == 0)
		r = read_number(root, "restarts", &restarts, err);
	if (r == 0 && restarts > UINT32_MAX)
		r = damaged(err, "restarts is out of range");
	record->restarts = (unsigned)restarts;
	if (r == 0)
		r = read_number(root, "until", &record->until, err);
	if (r == 0)
		r = read_number(root, "delay", &record->delay, err);
	if (r == 0)
		r = read_number(root, "seen", &record->seen, err);
	if (r == 0)
		r = read_again(root, &record->again, err);
	if (r == 0)
		r = read_error(root, record->error, sizeof(record->error), err);
	return r < 0 ? r : read_number(root, "end", ret_end, err);
}

/* The whole SIZE is handed over; blanks and the newline at the end are white space to JSON. */
static int parse(const char *text, struct ct_keeper_record *ret_record, struct ct_err *err)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_keeper_record record = { 0 };
	const struct ct_json *root;
	char why[sizeof(err->what)];
	uint64_t end = 0;
	int r;

	if (ct_arena_open(&arena, err) < 0)
		return -err->code;
	if (ct_json_parse(&arena, "keeper", text, SIZE, &root, err) < 0) {
		ct_err_format(err, why, sizeof(why));
		return damaged(err, why);
	}
	if (root->type != CT_JSON_OBJECT)
		return damaged(err, "no object");
	r = read_all(root, &record, &end, err);
	if (r == 0 && record.generation != end)
		r = damaged(err, "its two ends are of different times");
	if (r == 0)
		*ret_record = record;
	return r;
}

/* One byte more than there may be, to see that there is none. */
static int read_text(int fd, char text[SIZE + 1], struct ct_err *err)
{
	ssize_t n;

	do
		n = pread(fd, text, SIZE + 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ct_fail_errno(err, errno, "cannot read the keeper's record");
	if (n == 0)
		return damaged(err, "empty file");
	return n == SIZE ? 0 : damaged(err, "of a wrong size");
}

/* O_NONBLOCK, as the name may be a FIFO in a directory that somebody else has had. One byte more
 * than SIZE is asked for, to see that there is none. */
int ct_keeper_record_read(int dir, struct ct_keeper_record *ret_record, struct ct_err *err)
{
	int ct_autofd fd = openat(dir, "keeper", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[2][SIZE + 1];
	int r = 0;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open the keeper's record");
	for (int i = 0; i < TRIES; i++) {
		if (i)
			ct_nap(CT_SECOND / 10000 << i);
		r = read_text(fd, text[0], err);
		if (r == 0)
			r = read_text(fd, text[1], err);
		if (r == 0 && memcmp(text[0], text[1], SIZE) != 0)
			r = damaged(err, "it changes all the time");
		if (r == 0)
			r = parse(text[0], ret_record, err);
		if (r != -EBADMSG)
			return r;
	}
	return r;
}
