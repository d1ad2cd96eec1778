/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What confinement costs a start: a child confines itself as a monitor does (capabilities,
 * landlock, the compiled filter), and tells how long that took. Once for each round, since nothing
 * of it can be taken back. Prints the median and the quartiles, in microseconds.
 *
 *   confine DIRECTORY [ROUNDS]      a directory of its own, which the rules name
 *
 * Runs unprivileged. Anything that fails ends it, 1.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cattach/monitor.h>
#include <cattach/seccomp.h>

#include "conmon/monitor.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* As many rules as a container with --rm has. */
static void allow(struct ct_confinement *c, int dir)
{
	static const unsigned access[] = { CT_ALLOW_SOCKET, CT_ALLOW_SOCKET | CT_ALLOW_REMOVE,
					   CT_ALLOW_RMDIR, CT_ALLOW_REMOVE, CT_ALLOW_RMDIR,
					   CT_ALLOW_UNLINK };

	for (size_t i = 0; i < sizeof(access) / sizeof(access[0]); i++) {
		c->allow[i].dir = dir;
		c->allow[i].access = access[i];
	}
}

/* In a child, with the pipe that its answer goes to. */
static int confine(int out, struct monitor *m)
{
	uint64_t took = now();

	ct_confine(m);
	took = now() - took;
	return write(out, &took, sizeof(took)) == sizeof(took) ? 0 : 1;
}

static int measure(struct monitor *m, uint64_t *times, size_t rounds)
{
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("pipe");
	for (size_t i = 0; i < rounds; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(confine(ends[1], m));
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return fail("a round");
		if (read(ends[0], &times[i], sizeof(*times)) != sizeof(*times))
			return fail("its answer");
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* A monitor with a log in memory and the compiled filter. */
static struct monitor *make_monitor(struct ct_monitor_config *config, struct ct_arena *arena,
				    struct ct_err *err)
{
	struct ct_log_options options = { .memory = true };
	struct ct_seccomp_policy policy;
	struct ct_seccomp_program program;
	struct ct_log_writer *log;
	struct monitor *m;

	if (ct_arena_open(arena, err) < 0 || ct_seccomp_monitor(arena, &policy, err) < 0 ||
	    ct_seccomp_compile(arena, &policy, -1, &program, err) < 0 ||
	    ct_log_create(config->dir, &options, &log, err) < 0)
		return NULL;
	config->confinement.filter = program.filter;
	config->confinement.filter_length = program.length;
	m = ct_monitor_new(config, log);
	if (m)
		ct_confine_prepare(m);
	return m;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
	struct ct_monitor_config config = { .runtime = -1, .client = -1 };
	uint64_t *times = calloc(rounds + 1, sizeof(*times));
	struct ct_err err = { 0 };
	struct ct_arena arena;
	struct monitor *m;

	if (argc < 2 || rounds == 0 || !times) {
		fprintf(stderr, "usage: confine DIRECTORY [ROUNDS]\n");
		return 2;
	}
	config.dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (config.dir < 0)
		return fail(argv[1]);
	allow(&config.confinement, config.dir);
	m = make_monitor(&config, &arena, &err);
	if (!m) {
		fprintf(stderr, "confine: %s\n", err.what);
		return 1;
	}
	if (measure(m, times, rounds))
		return 1;
	qsort(times, rounds, sizeof(*times), compare);
	printf("%.1f %.1f %.1f\n", (double)times[rounds / 2] / 1e3, (double)times[rounds / 4] / 1e3,
	       (double)times[rounds * 3 / 4] / 1e3);
	return 0;
}
