/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of "cattach inspect": what the record, the status and config.json say, under the names
 * that docker gives them and scripts look for. What cattach does not have yet has docker's value
 * for "none" (no health, no ports), so that such scripts go on working.
 *
 * Builds values only, in the caller's arena. config.json is read as JSON and not as a
 * specification: one that "run" would refuse today can still be looked at.
 *
 * Where it comes from:
 *
 *   meta         what "run" was asked for and wrote down       .Config .HostConfig .Name .Created
 *   status       what the monitor wrote, one page               .State
 *   keeper       how often it was started again                 .RestartCount .State.Error
 *   config.json  what the bundle had, plus what run made of it  .Mounts .Config.Env .HostConfig.*
 *
 * The order of members is docker's, because people read it, too. A member that scripts of docker's
 * look for is always there; ours that docker has not (LogLost, Warnings, Bundle, Rootfs, Host) are
 * additions, which no script of docker's minds.
 */
#include "inspect.h"

#include <stdio.h>
#include <string.h>

#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#include "times.h"

/* ct_value_set() of common types. */
static void set_string(struct ct_values *values, struct ct_json *object, const char *key,
		       const char *text)
{
	ct_value_set(values, object, key, ct_value_string(values, text));
}

static void set_bool(struct ct_values *values, struct ct_json *object, const char *key,
		     bool boolean)
{
	ct_value_set(values, object, key, ct_value_bool(values, boolean));
}

static void set_number(struct ct_values *values, struct ct_json *object, const char *key,
		       int64_t number)
{
	ct_value_set(values, object, key, ct_value_i64(values, number));
}

static void set_time(struct ct_values *values, struct ct_json *object, const char *key, uint64_t ns)
{
	char text[CT_TIME_SIZE];

	set_string(values, object, key, ct_time_rfc3339(ns, text));
}

static void set_list(struct ct_values *values, struct ct_json *object, const char *key,
		     const struct ct_strings *list)
{
	ct_value_set(values, object, key, ct_value_strings(values, list));
}

/* config is NULL where it cannot be read: then nothing is found, and the tree has its empty
 * values. */
static const struct ct_json *find(const struct ct_json *config, const char *path)
{
	return config ? ct_json_find(config, path) : NULL;
}

/* The text of a member of config.json, or fallback. */
static const char *find_text(const struct ct_json *config, const char *path, const char *fallback)
{
	const struct ct_json *value = find(config, path);

	return value && value->type == CT_JSON_STRING ? value->text : fallback;
}

static bool find_bool(const struct ct_json *config, const char *path)
{
	const struct ct_json *value = find(config, path);

	return value && value->type == CT_JSON_BOOL && value->boolean;
}

/* A list or object of config.json; where it is missing an empty one. */
static void set_found(struct ct_values *values, struct ct_json *object, const char *key,
		      const struct ct_json *config, const char *path, enum ct_json_type type)
{
	const struct ct_json *found = find(config, path);

	if (found && found->type == type)
		ct_value_set(values, object, key, ct_value_copy(values, found));
	else if (type == CT_JSON_ARRAY)
		ct_value_set(values, object, key, ct_value_array(values));
	else
		ct_value_set(values, object, key, ct_value_object(values));
}

static bool is_word(const char *text, const char *word)
{
	return text && !strcmp(text, word);
}

/* 0 while it runs or has never run: docker's, and what `inspect -f '{{.State.ExitCode}}'`
 * prints. */
static int exit_code(const struct ct_container *container)
{
	if (container->state != CT_STATE_STOPPED && container->state != CT_STATE_RESTARTING)
		return 0;
	if (container->status.state != CT_STATUS_EXITED)
		return 255;	/* what "wait" answers when nobody recorded it */
	return ct_exit_code(&container->status.exit);
}

/* What is wrong with it, in words: of one that could not be started again, of a damaged one, and of
 * one whose end nobody saw. */
static const char *trouble(const struct ct_container *container,
			   const struct ct_keeper_record *keeper)
{
	if (keeper->error[0])
		return keeper->error;
	if (container->state == CT_STATE_STOPPED && container->status.state != CT_STATUS_EXITED)
		return container->damage ? container->damage : "exit code unknown";
	return container->state == CT_STATE_DAMAGED ? container->damage : NULL;
}

/* What its monitor has noticed, of which nobody has read on a terminal. The bits are of the status
 * page; the texts are for people and may change, the bits may not. */
static struct ct_json *warnings(struct ct_values *values, unsigned bits)
{
	static const struct {
		unsigned bit;
		const char *text;
	} all[] = {
		{ CT_WARN_DISK, "the disk was full, or took no more of the log for another reason" },
		{ CT_WARN_MEMORY, "some of the log was in the memory of the monitor alone" },
		{ CT_WARN_JOURNALD, "journald was gone for a while, or has not taken all of the log" },
		{ CT_WARN_DELETED, "the log was deleted or replaced while it was written" },
		{ CT_WARN_STRANGER, "another user has tried to attach, and was refused" },
		{ CT_WARN_SOCKET, "the runtime directory has vanished and cannot be made again" },
	};
	struct ct_json *list = ct_value_array(values);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (bits & all[i].bit)
			ct_value_add(values, list, ct_value_string(values, all[i].text));
	return list;
}

/* Of one that has never had a keeper, and of one whose record is damaged, nothing. */
static struct ct_keeper_record keeper_of(const struct ct_container *container)
{
	struct ct_keeper_record record = { .phase = CT_KEEPER_ENDED };
	struct ct_err ignored;

	if (container->dir >= 0 && ct_keeper_record_read(container->dir, &record, &ignored) < 0)
		record = (struct ct_keeper_record){ .phase = CT_KEEPER_ENDED };
	return record;
}

/* Below the top of version 2; nothing where there is none. */
static const char *leaf_path(const struct ct_container *container, char path[CT_CGROUP_PATH])
{
	return container->dir >= 0 && ct_container_cgroup_path(container, path) == 0 ? path : "";
}

/* Also for sessions (inspect_session.c), which have a status page of their own. Pid and ConmonPid
 * are 0 for what does not run: the number may be another process's by now. */
struct ct_json *ct_inspect_state(struct ct_values *values, const struct ct_container *container)
{
	const struct ct_status *status = &container->status;
	bool paused = container->state == CT_STATE_PAUSED;
	bool restarting = container->state == CT_STATE_RESTARTING;
	bool running = ct_state_is_live(container->state);
	struct ct_keeper_record keeper = keeper_of(container);
	struct ct_json *object = ct_value_object(values);
	char path[CT_CGROUP_PATH];

	set_string(values, object, "Status", ct_state_name(container->state));
	/* docker's: it counts as running between its runs. */
	set_bool(values, object, "Running", running || restarting);
	set_bool(values, object, "Paused", paused);
	set_bool(values, object, "Restarting", restarting);
	set_bool(values, object, "OOMKilled", status->oom_killed);
	set_bool(values, object, "Dead", false);
	set_number(values, object, "Pid", running ? status->pid : 0);
	set_number(values, object, "ConmonPid", running ? status->monitor_pid : 0);
	set_number(values, object, "ExitCode", exit_code(container));
	set_string(values, object, "Error", trouble(container, &keeper));
	set_string(values, object, "CgroupPath", leaf_path(container, path));
	set_time(values, object, "StartedAt", status->started);
	set_time(values, object, "FinishedAt", status->finished);
	ct_value_set(values, object, "Health", ct_inspect_health(values, container));
	set_number(values, object, "LogLost", (int64_t)status->log_lost);
	ct_value_set(values, object, "Warnings", warnings(values, status->warnings));
	return object;
}

/* An object by keys, as docker has it; the record keeps them in order. */
static struct ct_json *labels(struct ct_values *values, const struct ct_spec_pairs *pairs)
{
	struct ct_json *object = ct_value_object(values);

	for (size_t i = 0; i < pairs->count; i++)
		set_string(values, object, pairs->items[i].key, pairs->items[i].value);
	return object;
}

/* A namespace of its own without a name in config.json: the start gave it the short id. Only with a
 * UTS namespace of its own, which an entry without a path makes; in the host's the name is the
 * host's, and not the container's to tell. */
static const char *host_name(struct ct_values *values, const struct ct_meta *meta,
			     const struct ct_json *config)
{
	const struct ct_json *namespaces = find(config, "linux.namespaces");
	const char *name;

	for (const struct ct_json *n = namespaces ? namespaces->child : NULL; n; n = n->next) {
		if (strcmp(find_text(n, "type", ""), "uts") || find(n, "path"))
			continue;
		name = ct_arena_strndup(values->arena, meta->id, CT_SHORT_ID_LENGTH);
		values->failed = values->failed || !name;
		return name;
	}
	return NULL;
}

/* AttachStdout and AttachStderr are about the command that started it, in docker's sense: false
 * with -d. Cmd and Entrypoint are as given; what really ran is .Path and .Args. */
static struct ct_json *config_object(struct ct_values *values, const struct ct_meta *meta,
				     const struct ct_json *config)
{
	struct ct_json *object = ct_value_object(values);
	char signal[32];

	set_string(values, object, "Hostname",
		   find_text(config, "hostname", host_name(values, meta, config)));
	set_string(values, object, "Domainname", find_text(config, "domainname", ""));
	set_string(values, object, "User", meta->user);
	set_bool(values, object, "AttachStdin", !meta->detach && meta->stdin_open);
	set_bool(values, object, "AttachStdout", !meta->detach);
	set_bool(values, object, "AttachStderr", !meta->detach);
	set_bool(values, object, "Tty", meta->tty);
	set_bool(values, object, "OpenStdin", meta->stdin_open || meta->stdin_passed);
	set_bool(values, object, "StdinOnce", meta->stdin_once);
	set_found(values, object, "Env", config, "process.env", CT_JSON_ARRAY);
	set_list(values, object, "Cmd", &meta->command);
	set_string(values, object, "Image", meta->source);
	set_string(values, object, "WorkingDir", find_text(config, "process.cwd", ""));
	set_list(values, object, "Entrypoint", &meta->entrypoint);
	ct_value_set(values, object, "Labels", labels(values, &meta->labels));
	set_found(values, object, "Annotations", config, "annotations", CT_JSON_OBJECT);
	set_string(values, object, "StopSignal",
		   meta->stop_signal ? ct_signal_name(meta->stop_signal, signal, sizeof(signal)) :
				       "");
	set_number(values, object, "StopTimeout", meta->stop_timeout);
	if (meta->create_command.count)
		set_list(values, object, "CreateCommand", &meta->create_command);
	ct_inspect_healthcheck(values, object, meta);
	return object;
}

/* Docker's options are text, of which only what was asked for is there. Numbers are texts here, as
 * --log-opt had them. */
static struct ct_json *log_config(struct ct_values *values, const struct ct_meta *meta)
{
	struct ct_json *object = ct_value_object(values), *options = ct_value_object(values);
	char number[32];

	if (meta->log_max_size) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)meta->log_max_size);
		set_string(values, options, "max-size", number);
	}
	if (meta->log_max_files) {
		snprintf(number, sizeof(number), "%d", meta->log_max_files);
		set_string(values, options, "max-file", number);
	}
	if (meta->log_path)
		set_string(values, options, "path", meta->log_path);
	if (meta->log_tag)
		set_string(values, options, "tag", meta->log_tag);
	set_string(values, object, "Type", meta->log_driver ? meta->log_driver : "native");
	ct_value_set(values, object, "Config", options);
	return object;
}

/* MaximumRetryCount is 0 for "no bound", as in docker. */
static struct ct_json *restart_policy(struct ct_values *values, const struct ct_meta *meta)
{
	struct ct_json *object = ct_value_object(values);
	struct ct_restart_policy policy = { .kind = CT_RESTART_NO };
	struct ct_err ignored;

	if (ct_restart_parse(meta->restart, &policy, &ignored) < 0)
		policy.kind = CT_RESTART_NO;
	set_string(values, object, "Name", ct_restart_name(policy.kind));
	set_number(values, object, "MaximumRetryCount", policy.max);
	return object;
}

/* What was asked for; what is in force is in the files of the cgroup (.State.CgroupPath). */
static struct ct_json *host_config(struct ct_values *values, const struct ct_meta *meta,
				   const struct ct_json *config)
{
	struct ct_json *object = ct_value_object(values);

	set_list(values, object, "Binds", &meta->binds);
	set_string(values, object, "ContainerIDFile", meta->cidfile);
	ct_value_set(values, object, "LogConfig", log_config(values, meta));
	set_string(values, object, "NetworkMode", meta->network ? meta->network : "none");
	ct_value_set(values, object, "PortBindings", ct_value_object(values));
	ct_value_set(values, object, "RestartPolicy", restart_policy(values, meta));
	set_bool(values, object, "AutoRemove", meta->remove);
	set_bool(values, object, "Init", meta->init);
	set_bool(values, object, "Privileged", meta->privileged);
	set_bool(values, object, "ReadonlyRootfs", find_bool(config, "root.readonly"));
	set_list(values, object, "CapAdd", &meta->cap_add);
	set_list(values, object, "CapDrop", &meta->cap_drop);
	set_list(values, object, "SecurityOpt", &meta->security_opt);
	ct_inspect_limits(values, object, meta, config);
	ct_inspect_host(values, object, config);
	set_string(values, object, "PidMode", meta->pid_mode);
	set_string(values, object, "IpcMode", meta->ipc_mode);
	set_string(values, object, "UTSMode", meta->uts_mode);
	set_string(values, object, "CgroupnsMode", meta->cgroupns_mode);
	set_string(values, object, "UsernsMode", meta->userns_mode);
	set_found(values, object, "Sysctls", config, "linux.sysctl", CT_JSON_OBJECT);
	set_found(values, object, "MaskedPaths", config, "linux.maskedPaths", CT_JSON_ARRAY);
	set_found(values, object, "ReadonlyPaths", config, "linux.readonlyPaths", CT_JSON_ARRAY);
	return object;
}

static bool has_option(const struct ct_json *mount, const char *option)
{
	const struct ct_json *options = ct_json_get(mount, "options");

	for (const struct ct_json *o = options ? options->child : NULL; o; o = o->next)
		if (o->type == CT_JSON_STRING && !strcmp(o->text, option))
			return true;
	return false;
}

/* The first that is found: the OCI options of a mount have one at most, and rprivate is the
 * default. */
static const char *propagation(const struct ct_json *mount)
{
	static const char *const kinds[] = { "rprivate", "private", "rshared", "shared",
					     "rslave",	 "slave",   NULL };

	for (size_t i = 0; kinds[i]; i++)
		if (has_option(mount, kinds[i]))
			return kinds[i];
	return "rprivate";
}

/* Docker lists what the user mounted; here that is every bind. RW is about this mount; a read-only
 * root is .HostConfig.ReadonlyRootfs. */
static struct ct_json *mounts(struct ct_values *values, const struct ct_json *config)
{
	struct ct_json *list = ct_value_array(values);
	const struct ct_json *all = find(config, "mounts");

	for (const struct ct_json *m = all ? all->child : NULL; m; m = m->next) {
		const char *type = find_text(m, "type", "");
		struct ct_json *object;

		if (strcmp(type, "bind") && !has_option(m, "bind") && !has_option(m, "rbind"))
			continue;
		object = ct_value_object(values);
		set_string(values, object, "Type", "bind");
		set_string(values, object, "Source", find_text(m, "source", ""));
		set_string(values, object, "Destination", find_text(m, "destination", ""));
		set_string(values, object, "Mode", "");
		set_bool(values, object, "RW", !has_option(m, "ro") && !has_option(m, "rro"));
		set_string(values, object, "Propagation", propagation(m));
		ct_value_add(values, list, object);
	}
	return list;
}

/* The program and its arguments: entrypoint and command, or what the bundle has. process.args in
 * config.json already is the two of them together; what is missing is a damaged record. */
static void set_command(struct ct_values *values, struct ct_json *object,
			const struct ct_meta *meta, const struct ct_json *config)
{
	struct ct_json *args = ct_value_array(values);
	const struct ct_json *list = find(config, "process.args");
	const char *path = NULL;

	for (const struct ct_json *item = list ? list->child : NULL; item; item = item->next) {
		if (path)
			ct_value_add(values, args, ct_value_copy(values, item));
		else
			path = item->type == CT_JSON_STRING ? item->text : "";
	}
	if (!path && meta->command.count)
		path = meta->command.items[0];
	set_string(values, object, "Path", path);
	ct_value_set(values, object, "Args", args);
}

/* docker has null for none. */
static struct ct_json *exec_ids(struct ct_values *values, const struct ct_container_list *sessions)
{
	struct ct_json *list = ct_value_array(values);

	if (!sessions || !sessions->count)
		return ct_value_null(values);
	for (size_t i = 0; i < sessions->count; i++)
		ct_value_add(values, list, ct_value_string(values, sessions->items[i].meta.id));
	return list;
}

/* The file that the driver writes, as docker's; else the directory of its log's segments. None:
 * nothing kept. */
static const char *log_path(struct ct_values *values, const struct ct_store *store,
			    const struct ct_meta *meta)
{
	const char *path;

	if (!meta->id || is_word(meta->log_driver, "none") ||
	    is_word(meta->log_driver, "journald") || ct_log_passes(meta))
		return "";
	if (meta->log_path)
		return meta->log_path;
	path = ct_arena_printf(values->arena, "%s/containers/%s/main%s", store->path, meta->id,
			       ct_log_file_of(meta) == CT_LOG_FILE_NONE ? "" :
									  "/" CT_LOG_FILE_NAME);
	values->failed = values->failed || !path;
	return path;
}

struct ct_json *ct_inspect_tree(struct ct_values *values, const struct ct_store *store,
				const struct ct_container *container,
				const struct ct_json *config,
				const struct ct_container_list *sessions)
{
	const struct ct_meta *meta = &container->meta;
	struct ct_json *object = ct_value_object(values);

	set_string(values, object, "Id", meta->id);
	set_time(values, object, "Created", meta->created);
	set_command(values, object, meta, config);
	ct_value_set(values, object, "State", ct_inspect_state(values, container));
	set_string(values, object, "Image", meta->source);
	set_string(values, object, "ImageName", meta->source);
	set_string(values, object, "Bundle", meta->bundle);
	set_string(values, object, "Rootfs", meta->rootfs);
	set_string(values, object, "Name", meta->name);
	set_number(values, object, "RestartCount", keeper_of(container).restarts);
	set_string(values, object, "Platform", "linux");
	set_string(values, object, "Host", meta->host);
	set_string(values, object, "LogPath", log_path(values, store, meta));
	set_string(values, object, "PidFile", meta->pidfile);
	set_string(values, object, "ProcessLabel", find_text(config, "process.selinuxLabel", ""));
	set_string(values, object, "MountLabel", find_text(config, "linux.mountLabel", ""));
	set_string(values, object, "AppArmorProfile",
		   find_text(config, "process.apparmorProfile", ""));
	ct_value_set(values, object, "ExecIDs", exec_ids(values, sessions));
	ct_value_set(values, object, "HostConfig", host_config(values, meta, config));
	ct_value_set(values, object, "Mounts", mounts(values, config));
	ct_value_set(values, object, "Config", config_object(values, meta, config));
	ct_value_set(values, object, "NetworkSettings", ct_inspect_network(values));
	return object;
}
