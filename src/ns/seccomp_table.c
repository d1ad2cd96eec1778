/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default system call policy, as data. Three answers exist:
 *
 *  - allowed: calls that only touch what the container already owns. The kernel's own checks on
 *    ids, capabilities and namespaces still apply to each of them.
 *  - EPERM: calls that exist and that we refuse, with or without a capability that opens them.
 *  - ENOSYS: everything that is not named here, so that programs built for newer kernels fall
 *    back as they would on an older one. clone3 is among them on purpose (see below).
 *
 * A name that the libseccomp in use does not know is skipped and its number answers ENOSYS. The
 * names of all architectures stand side by side: those that an architecture lacks cost nothing.
 * docs/seccomp.md has the same table for people. Constant data, used before the clone with the
 * caller's privileges; nothing here can fail. A change here changes the key of cached programs.
 */
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "seccomp_table.h"

const struct seccomp_group ct_seccomp_groups[] = {
	/* Files: opening, reading, writing, waiting for them. Rights are those of the file. */
	{ 0, SECCOMP_ALLOW,
	  "open openat openat2 creat close close_range read write readv writev pread64 pwrite64 "
	  "preadv pwritev preadv2 pwritev2 lseek _llseek readahead sendfile sendfile64 splice tee "
	  "vmsplice copy_file_range fcntl fcntl64 flock dup dup2 dup3 pipe pipe2 "
	  "fsync fdatasync sync syncfs sync_file_range sync_file_range2 arm_sync_file_range "
	  "fallocate fadvise64 fadvise64_64 arm_fadvise64_64 truncate truncate64 ftruncate "
	  "ftruncate64 cachestat" },
	/* Files: their names and what is known about them. */
	{ 0, SECCOMP_ALLOW,
	  "stat stat64 fstat fstat64 fstatat64 lstat lstat64 newfstatat oldstat oldfstat oldlstat "
	  "statx access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir "
	  "getdents getdents64 readdir mkdir mkdirat rmdir mknod mknodat link linkat symlink "
	  "symlinkat unlink unlinkat rename renameat renameat2 chmod fchmod fchmodat fchmodat2 "
	  "chown chown32 fchown fchown32 fchownat lchown lchown32 umask "
	  "utime utimes futimesat utimensat utimensat_time64 statfs statfs64 fstatfs fstatfs64 "
	  "name_to_handle_at file_getattr file_setattr" },
	/* Extended attributes. */
	{ 0, SECCOMP_ALLOW,
	  "getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat "
	  "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
	  "removexattrat" },
	/* What is mounted and which namespaces are ours: no more than /proc/self says. */
	{ 0, SECCOMP_ALLOW, "statmount listmount listns" },
	/* Waiting for events. */
	{ 0, SECCOMP_ALLOW,
	  "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create "
	  "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 "
	  "signalfd signalfd4 timerfd timerfd_create timerfd_gettime timerfd_gettime64 "
	  "timerfd_settime timerfd_settime64 inotify_init inotify_init1 inotify_add_watch "
	  "inotify_rm_watch fanotify_mark" },
	/* Asynchronous input and output in its older form; io_uring is refused below. */
	{ 0, SECCOMP_ALLOW,
	  "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents "
	  "io_pgetevents_time64" },
	/*
	 * Sockets; socket(2) itself is a choice below. socketcall(2) of 32-bit programs takes its
	 * arguments through a pointer that no filter can follow, and without it they have no
	 * sockets at all, so it is allowed whole.
	 */
	{ 0, SECCOMP_ALLOW,
	  "socketcall socketpair bind listen accept accept4 connect shutdown getsockname "
	  "getpeername getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg "
	  "recvmmsg recvmmsg_time64" },
	/* Memory. userfaultfd and the placement calls of NUMA are refused below. */
	{ 0, SECCOMP_ALLOW,
	  "brk mmap mmap2 munmap mremap mprotect msync mincore madvise process_madvise "
	  "process_mrelease mlock mlock2 mlockall munlock munlockall remap_file_pages mseal "
	  "memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect map_shadow_stack "
	  "membarrier subpage_prot" },
	/* Processes and threads; clone, unshare and personality are choices below. */
	{ 0, SECCOMP_ALLOW,
	  "fork vfork execve execveat exit exit_group wait4 waitid waitpid pause restart_syscall "
	  "getpid gettid getppid getpgid getpgrp setpgid getsid setsid prctl getcpu set_tid_address "
	  "set_robust_list get_robust_list rseq rseq_slice_yield futex futex_time64 futex_waitv "
	  "futex_wake futex_wait futex_requeue pidfd_open pidfd_send_signal" },
	/* Processes that the caller may trace: the kernel asks the same question for each. */
	{ 0, SECCOMP_ALLOW, "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd" },
	/* What the kernel calls on its own at a probe: refusing it would kill a traced program. */
	{ 0, SECCOMP_ALLOW, "uprobe uretprobe" },
	/* Signals. */
	{ 0, SECCOMP_ALLOW,
	  "kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend "
	  "rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn "
	  "sigaction sigprocmask sigpending sigsuspend sigreturn sigaltstack signal sgetmask "
	  "ssetmask" },
	/* Time: reading it, sleeping, timers. adjtimex reads for everybody and sets for CAP_SYS_TIME. */
	{ 0, SECCOMP_ALLOW,
	  "time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
	  "clock_nanosleep clock_nanosleep_time64 nanosleep alarm getitimer setitimer "
	  "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
	  "timer_settime64 adjtimex clock_adjtime clock_adjtime64" },
	/* Scheduling and limits. */
	{ 0, SECCOMP_ALLOW,
	  "sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
	  "sched_getattr sched_setattr sched_getaffinity sched_setaffinity "
	  "sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
	  "sched_rr_get_interval_time64 getpriority setpriority nice ioprio_get ioprio_set "
	  "getrlimit ugetrlimit setrlimit prlimit64 getrusage" },
	/* Ids and capabilities of the caller. */
	{ 0, SECCOMP_ALLOW,
	  "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid "
	  "getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 "
	  "setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 "
	  "setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset" },
	/* System V and POSIX interprocess communication, which has a namespace. */
	{ 0, SECCOMP_ALLOW,
	  "ipc shmget shmat shmctl shmdt semget semop semtimedop semtimedop_time64 semctl msgget "
	  "msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive "
	  "mq_timedreceive_time64 mq_notify mq_getsetattr" },
	/* The system: what it is, randomness. */
	{ 0, SECCOMP_ALLOW, "uname olduname oldolduname sysinfo getrandom" },
	/* A process confining itself further. */
	{ 0, SECCOMP_ALLOW,
	  "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self "
	  "lsm_get_self_attr lsm_set_self_attr lsm_list_modules" },
	/* Processor state of a thread; each architecture has a few of these. */
	{ 0, SECCOMP_ALLOW,
	  "arch_prctl modify_ldt get_thread_area set_thread_area get_tls set_tls breakpoint "
	  "cacheflush swapcontext switch_endian riscv_flush_icache riscv_hwprobe "
	  "s390_guarded_storage s390_runtime_instr s390_pci_mmio_read s390_pci_mmio_write" },

	/* The mount tree and namespaces. */
	{ CAP_BIT(CAP_SYS_ADMIN), SECCOMP_EPERM,
	  "mount umount umount2 pivot_root fsopen fsconfig fsmount fspick open_tree open_tree_attr "
	  "move_mount mount_setattr setns" },
	/* The system's name, quotas, profiles, watches on a whole file system. */
	{ CAP_BIT(CAP_SYS_ADMIN), SECCOMP_EPERM,
	  "sethostname setdomainname quotactl quotactl_fd lookup_dcookie fanotify_init" },
	/* Programs in the kernel, and its counters. */
	{ CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_BPF), SECCOMP_EPERM, "bpf" },
	{ CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_PERFMON), SECCOMP_EPERM, "perf_event_open" },
	/* The kernel's log. */
	{ CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SYSLOG), SECCOMP_EPERM, "syslog" },
	/* One capability, one door. */
	{ CAP_BIT(CAP_SYS_CHROOT), SECCOMP_EPERM, "chroot" },
	{ CAP_BIT(CAP_DAC_READ_SEARCH), SECCOMP_EPERM, "open_by_handle_at" },
	{ CAP_BIT(CAP_SYS_MODULE), SECCOMP_EPERM, "init_module finit_module delete_module" },
	{ CAP_BIT(CAP_SYS_BOOT), SECCOMP_EPERM, "reboot" },
	{ CAP_BIT(CAP_SYS_PACCT), SECCOMP_EPERM, "acct" },
	{ CAP_BIT(CAP_SYS_TTY_CONFIG), SECCOMP_EPERM, "vhangup" },
	{ CAP_BIT(CAP_SYS_TIME), SECCOMP_EPERM, "clock_settime clock_settime64 settimeofday stime" },
	{ CAP_BIT(CAP_SYS_RAWIO), SECCOMP_EPERM,
	  "iopl ioperm pciconfig_iobase pciconfig_read pciconfig_write" },
	/* Memory placement: get_mempolicy tells one container about the nodes of the host. */
	{ CAP_BIT(CAP_SYS_NICE), SECCOMP_EPERM,
	  "get_mempolicy set_mempolicy set_mempolicy_home_node mbind migrate_pages move_pages" },

	/* clone3 keeps its flags behind a pointer: ENOSYS makes the C library use clone instead. */
	{ CAP_BIT(CAP_SYS_ADMIN), SECCOMP_ENOSYS, "clone3" },

	/* Refused whatever the capabilities: a second kernel, swap, firmware. */
	{ 0, SECCOMP_EPERM, "kexec_load kexec_file_load swapon swapoff rtas" },
	/* Keyrings are not namespaced: they are the caller's on the host. */
	{ 0, SECCOMP_EPERM, "add_key request_key keyctl" },
	/* Handling faults in user space makes races in the kernel winnable. */
	{ 0, SECCOMP_EPERM, "userfaultfd" },
	/* io_uring does its work where this filter does not look. */
	{ 0, SECCOMP_EPERM, "io_uring_setup io_uring_enter io_uring_register" },
	/* Leftovers of other decades that some kernels still answer. */
	{ 0, SECCOMP_EPERM, "nfsservctl uselib ustat sysfs vm86 vm86old" },
};

const size_t ct_seccomp_group_count = sizeof(ct_seccomp_groups) / sizeof(ct_seccomp_groups[0]);

/* Bits of clone(2), unshare(2): each makes a namespace. CLONE_NEWTIME is not one of clone's. */
#define CLONE_NEW_ANY	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define UNSHARE_NEW_ANY	(CLONE_NEW_ANY | 0x80)

/* The first argument of clone(2) is the flags, but on s390 the stack. */
#if defined(__s390__)
#define CLONE_FLAGS_INDEX	1
#else
#define CLONE_FLAGS_INDEX	0
#endif

/* Arguments of type int or unsigned: the kernel drops the upper half, so the filter must too. */
#define INT_MASK	0xffffffffu

const struct seccomp_choice ct_seccomp_choices[] = {
	/* New namespaces only for those who could use them; threads and processes for everybody. */
	{ CAP_BIT(CAP_SYS_ADMIN), "clone", CLONE_FLAGS_INDEX, CLONE_NEW_ANY, SECCOMP_ALLOW,
	  1, { 0 } },
	{ CAP_BIT(CAP_SYS_ADMIN), "unshare", 0, UNSHARE_NEW_ANY, SECCOMP_ALLOW, 1, { 0 } },
	/* Typing into a terminal, and the console's paste: ways out to the shell behind it. */
	{ 0, "ioctl", 1, INT_MASK, SECCOMP_EPERM, 2, { TIOCSTI, TIOCLINUX } },
	/* The kernel's crypto, a large target; the host's hypervisor, which has no namespace. */
	{ 0, "socket", 0, INT_MASK, SECCOMP_EPERM, 2, { AF_ALG, AF_VSOCK } },
	/* Only Linux itself, 32-bit machine names, and asking; no weaker address layouts. */
	{ 0, "personality", 0, INT_MASK, SECCOMP_ALLOW, 5,
	  { PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, INT_MASK } },
};

const size_t ct_seccomp_choice_count = sizeof(ct_seccomp_choices) / sizeof(ct_seccomp_choices[0]);
