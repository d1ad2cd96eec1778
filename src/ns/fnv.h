/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FNV-1a, 64 bits, taking eight bytes at a time: names of cache files and checksums against damage.
 * Every step is a bijection, so a change within one word is always seen. It is no protection
 * against anybody who may write the cache; that is what its owner and mode are for.
 */
#ifndef CATTACH_NS_FNV_H
#define CATTACH_NS_FNV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FNV_START	0xcbf29ce484222325ULL

/* Go on with a hash; begin with FNV_START. */
static inline uint64_t fnv_add(uint64_t hash, const void *data, size_t size)
{
	const char *p = data;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
	}
	word = size;	/* so that zero bytes at the end count */
	memcpy((char *)&word + 1, p, size);
	return (hash ^ word) * 0x100000001b3ULL;
}

#endif
