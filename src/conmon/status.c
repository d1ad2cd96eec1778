/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status file: what a monitor knows about its session, for everybody who asks later.
 *
 * Format: one JSON object, blanks up to CT_STATUS_SIZE - 1 bytes, a newline. It is rewritten in
 * place by a single pwrite(2) of the whole size, so recording an exit needs no new disk block and
 * no rename: it works on a full disk, and after the directory has been unlinked for those who hold
 * the file open. A write may be seen half done; "generation" at the front and "end" at the back
 * carry the same number, and a reader takes a text only when it has read it twice in a row alike
 * with both numbers equal. (The numbers alone would not do: a reader that overtakes the writer in
 * the middle, and is overtaken again before the end, sees two new numbers around old bytes.)
 *
 * The writer runs in the monitor, which may be short of memory and is confined: snprintf into the
 * stack and one system call, nothing is allocated and no JSON is parsed. The reader runs in
 * commands, as the user, and trusts nothing of what it finds: size, syntax, types, ranges, version.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/json.h>
#include <cattach/monitor.h>
#include <cattach/num.h>

#define STATUS_VERSION 1
#define READ_TRIES 1000		/* a write takes microseconds; this many never coincide with one */
#define PARSE_TRIES 10		/* with twice as long in between each time: a tenth of a second */

static const char state_names[][12] = {
	[CT_STATUS_NONE] = "none",
	[CT_STATUS_STARTING] = "starting",
	[CT_STATUS_RUNNING] = "running",
	[CT_STATUS_EXITED] = "exited",
};

#define STATE_COUNT (sizeof(state_names) / sizeof(state_names[0]))

/* ---- writing (in the monitor) ---- */

static const char *text_of_bool(bool value)
{
	return value ? "true" : "false";
}

/* The object without padding; returns its length, which may be more than size. */
static int format_status(char *buf, size_t size, const struct ct_status *s)
{
	return snprintf(buf, size,
			"{\"generation\":%llu,\"version\":%d,\"state\":\"%s\","
			"\"monitor_pid\":%d,\"monitor_starttime\":%llu,"
			"\"pid\":%d,\"starttime\":%llu,\"boot_id\":\"%s\","
			"\"started\":%llu,\"finished\":%llu,"
			"\"signaled\":%s,\"core\":%s,\"value\":%d,\"oom_killed\":%s,"
			"\"lost\":%llu,\"unsaved\":%llu,\"warnings\":%u,\"end\":%llu}",
			(unsigned long long)s->generation, STATUS_VERSION, state_names[s->state],
			(int)s->monitor_pid, (unsigned long long)s->monitor_starttime, (int)s->pid,
			(unsigned long long)s->starttime, s->boot_id,
			(unsigned long long)s->started, (unsigned long long)s->finished,
			text_of_bool(s->exit.signaled), text_of_bool(s->exit.core), s->exit.value,
			text_of_bool(s->oom_killed), (unsigned long long)s->log_lost,
			(unsigned long long)s->log_unsaved, s->warnings,
			(unsigned long long)s->generation);
}

int ct_status_write(int fd, const struct ct_status *status, struct ct_err *err)
{
	char text[CT_STATUS_SIZE];
	ssize_t written;
	int length;

	if ((size_t)status->state >= STATE_COUNT)
		return ct_fail(err, EINVAL, "cannot record a status: %d is no state", (int)status->state);
	length = format_status(text, sizeof(text), status);
	if (length < 0 || length >= CT_STATUS_SIZE)
		return ct_fail(err, EOVERFLOW, "cannot record a status: its text needs %d bytes of %d",
			       length, CT_STATUS_SIZE - 1);
	memset(text + length, ' ', sizeof(text) - 1 - (size_t)length);
	text[sizeof(text) - 1] = '\n';

	do
		written = pwrite(fd, text, sizeof(text), 0);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return ct_fail_errno(err, errno, "cannot write the status");
	if ((size_t)written != sizeof(text))
		return ct_fail(err, ENOSPC, "cannot write the status: %zd of %d bytes written",
			       written, CT_STATUS_SIZE);
	return 0;
}

/* ---- reading (in commands) ---- */

static int damaged(struct ct_err *err, const char *why)
{
	return ct_fail(err, EBADMSG, "status is damaged (%s)", why);
}

/* The wrapped error of a callee becomes the reason. */
static int damaged_by(struct ct_err *err)
{
	char why[sizeof(err->what)];

	ct_err_format(err, why, sizeof(why));
	return damaged(err, why);
}

/* One look at the file: its bytes, at most one more than there should be. */
static int read_once(int fd, char text[CT_STATUS_SIZE + 1], struct ct_err *err)
{
	ssize_t size;

	do
		size = pread(fd, text, CT_STATUS_SIZE + 1, 0);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return ct_fail_errno(err, errno, "cannot read the status");
	if (size == 0)
		return damaged(err, "empty file");
	if (size != CT_STATUS_SIZE)
		return ct_fail(err, EBADMSG, "status is damaged (%s%d bytes instead of %d)",
			       size > CT_STATUS_SIZE ? "more than " : "",
			       size > CT_STATUS_SIZE ? CT_STATUS_SIZE : (int)size, CT_STATUS_SIZE);
	return 0;
}

static int read_number(const struct ct_json *root, const char *key, uint64_t max,
		       uint64_t *ret_value, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, key);

	if (!value)
		return ct_fail(err, EBADMSG, "%s is missing", key);
	if (value->type != CT_JSON_NUMBER)
		return ct_fail(err, EBADMSG, "%s must be a number, not %s", key,
			       ct_json_type_name(value->type));
	if (ct_parse_u64(value->text, 0, max, ret_value, err) < 0)
		return ct_wrap(err, "%s", key);
	return 0;
}

static int read_pid(const struct ct_json *root, const char *key, pid_t *ret_pid,
		    struct ct_err *err)
{
	uint64_t value;
	int r = read_number(root, key, INT32_MAX, &value, err);

	if (r < 0)
		return r;
	*ret_pid = (pid_t)value;
	return 0;
}

static int read_flag(const struct ct_json *root, const char *key, bool *ret_value,
		     struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, key);

	if (!value || value->type != CT_JSON_BOOL)
		return ct_fail(err, EBADMSG, "%s must be true or false", key);
	*ret_value = value->boolean;
	return 0;
}

static int read_text(const struct ct_json *root, const char *key, const char **ret_text,
		     struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, key);

	if (!value || value->type != CT_JSON_STRING)
		return ct_fail(err, EBADMSG, "%s must be a string", key);
	*ret_text = value->text;
	return 0;
}

static int read_state(const struct ct_json *root, enum ct_status_state *ret_state,
		      struct ct_err *err)
{
	const char *name = "";
	int r = read_text(root, "state", &name, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret_state = (enum ct_status_state)i;
			return 0;
		}
	}
	return ct_fail(err, EBADMSG, "state \"%s\" is not known", name);
}

static int read_boot_id(const struct ct_json *root, char boot_id[37], struct ct_err *err)
{
	const char *text = "";
	int r = read_text(root, "boot_id", &text, err);

	if (r < 0)
		return r;
	if (strlen(text) > 36)
		return ct_fail(err, EBADMSG, "boot_id is longer than 36 characters");
	memcpy(boot_id, text, strlen(text) + 1);
	return 0;
}

/* Before anything else is looked at: a newer format may have anything at all. */
static int check_version(const struct ct_json *root, struct ct_err *err)
{
	uint64_t version;
	int r = read_number(root, "version", UINT32_MAX, &version, err);

	if (r < 0)
		return r;
	if (version != STATUS_VERSION)
		return ct_fail(err, EBADMSG,
			       "written by another cattach: format %llu, this one knows %d",
			       (unsigned long long)version, STATUS_VERSION);
	return 0;
}

static int read_identities(const struct ct_json *root, struct ct_status *s, struct ct_err *err)
{
	int r = read_pid(root, "monitor_pid", &s->monitor_pid, err);

	if (r == 0)
		r = read_number(root, "monitor_starttime", UINT64_MAX, &s->monitor_starttime, err);
	if (r == 0)
		r = read_pid(root, "pid", &s->pid, err);
	if (r == 0)
		r = read_number(root, "starttime", UINT64_MAX, &s->starttime, err);
	return r ? r : read_boot_id(root, s->boot_id, err);
}

static int read_result(const struct ct_json *root, struct ct_status *s, struct ct_err *err)
{
	uint64_t value = 0;
	int r = read_number(root, "started", UINT64_MAX, &s->started, err);

	if (r == 0)
		r = read_number(root, "finished", UINT64_MAX, &s->finished, err);
	if (r == 0)
		r = read_flag(root, "signaled", &s->exit.signaled, err);
	if (r == 0)
		r = read_flag(root, "core", &s->exit.core, err);
	if (r == 0)
		r = read_number(root, "value", 255, &value, err);
	s->exit.value = (int)value;
	return r ? r : read_flag(root, "oom_killed", &s->oom_killed, err);
}

/* What the log has lost, and what was noticed; a record that is older than these has none. */
static int read_warnings(const struct ct_json *root, struct ct_status *s, struct ct_err *err)
{
	uint64_t warnings = 0;
	int r = 0;

	if (!ct_json_get(root, "warnings"))
		return 0;
	r = read_number(root, "lost", UINT64_MAX, &s->log_lost, err);
	if (r == 0)
		r = read_number(root, "unsaved", UINT64_MAX, &s->log_unsaved, err);
	if (r == 0)
		r = read_number(root, "warnings", CT_WARN_MAX, &warnings, err);
	s->warnings = (unsigned)warnings;
	return r;
}

/* "generation" and "end" differ while a write is going on; it is damage when this stays so. */
static int read_generation(const struct ct_json *root, struct ct_status *s, struct ct_err *err)
{
	uint64_t end;
	int r = read_number(root, "generation", UINT64_MAX, &s->generation, err);

	if (r == 0)
		r = read_number(root, "end", UINT64_MAX, &end, err);
	if (r < 0)
		return r;
	if (s->generation != end)
		return ct_fail(err, EBADMSG, "half written");
	return 0;
}

static int parse_status(const char *text, struct ct_status *ret_status, struct ct_err *err)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_status s = { 0 };
	const struct ct_json *root = NULL;
	int r = ct_arena_open(&arena, err);

	if (r < 0)
		return r;
	r = ct_json_parse(&arena, "status", text, CT_STATUS_SIZE, &root, err);
	if (r == 0 && root->type != CT_JSON_OBJECT)
		r = ct_fail(err, EBADMSG, "not an object");
	if (r == 0)
		r = check_version(root, err);
	if (r == 0)
		r = read_state(root, &s.state, err);
	if (r == 0)
		r = read_identities(root, &s, err);
	if (r == 0)
		r = read_result(root, &s, err);
	if (r == 0)
		r = read_warnings(root, &s, err);
	if (r == 0)
		r = read_generation(root, &s, err);
	if (r < 0)
		return r == -ENOMEM ? r : damaged_by(err);
	*ret_status = s;
	return 0;
}

/* Read until two looks in a row see the same bytes; a text that never settles is given as it is,
 * and its numbers tell on it. */
static int read_settled(int fd, char text[CT_STATUS_SIZE + 1], struct ct_err *err)
{
	char again[CT_STATUS_SIZE + 1];
	int r = read_once(fd, text, err);

	for (int i = 0; r == 0 && i < READ_TRIES; i++) {
		r = read_once(fd, again, err);
		if (r < 0)
			return r;
		if (memcmp(text, again, CT_STATUS_SIZE) == 0)
			return 0;
		memcpy(text, again, CT_STATUS_SIZE);
	}
	return r;
}

int ct_status_read(int fd, struct ct_status *ret_status, struct ct_err *err)
{
	char text[CT_STATUS_SIZE + 1];
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot read the status");
	if (!S_ISREG(st.st_mode))
		return damaged(err, "not a regular file");
	for (int i = 0; i < PARSE_TRIES; i++) {
		r = read_settled(fd, text, err);
		if (r < 0)
			return r;
		r = parse_status(text, ret_status, err);
		if (r != -EBADMSG)
			return r;
		/* Damaged, or a writer that was preempted half-way: it gets a moment to go on. */
		nanosleep(&(struct timespec){ .tv_nsec = 100000L << i }, NULL);
	}
	return r;
}
