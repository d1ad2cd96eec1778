/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time commands against each other: each in turn, many times over, so that whatever else the
 * machine does hits all of them alike. Prints the median and the quartiles of the wall clock time
 * from spawn to exit, and the ratio of the medians to the first command's.
 *
 *   timer [-b | -c] [-n ROUNDS] [-w WARM-UP] NAME COMMAND [ARG...] [-- NAME COMMAND [ARG...]]...
 *
 * Commands get /dev/null for stdin and stdout. One that fails ends it, status 1: a time of a
 * command that did not work says nothing. With -b the time is that of the first byte on stdout; the
 * command is killed then, and one that writes none has failed. With -c it is the processor time of the
 * command and of all that it has left running, which is waited for: on a busy machine it says more than
 * the clock does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MAX_COMMANDS 16

extern char **environ;

struct command {
	const char *name;
	char **argv;
	double *times; /* microseconds */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static pid_t spawn(const struct command *command, posix_spawn_file_actions_t *actions)
{
	pid_t pid;
	int error = posix_spawnp(&pid, command->argv[0], actions, NULL, command->argv, environ);

	if (!error)
		return pid;
	fprintf(stderr, "timer: %s: %s\n", command->argv[0], strerror(error));
	return -1;
}

/* Run a command once: microseconds, or a negative number after saying what went wrong. */
static double run(const struct command *command, posix_spawn_file_actions_t *actions)
{
	double start = now();
	pid_t pid = spawn(command, actions);
	int status;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (status) {
		fprintf(stderr, "timer: %s failed, status 0x%x\n", command->name, (unsigned)status);
		return -1;
	}
	return now() - start;
}

/* The same to the first byte that comes out of the pipe whose write end the actions give it. */
static double run_to_first_byte(const struct command *command, int *ends)
{
	posix_spawn_file_actions_t actions;
	double start, took;
	char byte;
	pid_t pid;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	start = now();
	pid = spawn(command, &actions);
	close(ends[1]);
	posix_spawn_file_actions_destroy(&actions);
	n = pid < 0 ? -1 : read(ends[0], &byte, 1);
	took = now() - start;
	close(ends[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (n != 1)
		fprintf(stderr, "timer: %s wrote nothing\n", command->name);
	return n == 1 ? took : -1;
}

/* Of all children that have been waited for, and of theirs. */
static double processor_time(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* We are the subreaper: what a command has left behind is our child. */
static double run_to_the_last(const struct command *command, posix_spawn_file_actions_t *actions)
{
	double before = processor_time();

	if (run(command, actions) < 0)
		return -1;
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	return processor_time() - before;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Cut the arguments at each "--" into commands: their number, or -1. */
static int cut(char **argv, struct command *commands, size_t rounds)
{
	int count = 0;

	while (*argv) {
		struct command *c = &commands[count++];

		c->name = argv[0];
		c->argv = argv + 1;
		c->times = calloc(rounds, sizeof(*c->times));
		if (!c->argv[0] || !c->times || count == MAX_COMMANDS)
			return -1;
		while (*argv && strcmp(*argv, "--") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return count;
}

static void report(struct command *commands, int count, size_t rounds)
{
	printf("%-28s %10s %10s %10s %8s\n", "", "median", "25 %", "75 %", "ratio");
	for (int i = 0; i < count; i++) {
		double *t = commands[i].times;

		qsort(t, rounds, sizeof(*t), compare);
		printf("%-28s %7.0f us %7.0f us %7.0f us %8.2f\n", commands[i].name, t[rounds / 2],
		       t[rounds / 4], t[rounds * 3 / 4],
		       t[rounds / 2] / commands[0].times[rounds / 2]);
	}
}

static int measure(struct command *commands, int count, size_t rounds, size_t warm_up, int what)
{
	posix_spawn_file_actions_t actions;
	int ends[2];

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (size_t round = 0; round < rounds + warm_up; round++) {
		for (int i = 0; i < count; i++) {
			double t = what == 'b' ? run_to_first_byte(&commands[i], ends) :
				   what == 'c' ? run_to_the_last(&commands[i], &actions) :
						 run(&commands[i], &actions);

			if (t < 0)
				return -1;
			if (round >= warm_up)
				commands[i].times[round - warm_up] = t;
		}
	}
	posix_spawn_file_actions_destroy(&actions);
	return 0;
}

int main(int argc, char **argv)
{
	struct command commands[MAX_COMMANDS] = { 0 };
	size_t rounds = 200, warm_up = 10;
	int option, count, what = 0;

	while ((option = getopt(argc, argv, "+bcn:w:")) != -1) {
		if (option == 'n')
			rounds = strtoul(optarg, NULL, 10);
		else if (option == 'b' || option == 'c')
			what = option;
		else if (option == 'w')
			warm_up = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (rounds < 1 || (what == 'c' && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0))
		return 2;
	count = cut(argv + optind, commands, rounds);
	if (count < 1) {
		fprintf(stderr, "usage: timer [-b | -c] [-n N] [-w N] NAME COMMAND [ARG...] [-- NAME ...]\n");
		return 2;
	}
	if (measure(commands, count, rounds, warm_up, what) < 0)
		return 1;
	report(commands, count, rounds);
	for (int i = 0; i < count; i++)
		free(commands[i].times);
	return 0;
}
