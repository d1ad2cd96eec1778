/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls by number, with arguments of -1, and what each answers: "ENOSYS", "EPERM", or "0" when it
 * was made.
 *
 *   call NUMBER...          of this machine
 *   call i386:NUMBER...     by int 0x80, on x86-64
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long call_i386(long number)
{
#if defined(__x86_64__)
	long result = number;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
#else
	(void)number;
	return -ENOSYS;
#endif
}

static long call_native(long number)
{
	long result = syscall(number, -1, -1, -1, -1, -1, -1);

	return result < 0 ? -errno : result;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *colon = strchr(argv[i], ':');
		long number = strtol(colon ? colon + 1 : argv[i], NULL, 0);
		long result = colon ? call_i386(number) : call_native(number);

		printf("%s%s", i > 1 ? " " : "", result < 0 ? strerrorname_np((int)-result) : "0");
	}
	printf("\n");
	return 0;
}
