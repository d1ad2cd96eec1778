/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor in the caller's process, for a payload that a runtime makes: everything is made, the
 * runtime started, and then it is the loop as ever.
 *
 * The process is the caller's own: detached, parent of orphans, with all that it has inherited. It
 * is not confined, for its front executes the runtime and a command at the end; what it reads from
 * the payload, clients and FIFOs is bytes in all cases. The log is in memory and in the file that the
 * front has named. May fail until the payload runs.
 */
#include <cattach/adopt.h>

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "monitor.h"

/* Orphans of the container's, for whom a runtime has left us as their parent. */
void ct_adopt_reap(struct monitor *m)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		if (info.si_pid == m->payload.pid && !m->exited)
			ct_monitor_reap_payload(m);
		else if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) < 0)
			return;
		info.si_pid = 0;
	}
}

bool ct_adopt_passes_on(const struct monitor *m, uint32_t number)
{
	return m->config->tagged && (number == SIGINT || number == SIGQUIT);
}

static void watch_slot(const struct monitor *m, int fd, enum source source, size_t slot)
{
	union event_ref ref = { .source = (uint16_t)source, .slot = (uint16_t)slot };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = ref.u64 };

	/* What cannot be watched is not heard of. */
	if (fd >= 0 && epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return;
}

void ct_adopt_watch(const struct monitor *m)
{
	for (size_t i = 0; i < CONTROLS; i++)
		watch_slot(m, m->control[i].fd, SRC_CONTROL, i);
	for (size_t i = 0; i < CT_MONITOR_WATCHED; i++)
		if (m->config->watched[i].ready)
			watch_slot(m, m->config->watched[i].fd, SRC_WATCHED, i);
}

static int start(struct monitor *m, struct ct_err *err)
{
	const struct ct_monitor_config *config = m->config;
	struct ct_err warning = { 0 };
	int r = ct_monitor_open_loop(m, err);

	if (r == 0)
		r = ct_limit_open(m, err);
	if (r == 0 && config->runtime >= 0)
		r = ct_listen_open(m, err);
	if (r == 0 && config->runtime >= 0)
		r = ct_control_open(m, err);
	if (r == 0 && config->prepare)
		r = config->prepare(config->arg, &warning, err);
	if (r == 0)
		r = ct_payload_start(m, err);
	return r;
}

static void serve(struct monitor *m)
{
	const struct ct_monitor_config *config = m->config;
	struct rlimit before[MONITOR_LIMITS];

	m->status.pid = m->payload.pid;
	m->status.started = ct_now_real();
	/* An exec's is started already: who attaches to it has asked for it. */
	if (config->created)
		ct_tagged_name(m->payload.pid, m->made_as);
	ct_backlog_open(m);
	/* The runtime has had the caller's, and so will the front's command at the end. */
	ct_monitor_raise_limits(before);
	config->started(config->arg);
	ct_monitor_serve(m);
	ct_linger(m);
	ct_backlog_close(m);
	ct_monitor_lower_limits(before);
}

int ct_adopt(const struct ct_monitor_config *config, struct ct_err *err)
{
	struct ct_log_writer *log;
	struct monitor *m;
	int r = ct_log_create(config->dir, &config->log, &log, err);

	if (r < 0)
		return r;
	m = ct_monitor_new(config, log);
	if (!m)
		return ct_fail_nomem(err);
	r = start(m, err);
	if (r == 0) {
		serve(m);
	} else {
		ct_listen_close(m);
		ct_control_close(m);
	}
	ct_monitor_free(m);
	ct_log_free(log);
	return r;
}
