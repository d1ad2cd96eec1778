/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter that hands system calls to somebody outside: SCMP_ACT_NOTIFY. seccomp_unotify(2).
 *
 * ct_listener_connect() runs in the starter, where the agent's socket can be reached; the rest in the
 * child. There the descriptor of the listener is born with the filter, when every call that could send it
 * may be one that waits for the agent, who does not have it yet. So a thread that has no filter sends it,
 * and the process itself makes no call at all until that is done: it looks at a variable. execve(2) ends
 * the thread. One state per connection, as the specification has it; an agent that is not there, or does
 * not take it, is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "child.h"

#define STACK	65536
#define NOT_YET	(-100000)	/* no descriptor and no errno */

/* ---- in the starter ---- */

int ct_listener_connect(const struct ct_plan *plan, struct ct_err *err)
{
	struct ct_plan_listener *l = plan->process.listener;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!l)
		return 0;
	if (strlen(l->path) >= sizeof(address.sun_path)) {
		ct_fail(err, ENAMETOOLONG, "%s has more than %zu characters", l->path,
			sizeof(address.sun_path) - 1);
		return ct_wrap(err, "linux.seccomp.listenerPath");
	}
	memcpy(address.sun_path, l->path, strlen(l->path));
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && connect(l->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	ct_fail_errno(err, errno, "cannot connect to %s", l->path);
	return ct_wrap(err, "linux.seccomp.listenerPath");
}

void ct_listener_close(const struct ct_plan *plan)
{
	if (plan->process.listener)
		ct_drop_fd(&plan->process.listener->fd);
}

/* ---- in the child ---- */

/* While the host's /proc is there: nobody else could tell who we are out there. */
int ct_child_listener(struct child *c, struct ct_err *err)
{
	struct ct_plan_listener *l = c->plan->process.listener;
	char pid[16] = "";
	const char *container = l ? l->container_pid : NULL;

	if (!l)
		return 0;
	c->agent = l->fd;
	if (c->proc < 0 || readlinkat(c->proc, "self", pid, sizeof(pid) - 1) < 0)
		return ct_fail(err, ENOTSUP, "without the host's /proc no agent can be told of a process");
	snprintf(l->text, l->size, "%s%s\"status\":\"%s\",\"pid\":%s%s,\"pid\":%s}\n", l->head,
		 l->state.head, container ? "running" : "creating", container ? container : pid,
		 l->state.tail, pid);
	return 0;
}

/* What both threads look at. */
struct handing {
	struct child *c;
	int fd;			/* the listener, or -errno of the filter */
	int done;
};

/* The thread that has no filter. */
static int hand_over(void *arg)
{
	const struct timespec moment = { .tv_nsec = 20000 };
	struct handing *h = arg;
	const char *text = h->c->plan->process.listener->text;
	struct ct_err err;
	int fd, r;

	while ((fd = __atomic_load_n(&h->fd, __ATOMIC_ACQUIRE)) == NOT_YET)
		nanosleep(&moment, NULL);
	if (fd >= 0) {
		r = ct_send(h->c->agent, text, strlen(text), fd);
		/* The other one cannot end itself for sure. */
		if (r < 0) {
			ct_fail_errno(&err, -r, "cannot hand the listener to %s",
				      h->c->plan->process.listener->path);
			ct_wrap(&err, "linux.seccomp.listenerPath");
			ct_sync_send(h->c->sync, SYNC_ERROR, &err, -1);
			syscall(SYS_exit_group, err.exit);
		}
		shutdown(h->c->agent, SHUT_RDWR);
	}
	__atomic_store_n(&h->done, 1, __ATOMIC_RELEASE);
	return 0;
}

static int load(const struct ct_seccomp_program *program, bool killable)
{
	struct sock_fprog code = { .len = program->length, .filter = program->filter };
	/* It would give the filter to the other thread. There is nobody else. */
	unsigned flags = program->flags & ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC;
	int fd;

	flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* 5.19 and newer */
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | (killable ? 1u << 5 : 0), &code);
	if (fd < 0 && errno == EINVAL && killable)
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &code);
	return fd < 0 ? -errno : fd;
}

int ct_child_load_listened(struct child *c)
{
	const struct ct_plan_process *p = &c->plan->process;
	void *memory = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	struct handing *h;
	int fd;

	if (memory == MAP_FAILED)
		return -errno;
	/* Never unmapped: the thread is on it until it is gone. */
	h = memory;
	*h = (struct handing){ .c = c, .fd = NOT_YET };
	if (clone(hand_over, (char *)memory + STACK, flags, h) < 0)
		return -errno;
	fd = load(&p->seccomp, p->listener->killable);
	__atomic_store_n(&h->fd, fd, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&h->done, __ATOMIC_ACQUIRE))
		continue;
	return fd < 0 ? fd : 0;
}
