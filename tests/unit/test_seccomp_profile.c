/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profile files: which rules count with which capabilities, what the formats of docker and
 * podman have beyond the specification's, and what is refused.
 */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <cattach/spec.h>

Suite *suite_seccomp_profile(void);

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

/* The error line, "" with the policy in *ret. One capability or NULL. */
static const char *parse(const char *text, const char *cap, struct ct_spec_seccomp **ret)
{
	static char line[1024];
	const char *items[] = { cap, NULL };
	struct ct_strings caps = { items, cap ? 1 : 0 };

	line[0] = '\0';
	if (ct_spec_parse_seccomp(&arena, "p.json", text, strlen(text), &caps, ret, &err) < 0)
		ct_err_format(&err, line, sizeof(line));
	return line;
}

/* The policy of a profile with these rules. */
static struct ct_spec_seccomp *rules(const char *text, const char *cap)
{
	struct ct_spec_seccomp *seccomp = NULL;

	ck_assert_str_eq(parse(ct_arena_printf(&arena, "{\"defaultAction\":\"SCMP_ACT_ERRNO\","
					       "\"syscalls\":[%s]}", text), cap, &seccomp), "");
	return seccomp;
}

START_TEST(the_format_of_the_specification_is_read)
{
	struct ct_spec_seccomp *s = NULL;

	ck_assert_str_eq(parse("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
			       "\"architectures\":[\"SCMP_ARCH_AARCH64\"],"
			       "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
			       "\"syscalls\":[{\"names\":[\"read\",\"write\"],\"action\":"
			       "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":2,\"op\":"
			       "\"SCMP_CMP_EQ\"}]}]}", NULL, &s), "");
	ck_assert_str_eq(s->default_action, "SCMP_ACT_ERRNO");
	ck_assert_uint_eq(s->default_errno, 38);
	ck_assert_str_eq(s->architectures.items[0], "SCMP_ARCH_AARCH64");
	ck_assert_str_eq(s->flags.items[0], "SECCOMP_FILTER_FLAG_LOG");
	ck_assert_uint_eq(s->rule_count, 1);
	ck_assert_str_eq(s->rules[0].names.items[1], "write");
	ck_assert_uint_eq(s->rules[0].args[0].value, 2);
}
END_TEST

START_TEST(a_rule_with_included_capabilities_needs_them)
{
	static const char rule[] = "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\","
				   "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}}";

	ck_assert_uint_eq(rules(rule, NULL)->rule_count, 0);
	ck_assert_uint_eq(rules(rule, "CAP_SYS_CHROOT")->rule_count, 0);
	ck_assert_uint_eq(rules(rule, "CAP_SYS_ADMIN")->rule_count, 1);
	ck_assert_uint_eq(rules(rule, "sys_admin")->rule_count, 1);
}
END_TEST

START_TEST(a_rule_with_excluded_capabilities_needs_their_absence)
{
	static const char rule[] = "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\","
				   "\"errnoRet\":1,\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}}";

	ck_assert_uint_eq(rules(rule, NULL)->rule_count, 1);
	ck_assert_uint_eq(rules(rule, "CAP_SYS_ADMIN")->rule_count, 0);
}
END_TEST

START_TEST(architectures_and_kernels_decide_too)
{
	ck_assert_uint_eq(rules("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\","
				"\"includes\":{\"arches\":[\"pdp11\"]}}", NULL)->rule_count, 0);
	ck_assert_uint_eq(rules("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\","
				"\"includes\":{\"arches\":[\"amd64\",\"x86\",\"arm64\",\"arm\","
				"\"riscv64\",\"ppc64le\",\"s390x\",\"loong64\"]}}",
				NULL)->rule_count, 1);
	ck_assert_uint_eq(rules("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\","
				"\"includes\":{\"minKernel\":\"4.8\"}}", NULL)->rule_count, 1);
	ck_assert_uint_eq(rules("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\","
				"\"includes\":{\"minKernel\":\"999.0\"}}", NULL)->rule_count, 0);
	ck_assert_uint_eq(rules("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\","
				"\"excludes\":{\"minKernel\":\"4.8\"}}", NULL)->rule_count, 0);
}
END_TEST

START_TEST(the_native_entry_of_the_map_gives_the_architectures)
{
	struct ct_spec_seccomp *s = NULL;

	ck_assert_str_eq(parse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":["
			       "{\"architecture\":\"SCMP_ARCH_SHEB\",\"subArchitectures\":[]},"
			       "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
			       "[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]},"
			       "{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":"
			       "[\"SCMP_ARCH_ARM\"]}]}", NULL, &s), "");
#if defined(__x86_64__)
	ck_assert_uint_eq(s->architectures.count, 3);
	ck_assert_str_eq(s->architectures.items[0], "SCMP_ARCH_X86_64");
	ck_assert_str_eq(s->architectures.items[2], "SCMP_ARCH_X32");
#elif defined(__aarch64__)
	ck_assert_uint_eq(s->architectures.count, 2);
	ck_assert_str_eq(s->architectures.items[0], "SCMP_ARCH_AARCH64");
#else
	ck_assert_uint_eq(s->architectures.count, 0);
#endif
}
END_TEST

START_TEST(errors_may_be_given_by_name_and_one_call_by_an_older_word)
{
	struct ct_spec_seccomp *s = NULL;

	ck_assert_str_eq(parse("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENOSYS\","
			       "\"syscalls\":[{\"name\":\"accept\",\"action\":\"SCMP_ACT_ERRNO\","
			       "\"errno\":\"EINVAL\",\"comment\":\"\",\"args\":null},"
			       "{\"names\":[\"b\"],\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EPERM\","
			       "\"errnoRet\":5}]}", NULL, &s), "");
	ck_assert(s->has_default_errno && s->rules[0].has_errno);
	ck_assert_uint_eq(s->default_errno, 38);
	ck_assert_uint_eq(s->rules[0].errno_ret, 22);
	ck_assert_str_eq(s->rules[0].names.items[0], "accept");
	ck_assert_uint_eq(s->rules[1].errno_ret, 5);
}
END_TEST

#define RULE(text) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{" text "}]}"

static const struct {
	const char *text, *line;
} refused[] = {
	{ "", "p.json: file is empty" },
	{ "[]", "p.json:1:1: must be an object, not a list" },
	{ "{}", "p.json:1:1: defaultAction: missing" },
	{ RULE("\"names\":[\"a\"],\"name\":\"b\",\"action\":\"SCMP_ACT_ERRNO\""),
	  "p.json:1:69: syscalls[0].name: there are names too: use one of the two" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_Z80\"}]}",
	  "p.json:1:62: archMap[0].architecture: unknown value \"SCMP_ARCH_Z80\"" },
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
	  "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86\"}]}",
	  "p.json:1:79: archMap: there are architectures too: use one of the two" },
	{ RULE("\"action\":\"SCMP_ACT_ALLOW\""), "p.json:1:47: syscalls[0].names: missing" },
	{ RULE("\"names\":[\"a\"]"), "p.json:1:47: syscalls[0].action: missing" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":1"),
	  "p.json:1:99: syscalls[0].errnoRet: SCMP_ACT_ALLOW returns no error number (only "
	  "SCMP_ACT_ERRNO and SCMP_ACT_TRACE do)" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EBOGUS\""),
	  "p.json:1:96: syscalls[0].errno: unknown error name \"EBOGUS\"" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"x\"}"),
	  "p.json:1:112: syscalls[0].includes.minKernel: must be a kernel version such as 4.8, "
	  "not \"x\"" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":"
	       "\" 4.-8\"}"),
	  "p.json:1:112: syscalls[0].includes.minKernel: must be a kernel version such as 4.8, "
	  "not \" 4.-8\"" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\""),
	  "p.json:1:71: syscalls[0].action: system calls are not handed to a listener by this "
	  "version of cattach" },
	{ RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,"
	       "\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "p.json:1:105: syscalls[0].args[0].index: must be 0...5, not 6" },
};

START_TEST(what_cannot_be_understood_is_refused)
{
	struct ct_spec_seccomp *s = NULL;

	ck_assert_str_eq(parse(refused[_i].text, NULL, &s), refused[_i].line);
	ck_assert_ptr_null(s);
}
END_TEST

Suite *suite_seccomp_profile(void)
{
	Suite *s = suite_create("seccomp_profile");
	TCase *tc = tcase_create("profile");

	tcase_add_checked_fixture(tc, open_arena, close_arena);
	tcase_add_test(tc, the_format_of_the_specification_is_read);
	tcase_add_test(tc, a_rule_with_included_capabilities_needs_them);
	tcase_add_test(tc, a_rule_with_excluded_capabilities_needs_their_absence);
	tcase_add_test(tc, architectures_and_kernels_decide_too);
	tcase_add_test(tc, the_native_entry_of_the_map_gives_the_architectures);
	tcase_add_test(tc, errors_may_be_given_by_name_and_one_call_by_an_older_word);
	tcase_add_loop_test(tc, what_cannot_be_understood_is_refused, 0,
			    sizeof(refused) / sizeof(refused[0]));
	suite_add_tcase(s, tc);
	return s;
}
