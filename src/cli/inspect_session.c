/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of "cattach inspect CONTAINER/SESSION": docker's members for what exec has started, and
 * what is said about containers under the names that it has there.
 *
 * Builds values only, in the caller's arena. Cannot fail but for memory, which the values remember.
 *
 * docker's names here begin with lower case within ProcessConfig, and "ID" stands beside our "Id":
 * both forms are there, so that a template for either finds its member.
 */
#include "inspect.h"

#include "times.h"

/* docker splits the words so: the program is its "entrypoint", all others "arguments". */
static struct ct_json *process_config(struct ct_values *values, const struct ct_meta *meta)
{
	struct ct_json *object = ct_value_object(values), *arguments = ct_value_array(values);

	for (size_t i = 1; i < meta->command.count; i++)
		ct_value_add(values, arguments, ct_value_string(values, meta->command.items[i]));
	ct_value_set(values, object, "tty", ct_value_bool(values, meta->tty));
	ct_value_set(values, object, "entrypoint",
		     ct_value_string(values, meta->command.count ? meta->command.items[0] : ""));
	ct_value_set(values, object, "arguments", arguments);
	ct_value_set(values, object, "privileged", ct_value_bool(values, meta->privileged));
	ct_value_set(values, object, "user", ct_value_string(values, meta->user));
	return object;
}

/* null while it runs, and where nobody knows. */
static struct ct_json *exit_code(struct ct_values *values, const struct ct_container *session)
{
	if (session->state != CT_STATE_STOPPED || session->status.state != CT_STATUS_EXITED)
		return ct_value_null(values);
	return ct_value_i64(values, ct_exit_code(&session->status.exit));
}

/* A terminal has one stream, so nothing comes as stderr. */
struct ct_json *ct_inspect_session(struct ct_values *values, const struct ct_container *session)
{
	const struct ct_meta *meta = &session->meta;
	bool running = session->state == CT_STATE_RUNNING;
	struct ct_json *object = ct_value_object(values);
	char created[CT_TIME_SIZE];

	ct_value_set(values, object, "ID", ct_value_string(values, meta->id));
	ct_value_set(values, object, "Running", ct_value_bool(values, running));
	ct_value_set(values, object, "ExitCode", exit_code(values, session));
	ct_value_set(values, object, "ProcessConfig", process_config(values, meta));
	ct_value_set(values, object, "OpenStdin", ct_value_bool(values, meta->stdin_open));
	ct_value_set(values, object, "OpenStdout", ct_value_bool(values, true));
	ct_value_set(values, object, "OpenStderr", ct_value_bool(values, !meta->tty));
	ct_value_set(values, object, "CanRemove", ct_value_bool(values, !running));
	ct_value_set(values, object, "ContainerID", ct_value_string(values, session->session_of));
	ct_value_set(values, object, "DetachKeys", ct_value_string(values, meta->detach_keys));
	ct_value_set(values, object, "Pid",
		     ct_value_i64(values, running ? session->status.pid : 0));
	ct_value_set(values, object, "Id", ct_value_string(values, meta->id));
	ct_value_set(values, object, "Name", ct_value_string(values, ct_container_label(session)));
	ct_value_set(values, object, "Created",
		     ct_value_string(values, ct_time_rfc3339(meta->created, created)));
	ct_value_set(values, object, "State", ct_inspect_state(values, session));
	ct_value_set(values, object, "AutoRemove", ct_value_bool(values, meta->remove));
	return object;
}
