/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default policy, call by call: it is compiled and then interpreted, for the capabilities that
 * a container has by default and for others. Numbers stand where names of 32-bit calls are meant.
 */
#include <cattach/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/capability.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define CAP(n)		(1ULL << (n))
#define HIGH		(1ULL << 32)
#define ALLOW		SECCOMP_RET_ALLOW
#define NO_CALL		(SECCOMP_RET_ERRNO | ENOSYS)
#define NO_RIGHT	(SECCOMP_RET_ERRNO | EPERM)

/* What `run` gives: podman's eleven. */
#define ELEVEN	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) | CAP(CAP_FSETID) | \
		 CAP(CAP_KILL) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_SETFCAP) | CAP(CAP_SETGID) | \
		 CAP(CAP_SETPCAP) | CAP(CAP_SETUID) | CAP(CAP_SYS_CHROOT))

#if defined(__x86_64__)
#define NATIVE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE	AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE	AUDIT_ARCH_RISCV64
#else
#error "name the architecture that the tests run on"
#endif

static struct ct_arena arena;
static struct ct_seccomp_program eleven;

static struct ct_seccomp_program compile(uint64_t caps)
{
	struct ct_seccomp_program program;
	struct ct_seccomp_policy policy;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_seccomp_default(&arena, caps, &policy, &err), 0);
	ck_assert_msg(ct_seccomp_compile(&arena, &policy, -1, &program, &err) == 0, "%s: %s",
		      err.where, err.what);
	return program;
}

static uint32_t ask(const struct ct_seccomp_program *program, uint32_t arch, int nr, uint64_t a0,
		    uint64_t a1)
{
	struct seccomp_data call = { .nr = nr, .arch = arch, .args = { a0, a1 } };
	uint32_t verdict = 0;

	ck_assert_int_eq(ct_seccomp_verdict(program, &call, &verdict), 0);
	return verdict;
}

/* Once for all tests, which then fork: compiling takes milliseconds. */
static void setup(void)
{
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	eleven = compile(ELEVEN);
}

static void teardown(void)
{
	ct_arena_close(&arena);
}

static const struct {
	const char *name;
	int nr;
	uint64_t a0, a1;
	uint32_t verdict;
} calls[] = {
	/* Everyday calls, old and new. */
	{ "read", SYS_read, 0, 0, ALLOW },
	{ "openat2", SYS_openat2, 0, 0, ALLOW },
	{ "faccessat2", SYS_faccessat2, 0, 0, ALLOW },
	{ "close_range", SYS_close_range, 0, 0, ALLOW },
	{ "epoll_pwait2", SYS_epoll_pwait2, 0, 0, ALLOW },
	{ "execve", SYS_execve, 0, 0, ALLOW },
	{ "execveat", SYS_execveat, 0, 0, ALLOW },
	{ "futex", SYS_futex, 0, 0, ALLOW },
	{ "futex_waitv", 449, 0, 0, ALLOW },
	{ "rseq", SYS_rseq, 0, 0, ALLOW },
	{ "statx", SYS_statx, 0, 0, ALLOW },
	{ "getrandom", SYS_getrandom, 0, 0, ALLOW },
	{ "memfd_create", SYS_memfd_create, 0, 0, ALLOW },
	{ "memfd_secret", 447, 0, 0, ALLOW },
	{ "landlock_create_ruleset", 444, 0, 0, ALLOW },
	{ "landlock_restrict_self", 446, 0, 0, ALLOW },
	{ "pidfd_open", SYS_pidfd_open, 0, 0, ALLOW },
	{ "pidfd_getfd", SYS_pidfd_getfd, 0, 0, ALLOW },
	{ "process_mrelease", 448, 0, 0, ALLOW },
	{ "seccomp", SYS_seccomp, 0, 0, ALLOW },
	{ "capset", SYS_capset, 0, 0, ALLOW },
	{ "prctl", SYS_prctl, 0, 0, ALLOW },
	{ "ptrace", SYS_ptrace, 0, 0, ALLOW },
	{ "process_vm_readv", SYS_process_vm_readv, 0, 0, ALLOW },
	{ "process_vm_writev", SYS_process_vm_writev, 0, 0, ALLOW },
	{ "mknodat", SYS_mknodat, 0, 0, ALLOW },
	{ "setgroups", SYS_setgroups, 0, 0, ALLOW },
	{ "adjtimex", SYS_adjtimex, 0, 0, ALLOW },
	{ "chroot", SYS_chroot, 0, 0, ALLOW },	/* CAP_SYS_CHROOT is one of the eleven */

	/* Known and refused. */
	{ "bpf", SYS_bpf, 0, 0, NO_RIGHT },
	{ "perf_event_open", SYS_perf_event_open, 0, 0, NO_RIGHT },
	{ "kexec_load", SYS_kexec_load, 0, 0, NO_RIGHT },
	{ "init_module", SYS_init_module, 0, 0, NO_RIGHT },
	{ "finit_module", SYS_finit_module, 0, 0, NO_RIGHT },
	{ "delete_module", SYS_delete_module, 0, 0, NO_RIGHT },
	{ "swapon", SYS_swapon, 0, 0, NO_RIGHT },
	{ "swapoff", SYS_swapoff, 0, 0, NO_RIGHT },
	{ "reboot", SYS_reboot, 0, 0, NO_RIGHT },
	{ "acct", SYS_acct, 0, 0, NO_RIGHT },
	{ "open_by_handle_at", SYS_open_by_handle_at, 0, 0, NO_RIGHT },
	{ "keyctl", SYS_keyctl, 0, 0, NO_RIGHT },
	{ "add_key", SYS_add_key, 0, 0, NO_RIGHT },
	{ "request_key", SYS_request_key, 0, 0, NO_RIGHT },
	{ "userfaultfd", SYS_userfaultfd, 0, 0, NO_RIGHT },
	{ "mount", SYS_mount, 0, 0, NO_RIGHT },
	{ "umount2", SYS_umount2, 0, 0, NO_RIGHT },
	{ "pivot_root", SYS_pivot_root, 0, 0, NO_RIGHT },
	{ "fsopen", SYS_fsopen, 0, 0, NO_RIGHT },
	{ "fsmount", SYS_fsmount, 0, 0, NO_RIGHT },
	{ "open_tree", SYS_open_tree, 0, 0, NO_RIGHT },
	{ "move_mount", SYS_move_mount, 0, 0, NO_RIGHT },
	{ "mount_setattr", 442, 0, 0, NO_RIGHT },
	{ "setns", SYS_setns, 0, 0, NO_RIGHT },
	{ "sethostname", SYS_sethostname, 0, 0, NO_RIGHT },
	{ "clock_settime", SYS_clock_settime, 0, 0, NO_RIGHT },
	{ "settimeofday", SYS_settimeofday, 0, 0, NO_RIGHT },
	{ "vhangup", SYS_vhangup, 0, 0, NO_RIGHT },
	{ "quotactl", SYS_quotactl, 0, 0, NO_RIGHT },
	{ "quotactl_fd", 443, 0, 0, NO_RIGHT },
	{ "syslog", SYS_syslog, 0, 0, NO_RIGHT },
	{ "io_uring_setup", SYS_io_uring_setup, 0, 0, NO_RIGHT },
	{ "io_uring_enter", SYS_io_uring_enter, 0, 0, NO_RIGHT },
	{ "fanotify_init", SYS_fanotify_init, 0, 0, NO_RIGHT },
	{ "mbind", SYS_mbind, 0, 0, NO_RIGHT },
	{ "move_pages", SYS_move_pages, 0, 0, NO_RIGHT },

	/* Unknown, or known and hidden. */
	{ "clone3", SYS_clone3, 0, 0, NO_CALL },
	{ "999", 999, 0, 0, NO_CALL },
	{ "-1", -1, 0, 0, NO_CALL },

	/* One argument decides. */
	{ "clone a process", SYS_clone, SIGCHLD, 0, ALLOW },
	{ "clone a thread", SYS_clone, 0x3d0f00, 0, ALLOW },
	{ "clone with bits above 32", SYS_clone, 0x200000000 | SIGCHLD, 0, ALLOW },
	{ "clone NEWUSER", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, NO_RIGHT },
	{ "clone NEWNS", SYS_clone, CLONE_NEWNS, 0, NO_RIGHT },
	{ "clone NEWCGROUP", SYS_clone, CLONE_NEWCGROUP, 0, NO_RIGHT },
	{ "clone NEWUTS", SYS_clone, CLONE_NEWUTS, 0, NO_RIGHT },
	{ "clone NEWIPC", SYS_clone, CLONE_NEWIPC, 0, NO_RIGHT },
	{ "clone NEWPID", SYS_clone, CLONE_NEWPID, 0, NO_RIGHT },
	{ "clone NEWNET", SYS_clone, CLONE_NEWNET | HIGH, 0, NO_RIGHT },
	{ "unshare FS", SYS_unshare, CLONE_FS, 0, ALLOW },
	{ "unshare NEWUSER", SYS_unshare, CLONE_NEWUSER, 0, NO_RIGHT },
	{ "unshare NEWTIME", SYS_unshare, 0x80, 0, NO_RIGHT },
	{ "unshare NEWNS and more", SYS_unshare, CLONE_FS | CLONE_NEWNS | HIGH, 0, NO_RIGHT },
	{ "ioctl TIOCSTI", SYS_ioctl, 0, TIOCSTI, NO_RIGHT },
	{ "ioctl TIOCSTI with a high bit", SYS_ioctl, 0, TIOCSTI | HIGH, NO_RIGHT },
	{ "ioctl TIOCSTI negative", SYS_ioctl, 0, 0xffffffff00000000 | TIOCSTI, NO_RIGHT },
	{ "ioctl TIOCLINUX", SYS_ioctl, 0, TIOCLINUX, NO_RIGHT },
	{ "ioctl TIOCLINUX with a high bit", SYS_ioctl, 0, TIOCLINUX | 1ULL << 63, NO_RIGHT },
	{ "ioctl next to TIOCSTI", SYS_ioctl, 0, TIOCSTI + 1, ALLOW },
	{ "ioctl TCGETS", SYS_ioctl, 0, TCGETS, ALLOW },
	{ "ioctl TIOCGPTN, odd or even", SYS_ioctl, 0, TIOCGPTN, ALLOW },
	{ "ioctl with TIOCSTI above", SYS_ioctl, 0, (uint64_t)TIOCSTI << 32, ALLOW },
	{ "ioctl sign-extended", SYS_ioctl, 0, 0xffffffff80045430, ALLOW },
	{ "socket UNIX", SYS_socket, 1, 0, ALLOW },
	{ "socket INET", SYS_socket, 2, 0, ALLOW },
	{ "socket INET6", SYS_socket, 10, 0, ALLOW },
	{ "socket 37", SYS_socket, 37, 0, ALLOW },
	{ "socket ALG", SYS_socket, 38, 0, NO_RIGHT },
	{ "socket 39", SYS_socket, 39, 0, ALLOW },
	{ "socket VSOCK", SYS_socket, 40, 0, NO_RIGHT },
	{ "socket 41", SYS_socket, 41, 0, ALLOW },
	{ "socket 39 with a high bit", SYS_socket, 39 | HIGH, 0, ALLOW },
	{ "socket ALG with a high bit", SYS_socket, 38 | HIGH, 0, NO_RIGHT },
	{ "socket VSOCK negative", SYS_socket, 40 | 0xffffffff00000000, 0, NO_RIGHT },
	{ "socket 4096 + 38", SYS_socket, 4096 + 38, 0, ALLOW },
	{ "personality LINUX", SYS_personality, 0, 0, ALLOW },
	{ "personality LINUX32", SYS_personality, 8, 0, ALLOW },
	{ "personality UNAME26", SYS_personality, 0x20000, 0, ALLOW },
	{ "personality LINUX32 UNAME26", SYS_personality, 0x20008, 0, ALLOW },
	{ "personality asked for", SYS_personality, 0xffffffff, 0, ALLOW },
	{ "personality asked for, -1", SYS_personality, UINT64_MAX, 0, ALLOW },
	{ "personality ADDR_NO_RANDOMIZE", SYS_personality, 0x40000, 0, NO_RIGHT },
	{ "personality READ_IMPLIES_EXEC", SYS_personality, 0x400000, 0, NO_RIGHT },
	{ "personality 1", SYS_personality, 1, 0, NO_RIGHT },
};

START_TEST(a_call_gets_its_documented_answer)
{
	uint32_t verdict = ask(&eleven, NATIVE, calls[_i].nr, calls[_i].a0, calls[_i].a1);

	ck_assert_msg(verdict == calls[_i].verdict, "%s answers %#x instead of %#x", calls[_i].name,
		      verdict, calls[_i].verdict);
}
END_TEST

static const struct {
	const char *name;
	uint64_t caps;		/* any one of these opens the call */
	int nr;
	uint64_t a0;
	uint32_t without;
} guarded[] = {
	{ "mount", CAP(CAP_SYS_ADMIN), SYS_mount, 0, NO_RIGHT },
	{ "umount2", CAP(CAP_SYS_ADMIN), SYS_umount2, 0, NO_RIGHT },
	{ "fsopen", CAP(CAP_SYS_ADMIN), SYS_fsopen, 0, NO_RIGHT },
	{ "pivot_root", CAP(CAP_SYS_ADMIN), SYS_pivot_root, 0, NO_RIGHT },
	{ "setns", CAP(CAP_SYS_ADMIN), SYS_setns, 0, NO_RIGHT },
	{ "unshare", CAP(CAP_SYS_ADMIN), SYS_unshare, CLONE_NEWNS, NO_RIGHT },
	{ "clone", CAP(CAP_SYS_ADMIN), SYS_clone, CLONE_NEWNS, NO_RIGHT },
	{ "clone3", CAP(CAP_SYS_ADMIN), SYS_clone3, 0, NO_CALL },
	{ "quotactl", CAP(CAP_SYS_ADMIN), SYS_quotactl, 0, NO_RIGHT },
	{ "bpf", CAP(CAP_SYS_ADMIN) | CAP(CAP_BPF), SYS_bpf, 0, NO_RIGHT },
	{ "perf_event_open", CAP(CAP_SYS_ADMIN) | CAP(CAP_PERFMON), SYS_perf_event_open, 0,
	  NO_RIGHT },
	{ "syslog", CAP(CAP_SYS_ADMIN) | CAP(CAP_SYSLOG), SYS_syslog, 0, NO_RIGHT },
	{ "finit_module", CAP(CAP_SYS_MODULE), SYS_finit_module, 0, NO_RIGHT },
	{ "reboot", CAP(CAP_SYS_BOOT), SYS_reboot, 0, NO_RIGHT },
	{ "acct", CAP(CAP_SYS_PACCT), SYS_acct, 0, NO_RIGHT },
	{ "chroot", CAP(CAP_SYS_CHROOT), SYS_chroot, 0, NO_RIGHT },
	{ "clock_settime", CAP(CAP_SYS_TIME), SYS_clock_settime, 0, NO_RIGHT },
	{ "settimeofday", CAP(CAP_SYS_TIME), SYS_settimeofday, 0, NO_RIGHT },
	{ "vhangup", CAP(CAP_SYS_TTY_CONFIG), SYS_vhangup, 0, NO_RIGHT },
	{ "open_by_handle_at", CAP(CAP_DAC_READ_SEARCH), SYS_open_by_handle_at, 0, NO_RIGHT },
	{ "mbind", CAP(CAP_SYS_NICE), SYS_mbind, 0, NO_RIGHT },
#if defined(__x86_64__)
	{ "iopl", CAP(CAP_SYS_RAWIO), SYS_iopl, 0, NO_RIGHT },
	{ "ioperm", CAP(CAP_SYS_RAWIO), SYS_ioperm, 0, NO_RIGHT },
#endif
	/* No capability opens these. */
	{ "keyctl", 0, SYS_keyctl, 0, NO_RIGHT },
	{ "io_uring_setup", 0, SYS_io_uring_setup, 0, NO_RIGHT },
	{ "kexec_load", 0, SYS_kexec_load, 0, NO_RIGHT },
	{ "userfaultfd", 0, SYS_userfaultfd, 0, NO_RIGHT },
};

START_TEST(a_capability_opens_what_it_guards_and_nothing_else_does)
{
	struct ct_seccomp_program program = compile(~guarded[_i].caps);

	ck_assert_uint_eq(ask(&program, NATIVE, guarded[_i].nr, guarded[_i].a0, 0),
			  guarded[_i].without);
	for (uint64_t left = guarded[_i].caps; left; left &= left - 1) {
		program = compile(left & -left);
		ck_assert_uint_eq(ask(&program, NATIVE, guarded[_i].nr, guarded[_i].a0, 0), ALLOW);
	}
}
END_TEST

START_TEST(a_foreign_architecture_kills_the_process)
{
	ck_assert_uint_eq(ask(&eleven, AUDIT_ARCH_MIPS, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
	ck_assert_uint_eq(ask(&eleven, 0, SYS_read, 0, 0), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

#if defined(__x86_64__)

/* i386 by number: its own table, the same answers. */
static const struct {
	const char *name;
	int nr;
	uint64_t a0, a1;
	uint32_t verdict;
} i386_calls[] = {
	{ "getpid", 20, 0, 0, ALLOW },
	{ "execve", 11, 0, 0, ALLOW },
	{ "clock_gettime64", 403, 0, 0, ALLOW },
	{ "futex_time64", 422, 0, 0, ALLOW },
	{ "clone", 120, SIGCHLD, 0, ALLOW },
	{ "clone NEWUSER", 120, CLONE_NEWUSER, 0, NO_RIGHT },
	{ "clone3", 435, 0, 0, NO_CALL },
	{ "mount", 21, 0, 0, NO_RIGHT },
	{ "umount", 22, 0, 0, NO_RIGHT },
	{ "stime", 25, 0, 0, NO_RIGHT },
	{ "clock_settime64", 404, 0, 0, NO_RIGHT },
	{ "vm86", 166, 0, 0, NO_RIGHT },
	{ "ioctl TIOCSTI", 54, 0, TIOCSTI, NO_RIGHT },
	{ "ioctl TCGETS", 54, 0, TCGETS, ALLOW },
	{ "socket ALG", 359, 38, 0, NO_RIGHT },
	{ "socket UNIX", 359, 1, 0, ALLOW },
	{ "socketcall socket", 102, 1, 0, ALLOW },
	{ "socketcall bind", 102, 2, 0, ALLOW },
	{ "ipc", 117, 0, 0, ALLOW },
	{ "999", 999, 0, 0, NO_CALL },
};

START_TEST(a_32_bit_call_gets_the_same_answer)
{
	uint32_t verdict =
		ask(&eleven, AUDIT_ARCH_I386, i386_calls[_i].nr, i386_calls[_i].a0, i386_calls[_i].a1);

	ck_assert_msg(verdict == i386_calls[_i].verdict, "i386 %s answers %#x instead of %#x",
		      i386_calls[_i].name, verdict, i386_calls[_i].verdict);
}
END_TEST

START_TEST(every_number_of_x32_answers_enosys)
{
	for (int nr = 0; nr < 600; nr++)
		ck_assert_uint_eq(ask(&eleven, NATIVE, 0x40000000 | nr, 0, 0), NO_CALL);
}
END_TEST

/* Numbers that the kernel never filled or gave up, and clone3. */
static bool is_left_out(int nr)
{
	static const int left_out[] = { 156, 174, 177, 178, 181, 182, 183, 184, 185, 214, 215, 236,
					435 };

	for (int i = 0; i < COUNT(left_out); i++) {
		if (left_out[i] == nr)
			return true;
	}
	return false;
}

START_TEST(no_call_of_the_kernel_was_forgotten)
{
	for (int nr = 0; nr <= 450; nr = nr == 334 ? 424 : nr + 1) {
		uint32_t verdict = ask(&eleven, NATIVE, nr, 0, 0);

		ck_assert_msg((verdict == NO_CALL) == is_left_out(nr), "call %d answers %#x", nr,
			      verdict);
	}
}
END_TEST

#endif

START_TEST(the_key_tells_policies_apart_by_what_matters)
{
	struct ct_seccomp_policy policy, other;
	struct ct_err err;

	ck_assert_int_eq(ct_seccomp_default(&arena, ELEVEN, &policy, &err), 0);
	ck_assert_int_eq(ct_seccomp_default(&arena, ELEVEN | CAP(CAP_NET_RAW), &other, &err), 0);
	ck_assert_str_eq(policy.key, other.key);
	ck_assert_int_eq(ct_seccomp_default(&arena, ELEVEN | CAP(CAP_SYS_ADMIN), &other, &err), 0);
	ck_assert_str_ne(policy.key, other.key);
}
END_TEST

START_TEST(a_full_arena_is_an_error)
{
	struct ct_seccomp_program program;
	struct ct_seccomp_policy policy;
	struct ct_err err;

	while (ct_arena_alloc(&arena, 4096))
		;
	/* The key still finds its place, the rules do not. */
	ck_assert_int_eq(ct_seccomp_default(&arena, ELEVEN, &policy, &err), 0);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), -ENOMEM);
	while (ct_arena_alloc(&arena, 8))
		;
	ck_assert_int_eq(ct_seccomp_default(&arena, ELEVEN, &policy, &err), -ENOMEM);
}
END_TEST

Suite *suite_seccomp_default(void);
Suite *suite_seccomp_default(void)
{
	Suite *s = suite_create("seccomp_default");
	TCase *tc = tcase_create("default");

	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_call_gets_its_documented_answer, 0, COUNT(calls));
	tcase_add_loop_test(tc, a_capability_opens_what_it_guards_and_nothing_else_does, 0,
			    COUNT(guarded));
	tcase_add_test(tc, a_foreign_architecture_kills_the_process);
#if defined(__x86_64__)
	tcase_add_loop_test(tc, a_32_bit_call_gets_the_same_answer, 0, COUNT(i386_calls));
	tcase_add_test(tc, every_number_of_x32_answers_enosys);
	tcase_add_test(tc, no_call_of_the_kernel_was_forgotten);
#endif
	tcase_add_test(tc, the_key_tells_policies_apart_by_what_matters);
	tcase_add_test(tc, a_full_arena_is_an_error);
	suite_add_tcase(s, tc);
	return s;
}
