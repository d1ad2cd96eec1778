/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach inspect: everything about containers, as JSON or through a template.
 *
 * Runs in the command's own process and only reads. What was found is printed even when other
 * operands were not; the exit code is 125 then. Damaged containers can be looked at.
 *
 *   find (container or CONTAINER/SESSION) -> tree of values -> array -> JSON, or a template each
 *
 * Nothing is printed before the last operand was looked at, because the array is one document.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/size.h>

#include "format.h"
#include "inspect.h"

struct inspect_options {
	const char *format, *type;
	bool size;
};

#define OPTION(member) offsetof(struct inspect_options, member)

static const struct ct_option inspect_table[] = {
	{ "format", 'f', CT_OPTION_STRING, "FORMAT", OPTION(format), "\"json\" or a Go template" },
	{ "size", 's', CT_OPTION_BOOL, NULL, OPTION(size),
	  "Add .SizeRootFs and .SizeRw, in bytes: every file is looked at" },
	{ "type", 't', CT_OPTION_STRING, "TYPE", OPTION(type),
	  "What to look for; there are only containers (\"container\" or \"all\")" },
	{ 0 },
};

/* config.json of a container, NULL when it cannot be read: the record says enough without it. A
 * container may also have been removed in between: its directory is open and empty then. */
static const struct ct_json *read_config(struct ct_arena *arena,
					 const struct ct_container *container)
{
	const struct ct_json *root;
	struct ct_err why;
	const char *text;
	size_t size;

	if (container->dir < 0)
		return NULL;
	if (ct_read_file_at(arena, container->dir, "config.json", CT_JSON_MAX_SIZE, &text, &size,
			    &why) == 0 &&
	    ct_json_parse(arena, "config.json", text, size, &root, &why) == 0)
		return root;
	ct_log(CT_LOG_INFO, CT_TOPIC_STATE, "no config.json: %s", why.what);
	return NULL;
}

/* docker's members; what cannot be looked at is said, and the rest is shown all the same. */
static void set_sizes(struct ct_values *values, const struct ct_container *container,
		      struct ct_json *object)
{
	const char *label = ct_container_label(container);
	struct ct_size size = {0};
	struct ct_err why;

	if (ct_container_size(container, &size, &why) < 0)
		ct_warn("container %s has no size: %s", label, why.what);
	if (size.unread)
		ct_warn("container %s is larger: directories may not be read (cattach unshare du)",
			label);
	ct_value_set(values, object, "SizeRw", ct_value_i64(values, (int64_t)size.writable));
	ct_value_set(values, object, "SizeRootFs", ct_value_i64(values, (int64_t)size.total));
}

/* A container that is damaged, or whose config.json cannot be read, has a tree all the same: what
 * is known is shown, the rest is empty. */
static int add_container(const struct ct_call *call, struct ct_store *store, const char *name,
			 struct ct_values *values, struct ct_json *array, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	const struct inspect_options *options = call->options;
	struct ct_container_list sessions;
	struct ct_json *tree;

	if (ct_container_find(store, call->arena, name, &container, err) < 0)
		return -err->code;
	if (container.session_of) {
		ct_value_add(values, array, ct_inspect_session(values, &container));
		return values->failed ? ct_fail_nomem(err) : 0;
	}
	if (ct_session_list(store, call->arena, &container, &sessions, err) < 0)
		return -err->code;
	tree = ct_inspect_tree(values, store, &container, read_config(call->arena, &container),
			       &sessions);
	if (options->size)
		set_sizes(values, &container, tree);
	ct_value_add(values, array, tree);
	return values->failed ? ct_fail_nomem(err) : 0;
}

/* Indented, as docker prints it; an array also for one, which scripts rely on. */
static int print_array(const struct ct_json *array, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	if (ct_value_write(array, true, &buf, err) < 0)
		return -err->code;
	if (!buf.length || buf.data[buf.length - 1] != '\n')
		ct_buf_putc(&buf, '\n');
	return ct_print(&buf, err);
}

/* Each container through the template; the array is for those who gave none. */
static int print_all(const struct ct_format *format, struct ct_values *values,
		     const struct ct_json *array, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	if (!format)
		return print_array(array, err);
	for (const struct ct_json *item = array->child; item; item = item->next)
		if (ct_format_row(format, values, item, &buf, err) < 0)
			return -err->code;
	return ct_print(&buf, err);
}

/* --type is docker's; what is no container there (image, volume, network) does not exist here, and
 * a script that asks for one should hear so rather than get "[]". */
static int inspect_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct inspect_options *options = call->options;
	struct ct_values values = { .arena = call->arena };
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_format format = {0};
	struct ct_json *array = ct_value_array(&values);
	int code = 0;

	if (options->type && strcmp(options->type, "container") && strcmp(options->type, "all")) {
		ct_fail(err, EINVAL, "unknown type \"%s\"", options->type);
		ct_hint(err, "there are only containers");
		return ct_wrap(err, "--type");
	}
	if (options->format &&
	    ct_format_parse(call->arena, options->format, false, &format, err) < 0)
		return -err->code;
	if (ct_store_open(&store, err) < 0)
		return -err->code;
	for (size_t i = 0; i < call->operands.count; i++) {
		struct ct_err failure = {0};

		if (add_container(call, &store, call->operands.items[i], &values, array,
				  &failure) == 0)
			continue;
		ct_report(&failure);
		code = failure.exit;
	}
	if (print_all(options->format ? &format : NULL, &values, array, err) < 0)
		return -err->code;
	return code;
}

const struct ct_verb ct_verb_inspect = {
	.name = "inspect",
	.summary = "Show everything about containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "Prints a JSON array with docker's members, of which scripts use .Id .Name "
		       ".Created .Path .Args .State.Status .State.Pid .State.ExitCode .Config.Env "
		       ".HostConfig.NetworkMode .Mounts and others. .LogPath is the directory of the log's "
		       "segments (\"cattach logs\" reads them); .State.LogLost says how many bytes of the "
		       "last run a full disk has cost the log, .State.Warnings what its monitor has met "
		       "with. A template names them likewise; a name that does not exist is an error.\n\n"
		       "-s adds .SizeRootFs, what the files of the root file system have in bytes, and "
		       ".SizeRw, what of it is in the throw-away layer of one that runs (ROOTFS:O); without "
		       "such a layer nobody knows what the container has written, and it is 0.\n\n"
		       "CONTAINER/SESSION is what exec has made in it, with docker's members for that: "
		       ".ID .Running .ExitCode .Pid .ProcessConfig .OpenStdin .ContainerID .DetachKeys "
		       "and others, and .State as for containers. .ExecIDs of a container lists its "
		       "sessions.",
	.examples = "cattach inspect -f '{{.State.Status}}' web\tOne value\n"
		    "cattach inspect -f '{{json .Mounts}}' web\tA part, as JSON",
	.options = inspect_table,
	.options_size = sizeof(struct inspect_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = CT_OPERANDS_ANY,
	.handler = inspect_handler,
};
