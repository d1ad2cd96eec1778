/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach diff: what a container has changed, a line each as they are found, or as podman's JSON.
 *
 * Runs in the command's own process with the caller's rights. Paths are any bytes that a container
 * chose: at a terminal they are escaped, newlines too, and elsewhere they are written as they are.
 * What cannot be compared is reported line by line and makes the exit code 125.
 *
 *   ct_container_diff() walks both trees in order and calls add_change() for each difference
 *   text  gathered in lines[], written when there are 64 KiB: memory stays small
 *   json  three lists, one a kind, as podman groups them: they are complete only at the end
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cattach/diff.h>

#include "latest.h"

#define GATHER		65536u
#define JSON_MAX	(256u << 20)	/* one document is written when it is complete */

struct diff_options {
	const char *format;
	bool latest;
};

#define OPTION(member) offsetof(struct diff_options, member)

static const struct ct_option diff_table[] = {
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format), "\"json\", instead of a line each" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest),
	  "The container that was made last, in place of CONTAINER" },
	{ 0 },
};

/* What is written: lines as they come, or three lists. */
struct output {
	bool terminal, json;
	struct ct_buf lines, lists[3];
	struct ct_json_writer writers[3];
};

static const struct {
	char letter;
	const char *member;
} kinds[] = {
	[CT_CHANGE_MODIFIED] = { 'C', "changed" },
	[CT_CHANGE_ADDED] = { 'A', "added" },
	[CT_CHANGE_DELETED] = { 'D', "deleted" },
};

static int flush(struct output *o, struct ct_err *err)
{
	int r = ct_print(&o->lines, err);

	ct_buf_clear(&o->lines);
	return r;
}

/* Each kind has a writer of its own, so that no list of paths is kept besides the text. The bound
 * is what a script can be expected to parse; without it a container could use up the memory of
 * whoever looks at it, file by file. */
static int add_json(struct output *o, enum ct_change change, const char *path, struct ct_err *err)
{
	struct ct_buf *list = &o->lists[change];
	size_t size;

	if (!o->writers[change].gen) {
		if (ct_json_writer_open(&o->writers[change], list, false, err) < 0)
			return -err->code;
		ct_json_begin_array(&o->writers[change]);
	}
	ct_json_string(&o->writers[change], path);
	if (list->failed)
		return ct_fail_nomem(err);
	size = o->lists[0].length + o->lists[1].length + o->lists[2].length;
	if (size <= JSON_MAX)
		return 0;
	ct_fail(err, E2BIG, "more changes than go into one document");
	return ct_hint(err, "leave out --format json");
}

/* A buffer that has failed is flushed to get its error out: ct_print() reports it. */
static int add_change(enum ct_change change, const char *path, void *arg, struct ct_err *err)
{
	struct output *o = arg;

	if (o->json)
		return add_json(o, change, path, err);
	ct_buf_printf(&o->lines, "%c ", kinds[change].letter);
	if (o->terminal)
		ct_buf_escaped(&o->lines, path, strlen(path));
	else
		ct_buf_puts(&o->lines, path);
	ct_buf_putc(&o->lines, '\n');
	return o->lines.failed || o->lines.length >= GATHER ? flush(o, err) : 0;
}

/* One that cannot be read is said and left out; ct_container_diff() counts it. */
static void report(const struct ct_err *what, void *arg)
{
	(void)arg;
	ct_report(what);
}

/* podman leaves out lists that have nothing in them. */
static int print_json(struct output *o, struct ct_err *err)
{
	const char *before = "{";

	for (size_t i = 0; i < 3; i++) {
		if (!o->writers[i].gen)
			continue;
		ct_json_end_array(&o->writers[i]);
		ct_buf_printf(&o->lines, "%s\"%s\":", before, kinds[i].member);
		ct_buf_add(&o->lines, ct_buf_text(&o->lists[i]), o->lists[i].length);
		o->lines.failed = o->lines.failed || o->lists[i].failed;
		before = ",";
	}
	ct_buf_puts(&o->lines, *before == '{' ? "{}\n" : "}\n");
	return flush(o, err);
}

static void output_done(struct output *o)
{
	for (size_t i = 0; i < 3; i++) {
		if (o->writers[i].gen)
			ct_json_writer_close(&o->writers[i]);
		ct_buf_done(&o->lists[i]);
	}
	ct_buf_done(&o->lines);
}

/* 125 also when all but one file could be compared: a script must not take this for the whole. */
static int run_diff(const struct ct_call *call, struct output *o, struct ct_err *err)
{
	const struct diff_options *options = call->options;
	const struct ct_diff diff = { .change = add_change, .report = report, .arg = o };
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	const char *name = NULL;
	struct ct_err ignored;
	uint64_t errors = 0;

	if (ct_store_open(&store, err) < 0 ||
	    ct_operand_or_latest(call, options->latest, &store, &name, err) < 0 ||
	    ct_container_find(&store, call->arena, name, &container, err) < 0)
		return -err->code;
	if (ct_container_diff(&store, call->arena, &container, &diff, &errors, err) < 0) {
		/* What was found is true. */
		flush(o, &ignored);
		return -err->code;
	}
	if ((o->json ? print_json(o, err) : flush(o, err)) < 0)
		return -err->code;
	return errors ? CT_EXIT_FAILED : 0;
}

/* Only JSON beside the text: podman has no template here, either. */
static int diff_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct diff_options *options = call->options;
	struct output o = { .terminal = isatty(STDOUT_FILENO) };
	int r;

	if (ct_check_latest(call, options->latest, err) < 0)
		return -err->code;
	o.json = options->format && *options->format;
	if (o.json && strcmp(options->format, "json") != 0) {
		ct_fail(err, EINVAL, "must be \"json\", not \"%.64s\"", options->format);
		return ct_wrap(err, "--format");
	}
	r = run_diff(call, &o, err);
	output_done(&o);
	return r;
}

const struct ct_verb ct_verb_diff = {
	.name = "diff",
	.summary = "Show what a container has changed in its files",
	.synopsis = "[OPTIONS] CONTAINER",
	.description =
		"A line each: \"A\" and what was added, \"C\" and what was changed, \"D\" and what was "
		"deleted, as paths from the container's root. A directory comes before what is in it, "
		"names in the order of their bytes. One in which something has changed is changed; of "
		"one that was deleted what was in it is not told."
		"\n\n"
		"There is something to compare where ROOTFS:O has put an overlay over ROOTFS, and as long "
		"as the container runs or is paused: what it writes goes with its run. Type, mode, owner, "
		"size, time of change and the target of a link are compared, of a directory only mode and "
		"owner; contents are not read. Mounts of the container are left out, and so is what is "
		"bound read-only because something is mounted below it on the host. A directory that had "
		"to be made for a mount to be in was added. What the host changes in ROOTFS meanwhile may "
		"show, too."
		"\n\n"
		"--format json is podman's: one object with \"changed\", \"added\" and \"deleted\", each "
		"of them a list that is left out when it is empty. Bytes that are no UTF-8 are replaced "
		"in it. A newline in a name is escaped there and on a terminal; into a pipe or a file lines "
		"have names as they are.",
	.examples = "cattach diff web\tWhat it has written so far\n"
		    "cattach diff --format json web | jq -r '.added[]'\tOnly what is new",
	.options = diff_table,
	.options_size = sizeof(struct diff_options),
	.operand = "CONTAINER",
	.max_operands = 1,
	.handler = diff_handler,
};
