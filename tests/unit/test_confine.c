/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a confined monitor can still do, and what not: tried in a child that confines itself as a
 * monitor does. Kernels without landlock leave files open: there that part says so and is not tried.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/seccomp.h>

#include "monitor_fixture.h"

static struct ct_arena arena;
static struct ct_seccomp_program program;

static void setup(void)
{
	struct ct_seccomp_policy policy;
	struct ct_err err = { 0 };

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_msg(ct_seccomp_monitor(&arena, &policy, &err) == 0, "%s", err.what);
	ck_assert_msg(ct_seccomp_compile(&arena, &policy, -1, &program, &err) == 0, "%s", err.what);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

static int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Runs try() in a confined child, whose result is its exit status: 0, or the line that failed. */
static void confined(struct ct_confinement confinement, int (*try)(void), bool filter)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct ct_monitor_config config = { .dir = fixture_dir(), .runtime = -1,
						    .owner = -1, .client = -1, .confinement = confinement };
		struct ct_log_options options = { .memory = true };
		struct ct_log_writer *log;
		struct monitor *m;
		struct ct_err err;

		if (filter) {
			config.confinement.filter = program.filter;
			config.confinement.filter_length = program.length;
		}
		if (ct_log_create(fixture_dir(), &options, &log, &err) < 0)
			_exit(255);
		m = ct_monitor_new(&config, log);
		ct_confine_prepare(m);
		ct_confine(m);
		_exit(try());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) == 0, "line %d", WEXITSTATUS(status));
}

/* The line, as far as an exit status can tell it: this file must stay shorter than 255 lines. */
#define MUST(holds) do { if (!(holds)) return __LINE__; } while (0)
#define FAILS(call, code) MUST((call) < 0 && errno == (code))

/* ---- itself ---- */

static int try_self(void)
{
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 0;
}

START_TEST(a_monitor_can_gain_nothing_and_nobody_looks_into_it)
{
	confined((struct ct_confinement){ .keep_caps = 0 }, try_self, false);
}
END_TEST

static int try_capabilities(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");
	int found = 0;

	MUST(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "CapEff:", 7) && strncmp(line, "CapPrm:", 7) &&
		    strncmp(line, "CapInh:", 7) && strncmp(line, "CapAmb:", 7))
			continue;
		found++;
		MUST(strtoull(line + 7, NULL, 16) == 0);
	}
	return found == 4 ? 0 : __LINE__;
}

START_TEST(no_capability_is_left)
{
	struct ct_confinement everywhere = { .allow = { { AT_FDCWD, 0 } } };

	/* Its status is read through /proc, which is another place than its own. */
	everywhere.allow[0].dir = open("/proc", O_PATH | O_CLOEXEC);
	everywhere.allow[0].access = CT_ALLOW_FILES;
	confined(everywhere, try_capabilities, false);
	close(everywhere.allow[0].dir);
}
END_TEST

/* ---- files ---- */

static int try_files(void)
{
	int fd = openat(fixture_dir(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0);
	MUST(unlinkat(fixture_dir(), "file", 0) == 0);
	FAILS(openat(AT_FDCWD, "/etc/passwd", O_RDONLY), EACCES);
	FAILS(openat(AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY), EACCES);
	FAILS(openat(AT_FDCWD, "/tmp/cattach-unit-confined", O_WRONLY | O_CREAT, 0600), EACCES);
	FAILS(mkdirat(AT_FDCWD, "/tmp/cattach-unit-confined", 0700), EACCES);
	FAILS(symlinkat("x", fixture_dir(), "link"), EACCES);
	FAILS(mkdirat(fixture_dir(), "directory", 0700), EACCES);
	FAILS(unlinkat(fixture_dir(), "kept", AT_REMOVEDIR), EACCES);
	return 0;
}

START_TEST(only_files_of_its_own_directory_can_be_made_read_and_removed)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), "kept", 0700), 0);
	if (landlock_abi() > 0)
		confined((struct ct_confinement){ .keep_caps = 0 }, try_files, false);
	else
		fprintf(stderr, "no landlock here: files are not restricted\n");
}
END_TEST

static int try_removal(void)
{
	MUST(unlinkat(fixture_dir(), "kept/deeper/file", 0) == 0);
	MUST(unlinkat(fixture_dir(), "kept/deeper", AT_REMOVEDIR) == 0);
	MUST(unlinkat(fixture_dir(), "kept", AT_REMOVEDIR) == 0);
	FAILS(mkdirat(fixture_dir(), "kept", 0700), EACCES);
	return 0;
}

START_TEST(what_it_is_to_remove_it_can_remove)
{
	struct ct_confinement c = { .allow = { { fixture_dir(), CT_ALLOW_REMOVE } } };

	ck_assert_int_eq(mkdirat(fixture_dir(), "kept", 0700), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "kept/deeper", 0700), 0);
	fixture_file("kept/deeper/file", "x");
	if (landlock_abi() > 0)
		confined(c, try_removal, true);
}
END_TEST

/* ---- calls ---- */

static int try_calls(void)
{
	char *const none[] = { NULL };

	/* Nothing is executed, mapped as code, traced, mounted, entered. */
	FAILS(execve("/bin/true", none, none), ENOSYS);
	FAILS(syscall(SYS_execveat, -1, "/bin/true", none, none, 0), ENOSYS);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	FAILS(syscall(SYS_ptrace, 16, getppid(), 0, 0), ENOSYS);
	FAILS(syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL), ENOSYS);
	FAILS(syscall(SYS_unshare, 0x10000000), ENOSYS);
	FAILS(syscall(SYS_setns, 0, 0), ENOSYS);
	FAILS(syscall(SYS_clone, 0x10000000 | SIGCHLD, NULL, NULL, NULL, NULL), ENOSYS);
	FAILS(syscall(SYS_clone3, NULL, 0), ENOSYS);
	FAILS(syscall(SYS_kill, getppid(), 0), ENOSYS);
	FAILS(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0), ENOSYS);
	FAILS(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
	FAILS(syscall(SYS_bpf, 0, NULL, 0), ENOSYS);
	/* No network, whatever the kernel's landlock knows of it. */
	FAILS(socket(AF_INET, SOCK_STREAM, 0), ENOSYS);
	FAILS(socket(AF_INET6, SOCK_DGRAM, 0), ENOSYS);
	FAILS(socket(AF_NETLINK, SOCK_RAW, 0), ENOSYS);
	return 0;
}

START_TEST(calls_that_no_monitor_needs_are_not_there)
{
	confined((struct ct_confinement){ .keep_caps = 0 }, try_calls, true);
}
END_TEST

static int try_work(void)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), status;
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	MUST(sock >= 0 && close(sock) == 0);
	MUST(memory != MAP_FAILED && madvise(memory, 4096, MADV_DONTNEED) == 0);
	MUST(munmap(memory, 4096) == 0);
	pid = fork();
	if (pid == 0)
		_exit(7);
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	return 0;
}

START_TEST(calls_that_a_monitor_needs_are_there)
{
	confined((struct ct_confinement){ .keep_caps = 0 }, try_work, true);
}
END_TEST

START_TEST(the_filter_is_small_and_for_this_architecture_only)
{
	struct seccomp_data call = { .nr = 0, .arch = 0x40000003 /* AUDIT_ARCH_I386 */ };
	uint32_t verdict;

	ck_assert_uint_lt(program.length, 300);
	ck_assert_int_eq(ct_seccomp_verdict(&program, &call, &verdict), 0);
	ck_assert_uint_eq(verdict & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_KILL_PROCESS);
}
END_TEST

Suite *suite_confine(void)
{
	Suite *suite = suite_create("confine");
	TCase *tc = tcase_create("ct_confine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_monitor_can_gain_nothing_and_nobody_looks_into_it);
	tcase_add_test(tc, no_capability_is_left);
	tcase_add_test(tc, only_files_of_its_own_directory_can_be_made_read_and_removed);
	tcase_add_test(tc, what_it_is_to_remove_it_can_remove);
	tcase_add_test(tc, calls_that_no_monitor_needs_are_not_there);
	tcase_add_test(tc, calls_that_a_monitor_needs_are_there);
	tcase_add_test(tc, the_filter_is_small_and_for_this_architecture_only);
	suite_add_tcase(suite, tc);
	return suite;
}
