/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of "run": each option as the files that it sets, what they do to those of a bundle, and
 * every refusal word for word. A block device is whichever the host has. Runs unprivileged.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <check.h>

#include "container/run_parts.h"

#include "run_fixture.h"

Suite *suite_run_resources(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* All settings of what was prepared but the default limit of processes, as "FILE=VALUE"; "?" behind
 * what is best effort. */
static const char *settings(void)
{
	struct ct_cgroup_settings all;
	struct ct_strings warnings = { 0 };
	const char *text = "";

	ck_assert_int_eq(ct_resources_settle(&run_arena, run_spec, &run_meta, &all,
					     &warnings, &run_err), 0);
	for (size_t i = 0; i < all.count; i++) {
		const struct ct_cgroup_setting *s = &all.items[i];

		if (!strcmp(s->file, "pids.max") && !strcmp(s->value, "2048") && s->best_effort)
			continue;
		text = ct_arena_printf(&run_arena, "%s%s%s=%s%s", text, *text ? "; " : "", s->file,
				       s->value, s->best_effort ? "?" : "");
	}
	return text;
}

/* "--cpus=1.5" into the member of its option. */
static void give(const char *option)
{
	struct ct_resource_options *r = &run_options.resources;
	const struct {
		const char *name;
		const char **text;
		struct ct_strings *list;
	} all[] = {
		{ "memory", &r->memory, NULL },
		{ "memory-reservation", &r->memory_reservation, NULL },
		{ "memory-swap", &r->memory_swap, NULL },
		{ "memory-swappiness", &r->memory_swappiness, NULL },
		{ "cpus", &r->cpus, NULL },
		{ "cpu-shares", &r->cpu_shares, NULL },
		{ "cpu-period", &r->cpu_period, NULL },
		{ "cpu-quota", &r->cpu_quota, NULL },
		{ "cpuset-cpus", &r->cpuset_cpus, NULL },
		{ "cpuset-mems", &r->cpuset_mems, NULL },
		{ "pids-limit", &r->pids_limit, NULL },
		{ "blkio-weight", &r->blkio_weight, NULL },
		{ "blkio-weight-device", NULL, &r->blkio_weight_device },
		{ "device-read-bps", NULL, &r->device_read_bps },
		{ "device-write-bps", NULL, &r->device_write_bps },
		{ "device-read-iops", NULL, &r->device_read_iops },
		{ "device-write-iops", NULL, &r->device_write_iops },
		{ "cgroup-conf", NULL, &r->cgroup_conf },
		{ "cgroups", &run_options.cgroups, NULL },
		{ "cgroup-parent", &run_options.cgroup_parent, NULL },
		{ "device-cgroup-rule", NULL, &run_options.device_cgroup_rule },
	};
	size_t length = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strlen(all[i].name) != length || strncmp(all[i].name, option, length))
			continue;
		if (all[i].list)
			run_add(all[i].list, option + length + 1);
		else
			*all[i].text = option + length + 1;
		return;
	}
	ck_abort_msg("unknown option %s", option);
}

/* Options separated by single blanks; a "~" stands for a blank of a value. */
static void give_all(const char *options)
{
	struct ct_strings words;

	ck_assert_int_eq(ct_run_split(&run_arena, options, ' ', &words), 0);
	for (size_t i = 0; *options && i < words.count; i++) {
		char *word = ct_arena_strdup(&run_arena, words.items[i]);

		for (char *s = word; *s; s++)
			if (*s == '~')
				*s = ' ';
		give(word);
	}
}

static const struct {
	const char *options, *settings;
} good[] = {
	{ "", "" },
	{ "memory=64m", "memory.max=67108864; memory.swap.max=67108864?" },
	{ "memory=6m", "memory.max=6291456; memory.swap.max=6291456?" },
	{ "memory=6000000000000000000", "memory.max=6000000000000000000; memory.swap.max=max?" },
	{ "memory=64m memory-swap=0", "memory.max=67108864; memory.swap.max=67108864?" },
	{ "memory=64m memory-swap=64m", "memory.max=67108864; memory.swap.max=0" },
	{ "memory=64m memory-swap=96m", "memory.max=67108864; memory.swap.max=33554432" },
	{ "memory=64m memory-swap=-1", "memory.max=67108864; memory.swap.max=max?" },
	{ "memory-swap=-1", "memory.swap.max=max?" },
	{ "memory=0", "memory.max=max?; memory.swap.max=max?" },
	{ "memory=-1", "memory.max=max?; memory.swap.max=max?" },
	{ "memory-reservation=32m", "memory.low=33554432" },
	{ "memory-reservation=0", "" },
	{ "memory=64m memory-reservation=64m",
	  "memory.max=67108864; memory.swap.max=67108864?; memory.low=67108864" },
	{ "memory-swappiness=-1", "" },
	{ "cpus=1.5", "cpu.max=150000 100000" },
	{ "cpus=0.01", "cpu.max=1000 100000" },
	{ "cpus=.5", "cpu.max=50000 100000" },
	{ "cpus=2", "cpu.max=200000 100000" },
	{ "cpus=1.23456789", "cpu.max=123456 100000" },
	{ "cpus=100000", "cpu.max=10000000000 100000" },
	{ "cpus=0", "cpu.max=max 100000?" },
	{ "cpus=0.000", "cpu.max=max 100000?" },
	{ "cpu-quota=1000", "cpu.max=1000 100000" },
	{ "cpu-quota=50000 cpu-period=200000", "cpu.max=50000 200000" },
	{ "cpu-quota=-1", "cpu.max=max 100000?" },
	{ "cpu-quota=0", "cpu.max=max 100000?" },
	{ "cpu-period=1000", "cpu.max=max 1000?" },
	{ "cpu-period=0", "" },
	{ "cpu-shares=1024", "cpu.weight=100" },
	{ "cpu-shares=0", "" },
	{ "cpuset-cpus=0-1,3", "cpuset.cpus=0-1,3" },
	{ "cpuset-cpus= cpuset-mems=0", "cpuset.mems=0" },
	{ "pids-limit=20", "pids.max=20" },
	{ "pids-limit=0", "pids.max=max?" },
	{ "pids-limit=-1", "pids.max=max?" },
	{ "pids-limit=2048", "pids.max=2048" },
	{ "blkio-weight=10", "io.bfq.weight=10" },
	{ "blkio-weight=0", "" },
	{ "cgroup-conf=memory.high=32m", "memory.high=32m" },
	{ "cgroup-conf=memory.max=max", "memory.max=max" },
	{ "cgroup-conf=io.max=8:0~rbps=1 cgroup-conf=pids.max=9 cgroup-conf=io.max=8:0~rbps=2",
	  "io.max=8:0 rbps=2; pids.max=9" },
	{ "cgroups=disabled memory=0 pids-limit=-1", "" },
};

START_TEST(options_become_files)
{
	give_all(good[_i].options);
	run_ok(&run_alice);
	ck_assert_str_eq(settings(), good[_i].settings);
}
END_TEST

/* What a container is started with later has been written and read again. */
START_TEST(what_options_set_survives_the_record)
{
	struct ct_buf ct_autobuf text = { 0 };
	const char *before;

	give_all(good[_i].options);
	run_ok(&run_alice);
	before = settings();
	ck_assert_int_eq(ct_spec_write(run_spec, &text, &run_err), 0);
	ck_assert_int_eq(ct_spec_parse(&run_arena, "config.json", ct_buf_text(&text), text.length,
				       &run_spec, &run_err), 0);
	run_spec->linux_.resources.swap_by_default = run_meta.swap_by_default;
	ck_assert_str_eq(settings(), before);
}
END_TEST

static const struct {
	const char *options;
	int code;
	const char *error;
} bad[] = {
	{ "memory=5m", ERANGE, "--memory: the minimum memory limit is 6m, not 5242880 bytes" },
	{ "memory=1x", EINVAL, "--memory: must be a size in bytes or with b, k, m, g or t, such as "
	  "64m, not \"1x\"" },
	{ "memory=", EINVAL, "--memory: must be a size in bytes or with b, k, m, g or t, such as "
	  "64m, not \"\"" },
	{ "memory=-2", EINVAL, "--memory: must be a size in bytes or with b, k, m, g or t, such as "
	  "64m, not \"-2\"" },
	{ "memory=8388608t", ERANGE, "--memory: must be a size below 8 EiB, not \"8388608t\"" },
	{ "memory-swap=1g", EINVAL, "--memory-swap: is memory and swap together, so it needs a "
	  "memory limit (give --memory, too)" },
	{ "memory=-1 memory-swap=1g", EINVAL, "--memory-swap: is memory and swap together, so it "
	  "needs a memory limit (give --memory, too)" },
	{ "memory=64m memory-swap=32m", EINVAL, "--memory-swap: is memory and swap together, and "
	  "less than the memory limit of 67108864 bytes" },
	{ "memory-swap=-2", EINVAL, "--memory-swap: must be a size in bytes or with b, k, m, g or "
	  "t, such as 64m, not \"-2\"" },
	{ "memory-reservation=1m", ERANGE, "--memory-reservation: the minimum memory reservation "
	  "is 6m, not 1048576 bytes" },
	{ "memory-reservation=-1", EINVAL, "--memory-reservation: must be a size in bytes or with "
	  "b, k, m, g or t, such as 64m, not \"-1\"" },
	{ "memory=64m memory-reservation=65m", EINVAL, "--memory-reservation: the reservation "
	  "(68157440 bytes) is above the memory limit (67108864 bytes)" },
	{ "memory-swappiness=60", ENOTSUP, "--memory-swappiness: has no equivalent in cgroup v2 "
	  "(leave it out, or go without it by --cgroups=best-effort)" },
	{ "memory-swappiness=101", ERANGE, "--memory-swappiness: must be -1...100, not \"101\"" },
	{ "cpus=x", EINVAL, "--cpus: must be a number of processors such as 1.5, not \"x\"" },
	{ "cpus=", EINVAL, "--cpus: must be a number of processors such as 1.5, not \"\"" },
	{ "cpus=.", EINVAL, "--cpus: must be a number of processors such as 1.5, not \".\"" },
	{ "cpus=1.", EINVAL, "--cpus: must be a number of processors such as 1.5, not \"1.\"" },
	{ "cpus=-1", EINVAL, "--cpus: must be a number of processors such as 1.5, not \"-1\"" },
	{ "cpus=1.5.5", EINVAL, "--cpus: must be a number of processors such as 1.5, not \"1.5.5\"" },
	{ "cpus=0.009", ERANGE, "--cpus: must be 0.01...100000, or 0 for no limit, not \"0.009\"" },
	{ "cpus=0.000000001", ERANGE, "--cpus: must be 0.01...100000, or 0 for no limit, not "
	  "\"0.000000001\"" },
	{ "cpus=100000.01", ERANGE, "--cpus: must be 0.01...100000, or 0 for no limit, not "
	  "\"100000.01\"" },
	{ "cpus=99999999999999999999", ERANGE, "--cpus: must be 0.01...100000, or 0 for no limit, "
	  "not \"99999999999999999999\"" },
	{ "cpus=1 cpu-quota=1000", EINVAL, "--cpus: conflicting options: --cpus and --cpu-quota "
	  "cannot both be set" },
	{ "cpus=1 cpu-period=1000", EINVAL, "--cpus: conflicting options: --cpus and --cpu-period "
	  "cannot both be set" },
	{ "cpu-quota=999", ERANGE, "--cpu-quota: must be at least 1000 microseconds, or -1 for no "
	  "limit, not 999" },
	{ "cpu-period=999", ERANGE, "--cpu-period: must be 1000...1000000, not \"999\"" },
	{ "cpu-shares=-1", EINVAL, "--cpu-shares: must be 0...9223372036854775807, not \"-1\"" },
	{ "cpuset-cpus=3-1", EINVAL, "--cpuset-cpus: must be a list such as 0-3,7, not \"3-1\"" },
	{ "cpuset-mems=0,", EINVAL, "--cpuset-mems: must be a list such as 0-3,7, not \"0,\"" },
	{ "pids-limit=-2", ERANGE, "--pids-limit: must be -1...9223372036854775807, not \"-2\"" },
	{ "blkio-weight=9", ERANGE, "--blkio-weight: must be 10...1000, not \"9\"" },
	{ "blkio-weight-device=/dev/null:10", ENOTBLK, "--blkio-weight-device: /dev/null is not a "
	  "block device (lsblk lists them)" },
	{ "blkio-weight-device=/dev/null:5", ERANGE, "--blkio-weight-device: /dev/null: must be "
	  "10...1000, not \"5\"" },
	{ "device-read-bps=/dev/null", EINVAL, "--device-read-bps: must be /dev/DEVICE:SIZE, not "
	  "\"/dev/null\"" },
	{ "device-read-bps=sda:1m", EINVAL, "--device-read-bps: must be /dev/DEVICE:SIZE, not "
	  "\"sda:1m\"" },
	{ "device-write-bps=/dev/null:", EINVAL, "--device-write-bps: must be /dev/DEVICE:SIZE, "
	  "not \"/dev/null:\"" },
	{ "device-read-iops=/dev/nowhere:1", ENOENT, "--device-read-iops: /dev/nowhere: No such "
	  "file or directory" },
	{ "device-write-iops=/dev/null:1m", EINVAL, "--device-write-iops: /dev/null: must be "
	  "0...18446744073709551615, not \"1m\"" },
	{ "cgroup-conf=memory.high", EINVAL, "--cgroup-conf: must be KEY=VALUE, such as "
	  "memory.high=32m, not \"memory.high\"" },
	{ "cgroup-conf==1", EINVAL, "--cgroup-conf: must be KEY=VALUE, such as memory.high=32m, "
	  "not \"=1\"" },
	{ "cgroup-conf=memory.high=", EINVAL, "--cgroup-conf: must be KEY=VALUE, such as "
	  "memory.high=32m, not \"memory.high=\"" },
	{ "cgroup-conf=../memory.max=1", EINVAL, "--cgroup-conf ../memory.max: \"../memory.max\" is "
	  "no name of a cgroup file" },
	{ "cgroup-conf=cgroup.procs=1", EPERM, "--cgroup-conf cgroup.procs: cgroup.procs sets no "
	  "limit (cattach pause, kill and exec do what it is for)" },
	{ "cgroups=on", EINVAL, "--cgroups: must be enabled, disabled, no-monitor or best-effort, "
	  "not \"on\"" },
	{ "cgroups=disabled cpus=1", EINVAL, "--cpus: there are no limits without a cgroup (leave "
	  "out --cgroups=disabled, or the limit)" },
	{ "cgroups=disabled cgroup-parent=x", EINVAL, "--cgroup-parent: there is no cgroup with "
	  "--cgroups=disabled" },
	{ "cgroup-parent=", EINVAL, "--cgroup-parent: is empty" },
	{ "cgroup-parent=a/../../b", EPERM, "--cgroup-parent: a/../../b is outside the delegated "
	  "cgroup" },
	{ "device-cgroup-rule=c~1:3~rwm", EPERM, "--device-cgroup-rule: only root can have device "
	  "rules enforced, and a container of yours has no devices but those that you give it "
	  "(--device gives it one)" },
};

START_TEST(what_cannot_be_is_refused_by_the_option)
{
	give_all(bad[_i].options);
	run_bad(bad[_i].code, bad[_i].error);
}
END_TEST

START_TEST(the_oom_killer_stays)
{
	run_options.resources.oom_kill_disable = true;
	run_bad(ENOTSUP, "--oom-kill-disable: has no equivalent in cgroup v2 (leave it out, or go "
		"without it by --cgroups=best-effort)");
}
END_TEST

/* ---- over a bundle ---- */

static const struct {
	const char *resources, *options, *settings;
} bundles[] = {
	{ "\"memory\": { \"limit\": 67108864 }", "", "memory.max=67108864" },
	{ "\"memory\": { \"limit\": 67108864 }", "memory=128m",
	  "memory.max=134217728; memory.swap.max=134217728?" },
	{ "\"memory\": { \"limit\": 67108864, \"swap\": 134217728 }", "memory=128m",
	  "memory.max=134217728; memory.swap.max=0" },
	{ "\"memory\": { \"limit\": 67108864, \"swap\": -1 }", "memory=128m",
	  "memory.max=134217728; memory.swap.max=max?" },
	{ "\"memory\": { \"limit\": 67108864, \"swap\": 67108864 }", "memory=-1",
	  "memory.max=max?; memory.swap.max=max?" },
	{ "\"memory\": { \"limit\": 67108864 }", "memory-swap=67108864",
	  "memory.max=67108864; memory.swap.max=0" },
	{ "\"cpu\": { \"quota\": 1000, \"period\": 5000 }", "cpus=1", "cpu.max=100000 100000" },
	{ "\"cpu\": { \"quota\": 1000, \"period\": 5000 }", "cpu-quota=2000", "cpu.max=2000 5000" },
	{ "\"cpu\": { \"shares\": 1024, \"cpus\": \"0\" }", "cpu-shares=0 cpuset-cpus=",
	  "cpu.weight=100; cpuset.cpus=0" },
	{ "\"pids\": { \"limit\": 5 }", "", "pids.max=5" },
	{ "\"pids\": { \"limit\": 5 }", "pids-limit=0", "pids.max=max?" },
	{ "\"unified\": { \"memory.high\": \"1\", \"pids.max\": \"5\" }", "cgroup-conf=memory.high=2",
	  "memory.high=2; pids.max=5" },
	{ "\"memory\": { \"swappiness\": 1, \"limit\": 67108864 }", "cgroups=best-effort",
	  "memory.max=67108864" },
};

START_TEST(options_come_over_what_a_bundle_has)
{
	run_bundle("", ct_arena_printf(&run_arena, ", \"resources\": { %s }",
				       bundles[_i].resources));
	give_all(bundles[_i].options);
	run_ok(NULL);
	ck_assert_str_eq(settings(), bundles[_i].settings);
}
END_TEST

START_TEST(a_limit_of_both_in_the_bundle_is_in_the_way)
{
	run_bundle("", ", \"resources\": { \"memory\": { \"limit\": 7000000, \"swap\": 8000000 } }");
	give("memory=64m");
	run_bad(EINVAL, "--memory: is above the limit of memory and swap together, which is 8000000 "
		"bytes already (give --memory-swap, too)");
}
END_TEST

START_TEST(a_default_limit_of_both_follows_the_memory)
{
	struct ct_cgroup_resources r = {
		.memory = 7000000, .swap = 14000000, .swap_by_default = true,
	};
	const struct ct_resource_options more = { .memory = "64m" };

	ck_assert_int_eq(ct_resources_from_options(&run_arena, &more, &r, &run_err), 0);
	ck_assert_int_eq(r.memory, 64 << 20);
	ck_assert_int_eq(r.swap, 128 << 20);
	ck_assert(r.swap_by_default);
}
END_TEST

START_TEST(a_failure_changes_nothing)
{
	struct ct_cgroup_resources r = { .memory = 7000000, .quota = 5000 }, before = r;
	const struct ct_resource_options wrong = { .memory = "64m", .cpus = "2", .pids_limit = "x" };

	ck_assert_int_eq(ct_resources_from_options(&run_arena, &wrong, &r, &run_err), -EINVAL);
	ck_err(&run_err, EINVAL, "--pids-limit: must be -1...9223372036854775807, not \"x\"");
	ck_assert_mem_eq(&r, &before, sizeof(r));
}
END_TEST

START_TEST(an_option_is_known_for_what_it_set_alone)
{
	run_bundle("", ", \"resources\": { \"pids\": { \"limit\": 5 } }");
	give("cpus=1");
	run_ok(NULL);
	ck_assert_str_eq(ct_resources_option(&run_spec->linux_.resources,
					     "linux.resources.cpu.quota"), "--cpus");
	ck_assert_ptr_null(ct_resources_option(&run_spec->linux_.resources,
					       "linux.resources.pids.limit"));
}
END_TEST

/* ---- where, devices ---- */

START_TEST(modes_are_recorded)
{
	run_ok(&run_alice);
	ck_assert_ptr_null(run_meta.cgroups);
	give("cgroups=no-conmon");
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.cgroups, "no-monitor");
	give("cgroups=enabled");
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.cgroups, "enabled");
}
END_TEST

START_TEST(the_parent_is_the_options_before_the_bundles)
{
	run_bundle("", ", \"cgroupsPath\": \"theirs\"");
	run_ok(NULL);
	ck_assert_str_eq(run_spec->linux_.cgroups_path, "theirs");
	give("cgroup-parent=jobs/..nightly");
	run_ok(NULL);
	ck_assert_str_eq(run_spec->linux_.cgroups_path, "jobs/..nightly");
}
END_TEST

/* All rules as "+c1:3rwm". */
static const char *rules(void)
{
	const struct ct_cgroup_resources *r = &run_spec->linux_.resources;
	const char *text = "";

	for (size_t i = 0; i < r->device_count; i++)
		text = ct_arena_printf(&run_arena, "%s%s%c%c%lld:%lld%s", text, i ? " " : "",
				       r->devices[i].allow ? '+' : '-', r->devices[i].type,
				       (long long)r->devices[i].major,
				       (long long)r->devices[i].minor, r->devices[i].access);
	return text;
}

START_TEST(a_rule_makes_a_list_that_denies_all_else)
{
	run_add(&run_options.device, "/dev/zero:/dev/other");
	give("device-cgroup-rule=c 1:3 rwm");
	give("device-cgroup-rule=b *:* r");
	run_ok(NULL);
	ck_assert_str_eq(rules(), "-a-1:-1rwm +c1:5rwm +c1:3rwm +b-1:-1r");
}
END_TEST

START_TEST(a_rule_comes_behind_those_of_the_bundle)
{
	run_bundle("", ", \"resources\": { \"devices\": [ { \"allow\": false, \"access\": \"m\" } ] }");
	give("device-cgroup-rule=a 4294967295:0 mw");
	run_ok(NULL);
	ck_assert_str_eq(rules(), "-a-1:-1m +a4294967295:0mw");
}
END_TEST

START_TEST(a_privileged_container_is_denied_nothing)
{
	run_options.privileged = true;
	give("device-cgroup-rule=c 1:3 rwm");
	run_ok(NULL);
	ck_assert_str_eq(rules(), "+c1:3rwm");
}
END_TEST

static const char *const bad_rules[] = {
	"", "c", "c 1:3", "c 1:3 ", "c 1:3 x", "c 1:3 rwmr", "d 1:3 r", "c1:3 r", "c 1 r", "c :3 r",
	"c 1:-1 r", "c 4294967296:0 r", "c 1:3  r", "c *x:3 r", "c 1:3 r ",
};

START_TEST(malformed_rules_are_refused)
{
	struct ct_err err;
	char line[300];

	give("device-cgroup-rule=c 1:3 r");
	run_add(&run_options.device_cgroup_rule, bad_rules[_i]);
	snprintf(line, sizeof(line), "--device-cgroup-rule: must be TYPE MAJOR:MINOR ACCESS, such "
		 "as \"c 1:3 rwm\", not \"%s\"", bad_rules[_i]);
	ck_assert_int_eq(ct_run_prepare_for(&run_options, NULL, &run_arena, &run_spec, &run_meta,
					    &err), -EINVAL);
	ck_err(&err, EINVAL, line);
}
END_TEST

/* ---- block devices ---- */

/* Any block device of the host, found by its number. */
static bool find_block(char *path, size_t size, struct stat *st)
{
	static const char *const names[] = { "vda", "sda", "nvme0n1", "xvda", "loop0", "dm-0", "ram0" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, size, "/dev/%s", names[i]);
		if (stat(path, st) == 0 && S_ISBLK(st->st_mode))
			return true;
	}
	return false;
}

START_TEST(devices_are_named_by_path_and_set_by_number)
{
	struct stat st;
	char path[64];
	const char *wanted;

	ck_assert(find_block(path, sizeof(path), &st));
	run_add(&run_options.resources.device_read_bps,
		ct_arena_printf(&run_arena, "%s:1mb", path));
	run_add(&run_options.resources.device_read_bps,
		ct_arena_printf(&run_arena, "%s:2mb", path));
	run_add(&run_options.resources.device_write_iops,
		ct_arena_printf(&run_arena, "%s:0", path));
	run_ok(&run_alice);
	wanted = ct_arena_printf(&run_arena, "io.max=%u:%u rbps=2097152; io.max=%u:%u wiops=max?",
				 major(st.st_rdev), minor(st.st_rdev), major(st.st_rdev),
				 minor(st.st_rdev));
	ck_assert_str_eq(settings(), wanted);
}
END_TEST

Suite *suite_run_resources(void)
{
	Suite *s = suite_create("run_resources");
	TCase *tc = tcase_create("resources");
	struct stat st;
	char path[64];

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_loop_test(tc, options_become_files, 0, COUNT(good));
	tcase_add_loop_test(tc, what_options_set_survives_the_record, 0, COUNT(good));
	tcase_add_loop_test(tc, what_cannot_be_is_refused_by_the_option, 0, COUNT(bad));
	tcase_add_test(tc, the_oom_killer_stays);
	tcase_add_loop_test(tc, options_come_over_what_a_bundle_has, 0, COUNT(bundles));
	tcase_add_test(tc, a_limit_of_both_in_the_bundle_is_in_the_way);
	tcase_add_test(tc, a_default_limit_of_both_follows_the_memory);
	tcase_add_test(tc, a_failure_changes_nothing);
	tcase_add_test(tc, an_option_is_known_for_what_it_set_alone);
	tcase_add_test(tc, modes_are_recorded);
	tcase_add_test(tc, the_parent_is_the_options_before_the_bundles);
	tcase_add_test(tc, a_rule_makes_a_list_that_denies_all_else);
	tcase_add_test(tc, a_rule_comes_behind_those_of_the_bundle);
	tcase_add_test(tc, a_privileged_container_is_denied_nothing);
	tcase_add_loop_test(tc, malformed_rules_are_refused, 0, COUNT(bad_rules));
	/* A host without any has no such test. */
	if (find_block(path, sizeof(path), &st))
		tcase_add_test(tc, devices_are_named_by_path_and_set_by_number);
	suite_add_tcase(s, tc);
	return s;
}
