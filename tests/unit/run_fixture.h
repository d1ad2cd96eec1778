/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of "run" up to the finished spec: a small root file system and a bundle in the fresh
 * directory, options to be filled in, and callers that exist nowhere.
 */
#ifndef CATTACH_TESTS_RUN_FIXTURE_H
#define CATTACH_TESTS_RUN_FIXTURE_H

#include <cattach/idmap.h>
#include <cattach/run.h>

#include "fixture.h"

/* Checked fixtures. The root file system is "root" (bin/sh, etc/passwd, etc/group), no bundle yet;
 * the operand is the root file system. */
void run_setup(void);
void run_teardown(void);

/* What the tests fill in and look at. */
extern struct ct_arena run_arena;
extern struct ct_run_options run_options;
extern struct ct_spec *run_spec;
extern struct ct_meta run_meta;
extern struct ct_err run_err;

/* alice: uid 1001, gid 1002, subordinate ids from 100000 and 200000, 65536 of each. */
extern const struct ct_id_caller run_alice;
/* bob: uid 1001, gid 1002, nothing else. */
extern const struct ct_id_caller run_bob;

/* A path in the fresh directory, in the arena. */
const char *run_path(const char *name);

/* One more of an option that may be repeated. */
void run_add(struct ct_strings *list, const char *value);

/* The operand becomes a bundle on the same root file system; process is the inside of its object
 * "process" without args and cwd, linux_ that of "linux" behind the namespaces. */
void run_bundle(const char *process, const char *linux_);

/* Prepare for this caller (NULL: root); it must succeed. */
void run_ok(const struct ct_id_caller *caller);

/* Prepare for alice; the error must read exactly so. */
void run_bad(int code, const char *text);

/* An item of the payload's environment by name, or NULL. */
const char *run_env(const char *name);

/* The mount at a destination, or NULL; its options joined by commas. */
const struct ct_spec_mount *run_mount(const char *destination);
const char *run_mount_options(const char *destination);

/* A list joined by blanks. */
const char *run_join(const struct ct_strings *list);

/* A map as "0:1001:1 1:100000:65536". */
const char *run_map(const struct ct_spec_idmaps *map);

/* The payload's additional groups as "1002 5". */
const char *run_groups(void);

/* What a function writes to stderr. */
const char *run_stderr_of(void (*function)(void));

#endif
