/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile neighbour: exchanges two names in a directory as fast as it can, until it is killed.
 *
 *   exchange DIR NAME OTHER
 *
 * Runs on the host's side of a root file system while containers start in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int dir = argc == 4 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0) {
		fprintf(stderr, "usage: exchange DIR NAME OTHER\n");
		return 2;
	}
	for (;;) {
		if (renameat2(dir, argv[2], dir, argv[3], RENAME_EXCHANGE) < 0) {
			perror("renameat2");
			return 1;
		}
	}
}
