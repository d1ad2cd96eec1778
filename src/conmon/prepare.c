/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor makes besides its payload before that runs: the stream log, the loop, the socket.
 *
 * Runs in the monitor, while the payload's process opens what it needs of the host and waits for its
 * ids: two processors have something to do then, and a start is over sooner. The lock and the record
 * are there before that process (monitor.c), so whoever is killed here leaves a start that failed; the
 * program itself runs only when all of this is there. What fails ends the start with its exact error.
 */
#include <errno.h>
#include <sys/resource.h>

#include "monitor.h"

/* A limit on file sizes is the payload's, not the log's: as far as it is soft, and only for now. */
static int create_log(struct monitor *m, struct ct_err *err)
{
	struct ct_log_options options = m->config->log;
	struct rlimit before, raised;
	bool limited = getrlimit(RLIMIT_FSIZE, &before) == 0 && before.rlim_cur < before.rlim_max;
	int r;

	raised = before;
	raised.rlim_cur = before.rlim_max;
	if (limited && setrlimit(RLIMIT_FSIZE, &raised) < 0)
		limited = false;
	options.tty = m->config->tty;
	r = ct_log_create(m->log_dir, &options, &m->log, err);
	if (limited && setrlimit(RLIMIT_FSIZE, &before) < 0)
		r = r < 0 ? r : ct_fail_errno(err, errno, "cannot set the limit on file sizes");
	return r;
}

int ct_monitor_prepare(struct monitor *m, struct ct_err *err)
{
	int r = create_log(m, err);

	if (r < 0)
		return r;
	m->run_start = ct_log_end(m->log);
	r = ct_monitor_open_loop(m, err);
	if (r == 0)
		r = ct_limit_open(m, err);
	return r < 0 ? r : ct_listen_open(m, err);
}
