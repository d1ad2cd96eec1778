/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: clone with and without clone3, exit statuses, identities, clean starts. Runs
 * unprivileged. Where a call must look as if it were missing, a seccomp filter in the test's own
 * process says so, as the filters around CI runners do.
 */
#include <cattach/proc.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif

/* From here on, this call fails with this error in this process and its children. */
static void forbid(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* Hide clone3 as the loop index says: not at all, as unknown, as forbidden by an old filter. */
static void hide_clone3(int how)
{
	if (how)
		forbid(SYS_clone3, how == 1 ? ENOSYS : EPERM);
}

/* A child that waits to be killed. */
static pid_t spawn_sleeper(int *ret_pidfd)
{
	pid_t pid = ct_clone(0, -1, SIGCHLD, ret_pidfd);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

START_TEST(a_child_is_cloned_and_its_status_read)
{
	struct ct_exit status = { .signaled = true };
	int ct_autofd pidfd = -1;
	pid_t pid, parent = getpid();

	hide_clone3(_i);
	pid = ct_clone(0, -1, SIGCHLD, &pidfd);
	if (pid == 0)
		_exit(pidfd == -1 && getppid() == parent ? 7 : 8);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), 0);
	ck_assert(!status.signaled && !status.core);
	ck_assert_int_eq(status.value, 7);
	ck_assert_int_eq(ct_exit_code(&status), 7);
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), -ECHILD);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(a_child_without_exit_signal_is_reaped_too)
{
	struct ct_exit status;
	int ct_autofd pidfd = -1;
	pid_t pid;

	hide_clone3(_i);
	pid = ct_clone(0, -1, 0, &pidfd);
	if (pid == 0)
		_exit(3);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), 0);
	ck_assert_int_eq(status.value, 3);
}
END_TEST

START_TEST(death_by_signal_is_told)
{
	struct rlimit no_core = { 0, 0 };
	struct ct_exit status;
	int pidfd = -1;

	setrlimit(RLIMIT_CORE, &no_core);
	spawn_sleeper(&pidfd);
	ck_assert_int_eq(ct_pidfd_signal(pidfd, 0), 0);
	ck_assert_int_eq(ct_pidfd_signal(pidfd, SIGKILL), 0);
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), 0);
	ck_assert(status.signaled && !status.core);
	ck_assert_int_eq(status.value, SIGKILL);
	ck_assert_int_eq(ct_exit_code(&status), 137);
	ck_assert_int_eq(ct_pidfd_signal(pidfd, SIGKILL), -ESRCH);
	ck_assert_int_eq(ct_pidfd_signal(-1, SIGKILL), -EBADF);
	close(pidfd);
}
END_TEST

START_TEST(what_only_clone3_can_do_is_said_to_be_unsupported)
{
	int pidfd = -1;

	forbid(SYS_clone3, ENOSYS);
	ck_assert_int_eq(ct_clone(0, fixture_dir(), SIGCHLD, &pidfd), -EOPNOTSUPP);
	ck_assert_int_eq(ct_clone(CLONE_NEWTIME, -1, SIGCHLD, &pidfd), -EOPNOTSUPP);
	ck_assert_int_eq(ct_clone(UINT64_C(1) << 32, -1, SIGCHLD, &pidfd), -EOPNOTSUPP);
	ck_assert_int_eq(pidfd, -1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(a_clone_that_fails_leaves_nothing)
{
	int pidfd = -1;

	/* A directory that is no cgroup; flags that contradict each other. */
	ck_assert_int_eq(ct_clone(0, fixture_dir(), SIGCHLD, &pidfd), -EBADF);
	ck_assert_int_eq(ct_clone(CLONE_NEWNS | CLONE_FS, -1, SIGCHLD, &pidfd), -EINVAL);
	hide_clone3(1);
	ck_assert_int_eq(ct_clone(CLONE_NEWNS | CLONE_FS, -1, SIGCHLD, &pidfd), -EINVAL);
	ck_assert_int_eq(pidfd, -1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(a_process_is_found_again_by_its_start_time)
{
	uint64_t ticks = 0, mine = 0;
	struct pollfd wait;
	int pidfd = -1, again;
	pid_t pid = spawn_sleeper(&pidfd);

	ck_assert_int_eq(ct_proc_starttime(pid, &ticks), 0);
	ck_assert_int_eq(ct_proc_starttime(getpid(), &mine), 0);
	ck_assert_uint_gt(mine, 0);
	ck_assert_uint_ge(ticks, mine);
	again = ct_proc_open(pid, ticks);
	ck_assert_int_ge(again, 0);
	ck_assert_int_eq(fcntl(again, F_GETFD), FD_CLOEXEC);
	/* The pid is in use, but not by the process that was recorded. */
	ck_assert_int_eq(ct_proc_open(pid, ticks + 1), -ESRCH);
	ck_assert_int_eq(ct_proc_open(pid, ticks - 1), -ESRCH);
	ck_assert_int_eq(ct_pidfd_signal(again, SIGKILL), 0);
	wait = (struct pollfd){ .fd = again, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, 5000), 1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(ct_proc_open(pid, ticks), -ESRCH);
	ck_assert_int_eq(ct_proc_starttime(pid, &ticks), -ESRCH);
	ck_assert_int_eq(ct_pidfd_open(pid), -ESRCH);
	close(again);
	close(pidfd);
}
END_TEST

START_TEST(impossible_pids_are_no_processes)
{
	uint64_t ticks = 77;

	ck_assert_int_eq(ct_proc_starttime(0, &ticks), -ESRCH);
	ck_assert_int_eq(ct_proc_starttime(-1, &ticks), -ESRCH);
	ck_assert_int_eq(ct_proc_open(0, 0), -ESRCH);
	ck_assert_int_eq(ct_proc_open(-1, 0), -ESRCH);
	ck_assert_uint_eq(ticks, 77);
}
END_TEST

START_TEST(a_hostile_name_does_not_move_the_start_time)
{
	static const char *const names[] = { ") S 1 1 1 1 1 1", "a) b) c", "))))", "\n1 2 3\n",
					     "1 (x) S 2 3 4", "          ", "" };
	uint64_t before = 0, after = 0;

	ck_assert_int_eq(ct_proc_starttime(getpid(), &before), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(prctl(PR_SET_NAME, names[i]), 0);
		ck_assert_int_eq(ct_proc_starttime(getpid(), &after), 0);
		ck_assert_uint_eq(after, before);
	}
}
END_TEST

START_TEST(a_zombie_tells_whether_it_had_executed_a_program)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		siginfo_t info;

		if (pid == 0 && i == 1)
			execl("/bin/true", "true", (char *)NULL);
		if (pid == 0)
			_exit(0);
		ck_assert_int_gt(pid, 0);
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		ck_assert_int_eq(ct_proc_has_executed(pid), i);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		ck_assert_int_eq(ct_proc_has_executed(pid), -ESRCH);
	}
}
END_TEST

START_TEST(the_boot_id_is_a_uuid_and_stays)
{
	char one[37], two[37];

	ck_assert_int_eq(ct_boot_id(one), 0);
	ck_assert_int_eq(ct_boot_id(two), 0);
	ck_assert_uint_eq(strlen(one), 36);
	ck_assert_str_eq(one, two);
	for (int i = 0; i < 36; i++)
		ck_assert_int_eq(one[i] == '-', i == 8 || i == 13 || i == 18 || i == 23);
}
END_TEST

/* Only 0 to 2 and, from 50 to 400, two of three numbers; whatever the test inherited is gone. */
static void arrange_fds(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (int fd = 50; fd <= 400; fd++)
		if (fd % 3 && dup2(STDERR_FILENO, fd) != fd)
			_exit(99);
}

/* Run this in a child, with close_range(2) or without it: it must exit with 0. */
static void ck_child(int (*body)(void), bool hide_close_range)
{
	struct ct_exit status;
	int pidfd = -1;
	pid_t pid = ct_clone(0, -1, SIGCHLD, &pidfd);

	if (pid == 0) {
		if (hide_close_range)
			forbid(SYS_close_range, ENOSYS);
		arrange_fds();
		_exit(body());
	}
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), 0);
	ck_assert_int_eq(ct_exit_code(&status), 0);
	close(pidfd);
}

static int close_some(void)
{
	int bad = ct_close_from(100) != 0;

	for (int fd = 50; fd <= 410; fd++)
		bad |= (fcntl(fd, F_GETFD) >= 0) != (fd < 100 && fd % 3);
	return bad;
}

START_TEST(descriptors_are_closed_from_a_number_on)
{
	ck_child(close_some, _i);
}
END_TEST

static int mark_some(void)
{
	int bad = ct_cloexec_from(100) != 0;

	for (int fd = 50; fd <= 400; fd++)
		bad |= fcntl(fd, F_GETFD) != (fd % 3 == 0 ? -1 : fd < 100 ? 0 : FD_CLOEXEC);
	return bad;
}

START_TEST(descriptors_are_marked_cloexec_from_a_number_on)
{
	ck_child(mark_some, _i);
}
END_TEST

START_TEST(missing_standard_descriptors_become_dev_null)
{
	struct ct_exit status;
	int pidfd = -1;
	pid_t pid = ct_clone(0, -1, SIGCHLD, &pidfd);

	if (pid == 0) {
		char link[64];
		int bad = 0;

		/* Each of the eight ways in which some of them can be missing. */
		for (int fd = 0; fd <= 2; fd++)
			if (_i & 1 << fd)
				close(fd);
		bad |= ct_stdio_exist() != 0;
		for (int fd = 0; fd <= 2; fd++) {
			char path[32];
			ssize_t n;

			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			n = readlink(path, link, sizeof(link));
			bad |= n <= 0 || fcntl(fd, F_GETFD) != 0;
			if (_i & 1 << fd)
				bad |= n != 9 || memcmp(link, "/dev/null", 9) != 0;
		}
		_exit(bad);
	}
	ck_assert_int_eq(ct_pidfd_wait(pidfd, &status), 0);
	ck_assert_int_eq(ct_exit_code(&status), 0);
	close(pidfd);
}
END_TEST

/* A line of /proc/self/status that holds a signal mask. */
static unsigned long long mask_of(const char *name)
{
	unsigned long long mask = ~0ULL;
	size_t length = strlen(name);
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, length))
			ck_assert_int_eq(sscanf(line + length, "%llx", &mask), 1);
	fclose(f);
	return mask;
}

START_TEST(signals_start_clean_those_of_the_libc_included)
{
	unsigned long ignore[16] = { (unsigned long)SIG_IGN }, all = ~0ul;
	const size_t mask_size = 8;

	for (int signal = 1; signal <= 64; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			ck_assert_int_eq(syscall(SYS_rt_sigaction, signal, ignore, NULL,
						 mask_size), 0);
	ck_assert_int_eq(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, mask_size), 0);
	ck_assert_uint_ne(mask_of("SigIgn:"), 0);
	ck_assert_uint_ne(mask_of("SigBlk:"), 0);
	ct_signals_reset();
	ck_assert_uint_eq(mask_of("SigIgn:"), 0);
	ck_assert_uint_eq(mask_of("SigBlk:"), 0);
	ck_assert_uint_eq(mask_of("SigCgt:"), 0);
}
END_TEST

START_TEST(clocks_run_forward)
{
	uint64_t real = ct_now_real(), mono = ct_now_monotonic();

	ck_assert_uint_gt(real, UINT64_C(1600000000) * 1000000000);
	usleep(2000);
	ck_assert_uint_ge(ct_now_monotonic(), mono + 2000000);
	ck_assert_uint_lt(ct_now_monotonic() - mono, UINT64_C(60) * 1000000000);
}
END_TEST

START_TEST(free_descriptors_are_counted_and_left_free)
{
	struct rlimit limit;
	int high;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(ct_fds_free(fixture_dir(), 48), 48);
	high = fcntl(fixture_dir(), F_DUPFD_CLOEXEC, 35);
	ck_assert_int_eq(high, 35);
	limit.rlim_cur = 40;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Twice, for what was tried is closed again; those that are taken do not count. */
	for (int i = 0; i < 2; i++) {
		unsigned count = ct_fds_free(fixture_dir(), 48);
		unsigned opened = 0;
		int fds[48];

		while (opened < 48 && (fds[opened] = dup(high)) >= 0)
			opened++;
		ck_assert_uint_eq(count, opened);
		ck_assert_uint_lt(count, 40 - 4);
		for (unsigned j = 0; j < opened; j++)
			close(fds[j]);
	}
	ck_assert_uint_eq(ct_fds_free(fixture_dir(), 7), 7);
	close(high);
}
END_TEST

Suite *suite_proc(void);
Suite *suite_proc(void)
{
	Suite *s = suite_create("proc");
	TCase *tc = tcase_create("proc");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tc, a_child_is_cloned_and_its_status_read, 0, 3);
	tcase_add_loop_test(tc, a_child_without_exit_signal_is_reaped_too, 0, 3);
	tcase_add_test(tc, death_by_signal_is_told);
	tcase_add_test(tc, what_only_clone3_can_do_is_said_to_be_unsupported);
	tcase_add_test(tc, a_clone_that_fails_leaves_nothing);
	tcase_add_test(tc, a_process_is_found_again_by_its_start_time);
	tcase_add_test(tc, impossible_pids_are_no_processes);
	tcase_add_test(tc, a_hostile_name_does_not_move_the_start_time);
	tcase_add_test(tc, a_zombie_tells_whether_it_had_executed_a_program);
	tcase_add_test(tc, the_boot_id_is_a_uuid_and_stays);
	tcase_add_loop_test(tc, descriptors_are_closed_from_a_number_on, 0, 2);
	tcase_add_loop_test(tc, descriptors_are_marked_cloexec_from_a_number_on, 0, 2);
	tcase_add_test(tc, free_descriptors_are_counted_and_left_free);
	tcase_add_loop_test(tc, missing_standard_descriptors_become_dev_null, 0, 8);
	tcase_add_test(tc, signals_start_clean_those_of_the_libc_included);
	tcase_add_test(tc, clocks_run_forward);
	suite_add_tcase(s, tc);
	return s;
}
