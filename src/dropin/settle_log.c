/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of the output: --log-path and what belongs to it, as options of our log.
 *
 * Runs before anything is made; allocates in the arena. There may be several at once. May fail for
 * drivers that there are not, for passthrough beside another one, and for numbers that are none.
 */
#include "dropin.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/num.h>

#define SHORT_ID	12
#define FILES_MAX	(CT_LOG_MAX_FILES - 1)

/* Those that were named, a place for each word. */
struct logs {
	struct ct_log_options *items;
	size_t count;
};

/* ---- where ---- */

static bool is_same(const struct ct_log_options *log, enum ct_log_file file, const char *path)
{
	return log->file == file && (!path || !strcmp(log->path, path));
}

/* One that is named twice is one. */
static void add_log(struct logs *logs, enum ct_log_file file, const char *path)
{
	for (size_t i = 0; i < logs->count; i++)
		if (is_same(&logs->items[i], file, path))
			return;
	logs->items[logs->count++] = (struct ct_log_options){ .file = file, .path = path };
}

static int add_file(const struct dropin *d, struct logs *logs, const char *path, struct ct_err *err)
{
	char here[PATH_MAX];

	if (!*path)
		return ct_fail(err, EINVAL, "a path is needed");
	if (*path != '/' && !getcwd(here, sizeof(here)))
		return ct_fail_errno(err, errno, "cannot tell the working directory");
	if (*path != '/')
		path = ct_arena_printf(d->arena, "%s/%s", here, path);
	if (!path)
		return ct_fail_nomem(err);
	add_log(logs, CT_LOG_FILE_K8S, path);
	return 0;
}

static bool is_driver(const char *text, size_t length, const char *name)
{
	return length == strlen(name) && !strncmp(text, name, length);
}

/* One --log-path: "DRIVER:PATH", "DRIVER", "PATH" or ":PATH". */
static int add_one(struct dropin *d, struct logs *logs, const char *text, struct ct_err *err)
{
	size_t length = strcspn(text, ":");
	bool named = text[length] == ':';

	if (is_driver(text, length, "none") || is_driver(text, length, "off") ||
	    is_driver(text, length, "null"))
		return 0;
	if (is_driver(text, length, "journald")) {
		add_log(logs, CT_LOG_FILE_JOURNALD, NULL);
		return 0;
	}
	if (is_driver(text, length, "passthrough")) {
		d->passthrough = true;
		return 0;
	}
	if (!named)
		return add_file(d, logs, text, err);
	if (!length || is_driver(text, length, "k8s-file"))
		return add_file(d, logs, text + length + 1, err);
	ct_fail(err, EINVAL, "no such log driver: %.*s", (int)(length < 64 ? length : 64), text);
	return ct_hint(err, "k8s-file:PATH, journald, passthrough, none");
}

static int add_all(struct dropin *d, struct logs *logs, struct ct_err *err)
{
	const struct ct_strings *paths = &d->o->log_paths;
	int r = 0;

	logs->items = ct_arena_calloc(d->arena, paths->count + 1, sizeof(*logs->items));
	if (!logs->items)
		return ct_fail_nomem(err);
	if (!paths->count)
		return ct_fail(err, EINVAL, "is needed");
	for (size_t i = 0; i < paths->count && r == 0; i++)
		r = add_one(d, logs, paths->items[i], err);
	if (r == 0 && d->passthrough && logs->count)
		r = ct_fail(err, EINVAL, "nothing comes by a monitor that passes the streams through, "
				    "no log either");
	return r;
}

/* ---- how much ---- */

static int set_sizes(const struct dropin *d, struct ct_log_options *log, struct ct_err *err)
{
	const struct ct_dropin_options *o = d->o;
	uint64_t files = 1;

	/* A negative number says that there is none. */
	if (o->log_size_max && *o->log_size_max != '-' &&
	    ct_parse_u64(o->log_size_max, 0, UINT64_MAX, &log->max_size, err) < 0)
		return ct_wrap(err, "--log-size-max");
	if (o->log_global_size_max && *o->log_global_size_max != '-' &&
	    ct_parse_u64(o->log_global_size_max, 0, UINT64_MAX, &log->max_total, err) < 0)
		return ct_wrap(err, "--log-global-size-max");
	if (o->log_max_files && ct_parse_u64(o->log_max_files, 1, FILES_MAX, &files, err) < 0)
		return ct_wrap(err, "--log-max-files");
	/* Without a word about its size a file grows as it may; and when it is full, either it is
	 * begun anew, or it gets the next name. */
	if (!log->max_size)
		log->max_size = UINT64_MAX;
	log->max_files = o->log_rotate ? (uint32_t)files + 1 : 1;
	return 0;
}

/* ---- journald ---- */

static int add_field(struct ct_buf *fields, const char *name, const char *value, size_t length,
		     struct ct_err *err)
{
	if (memchr(value, '\n', length))
		return ct_fail(err, EINVAL, "%s has a line break in it", name);
	ct_buf_printf(fields, "%s=", name);
	ct_buf_add(fields, value, length);
	ct_buf_putc(fields, '\n');
	return 0;
}

static int add_text(struct ct_buf *fields, const char *name, const char *value, struct ct_err *err)
{
	return value ? add_field(fields, name, value, strlen(value), err) : 0;
}

static int add_labels(const struct dropin *d, struct ct_buf *fields, struct ct_err *err)
{
	const struct ct_strings *labels = &d->o->log_labels;

	for (size_t i = 0; i < labels->count; i++) {
		if (!strchr(labels->items[i], '=') || strchr(labels->items[i], '\n')) {
			ct_fail(err, EINVAL, "is not NAME=VALUE: \"%.64s\"", labels->items[i]);
			return ct_wrap(err, "--log-label");
		}
		ct_buf_printf(fields, "%s\n", labels->items[i]);
	}
	return 0;
}

static int set_fields(const struct dropin *d, struct ct_log_options *log, struct ct_err *err)
{
	const struct ct_dropin_options *o = d->o;
	struct ct_buf ct_autobuf fields = { 0 };
	const char *syslog = o->log_tag ? o->log_tag : o->name;
	size_t length = strlen(o->cid);
	int r = add_field(&fields, "CONTAINER_ID", o->cid, length < SHORT_ID ? length : SHORT_ID, err);

	if (r == 0)
		r = add_text(&fields, "CONTAINER_ID_FULL", o->cid, err);
	if (r == 0)
		r = add_text(&fields, "CONTAINER_NAME", o->name, err);
	if (r == 0)
		r = add_text(&fields, "CONTAINER_TAG", o->log_tag, err);
	if (r == 0)
		r = add_text(&fields, "SYSLOG_IDENTIFIER", syslog ? syslog : o->cid, err);
	if (r == 0)
		r = add_labels(d, &fields, err);
	if (r < 0)
		return r;
	log->fields = ct_arena_printf(d->arena, "%s", ct_buf_text(&fields));
	return log->fields ? 0 : ct_fail_nomem(err);
}

static int check_words(const struct dropin *d, const struct logs *logs, struct ct_err *err)
{
	const struct ct_dropin_options *o = d->o;

	if (!o->log_tag && !o->log_labels.count)
		return 0;
	for (size_t i = 0; i < logs->count; i++)
		if (logs->items[i].file == CT_LOG_FILE_JOURNALD)
			return 0;
	ct_fail(err, EINVAL, "only journald has a place for it");
	return ct_wrap(err, o->log_tag ? "--log-tag" : "--log-label");
}

static int complete(const struct dropin *d, struct ct_log_options *log, struct ct_err *err)
{
	int r = set_sizes(d, log, err);

	log->memory = true;
	log->zoned = log->file == CT_LOG_FILE_K8S;
	log->privileged = log->alone = true;
	return r == 0 && log->file == CT_LOG_FILE_JOURNALD ? set_fields(d, log, err) : r;
}

int ct_dropin_settle_log(struct dropin *d, struct ct_err *err)
{
	struct logs logs = { 0 };
	int r = add_all(d, &logs, err);

	if (r < 0)
		return ct_wrap(err, "--log-path");
	r = check_words(d, &logs, err);
	/* Without any there is still the log in memory: clients have it from there. */
	for (size_t i = 0; r == 0 && i < logs.count + !logs.count; i++) {
		r = complete(d, &logs.items[i], err);
		if (i + 1 < logs.count)
			logs.items[i].also = &logs.items[i + 1];
	}
	if (r < 0)
		return r;
	d->config.log = logs.items[0];
	d->config.passthrough = d->passthrough;
	return 0;
}
