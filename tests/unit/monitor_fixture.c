/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture of the monitor's tests. The loop is the real one, turned by hand; nothing waits, for
 * what a turn does not bring will not come: so a test never sleeps and never depends on time.
 */
#include "monitor_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#define TURNS_MAX 100000

static void make_log(struct loop *l)
{
	struct ct_err err = { 0 };
	int dir;

	ck_assert_int_eq(mkdirat(fixture_dir(), "main", 0700), 0);
	dir = openat(fixture_dir(), "main", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(ct_log_create(dir, &l->config.log, &l->log, &err) == 0, "%s", err.what);
	close(dir);
}

/* Returns when the child has none of our descriptors any more: an end of file must be one. */
static void make_payload(struct loop *l)
{
	int gone[2];
	char byte;

	ck_assert_int_eq(pipe2(gone, O_CLOEXEC), 0);
	l->payload = fork();
	ck_assert_int_ge(l->payload, 0);
	if (l->payload == 0) {
		ct_signals_reset();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ct_close_from(3);
		for (;;)
			pause();
	}
	close(gone[1]);
	ck_assert_int_eq(read(gone[0], &byte, 1), 0);
	close(gone[0]);
	l->m->payload.pid = l->payload;
	l->m->payload.pidfd = ct_pidfd_open(l->payload);
	ck_assert_int_ge(l->m->payload.pidfd, 0);
}

static void make_pipe(int *ours, int *theirs, int end)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	*ours = fds[end];
	*theirs = fds[1 - end];
	ck_assert_int_eq(fcntl(*ours, F_SETFL, O_NONBLOCK), 0);
	/* The test's end of stdin, too: it looks, and does not wait. */
	if (end == 1)
		ck_assert_int_eq(fcntl(*theirs, F_SETFL, O_NONBLOCK), 0);
}

static void make_terminal(struct loop *l)
{
	struct termios raw;
	int master;

	ck_assert_int_eq(openpty(&master, &l->out, NULL, NULL, NULL), 0);
	ck_assert_int_eq(tcgetattr(l->out, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(l->out, TCSANOW, &raw), 0);
	fcntl(l->out, F_SETFD, FD_CLOEXEC);
	fcntl(l->out, F_SETFL, O_RDWR | O_NONBLOCK);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	l->m->out[0].fd = l->m->payload.terminal = master;
	l->m->in = fcntl(master, F_DUPFD_CLOEXEC, 3);
	l->in = fcntl(l->out, F_DUPFD_CLOEXEC, 3);
}

static void make_stdio(struct loop *l)
{
	struct monitor *m = l->m;

	if (l->config.tty) {
		make_terminal(l);
		return;
	}
	make_pipe(&m->out[0].fd, &l->out, 0);
	if (l->config.stdin_open)
		make_pipe(&m->in, &l->in, 1);
}

void loop_open(struct loop *l)
{
	struct ct_err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (l->config.runtime == 0) {
		ck_assert_int_eq(mkdirat(fixture_dir(), "runtime", 0700), 0);
		l->runtime = openat(fixture_dir(), "runtime", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		l->config.runtime = l->runtime;
	}
	make_log(l);
	l->m = ct_monitor_new(&l->config, l->log);
	ck_assert_ptr_nonnull(l->m);
	ck_assert_int_eq(ct_monitor_open_loop(l->m, &err), 0);
	ck_assert_msg(ct_listen_open(l->m, &err) == 0, "%s", err.what);
	make_stdio(l);
	make_payload(l);
	ct_monitor_watch_all(l->m);
	ct_log_publish(l->log, CT_PAGE_RUNNING, NULL);
	loop_run(l);
}

static void close_clients(struct monitor *m)
{
	for (unsigned i = 0; i < m->client_top; i++)
		if (ct_client_connected(&m->clients[i]))
			ct_fd_close(m->clients[i].fd);
}

void loop_close(struct loop *l)
{
	struct monitor *m = l->m;

	if (!m)
		return;
	kill(l->payload, SIGKILL);
	waitpid(l->payload, NULL, 0);
	close_clients(m);
	ct_fd_close(m->out[0].fd);
	ct_fd_close(m->in);
	ct_fd_close(m->payload.pidfd);
	ct_fd_close(m->epoll);
	ct_fd_close(m->signals);
	ct_fd_close(m->timer);
	ct_fd_close(m->listener);
	ct_fd_close(m->reserve);
	ct_monitor_free(m);
	ct_log_free(l->log);
	ct_fd_close(l->in);
	ct_fd_close(l->out);
	ct_fd_close(l->runtime);
}

unsigned loop_run(struct loop *l)
{
	unsigned events = 0;

	for (int i = 0; i < TURNS_MAX; i++) {
		int n = ct_monitor_turn(l->m, 0);

		if (n <= 0)
			return events;
		events += (unsigned)n;
	}
	ck_abort_msg("the loop does not come to rest: %u events", events);
	return events;
}

/* ---- clients ---- */

int loop_connect(struct loop *l)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fcntl(pair[1], F_SETFL, O_RDWR | O_NONBLOCK);
	ck_assert_ptr_nonnull(ct_client_add(l->m, pair[1]));
	return pair[0];
}

int loop_dial(const struct loop *l)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(sock, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/attach", l->runtime);
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return sock;
	ct_fd_close(sock);
	return -errno;
}

int loop_sized_client(struct loop *l, uint32_t hello, uint16_t rows, uint16_t columns)
{
	struct ct_message message = { .type = CT_MSG_HELLO, .flags = hello, .rows = rows,
				      .columns = columns };
	int sock = loop_connect(l);

	loop_send(l, sock, &message);
	loop_expect(sock, CT_MSG_WELCOME);
	return sock;
}

int loop_client(struct loop *l, uint32_t hello)
{
	return loop_sized_client(l, hello, 0, 0);
}

void loop_send(struct loop *l, int sock, const struct ct_message *message)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	ssize_t n = ct_message_encode(message, record);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(ct_send(sock, record, (size_t)n, -1), 0);
	loop_run(l);
}

void loop_say(struct loop *l, int sock, enum ct_message_type type)
{
	loop_send(l, sock, &(struct ct_message){ .type = type });
}

void loop_type(struct loop *l, int sock, const char *text)
{
	loop_send(l, sock, &(struct ct_message){ .type = CT_MSG_STDIN, .data = (const uint8_t *)text,
						 .size = strlen(text) });
}

struct ct_message loop_expect(int sock, enum ct_message_type type)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	struct ct_message message = { 0 };
	struct ct_err err = { 0 };
	int fds[CT_FDS_MAX];
	ssize_t n = ct_recv_fds(sock, record, sizeof(record), fds, MSG_DONTWAIT);

	for (int i = 0; i < CT_FDS_MAX; i++)
		ct_fd_close(fds[i]);
	ck_assert_msg(n > 0, "no message of type %d: %s", (int)type, n ? strerror((int)-n) : "the end");
	ck_assert_msg(ct_message_decode(record, (size_t)n, &message, &err) == 0, "%s", err.what);
	ck_assert_msg(message.type == type, "message type %d, not %d (%.*s)", (int)message.type,
		      (int)type, (int)message.size, (const char *)message.data);
	return message;
}

void loop_expect_error(int sock, const char *text)
{
	struct ct_message message = loop_expect(sock, CT_MSG_ERROR);

	ck_assert_uint_eq(message.size, strlen(text));
	ck_assert_mem_eq(message.data, text, message.size);
}

void loop_expect_nothing(int sock)
{
	char byte;

	ck_assert_int_eq(recv(sock, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

void loop_expect_end(int sock)
{
	char byte;

	ck_assert_int_eq(recv(sock, &byte, 1, MSG_DONTWAIT), 0);
}

/* ---- the payload ---- */

ssize_t loop_stdin(const struct loop *l, void *buf, size_t size)
{
	ssize_t n = read(l->in, buf, size);

	ck_assert(n >= 0 || errno == EAGAIN);
	return n;
}

void loop_expect_stdin(const struct loop *l, const char *text)
{
	char got[4096];
	ssize_t n = loop_stdin(l, got, sizeof(got));

	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(got, text, (size_t)n);
}

void loop_write(struct loop *l, const void *data, size_t size)
{
	ck_assert_int_eq(write(l->out, data, size), (ssize_t)size);
	loop_run(l);
}

void loop_expect_killed(struct loop *l, int signal)
{
	while (!l->m->exited)
		ck_assert_int_gt(ct_monitor_turn(l->m, 10000), 0);
	ck_assert(l->m->status.exit.signaled);
	ck_assert_int_eq(l->m->status.exit.value, signal);
}

long loop_memory(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long total, resident;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
