/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ct_spec_check() says of specs that were made by hand: no document, so errors name the
 * property alone. Each test starts from the defaults and breaks one thing.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <cattach/spec.h>

Suite *suite_spec_check(void);

static struct ct_arena arena;
static struct ct_err err;
static struct ct_spec *spec;

static void make_default(void)
{
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_spec_default(&arena, true, &spec, &err), 0);
}

static void close_arena(void)
{
	ct_arena_close(&arena);
}

/* The error line, "" when the spec is accepted. */
static const char *check(bool rootless)
{
	static char line[1024];

	line[0] = '\0';
	if (ct_spec_check(spec, rootless, &err) < 0)
		ct_err_format(&err, line, sizeof(line));
	return line;
}

static void add_mount(const char *destination, const char *type)
{
	static struct ct_spec_mount mount;

	mount = (struct ct_spec_mount){ .destination = destination, .type = type };
	spec->mounts = (struct ct_spec_mounts){ &mount, 1 };
}

static void set_sysctl(const char *key, const char *value)
{
	static struct ct_spec_pair pair;

	pair = (struct ct_spec_pair){ key, value };
	spec->linux_.sysctl = (struct ct_spec_pairs){ &pair, 1 };
}

START_TEST(the_default_is_accepted)
{
	ck_assert_str_eq(check(true), "");
	ck_assert_int_eq(ct_spec_default(&arena, false, &spec, &err), 0);
	ck_assert(!spec->linux_.namespaces[CT_NS_USER].present);
	ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(root_and_process_must_be_there)
{
	spec->has_root = false;
	ck_assert_str_eq(check(true), "root: missing");
	spec->has_root = true;
	spec->process->args.count = 0;
	ck_assert_str_eq(check(true), "process.args: missing");
	spec->process = NULL;
	ck_assert_str_eq(check(true), "process: missing");
}
END_TEST

START_TEST(only_root_of_the_host_needs_no_mount_namespace)
{
	spec->linux_.namespaces[CT_NS_USER].path = "/ns";
	spec->linux_.namespaces[CT_NS_MOUNT].present = false;
	ck_assert_str_eq(check(true), "linux.namespaces: a mount namespace is needed: without one the host's "
			 "mounts would change, which only root may (add { \"type\": \"mount\" })");
	ck_assert_str_eq(check(false), "linux.namespaces: a mount namespace is needed: the root of a user "
			 "namespace may not change the host's mounts (add { \"type\": \"mount\" })");
	spec->linux_.namespaces[CT_NS_USER] = (struct ct_spec_namespace){ 0 };
	ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(a_user_namespace_is_needed_without_privileges)
{
	spec->linux_.namespaces[CT_NS_USER].present = false;
	ck_assert_str_eq(check(false), "");
	ck_assert_str_eq(check(true), "linux.namespaces: without privileges a user namespace is "
			 "needed (add { \"type\": \"user\" })");
}
END_TEST

START_TEST(a_new_user_namespace_needs_maps_unless_the_caller_fills_them_in)
{
	ck_assert_str_eq(check(true), "");
	ck_assert_str_eq(check(false), "linux.uidMappings: missing (a new user namespace needs "
			 "uidMappings and gidMappings)");
	spec->linux_.namespaces[CT_NS_USER].path = "/proc/1/ns/user";
	ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(maps_need_a_user_namespace_and_each_other)
{
	struct ct_spec_idmap map = { 0, 1000, 1 };

	spec->linux_.gid_mappings = (struct ct_spec_idmaps){ &map, 1 };
	ck_assert_str_eq(check(true),
			 "linux.uidMappings: missing, although there are gidMappings");
	spec->linux_.uid_mappings = (struct ct_spec_idmaps){ &map, 1 };
	ck_assert_str_eq(check(true), "");
	spec->linux_.namespaces[CT_NS_USER].present = false;
	ck_assert_str_eq(check(false), "linux.uidMappings: id maps need a user namespace "
			 "(add { \"type\": \"user\" } to linux.namespaces)");
}
END_TEST

START_TEST(the_ids_of_the_process_must_be_mapped)
{
	struct ct_spec_idmap lines[] = { { 0, 1000, 1 }, { 10, 100000, 4294967285u } };
	uint32_t gid = 9;

	spec->linux_.uid_mappings = (struct ct_spec_idmaps){ lines, 2 };
	spec->linux_.gid_mappings = (struct ct_spec_idmaps){ lines, 1 };
	spec->process->uid = 4294967294u;
	ck_assert_str_eq(check(true), "");
	spec->process->uid = 9;
	ck_assert_str_eq(check(true), "process.user.uid: uid 9 is not mapped "
			 "(mapping: 0→1000 ×1, 10→100000 ×4294967285)");
	spec->process->uid = 0;
	spec->process->additional_gids = &gid;
	spec->process->additional_gid_count = 1;
	ck_assert_str_eq(check(true), "process.user.additionalGids[0]: gid 9 is not mapped "
			 "(mapping: 0→1000 ×1)");
}
END_TEST

START_TEST(names_fit_and_are_printable)
{
	char name[66];

	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	spec->hostname = name;
	ck_assert_str_eq(check(true), "");
	name[64] = 'a';
	name[65] = '\0';
	ck_assert_str_eq(check(true), "hostname: has 65 characters, at most 64 are possible");
	spec->hostname = "caf\xc3\xa9";
	ck_assert_str_eq(check(true), "hostname: must be printable ASCII, not \"café\"");
	spec->hostname = NULL;
	spec->domainname = "x\x1b[2J";
	ck_assert_str_eq(check(true), "domainname: must be printable ASCII, not \"x\\x1b[2J\"");
}
END_TEST

static const struct {
	const char *key;
	enum ct_spec_ns ns;	/* CT_NS_COUNT: refused */
} sysctls[] = {
	{ "kernel.msgmax", CT_NS_IPC },
	{ "kernel.shm_rmid_forced", CT_NS_IPC },
	{ "fs.mqueue.msg_max", CT_NS_IPC },
	{ "kernel.hostname", CT_NS_UTS },
	{ "kernel.domainname", CT_NS_UTS },
	{ "net.ipv4.ip_forward", CT_NS_NETWORK },
	{ "user.max_user_namespaces", CT_NS_USER },
	{ "kernel.msgmaxx", CT_NS_COUNT },
	{ "kernel.core_pattern", CT_NS_COUNT },
	{ "kernel", CT_NS_COUNT },
	{ "net", CT_NS_COUNT },
	{ "net.", CT_NS_COUNT },
	{ ".net.x", CT_NS_COUNT },
	{ "net..x", CT_NS_COUNT },
	{ "net/ipv4/ip_forward", CT_NS_COUNT },
	{ "net.ipv4/../../kernel/x", CT_NS_COUNT },
	{ "net.a b", CT_NS_COUNT },
	{ "vm.swappiness", CT_NS_COUNT },
	{ "fs.file-max", CT_NS_COUNT },
	{ "", CT_NS_COUNT },
};

START_TEST(a_sysctl_needs_its_namespace_and_others_are_refused)
{
	enum ct_spec_ns ns = sysctls[_i].ns;

	set_sysctl(sysctls[_i].key, "1");
	spec->hostname = NULL;
	if (ns == CT_NS_COUNT) {
		ck_assert_ptr_nonnull(strstr(check(true), "linux.sysctl[\""));
		return;
	}
	ck_assert_str_eq(check(true), "");
	spec->linux_.namespaces[ns].path = "/joined";
	ck_assert_str_eq(check(true), "");
	spec->linux_.namespaces[ns].present = false;
	ck_assert_ptr_nonnull(strstr(check(ns != CT_NS_USER), "needs a namespace of type"));
}
END_TEST

START_TEST(values_of_sysctls_are_one_plain_line)
{
	set_sysctl("kernel.sem", "250\t32000 32 128");
	ck_assert_str_eq(check(true), "");
	set_sysctl("kernel.sem", "1\nkernel.core_pattern");
	ck_assert_str_ne(check(true), "");
	set_sysctl("kernel.sem", "1+2");
	ck_assert_str_ne(check(true), "");
	set_sysctl("kernel.sem", "a=b");
	ck_assert_str_ne(check(true), "");
	set_sysctl("kernel.sem", "\xc3\xa9");
	ck_assert_str_ne(check(true), "");
}
END_TEST

START_TEST(a_host_name_in_two_places_must_be_the_same)
{
	set_sysctl("kernel.hostname", "cattach");
	ck_assert_str_eq(check(true), "");
	set_sysctl("kernel.hostname", "other");
	ck_assert_str_eq(check(true), "linux.sysctl[\"kernel.hostname\"]: contradicts hostname, "
			 "which is \"cattach\"");
}
END_TEST

static const struct {
	const char *destination, *type;
	bool accepted;
} mounts[] = {
	{ "/proc", "proc", true },
	{ "/proc/", "proc", true },
	{ "/x/proc", "proc", true },
	{ "/procfs", "tmpfs", true },
	{ "/sys/fs/cgroup", "cgroup", true },
	{ "/proc/cpuinfo", NULL, true },
	{ "/proc//net/./dev", NULL, true },
	{ "/proc", "tmpfs", false },
	{ "/proc", NULL, false },
	{ "/x/../proc", "tmpfs", false },
	{ "proc", "tmpfs", false },
	{ "/proc/sys", "proc", false },
	{ "/proc/self/attr", NULL, false },
	{ "/proc/cpuinfo/x", NULL, false },
	{ "/proc/net", NULL, false },
	{ "/proc/kcore", NULL, false },
	{ "/", "tmpfs", false },
	{ "/a/..", "tmpfs", false },
};

START_TEST(proc_and_the_root_are_not_covered)
{
	add_mount(mounts[_i].destination, mounts[_i].type);
	if (mounts[_i].accepted)
		ck_assert_str_eq(check(true), "");
	else
		ck_assert_ptr_nonnull(strstr(check(true), "mounts[0].destination: "));
}
END_TEST

START_TEST(what_needs_something_else_is_refused_without_it)
{
	struct ct_spec_idmap map = { 0, 1000, 1 };
	struct ct_spec_pair offset = { "monotonic", "1 0" };
	struct ct_spec_seccomp_rule rule = { .action = "SCMP_ACT_NOTIFY" };
	struct ct_spec_seccomp seccomp = { .default_action = "SCMP_ACT_ALLOW", .rules = &rule,
					   .rule_count = 1 };

	spec->linux_.seccomp = &seccomp;
	ck_assert_ptr_nonnull(strstr(check(true), "linux.seccomp.syscalls[0].action: "));
	ck_assert_int_eq(err.code, 22);
	rule.action = "SCMP_ACT_ALLOW";
	seccomp.default_action = "SCMP_ACT_NOTIFY";
	ck_assert_ptr_nonnull(strstr(check(true), "linux.seccomp.defaultAction: "));
	seccomp.listener_path = "/s";
	ck_assert_str_eq(check(true), "");
	add_mount("/x", "tmpfs");
	spec->mounts.items[0].uid_mappings = (struct ct_spec_idmaps){ &map, 1 };
	ck_assert_ptr_nonnull(strstr(check(true), "mounts[0].uidMappings: "));
	ck_assert_int_eq(err.code, 95);
	spec->linux_.time_offsets = (struct ct_spec_pairs){ &offset, 1 };
	ck_assert_ptr_nonnull(strstr(check(true), "linux.timeOffsets: "));
}
END_TEST

Suite *suite_spec_check(void)
{
	Suite *s = suite_create("spec_check");
	TCase *tc = tcase_create("check");

	tcase_add_checked_fixture(tc, make_default, close_arena);
	tcase_add_test(tc, the_default_is_accepted);
	tcase_add_test(tc, root_and_process_must_be_there);
	tcase_add_test(tc, only_root_of_the_host_needs_no_mount_namespace);
	tcase_add_test(tc, a_user_namespace_is_needed_without_privileges);
	tcase_add_test(tc, a_new_user_namespace_needs_maps_unless_the_caller_fills_them_in);
	tcase_add_test(tc, maps_need_a_user_namespace_and_each_other);
	tcase_add_test(tc, the_ids_of_the_process_must_be_mapped);
	tcase_add_test(tc, names_fit_and_are_printable);
	tcase_add_loop_test(tc, a_sysctl_needs_its_namespace_and_others_are_refused, 0,
			    sizeof(sysctls) / sizeof(sysctls[0]));
	tcase_add_test(tc, values_of_sysctls_are_one_plain_line);
	tcase_add_test(tc, a_host_name_in_two_places_must_be_the_same);
	tcase_add_loop_test(tc, proc_and_the_root_are_not_covered, 0,
			    sizeof(mounts) / sizeof(mounts[0]));
	tcase_add_test(tc, what_needs_something_else_is_refused_without_it);
	suite_add_tcase(s, tc);
	return s;
}
