/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that options ask for: -v, --mount, --tmpfs, --device, --shm-size; what they replace, in
 * which order they stand, and what is refused. Nothing is mounted. Runs unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "run_fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A directory of the host to be bound. */
static void setup(void)
{
	run_setup();
	ck_assert_int_eq(mkdirat(fixture_dir(), "src", 0755), 0);
	ck_assert_int_eq(chdir(fixture_path()), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	run_teardown();
}

static void volume(const char *behind)
{
	run_options.volume = (struct ct_strings){ 0 };
	run_add(&run_options.volume, ct_arena_printf(&run_arena, "%s:%s", run_path("src"), behind));
}

static const char *volume_options(const char *options)
{
	volume(ct_arena_printf(&run_arena, "/data%s%s", *options ? ":" : "", options));
	run_ok(&run_alice);
	return run_mount_options("/data");
}

START_TEST(volumes_are_private_recursive_binds)
{
	static const struct {
		const char *options, *expected;
	} cases[] = {
		{ "", "rbind,rprivate" },
		{ "rw", "rbind,rprivate" },
		{ "ro", "rro,rbind,rprivate" },
		{ "ro,z", "rro,rbind,rprivate" },
		{ "Z", "rbind,rprivate" },
		{ "bind,ro", "bind,rro,rprivate" },
		{ "rslave", "rslave,rbind" },
		{ "shared,nosuid,nodev,noexec", "shared,nosuid,nodev,noexec,rbind" },
		{ "private,noatime,nodiratime", "private,noatime,nodiratime,rbind" },
	};

	for (int i = 0; i < COUNT(cases); i++)
		ck_assert_str_eq(volume_options(cases[i].options), cases[i].expected);
	ck_assert_str_eq(run_mount("/data")->type, "bind");
	ck_assert_str_eq(run_mount("/data")->source, run_path("src"));
	ck_assert_uint_eq(run_meta.binds.count, 1);
}
END_TEST

START_TEST(what_was_bound_is_written_down_as_docker_does_it)
{
	const char *source = run_path("src");

	ck_assert_int_eq(chdir(run_path("")), 0);
	run_add(&run_options.volume, "./src:/a//b/:ro,nosuid");
	run_add(&run_options.mount, ct_arena_printf(&run_arena, "type=bind,source=%s,target=/c,readonly",
						    source));
	run_add(&run_options.mount, "type=tmpfs,target=/t");
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.binds.count, 2);
	ck_assert_str_eq(run_meta.binds.items[0], ct_arena_printf(&run_arena, "%s:/a/b:ro,nosuid", source));
	ck_assert_str_eq(run_meta.binds.items[1], ct_arena_printf(&run_arena, "%s:/c:ro", source));
}
END_TEST

START_TEST(relative_sources_start_at_the_current_directory)
{
	char *cwd = get_current_dir_name();

	ck_assert_ptr_nonnull(cwd);
	run_add(&run_options.volume, "./src:/a");
	run_add(&run_options.volume, ".:/b");
	run_add(&run_options.volume, "../../:/c");
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount("/a")->source, ct_arena_printf(&run_arena, "%s/src", cwd));
	ck_assert_str_eq(run_mount("/b")->source, ct_arena_printf(&run_arena, "%s/.", cwd));
	ck_assert_str_eq(run_mount("/c")->source, ct_arena_printf(&run_arena, "%s/../../", cwd));
	free(cwd);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_volumes[] = {
	{ "data:/data", EINVAL,
	  "--volume: data: named volumes are not available in this version "
	  "(a path begins with / or "
	  ".)" },
	{ "/data", EINVAL,
	  "--volume: /data: anonymous volumes are not available in this version "
	  "(SOURCE:/data binds "
	  "a directory, --tmpfs /data is empty memory)" },
	{ "/nope/x:/data", ENOENT,
	  "--volume: /nope/x: No such file or directory (sources are not created: mkdir -p it "
	  "first)" },
	{ "/etc/passwd/x:/data", ENOTDIR, "--volume: /etc/passwd/x: Not a directory" },
	{ ":/data", EINVAL, "--volume: the source is empty" },
	{ ".:data", EINVAL, "--volume: the destination must be an absolute path, not \"data\"" },
	{ ".:", EINVAL, "--volume: the destination must be an absolute path, not \"\"" },
	{ ".:/", EINVAL, "--volume: the destination cannot be /" },
	{ ".:/a/../..//.", EINVAL, "--volume: the destination cannot be /" },
	{ ".:/a:ro:rw", EINVAL,
	  "--volume: must be SOURCE:DESTINATION[:OPTIONS], not \".:/a:ro:rw\"" },
	{ ".:/a:U", EINVAL,
	  "--volume: U would change the owners of the source on the host "
	  "(chown it yourself, or map "
	  "your own id with --userns=keep-id)" },
	{ ".:/a:O", EINVAL,
	  "--volume: O (an overlay on a volume) is not available in this version" },
	{ ".:/a:ro,bogus", EINVAL,
	  "--volume: unknown option \"bogus\" (ro rw bind rbind nosuid nodev noexec noatime "
	  "[r]private [r]shared [r]slave z Z)" },
	{ ".:/a:ro,rw", EINVAL, "--volume: \"rw\" after another option of its kind" },
	{ ".:/a:ro,ro", EINVAL, "--volume: \"ro\" after another option of its kind" },
	{ ".:/a:private,rslave", EINVAL, "--volume: \"rslave\" after another option of its kind" },
};

START_TEST(malformed_volumes_are_refused)
{
	run_add(&run_options.volume, bad_volumes[_i].text);
	run_bad(bad_volumes[_i].code, bad_volumes[_i].error);
}
END_TEST

START_TEST(two_mounts_at_one_place_are_refused)
{
	volume("/data");
	run_add(&run_options.tmpfs, "/x/..//data/");
	run_bad(EINVAL, "--tmpfs: two mounts at /data");
}
END_TEST

/* Destinations in their order. */
static const char *order(void)
{
	const char *text = "";

	for (size_t i = 0; i < run_spec->mounts.count; i++)
		text = ct_arena_printf(&run_arena, "%s %s", text,
				       run_spec->mounts.items[i].destination);
	return text;
}

START_TEST(parents_are_mounted_before_what_lies_below)
{
	run_add(&run_options.volume, ".:/a/b/c");
	run_add(&run_options.volume, ".:/z");
	run_add(&run_options.mount, "type=bind,src=.,dst=/a/b");
	run_add(&run_options.tmpfs, "/a");
	run_add(&run_options.tmpfs, "/b");
	run_ok(&run_alice);
	ck_assert_str_eq(order(), " /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup "
			 "/z /a /b /a/b /a/b/c");
}
END_TEST

START_TEST(a_mount_replaces_the_default_at_its_place_and_what_it_hides)
{
	volume("/dev/shm/");
	run_ok(&run_alice);
	ck_assert_str_eq(order(), " /proc /dev /dev/pts /dev/mqueue /sys /sys/fs/cgroup /dev/shm");
	ck_assert_str_eq(run_mount("/dev/shm")->type, "bind");
	volume("/dev");
	run_ok(&run_alice);
	ck_assert_str_eq(order(), " /proc /sys /sys/fs/cgroup /dev");
	/* A bundle's mounts are its own: only the one at the same place goes. */
	run_bundle("", "}, \"mounts\": [ { \"destination\": \"/a\", \"type\": \"tmpfs\" }, "
		   "{ \"destination\": \"/a/b\", \"type\": \"tmpfs\" } ], \"annotations\": { ");
	volume("/a");
	run_ok(&run_alice);
	ck_assert_str_eq(order(), " /a/b /a");
}
END_TEST

START_TEST(mount_has_dockers_keys)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "type=bind,source=.,target=/m", "rbind,rprivate" },
		{ "type=bind,src=.,dst=/m,readonly", "rbind,rro,rprivate" },
		{ "destination=/m,ro=true,type=bind,source=.", "rbind,rro,rprivate" },
		{ "type=bind,src=.,dst=/m,ro=0", "rbind,rprivate" },
		{ "type=bind,src=.,dst=/m,bind-propagation=rslave", "rbind,rslave" },
		{ "type=bind,src=.,dst=/m,bind-recursive=disabled,ro", "bind,ro,rprivate" },
		{ "type=bind,src=.,dst=/m,bind-nonrecursive", "bind,rprivate" },
		{ "type=bind,src=.,dst=/m,bind-recursive=writable,ro", "rbind,ro,rprivate" },
		{ "type=bind,src=.,dst=/m,bind-recursive=readonly,ro", "rbind,rro,rprivate" },
		{ "type=bind,src=.,dst=/x,dst=/m", "rbind,rprivate" },
		{ "type=tmpfs,dst=/m", "nosuid,nodev,noexec" },
		{ "type=tmpfs,dst=/m,tmpfs-size=64m,tmpfs-mode=1770,ro",
		  "nosuid,nodev,noexec,ro,size=67108864,mode=1770" },
	};

	run_add(&run_options.mount, "");
	for (int i = 0; i < COUNT(cases); i++) {
		run_options.mount.items[0] = cases[i].text;
		run_ok(&run_alice);
		ck_assert_str_eq(run_mount_options("/m"), cases[i].expected);
	}
}
END_TEST

START_TEST(fields_of_mount_may_be_quoted)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), "a,\"b", 0755), 0);
	run_add(&run_options.mount, ct_arena_printf(&run_arena,
		"type=bind,\"source=%s/a,\"\"b\",\"target=/m,n\"", fixture_path()));
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount("/m,n")->source, run_path("a,\"b"));
	run_options.mount.items[0] = "type=bind,\"source=.";
	run_bad(EINVAL, "--mount: a quoted field has no end");
	run_options.mount.items[0] = "type=bind,\"source=.\"x";
	run_bad(EINVAL, "--mount: text behind the end of a quoted field");
}
END_TEST

#define KEYS " (type source target readonly bind-propagation bind-recursive tmpfs-size tmpfs-mode)"

static const struct {
	const char *text, *error;
} bad_mounts[] = {
	{ "src=.,dst=/m",
	  "--mount: volumes are not available in this version (type=bind or type=tmpfs)" },
	{ "type=volume,src=x,dst=/m",
	  "--mount: volumes are not available in this version (type=bind or type=tmpfs)" },
	{ "type=image,src=x,dst=/m",
	  "--mount: type \"image\" is not available in this version (type=bind or type=tmpfs)" },
	{ "type=bind,src=.", "--mount: needs a target" },
	{ "type=bind,dst=/m", "--mount: type=bind needs a source" },
	{ "type=bind,src=,dst=/m", "--mount: \"src\": needs a value" },
	{ "type,dst=/m", "--mount: \"type\": needs a value" },
	{ "type=bind,src=.,dst=m", "--mount: the destination must be an absolute path, not \"m\"" },
	{ "type=bind,bogus=1", "--mount: \"bogus\": unknown key" KEYS },
	{ "", "--mount: \"\": unknown key" KEYS },
	{ "type=bind,src=.,dst=/m,", "--mount: \"\": unknown key" KEYS },
	{ "type=bind,src=.,dst=/m,ro=maybe",
	  "--mount: \"ro\": must be true or false, not \"maybe\"" },
	{ "type=bind,src=.,dst=/m,bind-propagation=x",
	  "--mount: bind-propagation must be [r]private, [r]slave or [r]shared, not \"x\"" },
	{ "type=bind,src=.,dst=/m,bind-recursive=x",
	  "--mount: bind-recursive must be enabled, disabled, writable or readonly, not \"x\"" },
	{ "type=bind,src=.,dst=/m,bind-recursive=readonly",
	  "--mount: bind-recursive=readonly needs readonly" },
	{ "type=bind,src=.,dst=/m,tmpfs-size=1",
	  "--mount: tmpfs-size and tmpfs-mode are for type=tmpfs" },
	{ "type=tmpfs,src=.,dst=/m", "--mount: source and bind- keys are for type=bind" },
	{ "type=tmpfs,dst=/m,tmpfs-mode=9",
	  "--mount: tmpfs-mode: must be an octal mode 0...7777, not \"9\"" },
	{ "type=bind,src=foo,dst=/m",
	  "--mount: foo: named volumes are not available in this version (a path begins with / or "
	  ".)" },
};

START_TEST(malformed_mounts_are_refused)
{
	run_add(&run_options.mount, bad_mounts[_i].text);
	run_bad(EINVAL, bad_mounts[_i].error);
}
END_TEST

START_TEST(a_tmpfs_has_dockers_defaults_and_takes_options)
{
	run_add(&run_options.tmpfs, "/t");
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/t"), "nosuid,nodev,noexec");
	ck_assert_str_eq(run_mount("/t")->type, "tmpfs");
	run_options.tmpfs.items[0] = "/t:";
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/t"), "nosuid,nodev,noexec");
	run_options.tmpfs.items[0] = "/t:exec,size=64m,mode=1777,uid=5,tmpcopyup";
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/t"),
			 "nosuid,nodev,noexec,exec,size=64m,mode=1777,uid=5,tmpcopyup");
	run_options.tmpfs.items[0] = "/t:bogus=1";
	run_bad(EINVAL,
		"--tmpfs: unknown option \"bogus=1\" (size= mode= uid= gid= nr_inodes= ro exec "
		"suid dev ...)");
	run_options.tmpfs.items[0] = "/t:size=";
	run_bad(EINVAL,
		"--tmpfs: unknown option \"size=\" (size= mode= uid= gid= nr_inodes= ro exec "
		"suid dev ...)");
	run_options.tmpfs.items[0] = "t";
	run_bad(EINVAL, "--tmpfs: the destination must be an absolute path, not \"t\"");
}
END_TEST

START_TEST(devices_are_bound)
{
	static const char *const texts[] = {
		"/dev/null", "/dev/null:rw", "/dev/null:rwm", "/dev/null:/dev/null",
		"/dev/null:/dev/null:rwm",
	};

	run_add(&run_options.device, "");
	for (int i = 0; i < COUNT(texts); i++) {
		run_options.device.items[0] = texts[i];
		run_ok(&run_alice);
		ck_assert_str_eq(run_mount("/dev/null")->source, "/dev/null");
		ck_assert_str_eq(run_mount_options("/dev/null"), "rbind,rprivate,nosuid,noexec");
	}
	run_options.device.items[0] = "/dev/zero:/dev/my/zero:rw";
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount("/dev/my/zero")->source, "/dev/zero");
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *error;
} bad_devices[] = {
	{ "null", EINVAL, "--device: must be /dev/HOST[:/dev/CONTAINER[:rwm]], not \"null\"" },
	{ "/dev/null:/a:rw:x", EINVAL,
	  "--device: must be /dev/HOST[:/dev/CONTAINER[:rwm]], not \"/dev/null:/a:rw:x\"" },
	{ "/dev/null:/a:rx", EINVAL,
	  "--device: must be /dev/HOST[:/dev/CONTAINER[:rwm]], not \"/dev/null:/a:rx\"" },
	{ "/dev/null:a", EINVAL,
	  "--device: the destination must be an absolute path, not \"a\"" },
	{ "/dev/nope", ENOENT, "--device: /dev/nope: No such file or directory" },
	{ "/etc/passwd", ENODEV, "--device: /etc/passwd is not a device" },
	{ "/dev/null:r", EINVAL,
	  "--device: permissions \"r\" cannot be enforced without a device cgroup (the mode of "
	  "/dev/null on the host applies; leave them out)" },
};

START_TEST(malformed_devices_are_refused)
{
	run_add(&run_options.device, bad_devices[_i].text);
	run_bad(bad_devices[_i].code, bad_devices[_i].error);
}
END_TEST

START_TEST(shared_memory_has_the_size_that_is_asked_for)
{
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/dev/shm"),
			 "nosuid,noexec,nodev,mode=1777,size=65536k");
	run_options.shm_size = "2m";
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/dev/shm"),
			 "nosuid,noexec,nodev,mode=1777,size=2097152");
	run_bundle("", "");
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/dev/shm"),
			 "nosuid,noexec,nodev,mode=1777,size=2097152");
	run_options.shm_size = "0";
	run_options.operand = run_path("root");
	run_bad(ERANGE, "--shm-size: must be more than 0");
	run_options.shm_size = "1m";
	run_options.ipc = "host";
	run_bad(EINVAL, "--shm-size: the container shares the host's /dev/shm");
}
END_TEST

START_TEST(with_the_hosts_namespaces_the_hosts_directories_are_bound)
{
	run_options.ipc = "host";
	run_options.cgroupns = "host";
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount("/dev/shm")->type, "bind");
	ck_assert_str_eq(run_mount("/dev/shm")->source, "/dev/shm");
	if (access("/dev/mqueue", F_OK) == 0)
		ck_assert_str_eq(run_mount("/dev/mqueue")->type, "bind");
	else
		ck_assert_ptr_null(run_mount("/dev/mqueue"));
	ck_assert_str_eq(run_mount_options("/sys/fs/cgroup"),
			 "rbind,rprivate,nosuid,nodev,noexec,rro");
}
END_TEST

START_TEST(a_privileged_container_may_write_to_sys)
{
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/sys"), "nosuid,noexec,nodev,ro");
	run_options.privileged = true;
	run_ok(&run_alice);
	ck_assert_str_eq(run_mount_options("/sys"), "nosuid,noexec,nodev,rw");
	ck_assert_str_eq(run_mount_options("/sys/fs/cgroup"), "nosuid,noexec,nodev,relatime,rw");
}
END_TEST

START_TEST(terminals_belong_to_group_5_where_it_is_mapped)
{
	run_ok(&run_alice);
	ck_assert_ptr_nonnull(strstr(run_mount_options("/dev/pts"), "gid=5"));
	run_ok(&run_bob);
	ck_assert_ptr_null(strstr(run_mount_options("/dev/pts"), "gid="));
	run_ok(NULL);
	ck_assert_ptr_nonnull(strstr(run_mount_options("/dev/pts"), "gid=5"));
}
END_TEST

Suite *suite_run_mounts(void);
Suite *suite_run_mounts(void)
{
	Suite *s = suite_create("run_mounts");
	TCase *tc = tcase_create("run_mounts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, volumes_are_private_recursive_binds);
	tcase_add_test(tc, what_was_bound_is_written_down_as_docker_does_it);
	tcase_add_test(tc, relative_sources_start_at_the_current_directory);
	tcase_add_loop_test(tc, malformed_volumes_are_refused, 0, COUNT(bad_volumes));
	tcase_add_test(tc, two_mounts_at_one_place_are_refused);
	tcase_add_test(tc, parents_are_mounted_before_what_lies_below);
	tcase_add_test(tc, a_mount_replaces_the_default_at_its_place_and_what_it_hides);
	tcase_add_test(tc, mount_has_dockers_keys);
	tcase_add_test(tc, fields_of_mount_may_be_quoted);
	tcase_add_loop_test(tc, malformed_mounts_are_refused, 0, COUNT(bad_mounts));
	tcase_add_test(tc, a_tmpfs_has_dockers_defaults_and_takes_options);
	tcase_add_test(tc, devices_are_bound);
	tcase_add_loop_test(tc, malformed_devices_are_refused, 0, COUNT(bad_devices));
	tcase_add_test(tc, shared_memory_has_the_size_that_is_asked_for);
	tcase_add_test(tc, with_the_hosts_namespaces_the_hosts_directories_are_bound);
	tcase_add_test(tc, a_privileged_container_may_write_to_sys);
	tcase_add_test(tc, terminals_belong_to_group_5_where_it_is_mapped);
	suite_add_tcase(s, tc);
	return s;
}
