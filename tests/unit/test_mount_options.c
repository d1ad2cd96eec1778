/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: every word of the specification and what it comes to, the access-time modes that
 * share a field, and the last word that wins.
 */
#include <cattach/mount.h>

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include <check.h>

#include "fixture.h"

#define ATIME MOUNT_ATTR__ATIME

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err = { 0 };

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

/* A list that is written "ro,noexec" here; an empty word stands between two commas. */
static void split(const char *text, struct ct_strings *ret_list)
{
	struct ct_strings list = { 0 };
	char *copy = ct_arena_strdup(&arena, text), *word;

	while ((word = strsep(&copy, ",")))
		ck_assert_int_eq(ct_strings_add(&arena, &list, word), 0);
	*ret_list = list;
}

static void parse(const char *text, struct ct_mount_options *ret_options)
{
	struct ct_strings list;
	struct ct_err err = { 0 };

	split(text, &list);
	ck_assert_msg(ct_mount_options_parse(&arena, &list, ret_options, &err) == 0, "%s", err.what);
}

/* What the kernel is told: for one mount, or for the tree in the recursive words. */
static const struct attribute {
	const char *text;
	uint64_t set, clear;
} attributes[] = {
	{ "defaults", 0, 0 },
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "noatime", MOUNT_ATTR_NOATIME, ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, ATIME },
	{ "atime", 0, ATIME },
	{ "norelatime", 0, ATIME },
	{ "nostrictatime", 0, ATIME },
	/* The last word wins, also over several. */
	{ "ro,rw", 0, MOUNT_ATTR_RDONLY },
	{ "rw,ro", MOUNT_ATTR_RDONLY, 0 },
	{ "nosuid,suid,nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "noatime,strictatime", MOUNT_ATTR_STRICTATIME, ATIME },
	{ "strictatime,noatime", MOUNT_ATTR_NOATIME, ATIME },
	{ "strictatime,relatime", 0, ATIME },
	{ "noatime,atime", 0, ATIME },
	/* Different things add up. */
	{ "ro,nosuid,nodev,noexec,noatime",
	  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		  MOUNT_ATTR_NOATIME, ATIME },
	{ "nodiratime,relatime", MOUNT_ATTR_NODIRATIME, ATIME },
};

START_TEST(words_set_and_clear_attributes)
{
	const struct attribute *a = &attributes[_i];
	struct ct_mount_options o;

	parse(a->text, &o);
	ck_assert_msg(o.set == a->set, "%s sets %#lx", a->text, (unsigned long)o.set);
	ck_assert_msg(o.clear == a->clear, "%s clears %#lx", a->text, (unsigned long)o.clear);
	ck_assert_uint_eq(o.tree_set | o.tree_clear, 0);
	ck_assert_uint_eq(o.data.count + o.flags.count, 0);
	ck_assert(o.read_only == !!(a->set & MOUNT_ATTR_RDONLY));
}
END_TEST

static const struct attribute tree_attributes[] = {
	{ "rro", MOUNT_ATTR_RDONLY, 0 },
	{ "rrw", 0, MOUNT_ATTR_RDONLY },
	{ "rnosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "rsuid", 0, MOUNT_ATTR_NOSUID },
	{ "rnodev", MOUNT_ATTR_NODEV, 0 },
	{ "rdev", 0, MOUNT_ATTR_NODEV },
	{ "rnoexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "rexec", 0, MOUNT_ATTR_NOEXEC },
	{ "rnodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "rdiratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "rsymfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rnoatime", MOUNT_ATTR_NOATIME, ATIME },
	{ "rstrictatime", MOUNT_ATTR_STRICTATIME, ATIME },
	{ "rrelatime", MOUNT_ATTR_RELATIME, ATIME },
	{ "ratime", 0, ATIME },
	{ "rnorelatime", 0, ATIME },
	{ "rnostrictatime", 0, ATIME },
	{ "rro,rrw", 0, MOUNT_ATTR_RDONLY },
	{ "rnoatime,rstrictatime", MOUNT_ATTR_STRICTATIME, ATIME },
};

START_TEST(recursive_words_set_and_clear_attributes_of_the_tree)
{
	const struct attribute *a = &tree_attributes[_i];
	struct ct_mount_options o;

	parse(a->text, &o);
	ck_assert_msg(o.tree_set == a->set, "%s sets %#lx", a->text, (unsigned long)o.tree_set);
	ck_assert_msg(o.tree_clear == a->clear, "%s clears %#lx", a->text,
		      (unsigned long)o.tree_clear);
	ck_assert_uint_eq(o.set | o.clear, 0);
	ck_assert_uint_eq(o.data.count + o.flags.count, 0);
}
END_TEST

START_TEST(one_mount_and_its_tree_do_not_disturb_each_other)
{
	struct ct_mount_options o;

	parse("rro,rw,noatime,rstrictatime", &o);
	ck_assert_uint_eq(o.set, MOUNT_ATTR_NOATIME);
	ck_assert_uint_eq(o.clear, MOUNT_ATTR_RDONLY | ATIME);
	ck_assert_uint_eq(o.tree_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_STRICTATIME);
	ck_assert_uint_eq(o.tree_clear, ATIME);
	ck_assert(!o.read_only);
}
END_TEST

static const struct propagation {
	const char *text;
	uint64_t value;
	bool tree;
} propagations[] = {
	{ "private", MS_PRIVATE, false },	  { "rprivate", MS_PRIVATE, true },
	{ "slave", MS_SLAVE, false },		  { "rslave", MS_SLAVE, true },
	{ "shared", MS_SHARED, false },		  { "rshared", MS_SHARED, true },
	{ "unbindable", MS_UNBINDABLE, false },	  { "runbindable", MS_UNBINDABLE, true },
	{ "rshared,slave", MS_SLAVE, false },	  { "private,rslave", MS_SLAVE, true },
};

START_TEST(propagation_is_taken_from_the_last_word)
{
	const struct propagation *p = &propagations[_i];
	struct ct_mount_options o;
	uint64_t value = 0;
	bool tree = false;

	parse(p->text, &o);
	ck_assert_uint_eq(o.propagation, p->value);
	ck_assert(o.tree_propagation == p->tree);
	if (strchr(p->text, ','))
		return;
	ck_assert(ct_propagation_parse(p->text, &value, &tree));
	ck_assert_uint_eq(value, p->value);
	ck_assert(tree == p->tree);
}
END_TEST

START_TEST(what_is_no_propagation_is_none)
{
	static const char *const words[] = { "", "ro", "bind", "privat", "rrprivate", "Private" };
	uint64_t value = 4711;
	bool tree = true;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_msg(!ct_propagation_parse(words[i], &value, &tree), "%s", words[i]);
	ck_assert_uint_eq(value, 4711);
	ck_assert(tree);
}
END_TEST

START_TEST(binds_and_what_is_ours)
{
	struct ct_mount_options o;

	parse("bind", &o);
	ck_assert(o.bind && !o.recursive && !o.copy_up && !o.idmap);
	parse("rbind", &o);
	ck_assert(o.bind && o.recursive);
	/* Both: the recursive one holds, in either order, as mount(8) has it. */
	parse("rbind,bind", &o);
	ck_assert(o.bind && o.recursive);
	parse("tmpcopyup", &o);
	ck_assert(o.copy_up && !o.bind);
	parse("idmap", &o);
	ck_assert(o.idmap);
	parse("ridmap", &o);
	ck_assert(o.idmap);
}
END_TEST

static const struct flags {
	const char *text, *flags;
} flag_tests[] = {
	{ "sync", "sync" },		{ "sync,async", "" },
	{ "async,sync", "sync" },	{ "sync,sync", "sync" },
	{ "dirsync,lazytime", "dirsync,lazytime" },
	{ "lazytime,dirsync,nolazytime", "dirsync" },
	{ "mand,nomand", "" },		{ "iversion", "" },
	{ "iversion,noiversion", "" },	{ "silent,loud", "" },
};

START_TEST(flags_of_the_file_system_are_on_or_off)
{
	const struct flags *f = &flag_tests[_i];
	struct ct_mount_options o;
	char joined[64] = "";

	parse(f->text, &o);
	for (size_t i = 0; i < o.flags.count; i++) {
		strcat(joined, i ? "," : "");
		strcat(joined, o.flags.items[i]);
	}
	ck_assert_str_eq(joined, f->flags);
	ck_assert_uint_eq(o.data.count, 0);
}
END_TEST

START_TEST(the_rest_goes_to_the_file_system_in_order)
{
	static const char *const expected[] = { "size=1m", "mode=755", "RO", "ro ", "size=2m" };
	struct ct_mount_options o;

	parse("size=1m,ro,mode=755,RO,ro ,size=2m", &o);
	ck_assert_uint_eq(o.data.count, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(o.data.items[i], expected[i]);
	ck_assert_uint_eq(o.set, MOUNT_ATTR_RDONLY);
}
END_TEST

START_TEST(no_options_are_no_change)
{
	static const struct ct_mount_options nothing;
	struct ct_strings none = { 0 };
	struct ct_mount_options o;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_mount_options_parse(&arena, &none, &o, &err), 0);
	ck_assert_mem_eq(&o, &nothing, sizeof(o));
}
END_TEST

START_TEST(empty_words_and_remount_are_refused_with_their_place)
{
	struct ct_mount_options o = { .set = 4711 };
	struct ct_strings list;
	struct ct_err err = { 0 };

	split("ro,,rw", &list);
	ck_assert_int_eq(ct_mount_options_parse(&arena, &list, &o, &err), -EINVAL);
	ck_err(&err, EINVAL, "options[1]: empty mount option");
	split("ro,rw,remount", &list);
	ck_assert_int_eq(ct_mount_options_parse(&arena, &list, &o, &err), -EINVAL);
	ck_err(&err, EINVAL, "options[2]: remount has no mount to change "
			     "(give the options on the mount itself)");
	ck_assert_uint_eq(o.set, 4711);
}
END_TEST

#define LOOP(tc, test, table) \
	tcase_add_loop_test(tc, test, 0, (int)(sizeof(table) / sizeof(table[0])))

Suite *suite_mount_options(void)
{
	Suite *suite = suite_create("mount_options");
	TCase *tc = tcase_create("ct_mount_options_parse");
	TCase *propagation = tcase_create("ct_propagation_parse");

	tcase_add_checked_fixture(tc, setup, teardown);
	LOOP(tc, words_set_and_clear_attributes, attributes);
	LOOP(tc, recursive_words_set_and_clear_attributes_of_the_tree, tree_attributes);
	tcase_add_test(tc, one_mount_and_its_tree_do_not_disturb_each_other);
	tcase_add_test(tc, binds_and_what_is_ours);
	LOOP(tc, flags_of_the_file_system_are_on_or_off, flag_tests);
	tcase_add_test(tc, the_rest_goes_to_the_file_system_in_order);
	tcase_add_test(tc, no_options_are_no_change);
	tcase_add_test(tc, empty_words_and_remount_are_refused_with_their_place);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(propagation, setup, teardown);
	LOOP(propagation, propagation_is_taken_from_the_last_word, propagations);
	tcase_add_test(propagation, what_is_no_propagation_is_none);
	suite_add_tcase(suite, propagation);
	return suite;
}
