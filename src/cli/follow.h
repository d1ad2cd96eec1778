/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the foreground: its one struct, shared by foreground.c (loop and signals),
 * foreground_input.c (stdin to the payload) and foreground_output.c (log to stdout and stderr).
 */
#ifndef CATTACH_CLI_FOLLOW_H
#define CATTACH_CLI_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/client.h>
#include <cattach/container.h>
#include <cattach/err.h>

#include "foreground.h"
#include "outlet.h"
#include "terminal.h"

#define CT_FOLLOW_BUFFER	65536	/* bytes of output taken from the log at once */
#define CT_FOLLOW_PENDING	(CT_ATTACH_DATA_MAX + CT_DETACH_HELD_MAX)

enum ct_follow_event {
	CT_FOLLOW_WAKE,		/* something was committed */
	CT_FOLLOW_CHANNEL,
	CT_FOLLOW_STDIN,
	CT_FOLLOW_SIGNALS,
	CT_FOLLOW_OUTLET,	/* our stdout or stderr takes more */
	CT_FOLLOW_NEXT,		/* the container's next run begins, or its keeper does something */
};

/* Our stdin on its way to the payload. */
struct ct_follow_input {
	bool open;		/* it is still read... */
	bool pollable;		/* ...and can be waited for: regular files cannot */
	bool watched;
	bool eof;		/* its end is still to be acted on */
	bool ended;		/* it has come */
	bool room;		/* the monitor has taken the last CT_MSG_STDIN */
	bool leaving;		/* the detach keys came; what was typed before is still on its way */
	struct ct_detach_keys keys;
	uint64_t deadline;	/* of what the keys withhold, or of leaving; 0: none */
	uint8_t *pending;	/* CT_FOLLOW_PENDING bytes... */
	size_t size;		/* ...of which these wait for room */
};

/* The log on its way to our stdout and stderr. */
struct ct_follow_output {
	struct ct_outlet outlet[2];
	uint8_t *data;		/* CT_FOLLOW_BUFFER bytes of one stream... */
	size_t start, end;
	int stream;		/* ...of this one */
	char notice[128];	/* to be written to stderr before them */
	size_t notice_start, notice_end;
};

struct ct_follow {
	struct ct_client *client;	/* NULL: the session is over, its log is shown */
	struct ct_cursor *cursor;
	const struct ct_foreground *how;
	int epoll, signals;
	bool connected;
	bool gone;		/* the monitor has ended without saying how the payload did */
	bool detached;
	bool over;		/* the session is: result is its exit code */
	struct ct_waiter waiter;	/* for the next run, once this one has ended */
	bool waiting;		/* there is no session at the moment */
	bool stopped;		/* while waiting we were asked to end, and so was the container */
	int code;		/* of the run before, -1: not known */
	int rest;		/* the log's directory, once nothing is started any more; or -1 */
	unsigned told;		/* of this restart, by number, the user has been told */
	struct ct_terminal terminal;
	struct ct_follow_input in;
	struct ct_follow_output out;
	int result;		/* exit code once done, else -1 */
};

/* foreground.c */
int ct_follow_watch(struct ct_follow *f, int fd, enum ct_follow_event event, uint32_t events);
void ct_follow_send(struct ct_follow *f, const struct ct_message *message);
/* Let go of the session, which lives on. */
void ct_follow_detach(struct ct_follow *f);

/* foreground_again.c */
/* The run is over: is there a keeper that starts the next? Then be there when it does. */
int ct_follow_expect(struct ct_follow *f, struct ct_err *err);
/* Wait for the next run: 1 when we follow it, 0 when f->result is the end, negative. */
int ct_follow_again(struct ct_follow *f, struct ct_err *err);
void ct_follow_expect_no_more(struct ct_follow *f);

/* foreground.c: sleep, and take what comes, as while a session is followed. */
int ct_follow_turn(struct ct_follow *f, struct ct_err *err);
int ct_follow_watch_client(struct ct_follow *f);

/* foreground_input.c */
/* Between two runs: nobody takes anything; what is typed is for the next, unless it detaches. */
void ct_follow_hold_input(struct ct_follow *f);
void ct_follow_resume_input(struct ct_follow *f);
void ct_follow_open_input(struct ct_follow *f, uint8_t *memory);
/* Read, match, send, watch: what can be done now. True: there is more to read without an event. */
bool ct_follow_feed(struct ct_follow *f);
void ct_follow_read(struct ct_follow *f);	/* stdin is readable */
void ct_follow_tick(struct ct_follow *f, uint64_t now);

/* foreground_output.c */
void ct_follow_open_output(struct ct_follow *f, uint8_t *memory);
void ct_follow_close_output(struct ct_follow *f);
/* What is there and can be written: 0, or 1 when there may be more but it is others' turn. */
int ct_follow_pump(struct ct_follow *f, struct ct_err *err);

#endif
