/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets. src/ns/caps.c is the only file that knows libcap. capabilities(7).
 */
#ifndef CATTACH_CAPS_H
#define CATTACH_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* Bit n stands for capability n. */
struct ct_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/**
 * ct_cap_parse - a capability's bit from its name
 * @name: with or without "CAP_", any case
 * @ret_number: 0...63
 * @err: EINVAL "CAP_BOGUS: unknown capability"
 */
int ct_cap_parse(const char *name, unsigned *ret_number, struct ct_err *err);

/* "CAP_NET_RAW" for 13, in static storage; NULL for a number nobody has named. */
const char *ct_cap_name(unsigned number);

/* The capabilities that the running kernel knows, as a mask. */
uint64_t ct_caps_known(void);

/* The capabilities in this process's bounding set. */
uint64_t ct_caps_bounding(void);

/**
 * ct_caps_limit - drop from the bounding set what is not in keep (prctl PR_CAPBSET_DROP)
 * Needs CAP_SETPCAP in the user namespace; done while still privileged.
 */
int ct_caps_limit(uint64_t keep, struct ct_err *err);

/**
 * ct_caps_apply - set effective, permitted and inheritable, then the ambient set
 * Called after the last change of ids, with PR_SET_KEEPCAPS before it. Bits that the process
 * cannot have are an error (EPERM), never dropped in silence.
 */
int ct_caps_apply(const struct ct_caps *caps, struct ct_err *err);

/* Make everything that is permitted effective, which a change of uid to a user undoes (with
 * PR_SET_KEEPCAPS): loading a filter without no_new_privs needs CAP_SYS_ADMIN once more. */
int ct_caps_raise(struct ct_err *err);

/* Does this process hold the capability in its effective set? */
bool ct_caps_have(unsigned number);

#endif
