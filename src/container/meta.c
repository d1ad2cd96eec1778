/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.json: what is fixed when a container is made, as a JSON object whose members are named like
 * the fields of struct ct_meta. One table says which there are, for writing and for reading.
 *
 * Absent members are NULL, false, 0 or empty, so that later fields can be added within a version;
 * unknown ones are ignored. The version is for changes that an older cattach would misunderstand,
 * and an older cattach refuses a newer record before looking at anything else in it.
 *
 * Runs in commands, as the user. What is read was ours once, but files get cut and edited: every
 * type and range is checked, and nothing that is wrong is passed on.
 *
 *   one row of fields[]   FIELD(name, TEXT)   ->   "name": "web"   <->   struct ct_meta.name
 *
 * A field is added by a member of the struct and a row here, and nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <cattach/json.h>
#include <cattach/num.h>
#include <cattach/runtime.h>

#include "record.h"
#include "store.h"

enum kind {
	TEXT,		/* const char * */
	FLAG,		/* bool */
	NUMBER,		/* int */
	TIME,		/* uint64_t */
	LIST,		/* struct ct_strings */
	PAIRS,		/* struct ct_spec_pairs, written as [["key", "value"], ...]: keys may repeat */
};

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
};

#define FIELD(member, kind) { #member, kind, offsetof(struct ct_meta, member) }
#define HEALTH(member, kind) { "health_" #member, kind, offsetof(struct ct_meta, health.member) }

static const struct field fields[] = {
	FIELD(id, TEXT), FIELD(name, TEXT), FIELD(created, TIME), FIELD(host, TEXT),
	FIELD(source, TEXT), FIELD(bundle, TEXT), FIELD(rootfs, TEXT), FIELD(overlay, FLAG),
	FIELD(entrypoint, LIST), FIELD(command, LIST), FIELD(create_command, LIST),
	FIELD(create_directory, TEXT),
	FIELD(tty, FLAG), FIELD(stdin_open, FLAG), FIELD(stdin_once, FLAG), FIELD(remove, FLAG),
	FIELD(stdin_passed, FLAG), FIELD(detach, FLAG), FIELD(init, FLAG), FIELD(privileged, FLAG),
	FIELD(stop_signal, NUMBER), FIELD(stop_timeout, NUMBER),
	FIELD(labels, PAIRS), FIELD(user, TEXT),
	FIELD(network, TEXT), FIELD(pid_mode, TEXT), FIELD(ipc_mode, TEXT), FIELD(uts_mode, TEXT),
	FIELD(cgroupns_mode, TEXT), FIELD(userns_mode, TEXT),
	FIELD(pidfile, TEXT), FIELD(cidfile, TEXT), FIELD(detach_keys, TEXT),
	FIELD(cap_add, LIST), FIELD(cap_drop, LIST), FIELD(security_opt, LIST), FIELD(binds, LIST),
	FIELD(swap_by_default, FLAG), FIELD(hostname, TEXT), FIELD(stdin_eof, TEXT), FIELD(size_policy, TEXT),
	FIELD(log_driver, TEXT), FIELD(log_path, TEXT), FIELD(log_tag, TEXT),
	FIELD(log_max_size, TIME), FIELD(log_max_files, NUMBER),
	FIELD(sdnotify, TEXT), FIELD(tie, FLAG), FIELD(default_seccomp, FLAG),
	FIELD(keep_groups, FLAG), FIELD(cgroups, TEXT), FIELD(cgroup_parent, FLAG),
	FIELD(restart, TEXT),
	HEALTH(test, LIST), HEALTH(interval, TIME), HEALTH(timeout, TIME),
	HEALTH(start_period, TIME), HEALTH(start_interval, TIME), HEALTH(retries, NUMBER),
	HEALTH(on_failure, TEXT), HEALTH(changed, TIME),
	FIELD(unmonitored, FLAG), FIELD(no_process, FLAG),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* ---- checking ---- */

/* What every record has, and what would do harm elsewhere if it were wrong. Runs when a record is
 * written and when one is read: the same rules, so that nothing is written that could not be read
 * again. unmonitored are containers of the OCI runtime command line, whose ids are their callers'
 * to choose. */
static int check_values(const struct ct_meta *meta, struct ct_err *err)
{
	struct ct_restart_policy ignored;

	if (!meta->id || (!meta->unmonitored && !ct_is_id(meta->id)))
		return ct_fail(err, EBADMSG, "id must be %d hexadecimal digits",
			       CT_CONTAINER_ID_LENGTH);
	if (!meta->name)
		return ct_fail(err, EBADMSG, "name is missing");
	if ((meta->unmonitored ? ct_runtime_check_id(meta->id, err) :
				 ct_check_name(meta->name, err)) < 0)
		return ct_wrap(err, meta->unmonitored ? "id" : "name");
	if (!meta->host)
		return ct_fail(err, EBADMSG, "host is missing");
	if (meta->stop_signal < 1 || meta->stop_signal > SIGRTMAX)
		return ct_fail(err, EBADMSG, "stop_signal must be 1...%d, not %d", SIGRTMAX,
			       meta->stop_signal);
	if (meta->log_max_files < 0 || meta->log_max_files > CT_LOG_MAX_FILES)
		return ct_fail(err, EBADMSG, "log_max_files must be 0...%d, not %d",
			       CT_LOG_MAX_FILES, meta->log_max_files);
	if (ct_restart_parse(meta->restart, &ignored, err) < 0)
		return ct_wrap(err, "restart");
	if (meta->stop_timeout < -1)
		return ct_fail(err, EBADMSG, "stop_timeout must be -1 or more, not %d",
			       meta->stop_timeout);
	return ct_health_config_check(&meta->health, err);
}

/* ---- writing ---- */

/* A list of pairs and no object: labels keep their order. */
static void write_pairs(struct ct_json_writer *w, const struct ct_spec_pairs *pairs)
{
	ct_json_begin_array(w);
	for (size_t i = 0; i < pairs->count; i++) {
		ct_json_begin_array(w);
		ct_json_string(w, pairs->items[i].key);
		ct_json_string(w, pairs->items[i].value);
		ct_json_end_array(w);
	}
	ct_json_end_array(w);
}

/* Absent texts and empty lists are left out. false, 0 and no time are written all the same: a
 * reader that looks for a flag finds it. */
static bool is_absent(const struct field *field, const void *value)
{
	switch (field->kind) {
	case TEXT:
		return !*(const char *const *)value;
	case LIST:
		return ((const struct ct_strings *)value)->count == 0;
	case PAIRS:
		return ((const struct ct_spec_pairs *)value)->count == 0;
	case FLAG:
	case NUMBER:
	case TIME:
		break;
	}
	return false;
}

/* A field that has its empty value is not there: records stay short, and "was not given" stays
 * so. */
static void write_field(struct ct_json_writer *w, const struct field *field, const void *value)
{
	if (is_absent(field, value))
		return;
	ct_json_key(w, field->key);
	switch (field->kind) {
	case TEXT:
		ct_json_string(w, *(const char *const *)value);
		break;
	case FLAG:
		ct_json_bool(w, *(const bool *)value);
		break;
	case NUMBER:
		ct_json_i64(w, *(const int *)value);
		break;
	case TIME:
		ct_json_u64(w, *(const uint64_t *)value);
		break;
	case LIST:
		ct_json_strings(w, value);
		break;
	case PAIRS:
		write_pairs(w, value);
		break;
	}
}

/* Into memory: the caller puts it into the place of the old one in one step. */
int ct_meta_write(const struct ct_meta *meta, struct ct_buf *buf, struct ct_err *err)
{
	struct ct_json_writer w;
	int r = check_values(meta, err);

	/* What could not be read again is not written. */
	if (r == 0)
		r = ct_json_writer_open(&w, buf, true, err);
	if (r < 0)
		return r;
	ct_json_begin_object(&w);
	ct_json_put_u64(&w, "version", CT_META_VERSION);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		write_field(&w, &fields[i], (const char *)meta + fields[i].offset);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	return buf->failed ? ct_fail_nomem(err) : 0;
}

/* ---- reading ---- */

static int wrong_type(const struct ct_json *value, const char *wanted, struct ct_err *err)
{
	char path[128];

	return ct_fail(err, EBADMSG, "%s must be %s, not %s",
		       ct_json_path(value, path, sizeof(path)), wanted,
		       ct_json_type_name(value->type));
}

/* A copy: the JSON tree is in an arena of its own, which goes. */
static int read_text(struct ct_arena *arena, const struct ct_json *value, const char **ret_text,
		     struct ct_err *err)
{
	if (value->type != CT_JSON_STRING)
		return wrong_type(value, "a string", err);
	*ret_text = ct_arena_strdup(arena, value->text);
	return *ret_text ? 0 : ct_fail_nomem(err);
}

static int read_list(struct ct_arena *arena, const struct ct_json *value, struct ct_strings *list,
		     struct ct_err *err)
{
	if (value->type != CT_JSON_ARRAY)
		return wrong_type(value, "a list", err);
	for (const struct ct_json *item = value->child; item; item = item->next) {
		const char *text;
		int r = read_text(arena, item, &text, err);

		if (r < 0)
			return r;
		if (ct_strings_add(arena, list, text) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

static int read_pair(struct ct_arena *arena, const struct ct_json *value,
		     struct ct_spec_pair *pair, struct ct_err *err)
{
	char path[128];
	int r;

	if (value->type != CT_JSON_ARRAY)
		return wrong_type(value, "a list of two strings", err);
	if (value->count != 2)
		return ct_fail(err, EBADMSG, "%s must be a list of two strings, not of %zu",
			       ct_json_path(value, path, sizeof(path)), value->count);
	r = read_text(arena, value->child, &pair->key, err);
	return r < 0 ? r : read_text(arena, value->child->next, &pair->value, err);
}

/* Lists of two and not an object, since JSON lets keys of an object repeat and readers do not agree
 * on what that means. */
static int read_pairs(struct ct_arena *arena, const struct ct_json *value,
		      struct ct_spec_pairs *pairs, struct ct_err *err)
{
	if (value->type != CT_JSON_ARRAY)
		return wrong_type(value, "a list", err);
	if (!value->child)
		return 0;
	pairs->items = ct_arena_calloc(arena, value->count, sizeof(*pairs->items));
	if (!pairs->items)
		return ct_fail_nomem(err);
	for (const struct ct_json *item = value->child; item; item = item->next) {
		int r = read_pair(arena, item, &pairs->items[pairs->count], err);

		if (r < 0)
			return r;
		pairs->count++;
	}
	return 0;
}

static int read_number(const struct ct_json *value, int *ret_number, struct ct_err *err)
{
	int64_t number;

	if (value->type != CT_JSON_NUMBER)
		return wrong_type(value, "a number", err);
	if (ct_parse_i64(value->text, INT32_MIN, INT32_MAX, &number, err) < 0)
		return ct_wrap(err, "%s", value->key);
	*ret_number = (int)number;
	return 0;
}

/* Nanoseconds since 1970, as all times in records. */
static int read_time(const struct ct_json *value, uint64_t *ret_time, struct ct_err *err)
{
	if (value->type != CT_JSON_NUMBER)
		return wrong_type(value, "a number", err);
	if (ct_parse_u64(value->text, 0, UINT64_MAX, ret_time, err) < 0)
		return ct_wrap(err, "%s", value->key);
	return 0;
}

static int read_field(struct ct_arena *arena, const struct ct_json *value, enum kind kind,
		      void *out, struct ct_err *err)
{
	switch (kind) {
	case TEXT:
		return read_text(arena, value, out, err);
	case FLAG:
		if (value->type != CT_JSON_BOOL)
			return wrong_type(value, "true or false", err);
		*(bool *)out = value->boolean;
		return 0;
	case NUMBER:
		return read_number(value, out, err);
	case TIME:
		return read_time(value, out, err);
	case LIST:
		return read_list(arena, value, out, err);
	case PAIRS:
		return read_pairs(arena, value, out, err);
	}
	return 0;
}

/* Before anything else is looked at: what a newer version means by its members is not known
 * here. */
static int check_version(const struct ct_json *root, struct ct_err *err)
{
	const struct ct_json *value = ct_json_get(root, "version");
	uint64_t version;

	if (root->type != CT_JSON_OBJECT)
		return ct_fail(err, EBADMSG, "must be an object, not %s",
			       ct_json_type_name(root->type));
	if (!value)
		return ct_fail(err, EBADMSG, "version is missing");
	if (value->type != CT_JSON_NUMBER ||
	    ct_parse_u64(value->text, 1, UINT32_MAX, &version, err) < 0)
		return ct_fail(err, EBADMSG, "version must be a number from 1 on");
	if (version > CT_META_VERSION)
		return ct_fail(err, EBADMSG,
			       "written by a newer cattach: format %llu, this one knows %d",
			       (unsigned long long)version, CT_META_VERSION);
	return 0;
}

/* meta.version is what this program writes, not what the file had: a record that is written again
 * is one of ours. */
int ct_meta_parse(struct ct_arena *arena, const char *text, size_t size, struct ct_meta *ret_meta,
		  struct ct_err *err)
{
	/* The tree is many times the size of what it says; it does not stay in the caller's
	 * arena. */
	struct ct_arena ct_autoarena scratch = { 0 };
	struct ct_meta meta = { .version = CT_META_VERSION };
	const struct ct_json *root = NULL;
	int r = ct_arena_open(&scratch, err);

	if (r == 0 && size == 0)
		r = ct_fail(err, EBADMSG, "empty file");
	if (r == 0)
		r = ct_json_parse(&scratch, "meta.json", text, size, &root, err);
	if (r == 0)
		r = check_version(root, err);
	for (size_t i = 0; r == 0 && i < FIELD_COUNT; i++) {
		const struct ct_json *value = ct_json_get(root, fields[i].key);

		if (value)
			r = read_field(arena, value, fields[i].kind,
				       (char *)&meta + fields[i].offset, err);
	}
	if (r == 0)
		r = check_values(&meta, err);
	if (r < 0)
		return r;
	*ret_meta = meta;
	return 0;
}
