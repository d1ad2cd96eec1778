/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach generate systemd: a unit that has systemd run a container, from the container's record.
 *
 * Runs in the command's own process with the caller's rights; prints the unit, or writes it into
 * the current directory. Nothing is asked of systemd, and nothing is installed. Fails for a
 * session, and with --new for a container whose record does not say how it was made.
 *
 *   without --new  ExecStart=cattach start --sdnotify=... ID       the container stays
 *   with --new     ExecStart=cattach run ... (recreate.c)          made anew at each start
 *
 * The text itself is systemd_unit.c's; here is what goes into it.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/health.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>

#include "systemd_unit.h"

struct generate_options {
	bool fresh, files, name;
	const char *restart, *timeout;
};

#define OPTION(member) offsetof(struct generate_options, member)

static const struct ct_option generate_table[] = {
	{ "new", 0, CT_OPTION_BOOL, NULL, OPTION(fresh),
	  "The service makes the container at each start, and removes it at each stop" },
	{ "files", 'f', CT_OPTION_BOOL, NULL, OPTION(files),
	  "Write the unit to a file in the current directory, and print its path" },
	{ "name", 'n', CT_OPTION_BOOL, NULL, OPTION(name),
	  "Call the container by its name and not by its id" },
	{ "restart-policy", 0, CT_OPTION_STRING, "POLICY", OPTION(restart),
	  "systemd's Restart=: no, always, on-success, on-failure (default), on-abnormal, on-abort or "
	  "on-watchdog" },
	{ "stop-timeout", 't', CT_OPTION_STRING, "SECONDS", OPTION(timeout),
	  "Seconds that a stop waits before KILL (default that of the container; -1 for ever)" },
	{ "time", 0, CT_OPTION_STRING, "SECONDS", OPTION(timeout), NULL },
	{ 0 },
};

static const struct generate_options generate_defaults = { .restart = "on-failure" };

#define MAX_SECONDS 2147483

/* ---- options ---- */

/* The words of systemd.service(5), Restart=; not ours of --restart, which has other ones. */
static int check_restart(const char *policy, struct ct_err *err)
{
	static const char *const policies[] = {
		"no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog",
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (!strcmp(policy, policies[i]))
			return 0;
	ct_fail(err, EINVAL, "must be no, always, on-success, on-failure, on-abnormal, on-abort or "
		"on-watchdog, not \"%.64s\"", policy);
	return ct_wrap(err, "--restart-policy");
}

/* -1 is for ever, as for stop. */
static int choose_timeout(const struct generate_options *o, const struct ct_meta *meta, int *ret,
			  struct ct_err *err)
{
	int64_t seconds = meta->stop_timeout;

	if (o->timeout && ct_parse_i64(o->timeout, -1, MAX_SECONDS, &seconds, err) < 0)
		return ct_wrap(err, "--stop-timeout");
	*ret = (int)seconds;
	return 0;
}

/* ---- the unit ---- */

/* The binary that runs now: a service has no PATH of the caller's, and systemd wants absolute
 * paths. */
static int find_program(struct ct_arena *arena, const char **ret_path, struct ct_err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return ct_fail_errno(err, errno, "cannot find out where cattach is");
	path[n] = '\0';
	*ret_path = ct_arena_strdup(arena, path);
	return *ret_path ? 0 : ct_fail_nomem(err);
}

/* Where the containers are, if that was said. A service of systemd --user does not inherit what a
 * login shell has set. XDG_RUNTIME_DIR it has. */
static int add_environment(struct ct_arena *arena, struct systemd_unit *unit, struct ct_err *err)
{
	const char *data = getenv("XDG_DATA_HOME"), *text;

	if (!data || !*data)
		return 0;
	text = ct_arena_printf(arena, "XDG_DATA_HOME=%s", data);
	if (!text || ct_strings_add(arena, &unit->environment, text) < 0)
		return ct_fail_nomem(err);
	return 0;
}

/* What is there already is started. Whoever made it with --sdnotify container or ignore keeps that;
 * otherwise the monitor tells systemd its pid, which makes it the main process. */
static int start_words(struct ct_arena *arena, const struct ct_meta *meta,
		       struct systemd_unit *unit, struct ct_err *err)
{
	const char *const words[] = {
		"start",
		ct_arena_printf(arena, "--sdnotify=%s",
				meta->sdnotify ? meta->sdnotify : "monitor"),
		unit->container,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!words[i] || ct_strings_add(arena, &unit->start, words[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

/* What does not go well with a service that starts the container that is there. Two who start the
 * same container again, each by its own rules, would race for it at every exit. */
static void warn_of(const struct ct_meta *meta)
{
	if (meta->restart)
		ct_warn("%s has --restart %s, and would be started again twice: cattach update --restart no %s",
			meta->name, meta->restart, meta->name);
	if (ct_health_action_of(&meta->health) == CT_HEALTH_RESTART)
		ct_warn("%s has --health-on-failure restart, and would be started again outside of the service: "
			"generate systemd --new has the service do it", meta->name);
	if (meta->remove)
		ct_warn("%s has --rm, and is gone when the service has stopped: generate systemd --new makes "
			"it anew", meta->name);
}

/* By name with --new, as every container that the service makes has an id of its own. stop_code: a
 * payload that ends by its stop signal has been stopped, and is no failure of the service. */
static int make_unit(const struct ct_call *call, const struct ct_container *container,
		     struct systemd_unit *unit, struct ct_err *err)
{
	const struct generate_options *o = call->options;
	const struct ct_meta *meta = &container->meta;
	bool by_name = o->name || o->fresh;

	*unit = (struct systemd_unit){
		.label = meta->name,
		.container = by_name ? meta->name : meta->id,
		.name = ct_arena_printf(call->arena, "cattach-%.*s.service",
					by_name ? CT_NAME_MAX : CT_SHORT_ID_LENGTH,
					by_name ? meta->name : meta->id),
		.fresh = o->fresh,
		.directory = o->fresh ? meta->create_directory : NULL,
		.restart = o->restart,
		.stop_code = CT_EXIT_SIGNAL_BASE +
			     (meta->stop_signal ? meta->stop_signal : SIGTERM),
	};
	if (!unit->name)
		return ct_fail_nomem(err);
	if (!o->fresh)
		warn_of(meta);
	if (choose_timeout(o, meta, &unit->stop_timeout, err) < 0 ||
	    find_program(call->arena, &unit->program, err) < 0 ||
	    add_environment(call->arena, unit, err) < 0)
		return -err->code;
	return o->fresh ? ct_recreate(call->arena, meta, &unit->start, err) :
			  start_words(call->arena, meta, unit, err);
}

/* ---- output ---- */

/* In one step: systemd may be reading the directory. O_EXCL and a rename, so that a link that
 * somebody put there is neither followed nor kept, and systemd sees the old unit or the new one and
 * never half of one. */
static int write_file(const char *name, const struct ct_buf *text, struct ct_err *err)
{
	char path[PATH_MAX], new[NAME_MAX + 1];
	int ct_autofd fd = -1;
	int r;

	if (!getcwd(path, sizeof(path)))
		return ct_fail_errno(err, errno, "cannot tell the current directory");
	snprintf(new, sizeof(new), ".%.200s.new", name);
	if (unlinkat(AT_FDCWD, new, 0) < 0 && errno != ENOENT)
		return ct_fail_errno(err, errno, "cannot write %s/%s", path, name);
	fd = openat(AT_FDCWD, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : ct_write_all(fd, text->data, text->length);
	if (r == 0 && renameat(AT_FDCWD, new, AT_FDCWD, name) < 0)
		r = -errno;
	if (r < 0) {
		if (fd >= 0)
			unlinkat(AT_FDCWD, new, 0);
		return ct_fail_errno(err, -r, "cannot write %s/%s", path, name);
	}
	strncat(path, "/", sizeof(path) - strlen(path) - 1);
	strncat(path, name, sizeof(path) - strlen(path) - 1);
	return ct_print_line(path, err);
}

/* A session of exec ends with its container: it cannot be a service of its own. */
static int generate(const struct ct_call *call, const char *name, struct ct_err *err)
{
	const struct generate_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_buf ct_autobuf text = { 0 };
	struct systemd_unit unit;
	int r = ct_store_open(&store, err);

	if (r == 0)
		r = ct_container_find(&store, call->arena, name, &container, err);
	if (r == 0)
		r = ct_container_refuse_session(&container, "a service of its own", err);
	if (r == 0)
		r = make_unit(call, &container, &unit, err);
	if (r == 0)
		r = ct_unit_text(&unit, &text, err);
	if (r < 0)
		return ct_wrap(err, "%s", name);
	return o->files ? write_file(unit.name, &text, err) : ct_print(&text, err);
}

/* "systemd" is an operand of podman's, who has "kube" there, too. */
static int generate_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct generate_options *o = call->options;

	if (strcmp(call->operands.items[0], "systemd") != 0) {
		ct_fail(err, EINVAL, "cannot generate \"%.64s\"", call->operands.items[0]);
		return ct_hint(err, "cattach generate systemd CONTAINER");
	}
	if (call->operands.count < 2) {
		ct_fail(err, EINVAL, "generate systemd needs a CONTAINER");
		return ct_hint(err, "usage: cattach generate %s", call->verb->synopsis);
	}
	if (check_restart(o->restart, err) < 0)
		return -err->code;
	return generate(call, call->operands.items[1], err);
}

const struct ct_verb ct_verb_generate = {
	.name = "generate",
	.summary = "Write a unit that has systemd run a container",
	.synopsis = "systemd [OPTIONS] CONTAINER",
	.description =
		"Prints a service for your systemd (\"systemctl --user\"; root's for the system's). Its main "
		"process is the container's monitor, which ends with the container's exit code. "
		"The container is started and stopped by the service; its cgroup is inside that of the "
		"service.\n\n"
		"With --new the service does not need the container that is there: it makes one like it at "
		"each start, by the options of \"run\" or \"create\" as they were given, in the directory "
		"where they were given, and removes it at each stop. Of what --env NAME and --env-file "
		"took, only the names are known: they are looked up again, in the environment of the service. "
		"Changes by \"update\" are not in it. --health-on-failure restart becomes kill: it is the service "
		"that starts it again.\n\n"
		"A container that was made with --sdnotify container says itself when it is ready; "
		"for any other its start does.",
	.examples =
		"cattach generate systemd --new -f web\tWrite cattach-web.service\n"
		"mv cattach-web.service ~/.config/systemd/user/\tInstall it\n"
		"systemctl --user enable --now cattach-web\tStart it, and with each session\n"
		"loginctl enable-linger\tWith the machine, whoever is there",
	.options = generate_table,
	.defaults = &generate_defaults,
	.options_size = sizeof(struct generate_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 2,
	.handler = generate_handler,
};
