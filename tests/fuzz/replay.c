/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds every file of the directories and files named on the command line to a fuzz target, as a
 * fuzzer would. Linked with tests/fuzz/fuzz_NAME.c, which has LLVMFuzzerTestOneInput(); built with
 * the sanitizers, which end the process when they find something.
 *
 * Exit status: 0 when all were fed, 1 when there was nothing to feed or a file cannot be read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The name of the input goes first: a sanitizer's report then stands below it. */
static int feed_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(size ? size : 1);
	size_t have;

	if (!file || !data) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(data);
		if (file)
			fclose(file);
		return -1;
	}
	have = fread(data, 1, size, file);
	fclose(file);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, have);
	free(data);
	return 1;
}

static int feed(const char *path);

/* The number of files fed, or -1. */
static int feed_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int fed = 0;

	if (!dir) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fed >= 0 && (entry = readdir(dir))) {
		char child[4096];
		int n;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		n = feed(child);
		fed = n < 0 ? -1 : fed + n;
	}
	closedir(dir);
	return fed;
}

static int feed(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return feed_directory(path);
	return feed_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	int fed = 0;

	/* Nothing fed is a failure: an empty corpus proves nothing. */
	for (int i = 1; i < argc; i++) {
		int n = feed(argv[i]);

		if (n < 0)
			return 1;
		fed += n;
	}
	printf("%d inputs\n", fed);
	return fed > 0 ? 0 : 1;
}
