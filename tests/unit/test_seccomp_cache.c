/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of compiled programs: what is found again, and everything that must not be: damaged,
 * cut, foreign and replaced entries. That a program came from the cache is seen by a marked one
 * that no compilation makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"
#include "ns/seccomp_cache.h"

#define MARK	0x7777

static struct ct_arena arena;
static struct ct_seccomp_policy policy;
static struct ct_buf key;
static char name[CT_SECCOMP_NAME_MAX];

/* "return MARK" behind some padding, so that damage anywhere in it is seen. */
static struct sock_filter marked_filter[] = {
	BPF_STMT(BPF_LD | BPF_IMM, 1),
	BPF_STMT(BPF_LD | BPF_IMM, 2),
	BPF_STMT(BPF_RET | BPF_K, MARK),
};
static const struct ct_seccomp_program marked = { .filter = marked_filter, .length = 3 };

static void setup(void)
{
	struct ct_err err;

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	policy = (struct ct_seccomp_policy){ .default_action = "SCMP_ACT_ALLOW", .key = "test" };
	ct_seccomp_key(&key, &policy, "library 1", 1);
	ct_seccomp_cache_name(&key, name);
}

static void teardown(void)
{
	ct_buf_done(&key);
	ct_arena_close(&arena);
	fixture_teardown();
}

static bool is_found(void)
{
	struct ct_seccomp_program program = { 0 };

	if (!ct_seccomp_cache_get(&arena, fixture_dir(), &key, &program)) {
		ck_assert_uint_eq(program.length, 0);
		return false;
	}
	ck_assert_uint_eq(program.length, marked.length);
	ck_assert_int_eq(memcmp(program.filter, marked_filter, sizeof(marked_filter)), 0);
	return true;
}

START_TEST(a_kept_program_is_found_again)
{
	struct stat st;

	ck_assert(!is_found());
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert(is_found());
	ck_assert_int_eq(fstatat(fixture_dir(), name, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(without_a_directory_nothing_is_kept_or_found)
{
	struct ct_seccomp_program program;

	ct_seccomp_cache_put(-1, &key, &marked);
	ck_assert(!ct_seccomp_cache_get(&arena, -1, &key, &program));
}
END_TEST

START_TEST(damage_in_any_byte_is_seen)
{
	struct stat st;
	int fd;

	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	fd = openat(fixture_dir(), name, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		unsigned char right, wrong;

		ck_assert_int_eq(pread(fd, &right, 1, at), 1);
		for (int bit = 0; bit < 8; bit++) {
			wrong = (unsigned char)(right ^ 1 << bit);
			ck_assert_int_eq(pwrite(fd, &wrong, 1, at), 1);
			ck_assert_msg(!is_found(), "bit %d of byte %ld", bit, (long)at);
		}
		ck_assert_int_eq(pwrite(fd, &right, 1, at), 1);
	}
	ck_assert(is_found());
	close(fd);
}
END_TEST

START_TEST(an_entry_of_any_other_length_is_passed_over)
{
	struct stat st;
	int fd;

	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	fd = openat(fixture_dir(), name, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(fd, st.st_size + 1), 0);
	ck_assert(!is_found());
	ck_assert_int_eq(ftruncate(fd, st.st_size + 8), 0);
	ck_assert(!is_found());
	ck_assert_int_eq(ftruncate(fd, 1LL << 40), 0);
	ck_assert(!is_found());
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		ck_assert_int_eq(ftruncate(fd, size), 0);
		ck_assert(!is_found());
	}
	close(fd);
}
END_TEST

static const mode_t bad_modes[] = { 0644, 0660, 0602, 0700, 0400, 04600 };

START_TEST(an_entry_that_others_may_touch_is_passed_over_and_replaced)
{
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert_int_eq(fchmodat(fixture_dir(), name, bad_modes[_i], 0), 0);
	ck_assert(!is_found());
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert(is_found());
}
END_TEST

START_TEST(an_entry_of_another_user_is_passed_over)
{
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert_int_eq(fchownat(fixture_dir(), name, 12345, (gid_t)-1, 0), 0);
	ck_assert(!is_found());
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert_int_eq(renameat(fixture_dir(), name, fixture_dir(), "elsewhere"), 0);
	ck_assert_int_eq(symlinkat("elsewhere", fixture_dir(), name), 0);
	ck_assert(!is_found());
}
END_TEST

START_TEST(a_fifo_or_a_directory_does_not_stop_anything)
{
	ck_assert_int_eq(mkfifoat(fixture_dir(), name, 0600), 0);
	ck_assert(!is_found());
	ck_assert_int_eq(unlinkat(fixture_dir(), name, 0), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), name, 0600), 0);
	ck_assert(!is_found());
	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	ck_assert(!is_found());
}
END_TEST

START_TEST(an_entry_under_the_name_of_another_key_is_passed_over)
{
	char other[CT_SECCOMP_NAME_MAX];

	ct_seccomp_cache_put(fixture_dir(), &key, &marked);
	policy.key = "tesu";	/* as long as the first */
	ct_buf_clear(&key);
	ct_seccomp_key(&key, &policy, "library 1", 1);
	ct_seccomp_cache_name(&key, other);
	ck_assert_str_ne(name, other);
	ck_assert_int_eq(renameat(fixture_dir(), name, fixture_dir(), other), 0);
	ck_assert(!is_found());
}
END_TEST

/* Does the key change when one thing changes? Compared with the key of a full policy. */
static void ck_other_key(const struct ct_buf *first, const struct ct_seccomp_policy *changed,
			 const char *library, uint32_t arch)
{
	struct ct_buf ct_autobuf second = { 0 };

	ct_seccomp_key(&second, changed, library, arch);
	ck_assert(first->length != second.length ||
		  memcmp(first->data, second.data, first->length) != 0);
}

START_TEST(everything_that_changes_a_program_changes_the_key)
{
	const char *one[] = { "ab", "c" }, *two[] = { "a", "bc" };
	struct ct_seccomp_arg args[2] = { { 0, "SCMP_CMP_EQ", 1, 2 } }, wrong[2];
	struct ct_seccomp_rule rules[2] = {
		{ .names = { one, 2 }, .action = "SCMP_ACT_LOG", .args = args, .arg_count = 1 },
	};
	struct ct_seccomp_policy base = {
		.default_action = "SCMP_ACT_ALLOW", .rules = rules, .rule_count = 1,
	}, p = base;
	struct ct_buf ct_autobuf first = { 0 };

	ct_seccomp_key(&first, &base, "library 1", 1);
	ck_other_key(&first, &base, "library 2", 1);
	ck_other_key(&first, &base, "library 1", 2);
	p.default_action = "SCMP_ACT_LOG";
	ck_other_key(&first, &p, "library 1", 1);
	p = base;
	p.default_errno = 1;
	ck_other_key(&first, &p, "library 1", 1);
	p = base;
	p.architectures = (struct ct_strings){ one, 2 };
	ck_other_key(&first, &p, "library 1", 1);
	p = base;
	p.rule_count = 2;
	ck_other_key(&first, &p, "library 1", 1);
	p = base;
	p.key = "test";
	ck_other_key(&first, &p, "library 1", 1);
	rules[0].names.items = two;
	ck_other_key(&first, &base, "library 1", 1);
	rules[0].names.items = one;
	rules[0].errno_ret = 1;
	ck_other_key(&first, &base, "library 1", 1);
	rules[0].errno_ret = 0;
	rules[0].action = "SCMP_ACT_TRAP";
	ck_other_key(&first, &base, "library 1", 1);
	rules[0].action = "SCMP_ACT_LOG";
	rules[0].arg_count = 0;
	ck_other_key(&first, &base, "library 1", 1);
	rules[0].arg_count = 1;
	rules[0].args = wrong;
	for (int i = 0; i < 4; i++) {
		wrong[0] = args[0];
		wrong[0].index += i == 0;
		wrong[0].op = i == 1 ? "SCMP_CMP_NE" : wrong[0].op;
		wrong[0].a += i == 2;
		wrong[0].b += i == 3;
		ck_other_key(&first, &base, "library 1", 1);
	}
}
END_TEST

/* The one entry in the directory. */
static void only_entry(char *ret_name)
{
	DIR ct_autodir *dir = fdopendir(openat(fixture_dir(), ".", O_RDONLY | O_CLOEXEC));
	unsigned count = 0;
	struct dirent *d;

	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' && (!d->d_name[1] || !strcmp(d->d_name, "..")))
			continue;
		ck_assert_uint_eq(strlen(d->d_name), 24);
		memcpy(ret_name, d->d_name, 25);
		count++;
	}
	ck_assert_uint_eq(count, 1);
}

START_TEST(compiling_uses_and_repairs_the_cache)
{
	struct ct_seccomp_program first, again;
	char entry[32];
	struct ct_err err;
	int fd;

	ck_assert_int_eq(ct_seccomp_default(&arena, 0, &policy, &err), 0);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &first, &err), 0);
	only_entry(entry);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &again, &err), 0);
	ck_assert_uint_eq(again.length, first.length);
	ck_assert_int_eq(memcmp(again.filter, first.filter, first.length * 8u), 0);

	/* Rules that cannot be compiled show that the second program came from the cache. */
	policy.default_action = "SCMP_ACT_BOGUS";
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &again, &err), 0);
	fd = openat(fixture_dir(), entry, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "x", 1, 100), 1);
	close(fd);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &again, &err), -EINVAL);
	policy.default_action = "SCMP_ACT_ERRNO";
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &again, &err), 0);
	ck_assert_int_eq(memcmp(again.filter, first.filter, first.length * 8u), 0);
	policy.default_action = "SCMP_ACT_BOGUS";
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &again, &err), 0);
	only_entry(entry);
}
END_TEST

START_TEST(a_refused_policy_is_not_kept)
{
	struct ct_seccomp_program program;
	struct ct_err err;

	policy = (struct ct_seccomp_policy){ .default_action = "SCMP_ACT_KILL" };
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, fixture_dir(), &program, &err),
				 -EPERM);
	ck_assert_int_eq(unlinkat(AT_FDCWD, fixture_path(), AT_REMOVEDIR), 0);
	ck_assert_int_eq(mkdir(fixture_path(), 0700), 0);
}
END_TEST

Suite *suite_seccomp_cache(void);
Suite *suite_seccomp_cache(void)
{
	Suite *s = suite_create("seccomp_cache");
	TCase *tc = tcase_create("cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_kept_program_is_found_again);
	tcase_add_test(tc, without_a_directory_nothing_is_kept_or_found);
	tcase_add_test(tc, damage_in_any_byte_is_seen);
	tcase_add_test(tc, an_entry_of_any_other_length_is_passed_over);
	tcase_add_loop_test(tc, an_entry_that_others_may_touch_is_passed_over_and_replaced, 0,
			    (int)(sizeof(bad_modes) / sizeof(bad_modes[0])));
	/* Only root can give a file away. */
	if (geteuid() == 0)
		tcase_add_test(tc, an_entry_of_another_user_is_passed_over);
	tcase_add_test(tc, a_link_is_not_followed);
	tcase_add_test(tc, a_fifo_or_a_directory_does_not_stop_anything);
	tcase_add_test(tc, an_entry_under_the_name_of_another_key_is_passed_over);
	tcase_add_test(tc, everything_that_changes_a_program_changes_the_key);
	tcase_add_test(tc, compiling_uses_and_repairs_the_cache);
	tcase_add_test(tc, a_refused_policy_is_not_kept);
	suite_add_tcase(s, tc);
	return s;
}
