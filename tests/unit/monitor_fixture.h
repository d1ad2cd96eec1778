/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor's loop in the test's own process: real log, real sockets, pipes or a pty where the
 * payload's stdio would be, and a child that can be signalled as the payload.
 */
#ifndef CATTACH_TESTS_MONITOR_FIXTURE_H
#define CATTACH_TESTS_MONITOR_FIXTURE_H

#include <cattach/attach.h>
#include <cattach/monitor.h>

#include "conmon/monitor.h"
#include "fixture.h"

struct loop {
	struct ct_monitor_config config;	/* change it before loop_open() */
	struct ct_log_writer *log;
	struct monitor *m;
	int in;			/* the payload's end of its stdin */
	int out;		/* the payload's end of its stdout, or the slave of its pty */
	int runtime;		/* directory with the socket, when config.runtime was 0 */
	pid_t payload;
};

#define autoloop __attribute__((cleanup(loop_close)))

/* struct loop autoloop l = LOOP_INIT; */
#define LOOP_INIT { .config = { .runtime = -1, .owner = -1, .client = -1, .stdin_open = true }, .in = -1, \
		    .out = -1, .runtime = -1 }

/* config.runtime 0: listen in a directory of the fixture's. */
void loop_open(struct loop *l);
void loop_close(struct loop *l);

/* Turn until nothing happens any more; how many events there were. */
unsigned loop_run(struct loop *l);

/* A client that has said nothing yet: the test's end of its connection, CLOEXEC and blocking. */
int loop_connect(struct loop *l);
/* The same through the listening socket. Does not turn. */
int loop_dial(const struct loop *l);
/* A client that was welcomed. */
int loop_client(struct loop *l, uint32_t hello);
int loop_sized_client(struct loop *l, uint32_t hello, uint16_t rows, uint16_t columns);

/* Send a message or bytes as a record, and turn. */
void loop_send(struct loop *l, int sock, const struct ct_message *message);
void loop_say(struct loop *l, int sock, enum ct_message_type type);
void loop_type(struct loop *l, int sock, const char *text);

/* The next message, which must be of this type and be there already. Its data stays valid until the
 * next call; descriptors are closed. */
struct ct_message loop_expect(int sock, enum ct_message_type type);
/* The next thing is an ERROR with this text. */
void loop_expect_error(int sock, const char *text);
/* Nothing more for now; the end. */
void loop_expect_nothing(int sock);
void loop_expect_end(int sock);

/* What the payload has got on its stdin by now, up to size bytes: how many; 0 at the end, -1 when
 * there is nothing. */
ssize_t loop_stdin(const struct loop *l, void *buf, size_t size);
/* The payload's stdin has this text now. */
void loop_expect_stdin(const struct loop *l, const char *text);
/* The payload writes. */
void loop_write(struct loop *l, const void *data, size_t size);

/* Turn until the payload was ended, by this signal. */
void loop_expect_killed(struct loop *l, int signal);

/* This process' resident memory in KiB. */
long loop_memory(void);

#endif
