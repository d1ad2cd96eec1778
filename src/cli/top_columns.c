/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of top. docker's are those of "ps -ef", as the host counts; podman's descriptors
 * count as the container does, and those that begin with "h" as the host.
 *
 * Names of users are the host's. In the container 0 is root and the others are numbers: its own
 * files are not asked. Command lines come from strangers and are escaped for a table. Appends to a
 * buffer; cannot fail but for memory, which the buffer remembers.
 *
 * A column is a name, a title and a writer. The facts are read before, all at once
 * (container/top.c); a writer opens nothing but the host's user database.
 *
 *   h...    as the host counts: hpid, huser       plain names: as the container does, pid, user
 */
#include "top_columns.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <cattach/caps.h>

#define WRITER(name)                                                                           \
	static void name(struct ct_buf *buf, const struct ct_top_process *p,                   \
			 const struct ct_top_now *now)
#define UNUSED (void)now

/* Ticks since boot are the unit of starttime in /proc/PID/stat (proc_pid_stat(5)). CLOCK_BOOTTIME
 * and not _MONOTONIC, since that start time counts suspended time, too. */
void ct_top_now(struct ct_top_now *ret_now)
{
	struct timespec boot = { 0 };
	struct tm local = { 0 };
	time_t seconds = time(NULL);

	clock_gettime(CLOCK_BOOTTIME, &boot);
	localtime_r(&seconds, &local);
	ret_now->ticks_per_second = sysconf(_SC_CLK_TCK);
	ret_now->ticks = (uint64_t)boot.tv_sec * (uint64_t)ret_now->ticks_per_second +
			 (uint64_t)boot.tv_nsec /
				 (uint64_t)(1000000000 / ret_now->ticks_per_second);
	ret_now->seconds = seconds;
	ret_now->zone = local.tm_gmtoff;
}

/* ---- times ---- */

/* [DD-]HH:MM:SS, or as short as [[DD-]HH:]MM:SS, which is how ps(1) writes TIME and ELAPSED. */
void ct_top_duration(struct ct_buf *buf, uint64_t seconds, bool is_short)
{
	if (seconds >= 86400)
		ct_buf_printf(buf, "%" PRIu64 "-", seconds / 86400);
	if (!is_short || seconds >= 3600)
		ct_buf_printf(buf, "%02u:", (unsigned)(seconds / 3600 % 24));
	ct_buf_printf(buf, "%02u:%02u", (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

/* 0 when the process is younger than our look at the clock. */
static uint64_t ticks_of(const struct ct_top_process *p, const struct ct_top_now *now)
{
	return now->ticks > p->started ? now->ticks - p->started : 0;
}

WRITER(write_elapsed)
{
	ct_top_duration(buf, ticks_of(p, now) / (uint64_t)now->ticks_per_second, true);
}

WRITER(write_time)
{
	ct_top_duration(buf, p->ticks / (uint64_t)now->ticks_per_second, false);
}

/* Processor time over life time, ps's pcpu: not what it uses just now, which "stats" shows. */
WRITER(write_percent)
{
	uint64_t lived = ticks_of(p, now);

	ct_buf_printf(buf, "%.1f", lived ? (double)p->ticks * 100 / (double)lived : 0.0);
}

/* The C of "ps -ef": the same in whole percent, two digits wide. */
WRITER(write_c)
{
	uint64_t lived = ticks_of(p, now), used = lived ? p->ticks * 100 / lived : 0;

	ct_buf_printf(buf, "%" PRIu64, used > 99 ? 99 : used);
}

/* Today the time of day, this year the day, before that the year. */
WRITER(write_started)
{
	time_t then = (time_t)now->seconds -
		      (time_t)(ticks_of(p, now) / (uint64_t)now->ticks_per_second) +
		      (time_t)now->zone;
	time_t today = (time_t)now->seconds + (time_t)now->zone;
	struct tm a = { 0 }, b = { 0 };
	char text[16] = "";

	gmtime_r(&then, &a);
	gmtime_r(&today, &b);
	strftime(text, sizeof(text), a.tm_year != b.tm_year ? "%Y" :
				     a.tm_yday != b.tm_yday ? "%b%d" : "%H:%M", &a);
	ct_buf_puts(buf, text);
}

/* ---- who ---- */

/* By the host's user database, which may ask a server (nsswitch.conf(5)): a name or a number, never
 * an error. */
static void host_user(struct ct_buf *buf, uint32_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		ct_buf_escaped(buf, entry->pw_name, strlen(entry->pw_name));
	else
		ct_buf_printf(buf, "%u", uid);
}

static void host_group(struct ct_buf *buf, uint32_t gid)
{
	const struct group *entry = getgrgid(gid);

	if (entry)
		ct_buf_escaped(buf, entry->gr_name, strlen(entry->gr_name));
	else
		ct_buf_printf(buf, "%u", gid);
}

/* UINT32_MAX is what the reader writes for an id that has no number in the container. */
static void inside_id(struct ct_buf *buf, uint32_t id)
{
	if (id == UINT32_MAX)
		ct_buf_puts(buf, "?");
	else if (id)
		ct_buf_printf(buf, "%u", id);
	else
		ct_buf_puts(buf, "root");
}

WRITER(write_host_user) { UNUSED; host_user(buf, p->uid); }
WRITER(write_host_group) { UNUSED; host_group(buf, p->gid); }
WRITER(write_user) { UNUSED; inside_id(buf, p->inside_uid); }
WRITER(write_group) { UNUSED; inside_id(buf, p->inside_gid); }
WRITER(write_real_user) { UNUSED; inside_id(buf, p->inside_ruid); }
WRITER(write_real_group) { UNUSED; inside_id(buf, p->inside_rgid); }

/* ---- numbers ---- */

WRITER(write_host_pid) { UNUSED; ct_buf_printf(buf, "%d", (int)p->pid); }
WRITER(write_host_parent) { UNUSED; ct_buf_printf(buf, "%d", (int)p->parent); }
WRITER(write_pid) { UNUSED; ct_buf_printf(buf, "%d", (int)p->inside); }
WRITER(write_parent) { UNUSED; ct_buf_printf(buf, "%d", (int)p->inside_parent); }
WRITER(write_host_process_group) { UNUSED; ct_buf_printf(buf, "%d", (int)p->group); }
WRITER(write_nice) { UNUSED; ct_buf_printf(buf, "%ld", p->nice); }
WRITER(write_rss) { UNUSED; ct_buf_printf(buf, "%" PRIu64, p->resident / 1024); }
WRITER(write_vsz) { UNUSED; ct_buf_printf(buf, "%" PRIu64, p->size / 1024); }

/* Majors of the kernel's documented list: 136...143 pseudo terminals, 4 consoles and lines. tty_nr
 * of proc_pid_stat(5) is the kernel's new_encode_dev(), which glibc's major() and minor() undo. */
WRITER(write_tty)
{
	unsigned number = minor((dev_t)(unsigned)p->tty), kind = major((dev_t)(unsigned)p->tty);

	UNUSED;
	if (!p->tty)
		ct_buf_putc(buf, '?');
	else if (kind >= 136 && kind <= 143)
		ct_buf_printf(buf, "pts/%u", number + (kind - 136) * 256);
	else if (kind == 4 && number < 64)
		ct_buf_printf(buf, "tty%u", number);
	else if (kind == 4)
		ct_buf_printf(buf, "ttyS%u", number - 64);
	else
		ct_buf_printf(buf, "%u,%u", kind, number);
}

/* ---- texts ---- */

WRITER(write_state) { UNUSED; ct_buf_putc(buf, p->state); }
WRITER(write_args) { UNUSED; ct_buf_escaped(buf, p->args, strlen(p->args)); }
WRITER(write_comm) { UNUSED; ct_buf_escaped(buf, p->comm, strlen(p->comm)); }
WRITER(write_label) { UNUSED; ct_buf_escaped(buf, p->label, strlen(p->label)); }

/* Seccomp: of /proc/PID/status, 0 to 2. */
WRITER(write_seccomp)
{
	UNUSED;
	ct_buf_puts(buf, p->seccomp == 2 ? "filter" : p->seccomp == 1 ? "strict" : "disabled");
}

/* podman's words for all and none; names are without their CAP_. */
static void write_caps(struct ct_buf *buf, uint64_t caps)
{
	bool first = true;

	if (!caps || caps == ct_caps_known()) {
		ct_buf_puts(buf, caps ? "full" : "none");
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		const char *name = caps >> i & 1 ? ct_cap_name(i) : NULL;

		if (!(caps >> i & 1))
			continue;
		ct_buf_puts(buf, first ? "" : ",");
		if (name)
			ct_buf_puts(buf, name + strlen("CAP_"));
		else
			ct_buf_printf(buf, "%u", i);
		first = false;
	}
}

WRITER(write_inheritable) { UNUSED; write_caps(buf, p->caps[CT_TOP_INHERITABLE]); }
WRITER(write_permitted) { UNUSED; write_caps(buf, p->caps[CT_TOP_PERMITTED]); }
WRITER(write_effective) { UNUSED; write_caps(buf, p->caps[CT_TOP_EFFECTIVE]); }
WRITER(write_bounding) { UNUSED; write_caps(buf, p->caps[CT_TOP_BOUNDING]); }

/* ---- tables ---- */

/* "" in place of a name: these cannot be asked for one by one, only together. */
const struct ct_top_column ct_top_default[] = {
	{ "", "UID", write_host_user }, { "", "PID", write_host_pid },
	{ "", "PPID", write_host_parent }, { "", "C", write_c },
	{ "", "STIME", write_started }, { "", "TTY", write_tty },
	{ "", "TIME", write_time }, { "", "CMD", write_args }, { 0 },
};

const struct ct_top_column ct_top_columns[] = {
	{ "args", "COMMAND", write_args },
	{ "capbnd", "BOUNDING CAPS", write_bounding },
	{ "capeff", "EFFECTIVE CAPS", write_effective },
	{ "capinh", "INHERITED CAPS", write_inheritable },
	{ "capprm", "PERMITTED CAPS", write_permitted },
	{ "comm", "COMMAND", write_comm },
	{ "etime", "ELAPSED", write_elapsed },
	{ "group", "GROUP", write_group },
	{ "hgroup", "HGROUP", write_host_group },
	{ "hpgid", "HPGID", write_host_process_group },
	{ "hpid", "HPID", write_host_pid },
	{ "hppid", "HPPID", write_host_parent },
	{ "huser", "HUSER", write_host_user },
	{ "label", "LABEL", write_label },
	{ "nice", "NI", write_nice },
	{ "pcpu", "%CPU", write_percent },
	{ "pid", "PID", write_pid },
	{ "ppid", "PPID", write_parent },
	{ "rgroup", "RGROUP", write_real_group },
	{ "rss", "RSS", write_rss },
	{ "ruser", "RUSER", write_real_user },
	{ "seccomp", "SECCOMP", write_seccomp },
	{ "state", "STATE", write_state },
	{ "stime", "STIME", write_started },
	{ "time", "TIME", write_time },
	{ "tty", "TTY", write_tty },
	{ "user", "USER", write_user },
	{ "vsz", "VSZ", write_vsz },
	{ 0 },
};

const struct ct_top_column *ct_top_column(const char *name, size_t length)
{
	/* ps knows it under both names. */
	if (length == 4 && !memcmp(name, "%cpu", 4))
		name = "pcpu";
	for (const struct ct_top_column *c = ct_top_columns; c->name; c++)
		if (strlen(c->name) == length && !memcmp(c->name, name, length))
			return c;
	return NULL;
}
