/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between "created" and "running": a process that is set up in all respects but its last step waits
 * on a socket until somebody says that it is to run. Nobody of ours has to be there meanwhile; but until
 * its starter has said that it is on record, it ends with that one, or nobody would ever find it.
 *
 * ct_child_hold() runs in the child, with its final ids, undumpable, with no descriptor of the host
 * but the listening socket and those of its own namespaces. Who can connect is decided by the
 * directory that the socket is in. A filter of the container's is not loaded yet, nor are
 * capabilities cut: nothing of the container's has run. Signals that would end a program end it,
 * though the kernel would keep them from the init of a pid namespace.
 *
 * The other end, ct_ns_go() and ct_ns_way_in(), runs in a command of the user's. What may fail: the
 * process has ended, or ends before it has answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "child.h"

/* ---- the process that waits ---- */

static void end(int signal)
{
	_exit(CT_EXIT_SIGNAL_BASE + signal);
}

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static void heed_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
}

/* True when this connection is the one that the process goes on with. */
static bool serve(struct child *c, int connection)
{
	struct sync_message message;
	int fds[CT_FDS_MAX];

	if (ct_sync_receive(connection, &message, fds) != 1)
		return false;
	for (size_t i = 0; i < CT_FDS_MAX; i++)
		ct_drop_fd(&fds[i]);
	if (message.type == SYNC_WAY_IN)
		ct_sync_send_fds(connection, SYNC_PLACES, c->places.fd,
				 c->places.fd[0] < 0 ? 0 : CT_PLACES);
	return message.type == SYNC_GO;
}

/* Who comes before that waits: the socket is there already. */
static int await_record(struct child *c, struct ct_err *err)
{
	struct sync_message message;
	int fds[CT_FDS_MAX];

	if (ct_sync_send(c->sync, SYNC_HELD, NULL, -1) == 0 &&
	    ct_sync_receive(c->sync, &message, fds) == 1 && message.type == SYNC_KEPT)
		return 0;
	return ct_fail(err, ECANCELED, "who started it went away");
}

int ct_child_hold(struct child *c, struct ct_err *err)
{
	int place = c->sync, connection;
	int r = c->plan->no_program ? 0 : ct_child_look(c, err);

	/* Better said to who makes the container than to who starts it. */
	if (r < 0)
		return r;
	heed_signals(end);
	if (await_record(c, err) < 0)
		return -err->code;
	for (;;) {
		connection = accept4(c->hold, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EMFILE))
			continue;
		if (connection < 0)
			return ct_fail_errno(err, errno, "cannot wait for the start");
		if (serve(c, connection))
			break;
		close(connection);
	}
	/* From now on errors go there. */
	if (dup3(connection, place, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot move a descriptor");
	close(connection);
	ct_drop_fd(&c->hold);
	ct_ns_places_close(&c->places);
	heed_signals(SIG_DFL);
	return 0;
}

/* ---- who comes to it ---- */

static int fail_gone(int code, struct ct_err *err)
{
	return ct_fail(err, ESRCH, "the process that was to be started has ended (%s)", strerror(code));
}

int ct_ns_keep(int tie, struct ct_err *err)
{
	int r = ct_sync_send(tie, SYNC_KEPT, NULL, -1);

	return r < 0 ? ct_fail(err, ESRCH, "the process ended before it was on record (%s)",
			       strerror(-r)) : 0;
}

int ct_ns_go(int socket, pid_t pid, struct ct_err *err)
{
	struct ct_ns_started started = {
		.pid = pid, .pidfd = -1, .terminal = -1, .tie = -1, .places = CT_NS_PLACES_INIT,
	};
	const struct ct_ns_stdio forever = { .interrupt = -1 };
	int r = ct_sync_send(socket, SYNC_GO, NULL, -1);

	if (r < 0)
		return fail_gone(-r, err);
	return ct_sync_follow(NULL, socket, &forever, &started, err);
}

int ct_ns_way_in(int socket, struct ct_ns_places *ret_places, struct ct_err *err)
{
	struct sync_message message;
	int fds[CT_FDS_MAX];
	int r = ct_sync_send(socket, SYNC_WAY_IN, NULL, -1);

	if (r == 0)
		r = ct_sync_receive(socket, &message, fds);
	if (r <= 0)
		return fail_gone(r ? -r : EPIPE, err);
	_Static_assert(CT_FDS_MAX >= CT_PLACES, "all of them in one message");
	*ret_places = (struct ct_ns_places)CT_NS_PLACES_INIT;
	for (size_t i = 0; i < CT_PLACES; i++)
		ret_places->fd[i] = ct_take_fd(&fds[i]);
	for (size_t i = 0; i < CT_FDS_MAX; i++)
		ct_drop_fd(&fds[i]);
	if (ret_places->fd[0] >= 0)
		return 0;
	return ct_fail(err, ENOTSUP, "there was no /proc when the container was made, so nobody can go "
		       "in before it runs");
}
