/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of time as people say them, in docker's words.
 */
#ifndef CATTACH_AGE_H
#define CATTACH_AGE_H

#include <stddef.h>
#include <stdint.h>

#define CT_AGE_SIZE 32	/* enough for every text of ct_human_age() */

/**
 * ct_human_age - "3 minutes", "About an hour", "Less than a second"
 * @ns:   the span in nanoseconds
 * @buf:  receives the text, always NUL-terminated
 * @size: of @buf; CT_AGE_SIZE is enough
 *
 * Return: @buf.
 */
const char *ct_human_age(uint64_t ns, char *buf, size_t size);

/* The time from then to now in nanoseconds; 0 when the clock was set back in between. */
uint64_t ct_age_since(uint64_t then, uint64_t now);

#endif
