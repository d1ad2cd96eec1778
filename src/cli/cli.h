/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the command share: the table of verbs, the way to print, the way to report.
 *
 * A verb is one file, cmd_NAME.c, and one constant, ct_verb_NAME, listed in verbs.c. Its options
 * are parsed before its handler is called.
 */
#ifndef CATTACH_CLI_CLI_H
#define CATTACH_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/run.h>

#include "options.h"

struct ct_verb;

/* One use of a verb. */
struct ct_call {
	const struct ct_verb *verb;
	struct ct_arena *arena;		/* lives as long as the command */
	const void *options;		/* the verb's struct, filled */
	struct ct_strings operands;
	struct ct_strings ids;		/* of the operands, where --all or --filter chose them */
	struct ct_strings words;	/* all behind the verb */
	const char *first_word;		/* of all behind the verb: the first operand's, if nothing
					 * stands before that; NULL: there is none */
};

struct ct_verb {
	const char *name;
	const char *summary;		/* one line, imperative, no period */
	const char *synopsis;		/* what follows "cattach NAME" in the usage line */
	const char *description;	/* paragraphs separated by "\n\n" */
	const char *examples;		/* lines of "COMMAND\tWHAT IT DOES", or NULL */
	const struct ct_option *options;
	const void *defaults;		/* of the verb's struct, or NULL: all zero */
	size_t options_size;		/* of the verb's struct */
	const char *operand;		/* what an operand is, for messages: "CONTAINER" */
	size_t min_operands, max_operands;
	bool stop_at_operand;
	bool without_defaults;	/* of the caller's: it works, and as ever, whatever they are */
	bool raw;			/* its words are all operands: it has a command line of its own */
	/* Return: the exit code of the command, or negative with err filled. */
	int (*handler)(const struct ct_call *call, struct ct_err *err);
};

#define CT_OPERANDS_ANY ((size_t)-1)

extern const struct ct_verb ct_verb_attach, ct_verb_create, ct_verb_exec, ct_verb_restart,
	ct_verb_start;
extern const struct ct_verb ct_verb_clients, ct_verb_detach, ct_verb_logs, ct_verb_send;
extern const struct ct_verb ct_verb_events, ct_verb_generate, ct_verb_oci, ct_verb_port,
	ct_verb_rename;
extern const struct ct_verb ct_verb_cp, ct_verb_diff, ct_verb_top, ct_verb_unshare;
extern const struct ct_verb ct_verb_healthcheck;
extern const struct ct_verb ct_verb_pause, ct_verb_prune, ct_verb_stats, ct_verb_unpause,
	ct_verb_update;
extern const struct ct_verb ct_verb_help, ct_verb_info, ct_verb_inspect, ct_verb_kill, ct_verb_ps,
	ct_verb_rm, ct_verb_run, ct_verb_spec, ct_verb_stop, ct_verb_version, ct_verb_wait;

/* The verbs in the order of help, closed by NULL. */
extern const struct ct_verb *const ct_verbs[];

/* The options that stand before a verb. */
extern const struct ct_option ct_global_options[];

struct ct_global_options {
	const char *log_level;
	bool version;
};

/* The verb of this name; on failure err says which one may be meant. */
int ct_verb_find(const char *name, const struct ct_verb **ret_verb, struct ct_err *err);

/**
 * ct_verb_call - parse the options of a verb and run it
 * @argc, @argv: the words after the verb
 *
 * Return: the exit code, or negative with err filled.
 */
int ct_verb_call(const struct ct_verb *verb, struct ct_arena *arena, int argc, char *const *argv,
		 struct ct_err *err);

/* The same for operands that are not what was typed: change looks at them and changes them before
 * anything else does. 0: go on, 1: there is nothing to do, or negative. */
int ct_verb_call_with(const struct ct_verb *verb, struct ct_arena *arena, int argc,
		      char *const *argv, int (*change)(struct ct_call *call, struct ct_err *err),
		      struct ct_err *err);

/**
 * ct_command - follow a command line
 * @argc, @argv: the words after the program's name
 *
 * Return: the exit code, or negative with err filled.
 */
int ct_command(int argc, char *const *argv, struct ct_err *err);

/* The text of "cattach help" and of "cattach help VERB". */
void ct_help_main(struct ct_buf *buf);
void ct_help_verb(struct ct_buf *buf, const struct ct_verb *verb);
/* The options of a table, as help has them. */
void ct_help_options(struct ct_buf *buf, const struct ct_option *table);

/* The manual page of a verb, or of cattach itself for NULL, in troff with man(7) macros. */
void ct_man_page(struct ct_buf *buf, const struct ct_verb *verb);

/**
 * ct_print - write the result of a verb to standard output
 * @buf: the whole text
 * @err: of write(2). Nobody reading any more (EPIPE) sets the exit code to what a shell shows for
 *       SIGPIPE, and nothing is reported
 *
 * On a terminal everything that could drive it is shown as \xNN; newlines and tabs stay.
 */
int ct_print(const struct ct_buf *buf, struct ct_err *err);

/* ct_print() of one line. */
int ct_print_line(const char *line, struct ct_err *err);

/* Report an error on stderr and go on: for verbs that take several operands. */
void ct_report(const struct ct_err *err);

/* "cattach: warning: ..." on stderr for each: what is gone without. */
void ct_report_warnings(const struct ct_strings *warnings);

/* ct_parse_signal() for the value of --signal, with its place in the error. */
int ct_signal_option(const char *text, int *ret_signal, struct ct_err *err);

/* Follow the options of "run" and return the exit code of the payload; the monitor unmaps its copy
 * of the arena. In run_execute.c. */
int cmd_run_execute(const struct ct_run_options *options, struct ct_arena *arena,
		    struct ct_err *err);

/* Follow those of "create": make the container and print its id. */
int cmd_create_execute(const struct ct_run_options *options, struct ct_arena *arena,
		       struct ct_err *err);

/* Fill in what of the options comes from the operands: what to run, and the command. */
int ct_run_operands(const struct ct_call *call, struct ct_run_options *options,
		    struct ct_err *err);

#endif
