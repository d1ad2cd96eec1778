/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the log of a container is going to be kept: --log-driver and --log-opt. And what a tag is for
 * one container, which only its start knows.
 *
 * From the options of run and create to the record; runs in the command before anything is created.
 * May fail for words and numbers that are none, for options that a driver has no use for, and for a
 * file that could not be made where it is to be; whether it can be written shows at each start.
 *
 *   native       segments in the container's directory (conmon/log_*.c); the default
 *   k8s-file     a text file, CRI's lines                 path= max-size= max-file=
 *   json-file    a text file, docker's lines              path= max-size= max-file= tag=
 *   journald     systemd's journal                        tag=
 *   none         memory only                              max-size=
 *   passthrough  stdout and stderr of whoever starts it; nothing is kept
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/buf.h>
#include <cattach/encode.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/streamlog.h>

#include "record.h"

#define TAG_MAX	256	/* bytes that a record has room for */

/* No driver in the record is the native one: so it is for containers from before there was a
 * choice. */
enum ct_log_file ct_log_file_of(const struct ct_meta *meta)
{
	if (meta->log_driver && !strcmp(meta->log_driver, "k8s-file"))
		return CT_LOG_FILE_K8S;
	if (meta->log_driver && !strcmp(meta->log_driver, "json-file"))
		return CT_LOG_FILE_JSON;
	if (meta->log_driver && !strcmp(meta->log_driver, "journald"))
		return CT_LOG_FILE_JOURNALD;
	return CT_LOG_FILE_NONE;
}

/* Such a container has no log that anything could be read from. */
bool ct_log_passes(const struct ct_meta *meta)
{
	return meta->log_driver && !strcmp(meta->log_driver, "passthrough");
}

/* ---- the driver ---- */

/* Its output and, with -i, its input are those of whoever starts it. A restart by the keeper has
 * nobody's stdout to give. stdin_open would have the monitor make a pipe, hence the other flag. */
static int set_passthrough(struct ct_run *run, struct ct_err *err)
{
	struct ct_meta *meta = run->meta;

	if (!ct_log_passes(meta))
		return 0;
	if (run->spec->process->terminal) {
		ct_fail(err, EINVAL, "a container with a terminal writes to that");
		ct_hint(err, "leave out -t, or choose another log driver");
		return ct_wrap(err, "--log-driver passthrough");
	}
	if (meta->restart) {
		ct_fail(err, EINVAL,
			"who starts it again has not the stdout and stderr of who started it");
		ct_hint(err, "leave out --restart, or choose another log driver");
		return ct_wrap(err, "--log-driver passthrough");
	}
	meta->stdin_passed = meta->stdin_open;
	meta->stdin_open = meta->stdin_once = false;
	return 0;
}

static int set_driver(struct ct_run *run, struct ct_err *err)
{
	static const char *const drivers[] = { "native",      "k8s-file", "json-file", "journald",
					       "passthrough", "none",	  NULL };
	const char *driver = run->options->log_driver;

	run->meta->log_driver = driver;
	for (size_t i = 0; drivers[i]; i++)
		if (!driver || !strcmp(driver, drivers[i]))
			return set_passthrough(run, err);
	ct_fail(err, ENOTSUP, "there is no log driver \"%s\"", driver);
	ct_hint(err, "native, k8s-file, json-file, journald, passthrough, or none to keep only what fits into memory");
	return ct_wrap(err, "--log-driver");
}

/* ---- its options ---- */

/* What bounds a log says nothing where no log is kept, or where somebody else keeps it: an error,
 * or a limit would silently not hold. */
static int check_files(const struct ct_run *run, struct ct_err *err)
{
	if (ct_log_passes(run->meta))
		return ct_fail(err, EINVAL, "with the log driver passthrough nothing is kept");
	if (ct_log_file_of(run->meta) != CT_LOG_FILE_JOURNALD)
		return 0;
	ct_fail(err, EINVAL, "journald keeps what journald.conf says");
	return ct_hint(err, "SystemMaxUse= there");
}

/* A log file is rotated as a whole, so its least size is what a few large records need. */
static int set_max_size(struct ct_run *run, const char *value, struct ct_err *err)
{
	uint64_t size;

	if (check_files(run, err) < 0 || ct_parse_size(value, &size, err) < 0)
		return ct_wrap(err, "--log-opt max-size");
	if (!size) {
		ct_fail(err, ERANGE, "must be more than nothing");
		ct_hint(err, "--log-driver none keeps no log on disk");
		return ct_wrap(err, "--log-opt max-size");
	}
	if (size < CT_LOG_SIZE_MIN)
		ct_warn("--log-opt max-size=%s: 256k is used, the least that a log file can have",
			value);
	run->meta->log_max_size = size < CT_LOG_SIZE_MIN ? CT_LOG_SIZE_MIN : size;
	return 0;
}

static int set_max_file(struct ct_run *run, const char *value, struct ct_err *err)
{
	uint64_t count;

	if (check_files(run, err) < 0 || ct_parse_u64(value, 1, CT_LOG_MAX_FILES, &count, err) < 0)
		return ct_wrap(err, "--log-opt max-file");
	run->meta->log_max_files = (int)count;
	return 0;
}

/* It will be looked up again at each start; what is plainly wrong shows now. The directory has to
 * be there, as docker's and podman's has to; the file is made by the start. */
static int check_path(struct ct_run *run, const char *path, struct ct_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *dir = ct_arena_strndup(run->arena, path,
					   slash > path ? (size_t)(slash - path) : 1);
	struct stat st;

	if (!dir)
		return ct_fail_nomem(err);
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		ct_fail(err, ENOTDIR, "no such directory: %s", dir);
		return ct_hint(err, "mkdir -p %s", dir);
	}
	if (!slash[1] || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return ct_fail(err, EISDIR, "is a directory: %s", path);
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return ct_fail(err, EINVAL, "is not a regular file: %s", path);
	return 0;
}

static bool has_file(const struct ct_meta *meta)
{
	enum ct_log_file file = ct_log_file_of(meta);

	return file == CT_LOG_FILE_K8S || file == CT_LOG_FILE_JSON;
}

/* Absolute from here on: whoever starts the container later may be in another directory. */
static int set_path(struct ct_run *run, const char *value, struct ct_err *err)
{
	const char *path;
	int r = 0;

	if (!has_file(run->meta)) {
		ct_fail(err, EINVAL, "only the log drivers k8s-file and json-file have a file");
		return ct_wrap(err, "--log-opt path");
	}
	if (!*value || !ct_is_utf8(value, strlen(value)))
		r = ct_fail(err, EINVAL, "must be the path of a file, in UTF-8");
	path = r < 0 ? NULL : ct_run_absolute(run->arena, value, err);
	if (!path || check_path(run, path, err) < 0)
		return ct_wrap(err, "--log-opt path");
	run->meta->log_path = path;
	return 0;
}

/* Filled in for an example container, only to see whether it can be. */
static int set_tag(struct ct_run *run, const char *value, struct ct_err *err)
{
	/* Of any container: is it one at all? */
	const struct ct_meta example = { .id = "", .name = "", .source = "", .log_tag = value };
	const char *ignored;

	enum ct_log_file file = ct_log_file_of(run->meta);

	if (file != CT_LOG_FILE_JSON && file != CT_LOG_FILE_JOURNALD) {
		ct_fail(err, EINVAL,
			"only the log drivers json-file and journald have a place for it");
		return ct_wrap(err, "--log-opt tag");
	}
	if (ct_log_tag(run->arena, &example, &ignored, err) < 0)
		return ct_wrap(err, "--log-opt tag");
	run->meta->log_tag = value;
	return 0;
}

/* The last one of a key counts, as for docker. */
static int set_option(struct ct_run *run, const char *text, struct ct_err *err)
{
	static const struct {
		const char *key;
		int (*set)(struct ct_run *run, const char *value, struct ct_err *err);
	} keys[] = {
		{ "max-size=", set_max_size }, { "max-file=", set_max_file },
		{ "path=", set_path }, { "tag=", set_tag },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strncmp(text, keys[i].key, strlen(keys[i].key)))
			return keys[i].set(run, text + strlen(keys[i].key), err);
	ct_fail(err, EINVAL, "unknown log option \"%s\"", text);
	ct_hint(err, "max-size=SIZE, max-file=N, path=FILE or tag=TEXT");
	return ct_wrap(err, "--log-opt");
}

/* The driver first, since what an option means depends on it. */
int ct_run_log(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *list = &run->options->log_opt;
	int r = set_driver(run, err);

	for (size_t i = 0; i < list->count && r == 0; i++)
		r = set_option(run, list->items[i], err);
	return r;
}

/* ---- the tag of one container ---- */

/* What docker fills in; the rest of its template language is not for a word. */
static int put_field(struct ct_buf *buf, const struct ct_meta *meta, const char *name, size_t size)
{
	const struct {
		const char *name, *value;
		size_t most;
	} fields[] = {
		{ "{{.ID}}", meta->id, CT_SHORT_ID_LENGTH },
		{ "{{.FullID}}", meta->id, SIZE_MAX },
		{ "{{.Name}}", meta->name, SIZE_MAX },
		{ "{{.ImageName}}", meta->source, SIZE_MAX },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = fields[i].value ? fields[i].value : "";

		if (size != strlen(fields[i].name) || memcmp(name, fields[i].name, size) != 0)
			continue;
		ct_buf_add(buf, value, strnlen(value, fields[i].most));
		return 0;
	}
	return -EINVAL;
}

/* Go's templates would need the engine of the command line; docker's tags use these four fields. */
static int expand(struct ct_buf *buf, const struct ct_meta *meta, struct ct_err *err)
{
	for (const char *at = meta->log_tag; *at;) {
		const char *open = strstr(at, "{{"), *close = open ? strstr(open, "}}") : NULL;

		ct_buf_add(buf, at, open ? (size_t)(open - at) : strlen(at));
		if (!open)
			return 0;
		if (!close || put_field(buf, meta, open, (size_t)(close + 2 - open)) < 0) {
			ct_fail(err, EINVAL, "cannot fill in \"%s\"", open);
			return ct_hint(err, "{{.ID}}, {{.FullID}}, {{.Name}} or {{.ImageName}}");
		}
		at = close + 2;
	}
	return 0;
}

/* At the start, not when the option is read: the name may have changed by then (rename). A newline
 * would begin a new field in journald's protocol, or a new line in a file. */
int ct_log_tag(struct ct_arena *arena, const struct ct_meta *meta, const char **ret_tag,
	       struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	const char *text;
	int r;

	*ret_tag = NULL;
	if (!meta->log_tag || !*meta->log_tag)
		return 0;
	r = expand(&buf, meta, err);
	if (r < 0)
		return r;
	text = ct_buf_text(&buf);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return ct_fail(err, EINVAL, "must not have control characters");
	if (!ct_is_utf8(text, buf.length) || buf.length > TAG_MAX)
		return ct_fail(err, EINVAL, "must be UTF-8, %d bytes at most", TAG_MAX);
	*ret_tag = ct_arena_strdup(arena, text);
	return *ret_tag ? 0 : ct_fail_nomem(err);
}

/* ---- what journald is told of one container ---- */

/* docker's names of fields, which people filter by: journalctl CONTAINER_NAME=web. The monitor
 * sends them with each record and never looks into them. */
int ct_log_fields(struct ct_arena *arena, const struct ct_container *container, const char *tag,
		  const char **ret_fields, struct ct_err *err)
{
	const struct ct_meta *meta = &container->meta;
	const char *name = ct_container_label(container);

	*ret_fields = NULL;
	if (ct_log_file_of(meta) != CT_LOG_FILE_JOURNALD)
		return 0;
	/* A name may have no newline, nor may a tag: each value is one line. */
	*ret_fields = ct_arena_printf(arena,
				      "CONTAINER_ID=%.*s\nCONTAINER_ID_FULL=%s\nCONTAINER_NAME=%s\n"
				      "CONTAINER_TAG=%.*s\nSYSLOG_IDENTIFIER=%s\n",
				      CT_SHORT_ID_LENGTH, meta->id, meta->id, name,
				      tag ? TAG_MAX : CT_SHORT_ID_LENGTH, tag ? tag : meta->id,
				      tag ? tag : name);
	return *ret_fields ? 0 : ct_fail_nomem(err);
}
