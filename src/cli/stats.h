/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of "cattach stats": what a row shows of two readings. cmd_stats.c takes them.
 */
#ifndef CATTACH_CLI_STATS_H
#define CATTACH_CLI_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/stats.h>

#include "value.h"

/* A container with its readings. */
struct ct_stats_entry {
	const char *id, *name;
	const char *as_given;		/* .Container */
	bool known;			/* now holds a reading */
	bool has_before;		/* and before the one that came before it */
	struct ct_usage before, now;
};

struct ct_stats_style {
	bool no_trunc;
	uint64_t host_memory;		/* bytes that the host has */
};

/* docker's members as docker writes them, and for json .Usage in plain numbers and .Pressure. */
const struct ct_json *ct_stats_row(struct ct_values *values, const struct ct_stats_entry *entry,
				   const struct ct_stats_style *style);

/* The row of titles. */
const struct ct_json *ct_stats_header(struct ct_values *values);

#define CT_AMOUNT_SIZE 32

/* "1.055MiB", four digits, by 1024. Returns buf. */
const char *ct_amount_binary(uint64_t bytes, char buf[CT_AMOUNT_SIZE]);

/* "1.23kB", three digits, by 1000. Returns buf. */
const char *ct_amount_decimal(uint64_t bytes, char buf[CT_AMOUNT_SIZE]);

#endif
