/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing specs: what is written is read back the same, for the defaults and for a document that
 * sets every property there is; and the defaults are what the documentation promises.
 */
#include <string.h>

#include <check.h>

#include <cattach/spec.h>

Suite *suite_spec_write(void);

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

static const char *write_spec(const struct ct_spec *spec)
{
	struct ct_buf ct_autobuf buf = {0};
	const char *copy;

	ck_assert_int_eq(ct_spec_write(spec, &buf, &err), 0);
	copy = ct_arena_strdup(&arena, ct_buf_text(&buf));
	ck_assert_ptr_nonnull(copy);
	return copy;
}

static struct ct_spec *parse(const char *text)
{
	struct ct_spec *spec = NULL;
	char line[1024];

	if (ct_spec_parse(&arena, "c.json", text, strlen(text), &spec, &err) < 0) {
		ct_err_format(&err, line, sizeof(line));
		ck_abort_msg("%s", line);
	}
	return spec;
}

START_TEST(the_default_survives_a_round_trip)
{
	for (int rootless = 0; rootless < 2; rootless++) {
		struct ct_spec *spec, *again;
		const char *text;

		ck_assert_int_eq(ct_spec_default(&arena, rootless, &spec, &err), 0);
		text = write_spec(spec);
		again = parse(text);
		ck_assert_str_eq(write_spec(again), text);
		ck_assert_int_eq(ct_spec_check(again, rootless, &err), 0);
	}
}
END_TEST

/* Every property that a struct ct_spec can hold, in the order and form in which it is written. */
static const char everything[] =
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\",\"readonly\":true},\"hostname\":\"h\","
	"\"domainname\":\"d\",\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":1,"
	"\"width\":2},\"user\":{\"uid\":1,\"gid\":2,\"umask\":18,\"additionalGids\":[3,4]},"
	"\"args\":[\"a\",\"\"],\"env\":[\"A=1\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":"
	"[\"CAP_A\"],\"effective\":[\"CAP_B\"],\"inheritable\":[\"CAP_C\"],\"permitted\":"
	"[\"CAP_D\"],\"ambient\":[\"CAP_E\"]},\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,"
	"\"hard\":18446744073709551615}],\"noNewPrivileges\":true,\"oomScoreAdj\":-5,"
	"\"apparmorProfile\":\"p\",\"selinuxLabel\":\"s\",\"scheduler\":{\"policy\":"
	"\"SCHED_FIFO\",\"nice\":-1,\"priority\":9,\"flags\":[\"SCHED_FLAG_RECLAIM\"]},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":3},\"execCPUAffinity\":"
	"{\"initial\":\"0\",\"final\":\"1-2\"}},\"mounts\":[{\"destination\":\"/m\",\"type\":"
	"\"t\",\"source\":\"s\",\"options\":[\"o\"],\"uidMappings\":[{\"containerID\":0,"
	"\"hostID\":1,\"size\":2}],\"gidMappings\":[{\"containerID\":3,\"hostID\":4,\"size\":5}]}],"
	"\"annotations\":{\"k\":\"v\"},\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":"
	"\"/u\"},{\"type\":\"mount\"},{\"type\":\"time\"}],\"uidMappings\":[{\"containerID\":0,"
	"\"hostID\":1,\"size\":2}],\"gidMappings\":[{\"containerID\":3,\"hostID\":4,\"size\":5}],"
	"\"timeOffsets\":{\"monotonic\":{\"secs\":-7,\"nanosecs\":8}},\"devices\":[{\"type\":\"b\","
	"\"path\":\"/d\",\"major\":1,\"minor\":2,\"fileMode\":438,\"uid\":3,\"gid\":4},{\"type\":"
	"\"p\",\"path\":\"/p\"}],\"netDevices\":{\"eth0\":{\"name\":\"net%d\"},\"eth1\":{\"name\":"
	"\"eth1\"}},\"resources\":{\"devices\":[{\"allow\":false,\"type\":\"a\","
	"\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":0,\"access\":"
	"\"\"},{\"allow\":true,\"type\":\"b\",\"major\":8}],\"memory\":{\"limit\":1,\"reservation\":"
	"2,\"swap\":-1,\"kernel\":3,\"kernelTCP\":-1,\"swappiness\":0,\"disableOOMKiller\":true,"
	"\"useHierarchy\":true,\"checkBeforeUpdate\":true},\"cpu\":{\"shares\":1,\"quota\":1000,"
	"\"burst\":0,\"period\":2000,\"realtimeRuntime\":4,\"realtimePeriod\":5,\"cpus\":\"0-1\","
	"\"mems\":\"\",\"idle\":0},\"pids\":{\"limit\":0},\"blockIO\":{\"weight\":10,\"leafWeight\":"
	"11,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":12,\"leafWeight\":13},{\"major\":"
	"8,\"minor\":1,\"leafWeight\":14},{\"major\":8,\"minor\":2,\"weight\":0}],"
	"\"throttleReadBpsDevice\":[{\"major\":1,\"minor\":2,\"rate\":0}],"
	"\"throttleWriteBpsDevice\":[{\"major\":3,\"minor\":4,\"rate\":5}],"
	"\"throttleReadIOPSDevice\":[{\"major\":6,\"minor\":7,\"rate\":8}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":9,\"minor\":10,\"rate\":18446744073709551615}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"network\":{\"classID\":1,"
	"\"priorities\":[{\"name\":\"lo\",\"priority\":0}]},\"rdma\":{\"r0\":{\"hcaHandles\":0,"
	"\"hcaObjects\":1},\"r1\":{\"hcaObjects\":4294967295}},\"unified\":{\"memory.high\":\"1\","
	"\"io.max\":\"a\\nb\"}},\"intelRdt\":{\"closID\":\"k\",\"l3CacheSchema\":"
	"\"L3:0=f\",\"memBwSchema\":\"MB:0=20\",\"schemata\":[\"L2:0=3\"],\"enableMonitoring\":true},"
	"\"cgroupsPath\":\"c\",\"sysctl\":{\"kernel.sem\":\"1\"},"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
	"\"architectures\":[\"SCMP_ARCH_X86\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	"\"listenerPath\":\"/l\",\"listenerMetadata\":\"m\",\"syscalls\":[{\"names\":[\"read\"],"
	"\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":1,\"args\":[{\"index\":5,\"value\":6,"
	"\"valueTwo\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]}]},\"rootfsPropagation\":"
	"\"shared\",\"maskedPaths\":[],\"readonlyPaths\":[\"/x\"],\"mountLabel\":\"l\","
	"\"personality\":{\"domain\":\"LINUX\"}}}";

START_TEST(every_property_survives_a_round_trip)
{
	struct ct_buf ct_autobuf compact = {0};
	const char *text = write_spec(parse(everything));
	const struct ct_json *root;
	struct ct_json_writer w;

	ck_assert_str_eq(write_spec(parse(text)), text);
	/* And nothing was lost on the first way in: the same document without blanks. */
	ck_assert_int_eq(ct_json_parse(&arena, "x", text, strlen(text), &root, &err), 0);
	ck_assert_int_eq(ct_json_writer_open(&w, &compact, false, &err), 0);
	ct_json_copy(&w, root);
	ct_json_writer_close(&w);
	ck_assert_str_eq(ct_buf_text(&compact), everything);
}
END_TEST

/* 0 and null are how engines say that they want nothing. */
START_TEST(resources_that_ask_for_nothing_leave_no_trace)
{
	const char *text = write_spec(parse(
		"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{\"resources\":"
		"{\"devices\":[],\"memory\":{\"limit\":0,\"swappiness\":null,"
		"\"disableOOMKiller\":false},\"cpu\":{\"shares\":0,\"cpus\":null},\"network\":"
		"{\"classID\":0,\"priorities\":[]},\"blockIO\":{\"weight\":0},\"hugepageLimits\":[],"
		"\"rdma\":{},\"unified\":{}}}}"));

	ck_assert_ptr_null(strstr(text, "resources"));
}
END_TEST

START_TEST(what_was_given_by_default_is_not_written)
{
	struct ct_spec *spec = parse("{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"}}");

	spec->linux_.resources.has_pids = spec->linux_.resources.pids_by_default = true;
	spec->linux_.resources.pids = 2048;
	ck_assert_ptr_null(strstr(write_spec(spec), "resources"));
}
END_TEST

START_TEST(a_deadline_survives_a_round_trip)
{
	const char *text = write_spec(parse(
		"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\","
		"\"args\":[\"a\"],\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,"
		"\"deadline\":2,\"period\":3}}}"));

	ck_assert_ptr_nonnull(strstr(text, "\"deadline\": 2"));
	ck_assert_str_eq(write_spec(parse(text)), text);
}
END_TEST

static bool has(const struct ct_strings *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], item) == 0)
			return true;
	}
	return false;
}

static const struct ct_spec_mount *find_mount(const struct ct_spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		if (strcmp(spec->mounts.items[i].destination, destination) == 0)
			return &spec->mounts.items[i];
	}
	ck_abort_msg("no mount on %s", destination);
	return NULL;
}

START_TEST(the_default_has_podmans_capabilities_and_no_others)
{
	struct ct_spec *spec;
	const struct ct_spec_capabilities *caps;

	ck_assert_int_eq(ct_spec_default(&arena, true, &spec, &err), 0);
	caps = &spec->process->capabilities;
	ck_assert_uint_eq(caps->bounding.count, 11);
	ck_assert_uint_eq(caps->effective.count, 11);
	ck_assert_uint_eq(caps->permitted.count, 11);
	ck_assert_uint_eq(caps->inheritable.count + caps->ambient.count, 0);
	ck_assert(has(&caps->bounding, "CAP_SETFCAP"));
	ck_assert(!has(&caps->bounding, "CAP_NET_RAW") && !has(&caps->bounding, "CAP_MKNOD"));
	ck_assert(spec->process->no_new_privileges && !spec->process->terminal);
	ck_assert_str_eq(spec->process->args.items[0], "sh");
	ck_assert_str_eq(spec->hostname, "cattach");
}
END_TEST

START_TEST(the_default_mounts_what_programs_expect_and_covers_what_leaks)
{
	struct ct_spec *spec;

	ck_assert_int_eq(ct_spec_default(&arena, true, &spec, &err), 0);
	ck_assert(!has(&find_mount(spec, "/dev/pts")->options, "gid=5"));
	ck_assert(has(&find_mount(spec, "/dev/pts")->options, "ptmxmode=0666"));
	ck_assert(has(&find_mount(spec, "/dev/shm")->options, "mode=1777"));
	ck_assert(has(&find_mount(spec, "/sys/fs/cgroup")->options, "ro"));
	ck_assert_str_eq(find_mount(spec, "/proc")->type, "proc");
	ck_assert_str_eq(find_mount(spec, "/dev/mqueue")->type, "mqueue");
	ck_assert_str_eq(find_mount(spec, "/sys")->type, "sysfs");
	ck_assert_str_eq(find_mount(spec, "/dev")->type, "tmpfs");
	ck_assert(has(&spec->linux_.masked_paths, "/proc/kcore"));
	ck_assert(has(&spec->linux_.masked_paths, "/sys/firmware"));
	ck_assert(has(&spec->linux_.readonly_paths, "/proc/sys"));
	ck_assert_int_eq(ct_spec_default(&arena, false, &spec, &err), 0);
	ck_assert(has(&find_mount(spec, "/dev/pts")->options, "gid=5"));
}
END_TEST

START_TEST(namespaces_have_the_names_of_the_specification)
{
	static const char *const names[] = {
		"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time",
	};

	for (unsigned ns = 0; ns < CT_NS_COUNT; ns++)
		ck_assert_str_eq(ct_spec_ns_name(ns), names[ns]);
	ck_assert_ptr_null(ct_spec_ns_name(CT_NS_COUNT));
}
END_TEST

Suite *suite_spec_write(void)
{
	Suite *s = suite_create("spec_write");
	TCase *tc = tcase_create("write"), *defaults = tcase_create("default");

	tcase_add_checked_fixture(tc, open_arena, close_arena);
	tcase_add_checked_fixture(defaults, open_arena, close_arena);
	tcase_add_test(tc, the_default_survives_a_round_trip);
	tcase_add_test(tc, every_property_survives_a_round_trip);
	tcase_add_test(tc, resources_that_ask_for_nothing_leave_no_trace);
	tcase_add_test(tc, what_was_given_by_default_is_not_written);
	tcase_add_test(tc, a_deadline_survives_a_round_trip);
	tcase_add_test(defaults, the_default_has_podmans_capabilities_and_no_others);
	tcase_add_test(defaults, the_default_mounts_what_programs_expect_and_covers_what_leaks);
	tcase_add_test(defaults, namespaces_have_the_names_of_the_specification);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, defaults);
	return s;
}
