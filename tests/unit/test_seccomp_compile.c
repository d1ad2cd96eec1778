/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies from outside: every action, operator, flag and architecture by name, what is refused and
 * with which words, and that a compiled program answers as the policy says. The interpreter that
 * most of these answers come from is also fed programs that the kernel would refuse.
 */
#include <cattach/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define ERRNO(n)	(SECCOMP_RET_ERRNO | (n))

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err;

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

/* A rule for one call. */
static struct ct_seccomp_rule rule(const char **name, const char *action, uint32_t data,
				   struct ct_seccomp_arg *args, size_t arg_count)
{
	return (struct ct_seccomp_rule){
		.names = { name, 1 },
		.action = action,
		.errno_ret = data,
		.args = args,
		.arg_count = arg_count,
	};
}

/* What everything allowed but these rules answers to a call with one argument. */
static uint32_t ask_rules(struct ct_seccomp_rule *rules, size_t count, int nr, unsigned index,
			  uint64_t value)
{
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ALLOW",
		.rules = rules,
		.rule_count = count,
	};
	struct seccomp_data call = { .nr = nr };
	struct ct_seccomp_program program;
	struct ct_err err = { 0 };
	uint32_t verdict = 0;

	ck_assert_msg(ct_seccomp_compile(&arena, &policy, -1, &program, &err) == 0, "%s: %s",
		      err.where, err.what);
	/* The second word of a program compares the architecture with the native one. */
	call.arch = program.filter[1].k;
	call.args[index] = value;
	ck_assert_int_eq(ct_seccomp_verdict(&program, &call, &verdict), 0);
	return verdict;
}

static const struct {
	const char *name;
	uint32_t data, verdict;
} actions[] = {
	{ "SCMP_ACT_KILL", 0, SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", 0, SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", 0, SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", 0, SECCOMP_RET_TRAP },
	{ "SCMP_ACT_ERRNO", 0, ERRNO(0) },
	{ "SCMP_ACT_ERRNO", 1, ERRNO(1) },
	{ "SCMP_ACT_ERRNO", 4094, ERRNO(4094) },
	{ "SCMP_ACT_TRACE", 65535, SECCOMP_RET_TRACE | 65535 },
	{ "SCMP_ACT_LOG", 0, SECCOMP_RET_LOG },
	{ "SCMP_ACT_ALLOW", 0, SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_ALLOW", 5, SECCOMP_RET_ALLOW },
};

START_TEST(every_action_has_its_verdict)
{
	const char *name = "getpid";
	struct ct_seccomp_rule r = rule(&name, actions[_i].name, actions[_i].data, NULL, 0);

	ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, 0, 0), actions[_i].verdict);
	ck_assert_uint_eq(ask_rules(&r, 1, SYS_getppid, 0, 0), SECCOMP_RET_ALLOW);
}
END_TEST

#define BIG	0x500000005ULL

static const struct {
	const char *op;
	uint64_t a, b, value;
	bool holds;
} comparisons[] = {
	{ "SCMP_CMP_EQ", 5, 0, 5, true },	   { "SCMP_CMP_EQ", 5, 0, BIG, false },
	{ "SCMP_CMP_NE", 5, 0, 5, false },	   { "SCMP_CMP_NE", 5, 0, BIG, true },
	{ "SCMP_CMP_LT", 5, 0, 4, true },	   { "SCMP_CMP_LT", 5, 0, 5, false },
	{ "SCMP_CMP_LT", BIG, 0, BIG - 1, true },  { "SCMP_CMP_LE", 5, 0, 5, true },
	{ "SCMP_CMP_LE", 5, 0, 6, false },	   { "SCMP_CMP_GE", 5, 0, 5, true },
	{ "SCMP_CMP_GE", BIG, 0, BIG - 1, false }, { "SCMP_CMP_GT", 5, 0, 5, false },
	{ "SCMP_CMP_GT", 5, 0, 6, true },	   { "SCMP_CMP_GT", BIG, 0, BIG + 1, true },
	{ "SCMP_CMP_MASKED_EQ", 0xff, 5, BIG, true },
	{ "SCMP_CMP_MASKED_EQ", 0xff, 5, 0x105, true },
	{ "SCMP_CMP_MASKED_EQ", 0xfff, 5, 0x105, false },
	{ "SCMP_CMP_MASKED_EQ", 0xf00000000, 0x500000000, BIG, true },
	{ "SCMP_CMP_MASKED_EQ", 0xf00000000, 0x400000000, BIG, false },
};

START_TEST(every_operator_compares_64_bits)
{
	const char *name = "getpid";
	struct ct_seccomp_arg arg = { 0, comparisons[_i].op, comparisons[_i].a, comparisons[_i].b };

	for (unsigned index = 0; index < 6; index++) {
		struct ct_seccomp_rule r = rule(&name, "SCMP_ACT_ERRNO", 9, &arg, 1);

		arg.index = index;
		ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, index, comparisons[_i].value),
				  comparisons[_i].holds ? ERRNO(9) : SECCOMP_RET_ALLOW);
	}
}
END_TEST

START_TEST(different_arguments_must_all_match)
{
	const char *name = "getpid";
	struct ct_seccomp_arg args[] = { { 0, "SCMP_CMP_EQ", 1, 0 }, { 1, "SCMP_CMP_EQ", 0, 0 } };
	struct ct_seccomp_rule r = rule(&name, "SCMP_ACT_ERRNO", 9, args, 2);

	ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, 0, 1), ERRNO(9));
	ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, 0, 2), SECCOMP_RET_ALLOW);
	args[1].a = 1;
	ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, 0, 1), SECCOMP_RET_ALLOW);
}
END_TEST

START_TEST(comparisons_of_the_same_argument_count_alone)
{
	const char *name = "getpid";
	struct ct_seccomp_arg args[] = { { 0, "SCMP_CMP_LT", 38, 0 }, { 0, "SCMP_CMP_EQ", 39, 0 },
					 { 0, "SCMP_CMP_GT", 40, 0 } };
	struct ct_seccomp_rule r = rule(&name, "SCMP_ACT_ERRNO", 9, args, 3);

	for (uint64_t value = 36; value < 44; value++)
		ck_assert_uint_eq(ask_rules(&r, 1, SYS_getpid, 0, value),
				  value == 38 || value == 40 ? SECCOMP_RET_ALLOW : ERRNO(9));
}
END_TEST

START_TEST(a_rule_without_comparisons_wins_in_any_order)
{
	const char *name = "getpid";
	struct ct_seccomp_arg arg = { 0, "SCMP_CMP_EQ", 1, 0 };
	struct ct_seccomp_rule rules[] = {
		rule(&name, "SCMP_ACT_ERRNO", 1, &arg, 1),
		rule(&name, "SCMP_ACT_ERRNO", 2, NULL, 0),
	};
	struct ct_seccomp_rule swapped[] = { rules[1], rules[0] };

	ck_assert_uint_eq(ask_rules(rules, 2, SYS_getpid, 0, 1), ERRNO(2));
	ck_assert_uint_eq(ask_rules(swapped, 2, SYS_getpid, 0, 1), ERRNO(2));
}
END_TEST

START_TEST(a_rule_equal_to_the_default_is_passed_over)
{
	const char *first = "getpid", *second = "getppid";
	struct ct_seccomp_rule rules[] = {
		rule(&first, "SCMP_ACT_ALLOW", 0, NULL, 0),
		rule(&second, "SCMP_ACT_ERRNO", 2, NULL, 0),
	};

	ck_assert_uint_eq(ask_rules(rules, 2, SYS_getpid, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(ask_rules(rules, 2, SYS_getppid, 0, 0), ERRNO(2));
}
END_TEST

/* socket rules also mean socketcall on 32-bit x86, where two of them would contradict. */
START_TEST(socket_rules_may_stand_before_the_one_for_socketcall)
{
	const char *socket_name = "socket", *call_name = "socketcall";
	struct ct_seccomp_arg alg = { 0, "SCMP_CMP_EQ", 38, 0 }, vsock = { 0, "SCMP_CMP_EQ", 40, 0 };
	struct ct_seccomp_rule rules[] = {
		rule(&socket_name, "SCMP_ACT_ERRNO", 1, &alg, 1),
		rule(&socket_name, "SCMP_ACT_ERRNO", 2, &vsock, 1),
		rule(&call_name, "SCMP_ACT_LOG", 0, NULL, 0),
	};

	ck_assert_uint_eq(ask_rules(rules, 3, SYS_socket, 0, 38), ERRNO(1));
	ck_assert_uint_eq(ask_rules(rules, 3, SYS_socket, 0, 40), ERRNO(2));
	ck_assert_uint_eq(ask_rules(rules, 3, SYS_socket, 0, 1), SECCOMP_RET_ALLOW);
}
END_TEST

static const struct {
	const char *name;
	unsigned bits;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0 },
};

/* Load a program in a child and ask the kernel for getppid: its errno, 0, or minus the signal. */
static int load_and_ask(const struct ct_seccomp_program *program)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || ct_seccomp_load(program) < 0)
			_exit(200);
		_exit(syscall(SYS_getppid) < 0 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(a_program_with_a_flag_is_taken_by_the_kernel)
{
	const char *name = "getppid", *flag = flags[_i].name;
	struct ct_seccomp_rule r = rule(&name, "SCMP_ACT_ERRNO", 77, NULL, 0);
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ALLOW",
		.flags = { &flag, 1 },
		.rules = &r,
		.rule_count = 1,
	};
	struct ct_seccomp_program program;
	struct ct_err err;

	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	ck_assert_uint_eq(program.flags, flags[_i].bits);
	ck_assert_int_eq(load_and_ask(&program), 77);
}
END_TEST

START_TEST(no_program_is_no_filter)
{
	struct ct_seccomp_program none = { 0 };

	ck_assert_int_eq(load_and_ask(&none), 0);
}
END_TEST

START_TEST(listed_architectures_stand_beside_the_native_one)
{
	const char *archs[] = { "SCMP_ARCH_NATIVE", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64",
				"SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64" };
	const char *name = "getppid";
	struct ct_seccomp_rule r = rule(&name, "SCMP_ACT_ERRNO", 77, NULL, 0);
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ALLOW",
		.architectures = { archs, (size_t)COUNT(archs) },
		.rules = &r,
		.rule_count = 1,
	};
	struct seccomp_data arm = { .nr = 64, .arch = 0x40000028 };	/* getppid of arm */
	struct ct_seccomp_program program;
	struct ct_err err;
	uint32_t verdict;

	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	ck_assert_int_eq(load_and_ask(&program), 77);
	ck_assert_int_eq(ct_seccomp_verdict(&program, &arm, &verdict), 0);
	ck_assert_uint_eq(verdict, ERRNO(77));
	policy.architectures.count = 2;
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	ck_assert_int_eq(ct_seccomp_verdict(&program, &arm, &verdict), 0);
	ck_assert_uint_eq(verdict, SECCOMP_RET_KILL_PROCESS);
}
END_TEST

/* One fault in a policy that is otherwise right. */
static const struct {
	const char *default_action, *architecture, *flag, *action;
	uint32_t data;
	struct ct_seccomp_arg arg;
	int code;
	const char *text;
} bad[] = {
	{ .default_action = "SCMP_ACT_MAYBE", .code = EINVAL,
	  .text = "defaultAction: unknown action \"SCMP_ACT_MAYBE\" (SCMP_ACT_ followed by ALLOW, "
		  "ERRNO, KILL_PROCESS, KILL_THREAD, LOG, NOTIFY, TRACE or TRAP)" },
	{ .default_action = "", .code = EINVAL,
	  .text = "defaultAction: unknown action \"\" (SCMP_ACT_ followed by ALLOW, "
		  "ERRNO, KILL_PROCESS, KILL_THREAD, LOG, NOTIFY, TRACE or TRAP)" },
	{ .action = "allow", .code = EINVAL,
	  .text = "syscalls[0]: action: unknown action \"allow\" (SCMP_ACT_ followed by ALLOW, "
		  "ERRNO, KILL_PROCESS, KILL_THREAD, LOG, NOTIFY, TRACE or TRAP)" },
	{ .data = 4095, .code = EINVAL,
	  .text = "syscalls[0]: action: errno 4095: must be 0...4094" },
	{ .action = "SCMP_ACT_TRACE", .data = 65536, .code = EINVAL,
	  .text = "syscalls[0]: action: errno 65536: must be 0...65535" },
	{ .architecture = "SCMP_ARCH_PDP11", .code = EINVAL,
	  .text = "architectures[0]: unknown architecture \"SCMP_ARCH_PDP11\"" },
	{ .architecture = "x86_64", .code = EINVAL,
	  .text = "architectures[0]: unknown architecture \"x86_64\"" },
	{ .architecture = "SCMP_ARCH_X86_64_AND_A_LONG_NAME_BEHIND_IT", .code = EINVAL,
	  .text = "architectures[0]: unknown architecture "
		  "\"SCMP_ARCH_X86_64_AND_A_LONG_NAME_BEHIND_IT\"" },
	{ .flag = "SECCOMP_FILTER_FLAG_NEW_LISTENER", .code = EINVAL,
	  .text = "flags[0]: unknown flag \"SECCOMP_FILTER_FLAG_NEW_LISTENER\"" },
	{ .arg = { 6, "SCMP_CMP_EQ", 0, 0 }, .code = EINVAL,
	  .text = "syscalls[0]: args[0].index: argument 6: system calls have arguments 0...5" },
	{ .arg = { 4294967295u, "SCMP_CMP_EQ", 0, 0 }, .code = EINVAL,
	  .text = "syscalls[0]: args[0].index: argument 4294967295: system calls have arguments "
		  "0...5" },
	{ .arg = { 0, "==", 0, 0 }, .code = EINVAL,
	  .text = "syscalls[0]: args[0].op: unknown operator \"==\" (SCMP_CMP_ followed by EQ, NE, "
		  "LT, LE, GE, GT or MASKED_EQ)" },
};

START_TEST(what_does_not_exist_is_refused_with_its_place)
{
	const char *name = "getpid";
	struct ct_seccomp_arg arg = bad[_i].arg;
	struct ct_seccomp_rule r = rule(&name, bad[_i].action ? bad[_i].action : "SCMP_ACT_ERRNO",
					bad[_i].data, &arg, arg.op != NULL);
	const char *architecture = bad[_i].architecture, *flag = bad[_i].flag;
	struct ct_seccomp_policy policy = {
		.default_action = bad[_i].default_action ? bad[_i].default_action : "SCMP_ACT_ALLOW",
		.architectures = { &architecture, architecture != NULL },
		.flags = { &flag, flag != NULL },
		.rules = &r,
		.rule_count = 1,
	};
	struct ct_seccomp_program program = { .length = 4711 };
	struct ct_err err;

	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), -bad[_i].code);
	ck_err(&err, bad[_i].code, bad[_i].text);
	ck_assert_uint_eq(program.length, 4711);
}
END_TEST

static const struct {
	const char *action;
	uint32_t data;
	const char *how;	/* NULL: the program may start */
} starts[] = {
	{ "SCMP_ACT_ERRNO", EPERM, "answers EPERM" },
	{ "SCMP_ACT_ERRNO", ENOSYS, "answers ENOSYS" },
	{ "SCMP_ACT_ERRNO", 4000, "answers an unknown error" },
	{ "SCMP_ACT_KILL", 0, "kills" },
	{ "SCMP_ACT_KILL_PROCESS", 0, "kills" },
	{ "SCMP_ACT_TRAP", 0, "raises SIGSYS" },
	{ "SCMP_ACT_LOG", 0, NULL },
	{ "SCMP_ACT_TRACE", 0, NULL },
	{ "SCMP_ACT_ALLOW", 0, NULL },
};

START_TEST(a_policy_that_stops_execve_is_refused)
{
	struct ct_seccomp_policy policy = {
		.default_action = starts[_i].action,
		.default_errno = starts[_i].data,
	};
	struct ct_seccomp_program program;
	struct ct_err err;
	char text[256];
	int rc = ct_seccomp_compile(&arena, &policy, -1, &program, &err);

	if (!starts[_i].how) {
		ck_assert_int_eq(rc, 0);
		return;
	}
	ck_assert_int_eq(rc, -EPERM);
	snprintf(text, sizeof(text),
		 "the seccomp profile stops the program before it starts (execve %s) (allow execve in "
		 "the profile)", starts[_i].how);
	ck_err(&err, EPERM, text);
}
END_TEST

/* Compile a policy with these names and return what it says on stderr. */
static const char *warning_for(const char **names, size_t count, const char *key, char *text,
			       size_t size)
{
	struct ct_seccomp_rule r = { .names = { names, count }, .action = "SCMP_ACT_ERRNO" };
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ALLOW",
		.rules = &r,
		.rule_count = 1,
		.key = key,
	};
	struct ct_seccomp_program program;
	struct ct_err err;
	int pipes[2], saved = dup(2);
	ssize_t n;

	ck_assert_int_eq(pipe2(pipes, O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(pipes[1], 2), 2);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	n = read(pipes[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	ck_assert_int_eq(dup2(saved, 2), 2);
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	return text;
}

START_TEST(unknown_names_are_skipped_with_one_warning_that_says_what_becomes_of_them)
{
	const char *names[] = { "getpid", "no_such_call", "nor_this" };
	const char *many[30];
	char text[4096];

	warning_for(names, 3, NULL, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, " does not know no_such_call, nor_this: left to the "
					   "default action, SCMP_ACT_ALLOW\n"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	for (int i = 0; i < COUNT(many); i++)
		many[i] = "no_such_call";
	warning_for(many, (size_t)COUNT(many), NULL, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "no_such_call and 10 more: "));
}
END_TEST

START_TEST(a_built_in_policy_does_not_warn)
{
	const char *names[] = { "getpid", "no_such_call" };
	char text[4096];

	ck_assert_str_eq(warning_for(names, 2, "some policy", text, sizeof(text)), "");
}
END_TEST

/* A program of these instructions; its verdict on read(0, ...) or -EINVAL. */
static int interpret(struct sock_filter *filter, unsigned short length, uint32_t *ret_verdict)
{
	struct ct_seccomp_program program = { .filter = filter, .length = length };
	struct seccomp_data call = { .nr = 7, .arch = 8, .args = { 0x200000001 } };

	return ct_seccomp_verdict(&program, &call, ret_verdict);
}

START_TEST(what_the_kernel_would_not_run_has_no_verdict)
{
	static struct sock_filter broken[][2] = {
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)),
		  BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_MEM, BPF_MEMWORDS), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LDX | BPF_MEM, BPF_MEMWORDS), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ST, BPF_MEMWORDS), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_ALU | 0xf0, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_JMP | 0x70, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_MISC | 0x40, 0), BPF_STMT(BPF_RET | BPF_K, 0) },
		{ BPF_STMT(BPF_LD | BPF_IMM, 0), BPF_STMT(BPF_LD | BPF_IMM, 0) },
	};
	uint32_t verdict;

	for (int i = 0; i < COUNT(broken); i++)
		ck_assert_int_eq(interpret(broken[i], 2, &verdict), -EINVAL);
	ck_assert_int_eq(interpret(NULL, 0, &verdict), -EINVAL);
}
END_TEST

/* ((7 + 8) * 4 - 1) / 2 = 29; 29 ^ 1 | 2 & 0xfe = 30; << 4 >> 2 = 120; negated twice; + args[0]. */
START_TEST(instructions_compute_what_they_say)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),	    BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 4),	    BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 2),	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 2),	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfe),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),		    BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_IMM, 0),		    BPF_STMT(BPF_LDX | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),	    BPF_STMT(BPF_STX, 4),
		BPF_STMT(BPF_ST, 5),			    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_STMT(BPF_LDX | BPF_MEM, 5),		    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),	    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 1),		    BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1000, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),		    BPF_STMT(BPF_RET | BPF_A, 0),
	};
	uint32_t expected = 120 + 1 + sizeof(struct seccomp_data) + 1, verdict;

	ck_assert_int_eq(interpret(filter, COUNT(filter), &verdict), 0);
	ck_assert_uint_eq(verdict, expected);
}
END_TEST

Suite *suite_seccomp_compile(void);
Suite *suite_seccomp_compile(void)
{
	Suite *s = suite_create("seccomp_compile");
	TCase *tc = tcase_create("compile"), *verdict = tcase_create("verdict");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_action_has_its_verdict, 0, COUNT(actions));
	tcase_add_loop_test(tc, every_operator_compares_64_bits, 0, COUNT(comparisons));
	tcase_add_test(tc, different_arguments_must_all_match);
	tcase_add_test(tc, comparisons_of_the_same_argument_count_alone);
	tcase_add_test(tc, a_rule_without_comparisons_wins_in_any_order);
	tcase_add_test(tc, a_rule_equal_to_the_default_is_passed_over);
	tcase_add_test(tc, socket_rules_may_stand_before_the_one_for_socketcall);
	tcase_add_loop_test(tc, a_program_with_a_flag_is_taken_by_the_kernel, 0, COUNT(flags));
	tcase_add_test(tc, no_program_is_no_filter);
	tcase_add_test(tc, listed_architectures_stand_beside_the_native_one);
	tcase_add_loop_test(tc, what_does_not_exist_is_refused_with_its_place, 0, COUNT(bad));
	tcase_add_loop_test(tc, a_policy_that_stops_execve_is_refused, 0, COUNT(starts));
	tcase_add_test(tc, unknown_names_are_skipped_with_one_warning_that_says_what_becomes_of_them);
	tcase_add_test(tc, a_built_in_policy_does_not_warn);
	suite_add_tcase(s, tc);
	tcase_add_test(verdict, what_the_kernel_would_not_run_has_no_verdict);
	tcase_add_test(verdict, instructions_compute_what_they_say);
	suite_add_tcase(s, verdict);
	return s;
}
