/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody at the attach socket: says HELLO and shows what comes back.
 *
 *   dial PATH      "type 67" (a welcome), "error: TEXT", "connect: ..."
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const unsigned char hello[16] = { 5, 1, 0, 0, 0, 0, 0, 8 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	unsigned char answer[4096];
	ssize_t n;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: dial PATH\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("connect");
		return 1;
	}
	/* Refused already, perhaps: the reason is there all the same. */
	if (send(sock, hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		perror("send");
	n = recv(sock, answer, sizeof(answer), 0);
	if (n < 0)
		n = recv(sock, answer, sizeof(answer), 0);
	if (n >= 12 && answer[0] == 65)
		printf("error: %.*s\n", (int)n - 12, (const char *)answer + 12);
	else if (n >= 8)
		printf("type %d\n", answer[0]);
	else
		printf("nothing\n");
	return 0;
}
