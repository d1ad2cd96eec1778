/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux.seccomp" part of config.json: words and numbers of a policy.
 *
 * Which system calls exist is known to src/ns, where unknown ones are skipped; unknown actions,
 * operators, architectures and flags are refused here, because skipping one would change what a
 * policy lets through. Runs in the command, with the caller's rights; fails by refusing the
 * document, with positions. The tables serve the profile files of seccomp_profile.c too.
 *
 * config-linux.md, "Seccomp". The words are libseccomp's names of its constants.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#define S(member) offsetof(struct ct_spec_seccomp, member)
#define R(member) offsetof(struct ct_spec_seccomp_rule, member)
#define A(member) offsetof(struct ct_spec_seccomp_arg, member)

/* KILL is an older name of KILL_THREAD. */
const char *const ct_seccomp_actions[] = {
	"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
	"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
	NULL,
};

/* Any of them may stand in a document that is to be used on many machines. */
const char *const ct_seccomp_archs[] = {
	"SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
	"SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",
	"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_PARISC",
	"SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
	"SCMP_ARCH_SH", "SCMP_ARCH_SHEB", NULL,
};

const char *const ct_seccomp_flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", NULL,
};

static const char *const operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
	"SCMP_CMP_MASKED_EQ", NULL,
};

/* Other parsers drop the number without a word: whoever wrote it meant the rule to refuse. */
int ct_check_seccomp_errno(const struct ct_reader *r, const struct ct_json *object,
			   const char *key, const char *action)
{
	const struct ct_json *value = ct_read_get(object, key);

	if (!value || strcmp(action, "SCMP_ACT_ERRNO") == 0 ||
	    strcmp(action, "SCMP_ACT_TRACE") == 0)
		return 0;
	return ct_read_fail(r, value, EINVAL, "%s returns no error number (only SCMP_ACT_ERRNO and "
			    "SCMP_ACT_TRACE do)", action);
}

static const struct ct_read_field arg_fields[] = {
	{ "index", READ_U32, .required = true, .max = 5, .offset = A(index) },
	{ "value", READ_U64, .required = true, .offset = A(value) },
	{ "valueTwo", READ_U64, .offset = A(value_two) },
	{ "op", READ_STRING, .required = true, .choices = operators, .offset = A(op) },
	{0},
};

const struct ct_read_object ct_read_seccomp_arg = {
	.fields = arg_fields, .size = sizeof(struct ct_spec_seccomp_arg),
};

static int finish_rule(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_spec_seccomp_rule *rule = target;

	return ct_check_seccomp_errno(r, object, "errnoRet", rule->action);
}

static const struct ct_read_field rule_fields[] = {
	{ "names", READ_STRINGS, .required = true, .not_empty = true, .offset = R(names) },
	{ "action", READ_STRING, .required = true, .choices = ct_seccomp_actions,
	  .offset = R(action) },
	{ "errnoRet", READ_U32, .max = 4095, .offset = R(errno_ret), .has = R(has_errno) },
	{ "args", READ_LIST, .object = &ct_read_seccomp_arg, .offset = R(args),
	  .count = R(arg_count) },
	{0},
};

static const struct ct_read_object rule = {
	.fields = rule_fields, .size = sizeof(struct ct_spec_seccomp_rule), .finish = finish_rule,
};

/* Metadata is sent to the listener: without one it is a mistake. */
static int finish_seccomp(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec_seccomp *seccomp = target;

	if (seccomp->listener_path && !*seccomp->listener_path)
		seccomp->listener_path = NULL;
	if (seccomp->listener_metadata && !*seccomp->listener_metadata)
		seccomp->listener_metadata = NULL;
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return ct_read_missing(r, object, "listenerPath");
	return ct_check_seccomp_errno(r, object, "defaultErrnoRet", seccomp->default_action);
}

static const struct ct_read_field seccomp_fields[] = {
	{ "defaultAction", READ_STRING, .required = true, .choices = ct_seccomp_actions,
	  .offset = S(default_action) },
	{ "defaultErrnoRet", READ_U32, .max = 4095, .offset = S(default_errno),
	  .has = S(has_default_errno) },
	{ "architectures", READ_STRINGS, .choices = ct_seccomp_archs, .offset = S(architectures) },
	{ "flags", READ_STRINGS, .choices = ct_seccomp_flags, .offset = S(flags) },
	{ "listenerPath", READ_STRING, .offset = S(listener_path) },
	{ "listenerMetadata", READ_STRING, .offset = S(listener_metadata) },
	{ "syscalls", READ_LIST, .object = &rule, .offset = S(rules), .count = S(rule_count) },
	{0},
};

const struct ct_read_object ct_read_seccomp = {
	.fields = seccomp_fields, .size = sizeof(struct ct_spec_seccomp), .finish = finish_seccomp,
};
