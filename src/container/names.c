/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: symbolic links in names/, each with a container's id as its text.
 *
 * The text is the short id, which people know, a dot, and the other digits, three in two
 * characters: 48 instead of 64. ext4 keeps up to 59 in the inode; for more it takes a block, and
 * removing such a link waits for the disk, which took longer than all else that a --rm removes.
 * Links with all 64 digits are understood, for they were made before.
 *
 * symlinkat(2) is the claim: it makes the link or finds one there, in one step, so of any number of
 * commands that want a name one gets it, and nobody scans anything. A link is made after its
 * directory and removed before it, so a link without a directory is left over from a crash or from
 * somebody's rm -r. Taking over such a link, and removing one's own, are two steps (look, change)
 * and done under flock(2) on names/, held for a few microseconds. Making a new link needs no lock:
 * it cannot succeed while another one is there.
 *
 * Runs in commands and in a monitor's --rm, as the user. No heap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "store.h"

/* A lock of our own: descriptors that other processes inherited would share it. Where the file
 * system knows no flock (some NFS) the race for a stale name stays, and nothing else. */
static int lock_names(const struct ct_store *store)
{
	int fd = openat(store->names, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

/* ---- the text of a link ---- */

/* 52 digits after the short id: 17 times three, and one that is left. */
#define REST_DIGITS	(CT_CONTAINER_ID_LENGTH - CT_SHORT_ID_LENGTH)
#define REST_LENGTH	(REST_DIGITS / 3 * 2 + 1)
#define TEXT_LENGTH	(CT_SHORT_ID_LENGTH + 1 + REST_LENGTH)
_Static_assert(REST_DIGITS % 3 == 1 && TEXT_LENGTH < 60, "as the functions below have it");

static const char hexadecimal[] = "0123456789abcdef";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The place of a character in a list of them, -1: it is not there. */
static int place_in(const char *list, char c)
{
	const char *found = c ? strchr(list, c) : NULL;

	return found ? (int)(found - list) : -1;
}

static void write_text(const char *id, char text[TEXT_LENGTH + 1])
{
	const char *digit = id + CT_SHORT_ID_LENGTH;
	char *out = text + CT_SHORT_ID_LENGTH;

	memcpy(text, id, CT_SHORT_ID_LENGTH);
	*out++ = '.';
	for (; digit[1]; digit += 3) {
		int bits = place_in(hexadecimal, digit[0]) << 8 |
			   place_in(hexadecimal, digit[1]) << 4 | place_in(hexadecimal, digit[2]);

		*out++ = alphabet[bits >> 6 & 63];
		*out++ = alphabet[bits & 63];
	}
	*out++ = *digit;
	*out = '\0';
}

/* The id, or something that is none. */
static void read_text(const char *text, char id[CT_CONTAINER_ID_LENGTH + 1])
{
	const char *in = text + CT_SHORT_ID_LENGTH + 1;
	char *digit = id + CT_SHORT_ID_LENGTH;

	memcpy(id, text, CT_SHORT_ID_LENGTH);
	for (; in[1]; in += 2) {
		int high = place_in(alphabet, in[0]), low = place_in(alphabet, in[1]);

		if (high < 0 || low < 0)
			break;
		*digit++ = hexadecimal[high >> 2];
		*digit++ = hexadecimal[(high & 3) << 2 | low >> 4];
		*digit++ = hexadecimal[low & 15];
	}
	*digit++ = *in;
	*digit = '\0';
}

/* One byte more than an id is read, to see that the text is not longer. */
int ct_name_lookup(const struct ct_store *store, const char *name,
		   char ret_id[CT_CONTAINER_ID_LENGTH + 1])
{
	char text[CT_CONTAINER_ID_LENGTH + 2], written[CT_CONTAINER_ID_LENGTH + 1];
	const char *id = text;
	ssize_t length = readlinkat(store->names, name, text, sizeof(text) - 1);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	if (length == TEXT_LENGTH && text[CT_SHORT_ID_LENGTH] == '.') {
		read_text(text, written);
		id = written;
	}
	if (!ct_is_id(id))
		return -EINVAL;
	memcpy(ret_id, id, CT_CONTAINER_ID_LENGTH + 1);
	return 0;
}

/* ---- names ---- */

static bool directory_exists(const struct ct_store *store, const char *id)
{
	struct stat st;

	return fstatat(store->containers, id, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

bool ct_name_is_used(const struct ct_store *store, const char *name)
{
	char id[CT_CONTAINER_ID_LENGTH + 1];

	return ct_name_lookup(store, name, id) == 0 && directory_exists(store, id);
}

/* The name is there: 0 when it is free again, -EEXIST when its container exists. */
static int clear_stale(const struct ct_store *store, const char *name)
{
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int ct_autofd lock = lock_names(store);
	int r = ct_name_lookup(store, name, id);
	struct stat st;

	if (r == -ENOENT)
		return 0;
	if (r == 0 && directory_exists(store, id))
		return -EEXIST;
	/* Not a link at all: nothing that cattach made, so nothing that it removes. */
	if (fstatat(store->names, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode))
		return -EEXIST;
	return unlinkat(store->names, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int ct_name_claim(const struct ct_store *store, const char *name, const char *id)
{
	char text[TEXT_LENGTH + 1];

	write_text(id, text);
	/* Every turn but the first follows a name that became free and was taken again. */
	for (int i = 0; i < 100; i++) {
		int r;

		if (symlinkat(text, store->names, name) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		r = clear_stale(store, name);
		if (r < 0)
			return r;
	}
	return -EEXIST;
}

/* Only if the name still is this container's: it may have been given to another. */
int ct_name_release(const struct ct_store *store, const char *name, const char *id)
{
	char holder[CT_CONTAINER_ID_LENGTH + 1];
	int ct_autofd lock = lock_names(store);
	int r = ct_name_lookup(store, name, holder);

	if (r < 0 || strcmp(holder, id) != 0)
		return 0;
	return unlinkat(store->names, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

struct name_search {
	const struct ct_store *store;
	const char *id;
	char *buf;
	size_t size;
};

static int match_name(int dir, const char *name, unsigned char type, void *arg)
{
	const struct name_search *search = arg;
	char id[CT_CONTAINER_ID_LENGTH + 1];

	(void)dir;
	(void)type;
	if (ct_name_lookup(search->store, name, id) < 0 || strcmp(id, search->id) != 0)
		return 0;
	snprintf(search->buf, search->size, "%s", name);
	return 1;
}

int ct_name_of_id(const struct ct_store *store, const char *id, char *buf, size_t size)
{
	struct name_search search = { .store = store, .id = id, .buf = buf, .size = size };
	int r = ct_each_entry(store->names, match_name, &search);

	return r < 0 ? r : r ? 0 : -ENOENT;
}
