/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach spec: a config.json to start from, for the bundle of whoever asks.
 *
 * Writes podman's defaults, mapped to the caller's own ids: whoever copies the bundle elsewhere
 * sees in it what has to change. Runs in the command's own process. Fails when there is a
 * config.json already, which is never overwritten.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/idmap.h>
#include <cattach/io.h>
#include <cattach/spec.h>

struct spec_options {
	const char *bundle, *output;
	bool rootless;
};

#define OPTION(member) offsetof(struct spec_options, member)

static const struct ct_option spec_table[] = {
	{ "bundle", 'b', CT_OPTION_STRING, "DIR", OPTION(bundle),
	  "Write DIR/config.json (default: the present directory)" },
	{ "output", 'o', CT_OPTION_STRING, "FILE", OPTION(output),
	  "Write FILE instead; - prints it" },
	{ "rootless", 0, CT_OPTION_BOOL, "BOOL", OPTION(rootless),
	  "For a caller without privileges (default true, for root false)" },
	{ 0 },
};

/* From the form that the id maps are computed in to that of the document. */
static int take_map(struct ct_arena *arena, const struct ct_id_map *map,
		    struct ct_spec_idmaps *ret_maps, struct ct_err *err)
{
	struct ct_spec_idmaps maps = { .count = map->count };

	maps.items = ct_arena_calloc(arena, map->count + 1, sizeof(*maps.items));
	if (!maps.items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < map->count; i++)
		maps.items[i] = (struct ct_spec_idmap){
			.container_id = map->lines[i].container_id,
			.host_id = map->lines[i].host_id,
			.size = map->lines[i].size,
		};
	*ret_maps = maps;
	return 0;
}

/* Container root is the caller; its subordinate ranges, if it has any, are the others. The same map
 * that "run" would choose for a bundle without one. A user namespace without a path is one to be
 * made. */
static int map_caller(struct ct_arena *arena, struct ct_spec *spec, struct ct_err *err)
{
	struct ct_spec_idmaps *const maps[] = { &spec->linux_.uid_mappings,
						&spec->linux_.gid_mappings };
	struct ct_id_caller caller;

	if (ct_id_caller_load(arena, NULL, &caller, err) < 0)
		return -err->code;
	for (int kind = CT_ID_USER; kind <= CT_ID_GROUP; kind++) {
		struct ct_id_map map;

		if (ct_id_map_default(arena, &caller, (enum ct_id_kind)kind, 0, &map, err) < 0 ||
		    take_map(arena, &map, maps[kind], err) < 0)
			return -err->code;
	}
	spec->linux_.namespaces[CT_NS_USER] = (struct ct_spec_namespace){ .present = true };
	return 0;
}

/* O_EXCL: between a look and a write somebody else could have made the file. */
static int write_new(const char *path, const struct ct_buf *text, struct ct_err *err)
{
	int ct_autofd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int r;

	if (fd < 0 && errno == EEXIST) {
		ct_fail(err, EEXIST, "%s exists already", path);
		return ct_hint(err, "remove it first, or choose another place with --bundle or -o");
	}
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot create %s", path);
	r = ct_write_all(fd, ct_buf_text(text), text->length);
	if (r == 0)
		return 0;
	/* half a configuration is worse than none */
	unlink(path);
	return ct_fail_errno(err, -r, "cannot write %s", path);
}

/* 0666 and the umask decide on its mode: it is a file like those that an editor makes. */
static int write_output(const struct spec_options *options, struct ct_arena *arena,
			const struct ct_buf *text, struct ct_err *err)
{
	const char *path = options->output;

	if (path && !strcmp(path, "-"))
		return ct_print(text, err);
	if (!path)
		path = options->bundle ? ct_arena_printf(arena, "%s/config.json", options->bundle) :
					 "config.json";
	return path ? write_new(path, text, err) : ct_fail_nomem(err);
}

/* --rootless is runc's option; root needs no map, and asking for one as root changes nothing. */
static int spec_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct spec_options *options = call->options;
	struct ct_buf ct_autobuf text = {0};
	bool rootless = options->rootless && geteuid() != 0;
	struct ct_spec *spec;

	if (options->bundle && options->output) {
		ct_fail(err, EINVAL, "--bundle and --output exclude each other");
		return ct_hint(err, "--bundle DIR writes DIR/config.json");
	}
	if (ct_spec_default(call->arena, rootless, &spec, err) < 0)
		return -err->code;
	if (rootless && map_caller(call->arena, spec, err) < 0)
		return -err->code;
	if (ct_spec_write(spec, &text, err) < 0)
		return -err->code;
	if (text.failed)
		return ct_fail_nomem(err);
	if (!text.length || text.data[text.length - 1] != '\n')
		ct_buf_putc(&text, '\n');
	return write_output(options, call->arena, &text, err);
}

static const struct spec_options spec_defaults = { .rootless = true };

const struct ct_verb ct_verb_spec = {
	.name = "spec",
	.summary = "Write a config.json to start from",
	.synopsis = "[OPTIONS]",
	.description =
		"The bundle's root file system is its directory \"rootfs\"; it runs a shell. Ids "
		"are mapped as you may map them: you are root in the container, and your "
		"subordinate ranges are its other users. A file that exists is not overwritten.",
	.examples = "cattach spec -b mybundle\tWrite mybundle/config.json\n"
		    "cattach spec -o -\tOnly show it",
	.options = spec_table,
	.defaults = &spec_defaults,
	.options_size = sizeof(struct spec_options),
	.operand = "operand",
	.handler = spec_handler,
};
