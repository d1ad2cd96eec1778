/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's lines in the journal as segments of a stream log: whatever reads logs reads them by
 * a cursor, as any other.
 *
 * The journal is gone through once, to find the places of every 16,384th of its entries; from each
 * of them on a segment is made when a reader comes to it, so there are never more lines in memory
 * than one has. Entries are the container's when they have its id, and when journald says that our
 * user has sent them: the id alone anybody could write. As in files, nothing tells the runs apart.
 *
 * Runs in commands, with the caller's rights. What may fail: loading libsystemd, a journal of which
 * we may read nothing, memory.
 *
 *   CONTAINER_ID_FULL=ID    whose line it is; _UID=    who sent it, by journald's own knowledge
 *   MESSAGE, PRIORITY       the line; 3 (error) is stderr
 *   CONTAINER_PARTIAL_MESSAGE=true    no newline followed
 *   CATTACH_LOST            an entry about bytes that journald did not take
 *
 * libsystemd is loaded when it is needed (journal_library): the command has no dependency on it.
 */
#include "log_journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/num.h>

#include "log_parse.h"
#include "segment_maker.h"

#define US	1000u		/* ns */

struct ct_log_journal {
	struct journal_library lib;
	sd_journal *journal;
	char **places;		/* of the first entry of each segment */
	size_t count;
	struct ct_buf text;	/* a line with its newline */
};

/* ---- opening ---- */

void ct_log_journal_close(struct ct_log_journal *journal)
{
	if (!journal)
		return;
	if (journal->journal)
		journal->lib.sd_journal_close(journal->journal);
	for (size_t i = 0; i < journal->count; i++)
		free(journal->places[i]);
	free(journal->places);
	ct_buf_done(&journal->text);
	free(journal);
}

/* Who we are to journald, which is in the namespace above ours if it is not in ours. The
 * subtraction wraps around for ids below the first, which then is not below the size. */
static unsigned outer_uid(void)
{
	unsigned euid = geteuid(), inside, outside, size, found = euid;
	FILE *map = fopen("/proc/self/uid_map", "re");

	while (map && fscanf(map, "%u %u %u", &inside, &outside, &size) == 3)	/* NOLINT(cert-err34-c) */
		if (euid - inside < size)
			found = outside + (euid - inside);
	if (map)
		fclose(map);
	return found;
}

/* Two matches on different fields must both hold, sd_journal_add_match(3). */
static int add_match(struct ct_log_journal *j, const char *field, const char *value)
{
	char match[160];
	int n = snprintf(match, sizeof(match), "%s=%s", field, value);

	return j->lib.sd_journal_add_match(j->journal, match, (size_t)n);
}

/* Files that cannot be opened are passed over by the library: without a word, if all are. */
static int check_readable(struct ct_log_journal *j, struct ct_err *err)
{
	if (j->lib.sd_journal_has_runtime_files(j->journal) > 0 ||
	    j->lib.sd_journal_has_persistent_files(j->journal) > 0)
		return 0;
	ct_fail(err, EACCES, "there is no journal that you may read");
	return ct_hint(err, "members of the group systemd-journal may; with Storage=persistent in "
		       "journald.conf everybody has one of his own");
}

/* A cursor of the journal's own (sd_journal_get_cursor(3)): it outlives rotation, offsets do
 * not. */
static int add_place(struct ct_log_journal *j)
{
	char **more = realloc(j->places, (j->count + 1) * sizeof(*more));
	int r;

	if (!more)
		return -ENOMEM;
	j->places = more;
	r = j->lib.sd_journal_get_cursor(j->journal, &j->places[j->count]);
	if (r >= 0)
		j->count++;
	return r;
}

static int find_places(struct ct_log_journal *j)
{
	int r;

	for (uint64_t n = 0; (r = j->lib.sd_journal_next(j->journal)) > 0; n++)
		if (n % JOURNAL_ENTRIES == 0 && (r = add_place(j)) < 0)
			break;
	return r;
}

/* Threshold 0: without it fields above 64 KiB are cut. */
static int open_journal(struct ct_log_journal *j, const char *id, struct ct_err *err)
{
	char uid[16];
	int r = j->lib.sd_journal_open(&j->journal, CT_JOURNAL_LOCAL_ONLY);

	if (r < 0)
		return ct_fail_errno(err, -r, "cannot open the journal");
	if (check_readable(j, err) < 0)
		return -err->code;
	snprintf(uid, sizeof(uid), "%u", outer_uid());
	r = j->lib.sd_journal_set_data_threshold(j->journal, 0);
	if (r >= 0)
		r = add_match(j, "CONTAINER_ID_FULL", id);
	if (r >= 0)
		r = add_match(j, "_UID", uid);
	if (r >= 0)
		r = find_places(j);
	return r < 0 ? ct_fail_errno(err, -r, "cannot read the journal") : 0;
}

/* Tests hand in a library of their own. */
int ct_journal_open_with(const struct journal_library *library, const char *id,
			 struct ct_log_journal **ret_journal, struct ct_err *err)
{
	struct ct_log_journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return ct_fail_nomem(err);
	j->lib = *library;
	r = open_journal(j, id, err);
	if (r < 0)
		ct_log_journal_close(j);
	else
		*ret_journal = j;
	return r;
}

int ct_log_journal_open(const char *id, struct ct_log_journal **ret_journal, struct ct_err *err)
{
	struct journal_library library = { 0 };
	int r = ct_journal_library_open(&library, err);

	if (r < 0)
		return ct_hint(err, "apt install libsystemd0; or: journalctl CONTAINER_ID_FULL=%s",
			       id);
	return ct_journal_open_with(&library, id, ret_journal, err);
}

/* ---- entries ---- */

/* A field of the entry, valid until the next: false when it has none. Data comes as "FIELD=value",
 * and is valid until the next call on the journal. */
static bool get(const struct ct_log_journal *j, const char *field, const char **ret_value,
		size_t *ret_size)
{
	size_t length = strlen(field) + 1, size;
	const void *data;

	if (j->lib.sd_journal_get_data(j->journal, field, &data, &size) < 0 || size < length)
		return false;
	*ret_value = (const char *)data + length;
	*ret_size = size - length;
	return true;
}

static bool is(const struct ct_log_journal *j, const char *field, const char *wanted)
{
	const char *value;
	size_t size;

	return get(j, field, &value, &size) && size == strlen(wanted) &&
	       !memcmp(value, wanted, size);
}

/* When it was written; else, when it came to journald. The driver writes the time of the first
 * byte; journald's own is of its arrival. */
static uint64_t time_of(const struct ct_log_journal *j)
{
	const char *value;
	uint64_t time = 0;
	size_t size;

	if (get(j, "SYSLOG_TIMESTAMP", &value, &size) &&
	    ct_record_parse_time((const uint8_t *)value, size, &time) == 0)
		return time;
	return j->lib.sd_journal_get_realtime_usec(j->journal, &time) < 0 ? 0 : time * US;
}

static uint64_t lost_at(const struct ct_log_journal *j)
{
	struct ct_err ignored;
	const char *value;
	uint64_t lost = 0;
	char number[24];
	size_t size;

	if (!get(j, "CATTACH_LOST", &value, &size) || size >= sizeof(number))
		return 0;
	memcpy(number, value, size);
	number[size] = '\0';
	return ct_parse_u64(number, 1, UINT64_MAX, &lost, &ignored) < 0 ? 0 : lost;
}

static int put_line(struct ct_log_journal *j, struct segment_maker *m)
{
	int stream = is(j, "PRIORITY", "3") ? CT_STREAM_STDERR : CT_STREAM_STDOUT;
	bool partial = is(j, "CONTAINER_PARTIAL_MESSAGE", "true");
	uint64_t time = time_of(j);
	const char *value;
	size_t size;

	ct_buf_clear(&j->text);
	if (get(j, "MESSAGE", &value, &size))
		ct_buf_add(&j->text, value, size);
	if (!partial)
		ct_buf_add(&j->text, "\n", 1);
	if (j->text.failed)
		return -ENOMEM;
	ct_segment_maker_bytes(m, stream, time, (const uint8_t *)j->text.data, j->text.length);
	return 0;
}

/*
 * All from here to the next segment's place. A gap is told at the end of the segment before it
 * rather than at the beginning of one: there it would be taken for what lies between segments.
 */
static int read_entries(struct ct_log_journal *j, uint32_t number, struct segment_maker *m)
{
	int r = j->lib.sd_journal_seek_cursor(j->journal, j->places[number]);
	bool begun = number == 0;

	for (uint64_t n = 0; r >= 0 && !m->failed; n++) {
		uint64_t lost;

		r = j->lib.sd_journal_next(j->journal);
		if (r <= 0)
			break;
		lost = lost_at(j);
		if (n >= JOURNAL_ENTRIES && !lost)
			break;
		if (lost && begun)
			ct_segment_maker_gap(m, time_of(j), lost);
		else if (!lost)
			r = put_line(j, m);
		begun = begun || !lost;
	}
	return r < 0 ? r : 0;
}

static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct ct_log_journal *j = arg;
	struct segment_maker maker;
	int r;

	if (number >= j->count)
		return -ENOENT;
	r = ct_segment_maker_begin(&maker, number);
	if (r == 0)
		r = read_entries(j, number, &maker);
	r = ct_segment_maker_end(&maker, r, ret_segment);
	return r < 0 ? ct_fail_errno(err, -r, "cannot read the journal") : 0;
}

struct ct_log_source ct_log_journal_source(struct ct_log_journal *journal)
{
	return (struct ct_log_source){ .open_segment = open_segment, .arg = journal };
}
