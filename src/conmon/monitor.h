/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's one struct, shared by the files that make up its process: monitor.c (start, loop,
 * exit), output.c (payload to log), input.c (client to payload). All of it is allocated before the
 * payload starts; nothing is allocated afterwards.
 */
#ifndef CATTACH_CONMON_MONITOR_H
#define CATTACH_CONMON_MONITOR_H

#include <cattach/attach.h>
#include <cattach/monitor.h>
#include <cattach/streamlog.h>

/* What an event is about; travels in epoll_event.data.u32. */
enum source {
	SRC_SIGNALS,
	SRC_PAYLOAD,		/* its pidfd */
	SRC_STDOUT,		/* or the pty's master */
	SRC_STDERR,
	SRC_STDIN,		/* the payload can take more */
	SRC_CLIENT,
	SRC_TIMER,
};

/* One direction of the payload's output. */
struct output {
	int fd;			/* our end, -1 when it has ended */
	int stream;		/* CT_STREAM_* */
	enum source source;
};

struct monitor {
	const struct ct_monitor_config *config;
	struct ct_log_writer log;
	struct ct_status status;
	int status_fd, lock_fd;
	int epoll, signals, timer;
	struct ct_spawned payload;
	bool exited;		/* the payload has been reaped */
	unsigned grace;		/* timer ticks since then */

	struct output out[2];
	uint8_t *frame;		/* CT_FRAME_HEADER + CT_FRAME_MAX bytes */
	size_t held;		/* bytes in frame that the log would not take yet */
	int held_stream;

	int peer;		/* the slave of the pty, while the payload lives, or -1 */

	int in;			/* our end of the payload's stdin, -1 when closed */
	bool in_armed;		/* in is in the epoll set */
	int client;		/* connection, -1 when gone */
	bool eof;		/* close in once everything is written */
	uint8_t *record;	/* CT_ATTACH_RECORD_MAX bytes */
	uint8_t *pending;	/* CT_ATTACH_DATA_MAX bytes of stdin... */
	size_t pending_start, pending_end;	/* ...of which these are not written yet */
};

#define TICK_MS		100	/* of the timer, which runs only when there is something to wait for */
#define GRACE_TICKS	20	/* descendants may hold the pipes for so long after the payload */

/* Watch or forget a descriptor; failures are not expected and end the watch. */
void ct_monitor_watch(struct monitor *m, int fd, enum source source, uint32_t events);
void ct_monitor_unwatch(struct monitor *m, int fd);
/* Let the timer tick, or stop it. */
void ct_monitor_tick(struct monitor *m, bool on);

/* output.c */
void ct_output_ready(struct monitor *m, struct output *out);
void ct_output_retry(struct monitor *m);
bool ct_output_done(const struct monitor *m);
void ct_output_close(struct monitor *m);

/* input.c */
void ct_input_client(struct monitor *m, uint32_t events);
void ct_input_writable(struct monitor *m);
void ct_input_close(struct monitor *m);
void ct_input_say(struct monitor *m, enum ct_message_type type);

/* give_back.c: memory that only the start needed */
void ct_monitor_give_back(void);

/* monitor.c: run in the monitor process, report the start over the descriptor, never return */
_Noreturn void ct_monitor_main(const struct ct_monitor_config *config, struct ct_log_writer *log,
			       int report);

/* What the monitor tells the process that launched it, in one record. */
struct start_report {
	bool started;
	pid_t monitor_pid;
	struct ct_err err;
};

#endif
