/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture of the tests of "run". Everything is made in the fresh directory of fixture.c; the
 * callers are made up, so that the tests do not depend on who runs them or on this machine's
 * /etc/subuid. Globals are fine here: Check gives every test a process of its own.
 */
#include "run_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "container/run_parts.h"

struct ct_arena run_arena;
struct ct_run_options run_options;
struct ct_spec *run_spec;
struct ct_meta run_meta;
struct ct_err run_err;

static struct ct_id_range uid_ranges[] = { { 100000, 65536 } };
static struct ct_id_range gid_ranges[] = { { 200000, 65536 } };

const struct ct_id_caller run_alice = {
	.id = { 1001, 1002 },
	.name = "alice",
	.ranges = { { uid_ranges, 1 }, { gid_ranges, 1 } },
	.helper = { "/usr/bin/newuidmap", "/usr/bin/newgidmap" },
};

const struct ct_id_caller run_bob = {
	.id = { 1001, 1002 },
	.name = "bob",
	.helper = { "/usr/bin/newuidmap", "/usr/bin/newgidmap" },
};

static const char passwd[] =
	"root:x:0:0:root:/root:/bin/sh\n"
	"1000:x:0:0:a name of digits:/evil:/bin/sh\n"
	"dev:x:1000:100:Developer:/home/dev:/bin/sh\n"
	"nohome:x:1001:101::\n"
	"big:x:4294967296:0::/big:/bin/sh\n"
	"minus:x:-1:0::/minus:/bin/sh\n";

static const char group[] =
	"root:x:0:\n"
	"users:x:100:\n"
	"audio:x:63:dev,root\n"
	"video:x:39:other,dev\n"
	"disk:x:6:developer\n"
	"100:x:7:\n";

void run_setup(void)
{
	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&run_arena, &run_err), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root/bin", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "root/etc", 0755), 0);
	fixture_file("root/etc/passwd", passwd);
	fixture_file("root/etc/group", group);
	fixture_file("root/bin/sh", "#!");
	ck_assert_int_eq(fchmodat(fixture_dir(), "root/bin/sh", 0755, 0), 0);
	run_options = (struct ct_run_options){ .sig_proxy = true, .operand = run_path("root") };
}

void run_teardown(void)
{
	ct_arena_close(&run_arena);
	fixture_teardown();
}

const char *run_path(const char *name)
{
	const char *path = ct_arena_printf(&run_arena, "%s/%s", fixture_path(), name);

	ck_assert_ptr_nonnull(path);
	return path;
}

void run_add(struct ct_strings *list, const char *value)
{
	ck_assert_int_eq(ct_strings_add(&run_arena, list, value), 0);
}

void run_bundle(const char *process, const char *linux_)
{
	const char *text = ct_arena_printf(&run_arena,
		"{\n\"ociVersion\": \"1.2.0\",\n\"root\": { \"path\": \"../root\" },\n"
		"\"process\": { \"args\": [ \"/hello\", \"world\" ], \"cwd\": \"/tmp\"%s },\n"
		"\"linux\": { \"namespaces\": [ { \"type\": \"mount\" }, { \"type\": \"pid\" },\n"
		"{ \"type\": \"network\" } ]%s }\n}\n", process, linux_);

	ck_assert_ptr_nonnull(text);
	mkdirat(fixture_dir(), "bundle", 0755);
	fixture_file("bundle/config.json", text);
	run_options.operand = run_path("bundle");
}

void run_ok(const struct ct_id_caller *caller)
{
	char line[2048];
	int ret = ct_run_prepare_for(&run_options, caller, &run_arena, &run_spec, &run_meta,
				     &run_err);

	if (ret < 0)
		ct_err_format(&run_err, line, sizeof(line));
	ck_assert_msg(ret == 0, "%s", ret < 0 ? line : "");
}

void run_bad(int code, const char *text)
{
	int ret = ct_run_prepare_for(&run_options, &run_alice, &run_arena, &run_spec, &run_meta,
				     &run_err);

	ck_assert_msg(ret < 0, "taken, and not refused with: %s", text);
	ck_err(&run_err, code, text);
	ck_assert_int_eq(run_err.exit, CT_EXIT_FAILED);
}

const char *run_env(const char *name)
{
	const struct ct_strings *env = &run_spec->process->env;
	size_t length = strlen(name);
	const char *found = NULL;

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, length) || env->items[i][length] != '=')
			continue;
		ck_assert_msg(!found, "%s is there twice", name);
		found = env->items[i] + length + 1;
	}
	return found;
}

const struct ct_spec_mount *run_mount(const char *destination)
{
	const struct ct_spec_mount *found = NULL;

	for (size_t i = 0; i < run_spec->mounts.count; i++) {
		if (strcmp(run_spec->mounts.items[i].destination, destination))
			continue;
		ck_assert_msg(!found, "%s is there twice", destination);
		found = &run_spec->mounts.items[i];
	}
	return found;
}

static const char *join(const struct ct_strings *list, char separator)
{
	char *text = ct_arena_strdup(&run_arena, "");

	for (size_t i = 0; i < list->count; i++)
		text = ct_arena_printf(&run_arena, "%s%.*s%s", text, i > 0, &separator,
				       list->items[i]);
	return text;
}

const char *run_mount_options(const char *destination)
{
	const struct ct_spec_mount *mount = run_mount(destination);

	ck_assert_msg(mount, "nothing is mounted at %s", destination);
	return join(&mount->options, ',');
}

const char *run_join(const struct ct_strings *list)
{
	return join(list, ' ');
}

const char *run_map(const struct ct_spec_idmaps *map)
{
	const char *text = "";

	for (size_t i = 0; i < map->count; i++)
		text = ct_arena_printf(&run_arena, "%s%s%u:%u:%u", text, i ? " " : "",
				       map->items[i].container_id, map->items[i].host_id,
				       map->items[i].size);
	return text;
}

const char *run_groups(void)
{
	const struct ct_spec_process *process = run_spec->process;
	const char *text = "";

	for (size_t i = 0; i < process->additional_gid_count; i++)
		text = ct_arena_printf(&run_arena, "%s%s%u", text, i ? " " : "",
				       process->additional_gids[i]);
	return text;
}

const char *run_stderr_of(void (*function)(void))
{
	char text[4096];
	int file = memfd_create("stderr", MFD_CLOEXEC), saved = dup(2);
	ssize_t n;

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(dup2(file, 2), 2);
	function();
	ck_assert_int_eq(dup2(saved, 2), 2);
	n = pread(file, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(file);
	close(saved);
	return ct_arena_strdup(&run_arena, text);
}
