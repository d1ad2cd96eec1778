/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json into the struct: what every property becomes, what null and "" mean, and how errors
 * found later get their place. What is refused, and with which words, is in test_spec_golden.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <cattach/spec.h>

Suite *suite_spec_parse(void);

static struct ct_arena arena;
static struct ct_err err;

static void open_arena(void)
{
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void close_arena(void)
{
	ct_arena_close(&arena);
}

/* A document with these members in "process", "linux" and at the top. */
static struct ct_spec *parse(const char *process, const char *lx, const char *top)
{
	struct ct_spec *spec = NULL;
	char line[1024];
	char *text = ct_arena_printf(&arena, "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},"
				     "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]%s},"
				     "\"linux\":{%s}%s}", process, lx, top);

	if (ct_spec_parse(&arena, "c.json", text, strlen(text), &spec, &err) < 0) {
		ct_err_format(&err, line, sizeof(line));
		ck_abort_msg("%s", line);
	}
	return spec;
}

START_TEST(the_top_level_is_stored)
{
	struct ct_spec *spec = parse("", "", ",\"hostname\":\"h\",\"domainname\":\"d\","
				     "\"annotations\":{\"k\":\"v\",\"org.x/y\":\"\"}");

	ck_assert_str_eq(spec->oci_version, "1.3.0");
	ck_assert(spec->has_root);
	ck_assert_str_eq(spec->root_path, "r");
	ck_assert(!spec->root_readonly);
	ck_assert_str_eq(spec->hostname, "h");
	ck_assert_str_eq(spec->domainname, "d");
	ck_assert_uint_eq(spec->annotations.count, 2);
	ck_assert_str_eq(spec->annotations.items[1].key, "org.x/y");
	ck_assert_str_eq(spec->annotations.items[1].value, "");
	ck_assert_str_eq(spec->source.name, "c.json");
	ck_assert_ptr_nonnull(spec->source.root);
}
END_TEST

START_TEST(the_process_is_stored)
{
	const struct ct_spec_process *p = parse(
		",\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},"
		"\"user\":{\"uid\":1,\"gid\":4294967294,\"umask\":18,\"additionalGids\":[5,6]},"
		"\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"ambient\":[]},"
		"\"noNewPrivileges\":true,\"oomScoreAdj\":-1000,\"apparmorProfile\":\"aa\","
		"\"selinuxLabel\":\"se\"", "", "")->process;

	ck_assert(p->terminal && p->no_new_privileges && p->has_umask && p->has_oom_score_adj);
	ck_assert_uint_eq(p->console_height, 24);
	ck_assert_uint_eq(p->console_width, 80);
	ck_assert_uint_eq(p->uid, 1);
	ck_assert_uint_eq(p->gid, 4294967294u);
	ck_assert_uint_eq(p->umask, 18);
	ck_assert_uint_eq(p->additional_gid_count, 2);
	ck_assert_uint_eq(p->additional_gids[1], 6);
	ck_assert(p->has_capabilities);
	ck_assert_str_eq(p->capabilities.bounding.items[0], "CAP_CHOWN");
	ck_assert_ptr_null(p->capabilities.bounding.items[1]);
	ck_assert_int_eq(p->oom_score_adj, -1000);
	ck_assert_str_eq(p->apparmor_profile, "aa");
	ck_assert_str_eq(p->selinux_label, "se");
	ck_assert_str_eq(p->args.items[0], "a");
	ck_assert_ptr_null(p->args.items[1]);
}
END_TEST

START_TEST(scheduling_is_stored)
{
	const struct ct_spec_process *p = parse(
		",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"nice\":-3,"
		"\"flags\":[\"SCHED_FLAG_RECLAIM\"],\"runtime\":1,\"deadline\":2,\"period\":3},"
		"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":7},"
		"\"execCPUAffinity\":{\"initial\":\"0-3,7\",\"final\":\"1\"}", "", "")->process;

	ck_assert(p->has_scheduler);
	ck_assert_str_eq(p->scheduler.policy, "SCHED_DEADLINE");
	ck_assert_int_eq(p->scheduler.nice, -3);
	ck_assert_str_eq(p->scheduler.flags.items[0], "SCHED_FLAG_RECLAIM");
	ck_assert_uint_eq(p->scheduler.runtime + p->scheduler.deadline * 10 +
			  p->scheduler.period * 100, 321);
	ck_assert_str_eq(p->io_class, "IOPRIO_CLASS_BE");
	ck_assert_int_eq(p->io_priority, 7);
	ck_assert_str_eq(p->affinity_initial, "0-3,7");
	ck_assert_str_eq(p->affinity_final, "1");
}
END_TEST

START_TEST(minus_one_is_no_limit)
{
	const struct ct_spec_process *p = parse(
		",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":-1},"
		"{\"type\":\"RLIMIT_AS\",\"soft\":-1,\"hard\":18446744073709551615}]",
		"", "")->process;

	ck_assert_uint_eq(p->rlimit_count, 2);
	ck_assert_str_eq(p->rlimits[0].type, "RLIMIT_CORE");
	ck_assert_uint_eq(p->rlimits[0].soft, 0);
	ck_assert(p->rlimits[0].hard == UINT64_MAX);
	ck_assert(p->rlimits[1].soft == UINT64_MAX && p->rlimits[1].hard == UINT64_MAX);
}
END_TEST

START_TEST(of_a_variable_given_twice_the_last_one_stays_in_its_place)
{
	const struct ct_strings *env = &parse(
		",\"env\":[\"A=1\",\"AB=x\",\"B=2\",\"A=3\",\"C==\",\"B=\",\"A=4\"]",
		"", "")->process->env;

	ck_assert_uint_eq(env->count, 4);
	ck_assert_str_eq(env->items[0], "AB=x");
	ck_assert_str_eq(env->items[1], "C==");
	ck_assert_str_eq(env->items[2], "B=");
	ck_assert_str_eq(env->items[3], "A=4");
	ck_assert_ptr_null(env->items[4]);
}
END_TEST

START_TEST(destinations_come_out_absolute_and_clean)
{
	static const char *const clean[] = { "/a/b", "/c", "/d", "/", "/..." };
	const struct ct_spec *spec = parse("", "", ",\"mounts\":["
		"{\"destination\":\"//a/./b/\"},{\"destination\":\"c\"},"
		"{\"destination\":\"/x/../../d\"},{\"destination\":\"..\"},"
		"{\"destination\":\"/...\",\"type\":\"\",\"source\":\"\",\"options\":[\"ro\"]}]");

	ck_assert_uint_eq(spec->mounts.count, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(spec->mounts.items[i].destination, clean[i]);
	ck_assert_ptr_null(spec->mounts.items[4].type);
	ck_assert_ptr_null(spec->mounts.items[4].source);
	ck_assert_str_eq(spec->mounts.items[4].options.items[0], "ro");
}
END_TEST

START_TEST(linux_is_stored)
{
	const struct ct_spec_linux *lx = &parse("",
		"\"namespaces\":[{\"type\":\"uts\"},{\"type\":\"network\",\"path\":\"/n\"},"
		"{\"type\":\"ipc\",\"path\":\"\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":4294967295}],"
		"\"gidMappings\":[{\"containerID\":1,\"hostID\":2,\"size\":3},"
		"{\"containerID\":4,\"hostID\":5,\"size\":1}],"
		"\"timeOffsets\":{\"monotonic\":{\"secs\":-5,\"nanosecs\":7}},"
		"\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":3,"
		"\"fileMode\":8630,\"uid\":0,\"gid\":9},{\"type\":\"p\",\"path\":\"/f\"}],"
		"\"cgroupsPath\":\"user.slice:a:b\",\"sysctl\":{\"kernel.sem\":\"1 2\"},"
		"\"rootfsPropagation\":\"rslave\",\"maskedPaths\":[],\"mountLabel\":\"l\","
		"\"personality\":{\"domain\":\"LINUX32\"}", "")->linux_;

	ck_assert(lx->namespaces[CT_NS_UTS].present && !lx->namespaces[CT_NS_UTS].path);
	ck_assert_str_eq(lx->namespaces[CT_NS_NETWORK].path, "/n");
	ck_assert(lx->namespaces[CT_NS_IPC].present && !lx->namespaces[CT_NS_IPC].path);
	ck_assert(!lx->namespaces[CT_NS_USER].present);
	ck_assert_uint_eq(lx->uid_mappings.items[0].size, 4294967295u);
	ck_assert_uint_eq(lx->gid_mappings.count, 2);
	ck_assert_uint_eq(lx->gid_mappings.items[1].host_id, 5);
	ck_assert_str_eq(lx->time_offsets.items[0].value, "-5 7");
	ck_assert_uint_eq(lx->device_count, 2);
	ck_assert_int_eq(lx->devices[0].type, 'c');
	ck_assert_uint_eq(lx->devices[0].mode, 0666);
	ck_assert(lx->devices[0].has_uid && lx->devices[0].has_gid && !lx->devices[1].has_mode);
	ck_assert_int_eq(lx->devices[1].type, 'p');
	ck_assert_str_eq(lx->cgroups_path, "user.slice:a:b");
	ck_assert_str_eq(lx->sysctl.items[0].value, "1 2");
	ck_assert_str_eq(lx->rootfs_propagation, "rslave");
	ck_assert(lx->has_masked_paths && !lx->masked_paths.count && !lx->has_readonly_paths);
	ck_assert_str_eq(lx->mount_label, "l");
	ck_assert_str_eq(lx->personality, "LINUX32");
}
END_TEST

START_TEST(seccomp_is_stored)
{
	const struct ct_spec_seccomp *s = parse("",
		"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"architectures\":[\"SCMP_ARCH_X86_64\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"syscalls\":[{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_TRACE\","
		"\"errnoRet\":4095,\"args\":[{\"index\":5,\"value\":18446744073709551615,"
		"\"valueTwo\":7,\"op\":\"SCMP_CMP_MASKED_EQ\"},"
		"{\"index\":5,\"value\":1,\"op\":\"SCMP_CMP_NE\"}]}]}", "")->linux_.seccomp;

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->default_action, "SCMP_ACT_ERRNO");
	ck_assert(s->has_default_errno);
	ck_assert_uint_eq(s->default_errno, 38);
	ck_assert_str_eq(s->architectures.items[0], "SCMP_ARCH_X86_64");
	ck_assert_str_eq(s->flags.items[0], "SECCOMP_FILTER_FLAG_LOG");
	ck_assert_uint_eq(s->rule_count, 1);
	ck_assert_str_eq(s->rules[0].names.items[1], "write");
	ck_assert(s->rules[0].has_errno);
	ck_assert_uint_eq(s->rules[0].errno_ret, 4095);
	ck_assert_uint_eq(s->rules[0].arg_count, 2);
	ck_assert(s->rules[0].args[0].value == UINT64_MAX);
	ck_assert_uint_eq(s->rules[0].args[0].value_two, 7);
	ck_assert_str_eq(s->rules[0].args[1].op, "SCMP_CMP_NE");
}
END_TEST

START_TEST(null_and_the_empty_string_are_as_good_as_absent)
{
	const struct ct_spec *spec = parse(
		",\"env\":null,\"user\":null,\"capabilities\":null,\"apparmorProfile\":\"\","
		"\"selinuxLabel\":\"\",\"scheduler\":null,\"oomScoreAdj\":null",
		"\"namespaces\":null,\"seccomp\":null,\"maskedPaths\":null,\"cgroupsPath\":\"\","
		"\"mountLabel\":\"\",\"resources\":{\"memory\":null}",
		",\"hostname\":\"\",\"domainname\":\"\",\"mounts\":null,\"hooks\":null");

	ck_assert_ptr_null(spec->hostname);
	ck_assert_ptr_null(spec->domainname);
	ck_assert(!spec->process->has_capabilities && !spec->process->has_scheduler &&
		  !spec->process->has_oom_score_adj && !spec->process->has_umask);
	ck_assert_ptr_null(spec->process->apparmor_profile);
	ck_assert_ptr_null(spec->process->selinux_label);
	ck_assert_ptr_null(spec->linux_.seccomp);
	ck_assert_ptr_null(spec->linux_.cgroups_path);
	ck_assert_ptr_null(spec->linux_.mount_label);
	ck_assert(!spec->linux_.has_masked_paths);
}
END_TEST

START_TEST(versions_1_x_are_accepted_and_others_not)
{
	static const struct {
		const char *version;
		bool accepted;
	} rows[] = {
		{ "1.0.0", true }, { "1.0.2-dev", true }, { "1.3", true }, { "1.99.0", true },
		{ "1.0.0-rc1+build", true }, { "1.100.0", false }, { "1", false }, { "1.", false },
		{ "1.0.", false }, { "0.5.0", false }, { "2.0.0", false }, { "11.0.0", false },
		{ " 1.0.0", false }, { "1.0.0 ", false }, { "", false }, { "1.-0", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ct_spec *spec;
		char *text = ct_arena_printf(&arena, "{\"ociVersion\":\"%s\",\"root\":"
					     "{\"path\":\"r\"}}", rows[i].version);
		int r = ct_spec_parse(&arena, "c", text, strlen(text), &spec, &err);

		ck_assert_msg((r == 0) == rows[i].accepted, "\"%s\"", rows[i].version);
	}
}
END_TEST

static const char *place(const struct ct_spec *spec, const char *path)
{
	static char line[512];

	ct_spec_fail(spec, &err, 22, path, "bad %d", 7);
	ct_err_format(&err, line, sizeof(line));
	return line;
}

START_TEST(a_later_error_names_the_line_of_its_property)
{
	struct ct_spec *spec;
	static const char text[] = "{\n\"ociVersion\":\"1.0.0\",\n \"root\":{\"path\":\"r\"},\n"
				   "\"mounts\":[{\"destination\":\"/a\"},\n{\"destination\":\"/b\"}]}";

	ck_assert_int_eq(ct_spec_parse(&arena, "c", text, strlen(text), &spec, &err), 0);
	ck_assert_str_eq(place(spec, "mounts[1].destination"),
			 "c:5:16: mounts[1].destination: bad 7");
	/* Not there: the innermost thing around it. */
	ck_assert_str_eq(place(spec, "mounts[1].options[3]"),
			 "c:5:1: mounts[1].options[3]: bad 7");
	ck_assert_str_eq(place(spec, "process.cwd"), "c:1:1: process.cwd: bad 7");
	ck_assert_str_eq(place(spec, "hostname"), "c:1:1: hostname: bad 7");
	spec->source.root = NULL;
	ck_assert_str_eq(place(spec, "hostname"), "c: hostname: bad 7");
	spec->source.name = NULL;
	ck_assert_str_eq(place(spec, "hostname"), "hostname: bad 7");
}
END_TEST

START_TEST(a_place_goes_before_the_place_of_a_callee)
{
	struct ct_spec *spec = parse("", "", "");
	char line[512];

	ct_fail(&err, 2, "no such file");
	ct_wrap(&err, "option 3");
	ck_assert_int_eq(ct_spec_wrap(spec, &err, "root.path"), -2);
	ct_err_format(&err, line, sizeof(line));
	ck_assert_str_eq(line, "c.json:1:38: root.path: option 3: no such file");
}
END_TEST

START_TEST(an_exhausted_arena_is_an_error_wherever_it_happens)
{
	static const char text[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":"
		"{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"A=1\"],\"user\":{\"uid\":0,\"gid\":0,"
		"\"additionalGids\":[1]},\"rlimits\":[]},\"mounts\":[{\"destination\":\"x\"}],"
		"\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"},\"timeOffsets\":"
		"{\"boottime\":{}},\"sysctl\":{\"a\":\"b\"}}}";
	size_t left = 0;
	struct ct_spec *spec;
	int r;

	do {
		left += 16;
		arena.used = arena.size - left;
		memset(arena.base + arena.used, 0, left);
		r = ct_spec_parse(&arena, "c", text, strlen(text), &spec, &err);
		if (r < 0)
			ck_assert_int_eq(err.code, 12);
	} while (r < 0);
	ck_assert_uint_gt(left, 1000);
}
END_TEST

Suite *suite_spec_parse(void)
{
	Suite *s = suite_create("spec_parse");
	TCase *tc = tcase_create("parse");

	tcase_add_checked_fixture(tc, open_arena, close_arena);
	tcase_add_test(tc, the_top_level_is_stored);
	tcase_add_test(tc, the_process_is_stored);
	tcase_add_test(tc, scheduling_is_stored);
	tcase_add_test(tc, minus_one_is_no_limit);
	tcase_add_test(tc, of_a_variable_given_twice_the_last_one_stays_in_its_place);
	tcase_add_test(tc, destinations_come_out_absolute_and_clean);
	tcase_add_test(tc, linux_is_stored);
	tcase_add_test(tc, seccomp_is_stored);
	tcase_add_test(tc, null_and_the_empty_string_are_as_good_as_absent);
	tcase_add_test(tc, versions_1_x_are_accepted_and_others_not);
	tcase_add_test(tc, a_later_error_names_the_line_of_its_property);
	tcase_add_test(tc, a_place_goes_before_the_place_of_a_callee);
	tcase_add_test(tc, an_exhausted_arena_is_an_error_wherever_it_happens);
	suite_add_tcase(s, tc);
	return s;
}
