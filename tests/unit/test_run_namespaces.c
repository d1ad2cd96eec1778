/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces and id maps of "run": modes and words that are none, host names, every --userns for
 * callers with and without subordinate ids, maps written by hand and by bundles. Runs
 * unprivileged; the callers are made up.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/num.h>

#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* The namespaces that are made: a letter each, upper case when joined by path. */
static const char *made(void)
{
	static char text[CT_NS_COUNT + 1];

	for (int i = 0; i < CT_NS_COUNT; i++) {
		const struct ct_spec_namespace *ns = &run_spec->linux_.namespaces[i];

		text[i] = !ns->present ? '-' : ns->path ? 'P' : 'x';
	}
	return text;
}

static const char *uid_map(void)
{
	return run_map(&run_spec->linux_.uid_mappings);
}

static const char *gid_map(void)
{
	return run_map(&run_spec->linux_.gid_mappings);
}

START_TEST(a_rootfs_gets_namespaces_of_its_own)
{
	/* user mount pid network ipc uts cgroup time */
	run_ok(&run_alice);
	ck_assert_str_eq(made(), "xxxxxxx-");
	ck_assert_str_eq(run_meta.network, "none");
	ck_assert_str_eq(run_meta.pid_mode, "private");
	ck_assert_str_eq(run_meta.cgroupns_mode, "private");
	ck_assert_ptr_null(run_meta.userns_mode);
	run_ok(NULL);
	ck_assert_str_eq(made(), "-xxxxxx-");
	ck_assert_str_eq(uid_map(), "");
}
END_TEST

START_TEST(host_takes_a_namespace_off_the_list)
{
	run_options.network = run_options.pid = run_options.ipc = "host";
	run_options.uts = run_options.cgroupns = "host";
	run_ok(&run_alice);
	ck_assert_str_eq(made(), "xx------");
	ck_assert_str_eq(run_meta.network, "host");
	ck_assert_str_eq(run_meta.uts_mode, "host");
	ck_assert_ptr_null(run_spec->hostname);
}
END_TEST

START_TEST(options_override_the_namespaces_of_a_bundle)
{
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(made(), "xxxx----");
	ck_assert_str_eq(run_meta.ipc_mode, "host");
	run_options.network = "host";
	run_options.ipc = "private";
	run_ok(&run_alice);
	ck_assert_str_eq(made(), "xxx-x---");
	ck_assert_str_eq(run_meta.ipc_mode, "private");
}
END_TEST

static const struct {
	const char *option, *value, *error;
} bad_modes[] = {
	{ "network", "bridge",
	  "--network: \"bridge\" is not available in this version (none or host)" },
	{ "network", "private",
	  "--network: \"private\" is not available in this version (none or host)" },
	{ "network", "", "--network: \"\" is not available in this version (none or host)" },
	{ "pid", "container:x",
	  "--pid: \"container:x\" is not available in this version (private or host)" },
	{ "ipc", "shareable",
	  "--ipc: \"shareable\" is not available in this version (private or host)" },
	{ "uts", "HOST", "--uts: \"HOST\" is not available in this version (private or host)" },
	{ "cgroupns", "none",
	  "--cgroupns: \"none\" is not available in this version (private or host)" },
};

START_TEST(modes_that_do_not_exist_are_refused)
{
	const struct {
		const char *option, **place;
	} places[] = {
		{ "network", &run_options.network }, { "pid", &run_options.pid },
		{ "ipc", &run_options.ipc }, { "uts", &run_options.uts },
		{ "cgroupns", &run_options.cgroupns },
	};

	for (int i = 0; i < COUNT(places); i++)
		if (!strcmp(places[i].option, bad_modes[_i].option))
			*places[i].place = bad_modes[_i].value;
	run_bad(EINVAL, bad_modes[_i].error);
}
END_TEST

START_TEST(host_names_need_a_namespace_and_are_printable)
{
	char name[66];

	run_options.hostname = "box.example";
	run_ok(&run_alice);
	ck_assert_str_eq(run_spec->hostname, "box.example");
	ck_assert_str_eq(run_meta.hostname, "box.example");
	run_options.hostname = "a b";
	run_bad(EINVAL, "--hostname: \"a b\" has blanks or unprintable bytes");
	run_options.hostname = "a\nb";
	run_bad(EINVAL, "--hostname: \"a\\nb\" has blanks or unprintable bytes");
	run_options.hostname = "";
	run_bad(EINVAL, "--hostname: must have 1...64 bytes, not 0");
	memset(name, 'a', sizeof(name));
	name[65] = '\0';
	run_options.hostname = name;
	run_bad(EINVAL, "--hostname: must have 1...64 bytes, not 65");
	name[64] = '\0';
	run_ok(&run_alice);
	run_options.uts = "host";
	run_bad(EINVAL,
		"--hostname: the container shares the host's name (leave out --hostname, or "
		"--uts host)");
}
END_TEST

START_TEST(the_default_maps_are_all_that_the_caller_has)
{
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:1001:1 1:100000:65536");
	ck_assert_str_eq(gid_map(), "0:1002:1 1:200000:65536");
	/* For an unprivileged caller "host" is the same. */
	run_options.userns = "host";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:1001:1 1:100000:65536");
	ck_assert_str_eq(made(), "xxxxxxx-");
	ck_assert_str_eq(run_meta.userns_mode, "host");
	run_ok(NULL);
	ck_assert_str_eq(made(), "-xxxxxx-");
}
END_TEST

START_TEST(a_single_id_is_the_one_that_the_payload_needs)
{
	run_ok(&run_bob);
	ck_assert_str_eq(uid_map(), "0:1001:1");
	ck_assert_str_eq(gid_map(), "0:1002:1");
	ck_assert_str_eq(run_groups(), "");
	run_options.user = "dev";
	run_ok(&run_bob);
	ck_assert_str_eq(uid_map(), "1000:1001:1");
	ck_assert_str_eq(gid_map(), "100:1002:1");
	ck_assert_uint_eq(run_spec->process->uid, 1000);
	ck_assert_str_eq(run_groups(), "");
	run_options.user = NULL;
	run_bundle(", \"user\": { \"uid\": 5, \"gid\": 6, \"additionalGids\": [ 6 ] }", "");
	run_ok(&run_bob);
	ck_assert_str_eq(uid_map(), "5:1001:1");
	ck_assert_str_eq(gid_map(), "6:1002:1");
	ck_assert_str_eq(run_groups(), "");
}
END_TEST

START_TEST(groups_that_cannot_be_set_are_refused_when_asked_for)
{
	run_add(&run_options.group_add, "0");
	run_ok(&run_bob);
	ck_assert_str_eq(run_groups(), "");
	run_options.group_add.items[0] = "audio";
	ck_assert_int_eq(ct_run_prepare(&run_options, false, &run_arena, &run_spec, &run_meta,
					&run_err), 0);
	run_options.group_add.items[0] = "70000";
	run_bad(EINVAL,
		"--group-add: gid 70000 is not mapped (mapping: 0→1002 ×1, 1→200000 ×65536)");
}
END_TEST

static void prepare_for_bob(void)
{
	run_ok(&run_bob);
}

START_TEST(one_clear_note_is_for_those_who_wanted_more)
{
	static const char note[] =
		"cattach: warning: only one user id is mapped: no subordinate ids "
		"for bob in /etc/subuid (see cattach info)\n";

	ck_assert_str_eq(run_stderr_of(prepare_for_bob), "");
	run_options.user = "dev";
	ck_assert_str_eq(run_stderr_of(prepare_for_bob), note);
	run_options.user = NULL;
	run_options.userns = "keep-id";
	ck_assert_str_eq(run_stderr_of(prepare_for_bob), note);
	run_options.userns = NULL;
	run_bundle(", \"user\": { \"uid\": 0, \"gid\": 5 }", "");
	ck_assert_str_eq(run_stderr_of(prepare_for_bob), note);
}
END_TEST

START_TEST(keep_id_runs_as_the_caller)
{
	run_options.userns = "keep-id";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:100000:1001 1001:1001:1 1002:101001:64535");
	ck_assert_str_eq(gid_map(), "0:200000:1002 1002:1002:1 1003:201002:64534");
	ck_assert_uint_eq(run_spec->process->uid, 1001);
	ck_assert_uint_eq(run_spec->process->gid, 1002);
	ck_assert_str_eq(run_groups(), "1002");
	ck_assert_str_eq(run_meta.userns_mode, "keep-id");
	run_options.userns = "keep-id:uid=5,gid=6";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:100000:5 5:1001:1 6:100005:65531");
	ck_assert_str_eq(gid_map(), "0:200000:6 6:1002:1 7:200006:65530");
	ck_assert_uint_eq(run_spec->process->uid, 5);
	ck_assert_uint_eq(run_spec->process->gid, 6);
	run_options.user = "0";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:100000:5 5:1001:1 6:100005:65531");
	ck_assert_uint_eq(run_spec->process->uid, 0);
	run_options.user = NULL;
	run_ok(&run_bob);
	ck_assert_str_eq(uid_map(), "5:1001:1");
	run_bundle(", \"user\": { \"uid\": 77, \"gid\": 77 }", "");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->process->uid, 5);
}
END_TEST

START_TEST(as_root_a_bundle_without_maps_gets_the_same_numbers)
{
	static const char text[] =
		"{ \"ociVersion\": \"1.2.0\", \"root\": { \"path\": \"../root\" },\n"
		"\"process\": { \"args\": [ \"/hello\" ], \"cwd\": \"/\" },\n"
		"\"linux\": { \"namespaces\": [ { \"type\": \"mount\" }, { \"type\": \"user\" } ] } }";
	const struct ct_id_line *line;
	struct ct_id_map same;

	run_bundle("", "");
	fixture_file("bundle/config.json", text);
	run_ok(NULL);
	ck_assert_int_eq(ct_id_map_same(&run_arena, CT_ID_USER, &same, &run_err), 0);
	ck_assert_uint_gt(same.count, 0);
	line = &same.lines[same.count - 1];
	ck_assert_uint_gt(line->size, 0);
	ck_assert_uint_eq(line->container_id, line->host_id);
	ck_assert_uint_eq(run_spec->linux_.uid_mappings.count, same.count);
	ck_assert_uint_eq(run_spec->linux_.uid_mappings.items[same.count - 1].size, line->size);
	ck_assert_uint_gt(run_spec->linux_.gid_mappings.count, 0);
	ck_assert(ct_id_map_contains(&same, geteuid()));
	/* Others get theirs, and where no user namespace is asked for, there is none. */
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:1001:1 1:100000:65536");
	run_bundle("", "");
	run_ok(NULL);
	ck_assert_str_eq(uid_map(), "");
}
END_TEST

START_TEST(nomap_leaves_the_caller_out)
{
	run_options.userns = "nomap";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:100000:65536");
	ck_assert_str_eq(gid_map(), "0:200000:65536");
	ck_assert_int_eq(ct_run_prepare(&run_options, false, &run_arena, &run_spec, &run_meta,
					&run_err), -EINVAL);
	ck_err(&run_err, EINVAL,
	       "--userns: nomap is about an unprivileged caller's own id (as root, "
	       "--uidmap and --gidmap make a user namespace)");
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_userns[] = {
	{ "bogus", EINVAL,
	  "--userns: must be host, keep-id[:uid=N,gid=N] or nomap, not \"bogus\"" },
	{ "", EINVAL, "--userns: must be host, keep-id[:uid=N,gid=N] or nomap, not \"\"" },
	{ "keep-idx", EINVAL,
	  "--userns: must be host, keep-id[:uid=N,gid=N] or nomap, not \"keep-idx\"" },
	{ "auto", EINVAL,
	  "--userns: auto is not available in this version (--uidmap and --gidmap map "
	  "a range of your own)" },
	{ "auto:size=5", EINVAL,
	  "--userns: auto is not available in this version (--uidmap and "
	  "--gidmap map a range of your own)" },
	{ "keep-id:", EINVAL, "--userns: keep-id has uid= and gid=, not \"\"" },
	{ "keep-id:size=5", EINVAL, "--userns: keep-id has uid= and gid=, not \"size=5\"" },
	{ "keep-id:uid=-1", EINVAL, "--userns: must be 0...4294967294, not \"-1\"" },
	{ "keep-id:uid=4294967295", ERANGE,
	  "--userns: must be 0...4294967294, not \"4294967295\"" },
};

START_TEST(malformed_userns_modes_are_refused)
{
	run_options.userns = bad_userns[_i].text;
	run_bad(bad_userns[_i].code, bad_userns[_i].error);
}
END_TEST

START_TEST(maps_by_hand_take_host_ids)
{
	run_add(&run_options.uidmap, "0:100000:1000");
	run_add(&run_options.uidmap, "1000:1001:1");
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:100000:1000 1000:1001:1");
	/* The other kind has the default map. */
	ck_assert_str_eq(gid_map(), "0:1002:1 1:200000:65536");
	run_add(&run_options.gidmap, "0:1002:1");
	run_ok(&run_alice);
	ck_assert_str_eq(gid_map(), "0:1002:1");
	ck_assert_str_eq(run_groups(), "");
	run_options.gidmap = (struct ct_strings){ 0 };
	run_ok(NULL);
	ck_assert_str_eq(made(), "xxxxxxx-");
	ck_assert_str_eq(gid_map(), "0:100000:1000 1000:1001:1");
	run_options.userns = "host";
	run_bad(EINVAL, "--userns: excludes --uidmap and --gidmap");
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_maps[] = {
	{ "0:0:1", EPERM,
	  "--uidmap: host id 0 is not in your subuid range 100000-165535 "
	  "(your own id, 1001, can be "
	  "mapped alone)" },
	{ "0:100000:65537", EPERM,
	  "--uidmap: host id 165536 is not in your subuid range 100000-165535 "
	  "(your own id, 1001, can "
	  "be mapped alone)" },
	{ "0:1001", EINVAL, "--uidmap: must be CONTAINER_ID:HOST_ID:SIZE, not \"0:1001\"" },
	{ "0:1001:1:1", EINVAL, "--uidmap: must be CONTAINER_ID:HOST_ID:SIZE, not \"0:1001:1:1\"" },
	{ "", EINVAL, "--uidmap: must be CONTAINER_ID:HOST_ID:SIZE, not \"\"" },
	{ "0:1001:0", ERANGE, "--uidmap: must be 1...4294967294, not \"0\"" },
	{ "+0:1001:1", EINVAL, "--uidmap: must be 0...4294967294, not \"+0\"" },
	{ "0:@1001:1", EINVAL, "--uidmap: must be 0...4294967294, not \"@1001\"" },
	{ "4294967296:1001:1", ERANGE, "--uidmap: must be 0...4294967294, not \"4294967296\"" },
};

START_TEST(malformed_and_foreign_maps_are_refused)
{
	run_add(&run_options.uidmap, bad_maps[_i].text);
	run_bad(bad_maps[_i].code, bad_maps[_i].error);
}
END_TEST

START_TEST(users_outside_the_maps_are_refused)
{
	run_options.user = "70000";
	run_bad(EINVAL, "--user: uid 70000 is not mapped "
	  "(mapping: 0→1001 ×1, 1→100000 ×65536)");
	run_options.user = "1:70000";
	run_bad(EINVAL, "--user: gid 70000 is not mapped "
	  "(mapping: 0→1002 ×1, 1→200000 ×65536)");
}
END_TEST

START_TEST(maps_of_a_bundle_are_checked_at_their_place)
{
	run_bundle("",
		   ", \"uidMappings\": [\n{ \"containerID\": 0, \"hostID\": 1001, \"size\": 1 },"
		   "\n{ \"containerID\": 1, \"hostID\": 0, \"size\": 1 } ]");
	/* The parser wants a namespace for the maps; write one. */
	fixture_file(
		"bundle/config.json",
		"{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"../root\"},\n"
		"\"process\": {\"args\": [\"a\"], \"cwd\": \"/\"}, \"linux\": {\n"
		"\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}],\n"
		"\"uidMappings\": [ { \"containerID\": 0, \"hostID\": 1001, \"size\": 1 },\n"
		"  { \"containerID\": 1, \"hostID\": 0, \"size\": 1 } ],\n"
		"\"gidMappings\": [ { \"containerID\": 0, \"hostID\": 1002, \"size\": 1 } ] } }");
	run_bad(EPERM,
		"config.json:5:3: linux.uidMappings[1]: host id 0 is not in your subuid range "
		"100000-165535 (your own id, 1001, can be mapped alone)");
	/* An option takes the place of all of it. */
	run_options.userns = "host";
	run_ok(&run_alice);
	ck_assert_str_eq(uid_map(), "0:1001:1 1:100000:65536");
}
END_TEST

START_TEST(a_bundle_without_maps_gets_the_default_ones)
{
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(made(), "xxxx----");
	ck_assert_str_eq(uid_map(), "0:1001:1 1:100000:65536");
	ck_assert_str_eq(gid_map(), "0:1002:1 1:200000:65536");
	/* As root the configuration means what it says. */
	run_ok(NULL);
	ck_assert_str_eq(made(), "-xxx----");
	ck_assert_str_eq(uid_map(), "");
}
END_TEST

Suite *suite_run_namespaces(void);
Suite *suite_run_namespaces(void)
{
	Suite *s = suite_create("run_namespaces");
	TCase *tc = tcase_create("run_namespaces");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, a_rootfs_gets_namespaces_of_its_own);
	tcase_add_test(tc, host_takes_a_namespace_off_the_list);
	tcase_add_test(tc, options_override_the_namespaces_of_a_bundle);
	tcase_add_loop_test(tc, modes_that_do_not_exist_are_refused, 0, COUNT(bad_modes));
	tcase_add_test(tc, host_names_need_a_namespace_and_are_printable);
	tcase_add_test(tc, the_default_maps_are_all_that_the_caller_has);
	tcase_add_test(tc, a_single_id_is_the_one_that_the_payload_needs);
	tcase_add_test(tc, groups_that_cannot_be_set_are_refused_when_asked_for);
	tcase_add_test(tc, one_clear_note_is_for_those_who_wanted_more);
	tcase_add_test(tc, keep_id_runs_as_the_caller);
	tcase_add_test(tc, as_root_a_bundle_without_maps_gets_the_same_numbers);
	tcase_add_test(tc, nomap_leaves_the_caller_out);
	tcase_add_loop_test(tc, malformed_userns_modes_are_refused, 0, COUNT(bad_userns));
	tcase_add_test(tc, maps_by_hand_take_host_ids);
	tcase_add_loop_test(tc, malformed_and_foreign_maps_are_refused, 0, COUNT(bad_maps));
	tcase_add_test(tc, users_outside_the_maps_are_refused);
	tcase_add_test(tc, maps_of_a_bundle_are_checked_at_their_place);
	tcase_add_test(tc, a_bundle_without_maps_gets_the_default_ones);
	suite_add_tcase(s, tc);
	return s;
}
