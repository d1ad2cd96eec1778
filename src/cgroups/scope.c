/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having systemd make a scope: a cgroup that it leaves to us as a whole, with one process in it.
 *
 * Runs in the process that starts a container, on hosts where systemd manages the cgroups; users
 * ask their own systemd (user@UID.service), root that of the system. The request is
 * StartTransientUnit on the bus, org.freedesktop.systemd1(5), and is done when the job is: its end
 * is a signal, which is waited for with a limit. Fails when no bus answers, and with what systemd
 * says.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/proc.h>

#include "files.h"
#include "place.h"
#include "systemd_library.h"

#define DESTINATION	"org.freedesktop.systemd1"
#define OBJECT		"/org/freedesktop/systemd1"
#define MANAGER		"org.freedesktop.systemd1.Manager"
#define QUESTION_TIME	5000	/* ms */

/* One request; owns what libsystemd gave it. */
struct request {
	struct ct_systemd_library lib;
	const struct ct_cgroup_scope *scope;
	uint64_t deadline;		/* monotonic, ns */
	sd_bus *bus;
	sd_bus_slot *slot;
	sd_bus_message *message, *reply;
	struct ct_bus_error error;
	char job[256];			/* the job's object path, once it is known */
	char result[64];		/* "done", "failed", ...; "" while it runs */
};

static void request_done(struct request *q)
{
	if (!q->lib.sd_bus_error_free)
		return;
	q->lib.sd_bus_error_free(&q->error);
	q->lib.sd_bus_message_unref(q->message);
	q->lib.sd_bus_message_unref(q->reply);
	q->lib.sd_bus_slot_unref(q->slot);
	q->lib.sd_bus_flush_close_unref(q->bus);
}

/* ---- which systemd ---- */

/* Root of a user namespace is a user, with a systemd of his own: what podman is without root. */
static bool is_root(void)
{
	return geteuid() == 0 && !ct_user_ns_is_nested();
}

/* A name below the directory where the caller's systemd has its sockets. */
static bool socket_path(const char *name, char *path, size_t size)
{
	const char *runtime = is_root() ? "/run" : secure_getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int n;

	if (!runtime || *runtime != '/')
		return false;
	n = snprintf(path, size, "%s/%s", runtime, name);
	return n > 0 && (size_t)n < size && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool ct_cgroup_scope_possible(void)
{
	char path[108];

	/* A socket may be left from a boot before; the directory is not. */
	return access("/run/systemd/system", F_OK) == 0 &&
	       socket_path("systemd/private", path, sizeof(path));
}

/* The bus, or systemd's own socket where no message bus runs. */
static int open_bus(struct request *q, struct ct_err *err)
{
	bool root = is_root();
	char path[108], address[128];
	int ret;

	ret = root ? q->lib.sd_bus_open_system(&q->bus) : q->lib.sd_bus_open_user(&q->bus);
	if (ret >= 0)
		return 0;
	if (socket_path("systemd/private", path, sizeof(path))) {
		snprintf(address, sizeof(address), "unix:path=%s", path);
		if (q->lib.sd_bus_new(&q->bus) >= 0 &&
		    q->lib.sd_bus_set_address(q->bus, address) >= 0 &&
		    q->lib.sd_bus_start(q->bus) >= 0)
			return 0;
	}
	ct_fail_errno(err, -ret, "cannot reach %s systemd", root ? "the system's" : "your");
	return ct_hint(err, "log in through systemd (ssh, machinectl shell), or: loginctl "
		       "enable-linger; DBUS_SESSION_BUS_ADDRESS must not be another bus");
}

/* ---- the request ---- */

static int fail_bus(struct request *q, int ret, struct ct_err *err)
{
	if (ret == -ETIMEDOUT)
		return ct_fail(err, ETIMEDOUT, "systemd did not make %s in time", q->scope->name);
	ct_fail(err, -ret, "systemd refuses to make %s: %.300s", q->scope->name,
		q->error.message ? q->error.message : strerror(-ret));
	if (q->error.name && strstr(q->error.name, "UnitExists"))
		return ct_hint(err, "systemctl --user stop %s; systemctl --user reset-failed %s",
			       q->scope->name, q->scope->name);
	return -err->code;
}

/* JobRemoved(u id, o job, s unit, s result), also of other people's jobs. */
static int on_job_removed(sd_bus_message *message, void *arg, struct ct_bus_error *ignored)
{
	struct request *q = arg;
	const char *job = NULL, *unit = NULL, *result = NULL;
	uint32_t id;

	(void)ignored;
	if (q->lib.sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0 &&
	    !strcmp(job, q->job))
		snprintf(q->result, sizeof(q->result), "%s", result);
	return 0;
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) aux) → o job */
static int write_message(struct request *q)
{
	const struct ct_cgroup_scope *scope = q->scope;
	int ret = q->lib.sd_bus_message_new_method_call(q->bus, &q->message, DESTINATION, OBJECT,
							MANAGER, "StartTransientUnit");

	if (ret >= 0)
		ret = q->lib.sd_bus_message_append(q->message, "ss", scope->name, "fail");
	if (ret >= 0)
		ret = q->lib.sd_bus_message_open_container(q->message, 'a', "(sv)");
	if (ret >= 0)
		ret = q->lib.sd_bus_message_append(q->message, "(sv)(sv)(sv)(sv)", "Description",
						   "s", scope->description, "Delegate", "b", 1,
						   "PIDs", "au", 1, (uint32_t)scope->pid,
						   "CollectMode", "s", "inactive-or-failed");
	if (ret >= 0 && scope->slice)
		ret = q->lib.sd_bus_message_append(q->message, "(sv)", "Slice", "s", scope->slice);
	if (ret >= 0)
		ret = q->lib.sd_bus_message_close_container(q->message);
	return ret < 0 ? ret : q->lib.sd_bus_message_append(q->message, "a(sa(sv))", 0);
}

static uint64_t left_us(const struct request *q)
{
	uint64_t now = ct_now_monotonic();

	return now >= q->deadline ? 0 : (q->deadline - now) / 1000 + 1;
}

/* Let the bus work until the job has a result: 0 or -errno. */
static int wait_for_job(struct request *q)
{
	while (!q->result[0]) {
		int ret = q->lib.sd_bus_process(q->bus, NULL);

		if (ret > 0)
			continue;
		if (ret < 0)
			return ret;
		if (!left_us(q))
			return -ETIMEDOUT;
		ret = q->lib.sd_bus_wait(q->bus, left_us(q));
		if (ret < 0 && ret != -EINTR)
			return ret;
	}
	return 0;
}

static int run_start(struct request *q, struct ct_err *err)
{
	const char *job = NULL;
	int ret = q->lib.sd_bus_match_signal(q->bus, &q->slot, NULL, OBJECT, MANAGER, "JobRemoved",
					     on_job_removed, q);

	/* Without a subscriber there are no signals; who has subscribed before is told so. */
	if (ret >= 0)
		q->lib.sd_bus_call_method(q->bus, DESTINATION, OBJECT, MANAGER, "Subscribe", NULL,
					  NULL, "");
	if (ret >= 0)
		ret = write_message(q);
	if (ret >= 0)
		ret = q->lib.sd_bus_call(q->bus, q->message, left_us(q), &q->error, &q->reply);
	if (ret >= 0)
		ret = q->lib.sd_bus_message_read(q->reply, "o", &job);
	if (ret < 0)
		return fail_bus(q, ret, err);
	snprintf(q->job, sizeof(q->job), "%s", job);
	ret = wait_for_job(q);
	if (ret < 0)
		return fail_bus(q, ret, err);
	if (!strcmp(q->result, "done"))
		return 0;
	ct_fail(err, EIO, "systemd could not make %s: %s", q->scope->name, q->result);
	return ct_hint(err, "journalctl --user -e");
}

/* Where the process is now: in a cgroup namespace systemd's own answer would be another's. */
static int find_path(const struct ct_cgroup_scope *scope, char *path, struct ct_err *err)
{
	char text[CT_CGROUP_SELF];

	if (ct_cgroup_read_self(scope->pid, text, sizeof(text), err) < 0)
		return -err->code;
	ct_cgroup_path_of(text, path, CT_CGROUP_PATH);
	if (!strcmp(strrchr(path, '/') + 1, scope->name))
		return 0;
	ct_fail(err, EIO, "systemd made %s, but process %d is in cgroup %.160s", scope->name,
		(int)scope->pid, path);
	return ct_hint(err, "the system's systemd has to move processes for yours: is it running?");
}

int ct_cgroup_scope_start(const struct ct_cgroup_scope *scope, char *path, struct ct_err *err)
{
	struct request q = { .scope = scope };
	int ret;

	q.deadline = ct_now_monotonic() + (uint64_t)scope->timeout * 1000000;
	ret = ct_systemd_library_open(&q.lib, err);
	if (ret == 0)
		ret = open_bus(&q, err);
	if (ret == 0)
		ret = run_start(&q, err);
	if (ret == 0)
		ret = find_path(scope, path, err);
	request_done(&q);
	return ret;
}

/* AttachProcessesToUnit(s unit, s subcgroup, au pids), since systemd 238 */
static int run_attach(struct request *q, const char *unit, const char *below, pid_t pid,
		      struct ct_err *err)
{
	int ret = q->lib.sd_bus_message_new_method_call(q->bus, &q->message, DESTINATION, OBJECT,
							MANAGER, "AttachProcessesToUnit");

	if (ret >= 0)
		ret = q->lib.sd_bus_message_append(q->message, "ssau", unit, below, 1, (uint32_t)pid);
	if (ret >= 0)
		ret = q->lib.sd_bus_call(q->bus, q->message, left_us(q), &q->error, &q->reply);
	if (ret >= 0)
		return 0;
	ct_fail(err, -ret, "systemd does not move process %d into %s: %.300s", (int)pid, unit,
		q->error.message ? q->error.message : strerror(-ret));
	return ct_hint(err, "start cattach in the session, or below the cgroup, that made the container");
}

int ct_cgroup_scope_attach(const char *unit, const char *below, pid_t pid, unsigned timeout,
			   struct ct_err *err)
{
	const struct ct_cgroup_scope scope = { .name = unit, .pid = pid };
	struct request q = { .scope = &scope };
	int ret;

	q.deadline = ct_now_monotonic() + (uint64_t)timeout * 1000000;
	ret = ct_systemd_library_open(&q.lib, err);
	if (ret == 0)
		ret = open_bus(&q, err);
	if (ret == 0)
		ret = run_attach(&q, unit, below, pid, err);
	request_done(&q);
	return ret;
}

/* ---- a question ---- */

/* Call what takes strings and answers at once; the reply is the request's, until the next. */
static int call(struct request *q, const char *object, const char *interface, const char *method,
		const char *first, const char *second)
{
	int ret;

	q->message = q->lib.sd_bus_message_unref(q->message);
	ret = q->lib.sd_bus_message_new_method_call(q->bus, &q->message, DESTINATION, object,
						    interface, method);
	if (ret >= 0)
		ret = q->lib.sd_bus_message_append(q->message, second ? "ss" : "s", first, second);
	if (ret >= 0)
		ret = q->lib.sd_bus_call(q->bus, q->message, left_us(q), &q->error, &q->reply);
	return ret;
}

/* GetUnitByControlGroup(s path) → o unit; its property Delegate, which slices do not have. */
static bool ask_delegated(struct request *q, const char *path)
{
	const char *object = NULL, *type = strrchr(path, '.');
	char unit[512], interface[64];
	int delegated = 0;

	if (!type || (strcmp(type, ".scope") != 0 && strcmp(type, ".service") != 0) ||
	    call(q, OBJECT, MANAGER, "GetUnitByControlGroup", path, NULL) < 0 ||
	    q->lib.sd_bus_message_read(q->reply, "o", &object) < 0)
		return false;
	snprintf(unit, sizeof(unit), "%s", object);
	snprintf(interface, sizeof(interface), "org.freedesktop.systemd1.%s",
		 type[2] == 'c' ? "Scope" : "Service");
	q->reply = q->lib.sd_bus_message_unref(q->reply);
	return call(q, unit, "org.freedesktop.DBus.Properties", "Get", interface, "Delegate") >= 0 &&
	       q->lib.sd_bus_message_read(q->reply, "v", "b", &delegated) >= 0 && delegated;
}

bool ct_cgroup_scope_is_delegated(const char *path)
{
	const struct ct_cgroup_scope scope = { .name = path };
	struct request q = { .scope = &scope };
	struct ct_err ignored;
	bool delegated;

	if (!ct_cgroup_scope_possible())
		return false;
	q.deadline = ct_now_monotonic() + (uint64_t)QUESTION_TIME * 1000000;
	delegated = ct_systemd_library_open(&q.lib, &ignored) == 0 &&
		    open_bus(&q, &ignored) == 0 && ask_delegated(&q, path);
	request_done(&q);
	return delegated;
}
