/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies into programs: the only file that knows libseccomp. A program that the cache holds is
 * taken from there without the library doing anything; otherwise the rules are added, the program
 * is exported through a memfd, proved and kept.
 *
 * Decisions: numbers of x32 on x86-64 get the default action, like numbers that do not exist;
 * other foreign architectures kill the process, since no rule could be meant for them. Two
 * comparisons of one argument in a rule cannot be said in one chain of libseccomp, so such a rule
 * is split and each of its comparisons counts alone (OR), as other runtimes do it.
 *
 * Runs before the clone, with the caller's privileges; libseccomp's heap is gone on return. Fails
 * on policies that name what does not exist or that would stop the program before it starts.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/seccomp.h>

#include "seccomp_cache.h"
#include "seccomp_shrink.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define ERRNO_MAX	4094	/* 4095, the kernel's largest, is not taken by libseccomp */
#define TRACE_MAX	65535
#define X32_BIT		0x40000000U
#define NEWER_TEST	6	/* instructions */
#define UNKNOWN_SHOWN	20	/* names in a warning, before "and N more" */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ NULL, 0 },
};

static const struct word operators[] = {
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ NULL, 0 },
};

static const struct word flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	/* How a supervisor's answers are waited for: listener.c sets it, without one the kernel refuses it. */
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0 },
	{ NULL, 0 },
};

/* What is at work while a policy is compiled. */
struct builder {
	scmp_filter_ctx filter;
	const struct ct_seccomp_policy *policy;
	uint32_t default_action;
	struct ct_arena *arena;
};

static void builder_cleanup(struct builder *b)
{
	if (b->filter)
		seccomp_release(b->filter);
}

/* Look a word up; -1 when it is not in the table. */
static int find_word(const struct word *words, const char *name, uint32_t *ret_value)
{
	for (; name && words->name; words++) {
		if (!strcmp(words->name, name)) {
			*ret_value = words->value;
			return 0;
		}
	}
	return -1;
}

/* An action by name, with its errno or its number for the tracer. */
static int parse_action(const char *name, uint32_t data, uint32_t *ret_action, struct ct_err *err)
{
	uint32_t action = 0;

	if (find_word(actions, name, &action) < 0) {
		ct_fail(err, EINVAL, "unknown action \"%s\"", name ? name : "");
		return ct_hint(err, "SCMP_ACT_ followed by ALLOW, ERRNO, KILL_PROCESS, KILL_THREAD, "
				    "LOG, NOTIFY, TRACE or TRAP");
	}
	if (action == SCMP_ACT_ERRNO(0) || action == SCMP_ACT_TRACE(0)) {
		uint32_t max = action == SCMP_ACT_ERRNO(0) ? ERRNO_MAX : TRACE_MAX;

		if (data > max)
			return ct_fail(err, EINVAL, "errno %u: must be 0...%u", data, max);
		action |= data;
	}
	*ret_action = action;
	return 0;
}

static int parse_flags(const struct ct_strings *names, unsigned *ret_flags, struct ct_err *err)
{
	uint32_t all = 0, flag = 0;

	for (size_t i = 0; i < names->count; i++) {
		if (find_word(flags, names->items[i], &flag) < 0) {
			ct_fail(err, EINVAL, "unknown flag \"%s\"", names->items[i]);
			return ct_wrap(err, "flags[%zu]", i);
		}
		all |= flag;
	}
	*ret_flags = all;
	return 0;
}

/* libseccomp's token of "SCMP_ARCH_X86_64"; 0 when it knows no such architecture. */
static uint32_t find_architecture(const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	char lower[32];
	size_t i;

	if (strncmp(name, prefix, strlen(prefix)))
		return 0;
	name += strlen(prefix);
	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 'a' - 'A' : name[i]);
	lower[i] = '\0';
	if (!strcmp(lower, "native"))
		return seccomp_arch_native();
	return name[i] ? 0 : seccomp_arch_resolve_name(lower);
}

/* The architectures that a policy lists, beside the native one, which is always there. */
static int add_listed_architectures(struct builder *b, struct ct_err *err)
{
	const struct ct_strings *names = &b->policy->architectures;

	for (size_t i = 0; i < names->count; i++) {
		uint32_t arch = find_architecture(names->items[i]);
		int rc = arch ? seccomp_arch_add(b->filter, arch) : -EINVAL;

		if (rc < 0 && rc != -EEXIST) {
			ct_fail(err, EINVAL, "%s architecture \"%s\"",
				arch ? "this machine cannot run" : "unknown", names->items[i]);
			return ct_wrap(err, "architectures[%zu]", i);
		}
	}
	return 0;
}

static int set_attributes(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	/* 2: a binary tree; loading is faster by half, since the kernel tries every number. */
	rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
}

/* Give an architecture the default action for everything: a filter of its own, merged in. */
static int add_empty_architecture(struct builder *b, uint32_t arch)
{
	scmp_filter_ctx other = seccomp_init(b->default_action);
	int rc;

	if (!other)
		return -ENOMEM;
	rc = set_attributes(other);
	rc = rc ? rc : seccomp_arch_add(other, arch);
	rc = rc ? rc : seccomp_arch_remove(other, SCMP_ARCH_NATIVE);
	rc = rc ? rc : seccomp_merge(b->filter, other);
	if (rc)
		seccomp_release(other);
	return rc;
}

/* The 32-bit architecture that this machine runs beside its own, or 0. */
static uint32_t compat_architecture(void)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	case SCMP_ARCH_S390X:
		return SCMP_ARCH_S390;
	default:
		return 0;
	}
}

/* Add a rule for one call; equal to the default it says nothing, and libseccomp would refuse it. */
static int add_call(struct builder *b, const char *name, uint32_t action,
		    const struct scmp_arg_cmp *args, unsigned count, struct ct_err *err)
{
	int number = seccomp_syscall_resolve_name(name);
	int rc;

	if (number == __NR_SCMP_ERROR || action == b->default_action)
		return 0;
	rc = seccomp_rule_add_array(b->filter, action, number, count, args);
	if (!rc)
		return 0;
	if (rc == -EEXIST)
		return ct_fail(err, EINVAL, "%s: another rule gives the same calls another action",
			       name);
	return ct_fail_errno(err, -rc, "%s: libseccomp refused the rule", name);
}

/* Does some argument occur twice in the comparisons of a rule? */
static bool has_repeated_argument(const struct ct_seccomp_rule *rule)
{
	unsigned seen = 0;

	for (size_t i = 0; i < rule->arg_count; i++) {
		if (seen & 1u << rule->args[i].index)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

/* The comparisons of a rule for libseccomp; room for all of them. */
static int parse_args(const struct ct_seccomp_rule *rule, struct scmp_arg_cmp *args,
		      struct ct_err *err)
{
	for (size_t i = 0; i < rule->arg_count; i++) {
		const struct ct_seccomp_arg *arg = &rule->args[i];
		uint32_t op = 0;

		if (arg->index > 5) {
			ct_fail(err, EINVAL, "argument %u: system calls have arguments 0...5",
				arg->index);
			return ct_wrap(err, "args[%zu].index", i);
		}
		if (find_word(operators, arg->op, &op) < 0) {
			ct_fail(err, EINVAL, "unknown operator \"%s\"", arg->op ? arg->op : "");
			ct_hint(err, "SCMP_CMP_ followed by EQ, NE, LT, LE, GE, GT or MASKED_EQ");
			return ct_wrap(err, "args[%zu].op", i);
		}
		args[i] = (struct scmp_arg_cmp){ arg->index, op, arg->a, arg->b };
	}
	return 0;
}

/* All calls of a rule; with repeated arguments each comparison makes a rule of its own. */
static int add_rule(struct builder *b, const struct ct_seccomp_rule *rule, struct ct_err *err)
{
	struct scmp_arg_cmp *args;
	uint32_t action;
	bool split;
	int rc;

	rc = parse_action(rule->action, rule->errno_ret, &action, err);
	if (rc < 0)
		return ct_wrap(err, "action");
	args = ct_arena_calloc(b->arena, rule->arg_count + 1, sizeof(*args));
	if (!args)
		return ct_fail_nomem(err);
	rc = parse_args(rule, args, err);
	if (rc < 0)
		return rc;
	split = has_repeated_argument(rule);
	for (size_t i = 0; !rc && i < rule->names.count; i++) {
		const char *name = rule->names.items[i];

		if (!split)
			rc = add_call(b, name, action, args, (unsigned)rule->arg_count, err);
		for (size_t j = 0; split && !rc && j < rule->arg_count; j++)
			rc = add_call(b, name, action, &args[j], 1, err);
	}
	return rc;
}

/*
 * Rules without comparisons first. They win in any order, but socket calls of 32-bit x86 are also
 * rules for socketcall, and there libseccomp refuses what contradicts unless one rule covers all.
 */
static int add_rules(struct builder *b, struct ct_err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < b->policy->rule_count; i++) {
			const struct ct_seccomp_rule *rule = &b->policy->rules[i];

			if ((rule->arg_count > 0) != pass)
				continue;
			if (add_rule(b, rule, err) < 0)
				return ct_wrap(err, "syscalls[%zu]", i);
		}
	}
	return 0;
}

/* A filter with its architectures and no rules yet. */
static int begin(struct builder *b, struct ct_err *err)
{
	bool listed = b->policy->architectures.count > 0;
	int rc;

	if (parse_action(b->policy->default_action, b->policy->default_errno, &b->default_action,
			 err) < 0)
		return ct_wrap(err, "defaultAction");
	b->filter = seccomp_init(b->default_action);
	if (!b->filter)
		return ct_fail_nomem(err);
	rc = set_attributes(b->filter);
	if (!rc && !listed && compat_architecture())
		rc = seccomp_arch_add(b->filter, compat_architecture());
	if (rc)
		return ct_fail_errno(err, -rc, "libseccomp cannot be set up");
	return listed ? add_listed_architectures(b, err) : 0;
}

/* Say once what a policy from outside names in vain, and what becomes of those calls. */
static void warn_unknown(struct builder *b, const char *library)
{
	struct ct_buf ct_autobuf names = { 0 };
	size_t count = 0;

	if (b->policy->key)
		return;
	for (size_t i = 0; i < b->policy->rule_count; i++) {
		const struct ct_strings *list = &b->policy->rules[i].names;

		for (size_t j = 0; j < list->count; j++) {
			if (seccomp_syscall_resolve_name(list->items[j]) != __NR_SCMP_ERROR)
				continue;
			if (count++ < UNKNOWN_SHOWN)
				ct_buf_printf(&names, "%s%s", count > 1 ? ", " : "", list->items[j]);
		}
	}
	if (count > UNKNOWN_SHOWN)
		ct_buf_printf(&names, " and %zu more", count - UNKNOWN_SHOWN);
	if (count)
		ct_warn("seccomp: %s does not know %s: left to the default action, %s", library,
			ct_buf_text(&names), b->policy->default_action);
}

/* A memfd that is not executable; kernels before 6.3 do not know the flag. */
static int open_memory(void)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create("seccomp", MFD_CLOEXEC) : fd;
}

/* Have libseccomp write the program and read it into the arena. */
static int export(struct builder *b, struct ct_seccomp_program *ret_program, struct ct_err *err)
{
	int ct_autofd fd = open_memory();
	struct stat st;
	int rc;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make memory for the seccomp program");
	rc = seccomp_export_bpf(b->filter, fd);
	if (rc)
		return ct_fail_errno(err, -rc, "libseccomp cannot compile the policy");
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot measure the seccomp program");
	if (st.st_size > (off_t)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		return ct_fail(err, E2BIG, "the policy makes %lld instructions, the kernel takes %d",
			       (long long)st.st_size / (long long)sizeof(struct sock_filter),
			       BPF_MAXINSNS);
	ret_program->filter = ct_arena_alloc(b->arena, (size_t)st.st_size);
	if (!ret_program->filter)
		return ct_fail_nomem(err);
	if (pread(fd, ret_program->filter, (size_t)st.st_size, 0) != st.st_size)
		return ct_fail(err, EIO, "cannot read the seccomp program back");
	ret_program->length = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	return 0;
}

/* What the program answers to a call of this machine; a broken program counts as a kill. */
static uint32_t answer(const struct ct_seccomp_program *program, int number, uint32_t index,
		       uint64_t value)
{
	struct seccomp_data call = { .nr = number, .arch = seccomp_arch_native() };
	uint32_t verdict;

	call.args[index] = value;
	return ct_seccomp_verdict(program, &call, &verdict) < 0 ? SECCOMP_RET_KILL_PROCESS : verdict;
}

/* Can the payload be executed at all under this program? */
static int check_execve(const struct ct_seccomp_program *program, struct ct_err *err)
{
	uint32_t verdict = answer(program, SYS_execve, 0, 0);
	const char *name = strerrorname_np((int)(verdict & SECCOMP_RET_DATA));
	char how[64];

	switch (verdict & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return 0;
	case SECCOMP_RET_ERRNO:
		snprintf(how, sizeof(how), "answers %s", name ? name : "an unknown error");
		break;
	case SECCOMP_RET_TRAP:
		snprintf(how, sizeof(how), "raises SIGSYS");
		break;
	default:
		snprintf(how, sizeof(how), "kills");
		break;
	}
	ct_fail(err, EPERM, "the seccomp profile stops the program before it starts (execve %s)", how);
	return ct_hint(err, "allow execve in the profile");
}

/*
 * A built-in policy relies on libseccomp putting wider masks before narrower ones. Prove it on the
 * result: a value that a wide rule names must get that rule's answer, also with bits set that the
 * mask leaves out.
 */
static int prove_masks(struct builder *b, const struct ct_seccomp_program *program,
		       struct ct_err *err)
{
	for (size_t i = 0; b->policy->key && i < b->policy->rule_count; i++) {
		const struct ct_seccomp_rule *rule = &b->policy->rules[i];
		const struct ct_seccomp_arg *arg = rule->args;
		uint32_t action;
		int number;

		if (!rule->arg_count || !(arg->a & (arg->a - 1)))
			continue;
		number = seccomp_syscall_resolve_name(rule->names.items[0]);
		if (number < 0)
			continue;
		if (parse_action(rule->action, rule->errno_ret, &action, err) < 0)
			return ct_wrap(err, "syscalls[%zu].action", i);
		if (answer(program, number, arg->index, arg->b) != action ||
		    answer(program, number, arg->index, arg->b | ~arg->a) != action)
			return ct_fail(err, EIO, "%s: libseccomp put a narrower rule first",
				       rule->names.items[0]);
	}
	return 0;
}

/* The highest number of an architecture that the rules name, -1 without any. */
static int highest_number(const struct builder *b, uint32_t arch)
{
	int highest = -1;

	for (size_t i = 0; i < b->policy->rule_count; i++) {
		const struct ct_strings *names = &b->policy->rules[i].names;

		for (size_t j = 0; j < names->count; j++) {
			int number = seccomp_syscall_resolve_name_arch(arch, names->items[j]);

			highest = number > highest ? number : highest;
		}
	}
	return highest;
}

/* The test of one architecture: its calls above the highest get the answer, all others go on. x32 has the
 * architecture of x86-64, and a bit in its numbers. */
static size_t test_newer(const struct builder *b, uint32_t arch, struct sock_filter *out)
{
	bool x32 = arch == SCMP_ARCH_X32;
	uint32_t others = arch == SCMP_ARCH_X86_64 ? X32_BIT : UINT32_MAX;
	int highest = highest_number(b, arch);
	const struct sock_filter test[NEWER_TEST] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, x32 ? SCMP_ARCH_X86_64 : arch, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)highest, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, others, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | b->policy->newer_errno),
	};

	if (highest < 0)
		return 0;
	memcpy(out, test, sizeof(test));
	return NEWER_TEST;
}

/* What no rule can name yet gets its answer before the program begins, on every architecture of it. */
static int answer_newer(const struct builder *b, struct ct_seccomp_program *program, struct ct_err *err)
{
	const struct ct_strings *listed = &b->policy->architectures;
	uint32_t native = seccomp_arch_native(), arch = compat_architecture();
	size_t room = program->length + (listed->count + 2) * NEWER_TEST, count;
	struct sock_filter *all;

	if (!b->policy->newer_errno)
		return 0;
	all = ct_arena_calloc(b->arena, room, sizeof(*all));
	if (!all)
		return ct_fail_nomem(err);
	count = test_newer(b, native, all);
	if (!listed->count && arch)
		count += test_newer(b, arch, all + count);
	for (size_t i = 0; i < listed->count; i++) {
		arch = find_architecture(listed->items[i]);
		if (arch != native)
			count += test_newer(b, arch, all + count);
	}
	if (program->length + count > BPF_MAXINSNS)
		return 0;
	memcpy(all + count, program->filter, program->length * sizeof(*all));
	program->filter = all;
	program->length = (unsigned short)(program->length + count);
	return 0;
}

static int build(struct ct_arena *arena, const struct ct_seccomp_policy *policy,
		 const char *library, struct ct_seccomp_program *ret_program, struct ct_err *err)
{
	struct builder b __attribute__((cleanup(builder_cleanup))) = {
		.policy = policy,
		.arena = arena,
	};
	int rc;

	rc = begin(&b, err);
	rc = rc < 0 ? rc : add_rules(&b, err);
	if (rc < 0)
		return rc;
	if (!policy->architectures.count && seccomp_arch_native() == SCMP_ARCH_X86_64) {
		rc = add_empty_architecture(&b, SCMP_ARCH_X32);
		if (rc)
			return ct_fail_errno(err, -rc, "libseccomp cannot add x32");
	}
	warn_unknown(&b, library);
	rc = export(&b, ret_program, err);
	if (rc == 0)
		rc = answer_newer(&b, ret_program, err);
	if (rc == 0)
		ct_seccomp_shrink(arena, ret_program);
	if (rc == 0 && !policy->no_exec)
		rc = check_execve(ret_program, err);
	return rc < 0 ? rc : prove_masks(&b, ret_program, err);
}

int ct_seccomp_compile(struct ct_arena *arena, const struct ct_seccomp_policy *policy, int cache_fd,
		       struct ct_seccomp_program *ret_program, struct ct_err *err)
{
	const struct scmp_version *version = seccomp_version();
	struct ct_seccomp_program program = { 0 };
	struct ct_buf ct_autobuf key = { 0 };
	char library[48];
	int rc;

	rc = parse_flags(&policy->flags, &program.flags, err);
	if (rc < 0)
		return rc;
	snprintf(library, sizeof(library), "libseccomp %u.%u.%u", version->major, version->minor,
		 version->micro);
	ct_seccomp_key(&key, policy, library, seccomp_arch_native());
	if (!ct_seccomp_cache_get(arena, cache_fd, &key, &program)) {
		struct ct_seccomp_policy filled = *policy;

		rc = policy->fill ? policy->fill(arena, &filled, err) : 0;
		rc = rc < 0 ? rc : build(arena, &filled, library, &program, err);
		if (rc < 0)
			return rc;
		ct_seccomp_cache_put(cache_fd, &key, &program);
	}
	*ret_program = program;
	return 0;
}
