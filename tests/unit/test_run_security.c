/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities, system call filters, masks and sysctls of "run", and what --privileged makes of
 * them. Runs unprivileged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/caps.h>

#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static bool has(const struct ct_strings *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], item))
			return true;
	return false;
}

static const struct ct_spec_capabilities *caps(void)
{
	return &run_spec->process->capabilities;
}

static const char *bounding(void)
{
	return run_join(&caps()->bounding);
}

START_TEST(a_rootfs_has_eleven_capabilities)
{
	run_ok(&run_alice);
	ck_assert(run_spec->process->has_capabilities);
	ck_assert_uint_eq(caps()->bounding.count, 11);
	ck_assert_uint_eq(caps()->effective.count, 11);
	ck_assert_uint_eq(caps()->permitted.count, 11);
	ck_assert_uint_eq(caps()->inheritable.count, 0);
	ck_assert_uint_eq(caps()->ambient.count, 0);
	ck_assert(!has(&caps()->bounding, "CAP_NET_RAW"));
}
END_TEST

START_TEST(drops_come_before_adds)
{
	run_add(&run_options.cap_add, "net_raw");
	run_add(&run_options.cap_add, "CAP_CHOWN");
	run_add(&run_options.cap_drop, "Cap_Chown");
	run_add(&run_options.cap_drop, "KILL");
	run_ok(&run_alice);
	ck_assert_uint_eq(caps()->bounding.count, 11);
	ck_assert(has(&caps()->bounding, "CAP_NET_RAW"));
	ck_assert(has(&caps()->effective, "CAP_NET_RAW"));
	ck_assert(has(&caps()->permitted, "CAP_NET_RAW"));
	ck_assert(has(&caps()->bounding, "CAP_CHOWN"));
	ck_assert(!has(&caps()->bounding, "CAP_KILL"));
	ck_assert_uint_eq(caps()->inheritable.count, 0);
	ck_assert_uint_eq(caps()->ambient.count, 0);
	ck_assert_uint_eq(run_meta.cap_add.count, 2);
	ck_assert_uint_eq(run_meta.cap_drop.count, 2);
	run_add(&run_options.cap_drop, "all");
	run_ok(&run_alice);
	ck_assert_str_eq(bounding(), "CAP_CHOWN CAP_NET_RAW");
}
END_TEST

START_TEST(all_is_every_capability_of_the_kernel)
{
	unsigned count = (unsigned)__builtin_popcountll(ct_caps_known());

	run_add(&run_options.cap_add, "ALL");
	run_ok(&run_alice);
	ck_assert_uint_eq(caps()->bounding.count, count);
	ck_assert_uint_eq(caps()->ambient.count, 0);
	run_add(&run_options.cap_drop, "NET_RAW");
	run_ok(&run_alice);
	ck_assert_uint_eq(caps()->bounding.count, count - 1);
	ck_assert(!has(&caps()->bounding, "CAP_NET_RAW"));
	/* Without a user namespace nobody gets more than there is. */
	run_options.cap_drop = (struct ct_strings){ 0 };
	run_ok(NULL);
	ck_assert_uint_eq(caps()->bounding.count,
			  (unsigned)__builtin_popcountll(ct_caps_known() & ct_caps_bounding()));
}
END_TEST

START_TEST(unknown_capabilities_are_errors)
{
	static const char *const bad[] = { "BOGUS", "", "CAP_", "NET_RAW,KILL", "41x", " KILL" };

	run_add(&run_options.cap_add, "");
	for (int i = 0; i < COUNT(bad); i++) {
		run_options.cap_add.items[0] = bad[i];
		ck_assert_int_eq(ct_run_prepare(&run_options, true, &run_arena, &run_spec,
						&run_meta, &run_err),
				 -EINVAL);
		ck_assert_str_eq(run_err.where, "--cap-add");
	}
	run_options.cap_add.count = 0;
	run_add(&run_options.cap_drop, "BOGUS");
	ck_assert_int_eq(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), -EINVAL);
	ck_assert_str_eq(run_err.where, "--cap-drop");
	ck_assert_ptr_nonnull(strstr(run_err.what, "BOGUS: unknown capability"));
}
END_TEST

START_TEST(sets_of_a_bundle_are_changed_and_not_replaced)
{
	run_bundle(", \"capabilities\": { \"bounding\": [ \"CAP_KILL\", \"CAP_CHOWN\" ], "
		   "\"permitted\": [ \"CAP_KILL\" ], \"inheritable\": [ \"CAP_KILL\" ], "
		   "\"ambient\": [ \"CAP_KILL\" ] }", "");
	run_ok(&run_alice);
	ck_assert_str_eq(bounding(), "CAP_KILL CAP_CHOWN");
	run_add(&run_options.cap_add, "NET_RAW");
	run_ok(&run_alice);
	ck_assert_str_eq(bounding(), "CAP_CHOWN CAP_KILL CAP_NET_RAW");
	ck_assert_str_eq(run_join(&caps()->effective), "CAP_NET_RAW");
	ck_assert_str_eq(run_join(&caps()->permitted), "CAP_KILL CAP_NET_RAW");
	ck_assert_str_eq(run_join(&caps()->inheritable), "CAP_KILL");
	ck_assert_str_eq(run_join(&caps()->ambient), "CAP_KILL");
	run_add(&run_options.cap_drop, "KILL");
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&caps()->ambient), "");
	ck_assert_str_eq(run_join(&caps()->inheritable), "");
	ck_assert_str_eq(run_join(&caps()->permitted), "CAP_NET_RAW");
}
END_TEST

START_TEST(the_default_policy_applies_where_nobody_says_otherwise)
{
	run_ok(&run_alice);
	ck_assert(run_spec->default_seccomp);
	ck_assert_ptr_null(run_spec->linux_.seccomp);
	run_add(&run_options.security_opt, "seccomp=unconfined");
	run_ok(&run_alice);
	ck_assert(!run_spec->default_seccomp);
	ck_assert_ptr_null(run_spec->linux_.seccomp);
	run_options.security_opt.items[0] = "seccomp:unconfined";
	run_ok(&run_alice);
	ck_assert(!run_spec->default_seccomp);
}
END_TEST

START_TEST(a_bundle_has_its_own_policy_or_the_default_one)
{
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert(run_spec->default_seccomp);
	run_bundle("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ALLOW\" }");
	run_ok(&run_alice);
	ck_assert(!run_spec->default_seccomp);
	ck_assert_ptr_nonnull(run_spec->linux_.seccomp);
	run_add(&run_options.security_opt, "seccomp=unconfined");
	run_ok(&run_alice);
	ck_assert_ptr_null(run_spec->linux_.seccomp);
	ck_assert(!run_spec->default_seccomp);
}
END_TEST

START_TEST(a_profile_is_read_from_a_file)
{
	fixture_file("profile.json", "{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [ { "
		     "\"names\": [ \"read\" ], \"action\": \"SCMP_ACT_ALLOW\" } ] }");
	run_add(&run_options.security_opt, ct_arena_printf(&run_arena, "seccomp=%s",
							   run_path("profile.json")));
	run_ok(&run_alice);
	ck_assert(!run_spec->default_seccomp);
	ck_assert_ptr_nonnull(run_spec->linux_.seccomp);
	ck_assert_str_eq(run_spec->linux_.seccomp->default_action, "SCMP_ACT_ERRNO");
	ck_assert_uint_eq(run_spec->linux_.seccomp->rule_count, 1);
	/* It stands under --privileged too. */
	run_options.privileged = true;
	run_ok(&run_alice);
	ck_assert_ptr_nonnull(run_spec->linux_.seccomp);
	run_options.security_opt.items[0] = "seccomp=/nope";
	run_bad(ENOENT, "--security-opt: seccomp: cannot open /nope: No such file or directory");
	fixture_file("profile.json", "{ \"defaultAction\": \"BOGUS\" }");
	run_options.security_opt.items[0] = ct_arena_printf(&run_arena, "seccomp=%s",
							    run_path("profile.json"));
	ck_assert_int_lt(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), 0);
	ck_assert_ptr_nonnull(strstr(run_err.where, "profile.json:1:"));
	run_options.security_opt.items[0] = "seccomp=/dev/zero";
	run_bad(EINVAL, "--security-opt: seccomp: /dev/zero: not a regular file");
}
END_TEST

START_TEST(no_new_privileges_is_off_for_a_rootfs_and_the_bundles_for_a_bundle)
{
	static const struct {
		const char *text;
		bool on;
	} cases[] = {
		{ "no-new-privileges", true }, { "no-new-privileges:true", true },
		{ "no-new-privileges=true", true }, { "no-new-privileges:false", false },
		{ "no-new-privileges=false", false },
	};

	run_ok(&run_alice);
	ck_assert(!run_spec->process->no_new_privileges);
	run_bundle(", \"noNewPrivileges\": true", "");
	run_ok(&run_alice);
	ck_assert(run_spec->process->no_new_privileges);
	run_add(&run_options.security_opt, "");
	for (int i = 0; i < COUNT(cases); i++) {
		run_options.security_opt.items[0] = cases[i].text;
		run_ok(&run_alice);
		ck_assert_int_eq(run_spec->process->no_new_privileges, cases[i].on);
	}
}
END_TEST

START_TEST(masks_are_added_and_taken_away)
{
	run_ok(&run_alice);
	ck_assert(has(&run_spec->linux_.masked_paths, "/proc/kcore"));
	ck_assert(has(&run_spec->linux_.readonly_paths, "/proc/sys"));
	run_add(&run_options.security_opt, "mask=/etc/shadow:/a/../b/");
	run_ok(&run_alice);
	ck_assert(has(&run_spec->linux_.masked_paths, "/etc/shadow"));
	ck_assert(has(&run_spec->linux_.masked_paths, "/b"));
	ck_assert(has(&run_spec->linux_.masked_paths, "/proc/kcore"));
	run_add(&run_options.security_opt, "unmask=/proc/kcore:/proc/s*");
	run_ok(&run_alice);
	ck_assert(!has(&run_spec->linux_.masked_paths, "/proc/kcore"));
	ck_assert(has(&run_spec->linux_.masked_paths, "/proc/keys"));
	ck_assert(!has(&run_spec->linux_.readonly_paths, "/proc/sys"));
	ck_assert(has(&run_spec->linux_.readonly_paths, "/proc/bus"));
	/* A star does not reach over a slash. */
	run_add(&run_options.security_opt, "unmask=/*");
	run_ok(&run_alice);
	ck_assert(has(&run_spec->linux_.masked_paths, "/proc/keys"));
	run_add(&run_options.security_opt, "unmask=all");
	run_add(&run_options.security_opt, "mask=/x");
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_spec->linux_.masked_paths), "/x");
	ck_assert_uint_eq(run_spec->linux_.readonly_paths.count, 0);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_options[] = {
	{ "bogus", EINVAL,
	  "--security-opt: unknown option \"bogus\" "
	  "(no-new-privileges seccomp= mask= unmask= apparmor= "
	  "label=)" },
	{ "", EINVAL,
	  "--security-opt: unknown option \"\" (no-new-privileges seccomp= mask= unmask= apparmor= "
	  "label=)" },
	{ "seccomp", EINVAL, "--security-opt: seccomp needs a value: seccomp=..." },
	{ "seccomp=", EINVAL, "--security-opt: seccomp needs a value: seccomp=..." },
	{ "no-new-privileges=", EINVAL,
	  "--security-opt: no-new-privileges needs a value: no-new-privileges=..." },
	{ "no-new-privileges=x", EINVAL,
	  "--security-opt: no-new-privileges: must be true or false, not \"x\"" },
	{ "mask=proc", EINVAL, "--security-opt: mask: must be absolute paths, not \"proc\"" },
	{ "unmask=/proc:", EINVAL, "--security-opt: unmask: must be absolute paths, not \"\"" },
	{ "apparmor=docker-default", ENOTSUP,
	  "--security-opt: AppArmor profile \"docker-default\" asked but "
	  "not available in this version "
	  "(apparmor=unconfined)" },
	{ "label=type:x_t", ENOTSUP,
	  "--security-opt: SELinux label \"type:x_t\" asked but not available in this version "
	  "(label=disable)" },
	{ "label:type:x_t", ENOTSUP,
	  "--security-opt: SELinux label \"type:x_t\" asked but not available in this version "
	  "(label=disable)" },
	{ "systempaths=x", EINVAL, "--security-opt: systempaths must be unconfined, not \"x\"" },
};

START_TEST(unknown_and_unavailable_options_are_errors)
{
	run_add(&run_options.security_opt, bad_options[_i].text);
	run_bad(bad_options[_i].code, bad_options[_i].error);
}
END_TEST

START_TEST(what_is_not_there_can_be_switched_off)
{
	run_add(&run_options.security_opt, "apparmor=unconfined");
	run_add(&run_options.security_opt, "label=disable");
	run_add(&run_options.security_opt, "systempaths=unconfined");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->linux_.masked_paths.count, 0);
	ck_assert_uint_eq(run_meta.security_opt.count, 3);
}
END_TEST

START_TEST(privileged_takes_off_masks_and_filter_and_gives_all_capabilities)
{
	unsigned count = (unsigned)__builtin_popcountll(ct_caps_known());

	run_options.privileged = true;
	run_ok(&run_alice);
	ck_assert(run_meta.privileged);
	ck_assert_uint_eq(caps()->bounding.count, count);
	ck_assert_uint_eq(caps()->effective.count, count);
	ck_assert_uint_eq(run_spec->linux_.masked_paths.count, 0);
	ck_assert_uint_eq(run_spec->linux_.readonly_paths.count, 0);
	ck_assert(!run_spec->default_seccomp);
	run_bundle("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ALLOW\" }, "
		   "\"maskedPaths\": [ \"/proc/kcore\" ]");
	run_add(&run_options.cap_drop, "SYS_ADMIN");
	run_ok(&run_alice);
	ck_assert_ptr_null(run_spec->linux_.seccomp);
	ck_assert(!run_spec->default_seccomp);
	ck_assert_uint_eq(run_spec->linux_.masked_paths.count, 0);
	ck_assert_uint_eq(caps()->bounding.count, count - 1);
}
END_TEST

START_TEST(the_hosts_sys_has_its_kernel_directory_masked)
{
	run_ok(&run_alice);
	ck_assert(!has(&run_spec->linux_.masked_paths, "/sys/kernel"));
	run_options.network = "host";
	run_ok(&run_alice);
	ck_assert(has(&run_spec->linux_.masked_paths, "/sys/kernel"));
	run_add(&run_options.security_opt, "unmask=ALL");
	run_ok(&run_alice);
	ck_assert(!has(&run_spec->linux_.masked_paths, "/sys/kernel"));
}
END_TEST

START_TEST(sysctls_go_into_the_spec_and_are_checked_there)
{
	run_add(&run_options.sysctl, "net.ipv4.ip_forward=1");
	run_add(&run_options.sysctl, "net.ipv4.ip_forward=0");
	run_add(&run_options.sysctl, "kernel.msgmax=65536");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_spec->linux_.sysctl.count, 2);
	ck_assert_str_eq(run_spec->linux_.sysctl.items[0].value, "0");
	run_options.network = "host";
	ck_assert_int_eq(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), -EINVAL);
	run_options.network = NULL;
	run_options.sysctl.items[2] = "kernel.core_pattern=x";
	ck_assert_int_lt(ct_run_prepare(&run_options, true, &run_arena, &run_spec, &run_meta,
					&run_err), 0);
	ck_assert_ptr_nonnull(strstr(run_err.what, "kernel.core_pattern is not per-container"));
	run_options.sysctl.items[2] = "net.x";
	run_bad(EINVAL, "--sysctl: must be KEY=VALUE, not \"net.x\"");
}
END_TEST

Suite *suite_run_security(void);
Suite *suite_run_security(void)
{
	Suite *s = suite_create("run_security");
	TCase *tc = tcase_create("run_security");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, a_rootfs_has_eleven_capabilities);
	tcase_add_test(tc, drops_come_before_adds);
	tcase_add_test(tc, all_is_every_capability_of_the_kernel);
	tcase_add_test(tc, unknown_capabilities_are_errors);
	tcase_add_test(tc, sets_of_a_bundle_are_changed_and_not_replaced);
	tcase_add_test(tc, the_default_policy_applies_where_nobody_says_otherwise);
	tcase_add_test(tc, a_bundle_has_its_own_policy_or_the_default_one);
	tcase_add_test(tc, a_profile_is_read_from_a_file);
	tcase_add_test(tc, no_new_privileges_is_off_for_a_rootfs_and_the_bundles_for_a_bundle);
	tcase_add_test(tc, masks_are_added_and_taken_away);
	tcase_add_loop_test(tc, unknown_and_unavailable_options_are_errors, 0, COUNT(bad_options));
	tcase_add_test(tc, what_is_not_there_can_be_switched_off);
	tcase_add_test(tc, privileged_takes_off_masks_and_filter_and_gives_all_capabilities);
	tcase_add_test(tc, the_hosts_sys_has_its_kernel_directory_masked);
	tcase_add_test(tc, sysctls_go_into_the_spec_and_are_checked_there);
	suite_add_tcase(s, tc);
	return s;
}
