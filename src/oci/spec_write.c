/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec as config.json: every field of struct ct_spec that is set, in the order of the runtime
 * specification, so that ct_spec_parse() reads back the same.
 *
 * "cattach spec" shows it, and each container's state directory keeps the spec that it was made
 * with. Runs in the command, with the caller's rights; fails with ENOMEM only. Seccomp and the
 * rest of "linux" are in spec_write_linux.c.
 *
 * A property that is not set is not written, and one that is NULL in the struct was not set: so a
 * document that is read and written again keeps its meaning, though not its text. Members of
 * "process" that have a has_ flag are written even if they are 0, since 0 is then what somebody
 * wrote.
 *
 *   ct_spec_write -> write_spec -> write_process, write_mounts     here
 *                              `-> ct_write_linux                  spec_write_linux.c, _resources.c
 *                              `-> ct_write_hooks                  spec_hooks.c
 */
#include "write.h"


/* The ct_write_ functions leave out what is empty; the generator's own would write null or []. */
void ct_write_string(struct ct_json_writer *w, const char *key, const char *value)
{
	if (value)
		ct_json_put_string(w, key, value);
}

/* An empty list is one that was not given, for the specification too. */
void ct_write_strings(struct ct_json_writer *w, const char *key, const struct ct_strings *list)
{
	if (!list->count)
		return;
	ct_json_key(w, key);
	ct_json_strings(w, list);
}

void ct_write_pairs(struct ct_json_writer *w, const char *key, const struct ct_spec_pairs *pairs)
{
	if (!pairs->count)
		return;
	ct_json_key(w, key);
	ct_json_begin_object(w);
	for (size_t i = 0; i < pairs->count; i++)
		ct_json_put_string(w, pairs->items[i].key, pairs->items[i].value);
	ct_json_end_object(w);
}

/* The names of the specification's members, with its capitals. */
void ct_write_idmaps(struct ct_json_writer *w, const char *key, const struct ct_spec_idmaps *maps)
{
	if (!maps->count)
		return;
	ct_json_key(w, key);
	ct_json_begin_array(w);
	for (size_t i = 0; i < maps->count; i++) {
		ct_json_begin_object(w);
		ct_json_put_u64(w, "containerID", maps->items[i].container_id);
		ct_json_put_u64(w, "hostID", maps->items[i].host_id);
		ct_json_put_u64(w, "size", maps->items[i].size);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

/* ---- process ---- */

/* uid and gid are required by the specification, also when they are 0. */
static void write_user(struct ct_json_writer *w, const struct ct_spec_process *process)
{
	ct_json_key(w, "user");
	ct_json_begin_object(w);
	ct_json_put_u64(w, "uid", process->uid);
	ct_json_put_u64(w, "gid", process->gid);
	if (process->has_umask)
		ct_json_put_u64(w, "umask", process->umask);
	if (process->additional_gid_count) {
		ct_json_key(w, "additionalGids");
		ct_json_begin_array(w);
		for (size_t i = 0; i < process->additional_gid_count; i++)
			ct_json_u64(w, process->additional_gids[i]);
		ct_json_end_array(w);
	}
	ct_json_end_object(w);
}

/* Sets that are empty are left out: absent is empty for this object. */
static void write_capabilities(struct ct_json_writer *w, const struct ct_spec_capabilities *caps)
{
	ct_json_key(w, "capabilities");
	ct_json_begin_object(w);
	ct_write_strings(w, "bounding", &caps->bounding);
	ct_write_strings(w, "effective", &caps->effective);
	ct_write_strings(w, "inheritable", &caps->inheritable);
	ct_write_strings(w, "permitted", &caps->permitted);
	ct_write_strings(w, "ambient", &caps->ambient);
	ct_json_end_object(w);
}

/* RLIM_INFINITY is written as 18446744073709551615, which every runtime reads. */
static void write_rlimits(struct ct_json_writer *w, const struct ct_spec_process *process)
{
	if (!process->rlimit_count)
		return;
	ct_json_key(w, "rlimits");
	ct_json_begin_array(w);
	for (size_t i = 0; i < process->rlimit_count; i++) {
		ct_json_begin_object(w);
		ct_json_put_string(w, "type", process->rlimits[i].type);
		ct_json_put_u64(w, "soft", process->rlimits[i].soft);
		ct_json_put_u64(w, "hard", process->rlimits[i].hard);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

/* 0 is the kernel's default for all of these. */
static void write_scheduler(struct ct_json_writer *w, const struct ct_spec_scheduler *scheduler)
{
	ct_json_key(w, "scheduler");
	ct_json_begin_object(w);
	ct_json_put_string(w, "policy", scheduler->policy);
	if (scheduler->nice)
		ct_json_put_i64(w, "nice", scheduler->nice);
	if (scheduler->priority)
		ct_json_put_i64(w, "priority", scheduler->priority);
	ct_write_strings(w, "flags", &scheduler->flags);
	if (scheduler->runtime)
		ct_json_put_u64(w, "runtime", scheduler->runtime);
	if (scheduler->deadline)
		ct_json_put_u64(w, "deadline", scheduler->deadline);
	if (scheduler->period)
		ct_json_put_u64(w, "period", scheduler->period);
	ct_json_end_object(w);
}

static void write_scheduling(struct ct_json_writer *w, const struct ct_spec_process *process)
{
	if (process->has_scheduler)
		write_scheduler(w, &process->scheduler);
	if (process->io_class) {
		ct_json_key(w, "ioPriority");
		ct_json_begin_object(w);
		ct_json_put_string(w, "class", process->io_class);
		ct_json_put_i64(w, "priority", process->io_priority);
		ct_json_end_object(w);
	}
	if (process->affinity_initial || process->affinity_final) {
		ct_json_key(w, "execCPUAffinity");
		ct_json_begin_object(w);
		ct_write_string(w, "initial", process->affinity_initial);
		ct_write_string(w, "final", process->affinity_final);
		ct_json_end_object(w);
	}
}

/* "terminal" and "noNewPrivileges" always: both are read as false when missing, and people look for
 * them. */
static void write_process(struct ct_json_writer *w, const struct ct_spec_process *process)
{
	ct_json_key(w, "process");
	ct_json_begin_object(w);
	ct_json_put_bool(w, "terminal", process->terminal);
	if (process->console_height || process->console_width) {
		ct_json_key(w, "consoleSize");
		ct_json_begin_object(w);
		ct_json_put_u64(w, "height", process->console_height);
		ct_json_put_u64(w, "width", process->console_width);
		ct_json_end_object(w);
	}
	write_user(w, process);
	ct_write_strings(w, "args", &process->args);
	ct_write_strings(w, "env", &process->env);
	ct_write_string(w, "cwd", process->cwd);
	if (process->has_capabilities)
		write_capabilities(w, &process->capabilities);
	write_rlimits(w, process);
	ct_json_put_bool(w, "noNewPrivileges", process->no_new_privileges);
	if (process->has_oom_score_adj)
		ct_json_put_i64(w, "oomScoreAdj", process->oom_score_adj);
	ct_write_string(w, "apparmorProfile", process->apparmor_profile);
	ct_write_string(w, "selinuxLabel", process->selinux_label);
	write_scheduling(w, process);
	ct_json_end_object(w);
}

/* ---- the whole ---- */

/* In the order of the document, which is that of mounting. */
static void write_mounts(struct ct_json_writer *w, const struct ct_spec_mounts *mounts)
{
	if (!mounts->count)
		return;
	ct_json_key(w, "mounts");
	ct_json_begin_array(w);
	for (size_t i = 0; i < mounts->count; i++) {
		const struct ct_spec_mount *mount = &mounts->items[i];

		ct_json_begin_object(w);
		ct_json_put_string(w, "destination", mount->destination);
		ct_write_string(w, "type", mount->type);
		ct_write_string(w, "source", mount->source);
		ct_write_strings(w, "options", &mount->options);
		ct_write_idmaps(w, "uidMappings", &mount->uid_mappings);
		ct_write_idmaps(w, "gidMappings", &mount->gid_mappings);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

static void write_spec(struct ct_json_writer *w, const struct ct_spec *spec)
{
	ct_json_begin_object(w);
	ct_write_string(w, "ociVersion", spec->oci_version);
	if (spec->has_root) {
		ct_json_key(w, "root");
		ct_json_begin_object(w);
		ct_write_string(w, "path", spec->root_path);
		ct_json_put_bool(w, "readonly", spec->root_readonly);
		ct_json_end_object(w);
	}
	ct_write_string(w, "hostname", spec->hostname);
	ct_write_string(w, "domainname", spec->domainname);
	if (spec->process)
		write_process(w, spec->process);
	write_mounts(w, &spec->mounts);
	ct_write_pairs(w, "annotations", &spec->annotations);
	ct_write_linux(w, &spec->linux_);
	ct_write_hooks(w, &spec->hooks);
	ct_json_end_object(w);
}

/* Indented, as people look into a container's config.json. */
int ct_spec_write(const struct ct_spec *spec, struct ct_buf *buf, struct ct_err *err)
{
	struct ct_json_writer w;
	int r = ct_json_writer_open(&w, buf, true, err);

	if (r < 0)
		return r;
	write_spec(&w, spec);
	ct_json_writer_close(&w);
	return buf->failed ? ct_fail_nomem(err) : 0;
}
