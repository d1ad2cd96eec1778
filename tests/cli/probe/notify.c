/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that has something to say to its manager, sd_notify(3).
 *
 *   notify TEXT...     "no socket", or each TEXT sent to NOTIFY_SOCKET
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t size;

	if (!path || strlen(path) >= sizeof(address.sun_path)) {
		printf("no socket\n");
		return 0;
	}
	strcpy(address.sun_path, path);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0';
	for (int i = 1; i < argc; i++) {
		if (sendto(sock, argv[i], strlen(argv[i]), 0, (struct sockaddr *)&address, size) < 0) {
			perror(path);
			return 1;
		}
	}
	printf("told %s\n", path);
	close(sock);
	return 0;
}
