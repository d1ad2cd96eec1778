/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the end: clients still have to read what the log holds, and some segments are nowhere but
 * in descriptors of the monitor (memory segments, a directory that --rm has removed). So it stays
 * until those that must get everything are gone, and for a while for the others.
 *
 * Runs in the monitor, when the exit is recorded and told, the socket is gone and the lock released.
 * Others wait for the monitor's pid ("cattach wait"): so after a moment, in which nearly every client
 * has gone, a child takes over what is left and the monitor itself ends (or goes on with what its
 * front has still to do). Where no child can be made it stays itself, which only lets those who wait
 * for it wait longer.
 */
#include <unistd.h>

#include "monitor.h"

#define MOMENT_NS	UINT64_C(20000000)	/* for those who were only waiting for the end */
#define PATIENCE_NS	UINT64_C(10000000000)	/* for those who need not get everything */
#define NS_PER_MS	UINT64_C(1000000)

/* Serve until nobody is left or the time is over: true when there is nothing more to do. */
static bool serve_until(struct monitor *m, uint64_t limit, bool with_blockers)
{
	while (m->client_count && !m->leave) {
		uint64_t now = ct_now_monotonic();
		bool forever = with_blockers && m->blockers;

		if (!forever && now >= limit)
			return false;
		ct_monitor_turn(m, forever ? -1 : (int)((limit - now) / NS_PER_MS + 1));
	}
	return true;
}

void ct_linger(struct monitor *m)
{
	uint64_t limit = ct_now_monotonic() + PATIENCE_NS;
	pid_t pid;

	if (serve_until(m, ct_now_monotonic() + MOMENT_NS, false))
		return;
	pid = fork();
	if (pid > 0 && m->config->tagged)
		return;
	if (pid > 0)
		_exit(ct_exit_code(&m->status.exit));
	serve_until(m, limit, true);
	if (pid == 0)
		_exit(ct_exit_code(&m->status.exit));
}
