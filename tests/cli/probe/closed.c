/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload that nobody outside may look into: not dumpable, as programs are that keep secrets
 * (ptrace(2), PR_SET_DUMPABLE). With the argument "open" it stays as it is; then it is the mode of
 * its file that closes it. Says "up", and waits to be killed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "open") != 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	printf("up, dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	fflush(stdout);
	for (;;)
		pause();
}
