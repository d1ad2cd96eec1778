/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file "health" of a container's directory: what its last checks have said, as JSON, replaced
 * in one step so that a reader has the old or the new one whole. It names the run that it is about
 * by the time of its start, and the command that has said it by the time of the update that brought
 * it: a record of another run or command says nothing, so nobody has to reset it when a container
 * ends, is started again or updated, and nobody who is killed can leave a wrong one.
 *
 * Written by whoever has made a check: a command, or what a keeper forks; as the user. Two at a
 * time take turns under a lock on the file "health.lock". Read by everybody.
 *
 * What may fail: a full disk, a directory that is gone. A record that cannot be read counts as
 * none, and the next check writes a new one.
 *
 *   {"version":1,"run":...,"check":...,"status":"healthy","streak":0,
 *    "log":[{"start":...,"end":...,"code":0,"output":"..."}, ... up to five]}
 */
#include <cattach/health.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/log.h>
#include <cattach/num.h>

#include "record.h"

#define FILE_NAME	"health"
#define LOCK_NAME	"health.lock"
#define VERSION		1
#define SIZE_MAX_	(64 * 1024)	/* five checks, every byte of their output escaped */

/* ---- writing ---- */

static void write_check(struct ct_json_writer *w, const struct ct_health_check *check)
{
	ct_json_begin_object(w);
	ct_json_put_u64(w, "start", check->start);
	ct_json_put_u64(w, "end", check->end);
	ct_json_put_i64(w, "code", check->code);
	ct_json_put_string(w, "output", check->output);
	ct_json_end_object(w);
}

/* ct_write_file_at() writes beside it and renames. */
static int write_record(int dir, const struct ct_health *health, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;
	int r = ct_json_writer_open(&w, &buf, false, err);

	if (r < 0)
		return r;
	ct_json_begin_object(&w);
	ct_json_put_u64(&w, "version", VERSION);
	ct_json_put_u64(&w, "run", health->run);
	ct_json_put_u64(&w, "check", health->check);
	ct_json_put_string(&w, "status", ct_health_name(health->status));
	ct_json_put_u64(&w, "streak", health->streak);
	ct_json_key(&w, "log");
	ct_json_begin_array(&w);
	for (size_t i = 0; i < health->count; i++)
		write_check(&w, &health->log[i]);
	ct_json_end_array(&w);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	if (buf.failed)
		return ct_fail_nomem(err);
	return ct_write_file_at(dir, FILE_NAME, buf.data, buf.length, 0600, err);
}

/* ---- reading ---- */

/* The reason is for the log alone: whoever reads goes on as if there were no record. */
static int wrong(const char *what, struct ct_err *err)
{
	return ct_fail(err, EBADMSG, "%s is missing or wrong", what);
}

static int read_number(const struct ct_json *object, const char *key, uint64_t max,
		       uint64_t *ret_number, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(object, key);

	if (!value || value->type != CT_JSON_NUMBER)
		return wrong(key, err);
	return ct_parse_u64(value->text, 0, max, ret_number, err);
}

/* CT_HEALTH_TIMED_OUT is -1, docker's code for a check that was killed. */
static int read_code(const struct ct_json *object, int *ret_code, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(object, "code");
	int64_t code;

	if (!value || value->type != CT_JSON_NUMBER)
		return wrong("code", err);
	if (ct_parse_i64(value->text, CT_HEALTH_TIMED_OUT, 255, &code, err) < 0)
		return -err->code;
	*ret_code = (int)code;
	return 0;
}

/* What it has said is cut as when it was new: the file may have been edited. */
static int read_check(const struct ct_json *object, struct ct_health_check *check,
		      struct ct_err *err)
{
	const struct ct_json *output = ct_json_get(object, "output");
	int r = read_number(object, "start", UINT64_MAX, &check->start, err);

	if (r == 0)
		r = read_number(object, "end", UINT64_MAX, &check->end, err);
	if (r == 0)
		r = read_code(object, &check->code, err);
	if (r < 0)
		return r;
	if (!output || output->type != CT_JSON_STRING)
		return wrong("output", err);
	ct_health_output(check, output->text, output->count);
	return 0;
}

static int read_log(const struct ct_json *root, struct ct_health *health, struct ct_err *err)
{
	const struct ct_json *log = ct_json_get(root, "log");
	int r = 0;

	if (!log || log->type != CT_JSON_ARRAY || log->count > CT_HEALTH_LOG_MAX)
		return wrong("log", err);
	for (const struct ct_json *item = log->child; item && r == 0; item = item->next)
		r = read_check(item, &health->log[health->count++], err);
	return r;
}

/* "none" is not among what a record may say: then there would be none. */
static int read_status(const struct ct_json *root, struct ct_health *health, struct ct_err *err)
{
	const struct ct_json *status = ct_json_get(root, "status");

	if (!status || status->type != CT_JSON_STRING ||
	    ct_health_parse(status->text, &health->status) < 0 ||
	    health->status == CT_HEALTH_NONE)
		return wrong("status", err);
	return 0;
}

/* Another version is wrong, and the next check writes it anew: nothing is lost by that but five
 * results. */
static int parse_record(const struct ct_json *root, struct ct_health *health, struct ct_err *err)
{
	uint64_t version, streak = 0;
	int r = read_number(root, "version", UINT64_MAX, &version, err);

	if (r == 0 && version != VERSION)
		r = wrong("version", err);
	if (r == 0)
		r = read_number(root, "run", UINT64_MAX, &health->run, err);
	/* One that was written before there were updates of it has none. */
	if (r == 0 && ct_json_get(root, "check"))
		r = read_number(root, "check", UINT64_MAX, &health->check, err);
	if (r == 0)
		r = read_number(root, "streak", UINT32_MAX, &streak, err);
	if (r == 0)
		r = read_status(root, health, err);
	if (r == 0)
		r = read_log(root, health, err);
	health->streak = (unsigned)streak;
	return r;
}

static int read_record(int dir, struct ct_health *ret_health, struct ct_err *err)
{
	struct ct_arena ct_autoarena scratch = { 0 };
	const struct ct_json *root = NULL;
	const char *text;
	size_t size;
	int r = ct_arena_open(&scratch, err);

	*ret_health = (struct ct_health){ 0 };
	if (r == 0)
		r = ct_read_file_at(&scratch, dir, FILE_NAME, SIZE_MAX_, &text, &size, err);
	if (r == 0)
		r = ct_json_parse(&scratch, FILE_NAME, text, size, &root, err);
	return r < 0 ? r : parse_record(root, ret_health, err);
}

/* ---- of a container ---- */

/* What is on record about this run by this command; without it, what every run begins with. Its
 * start is the run's name: two runs of a container cannot begin in the same nanosecond. */
static void read_run(int dir, uint64_t run, uint64_t check, struct ct_health *ret_health)
{
	struct ct_err err;
	int r = read_record(dir, ret_health, &err);

	if (r < 0 && r != -ENOENT)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_STATE, "%s: %s", FILE_NAME, err.what);
	if (r == 0 && ret_health->run == run && ret_health->check == check)
		return;
	*ret_health = ct_health_begin(run);
	ret_health->check = check;
}

static bool runs(const struct ct_container *c)
{
	return c->state == CT_STATE_RUNNING || c->state == CT_STATE_PAUSED;
}

/* For people and scripts: of a container that has ended the log stays, while status and streak are
 * those of a beginning. */
void ct_health_read(const struct ct_container *container, struct ct_health *ret_health)
{
	read_run(container->dir, container->status.started, container->meta.health.changed,
		 ret_health);
	if (runs(container))
		return;
	/* What its last checks said may be why it ended. */
	ret_health->status = CT_HEALTH_STARTING;
	ret_health->streak = 0;
}

/* Also asked for each row of ps, so the file is only opened for containers that have a check. */
enum ct_health_status ct_health_of(const struct ct_container *container)
{
	struct ct_health health;

	if (!ct_health_is_checked(&container->meta))
		return CT_HEALTH_NONE;
	if (!runs(container))
		return CT_HEALTH_STARTING;
	ct_health_read(container, &health);
	return health.status;
}

/* ---- one more check ---- */

/* A lock of its own and not that of the container's starts, which are not to wait for checks. */
static int lock_record(int dir, int *ret_lock, struct ct_err *err)
{
	int ct_autofd fd = openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", LOCK_NAME);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return ct_fail_errno(err, errno, "cannot lock %s", LOCK_NAME);
	*ret_lock = ct_take_fd(&fd);
	return 0;
}

/* Is the run that was checked still the one? A check may take long, and its result belong to a run
 * that is over: it would count for the next one. */
static int look_again(const struct ct_container *container, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_probe probe = { 0 };
	int r = ct_container_refresh(&c, &probe, err);

	if (r < 0)
		return r;
	if (!runs(&c) || c.status.started != container->status.started)
		return ct_fail(err, ESRCH, "container %s has just ended", ct_container_label(&c));
	return 0;
}

/* How it is checked by now; texts are in the arena. An update does not wait for those who check. */
static int read_config(const struct ct_container *container, struct ct_arena *arena,
		       struct ct_health_config *ret_config, struct ct_err *err)
{
	const char *text;
	struct ct_meta meta;
	size_t size;

	if (ct_arena_open(arena, err) < 0 ||
	    ct_read_file_at(arena, container->dir, "meta.json", CT_JSON_MAX_SIZE, &text, &size,
			    err) < 0 ||
	    ct_meta_parse(arena, text, size, &meta, err) < 0)
		return -err->code;
	if (!ct_health_is_checked(&meta) || meta.health.changed != container->meta.health.changed)
		return ct_fail(err, ESRCH, "the health check of container %s has just been changed",
			       ct_container_label(container));
	*ret_config = meta.health;
	return 0;
}

/* Only of changes: an event a check would fill the record. */
static void tell(const struct ct_container *container, enum ct_health_status status)
{
	char action[64];

	/* docker's form: the status is part of the word. */
	snprintf(action, sizeof(action), "health_status: %s", ct_health_name(status));
	ct_event_record(container, action, CT_EVENT_END);
}

/* Under the lock from reading to writing, so that no result of another check is lost in between. */
int ct_health_update(const struct ct_container *container, const struct ct_health_check *check,
		     struct ct_health *ret_health, struct ct_err *err)
{
	struct ct_arena ct_autoarena scratch = { 0 };
	struct ct_health_config config;
	int ct_autofd lock = -1;
	bool changed;
	int r = lock_record(container->dir, &lock, err);

	if (r == 0)
		r = look_again(container, err);
	if (r == 0)
		r = read_config(container, &scratch, &config, err);
	if (r < 0)
		return r;
	read_run(container->dir, container->status.started, config.changed, ret_health);
	changed = ct_health_apply(&config, ret_health, check);
	r = write_record(container->dir, ret_health, err);
	if (r < 0)
		return ct_wrap(err, FILE_NAME);
	if (changed)
		tell(container, ret_health->status);
	return 0;
}
