/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's terminal: raw while a payload has it, and back as it was on every way out.
 */
#ifndef CATTACH_CLI_TERMINAL_H
#define CATTACH_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include <cattach/err.h>

struct ct_terminal {
	int fd;			/* -1: nothing to restore */
	struct termios saved;
};

#define CT_TERMINAL_INIT { .fd = -1 }

/* Make fd raw, remembering how it was: every byte goes to the payload's terminal, which echoes. */
int ct_terminal_raw(int fd, struct ct_terminal *ret_terminal, struct ct_err *err);

/* Raw once more, after somebody else had the terminal while we were stopped. */
void ct_terminal_raw_again(const struct ct_terminal *terminal);

/* As it was before ct_terminal_raw(); may be called twice. */
void ct_terminal_restore(struct ct_terminal *terminal);

/* Size of the terminal behind fd: true when it has one. */
bool ct_terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns);

/* Size of the terminal that our output goes to, or else our input comes from. */
bool ct_terminal_caller_size(uint16_t *ret_rows, uint16_t *ret_columns);

static inline void ct_autoterminal_cleanup(struct ct_terminal *terminal)
{
	ct_terminal_restore(terminal);
}

#define ct_autoterminal __attribute__((cleanup(ct_autoterminal_cleanup)))

#endif
