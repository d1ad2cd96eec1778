/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe for keys of the caller's: "keyring with COMMAND..." executes COMMAND with a session keyring
 * that has a secret in it; "keyring look" prints the secret, or why it cannot be had.
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME "cattach-test"

static int with(char **command)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "cattach-test-session") < 0 ||
	    syscall(SYS_add_key, "user", NAME, "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("keyring");
		return 1;
	}
	execvp(command[0], command);
	perror(command[0]);
	return 1;
}

static int look(void)
{
	char secret[64] = "";
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", NAME, 0);

	if (key < 0 || syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof(secret) - 1) < 0)
		printf("%s\n", strerrorname_np(errno));
	else
		printf("%s\n", secret);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "with") == 0)
		return with(argv + 2);
	return look();
}
