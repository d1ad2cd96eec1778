/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe for the inside of a container that others join: looks again and again for processes of
 * its pid namespace that still run cattach's own program, and prints what it can see of them: where
 * /proc/PID/exe leads, which descriptors they have. Runs until it is killed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_link(const char *pid, const char *name, char target[256])
{
	char path[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	n = readlink(path, target, 255);
	if (n < 0)
		return -1;
	target[n] = '\0';
	return 0;
}

static void look_at(const char *pid)
{
	char target[256], name[16];

	if (read_link(pid, "exe", target) < 0 || !strstr(target, "cattach"))
		return;
	printf("exe: %s\n", target);
	for (int fd = 3; fd < 16; fd++) {
		snprintf(name, sizeof(name), "fd/%d", fd);
		if (read_link(pid, name, target) == 0)
			printf("%s: %s\n", name, target);
	}
	fflush(stdout);
}

int main(void)
{
	puts("looking");
	fflush(stdout);
	for (;;) {
		DIR *dir = opendir("/proc");
		struct dirent *entry;

		while (dir && (entry = readdir(dir)))
			if (atol(entry->d_name) > 0)
				look_at(entry->d_name);
		if (dir)
			closedir(dir);
	}
}
