/* SPDX-License-Identifier: Apache-2.0 */
/* A store in the fresh directory, containers in it, and processes that play monitor and payload. */
#ifndef CATTACH_TESTS_CONTAINER_FIXTURE_H
#define CATTACH_TESTS_CONTAINER_FIXTURE_H

#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/container.h>

#include "fixture.h"

struct fake_monitor {
	pid_t pid, payload;
};

/* What most tests need, opened and closed together: struct world autoworld w; */
struct world {
	struct ct_store store;
	struct ct_arena arena;
	struct ct_container c;
	struct ct_err err;
	struct fake_monitor monitor;		/* ended with the world */
	char id[CT_CONTAINER_ID_LENGTH + 1];	/* for the test to use */
};

#define autoworld __attribute__((cleanup(world_close)))

/* An empty world on the store in the fresh directory. */
void world_open(struct world *ret_world);
void world_close(struct world *world);

/* Open "cattach" below the fresh directory as a store; every call opens it anew. */
void container_store(struct ct_store *ret_store);

/* An arena that must be there. */
void container_arena(struct ct_arena *ret_arena);

/* Create a container with the default spec; name may be NULL. It has no creator any more when this
 * returns; load it again to get at it. Its id goes to id. */
void container_create(const char *name, char id[CT_CONTAINER_ID_LENGTH + 1]);

/* Find it by name or id, which must succeed. */
void container_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		    struct ct_container *ret_container);

/* Write its status file. */
void container_set_status(const char *id, const struct ct_status *status);

/* Where the file NAME of container id is, below the fresh directory; static storage. */
const char *container_file(const char *id, const char *name);

/* Find it anew and look at its state and the reason for it (NULL: none). */
void container_assert_state(const char *name, enum ct_state state, const char *why);

/* A stopped container's status: exited with this value, a moment ago. */
struct ct_status container_exited(int value);

/* What the payload of fake_monitor_start() does about SIGTERM. */
enum fake_payload { FAKE_ENDS_ON_TERM, FAKE_IGNORES_TERM };

/*
 * A process that behaves like a monitor: takes the lock, starts a payload, records RUNNING, waits
 * for the payload, records EXITED, ends. Returns when RUNNING is recorded.
 */
struct fake_monitor fake_monitor_start(const char *id, enum fake_payload kind);

/* Reap it; what is left of it is killed first. */
void fake_monitor_done(const struct fake_monitor *monitor);

/* Is this process there, and no zombie? */
int process_lives(pid_t pid);

#endif
