/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as what a source sends to a copy, received into a real directory.
 *
 * Beyond memory errors it looks for broken promises: nothing but the target directory changes, though
 * there are links in it that lead out; nothing half written stays; an error is filled if and only if
 * it failed. Linked with libFuzzer or with the driver that replays the corpus.
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/copy.h>
#include <cattach/fd.h>

#define INPUT_MAX 65536		/* fits into the socket, so that nobody need read while it is written */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* Count what is left of a name's beginning, and remove everything. */
static unsigned remove_all(int parent, const char *name, const char *prefix)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	unsigned found = 0;

	while (dir && (entry = readdir(dir))) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		found += !strncmp(entry->d_name, prefix, strlen(prefix));
		demand(fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0, "a name of nothing");
		if (S_ISDIR(st.st_mode)) {
			demand(fchmodat(fd, entry->d_name, 0700, 0) == 0, "somebody else's directory");
			found += remove_all(fd, entry->d_name, prefix);
		} else {
			demand(unlinkat(fd, entry->d_name, 0) == 0, "what cannot be removed");
		}
	}
	if (dir)
		closedir(dir);
	unlinkat(parent, name, AT_REMOVEDIR);
	return found;
}

static void make_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	demand(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "no place to work");
	close(fd);
}

/* outside/secret, and a target with a file, a directory, and links that lead out. */
static void make_scene(int dir)
{
	demand(mkdirat(dir, "outside", 0700) == 0 && mkdirat(dir, "target", 0700) == 0 &&
	       mkdirat(dir, "target/d", 0700) == 0, "no place to work");
	make_file(dir, "outside/secret", "secret");
	make_file(dir, "target/f", "old");
	demand(symlinkat("../outside", dir, "target/l") == 0 &&
	       symlinkat("../outside/secret", dir, "target/s") == 0, "no place to work");
}

static void check_scene(int dir)
{
	char text[16] = "";
	struct stat st;
	int fd = openat(dir, "outside/secret", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	demand(fd >= 0 && read(fd, text, sizeof(text)) == 6 && !memcmp(text, "secret", 6),
	       "a file outside changed");
	demand(fstat(fd, &st) == 0 && st.st_nlink == 1 && st.st_mode == (S_IFREG | 0600),
	       "a file outside was linked or changed its mode");
	close(fd);
	demand(remove_all(dir, "outside", "") == 1, "something was made outside");
	demand(remove_all(dir, "target", ".cattach-cp-") == 0, "something half written stayed");
}

static void ignore_report(const struct ct_err *err, bool warning, void *arg)
{
	(void)arg;
	demand(err->code != 0 || warning, "a report of nothing");
}

static void receive(int dir, const uint8_t *data, size_t size)
{
	const struct ct_copy_watch watch = { .report = ignore_report };
	struct ct_copy_channel ct_autochannel channel = CT_COPY_CHANNEL_INIT;
	struct ct_copy_target target = {
		.root = { .fd = dir }, .path = "target", .shown = "target", .name = "source",
	};
	struct ct_err err = { 0 };
	int pair[2], r;

	/* The first byte chooses whether the target is a root, so both ways of opening are seen. */
	target.root.confined = size && data[0] & 0x80;
	demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "no socket");
	for (size_t done = size ? 1 : 0; done < size;) {
		ssize_t n = send(pair[1], data + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		demand(n > 0, "a socket that takes less than it should");
		done += (size_t)n;
	}
	shutdown(pair[1], SHUT_WR);
	demand(ct_copy_channel_open(&channel, pair[0], &err) == 0, "no memory");
	channel.watch = &watch;
	r = ct_copy_receive_tree(&channel, &target, &err);
	close(pair[1]);
	demand(r <= 0 && (r < 0) == (err.code != 0), "an error that is filled without failing, or not");
	demand(r == 0 || err.what[0], "an error without text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/fuzz-copy.XXXXXX";
	int dir;

	if (size > INPUT_MAX)
		size = INPUT_MAX;
	demand(mkdtemp(path) != NULL, "no place to work");
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_scene(dir);
	receive(dir, data, size);
	check_scene(dir);
	close(dir);
	rmdir(path);
	return 0;
}
