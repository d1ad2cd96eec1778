/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for keys: which file of a source has been sent already, and under which number. Keys are
 * device and inode of a tree's files, or the paths in a tar stream.
 *
 * A hash table with open addressing on the heap; in the half of a copy that reads. May fail for
 * want of memory only.
 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/fd.h>

/* FNV-1a. Keys that collide on purpose only cost the time of whoever made them. */
static size_t hash(const uint8_t *key, size_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		h = (h ^ key[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

/* The slot of this key, or the free one where it would be. Ends because at most half of the slots
 * are taken, see ct_links_add(). */
static struct ct_link *slot_of(const struct ct_links *links, const void *key, size_t size)
{
	size_t at = hash(key, size) & (links->capacity - 1);

	while (links->slots[at].key && (links->slots[at].size != size ||
					memcmp(links->slots[at].key, key, size) != 0))
		at = (at + 1) & (links->capacity - 1);
	return &links->slots[at];
}

/* Numbers begin with 1, so that of a free slot says "none". */
uint32_t ct_links_find(const struct ct_links *links, const void *key, size_t size)
{
	return links->capacity ? slot_of(links, key, size)->number : 0;
}

/* Keys move over to the new slots; they are not copied. */
static int grow(struct ct_links *links)
{
	struct ct_links larger = { .capacity = links->capacity ? links->capacity * 2 : 64 };

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < links->capacity; i++) {
		const struct ct_link *old = &links->slots[i];

		if (old->key)
			*slot_of(&larger, old->key, old->size) = *old;
	}
	larger.count = links->count;
	free(links->slots);
	*links = larger;
	return 0;
}

int ct_links_add(struct ct_links *links, const void *key, size_t size, uint32_t number)
{
	struct ct_link *slot;

	if (links->count * 2 >= links->capacity && grow(links) < 0)
		return -ENOMEM;
	slot = slot_of(links, key, size);
	if (!slot->key) {
		slot->key = malloc(size ? size : 1);
		if (!slot->key)
			return -ENOMEM;
		memcpy(slot->key, key, size);
		slot->size = size;
		links->count++;
	}
	slot->number = number;
	return 0;
}

void ct_links_done(struct ct_links *links)
{
	for (size_t i = 0; i < links->capacity; i++)
		free(links->slots[i].key);
	free(ct_take(&links->slots));
	links->capacity = links->count = 0;
}
