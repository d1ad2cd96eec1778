/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor makes of what it has inherited. Descriptors: it keeps its own; what the command had
 * open, and what starting needed, is closed, for a payload's pipe or a terminal that stayed open here
 * would never end for others. Limits: those that were meant for the payload are raised.
 *
 * Runs once in the monitor, when the payload has been started and nothing is to be opened but by
 * those who know what for. Cannot fail; close_range(2) is there since Linux 5.9.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "monitor.h"

#define NAMED		17	/* that the monitor has names for */
#define OWN_DESCRIPTORS	(NAMED + CT_ATTACH_PLACES + CT_MONITOR_KEEP)
#define WAITING_MAX	128
#define KEEP_MAX	(OWN_DESCRIPTORS + CT_LOG_DESCRIPTORS + WAITING_MAX)

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void ct_monitor_keep_descriptors(const struct monitor *m)
{
	int keep[KEEP_MAX] = { m->status_fd,   m->lock_fd,   m->epoll,		m->signals,
			       m->timer,       m->out[0].fd, m->out[1].fd,	m->in,
			       m->peer,	       m->listener,  m->reserve,	m->runtime,
			       m->config->dir, m->config->client, m->payload.pidfd,
			       m->config->owner, m->limit };
	size_t n = NAMED;
	unsigned next = 3;

	for (size_t i = 0; i < CT_MONITOR_KEEP; i++)
		keep[n++] = m->config->keep[i];
	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		keep[n++] = m->payload.places[i];
	for (size_t i = 0; i < m->config->waiting_count && i < WAITING_MAX; i++)
		keep[n++] = m->config->waiting[i];
	n += ct_log_descriptors(m->log, keep + n, KEEP_MAX - n);
	qsort(keep, n, sizeof(keep[0]), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		if ((unsigned)keep[i] > next)
			close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	close_range(next, ~0U, 0);
}

/* Limits that the caller meant for the payload, which has them by now: not for its log, nor for who
 * serves it, with a socket for each of 1,024 clients. What is hard stays. */
static const __rlimit_resource_t raised[MONITOR_LIMITS] = { RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_NOFILE };

void ct_monitor_raise_limits(struct rlimit before[MONITOR_LIMITS])
{
	for (size_t i = 0; i < MONITOR_LIMITS; i++) {
		struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

		if (getrlimit(raised[i], &limit) < 0)
			continue;
		before[i] = limit;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(raised[i], &limit);
	}
}

void ct_monitor_lower_limits(const struct rlimit before[MONITOR_LIMITS])
{
	for (size_t i = 0; i < MONITOR_LIMITS; i++)
		setrlimit(raised[i], &before[i]);
}
