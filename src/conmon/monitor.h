/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's one struct, shared by the files that make up its process: monitor.c (start, loop,
 * exit), payload.c (stdio and spawn), output.c (payload to log), stdin.c (clients to payload),
 * listen.c, clients.c, client_messages.c, client_answers.c (attach), size_policy.c, lag.c,
 * linger.c (after the exit), confine.c; adopt.c, tagged.c, tagged_feed.c, backlog.c and control.c
 * where another program's front has the session (<cattach/adopt.h>). All of it is allocated before
 * the payload starts; nothing is allocated afterwards.
 */
#ifndef CATTACH_CONMON_MONITOR_H
#define CATTACH_CONMON_MONITOR_H

#include <sys/resource.h>

#include <cattach/attach.h>
#include <cattach/monitor.h>
#include <cattach/streamlog.h>

/* What an event is about. */
enum source {
	SRC_SIGNALS,
	SRC_PAYLOAD,		/* its pidfd */
	SRC_OWNER,		/* the process with which the session ends */
	SRC_LIMIT,		/* its time is over */
	SRC_STDOUT,		/* or the pty's master */
	SRC_STDERR,
	SRC_STDIN,		/* the payload can take more */
	SRC_LISTEN,
	SRC_CLIENT,
	SRC_TIMER,
	SRC_CONTROL,		/* slot: which of the FIFOs */
	SRC_WATCHED,		/* slot: which of config->watched */
};

/* What travels in epoll_event.data.u64. The generation makes an event for a client that was
 * dropped in the same batch harmless, even when its slot has a new client already. */
union event_ref {
	struct {
		uint16_t source, slot;
		uint32_t generation;
	};
	uint64_t u64;
};

/* One direction of the payload's output. */
struct output {
	int fd;			/* our end, -1 when it has ended */
	int stream;		/* CT_STREAM_* */
	enum source source;
	bool armed;		/* in the epoll set */
	bool gather;		/* small writes may be left to gather: the pipe holds enough */
	uint64_t small;		/* when little was read last, monotonic ns... */
	uint64_t until;		/* ...and until when it is left alone for more to come, or 0 */
};

/* Why the payload's output is not read at the moment: bits, see ct_output_hold(). */
#define HOLD_LAG	1u	/* a client that must get everything is too far behind */

/* What a client is still to be sent, in this order: bits. */
#define OWE_WELCOME	1u
#define OWE_ROOM	2u
#define OWE_SEGMENT	4u
#define OWE_LIST	8u
#define OWE_COUNT	16u	/* how many CT_MSG_CLIENT_DROP has dropped */
#define OWE_ASK		32u	/* where are you? */
#define OWE_NAMESPACES	64u
#define OWE_REOPENED	128u
#define OWE_EXIT	256u

#define NO_SLOT		0xffffu

/*
 * A client's slot. The table is zero pages until slots are used, lowest first, so a monitor without
 * clients pays for none and one with ten for one page; fd 0 marks a free slot (ours are above 2).
 */
struct client {
	int fd;			/* 0: free, -1: hung up, but its last stdin is not written yet */
	uint32_t generation;
	uint32_t id;		/* as shown to people; never used twice */
	uint32_t hello;		/* CT_HELLO_* */
	/* What stands second is that of one that speaks conmon's frames, see tagged.c. */
	union {
		uint32_t segment;	/* asked for, while OWE_SEGMENT */
		uint32_t left;		/* bytes of the frame at position that it has not got */
	};
	union {
		uint32_t turn;		/* of its last word about sizes, see size_policy.c */
		uint32_t taken;		/* bytes of the record at its socket's head that are written */
	};
	union {
		uint64_t since;		/* ns since the epoch */
		uint64_t moved;		/* when it took something last, monotonic ns */
	};
	uint64_t position;	/* as it has reported; where the run began, if it must get everything */
	pid_t pid;
	union {
		uid_t uid;
		uint32_t missed;	/* KiB, which it has not been told of */
	};
	uint16_t rows, columns;
	uint16_t start, end;	/* of its bytes in its place of the stdin area */
	uint16_t next;		/* slot behind it in the stdin queue */
	union {
		uint16_t listed;	/* next slot to tell about, while OWE_LIST; count, while OWE_COUNT */
		uint16_t stream;	/* of the frame at position */
	};
	uint16_t owes;		/* OWE_* */
	uint8_t reopened;	/* what became of it, while OWE_REOPENED: 0 or an errno */
	bool greeted;		/* has said HELLO */
	bool first;		/* came with the start: waited for until it has said HELLO */
	bool queued;		/* has bytes in the stdin queue */
	bool credit;		/* may send one CT_MSG_STDIN */
	bool eof;		/* has said that no more stdin comes */
	bool told;		/* has been told that stdin is not open */
	bool asked;		/* for its position, and has not answered yet */
	bool pushing;		/* its socket is watched for room instead of for records */
	bool deaf;		/* conmon's: it hears nothing any more */
};

/* What readers in this process have still to get, and memory does no longer have: backlog.c. */
struct backlog {
	int fd;			/* a file without a name, or -1 */
	uint64_t base, end;	/* offsets in the log of its first byte and behind its last; equal: empty */
	uint64_t freed;		/* up to here its blocks have been given back */
	bool refused;		/* there is no place for it, or no room */
};

/* A line that comes by a FIFO: control.c. */
struct control {
	int fd;
	uint8_t size;
	bool skip;		/* what comes up to the end of the line is too long to be one */
	char line[64];
};

#define CONTROLS 2		/* ctl and winsz */

struct monitor {
	const struct ct_monitor_config *config;
	struct ct_log_writer *log;
	int log_dir;			/* where it is made */
	struct ct_status status;
	int status_fd, lock_fd;
	int epoll, signals, timer;
	int limit;		/* timerfd of config->time_limit, or -1 */
	bool timed_out;		/* it has been told to end for that */
	struct ct_spawned payload;
	bool exited;		/* the payload has been reaped */
	bool ended;		/* and that is recorded and published */
	bool leave;		/* asked to end, after that */
	unsigned grace;		/* timer ticks since then */

	struct output out[2];
	unsigned hold;		/* HOLD_* */
	uint64_t last_input;	/* when a client's stdin came last, monotonic ns: set by stdin.c, so
				 * that the echo of a key press is never left to gather */
	uint8_t *frame;		/* CT_FRAME_HEADER + CT_FRAME_MAX bytes, and record behind it */
	bool untidy;		/* there is memory to be given back when it is quiet */

	int peer;		/* the slave of the pty, while the payload lives, or -1 */

	int in;			/* our end of the payload's stdin, -1 when closed */
	bool in_armed;		/* in is in the epoll set */
	bool eof;		/* close in once everything is written */
	uint16_t queue_head, queue_tail;	/* slots with stdin to write, NO_SLOT: none */
	uint8_t *stdin_area;	/* CT_ATTACH_DATA_MAX bytes a slot, touched only while in use */

	int runtime;		/* directory of the socket, or -1 */
	int listener;		/* -1: nobody can connect (any more) */
	int reserve;		/* given up for a moment to refuse a client when all are taken */
	bool listening;		/* listener is in the epoll set */
	bool retry;		/* some are owed what only time will allow */
	bool listing;		/* some wait for the list of clients, which waits for their positions */
	unsigned warnings;	/* CT_WARN_STRANGER, CT_WARN_SOCKET: for the record */
	uint64_t news_at;	/* no record of what is lost before, monotonic ns */
	struct client *clients;	/* CT_ATTACH_MAX_CLIENTS */
	unsigned client_top;	/* slots at and above this one have never been used */
	unsigned client_count;	/* connected */
	uint32_t last_id, last_turn;
	uint32_t first_id;	/* of the client that came with the start, 0: none did */
	uint32_t tied_id;	/* the payload dies with this client; 0: with none */
	uint8_t *record;	/* CT_ATTACH_RECORD_MAX bytes, for one at a time */

	unsigned blockers;	/* clients with CT_HELLO_BLOCK... */
	uint64_t slowest;	/* ...and the least of their positions */
	uint64_t asked_at;	/* end of the log when they were last asked for these */
	uint64_t run_start;	/* logical offset at which this run began */

	uint16_t rows, columns;	/* of the pty, 0: not known */
	unsigned short filter_length;	/* instructions in record until ct_confine() loads them */

	/* With config->tagged. */
	struct backlog backlog;
	struct control control[CONTROLS];
	uint64_t drained;	/* end of the log when it was last looked whether more comes */
	char made_as[16];	/* the payload's name before it is started, "": it is already */
};

#define TICK_MS		100	/* of the timer, which runs only when there is something to wait for */
#define GRACE_TICKS	20	/* descendants may hold the pipes for so long after the payload */

/* Watch or forget a descriptor; failures are not expected and end the watch. */
void ct_monitor_watch(struct monitor *m, int fd, enum source source, uint32_t events);
void ct_monitor_unwatch(struct monitor *m, int fd);
/* Let the timer tick, or stop it. */
void ct_monitor_tick(struct monitor *m, bool on);

/* inherited.c: close everything that is not the monitor's own; limits as high as they may be, and as they
 * were before */
#define MONITOR_LIMITS 3
void ct_monitor_keep_descriptors(const struct monitor *m);
void ct_monitor_raise_limits(struct rlimit before[MONITOR_LIMITS]);
void ct_monitor_lower_limits(const struct rlimit before[MONITOR_LIMITS]);

/* monitor.c: the payload has ended. adopt.c: some child has, perhaps the payload. */
void ct_monitor_reap_payload(struct monitor *m);
void ct_adopt_reap(struct monitor *m);
/* adopt.c: watch the FIFOs and config->watched */
void ct_adopt_watch(const struct monitor *m);
/* adopt.c: is a signal meant for the payload, too, beside SIGTERM? */
bool ct_adopt_passes_on(const struct monitor *m, uint32_t number);

/* prepare.c: what else must be there before the payload runs: log, loop, socket. Sets ->log. */
int ct_monitor_prepare(struct monitor *m, struct ct_err *err);

/* payload.c: make the stdio and start the payload; watch what it writes */
int ct_payload_start(struct monitor *m, struct ct_err *err);

/* limit.c: the time that a session may take */
int ct_limit_open(struct monitor *m, struct ct_err *err);
void ct_limit_begin(struct monitor *m);		/* now */
void ct_limit_ready(struct monitor *m);
void ct_limit_judge(struct monitor *m);		/* the exit status is there */

/* output.c */
void ct_output_ready(struct monitor *m, struct output *out);
/* Add or take away a reason not to read the payload's output; it is read while there is none. */
void ct_output_hold(struct monitor *m, unsigned reason, bool on);
/* An output was opened (out->fd is set): watch it, find out whether it can gather. */
void ct_output_open(struct monitor *m, struct output *out);
/* For the loop's epoll_pwait2(2): ns until ct_output_due() has something to do (also what
 * ct_log_wake_due() says), -1 nothing. Call ct_output_due() after every turn; cheap. */
int64_t ct_output_timeout(const struct monitor *m);
void ct_output_due(struct monitor *m);
bool ct_output_done(const struct monitor *m);
void ct_output_close(struct monitor *m);

/* stdin.c */
void ct_input_take(struct monitor *m, struct client *c, const uint8_t *data, size_t size);
void ct_input_eof(struct monitor *m);	/* close stdin when what is queued is written */
void ct_input_writable(struct monitor *m);
void ct_input_close(struct monitor *m);

/* listen.c */
int ct_listen_open(struct monitor *m, struct ct_err *err);
void ct_listen_again(struct monitor *m);	/* a vanished runtime directory: make the socket again */
void ct_listen_ready(struct monitor *m);
bool ct_listen_resume(struct monitor *m);	/* by the timer; false: not yet */
void ct_listen_close(struct monitor *m);	/* and take the socket away */

/* clients.c */
/* A connection into a slot; takes the descriptor, which is closed when there is no slot. */
struct client *ct_client_add(struct monitor *m, int fd);
/* Let go of it; a hang-up, not a DETACH, may end the payload's stdin. */
void ct_client_drop(struct monitor *m, struct client *c, bool hung_up);
/* Tell it what is wrong and let go of it; or tell it and go on. */
void ct_client_refuse(struct monitor *m, struct client *c, const char *text);
void ct_client_tell(struct monitor *m, struct client *c, const char *text);
void ct_client_ready(struct monitor *m, unsigned slot, uint32_t generation, uint32_t events);
/* Its stdin has been written: free the slot of one that has hung up, else give it room. */
void ct_client_written(struct monitor *m, struct client *c);
unsigned ct_client_slot(const struct monitor *m, const struct client *c);
/* Close a connection so that the peer can still read what was sent to it. */
void ct_client_hang_up(int fd);

/* Is this slot connected, and past its HELLO? */
static inline bool ct_client_connected(const struct client *c)
{
	return c->fd > 0;
}

/* client_messages.c */
void ct_client_handle(struct monitor *m, struct client *c, const struct ct_message *message);

/* client_answers.c */
void ct_client_owe(struct monitor *m, struct client *c, unsigned what);
void ct_client_push(struct monitor *m, struct client *c);	/* send what it is owed */
void ct_clients_say_exit(struct monitor *m);
bool ct_clients_retry(struct monitor *m);	/* by the timer; false: not yet */
void ct_client_list(struct monitor *m, struct client *c);	/* it wants to know who is there */
void ct_client_placed(struct monitor *m, struct client *c);	/* it has said where it is */

/* tagged.c: clients that speak conmon's frames */
void ct_tagged_come(struct monitor *m, struct client *c);
void ct_tagged_ready(struct monitor *m, struct client *c, uint32_t events);
/* Watch its socket for what there is to do. */
void ct_tagged_watch(struct monitor *m, struct client *c);
/* The name of a process. */
void ct_tagged_name(pid_t pid, char name[16]);
/* One record to it: 0 or -errno. */
int ct_tagged_send(int fd, int tag, const void *data, size_t size);

/* tagged_feed.c: the log to them; wait for those that are to be waited for. Drops those that have
 * everything, once the exit is told. */
void ct_tagged_look(struct monitor *m);
/* Is there anything that it has not got? */
bool ct_tagged_behind(const struct monitor *m, const struct client *c);
bool ct_tagged_any_behind(const struct monitor *m);
/* It will not get what is before this offset. */
void ct_tagged_skip(struct client *c, uint64_t offset);

#define TAGGED_MAX	8192u		/* bytes in a record */

/* backlog.c: how far a client may be behind, and what it has missed in memory */
void ct_backlog_open(struct monitor *m);
void ct_backlog_close(struct monitor *m);
/* The segment in memory at this offset is going to be used again. */
void ct_backlog_take(void *arg, uint64_t offset, const uint8_t *bytes, size_t size);
uint64_t ct_backlog_bound(const struct monitor *m);
/* At most max bytes from an offset into buf: how many. */
size_t ct_backlog_read(const struct monitor *m, uint64_t offset, void *buf, size_t max);

/* control.c: the FIFOs ctl and winsz in the runtime directory */
int ct_control_open(struct monitor *m, struct ct_err *err);
void ct_control_ready(struct monitor *m, unsigned slot);
void ct_control_close(struct monitor *m);

/* size_policy.c */
void ct_size_set(struct monitor *m, uint16_t rows, uint16_t columns);	/* whoever says so */
void ct_size_take(struct monitor *m, struct client *c, uint16_t rows, uint16_t columns);
void ct_size_choose(struct monitor *m);

/* lag.c */
void ct_lag_count(struct monitor *m);	/* somebody came, went or moved */
void ct_lag_greet(struct monitor *m, struct client *c);	/* one that must get everything said HELLO */
void ct_lag_look(struct monitor *m);	/* the log has grown, or somebody has moved */

/* linger.c: serve clients after the exit as long as somebody is owed something */
void ct_linger(struct monitor *m);

/* confine.c: give up what only the start needed; returns with as much given up as can be */
void ct_confine(struct monitor *m);
/* Before that, while what the start has parsed is still there. */
void ct_confine_prepare(struct monitor *m);

/* give_back.c: memory that only the start needed; or only what much output has left behind */
void ct_monitor_give_back(struct monitor *m);
void ct_monitor_give_back_buffers(struct monitor *m);

/* monitor.c: run in the monitor process, report the start over the descriptor, never return; the log is
 * made in this directory */
_Noreturn void ct_monitor_main(const struct ct_monitor_config *config, int log_dir, int report);
/* The parts of it that tests use with sockets and pipes of their own. */
struct monitor *ct_monitor_new(const struct ct_monitor_config *config, struct ct_log_writer *log);
void ct_monitor_free(struct monitor *m);
int ct_monitor_open_loop(struct monitor *m, struct ct_err *err);
/* Watch what is open by now, and let in who came with the start. */
void ct_monitor_watch_all(struct monitor *m);
/* From a payload that runs to the last word about its end. */
void ct_monitor_serve(struct monitor *m);
/* Wait for events, at most timeout ms, and do what is due; 0 when there was nothing to do. */
int ct_monitor_turn(struct monitor *m, int timeout);

/* What the monitor tells the process that launched it, in one record. */
struct start_report {
	bool started;
	pid_t monitor_pid;
	uint64_t owed;			/* what is left of config->log.owed */
	struct ct_err err;		/* why not; or a warning */
};

#endif
