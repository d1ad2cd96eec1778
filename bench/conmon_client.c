/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of conmon's attach socket, the peer of "cattach attach" in the benchmark: what comes in
 * records of a tag byte (2 stdout, 3 stderr) and at most 8,192 bytes goes to stdout.
 *
 *   conmon_client DIRECTORY [TAG]      the directory with the socket "attach"; only this tag
 *
 * With stdin that is not empty, what is read there is sent to the container as it comes. Runs
 * unprivileged, ends with 0 when conmon closes the connection.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#define RECORD_MAX 8193

static int put(const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, data, length);

		if (n < 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* One record: 1, or 0 at the end. */
static int take_record(int fd, int tag)
{
	char record[RECORD_MAX];
	ssize_t n = recv(fd, record, sizeof(record), 0);

	if (n <= 0)
		return 0;
	if (tag && record[0] != tag)
		return 1;
	return put(record + 1, (size_t)n - 1) == 0;
}

static int relay(int fd, int tag)
{
	struct pollfd polled[2] = { { .fd = fd, .events = POLLIN },
				    { .fd = STDIN_FILENO, .events = POLLIN } };

	while (poll(polled, 2, -1) > 0) {
		if (polled[1].revents) {
			char data[4096];
			ssize_t n = read(STDIN_FILENO, data, sizeof(data));

			if (n <= 0)
				polled[1].fd = -1;
			else if (send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
				return 0;
		}
		if (polled[0].revents && !take_record(fd, tag))
			return 0;
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* The path may be longer than an address: from inside the directory it is short. */
	if (argc < 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "conmon_client: %s\n", argc < 2 ? "no directory" : strerror(errno));
		return 2;
	}
	strcpy(address.sun_path, "attach");
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("conmon_client");
		return 1;
	}
	return relay(fd, argc > 2 ? atoi(argv[2]) : 0);
}
