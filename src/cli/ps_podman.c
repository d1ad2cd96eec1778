/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a row of ps that only podman has, for scripts that were written for it: .Pid,
 * .ExitCode, .Exited, .StartedAt, .ExitedAt, .Created, .CIDFile. Numbers are numbers in json, times
 * are seconds since the epoch, as podman has them.
 *
 * Only builds values. Runs in the command's own process; fails when memory runs out, as values do.
 */
#include "ps.h"

#include <cattach/proc.h>

#define SECOND UINT64_C(1000000000)

static void set_i64(struct ct_values *values, struct ct_json *row, const char *key, uint64_t number)
{
	ct_value_set(values, row, key, ct_value_i64(values, (int64_t)number));
}

void ct_ps_podman(struct ct_values *values, struct ct_json *row,
		  const struct ct_container *container, const char *created)
{
	const struct ct_status *status = &container->status;
	bool lives = container->state == CT_STATE_RUNNING || container->state == CT_STATE_PAUSED;
	bool ended = container->state == CT_STATE_STOPPED;
	/* nobody may have been there to record it: 255, as inspect has it */
	bool known = status->state == CT_STATUS_EXITED;

	set_i64(values, row, "Pid", lives ? (uint64_t)status->pid : 0);
	ct_value_set(values, row, "ExitCode",
		     ct_value_i64(values, !ended ? 0 : known ? ct_exit_code(&status->exit) : 255));
	ct_value_set(values, row, "Exited", ct_value_bool(values, ended));
	set_i64(values, row, "StartedAt", status->started / SECOND);
	set_i64(values, row, "ExitedAt", ended && known ? status->finished / SECOND : 0);
	ct_value_set(values, row, "Created", ct_value_string(values, created));
	ct_value_set(values, row, "CIDFile", ct_value_string(values, container->meta.cidfile));
}

void ct_ps_podman_titles(struct ct_values *values, struct ct_json *row)
{
	static const char *const titles[][2] = {
		{ "Pid", "PID" },	      { "ExitCode", "EXIT CODE" }, { "Exited", "EXITED" },
		{ "StartedAt", "STARTED AT" }, { "ExitedAt", "EXITED AT" }, { "Created", "CREATED" },
		{ "CIDFile", "CIDFILE" },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		ct_value_set(values, row, titles[i][0], ct_value_string(values, titles[i][1]));
}
